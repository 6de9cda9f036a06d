//! What holds for the columns of a table: the rules of all its entities and of the configuration together.
//!
//! Several entities may be of one table, each for a part of its columns. A rule of one of them holds for all of them, or the
//! secret that one hides would come into the trail by the other.

use audit_core::{AuditConfig, FieldRule, Policy};
use sea_orm::{IdenStatic, Iterable};

use crate::{Auditable, record, registry};

/// The policy of a table by its name in the trail. Of two rules for a column, `Skip` stands.
///
/// Nothing of it is kept, so that it follows names that depend on the moment.
pub(crate) fn of_table(config: &AuditConfig, table: &str) -> Policy {
    registry::of_table(table).into_iter().fold(config.policy(table), |policy, audited| {
        let redacted = config.redacted(&audited.in_trail).map(|column| (column, FieldRule::Redact));
        let rules = redacted.chain((audited.facts.rules)());
        rules.fold(policy, |policy, (column, rule)| policy.rule(column, rule))
    })
}

/// The same with what is known of the columns by the entity.
pub(crate) fn of_entity<E: Auditable>(config: &AuditConfig, table: &str) -> Policy {
    let others =
        registry::of_table(table).into_iter().flat_map(|audited| (audited.facts.columns)());
    let policy = of_table(config, table)
        .keys(record::key_columns::<E>().map(record::name))
        .columns(columns::<E>().into_iter().chain(others));
    rules::<E>().into_iter().fold(policy, |policy, (column, rule)| policy.rule(column, rule))
}

/// The columns of the entity that no entity of the table skips.
pub(crate) fn told_columns<E: Auditable>() -> impl Iterator<Item = E::Column> {
    let others = registry::of_table(&record::table_name::<E>()).into_iter();
    let rules = others.flat_map(|audited| (audited.facts.rules)()).chain(rules::<E>());
    let skipped: Vec<_> = rules.filter(|(_, rule)| *rule == FieldRule::Skip).collect();
    E::Column::iter().filter(move |it| skipped.iter().all(|(column, _)| *column != it.as_str()))
}

/// By name, for the registry.
pub(crate) fn rules<E: Auditable>() -> Vec<(&'static str, FieldRule)> {
    E::RULES.iter().map(|(column, rule)| (column.as_str(), *rule)).collect()
}

/// By name, for the registry.
pub(crate) fn columns<E: Auditable>() -> Vec<&'static str> {
    E::Column::iter().map(|column| column.as_str()).collect()
}
