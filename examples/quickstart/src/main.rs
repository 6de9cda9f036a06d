//! A small blog: people and a job change a post, and its history tells who did what.
//! Run it with `cargo run -p quickstart`.
use audit_migration::{Migrator, MigratorTrait};
use audit_seaorm::{AuditContext, AuditEntry, AuditTrail, AuditUser, Image, REDACTED, entity};
use comfy_table::{Table, presets::UTF8_HORIZONTAL_ONLY};
use sea_orm::TransactionTrait;
use sea_orm::{ActiveValue::Set, Database, DbErr, EntityTrait, IntoActiveModel, PaginatorTrait};
use serde_json::Value;

mod post {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "post")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub title: String,
        pub published: bool,
        #[auditable(redact)]
        pub preview_password: Option<String>,
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = tempfile::tempdir()?;
    let db = Database::connect(format!("sqlite://{}/blog.db?mode=rwc", folder.path().display()));
    let db = db.await?;
    db.get_schema_builder().register(post::Entity).apply(&db).await?;
    Migrator::up(&db, None).await?;

    let ann = || AuditUser::new("1").email("ann@example.com");
    let bob = || AuditUser::new("2").email("bob@example.com");

    let draft = post::ActiveModel {
        title: Set("Audit your dta".to_owned()),
        published: Set(false),
        preview_password: Set(Some("open sesame".to_owned())),
        ..Default::default()
    };
    let mut post = as_user(ann(), draft.insert(&db)).await?.into_active_model();

    post.title = Set("Audit your data".to_owned());
    post.preview_password = Set(Some("abracadabra".to_owned()));
    let mut post = as_user(bob(), post.update(&db)).await?.into_active_model();
    post.title = Set("Audit your data".to_owned()); // The same again: nothing changes.
    let mut post = as_user(bob(), post.update(&db)).await?.into_active_model();

    post.published = Set(true);
    let mut post = post.update(&db).await?.into_active_model(); // A job: no scope, no user.

    let txn = db.begin().await?;
    post.title = Set("Never mind".to_owned());
    let post = as_user(bob(), post.update(&txn)).await?;
    txn.rollback().await?; // The entry goes with the change.

    let id = post.id;
    as_user(ann(), post.delete(&db)).await?;

    let trail = AuditTrail::find_for_record(&db, post::Entity, id).await?;
    let count = entity::Entity::find().count(&db).await?;
    println!("\nThe history of post {id}, newest first\n\n{}", table(&trail));
    println!("\n{count} entries: Bob's empty edit and his rolled-back one left none.");
    Ok(())
}

/// Runs `work` in the name of `user`, as the middleware of a web framework would.
async fn as_user<T>(
    user: AuditUser,
    work: impl Future<Output = Result<T, DbErr>>,
) -> Result<T, DbErr> {
    AuditContext::new().user(user).scope(work).await
}

fn table(trail: &[AuditEntry]) -> Table {
    let mut table = Table::new();
    table.load_preset(UTF8_HORIZONTAL_ONLY).set_header(["When (UTC)", "Who", "What", "Change"]);
    table.add_rows(trail.iter().map(|entry| {
        let when = entry.timestamp.format("%F %T%.3f").to_string();
        let who = entry.user_email.clone().unwrap_or_else(|| "system".to_owned());
        [when, who, entry.operation.to_string(), changes(entry).join("\n")]
    }));
    table
}

fn changes(entry: &AuditEntry) -> Vec<String> {
    let empty = Image::new();
    let values = |side: &Option<Value>| side.as_ref().and_then(Value::as_object).cloned();
    let (old, new) = (values(&entry.old_values), values(&entry.new_values));
    let columns = new.as_ref().or(old.as_ref()).unwrap_or(&empty).keys();
    let value = |image: &Option<Image>, column: &String| match image.as_ref().map(|i| &i[column]) {
        None => "—".to_owned(),
        Some(Value::String(text)) if text != REDACTED => format!("“{text}”"),
        Some(other) => other.to_string().replace('"', ""),
    };
    columns.map(|c| format!("{c}: {} → {}", value(&old, c), value(&new, c))).collect()
}
