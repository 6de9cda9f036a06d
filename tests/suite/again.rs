//! Writes on a pool that were in each other's way, and writes that panic.

use std::{
    panic,
    sync::{Arc, Mutex},
    time::Duration,
};

use audit_seaorm::{AuditTrail, AuditTransaction};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, DbErr, IntoActiveModel, QueryFilter,
    TransactionTrait, prelude::Expr, sea_query::OnConflict,
};
use tokio::task::JoinSet;

use crate::{
    entities::{label, post},
    support::{create, number, unseen_post},
};

audit_tests::tests! {
    upserts_of_new_rows_by_many_tasks_succeed,
    upserts_of_overlapping_rows_by_many_tasks_succeed,
    #[only(Postgres, MariaDb)] a_write_on_a_pool_that_gives_way_to_another_is_run_again,
    #[alone] a_panic_in_a_write_comes_through_once,
}

const TASKS: i32 = 4;
const KEYS: i32 = 60;

fn labelled(keys: impl Iterator<Item = i32>, text: &str) -> Vec<label::ActiveModel> {
    keys.map(|key| label::ActiveModel {
        post_id: Set(key),
        language: Set("en".to_owned()),
        text: Set(text.to_owned()),
    })
    .collect()
}

async fn upsert(db: &DatabaseConnection, rows: Vec<label::ActiveModel>) -> Result<(), DbErr> {
    let on_conflict = OnConflict::columns([label::Column::PostId, label::Column::Language])
        .update_column(label::Column::Text)
        .to_owned();
    label::Entity::audited().insert_many(rows).on_conflict(on_conflict).exec(db).await.map(drop)
}

/// How many tasks failed, each of which ran `work` for all keys.
async fn failures<F>(t: &TestDb, work: impl Fn(DatabaseConnection, i32, i32) -> F) -> Vec<String>
where
    F: Future<Output = Result<(), DbErr>> + Send + 'static,
{
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let writes: Vec<_> = (0..KEYS).map(|key| work(t.db.clone(), task, key)).collect();
        tasks.spawn(async move {
            let mut failed = Vec::new();
            for write in writes {
                failed.extend(write.await.err().map(|error| error.to_string()));
            }
            failed
        });
    }
    tasks.join_all().await.concat()
}

async fn upserts_of_new_rows_by_many_tasks_succeed(t: TestDb) {
    create!(t, label::Entity);
    let failed = failures(&t, |db, task, key| async move {
        upsert(&db, labelled(key..=key, &task.to_string())).await
    });
    let failed = failed.await;
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM label").await, i64::from(KEYS));
    let creates = "SELECT COUNT(*) FROM audit_trail WHERE operation = 'CREATE'";
    assert_eq!(number(&t.db, creates).await, i64::from(KEYS));
    let report = AuditTrail::verify(&t.db, label::Entity).await.unwrap();
    assert!(report.findings().is_empty(), "{report}");
}

/// Several rows each, of which some are there and some are not.
async fn upserts_of_overlapping_rows_by_many_tasks_succeed(t: TestDb) {
    create!(t, label::Entity);
    let failed = failures(&t, |db, task, key| async move {
        let first = key * 3 + task * 2;
        upsert(&db, labelled(first..first + 6, &format!("{task} {key}"))).await
    });
    let failed = failed.await;
    assert!(failed.is_empty(), "{} failed: {failed:?}", failed.len());
    let report = AuditTrail::verify(&t.db, label::Entity).await.unwrap();
    assert!(report.findings().is_empty(), "{report}");
}

