//! The forms that a variable can have.

use std::{ffi::OsString, ops::RangeInclusive, time::Duration};

use crate::{ConfigError, Problem};

pub(super) type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

pub(super) struct Words<T: 'static> {
    pub(super) variable: &'static str,
    pub(super) expected: &'static str,
    pub(super) allowed: &'static [(&'static str, T)],
}

impl<T: Copy + Default> Words<T> {
    pub(super) fn read(&self, lookup: Lookup<'_>) -> Result<T, ConfigError> {
        let Some(text) = unicode(self.variable, self.expected, lookup)? else {
            return Ok(T::default());
        };
        let word = text.trim().to_ascii_lowercase();
        let found = self.allowed.iter().find(|(known, _)| *known == word);
        found.map(|(_, value)| *value).ok_or(ConfigError::Variable {
            variable: self.variable,
            problem: Problem::UnknownWord,
            expected: self.expected,
        })
    }
}

pub(super) struct List {
    pub(super) variable: &'static str,
    pub(super) expected: &'static str,
}

impl List {
    pub(super) fn read<T>(
        &self,
        lookup: Lookup<'_>,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<Vec<T>, ConfigError> {
        let text = unicode(self.variable, self.expected, lookup)?.unwrap_or_default();
        if text.trim().is_empty() {
            return Ok(Vec::new());
        }
        let items = text.split(',').map(str::trim).enumerate();
        items
            .map(|(place, item)| {
                let parsed = Some(item).filter(|item| !item.is_empty()).and_then(&parse);
                parsed.ok_or(ConfigError::Variable {
                    variable: self.variable,
                    problem: Problem::BadItem(place + 1),
                    expected: self.expected,
                })
            })
            .collect()
    }
}

pub(super) struct Number {
    pub(super) variable: &'static str,
    pub(super) expected: &'static str,
    pub(super) allowed: RangeInclusive<u32>,
}

impl Number {
    pub(super) fn text(&self, lookup: Lookup<'_>) -> Result<Option<String>, ConfigError> {
        unicode(self.variable, self.expected, lookup)
    }

    pub(super) fn read(&self, lookup: Lookup<'_>) -> Result<Option<u32>, ConfigError> {
        let Some(text) = self.text(lookup)? else { return Ok(None) };
        let digits = text.trim();
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(self.refused(Problem::NotANumber));
        }
        let number = digits.parse().ok().filter(|number| self.allowed.contains(number));
        number.map(Some).ok_or_else(|| self.refused(Problem::OutOfRange))
    }

    pub(super) fn count(&self, lookup: Lookup<'_>, default: usize) -> Result<usize, ConfigError> {
        let number = self.read(lookup)?;
        Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default))
    }

    pub(super) fn millis(
        &self,
        lookup: Lookup<'_>,
        default: Duration,
    ) -> Result<Duration, ConfigError> {
        let number = self.read(lookup)?;
        Ok(number.map_or(default, |millis| Duration::from_millis(millis.into())))
    }

    pub(super) fn refused(&self, problem: Problem) -> ConfigError {
        ConfigError::Variable { variable: self.variable, problem, expected: self.expected }
    }
}

fn unicode(
    variable: &'static str,
    expected: &'static str,
    lookup: Lookup<'_>,
) -> Result<Option<String>, ConfigError> {
    let text = lookup(variable).map(OsString::into_string).transpose();
    text.map_err(|_| ConfigError::Variable { variable, problem: Problem::NotUnicode, expected })
}
