//! The functions of the database: nothing of a caller's is run by them with the rights of the trail's owner.

use audit_seaorm::AuditTrail;
use audit_tests::{Backend, TestDb, connect};
use sea_orm::{ConnectionTrait, DatabaseConnection, IntoActiveModel, Statement};
use sea_orm_migration::MigratorTrait;

use crate::{
    entities::post,
    migrators::{AppendOnly, AppendOnlyByMonth},
    support::{Role, new_post, number, sql, trail},
};

audit_tests::tests! {
    #[only(Postgres)] nothing_of_the_applications_role_is_run_by_the_owner,
    #[only(Postgres)] nor_what_it_makes_beside_the_trail,
    #[only(Postgres)] what_was_there_before_the_migrations_is_run_by_nobody,
    #[only(Postgres)] the_functions_keep_the_rules,
    #[only(Postgres)] a_schema_may_have_any_name,
    #[only(Postgres)] the_door_is_the_one_beside_the_trail,
    #[only(Sqlite, MariaDb)] a_temporary_table_is_no_door,
    #[only(MariaDb)] the_applications_account_cannot_change_an_entry,
}

/// The rights of docs/operations.md, and a schema of its own, ahead of the trail's.
const RIGHTS: [&str; 7] = [
    "GRANT USAGE ON SCHEMA public TO {role}",
    "GRANT SELECT, INSERT ON audit_trail TO {role}",
    "GRANT SELECT, INSERT, UPDATE, DELETE ON post TO {role}",
    "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {role}",
    "GRANT EXECUTE ON FUNCTION audit_trail_create_partition(timestamptz) TO {role}",
    "CREATE SCHEMA mine AUTHORIZATION {role}",
    "ALTER ROLE {role} SET search_path = mine, public",
];

/// What takes the trail and the server if somebody else runs it. No rollback takes the sequence back, which tells.
const ACT: [&str; 5] = [
    "CREATE SEQUENCE IF NOT EXISTS mine.caught",
    "CREATE OR REPLACE FUNCTION mine.act() RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN \
     IF current_user <> '{role}' THEN \
     PERFORM nextval('mine.caught'); \
     EXECUTE 'ALTER ROLE \"{role}\" SUPERUSER'; \
     INSERT INTO public.audit_trail_upkeep (opened_at) VALUES (now()); \
     DELETE FROM public.audit_trail; DELETE FROM public.audit_trail_upkeep; \
     END IF; RETURN true; END $$",
    "CREATE OR REPLACE FUNCTION mine.fire() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN \
     PERFORM mine.act(); RETURN NEW; END $$",
    "CREATE TABLE IF NOT EXISTS mine.own (id int, v text)",
    "DO $$ BEGIN CREATE TYPE mine.value AS (v text); EXCEPTION WHEN duplicate_object THEN NULL; END $$",
];

/// The names that our functions, and the migrations, use.
const TABLES: [&str; 10] = [
    "audit_trail_upkeep",
    "audit_trail_default",
    "audit_trail",
    "audit_trail_joined",
    "pg_class",
    "pg_inherits",
    "pg_trigger",
    "pg_partitioned_table",
    "pg_roles",
    "late",
];

/// Calls that fit theirs better than those of the database, or as well.
const CALLS: [(&str, &str); 17] = [
    ("audit_trail_partitions()", "boolean"),
    ("audit_trail_guard_partition(oid)", "boolean"),
    ("audit_trail_guard_partition(regclass)", "boolean"),
    ("audit_trail_is_append_only()", "trigger"),
    ("format(text, text)", "text"),
    ("format(text, name)", "text"),
    ("format(text, text, text)", "text"),
    ("format(text, timestamptz, timestamptz, text)", "text"),
    ("format(text, text, timestamptz, timestamptz)", "text"),
    ("date_trunc(varchar, timestamptz)", "timestamptz"),
    ("to_char(timestamptz, varchar)", "text"),
    ("now()", "timestamptz"),
    ("to_regclass(varchar)", "regclass"),
    ("quote_ident(name)", "text"),
    ("pg_get_triggerdef(oid)", "text"),
    ("pg_total_relation_size(oid)", "bigint"),
    ("replace(text, text, varchar)", "text"),
];

const OPERATORS: [(&str, &str, &str, &str); 8] = [
    ("=", "oid", "regclass", "boolean"),
    ("=", "text", "varchar", "boolean"),
    ("=", "name", "text", "boolean"),
    (">", "timestamptz", "timestamptz", "boolean"),
    ("<=", "timestamptz", "timestamptz", "boolean"),
    ("||", "text", "text", "text"),
    ("&", "smallint", "integer", "integer"),
    ("+", "timestamptz", "interval", "timestamptz"),
];