async fn a_write_on_a_pool_that_gives_way_to_another_is_run_again(t: TestDb) {
    create!(t, post::Entity);
    let (a, b) = (unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await);
    let liked = |post: &post::Model, likes: i32| {
        let mut row = post.clone().into_active_model();
        row.likes = Set(likes);
        row
    };
    let mut given_way = 0;
    for round in 1..=6 {
        let txn = t.db.begin().await.unwrap();
        liked(&b, round * 10).update(&txn).await.unwrap();
        let db = t.db.clone();
        // Locks the first row, and waits for the second one.
        let both = tokio::spawn(async move {
            post::Entity::audited()
                .update_many()
                .col_expr(post::Column::Views, Expr::val(round))
                .col_expr(post::Column::Likes, Expr::val(round))
                .filter(post::Column::Title.is_in(["a", "b"]))
                .exec(&db)
                .await
        });
        tokio::time::sleep(Duration::from_millis(200)).await;
        let outcome = liked(&a, round * 10).update(&txn).await;
        given_way += i32::from(outcome.is_ok());
        match outcome {
            Ok(_) => txn.commit().await.unwrap(),
            Err(_) => txn.rollback().await.unwrap(),
        }
        // Whichever the database chose.
        assert_eq!(both.await.unwrap().unwrap().rows_affected, 2);
    }
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.findings().iter().all(|finding| finding.columns.is_empty()), "{report}");
    assert!(given_way > 0 || t.backend == Backend::Postgres, "the pool's write gave way");
}

mod brittle {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;
    use sea_orm::sea_query::{ArrayType, ValueType, ValueTypeErr};

    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Brittle(pub i64);

    impl From<Brittle> for Value {
        fn from(brittle: Brittle) -> Self {
            assert_ne!(brittle.0, 1, "the application's own panic");
            brittle.0.into()
        }
    }

    impl sea_orm::TryGetable for Brittle {
        fn try_get_by<I: sea_orm::ColIdx>(
            row: &QueryResult,
            index: I,
        ) -> Result<Self, sea_orm::TryGetError> {
            let number = i64::try_get_by(row, index)?;
            assert_ne!(number, 2, "the application's own panic");
            Ok(Self(number))
        }
    }

    impl ValueType for Brittle {
        fn try_from(value: Value) -> Result<Self, ValueTypeErr> {
            <i64 as ValueType>::try_from(value).map(Self)
        }

        fn type_name() -> String {
            "Brittle".to_owned()
        }

        fn array_type() -> ArrayType {
            ArrayType::BigInt
        }

        fn column_type() -> ColumnType {
            ColumnType::BigInteger
        }
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "brittle")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub value: Brittle,
    }
}

async fn a_panic_in_a_write_comes_through_once(t: TestDb) {
    create!(t, brittle::Entity);
    let db = t
        .connect_with(|options| {
            options.max_connections(1);
        })
        .await;
    let row = |value: i64| brittle::ActiveModel {
        value: Set(brittle::Brittle(value)),
        ..Default::default()
    };
    let panics = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&panics);
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |info| seen.lock().unwrap().push(info.to_string())));
    for value in [1, 2] {
        let pool = db.clone();
        let on_pool = tokio::spawn(async move { row(value).insert(&pool).await });
        assert!(on_pool.await.unwrap_err().is_panic());
        let pool = db.clone();
        let on_ours = tokio::spawn(async move {
            let txn = AuditTransaction::begin(&pool).await?;
            row(value).insert(&txn).await?;
            txn.commit().await
        });
        assert!(on_ours.await.unwrap_err().is_panic());
        let pool = db.clone();
        let on_callers = tokio::spawn(async move {
            let txn = pool.begin().await?;
            row(value).insert(&txn).await?;
            txn.commit().await
        });
        assert!(on_callers.await.unwrap_err().is_panic());
        // What a task in the background would do, it does by now.
        tokio::time::sleep(Duration::from_millis(200)).await;
        row(3).insert(&db).await.unwrap();
    }
    panic::set_hook(usual);
    let panics = std::mem::take(&mut *panics.lock().unwrap());
    assert_eq!(panics.len(), 6, "{panics:#?}");
    assert!(panics.iter().all(|panic| panic.contains("own panic")), "{panics:#?}");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM brittle").await, 2);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM audit_trail").await, 2);
}
