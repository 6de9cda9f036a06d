//! Columns that are redacted today, and were recorded in the clear before: no read shows them, unless it is asked to.

#![allow(clippy::format_collect, clippy::format_push_string, reason = "what was told is one text")]

use audit_seaorm::{
    __private::store, AuditConfig, AuditEntry, AuditQuery, AuditTrail, Change, GapReason, Image,
    JsonLinesFile, LastResort, Operation, REDACTED, Reason,
};
use audit_tests::TestDb;
use futures_util::TryStreamExt;
use sea_orm::{EntityTrait, prelude::DateTimeUtc};
use serde_json::{Value as Json, json};

use crate::support::{bare_entry, create, entries, number, sql, trail};

audit_tests::tests! {
    what_is_redacted_today_is_shown_by_no_read,
    who_asks_for_what_is_stored_gets_it,
    what_is_shown_nowhere_is_found_by_no_search,
    a_table_without_an_entity_is_redacted_as_the_configuration_says,
    a_change_recorded_by_hand_is_redacted_under_a_former_name,
    a_restore_brings_back_what_is_stored_and_shows_none_of_it,
    an_entry_is_replayed_as_it_would_be_recorded_today,
}

mod vault {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "vault")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub name: String,
        #[auditable(redact, renamed_from = "code")]
        pub secret: Option<String>,
        #[auditable(skip)]
        pub hint: Option<String>,
        pub note: Option<String>,
    }
}

fn image(values: Json) -> Image {
    serde_json::from_value(values).unwrap()
}

fn at(minute: u32) -> DateTimeUtc {
    format!("2026-01-01T00:{minute:02}:00Z").parse().unwrap()
}

/// An entry from before anything was redacted.
fn entry(table: &str, minute: u32, operation: Operation, old: Json, new: Json) -> AuditEntry {
    let side = |values: Json| (!values.is_null()).then_some(values);
    AuditEntry {
        old_values: side(old),
        new_values: side(new),
        user_id: Some("ann".to_owned()),
        request_id: Some("req-1".to_owned()),
        ..bare_entry(table, "1", operation, at(minute))
    }
}

/// `code` became `secret` in between. `note` is redacted by the configuration.
async fn a_vault(t: &TestDb) {
    create!(t, vault::Entity);
    let values = |name: &str, secret: &str| json!({"id": 1, "name": "a", name: secret, "hint": "hunter-h", "note": "hunter-n"});
    for entry in [
        entry("vault", 1, Operation::Create, Json::Null, values("code", "hunter-1")),
        entry(
            "vault",
            2,
            Operation::Update,
            json!({"code": "hunter-1"}),
            json!({"code": "hunter-2"}),
        ),
        entry(
            "vault",
            3,
            Operation::Update,
            json!({"name": "a", "secret": "hunter-2"}),
            json!({"name": "b", "secret": "hunter-2"}),
        ),
        entry(
            "vault",
            4,
            Operation::Update,
            json!({"secret": "hunter-2"}),
            json!({"secret": "hunter-3"}),
        ),
        entry("vault", 5, Operation::Delete, values("secret", "hunter-3"), Json::Null),
    ] {
        store(&t.db, entry).await.unwrap();
    }
}

fn todays() -> AuditConfig {
    AuditConfig::new().redact("vault", ["note"])
}

/// All that a query gives, by each of its ways.
async fn read(t: &TestDb, query: AuditQuery) -> String {
    let all = query.clone().all(&t.db).await.unwrap();
    let page = query.clone().page(&t.db).await.unwrap();
    let streamed: Vec<_> = query.clone().stream(&t.db).try_collect().await.unwrap();
    assert_eq!((&all, &all), (&page.entries, &streamed));
    let lines: String = query.clone().export_json_lines(&t.db).try_collect().await.unwrap();
    let csv: String = query.clone().export_csv(&t.db).try_collect().await.unwrap();
    let sheet: String = query.export_csv_for_spreadsheets(&t.db).try_collect().await.unwrap();
    let texts: String = all.iter().map(|entry| format!("{entry:#}")).collect();
    let changes: Vec<_> = all.iter().map(AuditEntry::changes).collect();
    format!("{all:?}{lines}{csv}{sheet}{texts}{changes:?}")
}

async fn what_is_redacted_today_is_shown_by_no_read(t: TestDb) {
    a_vault(&t).await;
    todays().scope(shown_by_no_read(&t)).await;
}

