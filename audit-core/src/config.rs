use std::{
    any::Any,
    collections::{BTreeMap, BTreeSet},
    future::Future,
    sync::{Arc, OnceLock},
};

use crate::{
    Background, BackgroundWriter, ConfigError, FieldRule, Policy, Retention,
    background::Attached,
    env,
    scope::Scope,
    tables::{self, Source},
};

static INSTALLED: OnceLock<Arc<AuditConfig>> = OnceLock::new();

/// What happens to a write whose entry cannot be stored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailurePolicy {
    /// The write fails, and neither it nor its entry stays in the database.
    #[default]
    FailWrite,
    /// The write goes on without its entry: an error is logged and counted.
    Continue,
}

/// What happens to a write of an audited table that cannot be recorded truly.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Escape {
    /// The write fails with an error that says what to write instead.
    #[default]
    Refuse,
    /// The write goes on; it is recorded as well as can be, logged as a warning and counted.
    Warn,
    /// The write goes on; it is recorded as well as can be and counted.
    Allow,
}

/// What happens to a write of an audited table in whose scope no user is named.
///
/// Without a policy a scope that was forgotten cannot be told from one that names nobody on purpose.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequireUser {
    /// The write fails with an error that says what to write instead.
    Refuse,
    /// The write goes on and is recorded as nobody's, logged as a warning and counted.
    Warn,
    /// The write goes on and is recorded as nobody's, and counted.
    #[default]
    Allow,
}

/// What is recorded, and what happens when it cannot be.
///
/// One for the process, by [`install`](Self::install), or one for a stretch of code, by
/// [`scope`](Self::scope). Without either the defaults hold. Tables are named as in the trail:
/// `table`, or `schema.table` where the entity names a schema.
///
/// A rule for a table that no audited entity of the program has would have no effect, and what it should have hidden would
/// be stored. So it is an error of [`install`](Self::install) and [`from_env`](Self::from_env), and of the first write in a
/// [`scope`](Self::scope). A program that has no audited entity has no tables to compare with, and accepts any name.
///
/// ```
/// use audit_core::{AuditConfig, FailurePolicy};
///
/// AuditConfig::new()
///     .exclude_table("session")
///     .redact("user", ["password"])
///     .full_record(true)
///     .on_failure(FailurePolicy::FailWrite)
///     .install()?;
/// assert!(AuditConfig::new().install().is_err());
/// # Ok::<(), audit_core::ConfigError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditConfig {
    pub(crate) excluded: BTreeSet<String>,
    pub(crate) redacted: BTreeMap<String, BTreeSet<String>>,
    pub(crate) external: BTreeSet<String>,
    full_record: bool,
    on_failure: FailurePolicy,
    on_escape: Escape,
    require_user: RequireUser,
    pub(crate) retention: Retention,
    background: Option<Background>,
    writer: Option<Attached>,
    /// Why it cannot be used; worked out anew whenever it is put into force.
    fault: Option<ConfigError>,
}

impl AuditConfig {
    /// The defaults: every audited table, redaction as the entities say, changed columns only,
    /// [`FailurePolicy::FailWrite`], [`Escape::Refuse`], a [`Retention`] that keeps everything for ever.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Records nothing of this table. Defaults to no table.
    #[must_use]
    pub fn exclude_table(mut self, table: impl Into<String>) -> Self {
        self.excluded.insert(table.into());
        self
    }

    /// Stores these columns of a table as [`REDACTED`](crate::REDACTED), beside those that its
    /// entity redacts. Defaults to none.
    #[must_use]
    pub fn redact(
        mut self,
        table: impl Into<String>,
        columns: impl IntoIterator<Item = impl Into<String>>,
    ) -> Self {
        let redacted = self.redacted.entry(table.into()).or_default();
        redacted.extend(columns.into_iter().map(Into::into));
        self
    }

    /// Says that no entity of this program has this table, so that a rule that names it is no mistake: it belongs to
    /// another program that shares the configuration, its entity is gone, it is recorded by hand, or its entity has
    /// this name at certain moments only. Defaults to none.
    ///
    /// ```
    /// use audit_core::AuditConfig;
    ///
    /// let config = AuditConfig::new().redact("rate", ["key"]).external_table("rate");
    /// # config.install()?;
    /// # Ok::<(), audit_core::ConfigError>(())
    /// ```
    #[must_use]
    pub fn external_table(mut self, table: impl Into<String>) -> Self {
        self.external.insert(table.into());
        self
    }

