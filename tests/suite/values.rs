//! Every type that a backend stores comes back from the trail as it was.

use std::mem::discriminant;

use audit_seaorm::{
    AuditTrail, Auditable,
    encode::{decode, encode, same_value},
};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue::Set, EntityTrait, IdenStatic,
    IntoActiveModel, Iterable, ModelTrait, PrimaryKeyToColumn, PrimaryKeyTrait, TryIntoModel,
    prelude::*,
};
use serde_json::json;

use crate::support::{create, entries, sql};

audit_tests::tests! {
    every_common_type_is_exact,
    what_seaorm_documents_beside_is_exact,
    enums_of_the_database_are_exact,
    documents_in_a_vec_are_exact_whatever_they_hold,
    #[only(MariaDb)] unsigned_and_small_integers_are_exact,
    #[only(Postgres)] floats_that_are_no_numbers_are_exact,
    #[only(Postgres)] arrays_are_exact,
    #[only(Postgres)] native_enums_and_network_addresses_are_exact,
    #[only(Postgres)] other_arrays_and_addresses_are_exact,
    #[only(Postgres)] vectors_are_exact,
    equal_values_in_another_form_are_no_change,
}

/// Inserts `first`, updates it to `second`, and reads every image of both from the trail. Then it brings the row back
/// to what it was, once from another one and once from none.
async fn assert_exact<E, A>(t: &TestDb, entity: E, first: A, second: A)
where
    E: Auditable + EntityTrait<ActiveModel = A>,
    A: ActiveModelTrait<Entity = E> + ActiveModelBehavior + TryIntoModel<E::Model> + Send,
    E::Model: IntoActiveModel<A> + PartialEq,
    <E::PrimaryKey as PrimaryKeyTrait>::ValueType: From<i32>,
{
    let _ = entity;
    let txn = sea_orm::TransactionTrait::begin(&t.db).await.unwrap();
    first.insert(&txn).await.unwrap();
    let all = second.clone();
    let before = E::find().one(&txn).await.unwrap().unwrap();
    second.update(&txn).await.unwrap();
    let after = E::find().one(&txn).await.unwrap().unwrap();
    txn.commit().await.unwrap();

    let trail = AuditTrail::find_for_record(&t.db, E::default(), 1).await.unwrap();
    let [updated, created] = &trail[..] else { panic!("{trail:?}") };
    assert_image::<E>(&before, created.new_values.as_ref().unwrap(), true);
    assert_image::<E>(&before, updated.old_values.as_ref().unwrap(), false);
    assert_image::<E>(&after, updated.new_values.as_ref().unwrap(), false);
    let changed = updated.new_values.as_ref().unwrap().as_object().unwrap().len();
    assert_eq!(changed, E::Column::iter().count() - 1, "every column but the key: {updated:?}");
    for gone in [false, true] {
        if gone {
            E::audited().delete_by_id(1).exec(&t.db).await.unwrap();
        }
        let restore = AuditTrail::restore(E::default(), 1, created.timestamp);
        assert_eq!(restore.exec(&t.db).await.unwrap().records.len(), 1);
        let restored = E::find().one(&t.db).await.unwrap().unwrap();
        assert_image::<E>(&restored, created.new_values.as_ref().unwrap(), true);
        assert!(restore.plan(&t.db).await.unwrap().is_empty());
    }
    for (entry, row) in [(created, &before), (updated, &after)] {
        let then = AuditTrail::state_as_of(&t.db, E::default(), 1, entry.timestamp).await.unwrap();
        let then = then.unwrap();
        let model = then.model().unwrap_or_else(|error| panic!("{error}"));
        for column in E::Column::iter() {
            let (then, row) = (model.get(column), row.get(column));
            assert!(same_value(&then, &row), "{}: {then:?} is not {row:?}", column.as_str());
        }
    }
    assert_many_exact::<E, A>(t, &before, &after, all).await;
    let report = AuditTrail::verify(&t.db, E::default()).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

/// So many rows that they are set aside in the database while one statement updates them.
async fn assert_many_exact<E, A>(t: &TestDb, before: &E::Model, after: &E::Model, mut all: A)
where
    E: Auditable + EntityTrait<ActiveModel = A>,
    A: ActiveModelTrait<Entity = E> + ActiveModelBehavior + TryIntoModel<E::Model> + Send,
    E::Model: IntoActiveModel<A> + PartialEq,
    <E::PrimaryKey as PrimaryKeyTrait>::ValueType: From<i32>,
{
    let key = <E::PrimaryKey as Iterable>::iter().next().unwrap().into_column();
    let copies = (2..=200).map(|id: i32| {
        let mut copy = before.clone().into_active_model();
        copy.set(key, id.into());
        copy
    });
    E::audited().insert_many(copies).exec_without_returning(&t.db).await.unwrap();
    all.not_set(key);
    let copies = || key.gt(1);
    let updated = E::audited().update_many().set(all).filter(copies()).exec(&t.db).await.unwrap();
    assert_eq!(updated.rows_affected, 199);
    let trail = AuditTrail::find_for_record(&t.db, E::default(), 150).await.unwrap();
    assert_image::<E>(before, trail[0].old_values.as_ref().unwrap(), false);
    assert_image::<E>(after, trail[0].new_values.as_ref().unwrap(), false);
    let deleted = E::audited().delete_many().filter(copies()).exec(&t.db).await.unwrap();
    assert_eq!(deleted.rows_affected, 199);
}

fn assert_image<E: EntityTrait>(row: &E::Model, image: &serde_json::Value, whole: bool) {
    for column in E::Column::iter() {
        let name = column.as_str();
        let Some(json) = image.get(name) else {
            assert!(!whole, "{name} is missing");
            continue;
        };
        let value = row.get(column);
        let decoded = decode::<E>(column, json).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(discriminant(&decoded), discriminant(&value), "{name}");
        assert!(same_value(&decoded, &value), "{name}: {decoded:?} is not {value:?}");
        assert_eq!(&encode(&value).unwrap(), json, "{name}");
        let mut rebuilt = row.clone();
        rebuilt.try_set(column, decoded).unwrap();
        assert!(same_value(&rebuilt.get(column), &value), "{name}");
    }
}

mod plain {
    use audit_seaorm::Auditable;
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "i32", db_type = "Integer")]
    pub enum Level {
        #[sea_orm(num_value = 0)]
        Low,
        #[sea_orm(num_value = 9)]
        High,
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
    pub struct Name(pub String);

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Address {
        pub street: String,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "plain")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub bool: bool,
        pub i16: i16,
        pub i32: i32,
        pub i64: i64,
        pub f32: f32,
        pub f64: f64,
        pub text: String,
        pub none: Option<String>,
        pub bytes: Vec<u8>,
        #[sea_orm(column_type = "Json")]
        pub json: Json,
        #[sea_orm(column_type = "JsonBinary", nullable)]
        pub maybe_json: Option<Json>,
        pub uuid: Uuid,
        #[sea_orm(column_type = "Decimal(Some((20, 4)))")]
        pub decimal: Decimal,
        pub date: Date,
        pub time: Time,
        pub date_time: DateTime,
        pub date_time_utc: DateTimeUtc,
        pub date_time_zone: DateTimeWithTimeZone,
        pub date_time_local: DateTimeLocal,
        pub t_date: TimeDate,
        pub t_time: TimeTime,
        pub t_date_time: TimeDateTime,
        pub t_date_time_zone: TimeDateTimeWithTimeZone,
        pub level: Level,
        pub name: Name,
        pub address: Address,
    }
}

