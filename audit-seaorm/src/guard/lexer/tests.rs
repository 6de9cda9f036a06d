//! Where a text falls apart, table by table.

use sea_orm::{
    DatabaseBackend::{MySql, Postgres, Sqlite},
    DbBackend,
};

use super::{Token, Unsure, lex};

const ALL: [DbBackend; 3] = [Sqlite, Postgres, MySql];

/// Words as they are, names as `<name>`, texts as `{text}`, variables as `@name`, values as `0`.
fn shown(backend: DbBackend, sql: &str) -> String {
    let token = |token: &Token<'_>| match token {
        Token::Word(word) => (*word).to_owned(),
        Token::Name(name) => format!("<{name}>"),
        Token::Text { text, .. } => format!("{{{text}}}"),
        Token::Variable(name) => format!("@{name}"),
        Token::Value => "0".to_owned(),
        Token::Symbol(symbol) => char::from(*symbol).to_string(),
    };
    match lex(backend, sql) {
        Ok(tokens) => tokens.iter().map(token).collect::<Vec<_>>().join(" "),
        Err(Unsure::ExecutableComment) => "executable".to_owned(),
        Err(Unsure::Because(_)) => "unsure".to_owned(),
    }
}

#[track_caller]
fn check(backends: &[DbBackend], pairs: &[(&str, &str)]) {
    for backend in backends {
        for (sql, expected) in pairs {
            assert_eq!(shown(*backend, sql), *expected, "{sql} on {backend:?}");
        }
    }
}

#[test]
fn what_all_databases_agree_on() {
    check(
        &ALL,
        &[
            ("", ""),
            ("SELECT a.b, 1 FROM t;", "SELECT a . b , 0 FROM t ;"),
            ("'it''s' x", "{it's} x"),
            ("a/* ' */b -- '\nc", "a b c"),
            ("1e5 1.5e-3 0x1F", "0 0 . 0 - 0 0"),
            ("'open", "unsure"),
            ("/* open", "unsure"),
            ("1abc", "unsure"),
            ("1.e5", "unsure"),
            ("a\0b", "unsure"),
            ("a \u{1} b", "unsure"),
            ("'\u{1}é'", "{\u{1}é}"),
        ],
    );
}

#[test]
fn a_comment_begins_within_an_operator() {
    let pairs = [
        ("'a' ||/* don't */ 'b'; UPDATE t -- won't", "{a} | | {b} ; UPDATE t"),
        ("@-- '\nb", "@ b"),
        ("a </* ' */b", "a < b"),
        ("'a' ||-- '\n'b'; COMMIT; -- '", "{a} | | {b} ; COMMIT ;"),
    ];
    check(&[Postgres], &pairs);
    check(&[MySql, Sqlite], &pairs[..1]);
}

#[test]
fn as_postgres_does() {
    check(
        &[Postgres],
        &[
            ("/* a /* b */ c */ d", "d"),
            ("-- x\ry", "y"),
            ("$$a'b$$ $t$ $$ $t$ $1", "{a'b} { $$ } 0"),
            ("a$b$c$", "a$b$c$"),
            ("$1$$a$$", "unsure"),
            ("$t a", "unsure"),
            ("E'it\\'s' e'\\\\' x", "{it\\'s} {\\\\} x"),
            ("fooE'a' x", "fooE {a} x"),
            ("1E'a\\' x'", "unsure"),
            ("'a\\\\' 'a\\b'", "{a\\\\} {a\\b}"),
            ("'a\\'", "unsure"),
            ("E'a'\n'b\\'; x'", "unsure"),
            ("E'Á\\'", "unsure"),
            ("'Á\\\\'", "unsure"),
            ("\"a\"\"b\" \"c\\\"", "<a\"b> <c\\>"),
            ("U&'a' U&\"a\"", "unsure"),
            ("U&'a'", "U & {a}"),
            ("größe", "größe"),
            ("B'1' x'f'", "{1} {f}"),
        ],
    );
}

#[test]
fn as_mariadb_does() {
    check(
        &[MySql],
        &[
            ("a # '\nb", "a b"),
            ("5--3", "0 - - 0"),
            ("5 --\u{1}'\nb", "0 b"),
            ("5 --é", "unsure"),
            ("/* a /* b */ c", "c"),
            ("/*! a */", "executable"),
            ("/*M! a */", "executable"),
            ("/*+ a */", "unsure"),
            ("'a\\\\' \"it\"\"s\"", "{a\\\\} {it\"s}"),
            ("'it\\'s'", "unsure"),
            ("\"a\\\"", "unsure"),
            ("'Á\\\\'", "unsure"),
            ("`a``b` `é`", "unsure"),
            ("`a``b` `éa`", "<a`b> <éa>"),
            ("größe", "unsure"),
            ("[a]", "unsure"),
            ("\\N", "unsure"),
            ("@a.b @@session.c @'d e' root@`h`", "@a.b @session.c @ root @"),
            ("1_000", "unsure"),
            ("a$b _utf8'c'", "a$b _utf8 {c}"),
            ("-- x\ry", ""),
        ],
    );
}

#[test]
fn as_sqlite_does() {
    check(
        &[Sqlite],
        &[
            ("[a b] `c` \"d\"", "<a b> <c> <d>"),
            ("'a\\' x", "{a\\} x"),
            ("/* a /* b */ c", "c"),
            ("a--b", "a"),
            ("?1 :a @b $c #d", "0 0 0 0 0"),
            ("?1a", "unsure"),
            ("$a(';')", "unsure"),
            ("$a::b", "unsure"),
            ("\u{feff}a \u{feff} b\u{feff}", "a b\u{feff}"),
            ("x'12''34'", "x {12'34}"),
            ("-- x\ry", ""),
        ],
    );
}