async fn shown_by_no_read(t: &TestDb) {
    let (db, entity) = (&t.db, vault::Entity);
    let found = AuditTrail::find_for_record(db, entity, 1).await.unwrap();
    let mut told = format!("{found:?}");
    for query in [
        AuditTrail::query(),
        AuditTrail::query().table("vault"),
        AuditTrail::query().record_of(entity, 1).oldest_first(),
        AuditTrail::query().changed("secret").limit(1),
    ] {
        told += &read(t, query).await;
    }
    let history = AuditTrail::history(db, entity, 1).await.unwrap();
    told += &format!("{history:?}");
    for revision in &history {
        told += &format!(
            "{revision:#}{:?}{:?}{:?}",
            revision.changes(),
            revision.before(),
            revision.after()
        );
    }
    let blame = AuditTrail::blame(db, entity, 1).await.unwrap();
    let of_secret = blame.iter().find(|it| it.column == "secret").unwrap();
    assert_eq!((of_secret.old.clone(), of_secret.timestamp), (Some(json!(REDACTED)), at(5)));
    told += &format!("{blame:?}{}{}", blame[1], json!(blame));

    let then = AuditTrail::state_as_of(db, entity, 1, at(4)).await.unwrap().unwrap();
    assert_eq!(
        json!(then.values()),
        json!({"id": 1, "name": "b", "secret": REDACTED, "hint": REDACTED, "note": REDACTED})
    );
    let gaps: Vec<_> = then.gaps().iter().map(|gap| (&*gap.column, &gap.reason)).collect();
    assert_eq!(
        gaps,
        [
            ("secret", &GapReason::Redacted),
            ("hint", &GapReason::Skipped),
            ("note", &GapReason::Redacted),
        ]
    );
    told += &format!("{then:?}{:?}{:?}", then.model(), then.active_model());
    told += &AuditTrail::as_of(db, entity, 1, at(4)).await.unwrap_err().to_string();
    let matching = AuditTrail::table_as_of(entity, at(4))
        .matching(|state| state.values()["secret"] == "hunter-3");
    assert!(matching.all(db).await.unwrap().is_empty());
    told += &format!("{:?}", AuditTrail::table_as_of(entity, at(3)).all(db).await.unwrap());
    let diff = AuditTrail::diff(db, entity, 1, at(1), at(4)).await.unwrap();
    assert_eq!(diff.to_string(), "name: \"a\" -> \"b\"");
    told += &format!("{diff:?}");

    assert!(told.contains(REDACTED) && !told.contains("hunter"), "{told}");
}

async fn who_asks_for_what_is_stored_gets_it(t: TestDb) {
    a_vault(&t).await;
    let before = trail(&t.db).await;
    todays()
        .scope(async {
            let stored = AuditTrail::query().table("vault").as_stored();
            let told = read(&t, stored.clone()).await;
            for value in ["hunter-1", "hunter-2", "hunter-3", "hunter-h", "hunter-n"] {
                assert!(told.contains(value), "{value}: {told}");
            }
            assert!(!told.contains(REDACTED), "{told}");
            let found = stored.new_value("secret", "hunter-3").all(&t.db).await.unwrap();
            assert_eq!(found.len(), 1);

            let then = AuditTrail::table_as_of(vault::Entity, at(4)).as_stored();
            let then =
                then.matching(|it| it.values()["secret"] == "hunter-3").all(&t.db).await.unwrap();
            assert_eq!(then[0].1.values()["note"], "hunter-n");
        })
        .await;
    assert_eq!(trail(&t.db).await, before, "a read writes nothing");
}

async fn what_is_shown_nowhere_is_found_by_no_search(t: TestDb) {
    a_vault(&t).await;
    let open = json!({"secret": "hunter-2", "note": "hunter-n"});
    for table in ["open", "xvault", "some.vault"] {
        store(&t.db, entry(table, 9, Operation::Create, Json::Null, open.clone())).await.unwrap();
    }
    let count = async |query: AuditQuery| todays().scope(query.count(&t.db)).await.unwrap();
    let query = AuditTrail::query;
    for (column, value) in
        [("secret", "hunter-2"), ("code", "hunter-2"), ("note", "hunter-n"), ("hint", "hunter-h")]
    {
        let of_table = query().table("vault");
        assert_eq!(count(of_table.clone().new_value(column, value)).await, 0, "{column}");
        assert_eq!(count(of_table.clone().old_value(column, value)).await, 0, "{column}");
        assert!(count(of_table.as_stored().new_value(column, value)).await > 0, "{column}");
    }
    // Of other tables it is found, but not of one that may be the same in another schema.
    assert_eq!(count(query().new_value("secret", "hunter-2")).await, 2);
    assert_eq!(count(query().new_value("note", "hunter-n")).await, 2);
    assert_eq!(count(query().new_value("name", "b")).await, 1);
    // That it changed is told.
    assert_eq!(count(query().table("vault").changed("secret")).await, 4);
}

