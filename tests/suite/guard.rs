//! What capture does not see is refused, on an `AuditConnection` and in every `AuditTransaction`.

use audit_seaorm::{
    AuditConfig, AuditConnection, AuditContext, AuditCounters, AuditTrail, AuditTransaction,
    Change, Escape, Image, entity as trail_entity,
};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, FromQueryResult, IntoActiveModel, ModelTrait,
    QueryFilter, QueryOrder, QuerySelect, QueryTrait, SqliteTransactionMode, Statement,
    StreamTrait, TransactionOptions, TransactionTrait,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType, OnConflict, Query},
};
use serde_json::json;

use crate::{
    entities::{order, post},
    support::{assert_lines, by, create, new_post, number, sql, trail, unseen_post},
};

audit_tests::tests! {
    concrete_calls_and_builders_are_recorded_as_on_the_pool,
    builders_of_seaorm_are_refused,
    raw_texts_are_refused,
    writes_hidden_in_reads_are_refused,
    a_refusal_says_what_to_write_instead,
    no_value_of_a_refused_statement_is_logged,
    what_hides_behind_a_comment_is_refused,
    #[only(Postgres, MariaDb)] what_counts_as_one_statement_is_sent_as_one,
    names_in_quotes_and_schemas_are_known,
    generic_code_is_judged_once_on_a_connection,
    generic_code_is_recorded_on_a_transaction,
    a_hook_permits_no_more_than_its_statement,
    a_link_of_many_rows_is_one_statement,
    a_deferred_transaction_deletes_in_generic_code,
    an_entry_that_fails_takes_its_row_along,
    a_warning_lets_it_pass_and_tells_no_values,
    #[alone] escapes_are_counted_once,
    transactions_follow_the_connection_and_else_the_configuration,
    nested_transactions_are_guarded,
    the_trail_is_written_by_nobody_else,
    what_is_not_recorded_is_not_guarded,
    reads_and_other_tables_pass,
    all_that_seaorm_says_to_other_tables_passes,
    the_schema_may_change,
    cascades_of_the_database_are_listed_and_told_once,
    many_texts_and_long_ones_are_judged_each,
}

/// Not audited.
mod tag {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "guard_tag")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(unique)]
        pub name: String,
        pub data: Json,
        pub post_id: Option<i32>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Audited, with links to itself by way of an audited table.
mod person {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "guard_person")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many, via = "membership")]
        pub clubs: HasMany<super::club::Entity>,
    }
}

mod club {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "guard_club")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many, via = "membership")]
        pub persons: HasMany<super::person::Entity>,
    }
}

mod membership {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "guard_membership")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub person_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub club_id: i32,
        #[sea_orm(belongs_to, from = "person_id", to = "id")]
        pub person: BelongsTo<super::person::Entity>,
        #[sea_orm(belongs_to, from = "club_id", to = "id")]
        pub club: BelongsTo<super::club::Entity>,
    }
}

fn guarded(t: &TestDb) -> AuditConnection {
    AuditConnection::new(t.db.clone())
}

/// The error of what is refused.
#[track_caller]
fn refused<T: std::fmt::Debug>(outcome: Result<T, DbErr>, words: &str) -> String {
    let error = outcome.unwrap_err().to_string();
    assert!(error.starts_with("Custom Error: audit: "), "{error}");
    assert!(error.contains(words), "{error}");
    error
}

/// The table as it was: two rows, and nothing in the trail.
async fn two_posts(t: &TestDb) -> [post::Model; 2] {
    create!(t, post::Entity);
    [unseen_post(&t.db, "a").await, unseen_post(&t.db, "b").await]
}

async fn assert_untouched(t: &TestDb) {
    let rows = "SELECT COUNT(*) FROM post WHERE likes = 0 AND title IN ('a', 'b')";
    assert_eq!(number(&t.db, rows).await, 2);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 2);
    assert!(trail(&t.db).await.is_empty());
}

async fn concrete_calls_and_builders_are_recorded_as_on_the_pool(t: TestDb) {
    create!(t, post::Entity);
    let db = guarded(&t);
    by("ann", async {
        let mut post = new_post("a").insert(&db).await.unwrap().into_active_model();
        post.likes = Set(1);
        let post = post.update(&db).await.unwrap();
        post.delete(&db).await.unwrap();
        let builder = post::Entity::audited().insert_many([new_post("b"), new_post("c")]);
        builder.exec(&db).await.unwrap();
        let likes =
            post::Entity::audited().update_many().col_expr(post::Column::Likes, Expr::val(5));
        likes.exec(&db).await.unwrap();
        post::Entity::audited().delete_many().exec(&db).await.unwrap();
    })
    .await;
    let entries = crate::support::entries(&t.db).await;
    assert_eq!(entries.len(), 9);
    assert!(entries.iter().all(|entry| entry.user_id.as_deref() == Some("ann")));
    let groups: Vec<_> = entries.iter().map(|entry| entry.transaction_id.unwrap()).collect();
    assert_ne!(groups[0], groups[1]);
    assert_eq!(groups[3], groups[4]);
}

