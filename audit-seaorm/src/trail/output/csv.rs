//! RFC 4180. Its rule of quoting is all that writing takes, so that no crate is asked for it.

use std::{future, ops::Deref};

use audit_core::AuditEntry;
use futures_util::{Stream, StreamExt, TryStreamExt, stream};
use sea_orm::{ConnectionTrait, DbErr, IdenStatic, Iterable};

use crate::{entity::Column, trail::AuditQuery};

impl AuditQuery {
    /// The entries as CSV (RFC 4180), in the order of the query, behind a line with the names of
    /// [`AuditEntry`]'s fields. All of them unless [`limit`](Self::limit) was called.
    ///
    /// Values, and metadata, are JSON texts; times are in UTC with microseconds. Nothing is an empty cell, and
    /// an empty text is `""`, as for `PostgreSQL`'s `COPY`. The last column tells what of an entry cannot be read, and why. Texts are exact, so that what reads CSV reads what
    /// the trail holds: for people who open the file in a spreadsheet there is
    /// [`export_csv_for_spreadsheets`](Self::export_csv_for_spreadsheets).
    ///
    /// It is a stream of texts of many lines each, and holds one at a time: see
    /// [`export_json_lines`](Self::export_json_lines).
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
    /// use audit_seaorm::{AuditTrail, Change, Image};
    /// # use audit_migration::MigratorTrait;
    /// use futures_util::TryStreamExt;
    /// # use sea_orm::{Database, DbErr};
    /// use std::sync::Arc;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), DbErr> {
    /// # let db = Database::connect("sqlite::memory:").await?;
    /// # audit_migration::Migrator::up(&db, None).await?;
    /// AuditTrail::record(&db, Change::create("book", "1", Image::new())).await?;
    ///
    /// let books = AuditTrail::query().table("book");
    /// let body = books.export_csv(Arc::new(db)); // for `axum::body::Body::from_stream`
    /// let csv: String = body.try_collect().await?;
    /// assert!(csv.starts_with("id,table_name,record_id,operation,"));
    /// assert_eq!(csv.lines().count(), 2);
    /// # Ok(())
    /// # }
    /// ```
    pub fn export_csv<D>(self, db: D) -> impl Stream<Item = Result<String, DbErr>> + Send
    where
        D: Deref<Target: ConnectionTrait + Sized> + Send + Sync,
    {
        lines(self, db, header(), exact)
    }

    /// As [`export_csv`](Self::export_csv), for people who open the file in a spreadsheet.
    ///
    /// A spreadsheet runs a cell that begins with `=`, `+`, `-`, `@`, or with a tab or the end of a line, as a
    /// formula, which can send away what stands in other cells. What a user wrote may begin so; here it has a
    /// `'` before it, as OWASP advises, so that it is text. So has a key such as `-1`. All cells are quoted, and
    /// the file begins with a byte order mark, without which Excel does not read UTF-8.
    ///
    /// It protects in programs that take the comma for the end of a cell; whoever imports with another
    /// separator has other cells.
    ///
    /// # Errors
    ///
    /// As [`all`](Self::all), as an item, which is the last one.
    ///
    /// # Cancel safety
    ///
    /// Reads only: it can be dropped at any time.
    pub fn export_csv_for_spreadsheets<D>(
        self,
        db: D,
    ) -> impl Stream<Item = Result<String, DbErr>> + Send
    where
        D: Deref<Target: ConnectionTrait + Sized> + Send + Sync,
    {
        lines(self, db, format!("\u{feff}{}", header()), harmless)
    }
}

/// Writes a text as a cell.
type Cell = fn(&mut String, &str);

fn lines<D>(
    query: AuditQuery,
    db: D,
    header: String,
    cell: Cell,
) -> impl Stream<Item = Result<String, DbErr>> + Send
where
    D: Deref<Target: ConnectionTrait + Sized> + Send + Sync,
{
    let pages = query.pages(db).map_ok(move |page| {
        let mut lines = String::new();
        for entry in page {
            line(&mut lines, &entry, cell);
        }
        lines
    });
    stream::once(future::ready(Ok(header))).chain(pages)
}

fn header() -> String {
    let names: Vec<_> = Column::iter().map(|column| column.as_str()).collect();
    format!("{},unreadable\r\n", names.join(","))
}

fn line(out: &mut String, entry: &AuditEntry, cell: Cell) {
    for (place, text) in fields(entry).iter().enumerate() {
        if place > 0 {
            out.push(',');
        }
        if let Some(text) = text {
            cell(out, text);
        }
    }
    out.push_str("\r\n");
}

/// In the order of the columns, and what of them cannot be read.
fn fields(entry: &AuditEntry) -> [Option<String>; 14] {
    let has_id = entry.unreadable.as_ref().is_none_or(|it| it.reason("id").is_none());
    let json = |values: &Option<serde_json::Value>| values.as_ref().map(ToString::to_string);
    [
        has_id.then(|| entry.id.to_string()),
        Some(entry.table_name.clone()),
        Some(entry.record_id.clone()),
        Some(entry.operation.to_string()),
        json(&entry.old_values),
        json(&entry.new_values),
        entry.user_id.clone(),
        entry.user_email.clone(),
        entry.request_id.clone(),
        entry.transaction_id.map(|id| id.to_string()),
        entry.reason.clone(),
        json(&entry.metadata),
        entry.time().map(|at| at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()),
        entry.unreadable.as_ref().map(ToString::to_string),
    ]
}

fn exact(out: &mut String, text: &str) {
    if text.is_empty() || text.contains([',', '"', '\r', '\n']) {
        quoted(out, "", text);
    } else {
        out.push_str(text);
    }
}

/// Quoted in any case: a spreadsheet may go by more separators than the comma.
fn harmless(out: &mut String, text: &str) {
    // The last four are those of wide writing, which some take for the same.
    let dangerous =
        text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']);
    quoted(out, if dangerous { "'" } else { "" }, text);
}

fn quoted(out: &mut String, prefix: &str, text: &str) {
    out.push('"');
    out.push_str(prefix);
    for (place, part) in text.split('"').enumerate() {
        if place > 0 {
            out.push_str("\"\"");
        }
        out.push_str(part);
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(cell: Cell, text: &str) -> String {
        let mut out = String::new();
        cell(&mut out, text);
        out
    }

    #[test]
    fn a_cell_is_quoted_where_it_must_be() {
        for plain in ["a", " a ", "ä;b", "=1", "'"] {
            assert_eq!(cell(exact, plain), plain);
        }
        for (text, quoted) in
            [("", "\"\""), ("a,b", "\"a,b\""), ("\"", "\"\"\"\""), ("a\r\n", "\"a\r\n\"")]
        {
            assert_eq!(cell(exact, text), quoted);
        }
    }

    #[test]
    fn a_formula_becomes_text_in_a_spreadsheet() {
        for formula in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(cell(harmless, formula), format!("\"'{formula}\""));
        }
        for text in ["a", "1", "a=1", " =1", "'=1", ""] {
            assert_eq!(cell(harmless, text), format!("\"{text}\""));
        }
    }
}
