//! What can be measured: counters, gauges, histograms, spans; and nothing of a record in any of them.

#![allow(clippy::float_cmp, reason = "they are whole numbers")]

use std::{collections::BTreeMap, sync::LazyLock};

use audit_seaorm::{
    AuditConfig, AuditTrail, AuditTransaction, Escape, FailurePolicy, Limits, Retention, metrics,
};
use audit_tests::{Backend, TestDb, logs};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use sea_orm::{ActiveModelTrait, IntoActiveModel, Set};

use crate::{
    entities::post,
    support::{by, create, new_post, sql},
};

audit_tests::tests! {
    #[alone] counters_tell_what_was_stored_and_what_was_not,
    #[alone] what_auditing_adds_is_told_step_by_step,
    #[alone] gauges_tell_the_size_of_the_trail,
    #[alone] a_write_and_a_commit_are_spans,
    #[alone] nothing_of_a_record_is_in_a_metric_or_a_span,
}

/// One for the process: tasks that finish what was begun are told on any thread.
static METRICS: LazyLock<Snapshotter> = LazyLock::new(|| {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    recorder.install().unwrap();
    metrics::describe();
    snapshotter
});

/// What happened since this was asked last: counters by their growth, histograms by how often they were told.
fn told() -> BTreeMap<String, f64> {
    let snapshot = METRICS.snapshot().into_vec();
    let told = snapshot.into_iter().map(|(key, _, _, value)| {
        let (_, key) = key.into_parts();
        let labels = key.labels().map(|label| format!(" {}={}", label.key(), label.value()));
        let name = labels.fold(key.name().to_owned(), |name, label| name + label.as_str());
        #[allow(clippy::cast_precision_loss, reason = "small numbers")]
        let value = match value {
            DebugValue::Counter(count) => count as f64,
            DebugValue::Gauge(value) => value.into_inner(),
            DebugValue::Histogram(values) => {
                assert!(values.iter().all(|seconds| (0.0..60.0).contains(&seconds.into_inner())));
                values.len() as f64
            }
        };
        (name, value)
    });
    told.filter(|(_, value)| *value != 0.0).collect()
}

async fn counters_tell_what_was_stored_and_what_was_not(t: TestDb) {
    create!(t, post::Entity);
    told();
    let post = new_post("a").insert(&t.db).await.unwrap();
    assert_eq!(told()[metrics::WRITTEN], 1.0);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("b").insert(&txn).await.unwrap();
    new_post("c").insert(&txn).await.unwrap();
    assert!(!told().contains_key(metrics::WRITTEN), "they wait for the commit");
    txn.commit().await.unwrap();
    assert_eq!(told()[metrics::WRITTEN], 2.0);
    let prune =
        AuditTrail::prune().retention(Retention::new().all(Limits::new().newest_per_table(1)));
    prune.exec(&t.db).await.unwrap();
    assert_eq!(told()[metrics::PRUNED], 2.0);

    let escape = AuditConfig::new().on_escape(Escape::Allow);
    let row = post.clone().into_active_model();
    escape.scope(async { ActiveModelTrait::delete(row, &t.db).await }).await.unwrap();
    assert_eq!(told()[metrics::ESCAPES], 1.0);

    sql(&t.db, "DROP TABLE audit_trail").await;
    new_post("d").insert(&t.db).await.unwrap_err();
    assert_eq!(told()[metrics::FAILED], 1.0);
    let go_on = AuditConfig::new().on_failure(FailurePolicy::Continue);
    let txn = t.db.clone();
    let _ = go_on.scope(async { new_post("e").insert(&txn).await }).await;
    assert_eq!(told()[metrics::FAILED], 1.0);
}

