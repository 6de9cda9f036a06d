//! Keys, names and places of every kind.

use audit_seaorm::{AuditEntry, AuditTrail, Operation};
use audit_tests::TestDb;
use sea_orm::{ActiveValue::Set, EntityTrait, IntoActiveModel, prelude::Uuid};

use crate::{
    entities::{account, country, device, label, order},
    support::{assert_lines, create, entries, sql, trail},
};

audit_tests::tests! {
    a_composite_key_is_an_array_in_key_order,
    a_text_key_stands_as_it_is,
    keys_that_differ_in_case_or_blanks_are_different_records,
    a_uuid_key_is_its_text,
    reserved_words_and_renamed_columns_keep_their_names,
    #[only(Postgres)] a_table_in_a_schema_is_named_with_it,
    #[only(MariaDb)] a_table_in_another_database_is_named_with_it,
    a_key_too_long_for_the_trail_is_refused,
}

/// Makes a record anew by the id that its deletion has.
async fn undelete(t: &TestDb, deleted: &AuditEntry) {
    let restore = AuditTrail::restore_transaction(deleted.transaction_id.unwrap());
    restore.exec(&t.db).await.unwrap_or_else(|error| panic!("{}: {error}", deleted.record_id));
    let made = entries(&t.db).await.pop().unwrap();
    assert_eq!((made.operation, &made.record_id), (Operation::Create, &deleted.record_id));
    assert_eq!(made.new_values, deleted.old_values);
}

async fn a_composite_key_is_an_array_in_key_order(t: TestDb) {
    create!(t, label::Entity);
    let label = label::ActiveModel {
        post_id: Set(7),
        language: Set("en \"x\"".to_owned()),
        text: Set("t".to_owned()),
    };
    let mut label = label.insert(&t.db).await.unwrap().into_active_model();
    label.text = Set("u".to_owned());
    label.update(&t.db).await.unwrap().delete(&t.db).await.unwrap();
    let key = (7, "en \"x\"".to_owned());
    let found = AuditTrail::find_for_record(&t.db, label::Entity, key).await.unwrap();
    assert_eq!(found.len(), 3);
    assert_eq!(found[0].record_id, r#"[7,"en \"x\""]"#);
    undelete(&t, &found[0]).await;
    let other = (7, "en".to_owned());
    assert!(AuditTrail::find_for_record(&t.db, label::Entity, other).await.unwrap().is_empty());
}

async fn a_text_key_stands_as_it_is(t: TestDb) {
    create!(t, country::Entity);
    for code in ["", "[REDACTED]", "7", "null", "ü🦀", "a\"b'c\\d%_"] {
        let country = country::ActiveModel { code: Set(code.to_owned()), name: Set(None) };
        let mut country = country.insert(&t.db).await.unwrap().into_active_model();
        country.name = Set(Some("x".to_owned()));
        country.update(&t.db).await.unwrap().delete(&t.db).await.unwrap();
        let found = AuditTrail::find_for_record(&t.db, country::Entity, code).await.unwrap();
        assert_eq!(found.len(), 3, "{code:?}");
        assert_eq!(found[0].record_id, code);
        undelete(&t, &found[0]).await;
    }
}

async fn keys_that_differ_in_case_or_blanks_are_different_records(t: TestDb) {
    create!(t, country::Entity);
    if t.backend == audit_tests::Backend::MariaDb {
        sql(
            &t.db,
            "ALTER TABLE country CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
        )
        .await;
    }
    for code in ["de", "DE", "de ", "dé"] {
        let country = country::ActiveModel { code: Set(code.to_owned()), name: Set(None) };
        country.insert(&t.db).await.unwrap();
    }
    for code in ["de", "DE", "de ", "dé"] {
        let found = AuditTrail::find_for_record(&t.db, country::Entity, code).await.unwrap();
        assert_eq!(found.len(), 1, "{code:?}");
        assert_eq!(found[0].record_id, code);
    }
}

async fn a_uuid_key_is_its_text(t: TestDb) {
    create!(t, device::Entity);
    let id = Uuid::from_u128(0x0192_e4a0_0000_7000_8000_0000_0000_00ff);
    let device = device::ActiveModel { id: Set(id), name: Set("a".to_owned()) };
    let mut device = device.insert(&t.db).await.unwrap().into_active_model();
    device.name = Set("b".to_owned());
    device.save(&t.db).await.unwrap();
    let found = AuditTrail::find_for_record(&t.db, device::Entity, id).await.unwrap();
    assert_eq!(found.len(), 2);
    assert_eq!(found[0].record_id, "0192e4a0-0000-7000-8000-0000000000ff");
    device::Entity::audited().delete_by_id(id).exec(&t.db).await.unwrap();
    undelete(&t, &entries(&t.db).await[2]).await;
}

async fn reserved_words_and_renamed_columns_keep_their_names(t: TestDb) {
    create!(t, order::Entity);
    let order = order::ActiveModel {
        r#type: Set("a".to_owned()),
        group: Set(order::Select::From),
        secret: Set("s".to_owned()),
        ..Default::default()
    };
    let mut order = order.insert(&t.db).await.unwrap().into_active_model();
    order.r#type = Set("b".to_owned());
    order.group = Set(order::Select::Where);
    order.secret = Set("t".to_owned());
    order.update(&t.db).await.unwrap();
    let update = entries(&t.db).await.pop().unwrap().transaction_id.unwrap();
    order::Entity::audited().delete_by_id(1).exec(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE order 1 by nobody: none -> {"camelCase":"[REDACTED]","group by":"from","select":1,"type":"a"}"#,
            r#"UPDATE order 1 by nobody: {"camelCase":"[REDACTED]","group by":"from","type":"a"} -> {"camelCase":"[REDACTED]","group by":"where","type":"b"}"#,
            r#"DELETE order 1 by nobody: {"camelCase":"[REDACTED]","group by":"where","select":1,"type":"b"} -> none"#,
        ],
    );
    restore_an_order(&t, update).await;
}

