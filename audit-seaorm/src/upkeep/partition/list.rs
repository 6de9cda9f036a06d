use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, QueryResult, Statement,
    prelude::DateTimeUtc,
};

/// A part of `audit_trail`, on `PostgreSQL`: the entries from one moment until before another.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Partition {
    /// The name of its table, such as `audit_trail_2026_11`.
    pub name: String,
    /// The first moment that it has; none if it has all before its end, as the one has that the table was converted to,
    /// and for the default.
    pub starts: Option<DateTimeUtc>,
    /// The first moment that it has not; none for the default.
    pub ends: Option<DateTimeUtc>,
    /// Whether it has what fits no other one.
    pub is_default: bool,
    /// About how many entries it has, as the database counted them last.
    pub entries: u64,
    /// How much room it takes, indexes included, in bytes.
    pub bytes: u64,
}

impl Partition {
    fn read(row: &QueryResult) -> Result<Self, DbErr> {
        let number = |column| Ok::<_, DbErr>(row.try_get::<i64>("", column)?.unsigned_abs());
        Ok(Self {
            name: row.try_get("", "name")?,
            starts: row.try_get("", "starts")?,
            ends: row.try_get("", "ends")?,
            is_default: row.try_get("", "is_default")?,
            entries: number("entries")?,
            bytes: number("bytes")?,
        })
    }

    /// Whether all its entries are older.
    pub(in crate::upkeep) fn is_before(&self, moment: DateTimeUtc) -> bool {
        self.ends.is_some_and(|ends| ends <= moment)
    }
}

pub(in crate::upkeep) async fn is_partitioned(db: &DatabaseConnection) -> Result<bool, DbErr> {
    if db.get_database_backend() != DbBackend::Postgres {
        return Ok(false);
    }
    let sql = "SELECT 1 FROM pg_class WHERE oid = to_regclass('audit_trail') AND relkind = 'p'";
    Ok(db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?.is_some())
}

/// How many months after the present one have a partition; none if the trail has no partitions.
pub(crate) async fn months_ahead(db: &DatabaseConnection) -> Result<Option<u32>, DbErr> {
    if !is_partitioned(db).await? {
        return Ok(None);
    }
    let sql = "SELECT COUNT(*) FROM audit_trail_partitions() WHERE starts > now()";
    let row = db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    let months: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    Ok(u32::try_from(months).ok())
}

/// Whether the role may take partitions away.
pub(in crate::upkeep) async fn is_owner(db: &DatabaseConnection) -> Result<bool, DbErr> {
    let sql = "SELECT 1 FROM pg_class \
               WHERE oid = to_regclass('audit_trail') AND pg_has_role(relowner, 'USAGE')";
    Ok(db.query_one_raw(Statement::from_string(DbBackend::Postgres, sql)).await?.is_some())
}

pub(in crate::upkeep) async fn list(db: &DatabaseConnection) -> Result<Vec<Partition>, DbErr> {
    let sql = "SELECT * FROM audit_trail_partitions() ORDER BY is_default, starts NULLS FIRST";
    let rows = db.query_all_raw(Statement::from_string(DbBackend::Postgres, sql)).await?;
    rows.iter().map(Partition::read).collect()
}
