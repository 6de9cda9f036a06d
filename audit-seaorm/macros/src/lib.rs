//! The macros of `audit-seaorm`. Depend on that crate, which exports them again, and not on this one.
//!
//! [`Auditable`] makes an entity audited. [`macro@audited`] lets an audited entity keep hooks of its own.
//!
//! Both only state facts about the entity and hand over to functions of `audit-seaorm`, so an entity costs the compiler
//! little, and what is done with a change can be read there as ordinary code.

mod audited;
mod column_name;
mod errors;
mod expand;
mod former;
mod keys;
mod parse;
mod validate;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes an entity audited: derive it on `Model`, beside `DeriveEntityModel` (or `DeriveModel`), in any style of entity.
///
/// It writes
///
/// - `impl Auditable for Entity`, the rules of the columns;
/// - `impl ActiveModelBehavior for ActiveModel`, which hands over to the audit trail, so the line
///   `impl ActiveModelBehavior for ActiveModel {}` goes away;
/// - `insert`, `update`, `update_without_returning`, `save` and `delete` on `ActiveModel`, and `delete` on `Model`. Calls
///   reach these before the methods of the same names in SeaORM's traits, take the same arguments, and commit the change
///   together with its entry;
/// - `audited` on `Entity`, the audited writes of `EntityTrait`.
///
/// With `#[sea_orm::model]` the derive stands on `ModelEx` too, and writes nothing there.
///
/// # Keys of a field
///
/// - `#[auditable(redact)]`: the value is stored as `"[REDACTED]"`; a change of it still makes an entry.
/// - `#[auditable(skip)]`: the column is never stored, and a change of it alone makes no entry.
/// - `#[auditable(renamed_from = "old")]`: older entries know the column under this name; of several,
///   `renamed_from("a", "b")`. Where another column has that name today, a moment tells the entries apart:
///   `renamed_from("old", until = "2026-03-01")`, a date, which begins at midnight in UTC, or an RFC 3339 moment. It is the time
///   of the migration: before it, the name in an entry is this column's, and from it on, that of the column of today.
/// - `#[auditable(restore = "ignore")]`: a restore leaves the column of a record as it is, and a change of it is no conflict.
/// - `#[auditable(version)]`: the entity uses the column, an integer, as optimistic lock: a restore raises it by one.
///
/// # Keys of the struct
///
/// - `#[auditable(hooks)]`: the entity has hooks of its own, in a block under [`macro@audited`].
/// - `#[auditable(own(insert, save))]`: the entity has inherent methods of these names, so the derive leaves its own out;
///   the names are `insert`, `update`, `update_without_returning`, `save`, `delete`, for `Model` `model_delete`, for `Entity`
///   `audited`.
/// - `#[auditable(crate = "path")]`: where `audit-seaorm` is found. Defaults to `::audit_seaorm`.
#[proc_macro_derive(Auditable, attributes(auditable))]
pub fn auditable(input: TokenStream) -> TokenStream {
    let input = parse::Input::parse(parse_macro_input!(input as DeriveInput));
    let checked = validate::validate(input);
    expand::expand(&checked).into()
}

/// Keeps the hooks of an audited entity: put it on `impl ActiveModelBehavior for ActiveModel`, and `#[auditable(hooks)]`
/// on `Model`.
///
/// The block stays as it is; `#[async_trait]` may stand above or below. Its `before_save` and `before_delete` run before
/// the change is captured, its `after_save` and `after_delete` after the entry is recorded.
///
/// # Keys
///
/// - `#[audited(crate = "path")]`: where `audit-seaorm` is found. Defaults to `::audit_seaorm`.
#[proc_macro_attribute]
pub fn audited(args: TokenStream, block: TokenStream) -> TokenStream {
    let input = audited::Input::parse(args.into(), block.into());
    let checked = audited::validate(input);
    audited::expand(&checked).into()
}
