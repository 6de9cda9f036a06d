//! What the guard makes of texts, table by table.

use sea_orm::{
    DatabaseBackend::{MySql, Postgres, Sqlite},
    DbBackend,
};

use super::{
    reading::Reading,
    verdict::{Target, Verdict},
};

#[allow(dead_code, unreachable_pub, reason = "entities are written as applications write them")]
mod entities {
    macro_rules! entity {
        ($module:ident, $($table:tt)+) => {
            pub mod $module {
                use sea_orm::entity::prelude::*;

                #[sea_orm::model]
                #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
                #[sea_orm($($table)+)]
                pub struct Model {
                    #[sea_orm(primary_key)]
                    pub id: i32,
                }
            }
        };
    }
    entity!(plain, table_name = "g_post");
    entity!(reserved, table_name = "g order");
    entity!(order, table_name = "order");
    entity!(in_blog, table_name = "g_note", schema_name = "blog");
    entity!(in_shop, table_name = "g_note", schema_name = "shop");
}

/// `clear`, `UPDATE g_post, DELETE g_note`, `opaque CALL`, `unreadable g_post`.
fn verdict(backend: DbBackend, sql: &str) -> String {
    let name = |target: &Target| match target {
        Target::Trail => "the trail".to_owned(),
        Target::Audited(tables) => {
            let mut names: Vec<_> = tables.iter().map(|table| table.in_trail.as_str()).collect();
            names.sort_unstable();
            names.join("|")
        }
    };
    if !super::words::seen(backend, sql).may_write {
        return "clear".to_owned();
    }
    match Reading::of(backend, sql).verdict {
        Verdict::Clear => "clear".to_owned(),
        Verdict::Opaque(word) => format!("opaque {word}"),
        Verdict::Unreadable(targets, _) => {
            let names: Vec<_> = targets.iter().map(name).collect();
            format!("unreadable {}", names.join(", "))
        }
        Verdict::Writes(writes) => {
            let writes: Vec<_> = writes
                .iter()
                .map(|write| format!("{} {}", write.kind, name(&write.target)))
                .collect();
            writes.join(", ")
        }
    }
}

const ALL: [DbBackend; 3] = [Sqlite, Postgres, MySql];

#[track_caller]
fn check(backends: &[DbBackend], expected: &str, texts: &[&str]) {
    let all = backends.iter().flat_map(|it| texts.iter().map(move |text| (*it, *text)));
    let wrong: Vec<_> = all
        .map(|(backend, text)| (verdict(backend, text), backend, text))
        .filter(|(verdict, ..)| verdict != expected)
        .collect();
    assert!(wrong.is_empty(), "not {expected:?}: {wrong:#?}");
}

#[test]
fn reads_are_clear() {
    check(
        &ALL,
        "clear",
        &[
            "SELECT * FROM g_post",
            "SELECT 'DELETE FROM g_post' FROM g_post",
            "SELECT 1 -- DELETE FROM g_post",
            "SELECT /* DELETE FROM g_post */ * FROM g_post",
            "SELECT g_post.update, g_post.delete FROM g_post",
            "SELECT replace(title, 'a', 'b') FROM g_post",
            "WITH RECURSIVE t AS (SELECT 1 UNION ALL SELECT id FROM g_post) SELECT * FROM t",
            "EXPLAIN UPDATE g_post SET a = 1",
            "",
            ";;",
        ],
    );
    check(
        &[Postgres, MySql],
        "clear",
        &[
            "SELECT * FROM g_post FOR UPDATE",
            "SELECT * FROM g_post WHERE id = 1 FOR UPDATE SKIP LOCKED",
            "SELECT * FROM g_post FOR UPDATE NOWAIT",
        ],
    );
    check(
        &[Postgres],
        "clear",
        &[
            "SELECT * FROM \"g_post\" WHERE id = $1 FOR NO KEY UPDATE OF g_post",
            "SELECT data -> 'a' ->> 'b', tags @> ARRAY[$1]::text[] FROM g_post FOR UPDATE",
            "COPY g_post TO STDOUT",
            "COPY (SELECT * FROM g_post) TO STDOUT",
            "SELECT \"delete\", \"g_post\".\"update\" FROM g_post",
            "EXPLAIN (VERBOSE) DELETE FROM g_post",
        ],
    );
    check(
        &[MySql],
        "clear",
        &[
            "SELECT `update` FROM g_post",
            "SELECT INSERT(title, 1, 2, 'x'), TRUNCATE(likes, 2) FROM g_post",
            "SELECT \"DELETE FROM g_post\" FROM g_post",
            "# DELETE FROM g_post\nSELECT 1",
        ],
    );
}

