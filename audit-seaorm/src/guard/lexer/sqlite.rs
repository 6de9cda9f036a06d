use std::borrow::Cow;

use super::{
    CHARACTER, NUMBER, Token, Unsure,
    scanner::{Backslash, Scanner, begins_word, is_blank, is_word},
};

const BYTE_ORDER_MARK: &str = "\u{feff}";
const PARAMETER: Unsure = Unsure::Because("a parameter has a suffix");

pub(super) fn token<'a>(text: &mut Scanner<'a>, first: u8) -> Result<Option<Token<'a>>, Unsure> {
    match first {
        _ if is_blank(first) => text.skip(1),
        _ if text.looks_at(BYTE_ORDER_MARK) => text.skip(BYTE_ORDER_MARK.len()),
        b'-' if text.looks_at("--") => text.skip_line(b"\n"),
        b'/' if text.looks_at("/*") => text.skip_comment(false)?,
        b'\'' => {
            let inner = text.quoted(first, Backslash::Plain)?;
            return Ok(Some(Token::Text { text: inner, quote: first }));
        }
        b'"' | b'`' => return Ok(Some(Token::Name(text.quoted(first, Backslash::Plain)?))),
        b'[' => return Ok(Some(Token::Name(bracketed(text)?))),
        b'?' => return numbered(text).map(Some),
        b'$' | b'@' | b'#' | b':' => return parameter(text).map(Some),
        b'0'..=b'9' => return text.number(true).map(Some),
        _ if begins_word(first) => return Ok(Some(Token::Word(text.run(is_word)))),
        _ if first.is_ascii_graphic() => return Ok(Some(text.symbol(first))),
        _ => return Err(CHARACTER),
    }
    Ok(None)
}

fn bracketed<'a>(text: &mut Scanner<'a>) -> Result<Cow<'a, str>, Unsure> {
    text.skip(1);
    Ok(text.until("]")?.into())
}

/// `?1`, where a letter begins another token.
fn numbered<'a>(text: &mut Scanner<'a>) -> Result<Token<'a>, Unsure> {
    text.skip(1);
    text.run(|byte| byte.is_ascii_digit());
    if text.peek().is_some_and(is_word) { Err(NUMBER) } else { Ok(Token::Value) }
}

/// `:name`, `@name`, `$name`. With Tcl's suffix in parentheses it would hold quotes of others.
fn parameter<'a>(text: &mut Scanner<'a>) -> Result<Token<'a>, Unsure> {
    text.skip(1);
    text.run(is_word);
    let has_suffix = text.peek() == Some(b'(') || text.looks_at("::");
    if has_suffix { Err(PARAMETER) } else { Ok(Token::Value) }
}
