use audit_tests::Backend;

use crate::property::Dice;

/// A blank within a name or a string, which stays as it is.
pub(super) const BLANK: &str = "\u{1}";

/// The tables that are audited, that of the trail included. All tables have the same columns.
pub(super) const AUDITED: [&str; 5] =
    ["grammar_post", "grammar\u{1}odd", "order", "grammar_part", "audit_trail"];
/// The others: a name may be a word that means something else at another place.
pub(super) const OTHERS: [&str; 3] = ["grammar_other", "grammar_log", "quick"];

/// Makes texts by chance, and keeps in mind whether one writes an audited table.
pub(super) struct Gen<'a> {
    pub(super) dice: &'a mut Dice,
    backend: Backend,
    writes: bool,
}

impl<'a> Gen<'a> {
    pub(super) fn new(backend: Backend, dice: &'a mut Dice) -> Self {
        Self { dice, backend, writes: false }
    }

    /// Whether the text is to be refused.
    pub(super) const fn writes_audited(&self) -> bool {
        self.writes
    }

    /// What it does cannot be told from the text, and is refused whatever it is.
    pub(super) const fn is_opaque(&mut self) {
        self.writes = true;
    }

    /// Makes a part of a text that does not run.
    pub(super) fn unrun(&mut self, make: impl FnOnce(&mut Self) -> String) -> String {
        let writes = self.writes;
        let text = make(self);
        self.writes = writes;
        text
    }

    pub(super) fn pick(&mut self, all: &[&'static str]) -> &'static str {
        all[self.dice.below(all.len())]
    }

    /// The text or nothing.
    pub(super) fn maybe(&mut self, text: &'static str) -> &'static str {
        if self.dice.chance(40) { text } else { "" }
    }

    /// A table that is read.
    pub(super) fn read(&mut self) -> String {
        let table = if self.dice.chance(60) { self.pick(&AUDITED) } else { self.pick(&OTHERS) };
        self.name(table)
    }

    /// A table that is written.
    pub(super) fn written(&mut self) -> String {
        let audited = self.dice.chance(50);
        self.writes |= audited;
        let table = if audited { self.pick(&AUDITED) } else { self.pick(&OTHERS) };
        self.name(table)
    }

    /// One that is not audited.
    pub(super) fn other(&mut self) -> String {
        let table = self.pick(&OTHERS);
        self.name(table)
    }

    /// The partitioned table.
    pub(super) fn part(&mut self) -> String {
        self.writes = true;
        self.name("grammar_part")
    }

    fn name(&mut self, table: &'static str) -> String {
        let quoted = table.contains(BLANK) || table == "order" || self.dice.chance(30);
        let name = if quoted { self.quoted(table) } else { self.spelt(table) };
        let schema = match self.backend {
            Backend::Sqlite => "main",
            Backend::Postgres => "public",
            Backend::MariaDb => "{database}",
        };
        if self.dice.chance(15) { format!("{schema}.{name}") } else { name }
    }

    fn quoted(&mut self, table: &str) -> String {
        let quotes: &[(&str, &str)] = match self.backend {
            Backend::Sqlite => &[("\"", "\""), ("`", "`"), ("[", "]"), ("'", "'")],
            Backend::Postgres => &[("\"", "\"")],
            Backend::MariaDb => &[("`", "`")],
        };
        let (open, close) = self.dice.pick(quotes);
        format!("{open}{table}{close}")
    }

    fn spelt(&mut self, table: &str) -> String {
        let free = self.backend != Backend::MariaDb && self.dice.chance(15);
        if free { table.to_uppercase() } else { table.to_owned() }
    }

    pub(super) fn alias(&mut self) -> &'static str {
        if self.dice.chance(3) {
            return "grammar_post";
        }
        self.pick(&["p", "o", "quick", "low", "x1", "data"])
    }

    pub(super) fn string(&mut self) -> &'static str {
        self.pick(&[
            "'x'",
            "'it''s'",
            "'grammar_post'",
            "'delete\u{1}from\u{1}grammar_post'",
            "';'",
            "'--'",
            "'/*'",
            "''",
            "'update\u{1}audit_trail\u{1}set\u{1}title\u{1}=\u{1}1'",
        ])
    }

    /// `of` is the table with a period, or nothing.
    pub(super) fn number(&mut self, of: &str) -> String {
        match self.dice.below(7) {
            0 => "7".to_owned(),
            1 => format!("{of}likes + 1"),
            2 => format!("(SELECT COUNT(*) FROM {})", self.read()),
            3 => format!("CASE WHEN {of}likes > 1 THEN 2 ELSE 3 END"),
            4 => format!("COALESCE({of}likes, 0)"),
            5 => format!("LENGTH(REPLACE({of}title, 'a', 'bc'))"),
            _ => format!("(SELECT MAX(z.likes) FROM {} z WHERE z.id > 0)", self.read()),
        }
    }

    pub(super) fn condition(&mut self, of: &str) -> String {
        match self.dice.below(7) {
            0 => format!("{of}id = 1"),
            1 => format!("{of}id > 0"),
            2 => format!("{of}title <> {}", self.string()),
            3 => format!("{of}id IN (SELECT z.id FROM {} z)", self.read()),
            4 => format!("EXISTS (SELECT 1 FROM {})", self.read()),
            5 => format!("({of}id = 1 OR {of}id = 2) AND {of}likes < 100"),
            _ => format!("{of}title NOT IN ('q', {})", self.string()),
        }
    }

    pub(super) fn place(&mut self, of: &str) -> String {
        if self.dice.chance(70) { format!(" WHERE {}", self.condition(of)) } else { String::new() }
    }

    /// What columns are set to, one or two of them.
    pub(super) fn assignments(&mut self, of: &str) -> String {
        let number = self.number(of);
        match self.dice.below(3) {
            0 => format!("likes = {number}, title = {}", self.string()),
            1 => format!("title = {}", self.string()),
            _ => format!("likes = {number}"),
        }
    }

    /// Rows for `(id, title, likes)`.
    pub(super) fn rows(&mut self) -> String {
        match self.dice.below(6) {
            0 => format!("SELECT z.id + 1000, z.title, z.likes FROM {} z", self.read()),
            1 => {
                let (one, other) = (self.read(), self.read());
                format!(
                    "SELECT a1.id + 2000, b1.title, a1.likes FROM {one} a1 JOIN {other} b1 ON a1.id = b1.id"
                )
            }
            2 => format!(
                "SELECT z.id + 3000, z.title, z.likes FROM (SELECT * FROM {}) AS z WHERE {}",
                self.read(),
                self.condition("z.")
            ),
            3 => format!("SELECT 77, {}, 5", self.string()),
            _ => self.values(),
        }
    }

    pub(super) fn values(&mut self) -> String {
        let number = 100 + self.dice.below(800);
        let more = if self.dice.chance(30) { ", (99, 'z', 1)" } else { "" };
        format!("VALUES ({number}, {}, 3){more}", self.string())
    }

    pub(super) fn columns(&mut self) -> &'static str {
        self.pick(&["(id, title, likes)", "(id,title,likes)", "( id, title, likes )"])
    }