async fn every_common_type_is_exact(t: TestDb) {
    use plain::{ActiveModel, Address, Level, Name};
    create!(t, plain::Entity);
    if t.backend == Backend::MariaDb {
        // SeaORM's types there keep whole seconds.
        for (column, kind) in [
            ("time", "time(6)"),
            ("date_time", "datetime(6)"),
            ("date_time_utc", "timestamp(6)"),
            ("date_time_zone", "timestamp(6)"),
            ("date_time_local", "timestamp(6)"),
            ("t_time", "time(6)"),
            ("t_date_time", "datetime(6)"),
            ("t_date_time_zone", "timestamp(6)"),
        ] {
            sql(&t.db, &format!("ALTER TABLE plain MODIFY `{column}` {kind} NOT NULL")).await;
        }
    }
    let moment: DateTimeUtc = "2026-02-28T23:59:59.123456Z".parse().unwrap();
    let t_moment =
        TimeDateTimeWithTimeZone::from_unix_timestamp_nanos(1_772_323_199_123_456_000).unwrap();
    let first = ActiveModel {
        bool: Set(true),
        i16: Set(i16::MIN),
        i32: Set(i32::MAX),
        i64: Set(i64::MIN),
        f32: Set(0.1),
        f64: Set(-2.089_311_719_551_967_5e300),
        text: Set("[REDACTED]".to_owned()),
        none: Set(None),
        bytes: Set(vec![0xff, 0x00, 0xfe, b'a']),
        json: Set(json!(null)),
        maybe_json: Set(None),
        uuid: Set(Uuid::from_u128(u128::MAX)),
        decimal: Set(Decimal::new(123_456_789_010, 4)),
        date: Set(moment.date_naive()),
        time: Set(moment.time()),
        date_time: Set(moment.naive_utc()),
        date_time_utc: Set(moment),
        date_time_zone: Set(moment.into()),
        date_time_local: Set(moment.into()),
        t_date: Set(t_moment.date()),
        t_time: Set(t_moment.time()),
        t_date_time: Set(TimeDateTime::new(t_moment.date(), t_moment.time())),
        t_date_time_zone: Set(t_moment),
        level: Set(Level::High),
        name: Set(Name("ü🦀'\"\\".to_owned())),
        address: Set(Address { street: "Main".to_owned() }),
        ..Default::default()
    };
    let second = ActiveModel {
        id: Set(1),
        bool: Set(false),
        i16: Set(0),
        i32: Set(-1),
        i64: Set(9_007_199_254_740_993),
        f32: Set(f32::MAX),
        f64: Set(5e-324),
        text: Set(String::new()),
        none: Set(Some("null".to_owned())),
        bytes: Set(vec![]),
        json: Set(json!({"$json": [1.0, 2], "b": {"c": null}})),
        maybe_json: Set(Some(json!(null))),
        uuid: Set(Uuid::nil()),
        decimal: Set("-0.0001".parse().unwrap()),
        date: Set("1970-01-02".parse().unwrap()),
        time: Set("00:00:00".parse().unwrap()),
        date_time: Set("1999-12-31T00:00:00.000001".parse().unwrap()),
        date_time_utc: Set("1999-12-31T00:00:00.1Z".parse().unwrap()),
        date_time_zone: Set("1999-12-31T01:00:00.1+05:30".parse().unwrap()),
        date_time_local: Set("1999-12-31T01:00:00.1+05:30".parse().unwrap()),
        t_date: Set(TimeDate::MIN.replace_year(1999).unwrap()),
        t_time: Set(TimeTime::MIDNIGHT),
        t_date_time: Set(TimeDateTime::new(t_moment.date(), TimeTime::MIDNIGHT)),
        t_date_time_zone: Set(TimeDateTimeWithTimeZone::UNIX_EPOCH.replace_year(1999).unwrap()),
        level: Set(Level::Low),
        name: Set(Name(String::new())),
        address: Set(Address { street: "High".to_owned() }),
    };
    assert_exact(&t, plain::Entity, first, second).await;
    let created = &entries(&t.db).await[0].new_values.clone().unwrap();
    assert_eq!(created["bytes"], "ff00fe61");
    assert_eq!(created["date_time_utc"], "2026-02-28T23:59:59.123456Z");
    assert_eq!(created["json"], json!({"$json": "null"}));
    assert_eq!(created["maybe_json"], json!(null));
    assert_eq!(created["text"], json!({"$json": "\"[REDACTED]\""}));
    if t.backend != Backend::Sqlite {
        // SQLite has no decimals: SeaORM stores a float there.
        assert_eq!(created["decimal"], "12345678.9010");
    }
}

