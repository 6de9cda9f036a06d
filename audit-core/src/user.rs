use serde::{Deserialize, Serialize};

/// The user in whose name a change is made: the actor of an entry.
///
/// ```
/// use audit_core::AuditUser;
///
/// let ann = AuditUser::new("42").email("ann@example.com");
/// assert_eq!((ann.id(), ann.email_address()), ("42", Some("ann@example.com")));
///
/// let support = AuditUser::new("7").on_behalf_of(ann);
/// assert_eq!(support.principal().unwrap().id(), "42");
///
/// assert!(AuditUser::system("nightly-job").is_system());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditUser {
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    system: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    on_behalf_of: Option<Box<AuditUser>>,
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde hands it so")]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl AuditUser {
    /// A user known by `id`: the text by which your application finds the account again.
    #[must_use]
    pub fn new(id: impl Into<String>) -> Self {
        Self { id: id.into(), email: None, system: false, on_behalf_of: None }
    }

    /// The application itself, in one of its parts: a job, a migration, a script. Naming it tells such a write from one whose
    /// scope was forgotten, and satisfies [`RequireUser::Refuse`](crate::RequireUser::Refuse).
    #[must_use]
    pub fn system(name: impl Into<String>) -> Self {
        Self { system: true, ..Self::new(name) }
    }

    /// Adds the user for whom this one acts: a member of the support staff for a customer, a job for who ordered it. The entry
    /// names both. Of a chain the nearest user is kept: the one for whom `user` acts is not recorded.
    /// Defaults to none.
    #[must_use]
    pub fn on_behalf_of(mut self, user: AuditUser) -> Self {
        self.on_behalf_of = Some(Box::new(Self { on_behalf_of: None, ..user }));
        self
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

    /// Whether this is the application itself: [`AuditUser::system`].
    #[must_use]
    pub fn is_system(&self) -> bool {
        self.system
    }

    /// The user given to [`AuditUser::on_behalf_of`].
    #[must_use]
    pub fn principal(&self) -> Option<&Self> {
        self.on_behalf_of.as_deref()
    }
}
