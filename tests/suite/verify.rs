//! `AuditTrail::verify` explains every row by the trail, and finds every damage.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use audit_seaorm::{
    AuditConfig, AuditContext, AuditEntry, AuditTrail, AuditTransaction, Auditable, Change,
    FindingKind, Image, Verification, entity,
};
use audit_tests::{Backend, TestDb, memory::live_bytes};
use sea_orm::{
    ActiveValue::Set, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel,
    TransactionTrait, prelude::Uuid,
};
use serde_json::json;

use crate::{
    damage::{exchange_times, history, remove, rewrite, set},
    entities::{country, device, label, order, post},
    migration::{explain, fill},
    support::{create, entries, new_post, number, sql, store_entries, unseen_post, without_checks},
};

audit_tests::tests! {
    ordinary_histories_are_explained,
    a_transaction_sees_its_own_entries,
    rules_that_changed_over_time_are_no_finding,
    a_column_that_came_or_went_is_no_finding,
    another_form_of_the_same_value_is_no_finding,
    rows_older_than_the_trail_are_told_apart,
    a_changed_row_is_found,
    rows_inserted_and_deleted_are_found,
    a_row_that_does_not_fit_the_entity_is_found,
    a_missing_entry_is_found,
    an_altered_entry_is_found,
    a_swapped_order_is_found,
    entries_that_never_were_are_found,
    entries_that_cannot_be_read_are_found,
    ids_that_are_no_keys_are_no_rows,
    #[only(MariaDb)] numbers_too_large_for_other_databases_are_keys,
    #[only(MariaDb)] keys_that_the_table_holds_equal_are_different_records,
    #[only(Postgres)] padded_keys_are_met_by_their_rows,
    #[only(Sqlite)] keys_stored_in_another_form_are_met_by_their_rows,
    a_secret_is_in_no_report,
    an_excluded_table_cannot_be_verified,
    many_findings_are_counted_and_some_kept,
    many_records_and_long_histories_are_read_in_pages,
    writers_at_work_make_no_finding,
    pages_come_from_the_index,
    #[alone] memory_does_not_grow_with_the_trail,
}

/// Every finding as `Kind record column,column`.
fn lines(report: &Verification) -> Vec<String> {
    let line = |finding: &audit_seaorm::Finding| {
        let line =
            format!("{:?} {} {}", finding.kind, finding.record_id, finding.columns.join(","));
        line.trim_end().to_owned()
    };
    report.findings().iter().map(line).collect()
}

#[track_caller]
fn assert_findings(report: &Verification, expected: &[&str]) {
    assert_eq!(lines(report), expected, "\n{report}");
    assert_eq!(report.is_clean(), expected.is_empty());
}

async fn assert_explained<E: Auditable>(db: &impl ConnectionTrait, entity: E) -> Verification {
    let report = AuditTrail::verify(db, entity).await.unwrap();
    assert_findings(&report, &[]);
    report
}

/// Post 1 is updated twice, post 2 deleted and created again, post 3 updated, post 4 deleted.
async fn write_posts(db: &impl ConnectionTrait) {
    for title in ["one", "two", "three", "four"] {
        new_post(title).insert(db).await.unwrap();
    }
    for likes in [5, 6] {
        post::ActiveModel { id: Set(1), likes: Set(likes), ..Default::default() }
            .update(db)
            .await
            .unwrap();
    }
    for id in [2, 4] {
        post::ActiveModel { id: Set(id), ..Default::default() }.delete(db).await.unwrap();
    }
    post::ActiveModel { id: Set(2), ..new_post("two again") }.insert(db).await.unwrap();
    let title = Set("third".to_owned());
    let token = Set(Some("t".to_owned()));
    post::ActiveModel { id: Set(3), title, token, ..Default::default() }.update(db).await.unwrap();
}

/// Inflicts a damage on those posts and takes it back.
async fn damaged(t: &TestDb, inflict: impl AsyncFnOnce(&DatabaseTransaction), expected: &[&str]) {
    let txn = t.db.begin().await.unwrap();
    inflict(&txn).await;
    let report = AuditTrail::verify(&txn, post::Entity).await.unwrap();
    txn.rollback().await.unwrap();
    assert_findings(&report, expected);
}

async fn damaged_by(t: &TestDb, damage: &str, expected: &[&str]) {
    damaged(t, async |txn| sql(txn, damage).await, expected).await;
}

/// The entry at a place of the history of a post.
async fn at(db: &impl ConnectionTrait, (record_id, place): (&str, usize)) -> AuditEntry {
    history(db, "post", record_id).await.swap_remove(place)
}