mod documented {
    use std::{fmt, str::FromStr};

    use audit_seaorm::Auditable;
    use sea_orm::{FromJsonQueryResult, entity::prelude::*, sea_query::ValueTypeErr};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "String(StringLen::N(1))")]
    pub enum Size {
        #[sea_orm(string_value = "S")]
        Small,
        #[sea_orm(string_value = "L")]
        Large,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveValueType)]
    #[sea_orm(value_type = "String")]
    pub enum Tag {
        Hard,
        Soft,
    }

    impl FromStr for Tag {
        type Err = ValueTypeErr;

        fn from_str(text: &str) -> Result<Self, Self::Err> {
            match text {
                "hard" => Ok(Self::Hard),
                "soft" => Ok(Self::Soft),
                _ => Err(ValueTypeErr),
            }
        }
    }

    impl fmt::Display for Tag {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(if *self == Self::Hard { "hard" } else { "soft" })
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveValueType)]
    pub struct Count(pub i64);

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Line {
        pub text: String,
        pub cents: Option<i64>,
    }

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Words(pub Vec<String>);

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "documented")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub size: Size,
        pub maybe_size: Option<Size>,
        pub tag: Tag,
        pub maybe_tag: Option<Tag>,
        pub count: Count,
        pub maybe_count: Option<Count>,
        #[sea_orm(column_type = "JsonBinary")]
        pub lines: Vec<Line>,
        #[sea_orm(column_type = "Json", nullable)]
        pub maybe_lines: Option<Vec<Line>>,
        #[sea_orm(column_type = "JsonBinary")]
        pub words: Words,
        #[sea_orm(column_type = "Json", nullable)]
        pub maybe_words: Option<Words>,
        pub seconds: ChronoUnixTimestamp,
        pub millis: ChronoUnixTimestampMillis,
        pub t_seconds: TimeUnixTimestamp,
        pub text_uuid: TextUuid,
        pub maybe_uuid: Option<Uuid>,
        #[sea_orm(column_type = "Decimal(Some((30, 10)))")]
        pub big: BigDecimal,
        #[sea_orm(column_type = "Decimal(Some((20, 4)))", nullable)]
        pub maybe_decimal: Option<Decimal>,
        pub maybe_bool: Option<bool>,
        pub maybe_i16: Option<i16>,
        pub maybe_i32: Option<i32>,
        pub maybe_i64: Option<i64>,
        pub maybe_f32: Option<f32>,
        pub maybe_f64: Option<f64>,
        pub maybe_bytes: Option<Vec<u8>>,
        pub maybe_date: Option<Date>,
        pub maybe_time: Option<Time>,
        pub maybe_date_time: Option<DateTime>,
        pub maybe_utc: Option<DateTimeUtc>,
        pub maybe_zone: Option<DateTimeWithTimeZone>,
        pub maybe_t_date: Option<TimeDate>,
        #[sea_orm(column_type = "Text")]
        pub long: String,
        #[sea_orm(column_type = "Char(Some(4))")]
        pub fixed: String,
        #[sea_orm(column_type = "VarBinary(StringLen::N(16))")]
        pub binary: Vec<u8>,
    }
}

