//! An entity with hooks of its own keeps them.

use std::sync::Mutex;

use audit_tests::TestDb;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ActiveValue::Set, IntoActiveModel, TransactionTrait,
};

use crate::{
    entities::{
        archived,
        hooked::{self, SEEN},
    },
    support::{assert_lines, create, number, trail},
};

audit_tests::tests! {
    hooks_run_around_the_capture_with_the_callers_connection,
    an_entity_may_have_methods_of_its_own_which_the_hooks_serve,
    hooks_run_once_in_generic_code,
    what_a_before_hook_sets_is_what_is_recorded,
    a_before_hook_that_refuses_leaves_nothing,
    an_after_hook_that_fails_undoes_nothing_by_itself,
}

/// Runs `work` and returns what the hooks noted.
async fn seen(work: impl Future<Output = ()>) -> Vec<String> {
    let noted = async {
        work.await;
        SEEN.with(|seen| seen.lock().unwrap().clone())
    };
    SEEN.scope(Mutex::default(), noted).await
}

fn named(name: &str) -> hooked::ActiveModel {
    hooked::ActiveModel { name: Set(name.to_owned()), ..hooked::ActiveModel::new() }
}

/// The number is that of the record's entries when the hook ran: before-hooks come ahead of the
/// entry, after-hooks behind it.
async fn hooks_run_around_the_capture_with_the_callers_connection(t: TestDb) {
    create!(t, hooked::Entity);
    let noted = seen(async {
        let mut row = named("a").insert(&t.db).await.unwrap().into_active_model();
        row.name = Set("b".to_owned());
        let row = row.update(&t.db).await.unwrap();
        let mut silent = row.clone().into_active_model();
        silent.name = Set("c".to_owned());
        silent.update_without_returning(&t.db).await.unwrap();
        row.delete(&t.db).await.unwrap();
    });
    assert_lines(
        &noted.await,
        &[
            "before insert on DatabaseConnection: 0",
            "after insert on DatabaseConnection: 1",
            "before update on DatabaseConnection: 1",
            "after update on DatabaseConnection: 2",
            "before update on DatabaseConnection: 2",
            "before delete on DatabaseConnection: 3",
            "after delete on DatabaseConnection: 4",
        ],
    );
}

async fn hooks_run_once_in_generic_code(t: TestDb) {
    create!(t, hooked::Entity);
    let noted = seen(async {
        let txn = t.db.begin().await.unwrap();
        let row = ActiveModelTrait::insert(named("a"), &txn).await.unwrap();
        let mut row = row.into_active_model();
        row.name = Set("b".to_owned());
        let row = ActiveModelTrait::update(row, &txn).await.unwrap();
        ActiveModelTrait::delete(row.into_active_model(), &txn).await.unwrap();
        txn.commit().await.unwrap();
    });
    assert_lines(
        &noted.await,
        &[
            "before insert on DatabaseTransaction: 0",
            "after insert on DatabaseTransaction: 1",
            "before update on DatabaseTransaction: 1",
            "after update on DatabaseTransaction: 2",
            "before delete on DatabaseTransaction: 2",
            "after delete on DatabaseTransaction: 3",
        ],
    );
}

async fn what_a_before_hook_sets_is_what_is_recorded(t: TestDb) {
    create!(t, hooked::Entity);
    let mut row = named("  a ").insert(&t.db).await.unwrap().into_active_model();
    row.name = Set(" b  ".to_owned());
    let mut row = row.update(&t.db).await.unwrap().into_active_model();
    row.name = Set("   b".to_owned());
    row.update(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE hooked 1 by nobody: none -> {"id":1,"name":"a","state":"new"}"#,
            r#"UPDATE hooked 1 by nobody: {"name":"a"} -> {"name":"b"}"#,
        ],
    );
}

async fn a_before_hook_that_refuses_leaves_nothing(t: TestDb) {
    create!(t, hooked::Entity);
    let error = named("refused").insert(&t.db).await.unwrap_err();
    assert_eq!(error.to_string(), "Custom Error: refused by the hook");
    assert!(trail(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM hooked").await, 0);
}

/// As without auditing: on a pool the row has been written, and so has its entry.
async fn an_after_hook_that_fails_undoes_nothing_by_itself(t: TestDb) {
    create!(t, hooked::Entity);
    let error = named("fails later").insert(&t.db).await.unwrap_err();
    assert_eq!(error.to_string(), "Custom Error: the hook failed");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM hooked").await, 1);
    assert_eq!(trail(&t.db).await.len(), 1);
}

async fn an_entity_may_have_methods_of_its_own_which_the_hooks_serve(t: TestDb) {
    create!(t, archived::Entity);
    let txn = t.db.begin().await.unwrap();
    let row = archived::ActiveModel::new().insert(&txn).await.unwrap();
    row.delete(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE archived 1 by nobody: none -> {"id":1,"name":"archived"}"#,
            r#"DELETE archived 1 by nobody: {"id":1,"name":"archived"} -> none"#,
        ],
    );
    archived::ActiveModel::new().insert(&t.db).await.unwrap_err();
}
