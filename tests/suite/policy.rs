//! What is recorded, and what is kept out.

use audit_seaorm::{AuditConfig, AuditContext, AuditTrail, Change, Image};
use audit_tests::{Backend, TestDb};
use sea_orm::{ActiveValue::Set, IntoActiveModel, TransactionTrait};
use serde_json::json;

use crate::{
    entities::{country, post},
    support::{assert_lines, create, dump, entries, new_post, number, sql, trail, unseen_post},
};

audit_tests::tests! {
    a_redacted_value_is_found_nowhere,
    an_excluded_table_leaves_no_entry,
    a_table_can_be_redacted_by_the_configuration,
    a_full_record_shows_every_column,
    nothing_is_recorded_without_audit,
    a_change_recorded_by_hand_obeys_the_configuration,
    a_change_recorded_by_hand_commits_with_its_transaction,
    the_trail_cannot_be_audited_itself,
    the_primary_key_cannot_be_redacted_by_the_configuration,
}

const SECRETS: [&str; 3] = ["s3cr3t-one", "s3cr3t-two", "s3cr3t-three"];

async fn a_redacted_value_is_found_nowhere(t: TestDb) {
    create!(t, post::Entity, country::Entity);
    let [one, two, three] = SECRETS.map(|secret| Set(Some(secret.to_owned())));
    let ((errors, debug), logs) = audit_tests::logs::capture(async {
        let mut post = new_post("a");
        post.token = one;
        let mut post = post.insert(&t.db).await.unwrap().into_active_model();
        post.token = two;
        let mut post = post.update(&t.db).await.unwrap().into_active_model();
        // A constraint fails, an entry is refused: both with a secret at hand.
        unseen_post(&t.db, "taken").await;
        post.token = three;
        let mut clash = post.clone();
        clash.title = Set("taken".to_owned());
        let mut errors = vec![clash.update(&t.db).await.unwrap_err()];
        let config = AuditConfig::new().redact("post", ["id"]);
        errors.push(config.scope(post.clone().update(&t.db)).await.unwrap_err());
        sql(&t.db, "ALTER TABLE audit_trail RENAME TO hidden").await;
        errors.push(post.clone().update(&t.db).await.unwrap_err());
        errors.push(post.clone().delete(&t.db).await.unwrap_err());
        sql(&t.db, "ALTER TABLE hidden RENAME TO audit_trail").await;
        let redacted = AuditConfig::new().redact("country", ["name"]).full_record(true);
        redacted
            .scope(async {
                let country = country::ActiveModel {
                    code: Set("de".to_owned()),
                    name: Set(Some(SECRETS[0].to_owned())),
                };
                country.insert(&t.db).await.unwrap().delete(&t.db).await.unwrap();
                let image = Image::from_iter([("name".to_owned(), json!(SECRETS[1]))]);
                let change = Change::create("country", "fr", image);
                let debug = format!("{change:?}");
                AuditTrail::record(&t.db, change).await.unwrap();
                post.delete(&t.db).await.unwrap();
                (errors, format!("{debug}{:?}", AuditConfig::current()))
            })
            .await
    })
    .await;
    assert_eq!(entries(&t.db).await.len(), 6);
    if t.backend == Backend::Sqlite {
        // The rows themselves held the secrets: what is deleted is to leave the file.
        sql(&t.db, "VACUUM").await;
        sql(&t.db, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    }
    let dump = String::from_utf8_lossy(&dump(&t).await).into_owned();
    assert!(dump.contains("[REDACTED]"));
    assert!(logs.contains("audit entry could not be stored"), "{logs}");
    for secret in SECRETS {
        assert!(!dump.contains(secret));
        assert!(!debug.contains(secret));
        // What `SQLx` logs of statements has their text and no values.
        assert!(!logs.contains(secret), "{logs}");
        for error in &errors {
            assert!(!format!("{error} {error:?}").contains(secret), "{error:?}");
        }
    }
}

async fn an_excluded_table_leaves_no_entry(t: TestDb) {
    create!(t, post::Entity, country::Entity);
    let config = AuditConfig::new().exclude_table("post");
    config
        .scope(async {
            let mut post = new_post("a").insert(&t.db).await.unwrap().into_active_model();
            post.likes = Set(1);
            post.update(&t.db).await.unwrap().delete(&t.db).await.unwrap();
            let change = Change::create("post", "9", Image::new());
            AuditTrail::record(&t.db, change).await.unwrap();
            let country = country::ActiveModel { code: Set("de".to_owned()), name: Set(None) };
            country.insert(&t.db).await.unwrap();
        })
        .await;
    assert_lines(
        &trail(&t.db).await,
        &[r#"CREATE country de by nobody: none -> {"code":"de","name":null}"#],
    );
}

async fn a_table_can_be_redacted_by_the_configuration(t: TestDb) {
    create!(t, post::Entity);
    let config = AuditConfig::new().redact("post", ["title", "views"]);
    config
        .scope(async {
            let mut post = unseen_post(&t.db, "a").await.into_active_model();
            post.title = Set("b".to_owned());
            post.likes = Set(1);
            post.views = Set(1);
            post.update(&t.db).await.unwrap();
        })
        .await;
    // `views` is skipped by the entity, which goes further than to redact it.
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"UPDATE post 1 by nobody: {"likes":0,"title":"[REDACTED]"} -> {"likes":1,"title":"[REDACTED]"}"#,
        ],
    );
}