    /// Whether an update stores all columns rather than the changed ones. Defaults to false.
    #[must_use]
    pub fn full_record(mut self, full: bool) -> Self {
        self.full_record = full;
        self
    }

    /// What happens to a write whose entry cannot be stored.
    /// Defaults to [`FailurePolicy::FailWrite`].
    #[must_use]
    pub fn on_failure(mut self, policy: FailurePolicy) -> Self {
        self.on_failure = policy;
        self
    }

    /// What happens to a write that cannot be recorded truly. Defaults to [`Escape::Refuse`].
    #[must_use]
    pub fn on_escape(mut self, escape: Escape) -> Self {
        self.on_escape = escape;
        self
    }

    /// What happens to a write in whose scope no user is named. Defaults to [`RequireUser::Allow`].
    ///
    /// What the application does by itself names [`AuditUser::system`](crate::AuditUser::system).
    #[must_use]
    pub fn require_user(mut self, policy: RequireUser) -> Self {
        self.require_user = policy;
        self
    }

    /// What of the trail is kept when it is pruned, and for how long. Defaults to everything, for ever.
    #[must_use]
    pub fn retention(mut self, retention: Retention) -> Self {
        self.retention = retention;
        self
    }

    /// Writes entries in the background by this writer, after the commit of their change. Defaults to none: a
    /// change and its entry commit together.
    ///
    /// The writer is of one database: this configuration must be in force only where that is written.
    #[must_use]
    pub fn background(mut self, writer: &impl BackgroundWriter) -> Self {
        self.writer = Some(Attached(writer.handle()));
        self
    }

    /// Settings for a writer that is yet to be started, as [`from_env`](Self::from_env) reads them. By themselves
    /// they change nothing. Defaults to none.
    #[must_use]
    pub fn with_background_settings(mut self, settings: Background) -> Self {
        self.background = Some(settings);
        self
    }

    /// Reads the configuration from the environment. A variable that is not set leaves the default.
    ///
    /// | variable | value |
    /// |---|---|
    /// | `AUDIT_EXCLUDED_TABLES` | tables, separated by commas |
    /// | `AUDIT_REDACT` | `table.column`, separated by commas |
    /// | `AUDIT_EXTERNAL_TABLES` | tables of [other programs](Self::external_table), separated by commas |
    /// | `AUDIT_FULL_RECORD` | `true` or `false` |
    /// | `AUDIT_ON_FAILURE` | `fail_write` or `continue` |
    /// | `AUDIT_ON_ESCAPE` | `refuse`, `warn` or `allow` |
    /// | `AUDIT_REQUIRE_USER` | `refuse`, `warn` or `allow` |
    /// | `AUDIT_RETENTION_DAYS` | days, or `forever`, which is the default |
    /// | `AUDIT_RETENTION_NEWEST_PER_RECORD`, `AUDIT_RETENTION_NEWEST_PER_TABLE` | a number of entries |
    /// | `AUDIT_RETENTION_TABLE_DAYS` | `table=days` or `table=forever`, separated by commas |
    /// | `AUDIT_KEEP_TABLES`, `AUDIT_KEEP_USERS` | tables, ids of users, separated by commas |
    /// | `AUDIT_KEEP_RECORDS` | `table=record id`, separated by commas |
    /// | `AUDIT_BACKGROUND` | `true` or `false`: whether there are [`background_settings`](Self::background_settings) |
    /// | `AUDIT_BACKGROUND_BATCH` | [`batch_size`](Background::batch_size): 1 to 256 |
    /// | `AUDIT_BACKGROUND_INTERVAL_MS` | [`interval`](Background::interval): 0 to 60000 |
    /// | `AUDIT_BACKGROUND_QUEUE` | [`queue`](Background::queue): 1 to 1000000 |
    /// | `AUDIT_BACKGROUND_WHEN_FULL` | [`when_full`](Background::when_full): `wait` or `write_directly` |
    /// | `AUDIT_BACKGROUND_WAIT_MS` | how long `wait` waits: 0 to 600000 |
    /// | `AUDIT_BACKGROUND_FIRST_PAUSE_MS` | [`pauses`](Background::pauses): 1 to 60000 |
    /// | `AUDIT_BACKGROUND_MAX_PAUSE_MS` | [`pauses`](Background::pauses): 1 to 600000, and no less than the first |
    /// | `AUDIT_BACKGROUND_GIVE_UP_MS` | [`give_up`](Background::give_up): 0 to 86400000 |
    ///
    /// A table of `AUDIT_RETENTION_TABLE_DAYS` has another age and shares the other limits. What has a comma of its own,
    /// as the id of a composite key, needs [`Retention`]'s methods.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Variable`] names the first variable whose value is not allowed, and
    /// [`ConfigError::UnknownTable`] the first one that names a table which the program does not have.
    pub fn from_env() -> Result<Self, ConfigError> {
        env::read(|variable| std::env::var_os(variable))
    }

