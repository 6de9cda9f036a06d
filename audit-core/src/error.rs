use std::fmt;

use crate::Printable;

/// A configuration that cannot be used. Its text names the variable or the call and what is
/// allowed. Of the value that was found, which may be secret, it shows the name of an unknown table and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// [`AuditConfig::install`](crate::AuditConfig::install) was called a second time.
    #[error(
        "an audit configuration is already installed: call AuditConfig::install once, at the start \
         of the process, and AuditConfig::scope for what differs later"
    )]
    AlreadyInstalled,
    /// A variable of the environment has a value that is not allowed.
    #[error("{variable} {problem}: expected {expected}")]
    Variable {
        /// The name of the variable.
        variable: &'static str,
        /// What is wrong with the value.
        problem: Problem,
        /// What the variable takes.
        expected: &'static str,
    },
    /// A rule names a table that no audited entity of the program has, so it would have no effect.
    #[error(
        "{rule} names the table `{}`, which no audited entity of this program has: {}name a table of another program, \
         or one recorded by hand, in {remedy} as well",
        Printable(table),
        similar.as_deref().map(|it| format!("write `{it}`, or ")).unwrap_or_default()
    )]
    UnknownTable {
        /// The method or the variable that names the table.
        rule: &'static str,
        /// The table.
        table: String,
        /// The audited table with the most similar name, if there is one.
        similar: Option<String>,
        /// The method or the variable that declares a table of another program.
        remedy: &'static str,
    },
}

/// What is wrong with a value, without the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// It is not one of the allowed words.
    UnknownWord,
    /// The item at this place of the list, counted from one, has the wrong form.
    BadItem(usize),
    /// It is not valid Unicode.
    NotUnicode,
    /// It is not a whole number.
    NotANumber,
    /// It is a number, and less or more than allowed.
    OutOfRange,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownWord => f.write_str("has an unknown value"),
            Self::BadItem(place) => write!(f, "has a malformed item at place {place}"),
            Self::NotUnicode => f.write_str("is not valid Unicode"),
            Self::NotANumber => f.write_str("is not a whole number"),
            Self::OutOfRange => f.write_str("is out of range"),
        }
    }
}

/// A change that no entry can be made of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// A redaction names a column of the primary key, which `record_id` shows.
    #[error(
        "column `{column}` of `{table}` is part of the primary key, which names the record in every \
         entry and cannot be redacted: take it out of the redaction, or exclude the table"
    )]
    RedactedKey {
        /// The audited table.
        table: String,
        /// The column named by the redaction.
        column: String,
    },
    /// A redaction names a column that the table does not have.
    #[error(
        "`{table}` has no column `{column}`, so that redacting it hides nothing: write the name that the \
         column has in the database"
    )]
    UnknownColumn {
        /// The audited table.
        table: String,
        /// The column named by the redaction.
        column: String,
    },
    /// The record id is longer than the trail stores.
    #[error(
        "the primary key of a record of `{table}` has {chars} characters as text, more than the {max} \
         of audit_trail.record_id: exclude the table, or give it a shorter key"
    )]
    RecordIdTooLong {
        /// The audited table.
        table: String,
        /// Length of the key as text, in characters.
        chars: usize,
        /// The longest that can be stored, in characters.
        max: usize,
    },
}
