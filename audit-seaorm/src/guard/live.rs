//! Which of the words that write stand where they can begin a write.

use sea_orm::DbBackend;
use sqlparser::tokenizer::{Token, Word};

/// What the words of a text can do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Live {
    /// There is a word that can begin a write.
    pub(super) writes: bool,
    /// There is a word that runs what cannot be seen here.
    pub(super) opaque: Option<&'static str>,
}

/// `tokens` are those that matter, without blanks and comments.
pub(super) fn live(tokens: &[Token], backend: DbBackend) -> Live {
    let has = |word| tokens.iter().any(|token| is(Some(token), word));
    let text = Text {
        // On MariaDB `SET STATEMENT … FOR UPDATE …` updates.
        for_update_locks: !(backend == DbBackend::MySql && has("STATEMENT")),
        cascades: has("CASCADE"),
    };
    let mut found = Live::default();
    for (at, token) in tokens.iter().enumerate() {
        let Some(word) = keyword(token) else { continue };
        let around = Around {
            before: at.checked_sub(1).and_then(|before| tokens.get(before)),
            after: tokens.get(at + 1),
        };
        match text.role(word, around) {
            Role::None => {}
            Role::Writes => found.writes = true,
            Role::Opaque(word) => {
                found.opaque.get_or_insert(word);
            }
        }
    }
    found
}

struct Text {
    for_update_locks: bool,
    cascades: bool,
}

#[derive(Clone, Copy)]
struct Around<'a> {
    before: Option<&'a Token>,
    after: Option<&'a Token>,
}

enum Role {
    None,
    Writes,
    Opaque(&'static str),
}

impl Text {
    fn role(&self, word: &str, around: Around<'_>) -> Role {
        if around.before == Some(&Token::Period) {
            return Role::None;
        }
        let harmless = match word.to_ascii_uppercase().as_str() {
            "CALL" => return Role::Opaque("CALL"),
            "DO" if !around.after_is(&["NOTHING", "UPDATE"]) => return Role::Opaque("DO"),
            "EXEC" | "EXECUTE" if !around.after_is(&["FUNCTION", "PROCEDURE", "ON"]) => {
                return Role::Opaque("EXECUTE");
            }
            "DROP" if around.after_is(&["SCHEMA", "DATABASE", "OWNED"]) => {
                return Role::Opaque("DROP SCHEMA");
            }
            "TRUNCATE" if self.cascades => return Role::Opaque("TRUNCATE … CASCADE"),
            // Clauses of a foreign key, of a lock and of an INSERT.
            "UPDATE" => {
                around.before_is(&["ON", "KEY", "DO"])
                    || (self.for_update_locks && around.before_is(&["FOR"]))
            }
            "DELETE" => around.before_is(&["ON"]),
            "INSERT" | "TRUNCATE" => around.is_call(),
            "REPLACE" => {
                let clause = around.before_is(&["OR", "CONFLICT"]);
                around.is_call() || (clause && !around.after_is(&["TABLE", "TEMPORARY"]))
            }
            "DROP" => !around.after_is(&["TABLE", "TEMPORARY", "PARTITION"]),
            "ATTACH" | "DETACH" | "EXCHANGE" | "CONVERT" => {
                !around.after_is(&["PARTITION", "TABLE"])
            }
            "COPY" | "DISCARD" | "IMPORT" | "LOAD" | "MERGE" | "UPSERT" => false,
            _ => true,
        };
        if harmless { Role::None } else { Role::Writes }
    }
}

impl Around<'_> {
    fn before_is(self, words: &[&str]) -> bool {
        words.iter().any(|word| is(self.before, word))
    }

    fn after_is(self, words: &[&str]) -> bool {
        words.iter().any(|word| is(self.after, word))
    }

    /// Functions of the same names.
    fn is_call(self) -> bool {
        self.after == Some(&Token::LParen)
    }
}

fn is(token: Option<&Token>, word: &str) -> bool {
    token.and_then(keyword).is_some_and(|found| found.eq_ignore_ascii_case(word))
}

fn keyword(token: &Token) -> Option<&str> {
    match token {
        Token::Word(Word { value, quote_style: None, .. }) => Some(value),
        _ => None,
    }
}