/// Makes each kind of object in a schema: those that the role may not make there are left out.
async fn plant(app: &DatabaseConnection, role: &Role, home: &str) {
    for statement in ACT {
        sql(app, &statement.replace("{role}", role.name())).await;
    }
    let mut statements = Vec::new();
    for table in TABLES {
        statements.push(format!(
            "CREATE VIEW {home}.{table} AS SELECT now() AS opened_at, now() AS timestamp WHERE mine.act()"
        ));
    }
    for (at, (call, answer)) in CALLS.into_iter().enumerate() {
        let body = if answer == "trigger" {
            "RETURN NEW".into()
        } else {
            format!("RETURN NULL::{answer}")
        };
        statements.push(format!(
            "CREATE FUNCTION {home}.{call} RETURNS {answer} LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM mine.act(); {body}; END $$"
        ));
        statements.push(format!("CREATE DOMAIN {home}.kind_{at} AS text CHECK (mine.act())"));
    }
    for (at, (sign, left, right, answer)) in OPERATORS.into_iter().enumerate() {
        statements.push(format!(
            "CREATE FUNCTION {home}.sign_{at}({left}, {right}) RETURNS {answer} LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM mine.act(); RETURN NULL::{answer}; END $$"
        ));
        statements.push(format!(
            "CREATE OPERATOR {home}.{sign} (LEFTARG = {left}, RIGHTARG = {right}, FUNCTION = {home}.sign_{at})"
        ));
    }
    statements.extend([
        format!("CREATE DOMAIN {home}.regclass AS text CHECK (mine.act())"),
        format!("CREATE DOMAIN {home}.timestamptz AS text CHECK (mine.act())"),
        format!("CREATE DOMAIN {home}.interval AS text CHECK (mine.act())"),
        format!(
            "CREATE FUNCTION {home}.moment(mine.value) RETURNS pg_catalog.timestamptz LANGUAGE plpgsql AS \
             $$ BEGIN PERFORM mine.act(); RETURN pg_catalog.now(); END $$"
        ),
        format!(
            "CREATE CAST (mine.value AS pg_catalog.timestamptz) WITH FUNCTION {home}.moment(mine.value) AS IMPLICIT"
        ),
        format!(
            "CREATE FUNCTION {home}.step(boolean, pg_catalog.timestamptz) RETURNS boolean LANGUAGE sql AS 'SELECT mine.act()'"
        ),
        format!("CREATE AGGREGATE {home}.min(pg_catalog.timestamptz) (SFUNC = {home}.step, STYPE = boolean)"),
        format!("CREATE TABLE {home}.audit_trail_2027_09 (id int)"),
        "CREATE RULE acts AS ON INSERT TO mine.own DO ALSO SELECT mine.act()".to_owned(),
        "CREATE TRIGGER acts BEFORE INSERT OR DELETE ON mine.own FOR EACH ROW EXECUTE FUNCTION mine.fire()"
            .to_owned(),
    ]);
    for statement in statements {
        let _ = app.execute_unprepared(&statement).await;
    }
}

/// Lets each of our functions act on them, by every way there is to call it.
async fn attack(app: &DatabaseConnection) {
    let places =
        ["pg_temp", "mine", "public", "pg_temp.audit_trail_upkeep --", "\"; SELECT mine.act(); --"];
    let mut statements = Vec::new();
    for (at, place) in places.iter().enumerate() {
        for event in ["DELETE", "UPDATE", "TRUNCATE", "INSERT"] {
            let row = if event == "TRUNCATE" { "STATEMENT" } else { "ROW" };
            let name = format!("t{at}_{event}");
            statements.push(format!(
                "CREATE TRIGGER {name} BEFORE {event} ON mine.own FOR EACH {row} \
                 EXECUTE FUNCTION public.audit_trail_is_append_only('{place}')"
            ));
            let act = match event {
                "DELETE" => "DELETE FROM mine.own",
                "UPDATE" => "UPDATE mine.own SET id = 2",
                "INSERT" => "INSERT INTO mine.own VALUES (2)",
                _ => "TRUNCATE mine.own",
            };
            statements.push("INSERT INTO mine.own VALUES (1)".to_owned());
            statements.push(act.to_owned());
            statements.push(format!("DROP TRIGGER IF EXISTS {name} ON mine.own"));
        }
    }
    for table in
        ["mine.own", "post", "audit_trail", "audit_trail_default", "pg_temp.audit_trail_upkeep"]
    {
        statements.push(format!("SELECT public.audit_trail_guard_partition('{table}')"));
    }
    for moment in [
        "now() + interval '7 months'",
        "now() - interval '7 months'",
        "'infinity'",
        "ROW('x')::mine.value",
    ] {
        statements.push(format!("SELECT public.audit_trail_create_partition({moment})"));
    }
    statements.extend([
        "SELECT * FROM public.audit_trail_partitions()".to_owned(),
        "SELECT audit_trail_is_append_only()".to_owned(),
        "DELETE FROM public.audit_trail".to_owned(),
        "TRUNCATE public.audit_trail".to_owned(),
        "SET session_replication_role = replica; DELETE FROM public.audit_trail".to_owned(),
        "ALTER TABLE mine.own RENAME TO audit_trail_upkeep; SELECT public.audit_trail_create_partition(now() + interval '8 months')".to_owned(),
        "ALTER TABLE mine.audit_trail_upkeep SET SCHEMA public".to_owned(),
    ]);
    for statement in statements {
        let _ = app.execute_unprepared(&statement).await;
    }
}

