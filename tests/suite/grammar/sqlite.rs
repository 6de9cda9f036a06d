//! The grammar of `SQLite`.

use super::{Form, text::Gen};

pub(super) const FORMS: &[Form] = &[
    ("insert", insert),
    ("insert", insert),
    ("replace", replace),
    ("update", update),
    ("update", update),
    ("update from", update_from),
    ("delete", delete),
    ("delete", delete),
    ("with", with),
    ("select", select),
    ("explain", explain),
    ("create table as", create_as),
    ("drop table", drop_table),
    ("create trigger", create_trigger),
    ("several", several),
    ("several", several),
];

const CONFLICTS: [&str; 7] =
    ["", "", "OR REPLACE ", "OR IGNORE ", "OR ABORT ", "OR FAIL ", "or replace "];

fn write(g: &mut Gen<'_>) -> String {
    let all = [insert, replace, update, update_from, delete];
    g.dice.pick(&all)(g)
}

fn select(g: &mut Gen<'_>) -> String {
    if g.dice.chance(20) {
        format!("SELECT 1 WHERE (1, 'a', 1) IN {}", g.read())
    } else {
        g.select()
    }
}

fn alias(g: &mut Gen<'_>) -> (String, String) {
    if g.dice.chance(30) {
        let alias = g.alias();
        (format!(" AS {alias}"), format!("{alias}."))
    } else {
        (String::new(), String::new())
    }
}

fn insert(g: &mut Gen<'_>) -> String {
    let or = g.pick(&CONFLICTS);
    let table = g.written();
    let (alias, _) = alias(g);
    if g.dice.chance(10) {
        return format!("INSERT {or}INTO {table}{alias} DEFAULT VALUES");
    }
    let (columns, rows) = (g.columns(), g.rows());
    let conflict = if g.dice.chance(25) && rows.starts_with("VALUES") {
        g.pick(&[
            " ON CONFLICT DO NOTHING",
            " ON CONFLICT (id) DO UPDATE SET likes = excluded.likes",
            " ON CONFLICT (id) DO UPDATE SET title = 'x' WHERE likes > 3",
        ])
    } else {
        ""
    };
    let returning = g.maybe(" RETURNING id");
    format!("INSERT {or}INTO {table}{alias} {columns} {rows}{conflict}{returning}")
}

fn replace(g: &mut Gen<'_>) -> String {
    format!("REPLACE INTO {} {} {}", g.written(), g.columns(), g.rows())
}

fn update(g: &mut Gen<'_>) -> String {
    let or = g.pick(&CONFLICTS);
    let table = g.written();
    let (alias, of) = alias(g);
    let indexed = g.pick(&["", "", "", " NOT INDEXED"]);
    let set = if g.dice.chance(20) {
        format!("(title, likes) = (SELECT z.title, z.likes FROM {} z LIMIT 1)", g.read())
    } else {
        g.assignments(&of)
    };
    let place = g.place(&of);
    let returning = g.maybe(" RETURNING *");
    format!("UPDATE {or}{table}{alias}{indexed} SET {set}{place}{returning}")
}

fn update_from(g: &mut Gen<'_>) -> String {
    let (table, source) = (g.written(), g.read());
    format!("UPDATE {table} AS t1 SET likes = s1.likes + 1 FROM {source} AS s1 WHERE s1.id = t1.id")
}

fn delete(g: &mut Gen<'_>) -> String {
    let table = g.written();
    let (alias, of) = alias(g);
    let indexed = g.pick(&["", "", "", " NOT INDEXED"]);
    let place = g.place(&of);
    let returning = g.maybe(" RETURNING id, title");
    format!("DELETE FROM {table}{alias}{indexed}{place}{returning}")
}

fn with(g: &mut Gen<'_>) -> String {
    let (recursive, write) = (g.maybe("RECURSIVE "), write(g));
    format!("WITH {recursive}c1 AS (SELECT * FROM {}), c2(n) AS (SELECT 1) {write}", g.read())
}

fn explain(g: &mut Gen<'_>) -> String {
    let plan = g.maybe("QUERY PLAN ");
    format!("EXPLAIN {plan}{}", g.unrun(write))
}

fn create_as(g: &mut Gen<'_>) -> String {
    let temporary = g.maybe("TEMP ");
    format!("CREATE {temporary}TABLE made AS {}", g.select())
}

fn drop_table(g: &mut Gen<'_>) -> String {
    let exists = g.maybe("IF EXISTS ");
    format!("DROP TABLE {exists}{}", g.written())
}

fn create_trigger(g: &mut Gen<'_>) -> String {
    let body = g.unrun(|g| format!("DELETE FROM {} WHERE id = 99", g.other().replace("main.", "")));
    let table = g.other();
    format!("CREATE TRIGGER made AFTER UPDATE ON {table} BEGIN {body}; END")
}

fn several(g: &mut Gen<'_>) -> String {
    let count = 2 + g.dice.below(2);
    let all = [select, write, explain, select, with];
    let texts: Vec<_> = (0..count).map(|_| g.dice.pick(&all)(g)).collect();
    texts.join(" ; ") + g.maybe(";")
}