async fn a_full_record_shows_every_column(t: TestDb) {
    create!(t, post::Entity);
    let mut post = unseen_post(&t.db, "a").await.into_active_model();
    post.likes = Set(1);
    AuditConfig::new().full_record(true).scope(post.update(&t.db)).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"UPDATE post 1 by nobody: {"id":1,"likes":0,"title":"a","token":"[REDACTED]"} -> {"id":1,"likes":1,"title":"a","token":"[REDACTED]"}"#,
        ],
    );
}

async fn nothing_is_recorded_without_audit(t: TestDb) {
    create!(t, post::Entity);
    AuditContext::without_audit(async {
        let mut post = new_post("a").insert(&t.db).await.unwrap().into_active_model();
        post.likes = Set(1);
        let db = t.db.clone();
        let spawned = audit_seaorm::spawn(async move { post.update(&db).await.unwrap() });
        spawned.await.unwrap().delete(&t.db).await.unwrap();
        AuditTrail::record(&t.db, Change::create("post", "9", Image::new())).await.unwrap();
    })
    .await;
    assert!(entries(&t.db).await.is_empty());
    new_post("b").insert(&t.db).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 1);
}

fn rate(value: i32) -> Image {
    Image::from_iter([("value".to_owned(), json!(value)), ("key".to_owned(), json!("k"))])
}

async fn a_change_recorded_by_hand_obeys_the_configuration(t: TestDb) {
    create!(t, post::Entity);
    let config = AuditConfig::new().redact("rate", ["key"]).external_table("rate");
    config
        .scope(async {
            for change in [
                Change::create("rate", "EUR", rate(1)),
                Change::update("rate", "EUR", rate(1), rate(2)),
                Change::update("rate", "EUR", rate(2), rate(2)),
                Change::delete("rate", "EUR", rate(2)),
            ] {
                AuditTrail::record(&t.db, change).await.unwrap();
            }
        })
        .await;
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE rate EUR by nobody: none -> {"key":"[REDACTED]","value":1}"#,
            r#"UPDATE rate EUR by nobody: {"value":1} -> {"value":2}"#,
            r#"DELETE rate EUR by nobody: {"key":"[REDACTED]","value":2} -> none"#,
        ],
    );
}

async fn a_change_recorded_by_hand_commits_with_its_transaction(t: TestDb) {
    create!(t, post::Entity);
    let txn = t.db.begin().await.unwrap();
    AuditTrail::record(&txn, Change::create("rate", "EUR", rate(1))).await.unwrap();
    txn.rollback().await.unwrap();
    assert!(entries(&t.db).await.is_empty());
}

async fn the_trail_cannot_be_audited_itself(t: TestDb) {
    create!(t, post::Entity);
    let change = Change::delete("audit_trail", "1", Image::new());
    let error = AuditTrail::record(&t.db, change).await.unwrap_err();
    assert_eq!(error.to_string(), "Custom Error: audit: audit_trail cannot be audited itself");
    assert!(entries(&t.db).await.is_empty());
}

async fn the_primary_key_cannot_be_redacted_by_the_configuration(t: TestDb) {
    create!(t, post::Entity);
    let config = AuditConfig::new().redact("post", ["id"]);
    let error = config.scope(new_post("a").insert(&t.db)).await.unwrap_err();
    assert!(
        error.to_string().contains("column `id` of `post` is part of the primary key"),
        "{error}"
    );
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}
