//! What a client sends is text of a bounded length, and nothing else.

/// The text up to `max` bytes, and never half a character.
pub(super) fn cut(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

/// The text of a header, cut likewise. What is not UTF-8 becomes U+FFFD.
pub(super) fn text(bytes: &[u8], max: usize) -> String {
    // A character that begins within the bound may end up to three bytes behind it.
    let begun = &bytes[..bytes.len().min(max + 3)];
    cut(&String::from_utf8_lossy(begun), max).to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_cut_leaves_whole_characters() {
        assert_eq!(cut("short", 8), "short");
        assert_eq!(cut("naïve", 3), "na");
        assert_eq!(text("naïve".as_bytes(), 3), "na");
        assert_eq!(text("naïve".as_bytes(), 4), "naï");
        assert_eq!(text(b"na\xffve", 5), "na\u{fffd}");
        assert_eq!(text(b"na\xffve", 4), "na");
    }

    proptest! {
        #[test]
        fn the_bytes_of_a_text_are_bounded_and_its_beginning(text in ".*", max in 0_usize..40) {
            let bounded = super::text(text.as_bytes(), max);
            prop_assert!(bounded.len() <= max);
            prop_assert!(text.starts_with(&bounded));
            prop_assert!(bounded.len() + 4 > max.min(text.len()));
        }

        #[test]
        fn any_bytes_are_bounded(bytes: Vec<u8>, max in 0_usize..40) {
            prop_assert!(text(&bytes, max).len() <= max);
        }
    }
}
