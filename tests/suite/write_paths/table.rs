//! The tables of `docs/write-paths.md`, which say what the tests expect.

use std::{fs, sync::LazyLock};

use audit_tests::Backend;

/// Read when it runs, so that a word in the table is no reason to compile the suite.
static TEXT: LazyLock<String> = LazyLock::new(|| {
    fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/write-paths.md")).unwrap()
});

/// What becomes of a write, as a cell of the table says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Recorded,
    NoEntry,
    Refused,
    OutOfSight,
}

/// What a write runs on: the columns of the table, in their order.
#[derive(Clone, Copy, Debug)]
pub(crate) enum On {
    Pool,
    Transaction,
    AuditTransaction,
    AuditConnection,
}

/// A row: the name of its test, the calls, a cell for each of [`On`], what to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    cells: [&'static str; 4],
}

impl Row {
    pub(crate) fn named(name: &str) -> Self {
        let row = Self::all().find(|row| row.name == name);
        row.unwrap_or_else(|| panic!("docs/write-paths.md has no row `{name}`"))
    }

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TEXT.lines().filter(|line| line.starts_with("| `")).map(Self::of_line)
    }

    fn of_line(line: &'static str) -> Self {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let ["", name, _calls, pool, transaction, audit_transaction, audit_connection, _, ""] =
            cells[..]
        else {
            panic!("not a row of seven cells: {line}");
        };
        let cells = [pool, transaction, audit_transaction, audit_connection];
        Self { name: name.trim_matches('`'), cells }
    }

    /// A cell is a fate, and may go on with those of single backends: `recorded; MariaDB: refused`.
    pub(crate) fn fate(self, on: On, backend: Backend) -> Fate {
        let name = match backend {
            Backend::Sqlite => "SQLite: ",
            Backend::Postgres => "PostgreSQL: ",
            Backend::MariaDb => "MariaDB: ",
        };
        let cell = self.cells[on as usize];
        let of_backend = cell.split("; ").find_map(|part| part.strip_prefix(name));
        match of_backend.or(cell.split("; ").next()) {
            Some("recorded") => Fate::Recorded,
            Some("no entry") => Fate::NoEntry,
            Some("refused") => Fate::Refused,
            Some("out of sight") => Fate::OutOfSight,
            _ => panic!("{}: no fate in `{cell}`", self.name),
        }
    }

    /// For what does not go by the connection: all cells say the same.
    pub(crate) fn assert_everywhere(self, fate: Fate, backend: Backend) {
        for on in [On::Pool, On::Transaction, On::AuditTransaction, On::AuditConnection] {
            assert_eq!(self.fate(on, backend), fate, "{}: {on:?}", self.name);
        }
    }
}
