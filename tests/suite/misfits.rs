//! Rows that do not fit their entity: the error names the place, and never a value.

use audit_seaorm::{AuditTrail, AuditTransaction};
use audit_tests::TestDb;
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DbErr, QueryFilter, TransactionTrait,
    sea_query::Expr,
};

use crate::support::{create, entries, migrate, sql};

audit_tests::tests! {
    an_unknown_variant_is_named_by_its_place,
    a_document_that_cannot_be_read_is_not_quoted,
    a_whole_key_names_the_record,
}

const SECRET: &str = "s3cr3t";

mod patient {
    use sea_orm::{FromJsonQueryResult, entity::prelude::*};
    use serde::{Deserialize, Serialize};

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Text")]
    pub enum State {
        #[sea_orm(string_value = "well")]
        Well,
        #[sea_orm(string_value = "ill")]
        Ill,
    }

    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
    pub struct File {
        pub pages: i64,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "patient")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub ward: String,
        pub name: String,
        #[auditable(redact)]
        pub state: State,
        #[auditable(redact)]
        #[sea_orm(column_type = "JsonBinary")]
        pub file: File,
    }
}

async fn a_patient(t: &TestDb) {
    create!(t, patient::Entity);
    let row = patient::ActiveModel {
        id: Set(7),
        ward: Set("north".to_owned()),
        name: Set("Ann".to_owned()),
        state: Set(patient::State::Well),
        file: Set(patient::File { pages: 1 }),
    };
    row.insert(&t.db).await.unwrap();
}

fn renamed() -> patient::ActiveModel {
    patient::ActiveModel {
        id: Set(7),
        ward: Set("north".to_owned()),
        name: Set("Bea".to_owned()),
        ..Default::default()
    }
}

fn key() -> (i32, String) {
    (7, "north".to_owned())
}

/// What each way to write the row answers.
async fn errors<C: ConnectionTrait>(db: &C) -> Vec<(&'static str, DbErr)> {
    let all = patient::Entity::audited();
    let rename = all.update_many().col_expr(patient::Column::Name, Expr::val("Bea"));
    let delete = patient::Entity::audited().delete_many().filter(patient::Column::Id.eq(7));
    vec![
        ("update", renamed().update(db).await.unwrap_err()),
        ("delete", renamed().delete(db).await.unwrap_err()),
        (
            "audited update",
            patient::Entity::audited().update(renamed()).exec(db).await.unwrap_err(),
        ),
        (
            "audited delete",
            patient::Entity::audited().delete_by_id(key()).exec(db).await.unwrap_err(),
        ),
        ("update_many", rename.exec(db).await.unwrap_err()),
        ("delete_many", delete.exec(db).await.unwrap_err()),
    ]
}

fn assert_told(call: &str, error: &DbErr, parts: &[&str]) {
    let texts = [error.to_string(), format!("{error:?}")];
    assert!(texts.iter().all(|text| !text.contains(SECRET)), "{call}: {error:?}");
    for part in parts {
        assert!(texts[0].contains(part), "{call} does not tell {part}: {error}");
    }
}

async fn an_unknown_variant_is_named_by_its_place(t: TestDb) {
    a_patient(&t).await;
    sql(&t.db, &format!("UPDATE patient SET state = '{SECRET}'")).await;
    let one = ["`patient`", r#"[7,"north"]"#, "`state`"];
    for (call, error) in errors(&t.db).await {
        assert_told(call, &error, &one);
    }
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    assert_told("in a transaction of ours", &renamed().update(&txn).await.unwrap_err(), &one);
    txn.rollback().await.unwrap();
    let txn = t.db.begin().await.unwrap();
    assert_told("in one of SeaORM's", &renamed().update(&txn).await.unwrap_err(), &one);
    txn.rollback().await.unwrap();
    let restore = AuditTrail::restore(patient::Entity, key(), entries(&t.db).await[0].timestamp);
    let error = DbErr::from(restore.exec(&t.db).await.unwrap_err());
    assert_told("restore", &error, &one[..1]);
    sql(&t.db, "DELETE FROM audit_trail").await;
    let error = AuditTrail::verify(&t.db, patient::Entity).await.unwrap_err();
    assert_told("verify", &error, &one);
    let error = AuditTrail::baseline(patient::Entity).exec(&t.db).await.err();
    if let Some(error) = &error {
        assert_told("baseline", error, &one[..1]);
    }
    assert_eq!(patient_rows(&t).await, 1, "nothing was written");
}

async fn patient_rows(t: &TestDb) -> i64 {
    crate::support::number(&t.db, "SELECT COUNT(*) FROM patient WHERE name = 'Ann'").await
}

async fn a_document_that_cannot_be_read_is_not_quoted(t: TestDb) {
    a_patient(&t).await;
    sql(&t.db, &format!("UPDATE patient SET file = '{{\"pages\": \"{SECRET}\"}}'")).await;
    for (call, error) in errors(&t.db).await {
        let parts = ["`patient`", r#"[7,"north"]"#, "`file`"];
        assert_told(call, &error, &parts);
    }
    assert_eq!(patient_rows(&t).await, 1, "nothing was written");
}

mod dial {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "i32", db_type = "Integer")]
    pub enum Level {
        #[sea_orm(num_value = 0)]
        Low,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "dial")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub level: Level,
        pub name: Option<String>,
    }
}

async fn a_whole_key_names_the_record(t: TestDb) {
    create!(t, dial::Entity);
    migrate(&t).await;
    sql(&t.db, "INSERT INTO dial (id, level) VALUES (5, 99)").await;
    let row = dial::ActiveModel { id: Set(5), name: Set(None), ..Default::default() };
    let error = row.update(&t.db).await.unwrap_err();
    assert_told("update", &error, &["`dial`", "record 5", "`level`"]);
    assert!(!error.to_string().contains("99"), "{error}");
}
