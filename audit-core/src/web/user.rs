use std::{
    fmt,
    future::{Future, Ready, ready},
};

use http::request::Parts;

use crate::AuditUser;

/// Who makes a request, told from its head and from the extensions that layers before have set.
///
/// Any `Fn(&Parts) -> Option<AuditUser>` is one, as [`AuditLayer::user`](crate::AuditLayer::user) takes them. For
/// those that have to wait there is [`AuditLayer::user_async`](crate::AuditLayer::user_async). `()` knows nobody.
///
/// None means that nobody is known, and the request goes on: what an error means for the client is for
/// the authentication layer to say. A panic goes through to whatever catches those of a handler.
///
/// It runs in the context of the request, which names nobody yet: what it writes is recorded with the request id.
///
/// ```
/// use std::future::{Ready, ready};
///
/// use audit_core::{AuditLayer, AuditUser, UserExtractor};
/// use http::request::Parts;
///
/// /// By the name that a proxy has authenticated.
/// struct Authenticated(&'static str);
///
/// impl UserExtractor for Authenticated {
///     type Future = Ready<Option<AuditUser>>;
///
///     fn extract(&self, request: &Parts) -> Self::Future {
///         let name = request.headers.get(self.0).and_then(|name| name.to_str().ok());
///         ready(name.map(AuditUser::new))
///     }
/// }
///
/// let layer = AuditLayer::new().user_extractor(Authenticated("x-authenticated-user"));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say who makes a request",
    label = "expected `Fn(&http::request::Parts) -> Option<AuditUser>`",
    note = "a closure that gives a future goes to `AuditLayer::user_async`"
)]
pub trait UserExtractor {
    /// The answer to come. It must not borrow from the request.
    type Future: Future<Output = Option<AuditUser>>;

    /// Begins to find out who makes this request.
    fn extract(&self, request: &Parts) -> Self::Future;
}

impl UserExtractor for () {
    type Future = Ready<Option<AuditUser>>;

    fn extract(&self, _: &Parts) -> Self::Future {
        ready(None)
    }
}

impl<F> UserExtractor for F
where
    F: Fn(&Parts) -> Option<AuditUser>,
{
    type Future = Ready<Option<AuditUser>>;

    fn extract(&self, request: &Parts) -> Self::Future {
        ready(self(request))
    }
}

/// A function that gives a future, as a [`UserExtractor`]:
/// see [`AuditLayer::user_async`](crate::AuditLayer::user_async).
#[derive(Clone, Copy)]
pub struct AsyncUser<F>(pub(super) F);

impl<F, Fut> UserExtractor for AsyncUser<F>
where
    F: Fn(&Parts) -> Fut,
    Fut: Future<Output = Option<AuditUser>>,
{
    type Future = Fut;

    fn extract(&self, request: &Parts) -> Self::Future {
        self.0(request)
    }
}

impl<F> fmt::Debug for AsyncUser<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncUser").finish_non_exhaustive()
    }
}
