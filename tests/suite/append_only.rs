//! The migration `append_only`: the database itself keeps entries from being changed.

use audit_seaorm::{AuditTrail, AuditTransaction, AuditUpkeep, Limits, Retention, Turn};
use audit_tests::{Backend, TestDb, answer};
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, IntoActiveModel, TransactionTrait};
use sea_orm_migration::MigratorTrait;

use crate::{
    entities::post,
    migrators::AppendOnly,
    support::{Role, entries, new_post, number, sql, trail},
};

audit_tests::tests! {
    writing_and_reading_go_on,
    no_statement_changes_an_entry,
    a_row_of_upkeep_lets_its_own_transaction_pass_and_no_other,
    taken_back_it_leaves_nothing,
    #[only(Postgres)] the_applications_role_cannot_change_an_entry,
    #[only(Postgres)] a_role_of_its_own_does_the_upkeep,
}

/// A post that was made, changed and deleted, and the trail closed.
async fn closed(t: &TestDb) {
    AppendOnly::up(&t.db, None).await.unwrap();
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
    write(&t.db, "a").await;
}

async fn write(db: &DatabaseConnection, title: &str) {
    let mut post = new_post(title).insert(db).await.unwrap().into_active_model();
    post.likes = sea_orm::Set(1);
    post.update(db).await.unwrap().delete(db).await.unwrap();
}

async fn writing_and_reading_go_on(t: TestDb) {
    closed(&t).await;
    AuditTransaction::run(&t.db, async |txn| new_post("b").insert(txn).await).await.unwrap();
    let txn = t.db.begin().await.unwrap();
    new_post("c").insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 5);
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn no_statement_changes_an_entry(t: TestDb) {
    closed(&t).await;
    let before = trail(&t.db).await;
    let common = [
        "UPDATE audit_trail SET user_id = 'eve'",
        "UPDATE audit_trail SET user_id = 'eve' WHERE operation = 'UPDATE'",
        "DELETE FROM audit_trail",
        "DELETE FROM audit_trail WHERE operation = 'DELETE'",
    ];
    let copy = "(id, table_name, record_id, operation, timestamp) \
                SELECT id, table_name, record_id, operation, timestamp FROM audit_trail";
    let own = match t.backend {
        Backend::Sqlite => vec![
            format!("INSERT OR REPLACE INTO audit_trail {copy}"),
            format!("REPLACE INTO audit_trail {copy}"),
            format!(
                "INSERT INTO audit_trail {copy} WHERE true ON CONFLICT DO UPDATE SET user_id = 'eve'"
            ),
            "UPDATE OR REPLACE audit_trail SET id = (SELECT MIN(id) FROM audit_trail)".to_owned(),
        ],
        Backend::Postgres => vec![
            "TRUNCATE audit_trail".to_owned(),
            "TRUNCATE audit_trail CASCADE".to_owned(),
            format!(
                "INSERT INTO audit_trail {copy} ON CONFLICT (id) DO UPDATE SET user_id = 'eve'"
            ),
            "WITH gone AS (DELETE FROM audit_trail RETURNING 1) SELECT * FROM gone".to_owned(),
            "MERGE INTO audit_trail a USING audit_trail b ON a.id = b.id WHEN MATCHED THEN DELETE"
                .to_owned(),
            "SET LOCAL session_replication_role = replica; DELETE FROM audit_trail".to_owned(),
        ],
        Backend::MariaDb => vec![
            "TRUNCATE audit_trail".to_owned(),
            format!("REPLACE INTO audit_trail {copy}"),
            format!("INSERT INTO audit_trail {copy} ON DUPLICATE KEY UPDATE user_id = 'eve'"),
            "DELETE a FROM audit_trail a JOIN audit_trail b ON a.id = b.id".to_owned(),
            "UPDATE audit_trail a JOIN audit_trail b ON a.id = b.id SET a.user_id = 'eve'"
                .to_owned(),
        ],
    };
    for statement in common.into_iter().chain(own.iter().map(String::as_str)) {
        let outcome = t.db.execute_unprepared(statement).await;
        let error = outcome.expect_err(statement);
        let (code, text) = (answer::code(&error), error.to_string());
        let ours = ["append-only", "audit_trail_no_truncate"];
        // MariaDB does not truncate a table that a foreign key refers to.
        let refused = code == "1701" || ours.iter().any(|reason| text.contains(reason));
        assert!(refused, "{statement}: {text}");
        assert_eq!(trail(&t.db).await, before, "{statement}");
    }
}

async fn a_row_of_upkeep_lets_its_own_transaction_pass_and_no_other(t: TestDb) {
    closed(&t).await;
    let txn = t.db.begin().await.unwrap();
    sql(&txn, "INSERT INTO audit_trail_upkeep (opened_at) VALUES ('2026-11-25 00:00:00')").await;
    let (others, code) = match t.backend {
        // The trigger's.
        Backend::Postgres => ("", "42501"),
        // There they wait until the upkeep ends.
        Backend::MariaDb => ("SET SESSION innodb_lock_wait_timeout = 1;", "1205"),
        Backend::Sqlite => ("PRAGMA busy_timeout = 100;", "5"),
    };
    let delete = format!("{others} DELETE FROM audit_trail WHERE operation = 'UPDATE'");
    let error = t.db.execute_unprepared(&delete).await.unwrap_err();
    assert_eq!(answer::code(&error), code, "{error}");
    sql(&txn, "DELETE FROM audit_trail WHERE operation = 'CREATE'").await;
    sql(&txn, "DELETE FROM audit_trail_upkeep").await;
    assert!(txn.execute_unprepared("DELETE FROM audit_trail").await.is_err());
    txn.rollback().await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 3);
}