async fn assert_nothing_was_taken(t: &TestDb, role: &Role, before: &[String], place: &str) {
    let ran = number(&t.db, "SELECT is_called::int FROM mine.caught").await;
    assert_eq!(ran, 0, "{place}: something of the role's was run by somebody else");
    let superuser = format!("SELECT rolsuper::int FROM pg_roles WHERE rolname = '{}'", role.name());
    assert_eq!(number(&t.db, &superuser).await, 0, "{place}");
    assert_eq!(trail(&t.db).await, before, "{place}");
}

/// One connection, so that what is temporary is there for the next statement.
async fn one(t: &TestDb, role: &Role) -> DatabaseConnection {
    connect(Backend::Postgres, &role.url(t), |options| {
        options.max_connections(1);
    })
    .await
    .unwrap()
}

/// A trail of two entries that a superuser's migrations made, and the application's role.
async fn closed(t: &TestDb) -> (Role, Vec<String>) {
    AppendOnlyByMonth::up(&t.db, None).await.unwrap();
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
    let mut post = new_post("a").insert(&t.db).await.unwrap().into_active_model();
    post.likes = sea_orm::Set(1);
    post.update(&t.db).await.unwrap();
    let role = Role::create(t, "app", &RIGHTS).await;
    (role, trail(&t.db).await)
}

async fn nothing_of_the_applications_role_is_run_by_the_owner(t: TestDb) {
    let (role, before) = closed(&t).await;
    for place in ["mine", "pg_temp"] {
        let app = one(&t, &role).await;
        plant(&app, &role, place).await;
        attack(&app).await;
        assert_nothing_was_taken(&t, &role, &before, place).await;
        app.close().await.unwrap();
    }
    role.remove(&t).await;
}

/// As where `PostgreSQL` 14 made the database, in which everybody may create in `public`; and the owner goes on with its
/// work there.
async fn nor_what_it_makes_beside_the_trail(t: TestDb) {
    let (role, before) = closed(&t).await;
    sql(&t.db, &format!("GRANT CREATE ON SCHEMA public TO \"{}\"", role.name())).await;
    let app = one(&t, &role).await;
    plant(&app, &role, "public").await;
    attack(&app).await;
    // Named with the schema, as the owner has to where others create in it.
    sql(&t.db, "SELECT public.audit_trail_create_partition(pg_catalog.now())").await;
    sql(&t.db, "SELECT count(*) FROM public.audit_trail_partitions()").await;
    assert_nothing_was_taken(&t, &role, &before, "public").await;
    app.close().await.unwrap();
    role.remove(&t).await;
}

/// The role makes its objects first, and the migrations come afterwards: they run as a superuser, too.
async fn what_was_there_before_the_migrations_is_run_by_nobody(t: TestDb) {
    audit_migration::Migrator::up(&t.db, None).await.unwrap();
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
    new_post("a").insert(&t.db).await.unwrap();
    let rights: Vec<_> = RIGHTS.into_iter().filter(|right| !right.contains("EXECUTE")).collect();
    let role = Role::create(&t, "app", &rights).await;
    sql(&t.db, &format!("GRANT CREATE ON SCHEMA public TO \"{}\"", role.name())).await;
    let before = trail(&t.db).await;
    let app = one(&t, &role).await;
    plant(&app, &role, "public").await;
    sql(&app, "DROP VIEW IF EXISTS public.audit_trail_upkeep, public.audit_trail_default, public.audit_trail_joined").await;
    sql(&app, "DROP FUNCTION IF EXISTS public.audit_trail_is_append_only()").await;
    let manager = sea_orm_migration::SchemaManager::new(&t.db);
    audit_migration::append_only().up(&manager).await.unwrap();
    audit_migration::partition_by_month().up(&manager).await.unwrap();
    attack(&app).await;
    assert_nothing_was_taken(&t, &role, &before, "before").await;
    audit_migration::partition_by_month().down(&manager).await.unwrap();
    audit_migration::append_only().down(&manager).await.unwrap();
    assert_nothing_was_taken(&t, &role, &before, "down").await;
    app.close().await.unwrap();
    role.remove(&t).await;
}

