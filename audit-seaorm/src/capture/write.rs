use std::{any::Any, sync::Arc};

use audit_core::{AuditConfig, Operation};
use futures_util::future::BoxFuture;
use sea_orm::DbErr;

use super::{escape::escaped, ground::Ground, user::require_user};
use crate::{
    Auditable,
    error::{AuditError, Place},
    read_row,
    registry::TableName,
    writer::Recorder,
};

/// A write together with its entries.
pub(crate) trait Write: Send + 'static {
    type Entity: Auditable;
    type Output: Send + 'static;
    const OPERATION: Operation;
    /// Whether it takes several statements that change something, so that a failure half-way leaves
    /// some of it done.
    const STEPS: bool = false;

    /// Writes and records. An error leaves it to the caller to take back what was written, and perhaps to run it again.
    fn run(
        &mut self,
        recorder: &Recorder<Self::Entity>,
        ground: Ground<'_>,
    ) -> impl Future<Output = Result<Self::Output, DbErr>> + Send;
}

/// A write and its recorder, their types forgotten: so what surrounds them is compiled once, and not for each kind of
/// write of each entity of an application.
pub(crate) trait Job: Send {
    fn operation(&self) -> Operation;

    fn table(&self) -> &str;

    /// The table as the database knows it, if the write is to be recorded.
    fn recorded_table(&self) -> Option<TableName>;

    /// See [`Write::STEPS`].
    fn has_steps(&self) -> bool;

    /// See [`Recorder::background`].
    fn background(&self) -> Option<Arc<AuditConfig>>;

    /// Refuses what is done in nobody's name, if it is to be recorded and the configuration says so.
    fn require_user(&self) -> Result<(), AuditError>;

    /// Refuses what cannot be recorded truly in this place, if it is to be recorded.
    fn escape(&self, place: Place) -> Result<(), AuditError>;

    /// See [`Write::run`].
    fn run<'a>(&'a mut self, ground: Ground<'a>) -> BoxFuture<'a, Result<Answer, DbErr>>;
}

/// The output of the write.
pub(crate) type Answer = Box<dyn Any + Send>;

pub(super) struct Recorded<W: Write> {
    pub(super) write: W,
    pub(super) recorder: Recorder<W::Entity>,
}

impl<W: Write> Job for Recorded<W> {
    fn operation(&self) -> Operation {
        W::OPERATION
    }

    fn table(&self) -> &str {
        self.recorder.table()
    }

    fn recorded_table(&self) -> Option<TableName> {
        self.recorder.is_recording().then(TableName::of::<W::Entity>)
    }

    fn has_steps(&self) -> bool {
        W::STEPS
    }

    fn background(&self) -> Option<Arc<AuditConfig>> {
        self.recorder.background()
    }

    fn require_user(&self) -> Result<(), AuditError> {
        if self.recorder.is_recording() {
            require_user(self.recorder.config(), self.recorder.table())?;
        }
        Ok(())
    }

    fn escape(&self, place: Place) -> Result<(), AuditError> {
        if self.recorder.is_recording() {
            escaped(&self.recorder, W::OPERATION, place)?;
        }
        Ok(())
    }

    fn run<'a>(&'a mut self, ground: Ground<'a>) -> BoxFuture<'a, Result<Answer, DbErr>> {
        Box::pin(async move {
            let output = self.write.run(&self.recorder, ground).await;
            let output = output.map_err(read_row::without_values::<W::Entity>)?;
            self.recorder.check_name()?;
            Ok(Box::new(output) as Answer)
        })
    }
}
