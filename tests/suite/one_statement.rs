//! A statement of the user's is one statement of the database, however many rows it is for.

use std::sync::{Arc, Mutex};

use audit_seaorm::{AuditTrail, AuditTransaction};
use audit_tests::{Backend, TestDb, connect};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait,
    ExprTrait, QueryFilter, QueryOrder, TransactionTrait, sea_query::Expr,
};
use tokio::task::JoinSet;

use crate::{
    entities::{account, post},
    support::{Role, create, entries, new_post, number, sql},
};

audit_tests::tests! {
    #[only(Postgres)] positions_move_up_under_a_constraint_that_is_checked_at_the_end,
    positions_move_up_over_a_unique_index_as_they_do_without_us,
    #[only(Postgres)] a_trigger_for_each_statement_fires_once,
    rows_that_refer_to_each_other_go_together,
    writers_of_many_rows_leave_a_true_trail,
    rows_that_come_into_the_filter_and_go_leave_a_true_trail,
    #[only(Postgres, MariaDb)] a_role_that_may_make_no_temporary_table_writes_many_rows,
    nothing_is_left_of_what_was_set_aside,
    several_writes_of_many_rows_in_one_transaction,
    #[only(Postgres)] many_rows_of_a_table_in_another_schema,
    many_rows_past_a_trigger_that_keeps_some,
    many_rows_are_given_back_in_the_order_of_their_keys,
    few_rows_take_as_many_statements_as_before,
}

const MANY: i32 = 3000;

/// Posts with as many likes as their number, known to the trail.
async fn posts(t: &TestDb, count: i32) {
    create!(t, post::Entity);
    let rows =
        (0..count).map(|n| post::ActiveModel { likes: Set(n), ..new_post(&format!("p{n}")) });
    post::Entity::audited().insert_many(rows).exec(&t.db).await.unwrap();
}

fn one_more() -> audit_seaorm::audited::UpdateMany<post::Entity> {
    let likes = Expr::col(post::Column::Likes).add(1);
    post::Entity::audited().update_many().col_expr(post::Column::Likes, likes)
}

