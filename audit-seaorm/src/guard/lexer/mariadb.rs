use super::{
    CHARACTER, ENCODED, Token, Unsure,
    scanner::{Backslash, Scanner, begins_word, is_blank, is_word},
};

const HINT: Unsure = Unsure::Because("a comment gives hints, `/*+ … */`");
const DASHES: Unsure = Unsure::Because("two dashes may begin a comment or not");

pub(super) fn token<'a>(text: &mut Scanner<'a>, first: u8) -> Result<Option<Token<'a>>, Unsure> {
    match first {
        _ if is_blank(first) => text.skip(1),
        b'#' => text.skip_line(b"\n"),
        b'-' if text.looks_at("--") => return dashes(text),
        b'/' if text.looks_at("/*") => comment(text)?,
        b'\'' | b'"' => return string(text, first).map(Some),
        b'`' => return name(text).map(Some),
        b'@' => return variable(text).map(Some),
        b'0'..=b'9' => return text.number(false).map(Some),
        // In another character set than UTF-8 it may take the next letter along, or be a blank.
        _ if !first.is_ascii() => return Err(ENCODED),
        _ if begins_word(first) => return word(text).map(Some),
        // A bracket quotes a name if `sql_mode` says so.
        b'[' | b']' | b'\\' | b'$' => return Err(CHARACTER),
        _ if first.is_ascii_graphic() => return Ok(Some(text.symbol(first))),
        _ => return Err(CHARACTER),
    }
    Ok(None)
}

/// They begin a comment if a blank or a control character follows.
fn dashes<'a>(text: &mut Scanner<'a>) -> Result<Option<Token<'a>>, Unsure> {
    match text.ahead(2) {
        None | Some(0..=b' ' | 0x7f) => {
            text.skip_line(b"\n");
            Ok(None)
        }
        Some(byte) if byte.is_ascii() => Ok(Some(text.symbol(b'-'))),
        Some(_) => Err(DASHES),
    }
}

fn comment(text: &mut Scanner<'_>) -> Result<(), Unsure> {
    if text.looks_at("/*!") || text.looks_at("/*M!") {
        return Err(Unsure::ExecutableComment);
    }
    if text.looks_at("/*+") { Err(HINT) } else { text.skip_comment(false) }
}

fn string<'a>(text: &mut Scanner<'a>, quote: u8) -> Result<Token<'a>, Unsure> {
    Ok(Token::Text { text: text.quoted(quote, Backslash::BySetting)?, quote })
}

/// A letter beyond ASCII may take the closing quote along, in another character set.
fn name<'a>(text: &mut Scanner<'a>) -> Result<Token<'a>, Unsure> {
    let name = text.quoted(b'`', Backslash::Plain)?;
    let eats_quote = |part: &str| part.bytes().last().is_some_and(|byte| !byte.is_ascii());
    if name.split('`').any(eats_quote) { Err(ENCODED) } else { Ok(Token::Name(name)) }
}

fn word<'a>(text: &mut Scanner<'a>) -> Result<Token<'a>, Unsure> {
    let word = text.run(is_word);
    if word.is_ascii() { Ok(Token::Word(word)) } else { Err(ENCODED) }
}

/// `@name`, `@@scope.name`, or what follows the name of an account.
fn variable<'a>(text: &mut Scanner<'a>) -> Result<Token<'a>, Unsure> {
    text.run(|byte| byte == b'@');
    if let Some(quote @ (b'\'' | b'"')) = text.peek() {
        text.quoted(quote, Backslash::BySetting)?;
        return Ok(Token::Variable(""));
    }
    if text.peek() == Some(b'`') {
        name(text)?;
        return Ok(Token::Variable(""));
    }
    let name = text.run(|byte| is_word(byte) || byte == b'.');
    if name.is_ascii() { Ok(Token::Variable(name)) } else { Err(ENCODED) }
}
