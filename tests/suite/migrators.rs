//! The migrations of a trail, in the combinations that applications choose.

use audit_migration::{append_only, migrations, partition_by_month};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

macro_rules! migrator {
    ($(#[$doc:meta])+ $name:ident: $($more:ident),+) => {
        $(#[$doc])+
        pub(crate) struct $name;

        impl MigratorTrait for $name {
            fn migrations() -> Vec<Box<dyn MigrationTrait>> {
                let mut all = migrations();
                $(all.push($more());)+
                all
            }
        }
    };
}

migrator! {
    /// Nobody changes an entry.
    AppendOnly: append_only
}

migrator! {
    /// A partition for each month.
    ByMonth: partition_by_month
}

migrator! {
    /// Months, and then nobody changes an entry.
    ByMonthAppendOnly: partition_by_month, append_only
}

migrator! {
    /// Nobody changes an entry, and then months.
    AppendOnlyByMonth: append_only, partition_by_month
}