/// What is redacted of it is somebody's to fill in.
async fn restore_an_order(t: &TestDb, update: Uuid) {
    let insert = match t.backend {
        audit_tests::Backend::MariaDb => "INSERT INTO `order` VALUES (1, 'b', 'where', 'known')",
        _ => "INSERT INTO \"order\" VALUES (1, 'b', 'where', 'known')",
    };
    sql(&t.db, insert).await;
    let restore = AuditTrail::restore_transaction(update).accept_gaps(true);
    let plan = restore.exec(&t.db).await.unwrap();
    assert_eq!(
        plan.to_string(),
        "UPDATE order 1\n  \"group by\": \"where\" -> \"from\"\n  type: \"b\" -> \"a\"\n  \
         cannot be brought back: `camelCase` is redacted"
    );
    let row = order::Entity::find_by_id(1).one(&t.db).await.unwrap().unwrap();
    assert_eq!((&*row.r#type, row.group, &*row.secret), ("a", order::Select::From, "known"));
}

async fn write_an_account(t: &TestDb) {
    let account = account::ActiveModel { name: Set("a".to_owned()), ..Default::default() };
    let mut account = account.insert(&t.db).await.unwrap().into_active_model();
    account.name = Set("b".to_owned());
    account.update(&t.db).await.unwrap().delete(&t.db).await.unwrap();
    let found = AuditTrail::find_for_record(&t.db, account::Entity, 1).await.unwrap();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|entry| entry.table_name == "books.account"));
    undelete(t, &found[0]).await;
}

async fn a_table_in_a_schema_is_named_with_it(t: TestDb) {
    sql(&t.db, "CREATE SCHEMA books").await;
    sql(&t.db, "CREATE TABLE books.account (id serial PRIMARY KEY, name text NOT NULL)").await;
    sql(&t.db, "CREATE TABLE account (id serial PRIMARY KEY, name text NOT NULL)").await;
    create!(t, country::Entity);
    write_an_account(&t).await;
}

async fn a_table_in_another_database_is_named_with_it(t: TestDb) {
    create!(t, country::Entity);
    // The entity's name is fixed, and so is that of the one database beside the test's own.
    sql(&t.db, "CREATE DATABASE IF NOT EXISTS books").await;
    sql(&t.db, "CREATE OR REPLACE TABLE books.account (id int PRIMARY KEY AUTO_INCREMENT, name text NOT NULL)").await;
    write_an_account(&t).await;
    sql(&t.db, "DROP DATABASE books").await;
}

async fn a_key_too_long_for_the_trail_is_refused(t: TestDb) {
    create!(t, country::Entity);
    sql(
        &t.db,
        match t.backend {
            audit_tests::Backend::Sqlite => "SELECT 1",
            audit_tests::Backend::Postgres => "ALTER TABLE country ALTER code TYPE text",
            audit_tests::Backend::MariaDb => "ALTER TABLE country MODIFY code varchar(600)",
        },
    )
    .await;
    let code = "x".repeat(513);
    let country = country::ActiveModel { code: Set(code.clone()), name: Set(None) };
    let error = country.insert(&t.db).await.unwrap_err().to_string();
    assert!(error.contains("513 characters as text, more than the 512"), "{error}");
    assert!(!error.contains("xxx"), "{error}");
    assert!(trail(&t.db).await.is_empty());
    assert_eq!(crate::support::number(&t.db, "SELECT COUNT(*) FROM country").await, 0);
}