/// Every builder of `SeaORM`'s, with the word that its refusal has.
async fn try_all(db: &impl ConnectionTrait, post: &post::Model) {
    let insert = "INSERT of `post` refused";
    let update = "UPDATE of `post` refused";
    let delete = "DELETE of `post` refused";
    refused(post::Entity::insert(new_post("c")).exec(db).await, insert);
    refused(post::Entity::insert(new_post("c")).exec_without_returning(db).await, insert);
    refused(post::Entity::insert_many([new_post("c"), new_post("d")]).exec(db).await, insert);
    let conflict =
        OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned();
    refused(
        post::Entity::insert(new_post("a")).on_conflict(conflict.clone()).exec(db).await,
        insert,
    );
    let many = post::Entity::insert_many([new_post("a")]).on_conflict(conflict);
    refused(many.exec(db).await, insert);
    refused(post::Entity::insert(new_post("a")).on_conflict_do_nothing().exec(db).await, insert);
    let mut row = post.clone().into_active_model();
    row.likes = Set(9);
    refused(post::Entity::update(row.clone()).exec(db).await, update);
    let likes = || post::Entity::update_many().col_expr(post::Column::Likes, Expr::val(9));
    refused(likes().exec(db).await, update);
    refused(likes().filter(post::Column::Id.is_in([1, 2])).exec(db).await, update);
    refused(post::Entity::delete(row).exec(db).await, delete);
    refused(post::Entity::delete_by_id(1).exec(db).await, delete);
    refused(post::Entity::delete_many().filter(post::Column::Likes.lt(5)).exec(db).await, delete);
    if db.support_returning() {
        refused(post::Entity::insert(new_post("c")).exec_with_returning(db).await, insert);
        refused(likes().exec_with_returning(db).await, update);
        refused(post::Entity::delete_many().exec_with_returning(db).await, delete);
    }
    let source = Query::select().column(tag::Column::Name).from(tag::Entity).take();
    let from = Query::insert()
        .into_table(post::Entity)
        .columns([post::Column::Title])
        .select_from(source)
        .unwrap()
        .take();
    refused(db.execute(&from).await, insert);
    let by_title = Query::delete()
        .from_table(post::Entity)
        .cond_where(Expr::col(post::Column::Title).like("%a%"))
        .take();
    refused(db.execute(&by_title).await, delete);
}

async fn builders_of_seaorm_are_refused(t: TestDb) {
    let [post, _] = two_posts(&t).await;
    let db = guarded(&t);
    try_all(&db, &post).await;
    let txn = db.begin().await.unwrap();
    try_all(&txn, &post).await;
    txn.commit().await.unwrap();
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    try_all(&txn, &post).await;
    txn.commit().await.unwrap();
    let inside = db.transaction::<_, _, DbErr>(|txn| {
        Box::pin(async move { post::Entity::delete_many().exec(txn).await.map(drop) })
    });
    let error = inside.await.unwrap_err().to_string();
    assert!(error.contains("DELETE of `post` refused"), "{error}");
    assert_untouched(&t).await;
}