async fn assert_true(t: &TestDb) {
    let report = AuditTrail::verify(&t.db, post::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn positions_move_up_under_a_constraint_that_is_checked_at_the_end(t: TestDb) {
    posts(&t, MANY).await;
    sql(&t.db, "ALTER TABLE post ADD UNIQUE (likes) DEFERRABLE").await;
    assert_eq!(one_more().exec(&t.db).await.unwrap().rows_affected, 3000);
    let half = one_more().filter(post::Column::Likes.gt(1500)).exec(&t.db).await;
    assert_eq!(half.unwrap().rows_affected, 1500);
    let txn = t.db.begin().await.unwrap();
    assert_eq!(one_more().exec(&txn).await.unwrap().rows_affected, 3000);
    txn.commit().await.unwrap();
    AuditTransaction::run(&t.db, async |txn| one_more().exec(txn).await).await.unwrap();
    assert_eq!(number(&t.db, "SELECT MAX(likes) FROM post").await, 3003);
    assert_eq!(entries(&t.db).await.len(), 3000 + 3000 + 1500 + 3000 + 3000);
    assert_true(&t).await;
}

async fn positions_move_up_over_a_unique_index_as_they_do_without_us(t: TestDb) {
    posts(&t, MANY).await;
    sql(&t.db, "CREATE UNIQUE INDEX one_of_each ON post (likes)").await;
    let step = |by: i32| Expr::col(post::Column::Likes).add(by);
    let mut outcomes = Vec::new();
    for by in [1, -1] {
        for among in [50, MANY] {
            let rows = || post::Column::Id.lte(among);
            let txn = t.db.begin().await.unwrap();
            let plain =
                post::Entity::update_many().col_expr(post::Column::Likes, step(by)).filter(rows());
            let plain = plain.exec(&txn).await.is_ok();
            txn.rollback().await.unwrap();
            let before = likes(&t.db).await;
            let ours = post::Entity::audited().update_many();
            let ours = ours.col_expr(post::Column::Likes, step(by)).filter(rows());
            assert_eq!(ours.exec(&t.db).await.is_ok(), plain, "by {by} among {among}");
            assert_eq!(likes(&t.db).await != before, plain);
            outcomes.push(plain);
        }
    }
    assert!(outcomes.contains(&true) && outcomes.contains(&false), "{outcomes:?}");
    assert_true(&t).await;
}

async fn likes(db: &DatabaseConnection) -> Vec<i32> {
    let posts = post::Entity::find().order_by_asc(post::Column::Id).all(db).await.unwrap();
    posts.into_iter().map(|post| post.likes).collect()
}

async fn a_trigger_for_each_statement_fires_once(t: TestDb) {
    create!(t, post::Entity);
    sql(
        &t.db,
        "CREATE TABLE fired (what text); \
         CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
         INSERT INTO fired VALUES (TG_OP); RETURN NULL; END $$; \
         CREATE TRIGGER fire AFTER INSERT OR UPDATE OR DELETE ON post \
         FOR EACH STATEMENT EXECUTE FUNCTION fire()",
    )
    .await;
    for count in [3, 100, MANY] {
        let fired = async |what: &str| {
            let count = format!("SELECT COUNT(*) FROM fired WHERE what = '{what}'");
            assert_eq!(number(&t.db, &count).await, 1, "{what}");
        };
        let rows = (0..count).map(|n| new_post(&format!("p{n}")));
        post::Entity::audited().insert_many(rows).exec(&t.db).await.unwrap();
        fired("INSERT").await;
        one_more().exec(&t.db).await.unwrap();
        fired("UPDATE").await;
        post::Entity::audited().delete_many().exec(&t.db).await.unwrap();
        fired("DELETE").await;
        sql(&t.db, "DELETE FROM fired").await;
    }
}

/// Each but the first refers to the one before: in pages, the first page could not go.
async fn rows_that_refer_to_each_other_go_together(t: TestDb) {
    posts(&t, MANY).await;
    if t.backend == Backend::MariaDb {
        return; // InnoDB checks row by row, and refuses it in plain SQL, too.
    }
    let schema = if t.backend == Backend::Postgres {
        "UPDATE post SET views = id - 1 WHERE id > 1; \
         UPDATE post SET views = 1 WHERE id = 1; \
         ALTER TABLE post ADD FOREIGN KEY (views) REFERENCES post (id)"
    } else {
        "CREATE TABLE other AS SELECT * FROM post; DROP TABLE post; \
         CREATE TABLE post (id integer PRIMARY KEY, title text, likes integer, token text, \
         views integer REFERENCES post (id)); \
         INSERT INTO post SELECT id, title, likes, token, MAX(id - 1, 1) FROM other"
    };
    sql(&t.db, schema).await;
    let deleted = post::Entity::audited().delete_many().exec(&t.db).await.unwrap();
    assert_eq!(deleted.rows_affected, 3000);
    assert_true(&t).await;
}

/// Runs it again where the database took it back for the sake of others.
async fn insist<F: Future<Output = Result<(), DbErr>>>(work: impl Fn() -> F) {
    for _ in 0..50 {
        if work().await.is_ok() {
            return;
        }
    }
    panic!("fifty failures in a row");
}

async fn writers_of_many_rows_leave_a_true_trail(t: TestDb) {
    posts(&t, 300).await;
    let mut tasks = JoinSet::new();
    for writer in 0..4 {
        let db = t.db.clone();
        tasks.spawn(async move {
            for n in 0..5 {
                insist(async || one_more().exec(&db).await.map(drop)).await;
                insist(async || {
                    let row = post::ActiveModel {
                        id: Set(1 + (writer * 50 + n) % 300),
                        likes: Set(10_000 + writer * 10 + n),
                        ..Default::default()
                    };
                    row.update(&db).await.map(drop)
                })
                .await;
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    assert_eq!(entries(&t.db).await.len(), 300 + 20 * 300 + 20);
    assert_true(&t).await;
}

async fn rows_that_come_into_the_filter_and_go_leave_a_true_trail(t: TestDb) {
    posts(&t, 400).await;
    let many = async {
        for _ in 0..6 {
            let low = || one_more().filter(post::Column::Likes.lt(1000));
            insist(async || low().exec(&t.db).await.map(drop)).await;
        }
        let low = || post::Entity::audited().delete_many().filter(post::Column::Likes.lt(1000));
        insist(async || low().exec(&t.db).await.map(drop)).await;
    };
    let one_by_one = async {
        for n in 0..60 {
            let row = |likes| post::ActiveModel {
                id: Set(1 + n * 7 % 400),
                likes: Set(likes),
                ..Default::default()
            };
            let (inward, outward) = (n, 5000 + n);
            for likes in [outward, inward] {
                insist(async || match row(likes).update(&t.db).await {
                    Ok(_) | Err(DbErr::RecordNotUpdated) => Ok(()),
                    Err(error) => Err(error),
                })
                .await;
            }
            let title = format!("q{n}");
            insist(async || new_post(&title).insert(&t.db).await.map(drop)).await;
        }
    };
    tokio::join!(many, one_by_one);
    assert_true(&t).await;
}

async fn a_role_that_may_make_no_temporary_table_writes_many_rows(t: TestDb) {
    posts(&t, 300).await;
    let database = t.url().rsplit('/').next().unwrap().to_owned();
    let grants = ["GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role}"];
    if t.backend == Backend::Postgres {
        sql(&t.db, &format!("REVOKE TEMP ON DATABASE \"{database}\" FROM PUBLIC")).await;
        let role = Role::create(&t, "few", &grants).await;
        let db = role.connect(&t).await;
        write_without_temporary_tables(&db).await;
        db.close().await.unwrap();
        role.remove(&t).await;
    } else {
        let user = format!("few_{}", &database[database.len().saturating_sub(20)..]);
        sql(&t.db, &format!("CREATE USER '{user}'@'%' IDENTIFIED BY 'secret'")).await;
        let grant =
            format!("GRANT SELECT, INSERT, UPDATE, DELETE ON `{database}`.* TO '{user}'@'%'");
        sql(&t.db, &grant).await;
        let (_, place) = t.url().rsplit_once('@').unwrap();
        let db =
            connect(t.backend, &format!("mysql://{user}:secret@{place}"), |_| {}).await.unwrap();
        write_without_temporary_tables(&db).await;
        db.close().await.unwrap();
        sql(&t.db, &format!("DROP USER '{user}'@'%'")).await;
    }
    assert_eq!(entries(&t.db).await.len(), 900);
    assert_true(&t).await;
}

async fn write_without_temporary_tables(db: &DatabaseConnection) {
    assert!(db.execute_unprepared("CREATE TEMPORARY TABLE own (id int)").await.is_err());
    assert_eq!(one_more().exec(db).await.unwrap().rows_affected, 300);
    let deleted = post::Entity::audited().delete_many().exec(db).await.unwrap();
    assert_eq!(deleted.rows_affected, 300);
}

async fn nothing_is_left_of_what_was_set_aside(t: TestDb) {
    posts(&t, 300).await;
    let db = t
        .connect_with(|options| {
            options.max_connections(1);
        })
        .await;
    one_more().exec(&db).await.unwrap();
    db.execute_unprepared("SELECT * FROM audit_before").await.unwrap_err();
    // A value that is too large for its column, or that a trigger refuses.
    let refuse = match t.backend {
        Backend::Sqlite => {
            "CREATE TRIGGER refuse BEFORE UPDATE ON post WHEN NEW.id = 299 \
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        }
        _ => "ALTER TABLE post ADD CONSTRAINT refuse CHECK (likes <> 301)",
    };
    sql(&db, refuse).await;
    one_more().exec(&db).await.unwrap_err();
    db.execute_unprepared("SELECT * FROM audit_before").await.unwrap_err();
    let txn = db.begin().await.unwrap();
    one_more().exec(&txn).await.unwrap_err();
    one_more().filter(post::Column::Id.lt(290)).exec(&txn).await.unwrap();
    txn.commit().await.unwrap();
    db.execute_unprepared("SELECT * FROM audit_before").await.unwrap_err();
    assert_eq!(entries(&t.db).await.len(), 300 + 300 + 289);
    assert_true(&t).await;
}

async fn several_writes_of_many_rows_in_one_transaction(t: TestDb) {
    posts(&t, 300).await;
    let txn = t.db.begin().await.unwrap();
    one_more().exec(&txn).await.unwrap();
    one_more().exec(&txn).await.unwrap();
    let savepoint = txn.begin().await.unwrap();
    one_more().exec(&savepoint).await.unwrap();
    savepoint.rollback().await.unwrap();
    post::Entity::audited().delete_many().filter(post::Column::Id.gt(20)).exec(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(number(&t.db, "SELECT MIN(likes) FROM post").await, 2);
    assert_eq!(entries(&t.db).await.len(), 300 + 600 + 280);
    assert_true(&t).await;
}

async fn many_rows_of_a_table_in_another_schema(t: TestDb) {
    sql(&t.db, "CREATE SCHEMA books").await;
    create!(t, account::Entity);
    let rows =
        (0..500).map(|n| account::ActiveModel { name: Set(format!("a{n}")), ..Default::default() });
    account::Entity::audited().insert_many(rows).exec(&t.db).await.unwrap();
    let update = account::Entity::audited().update_many();
    let update = update.col_expr(account::Column::Name, Expr::value("all")).exec(&t.db).await;
    assert_eq!(update.unwrap().rows_affected, 500);
    assert_eq!(
        account::Entity::audited().delete_many().exec(&t.db).await.unwrap().rows_affected,
        500
    );
    let report = AuditTrail::verify(&t.db, account::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
    assert_eq!(entries(&t.db).await.len(), 1500);
}

async fn many_rows_past_a_trigger_that_keeps_some(t: TestDb) {
    posts(&t, 300).await;
    match t.backend {
        Backend::Sqlite => {
            for operation in ["UPDATE", "DELETE"] {
                let trigger = format!(
                    "CREATE TRIGGER keep_{operation} BEFORE {operation} ON post WHEN OLD.id <= 100 \
                     BEGIN SELECT RAISE(IGNORE); END"
                );
                sql(&t.db, &trigger).await;
            }
        }
        Backend::Postgres => {
            sql(
                &t.db,
                "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
                 IF OLD.id <= 100 THEN RETURN NULL; END IF; \
                 IF TG_OP = 'DELETE' THEN RETURN OLD; END IF; RETURN NEW; END $$; \
                 CREATE TRIGGER keep BEFORE UPDATE OR DELETE ON post \
                 FOR EACH ROW EXECUTE FUNCTION keep()",
            )
            .await;
        }
        Backend::MariaDb => {
            sql(
                &t.db,
                "CREATE TRIGGER keep BEFORE UPDATE ON post FOR EACH ROW \
                 SET NEW.likes = IF(OLD.id <= 100, OLD.likes, NEW.likes)",
            )
            .await;
        }
    }
    let updated = one_more().exec(&t.db).await.unwrap().rows_affected;
    assert_eq!(updated, if t.backend == Backend::MariaDb { 300 } else { 200 });
    assert_eq!(entries(&t.db).await.len(), 500);
    let deleted = post::Entity::audited().delete_many().exec(&t.db).await.unwrap().rows_affected;
    assert_eq!(deleted, if t.backend == Backend::MariaDb { 300 } else { 200 });
    assert_true(&t).await;
}

async fn many_rows_are_given_back_in_the_order_of_their_keys(t: TestDb) {
    posts(&t, 1500).await;
    let updated = one_more().exec_with_returning(&t.db).await.unwrap();
    let rows: Vec<_> = updated.into_iter().map(|post| (post.id, post.likes)).collect();
    assert_eq!(rows, (1..=1500).map(|id| (id, id)).collect::<Vec<_>>());
    let deleted = post::Entity::audited().delete_many().exec_with_returning(&t.db).await.unwrap();
    let rows: Vec<_> = deleted.into_iter().map(|post| (post.id, post.likes)).collect();
    assert_eq!(rows, (1..=1500).map(|id| (id, id)).collect::<Vec<_>>());
}

async fn few_rows_take_as_many_statements_as_before(t: TestDb) {
    posts(&t, 16).await;
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut db = t.connect_with(|_| {}).await;
    let statements = Arc::clone(&seen);
    db.set_metric_callback(move |info| {
        let sql = &info.statement.sql;
        if sql.contains("post") || sql.contains("audit_trail") {
            statements.lock().unwrap().push(sql.clone());
        }
    });
    let taken = || std::mem::take(&mut *seen.lock().unwrap());
    one_more().exec(&db).await.unwrap();
    let update = taken();
    // The images, the write, the entries; MariaDB's UPDATE gives no rows back.
    assert_eq!(update.len(), if t.backend == Backend::MariaDb { 4 } else { 3 }, "{update:#?}");
    post::Entity::audited().delete_many().exec(&db).await.unwrap();
    let delete = taken();
    assert_eq!(delete.len(), 3, "{delete:#?}");
}
