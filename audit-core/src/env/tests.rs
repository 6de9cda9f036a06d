use std::{ffi::OsString, time::Duration};

use super::read;
use crate::{
    AuditConfig, Background, Escape, FailurePolicy, Limits, RequireUser, Retention, WhenFull,
};

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
fn without_a_limit_everything_is_kept_for_ever() {
    for vars in [&[][..], &[("AUDIT_RETENTION_DAYS", "forever")], &[("AUDIT_KEEP_USERS", "7")]] {
        let config = config(vars).expect("a configuration");
        assert_eq!(config.get_retention().limits_of_all(), Limits::new());
        assert_eq!(config.get_retention().limits("post"), Limits::new());
    }
    let config = config(&[("AUDIT_RETENTION_TABLE_DAYS", "session=30")]).expect("a configuration");
    assert_eq!(config.get_retention().limits("session"), Limits::new().max_age_days(30));
    assert_eq!(config.get_retention().limits("post"), Limits::new());
}

#[test]
fn every_variable_is_read() {
    let read = config(&[
        ("AUDIT_EXCLUDED_TABLES", "session, app.cache"),
        ("AUDIT_REDACT", "user.password,app.card.number,user.token"),
        ("AUDIT_FULL_RECORD", "TRUE"),
        ("AUDIT_ON_FAILURE", "continue"),
        ("AUDIT_ON_ESCAPE", "warn"),
        ("AUDIT_REQUIRE_USER", "Refuse"),
        ("AUDIT_RETENTION_DAYS", "730"),
        ("AUDIT_RETENTION_NEWEST_PER_RECORD", "100"),
        ("AUDIT_RETENTION_NEWEST_PER_TABLE", "5000000"),
        ("AUDIT_RETENTION_TABLE_DAYS", "session=30, invoice = Forever"),
        ("AUDIT_KEEP_TABLES", "payment"),
        ("AUDIT_KEEP_USERS", "7, 8"),
        ("AUDIT_KEEP_RECORDS", "post=42,note=a=b"),
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
    let all = Limits::new().newest_per_record(100).newest_per_table(5_000_000);
    let retention = Retention::new()
        .all(all.max_age_days(730))
        .table("session", all.max_age_days(30))
        .table("invoice", all)
        .keep_table("payment")
        .keep_user("7")
        .keep_user("8")
        .keep_record("post", "42")
        .keep_record("note", "a=b");
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
        .require_user(RequireUser::Refuse)
        .retention(retention)
        .with_background_settings(background);
    assert_eq!(read, Ok(built));
}

#[test]
fn settings_of_the_background_need_the_word_for_it() {
    assert_eq!(config(&[("AUDIT_BACKGROUND_BATCH", "1")]), Ok(AuditConfig::new()));
    let direct = [("AUDIT_BACKGROUND", "true"), ("AUDIT_BACKGROUND_WHEN_FULL", "write_directly")];
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
        ("AUDIT_BACKGROUND_INTERVAL_MS", format!("{millis} 0 to 60000"), ["60001", "4294967296"]),
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
        for value in ["", "s3cret", "-1", "+1", "1.5", "1e3", "0x10", "1_000", "1 0", "\u{661}"] {
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
            "AUDIT_REQUIRE_USER",
            "true",
            "AUDIT_REQUIRE_USER has an unknown value: expected refuse, warn or allow",
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
        (
            "AUDIT_RETENTION_DAYS",
            "0",
            "AUDIT_RETENTION_DAYS is out of range: expected a number of days from 1 to 36500, or forever",
        ),
        (
            "AUDIT_RETENTION_DAYS",
            "",
            "AUDIT_RETENTION_DAYS is not a whole number: expected a number of days from 1 to 36500, or forever",
        ),
        (
            "AUDIT_RETENTION_NEWEST_PER_RECORD",
            "s3cret",
            "AUDIT_RETENTION_NEWEST_PER_RECORD is not a whole number: expected a number of entries from 1 to 4294967295",
        ),
        (
            "AUDIT_RETENTION_NEWEST_PER_TABLE",
            "-1",
            "AUDIT_RETENTION_NEWEST_PER_TABLE is not a whole number: expected a number of entries from 1 to 4294967295",
        ),
        (
            "AUDIT_RETENTION_TABLE_DAYS",
            "session=30,s3cret=36501",
            "AUDIT_RETENTION_TABLE_DAYS has a malformed item at place 2: expected table=days from 1 to 36500, or table=forever, separated by commas, such as session=30,invoice=forever",
        ),
        (
            "AUDIT_KEEP_TABLES",
            ",s3cret",
            "AUDIT_KEEP_TABLES has a malformed item at place 1: expected tables separated by commas, such as payment,app.invoice",
        ),
        (
            "AUDIT_KEEP_USERS",
            "s3cret,",
            "AUDIT_KEEP_USERS has a malformed item at place 2: expected ids of users separated by commas, such as 7,42",
        ),
        (
            "AUDIT_KEEP_RECORDS",
            "post=42,s3cret",
            "AUDIT_KEEP_RECORDS has a malformed item at place 2: expected table=record id separated by commas, such as post=42,app.card=7",
        ),
    ] {
        assert_eq!(config(&[(variable, value)]), Err(text.to_owned()));
    }
}

#[test]
fn a_rule_for_a_table_that_is_not_there_is_refused_unless_it_is_external() {
    for (variable, value, text) in [
        ("AUDIT_EXCLUDED_TABLES", "user,Sessions", "`Sessions`"),
        ("AUDIT_REDACT", "Sessions.token", "`Sessions`"),
        ("AUDIT_RETENTION_TABLE_DAYS", "Sessions=30", "`Sessions`"),
        ("AUDIT_KEEP_TABLES", "Sessions", "`Sessions`"),
        ("AUDIT_KEEP_RECORDS", "Sessions=1", "`Sessions`"),
    ] {
        let error = config(&[(variable, value)]).expect_err("an unknown table");
        assert_eq!(
            error,
            format!(
                "{variable} names the table {text}, which no audited entity of this program has: write `session`, \
                 or name a table of another program, or one recorded by hand, in AUDIT_EXTERNAL_TABLES as well"
            )
        );
        let external = [(variable, value), ("AUDIT_EXTERNAL_TABLES", "other, Sessions")];
        assert!(config(&external).is_ok(), "{variable}");
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