async fn taken_back_it_leaves_nothing(t: TestDb) {
    closed(&t).await;
    AppendOnly::down(&t.db, Some(1)).await.unwrap();
    sql(&t.db, "DELETE FROM audit_trail").await;
    assert!(t.db.execute_unprepared("SELECT * FROM audit_trail_upkeep").await.is_err());
    AppendOnly::up(&t.db, None).await.unwrap();
    write(&t.db, "b").await;
    assert!(t.db.execute_unprepared("DELETE FROM audit_trail").await.is_err());
    AppendOnly::down(&t.db, None).await.unwrap();
}

const APPLICATION: [&str; 4] = [
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT ON audit_trail TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON post TO {role}",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
];

async fn the_applications_role_cannot_change_an_entry(t: TestDb) {
    closed(&t).await;
    let role = Role::create(&t, "app", &APPLICATION).await;
    let app = role.connect(&t).await;
    write(&app, "b").await;
    let before = trail(&app).await;
    assert_eq!(before.len(), 6);
    let id = "SELECT id FROM audit_trail LIMIT 1";
    for statement in [
        "UPDATE audit_trail SET user_id = 'eve'",
        "UPDATE audit_trail a SET user_id = 'eve' FROM post WHERE a.record_id = '1'",
        "DELETE FROM audit_trail",
        "DELETE FROM audit_trail a USING post p WHERE a.record_id = '1'",
        &format!("DELETE FROM audit_trail WHERE id = ({id})"),
        "TRUNCATE audit_trail",
        "TRUNCATE audit_trail, post CASCADE",
        "INSERT INTO audit_trail SELECT * FROM audit_trail ON CONFLICT (id) DO UPDATE SET user_id = 'eve'",
        "MERGE INTO audit_trail a USING audit_trail b ON a.id = b.id WHEN MATCHED THEN DELETE",
        "MERGE INTO audit_trail a USING audit_trail b ON a.id = b.id WHEN MATCHED THEN UPDATE SET user_id = 'eve'",
        "WITH gone AS (DELETE FROM audit_trail RETURNING 1) SELECT * FROM gone",
        "DO $$ BEGIN DELETE FROM audit_trail; END $$",
        "PREPARE gone AS DELETE FROM audit_trail; EXECUTE gone",
        "SELECT * FROM audit_trail FOR UPDATE",
        "INSERT INTO audit_trail_upkeep (opened_at) VALUES (now()); DELETE FROM audit_trail",
        "SET session_replication_role = replica; DELETE FROM audit_trail",
        "ALTER TABLE audit_trail DISABLE TRIGGER ALL",
        "DROP TRIGGER audit_trail_no_change ON audit_trail",
        "CREATE OR REPLACE FUNCTION audit_trail_is_append_only() RETURNS trigger LANGUAGE plpgsql \
         AS $$ BEGIN RETURN NULL; END $$",
        "CREATE TRIGGER quiet BEFORE INSERT ON audit_trail FOR EACH ROW \
         EXECUTE FUNCTION audit_trail_is_append_only()",
        "CREATE RULE quiet AS ON INSERT TO audit_trail DO INSTEAD NOTHING",
        "ALTER TABLE audit_trail DROP COLUMN user_id",
        "ALTER TABLE audit_trail RENAME TO elsewhere",
        "ALTER TABLE audit_trail OWNER TO CURRENT_USER",
        "GRANT DELETE ON audit_trail TO CURRENT_USER; DELETE FROM audit_trail",
        "DROP TABLE audit_trail",
        "SET ROLE postgres",
    ] {
        assert!(app.execute_unprepared(statement).await.is_err(), "{statement}");
    }
    assert_eq!(trail(&t.db).await, before);
    write(&app, "c").await;
    assert_eq!(number(&app, "SELECT COUNT(*) FROM audit_trail").await, 9);
    app.close().await.unwrap();
    role.remove(&t).await;
}

async fn a_role_of_its_own_does_the_upkeep(t: TestDb) {
    closed(&t).await;
    let grants = [
        "GRANT USAGE ON SCHEMA public TO {role}",
        "GRANT SELECT, DELETE ON audit_trail TO {role}",
        "GRANT SELECT, INSERT, DELETE ON audit_trail_upkeep TO {role}",
        "GRANT SELECT, INSERT, UPDATE ON audit_trail_schedule TO {role}",
    ];
    let role = Role::create(&t, "upkeep", &grants).await;
    let upkeep = role.connect(&t).await;
    assert!(upkeep.execute_unprepared("DELETE FROM audit_trail").await.is_err());
    upkeep
        .transaction::<_, _, DbErr>(|txn| {
            Box::pin(async move {
                sql(txn, "INSERT INTO audit_trail_upkeep (opened_at) VALUES (now())").await;
                sql(txn, "DELETE FROM audit_trail WHERE operation = 'CREATE'").await;
                sql(txn, "DELETE FROM audit_trail_upkeep").await;
                Ok(())
            })
        })
        .await
        .unwrap();
    assert_eq!(entries(&t.db).await.len(), 2);
    let newest = Retention::new().all(Limits::new().newest_per_table(1));
    let turn = AuditUpkeep::new(&upkeep).retention(newest).run().await.unwrap();
    assert!(matches!(turn, Turn::Done(report) if report.pruned.deleted == 1));
    assert_eq!(entries(&t.db).await.len(), 1);
    upkeep.close().await.unwrap();
    role.remove(&t).await;
}
