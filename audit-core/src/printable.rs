//! Texts that others wrote, for a terminal and for a line of a log.

use std::fmt::{self, Write};

use serde_json::Value;

use crate::REDACTED;

/// How many characters of one text or value are shown.
const MAX_CHARS: usize = 64;

/// A text that others wrote, such as a user's id, as a terminal can show it.
///
/// One harmless word stands as it is; anything else is a JSON string, so that no text can be taken for what
/// stands beside it. Characters that steer a terminal, turn the direction of writing or are invisible are
/// written as JSON escapes. More than 64 characters are cut, with `…` in the place of the rest; `{:#}` writes
/// all of them.
///
/// ```
/// use audit_core::Printable;
///
/// assert_eq!(Printable("ann@example.com").to_string(), "ann@example.com");
/// assert_eq!(Printable("ann by bob").to_string(), r#""ann by bob""#);
/// assert_eq!(Printable("\u{1b}[2J").to_string(), r#""\u001b[2J""#);
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Printable<'a>(pub &'a str);

impl Printable<'_> {
    fn is_word(self) -> bool {
        let Self(text) = self;
        let plain = |char: char| !char.is_whitespace() && !is_hidden(char);
        // Lists and columns end their names with these, and `nobody` is said where there is no user.
        let clear = !text.starts_with('"') && !text.ends_with([',', ':']) && text != "nobody";
        clear && !text.is_empty() && text.chars().all(plain)
    }
}

impl fmt::Display for Printable<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_word() { show(f, self.0) } else { quote(f, self.0) }
    }
}

/// A value of an image as a terminal can show it: as JSON, `(redacted)`, or `(none)`. Cut as [`Printable`] is.
///
/// ```
/// use audit_core::{PrintableValue, REDACTED};
/// use serde_json::json;
///
/// assert_eq!(PrintableValue(Some(&json!("a b"))).to_string(), r#""a b""#);
/// assert_eq!(PrintableValue(Some(&json!(REDACTED))).to_string(), "(redacted)");
/// assert_eq!(PrintableValue(None).to_string(), "(none)");
/// ```
#[derive(Clone, Copy)]
pub struct PrintableValue<'a>(pub Option<&'a Value>);

impl fmt::Display for PrintableValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) if value == REDACTED => f.write_str("(redacted)"),
            Some(value) => show(f, value),
            None => f.write_str("(none)"),
        }
    }
}

impl fmt::Debug for PrintableValue<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Always as a JSON string: for prose.
pub(crate) fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    show(f, Value::from(text))
}

/// Cut, unless the formatter is the alternate one, and with nothing hidden in it.
fn show(f: &mut fmt::Formatter<'_>, text: impl fmt::Display) -> fmt::Result {
    let left = if f.alternate() { usize::MAX } else { MAX_CHARS };
    let mut shown = Shown { out: f, left };
    match write!(shown, "{text}") {
        Err(_) if shown.left == 0 => f.write_char('…'),
        outcome => outcome,
    }
}

/// Fails when there is more than fits: what is left of a long text is not even looked at.
struct Shown<'a, 'b> {
    out: &'a mut fmt::Formatter<'b>,
    left: usize,
}

impl Write for Shown<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for char in text.chars() {
            self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
            if is_hidden(char) {
                for unit in char.encode_utf16(&mut [0; 2]) {
                    write!(self.out, "\\u{unit:04x}")?;
                }
            } else {
                self.out.write_char(char)?;
            }
        }
        Ok(())
    }
}

/// Controls, among them those of 8 bits that some terminals obey, and Unicode's formatting characters, which
/// reorder what stands around them or make two texts look the same.
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(char,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_misread_is_quoted() {
        for word in ["42", "schema.table", r#"[7,"en"]"#, "Ångström", "\u{1F600}", "a\"b", "\\n"]
        {
            assert_eq!(Printable(word).to_string(), word);
        }
        for other in ["", " ", "a b", "a\u{a0}b", "\"a\"", "a,", "a:", "nobody", "a\nb"] {
            let text = Printable(other).to_string();
            assert_eq!(serde_json::from_str::<String>(&text).ok().as_deref(), Some(other));
        }
    }

    #[test]
    fn nothing_hidden_is_written_raw_and_all_of_it_can_be_read_back() {
        for char in ('\0'..=char::MAX).filter(|char| is_hidden(*char)) {
            let text = format!("a{char}b");
            let shown = Printable(&text).to_string();
            assert!(!shown.chars().any(is_hidden), "{char:?}: {shown:?}");
            assert_eq!(serde_json::from_str::<String>(&shown).ok(), Some(text));
        }
    }

    #[test]
    fn a_long_text_is_cut_with_a_mark_and_whole_on_demand() {
        let (fits, long) = ("ä".repeat(MAX_CHARS), "ä".repeat(MAX_CHARS + 1));
        assert_eq!(Printable(&fits).to_string(), fits);
        assert_eq!(Printable(&long).to_string(), format!("{fits}…"));
        assert_eq!(format!("{:#}", Printable(&long)), long);
        let prose = "a ".repeat(500_000);
        assert_eq!(Printable(&prose).to_string().chars().count(), MAX_CHARS + 1);
    }
}
