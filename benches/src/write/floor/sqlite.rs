use sea_orm::{
    DatabaseConnection,
    sqlx::{AssertSqlSafe, Pool, SqliteConnection, query, query_as},
};

use super::{
    Begun, Driver, Edit, Post, Row,
    entry::{COLUMNS, Entry, TABLE},
    values::values,
};
use crate::{
    Result,
    write::orm::{REQUEST_ID, USER_EMAIL, USER_ID},
};

/// 32,766 binds are the limit.
const POSTS: usize = 5_000;
const ENTRIES: usize = 2_500;

const INSERT: &str = "INSERT INTO post (author_id, title, body, views, published, created_at)";

pub(in crate::write) struct Sqlite;

impl Driver for Sqlite {
    type Db = sea_orm::sqlx::Sqlite;
    const BEGIN: &'static str = "BEGIN IMMEDIATE";

    fn pool(db: &DatabaseConnection) -> &Pool<Self::Db> {
        db.get_sqlite_connection_pool()
    }

    async fn insert(db: &mut SqliteConnection, post: Post) -> Result<Post> {
        Ok(Self::insert_many(db, vec![post]).await?.remove(0))
    }

    async fn update(db: &mut SqliteConnection, edit: Edit, begun: Begun) -> Result<(Post, Post)> {
        let read = match begun {
            Begun::ToWrite => "SELECT * FROM post WHERE id = ?",
            Begun::ByCaller => "UPDATE post SET id = id WHERE id = ? RETURNING *",
        };
        let before = query_as::<_, Row>(read).bind(edit.id).fetch_one(&mut *db).await?;
        let sql = "UPDATE post SET title = ?, views = ? WHERE id = ? RETURNING *";
        let update = query_as::<_, Row>(sql).bind(edit.title).bind(edit.views).bind(edit.id);
        Ok((before.into(), update.fetch_one(db).await?.into()))
    }

    async fn delete(db: &mut SqliteConnection, id: i64) -> Result<Post> {
        let delete = query_as::<_, Row>("DELETE FROM post WHERE id = ? RETURNING *").bind(id);
        Ok(delete.fetch_one(db).await?.into())
    }

    async fn insert_many(db: &mut SqliteConnection, posts: Vec<Post>) -> Result<Vec<Post>> {
        let mut inserted = Vec::with_capacity(posts.len());
        for chunk in posts.chunks(POSTS) {
            let sql = values(INSERT, chunk.len(), 6, " RETURNING *");
            let mut insert = query_as::<_, Row>(AssertSqlSafe(sql));
            for post in chunk {
                insert = insert
                    .bind(post.author_id)
                    .bind(post.title.clone())
                    .bind(post.body.clone())
                    .bind(post.views)
                    .bind(post.published)
                    .bind(post.created_at);
            }
            inserted.extend(insert.fetch_all(&mut *db).await?.into_iter().map(Post::from));
        }
        Ok(inserted)
    }

    async fn update_many(db: &mut SqliteConnection) -> Result<Vec<(Post, Post)>> {
        let read =
            query_as::<_, Row>("SELECT * FROM post WHERE views >= ? ORDER BY id").bind(0_i64);
        let before = read.fetch_all(&mut *db).await?;
        let sql = "UPDATE post SET views = views + 1 WHERE views >= ? RETURNING *";
        let mut after = query_as::<_, Row>(sql).bind(0_i64).fetch_all(db).await?;
        after.sort_unstable_by_key(|row| row.0);
        Ok(before.into_iter().map(Post::from).zip(after.into_iter().map(Post::from)).collect())
    }

    async fn delete_many(db: &mut SqliteConnection) -> Result<Vec<Post>> {
        let delete =
            query_as::<_, Row>("DELETE FROM post WHERE views >= ? RETURNING *").bind(0_i64);
        Ok(delete.fetch_all(db).await?.into_iter().map(Post::from).collect())
    }

    async fn store(db: &mut SqliteConnection, entry: Entry) -> Result<()> {
        Self::store_many(db, vec![entry]).await
    }

    async fn store_many(db: &mut SqliteConnection, entries: Vec<Entry>) -> Result<()> {
        let prefix = format!("INSERT INTO audit_trail ({COLUMNS})");
        for chunk in entries.chunks(ENTRIES) {
            let mut insert = query(AssertSqlSafe(values(&prefix, chunk.len(), 11, "")));
            for entry in chunk {
                insert = insert
                    .bind(entry.id)
                    .bind(TABLE)
                    .bind(entry.record_id.clone())
                    .bind(entry.operation)
                    .bind(entry.old_values.clone())
                    .bind(entry.new_values.clone())
                    .bind(USER_ID)
                    .bind(USER_EMAIL)
                    .bind(REQUEST_ID)
                    .bind(entry.transaction_id)
                    .bind(entry.timestamp);
            }
            insert.execute(&mut *db).await?;
        }
        Ok(())
    }
}