async fn what_seaorm_documents_beside_is_exact(t: TestDb) {
    use documented::{ActiveModel, Count, Line, Size, Tag, Words};
    create!(t, documented::Entity);
    let moment: DateTimeUtc = "2026-02-28T23:59:59Z".parse().unwrap();
    let line = |text: &str, cents| Line { text: text.to_owned(), cents };
    let first = ActiveModel {
        size: Set(Size::Small),
        maybe_size: Set(None),
        tag: Set(Tag::Hard),
        maybe_tag: Set(None),
        count: Set(Count(i64::MAX)),
        maybe_count: Set(None),
        lines: Set(vec![line("[REDACTED]", None), line("ü\"", Some(1))]),
        maybe_lines: Set(None),
        words: Set(Words(vec!["a".to_owned(), String::new()])),
        maybe_words: Set(None),
        seconds: Set(ChronoUnixTimestamp(moment)),
        millis: Set(ChronoUnixTimestampMillis(moment)),
        t_seconds: Set(TimeUnixTimestamp(TimeDateTimeWithTimeZone::UNIX_EPOCH)),
        text_uuid: Set(TextUuid(Uuid::from_u128(1))),
        maybe_uuid: Set(None),
        big: Set("1234.5".parse().unwrap()),
        maybe_decimal: Set(None),
        maybe_bool: Set(None),
        maybe_i16: Set(None),
        maybe_i32: Set(None),
        maybe_i64: Set(None),
        maybe_f32: Set(None),
        maybe_f64: Set(None),
        maybe_bytes: Set(None),
        maybe_date: Set(None),
        maybe_time: Set(None),
        maybe_date_time: Set(None),
        maybe_utc: Set(None),
        maybe_zone: Set(None),
        maybe_t_date: Set(None),
        long: Set("x".repeat(70_000)),
        fixed: Set("abcd".to_owned()),
        binary: Set(vec![0, 1, 0xff]),
        ..Default::default()
    };
    let second = ActiveModel {
        id: Set(1),
        size: Set(Size::Large),
        maybe_size: Set(Some(Size::Small)),
        tag: Set(Tag::Soft),
        maybe_tag: Set(Some(Tag::Hard)),
        count: Set(Count(-1)),
        maybe_count: Set(Some(Count(0))),
        lines: Set(vec![]),
        maybe_lines: Set(Some(vec![line("", Some(-5))])),
        words: Set(Words(vec![])),
        maybe_words: Set(Some(Words(vec!["b".to_owned()]))),
        seconds: Set(ChronoUnixTimestamp(DateTimeUtc::UNIX_EPOCH)),
        millis: Set(ChronoUnixTimestampMillis(DateTimeUtc::UNIX_EPOCH)),
        t_seconds: Set(TimeUnixTimestamp(
            TimeDateTimeWithTimeZone::from_unix_timestamp(1_772_323_199).unwrap(),
        )),
        text_uuid: Set(TextUuid(Uuid::max())),
        maybe_uuid: Set(Some(Uuid::nil())),
        big: Set("-0.25".parse().unwrap()),
        maybe_decimal: Set(Some("0.5".parse().unwrap())),
        maybe_bool: Set(Some(false)),
        maybe_i16: Set(Some(0)),
        maybe_i32: Set(Some(i32::MIN)),
        maybe_i64: Set(Some(i64::MIN)),
        maybe_f32: Set(Some(0.1)),
        maybe_f64: Set(Some(1e-300)),
        maybe_bytes: Set(Some(vec![])),
        maybe_date: Set(Some(moment.date_naive())),
        maybe_time: Set(Some(moment.time())),
        maybe_date_time: Set(Some(moment.naive_utc())),
        maybe_utc: Set(Some(moment)),
        maybe_zone: Set(Some("2026-02-28T23:59:59+05:30".parse().unwrap())),
        maybe_t_date: Set(Some(TimeDate::MIN.replace_year(1999).unwrap())),
        long: Set(String::new()),
        fixed: Set("wxyz".to_owned()),
        binary: Set(vec![]),
    };
    if t.backend == Backend::MariaDb {
        sql(&t.db, "ALTER TABLE documented MODIFY `long` longtext NOT NULL").await;
    }
    assert_exact(&t, documented::Entity, first, second).await;
    let created = &entries(&t.db).await[0].new_values.clone().unwrap();
    assert_eq!(created["lines"][0], json!({"text": "[REDACTED]", "cents": null}));
}

