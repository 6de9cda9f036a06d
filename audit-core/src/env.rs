//! The configuration as variables of the environment.

use std::{ffi::OsString, ops::RangeInclusive, time::Duration};

use crate::{AuditConfig, Background, ConfigError, Escape, FailurePolicy, Problem, WhenFull};

const FULL_RECORD: Words<bool> = Words {
    variable: "AUDIT_FULL_RECORD",
    expected: "true or false",
    allowed: &[("true", true), ("false", false)],
};

const ON_FAILURE: Words<FailurePolicy> = Words {
    variable: "AUDIT_ON_FAILURE",
    expected: "fail_write or continue",
    allowed: &[("fail_write", FailurePolicy::FailWrite), ("continue", FailurePolicy::Continue)],
};

const ON_ESCAPE: Words<Escape> = Words {
    variable: "AUDIT_ON_ESCAPE",
    expected: "refuse, warn or allow",
    allowed: &[("refuse", Escape::Refuse), ("warn", Escape::Warn), ("allow", Escape::Allow)],
};

const EXCLUDED_TABLES: List = List {
    variable: "AUDIT_EXCLUDED_TABLES",
    expected: "tables separated by commas, such as session,app.cache",
};

const REDACT: List = List {
    variable: "AUDIT_REDACT",
    expected: "table.column separated by commas, such as user.password,app.card.number",
};

const BACKGROUND: Words<bool> = Words {
    variable: "AUDIT_BACKGROUND",
    expected: "true or false",
    allowed: &[("true", true), ("false", false)],
};

/// Whether a full queue makes a write wait.
const WHEN_FULL: Words<Full> = Words {
    variable: "AUDIT_BACKGROUND_WHEN_FULL",
    expected: "wait or write_directly",
    allowed: &[("wait", Full::Wait), ("write_directly", Full::WriteDirectly)],
};

#[derive(Clone, Copy, Default)]
enum Full {
    #[default]
    Wait,
    WriteDirectly,
}

const BATCH: Number = Number {
    variable: "AUDIT_BACKGROUND_BATCH",
    expected: "a number of entries from 1 to 256",
    allowed: 1..=256,
};

const INTERVAL: Number = Number {
    variable: "AUDIT_BACKGROUND_INTERVAL_MS",
    expected: "milliseconds from 0 to 60000",
    allowed: 0..=60_000,
};

const QUEUE: Number = Number {
    variable: "AUDIT_BACKGROUND_QUEUE",
    expected: "a number of entries from 1 to 1000000",
    allowed: 1..=1_000_000,
};

const WAIT: Number = Number {
    variable: "AUDIT_BACKGROUND_WAIT_MS",
    expected: "milliseconds from 0 to 600000",
    allowed: 0..=600_000,
};

const FIRST_PAUSE: Number = Number {
    variable: "AUDIT_BACKGROUND_FIRST_PAUSE_MS",
    expected: "milliseconds from 1 to 60000",
    allowed: 1..=60_000,
};

const MAX_PAUSE: Number = Number {
    variable: "AUDIT_BACKGROUND_MAX_PAUSE_MS",
    expected: "milliseconds from 1 to 600000, no less than AUDIT_BACKGROUND_FIRST_PAUSE_MS",
    allowed: 1..=600_000,
};

const GIVE_UP: Number = Number {
    variable: "AUDIT_BACKGROUND_GIVE_UP_MS",
    expected: "milliseconds from 0 to 86400000",
    allowed: 0..=86_400_000,
};

type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

/// Reads all variables through `lookup`.
pub(crate) fn read(lookup: impl Fn(&str) -> Option<OsString>) -> Result<AuditConfig, ConfigError> {
    let lookup: Lookup<'_> = &lookup;
    let mut config = AuditConfig::new()
        .full_record(FULL_RECORD.read(lookup)?)
        .on_failure(ON_FAILURE.read(lookup)?)
        .on_escape(ON_ESCAPE.read(lookup)?);
    // Also where nothing asks for a writer: a mistake must not wait for that.
    let settings = background(lookup)?;
    if BACKGROUND.read(lookup)? {
        config = config.with_background_settings(settings);
    }
    for table in EXCLUDED_TABLES.read(lookup, |item| Some(item.to_owned()))? {
        config = config.exclude_table(table);
    }
    for (table, column) in REDACT.read(lookup, table_and_column)? {
        config = config.redact(table, [column]);
    }
    Ok(config)
}

