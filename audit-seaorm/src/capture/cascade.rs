//! Deletes that would make the database change other records by itself, which leaves no entry of them.

use std::sync::Arc;

use audit_core::AuditConfig;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, EntityTrait,
    sea_query::{
        Alias, Expr, ExprTrait, IntoIden, LockType, Query, SelectStatement, TableName as QueryName,
        TableRef,
    },
};

use super::{
    bulk::keys::{Key, among},
    ground::Ground,
};
use crate::{
    error::AuditError,
    guard::{ForeignKey, Path, told},
    registry::TableName,
};

/// Whether deletes of this table have to be looked into, which takes rows that are locked already.
pub(super) async fn are_possible<E: EntityTrait>(
    ground: &Ground<'_>,
    config: &AuditConfig,
) -> Result<bool, DbErr> {
    Ok(!paths::<E>(ground, config).await?.is_empty())
}

/// Refuses to delete rows, which are locked, if a foreign key would change records that refer to them.
pub(super) async fn refuse<E: EntityTrait>(
    ground: &Ground<'_>,
    config: &AuditConfig,
    keys: &[Key],
) -> Result<(), DbErr> {
    let Some(guard) = ground.guard.filter(|_| !keys.is_empty()) else {
        return Ok(());
    };
    for path in paths::<E>(ground, config).await? {
        let found = ground.db.query_one(&referring::<E>(&ground.db, &path, keys)).await?;
        if found.is_some() {
            let parent = crate::record::table_name::<E>();
            let escape = AuditError::Cascades { parent, path: told(&path) };
            return guard.escaped(escape, config);
        }
    }
    Ok(())
}

/// None where nothing is recorded anyway.
async fn paths<E: EntityTrait>(
    ground: &Ground<'_>,
    config: &AuditConfig,
) -> Result<Vec<Path>, DbErr> {
    match ground.guard {
        Some(guard) if !audit_core::is_paused() => {
            guard.learn(&ground.db).await?;
            Ok(guard.cascades(&TableName::of::<E>(), config))
        }
        _ => Ok(Vec::new()),
    }
}

/// One row at the end of the path, if there is one.
fn referring<E: EntityTrait>(
    db: &impl ConnectionTrait,
    path: &[Arc<ForeignKey>],
    keys: &[Key],
) -> SelectStatement {
    let backend = db.get_database_backend();
    let mut select = Query::select();
    select.expr(Expr::val(1)).from(E::default().table_ref()).limit(1);
    let own = Alias::new(E::default().table_name()).into_iden();
    let alias = |step: usize| Alias::new(format!("c${step}")).into_iden();
    for (step, key) in path.iter().enumerate() {
        let parent = if step == 0 { own.clone() } else { alias(step - 1) };
        let columns = key.facts.child_columns.iter().zip(&key.facts.parent_columns);
        let same = columns.fold(sea_orm::Condition::all(), |same, (child, referred)| {
            let child = Expr::col((alias(step), Alias::new(child)));
            same.add(child.equals((parent.clone(), Alias::new(referred))))
        });
        select.inner_join(table(&key.child.name, alias(step)), same);
    }
    select.cond_where(among::<E>(keys, backend));
    if backend == DbBackend::MySql {
        // A plain read of a MariaDB transaction sees what was there when the transaction first looked.
        select.lock(LockType::Share);
    }
    select
}

fn table(name: &TableName, alias: sea_orm::sea_query::DynIden) -> TableRef {
    let table = Alias::new(&name.table).into_iden();
    let name = match &name.schema {
        Some(schema) => QueryName::from((Alias::new(schema), table)),
        None => QueryName::from(table),
    };
    TableRef::Table(name, Some(alias))
}
