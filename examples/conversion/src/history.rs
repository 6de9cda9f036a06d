//! Not the application: shows what it has now.

use std::collections::BTreeSet;

use audit_seaorm::{AuditConnection, AuditEntry, entity};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, JsonValue, QueryOrder};

/// Prints the trail, oldest first, and what becomes of a write that goes past it.
pub(crate) async fn show(db: &AuditConnection) -> Result<(), DbErr> {
    let rows = entity::Entity::find()
        .order_by_asc(entity::Column::Timestamp)
        .order_by_asc(entity::Column::Id)
        .all(db)
        .await?;
    println!("\n{:7} {:7} {:16} {}", "who", "what", "record", "before -> after");
    for row in rows {
        let entry = AuditEntry::try_from(row)?;
        let who = entry.user_id.as_deref().unwrap_or("nobody");
        let what = entry.operation.to_string();
        let record = format!("{} {}", entry.table_name, entry.record_id);
        println!("{who:7} {what:7} {record:16} {}", change(&entry));
    }

    let sql = "UPDATE post SET title = 'Hacked'";
    println!("\n{sql}");
    match db.execute_unprepared(sql).await {
        Ok(_) => println!("went past the trail"),
        Err(refused) => println!("{refused}"),
    }
    Ok(())
}

/// `title: "Hello" -> "Hello, world"`
fn change(entry: &AuditEntry) -> String {
    let image = |side: &Option<_>| side.as_ref().and_then(JsonValue::as_object).cloned();
    let (old, new) = (image(&entry.old_values), image(&entry.new_values));
    let columns: BTreeSet<_> = old.iter().chain(&new).flat_map(|image| image.keys()).collect();
    let value = |image: &Option<audit_seaorm::Image>, column: &String| {
        let value = image.as_ref().and_then(|image| image.get(column));
        value.map_or_else(String::new, ToString::to_string)
    };
    let changes =
        columns.into_iter().map(|column| match (value(&old, column), value(&new, column)) {
            (before, after) if before.is_empty() => format!("{column}: {after}"),
            (before, after) if after.is_empty() => format!("{column}: {before} -> gone"),
            (before, after) => format!("{column}: {before} -> {after}"),
        });
    changes.collect::<Vec<_>>().join(", ")
}