async fn ordinary_histories_are_explained(t: TestDb) {
    create!(t, post::Entity, label::Entity, country::Entity, device::Entity, order::Entity);
    write_posts(&t.db).await;
    let skipped = post::ActiveModel { id: Set(1), views: Set(9), ..Default::default() };
    skipped.update(&t.db).await.unwrap();
    let full = AuditConfig::new().full_record(true);
    let liked = post::ActiveModel { id: Set(3), likes: Set(1), ..Default::default() };
    full.scope(liked.update(&t.db)).await.unwrap();
    let report = assert_explained(&t.db, post::Entity).await;
    assert_eq!((report.entries, report.records, report.rows), (11, 4, 3));
    assert_eq!(
        report.to_string(),
        "post: 11 entries of 4 records, 3 rows: the trail explains them all"
    );

    for (post_id, language) in [(7, "en"), (7, "e\"n"), (-7, ""), (70, "[7]")] {
        let (post_id, language) = (Set(post_id), Set(language.to_owned()));
        let label = label::ActiveModel { post_id, language, text: Set("a".to_owned()) };
        let mut label = label.insert(&t.db).await.unwrap().into_active_model();
        label.text = Set("b".to_owned());
        label.update(&t.db).await.unwrap();
    }
    assert_explained(&t.db, label::Entity).await;

    for code in ["", "[REDACTED]", "7", "null", "[7]", "\"x\"", "ü🦀", "a\"b'c\\d%_", "de", "fr"]
    {
        let country = country::ActiveModel { code: Set(code.to_owned()), name: Set(None) };
        let mut country = country.insert(&t.db).await.unwrap().into_active_model();
        country.name = Set(Some("[REDACTED]".to_owned()));
        country.update(&t.db).await.unwrap();
    }
    assert_explained(&t.db, country::Entity).await;

    for id in [0, u128::MAX] {
        let device = device::ActiveModel { id: Set(Uuid::from_u128(id)), name: Set(String::new()) };
        device.insert(&t.db).await.unwrap();
    }
    assert_explained(&t.db, device::Entity).await;

    let order = order::ActiveModel {
        r#type: Set("a".to_owned()),
        group: Set(order::Select::From),
        secret: Set("s".to_owned()),
        ..Default::default()
    };
    let mut order = order.insert(&t.db).await.unwrap().into_active_model();
    order.group = Set(order::Select::Where);
    order.update(&t.db).await.unwrap();
    assert_explained(&t.db, order::Entity).await;
}

async fn a_transaction_sees_its_own_entries(t: TestDb) {
    create!(t, post::Entity);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    write_posts(&txn).await;
    assert_eq!(assert_explained(&txn, post::Entity).await.entries, 10);
    let nested = txn.begin().await.unwrap();
    new_post("nested").insert(&nested).await.unwrap();
    nested.rollback().await.unwrap();
    assert_explained(&txn, post::Entity).await;
    txn.commit().await.unwrap();
    assert_eq!(assert_explained(&t.db, post::Entity).await.entries, 10);
}

async fn rules_that_changed_over_time_are_no_finding(t: TestDb) {
    create!(t, country::Entity);
    let name = |name: &str| Set(Some(name.to_owned()));
    let redacted = || AuditConfig::new().redact("country", ["name"]);
    let country =
        |code: &str, to: &str| country::ActiveModel { code: Set(code.to_owned()), name: name(to) };
    country("clear first", "a").insert(&t.db).await.unwrap();
    redacted().scope(country("clear first", "b").update(&t.db)).await.unwrap();
    redacted().scope(country("redacted first", "a").insert(&t.db)).await.unwrap();
    country("redacted first", "b").update(&t.db).await.unwrap();
    country("clear again", "a").insert(&t.db).await.unwrap();
    redacted().scope(country("clear again", "b").update(&t.db)).await.unwrap();
    country("clear again", "c").update(&t.db).await.unwrap();
    redacted()
        .scope(country("gone", "a").insert(&t.db))
        .await
        .unwrap()
        .delete(&t.db)
        .await
        .unwrap();
    assert_explained(&t.db, country::Entity).await;
    redacted().scope(assert_explained(&t.db, country::Entity)).await;
    // What became clear again is compared again.
    sql(&t.db, "UPDATE country SET name = 'x'").await;
    let report = AuditTrail::verify(&t.db, country::Entity).await.unwrap();
    let expected = ["RowDiffers clear again name", "RowDiffers redacted first name"];
    assert_findings(&report, &expected);
}

/// The table `country` as it was, and as it became.
mod narrow_country {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "country")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
    }
}

mod wide_country {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "country")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub name: Option<String>,
        pub size: i32,
    }
}