/// Documents that need an escape where they stand alone need one as elements, too, and a baseline writes the same.
async fn documents_in_a_vec_are_exact_whatever_they_hold(t: TestDb) {
    create!(t, basket::Entity);
    let mut deep = json!("x");
    for _ in 0..29 {
        deep = json!([deep]);
    }
    let items = [json!(null), json!("[REDACTED]"), json!({"$json": "1"}), deep, json!([1.0, {}])];
    let first =
        basket::ActiveModel { items: Set(items.map(basket::Item).to_vec()), ..Default::default() };
    let second = basket::ActiveModel { id: Set(1), items: Set(vec![]) };
    assert_exact(&t, basket::Entity, first.clone(), second).await;

    sql(&t.db, "DELETE FROM audit_trail").await;
    AuditTrail::baseline(basket::Entity).exec(&t.db).await.unwrap();
    let trail = entries(&t.db).await;
    let [baseline] = &trail[..] else { panic!("{trail:?}") };
    let row = basket::Entity::find().one(&t.db).await.unwrap().unwrap();
    assert_image::<basket::Entity>(&row, baseline.new_values.as_ref().unwrap(), true);
    assert_eq!(row.items, first.items.unwrap());
}

mod basket {
    use audit_seaorm::Auditable;
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct Item(pub Json);

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "basket")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(column_type = "Json")]
        pub items: Vec<Item>,
    }
}

