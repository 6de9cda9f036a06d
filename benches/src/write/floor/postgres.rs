use sea_orm::{
    DatabaseConnection,
    sqlx::{self, FromRow, PgConnection, Pool, Row as _, postgres::PgRow, query, query_as},
};

use super::{
    Begun, Driver, Edit, Post, Row,
    entry::{Entry, TABLE},
};
use crate::{
    Result,
    write::orm::{REQUEST_ID, USER_EMAIL, USER_ID},
};

pub(in crate::write) struct Postgres;

/// Seven columns before and seven after.
struct Images(Post, Post);

impl<'r> FromRow<'r, PgRow> for Images {
    fn from_row(row: &'r PgRow) -> sqlx::Result<Self> {
        Ok(Self(post_at(row, 0)?, post_at(row, 7)?))
    }
}

fn post_at(row: &PgRow, first: usize) -> sqlx::Result<Post> {
    Ok(Post {
        id: row.try_get(first)?,
        author_id: row.try_get(first + 1)?,
        title: row.try_get(first + 2)?,
        body: row.try_get(first + 3)?,
        views: row.try_get(first + 4)?,
        published: row.try_get(first + 5)?,
        created_at: row.try_get(first + 6)?,
    })
}

impl Driver for Postgres {
    type Db = sea_orm::sqlx::Postgres;
    const BEGIN: &'static str = "BEGIN";

    fn pool(db: &DatabaseConnection) -> &Pool<Self::Db> {
        db.get_postgres_connection_pool()
    }

    async fn insert(db: &mut PgConnection, post: Post) -> Result<Post> {
        let sql = "INSERT INTO post (author_id, title, body, views, published, created_at) \
                   VALUES ($1, $2, $3, $4, $5, $6) RETURNING *";
        let insert = query_as::<_, Row>(sql)
            .bind(post.author_id)
            .bind(post.title)
            .bind(post.body)
            .bind(post.views)
            .bind(post.published)
            .bind(post.created_at);
        Ok(insert.fetch_one(db).await?.into())
    }

    async fn update(db: &mut PgConnection, edit: Edit, _: Begun) -> Result<(Post, Post)> {
        let sql = "UPDATE post SET title = $1, views = $2 \
                   FROM (SELECT * FROM post WHERE id = $3) AS b \
                   WHERE post.id = b.id AND post.* *= b.* RETURNING b.*, post.*";
        let update = query_as(sql).bind(edit.title).bind(edit.views).bind(edit.id);
        let Images(before, after) = update.fetch_one(db).await?;
        Ok((before, after))
    }

    async fn delete(db: &mut PgConnection, id: i64) -> Result<Post> {
        let delete = query_as::<_, Row>("DELETE FROM post WHERE id = $1 RETURNING *").bind(id);
        Ok(delete.fetch_one(db).await?.into())
    }

    async fn insert_many(db: &mut PgConnection, posts: Vec<Post>) -> Result<Vec<Post>> {
        let sql = "INSERT INTO post (author_id, title, body, views, published, created_at) \
                   SELECT * FROM UNNEST($1::int8[], $2::text[], $3::text[], $4::int8[], $5::bool[], \
                   $6::timestamptz[]) RETURNING *";
        let insert = query_as::<_, Row>(sql)
            .bind(posts.iter().map(|post| post.author_id).collect::<Vec<_>>())
            .bind(posts.iter().map(|post| &*post.title).collect::<Vec<_>>())
            .bind(posts.iter().map(|post| &*post.body).collect::<Vec<_>>())
            .bind(posts.iter().map(|post| post.views).collect::<Vec<_>>())
            .bind(posts.iter().map(|post| post.published).collect::<Vec<_>>())
            .bind(posts.iter().map(|post| post.created_at).collect::<Vec<_>>());
        Ok(insert.fetch_all(db).await?.into_iter().map(Post::from).collect())
    }

    async fn update_many(db: &mut PgConnection) -> Result<Vec<(Post, Post)>> {
        let sql = "UPDATE post SET views = post.views + 1 \
                   FROM (SELECT * FROM post WHERE views >= $1 FOR NO KEY UPDATE) AS b \
                   WHERE post.id = b.id RETURNING b.*, post.*";
        let rows = query_as(sql).bind(0_i64).fetch_all(db).await?;
        Ok(rows.into_iter().map(|Images(before, after)| (before, after)).collect())
    }

    async fn delete_many(db: &mut PgConnection) -> Result<Vec<Post>> {
        let delete =
            query_as::<_, Row>("DELETE FROM post WHERE views >= $1 RETURNING *").bind(0_i64);
        Ok(delete.fetch_all(db).await?.into_iter().map(Post::from).collect())
    }

    async fn store(db: &mut PgConnection, entry: Entry) -> Result<()> {
        let sql = "INSERT INTO audit_trail (id, table_name, record_id, operation, old_values, \
                   new_values, user_id, user_email, request_id, transaction_id, timestamp) \
                   VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
        let insert = query(sql)
            .bind(entry.id)
            .bind(TABLE)
            .bind(entry.record_id)
            .bind(entry.operation)
            .bind(entry.old_values)
            .bind(entry.new_values)
            .bind(USER_ID)
            .bind(USER_EMAIL)
            .bind(REQUEST_ID)
            .bind(entry.transaction_id)
            .bind(entry.timestamp);
        insert.execute(db).await?;
        Ok(())
    }

    /// One text for any number of entries; what they share is bound once.
    async fn store_many(db: &mut PgConnection, entries: Vec<Entry>) -> Result<()> {
        let Some((operation, group)) = entries.first().map(|e| (e.operation, e.transaction_id))
        else {
            return Ok(());
        };
        let sql = "INSERT INTO audit_trail (id, table_name, record_id, operation, old_values, \
                   new_values, user_id, user_email, request_id, transaction_id, timestamp) \
                   SELECT e.id, $1, e.record_id, $2, e.old, e.new, $3, $4, $5, $6, e.at \
                   FROM UNNEST($7::uuid[], $8::text[], $9::jsonb[], $10::jsonb[], $11::timestamptz[]) \
                   AS e (id, record_id, old, new, at)";
        let insert = query(sql)
            .bind(TABLE)
            .bind(operation)
            .bind(USER_ID)
            .bind(USER_EMAIL)
            .bind(REQUEST_ID)
            .bind(group)
            .bind(entries.iter().map(|entry| entry.id).collect::<Vec<_>>())
            .bind(entries.iter().map(|entry| &*entry.record_id).collect::<Vec<_>>())
            .bind(entries.iter().map(|entry| entry.old_values.clone()).collect::<Vec<_>>())
            .bind(entries.iter().map(|entry| entry.new_values.clone()).collect::<Vec<_>>())
            .bind(entries.iter().map(|entry| entry.timestamp).collect::<Vec<_>>());
        insert.execute(db).await?;
        Ok(())
    }
}
