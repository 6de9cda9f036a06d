use sea_orm::{
    ColumnTrait, Condition, EntityTrait, ModelTrait, Value,
    sea_query::{ConditionalStatement, IntoCondition, LogicalChainOper},
};

use crate::record::key_columns;

/// What the rows of a bulk write have in common: what
/// [`QueryFilter::filter`](sea_orm::QueryFilter::filter) adds to. Without any all rows of the table.
///
/// `SeaORM`'s own statements do not give their conditions back, and a before-image has to be read under
/// the very condition of the write.
#[derive(Clone, Debug)]
pub struct Filter(Condition);

impl Filter {
    pub(crate) fn all() -> Self {
        Self(Condition::all())
    }

    pub(crate) fn condition(&self) -> Condition {
        self.0.clone()
    }

    /// The row with this key.
    pub(crate) fn key<E: EntityTrait>(key: impl IntoIterator<Item = Value>) -> Self {
        let parts = key_columns::<E>().zip(key);
        Self(parts.fold(Condition::all(), |row, (column, value)| row.add(column.eq(value))))
    }

    /// The row with the key of this one.
    pub(crate) fn key_of<E: EntityTrait>(row: &E::Model) -> Self {
        let parts = key_columns::<E>().map(|column| column.eq(row.get(column)));
        Self(parts.fold(Condition::all(), Condition::add))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn and(&mut self, condition: impl IntoCondition) {
        self.0 = std::mem::replace(&mut self.0, Condition::all()).add(condition.into_condition());
    }
}

impl ConditionalStatement for Filter {
    fn and_or_where(&mut self, condition: LogicalChainOper) -> &mut Self {
        match condition {
            LogicalChainOper::And(expr) => self.and(expr),
            LogicalChainOper::Or(expr) => {
                let former = std::mem::replace(&mut self.0, Condition::all());
                self.0 = Condition::all().add(Condition::any().add(former).add(expr));
            }
        }
        self
    }

    fn cond_where<C: IntoCondition>(&mut self, condition: C) -> &mut Self {
        self.and(condition);
        self
    }
}
