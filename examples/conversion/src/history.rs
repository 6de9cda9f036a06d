//! Not the application: shows what it has now.

use audit_seaorm::{AuditConnection, entity};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, JsonValue, QueryOrder};

/// Prints the trail, oldest first, and what becomes of a write that goes past it.
pub(crate) async fn show(db: &AuditConnection) -> Result<(), DbErr> {
    let rows = entity::Entity::find()
        .order_by_asc(entity::Column::Timestamp)
        .order_by_asc(entity::Column::Id)
        .all(db)
        .await?;
    println!("\nwho     what    record           before -> after");
    for entry in rows {
        let who = entry.user_id.as_deref().unwrap_or("nobody");
        let record = format!("{} {}", entry.table_name, entry.record_id);
        println!("{who:7} {:7} {record:16} {}", entry.operation, change(&entry));
    }

    let sql = "UPDATE post SET title = 'Hacked'";
    println!("\n{sql}");
    match db.execute_unprepared(sql).await {
        Ok(_) => println!("went past the trail"),
        Err(refused) => println!("{refused}"),
    }
    Ok(())
}

/// `title: "Hello" -> "Hello, world"`; of a record that is new or gone, all it has.
fn change(entry: &entity::Model) -> String {
    let image = |side: &Option<JsonValue>| side.as_ref().and_then(JsonValue::as_object).cloned();
    let changes: Vec<_> = match (image(&entry.old_values), image(&entry.new_values)) {
        (Some(old), Some(new)) => new
            .iter()
            .map(|(column, after)| format!("{column}: {} -> {after}", old[column]))
            .collect(),
        (old, new) => {
            let values = old.or(new).unwrap_or_default();
            values.iter().map(|(column, value)| format!("{column}: {value}")).collect()
        }
    };
    changes.join(", ")
}
