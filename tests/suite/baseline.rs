//! A baseline makes known what is older than the trail, as the encoder would have written it, whatever others do.

use std::{
    collections::HashMap,
    env,
    io::{BufRead as _, BufReader},
    mem::discriminant,
    process::{Child, ChildStdout, Command, ExitCode, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use audit_seaorm::{
    AuditConfig, AuditConnection, AuditContext, AuditCounters, AuditTrail, Auditable,
    BaselineReport, Change, FindingKind, Image, Incomplete, Operation, Verification,
    encode::{decode, encode, same_value},
};
use audit_tests::{Backend, TestDb, answer, connect, long};
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, EntityTrait, IdenStatic, IntoActiveModel,
    Iterable, ModelTrait, PaginatorTrait, QueryFilter, QueryOrder, QueryResult, Statement,
    TransactionTrait,
    prelude::*,
    sea_query::{Expr, ExprTrait as _},
};
use serde_json::json;
use tokio::{runtime, task::JoinSet, time::sleep};

use crate::{
    entities::{account, country, device, label, order, post},
    support::{by, create, entries, new_post, number, sql, unseen_post},
};

audit_tests::tests! {
    rows_older_than_the_trail_become_known,
    the_entries_name_who_and_why,
    a_second_run_writes_nothing,
    nothing_is_written_where_nothing_is_recorded,
    redacted_and_skipped_columns_stay_hidden,
    a_record_that_was_changed_first_is_known_from_its_baseline_on,
    what_verify_says_of_baselines,
    a_baseline_is_no_change,
    restores_go_to_and_past_a_baseline,
    integers_and_texts_are_written_by_the_database,
    dates_and_documents_are_written_by_the_database,
    floats_and_decimals_are_as_the_encoder_has_them,
    #[only(MariaDb)] unsigned_integers_are_written_by_the_database,
    #[only(Postgres)] arrays_and_enums_are_written_by_the_database,
    values_of_which_the_database_has_no_form_are_encoded_here,
    keys_of_every_kind_are_found_again,
    #[only(MariaDb)] keys_differ_by_case_and_blanks,
    #[only(Postgres)] padded_keys_keep_their_blanks,
    #[only(Sqlite)] tables_without_rowid_and_moments_as_keys_are_passed_through,
    #[only(Postgres)] a_table_in_another_schema_is_baselined,
    rows_that_others_hold_come_at_the_end,
    a_record_deleted_at_the_last_moment_is_no_finding,
    #[only(Sqlite)] a_row_that_does_not_fit_the_entity_is_named,
    statements_follow_the_keys,
    a_killed_baseline_is_resumed_while_others_write,
}

/// Findings as `Kind record`.
fn lines(report: &Verification) -> Vec<String> {
    report.findings().iter().map(|it| format!("{:?} {}", it.kind, it.record_id)).collect()
}

async fn verify<E: Auditable>(t: &TestDb, entity: E) -> Verification {
    AuditTrail::verify(&t.db, entity).await.unwrap()
}

async fn assert_clean<E: Auditable>(t: &TestDb, entity: E) {
    let report = verify(t, entity).await;
    assert!(report.is_clean(), "{report}");
}

async fn baseline<E: Auditable>(t: &TestDb, entity: E) -> BaselineReport {
    AuditTrail::baseline(entity).chunk_size(3).exec(&t.db).await.unwrap()
}

async fn unseen<T>(work: impl Future<Output = T>) -> T {
    AuditContext::without_audit(work).await
}

async fn rows_older_than_the_trail_become_known(t: TestDb) {
    create!(t, post::Entity);
    for number in 0..7 {
        unseen_post(&t.db, &format!("post {number}")).await;
    }
    new_post("seen").insert(&t.db).await.unwrap();
    assert_eq!(verify(&t, post::Entity).await.count(FindingKind::NeverRecorded), 7);

    let before = chrono::Utc::now();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let progress = Arc::clone(&seen);
    let counted = AuditCounters::now().written;
    let report = AuditTrail::baseline(post::Entity)
        .chunk_size(3)
        .on_progress(move |report| progress.lock().unwrap().push(report.written))
        .exec(&t.db)
        .await
        .unwrap();
    assert_eq!((report.written, report.known, report.chunks), (7, 1, 3));
    assert_eq!(report.encoded_here, 0, "{report:?}");
    assert_eq!(*seen.lock().unwrap(), [3, 6, 7]);
    assert!(AuditCounters::now().written >= counted + 7);
    assert_clean(&t, post::Entity).await;

    let now = chrono::Utc::now();
    let found = AuditTrail::state_as_of(&t.db, post::Entity, 3, now).await.unwrap().unwrap();
    assert_eq!(found.values()["title"], "post 2");
    assert_eq!(AuditTrail::state_as_of(&t.db, post::Entity, 3, before).await.unwrap(), None);
    let all = AuditTrail::table_as_of(post::Entity, now).all(&t.db).await.unwrap();
    assert_eq!(all.len(), 8);
    // Time and id belong together, and order agrees.
    let entries = entries(&t.db).await;
    assert!(entries.iter().all(|it| it.id.get_version_num() == 7));
    let ids: std::collections::HashSet<_> = entries.iter().map(|it| it.id).collect();
    assert_eq!(ids.len(), 8);
}

async fn the_entries_name_who_and_why(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "a").await;
    let context = AuditContext::new()
        .user(audit_seaorm::AuditUser::new("ann").email("a@b.c"))
        .request_id("req-1")
        .reason("of the context")
        .metadata("host", json!({"a": [1, "?'\"\\"]}));
    let write = async || {
        baseline(&t, post::Entity).await;
        unseen_post(&t.db, "b").await;
        let baseline = AuditTrail::baseline(post::Entity).reason("it's \"why\" \\ ?");
        baseline.exec(&t.db).await.unwrap();
    };
    context.scope(write()).await;
    let [a, b] = &entries(&t.db).await[..] else { panic!("two entries") };
    assert_eq!((a.operation, &*a.table_name, &*a.record_id), (Operation::Baseline, "post", "1"));
    assert_eq!(a.user_id.as_deref(), Some("ann"));
    assert_eq!(a.user_email.as_deref(), Some("a@b.c"));
    assert_eq!(a.request_id.as_deref(), Some("req-1"));
    assert_eq!(a.reason.as_deref(), Some("of the context"));
    assert_eq!(b.reason.as_deref(), Some("it's \"why\" \\ ?"));
    assert_eq!(a.metadata, Some(json!({"host": {"a": [1, "?'\"\\"]}})));
    assert!(a.transaction_id.is_some() && a.transaction_id != b.transaction_id);
    assert_eq!(a.old_values, None);
    let text = a.to_string();
    assert!(text.contains(" BASELINE post 1 by ann, request req-1"), "{text}");

    let long = AuditContext::new().user(audit_seaorm::AuditUser::new("u".repeat(513)));
    let error = long.scope(AuditTrail::baseline(post::Entity).exec(&t.db)).await.unwrap_err();
    assert!(error.to_string().contains("513 characters"), "{error}");
}

