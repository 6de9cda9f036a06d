//! The form of the times of entries, which `SQLite` compares as texts.

use audit_seaorm::{AuditTrail, Change, FindingKind, Image};
use audit_tests::{Backend, TestDb};
use futures_util::TryStreamExt;
use sea_orm::{
    ActiveValue::Set,
    ConnectionTrait, IntoActiveModel, Statement,
    prelude::{DateTimeUtc, DateTimeWithTimeZone},
};
use serde_json::json;

use crate::support::{create, entries, migrate, sql, without_checks};

audit_tests::tests! {
    #[only(Sqlite)] every_time_is_written_in_one_form,
    #[only(Sqlite)] a_time_in_another_form_is_named,
    #[only(Sqlite)] a_search_goes_past_times_in_another_form,
    #[only(Sqlite)] a_time_in_another_form_is_refused,
    entries_that_came_in_by_sql_are_found,
    a_change_of_the_offset_alone_is_no_change,
}

async fn record(t: &TestDb, id: &str) {
    let image = Image::from_iter([("name".to_owned(), json!("x"))]);
    AuditTrail::record(&t.db, Change::create("country", id, image)).await.unwrap();
}

async fn every_time_is_written_in_one_form(t: TestDb) {
    create!(t, crate::entities::country::Entity);
    for id in 0..50 {
        record(&t, &id.to_string()).await;
    }
    sql(&t.db, "INSERT INTO country VALUES ('a', 'A')").await;
    AuditTrail::baseline(crate::entities::country::Entity).exec(&t.db).await.unwrap();
    let form = "SELECT COUNT(*) FROM audit_trail WHERE timestamp GLOB '[0-9][0-9][0-9][0-9]-[0-1][0-9]-[0-3][0-9]T\
                [0-2][0-9]:[0-5][0-9]:[0-5][0-9].[0-9][0-9][0-9][0-9][0-9][0-9]+00:00'";
    assert_eq!(crate::support::number(&t.db, form).await, 51);
}

/// As an import would do it.
async fn insert_at(t: &TestDb, id: &str, time: &str) {
    sql(&t.db, &insert_of(t, id, time)).await;
}

fn insert_of(t: &TestDb, id: &str, time: &str) -> String {
    let uuid = match t.backend {
        Backend::Sqlite => "randomblob(16)",
        Backend::Postgres => "gen_random_uuid()",
        Backend::MariaDb => "UNHEX(REPLACE(UUID(), '-', ''))",
    };
    format!(
        "INSERT INTO audit_trail (id, table_name, record_id, operation, new_values, timestamp) \
         VALUES ({uuid}, 'country', '{id}', 'CREATE', '{{\"code\": \"{id}\", \"name\": \"x\"}}', {time})"
    )
}

const OTHER_FORMS: [&str; 6] = [
    "'2026-03-01 09:30:00'",
    "'2026-03-01T09:30:00Z'",
    "'2026-03-01T09:30:00+00:00'",
    "'2026-03-01T09:30:00.123456789+00:00'",
    "'2026-03-01T10:30:00.000000+01:00'",
    "'2026-03-01T09:30:00.100+00:00'",
];

async fn a_time_in_another_form_is_named(t: TestDb) {
    create!(t, crate::entities::country::Entity);
    without_checks(&t.db).await;
    insert_at(&t, "right", "'2026-03-01T09:30:00.000000+00:00'").await;
    for (place, form) in OTHER_FORMS.iter().enumerate() {
        insert_at(&t, &format!("f{place}"), form).await;
    }
    let report = AuditTrail::verify(&t.db, crate::entities::country::Entity).await.unwrap();
    assert_eq!(report.count(FindingKind::TimeForm), 6, "{report}");
    let named = report.findings().iter().filter(|it| it.kind == FindingKind::TimeForm);
    assert!(named.clone().all(|it| it.record_id != "right" && it.entry.is_some()), "{report}");
}