async fn a_column_that_came_or_went_is_no_finding(t: TestDb) {
    create!(t, country::Entity);
    for code in ["de", "fr"] {
        let country = country::ActiveModel { code: Set(code.to_owned()), name: Set(None) };
        country.insert(&t.db).await.unwrap();
    }
    sql(&t.db, "ALTER TABLE country ADD COLUMN size int NOT NULL DEFAULT 3").await;
    assert_explained(&t.db, wide_country::Entity).await;
    let grown = wide_country::ActiveModel {
        code: Set("de".to_owned()),
        size: Set(4),
        ..Default::default()
    };
    grown.update(&t.db).await.unwrap();
    assert_explained(&t.db, wide_country::Entity).await;
    assert_explained(&t.db, narrow_country::Entity).await;
    sql(&t.db, "UPDATE country SET size = 5").await;
    let report = AuditTrail::verify(&t.db, wide_country::Entity).await.unwrap();
    assert_findings(&report, &["RowDiffers de size"]);
}

mod price {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "price")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub amount: Decimal,
        #[sea_orm(column_type = "Json")]
        pub terms: Json,
    }
}

async fn another_form_of_the_same_value_is_no_finding(t: TestDb) {
    create!(t, country::Entity);
    let amount = if t.backend == Backend::Sqlite { "real" } else { "numeric(12, 1)" };
    sql(&t.db, &format!("CREATE TABLE price (id int PRIMARY KEY, amount {amount}, terms json)"))
        .await;
    let amount = Set("1.5".parse().unwrap());
    let price = price::ActiveModel { id: Set(1), amount, terms: Set(json!({"a": 1, "b": 2})) };
    price.insert(&t.db).await.unwrap();
    let alter = match t.backend {
        Backend::Sqlite => "SELECT 1",
        Backend::Postgres => "ALTER TABLE price ALTER amount TYPE numeric(12, 3)",
        Backend::MariaDb => "ALTER TABLE price MODIFY amount numeric(12, 3)",
    };
    sql(&t.db, alter).await;
    sql(&t.db, r#"UPDATE price SET terms = '{"b": 2.0, "a": 1}'"#).await;
    assert_explained(&t.db, price::Entity).await;
    let price =
        price::ActiveModel { id: Set(1), amount: Set("2".parse().unwrap()), ..Default::default() };
    price.update(&t.db).await.unwrap();
    assert_explained(&t.db, price::Entity).await;
    sql(&t.db, r#"UPDATE price SET amount = 2.5, terms = '{"b": 2.5, "a": 1}'"#).await;
    let report = AuditTrail::verify(&t.db, price::Entity).await.unwrap();
    assert_findings(&report, &["RowDiffers 1 amount,terms"]);
}

async fn rows_older_than_the_trail_are_told_apart(t: TestDb) {
    create!(t, post::Entity);
    for title in ["one", "two", "three"] {
        unseen_post(&t.db, title).await;
    }
    let liked = post::ActiveModel { id: Set(2), likes: Set(1), ..Default::default() };
    liked.update(&t.db).await.unwrap();
    post::ActiveModel { id: Set(3), ..Default::default() }.delete(&t.db).await.unwrap();
    new_post("four").insert(&t.db).await.unwrap();
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    let expected = ["BeganBeforeTrail 2", "BeganBeforeTrail 3", "NeverRecorded 1"];
    assert_findings(&report, &expected);
    // What the entries do tell is checked.
    sql(&t.db, "UPDATE post SET likes = 9, title = title || 'x' WHERE id = 2").await;
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    let expected =
        ["BeganBeforeTrail 2", "BeganBeforeTrail 3", "RowDiffers 2 likes", "NeverRecorded 1"];
    assert_findings(&report, &expected);
}

async fn a_changed_row_is_found(t: TestDb) {
    create!(t, post::Entity);
    write_posts(&t.db).await;
    let damage = "UPDATE post SET title = 'forged', likes = 7 WHERE id = 1";
    damaged_by(&t, damage, &["RowDiffers 1 likes,title"]).await;
    let damage = "UPDATE post SET likes = likes + 1";
    let expected = ["RowDiffers 1 likes", "RowDiffers 2 likes", "RowDiffers 3 likes"];
    damaged_by(&t, damage, &expected).await;
    // What the trail cannot know: a skipped column, a redacted value.
    damaged_by(&t, "UPDATE post SET views = 7, token = 'forged'", &[]).await;
    damaged_by(&t, "UPDATE post SET id = 9 WHERE id = 1", &["NeverRecorded 9", "RowMissing 1"])
        .await;
}

async fn rows_inserted_and_deleted_are_found(t: TestDb) {
    create!(t, post::Entity);
    write_posts(&t.db).await;
    let insert =
        |id: i32| format!("INSERT INTO post (id, title, likes, views) VALUES ({id}, 'four', 0, 0)");
    damaged_by(&t, &insert(9), &["NeverRecorded 9"]).await;
    damaged_by(&t, &insert(4), &["RowAfterDelete 4"]).await;
    damaged_by(&t, "DELETE FROM post WHERE id = 2", &["RowMissing 2"]).await;
    let expected = ["RowMissing 1", "RowMissing 2", "RowMissing 3"];
    damaged_by(&t, "DELETE FROM post", &expected).await;
    let one_for_another = async |txn: &DatabaseTransaction| {
        sql(txn, "DELETE FROM post WHERE id = 2").await;
        sql(txn, &insert(9)).await;
    };
    damaged(&t, one_for_another, &["NeverRecorded 9", "RowMissing 2"]).await;
}

async fn a_row_that_does_not_fit_the_entity_is_found(t: TestDb) {
    create!(t, order::Entity);
    for r#type in ["a", "b", "c"] {
        let order = order::ActiveModel {
            r#type: Set(r#type.to_owned()),
            group: Set(order::Select::From),
            secret: Set(String::new()),
            ..Default::default()
        };
        order.insert(&t.db).await.unwrap();
    }
    let damage = match t.backend {
        Backend::MariaDb => "UPDATE `order` SET `group by` = 'unknown' WHERE `select` = 2",
        _ => r#"UPDATE "order" SET "group by" = 'unknown' WHERE "select" = 2"#,
    };
    sql(&t.db, damage).await;
    let report = AuditTrail::verify(&t.db, order::Entity).await.unwrap();
    assert_findings(&report, &["RowUnreadable 2"]);
}

async fn a_missing_entry_is_found(t: TestDb) {
    create!(t, post::Entity);
    write_posts(&t.db).await;
    for (entry, expected) in [
        (("1", 0), "BeganBeforeTrail 1"),
        (("1", 1), "BeforeImageDiffers 1 likes"),
        (("1", 2), "RowDiffers 1 likes"),
        (("2", 1), "CreatedTwice 2"),
        (("2", 2), "RowAfterDelete 2"),
        (("3", 1), "RowDiffers 3 title"),
        (("4", 0), "BeganBeforeTrail 4"),
        (("4", 1), "RowMissing 4"),
    ] {
        damaged(&t, async |txn| remove(txn, at(txn, entry).await).await, &[expected]).await;
    }
    let all = "DELETE FROM audit_trail WHERE record_id = '1'";
    damaged_by(&t, all, &["NeverRecorded 1"]).await;
    let expected = ["NeverRecorded 1", "NeverRecorded 2", "NeverRecorded 3"];
    damaged_by(&t, "DELETE FROM audit_trail", &expected).await;
    // The CREATE between two deletes.
    let again = async |txn: &DatabaseTransaction| {
        AuditContext::new()
            .scope(post::ActiveModel { id: Set(2), ..Default::default() }.delete(txn))
            .await
            .unwrap();
        remove(txn, at(txn, ("2", 2)).await).await;
    };
    damaged(&t, again, &["ChangedAfterDelete 2"]).await;
}

type Alter = fn(&mut entity::Model);

async fn an_altered_entry_is_found(t: TestDb) {
    create!(t, post::Entity);
    write_posts(&t.db).await;
    let old: Alter = |row| set(&mut row.old_values, "likes", 99);
    let new: Alter = |row| set(&mut row.new_values, "likes", 99);
    let text: Alter = |row| set(&mut row.new_values, "likes", "many");
    let renamed: Alter = |row| "9".clone_into(&mut row.record_id);
    let deleted: Alter = |row| {
        "DELETE".clone_into(&mut row.operation);
        row.new_values = None;
    };
    let later: Alter = |row| row.timestamp += std::time::Duration::from_micros(1);
    for (entry, alter, expected) in [
        (("1", 0), new, &["BeforeImageDiffers 1 likes"][..]),
        (("1", 1), old, &["BeforeImageDiffers 1 likes"]),
        (("1", 1), new, &["BeforeImageDiffers 1 likes"]),
        (("1", 2), new, &["RowDiffers 1 likes"]),
        (("1", 2), text, &["RowDiffers 1 likes"]),
        (("2", 1), old, &["BeforeImageDiffers 2 likes"]),
        (("4", 1), old, &["BeforeImageDiffers 4 likes"]),
        (("1", 1), renamed, &["BeforeImageDiffers 1 likes", "BeganBeforeTrail 9", "RowMissing 9"]),
        (("1", 1), deleted, &["ChangedAfterDelete 1"]),
        (("1", 2), later, &["TimeAltered 1"]),
    ] {
        damaged(&t, async |txn| rewrite(txn, at(txn, entry).await, alter).await, expected).await;
    }
}

async fn a_swapped_order_is_found(t: TestDb) {
    create!(t, post::Entity);
    write_posts(&t.db).await;
    let swap = async |record_id: &str, places: [usize; 2], expected: &[&str]| {
        let inflict = async |txn: &DatabaseTransaction| {
            let mut history = history(txn, "post", record_id).await;
            let late = history.swap_remove(places[1]);
            exchange_times(txn, [history.swap_remove(places[0]), late]).await;
        };
        damaged(&t, inflict, expected).await;
    };
    let altered = "TimeAltered 1";
    let differs = "BeforeImageDiffers 1 likes";
    swap("1", [1, 2], &[altered, differs, altered, differs, "RowDiffers 1 likes"]).await;
    // Two updates of different columns lead to the same row in either order.
    for change in [
        post::ActiveModel { id: Set(3), likes: Set(1), ..Default::default() },
        post::ActiveModel { id: Set(3), title: Set("new".to_owned()), ..Default::default() },
    ] {
        change.update(&t.db).await.unwrap();
    }
    swap("3", [2, 3], &["TimeAltered 3", "TimeAltered 3"]).await;
}

async fn entries_that_never_were_are_found(t: TestDb) {
    create!(t, post::Entity);
    write_posts(&t.db).await;
    let likes = |likes: i32| Image::from_iter([("likes".to_owned(), json!(likes))]);
    let by_hand = async |change: Change, expected: &[&str]| {
        damaged(&t, async |txn| AuditTrail::record(txn, change).await.unwrap(), expected).await;
    };
    by_hand(Change::update("post", "1", likes(6), likes(7)), &["RowDiffers 1 likes"]).await;
    by_hand(Change::update("post", "1", likes(0), likes(6)), &["BeforeImageDiffers 1 likes"]).await;
    by_hand(Change::create("post", "1", likes(6)), &["CreatedTwice 1"]).await;
    by_hand(Change::delete("post", "1", likes(6)), &["RowAfterDelete 1"]).await;
    by_hand(Change::delete("post", "4", likes(0)), &["ChangedAfterDelete 4"]).await;
    let expected = ["ChangedAfterDelete 4", "RowMissing 4"];
    by_hand(Change::update("post", "4", likes(0), likes(1)), &expected).await;
    by_hand(Change::create("post", "9", likes(0)), &["RowMissing 9"]).await;
    let expected = ["BeganBeforeTrail 9", "RowMissing 9"];
    by_hand(Change::update("post", "9", likes(0), likes(1)), &expected).await;
    by_hand(Change::delete("post", "9", likes(0)), &["BeganBeforeTrail 9"]).await;
    by_hand(Change::create("other", "9", likes(0)), &[]).await;
}

async fn entries_that_cannot_be_read_are_found(t: TestDb) {
    create!(t, post::Entity);
    without_checks(&t.db).await;
    write_posts(&t.db).await;
    let damage = async |place: usize, alter: Alter, expected: &[&str]| {
        let inflict = async |txn: &DatabaseTransaction| {
            rewrite(txn, at(txn, ("1", place)).await, alter).await;
        };
        damaged(&t, inflict, expected).await;
    };
    for place in 0..3 {
        damage(
            place,
            |row| "MERGE".clone_into(&mut row.operation),
            &["EntryUnreadable 1 operation"],
        )
        .await;
        let no_object = ["EntryUnreadable 1 new_values"];
        damage(place, |row| row.new_values = Some(json!([1])), &no_object).await;
        let no_object = ["EntryUnreadable 1 old_values"];
        damage(place, |row| row.old_values = Some(json!("x")), &no_object).await;
    }
    damage(1, |row| row.old_values = None, &["EntryUnreadable 1 old_values"]).await;
    damage(1, |row| row.new_values = None, &["EntryUnreadable 1 new_values"]).await;
    let exchanged = ["EntryUnreadable 1 new_values,old_values"];
    damage(0, |row| row.old_values = row.new_values.take(), &exchanged).await;
    damage(2, |row| row.metadata = Some(json!(1)), &["EntryUnreadable 1 metadata"]).await;
    if t.backend == Backend::Sqlite {
        let one = "WHERE record_id = '1' AND operation = 'CREATE'";
        for (set, expected) in [
            ("new_values = 'no json'", &["EntryUnreadable 1 new_values"][..]),
            ("id = 'no id'", &["EntryUnreadable 1 id"]),
            ("timestamp = 'no time'", &["BeganBeforeTrail 1", "EntryUnreadable 1 timestamp"]),
            ("reason = x'ff'", &["EntryUnreadable 1 reason"]),
            // Its record is none of those that there are.
            ("record_id = x'31'", &["BeganBeforeTrail 1", "EntryUnreadable 1 record_id"]),
        ] {
            damaged_by(&t, &format!("UPDATE audit_trail SET {set} {one}"), expected).await;
        }
    }
}

async fn ids_that_are_no_keys_are_no_rows(t: TestDb) {
    create!(t, post::Entity, label::Entity, device::Entity, country::Entity, tally::Entity);
    write_posts(&t.db).await;
    let phantom = async |table: &str, ids: &[&str]| {
        for id in ids {
            let change = Change::create(table, *id, Image::new());
            AuditTrail::record(&t.db, change).await.unwrap();
        }
    };
    phantom("post", &["", " 1", "1.0", "01", "99999999999", "null", "[1]", "\"1\"", "x"]).await;
    phantom("label", &["7", "[7]", "[7,\"en\",1]", "[\"7\",\"en\"]", r#"[7,"\u0000"]"#, "[]"])
        .await;
    phantom("device", &["x", "00000000000000000000000000000000"]).await;
    phantom("country", &["[REDACTED]", "nowhere"]).await;
    phantom("tally", &["18446744073709551615", "9223372036854775808", "-1", "7"]).await;
    let device = device::ActiveModel { id: Set(Uuid::nil()), name: Set(String::new()) };
    device.insert(&t.db).await.unwrap();
    let missing = async |report: Verification, count: u64| {
        assert_eq!(report.count(FindingKind::RowMissing), count, "{report}");
        assert_eq!(report.total(), count, "{report}");
    };
    missing(AuditTrail::verify(&t.db, post::Entity).await.unwrap(), 9).await;
    missing(AuditTrail::verify(&t.db, label::Entity).await.unwrap(), 6).await;
    missing(AuditTrail::verify(&t.db, device::Entity).await.unwrap(), 2).await;
    missing(AuditTrail::verify(&t.db, country::Entity).await.unwrap(), 2).await;
    missing(AuditTrail::verify(&t.db, tally::Entity).await.unwrap(), 4).await;
}

mod tally {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "tally")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: u64,
    }
}

mod wide_key {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "wide_key")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub number: u64,
        #[sea_orm(primary_key, auto_increment = false, column_type = "VarBinary(StringLen::N(3))")]
        pub bytes: Vec<u8>,
        #[sea_orm(primary_key, auto_increment = false, column_type = "Decimal(Some((6, 2)))")]
        pub amount: Decimal,
        pub likes: i32,
    }
}

