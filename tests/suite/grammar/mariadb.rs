//! The grammar of `MariaDB`.

use super::{Form, text::Gen};

pub(super) const FORMS: &[Form] = &[
    ("insert", insert),
    ("insert", insert),
    ("replace", replace),
    ("update", update),
    ("update", update),
    ("update of several tables", update_joined),
    ("update of several tables", update_joined),
    ("delete", delete),
    ("delete", delete),
    ("delete from several tables", delete_joined),
    ("delete from several tables", delete_joined),
    ("select", select),
    ("explain", explain),
    ("analyze", analyze),
    ("create table as", create_as),
    ("truncate", truncate),
    ("drop table", drop_table),
    ("create or replace table", replace_table),
    ("partition", partition),
    ("handler", handler),
    ("load data", load),
    ("set statement", set_statement),
    ("hidden", hidden),
    ("several", several),
    ("several", several),
    ("several", several),
];

fn write(g: &mut Gen<'_>) -> String {
    let all = [insert, replace, update, update_joined, delete, delete_joined];
    g.dice.pick(&all)(g)
}

fn select(g: &mut Gen<'_>) -> String {
    match g.dice.below(6) {
        0 => {
            format!("SELECT * FROM {} {}", g.read(), g.pick(&["FOR UPDATE", "LOCK IN SHARE MODE"]))
        }
        1 => format!("SELECT \"delete\u{1}from\u{1}grammar_post\" AS `update` FROM {}", g.read()),
        2 => format!("SELECT INSERT(title, 1, 1, 'x'), TRUNCATE(likes, 1) FROM {}", g.read()),
        3 => "SELECT SQL_NO_CACHE * FROM grammar_part PARTITION (p0) AS q".to_owned(),
        _ => g.select(),
    }
}

fn alias(g: &mut Gen<'_>) -> (String, String) {
    let alias = g.alias();
    match g.dice.below(4) {
        0 => (format!(" AS {alias}"), format!("{alias}.")),
        1 => (format!(" {alias}"), format!("{alias}.")),
        _ => (String::new(), String::new()),
    }
}

fn insert(g: &mut Gen<'_>) -> String {
    let modifiers =
        g.pick(&["", "", "IGNORE ", "LOW_PRIORITY ", "HIGH_PRIORITY ", "HIGH_PRIORITY IGNORE "]);
    let into = if g.dice.chance(70) { "INTO " } else { "" };
    let (table, partition) =
        if g.dice.chance(8) { (g.part(), " PARTITION (p0, p1)") } else { (g.written(), "") };
    let more = g.pick(&[
        "",
        "",
        " ON DUPLICATE KEY UPDATE likes = likes + 1",
        " ON DUPLICATE KEY UPDATE title = VALUES(title), likes = 3",
        " RETURNING id",
    ]);
    if g.dice.chance(15) {
        return format!(
            "INSERT {modifiers}{into}{table}{partition} SET {}{more}",
            g.assignments("")
        );
    }
    let (columns, rows) = (g.columns(), g.rows());
    let rows = if g.dice.chance(10) { rows.replace("VALUES", "VALUE") } else { rows };
    format!("INSERT {modifiers}{into}{table}{partition} {columns} {rows}{more}")
}

fn replace(g: &mut Gen<'_>) -> String {
    let modifiers = g.pick(&["", "", "LOW_PRIORITY "]);
    let into = if g.dice.chance(70) { "INTO " } else { "" };
    let table = g.written();
    if g.dice.chance(20) {
        return format!("REPLACE {modifiers}{into}{table} SET id = 1, title = {}", g.string());
    }
    format!("REPLACE {modifiers}{into}{table} {} {}", g.columns(), g.rows())
}

const UPDATE_MODIFIERS: [&str; 6] =
    ["", "", "", "IGNORE ", "LOW_PRIORITY ", "LOW_PRIORITY IGNORE "];
const DELETE_MODIFIERS: [&str; 8] = [
    "",
    "",
    "",
    "QUICK ",
    "IGNORE ",
    "LOW_PRIORITY ",
    "LOW_PRIORITY QUICK IGNORE ",
    "QUICK IGNORE ",
];

