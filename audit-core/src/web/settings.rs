use std::collections::BTreeSet;

use http::{HeaderName, request::Parts};

use super::{client::Client, fact::Fact, header::X_REQUEST_ID, request_id};
use crate::AuditContext;

/// What a layer takes from a request: all that does not depend on the type of the user's extractor.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) facts: BTreeSet<Fact>,
    pub(super) client: Client,
    pub(super) request_id: HeaderName,
    pub(super) takes_request_id: bool,
    pub(super) returns_request_id: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            facts: BTreeSet::from(Fact::DEFAULT),
            client: Client::default(),
            request_id: X_REQUEST_ID,
            takes_request_id: true,
            returns_request_id: false,
        }
    }
}

impl Settings {
    /// The context of a request, without its user.
    pub(super) fn context(&self, request: &Parts) -> AuditContext {
        let mut context = AuditContext::new();
        if self.takes_request_id
            && let Some(id) = request_id::from_client(&request.headers, &self.request_id)
        {
            context = context.request_id(id);
        }
        for fact in &self.facts {
            if let Some(text) = fact.read(request, &self.client) {
                context = context.metadata(fact.key(), text);
            }
        }
        context
    }

    /// The header of the response that gets the request id, if one does.
    pub(super) fn returned_request_id(&self) -> Option<&HeaderName> {
        self.returns_request_id.then_some(&self.request_id)
    }
}
