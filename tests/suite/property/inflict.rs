//! Damage to the database that a random history left.

use audit_seaorm::{AuditEntry, AuditTrail, Auditable, FindingKind, Operation};
use audit_tests::TestDb;
use sea_orm::{DatabaseTransaction, TransactionTrait};
use serde_json::Value as Json;

use super::Dice;
use crate::{
    damage::{exchange_times, remove, rewrite, set},
    entities::post,
    relations::note,
    support::{entries, number, sql},
};

/// A table with one column that every entry of it can be told by.
struct Target<E> {
    entity: E,
    table: &'static str,
    column: &'static str,
    forged: Json,
}

pub(super) async fn all(t: &TestDb, dice: &mut Dice, what: &str) {
    let post = Target { entity: post::Entity, table: "post", column: "likes", forged: 777.into() };
    post.inflict(t, dice, what).await;
    let note = Target { entity: note::Entity, table: "note", column: "text", forged: "777".into() };
    note.inflict(t, dice, what).await;
}

impl<E: Auditable + Copy> Target<E> {
    async fn inflict(&self, t: &TestDb, dice: &mut Dice, what: &str) {
        let mut entries = entries(&t.db).await;
        entries.retain(|entry| entry.table_name == self.table);
        for _ in 0..5 {
            self.change_a_row(t, dice, what).await;
            self.delete_an_entry(t, dice, &entries, what).await;
            self.alter_an_entry(t, dice, &entries, what).await;
            self.swap_two_entries(t, dice, &entries, what).await;
        }
    }

    async fn change_a_row(&self, t: &TestDb, dice: &mut Dice, what: &str) {
        let Self { table, column, .. } = self;
        let count = number(&t.db, &format!("SELECT COUNT(*) FROM {table}")).await;
        let Ok(count @ 1..) = usize::try_from(count) else { return };
        let nth = dice.below(count);
        let id = format!("SELECT id FROM {table} ORDER BY id LIMIT 1 OFFSET {nth}");
        let id = number(&t.db, &id).await;
        let update = format!("UPDATE {table} SET {column} = '777' WHERE id = {id}");
        let expected = (id.to_string(), Some(FindingKind::RowDiffers));
        self.found(t, async |txn| sql(txn, &update).await, expected, what).await;
    }

    async fn delete_an_entry(&self, t: &TestDb, dice: &mut Dice, all: &[AuditEntry], what: &str) {
        let telling = all.iter().filter(|entry| self.tells(entry)).collect();
        let Some(entry) = dice.take(telling) else { return };
        let expected = (entry.record_id.clone(), None);
        self.found(t, async |txn| remove(txn, entry.clone()).await, expected, what).await;
    }

    async fn alter_an_entry(&self, t: &TestDb, dice: &mut Dice, all: &[AuditEntry], what: &str) {
        let telling = all.iter().filter(|entry| self.tells(entry)).collect();
        let Some(entry) = dice.take(telling) else { return };
        let old = entry.new_values.is_none() || entry.old_values.is_some() && dice.chance(50);
        let inflict = async |txn: &DatabaseTransaction| {
            rewrite(txn, entry.clone(), |row| {
                let side = if old { &mut row.old_values } else { &mut row.new_values };
                set(side, self.column, self.forged.clone());
            })
            .await;
        };
        self.found(t, inflict, (entry.record_id.clone(), None), what).await;
    }

    async fn swap_two_entries(&self, t: &TestDb, dice: &mut Dice, all: &[AuditEntry], what: &str) {
        let pairs = all.iter().enumerate().filter_map(|(at, one)| {
            let mut later = all[at + 1..].iter();
            let other = later.find(|other| other.record_id == one.record_id)?;
            (one.timestamp != other.timestamp).then_some([one, other])
        });
        let Some(pair) = dice.take(pairs.collect()) else { return };
        let expected = (pair[0].record_id.clone(), Some(FindingKind::TimeAltered));
        let inflict = async |txn: &DatabaseTransaction| {
            exchange_times(txn, pair.map(Clone::clone)).await;
        };
        self.found(t, inflict, expected, what).await;
    }

    /// Whether it holds more than redacted values, which nobody can compare.
    fn tells(&self, entry: &AuditEntry) -> bool {
        entry.operation != Operation::Update
            || entry.new_values.as_ref().is_some_and(|new| new.get(self.column).is_some())
    }

    /// Inflicts a damage, has it found, and takes it back.
    async fn found(
        &self,
        t: &TestDb,
        inflict: impl AsyncFnOnce(&DatabaseTransaction),
        (record_id, kind): (String, Option<FindingKind>),
        what: &str,
    ) {
        let txn = t.db.begin().await.unwrap();
        inflict(&txn).await;
        let report = AuditTrail::verify(&txn, self.entity).await.unwrap();
        txn.rollback().await.unwrap();
        let found = report.findings().iter().any(|finding| {
            finding.record_id == record_id && kind.is_none_or(|kind| finding.kind == kind)
        });
        assert!(found, "{what}: {record_id} {kind:?} is not found\n{report}");
    }
}
