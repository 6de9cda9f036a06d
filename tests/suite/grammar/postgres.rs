//! The grammar of `PostgreSQL`.

use super::{Form, text::Gen};

pub(super) const FORMS: &[Form] = &[
    ("insert", insert),
    ("insert", insert),
    ("update", update),
    ("update", update),
    ("delete", delete),
    ("delete", delete),
    ("delete using", delete_using),
    ("merge", merge),
    ("with", with),
    ("writing query", writing_query),
    ("select", select),
    ("explain", explain),
    ("create table as", create_as),
    ("copy", copy),
    ("truncate", truncate),
    ("drop table", drop_table),
    ("prepare", prepare),
    ("cursor", cursor),
    ("partition", partition),
    ("hidden", hidden),
    ("several", several),
    ("several", several),
];

fn write(g: &mut Gen<'_>) -> String {
    let all = [insert, update, delete, delete_using];
    g.dice.pick(&all)(g)
}

fn select(g: &mut Gen<'_>) -> String {
    match g.dice.below(4) {
        0 => format!(
            "SELECT * FROM {} {}",
            g.read(),
            g.pick(&["FOR UPDATE", "FOR NO KEY UPDATE", "FOR SHARE"])
        ),
        1 => format!("TABLE {}", g.read()),
        2 => format!(
            "SELECT $q$delete\u{1}from\u{1}grammar_post$q$, E'it\\'s' FROM ONLY {}",
            g.read()
        ),
        _ => g.select(),
    }
}

/// What stands around the name of a written table: before, after, and ahead of its columns.
fn alias(g: &mut Gen<'_>) -> (String, String) {
    let alias = g.alias();
    match g.dice.below(4) {
        0 => (format!(" AS {alias}"), format!("{alias}.")),
        1 => (format!(" {alias}"), format!("{alias}.")),
        _ => (String::new(), String::new()),
    }
}

/// With the tables that inherit, or without them.
fn written(g: &mut Gen<'_>) -> String {
    let table = g.written();
    match g.dice.below(8) {
        0 => format!("ONLY {table}"),
        1 => format!("ONLY ({table})"),
        2 => format!("{table} *"),
        _ => table,
    }
}

fn insert(g: &mut Gen<'_>) -> String {
    let table = g.written();
    let alias = if g.dice.chance(20) { format!(" AS {}", g.alias()) } else { String::new() };
    let (columns, returning) = (g.columns(), g.maybe(" RETURNING id"));
    match g.dice.below(8) {
        0 => return format!("INSERT INTO {table}{alias} DEFAULT VALUES{returning}"),
        1 => return format!("INSERT INTO {table}{alias} TABLE {}", g.other()),
        _ => {}
    }
    let overriding = g.pick(&["", "", "OVERRIDING SYSTEM VALUE ", "OVERRIDING USER VALUE "]);
    let rows = if g.dice.chance(15) { format!("({})", g.rows()) } else { g.rows() };
    let conflict = g.pick(&[
        "",
        "",
        " ON CONFLICT DO NOTHING",
        " ON CONFLICT (id) DO UPDATE SET likes = excluded.likes",
    ]);
    format!("INSERT INTO {table}{alias} {columns} {overriding}{rows}{conflict}{returning}")
}

fn update(g: &mut Gen<'_>) -> String {
    let table = written(g);
    let (alias, of) = alias(g);
    let returning = g.maybe(" RETURNING *");
    let set = match g.dice.below(6) {
        0 => "(title, likes) = ROW('r', 5)".to_owned(),
        1 => format!("(title, likes) = (SELECT z.title, z.likes FROM {} z LIMIT 1)", g.read()),
        _ => g.assignments(&of),
    };
    if of.is_empty() || g.dice.chance(60) {
        return format!("UPDATE {table}{alias} SET {set}{}{returning}", g.place(&of));
    }
    format!("UPDATE {table}{alias} SET likes = s1.likes FROM {} s1 WHERE s1.id = {of}id", g.read())
}

fn delete(g: &mut Gen<'_>) -> String {
    let table = written(g);
    let (alias, of) = alias(g);
    let place = g.place(&of);
    format!("DELETE FROM {table}{alias}{place}{}", g.maybe(" RETURNING id, title"))
}

fn delete_using(g: &mut Gen<'_>) -> String {
    let (table, source) = (written(g), g.read());
    format!("DELETE FROM {table} AS t1 USING {source} AS s1 WHERE s1.id = t1.id")
}

fn merge(g: &mut Gen<'_>) -> String {
    let (table, source) = (written(g), g.read());
    let matched = g.pick(&["DELETE", "UPDATE SET likes = s1.likes + 1", "DO NOTHING"]);
    let missing = g.maybe(
        " WHEN NOT MATCHED THEN INSERT (id, title, likes) VALUES (s1.id, s1.title, s1.likes)",
    );
    format!(
        "MERGE INTO {table} AS t1 USING {source} AS s1 ON s1.id = t1.id WHEN MATCHED THEN {matched}{missing}"
    )
}

fn with(g: &mut Gen<'_>) -> String {
    let (recursive, write) = (g.maybe("RECURSIVE "), write(g));
    format!("WITH {recursive}c1 AS (SELECT * FROM {}), c2(n) AS (SELECT 1) {write}", g.read())
}