    /// Makes this the configuration of the process.
    ///
    /// # Errors
    ///
    /// [`ConfigError::AlreadyInstalled`] the second time, and [`ConfigError::UnknownTable`] if a rule names a table that
    /// the program does not have.
    pub fn install(self) -> Result<(), ConfigError> {
        tables::check(&self, Source::Code)?;
        INSTALLED.set(Arc::new(self)).map_err(|_| ConfigError::AlreadyInstalled)
    }

    /// Runs `future` under this configuration instead of the installed one: for tests, for tenants.
    ///
    /// If a rule names a table that the program does not have, each write that would leave an entry fails with
    /// [`ConfigError::UnknownTable`], or follows [`on_failure`](Self::on_failure).
    ///
    /// # Cancel safety
    ///
    /// Dropping the returned future drops `future`; the configuration outside is not touched.
    pub async fn scope<F: Future>(mut self, future: F) -> F::Output {
        self.fault = tables::check(&self, Source::Code).err();
        let scope = Scope::current().with_config(Arc::new(self));
        scope.run(future).await
    }

    /// The configuration in force: of the innermost scope, else the installed one, else the default.
    #[must_use]
    pub fn current() -> Arc<Self> {
        static DEFAULT: OnceLock<Arc<AuditConfig>> = OnceLock::new();
        Scope::current().config().unwrap_or_else(|| {
            let installed = INSTALLED.get();
            Arc::clone(installed.unwrap_or_else(|| DEFAULT.get_or_init(Arc::default)))
        })
    }

    /// Whether this configuration, which was put into force, can be used.
    ///
    /// # Errors
    ///
    /// [`ConfigError::UnknownTable`] of the configuration of a [`scope`](Self::scope).
    pub fn check(&self) -> Result<(), ConfigError> {
        self.fault.clone().map_or(Ok(()), Err)
    }

    /// All rules that name a table which no audited entity of the program has, each as its [`ConfigError::UnknownTable`].
    pub fn unknown_tables(&self) -> impl Iterator<Item = ConfigError> {
        tables::unknown(self, Source::Code)
    }

    /// Whether changes of this table are recorded.
    #[must_use]
    pub fn records(&self, table: &str) -> bool {
        !self.excluded.contains(table)
    }

    /// What happens to a write whose entry cannot be stored.
    #[must_use]
    pub fn failure_policy(&self) -> FailurePolicy {
        self.on_failure
    }

    /// What happens to a write that cannot be recorded truly.
    #[must_use]
    pub fn escape(&self) -> Escape {
        self.on_escape
    }

    /// What happens to a write in whose scope no user is named.
    #[must_use]
    pub fn user_policy(&self) -> RequireUser {
        self.require_user
    }

    /// What of the trail is kept when it is pruned.
    #[must_use]
    pub fn get_retention(&self) -> &Retention {
        &self.retention
    }

    /// The settings for a writer in the background, if one was asked for.
    #[must_use]
    pub fn background_settings(&self) -> Option<&Background> {
        self.background.as_ref()
    }

    /// What [`background`](Self::background) was given, for the adapter that it is of.
    #[must_use]
    pub fn background_writer(&self) -> Option<&Arc<dyn Any + Send + Sync>> {
        self.writer.as_ref().map(|Attached(writer)| writer)
    }

    /// The columns of a table that this configuration redacts.
    pub fn redacted(&self, table: &str) -> impl Iterator<Item = &str> {
        self.redacted.get(table).into_iter().flatten().map(String::as_str)
    }

    /// The tables of which this configuration redacts columns.
    pub fn redacted_tables(&self) -> impl Iterator<Item = &str> {
        self.redacted.keys().map(String::as_str)
    }

    /// Whether [`external_table`](Self::external_table) names this table.
    #[must_use]
    pub fn is_external(&self, table: &str) -> bool {
        self.external.contains(table)
    }

    /// The policy that this configuration alone makes for a table; its entities add their own rules.
    #[must_use]
    pub fn policy(&self, table: &str) -> Policy {
        let policy = Policy::new().full_record(self.full_record);
        self.redacted(table).fold(policy, |policy, column| policy.rule(column, FieldRule::Redact))
    }
}
