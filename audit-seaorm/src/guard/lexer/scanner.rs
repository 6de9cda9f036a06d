//! What the lexers have in common: a place in a text, and steps from it.

use std::borrow::Cow;

use super::{ENCODED, NUMBER, SETTINGS, Token, UNTERMINATED, Unsure};

pub(super) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

/// What a backslash is within quotes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Backslash {
    /// A character like others.
    Plain,
    /// It takes the next character's meaning away, or not: a setting decides.
    BySetting,
    /// It takes the next character's meaning away.
    Escapes,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn peek(&self) -> Option<u8> {
        self.ahead(0)
    }

    pub(super) fn ahead(&self, steps: usize) -> Option<u8> {
        self.text.as_bytes().get(self.at + steps).copied()
    }

    pub(super) fn looks_at(&self, text: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(text.as_bytes())
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    /// A character of an operator.
    pub(super) fn symbol(&mut self, symbol: u8) -> Token<'a> {
        self.skip(1);
        Token::Symbol(symbol)
    }

    /// Goes on behind the end of the line, or to the end of the text.
    pub(super) fn skip_line(&mut self, ends: &[u8]) {
        while self.peek().is_some_and(|byte| !ends.contains(&byte)) {
            self.skip(1);
        }
    }

    /// Goes on behind `*/`.
    pub(super) fn skip_comment(&mut self, nests: bool) -> Result<(), Unsure> {
        let mut depth = 1;
        self.skip(2);
        while depth > 0 {
            if self.looks_at("*/") {
                depth -= 1;
                self.skip(2);
            } else if nests && self.looks_at("/*") {
                depth += 1;
                self.skip(2);
            } else {
                self.peek().ok_or(UNTERMINATED)?;
                self.skip(1);
            }
        }
        Ok(())
    }

    /// The letters, digits and so on from here.
    pub(super) fn run(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let start = self.at;
        while self.peek().is_some_and(&belongs) {
            self.skip(1);
        }
        // Bytes beyond ASCII belong all of them or none, so this is on the border of a character.
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// What is in quotes, where the opening one is ahead. One that is doubled is one of the text.
    pub(super) fn quoted(
        &mut self,
        close: u8,
        backslash: Backslash,
    ) -> Result<Cow<'a, str>, Unsure> {
        self.skip(1);
        let start = self.at;
        let mut doubled = false;
        loop {
            match self.peek().ok_or(UNTERMINATED)? {
                b'\\' if backslash == Backslash::Escapes => self.skip_escape(start)?,
                byte if byte != close => self.skip(1),
                _ => {
                    if backslash == Backslash::BySetting {
                        self.check_backslashes(start)?;
                    }
                    if self.ahead(1) != Some(close) {
                        break;
                    }
                    doubled = true;
                    self.skip(2);
                }
            }
        }
        let inner = self.text.get(start..self.at).unwrap_or_default();
        self.skip(1);
        Ok(if doubled { single(inner, close) } else { inner.into() })
    }

    /// What is ahead, of so many bytes.
    pub(super) fn slice(&self, bytes: usize) -> &'a str {
        self.text.get(self.at..self.at + bytes).unwrap_or_default()
    }

    /// The text up to these characters, and goes on behind them.
    pub(super) fn until(&mut self, close: &str) -> Result<&'a str, Unsure> {
        let rest = self.text.get(self.at..).ok_or(UNTERMINATED)?;
        let end = rest.find(close).ok_or(UNTERMINATED)?;
        self.skip(end + close.len());
        Ok(&rest[..end])
    }

    /// A number, which no letter may follow but those that numbers have.
    pub(super) fn number(&mut self, grouped: bool) -> Result<Token<'a>, Unsure> {
        let run = self.run(is_word);
        let digits = |text: &str, radix| {
            let is_digit = |byte: u8| char::from(byte).is_digit(radix) || (grouped && byte == b'_');
            !text.is_empty() && text.bytes().all(is_digit)
        };
        let lower = run.to_ascii_lowercase();
        let with_exponent = lower.split_once('e').is_some_and(|(mantissa, exponent)| {
            let is_signed = exponent.is_empty()
                && matches!(self.peek(), Some(b'+' | b'-'))
                && self.ahead(1).is_some_and(|byte| byte.is_ascii_digit());
            digits(mantissa, 10) && (digits(exponent, 10) || is_signed)
        });
        let in_radix = |prefix: &str, radix| {
            lower.strip_prefix(prefix).is_some_and(|rest| digits(rest, radix))
        };
        let is_number = digits(run, 10) || with_exponent || in_radix("0x", 16) || in_radix("0b", 2);
        let runs_on = self.peek() == Some(b'.')
            && self.ahead(1).is_some_and(|byte| is_word(byte) && !byte.is_ascii_digit());
        if is_number && !runs_on { Ok(Token::Value) } else { Err(NUMBER) }
    }

    /// A backslash and the character behind it.
    fn skip_escape(&mut self, start: usize) -> Result<(), Unsure> {
        if self.is_beyond_ascii(start, self.at) {
            return Err(ENCODED);
        }
        self.skip(1);
        self.peek().ok_or(UNTERMINATED)?;
        self.skip(1);
        Ok(())
    }

    /// Whether the backslashes that end here leave the quote its meaning whatever they mean.
    fn check_backslashes(&self, start: usize) -> Result<(), Unsure> {
        let before = &self.text.as_bytes()[start..self.at];
        let count = before.iter().rev().take_while(|byte| **byte == b'\\').count();
        if count % 2 == 1 {
            return Err(SETTINGS);
        }
        let in_doubt = count > 0 && self.is_beyond_ascii(start, self.at - count);
        if in_doubt { Err(ENCODED) } else { Ok(()) }
    }

    /// Whether the byte before is of a character that may take the next one along, in another character set.
    fn is_beyond_ascii(&self, start: usize, at: usize) -> bool {
        at > start && !self.text.as_bytes()[at - 1].is_ascii()
    }
}

fn single(text: &str, quote: u8) -> Cow<'_, str> {
    let quote = char::from(quote);
    text.replace(&format!("{quote}{quote}"), &quote.to_string()).into()
}

pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || !byte.is_ascii()
}

pub(super) const fn begins_word(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || !byte.is_ascii()
}

pub(super) const fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}