fn background(lookup: Lookup<'_>) -> Result<Background, ConfigError> {
    let defaults = Background::new();
    let wait = WAIT.millis(lookup, WhenFull::DEFAULT_WAIT)?;
    let when_full = match WHEN_FULL.read(lookup)? {
        Full::Wait => WhenFull::Wait(wait),
        Full::WriteDirectly => WhenFull::WriteDirectly,
    };
    let first = FIRST_PAUSE.millis(lookup, defaults.first_pause())?;
    let max = MAX_PAUSE.millis(lookup, defaults.max_pause().max(first))?;
    if max < first {
        return Err(MAX_PAUSE.refused(Problem::OutOfRange));
    }
    let settings = defaults
        .clone()
        .batch_size(BATCH.count(lookup, defaults.max_batch())?)
        .interval(INTERVAL.millis(lookup, defaults.max_delay())?)
        .queue(QUEUE.count(lookup, defaults.max_queue())?)
        .when_full(when_full)
        .pauses(first, max)
        .give_up(GIVE_UP.millis(lookup, defaults.gives_up_after())?);
    Ok(settings)
}

fn table_and_column(item: &str) -> Option<(String, String)> {
    let (table, column) = item.rsplit_once('.')?;
    let whole = !table.is_empty() && !column.is_empty();
    whole.then(|| (table.to_owned(), column.to_owned()))
}

struct Words<T: 'static> {
    variable: &'static str,
    expected: &'static str,
    allowed: &'static [(&'static str, T)],
}

