use super::{
    CHARACTER, NUMBER, Token, Unsure,
    scanner::{Backslash, Scanner, begins_word, is_blank, is_word},
};

const CODE_POINTS: Unsure = Unsure::Because("a name is written in code points, `U&\"…\"`");

pub(super) fn token<'a>(text: &mut Scanner<'a>, first: u8) -> Result<Option<Token<'a>>, Unsure> {
    match first {
        _ if is_blank(first) => text.skip(1),
        b'-' if text.looks_at("--") => text.skip_line(b"\n\r"),
        b'/' if text.looks_at("/*") => text.skip_comment(true)?,
        b'\'' => return string(text, Backslash::BySetting).map(Some),
        b'"' => return Ok(Some(Token::Name(text.quoted(first, Backslash::Plain)?))),
        b'$' => return dollar(text).map(Some),
        b'0'..=b'9' => return text.number(true).map(Some),
        _ if begins_word(first) => return word(text).map(Some),
        _ if first.is_ascii_graphic() => return Ok(Some(text.symbol(first))),
        _ => return Err(CHARACTER),
    }
    Ok(None)
}

fn string<'a>(text: &mut Scanner<'a>, backslash: Backslash) -> Result<Token<'a>, Unsure> {
    Ok(Token::Text { text: text.quoted(b'\'', backslash)?, quote: b'\'' })
}

/// A word, or a string that one letter stands before.
fn word<'a>(text: &mut Scanner<'a>) -> Result<Token<'a>, Unsure> {
    let word = text.run(is_word);
    match (word.to_ascii_uppercase().as_str(), text.peek()) {
        ("E", Some(b'\'')) => string(text, Backslash::Escapes),
        ("B" | "N" | "X", Some(b'\'')) => string(text, Backslash::BySetting),
        ("U", Some(b'&')) if text.ahead(1) == Some(b'"') => Err(CODE_POINTS),
        _ => Ok(Token::Word(word)),
    }
}

/// A parameter, or a string between `$$` or `$tag$`.
fn dollar<'a>(text: &mut Scanner<'a>) -> Result<Token<'a>, Unsure> {
    if text.ahead(1).is_some_and(|byte| byte.is_ascii_digit()) {
        text.skip(1);
        text.run(|byte| byte.is_ascii_digit());
        return if text.peek().is_some_and(is_word) { Err(NUMBER) } else { Ok(Token::Value) };
    }
    let mut length = 1;
    while text.ahead(length).is_some_and(|byte| is_word(byte) && byte != b'$') {
        length += 1;
    }
    if text.ahead(length) != Some(b'$') {
        return Err(CHARACTER);
    }
    let quote = text.slice(length + 1);
    text.skip(quote.len());
    Ok(Token::Text { text: text.until(quote)?.into(), quote: b'$' })
}
