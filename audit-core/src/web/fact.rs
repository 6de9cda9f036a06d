use http::{header::USER_AGENT, request::Parts};

use super::{
    bounds::{self, cut},
    client::Client,
    header, traceparent,
};

/// What the metadata tells of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    Method,
    Path,
    Query,
    Ip,
    UserAgent,
    TraceId,
}

impl Fact {
    /// All but the query, which may hold secrets.
    pub(super) const DEFAULT: [Self; 5] =
        [Self::Method, Self::Path, Self::Ip, Self::UserAgent, Self::TraceId];

    /// Its key in the metadata.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Path => "path",
            Self::Query => "query",
            Self::Ip => "ip",
            Self::UserAgent => "user_agent",
            Self::TraceId => "trace_id",
        }
    }

    /// Its value, of a bounded length; none if the request does not have it.
    pub(super) fn read(self, request: &Parts, client: &Client) -> Option<String> {
        let text = match self {
            Self::Method => cut(request.method.as_str(), 32).to_owned(),
            Self::Path => cut(request.uri.path(), 1024).to_owned(),
            Self::Query => cut(request.uri.query()?, 1024).to_owned(),
            Self::Ip => client.address(request)?.to_string(),
            Self::UserAgent => {
                bounds::text(header::single(&request.headers, USER_AGENT)?.as_bytes(), 512)
            }
            Self::TraceId => traceparent::trace_id(&request.headers)?,
        };
        (!text.is_empty()).then_some(text)
    }
}
