//! The errors of the databases: they are told by their codes, and calls give them as `SeaORM` does.

use audit_seaorm::AuditTransaction;
use audit_tests::{Backend, TestDb, answer};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{self, NotSet, Set, Unchanged},
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, QueryFilter, SqlxMySqlError,
    TransactionTrait,
    sea_query::OnConflict,
};

use crate::{
    entities::post,
    support::{create, entries, new_post, number, sql, unseen_post},
};

audit_tests::tests! {
    #[only(Postgres, MariaDb)] the_servers_do_not_speak_english,
    #[only(MariaDb)] the_driver_writes_the_number_ahead_of_the_words,
    #[only(MariaDb)] what_is_rolled_back_for_a_lock_breaks_its_transaction,
    #[only(Sqlite, MariaDb)] another_missing_table_is_not_taken_for_the_trail,
    every_call_fails_as_seaorms_own,
}

/// Or the other tests would not show that the words of an error play no part.
async fn the_servers_do_not_speak_english(t: TestDb) {
    let error = t.db.execute_unprepared("SELECT * FROM nowhere").await.unwrap_err();
    let text = answer::answer(&error).unwrap().message();
    let english = ["does not exist", "doesn't exist"];
    assert!(!english.iter().any(|words| text.contains(words)), "{text}: set lc_messages");
    assert!(["42P01", "1146"].contains(&answer::code(&error).as_str()), "{error}");
}

/// That is where the number is read, for want of the driver's type: see `database_error.rs`.
async fn the_driver_writes_the_number_ahead_of_the_words(t: TestDb) {
    create!(t, post::Entity);
    unseen_post(&t.db, "a").await;
    for (text, number) in [
        ("SELECT * FROM nowhere", 1146),
        ("SELEC 1", 1064),
        ("INSERT INTO post VALUES (1, 'b', 0, NULL, 0)", 1062),
        ("SIGNAL SQLSTATE '40001' SET MYSQL_ERRNO = 1213", 1213),
        ("SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1205, MESSAGE_TEXT = '17 (HY000): x'", 1205),
    ] {
        let error = t.db.execute_unprepared(text).await.unwrap_err();
        let error = answer::answer(&error).unwrap();
        let driver = error.try_downcast_ref::<SqlxMySqlError>().unwrap();
        assert_eq!(driver.number(), number, "{text}");
        let ahead = format!("{number} ({}): ", driver.code().unwrap());
        assert!(error.to_string().starts_with(&ahead), "{error}");
    }
}

/// The server has this error undo all by a setting of its own (`innodb_rollback_on_timeout`), so it is asked. Here the
/// transaction is ended behind its back instead.
async fn what_is_rolled_back_for_a_lock_breaks_its_transaction(t: TestDb) {
    create!(t, post::Entity);
    let end = "CREATE PROCEDURE end_it() BEGIN ROLLBACK; \
               SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = 1205; END";
    sql(&t.db, end).await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_post("a").insert(&txn).await.unwrap();
    let call = audit_seaorm::AuditContext::without_audit(txn.execute_unprepared("CALL end_it()"));
    assert_eq!(answer::code(&call.await.unwrap_err()), "1205");
    new_post("b").insert(&txn).await.unwrap_err();
    txn.commit().await.unwrap_err();
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
    assert!(entries(&t.db).await.is_empty());
}

async fn another_missing_table_is_not_taken_for_the_trail(t: TestDb) {
    create!(t, post::Entity);
    sql(
        &t.db,
        "CREATE TRIGGER astray BEFORE INSERT ON audit_trail FOR EACH ROW BEGIN \
         INSERT INTO nowhere VALUES (1); END",
    )
    .await;
    let error = new_post("a").insert(&t.db).await.unwrap_err();
    assert!(answer::answer(&error).is_some(), "the database's own: {error}");
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM post").await, 0);
}

mod plain {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "errors_item")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub owner: i32,
        pub amount: i32,
        pub label: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

mod recorded {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "errors_item")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub owner: i32,
        pub amount: i32,
        pub label: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
}

/// What a row is to be.
#[derive(Clone)]
struct Given {
    id: ActiveValue<i32>,
    name: &'static str,
    owner: i32,
    amount: i32,
    label: Option<&'static str>,
}

const INSERTS: &[&str] = &[
    "insert",
    "save",
    "insert exec",
    "insert exec_without_returning",
    "insert exec_with_returning",
    "insert exec_with_returning_keys",
    "insert exec_with_returning_many",
    "insert_many exec",
    "insert_many exec_without_returning",
    "insert_many exec_with_returning",
    "on_conflict exec",
    "on_conflict exec_with_returning",
    "on_conflict_do_nothing exec",
    "on_conflict_do_nothing exec_without_returning",
    "on_conflict_do_nothing exec_with_returning",
];