/// Each function, also one that somebody adds later: docs/design.md has the rules.
async fn the_functions_keep_the_rules(t: TestDb) {
    closed(&t).await.0.remove(&t).await;
    let functions = Statement::from_string(
        sea_orm::DbBackend::Postgres,
        "SELECT p.oid::regprocedure::text AS name, prosecdef, coalesce(array_to_string(proconfig, '|'), '') AS settings, \
         coalesce(array_to_string(proacl, '|'), '=X/') AS rights \
         FROM pg_proc p WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
    );
    let rows = t.db.query_all_raw(functions).await.unwrap();
    let (mut as_owner, mut of_everybody) = (Vec::new(), Vec::new());
    for row in &rows {
        let name: String = row.try_get("", "name").unwrap();
        let settings: String = row.try_get("", "settings").unwrap();
        assert!(settings.contains("search_path=pg_catalog, pg_temp"), "{name}: {settings}");
        let rights: String = row.try_get("", "rights").unwrap();
        if format!("|{rights}").contains("|=X") {
            of_everybody.push(name.clone());
        }
        if row.try_get::<bool>("", "prosecdef").unwrap() {
            as_owner.push(name);
        }
    }
    assert_eq!(as_owner, ["audit_trail_create_partition(timestamp with time zone)"]);
    assert_eq!(of_everybody, ["audit_trail_partitions()"], "which tells what the catalogue does");
    assert_eq!(rows.len(), 3, "the trigger's, the months' and their list");
}

async fn a_schema_may_have_any_name(t: TestDb) {
    for name in ["Über Uns", "it''s \"mine\"", "a.b", "$do$", "$function$; %I %s %L"] {
        let name = name.replace("''", "'");
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        sql(&t.db, &format!("CREATE SCHEMA {quoted}")).await;
        let db = t
            .connect_with(|options| {
                options.set_schema_search_path(&quoted);
            })
            .await;
        AppendOnlyByMonth::up(&db, None).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        db.get_schema_builder().register(post::Entity).apply(&db).await.unwrap();
        new_post("a").insert(&db).await.unwrap();
        let parts = AuditTrail::partitions(&db).await.unwrap();
        assert_eq!(parts.len(), 5, "{name}");
        assert_eq!(AuditTrail::create_partitions(&db, 4).await.unwrap().len(), 1, "{name}");
        for statement in
            ["DELETE FROM audit_trail", "TRUNCATE audit_trail", "TRUNCATE audit_trail_default"]
        {
            let error = db.execute_unprepared(statement).await.expect_err(&name).to_string();
            assert!(error.contains("append-only"), "{name}: {error}");
        }
        let pass = "INSERT INTO audit_trail_upkeep (opened_at) VALUES (now()); \
                    DELETE FROM audit_trail; DELETE FROM audit_trail_upkeep";
        sql(&db, &format!("BEGIN; {pass}; ROLLBACK")).await;
        AppendOnlyByMonth::down(&db, None).await.unwrap_or_else(|error| panic!("{name}: {error}"));
        db.close().await.unwrap();
    }
}

/// Retention puts its row beside the trail, though another schema ahead on the path has a table of that name.
async fn the_door_is_the_one_beside_the_trail(t: TestDb) {
    let (role, _) = closed(&t).await;
    sql(&t.db, "CREATE TABLE mine.audit_trail_upkeep (opened_at timestamptz)").await;
    let db = t
        .connect_with(|options| {
            options.set_schema_search_path("mine,public");
        })
        .await;
    let newest =
        audit_seaorm::Retention::new().all(audit_seaorm::Limits::new().newest_per_table(1));
    let pruned = AuditTrail::prune().retention(newest).exec(&db).await.unwrap();
    assert_eq!(pruned.deleted, 1);
    assert_eq!(number(&t.db, "SELECT count(*) FROM audit_trail").await, 1);
    db.close().await.unwrap();
    role.remove(&t).await;
}