async fn a_table_without_an_entity_is_redacted_as_the_configuration_says(t: TestDb) {
    create!(t, vault::Entity);
    let key = json!({"key": "hunter-1", "rate": 2});
    for table in ["rates", "tenant.rates"] {
        store(&t.db, entry(table, 1, Operation::Create, Json::Null, key.clone())).await.unwrap();
    }
    let config = AuditConfig::new().redact("rates", ["key"]).external_table("rates");
    config
        .scope(async {
            for entry in AuditTrail::query().all(&t.db).await.unwrap() {
                assert_eq!(entry.new_values, Some(json!({"key": REDACTED, "rate": 2})));
            }
        })
        .await;
    let plain = AuditTrail::query().all(&t.db).await.unwrap();
    assert_eq!(plain[0].new_values, Some(key), "under another configuration it is not redacted");
}

async fn a_change_recorded_by_hand_is_redacted_under_a_former_name(t: TestDb) {
    create!(t, vault::Entity);
    let values = |secret: &str| {
        image(json!({"code": secret, "secret": secret, "hint": secret, "name": "a"}))
    };
    for change in [
        Change::create("vault", "1", values("hunter-1")),
        Change::update("vault", "1", values("hunter-1"), values("hunter-2")),
        Change::delete("VAULT", "1", values("hunter-2")),
        Change::baseline("vault", "2", values("hunter-3")),
    ] {
        AuditTrail::record(&t.db, change).await.unwrap();
    }
    let told = trail(&t.db).await;
    let both = r#"{"code":"[REDACTED]","secret":"[REDACTED]"}"#;
    assert_eq!(told[1], format!("UPDATE vault 1 by nobody: {both} -> {both}"));
    assert!(
        told.iter().all(|line| line.contains(REDACTED) && !line.contains("hunter")),
        "{told:?}"
    );
}

async fn a_restore_brings_back_what_is_stored_and_shows_none_of_it(t: TestDb) {
    a_vault(&t).await;
    todays()
        .scope(async {
            let restore = AuditTrail::restore(vault::Entity, 1, at(4)).accept_gaps(true);
            let plan = restore.plan(&t.db).await.unwrap();
            assert_eq!(plan.records[0].operation, Operation::Create);
            let done = restore.exec(&t.db).await.unwrap();
            let told = format!("{plan:?}{plan}{}{done:?}{}", json!(plan), json!(done));
            assert!(told.contains(REDACTED) && !told.contains("hunter"), "{told}");
        })
        .await;
    let row = vault::Entity::find_by_id(1).one(&t.db).await.unwrap().unwrap();
    assert_eq!((row.secret.as_deref(), row.note.as_deref()), (Some("hunter-3"), Some("hunter-n")));
    let last = entries(&t.db).await.pop().unwrap();
    assert!(!format!("{last:?}").contains("hunter"), "{last:?}");
}

async fn an_entry_is_replayed_as_it_would_be_recorded_today(t: TestDb) {
    a_vault(&t).await;
    let (all, folder) = (entries(&t.db).await, tempfile::tempdir().unwrap());
    sql(&t.db, "DELETE FROM audit_trail").await;
    let file = JsonLinesFile::open(folder.path().join("rest.jsonl")).unwrap();
    file.keep(&all, Reason::GaveUp).unwrap();
    let replayed = todays().scope(JsonLinesFile::replay(file.path(), &t.db)).await.unwrap();
    assert_eq!((replayed.written, replayed.is_complete()), (5, true));
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM audit_trail").await, 5);
    let told = trail(&t.db).await.join("\n");
    assert!(told.contains(REDACTED) && !told.contains("hunter"), "{told}");
    // A line with a field that nobody knows is no entry: what it says would be lost.
    let line = std::fs::read_to_string(file.path()).unwrap();
    let line = line.lines().next().unwrap();
    for (known, slip) in
        [("\"user_id\":", "\"usr_id\":"), ("{\"reason\":", "{\"signature\":1,\"reason\":")]
    {
        std::fs::write(file.path(), line.replacen(known, slip, 1)).unwrap();
        let replayed = JsonLinesFile::replay(file.path(), &t.db).await.unwrap();
        assert_eq!((replayed.present, &*replayed.unreadable), (0, &[1][..]), "{slip}");
    }
}