/// Texts, with the words that their refusals have.
fn texts(backend: Backend) -> Vec<(&'static str, &'static str)> {
    let mut texts = vec![
        ("INSERT of `post`", "INSERT INTO post (title, likes, views) VALUES ('c', 0, 0)"),
        ("INSERT of `post`", "INSERT INTO post (title, likes, views) SELECT title, 1, 1 FROM post"),
        ("UPDATE of `post`", "UPDATE post SET likes = 9"),
        ("DELETE of `post`", "DELETE FROM post WHERE id = 1"),
        ("DELETE of `post`", "delete from Post where id in (select id from post)"),
        ("DELETE of `post`", "/* DELETE */ DELETE -- FROM tag\n FROM post"),
        ("DROP TABLE of `post`", "DROP TABLE post"),
        ("UPDATE of `post`", "UPDATE post SET likes = = 9"),
        ("it names the audited table `post`", "UPDATE FROB post SET likes = 9"),
    ];
    texts.extend(match backend {
        Backend::Sqlite => vec![
            (
                "REPLACE of `post`",
                "REPLACE INTO post (id, title, likes, views) VALUES (1, 'x', 1, 1)",
            ),
            (
                "REPLACE of `post`",
                "INSERT OR REPLACE INTO post (id, title, likes, views) VALUES (1, 'x', 1, 1)",
            ),
            ("UPDATE of `post`", "UPDATE OR IGNORE post SET likes = 9"),
            (
                "DELETE of `post`",
                "WITH x AS (SELECT 1 AS id) DELETE FROM post WHERE id IN (SELECT id FROM x)",
            ),
        ],
        Backend::Postgres => vec![
            (
                "UPDATE of `post`",
                "WITH u AS (UPDATE post SET likes = 9 RETURNING *) SELECT * FROM u",
            ),
            (
                "DELETE of `post`",
                "WITH d AS (DELETE FROM post RETURNING *) INSERT INTO guard_tag (name) \
                                  SELECT title FROM d",
            ),
            ("TRUNCATE of `post`", "TRUNCATE post"),
            ("TRUNCATE … CASCADE refused", "TRUNCATE guard_tag CASCADE"),
            (
                "MERGE of `post`",
                "MERGE INTO post USING guard_tag g ON g.id = post.id \
                                 WHEN MATCHED THEN DELETE",
            ),
            ("UPDATE of `post`", "EXPLAIN ANALYZE UPDATE post SET likes = 9"),
            ("DELETE of `post`", "PREPARE d AS DELETE FROM post"),
            ("COPY of `post`", "COPY post FROM '/dev/null'"),
            ("DO refused", "DO $$ BEGIN DELETE FROM post; END $$"),
            ("EXECUTE refused", "EXECUTE d"),
            ("CALL refused", "CALL clean_up()"),
        ],
        Backend::MariaDb => vec![
            (
                "REPLACE of `post`",
                "REPLACE INTO post (id, title, likes, views) VALUES (1, 'x', 1, 1)",
            ),
            ("UPDATE of `post`", "UPDATE post p JOIN guard_tag g ON g.id = p.id SET p.likes = 9"),
            ("UPDATE of `post`", "UPDATE post p, guard_tag g SET p.likes = 9"),
            ("DELETE of `post`", "DELETE p FROM post p LEFT JOIN guard_tag g ON g.id = p.id"),
            ("TRUNCATE of `post`", "TRUNCATE TABLE post"),
            ("DROP TABLE of `post`", "CREATE OR REPLACE TABLE post (id int)"),
            ("an executable comment refused", "SELECT 1 /*! ; DELETE FROM post */"),
            ("EXECUTE refused", "EXECUTE IMMEDIATE 'DELETE FROM post'"),
            ("CALL refused", "CALL clean_up()"),
            (
                "UPDATE of `post`",
                "SET STATEMENT max_statement_time = 9 FOR UPDATE post SET likes = 9",
            ),
        ],
    });
    texts
}

async fn raw_texts_are_refused(t: TestDb) {
    two_posts(&t).await;
    t.db.get_schema_builder().register(tag::Entity).apply(&t.db).await.unwrap();
    let db = guarded(&t);
    let txn = db.begin().await.unwrap();
    for (words, text) in texts(t.backend) {
        let statement = || Statement::from_string(t.db.get_database_backend(), text);
        refused(db.execute_unprepared(text).await, words);
        refused(db.execute_unprepared(&format!("SELECT 1; {text}; SELECT 2")).await, words);
        refused(db.execute_raw(statement()).await, words);
        refused(db.query_one_raw(statement()).await, words);
        refused(db.query_all_raw(statement()).await, words);
        refused(db.stream_raw(statement()).await.map(drop), words);
        refused(txn.execute_unprepared(text).await, words);
        refused(txn.query_all_raw(statement()).await, words);
        refused(txn.stream_raw(statement()).await.map(drop), words);
    }
    txn.commit().await.unwrap();
    assert_untouched(&t).await;
}

async fn writes_hidden_in_reads_are_refused(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t);
    let backend = t.db.get_database_backend();
    let delete = Statement::from_string(backend, "DELETE FROM post RETURNING *");
    let update = Statement::from_string(backend, "UPDATE post SET likes = 9 RETURNING *");
    let words = "DELETE of `post` refused";
    refused(post::Model::find_by_statement(delete.clone()).all(&db).await, words);
    refused(post::Model::find_by_statement(delete.clone()).one(&db).await, words);
    let raw = post::Entity::find().from_raw_sql(update);
    refused(raw.all(&db).await, "UPDATE of `post` refused");
    refused(post::Entity::find().from_raw_sql(delete.clone()).stream(&db).await.map(drop), words);
    let txn = db.begin().await.unwrap();
    refused(post::Model::find_by_statement(delete.clone()).all(&txn).await, words);
    refused(post::Entity::find().from_raw_sql(delete).stream(&txn).await.map(drop), words);
    txn.commit().await.unwrap();
    assert_untouched(&t).await;
}

async fn a_refusal_says_what_to_write_instead(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t);
    let error = refused(db.execute_unprepared("UPDATE post SET token = 'secret'").await, "");
    assert_eq!(
        error,
        "Custom Error: audit: UPDATE of `post` refused: this statement would change an audited table \
         and leave no entry. Write `Entity::audited().update_many()` or `.update(..)`, or call `update` \
         on the ActiveModel; AuditContext::without_audit(..) lets it pass unrecorded, and \
         `on_escape(Escape::Warn)` reports it only"
    );
    let error =
        refused(post::Entity::delete_many().exec(&db).await, "`Entity::audited().delete_many()`");
    assert!(!error.contains("secret"));
    let broken = "UPDATE post SET token = 'secret' 'secret";
    let error = refused(
        db.execute_unprepared(broken).await,
        "cannot be read (a quote or a comment is opened and not closed)",
    );
    assert!(!error.contains("secret"), "{error}");
}

