use sea_orm::DbErr;

/// Why a write failed, by the words of the three databases, of SeaORM and of ours.
const KNOWN: &[(&str, &[&str])] = &[
    ("unique", &["UNIQUE constraint failed", "duplicate key value", "Duplicate entry"]),
    ("check", &["CHECK constraint failed", "violates check constraint", "CONSTRAINT `"]),
    ("foreign key", &["FOREIGN KEY constraint failed", "violates foreign key"]),
    ("missing", &["RecordNotFound", "None of the records are", "RecordNotUpdated"]),
    ("refused on a pool", &["refused: this call reached a method of SeaORM's traits"]),
    ("refused by a guard", &["refused: this statement would change an audited table"]),
    ("deadlock", &["deadlock detected", "Deadlock found"]),
    ("serialization", &["could not serialize access", "Record has changed since"]),
    ("locked", &["database is locked", "database table is locked"]),
    ("aborted", &["current transaction is aborted"]),
    ("broken", &["this transaction cannot go on"]),
    ("savepoint gone", &["_sqlx_savepoint_"]),
    ("upsert unclear", &["because others keep inserting the same rows"]),
    ("nested open", &["a transaction nested in this one is still open"]),
];

/// The reason, if it is one that a random history may meet.
pub(super) fn reason(error: &DbErr) -> Option<&'static str> {
    let text = error.to_string();
    // MariaDB tells a foreign key by its definition.
    if text.contains("a foreign key constraint fails") {
        return Some("foreign key");
    }
    KNOWN
        .iter()
        .find(|(_, words)| words.iter().any(|words| text.contains(words)))
        .map(|(reason, _)| *reason)
}

/// Whether the database may have taken the whole transaction back.
pub(super) fn undoes_all(reason: Option<&str>) -> bool {
    const HARMLESS: [&str; 6] =
        ["unique", "check", "foreign key", "missing", "refused on a pool", "refused by a guard"];
    !reason.is_some_and(|reason| HARMLESS.contains(&reason))
}