async fn a_second_run_writes_nothing(t: TestDb) {
    create!(t, post::Entity);
    for title in ["a", "b", "c", "d"] {
        unseen_post(&t.db, title).await;
    }
    assert_eq!(baseline(&t, post::Entity).await.written, 4);
    let again = baseline(&t, post::Entity).await;
    assert_eq!((again.written, again.known), (0, 4));
    // Nor does a run after changes.
    post::ActiveModel { id: Set(1), likes: Set(9), ..Default::default() }
        .update(&t.db)
        .await
        .unwrap();
    post::Entity::audited().delete_by_id(2).exec(&t.db).await.unwrap();
    post::ActiveModel { id: Set(2), ..new_post("b again") }.insert(&t.db).await.unwrap();
    assert_eq!(baseline(&t, post::Entity).await.written, 0);
    assert_clean(&t, post::Entity).await;
    // A guarded pool is as good, and an empty table.
    let guarded = AuditConnection::new(t.db.clone());
    unseen_post(&t.db, "e").await;
    assert_eq!(AuditTrail::baseline(post::Entity).exec(&guarded).await.unwrap().written, 1);
    assert_clean(&t, post::Entity).await;
    sql(&t.db, "DELETE FROM post").await;
    let empty = baseline(&t, post::Entity).await;
    assert_eq!((empty.written, empty.known, empty.chunks), (0, 0, 0));
}

async fn nothing_is_written_where_nothing_is_recorded(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "a").await;
    let run = || AuditTrail::baseline(post::Entity).exec(&t.db);
    let excluded = AuditConfig::new().exclude_table("post").scope(run()).await.unwrap_err();
    assert!(excluded.to_string().contains("`post` is excluded"), "{excluded}");
    let paused = unseen(run()).await.unwrap_err();
    assert!(paused.to_string().contains("without_audit"), "{paused}");
    let key = AuditConfig::new().redact("post", ["id"]).scope(run()).await.unwrap_err();
    assert!(key.to_string().contains("id"), "{key}");
    let unknown = AuditConfig::new().redact("post", ["titel"]).scope(run()).await.unwrap_err();
    assert!(unknown.to_string().contains("titel"), "{unknown}");
    assert!(entries(&t.db).await.is_empty());
    sql(&t.db, "DROP TABLE audit_trail").await;
    let missing = run().await.unwrap_err();
    assert!(missing.to_string().contains("run audit_migration::Migrator::up"), "{missing}");
}

async fn redacted_and_skipped_columns_stay_hidden(t: TestDb) {
    create!(t, post::Entity, order::Entity);
    let secret = post::ActiveModel { token: Set(Some("s3cret".to_owned())), ..new_post("a") };
    unseen(secret.insert(&t.db)).await.unwrap();
    AuditConfig::new().redact("post", ["likes"]).scope(baseline(&t, post::Entity)).await;
    let image = entries(&t.db).await[0].new_values.clone().unwrap();
    let expected = json!({"id": 1, "title": "a", "likes": "[REDACTED]", "token": "[REDACTED]"});
    assert_eq!(image, expected);

    // Reserved words and renamed columns everywhere.
    let order = order::ActiveModel {
        r#type: Set("'\"".to_owned()),
        group: Set(order::Select::Where),
        secret: Set("s3cret".to_owned()),
        ..Default::default()
    };
    unseen(order.insert(&t.db)).await.unwrap();
    assert_eq!(baseline(&t, order::Entity).await.encoded_here, 0);
    let image = entries(&t.db).await[1].new_values.clone().unwrap();
    let expected =
        json!({"select": 1, "type": "'\"", "group by": "where", "camelCase": "[REDACTED]"});
    assert_eq!(image, expected);
    assert_clean(&t, order::Entity).await;
    assert_clean(&t, post::Entity).await;
    let dump = crate::support::dump(&t).await;
    let text = String::from_utf8_lossy(&dump);
    let trail = text.rsplit("BASELINE").next().unwrap();
    assert!(t.backend == Backend::Sqlite || !text.contains("s3cret"), "{trail}");
}

async fn a_record_that_was_changed_first_is_known_from_its_baseline_on(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "a").await;
    let liked = post::ActiveModel { id: Set(1), likes: Set(1), ..Default::default() };
    liked.update(&t.db).await.unwrap();
    assert_eq!(lines(&verify(&t, post::Entity).await), ["BeganBeforeTrail 1"]);
    baseline(&t, post::Entity).await;
    let liked = post::ActiveModel { id: Set(1), likes: Set(2), ..Default::default() };
    liked.update(&t.db).await.unwrap();
    assert_clean(&t, post::Entity).await;

    let history = AuditTrail::history(&t.db, post::Entity, 1).await.unwrap();
    let [last, found, first] = &history[..] else { panic!("three steps") };
    let likes_in = |state: &Option<audit_seaorm::State<post::Model>>| {
        state.as_ref().map(|it| it.values().get("likes").cloned())
    };
    assert_eq!(likes_in(&first.old), Some(Some(json!(0))));
    assert_eq!(likes_in(&found.old), Some(Some(json!(1))));
    assert_eq!(found.old.as_ref().unwrap().values().get("title"), None);
    assert!(matches!(found.before(), Err(Incomplete { .. })));
    assert_eq!(found.new.as_ref().unwrap().values()["title"], "a");
    assert_eq!(found.changes(), []);
    assert_eq!(last.new.as_ref().unwrap().values()["title"], "a");
    let blame = AuditTrail::blame(&t.db, post::Entity, 1).await.unwrap();
    let blamed: Vec<_> = blame.iter().map(|it| (&*it.column, it.operation)).collect();
    assert_eq!(blamed, [("likes", Operation::Update)]);
    let at = found.entry.timestamp;
    let diff = AuditTrail::diff(&t.db, post::Entity, 1, at, chrono::Utc::now()).await.unwrap();
    assert_eq!(diff.to_string().lines().count(), 1, "{diff}");
}

async fn what_verify_says_of_baselines(t: TestDb) {
    create!(t, post::Entity);
    let told = |id: i32, likes: i32| {
        Image::from_iter([("id".to_owned(), json!(id)), ("likes".to_owned(), json!(likes))])
    };
    let record = async |change: Change| AuditTrail::record(&t.db, change).await.unwrap();
    for title in ["1", "2", "3", "4", "5", "6"] {
        unseen_post(&t.db, title).await;
    }
    // Other than the entries before left it.
    record(Change::update("post", "1", told(1, 0), told(1, 7))).await;
    record(Change::baseline("post", "1", told(1, 0))).await;
    // Of what had been deleted.
    record(Change::create("post", "2", told(2, 0))).await;
    record(Change::delete("post", "2", told(2, 0))).await;
    record(Change::baseline("post", "2", told(2, 0))).await;
    // Changed before the baseline that was to come, which never came.
    record(Change::update("post", "3", told(3, 1), told(3, 0))).await;
    // Deleted before it came.
    record(Change::update("post", "4", told(4, 0), told(4, 1))).await;
    record(Change::delete("post", "4", told(4, 1))).await;
    sql(&t.db, "DELETE FROM post WHERE id IN (4, 6)").await;
    record(Change::delete("post", "6", told(6, 0))).await;
    let entries_so_far = verify(&t, post::Entity).await;
    let mut found = lines(&entries_so_far);
    found.sort_unstable();
    assert_eq!(
        found,
        [
            "BaselineAfterDelete 2",
            "BaselineDiffers 1",
            "BeganBeforeTrail 3",
            "BeganBeforeTrail 4",
            "BeganBeforeTrail 6",
            "NeverRecorded 5",
        ]
    );
    record(Change::baseline("post", "5", told(5, 0))).await;
    let mut found = lines(&verify(&t, post::Entity).await);
    found.sort_unstable();
    assert_eq!(found, ["BaselineAfterDelete 2", "BaselineDiffers 1", "BeganBeforeTrail 3"]);
    // What comes past the trail after the last baseline is found as ever.
    record(Change::delete("post", "7", told(7, 0))).await;
    let found = verify(&t, post::Entity).await;
    assert_eq!(found.count(FindingKind::BeganBeforeTrail), 2);
    // And a row that came past it after a deletion is known, and stays a finding.
    record(Change::create("post", "8", told(8, 0))).await;
    record(Change::delete("post", "8", told(8, 0))).await;
    let back = post::ActiveModel { id: Set(8), ..new_post("8") };
    unseen(back.insert(&t.db)).await.unwrap();
    assert!(lines(&verify(&t, post::Entity).await).contains(&"RowAfterDelete 8".to_owned()));
    assert!(baseline(&t, post::Entity).await.written >= 2);
    let mut found = lines(&verify(&t, post::Entity).await);
    found.sort_unstable();
    assert_eq!(found, ["BaselineAfterDelete 2", "BaselineAfterDelete 8", "BaselineDiffers 1"]);
    assert_eq!(baseline(&t, post::Entity).await.written, 0);
}

