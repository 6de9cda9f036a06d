use std::{fmt, future::Future, net::IpAddr, sync::Arc};

use http::{HeaderName, request::Parts};
use tower_layer::Layer;

use super::{
    AddressRange, AsyncUser, AuditService, ProxyHeader, UserExtractor, fact::Fact,
    settings::Settings,
};
use crate::AuditUser;

/// Opens an [`AuditContext`](crate::AuditContext) for each request: for axum, tonic, and whatever else is built on tower
/// and http. Feature `tower`.
///
/// ```
/// use std::net::SocketAddr;
///
/// use audit_core::{AuditContext, AuditLayer, AuditUser};
/// use axum::{Extension, Router, extract::ConnectInfo, routing::post};
///
/// /// What your authentication leaves in the extensions of a request.
/// #[derive(Clone)]
/// struct Account { id: u64, email: String }
///
/// # async fn write() -> String {
/// #     let context = AuditContext::current().unwrap();
/// #     let user = context.get_user().unwrap();
/// #     format!("{} {}", user.id(), context.get_metadata()["ip"].as_str().unwrap())
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let audit = AuditLayer::new()
///     .user(|request| {
///         let account: &Account = request.extensions.get()?;
///         Some(AuditUser::new(account.id.to_string()).email(&account.email))
///     })
///     .peer(|request| Some(request.extensions.get::<ConnectInfo<SocketAddr>>()?.ip())) // by itself with the feature `axum`
///     .trusted_proxies(["10.0.0.0/8".parse()?]);
///
/// let app = Router::new()
///     .route("/posts", post(write)) // whatever it writes is in the name of the account
///     .layer(audit)
///     .layer(Extension(Account { id: 42, email: "ann@example.com".into() })); // later is further out: this runs first
///
/// let service = app.into_make_service_with_connect_info::<SocketAddr>();
/// // axum::serve(listener, service).await?;
/// # use tower::{Service, ServiceExt};
/// # let app = { let mut service = service; service.call(SocketAddr::from(([10, 0, 0, 1], 80))).await? };
/// # let request = axum::http::Request::post("/posts").header("x-forwarded-for", "6.6.6.6, 203.0.113.9");
/// # let response = app.oneshot(request.body(axum::body::Body::empty())?).await?;
/// # let body = axum::body::to_bytes(response.into_body(), 100).await?;
/// # assert_eq!(body, "42 203.0.113.9");
/// # Ok(())
/// # }
/// ```
///
/// # What is in the context
///
/// | | from | unless |
/// |---|---|---|
/// | user | what is given to [`user`](Self::user), [`user_async`](Self::user_async) or [`user_extractor`](Self::user_extractor); a handler that authenticates later calls [`AuditContext::set_user`](crate::AuditContext::set_user) | |
/// | request id | `x-request-id`, if it is 1 to 128 bytes of visible ASCII, or else a new UUID | [`without_client_request_id`](Self::without_client_request_id), [`request_id_header`](Self::request_id_header) |
/// | metadata `method` | the first 32 bytes of the method | [`without_method`](Self::without_method) |
/// | metadata `path` | the first 1024 bytes of the path, percent-encoded as it came | [`without_path`](Self::without_path) |
/// | metadata `query` | the first 1024 bytes of the query, and only [`with_query`](Self::with_query) | |
/// | metadata `ip` | the [peer](Self::peer), or what [trusted proxies](Self::trusted_proxies) say | [`without_ip`](Self::without_ip) |
/// | metadata `user_agent` | the first 512 bytes of `user-agent` | [`without_user_agent`](Self::without_user_agent) |
/// | metadata `trace_id` | a valid `traceparent` of the W3C | [`without_trace_id`](Self::without_trace_id) |
///
/// What a request does not have, has no key. Nothing that a client sends is an error for it:
///
/// - A header is taken that has one value. Sent several times it counts once if the values are the same, and not
///   at all if they differ.
/// - A request id that is too long or not visible ASCII is dropped, and the request has a new one; ids are not cut.
/// - Path, query and user agent are cut where a character ends. Bytes that are not UTF-8 become U+FFFD.
/// - An invalid `traceparent` is dropped.
/// - `x-forwarded-for` and `forwarded` are ignored, unless the peer is a trusted proxy.
///
/// All of it is text in the entry, and as true as what the client says: a client may choose the id of
/// another request. Where that matters (as for `AuditTrail::restore_request`), have a trusted
/// proxy set `x-request-id`, or use [`without_client_request_id`](Self::without_client_request_id).
///
/// # What runs in the context
///
/// The extractor (not yet with its user), the inner service, and the body of the response: also what a
/// streamed or server-sent response writes while it is sent. All of it is dropped there, too, when the
/// client hangs up. What the handler spawns needs [`spawn`](crate::spawn()), and what takes over the connection
/// (a web socket's `on_upgrade`) needs [`InAuditContext`](crate::InAuditContext), as anywhere else.
///
/// The context is a new one. A context around the layer's own is hidden, also its user, and there again afterwards.
///
/// # Where it belongs
///
/// Within the authentication, which leaves its result in the extensions of the request, and around
/// everything that writes. In axum the path within a nested router lacks the prefix: put the layer on the
/// outermost. In tonic, `Server::builder().layer(AuditLayer::new())` does; the path is `/package.Service/Method`, and
/// the peer is in the extension `TcpConnectInfo`.
///
/// The inner service must be `Clone`, as theirs are, and give an `http::Response`, whose body becomes an
/// [`AuditBody`](crate::AuditBody). No other bound is asked of it, nor of the bodies.
///
/// # Jobs
///
/// A context is JSON where it has to leave the process, and the job runs in the same name:
///
/// ```
/// use audit_core::{AuditContext, AuditUser};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), serde_json::Error> {
/// # let request = AuditContext::new().user(AuditUser::new("42")).request_id("req-1");
/// # let queued = request.scope(async {
/// // in the handler
/// let context = AuditContext::current().unwrap_or_default();
/// let queued = serde_json::to_string(&context)?;
/// # Ok::<_, serde_json::Error>(queued) }).await?;
///
/// // in the worker
/// let context: AuditContext = serde_json::from_str(&queued)?;
/// context.reason("newsletter").scope(async {
///     assert_eq!(AuditContext::current_user().unwrap().id(), "42");
/// }).await;
/// # Ok(())
/// # }
/// ```
///
/// Whoever can write to the queue can name any user in it.
pub struct AuditLayer<U = ()> {
    settings: Arc<Settings>,
    user: Arc<U>,
}

