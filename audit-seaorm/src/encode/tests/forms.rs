//! The exact JSON of every kind of value.

use sea_orm::{
    Value,
    prelude::{ChronoDate, ChronoTime, Uuid},
    sea_query::{Enum, prelude::chrono::Timelike},
};
use serde_json::{Value as Json, json};

use super::{assert_comes_back, encode};

pub(super) fn assert_form(value: impl Into<Value>, json: &Json) {
    let value = value.into();
    assert_eq!(encode(&value).as_ref(), Ok(json));
    assert_comes_back(&value);
}

fn date(text: &str) -> ChronoDate {
    text.parse().expect("a date")
}

fn time(text: &str) -> ChronoTime {
    text.parse().expect("a time")
}

#[test]
fn null_of_any_type_is_null() {
    assert_form(None::<bool>, &Json::Null);
    assert_form(None::<u64>, &Json::Null);
    assert_form(None::<f32>, &Json::Null);
    assert_form(None::<String>, &Json::Null);
    assert_form(None::<char>, &Json::Null);
    assert_form(None::<Vec<u8>>, &Json::Null);
    assert_form(None::<Json>, &Json::Null);
    assert_form(None::<Uuid>, &Json::Null);
    assert_form(None::<ChronoDate>, &Json::Null);
    assert_form(None::<sea_orm::prelude::DateTimeUtc>, &Json::Null);
    let none = sea_orm::sea_query::OptionEnum::None("mood".into());
    assert_form(Value::Enum(none), &Json::Null);
}

#[test]
fn integers_are_exact_numbers() {
    assert_form(true, &json!(true));
    assert_form(i8::MIN, &json!(-128));
    assert_form(i64::MIN, &json!(-9_223_372_036_854_775_808_i64));
    assert_form(u64::MAX, &json!(18_446_744_073_709_551_615_u64));
    assert_form(9_007_199_254_740_993_i64, &json!(9_007_199_254_740_993_i64));
}

#[test]
fn floats_have_their_shortest_text() {
    for (value, text) in
        [(0.1_f32, "0.1"), (1.0, "1.0"), (16_777_216.0, "16777216.0"), (1e-45, "1e-45")]
    {
        assert_eq!(encode(&value.into()).map(|json| json.to_string()), Ok(text.into()));
        assert_comes_back(&value.into());
    }
    for (value, text) in [(0.1_f64, "0.1"), (5e-324, "5e-324"), (0.1 + 0.2, "0.30000000000000004")]
    {
        assert_eq!(encode(&value.into()).map(|json| json.to_string()), Ok(text.into()));
        assert_comes_back(&value.into());
    }
}

#[test]
fn what_json_has_no_number_for_is_named() {
    assert_form(f32::NAN, &json!("NaN"));
    assert_form(f64::NAN, &json!("NaN"));
    assert_form(f64::INFINITY, &json!("Infinity"));
    assert_form(f32::NEG_INFINITY, &json!("-Infinity"));
    assert_form(-0.0_f64, &json!("-0"));
    assert_form(-0.0_f32, &json!("-0"));
    assert_form(0.0_f64, &json!(0.0));
}

#[test]
fn texts_are_strings() {
    assert_form("Zoë", &json!("Zoë"));
    assert_form("", &json!(""));
    assert_form('é', &json!("é"));
    let mood = Enum { type_name: "mood".into(), value: "happy".into() };
    assert_form(mood, &json!("happy"));
}

#[test]
fn bytes_and_uuids_are_lower_case() {
    assert_form(vec![0_u8, 0xAB, 255], &json!("00abff"));
    assert_form(Vec::<u8>::new(), &json!(""));
    let uuid = Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    assert_form(uuid, &json!("67e55044-10b1-426f-9247-bb680e5fe0c8"));
}

#[test]
fn dates_and_times_are_iso_8601() {
    assert_form(date("2024-02-29"), &json!("2024-02-29"));
    assert_form(date("-0044-03-15"), &json!("-0044-03-15"));
    assert_form(date("0000-01-01"), &json!("0000-01-01"));
    assert_form(date("+12024-01-01"), &json!("+12024-01-01"));
    assert_form(ChronoDate::MIN, &json!("-262143-01-01"));
    assert_form(ChronoDate::MAX, &json!("+262142-12-31"));
    assert_form(time("12:34:56.123456"), &json!("12:34:56.123456"));
    assert_form(time("12:34:56"), &json!("12:34:56.000000"));
    assert_form(time("12:34:56.000000001"), &json!("12:34:56.000000001"));
    let naive = date("2024-02-29").and_time(time("12:34:56.5"));
    assert_form(naive, &json!("2024-02-29T12:34:56.500000"));
}

#[test]
fn moments_are_rfc_3339_in_utc() {
    let moment = "2024-02-29T12:34:56.123456+02:00"
        .parse::<sea_orm::prelude::DateTimeWithTimeZone>()
        .expect("a moment");
    let json = json!("2024-02-29T10:34:56.123456Z");
    assert_form(moment, &json);
    assert_form(moment.to_utc(), &json);
    assert_form(moment.with_timezone(&sea_orm::sea_query::prelude::Local), &json);
}