impl<T: Copy + Default> Words<T> {
    fn read(&self, lookup: Lookup<'_>) -> Result<T, ConfigError> {
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

struct List {
    variable: &'static str,
    expected: &'static str,
}

impl List {
    fn read<T>(
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

struct Number {
    variable: &'static str,
    expected: &'static str,
    allowed: RangeInclusive<u32>,
}

impl Number {
    fn read(&self, lookup: Lookup<'_>) -> Result<Option<u32>, ConfigError> {
        let Some(text) = unicode(self.variable, self.expected, lookup)? else {
            return Ok(None);
        };
        let digits = text.trim();
        if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
            return Err(self.refused(Problem::NotANumber));
        }
        let number = digits.parse().ok().filter(|number| self.allowed.contains(number));
        number.map(Some).ok_or_else(|| self.refused(Problem::OutOfRange))
    }

    fn count(&self, lookup: Lookup<'_>, default: usize) -> Result<usize, ConfigError> {
        let number = self.read(lookup)?;
        Ok(number.and_then(|number| usize::try_from(number).ok()).unwrap_or(default))
    }

    fn millis(&self, lookup: Lookup<'_>, default: Duration) -> Result<Duration, ConfigError> {
        let number = self.read(lookup)?;
        Ok(number.map_or(default, |millis| Duration::from_millis(millis.into())))
    }

    fn refused(&self, problem: Problem) -> ConfigError {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn config(vars: &[(&str, &str)]) -> Result<AuditConfig, String> {
        let lookup = |name: &str| vars.iter().find(|(n, _)| *n == name).map(|(_, v)| v.into());
        read(lookup).map_err(|error| error.to_string())
    }

    #[test]
    fn without_variables_it_is_the_default() {
        assert_eq!(config(&[]), Ok(AuditConfig::new()));
        assert_eq!(config(&[("AUDIT_REDACT", " ")]), Ok(AuditConfig::new()));
    }

    #[test]
    fn every_variable_is_read() {
        let read = config(&[
            ("AUDIT_EXCLUDED_TABLES", "session, app.cache"),
            ("AUDIT_REDACT", "user.password,app.card.number,user.token"),
            ("AUDIT_FULL_RECORD", "TRUE"),
            ("AUDIT_ON_FAILURE", "continue"),
            ("AUDIT_ON_ESCAPE", "warn"),
            ("AUDIT_BACKGROUND", "true"),
            ("AUDIT_BACKGROUND_BATCH", "100"),
            ("AUDIT_BACKGROUND_INTERVAL_MS", "0"),
            ("AUDIT_BACKGROUND_QUEUE", " 1000000 "),
            ("AUDIT_BACKGROUND_WHEN_FULL", "Wait"),
            ("AUDIT_BACKGROUND_WAIT_MS", "7"),
            ("AUDIT_BACKGROUND_FIRST_PAUSE_MS", "8"),
            ("AUDIT_BACKGROUND_MAX_PAUSE_MS", "9"),
            ("AUDIT_BACKGROUND_GIVE_UP_MS", "86400000"),
        ]);
        let millis = Duration::from_millis;
        let background = Background::new()
            .batch_size(100)
            .interval(Duration::ZERO)
            .queue(1_000_000)
            .when_full(WhenFull::Wait(millis(7)))
            .pauses(millis(8), millis(9))
            .give_up(millis(86_400_000));
        let built = AuditConfig::new()
            .exclude_table("session")
            .exclude_table("app.cache")
            .redact("user", ["password", "token"])
            .redact("app.card", ["number"])
            .full_record(true)
            .on_failure(FailurePolicy::Continue)
            .on_escape(Escape::Warn)
            .with_background_settings(background);
        assert_eq!(read, Ok(built));
    }

    #[test]
    fn settings_of_the_background_need_the_word_for_it() {
        assert_eq!(config(&[("AUDIT_BACKGROUND_BATCH", "1")]), Ok(AuditConfig::new()));
        let direct =
            [("AUDIT_BACKGROUND", "true"), ("AUDIT_BACKGROUND_WHEN_FULL", "write_directly")];
        let settings = Background::new().when_full(WhenFull::WriteDirectly);
        assert_eq!(config(&direct), Ok(AuditConfig::new().with_background_settings(settings)));
        // The longest pause is no shorter than the first by default.
        let long = [("AUDIT_BACKGROUND", "true"), ("AUDIT_BACKGROUND_FIRST_PAUSE_MS", "60000")];
        let minute = Duration::from_mins(1);
        let settings = Background::new().pauses(minute, minute);
        assert_eq!(config(&long), Ok(AuditConfig::new().with_background_settings(settings)));
    }

    #[test]
    fn a_bad_number_is_refused_with_what_is_allowed_and_without_itself() {
        let entries = "a number of entries from 1 to";
        let millis = "milliseconds from";
        for (variable, range, bad) in [
            ("AUDIT_BACKGROUND_BATCH", format!("{entries} 256"), ["0", "257"]),
            (
                "AUDIT_BACKGROUND_INTERVAL_MS",
                format!("{millis} 0 to 60000"),
                ["60001", "4294967296"],
            ),
            ("AUDIT_BACKGROUND_QUEUE", format!("{entries} 1000000"), ["0", "1000001"]),
            (
                "AUDIT_BACKGROUND_WAIT_MS",
                format!("{millis} 0 to 600000"),
                ["600001", "9999999999999999999999"],
            ),
            ("AUDIT_BACKGROUND_FIRST_PAUSE_MS", format!("{millis} 1 to 60000"), ["0", "60001"]),
            (
                "AUDIT_BACKGROUND_MAX_PAUSE_MS",
                format!("{millis} 1 to 600000, no less than AUDIT_BACKGROUND_FIRST_PAUSE_MS"),
                ["0", "49"],
            ),
            (
                "AUDIT_BACKGROUND_GIVE_UP_MS",
                format!("{millis} 0 to 86400000"),
                ["86400001", "86400002"],
            ),
        ] {
            for value in bad {
                let text = format!("{variable} is out of range: expected {range}");
                assert_eq!(config(&[(variable, value)]), Err(text));
            }
            for value in ["", "s3cret", "-1", "+1", "1.5", "1e3", "0x10", "1_000", "1 0", "\u{661}"]
            {
                let text = format!("{variable} is not a whole number: expected {range}");
                assert_eq!(config(&[(variable, value)]), Err(text), "{value}");
            }
        }
    }

    #[test]
    fn a_bad_value_is_refused_with_its_name_and_without_itself() {
        for (variable, value, text) in [
            (
                "AUDIT_FULL_RECORD",
                "s3cret",
                "AUDIT_FULL_RECORD has an unknown value: expected true or false",
            ),
            (
                "AUDIT_ON_FAILURE",
                "s3cret",
                "AUDIT_ON_FAILURE has an unknown value: expected fail_write or continue",
            ),
            (
                "AUDIT_ON_ESCAPE",
                "",
                "AUDIT_ON_ESCAPE has an unknown value: expected refuse, warn or allow",
            ),
            (
                "AUDIT_BACKGROUND",
                "yes",
                "AUDIT_BACKGROUND has an unknown value: expected true or false",
            ),
            (
                "AUDIT_BACKGROUND_WHEN_FULL",
                "drop",
                "AUDIT_BACKGROUND_WHEN_FULL has an unknown value: expected wait or write_directly",
            ),
            (
                "AUDIT_EXCLUDED_TABLES",
                "a,,b",
                "AUDIT_EXCLUDED_TABLES has a malformed item at place 2: expected tables separated by commas, such as session,app.cache",
            ),
            (
                "AUDIT_REDACT",
                "a.b, s3cret",
                "AUDIT_REDACT has a malformed item at place 2: expected table.column separated by commas, such as user.password,app.card.number",
            ),
            (
                "AUDIT_REDACT",
                ".s3cret",
                "AUDIT_REDACT has a malformed item at place 1: expected table.column separated by commas, such as user.password,app.card.number",
            ),
        ] {
            assert_eq!(config(&[(variable, value)]), Err(text.to_owned()));
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_unicode_is_refused() {
        use std::os::unix::ffi::OsStringExt;

        let error = read(|_| Some(OsString::from_vec(vec![0xff]))).map_err(|e| e.to_string());
        assert_eq!(
            error,
            Err("AUDIT_FULL_RECORD is not valid Unicode: expected true or false".to_owned())
        );
    }
}
