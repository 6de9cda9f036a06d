use std::future::Future;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::{AuditUser, scope::Scope};

/// Who acts and why: everything that an entry says beside the change itself.
///
/// A context belongs to a task. [`scope`](Self::scope) opens it for a future, and whatever is
/// written while that future runs is recorded in its name. Scopes nest; the former one is back when
/// the inner one ends, by whatever way it ends.
///
/// A task made by plain `tokio::spawn` inherits nothing and records no user, never somebody else's:
/// use [`spawn`](crate::spawn()) or [`InAuditContext`](crate::InAuditContext) to carry the context.
///
/// ```
/// use audit_core::{AuditContext, AuditUser};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// AuditContext::new()
///     .user(AuditUser::new("42").email("ann@example.com"))
///     .request_id("req-1")
///     .reason("ticket 7")
///     .metadata("ip", "203.0.113.9")
///     .scope(async {
///         assert_eq!(AuditContext::current_user().unwrap().id(), "42");
///     })
///     .await;
/// # }
/// ```
///
/// An inner scope replaces the outer one whole. To change a part, start from the current context:
///
/// ```
/// # use audit_core::{AuditContext, AuditUser};
/// let outer = AuditContext::new().user(AuditUser::new("42")).request_id("req-1");
/// outer.sync_scope(|| {
///     let inner = AuditContext::current().unwrap_or_default().reason("clean-up");
///     inner.sync_scope(|| {
///         let context = AuditContext::current().unwrap();
///         assert_eq!(context.get_request_id(), Some("req-1"));
///         assert_eq!(context.get_reason(), Some("clean-up"));
///     });
/// });
/// ```
///
/// By serde it crosses a process as JSON. A field of another name is an error that names it: a slip would name nobody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AuditContext {
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<AuditUser>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    metadata: Map<String, Value>,
}

impl AuditContext {
    /// A context without a user. Its request id is made when a scope is opened with it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Names the user. Defaults to none.
    #[must_use]
    pub fn user(mut self, user: AuditUser) -> Self {
        self.user = Some(user);
        self
    }

    /// Names the request. Defaults to a new random UUID for each scope opened.
    #[must_use]
    pub fn request_id(mut self, id: impl Into<String>) -> Self {
        self.request_id = Some(id.into());
        self
    }

    /// Says why. Defaults to nothing.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Adds one entry to the metadata; the same key again replaces it. Defaults to no metadata.
    #[must_use]
    pub fn metadata(mut self, key: impl Into<String>, value: impl Into<Value>) -> Self {
        self.metadata.insert(key.into(), value.into());
        self
    }

    /// The user, if one is named.
    #[must_use]
    pub fn get_user(&self) -> Option<&AuditUser> {
        self.user.as_ref()
    }

    /// The request id; always there in a context that [`current`](Self::current) gave.
    #[must_use]
    pub fn get_request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// The reason, if one is given.
    #[must_use]
    pub fn get_reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// The metadata, empty if none was given.
    #[must_use]
    pub fn get_metadata(&self) -> &Map<String, Value> {
        &self.metadata
    }

    /// Runs `future` in this context.
    ///
    /// # Cancel safety
    ///
    /// Dropping the returned future drops `future`; the outer scope is not touched.
    pub async fn scope<F: Future>(self, future: F) -> F::Output {
        let scope = Scope::current().with_context(self.identified());
        scope.run(future).await
    }

    /// Runs `work` in this context, without a future: for threads and synchronous code.
    pub fn sync_scope<T>(self, work: impl FnOnce() -> T) -> T {
        Scope::current().with_context(self.identified()).run_sync(work)
    }

    /// The context of the innermost scope, as it is now; none outside of any scope.
    #[must_use]
    pub fn current() -> Option<Self> {
        Scope::current().context()
    }

    /// The user of the innermost scope; none outside of any scope or when nobody is named.
    #[must_use]
    pub fn current_user() -> Option<AuditUser> {
        Self::current().and_then(|context| context.user)
    }

    /// Whether the innermost scope names a user.
    #[must_use]
    pub fn has_user() -> bool {
        Scope::current().has_user()
    }

    /// Names the user of the scope that is open, for code that learns it late, such as a handler
    /// that authenticates. It holds until that scope ends, for all futures joined in it, and for
    /// tasks spawned from it afterwards.
    ///
    /// Returns whether a scope was open; without one nothing is changed.
    #[must_use = "false means that no scope was open and nobody is named"]
    pub fn set_user(user: AuditUser) -> bool {
        Scope::current().update(|context| context.user = Some(user))
    }

    /// Takes the user out of the scope that is open. Returns whether a scope was open.
    #[must_use = "false means that no scope was open"]
    pub fn clear_user() -> bool {
        Scope::current().update(|context| context.user = None)
    }

    /// Runs `future` without recording any change: for a bulk import that is recorded otherwise,
    /// for test fixtures. Whatever it writes is missing from the trail for good.
    pub async fn without_audit<F: Future>(future: F) -> F::Output {
        Scope::current().paused().run(future).await
    }

    pub(crate) fn identified(mut self) -> Self {
        self.request_id.get_or_insert_with(|| Uuid::new_v4().to_string());
        self
    }
}
