//! What is asked for, behind the question mark.

use std::{convert::Infallible, str::FromStr};

use audit_core::Operation;
use axum::{extract::FromRequestParts, http::request::Parts};
use sea_orm::prelude::Uuid;

use super::moment::{self, Moment};
use crate::Cursor;

/// The parameters of a page. One that is given twice counts as it was given first.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    given: Vec<(String, String)>,
}

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Parameters {
    fn parse(query: &str) -> Self {
        let given = form_urlencoded::parse(query.as_bytes());
        Self { given: given.map(|(name, value)| (name.into(), value.into())).collect() }
    }

    /// The text of a parameter, which may be empty.
    pub(super) fn exact(&self, name: &str) -> Option<&str> {
        self.given.iter().find(|(given, _)| given == name).map(|(_, value)| &**value)
    }

    /// The text of a parameter. Forms send the fields that nobody has filled in, too.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.exact(name).filter(|text| !text.is_empty())
    }

    /// Reads a parameter, or notes that it cannot be read, and what would do.
    fn read<T>(
        &self,
        name: &'static str,
        faults: &mut Vec<Fault>,
        allowed: &'static str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Option<T> {
        let value = parse(self.text(name)?.trim());
        if value.is_none() {
            faults.push(Fault { name, allowed });
        }
        value
    }

    pub(super) fn moment(&self, name: &'static str, faults: &mut Vec<Fault>) -> Option<Moment> {
        self.read(name, faults, "a moment of UTC, such as 2026-11-24T09:00", moment::parse)
    }

    pub(super) fn operation(&self, faults: &mut Vec<Fault>) -> Option<Operation> {
        let allowed = "CREATE, UPDATE, DELETE or BASELINE";
        self.read("operation", faults, allowed, parsed)
    }

    pub(super) fn transaction(&self, faults: &mut Vec<Fault>) -> Option<Uuid> {
        self.read("transaction", faults, "the id of a transaction, which is a UUID", parsed)
    }

    pub(super) fn cursor(&self, name: &'static str, faults: &mut Vec<Fault>) -> Option<Cursor> {
        self.read(name, faults, "a place that a page of this list has linked to", parsed)
    }
}

fn parsed<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

/// A parameter that cannot be read.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) name: &'static str,
    /// What would do.
    pub(super) allowed: &'static str,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anything_can_be_asked() {
        let given = Parameters::parse("a=1&a=2&b=&c=+&d=%ff%zz&=e&f&g=%3Cscript%3E&h=a+b");
        let text = |name| given.text(name);
        assert_eq!(
            (text("a"), text("b"), text("c"), text("f")),
            (Some("1"), None, Some(" "), None)
        );
        assert_eq!((given.exact("b"), given.exact("i")), (Some(""), None));
        assert_eq!(text("d"), Some("\u{fffd}%zz"));
        assert_eq!((text("g"), text("h")), (Some("<script>"), Some("a b")));
    }

    #[test]
    fn what_cannot_be_read_is_told_by_name() {
        let given = Parameters::parse("from=soon&operation=update&transaction=1&after=2");
        let mut faults = Vec::new();
        assert!(given.moment("from", &mut faults).is_none());
        assert!(given.moment("to", &mut faults).is_none());
        assert!(given.operation(&mut faults).is_none());
        assert!(given.transaction(&mut faults).is_none());
        assert!(given.cursor("after", &mut faults).is_none());
        let names: Vec<_> = faults.iter().map(|fault| fault.name).collect();
        assert_eq!(names, ["from", "operation", "transaction", "after"]);
    }
}