/// The guard cannot tell where a body ends that has semicolons of its own: the database takes one statement alone.
async fn what_counts_as_one_statement_is_sent_as_one(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t);
    let body = "CREATE PROCEDURE guard_body() BEGIN SELECT 1; SELECT 2; END";
    let body = match t.backend {
        Backend::MariaDb => body,
        _ => "CREATE FUNCTION guard_body() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END",
    };
    db.execute_unprepared(body).await.unwrap();
    let drop = if t.backend == Backend::MariaDb { "PROCEDURE" } else { "FUNCTION" };
    sql(&t.db, &format!("DROP {drop} guard_body")).await;
    // An error of the database: a text of two statements cannot be prepared.
    let two = format!("{body}; CREATE TABLE guard_two (id int)");
    db.execute_unprepared(&two).await.unwrap_err();
    t.db.execute_unprepared("SELECT * FROM guard_two").await.unwrap_err();
}

/// The log of a crate that the guard uses would be our log.
async fn no_value_of_a_refused_statement_is_logged(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t);
    let ((), logs) = audit_tests::logs::capture(async {
        for text in [
            "UPDATE post SET token = 'secret'",
            "INSERT INTO post (title) VALUES ('secret'), ('secret' || 'secret')",
            "DELETE FROM post WHERE token = 'secret' AND FROB 'secret",
            "SELECT 1; UPDATE post SET token = 'secret'",
        ] {
            refused(db.execute_unprepared(text).await, "refused");
        }
        tracing::info!("looked");
        let txn = db.begin().await.unwrap();
        refused(txn.execute_unprepared("COMMIT /* secret */").await, "refused");
        refused(txn.execute_unprepared("SELECT 'secret'; COMMIT").await, "refused");
        txn.rollback().await.unwrap();
    })
    .await;
    assert!(logs.contains("looked"), "{logs}");
    assert!(!logs.contains("secret"), "{logs}");
}

/// What one lexer takes for a string or a comment, another one runs.
async fn what_hides_behind_a_comment_is_refused(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t);
    let texts: &[&str] = match t.backend {
        Backend::Sqlite => &[
            "SELECT 'a' ||/* don't */ 'b'; UPDATE post SET title='it''s' -- won't",
            "SELECT 1 |/* ' */ 2; DELETE FROM post; --'",
            "SELECT [a'] FROM (SELECT 1 AS [a']); DELETE FROM post --'",
        ],
        Backend::Postgres => &[
            "SELECT 'a' ||/* don't */ 'b'; UPDATE post SET title='it''s' -- won't",
            "SELECT 4 ||/* ' */ 'b'; DELETE FROM post; --'",
            "SELECT 2 -/* ' */ 1; UPDATE post SET likes = 9; --'",
            "SELECT a$b$c FROM (SELECT 1 AS a$b$c) x; DELETE FROM post; --$c$",
        ],
        Backend::MariaDb => &[
            "SELECT 'a' ||/* don't */ 'b'; UPDATE post SET title='it''s' -- won't",
            "SELECT 5 --\u{1}'\n; DELETE FROM post; -- '",
            "SELECT 5--'1'; UPDATE post SET likes = 9",
            "SELECT 1 # '\n; UPDATE post SET likes = 9 # '",
        ],
    };
    for text in texts {
        refused(db.execute_unprepared(text).await, "refused");
    }
    assert_untouched(&t).await;
}

async fn names_in_quotes_and_schemas_are_known(t: TestDb) {
    create!(t, post::Entity, order::Entity);
    let db = guarded(&t);
    let (quoted, schema) = match t.backend {
        Backend::Sqlite => (["\"order\"", "`order`", "[order]", "\"ORDER\""].as_slice(), "main"),
        Backend::Postgres => (["\"order\"", "\"Order\""].as_slice(), "public"),
        Backend::MariaDb => (["`order`", "`Order`"].as_slice(), "test"),
    };
    for name in quoted {
        let words = "DELETE of `order` refused";
        refused(db.execute_unprepared(&format!("DELETE FROM {name}")).await, words);
        refused(db.execute_unprepared(&format!("DELETE FROM {schema}.{name}")).await, words);
        refused(db.execute_unprepared(&format!("DELETE FROM {schema} . {name}")).await, words);
    }
    refused(order::Entity::delete_many().exec(&db).await, "DELETE of `order` refused");
    refused(db.execute_unprepared(&format!("DELETE FROM {schema}.post")).await, "DELETE of `post`");
}

