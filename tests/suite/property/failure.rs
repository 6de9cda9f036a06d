use audit_tests::answer;
use sea_orm::DbErr;

/// Why a database refuses a write, by its code.
const CODES: &[(&str, &[&str])] = &[
    ("unique", &["1555", "2067", "23505", "1062"]),
    ("check", &["275", "23514", "4025"]),
    // SQLite has one for a key that is looked at as the statement ends, and one for RESTRICT.
    ("foreign key", &["787", "1811", "23503", "1451", "1452"]),
    ("deadlock", &["40P01", "1213"]),
    ("serialization", &["40001", "1020", "517"]),
    ("locked", &["5", "6", "262"]),
    ("aborted", &["25P02"]),
    ("savepoint gone", &["3B001", "1305"]),
];

/// Why a write failed, by the words of SeaORM and of ours, and by the name that `SQLx` gives a savepoint.
const WORDS: &[(&str, &[&str])] = &[
    ("missing", &["RecordNotFound", "None of the records are", "RecordNotUpdated"]),
    ("refused on a pool", &["refused: this call reached a method of SeaORM's traits"]),
    ("refused by a guard", &["refused: this statement would change an audited table"]),
    ("broken", &["this transaction cannot go on"]),
    ("savepoint gone", &["_sqlx_savepoint_"]),
    ("upsert unclear", &["because others keep inserting the same rows"]),
    ("nested open", &["a transaction nested in this one is still open"]),
];

/// The reason, if it is one that a random history may meet.
pub(super) fn reason(error: &DbErr) -> Option<&'static str> {
    let (code, text) = (answer::code(error), error.to_string());
    let by_code = CODES.iter().find(|(_, codes)| codes.contains(&code.as_str()));
    let by_words = || WORDS.iter().find(|(_, words)| words.iter().any(|it| text.contains(it)));
    by_code.or_else(by_words).map(|(reason, _)| *reason)
}

/// Whether the database may have taken the whole transaction back.
pub(super) fn undoes_all(reason: Option<&str>) -> bool {
    const HARMLESS: [&str; 6] =
        ["unique", "check", "foreign key", "missing", "refused on a pool", "refused by a guard"];
    !reason.is_some_and(|reason| HARMLESS.contains(&reason))
}
