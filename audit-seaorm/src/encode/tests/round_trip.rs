//! Random values come back as they were.

use proptest::prelude::*;
use sea_orm::{
    Value,
    prelude::{ChronoDate, ChronoDateTime, ChronoTime, Uuid},
    sea_query::{
        ArrayType, Enum,
        prelude::{FixedOffset, Local, chrono::TimeZone},
    },
};
use serde_json::{Value as Json, json};

use super::{assert_comes_back, there_and_back};
use crate::encode::{reader::decode_as, shape::Shape};

const DAYS: std::ops::RangeInclusive<i32> = -95_746_394..=95_745_762;

fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![8 => any::<char>(), 1 => Just('\0'), 1 => Just('"')];
    prop_oneof![
        8 => proptest::collection::vec(character, 0..12).prop_map(String::from_iter),
        1 => Just("[REDACTED]".to_owned()),
        1 => Just("$json".to_owned()),
    ]
}

fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<u64>().prop_map(Json::from),
        any::<f64>().prop_map(Json::from),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::from),
            proptest::collection::hash_map(text(), inner.clone(), 0..3)
                .prop_map(|map| Json::Object(map.into_iter().collect())),
            inner.prop_map(|inner| json!({"$json": inner})),
        ]
    })
}

fn date() -> impl Strategy<Value = ChronoDate> {
    prop_oneof![DAYS, -800_000..3_000_000]
        .prop_filter_map("within the calendar", ChronoDate::from_epoch_days)
}

fn time() -> impl Strategy<Value = ChronoTime> {
    let fraction =
        prop_oneof![(0..1_000_000_u32).prop_map(|micro| micro * 1000), 0..1_000_000_000_u32,];
    let leap = prop_oneof![9 => Just(0), 1 => Just(1_000_000_000_u32)];
    (0..86_400_u32, fraction, leap)
        .prop_filter_map("a leap second ends a minute", |(second, nano, leap)| {
            ChronoTime::from_num_seconds_from_midnight_opt(second, nano + leap)
        })
}

fn naive() -> impl Strategy<Value = ChronoDateTime> {
    (date(), time()).prop_map(|(date, time)| date.and_time(time))
}

proptest! {
    #[test]
    fn integers(a: i8, b: i16, c: i32, d: i64, e: u8, f: u16, g: u32, h: u64, i: bool) {
        let values: [Value; 9] =
            [a.into(), b.into(), c.into(), d.into(), e.into(), f.into(), g.into(), h.into(), i.into()];
        values.iter().for_each(assert_comes_back);
    }

    #[test]
    fn every_f32(bits: u32) {
        let value = f32::from_bits(bits);
        assert_comes_back(&value.into());
        let Value::Float(Some(back)) = there_and_back(&value.into()) else { panic!() };
        prop_assert!(back.to_bits() == bits || value.is_nan());
    }

    #[test]
    fn every_f64(bits: u64) {
        let value = f64::from_bits(bits);
        let Value::Double(Some(back)) = there_and_back(&value.into()) else { panic!() };
        prop_assert!(back.to_bits() == bits || value.is_nan());
    }

    #[test]
    fn floats_written_out_in_full_as_jsonb_does(double: f64, single: f32) {
        let read = |ty, text: &str| decode_as(&Shape::One(ty), &serde_json::from_str(text).expect("a number"));
        let expanded = double.to_string();
        prop_assert_eq!(read(ArrayType::Double, &expanded), Ok(double.into()));
        let expanded = single.to_string();
        prop_assert_eq!(read(ArrayType::Float, &expanded), Ok(single.into()));
    }

    #[test]
    fn texts(text in text(), character: char) {
        let choice = Enum { type_name: "kind".into(), value: text.clone().into() };
        let values: [Value; 3] = [text.into(), character.into(), choice.into()];
        values.iter().for_each(assert_comes_back);
    }

    #[test]
    fn bytes_and_uuids(bytes: Vec<u8>, uuid: u128) {
        assert_comes_back(&bytes.into());
        assert_comes_back(&Uuid::from_u128(uuid).into());
    }

    #[test]
    fn documents(document in document()) {
        let Value::Json(Some(back)) = there_and_back(&document.clone().into()) else { panic!() };
        prop_assert_eq!(*back, document);
    }

    #[test]
    fn chrono_types(naive in naive(), offset in -86_399..86_400) {
        let utc = naive.and_utc();
        let offset = FixedOffset::east_opt(offset).expect("less than a day");
        let values: [Value; 6] = [
            naive.date().into(),
            naive.time().into(),
            naive.into(),
            utc.into(),
            offset.from_utc_datetime(&naive).into(),
            utc.with_timezone(&Local).into(),
        ];
        for value in &values {
            assert_comes_back(value);
            prop_assert_eq!(value, &there_and_back(value));
        }
    }
}