async fn numbers_too_large_for_other_databases_are_keys(t: TestDb) {
    create!(t, wide_key::Entity);
    for (number, bytes) in [(u64::MAX, vec![0, 255, 0]), (1 << 63, vec![b'a']), (0, vec![])] {
        let (number, bytes) = (Set(number), Set(bytes));
        let amount = Set("1.5".parse().unwrap());
        let row = wide_key::ActiveModel { number, bytes, amount, likes: Set(0) };
        row.insert(&t.db).await.unwrap();
    }
    assert_explained(&t.db, wide_key::Entity).await;
    sql(&t.db, "UPDATE wide_key SET likes = 1").await;
    let report = AuditTrail::verify(&t.db, wide_key::Entity).await.unwrap();
    assert_eq!(report.count(FindingKind::RowDiffers), 3, "{report}");
}

async fn keys_that_the_table_holds_equal_are_different_records(t: TestDb) {
    create!(t, country::Entity);
    let country = |code: &str| country::ActiveModel {
        code: Set(code.to_owned()),
        name: Set(Some("x".to_owned())),
    };
    country("de").insert(&t.db).await.unwrap();
    country("fr ").insert(&t.db).await.unwrap();
    // Found by a key that the table holds equal; the record keeps its own.
    country("DE").update(&t.db).await.unwrap();
    let renamed = country::ActiveModel { name: Set(None), ..country("FR") };
    renamed.update(&t.db).await.unwrap();
    assert_explained(&t.db, country::Entity).await;
    let phantom = Change::create("country", "DE", Image::new());
    AuditTrail::record(&t.db, phantom).await.unwrap();
    let report = AuditTrail::verify(&t.db, country::Entity).await.unwrap();
    assert_findings(&report, &["RowMissing DE"]);
}