async fn what_auditing_adds_is_told_step_by_step(t: TestDb) {
    create!(t, post::Entity);
    told();
    let steps = || {
        let mut steps = told();
        steps.retain(|name, _| name.starts_with(metrics::ADDED));
        steps
            .into_iter()
            .map(|(name, times)| (name.rsplit('=').next().unwrap().to_owned(), times))
            .collect::<Vec<_>>()
    };
    let step = |name: &str, times: f64| (name.to_owned(), times);
    let mut post = new_post("a").insert(&t.db).await.unwrap().into_active_model();
    assert_eq!(steps(), [step("begin", 1.0), step("entry", 1.0)]);
    post.likes = Set(2);
    let post = post.update(&t.db).await.unwrap();
    // PostgreSQL gives both images in the answer to the UPDATE, SQLite the one after it.
    let images = match t.backend {
        Backend::Postgres => vec![step("begin", 1.0), step("entry", 1.0)],
        Backend::Sqlite => vec![step("begin", 1.0), step("entry", 1.0), step("image", 1.0)],
        Backend::MariaDb => vec![step("begin", 1.0), step("entry", 1.0), step("image", 2.0)],
    };
    assert_eq!(steps(), images);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    for title in ["b", "c"] {
        new_post(title).insert(&txn).await.unwrap();
    }
    assert_eq!(steps(), []);
    txn.commit().await.unwrap();
    assert_eq!(steps(), [step("entry", 1.0)]);
    post.delete(&t.db).await.unwrap();
    post::Entity::audited().delete_many().exec(&t.db).await.unwrap();
    assert!(steps().contains(&step("entry", 2.0)));
}

async fn gauges_tell_the_size_of_the_trail(t: TestDb) {
    create!(t, post::Entity);
    let posts = (0..500).map(|number| new_post(&number.to_string()));
    post::Entity::audited().insert_many(posts).exec(&t.db).await.unwrap();
    if t.backend != Backend::Sqlite {
        sql(
            &t.db,
            if t.backend == Backend::Postgres {
                "ANALYZE audit_trail"
            } else {
                "ANALYZE TABLE audit_trail"
            },
        )
        .await;
    }
    let size = AuditTrail::size(&t.db).await.unwrap();
    let told = told();
    assert_eq!(size.entries_per_day, 500);
    assert!((400..600).contains(&size.entries), "{size:?}");
    assert!((50_000..5_000_000).contains(&size.bytes), "{size:?}");
    assert_eq!(told[metrics::TRAIL_ENTRIES_PER_DAY], 500.0);
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    let expected = [size.entries as f64, size.bytes as f64, size.bytes_per_day() as f64];
    let gauges = [metrics::TRAIL_ENTRIES, metrics::TRAIL_BYTES, metrics::TRAIL_BYTES_PER_DAY];
    assert_eq!(gauges.map(|gauge| told[gauge]), expected);
}

async fn a_write_and_a_commit_are_spans(t: TestDb) {
    create!(t, post::Entity);
    let work = async {
        new_post("a").insert(&t.db).await.unwrap();
        let txn = AuditTransaction::begin(&t.db).await.unwrap();
        new_post("b").insert(&txn).await.unwrap();
        txn.commit().await.unwrap();
        AuditTrail::prune().exec(&t.db).await.unwrap();
    };
    let ((), logs) = logs::capture(work).await;
    for span in [
        "audit.write{table=\"post\" operation=CREATE}: audit_seaorm::capture::unit: close",
        "audit.commit{transaction_id=",
        "audit.prune",
    ] {
        assert!(logs.contains(span), "{span}:\n{logs}");
    }
}

async fn nothing_of_a_record_is_in_a_metric_or_a_span(t: TestDb) {
    create!(t, post::Entity);
    told();
    let work = by("user-marker", async {
        let row = post::ActiveModel {
            token: Set(Some("token-marker".to_owned())),
            ..new_post("title-marker")
        };
        let mut row = row.insert(&t.db).await.unwrap().into_active_model();
        row.title = Set("second-marker".to_owned());
        row.update(&t.db).await.unwrap();
        AuditTransaction::run(&t.db, async |txn| new_post("third-marker").insert(txn).await)
            .await
            .unwrap();
        post::Entity::audited().delete_many().exec(&t.db).await.unwrap();
        AuditTrail::size(&t.db).await.unwrap();
        AuditTrail::health(&t.db).await
    });
    let (health, logs) = logs::capture(work).await;
    let metrics = format!("{:?}", told());
    assert!(
        metrics.contains(metrics::WRITTEN) && logs.contains("audit.write"),
        "{metrics}\n{logs}"
    );
    // What SQLx logs of statements has binds in no place; the names of a table and of columns are no values.
    let ours: String = logs.lines().filter(|line| line.contains("audit")).collect();
    for text in [metrics, ours, format!("{health:?}")] {
        assert!(!text.contains("marker"), "{text}");
    }
}