async fn a_baseline_is_no_change(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "a").await;
    by("ann", baseline(&t, post::Entity)).await;
    let query = || AuditTrail::query().table("post");
    assert_eq!(query().changed("title").all(&t.db).await.unwrap(), []);
    assert_eq!(query().operation(Operation::Baseline).count(&t.db).await.unwrap(), 1);
    assert_eq!(query().new_value("title", "a").count(&t.db).await.unwrap(), 1);
    let stats = query().operation_stats(&t.db).await.unwrap();
    assert_eq!((stats.baselines, stats.creates, stats.total()), (1, 0, 1));
    assert_eq!(stats.of(Operation::Baseline), 1);
    assert_eq!(AuditTrail::blame(&t.db, post::Entity, 1).await.unwrap(), []);
    let csv: Vec<_> = futures_util::TryStreamExt::try_collect::<Vec<String>>(
        query().export_csv(Arc::new(t.db.clone())),
    )
    .await
    .unwrap();
    assert!(csv.concat().contains(",BASELINE,,"), "{csv:?}");
}

async fn restores_go_to_and_past_a_baseline(t: TestDb) {
    create!(t, post::Entity, country::Entity);
    let country = |name: &str| country::ActiveModel {
        code: Set("de".to_owned()),
        name: Set(Some(name.to_owned())),
    };
    unseen(country("Germany").insert(&t.db)).await.unwrap();
    let before = chrono::Utc::now();
    let request = AuditContext::new().request_id("baseline");
    request.scope(baseline(&t, country::Entity)).await;
    let after = entries(&t.db).await[0].timestamp;
    country("Deutschland").update(&t.db).await.unwrap();
    let name = async || {
        let found = country::Entity::find_by_id("de").one(&t.db).await.unwrap();
        found.and_then(|it| it.name)
    };
    let undo = |when| AuditTrail::restore(country::Entity, "de", when);
    undo(after).exec(&t.db).await.unwrap();
    assert_eq!(name().await.as_deref(), Some("Germany"));
    assert!(undo(before).plan(&t.db).await.unwrap().is_empty(), "nobody knows of any other");
    country::Entity::audited().delete_by_id("de").exec(&t.db).await.unwrap();
    undo(before).exec(&t.db).await.unwrap();
    assert_eq!(name().await.as_deref(), Some("Germany"), "what the baseline found");
    // It changed nothing, so that there is nothing to undo.
    let of_request = AuditTrail::restore_request("baseline");
    assert!(of_request.plan(&t.db).await.unwrap().is_empty());
    country::Entity::audited().delete_by_id("de").exec(&t.db).await.unwrap();
    assert!(of_request.plan(&t.db).await.unwrap().is_empty());
    assert_clean(&t, country::Entity).await;
}

/// Inserts rows past the trail, baselines them, and holds each image against the encoder.
async fn assert_encoded<E, A>(t: &TestDb, entity: E, rows: Vec<A>) -> BaselineReport
where
    E: Auditable + EntityTrait<ActiveModel = A>,
    A: ActiveModelTrait<Entity = E> + ActiveModelBehavior + Send + Sync + 'static,
    E::Model: IntoActiveModel<A> + Send + Sync,
{
    let count = rows.len();
    for row in rows {
        unseen(E::insert(row).exec_without_returning(&t.db)).await.unwrap();
    }
    let report = AuditTrail::baseline(entity).exec(&t.db).await.unwrap();
    assert_eq!(report.written, count as u64);
    assert_images::<E>(t).await;
    let verified = AuditTrail::verify(&t.db, E::default()).await.unwrap();
    assert!(verified.is_clean(), "{verified}");
    report
}

async fn assert_images<E>(t: &TestDb)
where
    E: Auditable,
    E::Model: Send + Sync,
{
    let table = E::default();
    let mut images: HashMap<_, _> = entries(&t.db)
        .await
        .into_iter()
        .filter(|it| it.table_name == table.table_name())
        .map(|it| (it.record_id, it.new_values.unwrap()))
        .collect();
    for row in E::find().all(&t.db).await.unwrap() {
        let key = E::PrimaryKey::iter().next().unwrap();
        let key = sea_orm::PrimaryKeyToColumn::into_column(key);
        let id = encode(&row.get(key)).unwrap();
        let id = id.as_str().map_or_else(|| id.to_string(), str::to_owned);
        let image = images.remove(&id).unwrap_or_else(|| panic!("no entry of {id}"));
        assert_eq!(image.as_object().unwrap().len(), E::Column::iter().count());
        for column in E::Column::iter() {
            let (name, value) = (column.as_str(), row.get(column));
            let json = &image[name];
            let decoded = decode::<E>(column, json)
                .unwrap_or_else(|error| panic!("{id} {name}: {error}: {json} of {value:?}"));
            assert_eq!(discriminant(&decoded), discriminant(&value), "{id} {name}");
            assert!(same_value(&decoded, &value), "{id} {name}: {decoded:?} is not {value:?}");
            let encoded = encode(&value).unwrap();
            let is_decimal = matches!(value, Value::Decimal(_) | Value::BigDecimal(_));
            // PostgreSQL's numbers, and texts within texts, have other forms of the same.
            assert!(
                is_decimal
                    || json.is_number()
                    || json.is_object()
                    || json.is_array()
                    || &encoded == json,
                "{name}: {encoded} {json}"
            );
        }
    }
    assert!(images.is_empty());
}

mod plain {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "i32", db_type = "Integer")]
    pub enum Level {
        #[sea_orm(num_value = 0)]
        Low,
        #[sea_orm(num_value = 9)]
        High,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "plain_row")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub bool: Option<bool>,
        pub i16: Option<i16>,
        pub i32: Option<i32>,
        pub i64: Option<i64>,
        #[sea_orm(column_type = "Text", nullable)]
        pub text: Option<String>,
        pub string: Option<String>,
        #[sea_orm(column_type = "VarBinary(StringLen::N(64))", nullable)]
        pub bytes: Option<Vec<u8>>,
        pub uuid: Option<Uuid>,
        pub level: Option<Level>,
    }
}

fn texts(backend: Backend) -> Vec<String> {
    let mut texts: Vec<_> = [
        "",
        "a",
        " a ",
        "'",
        "\"",
        "\\",
        "\\\\'",
        "a\"b\\c/d",
        "null",
        "[1]",
        "{\"a\":1}",
        "%s %I ? $1 :a",
        "[REDACTED]",
        "[redacted]",
        "[REDACTED] ",
        "\u{1}\u{8}\t\n\u{b}\u{c}\r\u{1f}\u{7f}",
        "\u{80}\u{2028}\u{2029}\u{feff}",
        "ü🦀e\u{301}",
        "{\"$json\":\"1\"}",
        "\u{ffff}\u{10ffff}",
    ]
    .map(str::to_owned)
    .into();
    texts.push("x".repeat(200));
    if backend == Backend::MariaDb {
        texts.push("a\0b".to_owned());
    }
    texts
}

