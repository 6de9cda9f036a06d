//! All that the guard asks of a text.

use sea_orm::DbBackend;

use super::{
    account::Account,
    cache,
    control::Control,
    heads::head,
    lexer::{Token, lex},
    statement::Kind,
    statements::statements,
    verdict::Verdict,
};
use crate::registry::TableName;

#[derive(Debug)]
pub(super) struct Reading {
    pub(super) verdict: Verdict,
    /// What it does to the transaction that it is sent on.
    pub(super) control: Option<Control>,
    /// The tables of which it may delete rows; none if that is not to be known.
    pub(super) emptied: Option<Vec<TableName>>,
    /// It counts as one statement here.
    is_one: bool,
}

impl Reading {
    pub(super) fn of(backend: DbBackend, sql: &str) -> Self {
        let tokens = lex(backend, sql);
        let statements = tokens.as_ref().map(|tokens| statements(backend, tokens));
        let account = statements.as_ref().map(|all| account(backend, all)).map_err(|it| **it);
        Self {
            verdict: Verdict::of(backend, sql, &account),
            control: match &statements {
                Ok(all) => all.iter().find_map(|statement| Control::of(backend, statement)),
                Err(unsure) => Some(Control::unsure(**unsure)),
            },
            emptied: account.ok().and_then(|account| emptied(backend, account)),
            is_one: statements.is_ok_and(|all| all.len() <= 1),
        }
    }
}

/// Whether the database has to be told to take no more than one statement of a text that has semicolons, since the guard
/// has judged it as one. What is admitted although nobody could read it has none of the words that do harm, or is
/// allowed to have them. `SQLite` cannot be told.
pub(super) fn must_be_one(backend: DbBackend, sql: &str) -> bool {
    let is_last = |char: char| char == ';' || char.is_ascii_whitespace();
    backend != DbBackend::Sqlite
        && sql.trim_end_matches(is_last).contains(';')
        && cache::reading(backend, sql).is_one
}

/// What the statements of a text do.
fn account(backend: DbBackend, statements: &[&[Token<'_>]]) -> Account {
    let mut account = Account::default();
    for statement in statements {
        account.add(backend, head(backend, statement), statement);
    }
    account
}

fn emptied(backend: DbBackend, account: Account) -> Option<Vec<TableName>> {
    let deletes = |kind: Kind| match kind {
        Kind::Delete | Kind::Merge | Kind::Replace => true,
        // It deletes the rows one by one there.
        Kind::Drop => backend == DbBackend::Sqlite,
        _ => false,
    };
    let Account { writes, doubtful, unknown, .. } = account;
    let written = writes.into_iter().filter(|(kind, _)| deletes(*kind)).map(|(_, name)| name);
    (!unknown).then(|| written.chain(doubtful).collect())
}