/// Never a loop, which it would be if the entry were found behind its own place again and again.
async fn a_search_goes_past_times_in_another_form(t: TestDb) {
    migrate(&t).await;
    without_checks(&t.db).await;
    for form in OTHER_FORMS {
        sql(&t.db, "DELETE FROM audit_trail").await;
        for id in 0..200 {
            insert_at(&t, &id.to_string(), form).await;
        }
        for query in [AuditTrail::query(), AuditTrail::query().oldest_first()] {
            let found: Vec<_> = query.limit(1000).stream(&t.db).try_collect().await.unwrap();
            let ids: std::collections::HashSet<_> = found.iter().map(|entry| entry.id).collect();
            assert_eq!((found.len(), ids.len()), (200, 200), "{form}");
            let form = "timestamp has not the form `2026-03-01T09:30:00.000000+00:00`";
            assert!(found.iter().all(|it| it.unreadable.as_ref().unwrap().to_string() == form));
        }
    }
}

/// A migrated table takes none.
async fn a_time_in_another_form_is_refused(t: TestDb) {
    migrate(&t).await;
    for form in OTHER_FORMS {
        let insert = insert_of(&t, "x", form);
        let error = t.db.execute_unprepared(&insert).await.unwrap_err().to_string();
        assert!(error.contains("audit_trail_timestamp_has_the_form_of_the_trail"), "{error}");
        // As docs/migrating.md says.
        let right = format!("strftime('%Y-%m-%dT%H:%M:%f000+00:00', {form})");
        insert_at(&t, "x", &right).await;
    }
}

/// In the forms that docs/migrating.md tells.
async fn entries_that_came_in_by_sql_are_found(t: TestDb) {
    create!(t, crate::entities::country::Entity);
    let day = match t.backend {
        Backend::Sqlite => "strftime('%Y-%m-%dT%H:%M:%f000+00:00', '2026-03-01 09:30:00')",
        Backend::Postgres => "TIMESTAMPTZ '2026-03-01 09:30:00.123456789+00'",
        Backend::MariaDb => "'2026-03-01 09:30:00.123456'",
    };
    for id in 0..150 {
        insert_at(&t, &format!("c{id}"), day).await;
        sql(&t.db, &format!("INSERT INTO country VALUES ('c{id}', 'x')")).await;
    }
    record(&t, "later").await;
    sql(&t.db, "INSERT INTO country (code, name) VALUES ('later', 'x')").await;
    let at: DateTimeUtc = "2026-03-01T09:30:00Z".parse().unwrap();
    let second = chrono::TimeDelta::seconds(1);
    let during = AuditTrail::query().from(at).to(at + second);
    assert_eq!(during.count(&t.db).await.unwrap(), 150);
    for query in [during.clone(), during.clone().oldest_first()] {
        let mut query = query.limit(40);
        let mut seen = std::collections::HashSet::new();
        loop {
            let page = query.page(&t.db).await.unwrap();
            seen.extend(page.entries.iter().map(|entry| entry.id));
            let Some(next) = page.next else { break };
            let text = next.to_string();
            query = query.after(text.parse().unwrap());
        }
        assert_eq!(seen.len(), 150);
    }
    let report = AuditTrail::verify(&t.db, crate::entities::country::Entity).await.unwrap();
    assert_eq!(report.count(FindingKind::TimeForm), 0, "{report}");
}

mod event {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "event")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub begins: DateTimeWithTimeZone,
    }
}

async fn a_change_of_the_offset_alone_is_no_change(t: TestDb) {
    create!(t, event::Entity);
    let begins: DateTimeWithTimeZone = "2026-03-01T17:50:20+08:00".parse().unwrap();
    let row = event::ActiveModel { begins: Set(begins), ..Default::default() };
    let first = row.insert(&t.db).await.unwrap();
    let mut row = first.into_active_model();
    row.begins = Set("2026-03-01T09:50:20+00:00".parse().unwrap());
    row.update(&t.db).await.unwrap();
    if t.backend == Backend::Sqlite {
        let stored =
            Statement::from_string(t.db.get_database_backend(), "SELECT begins FROM event");
        let stored = t.db.query_one_raw(stored).await.unwrap().unwrap();
        let stored: String = stored.try_get_by_index(0).unwrap();
        assert!(stored.ends_with("+00:00"), "the database has the new offset: {stored}");
    }
    let [created] = &entries(&t.db).await[..] else { panic!("one entry") };
    assert_eq!(created.new_values.as_ref().unwrap()["begins"], "2026-03-01T09:50:20.000000Z");
    let then = AuditTrail::as_of(&t.db, event::Entity, 1, created.timestamp).await.unwrap();
    assert_eq!(then.unwrap().begins, begins, "the same moment");
    let report = AuditTrail::verify(&t.db, event::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}