async fn integers_and_texts_are_written_by_the_database(t: TestDb) {
    use plain::{ActiveModel, Level};
    create!(t, plain::Entity);
    let mut rows = vec![
        ActiveModel { id: Set(i64::MIN), ..blank() },
        ActiveModel {
            id: Set(i64::MAX),
            bool: Set(Some(true)),
            i16: Set(Some(i16::MIN)),
            i32: Set(Some(i32::MIN)),
            i64: Set(Some(i64::MIN)),
            bytes: Set(Some(vec![])),
            uuid: Set(Some(Uuid::nil())),
            level: Set(Some(Level::Low)),
            ..blank()
        },
        ActiveModel {
            id: Set(-1),
            bool: Set(Some(false)),
            i16: Set(Some(i16::MAX)),
            i32: Set(Some(i32::MAX)),
            i64: Set(Some(i64::MAX)),
            bytes: Set(Some((0..64).collect())),
            uuid: Set(Some(Uuid::from_u128(u128::MAX))),
            level: Set(Some(Level::High)),
            ..blank()
        },
        ActiveModel {
            id: Set(0),
            i16: Set(Some(0)),
            i32: Set(Some(0)),
            i64: Set(Some(9_007_199_254_740_993)),
            bytes: Set(Some(vec![0xff, 0, 0xfe, b'\'', b'\\'])),
            uuid: Set(Some("67e55044-10b1-426f-9247-bb680e5fe0c8".parse().unwrap())),
            ..blank()
        },
    ];
    for (number, text) in texts(t.backend).into_iter().enumerate() {
        let id = Set(i64::try_from(number).unwrap() + 1);
        rows.push(ActiveModel {
            id,
            text: Set(Some(text.clone())),
            string: Set(Some(text)),
            ..blank()
        });
    }
    let report = assert_encoded(&t, plain::Entity, rows).await;
    assert_eq!(report.encoded_here, 0);
}

fn blank() -> plain::ActiveModel {
    plain::ActiveModel {
        id: sea_orm::NotSet,
        bool: Set(None),
        i16: Set(None),
        i32: Set(None),
        i64: Set(None),
        text: Set(None),
        string: Set(None),
        bytes: Set(None),
        uuid: Set(None),
        level: Set(None),
    }
}

mod dated {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "dated")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub date: Option<Date>,
        pub time: Option<Time>,
        pub naive: Option<DateTime>,
        pub utc: Option<DateTimeUtc>,
        pub zone: Option<DateTimeWithTimeZone>,
        pub local: Option<DateTimeLocal>,
        pub t_date: Option<TimeDate>,
        pub t_time: Option<TimeTime>,
        pub t_naive: Option<TimeDateTime>,
        pub t_zone: Option<TimeDateTimeWithTimeZone>,
        #[sea_orm(column_type = "Json", nullable)]
        pub json: Option<Json>,
        #[sea_orm(column_type = "JsonBinary", nullable)]
        pub binary: Option<Json>,
    }
}

/// One moment in all columns, and a document.
fn dated(id: usize, moment: Option<DateTimeUtc>, document: Option<&Json>) -> dated::ActiveModel {
    let nanos = moment.map(|it| {
        i128::from(it.timestamp()) * 1_000_000_000 + i128::from(it.timestamp_subsec_nanos())
    });
    let t_moment = nanos.map(|it| TimeDateTimeWithTimeZone::from_unix_timestamp_nanos(it).unwrap());
    dated::ActiveModel {
        id: Set(i32::try_from(id).unwrap()),
        date: Set(moment.map(|it| it.date_naive())),
        time: Set(moment.map(|it| it.time())),
        naive: Set(moment.map(|it| it.naive_utc())),
        utc: Set(moment),
        zone: Set(moment.map(Into::into)),
        local: Set(moment.map(Into::into)),
        t_date: Set(t_moment.map(TimeDateTimeWithTimeZone::date)),
        t_time: Set(t_moment.map(TimeDateTimeWithTimeZone::time)),
        t_naive: Set(t_moment.map(|it| TimeDateTime::new(it.date(), it.time()))),
        t_zone: Set(t_moment),
        json: Set(document.cloned()),
        binary: Set(document.cloned()),
    }
}

async fn create_dated(t: &TestDb) {
    create!(t, dated::Entity);
    if t.backend == Backend::MariaDb {
        for column in ["naive", "utc", "zone", "local", "t_naive", "t_zone"] {
            sql(&t.db, &format!("ALTER TABLE dated MODIFY `{column}` datetime(6)")).await;
        }
        for column in ["time", "t_time"] {
            sql(&t.db, &format!("ALTER TABLE dated MODIFY `{column}` time(6)")).await;
        }
    }
}

async fn dates_and_documents_are_written_by_the_database(t: TestDb) {
    create_dated(&t).await;
    let moments = [
        "2026-02-28T23:59:59.123456Z",
        "2026-01-01T00:00:00Z",
        "1999-12-31T12:00:00.1Z",
        "1969-12-31T23:59:59.999999Z",
        "1900-02-28T00:00:00.000001Z",
        "0001-01-01T00:00:00Z",
        "0987-06-05T04:03:02.01Z",
        "9999-12-31T23:59:59.999999Z",
        "2024-02-29T01:02:03.000010Z",
    ];
    let mut rows = vec![dated(0, None, None)];
    for (number, moment) in moments.iter().enumerate() {
        rows.push(dated(number + 1, Some(moment.parse().unwrap()), None));
    }
    let documents = [
        json!(null),
        json!(true),
        json!(0),
        json!(-1.5),
        json!(1e300),
        json!(u64::MAX),
        json!(""),
        json!("[REDACTED]"),
        json!([]),
        json!({}),
        json!({"z": 1, "a": {"c": [null, 1.0], "b": "ü🦀\"\\\n\u{2028}"}, "": 0}),
        json!({"$json": 1}),
        json!({"$json": "null", "b": 1}),
        json!([{"$json": 1}]),
        json!(["[REDACTED]"]),
        json!({"$json": null}),
        json!("plain \"quoted\" \\ text"),
        json!({"a b'c": "d?e$1"}),
        json!(9_007_199_254_740_993_i64),
    ];
    for (number, document) in documents.iter().enumerate() {
        rows.push(dated(100 + number, None, Some(document)));
    }
    let report = assert_encoded(&t, dated::Entity, rows).await;
    assert_eq!(report.encoded_here, 0);
}

mod numbers {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "numbers")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub f64: Option<f64>,
        #[sea_orm(column_type = "Decimal(Some((20, 4)))", nullable)]
        pub decimal: Option<Decimal>,
    }
}

mod single {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "single")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub f32: Option<f32>,
    }
}

