//! Which of the words that write stand where they can begin a write.

use sea_orm::DbBackend;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::tokens::{is, keyword};

/// What the words of a text can do.
#[derive(Clone, Debug, Default)]
pub(super) struct Live {
    /// The numbers of the tokens that can begin a write.
    pub(super) verbs: Vec<usize>,
    /// There is a word that runs what cannot be seen here.
    pub(super) opaque: Option<&'static str>,
}

/// `tokens` are those that matter, without blanks and comments.
pub(super) fn live(tokens: &[TokenWithSpan], backend: DbBackend) -> Live {
    let has = |word| tokens.iter().any(|token| is(&token.token, &[word]));
    let text = Text {
        // On MariaDB `SET STATEMENT … FOR UPDATE …` updates.
        for_update_locks: !(backend == DbBackend::MySql && has("STATEMENT")),
        cascades: has("CASCADE"),
    };
    let mut found = Live::default();
    for (at, token) in tokens.iter().enumerate() {
        let Some(word) = keyword(&token.token) else { continue };
        let token = |at: usize| tokens.get(at).map(|token| &token.token);
        let around = Around { before: at.checked_sub(1).and_then(token), after: token(at + 1) };
        match text.role(word, around) {
            Role::None => {}
            Role::Writes => found.verbs.push(at),
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
            "DROP" => !around.after_is(&["TABLE", "TABLES", "TEMPORARY", "PARTITION"]),
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
        self.before.is_some_and(|token| is(token, words))
    }

    fn after_is(self, words: &[&str]) -> bool {
        self.after.is_some_and(|token| is(token, words))
    }

    /// Functions of the same names.
    fn is_call(self) -> bool {
        self.after == Some(&Token::LParen)
    }
}
