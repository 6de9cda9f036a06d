//! Texts that people send. What has been read as one of these types is good.

use serde::{Deserialize, Serialize};

/// Not blank, at most `MAX` characters, and no control characters but line breaks and tabs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Text<const MAX: usize>(String);

/// The name of a user or of a tag: 2 to 32 lower-case letters, digits and `-`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String")]
pub(crate) struct Name(String);

/// An address as far as one can tell without writing to it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Email(String);

/// 8 to 128 characters. It has no `Debug`, so that it gets into no log.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Password(String);

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let unprintable = |it: char| it.is_control() && !matches!(it, '\n' | '\r' | '\t');
        if text.trim().is_empty() {
            Err("expected a text that is not blank".to_owned())
        } else if text.chars().nth(MAX).is_some() {
            Err(format!("expected at most {MAX} characters"))
        } else if text.contains(unprintable) {
            Err("expected a text without control characters".to_owned())
        } else {
            Ok(Self(text))
        }
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let usual = |it: u8| matches!(it, b'a'..=b'z' | b'0'..=b'9' | b'-');
        if (2..=32).contains(&text.len()) && text.bytes().all(usual) {
            Ok(Self(text))
        } else {
            Err("expected a name of 2 to 32 lower-case letters, digits and `-`".to_owned())
        }
    }
}

impl TryFrom<String> for Email {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.split_once('@').filter(|(local, host)| {
            !local.is_empty() && !host.is_empty() && !host.contains('@') && text.len() <= 254
        });
        if parts.is_some() && text.chars().all(|it| !it.is_whitespace() && !it.is_control()) {
            Ok(Self(text))
        } else {
            Err("expected an e-mail address".to_owned())
        }
    }
}

impl TryFrom<String> for Password {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if (8..=128).contains(&text.chars().count()) {
            Ok(Self(text))
        } else {
            Err("expected a password of 8 to 128 characters".to_owned())
        }
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl From<Email> for String {
    fn from(email: Email) -> Self {
        email.0
    }
}

impl From<Password> for String {
    fn from(password: Password) -> Self {
        password.0
    }
}

impl Name {
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}