const UPDATES: &[&str] = &[
    "update",
    "save",
    "update_without_returning",
    "update exec",
    "update exec_without_returning",
    "update_many exec",
    "update_many exec_with_returning",
];

const DELETES: &[&str] = &[
    "delete",
    "delete exec",
    "delete exec_with_returning",
    "delete_by_id exec",
    "delete_many exec",
    "delete_many exec_with_returning",
];

/// One function for both entities: `$root` is where the builders of an entity are.
macro_rules! calls {
    ($name:ident, $module:ident, [$($root:tt)+]) => {
        async fn $name(db: &impl ConnectionTrait, call: &str, given: Given) -> String {
            use $module::{ActiveModel, Column, Entity};
            let Given { id, name, owner, amount, label } = given;
            let key = id.try_as_ref().copied().unwrap_or_default();
            let row = ActiveModel {
                id,
                name: Set(name.to_owned()),
                owner: Set(owner),
                amount: Set(amount),
                label: Set(label.map(ToOwned::to_owned)),
            };
            let on_id = OnConflict::column(Column::Id).update_column(Column::Amount).to_owned();
            let others = Column::Amount.gt(-1).and(Column::Id.eq(key));
            match call {
                "insert" => variant(row.insert(db).await),
                "save" => variant(row.save(db).await),
                "update" => variant(row.update(db).await),
                "update_without_returning" => variant(row.update_without_returning(db).await),
                "delete" => variant(row.delete(db).await),
                "insert exec" => variant($($root)+ insert(row).exec(db).await),
                "insert exec_without_returning" => {
                    variant($($root)+ insert(row).exec_without_returning(db).await)
                }
                "insert exec_with_returning" => {
                    variant($($root)+ insert(row).exec_with_returning(db).await)
                }
                "insert exec_with_returning_keys" => {
                    variant($($root)+ insert(row).exec_with_returning_keys(db).await)
                }
                "insert exec_with_returning_many" => {
                    variant($($root)+ insert(row).exec_with_returning_many(db).await)
                }
                "insert_many exec" => variant($($root)+ insert_many([row]).exec(db).await),
                "insert_many exec_without_returning" => {
                    variant($($root)+ insert_many([row]).exec_without_returning(db).await)
                }
                "insert_many exec_with_returning" => {
                    variant($($root)+ insert_many([row]).exec_with_returning(db).await)
                }
                "on_conflict exec" => {
                    variant($($root)+ insert(row).on_conflict(on_id).exec(db).await)
                }
                "on_conflict exec_with_returning" => {
                    variant($($root)+ insert(row).on_conflict(on_id).exec_with_returning(db).await)
                }
                "on_conflict_do_nothing exec" => {
                    variant($($root)+ insert(row).on_conflict_do_nothing().exec(db).await)
                }
                "on_conflict_do_nothing exec_without_returning" => variant(
                    $($root)+ insert(row).on_conflict_do_nothing().exec_without_returning(db).await,
                ),
                "on_conflict_do_nothing exec_with_returning" => variant(
                    $($root)+ insert(row).on_conflict_do_nothing().exec_with_returning(db).await,
                ),
                "update exec" => variant($($root)+ update(row).exec(db).await),
                "update exec_without_returning" => {
                    variant($($root)+ update(row).exec_without_returning(db).await)
                }
                "update_many exec" => {
                    variant($($root)+ update_many().set(row).filter(others).exec(db).await)
                }
                "update_many exec_with_returning" => variant(
                    $($root)+ update_many().set(row).filter(others).exec_with_returning(db).await,
                ),
                "delete exec" => variant($($root)+ delete(row).exec(db).await),
                "delete exec_with_returning" => {
                    variant($($root)+ delete(row).exec_with_returning(db).await)
                }
                "delete_by_id exec" => variant($($root)+ delete_by_id(key).exec(db).await),
                "delete_many exec" => {
                    variant($($root)+ delete_many().filter(others).exec(db).await)
                }
                "delete_many exec_with_returning" => {
                    variant($($root)+ delete_many().filter(others).exec_with_returning(db).await)
                }
                // Generic code, which meets the hooks.
                "trait insert" => variant(ActiveModelTrait::insert(row, db).await),
                "trait update" => variant(ActiveModelTrait::update(row, db).await),
                "trait delete" => variant(ActiveModelTrait::delete(row, db).await),
                _ => panic!("{call}?"),
            }
        }
    };
}

calls!(plain_call, plain, [Entity::]);
calls!(recorded_call, recorded, [Entity::audited().]);

/// The variant alone. A call that is no error says so.
fn variant<T>(outcome: Result<T, DbErr>) -> String {
    match outcome {
        Ok(_) => "Ok".to_owned(),
        Err(error) => {
            let text = format!("{error:?}");
            text.split(|it: char| !it.is_alphanumeric()).next().unwrap_or_default().to_owned()
        }
    }
}

