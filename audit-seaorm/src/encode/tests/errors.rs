use sea_orm::sea_query::ArrayType;
use serde_json::{Value as Json, json};

use crate::encode::{DecodeError, EncodeError, reader::decode_as, shape::Shape};

fn read(ty: ArrayType, json: &Json) -> DecodeError {
    decode_as(&Shape::One(ty), json).expect_err("this JSON is no form of the type")
}

#[test]
fn a_redacted_value_is_not_a_text() {
    for ty in [ArrayType::String, ArrayType::Int, ArrayType::Json, ArrayType::Char] {
        assert_eq!(read(ty, &json!("[REDACTED]")), DecodeError::Redacted);
    }
}

#[test]
fn another_kind_of_json_is_refused() {
    for (ty, json) in [
        (ArrayType::Bool, json!(1)),
        (ArrayType::Int, json!("1")),
        (ArrayType::Int, json!(1.0)),
        (ArrayType::String, json!(1)),
        (ArrayType::String, json!({"$json": "null"})),
        (ArrayType::String, json!({"$json": "\"a\"", "b": 1})),
        (ArrayType::Int, json!({"$json": "1"})),
        (ArrayType::Bytes, json!([0])),
        (ArrayType::ChronoDate, json!(20_240_229)),
    ] {
        let error = read(ty, &json);
        assert!(matches!(error, DecodeError::WrongKind { .. }), "{json} {error}");
    }
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    for (ty, json) in [
        (ArrayType::TinyInt, json!(128)),
        (ArrayType::Unsigned, json!(-1)),
        (ArrayType::BigInt, json!(u64::MAX)),
        (ArrayType::Float, json!(1e39)),
    ] {
        let error = read(ty, &json);
        assert!(matches!(error, DecodeError::OutOfRange { .. }), "{json} {error}");
    }
}

#[test]
fn texts_of_another_form_are_refused() {
    for (ty, text) in [
        (ArrayType::Bytes, "abc"),
        (ArrayType::Bytes, "0g"),
        (ArrayType::Char, "ab"),
        (ArrayType::Char, ""),
        (ArrayType::Double, "nan"),
        (ArrayType::Double, "1.5"),
        (ArrayType::Uuid, "67e55044"),
        (ArrayType::ChronoDate, "2023-02-29"),
        (ArrayType::ChronoDate, "24-02-29"),
        (ArrayType::ChronoDate, "--2024-02-29"),
        (ArrayType::ChronoDate, "2024-2-29"),
        (ArrayType::ChronoDate, "99999999999-01-01"),
        (ArrayType::ChronoTime, "12:34"),
        (ArrayType::ChronoTime, "24:00:00"),
        (ArrayType::ChronoTime, "12:34:56."),
        (ArrayType::ChronoTime, "12:34:56.12345678901"),
        (ArrayType::ChronoTime, "12:34:56.9999999999"),
        (ArrayType::ChronoTime, "12:34:é"),
        (ArrayType::ChronoDateTime, "2024-02-29"),
        (ArrayType::ChronoDateTime, "2024-02-29T12:34:56Z"),
        (ArrayType::ChronoDateTimeUtc, "2024-02-29T12:34:56"),
        (ArrayType::ChronoDateTimeUtc, "2024-02-29T12:34:56+02:00"),
        #[cfg(feature = "with-rust_decimal")]
        (ArrayType::Decimal, "0.12345678901234567890123456789012"),
        #[cfg(feature = "with-rust_decimal")]
        (ArrayType::Decimal, "1_000"),
        #[cfg(feature = "with-bigdecimal")]
        (ArrayType::BigDecimal, "one"),
        #[cfg(feature = "with-ipnetwork")]
        (ArrayType::IpNetwork, "10.0.0.1/33"),
        #[cfg(feature = "with-mac_address")]
        (ArrayType::MacAddress, "aa:bb:cc:dd:00000"),
        #[cfg(feature = "with-mac_address")]
        (ArrayType::MacAddress, "aabbccddeeff"),
        #[cfg(feature = "with-time")]
        (ArrayType::TimeTime, "23:59:60.500000"),
        #[cfg(feature = "with-time")]
        (ArrayType::TimeDateTimeWithTimeZone, "2016-12-31T23:59:60Z"),
        #[cfg(feature = "with-time")]
        (ArrayType::TimeDateTimeWithTimeZone, "+262142-12-31T23:59:59Z"),
        #[cfg(feature = "with-time")]
        (ArrayType::TimeDateTimeWithTimeZone, "-262143-01-01T00:00:00Z"),
    ] {
        let error = read(ty, &json!(text));
        assert!(matches!(error, DecodeError::Malformed { .. }), "{text} {error}");
    }
    let error = read(ArrayType::Json, &json!({"$json": "{secret"}));
    assert!(matches!(error, DecodeError::Malformed { .. }));
}

