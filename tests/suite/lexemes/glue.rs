use audit_tests::Backend;

use crate::property::Dice;

/// Makes texts by chance of what quotes, comments and glues.
pub(super) struct Glue<'a> {
    backend: Backend,
    dice: &'a mut Dice,
}

/// What may be between any quotes, and is dangerous outside of them.
const INSIDE: [&str; 24] = [
    "'", "''", "\"", "`", "--", "-- ", "/*", "*/", "/* ", ";", "\n", "\r", "#", "$$", "$a$", "\\",
    "\\\\", "\\'", "é", "Á", "€", "[", "]", " ",
];

/// What does harm if it runs. Most of it is followed by what makes the rest a comment or a string.
const HARM: [&str; 8] = [
    "UPDATE lexeme_post SET likes = 9",
    "DELETE FROM lexeme_post",
    "UPDATE lexeme_post SET likes=likes+1",
    "INSERT INTO lexeme_post (id, likes) VALUES (7, 7)",
    "COMMIT",
    "ROLLBACK",
    "COMMIT AND CHAIN",
    "UPDATE/**/lexeme_post SET likes = 9",
];

impl<'a> Glue<'a> {
    pub(super) fn new(backend: Backend, dice: &'a mut Dice) -> Self {
        Self { backend, dice }
    }

    pub(super) fn text(&mut self) -> String {
        let mut text = "SELECT 'a'".to_owned();
        for _ in 0..=self.dice.below(4) {
            text += &self.glued();
        }
        for _ in 0..self.dice.below(3) {
            text += self.pick(&[";", "; ", "\n;", ";\n"]);
            text += &self.statement();
        }
        text += self.pick(&["", "", "", " ", ";", " -- x", " --", "-- '", "/* x */", "\n", "'"]);
        text
    }

    fn pick(&mut self, all: &[&'static str]) -> &'static str {
        let picked: &&'static str = self.dice.pick(all);
        picked
    }

    fn statement(&mut self) -> String {
        if self.dice.chance(60) {
            let tail = self.pick(&["", "", " -- ", "/*", " -- '", " /* ' */"]);
            return self.pick(&HARM).to_owned() + tail;
        }
        let (one, other) = (self.lexeme(), self.lexeme());
        let operator = self.operator();
        format!("SELECT {one}{operator}{other}")
    }

    /// An operator and what follows it, with or without something in between.
    fn glued(&mut self) -> String {
        let (before, after) = (self.gap(), self.gap());
        let (operator, lexeme) = (self.operator(), self.lexeme());
        format!("{before}{operator}{after}{lexeme}")
    }

    fn operator(&mut self) -> &'static str {
        if self.dice.chance(60) {
            return self.pick(&["||", "||", ", "]);
        }
        let all = match self.backend {
            Backend::Sqlite => &["||", "||", "=", "<", "->>", "-", "+", "|", "/", ", ", "IS"][..],
            Backend::Postgres => {
                &["||", "||", "=", "<>", "~", "~~", "||/", "@-", "|/", "->", ", ", "^@"]
            }
            Backend::MariaDb => &["||", "=", "<=>", "-", "+", "|", "/", ", ", "&&", "- -", "--"],
        };
        self.pick(all)
    }

    /// Blanks and comments.
    fn gap(&mut self) -> String {
        match self.dice.below(10) {
            0..=3 => String::new(),
            4 => self.pick(&[" ", "\n", "\t", "\r", "\u{b}", "\u{c}", "\u{a0}"]).to_owned(),
            5 | 6 => format!("/*{}*/", self.inside("*/")),
            7 => {
                let dashes = self.pick(&["--", "-- ", "--\t", "--\u{1}"]);
                format!("{dashes}{}\n", self.inside("\n"))
            }
            8 if self.backend == Backend::MariaDb => format!("#{}\n", self.inside("\n")),
            8 if self.backend == Backend::Postgres => {
                let [before, inner, after] = [(); 3].map(|()| self.inside("*/"));
                format!("/*{before}/*{inner}*/{after}*/")
            }
            _ => " ".to_owned(),
        }
    }

    /// A string, a quoted name, a number.
    fn lexeme(&mut self) -> String {
        match self.dice.below(16) {
            12.. => "'b'".to_owned(),
            0..=4 => self.between("'", "'"),
            5 => format!(
                "{}{}",
                self.pick(&["E", "N", "x", "U&", "e", "_utf8"]),
                self.between("'", "'")
            ),
            6 => format!("'a' AS {}", self.name()),
            7 if self.backend == Backend::Postgres => {
                let tag = self.pick(&["$$", "$a$", "$é$", "$A$"]);
                self.between(tag, tag)
            }
            7 if self.backend == Backend::MariaDb => self.between("\"", "\""),
            7 => self.pick(&[":a", "?", "$a", "@b"]).to_owned(),
            8 => self.pick(&["1", "1.", ".5", "1e5", "0x1F", "1E'a'", "NULL", "1.e5"]).to_owned(),
            9 => self.pick(&["@a", "@@version", "@`a'`", "@'b", "a$$b", "$1$$", "\\N"]).to_owned(),
            10 => {
                let (one, other) = (self.between("'", "'"), self.between("'", "'"));
                format!("{one}\n{other}")
            }
            _ => "1".to_owned(),
        }
    }

    fn name(&mut self) -> String {
        let (open, close) = match self.backend {
            Backend::Sqlite => *self.dice.pick(&[("\"", "\""), ("`", "`"), ("[", "]")]),
            Backend::Postgres => ("\"", "\""),
            Backend::MariaDb => *self.dice.pick(&[("`", "`"), ("\"", "\""), ("[", "]")]),
        };
        self.between(open, close)
    }

    fn between(&mut self, open: &str, close: &str) -> String {
        format!("{open}{}{close}", self.inside(close))
    }

    /// A few characters, with the quote itself among them now and then.
    fn inside(&mut self, close: &str) -> String {
        let mut text = String::new();
        for _ in 0..self.dice.below(4) {
            if self.dice.chance(12) {
                text += "; ";
                text += self.pick(&HARM);
                text += "; ";
            }
            let piece = if self.dice.chance(30) { "'" } else { self.pick(&INSIDE) };
            if piece != close || self.dice.chance(8) {
                text += piece;
            }
        }
        text
    }
}
