use sea_orm::{
    DatabaseConnection,
    sqlx::{AssertSqlSafe, MySql, MySqlConnection, Pool, query, query_as},
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

/// 65,535 binds are the limit.
const POSTS: usize = 10_000;
const ENTRIES: usize = 5_000;

const INSERT: &str = "INSERT INTO post (author_id, title, body, views, published, created_at)";

pub(in crate::write) struct MariaDb;

impl Driver for MariaDb {
    type Db = MySql;
    const BEGIN: &'static str = "BEGIN";

    fn pool(db: &DatabaseConnection) -> &Pool<Self::Db> {
        db.get_mysql_connection_pool()
    }

    async fn insert(db: &mut MySqlConnection, post: Post) -> Result<Post> {
        Ok(Self::insert_many(db, vec![post]).await?.remove(0))
    }

    async fn update(db: &mut MySqlConnection, edit: Edit, _: Begun) -> Result<(Post, Post)> {
        let read = "SELECT * FROM post WHERE id = ? FOR UPDATE";
        let before = query_as::<_, Row>(read).bind(edit.id).fetch_one(&mut *db).await?;
        let update = query("UPDATE post SET title = ?, views = ? WHERE id = ?");
        update.bind(edit.title).bind(edit.views).bind(edit.id).execute(&mut *db).await?;
        let after = query_as::<_, Row>(read).bind(edit.id).fetch_one(db).await?;
        Ok((before.into(), after.into()))
    }

    async fn delete(db: &mut MySqlConnection, id: i64) -> Result<Post> {
        let delete = query_as::<_, Row>("DELETE FROM post WHERE id = ? RETURNING *").bind(id);
        Ok(delete.fetch_one(db).await?.into())
    }

    async fn insert_many(db: &mut MySqlConnection, posts: Vec<Post>) -> Result<Vec<Post>> {
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

    async fn update_many(db: &mut MySqlConnection) -> Result<Vec<(Post, Post)>> {
        let read = "SELECT * FROM post WHERE views >= ? ORDER BY id FOR UPDATE";
        let before = query_as::<_, Row>(read).bind(0_i64).fetch_all(&mut *db).await?;
        let update = query("UPDATE post SET views = views + 1 WHERE views >= ?");
        update.bind(0_i64).execute(&mut *db).await?;
        let after = query_as::<_, Row>(read).bind(0_i64).fetch_all(db).await?;
        Ok(before.into_iter().map(Post::from).zip(after.into_iter().map(Post::from)).collect())
    }

    async fn delete_many(db: &mut MySqlConnection) -> Result<Vec<Post>> {
        let delete =
            query_as::<_, Row>("DELETE FROM post WHERE views >= ? RETURNING *").bind(0_i64);
        Ok(delete.fetch_all(db).await?.into_iter().map(Post::from).collect())
    }

    async fn store(db: &mut MySqlConnection, entry: Entry) -> Result<()> {
        Self::store_many(db, vec![entry]).await
    }

    async fn store_many(db: &mut MySqlConnection, entries: Vec<Entry>) -> Result<()> {
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
