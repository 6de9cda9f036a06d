//! The least SQL that does the same job as an audited write, by hand, on the driver and the pool that
//! `SeaORM` uses.
//!
//! The job: the row is changed and comes back as the database has it, as it does from `SeaORM`; its
//! before-image is read under the lock that the change takes anyway; an entry with old and new values and
//! the user commits together with the change. What is least by that:
//!
//! - `PostgreSQL` changes and returns both images in one statement, and writes nothing if somebody else was
//!   quicker, which nobody is here.
//! - `SQLite` returns the row that it changed but not the one that it was, so an update reads first.
//!   It does so in a transaction that writes from its beginning; in one that may not, the statement
//!   that reads is an update of the key to itself, which takes the lock.
//! - MariaDB returns rows from INSERT and DELETE but not from UPDATE, which reads before and after.
//! - Values become JSON here and not in the database, since values of any column have to, and so the
//!   entry is a statement of its own: one for all rows of a write, or as few as the bind limit allows.
//! - A savepoint in a transaction of the caller's: without one, whoever goes on after an error or after
//!   dropping the future half-way commits a change without its entry.
//! - `BEGIN` and `COMMIT` are messages of their own: `SQLx` sends nothing along with them.

mod entry;
mod mariadb;
mod postgres;
mod sqlite;
mod values;

use audit_core::Stamp;
use sea_orm::{
    DatabaseConnection,
    prelude::{DateTimeUtc, Uuid},
    sqlx::{Connection as _, Database, Pool},
};

use super::{
    case::{BULK, UPDATES, Write},
    contender::Contender,
};
use crate::{Result, meter::Meter, post};
use entry::Entry;
pub(super) use {mariadb::MariaDb, postgres::Postgres, sqlite::Sqlite};

/// A post with its id, or to be given one.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Post {
    id: i64,
    author_id: i64,
    title: String,
    body: String,
    views: i64,
    published: bool,
    created_at: DateTimeUtc,
}

type Row = (i64, i64, String, String, i64, bool, DateTimeUtc);

impl From<Row> for Post {
    fn from((id, author_id, title, body, views, published, created_at): Row) -> Self {
        Self { id, author_id, title, body, views, published, created_at }
    }
}

impl Post {
    fn new(number: i64) -> Self {
        Self {
            id: 0,
            author_id: number % 10,
            title: post::title(number),
            body: post::body(number),
            views: number,
            published: number % 2 == 0,
            created_at: post::created_at(number),
        }
    }
}

/// What an update sets.
pub(super) struct Edit {
    id: i64,
    title: String,
    views: i64,
}

impl Edit {
    fn new(number: i64) -> Self {
        Self { id: number, title: post::new_title(number), views: post::new_views(number) }
    }
}

/// Whether the transaction has the lock that it needs for writing, which matters to `SQLite`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    ToWrite,
    ByCaller,
}

type Connection<D> = <<D as Driver>::Db as Database>::Connection;

/// The statements of one backend.
pub(super) trait Driver {
    type Db: Database;
    /// Begins a transaction that will write.
    const BEGIN: &'static str;

    fn pool(db: &DatabaseConnection) -> &Pool<Self::Db>;

    async fn insert(db: &mut Connection<Self>, post: Post) -> Result<Post>;
    async fn update(db: &mut Connection<Self>, edit: Edit, begun: Begun) -> Result<(Post, Post)>;
    async fn delete(db: &mut Connection<Self>, id: i64) -> Result<Post>;

    async fn insert_many(db: &mut Connection<Self>, posts: Vec<Post>) -> Result<Vec<Post>>;
    /// One more view for all posts.
    async fn update_many(db: &mut Connection<Self>) -> Result<Vec<(Post, Post)>>;
    async fn delete_many(db: &mut Connection<Self>) -> Result<Vec<Post>>;

    async fn store(db: &mut Connection<Self>, entry: Entry) -> Result<()>;
    async fn store_many(db: &mut Connection<Self>, entries: Vec<Entry>) -> Result<()>;
}

pub(super) struct Floor<'a, D: Driver> {
    pool: &'a Pool<D::Db>,
}

impl<'a, D: Driver> Floor<'a, D> {
    pub(super) fn new(db: &'a DatabaseConnection) -> Self {
        Self { pool: D::pool(db) }
    }
}

impl<D: Driver> Contender for Floor<'_, D> {
    async fn on_pool(&self, write: Write, number: i64) -> Result<()> {
        let mut txn = self.pool.begin_with(D::BEGIN).await?;
        let group = Some(Stamp::next().id);
        write_and_store::<D>(&mut txn, write, number, Begun::ToWrite, group).await?;
        Ok(txn.commit().await?)
    }

    async fn in_transaction(&self, write: Write, number: i64, meter: &mut Meter) -> Result<()> {
        let mut txn = self.pool.begin().await?;
        let lap = meter.start();
        let mut savepoint = txn.begin().await?;
        write_and_store::<D>(&mut savepoint, write, number, Begun::ByCaller, None).await?;
        savepoint.commit().await?;
        meter.stop(&lap);
        Ok(txn.commit().await?)
    }

    async fn updates(&self, first: i64) -> Result<()> {
        let mut txn = self.pool.begin_with(D::BEGIN).await?;
        let group = Some(Stamp::next().id);
        let mut entries = Vec::new();
        for number in first..first + UPDATES {
            let images = D::update(&mut txn, Edit::new(number), Begun::ToWrite).await?;
            entries.push(Entry::updated(&images, group));
        }
        D::store_many(&mut txn, entries).await?;
        Ok(txn.commit().await?)
    }

    async fn bulk(&self, write: Write) -> Result<()> {
        let mut txn = self.pool.begin_with(D::BEGIN).await?;
        let group = Some(Stamp::next().id);
        let entries = match write {
            Write::Insert => {
                let posts = D::insert_many(&mut txn, (1..=BULK).map(Post::new).collect()).await?;
                posts.iter().map(|post| Entry::created(post, group)).collect()
            }
            Write::Update => {
                let images = D::update_many(&mut txn).await?;
                images.iter().map(|images| Entry::updated(images, group)).collect()
            }
            Write::Delete => {
                let posts = D::delete_many(&mut txn).await?;
                posts.iter().map(|post| Entry::deleted(post, group)).collect()
            }
        };
        D::store_many(&mut txn, entries).await?;
        Ok(txn.commit().await?)
    }
}

async fn write_and_store<D: Driver>(
    db: &mut Connection<D>,
    write: Write,
    number: i64,
    begun: Begun,
    group: Option<Uuid>,
) -> Result<()> {
    let entry = match write {
        Write::Insert => Entry::created(&D::insert(db, Post::new(number)).await?, group),
        Write::Update => Entry::updated(&D::update(db, Edit::new(number), begun).await?, group),
        Write::Delete => Entry::deleted(&D::delete(db, number).await?, group),
    };
    D::store(db, entry).await
}