#[test]
fn the_schema_may_change() {
    check(
        &ALL,
        "clear",
        &[
            "CREATE TABLE g_post (id int PRIMARY KEY, parent int REFERENCES g_post (id) \
             ON DELETE CASCADE ON UPDATE SET NULL)",
            "ALTER TABLE g_post ADD COLUMN a int",
            "ALTER TABLE g_post DROP COLUMN a",
            "ALTER TABLE g_post RENAME TO other",
            "DROP INDEX idx_g_post",
            "CREATE INDEX idx ON g_post (id)",
        ],
    );
    check(
        &[Postgres],
        "clear",
        &[
            "CREATE TRIGGER t BEFORE UPDATE ON g_post FOR EACH ROW EXECUTE FUNCTION f()",
            "GRANT SELECT, INSERT, UPDATE ON g_post TO somebody",
        ],
    );
}

#[test]
fn writes_of_other_tables_are_clear() {
    check(
        &ALL,
        "clear",
        &[
            "INSERT INTO other (a) VALUES (1)",
            "INSERT INTO other SELECT * FROM g_post",
            "UPDATE other SET a = (SELECT max(id) FROM g_post)",
            "DELETE FROM other WHERE id IN (SELECT id FROM g_post)",
            "DELETE FROM g_posts",
            "DELETE FROM pre_g_post",
            "UPDATE other SET text = 'UPDATE g_post SET a = 1'",
            "DROP TABLE other",
            "INSERT INTO other (a) VALUES (1) ON CONFLICT DO NOTHING WITHOUT ANY GRAMMAR",
            "FROBNICATE; UPDATE nothing WITH NO GRAMMAR",
        ],
    );
    check(&[Postgres], "clear", &["DELETE FROM other USING g_post WHERE g_post.id = other.id"]);
    check(&[Postgres], "clear", &["TRUNCATE other"]);
    check(
        &ALL,
        "clear",
        &["UPDATE other SET NO GRAMMAR ORDER BY a", "DELETE FROM x y z order\n by a"],
    );
    check(&[Sqlite, Postgres], "UPDATE order", &["UPDATE \"order\" BY THE WAY"]);
    check(
        &[MySql],
        "clear",
        &[
            "DELETE o FROM other o JOIN g_post p ON p.id = o.id",
            "UPDATE other o JOIN g_post p ON p.id = o.id SET o.a = p.a",
            "INSERT INTO other (a) VALUES (1) ON DUPLICATE KEY UPDATE a = 2",
        ],
    );
}

#[test]
fn plain_writes_are_seen() {
    for (expected, sql) in [
        ("INSERT g_post", "INSERT INTO g_post (id) VALUES (1)"),
        ("INSERT g_post", "INSERT INTO g_post SELECT * FROM other"),
        ("UPDATE g_post", "UPDATE g_post SET a = 1"),
        ("DELETE g_post", "DELETE FROM g_post"),
        ("DELETE g_post", "delete from G_POST"),
        ("DELETE g_post", "/* x */ DELETE /* y */ FROM -- z\n g_post WHERE id = 1"),
        ("DELETE g_post", "SELECT 1; DELETE FROM g_post; SELECT 2"),
        ("INSERT g_post, DELETE g_post", "INSERT INTO g_post (id) VALUES (1); DELETE FROM g_post"),
        ("DROP TABLE g_post", "DROP TABLE g_post"),
        ("DROP TABLE g_post", "DROP TABLE IF EXISTS other, g_post"),
        ("INSERT the trail", "INSERT INTO audit_trail (id) VALUES (1)"),
        ("DELETE the trail", "DELETE FROM Audit_Trail"),
    ] {
        check(&ALL, expected, &[sql]);
    }
    check(
        &[Sqlite, Postgres],
        "DELETE g order",
        &["DELETE FROM \"g order\"", "DELETE FROM \"G Order\""],
    );
    check(&[MySql, Sqlite], "UPDATE g order", &["UPDATE `g order` SET a = 1"]);
    check(&[Sqlite], "DELETE g_post", &["DELETE FROM [g_post]", "DELETE FROM main.g_post"]);
    check(&[Sqlite, MySql], "REPLACE g_post", &["REPLACE INTO g_post (id) VALUES (1)"]);
    check(&[Sqlite], "REPLACE g_post", &["INSERT OR REPLACE INTO g_post (id) VALUES (1)"]);
    check(&[Sqlite], "INSERT g_post", &["INSERT OR IGNORE INTO g_post DEFAULT VALUES"]);
    check(&[Sqlite], "INSERT g_post", &["\u{feff}INSERT INTO g_post DEFAULT VALUES"]);
}

