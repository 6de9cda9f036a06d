//! Which of the words that write stand where they can begin a write.

use sea_orm::DbBackend;

use super::lexer::Token;

/// What the words of a statement can do.
#[derive(Clone, Debug, Default)]
pub(super) struct Verbs {
    /// The numbers of the tokens that can begin a write.
    pub(super) at: Vec<usize>,
    /// There is a word that runs what cannot be seen here.
    pub(super) opaque: Option<&'static str>,
}

pub(super) fn verbs(backend: DbBackend, statement: &[Token<'_>]) -> Verbs {
    let has = |word| statement.iter().any(|token| token.is(&[word]));
    let context = Context {
        backend,
        // On MariaDB `SET STATEMENT … FOR UPDATE …` updates.
        for_update_locks: !(backend == DbBackend::MySql && has("STATEMENT")),
        defines: statement.first().is_some_and(|token| token.is(&["CREATE"])) && has("TRIGGER"),
        cascades: has("CASCADE"),
    };
    let mut found = Verbs::default();
    for (at, token) in statement.iter().enumerate() {
        let Some(word) = token.word() else { continue };
        let token = |at: usize| statement.get(at);
        let around = Around { before: at.checked_sub(1).and_then(token), after: token(at + 1) };
        match context.role(word, around) {
            Role::None => {}
            Role::Writes => found.at.push(at),
            Role::Opaque(word) => {
                found.opaque.get_or_insert(word);
            }
        }
    }
    found
}

struct Context {
    backend: DbBackend,
    for_update_locks: bool,
    /// A trigger names the events that it is for.
    defines: bool,
    cascades: bool,
}

#[derive(Clone, Copy)]
struct Around<'t, 'a> {
    before: Option<&'t Token<'a>>,
    after: Option<&'t Token<'a>>,
}

enum Role {
    None,
    Writes,
    Opaque(&'static str),
}

impl Context {
    fn role(&self, word: &str, around: Around<'_, '_>) -> Role {
        if around.before.is_some_and(|token| token.is_symbol(b'.')) {
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
                around.before_is(&["ON", "KEY"])
                    || (self.backend != DbBackend::MySql && around.before_is(&["DO"]))
                    || (self.for_update_locks && around.before_is(&["FOR"]))
                    || self.is_column(around)
                    || self.is_event(around)
            }
            "DELETE" => {
                around.before_is(&["ON"]) || self.is_column(around) || self.is_event(around)
            }
            "INSERT" | "TRUNCATE" => {
                around.is_call() || self.is_column(around) || self.is_event(around)
            }
            "REPLACE" => {
                let clause = around.before_is(&["OR", "CONFLICT"]);
                around.is_call() || (clause && !around.after_is(&["TABLE", "TEMPORARY"]))
            }
            "DROP" => !around.after_is(&["FOREIGN", "TABLE", "TABLES", "TEMPORARY"]),
            "COPY" | "LOAD" | "MERGE" => self.is_column(around),
            _ => true,
        };
        if harmless { Role::None } else { Role::Writes }
    }

    /// `PostgreSQL` takes these words for columns, too.
    fn is_column(&self, around: Around<'_, '_>) -> bool {
        let follows = |token: &Token<'_>| token.is_symbol(b',') || token.is(&["SELECT"]);
        self.backend == DbBackend::Postgres && around.before.is_some_and(follows)
    }

    fn is_event(&self, around: Around<'_, '_>) -> bool {
        let events: &[&str] =
            if self.backend == DbBackend::Postgres { &["ON", "OF", "OR"] } else { &["ON", "OF"] };
        self.defines && around.after_is(events)
    }
}

impl Around<'_, '_> {
    fn before_is(self, words: &[&str]) -> bool {
        self.before.is_some_and(|token| token.is(words))
    }

    fn after_is(self, words: &[&str]) -> bool {
        self.after.is_some_and(|token| token.is(words))
    }

    /// Functions of the same names.
    fn is_call(self) -> bool {
        self.after.is_some_and(|token| token.is_symbol(b'('))
    }
}