mod moody {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    use super::native::Mood;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "moody")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub mood: Mood,
        pub maybe: Option<Mood>,
    }
}

async fn enums_of_the_database_are_exact(t: TestDb) {
    use native::Mood;
    create!(t, moody::Entity);
    let first = moody::ActiveModel { mood: Set(Mood::Sad), maybe: Set(None), ..Default::default() };
    let second =
        moody::ActiveModel { id: Set(1), mood: Set(Mood::Happy), maybe: Set(Some(Mood::Sad)) };
    assert_exact(&t, moody::Entity, first, second).await;
}

mod other_array {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "other_array")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub shorts: Vec<i16>,
        pub singles: Vec<f32>,
        pub documents: Vec<Json>,
        pub dates: Vec<Date>,
        pub times: Vec<Time>,
        pub naive: Vec<DateTime>,
        pub zoned: Option<Vec<DateTimeWithTimeZone>>,
        pub maybe_moods: Option<Vec<super::native::Mood>>,
        #[sea_orm(column_type = "Cidr")]
        pub network: IpNetwork,
        #[sea_orm(column_type = "Inet", nullable)]
        pub maybe_address: Option<IpNetwork>,
    }
}

async fn other_arrays_and_addresses_are_exact(t: TestDb) {
    use native::Mood;
    // SeaORM makes the type for a column that holds one, and not for an array alone.
    sql(&t.db, "CREATE TYPE mood AS ENUM ('sad', 'happy')").await;
    create!(t, other_array::Entity);
    let first = other_array::ActiveModel {
        shorts: Set(vec![i16::MIN]),
        singles: Set(vec![0.1]),
        documents: Set(vec![json!({"a": [1]}), json!("x")]),
        dates: Set(vec!["2026-02-28".parse().unwrap()]),
        times: Set(vec!["01:02:03.000004".parse().unwrap()]),
        naive: Set(vec![]),
        zoned: Set(None),
        maybe_moods: Set(None),
        network: Set("10.0.0.0/8".parse().unwrap()),
        maybe_address: Set(None),
        ..Default::default()
    };
    let second = other_array::ActiveModel {
        id: Set(1),
        shorts: Set(vec![]),
        singles: Set(vec![]),
        documents: Set(vec![]),
        dates: Set(vec![]),
        times: Set(vec![]),
        naive: Set(vec!["2026-02-28T01:02:03".parse().unwrap()]),
        zoned: Set(Some(vec!["2026-02-28T01:02:03+01:00".parse().unwrap()])),
        maybe_moods: Set(Some(vec![Mood::Happy])),
        network: Set("192.168.0.0/16".parse().unwrap()),
        maybe_address: Set(Some("::1/128".parse().unwrap())),
    };
    assert_exact(&t, other_array::Entity, first, second).await;
}