#[test]
fn shorter_forms_of_the_same_are_read() {
    for (ty, short, full) in [
        (ArrayType::ChronoTime, "12:34:56", "12:34:56.000000"),
        (ArrayType::ChronoTime, "12:34:56.5", "12:34:56.500000"),
        (ArrayType::ChronoDateTime, "2024-02-29 12:34:56", "2024-02-29T12:34:56.000000"),
        (ArrayType::ChronoDateTimeUtc, "2024-02-29T12:34:56+00:00", "2024-02-29T12:34:56Z"),
        (ArrayType::ChronoDateTimeUtc, "2024-02-29 12:34:56.1+00", "2024-02-29T12:34:56.1Z"),
        (ArrayType::Bytes, "ABcd", "abcd"),
    ] {
        let shape = Shape::One(ty);
        assert_eq!(decode_as(&shape, &json!(short)), decode_as(&shape, &json!(full)));
        assert!(decode_as(&shape, &json!(short)).is_ok());
    }
    assert_eq!(decode_as(&Shape::One(ArrayType::Double), &json!(2)), Ok(2.0_f64.into()));
}

#[test]
fn errors_do_not_repeat_the_value() {
    let secret = "hunter2";
    for ty in [
        ArrayType::Int,
        ArrayType::Double,
        ArrayType::Bytes,
        ArrayType::Char,
        ArrayType::Uuid,
        ArrayType::ChronoDate,
    ] {
        for json in [json!(secret), json!([secret]), json!({"$json": secret})] {
            let error = read(ty.clone(), &json);
            assert!(!format!("{error} {error:?}").contains(secret));
        }
    }
}

#[cfg(not(feature = "postgres-vector"))]
#[test]
fn a_vector_without_its_feature_names_it() {
    let error = decode_as(&Shape::Vector, &json!([1])).expect_err("the feature is off");
    assert!(error.to_string().contains("the feature `postgres-vector` of `audit-seaorm`"));
}

#[cfg(not(feature = "postgres-array"))]
#[test]
fn an_array_without_its_feature_names_it() {
    let error =
        decode_as(&Shape::Array(ArrayType::Int), &json!([1])).expect_err("the feature is off");
    assert!(error.to_string().contains("the type `Array`"), "{error}");
    assert!(error.to_string().contains("the feature `postgres-array` of `audit-seaorm`"));
}

/// Stands for a variant of a feature that is off here.
#[derive(Debug)]
struct Decimal(#[expect(dead_code, reason = "shown by `Debug`")] &'static str);

#[test]
fn an_unknown_value_is_named_and_its_content_hidden() {
    let error = EncodeError::unsupported(&"hunter2".into());
    assert_eq!(error, EncodeError::Unsupported { variant: "String".into(), feature: None });
    assert!(error.to_string().contains("keep this column out of the trail"));
    assert!(!format!("{error} {error:?}").contains("hunter2"));

    let error = DecodeError::unsupported(&Decimal("hunter2"));
    assert!(error.to_string().contains("the type `Decimal`"), "{error}");
    assert!(error.to_string().contains("the feature `with-rust_decimal` of `audit-seaorm`"));
    assert!(!format!("{error} {error:?}").contains("hunter2"));
}