async fn a_post_in_a_closed_trail(t: &TestDb) -> Vec<String> {
    AppendOnly::up(&t.db, None).await.unwrap();
    t.db.get_schema_builder().register(post::Entity).apply(&t.db).await.unwrap();
    new_post("a").insert(&t.db).await.unwrap();
    trail(&t.db).await
}

async fn a_temporary_table_is_no_door(t: TestDb) {
    let before = a_post_in_a_closed_trail(&t).await;
    let one = t
        .connect_with(|options| {
            options.max_connections(1);
        })
        .await;
    sql(&one, "CREATE TEMPORARY TABLE audit_trail_upkeep (id INTEGER PRIMARY KEY, opened_at TEXT)")
        .await;
    sql(&one, "INSERT INTO audit_trail_upkeep VALUES (1, 'now')").await;
    for statement in ["DELETE FROM audit_trail", "UPDATE audit_trail SET user_id = 'eve'"] {
        assert!(one.execute_unprepared(statement).await.is_err(), "{statement}");
    }
    one.close().await.unwrap();
    assert_eq!(trail(&t.db).await, before);
}

/// With the grants of docs/operations.md.
async fn the_applications_account_cannot_change_an_entry(t: TestDb) {
    let before = a_post_in_a_closed_trail(&t).await;
    let (_, place) = t.url().rsplit_once('@').unwrap();
    let (_, database) = place.rsplit_once('/').unwrap();
    let account = format!("'app_{database}'@'127.0.0.1'");
    for statement in [
        "CREATE USER {account} IDENTIFIED BY 'secret'",
        "GRANT SELECT, INSERT ON audit_trail TO {account}",
        "GRANT SELECT, INSERT, UPDATE, DELETE ON post TO {account}",
        "GRANT CREATE TEMPORARY TABLES ON {database}.* TO {account}",
    ] {
        let statement = statement.replace("{account}", &account).replace("{database}", database);
        sql(&t.db, &statement).await;
    }
    let url = format!("mysql://app_{database}:secret@{place}");
    let app = connect(Backend::MariaDb, &url, |options| {
        options.max_connections(1);
    })
    .await
    .unwrap();
    new_post("b").insert(&app).await.unwrap();
    let copy = "SELECT * FROM audit_trail";
    sql(&app, "CREATE TEMPORARY TABLE audit_trail_upkeep (id INTEGER PRIMARY KEY, opened_at TEXT)")
        .await;
    sql(&app, "INSERT INTO audit_trail_upkeep VALUES (1, 'now')").await;
    for statement in [
        "UPDATE audit_trail SET user_id = 'eve'",
        "DELETE FROM audit_trail",
        "DELETE a FROM audit_trail a JOIN post ON true",
        "UPDATE audit_trail a JOIN post ON true SET a.user_id = 'eve'",
        "TRUNCATE audit_trail",
        "SET SESSION foreign_key_checks = 0; TRUNCATE audit_trail",
        &format!("REPLACE INTO audit_trail {copy}"),
        &format!("INSERT INTO audit_trail {copy} ON DUPLICATE KEY UPDATE user_id = 'eve'"),
        "DROP TABLE audit_trail",
        "RENAME TABLE audit_trail TO elsewhere",
        "ALTER TABLE audit_trail DROP COLUMN user_id",
        "CREATE OR REPLACE TABLE audit_trail (id INT)",
        "DROP TRIGGER audit_trail_no_delete",
        "CREATE TRIGGER quiet BEFORE INSERT ON audit_trail FOR EACH ROW SET NEW.user_id = 'eve'",
        "CREATE TRIGGER quiet BEFORE INSERT ON post FOR EACH ROW DELETE FROM audit_trail",
        "CREATE DEFINER = 'root'@'127.0.0.1' VIEW door AS SELECT * FROM audit_trail",
        "CREATE DEFINER = 'root'@'127.0.0.1' PROCEDURE door() DELETE FROM audit_trail",
        "CREATE EVENT door ON SCHEDULE EVERY 1 SECOND DO DELETE FROM audit_trail",
        "CREATE TABLE audit_trail_upkeep_2 (id INT)",
        "GRANT DELETE ON audit_trail TO CURRENT_USER",
        "SET ROLE root",
    ] {
        assert!(app.execute_unprepared(statement).await.is_err(), "{statement}");
    }
    app.close().await.unwrap();
    let after = trail(&t.db).await;
    assert_eq!((after.len(), &after[..1]), (2, &before[..]));
    sql(&t.db, &format!("DROP USER {account}")).await;
}