async fn floats_and_decimals_are_as_the_encoder_has_them(t: TestDb) {
    create!(t, numbers::Entity, single::Entity);
    let mut floats = vec![
        0.0,
        -0.0,
        1.0,
        0.1,
        -0.1,
        1e15,
        1e16,
        1e21,
        1e22,
        123_456_789.123_456_79,
        5e-324,
        f64::MAX,
        f64::MIN,
        f64::EPSILON,
        2.0_f64.powi(-44),
        9_007_199_254_740_993.0,
        1e-7,
        0.1 + 0.2,
    ];
    if t.backend == Backend::Postgres {
        floats.extend([f64::NAN, f64::INFINITY, f64::NEG_INFINITY]);
    }
    let mut chance = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..200 {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        let float = f64::from_bits(chance);
        floats.extend(float.is_finite().then_some(float));
    }
    let decimals = [
        "0",
        "1",
        "-1",
        "0.1000",
        "-0.0001",
        "12345678901234.5678",
        "9999999999999999.9999",
        "-9999999999999999.9999",
    ];
    let mut rows = vec![numbers::ActiveModel { id: Set(0), f64: Set(None), decimal: Set(None) }];
    for (id, float) in (1..).zip(&floats) {
        rows.push(numbers::ActiveModel { id: Set(id), f64: Set(Some(*float)), decimal: Set(None) });
    }
    for (id, decimal) in (1000..).zip(decimals) {
        let decimal = Set(Some(decimal.parse().unwrap()));
        rows.push(numbers::ActiveModel { id: Set(id), f64: Set(None), decimal });
    }
    let rows_written = rows.len() as u64;
    let report = assert_encoded(&t, numbers::Entity, rows).await;
    let here = if t.backend == Backend::Sqlite { rows_written } else { 0 };
    assert_eq!(report.encoded_here, here);

    #[expect(clippy::cast_possible_truncation, reason = "these are the floats that are wanted")]
    let narrow = floats
        .iter()
        .map(|it| *it as f32)
        .filter(|it| it.is_finite() || t.backend == Backend::Postgres);
    let rows: Vec<_> = (0..)
        .zip(narrow)
        .map(|(id, f32)| single::ActiveModel { id: Set(id), f32: Set(Some(f32)) })
        .collect();
    let rows_written = rows.len() as u64;
    let report = assert_encoded(&t, single::Entity, rows).await;
    let here = if t.backend == Backend::Postgres { 0 } else { rows_written };
    assert_eq!(report.encoded_here, here);
}

mod small {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "small_row")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: u64,
        pub i8: i8,
        pub u8: u8,
        pub u16: u16,
        pub u32: u32,
        pub u64: u64,
        #[sea_orm(column_type = "Decimal(Some((40, 10)))")]
        pub big: BigDecimal,
    }
}

async fn unsigned_integers_are_written_by_the_database(t: TestDb) {
    create!(t, small::Entity);
    sql(&t.db, "ALTER TABLE small_row MODIFY u32 int(12) unsigned zerofill NOT NULL").await;
    let big = "123456789012345678901234567890.0100000000";
    let row = |id, i8, u8, u16, u32, u64, big: &str| small::ActiveModel {
        id: Set(id),
        i8: Set(i8),
        u8: Set(u8),
        u16: Set(u16),
        u32: Set(u32),
        u64: Set(u64),
        big: Set(big.parse().unwrap()),
    };
    let rows = vec![
        row(u64::MAX, i8::MIN, u8::MAX, u16::MAX, u32::MAX, u64::MAX, big),
        row(0, i8::MAX, 0, 0, 0, 0, "-0.0000000001"),
        row(1 << 63, 0, 1, 1, 7, 1 << 63, "0"),
    ];
    let report = assert_encoded(&t, small::Entity, rows).await;
    assert_eq!(report.encoded_here, 0);
}

mod listed {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "Enum", enum_name = "humour")]
    pub enum Humour {
        #[sea_orm(string_value = "sad")]
        Sad,
        #[sea_orm(string_value = "hap\"py")]
        Happy,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "listed")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub bools: Option<Vec<bool>>,
        pub ints: Option<Vec<i32>>,
        pub bigs: Vec<i64>,
        pub texts: Vec<String>,
        pub uuids: Vec<Uuid>,
        pub humour: Humour,
        pub maybe: Option<Humour>,
        pub many: Vec<Humour>,
    }
}

async fn arrays_and_enums_are_written_by_the_database(t: TestDb) {
    use listed::{ActiveModel, Humour};
    create!(t, listed::Entity);
    let row = |id| ActiveModel {
        id: Set(id),
        bools: Set(None),
        ints: Set(Some(vec![])),
        bigs: Set(vec![i64::MIN, i64::MAX]),
        texts: Set(vec![
            String::new(),
            "null".to_owned(),
            "{a,\"b\\}".to_owned(),
            "ü\n".to_owned(),
        ]),
        uuids: Set(vec![Uuid::max(), Uuid::nil()]),
        humour: Set(Humour::Happy),
        maybe: Set(None),
        many: Set(vec![Humour::Sad, Humour::Happy]),
    };
    let rows = vec![
        row(1),
        ActiveModel {
            bools: Set(Some(vec![true, false])),
            ints: Set(Some(vec![i32::MIN])),
            maybe: Set(Some(Humour::Sad)),
            ..row(2)
        },
    ];
    let report = assert_encoded(&t, listed::Entity, rows).await;
    assert_eq!(report.encoded_here, 0);
    let marked = ActiveModel { texts: Set(vec!["[REDACTED]".to_owned()]), ..row(3) };
    unseen(listed::Entity::insert(marked).exec_without_returning(&t.db)).await.unwrap();
    assert_eq!(baseline(&t, listed::Entity).await.encoded_here, 1);
    assert_images::<listed::Entity>(&t).await;
}

async fn values_of_which_the_database_has_no_form_are_encoded_here(t: TestDb) {
    create_dated(&t).await;
    let deep = (0..30).fold(json!(1), |inner, _| json!([inner]));
    let mut rows = vec![
        dated(1, None, Some(&deep)),
        dated(2, None, Some(&json!(vec![json!({}); 50]))),
        dated(3, Some("2026-01-01T00:00:00Z".parse().unwrap()), None),
    ];
    if t.backend != Backend::Postgres {
        rows.push(dated(4, None, Some(&json!("a\0b"))));
    }
    if t.backend == Backend::Sqlite {
        rows.push(dated(5, Some("2026-01-01T00:00:00.123456789Z".parse().unwrap()), None));
        let mut offset = dated(6, None, None);
        offset.zone = Set(Some("2026-01-01T00:00:00+05:30".parse().unwrap()));
        rows.push(offset);
    }
    let count = rows.len() as u64;
    let report = assert_encoded(&t, dated::Entity, rows).await;
    assert_eq!(report.encoded_here, count, "the chunk as a whole");
}

mod triple {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    /// Its columns are in another order than the table's, which has more of them.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "triple")]
    pub struct Model {
        pub note: Option<String>,
        #[sea_orm(primary_key, auto_increment = false)]
        pub b: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub a: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub c: Uuid,
    }
}

mod tree {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "tree")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub parent_id: Option<i32>,
        #[sea_orm(self_ref, relation_enum = "Parent", from = "parent_id", to = "id")]
        pub parent: HasOne<Entity>,
    }
}

mod dayly {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "dayly")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub day: Date,
        #[sea_orm(primary_key, auto_increment = false)]
        pub part: i16,
    }
}

