use serde::{Deserialize, Serialize};

/// The user in whose name a change is made: the actor of an entry.
///
/// ```
/// use audit_core::AuditUser;
///
/// let ann = AuditUser::new("42").email("ann@example.com");
/// assert_eq!((ann.id(), ann.email_address()), ("42", Some("ann@example.com")));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AuditUser {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
}

impl AuditUser {
    /// A user known by `id`: the text by which your application finds the account again.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), email: None }
    }

    /// Adds the e-mail address, which stays in the entry when the account is long gone.
    /// Defaults to none.
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = Some(email.into());
        self
    }

    /// The id given to [`AuditUser::new`].
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The address given to [`AuditUser::email`].
    #[must_use]
    pub fn email_address(&self) -> Option<&str> {
        self.email.as_deref()
    }
}