#[cfg(feature = "with-rust_decimal")]
proptest! {
    #[test]
    fn decimals(low: u32, middle: u32, high: u32, negative: bool, scale in 0..=28_u32) {
        use sea_orm::prelude::Decimal;

        let decimal = Decimal::from_parts(low, middle, high, negative, scale);
        let Value::Decimal(Some(back)) = there_and_back(&decimal.into()) else { panic!() };
        prop_assert_eq!((back, back.scale()), (decimal, scale));
    }
}

#[cfg(feature = "with-bigdecimal")]
proptest! {
    #[test]
    fn big_decimals(digits: i128, scale in -400..400_i64, far: i64) {
        use sea_orm::prelude::BigDecimal;

        let decimal = BigDecimal::from(digits);
        let near = BigDecimal::new(decimal.as_bigint_and_exponent().0, scale);
        assert_comes_back(&near.into());
        let far = BigDecimal::new(decimal.as_bigint_and_exponent().0, far.clamp(-i64::MAX / 2, i64::MAX / 2));
        assert_comes_back(&far.into());
    }
}

#[cfg(all(feature = "with-ipnetwork", feature = "with-mac_address"))]
proptest! {
    #[test]
    fn addresses(mac: [u8; 6], ip: std::net::IpAddr, prefix in 0..=32_u8) {
        use sea_orm::{prelude::IpNetwork, sea_query::prelude::MacAddress};

        assert_comes_back(&MacAddress::new(mac).into());
        assert_comes_back(&IpNetwork::new(ip, prefix).expect("a network").into());
    }
}

#[cfg(feature = "with-time")]
proptest! {
    #[test]
    fn time_types(day in -4_371_587..=5_373_484_i32, second in 0..86_400_u32, nano in 0..1_000_000_000_u32, offset in -93_599..=93_599_i32) {
        use sea_orm::sea_query::prelude::time::{Date, OffsetDateTime, PrimitiveDateTime, Time, UtcOffset, Duration};

        let date = Date::from_julian_day(day.clamp(Date::MIN.to_julian_day(), Date::MAX.to_julian_day())).expect("a date");
        let time = Time::MIDNIGHT + Duration::new(second.into(), nano.cast_signed());
        let offset = UtcOffset::from_whole_seconds(offset).expect("an offset");
        let values: [Value; 4] = [
            date.into(),
            time.into(),
            PrimitiveDateTime::new(date, time).into(),
            OffsetDateTime::new_in_offset(date, time, offset).into(),
        ];
        for value in &values {
            assert_comes_back(value);
            prop_assert_eq!(value, &there_and_back(value));
        }
    }
}

#[cfg(feature = "postgres-array")]
proptest! {
    #[test]
    fn arrays(texts in proptest::collection::vec(text(), 0..4), documents in proptest::collection::vec(document(), 0..4), singles: Vec<u32>) {
        let singles: Vec<f32> = singles.into_iter().map(f32::from_bits).collect();
        assert_comes_back(&texts.into());
        assert_comes_back(&documents.into());
        #[cfg(feature = "postgres-vector")]
        assert_comes_back(&sea_orm::prelude::PgVector::from(singles.clone()).into());
        assert_comes_back(&singles.into());
    }
}