mod small {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "small")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub i8: i8,
        pub u8: u8,
        pub u16: u16,
        pub u32: u32,
        pub u64: u64,
        #[sea_orm(column_type = "Decimal(Some((40, 10)))")]
        pub big: BigDecimal,
    }
}

async fn unsigned_and_small_integers_are_exact(t: TestDb) {
    create!(t, small::Entity);
    let first = small::ActiveModel {
        i8: Set(i8::MIN),
        u8: Set(u8::MAX),
        u16: Set(u16::MAX),
        u32: Set(u32::MAX),
        u64: Set(u64::MAX),
        big: Set("123456789012345678901234567890.0100000000".parse().unwrap()),
        ..Default::default()
    };
    let second = small::ActiveModel {
        id: Set(1),
        i8: Set(i8::MAX),
        u8: Set(0),
        u16: Set(0),
        u32: Set(0),
        u64: Set(u64::MAX - 1),
        big: Set("-0.0000000001".parse().unwrap()),
    };
    assert_exact(&t, small::Entity, first, second).await;
    let created = &entries(&t.db).await[0].new_values.clone().unwrap();
    assert_eq!(created["u64"], json!(u64::MAX));
    assert_eq!(created["big"], "123456789012345678901234567890.0100000000");
}

mod float {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "float")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub f32: f32,
        pub f64: f64,
        pub other: f64,
    }
}

async fn floats_that_are_no_numbers_are_exact(t: TestDb) {
    create!(t, float::Entity);
    let row = |f32, f64, other| float::ActiveModel {
        f32: Set(f32),
        f64: Set(f64),
        other: Set(other),
        ..Default::default()
    };
    let first = row(f32::NAN, f64::INFINITY, 1.0);
    let second = float::ActiveModel { id: Set(1), ..row(f32::NEG_INFINITY, f64::NAN, 2.0) };
    assert_exact(&t, float::Entity, first, second).await;
    let before = entries(&t.db).await.len();
    let nan_again = float::ActiveModel { id: Set(1), ..row(f32::NAN, f64::INFINITY, 1.0) };
    nan_again.update(&t.db).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), before, "NaN for NaN is no change");
}

mod array {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "array")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub bools: Vec<bool>,
        pub ints: Vec<i32>,
        pub bigs: Vec<i64>,
        pub floats: Vec<f64>,
        pub texts: Vec<String>,
        pub maybe: Option<Vec<String>>,
        pub uuids: Vec<Uuid>,
        pub decimals: Vec<Decimal>,
        pub moments: Vec<DateTimeUtc>,
    }
}

async fn arrays_are_exact(t: TestDb) {
    create!(t, array::Entity);
    let first = array::ActiveModel {
        bools: Set(vec![true, false]),
        ints: Set(vec![]),
        bigs: Set(vec![i64::MAX]),
        floats: Set(vec![f64::NAN, 0.1]),
        texts: Set(vec!["[REDACTED]".to_owned(), "null".to_owned(), "{a,b}".to_owned()]),
        maybe: Set(None),
        uuids: Set(vec![Uuid::max()]),
        decimals: Set(vec!["1.50".parse().unwrap()]),
        moments: Set(vec!["2026-02-28T23:59:59.123456Z".parse().unwrap()]),
        ..Default::default()
    };
    let second = array::ActiveModel {
        id: Set(1),
        bools: Set(vec![]),
        ints: Set(vec![1, -1]),
        bigs: Set(vec![]),
        floats: Set(vec![]),
        texts: Set(vec![String::new()]),
        maybe: Set(Some(vec![])),
        uuids: Set(vec![]),
        decimals: Set(vec![]),
        moments: Set(vec![]),
    };
    assert_exact(&t, array::Entity, first, second).await;
    let created = &entries(&t.db).await[0].new_values.clone().unwrap();
    assert_eq!(created["ints"], json!([]));
    assert_eq!(created["floats"], json!(["NaN", 0.1]));
}