fn limit(g: &mut Gen<'_>) -> &'static str {
    g.pick(&["", "", "", " ORDER BY id LIMIT 1", " LIMIT 2", " ORDER BY title DESC"])
}

fn update(g: &mut Gen<'_>) -> String {
    let modifiers = g.pick(&UPDATE_MODIFIERS);
    let (table, partition) =
        if g.dice.chance(8) { (g.part(), " PARTITION (p0)") } else { (g.written(), "") };
    let (alias, of) = alias(g);
    let set = g.assignments(&of);
    let set = if of.is_empty() || g.dice.chance(50) { set } else { format!("{of}{set}") };
    let place = g.place(&of);
    format!("UPDATE {modifiers}{table}{partition}{alias} SET {set}{place}{}", limit(g))
}

fn update_joined(g: &mut Gen<'_>) -> String {
    let modifiers = g.pick(&UPDATE_MODIFIERS);
    let (written, read) = (g.written(), g.read());
    let sets = g.pick(&["t1.likes = s1.likes + 1", "t1.title = 'x', t1.likes = 4"]);
    let sources = match g.dice.below(6) {
        0 => format!("{written} t1, {read} s1"),
        1 => format!("{read} AS s1 JOIN {written} AS t1 ON s1.id = t1.id"),
        2 => format!("({written} t1, {read} s1)"),
        3 => format!("{written} t1 LEFT JOIN (SELECT * FROM {read}) s1 ON s1.id = t1.id"),
        4 => format!("{written} t1 STRAIGHT_JOIN {read} s1"),
        _ => format!("{written} t1 INNER JOIN {read} s1 USING (id)"),
    };
    let place = if g.dice.chance(30) { " WHERE t1.id = s1.id" } else { "" };
    format!("UPDATE {modifiers}{sources} SET {sets}{place}")
}

fn delete(g: &mut Gen<'_>) -> String {
    let modifiers = g.pick(&DELETE_MODIFIERS);
    let (table, partition) =
        if g.dice.chance(8) { (g.part(), " PARTITION (p0)") } else { (g.written(), "") };
    let place = g.place("");
    let end = if g.dice.chance(15) { " RETURNING id" } else { limit(g) };
    format!("DELETE {modifiers}FROM {table}{partition}{place}{end}")
}

fn delete_joined(g: &mut Gen<'_>) -> String {
    let modifiers = g.pick(&DELETE_MODIFIERS);
    let (written, read) = (g.written(), g.read());
    let sources = match g.dice.below(4) {
        0 => format!("{written} AS t1, {read} AS s1"),
        1 => format!("{read} s1 JOIN {written} t1 ON s1.id = t1.id"),
        2 => format!(
            "{written} t1 LEFT JOIN {read} s1 ON s1.id = t1.id AND s1.title <> {}",
            g.string()
        ),
        _ => format!("{written} t1 JOIN (SELECT id FROM {read}) s1 ON s1.id = t1.id"),
    };
    let target = g.pick(&["t1", "t1", "`t1`", "t1.*"]);
    let place = if g.dice.chance(40) { " WHERE t1.id = s1.id" } else { "" };
    match g.dice.below(4) {
        0 => format!("DELETE {modifiers}FROM {target} USING {sources}{place}"),
        1 => format!("DELETE {modifiers}{written} FROM {written} JOIN {read} s1"),
        _ => format!("DELETE {modifiers}{target} FROM {sources}{place}"),
    }
}

fn explain(g: &mut Gen<'_>) -> String {
    let how = g.pick(&["EXPLAIN", "DESCRIBE", "EXPLAIN EXTENDED", "EXPLAIN FORMAT=JSON", "DESC"]);
    format!("{how} {}", g.unrun(write))
}

fn analyze(g: &mut Gen<'_>) -> String {
    let how = g.pick(&["ANALYZE", "ANALYZE FORMAT=JSON"]);
    format!("{how} {}", write(g))
}

fn create_as(g: &mut Gen<'_>) -> String {
    match g.dice.below(3) {
        0 => format!("CREATE TEMPORARY TABLE made AS {}", g.select()),
        1 => format!("CREATE TEMPORARY TABLE made LIKE {}", g.read()),
        _ => format!("CREATE OR REPLACE TEMPORARY TABLE made SELECT * FROM {}", g.read()),
    }
}

fn truncate(g: &mut Gen<'_>) -> String {
    format!("TRUNCATE {}{}", g.maybe("TABLE "), g.written())
}

fn drop_table(g: &mut Gen<'_>) -> String {
    let word = g.pick(&["TABLE", "TABLES"]);
    let exists = g.maybe("IF EXISTS ");
    let more = if g.dice.chance(30) { format!(", {}", g.written()) } else { String::new() };
    format!("DROP {word} {exists}{}{more}", g.written())
}

fn replace_table(g: &mut Gen<'_>) -> String {
    let table = g.written();
    match g.dice.below(3) {
        0 => format!("CREATE OR REPLACE TABLE {table} (id int)"),
        1 => format!("CREATE OR REPLACE TABLE {table} LIKE {}", g.read()),
        _ => format!("CREATE OR REPLACE TABLE {table} AS SELECT 1 AS id"),
    }
}

fn partition(g: &mut Gen<'_>) -> String {
    let table = g.part();
    let change = g.pick(&[
        "TRUNCATE PARTITION p0",
        "TRUNCATE PARTITION ALL",
        "EXCHANGE PARTITION p0 WITH TABLE grammar_whole",
        "CONVERT PARTITION p1 TO TABLE made",
        "DROP PARTITION p0",
    ]);
    format!("ALTER TABLE {table} {change}")
}

fn handler(g: &mut Gen<'_>) -> String {
    let table = g.read();
    format!("HANDLER {table} OPEN AS h1 ; HANDLER h1 READ FIRST ; HANDLER h1 CLOSE")
}

fn load(g: &mut Gen<'_>) -> String {
    let how = g.pick(&["", "LOW_PRIORITY ", "CONCURRENT "]);
    let mode = g.pick(&["", "REPLACE ", "IGNORE "]);
    format!("LOAD DATA {how}INFILE '{{file}}' {mode}INTO TABLE {} (title, likes)", g.written())
}

fn set_statement(g: &mut Gen<'_>) -> String {
    format!("SET STATEMENT max_statement_time = 9 FOR {}", write(g))
}

fn hidden(g: &mut Gen<'_>) -> String {
    g.is_opaque();
    let write = write(g);
    match g.dice.below(5) {
        0 => format!("/*! {write} */"),
        1 => format!("/*M!50000 {write} */"),
        2 => format!("BEGIN NOT ATOMIC {write}; END"),
        3 => format!("IF 1 THEN {write}; END IF"),
        _ => "EXECUTE IMMEDIATE 'DELETE\u{1}FROM\u{1}grammar_post'".to_owned(),
    }
}

fn several(g: &mut Gen<'_>) -> String {
    let count = 2 + g.dice.below(2);
    let all = [select, write, explain, select, write, analyze];
    let texts: Vec<_> = (0..count).map(|_| g.dice.pick(&all)(g)).collect();
    texts.join(" ; ") + g.maybe(";")
}