async fn keys_of_every_kind_are_found_again(t: TestDb) {
    create!(t, label::Entity, country::Entity, device::Entity, tree::Entity, dayly::Entity);
    let (text, uuid) = match t.backend {
        Backend::Postgres => ("varchar(64)", "uuid"),
        Backend::Sqlite => ("varchar(64)", "uuid_text"),
        Backend::MariaDb => ("varchar(64)", "binary(16)"),
    };
    sql(&t.db, &format!("CREATE TABLE triple (c {uuid} NOT NULL, extra int DEFAULT 7, a int NOT NULL, note varchar(9), b {text} NOT NULL, PRIMARY KEY (b, a, c))")).await;
    let odd =
        ["", "a", "\"", "\\", "[7]", "a b", "ü🦀", "/", "\u{1f}", "\n", "7", "null", "[REDACTED]"];
    for (number, text) in (0..).zip(odd) {
        let text = || Set((*text).to_owned());
        let of = label::ActiveModel { post_id: Set(number % 3), language: text(), text: text() };
        unseen(label::Entity::insert(of).exec_without_returning(&t.db)).await.unwrap();
        let of = country::ActiveModel { code: text(), name: Set(None) };
        unseen(country::Entity::insert(of).exec_without_returning(&t.db)).await.unwrap();
        let of = device::ActiveModel { id: Set(Uuid::new_v4()), name: text() };
        unseen(device::Entity::insert(of).exec_without_returning(&t.db)).await.unwrap();
        let of = tree::ActiveModel {
            id: Set(number),
            parent_id: Set((number > 0).then_some(number - 1)),
        };
        unseen(tree::Entity::insert(of).exec_without_returning(&t.db)).await.unwrap();
        let of = triple::ActiveModel {
            a: Set(number % 2),
            b: text(),
            c: Set(Uuid::new_v4()),
            note: Set(None),
        };
        unseen(triple::Entity::insert(of).exec_without_returning(&t.db)).await.unwrap();
        let day = Date::from_ymd_opt(2026, 1, 1 + u32::try_from(number).unwrap() / 4).unwrap();
        let of = dayly::ActiveModel { day: Set(day), part: Set(i16::try_from(number).unwrap()) };
        unseen(dayly::Entity::insert(of).exec_without_returning(&t.db)).await.unwrap();
    }
    let count = odd.len() as u64;
    assert_eq!(baseline(&t, label::Entity).await.written, count);
    assert_eq!(baseline(&t, country::Entity).await.written, count);
    assert_eq!(baseline(&t, device::Entity).await.encoded_here, 0);
    assert_eq!(baseline(&t, tree::Entity).await.encoded_here, 0);
    assert_eq!(baseline(&t, triple::Entity).await.written, count);
    assert_eq!(baseline(&t, dayly::Entity).await.encoded_here, count);
    assert_clean(&t, label::Entity).await;
    assert_clean(&t, country::Entity).await;
    assert_clean(&t, device::Entity).await;
    assert_clean(&t, tree::Entity).await;
    assert_clean(&t, triple::Entity).await;
    assert_clean(&t, dayly::Entity).await;
    assert_eq!(baseline(&t, label::Entity).await.written, 0);
    assert_eq!(baseline(&t, country::Entity).await.written, 0);
    assert_eq!(baseline(&t, triple::Entity).await.written, 0);
    assert_eq!(baseline(&t, dayly::Entity).await.written, 0);
}

async fn keys_differ_by_case_and_blanks(t: TestDb) {
    create!(t, country::Entity);
    // The table holds `a` and `A`, and `a` and `a `, for the same key, or not.
    for collation in ["utf8mb4_general_ci", "utf8mb4_bin", "utf8mb4_nopad_bin", "latin1_swedish_ci"]
    {
        let charset = collation.split('_').next().unwrap();
        sql(&t.db, "DELETE FROM country").await;
        sql(&t.db, "DELETE FROM audit_trail").await;
        let modify = format!(
            "ALTER TABLE country MODIFY code varchar(64) CHARACTER SET {charset} COLLATE {collation} NOT NULL"
        );
        sql(&t.db, &modify).await;
        let mut inserted = 0;
        for code in ["a", "A", "a ", "ä", "b", "B ", "z"] {
            let row = country::ActiveModel { code: Set(code.to_owned()), name: Set(None) };
            let insert = country::Entity::insert(row);
            inserted += u64::from(unseen(insert.exec_without_returning(&t.db)).await.is_ok());
        }
        let report = AuditTrail::baseline(country::Entity).chunk_size(2).exec(&t.db).await.unwrap();
        assert_eq!((report.written, report.encoded_here), (inserted, 0), "{collation}");
        assert_eq!(baseline(&t, country::Entity).await.written, 0);
        assert_clean(&t, country::Entity).await;
    }
}

async fn padded_keys_keep_their_blanks(t: TestDb) {
    create!(t, country::Entity, label::Entity);
    sql(
        &t.db,
        "ALTER TABLE country ALTER COLUMN code TYPE char(4), ALTER COLUMN name TYPE char(12)",
    )
    .await;
    sql(&t.db, "ALTER TABLE label ALTER COLUMN language TYPE char(4)").await;
    sql(&t.db, "INSERT INTO country VALUES ('ab', '[REDACTED]'), ('abcd', 'x'), ('', NULL)").await;
    sql(&t.db, "INSERT INTO label VALUES (7, 'en', ''), (7, 'engl', '')").await;
    assert_eq!(AuditTrail::baseline(country::Entity).exec(&t.db).await.unwrap().encoded_here, 0);
    assert_eq!(AuditTrail::baseline(label::Entity).exec(&t.db).await.unwrap().encoded_here, 0);
    let mut ids: Vec<_> = entries(&t.db).await.into_iter().map(|it| it.record_id).collect();
    ids.sort_unstable();
    assert_eq!(ids, ["    ", "[7,\"en  \"]", "[7,\"engl\"]", "ab  ", "abcd"]);
    assert_images::<country::Entity>(&t).await;
    assert_clean(&t, country::Entity).await;
    assert_clean(&t, label::Entity).await;
}

mod clocked {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "clocked")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub at: DateTimeUtc,
        pub name: String,
    }
}

async fn tables_without_rowid_and_moments_as_keys_are_passed_through(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, "CREATE TABLE country (code varchar(64) PRIMARY KEY COLLATE NOCASE, name varchar(64)) WITHOUT ROWID").await;
    sql(
        &t.db,
        "INSERT INTO country VALUES ('b', NULL), ('A', 'a'), ('c', '[redacted]'), ('D', '')",
    )
    .await;
    let report = AuditTrail::baseline(country::Entity).chunk_size(1).exec(&t.db).await.unwrap();
    assert_eq!((report.written, report.encoded_here), (4, 0));
    assert_clean(&t, country::Entity).await;

    // In every form that a moment is stored in.
    sql(&t.db, "CREATE TABLE clocked (at timestamp_with_timezone_text PRIMARY KEY, name varchar(9) NOT NULL)").await;
    sql(&t.db, "INSERT INTO clocked VALUES ('2026-01-01 00:00:00', 'a'), ('2026-01-01T00:00:00+00:00', 'b'), \
        ('2026-01-01 00:00:01Z', 'c'), ('2025-12-31T23:00:00+05:30', 'd'), ('2026-01-01 00:00:02', 'e')").await;
    // Two of them are one moment.
    let report = AuditTrail::baseline(clocked::Entity).chunk_size(1).exec(&t.db).await.unwrap();
    assert_eq!(report.written, 4, "{report:?}");
}

async fn a_table_in_another_schema_is_baselined(t: TestDb) {
    create!(t, post::Entity);
    sql(&t.db, "CREATE SCHEMA books").await;
    t.db.get_schema_builder().register(account::Entity).apply(&t.db).await.unwrap();
    sql(&t.db, "INSERT INTO books.account (name) VALUES ('a'), ('b')").await;
    let report = baseline(&t, account::Entity).await;
    assert_eq!((&*report.table, report.written, report.encoded_here), ("books.account", 2, 0));
    assert_clean(&t, account::Entity).await;
}

