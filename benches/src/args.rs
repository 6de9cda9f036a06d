use std::path::{Path, PathBuf};

use lexopt::prelude::*;

use crate::{Result, backend::Backend};

pub(crate) const USAGE: &str = "\
usage: audit-benches write|read|background --backend sqlite|postgres|mariadb [OPTION…]

  --url URL      the server to use (for sqlite: the folder), instead of AUDIT_TEST_POSTGRES_URL or
                 AUDIT_TEST_MARIADB_URL, or of a throwaway one where neither is given;
                 the measuring is done in databases of its own, which are dropped in the end
  --rounds N     how many samples a median is of; at least 5, by default 15

of write and read:
  --case TEXT    only the case of this name, or all that have TEXT in theirs
  --svg FILE     where the plot goes; by default target/benches/write-BACKEND.svg or read-BACKEND.svg

of read alone:
  --entries N    the size of the largest trail: 10000, 100000 or, by default, 1000000
  --explain      measures nothing, but shows what is sent and how the database goes about it

JSON goes to stdout, a line per case; the table and all else go to stderr.
";

/// Fewer make no median that holds.
const MIN_ROUNDS: usize = 5;

pub(crate) enum Command {
    Help,
    Write(Options),
    Read(Options),
    Background(Options),
}

pub(crate) struct Options {
    pub(crate) backend: Backend,
    pub(crate) url: Option<String>,
    pub(crate) rounds: usize,
    pub(crate) case: String,
    pub(crate) entries: u64,
    pub(crate) explain: bool,
    svg: Option<PathBuf>,
}

impl Options {
    /// Where the plot of this command goes.
    pub(crate) fn svg(&self, command: &str) -> PathBuf {
        let file = || {
            let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/benches");
            target.join(format!("{command}-{}.svg", self.backend))
        };
        self.svg.clone().unwrap_or_else(file)
    }
}

pub(crate) fn parse() -> Result<Command> {
    let mut parser = lexopt::Parser::from_env();
    let mut reads = false;
    let command: fn(Options) -> Command = match parser.next()? {
        Some(Value(command)) if command == "write" => Command::Write,
        Some(Value(command)) if command == "read" => {
            reads = true;
            Command::Read
        }
        Some(Value(command)) if command == "background" => Command::Background,
        Some(Long("help") | Short('h')) | None => return Ok(Command::Help),
        Some(other) => return Err(other.unexpected().into()),
    };
    let (mut backend, mut url, mut rounds) = (None, None, 15);
    let (mut case, mut svg) = (String::new(), None);
    let (mut entries, mut explain) = (u64::MAX, false);
    while let Some(argument) = parser.next()? {
        match argument {
            Long("backend") => backend = Some(parser.value()?.parse()?),
            Long("url") => url = Some(parser.value()?.string()?),
            Long("rounds") => rounds = parser.value()?.parse()?,
            Long("case") => case = parser.value()?.string()?,
            Long("svg") => svg = Some(parser.value()?.into()),
            Long("entries") if reads => entries = parser.value()?.parse()?,
            Long("explain") if reads => explain = true,
            Long("help") | Short('h') => return Ok(Command::Help),
            _ => return Err(argument.unexpected().into()),
        }
    }
    if rounds < MIN_ROUNDS {
        return Err(format!("--rounds must be at least {MIN_ROUNDS}").into());
    }
    let backend = backend.ok_or("--backend sqlite|postgres|mariadb is missing")?;
    let options = Options { backend, url, rounds, case, entries, explain, svg };
    Ok(command(options))
}