/// `A` is known by its traits alone.
async fn insert_generically<A>(row: A, db: &impl ConnectionTrait) -> Result<(), DbErr>
where
    A: ActiveModelTrait + sea_orm::ActiveModelBehavior + Send,
    <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
{
    row.insert(db).await.map(drop)
}

async fn generic_code_is_judged_once_on_a_connection(t: TestDb) {
    let [mut post, other] = two_posts(&t).await;
    let db = guarded(&t);
    refused(insert_generically(new_post("c"), &db).await, "INSERT of `post` refused");
    refused(ModelTrait::delete(post.clone(), &db).await, "DELETE of `post` refused");
    assert_untouched(&t).await;
    // An update is one unit wherever it runs.
    let mut row = post.into_active_model();
    row.likes = Set(1);
    post = ActiveModelTrait::update(row, &db).await.unwrap();
    assert_eq!(post.likes, 1);
    let db = db.on_escape(Escape::Warn);
    let work = async {
        insert_generically(new_post("c"), &db).await.unwrap();
        assert_eq!(ModelTrait::delete(other, &db).await.unwrap().rows_affected, 1);
    };
    let ((), logs) = audit_tests::logs::capture(work).await;
    assert_eq!(logs.matches("audited write escaped").count(), 2, "{logs}");
    assert_eq!(logs.matches("outside of a transaction").count(), 0, "{logs}");
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":1}"#,
            r#"CREATE post 3 by nobody: none -> {"id":3,"likes":0,"title":"c","token":"[REDACTED]"}"#,
            r#"DELETE post 2 by nobody: {"id":2,"likes":0,"title":"b","token":"[REDACTED]"} -> none"#,
        ],
    );
}

async fn generic_code_is_recorded_on_a_transaction(t: TestDb) {
    let [post, _] = two_posts(&t).await;
    let db = guarded(&t);
    let txn = db.begin().await.unwrap();
    insert_generically(new_post("c"), &txn).await.unwrap();
    let mut row = post.into_active_model();
    row.likes = Set(1);
    let post = ActiveModelTrait::update(row, &txn).await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    ModelTrait::delete(post, &nested).await.unwrap();
    // Of a row that is not there.
    let ghost = post::ActiveModel { id: Set(99), ..Default::default() };
    assert_eq!(ActiveModelTrait::delete(ghost, &nested).await.unwrap().rows_affected, 0);
    nested.commit().await.unwrap();
    txn.commit().await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE post 3 by nobody: none -> {"id":3,"likes":0,"title":"c","token":"[REDACTED]"}"#,
            r#"UPDATE post 1 by nobody: {"likes":0} -> {"likes":1}"#,
            r#"DELETE post 1 by nobody: {"id":1,"likes":1,"title":"a","token":"[REDACTED]"} -> none"#,
        ],
    );
}

async fn a_hook_permits_no_more_than_its_statement(t: TestDb) {
    let [post, _] = two_posts(&t).await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    insert_generically(new_post("c"), &txn).await.unwrap();
    refused(post::Entity::insert(new_post("d")).exec(&txn).await, "INSERT of `post`");
    ModelTrait::delete(post, &txn).await.unwrap();
    refused(post::Entity::delete_many().exec(&txn).await, "DELETE of `post`");
    // Without its key it is not sent.
    ActiveModelTrait::delete(post::ActiveModel { ..Default::default() }, &txn).await.unwrap_err();
    refused(post::Entity::delete_many().exec(&txn).await, "DELETE of `post`");
    txn.rollback().await.unwrap();
}

async fn a_link_of_many_rows_is_one_statement(t: TestDb) {
    create!(t, person::Entity, club::Entity, membership::Entity);
    let db = guarded(&t);
    let mut ann = person::ActiveModel::builder().set_name("ann");
    for name in ["chess", "go", "shogi"] {
        ann = ann.add_club(club::ActiveModel::builder().set_name(name));
    }
    ann.insert(&db).await.unwrap();
    let links = |trail: Vec<String>| {
        let links = trail.into_iter().filter(|line| line.contains("guard_membership"));
        links.collect::<Vec<_>>()
    };
    assert_eq!(links(trail(&t.db).await).len(), 3);
    let txn = db.begin().await.unwrap();
    refused(membership::Entity::delete_many().exec(&txn).await, "DELETE of `guard_membership`");
    let insert = membership::ActiveModel { person_id: Set(1), club_id: Set(1) };
    refused(membership::Entity::insert(insert).exec(&txn).await, "INSERT of `guard_membership`");
    txn.rollback().await.unwrap();
}

async fn a_deferred_transaction_deletes_in_generic_code(t: TestDb) {
    let [post, _] = two_posts(&t).await;
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Deferred),
        ..TransactionOptions::default()
    };
    let txn = guarded(&t).begin_with_options(options).await.unwrap();
    ModelTrait::delete(post, &txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
}

