use sea_orm::DatabaseConnection;

use super::AuditConnection;

/// A pool on which an [`AuditTransaction`](crate::AuditTransaction) can begin: `SeaORM`'s
/// [`DatabaseConnection`], or an [`AuditConnection`], whose transactions follow its
/// [`on_escape`](AuditConnection::on_escape). Nobody else can implement it.
pub trait AuditPool: sealed::Sealed {
    /// The pool with its guard.
    #[doc(hidden)]
    fn guarded(&self) -> AuditConnection;
}

mod sealed {
    #[allow(unreachable_pub, reason = "out of reach is what seals the trait")]
    pub trait Sealed: Sync {}
}

impl sealed::Sealed for DatabaseConnection {}

impl AuditPool for DatabaseConnection {
    fn guarded(&self) -> AuditConnection {
        AuditConnection::of_pool(self.clone())
    }
}

impl sealed::Sealed for AuditConnection {}

impl AuditPool for AuditConnection {
    fn guarded(&self) -> AuditConnection {
        self.clone()
    }
}

impl<T: AuditPool + ?Sized> sealed::Sealed for &T {}

impl<T: AuditPool + ?Sized> AuditPool for &T {
    fn guarded(&self) -> AuditConnection {
        (**self).guarded()
    }
}
