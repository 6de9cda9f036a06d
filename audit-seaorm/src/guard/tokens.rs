//! A text as the parser is given it.

use sea_orm::DbBackend;
use sqlparser::{
    dialect::{Dialect, MySqlDialect, PostgreSqlDialect, SQLiteDialect},
    tokenizer::{Token, TokenWithSpan, Tokenizer, Word},
};

pub(super) fn dialect(backend: DbBackend) -> &'static dyn Dialect {
    match backend {
        DbBackend::MySql => &MySqlDialect {},
        DbBackend::Sqlite => &SQLiteDialect {},
        _ => &PostgreSqlDialect {},
    }
}

/// The tokens of a text, without blanks, comments and modifiers; `None` if it cannot be divided into tokens.
pub(super) fn tokens(backend: DbBackend, sql: &str) -> Option<Vec<TokenWithSpan>> {
    let mut tokens = Tokenizer::new(dialect(backend), sql).tokenize_with_location().ok()?;
    tokens.retain(|token| !matches!(token.token, Token::Whitespace(_)));
    if backend == DbBackend::MySql {
        remove_modifiers(&mut tokens);
        remove_stars(&mut tokens);
    }
    Some(tokens)
}

/// Removes the words of `MariaDB` between the verb and the table, which the parser takes for a table.
fn remove_modifiers(tokens: &mut Vec<TokenWithSpan>) {
    let mut modifiers: &[&str] = &[];
    tokens.retain(|token| {
        let word = keyword(&token.token).map(str::to_ascii_uppercase);
        let word = word.as_deref().unwrap_or_default();
        let is_modifier = modifiers.contains(&word);
        if !is_modifier {
            modifiers = modifiers_of(word);
        }
        !is_modifier
    });
}

/// Makes `DELETE p.* FROM …` of `MariaDB` a `DELETE p FROM …`, which the parser reads.
fn remove_stars(tokens: &mut Vec<TokenWithSpan>) {
    let mut in_names = false;
    let mut at = 0;
    while at < tokens.len() {
        let is_star = in_names
            && tokens[at].token == Token::Period
            && tokens.get(at + 1).is_some_and(|next| next.token == Token::Mul);
        if is_star {
            tokens.drain(at..at + 2);
            continue;
        }
        let token = &tokens[at].token;
        let is_name = matches!(token, Token::Word(_) | Token::Period | Token::Comma);
        in_names = is(token, &["DELETE"]) || (in_names && is_name);
        at += 1;
    }
}

fn modifiers_of(verb: &str) -> &'static [&'static str] {
    match verb {
        "DELETE" => &["LOW_PRIORITY", "QUICK", "IGNORE"],
        "UPDATE" => &["LOW_PRIORITY", "IGNORE"],
        "INSERT" | "REPLACE" => &["LOW_PRIORITY", "DELAYED", "HIGH_PRIORITY", "IGNORE"],
        _ => &[],
    }
}

/// A word that is not in quotes.
pub(super) fn keyword(token: &Token) -> Option<&str> {
    match token {
        Token::Word(Word { value, quote_style: None, .. }) => Some(value),
        _ => None,
    }
}

pub(super) fn is(token: &Token, words: &[&str]) -> bool {
    keyword(token).is_some_and(|found| words.iter().any(|word| word.eq_ignore_ascii_case(found)))
}