async fn an_entry_that_fails_takes_its_row_along(t: TestDb) {
    create!(t, post::Entity);
    let refusal = || AuditConfig::new().redact("post", ["id"]);
    let db = guarded(&t).on_escape(Escape::Warn);
    refusal().scope(insert_generically(new_post("a"), &db)).await.unwrap_err();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    refusal().scope(insert_generically(new_post("a"), &txn)).await.unwrap_err();
    txn.commit().await.unwrap_err();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}

async fn a_warning_lets_it_pass_and_tells_no_values(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t).on_escape(Escape::Warn);
    let work = async {
        db.execute_unprepared("UPDATE post SET token = 'hunter2' WHERE id = 1").await.unwrap();
        db.execute_unprepared("DELETE FROM post WHERE title = 'b hunter2' OR id = 2")
            .await
            .unwrap();
        let txn = db.begin().await.unwrap();
        post::Entity::insert(new_post("c hunter2")).exec(&txn).await.unwrap();
        txn.commit().await.unwrap();
    };
    let ((), logs) = audit_tests::logs::capture(work).await;
    for words in ["UPDATE of `post`", "DELETE of `post`", "INSERT of `post`"] {
        assert_eq!(logs.matches(words).count(), 1, "{logs}");
    }
    let ours = logs.lines().filter(|line| line.contains("audit"));
    assert!(ours.clone().all(|line| !line.contains("hunter2")), "{logs}");
    assert_eq!(ours.filter(|line| line.contains("WARN")).count(), 3, "{logs}");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 2);
    assert!(trail(&t.db).await.is_empty());
}

async fn escapes_are_counted_once(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t);
    let before = AuditCounters::now().escaped;
    refused(db.execute_unprepared("DELETE FROM post; DELETE FROM post").await, "");
    refused(insert_generically(new_post("c"), &db).await, "");
    let db = db.on_escape(Escape::Allow);
    let (outcome, logs) =
        audit_tests::logs::capture(db.execute_unprepared("DELETE FROM post WHERE id = 1")).await;
    outcome.unwrap();
    assert!(!logs.contains("audited write escaped"), "{logs}");
    insert_generically(new_post("c"), &db).await.unwrap();
    post::Entity::find().all(&db).await.unwrap();
    new_post("d").insert(&db).await.unwrap();
    assert_eq!(AuditCounters::now().escaped, before + 4);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 3);
}

async fn transactions_follow_the_connection_and_else_the_configuration(t: TestDb) {
    two_posts(&t).await;
    let write = async |txn: AuditTransaction| {
        let outcome = txn.execute_unprepared("UPDATE post SET views = 1").await;
        txn.rollback().await.unwrap();
        outcome.is_ok()
    };
    let allow = || AuditConfig::new().on_escape(Escape::Allow);
    assert!(!write(AuditTransaction::begin(&t.db).await.unwrap()).await);
    assert!(allow().scope(write(AuditTransaction::begin(&t.db).await.unwrap())).await);
    let db = guarded(&t);
    assert!(!write(db.begin().await.unwrap()).await);
    assert!(allow().scope(write(db.begin().await.unwrap())).await);
    let db = db.on_escape(Escape::Refuse);
    assert!(!allow().scope(write(db.begin().await.unwrap())).await);
    let db = db.on_escape(Escape::Allow);
    assert!(write(AuditTransaction::begin(&db).await.unwrap()).await);
    let ran = AuditTransaction::run(&db, async |txn| {
        txn.execute_unprepared("UPDATE post SET views = 1").await
    });
    ran.await.unwrap();
}

async fn nested_transactions_are_guarded(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t);
    let txn = db.begin().await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    let deeper = TransactionTrait::begin(&nested).await.unwrap();
    refused(deeper.execute_unprepared("DELETE FROM post").await, "DELETE of `post`");
    // A refusal reaches no database, and breaks nothing.
    new_post("c").insert(&deeper).await.unwrap();
    deeper.commit().await.unwrap();
    nested.commit().await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 1);
    let txn = db.on_escape(Escape::Allow).begin().await.unwrap();
    let nested = TransactionTrait::begin(&txn).await.unwrap();
    nested.execute_unprepared("DELETE FROM post").await.unwrap();
    nested.commit().await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}