async fn padded_keys_are_met_by_their_rows(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, "CREATE TABLE country (code char(4) PRIMARY KEY, name text)").await;
    for code in ["de", "fr", "long"] {
        let country = country::ActiveModel { code: Set(code.to_owned()), name: Set(None) };
        country.insert(&t.db).await.unwrap();
    }
    country::ActiveModel { code: Set("fr".to_owned()), ..Default::default() }
        .delete(&t.db)
        .await
        .unwrap();
    assert_explained(&t.db, country::Entity).await;
    sql(&t.db, "UPDATE country SET name = 'forged'").await;
    sql(&t.db, "INSERT INTO country (code) VALUES ('fr'), ('at')").await;
    let change = Change::create("country", "gone", Image::new());
    AuditTrail::record(&t.db, change).await.unwrap();
    let report = AuditTrail::verify(&t.db, country::Entity).await.unwrap();
    let expected = [
        "RowDiffers de   name",
        "RowAfterDelete fr",
        "RowDiffers long name",
        "NeverRecorded at",
        "RowMissing gone",
    ];
    assert_findings(&report, &expected);
}

mod reading {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "reading")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub sensor: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub at: DateTimeWithTimeZone,
        pub value: f64,
    }
}

/// `SQLite` keeps a moment as text with its offset, and the trail writes it in UTC.
async fn keys_stored_in_another_form_are_met_by_their_rows(t: TestDb) {
    create!(t, reading::Entity);
    for second in 0..300 {
        let at = format!("2026-01-01T00:{:02}:{:02}+05:30", second / 60, second % 60);
        let at = Set(at.parse().unwrap());
        let reading = reading::ActiveModel { sensor: Set(second % 3), at, value: Set(f64::MAX) };
        reading.insert(&t.db).await.unwrap();
    }
    assert_explained(&t.db, reading::Entity).await;
    sql(&t.db, "UPDATE reading SET value = 0 WHERE sensor = 0").await;
    sql(&t.db, "DELETE FROM reading WHERE sensor = 1").await;
    let report = AuditTrail::verify(&t.db, reading::Entity).await.unwrap();
    assert_eq!(report.count(FindingKind::RowDiffers), 100, "{report}");
    assert_eq!(report.count(FindingKind::RowMissing), 100, "{report}");
    assert_eq!(report.total(), 200, "{report}");
}

