//! Reading led by the columns of an entity.

use sea_orm::{
    ActiveModelTrait, ActiveValue, IntoActiveModel, Iterable, ModelTrait, entity::prelude::*,
};
use serde_json::json;

use super::encode;
use crate::encode::decode;

#[allow(unreachable_pub, reason = "the derive makes some of it public")]
mod thing {
    use super::*;

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "Enum", db_type = "Enum", enum_name = "mood")]
    pub enum Mood {
        #[sea_orm(string_value = "happy")]
        Happy,
        #[sea_orm(string_value = "sad")]
        Sad,
    }

    #[derive(Clone, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "i16", db_type = "SmallInteger")]
    pub enum Level {
        Low = 1,
        High = 2,
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveValueType)]
    pub struct Reference(pub String);

    #[derive(
        Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, FromJsonQueryResult,
    )]
    pub struct Settings {
        pub dark: bool,
    }

    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "thing")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: u64,
        pub mood: Mood,
        pub old_mood: Option<Mood>,
        pub level: Level,
        pub reference: Reference,
        pub settings: Settings,
        pub old_settings: Option<Settings>,
        pub document: Json,
        pub old_document: Option<Json>,
        pub key: TextUuid,
        pub raw: Vec<u8>,
        pub ratio: f32,
        pub created_at: DateTimeUtc,
        #[sea_orm(column_type = "custom(\"ltree\")")]
        pub path: String,
        #[cfg(feature = "postgres-array")]
        pub tags: Vec<String>,
        #[cfg(feature = "postgres-array")]
        pub moods: Vec<Mood>,
        #[cfg(feature = "postgres-array")]
        pub old_tags: Option<Vec<String>>,
        #[cfg(feature = "postgres-array")]
        #[sea_orm(column_type = "custom(\"int4[]\")")]
        pub numbers: Option<Vec<i32>>,
        #[cfg(feature = "postgres-vector")]
        #[sea_orm(column_type = "Vector(Some(2))")]
        pub embedding: Option<PgVector>,
        #[cfg(feature = "postgres-vector")]
        #[sea_orm(column_type = "custom(\"halfvec\")")]
        pub custom_embedding: Option<PgVector>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

fn thing() -> thing::Model {
    thing::Model {
        id: u64::MAX,
        mood: thing::Mood::Sad,
        old_mood: Some(thing::Mood::Happy),
        level: thing::Level::High,
        reference: thing::Reference("[REDACTED]".into()),
        settings: thing::Settings { dark: true },
        old_settings: Some(thing::Settings { dark: false }),
        document: json!(null),
        old_document: Some(json!({"$json": "\0"})),
        key: TextUuid(Uuid::from_u128(7)),
        raw: vec![0, 159, 146, 150],
        ratio: 0.1,
        created_at: DateTimeUtc::UNIX_EPOCH,
        path: "a.b".into(),
        #[cfg(feature = "postgres-array")]
        tags: vec!["a\0".into(), String::new()],
        #[cfg(feature = "postgres-array")]
        moods: vec![thing::Mood::Sad],
        #[cfg(feature = "postgres-array")]
        old_tags: Some(vec![]),
        #[cfg(feature = "postgres-array")]
        numbers: Some(vec![1, -1]),
        #[cfg(feature = "postgres-vector")]
        embedding: Some(vec![0.1, 2.0].into()),
        #[cfg(feature = "postgres-vector")]
        custom_embedding: Some(vec![0.1, 2.0].into()),
    }
}

fn nothing() -> thing::Model {
    thing::Model {
        old_mood: None,
        old_settings: None,
        old_document: None,
        #[cfg(feature = "postgres-array")]
        old_tags: None,
        #[cfg(feature = "postgres-array")]
        numbers: None,
        #[cfg(feature = "postgres-vector")]
        embedding: None,
        #[cfg(feature = "postgres-vector")]
        custom_embedding: None,
        ..thing()
    }
}

#[test]
fn every_column_takes_back_its_value() {
    for model in [thing(), nothing()] {
        let mut restored = <thing::ActiveModel as ActiveModelTrait>::default();
        for column in thing::Column::iter() {
            let json = encode(&model.get(column)).expect("this kind has a form");
            let value =
                decode::<thing::Entity>(column, &json).expect("what was written can be read");
            restored.try_set(column, value).expect("the column takes its value");
        }
        for column in thing::Column::iter() {
            let value = restored.get(column).into_wrapped_value();
            assert_eq!(value, ActiveValue::Set(model.get(column)), "{column:?}");
        }
        let whole: thing::Model =
            sea_orm::TryIntoModel::try_into_model(restored).expect("all is set");
        assert_eq!(whole.into_active_model().into_active_model(), model.into_active_model());
    }
}

#[cfg(not(feature = "postgres-vector"))]
#[test]
fn a_custom_vector_column_is_not_asked_for_its_type() {
    use crate::encode::shape::Shape;

    // The field behind it would panic if its type were a vector.
    assert!(matches!(Shape::of::<thing::Entity>(thing::Column::Path), Shape::One(_)));
}