async fn the_trail_is_written_by_nobody_else(t: TestDb) {
    create!(t, post::Entity);
    let db = guarded(&t);
    new_post("a").insert(&db).await.unwrap();
    let image = || Image::from_iter([("a".to_owned(), json!(1))]);
    AuditTrail::record(&db, Change::create("other", "1", image())).await.unwrap();
    let txn = db.begin().await.unwrap();
    for text in ["DELETE FROM audit_trail", "UPDATE AUDIT_TRAIL SET user_id = 'eve'"] {
        refused(
            db.execute_unprepared(text).await,
            "of audit_trail refused: nobody but audit-seaorm",
        );
        refused(txn.execute_unprepared(text).await, "of audit_trail refused");
    }
    refused(trail_entity::Entity::delete_many().exec(&db).await, "DELETE of audit_trail refused");
    AuditTrail::record(&txn, Change::create("other", "2", image())).await.unwrap();
    txn.flush().await.unwrap();
    assert_eq!(AuditTrail::find_for_record(&txn, post::Entity, 1).await.unwrap().len(), 1);
    txn.commit().await.unwrap();
    assert_eq!(AuditTrail::find_for_record(&db, post::Entity, 1).await.unwrap().len(), 1);
    assert_eq!(trail(&db).await.len(), 3);
}

async fn what_is_not_recorded_is_not_guarded(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t);
    let delete = "DELETE FROM post WHERE id = 1";
    AuditContext::without_audit(db.execute_unprepared(delete)).await.unwrap();
    let excluded = AuditConfig::new().exclude_table("post");
    excluded.scope(post::Entity::delete_by_id(2).exec(&db)).await.unwrap();
    let other = AuditConfig::new().exclude_table("other");
    refused(other.scope(post::Entity::delete_many().exec(&db)).await, "DELETE of `post`");
    db.inner().execute_unprepared(delete).await.unwrap();
    db.into_inner().execute_unprepared(delete).await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}

async fn reads_and_other_tables_pass(t: TestDb) {
    two_posts(&t).await;
    t.db.get_schema_builder().register(tag::Entity).apply(&t.db).await.unwrap();
    let db = guarded(&t);
    let txn = db.begin().await.unwrap();
    for lock in [LockType::Update, LockType::Share, LockType::NoKeyUpdate, LockType::KeyShare] {
        if t.backend == Backend::MariaDb
            && matches!(lock, LockType::NoKeyUpdate | LockType::KeyShare)
        {
            continue;
        }
        let find = || post::Entity::find().order_by_asc(post::Column::Title);
        assert_eq!(find().lock(lock).all(&txn).await.unwrap().len(), 2);
        let skip = find().lock_with_behavior(lock, LockBehavior::SkipLocked);
        assert_eq!(skip.all(&txn).await.unwrap().len(), 2);
    }
    let titles = post::Entity::find()
        .select_only()
        .column(post::Column::Title)
        .expr_as(Expr::cust("'DELETE FROM post'"), "update")
        .filter(post::Column::Title.not_in_subquery(
            tag::Entity::find().select_only().column(tag::Column::Name).into_query(),
        ))
        .into_tuple::<(String, String)>();
    assert_eq!(titles.all(&txn).await.unwrap().len(), 2);
    let copy = "INSERT INTO guard_tag (name, data, post_id) SELECT title, '{}', id FROM post";
    let copy = if t.backend == Backend::Postgres {
        copy.replace("'{}'", "'{}'::json")
    } else {
        copy.to_owned()
    };
    sql(&txn, &copy).await;
    sql(
        &txn,
        "UPDATE guard_tag SET post_id = (SELECT MAX(id) FROM post) WHERE name = 'DELETE FROM post'",
    )
    .await;
    sql(&txn, "DELETE FROM guard_tag WHERE post_id IN (SELECT id FROM post)").await;
    match t.backend {
        Backend::Sqlite => sql(&txn, "PRAGMA foreign_keys").await,
        Backend::Postgres => {
            sql(&txn, "SET LOCAL statement_timeout = 0; NOTIFY posts, 'insert'; UNLISTEN posts")
                .await;
            sql(&txn, "EXPLAIN DELETE FROM post").await;
            sql(&txn, "DELETE FROM guard_tag USING post WHERE post.id = guard_tag.post_id").await;
        }
        Backend::MariaDb => {
            sql(&txn, "SET @a = 1").await;
            sql(&txn, "DELETE g FROM guard_tag g JOIN post p ON p.id = g.post_id").await;
            sql(&txn, "UPDATE guard_tag g JOIN post p ON p.id = g.post_id SET g.name = p.title")
                .await;
        }
    }
    txn.commit().await.unwrap();
    assert_untouched(&t).await;
}

