use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    AuditContext, AuditUser, Operation, Printable, RecordedChange, Stamp, Unreadable,
    printable::quote,
};

/// One row of the trail: who did what to which record, and when.
///
/// It holds what may be shown: redacted values are already `"[REDACTED]"`. It serialises with serde
/// under the names of its fields. It is not read from JSON with a field of another name: a slip would take the user away, and
/// what a newer version says beside would be lost unnoticed.
///
/// As text it is a line of who, what and when, and one for each column that changed. A terminal can show it
/// whatever is in the values, and long ones are cut: see [`Printable`]. `{:#}` writes them in full.
///
/// ```text
/// 2026-11-24T09:00:00.000000Z UPDATE post 1 by 42, request req-1, reason "ticket 7"
///   title: "Draft" -> "Final"
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuditEntry {
    /// Version 7 UUID of the moment in `timestamp`, made by the client. Orders entries with equal timestamps.
    pub id: Uuid,
    /// The audited table, `schema.table` where the entity names a schema.
    pub table_name: String,
    /// The primary key as text: `42`, a UUID's text, or a JSON array for a composite key.
    pub record_id: String,
    /// What happened; [`Operation::Unknown`] if that cannot be read.
    pub operation: Operation,
    /// Values just before the change by column name; none for a CREATE. For an UPDATE only the
    /// changed columns, unless [`AuditConfig::full_record`](crate::AuditConfig::full_record).
    pub old_values: Option<Value>,
    /// Values just after the change by column name; none for a DELETE.
    pub new_values: Option<Value>,
    /// Who; none when no scope was open or it named nobody.
    pub user_id: Option<String>,
    /// The user's e-mail address at that time.
    pub user_email: Option<String>,
    /// The request in which it happened.
    pub request_id: Option<String>,
    /// Shared by the entries of changes that committed together; none where the application runs
    /// its own transaction, whose extent the trail cannot see.
    pub transaction_id: Option<Uuid>,
    /// Why, in the user's words.
    pub reason: Option<String>,
    /// Whatever else the context carried, as a JSON object. It also has what is known of the user beside id and
    /// e-mail address: see [`is_by_system`](Self::is_by_system) and [`on_behalf_of`](Self::on_behalf_of).
    pub metadata: Option<Value>,
    /// When, in UTC, to the microsecond: by the clock of the database server, read under the lock of the
    /// record, and by that of the machine on `SQLite`. The entries of a record rise.
    pub timestamp: DateTime<Utc>,
    /// What of the entry cannot be read; none of a sound one. In the place of what cannot be read there is nothing; the nil
    /// UUID in that of the id, 1970 in that of the time, and in that of a text as much as is text, with U+FFFD for the rest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<Unreadable>,
}

impl AuditEntry {
    /// Puts together what was recorded, in whose name, and when.
    ///
    /// A NUL character in the context's texts becomes U+FFFD, which `PostgreSQL` can store, and metadata
    /// nested deeper than 16 levels becomes its JSON text: what a stranger sent must not make a write
    /// fail, nor a history unreadable.
    #[must_use]
    pub fn new(
        recorded: RecordedChange,
        context: Option<AuditContext>,
        transaction_id: Option<Uuid>,
        stamp: Stamp,
    ) -> Self {
        let context = context.unwrap_or_default();
        let user = context.get_user();
        let mut metadata = context.get_metadata().clone();
        if let Some(user) = user {
            metadata.extend(of_user(user));
        }
        Self {
            id: stamp.id,
            table_name: recorded.table,
            record_id: recorded.record_id,
            operation: recorded.operation,
            old_values: recorded.old_values.map(Value::Object),
            new_values: recorded.new_values.map(Value::Object),
            user_id: user.map(|user| storable(user.id())),
            user_email: user.and_then(AuditUser::email_address).map(storable),
            request_id: context.get_request_id().map(storable),
            transaction_id,
            reason: context.get_reason().map(storable),
            metadata: (!metadata.is_empty()).then(|| storable_json(Value::Object(metadata), 0)),
            timestamp: stamp.at,
            unreadable: None,
        }
    }
}