    /// What only reads.
    pub(super) fn select(&mut self) -> String {
        match self.dice.below(6) {
            0 => format!("SELECT * FROM {}{}", self.read(), self.place("")),
            1 => {
                let (one, other) = (self.read(), self.read());
                format!(
                    "SELECT a1.id, b1.title FROM {one} a1 LEFT JOIN {other} b1 ON b1.id = a1.id"
                )
            }
            2 => format!("SELECT COUNT(*) FROM (SELECT id FROM {}) AS z", self.read()),
            3 => {
                let (one, other) = (self.read(), self.read());
                format!("SELECT id, title FROM {one} UNION ALL SELECT id, title FROM {other}")
            }
            4 => format!(
                "WITH c1 AS (SELECT * FROM {}) SELECT * FROM c1, {}",
                self.read(),
                self.other()
            ),
            _ => {
                format!("SELECT {}, {}", self.string(), self.number("z."))
                    + &format!(" FROM {} z", self.read())
            }
        }
    }

    /// Blanks, comments and the case of letters by chance.
    pub(super) fn finish(&mut self, text: &str, database: &str) -> String {
        let lower = self.dice.chance(15);
        let mut finished = String::new();
        for char in text.chars() {
            match char {
                ' ' => finished.push_str(self.separator()),
                char if lower => finished.extend(char.to_lowercase()),
                char => finished.push(char),
            }
        }
        finished.replace(BLANK, " ").replace("{database}", database)
    }

    fn separator(&mut self) -> &'static str {
        if self.dice.chance(85) {
            return " ";
        }
        let all = [
            "\n",
            "\t",
            "  ",
            " /* x */ ",
            " /* delete from grammar_post */ ",
            " -- x\n",
            " -- update grammar_post\n",
            " # x\n",
        ];
        let known = if self.backend == Backend::MariaDb { all.len() } else { all.len() - 1 };
        self.pick(&all[..known])
    }
}