impl AuditLayer {
    /// All of the table above, without a user and without trusted proxies.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }
}

impl<U> AuditLayer<U> {
    /// Says who makes a request, from its head and from the extensions that layers before have set. None is
    /// nobody, and the request goes on. Defaults to nobody.
    #[must_use]
    pub fn user<F>(self, extractor: F) -> AuditLayer<F>
    where
        F: Fn(&Parts) -> Option<AuditUser>,
    {
        self.user_extractor(extractor)
    }

    /// Says who makes a request, for what has to be waited for, such as a look into a session store.
    /// The future cannot borrow from the request: take from it what is needed before.
    ///
    /// The inner service is not called before the answer is there. Defaults to nobody.
    ///
    /// ```
    /// use audit_core::{AuditLayer, AuditUser};
    ///
    /// # async fn account_of(token: &str) -> Option<u64> { token.parse().ok() }
    /// let layer = AuditLayer::new().user_async(|request| {
    ///     let token = request.headers.get("x-session").cloned();
    ///     async move {
    ///         let account = account_of(token?.to_str().ok()?).await?;
    ///         Some(AuditUser::new(account.to_string()))
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn user_async<F, Fut>(self, extractor: F) -> AuditLayer<AsyncUser<F>>
    where
        F: Fn(&Parts) -> Fut,
        Fut: Future<Output = Option<AuditUser>>,
    {
        self.user_extractor(AsyncUser(extractor))
    }

    /// Says who makes a request, by a type of your own. Defaults to nobody.
    #[must_use]
    pub fn user_extractor<E: UserExtractor>(self, extractor: E) -> AuditLayer<E> {
        AuditLayer { settings: self.settings, user: Arc::new(extractor) }
    }

