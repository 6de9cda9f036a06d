use std::ops::Deref;

use futures_util::{Stream, TryStreamExt};
use sea_orm::{ConnectionTrait, DbErr};

use crate::trail::AuditQuery;

impl AuditQuery {
    /// The entries as JSON lines, in the order of the query: an object a line, in the form that
    /// [`AuditEntry`](crate::AuditEntry) has by serde, and reads back. All of them unless
    /// [`limit`](Self::limit) was called.
    ///
    /// It is a stream of texts of many lines each, and holds one at a time: about a megabyte, more where a single
    /// entry has more. As [`stream`](Self::stream) it holds no connection in between. Pass `&db`, or
    /// `Arc::new(db)` where the stream must own what it reads from, as in the body of a response.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all), as an item, which is the last one.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    ///
    /// ```
    /// use audit_seaorm::{AuditEntry, AuditTrail, Change, Image};
    /// # use audit_migration::MigratorTrait;
    /// use futures_util::TryStreamExt;
    /// use std::io::Write;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let db = sea_orm::Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// AuditTrail::record(&db, Change::create("book", "1", Image::new())).await?;
    ///
    /// let mut file = Vec::new(); // or a file, a socket, a compressor
    /// let mut lines = std::pin::pin!(AuditTrail::query().oldest_first().export_json_lines(&db));
    /// while let Some(some_lines) = lines.try_next().await? {
    ///     file.write_all(some_lines.as_bytes())?;
    /// }
    ///
    /// let entry: AuditEntry = serde_json::from_slice(&file)?;
    /// assert_eq!(entry.table_name, "book");
    /// # Ok(())
    /// # }
    /// ```
    pub fn export_json_lines<D>(self, db: D) -> impl Stream<Item = Result<String, DbErr>> + Send
    where
        D: Deref<Target: ConnectionTrait + Sized> + Send + Sync,
    {
        self.pages(db).and_then(async |page| {
            let mut lines = String::new();
            for entry in page {
                let line = serde_json::to_string(&entry);
                lines.push_str(&line.map_err(|error| DbErr::Json(error.to_string()))?);
                lines.push('\n');
            }
            Ok(lines)
        })
    }
}
