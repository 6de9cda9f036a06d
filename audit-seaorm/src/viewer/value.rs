//! Values, as JSON, so that the text `null` is not taken for NULL, nor a number for its digits.

use std::fmt::{self, Write};

use audit_core::{FieldRule, Printable, PrintableValue, REDACTED};
use serde_json::Value as Json;

/// How many characters of a value are shown at once.
const SHORT: usize = 160;

/// How many are shown at all.
const LONG: usize = 20_000;

/// A value to be shown.
#[derive(Debug)]
pub(super) struct Shown {
    /// All of it if it is short.
    pub(super) text: String,
    /// What is shown on demand, beginning anew.
    pub(super) long: Option<String>,
    /// Whether there is more, which is not shown at all.
    pub(super) is_cut: bool,
    pub(super) redacted: bool,
}

impl Shown {
    pub(super) fn of(value: &Json) -> Self {
        Self::written(format_args!("{:#}", PrintableValue(Some(value))), value == REDACTED)
    }

    /// A value of a column that may be hidden by now.
    pub(super) fn under(rule: Option<FieldRule>, value: Option<&Json>) -> Option<Self> {
        let redacted = Json::from(REDACTED);
        value.map(|value| Self::of(if rule.is_some() { &redacted } else { value }))
    }

    /// A text that is no value of a record, such as a reason.
    pub(super) fn text(text: &str) -> Self {
        Self::written(format_args!("{:#}", Printable(text)), false)
    }

    fn written(what: fmt::Arguments<'_>, redacted: bool) -> Self {
        let mut long = Cut { text: String::new(), left: LONG };
        let is_cut = long.write_fmt(what).is_err();
        let Cut { text, .. } = long;
        match text.char_indices().nth(SHORT) {
            None => Self { text, long: None, is_cut, redacted },
            Some((end, _)) => {
                Self { text: format!("{}…", &text[..end]), long: Some(text), is_cut, redacted }
            }
        }
    }
}

/// Fails when there is more than fits: what is left of a long value is not even looked at.
struct Cut {
    text: String,
    left: usize,
}

impl Write for Cut {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text.chars().try_for_each(|char| self.write_char(char))
    }

    fn write_char(&mut self, char: char) -> fmt::Result {
        self.left = self.left.checked_sub(1).ok_or(fmt::Error)?;
        self.text.push(char);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_value_is_shown_in_part_and_says_so() {
        let chars = |text: &Option<String>| text.as_ref().map(|text| text.chars().count());
        let short = Shown::of(&json!("ä".repeat(SHORT - 2)));
        assert_eq!((short.text.chars().count(), short.long, short.is_cut), (SHORT, None, false));
        let long = Shown::of(&json!("ä".repeat(LONG - 2)));
        assert_eq!(long.text.chars().count(), SHORT + 1);
        assert_eq!((chars(&long.long), long.is_cut), (Some(LONG), false));
        let huge = Shown::of(&json!("ä".repeat(LONG - 1)));
        assert_eq!((chars(&huge.long), huge.is_cut), (Some(LONG), true));
        assert!(Shown::text(&"ä ".repeat(LONG)).is_cut);
    }

    #[test]
    fn nothing_can_be_taken_for_something_else() {
        let text = |value| Shown::of(&value).text;
        assert_eq!((text(json!(null)), text(json!("null"))), ("null".into(), "\"null\"".into()));
        assert_eq!(text(json!("a\u{202e}b")), "\"a\\u202eb\"");
        assert!(Shown::of(&json!(REDACTED)).redacted);
        let hidden = Shown::under(Some(FieldRule::Redact), Some(&json!("secret")));
        assert!(hidden.is_some_and(|it| it.redacted && !it.text.contains("secret")));
    }
}
