//! Values, as JSON, so that the text `null` is not taken for NULL, nor a number for its digits.

use audit_core::{PrintableValue, REDACTED};
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
    /// How many characters are not shown at all.
    pub(super) hidden: usize,
    pub(super) redacted: bool,
}

impl Shown {
    pub(super) fn of(value: &Json) -> Self {
        let redacted = value == REDACTED;
        let text = format!("{:#}", PrintableValue(Some(value)));
        match cut(&text, SHORT) {
            None => Self { text, long: None, hidden: 0, redacted },
            Some((short, _)) => {
                let (long, hidden) = cut(&text, LONG).unwrap_or((&text, 0));
                Self { text: format!("{short}…"), long: Some(long.to_owned()), hidden, redacted }
            }
        }
    }

    pub(super) fn maybe(value: Option<&Json>) -> Option<Self> {
        value.map(Self::of)
    }
}

/// The beginning, and how many characters are left; none if it fits.
fn cut(text: &str, chars: usize) -> Option<(&str, usize)> {
    let (place, _) = text.char_indices().nth(chars)?;
    let (begin, rest) = text.split_at(place);
    Some((begin, rest.chars().count()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_long_value_is_shown_in_part_and_says_so() {
        let short = Shown::of(&json!("ä".repeat(SHORT - 2)));
        assert_eq!((short.text.chars().count(), short.long, short.hidden), (SHORT, None, 0));
        let long = Shown::of(&json!("ä".repeat(SHORT)));
        assert_eq!(long.text.chars().count(), SHORT + 1);
        assert_eq!(long.long.map(|text| text.chars().count()), Some(SHORT + 2));
        let huge = Shown::of(&json!("ä".repeat(LONG)));
        assert_eq!(huge.long.map(|text| text.chars().count()), Some(LONG));
        assert_eq!(huge.hidden, 2);
    }

    #[test]
    fn nothing_can_be_taken_for_something_else() {
        let text = |value| Shown::of(&value).text;
        assert_eq!((text(json!(null)), text(json!("null"))), ("null".into(), "\"null\"".into()));
        assert_eq!(text(json!("a\u{202e}b")), "\"a\\u202eb\"");
        assert!(Shown::of(&json!(REDACTED)).redacted);
    }
}