#[test]
fn what_postgres_writes_is_seen() {
    for (expected, sql) in [
        ("DELETE g_post", "WITH d AS (DELETE FROM g_post RETURNING *) SELECT * FROM d"),
        (
            "UPDATE g_post",
            "WITH a AS (SELECT 1), b AS (WITH c AS (UPDATE g_post SET a = 1 RETURNING 1) \
                           SELECT * FROM c) SELECT * FROM b",
        ),
        ("INSERT g_post", "WITH x AS (SELECT 1) INSERT INTO g_post SELECT * FROM x"),
        (
            "DELETE g_post",
            "INSERT INTO other WITH d AS (DELETE FROM g_post RETURNING *) SELECT * FROM d",
        ),
        (
            "DELETE g_post",
            "CREATE TABLE t AS WITH d AS (DELETE FROM g_post RETURNING *) SELECT * FROM d",
        ),
        ("DELETE g_post", "COPY (DELETE FROM g_post RETURNING *) TO STDOUT"),
        ("COPY g_post", "COPY g_post (id) FROM STDIN"),
        ("TRUNCATE g_post", "TRUNCATE other, g_post"),
        ("TRUNCATE g_post", "TRUNCATE TABLE ONLY g_post RESTART IDENTITY"),
        (
            "MERGE g_post",
            "MERGE INTO g_post USING other ON g_post.id = other.id \
                          WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN INSERT (id) VALUES (other.id)",
        ),
        ("DELETE g_post", "EXPLAIN ANALYZE DELETE FROM g_post"),
        ("DELETE g_post", "EXPLAIN (ANALYZE, VERBOSE) DELETE FROM g_post"),
        ("DELETE g_post", "PREPARE p AS DELETE FROM g_post"),
        ("UPDATE g_post", "UPDATE g_post AS p SET a = o.a FROM other o WHERE o.id = p.id"),
        ("UPDATE g_post", "UPDATE ONLY g_post SET a = 1"),
        (
            "INSERT g_post",
            "INSERT INTO \"g_post\" AS p (\"id\") VALUES ($1) ON CONFLICT (\"id\") \
                           DO UPDATE SET \"a\" = \"excluded\".\"a\" RETURNING \"id\"",
        ),
        ("DELETE blog.g_note", "DELETE FROM \"blog\".\"g_note\""),
        ("DELETE blog.g_note|shop.g_note", "DELETE FROM g_note"),
        ("clear", "DELETE FROM other.g_note"),
        ("opaque TRUNCATE … CASCADE", "TRUNCATE other CASCADE"),
        ("opaque DROP SCHEMA", "DROP SCHEMA public CASCADE"),
        ("opaque DO", "DO $$ BEGIN DELETE FROM g_post; END $$"),
        ("opaque CALL", "CALL clean_up()"),
        ("opaque EXECUTE", "EXECUTE p"),
        ("opaque CALL", "SELECT 1; CALL clean_up()"),
    ] {
        check(&[Postgres], expected, &[sql]);
    }
    // A name that is spelt in code points may be any.
    let hidden = verdict(Postgres, r#"DELETE FROM U&"g\005fpost""#);
    assert!(hidden.starts_with("unreadable the trail, "), "{hidden}");
    assert!(hidden.contains("g_post"), "{hidden}");
}

#[test]
fn what_mysql_writes_is_seen() {
    for (expected, sql) in [
        ("INSERT g_post", "INSERT g_post VALUES (1)"),
        ("INSERT g_post", "INSERT IGNORE INTO g_post VALUES (1)"),
        ("INSERT g_post", "INSERT INTO g_post SET id = 1"),
        (
            "INSERT g_post",
            "INSERT INTO `g_post` (`id`) VALUES (?) ON DUPLICATE KEY UPDATE `id` = VALUES(`id`)",
        ),
        ("UPDATE g_post", "UPDATE g_post p JOIN other o ON o.id = p.id SET p.a = o.a"),
        ("UPDATE g_post", "UPDATE other o JOIN g_post p ON o.id = p.id SET a = 1"),
        ("UPDATE g_post", "UPDATE other o JOIN g_post p ON o.id = p.id SET o.a = 1, p.a = 1"),
        ("DELETE g_post", "DELETE p FROM g_post p JOIN other o ON o.id = p.id"),
        ("DELETE g_post", "DELETE o, p FROM other o JOIN g_post AS p ON o.id = p.id"),
        ("DELETE g_post", "DELETE FROM p USING g_post AS p JOIN other o ON o.id = p.id"),
        ("DELETE g_post", "DELETE FROM g_post LIMIT 10"),
        ("DELETE g_post", "DELETE QUICK FROM g_post"),
        ("DELETE g_post", "DELETE LOW_PRIORITY QUICK IGNORE FROM g_post"),
        ("DELETE g_post", "DELETE ignore FROM g_post WHERE id = 1"),
        ("DELETE g_post", "DELETE QUICK p FROM g_post p JOIN other o ON o.id = p.id"),
        ("DELETE g_post", "DELETE QUICK FROM p USING g_post p"),
        ("DELETE g_post", "DELETE QUICK FROM p USING g_post AS p JOIN other"),
        ("UPDATE g_post", "UPDATE IGNORE g_post SET a = 1"),
        ("UPDATE g_post", "UPDATE LOW_PRIORITY g_post SET a = 1"),
        ("UPDATE g_post", "UPDATE LOW_PRIORITY IGNORE g_post p SET p.a = 1"),
        ("INSERT g_post", "INSERT DELAYED IGNORE g_post VALUES (1)"),
        ("REPLACE g_post", "REPLACE LOW_PRIORITY g_post VALUES (1)"),
        ("DELETE g_post", "SELECT 1; DELETE QUICK FROM g_post"),
        ("DELETE the trail", "DELETE QUICK FROM audit_trail"),
        ("UPDATE the trail", "UPDATE IGNORE audit_trail SET reason = 'x'"),
        ("TRUNCATE g_post", "TRUNCATE TABLE g_post"),
        ("TRUNCATE g_post", "TRUNCATE g_post"),
        ("opaque CALL", "CALL clean_up()"),
        ("opaque EXECUTE", "EXECUTE IMMEDIATE 'DELETE FROM g_post'"),
        ("opaque EXECUTE", "EXECUTE s"),
        ("opaque DO", "DO clean_up()"),
        ("opaque BEGIN", "BEGIN clean_up(); END"),
        ("opaque BINLOG", "BINLOG 'SGVsbG8='"),
        ("opaque an executable comment", "SELECT 1 /*!; DELETE FROM g_post */"),
        ("opaque an executable comment", "/*M! DELETE FROM g_post */"),
        ("UPDATE g_post", "UPDATE other o, g_post p SET o.a = p.a, p.a = 1"),
        ("UPDATE g_post", "SET STATEMENT max_statement_time = 1 FOR UPDATE g_post SET a = 1"),
        ("DELETE g_post", "ANALYZE DELETE FROM g_post"),
        ("DELETE g_post", "ANALYZE FORMAT=JSON DELETE FROM g_post"),
        ("unreadable g_post", "DELETE HISTORY FROM g_post"),
        ("DROP TABLE g_post", "DROP TABLES IF EXISTS other, g_post"),
        ("LOAD DATA g_post", "LOAD DATA INFILE 'x' INTO TABLE g_post FIELDS TERMINATED BY ','"),
        ("ALTER TABLE of a partition g_post", "ALTER TABLE g_post TRUNCATE PARTITION p0"),
    ] {
        check(&[MySql], expected, &[sql]);
    }
}

#[test]
fn what_cannot_be_read_and_names_a_table_is_not_clear() {
    check(
        &ALL,
        "unreadable g_post",
        &[
            "DELETE FROM g_post WHERE 'unterminated",
            "UPSERT INTO g_post (id) VALUES (1)",
            "FROB g_post",
            "START FROB g_post",
            "DELETE FROM other WHERE a = 'g_post' /* open",
        ],
    );
}

#[test]
fn what_is_known_to_be_harmless_is_a_list() {
    for sql in ["EXPLAIN (ANALYSE) DELETE FROM g_post", "EXPLAIN ANALYSE DELETE FROM g_post"] {
        check(&[Postgres], "DELETE g_post", &[sql]);
    }
    check(&[Postgres], "DELETE g_post", &["EXPLAIN (FROB) DELETE FROM g_post"]);
    let rules = [
        "CREATE RULE r AS ON UPDATE TO other DO ALSO DELETE FROM g_post",
        "CREATE OR REPLACE RULE r AS ON INSERT TO other DO INSTEAD UPDATE g_post SET a = 1",
    ];
    check(&[Postgres], "opaque CREATE RULE", &rules);
    let moves = [
        "ALTER TABLE other INHERIT g_post",
        "ALTER TABLE other ATTACH PARTITION g_post DEFAULT",
        "ALTER TABLE g_post DETACH PARTITION g_post_1 CONCURRENTLY",
    ];
    check(&[Postgres], "ALTER TABLE of a partition g_post", &moves);
    check(&[Postgres], "DROP TABLE g_post", &["DROP FOREIGN TABLE g_post"]);
    let moves = [
        "ALTER TABLE g_post DROP SYSTEM VERSIONING",
        "ALTER TABLE g_post DISCARD TABLESPACE",
        "ALTER TABLE other EXCHANGE PARTITION p WITH TABLE g_post",
    ];
    check(&[MySql], "ALTER TABLE of a partition g_post", &moves);
    for (backends, sql) in [
        (&[Sqlite][..], "UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'x'"),
        (&[Postgres], "DELETE FROM pg_class WHERE relname LIKE 'g%'"),
        (&[Postgres], "UPDATE pg_catalog.pg_class SET relname = 'x'"),
        (&[MySql], "DELETE FROM mysql.tables_priv"),
    ] {
        check(backends, "opaque a write of the database's own tables", &[sql]);
    }
    check(&[Sqlite], "clear", &["DELETE FROM sqlite_sequence"]);
}

#[test]
fn what_a_definition_would_do_is_seen() {
    let body =
        "CREATE TRIGGER t AFTER UPDATE OF a ON other BEGIN INSERT INTO g_post DEFAULT VALUES; END";
    check(&[Sqlite], "INSERT g_post", &[body]);
    check(
        &[MySql],
        "DELETE g_post",
        &[
            "CREATE TRIGGER t AFTER DELETE ON other FOR EACH ROW DELETE FROM g_post",
            "CREATE PROCEDURE p() BEGIN SELECT 1; DELETE FROM g_post; END",
        ],
    );
    check(
        &[Postgres],
        "DELETE g_post",
        &["CREATE FUNCTION f() RETURNS void BEGIN ATOMIC SELECT 1; DELETE FROM g_post; END"],
    );
    check(
        &ALL,
        "clear",
        &["CREATE TRIGGER t AFTER DELETE ON g_post BEGIN INSERT INTO other SELECT 1; END"],
    );
    check(&[Postgres], "clear", &["CREATE POLICY p ON g_post FOR DELETE TO somebody USING (true)"]);
    // A table of such a name, or with such a column, has no body.
    for name in ["event", "function", "atomic", "trigger"] {
        let sql = format!("CREATE TABLE {name} ({name} int); SELECT 1; DELETE FROM other");
        check(&ALL, "clear", &[&sql]);
        assert!(ALL.iter().all(|backend| !super::must_be_one(*backend, &sql)), "{sql}");
    }
    // What follows a trigger is a statement of its own.
    let after = "CREATE TRIGGER t AFTER DELETE ON other BEGIN SELECT 1; END; DELETE FROM g_post";
    check(&[Sqlite], "DELETE g_post", &[after]);
}

/// The words that stand ahead of the tables are made up here: it is another word tomorrow.
#[test]
fn a_name_at_the_place_of_a_written_table_is_in_doubt() {
    check(
        &ALL,
        "unreadable g_post",
        &[
            "DELETE FROB FROM g_post",
            "UPDATE FROB g_post SET a = 1",
            "UPDATE \"FROB\" g_post SET a = 1",
            "SELECT 1; UPDATE FROB g_post SET a = 1",
            "UPDATE other g_post SET a = 1; SELECT 1",
        ],
    );
    let joined = [
        "UPDATE other o JOIN g_post p ON 1 SET FROB.a = 1",
        "DELETE FROB FROM p USING g_post p",
        "DELETE p FROM g_post FROB p",
        "DELETE o FROM other o FROB JOIN g_post p ON 1",
    ];
    check(&[MySql], "unreadable g_post", &joined);
    check(&ALL, "unreadable the trail", &["UPDATE FROB audit_trail SET a = 1"]);
}

#[test]
fn a_name_that_is_read_is_in_no_doubt() {
    check(
        &ALL,
        "clear",
        &[
            "UPDATE other SET a = (SELECT 1 FROM g_post), b = 'g_post'",
            "INSERT INTO other (a) SELECT g_post.a FROM g_post JOIN g_post p ON p.id = g_post.id",
            "INSERT INTO other SELECT 'g_post' FROM x UNION SELECT a FROM g_post",
            "DELETE FROM other WHERE a IN (SELECT a FROM g_post WHERE b = 'g_post') OR c = 'g_post'",
            "UPDATE other AS g_post SET a = 1",
        ],
    );
    check(
        &[Sqlite, Postgres],
        "clear",
        &[
            "UPDATE other SET a = g_post.a FROM g_post WHERE g_post.id = other.id",
            "WITH p AS (SELECT * FROM g_post) INSERT INTO other SELECT * FROM p, g_post",
            "WITH p AS (SELECT * FROM g_post) DELETE FROM other WHERE id IN (SELECT id FROM p)",
            "INSERT INTO other SELECT * FROM g_post WHERE true ON CONFLICT (a) DO UPDATE SET a = 1",
        ],
    );
    check(
        &[Postgres],
        "clear",
        &[
            "MERGE INTO other USING g_post ON g_post.id = other.id WHEN MATCHED THEN DELETE \
             WHEN NOT MATCHED THEN INSERT (id) VALUES (g_post.id)",
            "WITH d AS (DELETE FROM other RETURNING *) SELECT * FROM d JOIN g_post ON true",
            "SELECT id, delete, update FROM g_post",
            "GRANT INSERT, UPDATE (a), DELETE ON g_post TO somebody",
            "EXPLAIN (COSTS, FORMAT JSON) DELETE FROM g_post",
            "COPY g_post (id) TO STDOUT",
        ],
    );
    check(
        &[MySql],
        "clear",
        &[
            "UPDATE other o JOIN (SELECT * FROM g_post) p ON p.id = o.id SET o.a = p.a",
            "DELETE o.* FROM other o JOIN g_post ON g_post.id = o.id",
            "DELETE FROM o USING other o JOIN g_post p ON p.id = o.id WHERE p.a = 'g_post'",
            "INSERT INTO other (a) SELECT a FROM g_post ON DUPLICATE KEY UPDATE a = VALUES(a)",
            "REPLACE INTO other SELECT * FROM g_post",
            "UPDATE other SET quick = 1, low = 'g_post'",
        ],
    );
}

#[test]
fn a_long_text_is_read() {
    let list = vec!["1"; 190_000].join(",");
    let nested = format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000));
    for backend in ALL {
        for value in [&list, &nested] {
            let sql = format!("DELETE FROM g_post WHERE id IN ({value})");
            assert_eq!(verdict(backend, &sql), "DELETE g_post");
            let sql = format!("DELETE FROM other WHERE id IN ({value}) AND a = 'g_post'");
            assert_eq!(verdict(backend, &sql), "clear");
        }
    }
}