mod native {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "mood")]
    pub enum Mood {
        #[sea_orm(string_value = "sad")]
        Sad,
        #[sea_orm(string_value = "happy")]
        Happy,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "native")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub mood: Mood,
        pub maybe: Option<Mood>,
        pub moods: Vec<Mood>,
        #[sea_orm(column_type = "Inet")]
        pub address: IpNetwork,
    }
}

async fn native_enums_and_network_addresses_are_exact(t: TestDb) {
    use native::{ActiveModel, Mood};
    create!(t, native::Entity);
    let first = ActiveModel {
        mood: Set(Mood::Sad),
        maybe: Set(None),
        moods: Set(vec![Mood::Happy, Mood::Sad]),
        address: Set("10.0.0.1/8".parse().unwrap()),
        ..Default::default()
    };
    let second = ActiveModel {
        id: Set(1),
        mood: Set(Mood::Happy),
        maybe: Set(Some(Mood::Sad)),
        moods: Set(vec![]),
        address: Set("2001:db8::1/128".parse().unwrap()),
    };
    assert_exact(&t, native::Entity, first, second).await;
}

mod embedding {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "embedding")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub vector: PgVector,
    }
}

/// Debian has no `pgvector`. All that matters here is a type of that name which keeps the bytes of the
/// driver's binary format, and `bytea` under another name does.
const VECTOR: &str = "
    CREATE TYPE vector;
    CREATE FUNCTION vector_in(cstring) RETURNS vector LANGUAGE internal STRICT AS 'byteain';
    CREATE FUNCTION vector_out(vector) RETURNS cstring LANGUAGE internal STRICT AS 'byteaout';
    CREATE FUNCTION vector_recv(internal) RETURNS vector LANGUAGE internal STRICT AS 'bytearecv';
    CREATE FUNCTION vector_send(vector) RETURNS bytea LANGUAGE internal STRICT AS 'byteasend';
    CREATE TYPE vector (INPUT = vector_in, OUTPUT = vector_out, RECEIVE = vector_recv,
        SEND = vector_send, STORAGE = extended)";

async fn vectors_are_exact(t: TestDb) {
    sql(&t.db, VECTOR).await;
    sql(&t.db, "CREATE TABLE embedding (id serial PRIMARY KEY, vector vector NOT NULL)").await;
    create!(t, crate::entities::post::Entity);
    let row = |id, vector: Vec<f32>| embedding::ActiveModel { id, vector: Set(vector.into()) };
    let first = row(sea_orm::ActiveValue::NotSet, vec![0.1, -2.5e-7, 3.0]);
    assert_exact(&t, embedding::Entity, first, row(Set(1), vec![0.0])).await;
}

async fn equal_values_in_another_form_are_no_change(t: TestDb) {
    create!(t, crate::entities::post::Entity);
    let decimal = match t.backend {
        Backend::Postgres => "numeric",
        Backend::Sqlite => "real",
        Backend::MariaDb => "decimal(20,4)",
    };
    let json = if t.backend == Backend::MariaDb { "longtext" } else { "json" };
    sql(
        &t.db,
        &format!(
            "CREATE TABLE form (id int PRIMARY KEY, decimal_value {decimal}, json_value {json})"
        ),
    )
    .await;
    let row = |decimal: &str, json: &str| form::ActiveModel {
        id: Set(1),
        decimal_value: Set(decimal.parse().unwrap()),
        json_value: Set(serde_json::from_str(json).unwrap()),
    };
    row("1.0", r#"{"a":1,"b":[2]}"#).insert(&t.db).await.unwrap();
    row("1.00", r#"{"b":[2.0],"a":1}"#).update(&t.db).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 1);
    row("1.01", r#"{"b":[2.0],"a":1}"#).update(&t.db).await.unwrap();
    let changed = entries(&t.db).await[1].new_values.clone().unwrap();
    assert_eq!(changed.as_object().unwrap().keys().collect::<Vec<_>>(), ["decimal_value"]);
    let report = AuditTrail::verify(&t.db, form::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

mod form {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "form")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub decimal_value: Decimal,
        #[sea_orm(column_type = "Json")]
        pub json_value: Json,
    }
}
