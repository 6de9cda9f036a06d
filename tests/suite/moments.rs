//! Moments far from now, which databases take in ways of their own.

use audit_seaorm::{__private::store, AuditEntry, AuditTrail, Change, Image, Operation};
use audit_tests::TestDb;
use chrono::TimeDelta;
use sea_orm::{
    ConnectionTrait, TransactionTrait,
    prelude::{DateTimeUtc, Uuid},
};
use serde_json::json;

use crate::{
    entities::country,
    support::{Wrapped, entries, migrate, sql},
};

audit_tests::tests! {
    entries_beyond_2038_are_stored_to_the_microsecond,
    entries_beyond_2038_are_found,
    a_record_is_read_at_moments_far_from_now,
}

const FAR: &str = "2100-02-28T23:59:59.123456Z";

fn far() -> DateTimeUtc {
    FAR.parse().unwrap()
}

/// An entry as it would be, were it that late.
async fn entry_at(db: &impl ConnectionTrait, at: DateTimeUtc, name: &str) -> AuditEntry {
    let values: Image = serde_json::from_value(json!({"code": "x", "name": name})).unwrap();
    AuditTrail::record(db, Change::create("country", "x", values)).await.unwrap();
    let mut entry = entries(db).await.pop().unwrap();
    sql(db, "DELETE FROM audit_trail").await;
    entry.timestamp = at;
    entry
}

async fn entries_beyond_2038_are_stored_to_the_microsecond(t: TestDb) {
    migrate(&t).await;
    let entry = entry_at(&t.db, far(), "X").await;
    store(&t.db, entry.clone()).await.unwrap();
    assert_eq!(entries(&t.db).await, std::slice::from_ref(&entry));

    sql(&t.db, "DELETE FROM audit_trail").await;
    let txn = t.db.begin().await.unwrap();
    store(&Wrapped::new(&txn), entry.clone()).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await, [entry], "by a statement of SeaORM's");
}

/// Three creates and updates of one record in a row, each at its time.
async fn a_late_life(t: &TestDb) -> [DateTimeUtc; 3] {
    migrate(t).await;
    let first = entry_at(&t.db, far(), "a").await;
    let times = [0, 1, 2].map(|micros| far() + TimeDelta::microseconds(micros));
    store(&t.db, first.clone()).await.unwrap();
    for (from, to, at) in [("a", "b", times[1]), ("b", "c", times[2])] {
        let update = AuditEntry {
            id: Uuid::new_v4(),
            operation: Operation::Update,
            old_values: Some(json!({"name": from})),
            new_values: Some(json!({"name": to})),
            timestamp: at,
            ..first.clone()
        };
        store(&t.db, update).await.unwrap();
    }
    times
}

async fn entries_beyond_2038_are_found(t: TestDb) {
    let times = a_late_life(&t).await;
    let query = AuditTrail::query;
    let between = query().from(times[1]).to(times[2]).all(&t.db).await.unwrap();
    assert_eq!(between.iter().map(|entry| entry.timestamp).collect::<Vec<_>>(), [times[1]]);
    for oldest_first in [true, false] {
        let mut query = query().limit(1);
        if oldest_first {
            query = query.oldest_first();
        }
        let mut seen = Vec::new();
        let mut page = query.page(&t.db).await.unwrap();
        loop {
            seen.extend(page.entries.iter().map(|entry| entry.timestamp));
            let Some(next) = page.next else { break };
            page = query.clone().after(next).page(&t.db).await.unwrap();
        }
        assert_eq!(seen.len(), 3);
        assert_eq!(seen.is_sorted(), oldest_first);
    }
    let history = AuditTrail::history(&t.db, country::Entity, "x".to_owned()).await.unwrap();
    assert_eq!(history.len(), 3);
}

async fn a_record_is_read_at_moments_far_from_now(t: TestDb) {
    let times = a_late_life(&t).await;
    let name = async |at: DateTimeUtc| {
        let then = AuditTrail::as_of(&t.db, country::Entity, "x".to_owned(), at).await.unwrap();
        then.map(|country| country.name.unwrap())
    };
    let last = "9999-12-31T23:59:59.999999Z".parse().unwrap();
    for (at, expected) in [
        (times[0], Some("a")),
        (times[1], Some("b")),
        (times[2], Some("c")),
        (times[0] - TimeDelta::microseconds(1), None),
        ("2038-01-19T03:14:08Z".parse().unwrap(), None),
        ("9998-01-01T00:00:00Z".parse().unwrap(), Some("c")),
        (last, Some("c")),
        (last + TimeDelta::microseconds(1), Some("c")),
        (DateTimeUtc::MAX_UTC, Some("c")),
        ("0001-01-01T00:00:00Z".parse().unwrap(), None),
        (DateTimeUtc::MIN_UTC, None),
    ] {
        assert_eq!(name(at).await.as_deref(), expected, "{at}");
    }
}