/// A transaction that holds a row keeps the baseline from that row alone, and is not kept from others.
async fn rows_that_others_hold_come_at_the_end(t: TestDb) {
    create!(t, post::Entity);
    for title in ["a", "b", "c", "d", "e"] {
        unseen_post(&t.db, title).await;
    }
    if t.backend == Backend::Sqlite {
        let holder = t.db.begin().await.unwrap();
        sql(&holder, "UPDATE post SET likes = likes").await;
        let run = tokio::spawn({
            let db = t.db.clone();
            async move { AuditTrail::baseline(post::Entity).exec(&db).await }
        });
        sleep(Duration::from_millis(200)).await;
        holder.commit().await.unwrap();
        assert_eq!(run.await.unwrap().unwrap().written, 5);
        return;
    }
    let holder = audit_seaorm::AuditTransaction::begin(&t.db).await.unwrap();
    let liked =
        |id, likes| post::ActiveModel { id: Set(id), likes: Set(likes), ..Default::default() };
    liked(5, 1).update(&holder).await.unwrap();
    post::Entity::audited().delete_by_id(2).exec(&holder).await.unwrap();
    let run = tokio::spawn({
        let db = t.db.clone();
        async move { AuditTrail::baseline(post::Entity).exec(&db).await }
    });
    while number(&t.db, "SELECT COUNT(*) FROM audit_trail").await < 3 {
        sleep(Duration::from_millis(10)).await;
    }
    // It holds none while it waits.
    liked(1, 1).update(&holder).await.unwrap();
    liked(4, 1).update(&t.db).await.unwrap();
    assert!(!run.is_finished());
    holder.commit().await.unwrap();
    let report = run.await.unwrap().unwrap();
    assert!(report.written >= 4 && report.encoded_here == 0, "{report:?}");
    assert_clean(&t, post::Entity).await;
}

async fn a_record_deleted_at_the_last_moment_is_no_finding(t: TestDb) {
    create!(t, post::Entity);
    for title in ["a", "b", "c"] {
        unseen_post(&t.db, title).await;
    }
    baseline(&t, post::Entity).await;
    // As if a writer had been faster than the baseline at the end of the table.
    sql(&t.db, "DELETE FROM audit_trail WHERE record_id = '3'").await;
    post::Entity::audited().delete_by_id(3).exec(&t.db).await.unwrap();
    assert_eq!(lines(&verify(&t, post::Entity).await), ["BeganBeforeTrail 3"]);
    let report = baseline(&t, post::Entity).await;
    assert_eq!((report.written, report.known), (1, 2));
    assert_clean(&t, post::Entity).await;
    assert_eq!(baseline(&t, post::Entity).await.written, 0);
}

async fn a_row_that_does_not_fit_the_entity_is_named(t: TestDb) {
    create!(t, dayly::Entity);
    sql(&t.db, "INSERT INTO dayly VALUES ('2026-01-01', 1)").await;
    sql(&t.db, "INSERT INTO dayly VALUES ('no day', 1)").await;
    let error = AuditTrail::baseline(dayly::Entity).exec(&t.db).await.unwrap_err();
    assert!(error.to_string().contains("no day") || error.to_string().contains("input"), "{error}");
}

async fn fill(t: &TestDb, rows: u64) {
    let numbers = match t.backend {
        Backend::Postgres => format!("SELECT n FROM generate_series(1, {rows}) n"),
        Backend::MariaDb => format!("SELECT seq AS n FROM seq_1_to_{rows}"),
        Backend::Sqlite => format!(
            "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {rows}) SELECT n FROM s"
        ),
    };
    let title = if t.backend == Backend::MariaDb { "CONCAT('title ', n)" } else { "'title ' || n" };
    let fill = match t.backend {
        Backend::Sqlite => format!(
            "INSERT INTO goods SELECT n, {title}, n % 97, '2026-01-01T00:00:00.123456+00:00', NULL FROM ({numbers})"
        ),
        _ => format!(
            "INSERT INTO goods SELECT n, {title}, n % 97, '2026-01-01 00:00:00.123456', NULL FROM ({numbers}) s"
        ),
    };
    sql(&t.db, &fill).await;
    match t.backend {
        Backend::Postgres => {
            sql(&t.db, "SELECT setval('goods_id_seq', (SELECT max(id) FROM goods)); ANALYZE").await;
        }
        _ => {
            sql(
                &t.db,
                if t.backend == Backend::MariaDb { "ANALYZE TABLE goods" } else { "ANALYZE" },
            )
            .await;
        }
    }
}

mod goods {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "goods")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub title: String,
        pub amount: i32,
        pub at: DateTimeUtc,
        pub note: Option<String>,
    }
}

async fn create_goods(t: &TestDb, rows: u64) {
    create!(t, goods::Entity);
    if t.backend == Backend::MariaDb {
        sql(&t.db, "ALTER TABLE goods MODIFY at datetime(6) NOT NULL").await;
    }
    fill(t, rows).await;
}

/// Whatever the table's size, a chunk is found by the primary key and its records by the trail's index.
async fn statements_follow_the_keys(t: TestDb) {
    create_goods(&t, 20_000).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut db = t.connect_with(|_| {}).await;
    let statements = Arc::clone(&seen);
    db.set_metric_callback(move |info| statements.lock().unwrap().push(info.statement.clone()));
    AuditTrail::baseline(goods::Entity).chunk_size(500).exec(&db).await.unwrap();
    match t.backend {
        Backend::MariaDb => sql(&t.db, "ANALYZE TABLE audit_trail").await,
        _ => sql(&t.db, "ANALYZE").await,
    }
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let (mut explained, mut by_record) = (0, 0);
    // Those of the last chunk, and what is asked at the end.
    for statement in seen.iter().rev().take(12) {
        let text = statement.sql.trim_start();
        let is_commit = text.contains("COMMIT");
        if is_commit || !(text.starts_with("SELECT") || text.starts_with("INSERT")) {
            continue;
        }
        let plan = plan(&t, statement).await;
        let scans = ["Seq Scan", "SCAN", " ALL "];
        assert!(!scans.iter().any(|scan| plan.contains(scan)), "{text}\n{plan}");
        if text.contains("a.record_id") {
            assert!(plan.contains("idx_audit_trail_record"), "{text}\n{plan}");
            let keys = ["goods_pkey", "INTEGER PRIMARY KEY", "PRIMARY"];
            assert!(keys.iter().any(|key| plan.contains(key)), "{text}\n{plan}");
            by_record += 1;
        }
        explained += 1;
    }
    assert!(explained >= 5 && by_record >= 2, "{explained} {by_record}");
}