fn writing_query(g: &mut Gen<'_>) -> String {
    let materialized = g.pick(&["", "", "MATERIALIZED ", "NOT MATERIALIZED "]);
    let inner = match g.dice.below(3) {
        0 => format!("DELETE FROM {} RETURNING *", written(g)),
        1 => format!("UPDATE {} SET likes = 9 RETURNING *", written(g)),
        _ => format!("INSERT INTO {} (id, title, likes) {} RETURNING *", g.written(), g.values()),
    };
    let rest = match g.dice.below(4) {
        0 => "SELECT * FROM c1".to_owned(),
        1 => format!("SELECT c1.id FROM c1 JOIN {} z ON z.id = c1.id", g.read()),
        2 => format!("INSERT INTO {} (title, likes) SELECT title, likes FROM c1", g.written()),
        _ => format!("DELETE FROM {} USING c1", g.written()),
    };
    format!("WITH c1 AS {materialized}({inner}) {rest}")
}

fn explain(g: &mut Gen<'_>) -> String {
    match g.dice.below(4) {
        0 => format!("EXPLAIN {}", g.unrun(write)),
        1 => {
            let options =
                g.pick(&["(COSTS OFF)", "(VERBOSE, FORMAT JSON)", "VERBOSE", "(SETTINGS)"]);
            format!("EXPLAIN {options} {}", g.unrun(write))
        }
        _ => {
            let options = g.pick(&[
                "ANALYZE",
                "ANALYZE VERBOSE",
                "(ANALYZE)",
                "(ANALYSE)",
                "ANALYSE",
                "(ANALYZE TRUE, TIMING OFF)",
                "(COSTS OFF, ANALYZE 1)",
            ]);
            format!("EXPLAIN {options} {}", write(g))
        }
    }
}

fn create_as(g: &mut Gen<'_>) -> String {
    match g.dice.below(4) {
        0 => format!("SELECT * INTO made FROM {}", g.read()),
        1 => format!("CREATE MATERIALIZED VIEW made AS {}", g.select()),
        2 => format!("CREATE TEMP TABLE made AS {}", writing_query_for_table(g)),
        _ => format!("CREATE TABLE made AS TABLE {}", g.read()),
    }
}

fn writing_query_for_table(g: &mut Gen<'_>) -> String {
    format!("WITH c1 AS (SELECT * FROM {}) SELECT * FROM c1", g.read())
}

fn copy(g: &mut Gen<'_>) -> String {
    match g.dice.below(4) {
        0 => format!("COPY {} FROM PROGRAM 'true'", g.written()),
        1 => format!("COPY {} (title, likes) FROM PROGRAM 'printf\u{1}\"x\\t1\\n\"'", g.written()),
        2 => format!("COPY {} TO '/dev/null'", g.read()),
        _ => {
            let query = if g.dice.chance(50) {
                g.select()
            } else {
                format!("DELETE FROM {} RETURNING id", g.written())
            };
            format!("COPY ({query}) TO '/dev/null'")
        }
    }
}

fn truncate(g: &mut Gen<'_>) -> String {
    let table = g.maybe("TABLE ");
    let first = written(g);
    let more = if g.dice.chance(30) { format!(", {}", g.written()) } else { String::new() };
    let end = g.pick(&["", "", " RESTART IDENTITY", " CONTINUE IDENTITY", " RESTRICT", " CASCADE"]);
    if end == " CASCADE" {
        g.is_opaque();
    }
    format!("TRUNCATE {table}{first}{more}{end}")
}

fn drop_table(g: &mut Gen<'_>) -> String {
    let exists = g.maybe("IF EXISTS ");
    let more = if g.dice.chance(30) { format!(", {}", g.written()) } else { String::new() };
    format!("DROP TABLE {exists}{}{more}{}", g.written(), g.maybe(" CASCADE"))
}

fn prepare(g: &mut Gen<'_>) -> String {
    g.is_opaque();
    // A rollback leaves it prepared.
    let name = format!("made_{}", g.dice.next());
    format!("PREPARE {name} AS {} ; EXECUTE {name} ; DEALLOCATE {name}", write(g))
}

fn cursor(g: &mut Gen<'_>) -> String {
    let table = g.written();
    let write = if g.dice.chance(50) {
        format!("DELETE FROM {table}")
    } else {
        format!("UPDATE {table} SET likes = 8")
    };
    format!(
        "DECLARE c1 CURSOR FOR SELECT * FROM {table} ; FETCH c1 ; {write} WHERE CURRENT OF c1 ; CLOSE c1"
    )
}

fn partition(g: &mut Gen<'_>) -> String {
    let table = g.part();
    match g.dice.below(3) {
        0 => format!("ALTER TABLE {table} DETACH PARTITION grammar_part_0"),
        1 => format!(
            "ALTER TABLE {table} ATTACH PARTITION grammar_part_2 FOR VALUES FROM (5000) TO (6000)"
        ),
        _ => format!("DROP TABLE {table}"),
    }
}

fn hidden(g: &mut Gen<'_>) -> String {
    g.is_opaque();
    match g.dice.below(3) {
        0 => format!("DO $$ BEGIN {}; END $$", g.unrun(delete)),
        1 => "DELETE FROM U&\"grammar\\005fpost\"".to_owned(),
        _ => "UPDATE U&\"grammar!005fpost\" UESCAPE '!' SET likes = 9".to_owned(),
    }
}

fn several(g: &mut Gen<'_>) -> String {
    let count = 2 + g.dice.below(2);
    let all = [select, write, explain, select, with, writing_query];
    let texts: Vec<_> = (0..count).map(|_| g.dice.pick(&all)(g)).collect();
    texts.join(" ; ") + g.maybe(";")
}