async fn a_secret_is_in_no_report(t: TestDb) {
    create!(t, post::Entity);
    without_checks(&t.db).await;
    let mut post = new_post("s3cr3t-title");
    post.token = Set(Some("s3cr3t-token".to_owned()));
    post.insert(&t.db).await.unwrap();
    sql(&t.db, "UPDATE post SET title = 's3cr3t-forged'").await;
    rewrite(&t.db, at(&t.db, ("1", 0)).await, |row| "s3cr3t".clone_into(&mut row.operation)).await;
    sql(&t.db, "INSERT INTO post (title, likes, views) VALUES ('s3cr3t-insert', 0, 0)").await;
    let (report, logs) = audit_tests::logs::capture(AuditTrail::verify(&t.db, post::Entity)).await;
    let report = report.unwrap();
    assert_findings(&report, &["EntryUnreadable 1 operation", "NeverRecorded 2"]);
    let all = format!("{report} {report:?} {logs}");
    assert!(!all.contains("s3cr3t"), "{all}");
}

async fn an_excluded_table_cannot_be_verified(t: TestDb) {
    create!(t, post::Entity);
    let config = AuditConfig::new().exclude_table("post");
    let error = config.scope(AuditTrail::verify(&t.db, post::Entity)).await.unwrap_err();
    assert!(error.to_string().contains("`post` is excluded from the trail"), "{error}");
}