impl AuditEntry {
    /// The key of [`metadata`](Self::metadata) that tells a system from a person: `"system"`.
    pub const ACTOR: &'static str = "actor";
    /// The key of [`metadata`](Self::metadata) with the id of the user for whom somebody acted.
    pub const ON_BEHALF_OF: &'static str = "on_behalf_of";
    /// The key of [`metadata`](Self::metadata) with the e-mail address of that user.
    pub const ON_BEHALF_OF_EMAIL: &'static str = "on_behalf_of_email";
    /// The value of [`ACTOR`](Self::ACTOR) for [`AuditUser::system`].
    pub const SYSTEM: &'static str = "system";

    /// Whether the application itself did it: [`AuditUser::system`].
    #[must_use]
    pub fn is_by_system(&self) -> bool {
        self.noted(Self::ACTOR) == Some(Self::SYSTEM)
    }

    /// The user for whom [`user_id`](Self::user_id) acted, if it was for somebody else:
    /// [`AuditUser::on_behalf_of`].
    #[must_use]
    pub fn on_behalf_of(&self) -> Option<AuditUser> {
        let user = AuditUser::new(self.noted(Self::ON_BEHALF_OF)?);
        Some(match self.noted(Self::ON_BEHALF_OF_EMAIL) {
            Some(email) => user.email(email),
            None => user,
        })
    }

    /// When, if that can be read.
    #[must_use]
    pub fn time(&self) -> Option<DateTime<Utc>> {
        let is_told = self.unreadable.as_ref().is_none_or(Unreadable::tells_time);
        is_told.then_some(self.timestamp)
    }

    fn noted(&self, key: &str) -> Option<&str> {
        self.metadata.as_ref()?.get(key)?.as_str()
    }
}

/// What an entry says of a user beside the id and the e-mail address. It wins over what the context has under these keys.
fn of_user(user: &AuditUser) -> impl Iterator<Item = (String, Value)> {
    let actor = user.is_system().then_some((AuditEntry::ACTOR, AuditEntry::SYSTEM));
    let id = user.principal().map(|it| (AuditEntry::ON_BEHALF_OF, it.id()));
    let email = user.principal().and_then(AuditUser::email_address);
    let email = email.map(|email| (AuditEntry::ON_BEHALF_OF_EMAIL, email));
    let told = actor.into_iter().chain(id).chain(email);
    told.map(|(key, value)| (key.to_owned(), Value::from(value)))
}

impl fmt::Display for AuditEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.time() {
            Some(at) => write!(f, "{} ", at.format("%Y-%m-%dT%H:%M:%S%.6fZ"))?,
            None => f.write_str("(no time) ")?,
        }
        write!(f, "{} ", self.operation)?;
        Printable(&self.table_name).fmt(f)?;
        f.write_str(" ")?;
        Printable(&self.record_id).fmt(f)?;
        f.write_str(" by ")?;
        match &self.user_id {
            Some(user_id) => Printable(user_id).fmt(f)?,
            None => f.write_str("nobody")?,
        }
        if self.is_by_system() {
            f.write_str(" (system)")?;
        }
        if let Some(principal) = self.on_behalf_of() {
            f.write_str(" on behalf of ")?;
            Printable(principal.id()).fmt(f)?;
        }
        if let Some(request_id) = &self.request_id {
            f.write_str(", request ")?;
            Printable(request_id).fmt(f)?;
        }
        if let Some(reason) = &self.reason {
            f.write_str(", reason ")?;
            quote(f, reason)?;
        }
        if let Some(unreadable) = &self.unreadable {
            write!(f, "\n  unreadable: {unreadable}")?;
        }
        for change in self.changes() {
            f.write_str("\n  ")?;
            change.fmt(f)?;
        }
        Ok(())
    }
}

fn storable(text: &str) -> String {
    text.replace('\0', "\u{FFFD}")
}

/// What databases and parsers take of nested JSON starts at 32 levels; a note needs fewer.
const MAX_DEPTH: usize = 16;

