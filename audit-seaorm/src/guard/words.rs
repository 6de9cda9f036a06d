use sea_orm::DbBackend;

use super::heads;

/// Words without which a statement of a known kind writes no row of an existing table, nor runs anything that might.
const WORDS: [&str; 21] = [
    "ATTACH", "BEGIN", "CALL", "CONVERT", "COPY", "DELETE", "DETACH", "DISCARD", "DO", "DROP",
    "EXCHANGE", "EXEC", "EXECUTE", "IMPORT", "INHERIT", "INSERT", "LOAD", "MERGE", "REPLACE",
    "TRUNCATE", "UPDATE",
];
const LONGEST: usize = 8;
/// Words without which a text changes no foreign key.
const DEFINING: [&str; 4] = ["ALTER", "CREATE", "DROP", "RENAME"];

/// What a text may do by its words. Comments, strings and names are looked at like everything else: this may
/// find too much, and is there to let plain reads pass at little cost.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// There is a word that a write needs, or the first one is not known.
    pub(super) may_write: bool,
    /// There is one that a change of the schema needs.
    pub(super) may_define: bool,
}

pub(super) fn seen(backend: DbBackend, sql: &str) -> Seen {
    let mut words = words(sql).peekable();
    let first = words.peek().copied();
    let is_unknown = first.is_some_and(|first| !heads::is_known(backend, first));
    let mut seen = Seen { may_write: is_unknown, may_define: false };
    for word in words.map(without_digits) {
        if (2..=LONGEST).contains(&word.len()) {
            let is_among = |all: &[&str]| all.iter().any(|known| known.eq_ignore_ascii_case(word));
            seen.may_write |= is_among(&WORDS);
            seen.may_define |= is_among(&DEFINING);
        }
    }
    seen
}

/// The runs of letters, digits and underscores.
///
/// All else separates, letters beyond ASCII too: what is one name to a database may come out as two
/// words, but never the other way round.
pub(super) fn words(sql: &str) -> impl Iterator<Item = &str> {
    let separates = |char: char| !(char.is_ascii_alphanumeric() || char == '_');
    sql.split(separates).filter(|word| !word.is_empty())
}

/// `1DELETE` is a number and a word.
pub(super) fn without_digits(word: &str) -> &str {
    word.trim_start_matches(|char: char| char.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_has_none_of_the_words() {
        for sql in [
            "",
            "SELECT * FROM post WHERE id = $1 ORDER BY updated_at",
            "SELECT deleted, inserted_at, _do, dont FROM document",
            "CREATE TABLE post (id int)",
            "SAVEPOINT savepoint_1",
        ] {
            assert!(!seen(DbBackend::Sqlite, sql).may_write, "{sql}");
        }
    }

    #[test]
    fn a_word_is_found_wherever_it_stands() {
        for sql in [
            "delete from post",
            "SELECT 1;DeLeTe FROM post",
            "WITH x AS(UPDATE post SET a=1 RETURNING *)SELECT * FROM x",
            "/* insert */ SELECT 1",
            "SELECT 'do'",
            "SELECT 1DELETE",
            "\u{feff}DELETE FROM post",
            "étéDELETE",
            "\tCALL x()",
            "FROB x",
        ] {
            assert!(seen(DbBackend::Sqlite, sql).may_write, "{sql}");
        }
    }
}
