//! What the table takes: rows that can be read as entries. A reader goes past others, see `AuditEntry::unreadable`, and this
//! keeps out what can be kept out cheaply. The names stand in the errors of the databases.

/// The name of a constraint, and its condition.
pub(crate) type NamedCheck = (&'static str, &'static str);

/// In the years 1 to 9999, and so finite; and objects.
pub(crate) const POSTGRES: [NamedCheck; 5] = [
    (
        "audit_trail_timestamp_has_a_year_from_1_to_9999",
        "timestamp >= TIMESTAMPTZ '0001-01-01 00:00:00+00' AND timestamp < TIMESTAMPTZ '10000-01-01 00:00:00+00'",
    ),
    OPERATION,
    ("audit_trail_old_values_are_an_object", "jsonb_typeof(old_values) = 'object'"),
    ("audit_trail_new_values_are_an_object", "jsonb_typeof(new_values) = 'object'"),
    ("audit_trail_metadata_is_an_object", "jsonb_typeof(metadata) = 'object'"),
];

/// That it is JSON is a constraint of the type's own on `MariaDB`. A zero in a date, or a day that its month does not have,
/// is a matter of the session's `sql_mode`.
pub(crate) const MYSQL: [NamedCheck; 5] = [
    (
        "audit_trail_timestamp_has_a_year_from_1_to_9999",
        "timestamp >= '0001-01-01' AND DAYOFMONTH(timestamp) > 0 \
         AND COALESCE(DAYOFMONTH(timestamp) <= DAYOFMONTH(LAST_DAY(timestamp)), 0)",
    ),
    OPERATION,
    ("audit_trail_old_values_are_an_object", "JSON_TYPE(old_values) = 'OBJECT'"),
    ("audit_trail_new_values_are_an_object", "JSON_TYPE(new_values) = 'OBJECT'"),
    ("audit_trail_metadata_is_an_object", "JSON_TYPE(metadata) = 'OBJECT'"),
];

const OPERATION: NamedCheck =
    ("audit_trail_operation_is_known", "operation IN ('CREATE', 'UPDATE', 'DELETE', 'BASELINE')");

/// `SQLite` has no type for most of it, and takes any value in any column. Where a text is no UTF-8 it does not see.
pub(crate) const SQLITE: [NamedCheck; 13] = [
    ("audit_trail_id_is_a_uuid", "typeof(id) = 'blob' AND length(id) = 16"),
    ("audit_trail_table_name_is_a_text", "typeof(table_name) = 'text'"),
    ("audit_trail_record_id_is_a_text", "typeof(record_id) = 'text'"),
    OPERATION,
    (
        "audit_trail_old_values_are_an_object",
        "old_values IS NULL OR (typeof(old_values) = 'text' AND json_valid(old_values) AND json_type(old_values) = 'object')",
    ),
    (
        "audit_trail_new_values_are_an_object",
        "new_values IS NULL OR (typeof(new_values) = 'text' AND json_valid(new_values) AND json_type(new_values) = 'object')",
    ),
    (
        "audit_trail_metadata_is_an_object",
        "metadata IS NULL OR (typeof(metadata) = 'text' AND json_valid(metadata) AND json_type(metadata) = 'object')",
    ),
    ("audit_trail_user_id_is_a_text", "typeof(user_id) IN ('text', 'null')"),
    ("audit_trail_user_email_is_a_text", "typeof(user_email) IN ('text', 'null')"),
    ("audit_trail_request_id_is_a_text", "typeof(request_id) IN ('text', 'null')"),
    ("audit_trail_reason_is_a_text", "typeof(reason) IN ('text', 'null')"),
    (
        "audit_trail_transaction_id_is_a_uuid",
        "transaction_id IS NULL OR (typeof(transaction_id) = 'blob' AND length(transaction_id) = 16)",
    ),
    // Times are compared as texts, so they have one form; `strftime` gives another day where a month has not so many.
    (
        "audit_trail_timestamp_has_the_form_of_the_trail",
        "typeof(timestamp) = 'text' AND length(timestamp) = 32 AND timestamp >= '0001' \
         AND strftime('%Y-%m-%dT%H:%M:%S', substr(timestamp, 1, 19)) IS substr(timestamp, 1, 19) \
         AND substr(timestamp, 20) GLOB '.[0-9][0-9][0-9][0-9][0-9][0-9]+00:00'",
    ),
];