fn storable_json(value: Value, depth: usize) -> Value {
    match value {
        nested @ (Value::Array(_) | Value::Object(_)) if depth > MAX_DEPTH => {
            Value::String(storable(&nested.to_string()))
        }
        Value::String(text) => Value::String(storable(&text)),
        Value::Array(items) => {
            items.into_iter().map(|item| storable_json(item, depth + 1)).collect()
        }
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (storable(&key), storable_json(value, depth + 1)))
            .collect(),
        plain => plain,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Change, Image, Policy};

    fn entry(context: AuditContext) -> AuditEntry {
        let recorded = Policy::new().apply(Change::delete("post", "42", Image::new()));
        let recorded = recorded.expect("a good change").expect("something to record");
        AuditEntry::new(recorded, Some(context), None, Stamp::next())
    }

    #[test]
    fn it_serialises_under_the_names_of_its_fields_and_back() {
        let context = AuditContext::new()
            .user(AuditUser::new("42").email("ann@example.com"))
            .reason("ticket 7")
            .metadata("ip", "203.0.113.9");
        let entry = entry(context);
        let json = json!(entry);
        assert_eq!(json["operation"], "DELETE");
        assert_eq!(json["user_email"], "ann@example.com");
        assert_eq!(json["metadata"], json!({"ip": "203.0.113.9"}));
        assert_eq!(json["new_values"], json!(null));
        assert_eq!(serde_json::from_value::<AuditEntry>(json).expect("its own form"), entry);
    }

    #[test]
    fn as_text_it_is_a_line_and_one_for_each_column() {
        let context = AuditContext::new()
            .user(AuditUser::new("ann\nfake"))
            .request_id("\u{202e}r")
            .reason("ticket \u{1b}[2J7");
        let entry = AuditEntry {
            operation: Operation::Update,
            old_values: Some(json!({"a\u{9b}": null, "t": "[REDACTED]"})),
            new_values: Some(json!({"a\u{9b}": "\u{7f}", "t": "[REDACTED]"})),
            timestamp: DateTime::UNIX_EPOCH,
            ..entry(context)
        };
        assert_eq!(
            entry.to_string(),
            "1970-01-01T00:00:00.000000Z UPDATE post 42 by \"ann\\nfake\", \
             request \"\\u202er\", reason \"ticket \\u001b[2J7\"\n  \
             \"a\\u009b\": null -> \"\\u007f\"\n  t: (redacted)"
        );
    }

    #[test]
    fn as_text_nobody_is_told_from_a_user_of_that_name() {
        let nobody = entry(AuditContext::new()).to_string();
        assert!(nobody.ends_with(" DELETE post 42 by nobody"), "{nobody}");
        let somebody = entry(AuditContext::new().user(AuditUser::new("nobody"))).to_string();
        assert!(somebody.ends_with(" by \"nobody\""), "{somebody}");
    }

    #[test]
    fn it_names_the_system_and_whom_somebody_acts_for() {
        let ann = AuditUser::new("42").email("ann@example.com");
        let support = AuditUser::new("7").on_behalf_of(ann.clone());
        let context = AuditContext::new().user(support).metadata("on_behalf_of", "somebody else");
        let context: AuditContext = serde_json::from_value(json!(context)).expect("its own form");
        let entry_of = entry(context);
        assert_eq!(entry_of.user_id.as_deref(), Some("7"));
        assert_eq!((entry_of.on_behalf_of(), entry_of.is_by_system()), (Some(ann), false));
        assert!(entry_of.to_string().ends_with(" by 7 on behalf of 42"), "{entry_of}");
        let job = AuditContext::new().user(AuditUser::system("nightly-job"));
        let job = entry(serde_json::from_value(json!(job)).expect("its own form"));
        assert_eq!((job.on_behalf_of(), job.is_by_system()), (None, true));
        assert!(job.to_string().ends_with(" by nightly-job (system)"), "{job}");
        let plain = entry(AuditContext::new().user(AuditUser::new("nightly-job")));
        assert_eq!((plain.is_by_system(), plain.metadata), (false, None));
    }

    #[test]
    fn deep_metadata_becomes_text() {
        let deep = (0..200).fold(json!("core"), |inner, _| json!([inner]));
        let stored = entry(AuditContext::new().metadata("deep", deep)).metadata;
        let text = json!(stored).to_string();
        assert!(text.contains("core"));
        assert!(serde_json::from_str::<Value>(&text).is_ok());
        assert!(text.starts_with(&format!("{{\"deep\":{}\"", "[".repeat(16))), "{text}");
    }

    #[test]
    fn no_nul_of_the_context_reaches_the_entry() {
        let context = AuditContext::new()
            .user(AuditUser::new("4\0b").email("\0"))
            .request_id("\0")
            .reason("\0")
            .metadata("k\0", json!(["\0", {"\0": 1}]));
        let text = json!(entry(context)).to_string();
        assert!(!text.contains("\\u0000"), "{text}");
        assert!(text.contains("4\u{FFFD}b"));
    }
}