async fn many_findings_are_counted_and_some_kept(t: TestDb) {
    create!(t, country::Entity);
    let values: Vec<_> = (0..300).map(|code| format!("('{code}')")).collect();
    sql(&t.db, &format!("INSERT INTO country (code) VALUES {}", values.join(","))).await;
    for code in ["gone", "lost"] {
        let change = Change::create("country", code, Image::new());
        AuditTrail::record(&t.db, change).await.unwrap();
    }
    let report = AuditTrail::verify(&t.db, country::Entity).await.unwrap();
    assert_eq!((report.count(FindingKind::NeverRecorded), report.total()), (300, 302));
    assert_eq!(report.findings().len(), 102);
    let text = report.to_string();
    assert!(
        text.starts_with("country: 2 entries of 2 records, 300 rows: 302 findings\n"),
        "{text}"
    );
    assert!(text.contains("record \"gone\": there should be a row and is none (entry "), "{text}");
    assert!(text.ends_with("\n  and 200 more: there is a row and no entry"), "{text}");
}

/// A thousand entries of one instant and some of other records before and after.
async fn many_records_and_long_histories_are_read_in_pages(t: TestDb) {
    create!(t, country::Entity);
    for batch in 0..4 {
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        for country in 0..100 {
            let code = Set(format!("{}", batch * 100 + country));
            let country = country::ActiveModel { code, name: Set(Some("0".to_owned())) };
            country.insert(&txn).await.unwrap();
        }
        txn.commit().await.unwrap();
    }
    let first = entries(&t.db).await.into_iter().find(|entry| entry.record_id == "200").unwrap();
    let now = first.timestamp + std::time::Duration::from_secs(1);
    let name = |name: u128| Some(json!({"name": name.to_string()}));
    let updates: Vec<_> = (0..1000)
        .map(|number| entity::Model {
            // No version 7: such an id tells no time.
            id: Uuid::from_u128(number),
            operation: "UPDATE".to_owned(),
            old_values: name(number),
            new_values: name(number + 1),
            timestamp: now,
            ..first.clone().into()
        })
        .map(Into::into)
        .collect();
    store_entries(&t.db, updates).await;
    sql(&t.db, "UPDATE country SET name = '1000' WHERE code = '200'").await;
    let report = assert_explained(&t.db, country::Entity).await;
    assert_eq!((report.entries, report.records, report.rows), (1400, 400, 400));
    entity::Entity::delete_by_id(Uuid::from_u128(777)).exec(&t.db).await.unwrap();
    let report = AuditTrail::verify(&t.db, country::Entity).await.unwrap();
    assert_findings(&report, &["BeforeImageDiffers 200 name"]);
    assert_eq!(report.findings()[0].entry, Some(Uuid::from_u128(778)));
}

