//! The tables that are written, and what the trail says of each.

use audit_seaorm::{AuditTrail, Verification};
use audit_tests::TestDb;
use sea_orm::{
    ConnectionTrait, DbErr, EntityTrait, Iterable, PrimaryKeyToColumn, QueryOrder, QuerySelect,
};

use super::Dice;
use crate::{
    entities::{label, post},
    relations::{article, article_tag, follow, note, portrait, reader, reading, tag, writer},
    support::create,
};

/// A table that refuses some values, with columns of several types.
pub(crate) mod stock {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "stock")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        #[sea_orm(extra = "CHECK (amount >= 0)")]
        pub amount: i32,
        pub price: f64,
        pub data: Option<Vec<u8>>,
        pub counted: Option<Date>,
    }
}

/// Calls a macro with every table.
macro_rules! every_table {
    ($call:ident) => {
        $call!(
            post,
            label,
            stock,
            writer,
            portrait,
            article,
            note,
            tag,
            article_tag,
            reader,
            reading,
            follow
        )
    };
}

pub(crate) async fn schema(t: &TestDb) {
    macro_rules! all {
        ($($table:ident),+) => { create!(t, $($table::Entity),+) };
    }
    every_table!(all);
}

/// What the trail does not explain, table by table.
pub(crate) async fn verify(db: &impl ConnectionTrait) -> Vec<Verification> {
    macro_rules! all {
        ($($table:ident),+) => {
            vec![$(AuditTrail::verify(db, $table::Entity).await.unwrap()),+]
        };
    }
    every_table!(all)
}

/// One of the newest rows, so that several writers meet at the same ones.
pub(super) async fn any<E: EntityTrait>(
    dice: &mut Dice,
    db: &impl ConnectionTrait,
) -> Result<Option<E::Model>, DbErr> {
    let mut rows = E::find().limit(10);
    for key in E::PrimaryKey::iter() {
        rows = rows.order_by_desc(key.into_column());
    }
    Ok(dice.take(rows.all(db).await?))
}