async fn schema(t: &TestDb) {
    crate::support::migrate(t).await;
    let key = match t.backend {
        Backend::Sqlite => "INTEGER PRIMARY KEY",
        Backend::Postgres => "SERIAL PRIMARY KEY",
        Backend::MariaDb => "INT AUTO_INCREMENT PRIMARY KEY",
    };
    let item = format!(
        "CREATE TABLE errors_item (id {key}, name varchar(20) NOT NULL UNIQUE, \
         owner int NOT NULL, amount int NOT NULL CHECK (amount < 100), label varchar(20) NOT NULL, \
         CONSTRAINT errors_of_owner FOREIGN KEY (owner) REFERENCES errors_owner (id))"
    );
    for text in [
        "CREATE TABLE errors_owner (id int PRIMARY KEY)",
        &item,
        "CREATE TABLE errors_part (item int NOT NULL, \
         CONSTRAINT errors_of_item FOREIGN KEY (item) REFERENCES errors_item (id))",
        "INSERT INTO errors_owner VALUES (1)",
        "INSERT INTO errors_item (name, owner, amount, label) VALUES ('taken', 1, 1, 'x')",
        "INSERT INTO errors_item (name, owner, amount, label) VALUES ('other', 1, 1, 'x')",
        "INSERT INTO errors_part VALUES (1)",
    ] {
        sql(&t.db, text).await;
    }
}

/// On a pool, in a transaction of the caller's, and in one of ours.
async fn hold(t: &TestDb, failure: &str, call: &str, given: &Given, wrong: &mut Vec<String>) {
    let generic = call.starts_with("trait");
    let plain = async {
        let txn = t.db.begin().await.unwrap();
        let variant = plain_call(&txn, call, given.clone()).await;
        txn.rollback().await.unwrap();
        variant
    };
    let seaorm = if generic { plain.await } else { plain_call(&t.db, call, given.clone()).await };
    if seaorm == "BackendNotSupported" {
        return; // Ours can more.
    }
    if failure == "unique" && call.starts_with("on_conflict exec") && t.backend == Backend::MariaDb
    {
        return; // There an upsert is about any key, so this is no failure.
    }
    assert!(
        failure == "missing row" || seaorm != "Ok" || call.contains("on_conflict"),
        "{failure}: {call}"
    );
    let mut ours = Vec::new();
    if !generic {
        ours.push(("pool", recorded_call(&t.db, call, given.clone()).await));
    }
    let txn = t.db.begin().await.unwrap();
    ours.push(("transaction", recorded_call(&txn, call, given.clone()).await));
    txn.rollback().await.unwrap();
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    ours.push(("AuditTransaction", recorded_call(&txn, call, given.clone()).await));
    txn.rollback().await.unwrap();
    for (place, variant) in ours {
        if variant != seaorm {
            wrong.push(format!("{failure}, {call}, {place}: {variant} and not {seaorm}"));
        }
    }
}

async fn every_call_fails_as_seaorms_own(t: TestDb) {
    schema(&t).await;
    let good = Given { id: NotSet, name: "new", owner: 1, amount: 1, label: Some("x") };
    let other = Given { id: Unchanged(2), ..good.clone() };
    let mut wrong = Vec::new();
    let mut held = 0;
    for (failure, change) in [
        ("unique", (|it: &mut Given| it.name = "taken") as fn(&mut Given)),
        ("foreign key", |it| it.owner = 99),
        ("not null", |it| it.label = None),
        ("check", |it| it.amount = 1000),
    ] {
        for (calls, more, given) in
            [(INSERTS, "trait insert", &good), (UPDATES, "trait update", &other)]
        {
            let mut given = given.clone();
            change(&mut given);
            for call in calls.iter().chain([&more]) {
                hold(&t, failure, call, &given, &mut wrong).await;
                held += 1;
            }
        }
    }
    let parent = Given { id: Unchanged(1), ..good.clone() };
    let nobody = Given { id: Unchanged(77), ..good.clone() };
    for call in DELETES.iter().chain([&"trait delete"]) {
        hold(&t, "foreign key", call, &parent, &mut wrong).await;
        hold(&t, "missing row", call, &nobody, &mut wrong).await;
    }
    for call in UPDATES.iter().chain([&"trait update"]) {
        hold(&t, "missing row", call, &nobody, &mut wrong).await;
    }
    sql(&t.db, "DROP TABLE errors_part").await;
    sql(&t.db, "DROP TABLE errors_item").await;
    for (calls, more, given) in [
        (INSERTS, "trait insert", &good),
        (UPDATES, "trait update", &other),
        (DELETES, "trait delete", &other),
    ] {
        for call in calls.iter().chain([&more]) {
            hold(&t, "missing table", call, given, &mut wrong).await;
        }
    }
    assert!(held > 90, "{held}");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