#[test]
fn leap_seconds_are_kept() {
    assert_form(time("23:59:60.5"), &json!("23:59:60.500000"));
    let odd = time("12:34:56").with_nanosecond(1_500_000_000).expect("allowed");
    assert_form(odd, &json!("12:34:56.1500000000"));
    assert_form(odd.with_second(59).expect("allowed"), &json!("12:34:60.500000"));
}

#[test]
fn json_stays_inline() {
    for document in [
        json!({"b": [1, 2.5, null, "x"], "a": {"$json": "inner"}}),
        json!({"$json": "1", "more": 2}),
        json!(["[REDACTED]"]),
        json!(false),
        json!(""),
        json!({}),
    ] {
        assert_form(document.clone(), &document);
    }
}

#[test]
fn what_would_be_ambiguous_is_escaped() {
    assert_form(json!(null), &json!({"$json": "null"}));
    assert_form(json!({"$json": 1}), &json!({"$json": r#"{"$json":1}"#}));
    assert_form(json!({"$json": "null"}), &json!({"$json": r#"{"$json":"null"}"#}));
    assert_form("[REDACTED]", &json!({"$json": r#""[REDACTED]""#}));
    assert_form(json!("[REDACTED]"), &json!({"$json": r#""[REDACTED]""#}));
}

#[test]
fn nul_characters_are_escaped() {
    assert_form("a\0b", &json!({"$json": r#""a\u0000b""#}));
    assert_form('\0', &json!({"$json": r#""\u0000""#}));
    assert_form(json!({"k": ["\0"]}), &json!({"$json": r#"{"k":["\u0000"]}"#}));
    assert_form(json!({"\0": 1}), &json!({"$json": r#"{"\u0000":1}"#}));
}

#[test]
fn deep_documents_are_escaped() {
    let nest = |levels| (0..levels).fold(json!(1), |inner, _| json!([inner]));
    assert_form(nest(30), &nest(30));
    assert_form(nest(31), &json!({"$json": nest(31).to_string()}));
    assert_form(nest(126), &json!({"$json": nest(126).to_string()}));
}

#[cfg(feature = "with-rust_decimal")]
#[test]
fn decimals_keep_their_zeros() {
    for text in
        ["0.1000", "-1", "0", "79228162514264337593543950335", "0.0000000000000000000000000001"]
    {
        let decimal: sea_orm::prelude::Decimal = text.parse().expect("a decimal");
        assert_form(decimal, &json!(text));
    }
}

#[cfg(feature = "with-bigdecimal")]
#[test]
fn big_decimals_have_no_exponent_within_reason() {
    for (text, form) in [
        ("0.1000", "0.1000"),
        ("1E+3", "1000"),
        ("-1.5e-10", "-0.00000000015"),
        ("123456789012345678901234567890.10", "123456789012345678901234567890.10"),
        ("1e999999999", "1e999999999"),
        ("-12e-999999999", "-1.2e-999999998"),
    ] {
        let decimal: sea_orm::prelude::BigDecimal = text.parse().expect("a decimal");
        assert_form(decimal, &json!(form));
    }
}

#[cfg(feature = "with-ipnetwork")]
#[test]
fn networks_always_have_their_prefix() {
    let network = |text: &str| text.parse::<sea_orm::prelude::IpNetwork>().expect("a network");
    assert_form(network("10.0.0.1"), &json!("10.0.0.1/32"));
    assert_form(network("10.0.0.5/24"), &json!("10.0.0.5/24"));
    assert_form(network("2001:DB8::1/64"), &json!("2001:db8::1/64"));
    assert_form(network("::1"), &json!("::1/128"));
}

#[cfg(feature = "with-mac_address")]
#[test]
fn mac_addresses_are_lower_case() {
    let address = sea_orm::sea_query::prelude::MacAddress::new([0xAA, 0xBB, 0xCC, 0, 1, 0xFF]);
    assert_form(address, &json!("aa:bb:cc:00:01:ff"));
}

#[cfg(feature = "with-time")]
#[test]
fn both_time_crates_write_the_same_text() {
    use sea_orm::sea_query::prelude::time::{
        Date, Month, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset,
    };

    let date = Date::from_calendar_date(-44, Month::March, 15).expect("a date");
    let time = Time::from_hms_nano(12, 34, 56, 123_456_000).expect("a time");
    assert_form(date, &json!("-0044-03-15"));
    assert_form(time, &json!("12:34:56.123456"));
    assert_form(PrimitiveDateTime::new(date, time), &json!("-0044-03-15T12:34:56.123456"));
    let offset = UtcOffset::from_hms(2, 0, 0).expect("an offset");
    let moment = OffsetDateTime::new_in_offset(date, time, offset);
    assert_form(moment, &json!("-0044-03-15T10:34:56.123456Z"));

    let far = UtcOffset::from_hms(25, 59, 59).expect("an offset");
    let first = OffsetDateTime::new_in_offset(Date::MIN, Time::MIDNIGHT, far);
    assert_form(first, &json!("-10000-12-30T22:00:01.000000Z"));
    let last = OffsetDateTime::new_in_offset(Date::MAX, time, -far);
    assert_form(last, &json!("+10000-01-01T14:34:55.123456Z"));
}