async fn all_that_seaorm_says_to_other_tables_passes(t: TestDb) {
    create!(t, post::Entity);
    let db = guarded(&t);
    db.inner().get_schema_builder().register(tag::Entity).apply(&db).await.unwrap();
    let tag = |name: &str| tag::ActiveModel {
        name: Set(name.to_owned()),
        data: Set(json!({"update": "post"})),
        ..Default::default()
    };
    let txn = db.begin().await.unwrap();
    let one = tag("a").insert(&txn).await.unwrap();
    tag::Entity::insert_many([tag("b"), tag("c")]).exec(&txn).await.unwrap();
    let conflict = || OnConflict::column(tag::Column::Name);
    let upsert = conflict().update_columns([tag::Column::Data, tag::Column::PostId]).to_owned();
    tag::Entity::insert(tag("a")).on_conflict(upsert).exec_without_returning(&txn).await.unwrap();
    tag::Entity::insert(tag("a"))
        .on_conflict_do_nothing_on([tag::Column::Name])
        .exec_without_returning(&txn)
        .await
        .unwrap();
    tag::Entity::insert(tag("z"))
        .on_conflict_do_nothing()
        .exec_without_returning(&txn)
        .await
        .unwrap();
    let in_posts = tag::Column::PostId
        .in_subquery(post::Entity::find().select_only().column(post::Column::Id).into_query());
    tag::Entity::update_many()
        .col_expr(tag::Column::Name, Expr::cust("name || 'x'"))
        .filter(in_posts.clone())
        .exec(&txn)
        .await
        .unwrap();
    tag::Entity::delete_many().filter(in_posts).exec(&txn).await.unwrap();
    let mut row = one.into_active_model();
    row.name = Set("DELETE FROM post".to_owned());
    let row = row.update(&txn).await.unwrap();
    row.delete(&txn).await.unwrap();
    txn.commit().await.unwrap();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM guard_tag").await, 3);
}

async fn the_schema_may_change(t: TestDb) {
    crate::support::migrate(&t).await;
    let db = guarded(&t);
    db.inner()
        .get_schema_builder()
        .register(post::Entity)
        .register(order::Entity)
        .apply(&db)
        .await
        .unwrap();
    sql(&db, "ALTER TABLE post ADD COLUMN extra int").await;
    sql(&db, "CREATE INDEX by_extra ON post (extra)").await;
    sql(
        &db,
        "CREATE TABLE child (id int PRIMARY KEY, post_id int REFERENCES post (id) \
              ON DELETE CASCADE ON UPDATE SET NULL)",
    )
    .await;
    sql(&db, "DROP TABLE child").await;
    sql(&db, "ALTER TABLE post RENAME TO posts").await;
    sql(&db, "DROP TABLE posts").await;
}

async fn many_texts_and_long_ones_are_judged_each(t: TestDb) {
    two_posts(&t).await;
    let db = guarded(&t);
    for n in 0..2_000 {
        refused(
            db.execute_unprepared(&format!("DELETE FROM post WHERE id = {n}")).await,
            "DELETE of",
        );
    }
    let text = format!("DELETE FROM post WHERE id IN ({})", vec!["1"; 20_000].join(","));
    refused(db.execute_unprepared(&text).await, "DELETE of");
    let text = format!("DELETE FROM post WHERE id = 1{}", " OR id = 1".repeat(20_000));
    refused(db.execute_unprepared(&text).await, "DELETE of");
    assert_untouched(&t).await;
}

async fn cascades_of_the_database_are_listed_and_told_once(t: TestDb) {
    create!(t, post::Entity);
    let key = if t.backend == Backend::MariaDb { "AUTO_INCREMENT" } else { "" };
    for text in [
        format!("CREATE TABLE guard_owner (a int, b int {key}, PRIMARY KEY (b, a))"),
        "CREATE TABLE guard_person (id int PRIMARY KEY, name varchar(9), a int, b int, other int, \
         CONSTRAINT of_owner FOREIGN KEY (b, a) REFERENCES guard_owner (b, a) \
         ON DELETE CASCADE ON UPDATE SET NULL, \
         CONSTRAINT of_itself FOREIGN KEY (other) REFERENCES guard_person (id) ON DELETE RESTRICT)"
            .to_owned(),
        "CREATE TABLE unseen (id int PRIMARY KEY, person int, \
         FOREIGN KEY (person) REFERENCES guard_person (id) ON DELETE CASCADE)"
            .to_owned(),
    ] {
        sql(&t.db, &text).await;
    }
    let db = guarded(&t);
    let found = db.cascades().await.unwrap();
    let name = if t.backend == Backend::Sqlite { "a foreign key" } else { "of_owner" };
    let expected = format!(
        "{name}: `guard_person` (b, a) refers to `guard_owner` ON DELETE CASCADE ON UPDATE SET NULL"
    );
    assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected.as_str()]);
    assert_eq!(found[0].parent_columns, ["b", "a"]);
    let work = async {
        for _ in 0..2 {
            db.begin().await.unwrap().commit().await.unwrap();
            AuditTransaction::begin(&db).await.unwrap().commit().await.unwrap();
            AuditTransaction::begin(&t.db).await.unwrap().commit().await.unwrap();
        }
        db.clone().begin().await.unwrap().commit().await.unwrap();
    };
    let ((), logs) = audit_tests::logs::capture(work).await;
    assert_eq!(logs.matches(&expected).count(), 1, "{logs}");
    let excluded = AuditConfig::new().exclude_table("guard_person");
    assert!(excluded.scope(db.cascades()).await.unwrap().is_empty());
}