async fn plan(t: &TestDb, statement: &Statement) -> String {
    let explain = if t.backend == Backend::Sqlite { "EXPLAIN QUERY PLAN" } else { "EXPLAIN" };
    let mut statement = statement.clone();
    statement.sql = format!("{explain} {}", statement.sql);
    let rows = t.db.query_all_raw(statement).await.unwrap();
    let line = |row: &QueryResult| match t.backend {
        Backend::Sqlite => row.try_get::<String>("", "detail").unwrap(),
        Backend::Postgres => row.try_get_by_index::<String>(0).unwrap(),
        Backend::MariaDb => {
            let text = |name| row.try_get::<Option<String>>("", name).unwrap().unwrap_or_default();
            // What is inserted into has a line, too.
            match &*text("select_type") {
                "INSERT" => String::new(),
                _ => format!("{} {} {}", text("table"), text("type"), text("key")),
            }
        }
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

const CHILD: &str = "AUDIT_TEST_BASELINE";
const CHUNK: &str = "AUDIT_TEST_BASELINE_CHUNK";

/// The database that this process is to baseline, if it is such a child.
pub(crate) fn child_url() -> Option<String> {
    env::var(CHILD).ok()
}

/// Baselines a table and tells of each chunk.
#[expect(clippy::print_stdout, reason = "tells the parent how far it is")]
pub(crate) fn run_as_child(url: &str) -> ExitCode {
    let backend = match url.split(':').next() {
        Some("sqlite") => Backend::Sqlite,
        Some("postgres") => Backend::Postgres,
        _ => Backend::MariaDb,
    };
    let chunk = env::var(CHUNK).unwrap().parse().unwrap();
    let runtime = runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let report = runtime.block_on(async {
        let db = connect(backend, url, |_| {}).await.unwrap();
        let baseline = AuditTrail::baseline(goods::Entity)
            .chunk_size(chunk)
            .on_progress(|so_far| println!("{} {}", so_far.written, so_far.known));
        baseline.exec(&db).await.unwrap()
    });
    println!("done {}", report.encoded_here);
    ExitCode::SUCCESS
}

/// This very program, baselining.
struct Baseliner {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Baseliner {
    fn start(t: &TestDb, chunk: u64) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .env(CHILD, t.url())
            .env(CHUNK, chunk.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Kills it once it has written so many rows.
    fn kill_after(mut self, rows: u64) {
        for line in &mut self.lines {
            let line = line.unwrap();
            let written: u64 = line.split(' ').next().unwrap().parse().expect("it is not done yet");
            if written >= rows {
                break;
            }
        }
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The last two lines.
    fn finish(mut self) -> (String, String) {
        let lines: Vec<_> = self.lines.map(Result::unwrap).collect();
        assert!(self.child.wait().unwrap().success());
        let [.., last, done] = &lines[..] else { panic!("{lines:?}") };
        (last.clone(), done.clone())
    }
}

/// Inserts, updates, deletes, by one and by many.
async fn write_for_a_while(
    db: DatabaseConnection,
    seed: i64,
    rows: i64,
    stop: Arc<AtomicBool>,
) -> u64 {
    let mut chance = seed.unsigned_abs() * 0x9e37_79b9 + 1;
    let mut next = |below: i64| {
        chance ^= chance << 13;
        chance ^= chance >> 7;
        chance ^= chance << 17;
        i64::try_from(chance % below.unsigned_abs()).unwrap() + 1
    };
    let mut writes = 0;
    while !stop.load(Ordering::Relaxed) {
        let id = next(rows);
        let done = match next(10) {
            1 => {
                let title = Set(format!("new {seed} {writes}"));
                let at =
                    Set(chrono::DateTime::from_timestamp_micros(1_800_000_000_000_000 + id)
                        .unwrap());
                goods::ActiveModel {
                    title,
                    amount: Set(1),
                    at,
                    note: Set(None),
                    ..Default::default()
                }
                .insert(&db)
                .await
                .map(drop)
            }
            2 => goods::Entity::audited().delete_by_id(id).exec(&db).await.map(drop),
            3 => {
                let many = goods::Entity::audited()
                    .update_many()
                    .col_expr(goods::Column::Amount, Expr::col(goods::Column::Amount).add(1))
                    .filter(goods::Column::Id.between(id, id + 20));
                many.exec(&db).await.map(drop)
            }
            4 => {
                let many = goods::Entity::audited()
                    .delete_many()
                    .filter(goods::Column::Id.between(id, id + 3));
                many.exec(&db).await.map(drop)
            }
            5 => {
                // In the order that a baseline does not lock in.
                audit_seaorm::AuditTransaction::run(&db, async |txn| {
                    for id in [id + 5, id] {
                        let row = goods::ActiveModel {
                            id: Set(id),
                            amount: Set(5),
                            ..Default::default()
                        };
                        match row.update(txn).await {
                            Ok(_) | Err(DbErr::RecordNotUpdated) => {}
                            Err(error) => return Err(error),
                        }
                    }
                    Ok(())
                })
                .await
            }
            _ => {
                let note = Set(Some(format!("note {writes}")));
                goods::ActiveModel { id: Set(id), note, ..Default::default() }
                    .update(&db)
                    .await
                    .map(drop)
            }
        };
        match done {
            Ok(()) => writes += 1,
            Err(DbErr::RecordNotUpdated) => {}
            // Writers meet each other.
            Err(error) if answer::is_deadlock(&error) || answer::code(&error) == "1205" => {}
            Err(error) => panic!("{error}"),
        }
    }
    writes
}

#[expect(clippy::print_stdout, reason = "the figures are what the long form is run for")]
async fn a_killed_baseline_is_resumed_while_others_write(t: TestDb) {
    let (rows, chunk) = if long() { (1_000_000, 10_000) } else { (6_000, 200) };
    create_goods(&t, rows).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut writers = JoinSet::new();
    for seed in 1..=3 {
        let work =
            write_for_a_while(t.db.clone(), seed, i64::try_from(rows).unwrap(), Arc::clone(&stop));
        writers.spawn(by(seed.to_string(), work));
    }
    let begun = Instant::now();
    let child = Baseliner::start(&t, chunk);
    let kill = |child: Baseliner, rows| tokio::task::spawn_blocking(move || child.kill_after(rows));
    kill(child, rows / 4).await.unwrap();
    kill(Baseliner::start(&t, chunk), rows / 4).await.unwrap();
    let last = Baseliner::start(&t, chunk);
    let (report, done) = tokio::task::spawn_blocking(move || last.finish()).await.unwrap();
    let took = begun.elapsed();
    assert_eq!(done, "done 0", "the database wrote them all");
    let known: u64 = report.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(known >= rows / 2, "it went on where the others were: {report}");
    sleep(Duration::from_millis(100)).await;
    stop.store(true, Ordering::Relaxed);
    let mut made = 0;
    while let Some(ended) = writers.join_next().await {
        made += ended.unwrap();
    }
    assert!(made > 10, "{made} writes");
    let verifying = Instant::now();
    let verified = verify(&t, goods::Entity).await;
    assert!(verified.is_clean(), "{verified}");
    if long() {
        println!(
            "{}: {rows} rows in {took:?}, killed twice, {made} writes meanwhile; verified in {:?}: {verified}",
            t.backend.name(),
            verifying.elapsed()
        );
        let again = Instant::now();
        let report = AuditTrail::baseline(goods::Entity).exec(&t.db).await.unwrap();
        println!("{}: once more in {:?}: {report}", t.backend.name(), again.elapsed());
        assert_eq!(report.written, 0);
    }
    as_of_and_restore(&t).await;
}

/// Rows that nobody has touched are known since their baseline, and others go back to what they were then.
async fn as_of_and_restore(t: &TestDb) {
    let now = chrono::Utc::now();
    let rows = goods::Entity::find().order_by_asc(goods::Column::Id);
    let rows = rows.paginate(&t.db, 300).fetch_page(0).await.unwrap();
    for row in rows.iter().step_by(7) {
        let found = AuditTrail::as_of(&t.db, goods::Entity, row.id, now).await.unwrap();
        assert_eq!(found.as_ref(), Some(row));
    }
    for row in rows.iter().step_by(29) {
        let changed = goods::ActiveModel {
            id: Set(row.id),
            title: Set("changed".to_owned()),
            note: Set(Some("x".to_owned())),
            ..Default::default()
        };
        changed.update(&t.db).await.unwrap();
        goods::Entity::audited().delete_by_id(row.id).exec(&t.db).await.unwrap();
        AuditTrail::restore(goods::Entity, row.id, now).exec(&t.db).await.unwrap();
        let restored = goods::Entity::find_by_id(row.id).one(&t.db).await.unwrap();
        assert_eq!(restored.as_ref(), Some(row));
    }
    if !long() {
        assert_clean(t, goods::Entity).await;
    }
}