async fn writers_at_work_make_no_finding(t: TestDb) {
    create!(t, post::Entity);
    let (stop, written) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (db, stop, written) = (t.db.clone(), Arc::clone(&stop), Arc::clone(&written));
            tokio::spawn(async move {
                for round in 0.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    let post = new_post(&format!("{writer} {round}")).insert(&db).await.unwrap();
                    let mut liked = post.into_active_model();
                    liked.likes = Set(round);
                    let liked = liked.update(&db).await.unwrap();
                    if round % 2 == 0 {
                        liked.delete(&db).await.unwrap();
                    }
                    written.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    let guarded = audit_seaorm::AuditConnection::new(t.db.clone());
    let mut looks = 0;
    while looks < 10 || written.load(Ordering::Relaxed) < 40 {
        assert_explained(&t.db, post::Entity).await;
        assert_explained(&guarded, post::Entity).await;
        looks += 1;
    }
    stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.unwrap();
    }
    let report = assert_explained(&t.db, post::Entity).await;
    let rows = number(&t.db, "SELECT COUNT(*) FROM post").await;
    assert_eq!(report.rows, u64::try_from(rows).unwrap());
}

async fn pages_come_from_the_index(t: TestDb) {
    create!(t, post::Entity);
    fill(&t).await;
    let statements = Arc::new(Mutex::new(Vec::new()));
    let mut db = t.connect_with(|_| {}).await;
    let seen = Arc::clone(&statements);
    db.set_metric_callback(move |info| seen.lock().unwrap().push(info.statement.to_string()));
    let report = AuditTrail::verify(&db, post::Entity).await.unwrap();
    assert_eq!((report.entries, report.records), (10_000, 1000));
    db.close().await.unwrap();
    let statements = std::mem::take(&mut *statements.lock().unwrap());
    let pages: Vec<_> = statements.iter().filter(|sql| sql.contains("old_values")).collect();
    assert!(pages.len() > 20, "{pages:?}");
    // Of the last page PostgreSQL knows that it is short, and may rather sort it.
    for page in [pages[0], pages[1], pages[2], pages[pages.len() / 2]] {
        let plan = explain(&t, page).await;
        assert!(plan.contains("idx_audit_trail_record"), "{page}\n{plan}");
        for sort in ["Sort", "filesort", "TEMP B-TREE"] {
            assert!(!plan.contains(sort), "{page}\n{plan}");
        }
    }
}

/// A tenth of the entries already fills every page, and nearly every list.
async fn memory_does_not_grow_with_the_trail(t: TestDb) {
    create!(t, post::Entity);
    let peak = async |entries: usize| {
        let before = live_bytes();
        let done = Arc::new(AtomicBool::new(false));
        let watched = Arc::clone(&done);
        let observer = std::thread::spawn(move || {
            let mut peak = 0;
            while !watched.load(Ordering::Relaxed) {
                peak = peak.max(live_bytes());
                std::thread::yield_now();
            }
            peak
        });
        let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
        done.store(true, Ordering::Relaxed);
        assert_eq!(report.entries, entries as u64, "{report}");
        observer.join().unwrap().saturating_sub(before)
    };
    fill_posts(&t, 0..2000).await;
    peak(2000).await;
    let small = peak(2000).await;
    fill_posts(&t, 2000..20_000).await;
    let large = peak(20_000).await;
    assert!(large < small + small / 2 + 512 * 1024, "{small} bytes became {large}");
}

/// Posts with one entry each, half of them without their row.
async fn fill_posts(t: &TestDb, ids: std::ops::Range<u128>) {
    for start in ids.clone().step_by(200) {
        let rows = (start..ids.end.min(start + 200)).map(|id| {
            let row = entity::Model {
                id: Uuid::from_u128(id),
                table_name: "post".to_owned(),
                record_id: id.to_string(),
                operation: "CREATE".to_owned(),
                old_values: None,
                new_values: Some(json!({"title": id.to_string(), "likes": 0})),
                user_id: None,
                user_email: None,
                request_id: None,
                transaction_id: None,
                reason: None,
                metadata: None,
                timestamp: "2026-01-01T00:00:00Z".parse().unwrap(),
            };
            AuditEntry::from(row)
        });
        store_entries(&t.db, rows).await;
        let rows: Vec<_> = (start..ids.end.min(start + 200))
            .filter(|id| id % 2 == 0)
            .map(|id| format!("({id}, '{id}', 0, 0)"))
            .collect();
        let insert =
            format!("INSERT INTO post (id, title, likes, views) VALUES {}", rows.join(","));
        sql(&t.db, &insert).await;
    }
}