    /// Says which address the connection comes from. Defaults to an extension of type
    /// [`SocketAddr`](std::net::SocketAddr), or, with the feature `axum`, axum's `ConnectInfo<SocketAddr>`, which a router
    /// served by `into_make_service_with_connect_info::<SocketAddr>()` has. If the first request has neither, a warning
    /// is logged.
    ///
    /// This is the address that proxies are recognised by: it must not come from a header that a client may set.
    #[must_use]
    pub fn peer(self, peer: impl Fn(&Parts) -> Option<IpAddr> + Send + Sync + 'static) -> Self {
        self.with(|settings| settings.client.peer = Arc::new(peer))
    }

    /// Believes these proxies which address they ask for. Defaults to none, and the peer is the client.
    ///
    /// If the peer is one of them, the [header](Self::proxy_header) is read from the right, where the
    /// nearest proxy writes. The first address that is no trusted proxy is the client's. An entry that is no
    /// address ends it, as does the 32nd: then it is the last proxy's.
    ///
    /// Every one of them must append to the header, or set it: what one passes on as it came is believed.
    #[must_use]
    pub fn trusted_proxies(self, proxies: impl IntoIterator<Item = AddressRange>) -> Self {
        self.with(|settings| settings.client.trusted.extend(proxies))
    }

    /// The header that the trusted proxies write. Defaults to [`ProxyHeader::XForwardedFor`].
    #[must_use]
    pub fn proxy_header(self, header: ProxyHeader) -> Self {
        self.with(|settings| settings.client.header = header)
    }

    /// The header that the request id is in. Defaults to `x-request-id`.
    #[must_use]
    pub fn request_id_header(self, name: HeaderName) -> Self {
        self.with(|settings| settings.request_id = name)
    }

    /// Takes no request id from a client: every request has a new one.
    #[must_use]
    pub fn without_client_request_id(self) -> Self {
        self.with(|settings| settings.takes_request_id = false)
    }

    /// Sets the request id on the response, in the same header, in place of what may be there: an id that a client
    /// can quote. Defaults to not.
    #[must_use]
    pub fn return_request_id(self) -> Self {
        self.with(|settings| settings.returns_request_id = true)
    }

    /// Leaves the method out.
    #[must_use]
    pub fn without_method(self) -> Self {
        self.without(Fact::Method)
    }

    /// Leaves the path out, for those that hold secrets, such as the token of an invitation.
    #[must_use]
    pub fn without_path(self) -> Self {
        self.without(Fact::Path)
    }

    /// Takes the query, too. Defaults to not: it may hold secrets.
    #[must_use]
    pub fn with_query(self) -> Self {
        self.with(|settings| {
            settings.facts.insert(Fact::Query);
        })
    }

    /// Leaves the client's address out.
    #[must_use]
    pub fn without_ip(self) -> Self {
        self.without(Fact::Ip)
    }

    /// Leaves the user agent out.
    #[must_use]
    pub fn without_user_agent(self) -> Self {
        self.without(Fact::UserAgent)
    }

    /// Leaves the trace id out.
    #[must_use]
    pub fn without_trace_id(self) -> Self {
        self.without(Fact::TraceId)
    }

    fn without(self, fact: Fact) -> Self {
        self.with(|settings| {
            settings.facts.remove(&fact);
        })
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl Default for AuditLayer {
    fn default() -> Self {
        Self { settings: Arc::default(), user: Arc::new(()) }
    }
}

impl<U> Clone for AuditLayer<U> {
    fn clone(&self) -> Self {
        Self { settings: Arc::clone(&self.settings), user: Arc::clone(&self.user) }
    }
}

impl<U> fmt::Debug for AuditLayer<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuditLayer").field("settings", &self.settings).finish_non_exhaustive()
    }
}

impl<S, U> Layer<S> for AuditLayer<U> {
    type Service = AuditService<S, U>;

    fn layer(&self, inner: S) -> Self::Service {
        AuditService::new(inner, Arc::clone(&self.settings), Arc::clone(&self.user))
    }
}
