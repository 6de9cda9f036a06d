//! Second step: from what was written to what is meant, or to messages that say what to write.

use quote::ToTokens;
use syn::{Ident, Meta, Path, Type, Visibility};

use crate::errors::Errors;
use crate::former::{Former, RENAMED_FROM, renamed};
use crate::keys::{self, crate_path, default_crate, distinct, refuse_value};
use crate::parse::{Field, Input, Kind};

/// What to write for one struct.
pub(crate) struct Checked {
    pub(crate) error: Option<syn::Error>,
    /// `None` when nothing is to be written. Beside an error it is a stub, which keeps the compiler from complaining
    /// of what is missing.
    pub(crate) plan: Option<Plan>,
}

pub(crate) enum Plan {
    Model(ModelPlan),
    ModelEx { krate: Path },
}

/// Everything that an expansion needs to know of an entity.
pub(crate) struct ModelPlan {
    pub(crate) krate: Path,
    pub(crate) vis: Visibility,
    pub(crate) entity: Ident,
    /// Does the user's own block, under `#[audited]`, hand over to us?
    pub(crate) hooks: bool,
    pub(crate) methods: Vec<Method>,
    pub(crate) rules: Vec<(Ident, Rule)>,
    /// Columns with the names that they had once.
    pub(crate) renamed: Vec<(Ident, Vec<Former>)>,
    /// Columns that a restore does not treat as the others, with their types.
    pub(crate) restore: Vec<(Ident, RestoreRule, Type)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    Redact,
    Skip,
}

/// An inherent method that the derive writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Insert,
    Update,
    UpdateWithoutReturning,
    Save,
    Delete,
    ModelDelete,
    Audited,
}

impl Method {
    const ALL: [Self; 7] = [
        Self::Insert,
        Self::Update,
        Self::UpdateWithoutReturning,
        Self::Save,
        Self::Delete,
        Self::ModelDelete,
        Self::Audited,
    ];

    /// The name in `own(..)`.
    fn key(self) -> &'static str {
        match self {
            Self::Insert => "insert",
            Self::Update => "update",
            Self::UpdateWithoutReturning => "update_without_returning",
            Self::Save => "save",
            Self::Delete => "delete",
            Self::ModelDelete => "model_delete",
            Self::Audited => "audited",
        }
    }
}

const RELATION: &str = "a relation is not a column: remove this, or mark the foreign key column";
const NOT_A_MODEL: &str = "`Auditable` is derived on the `Model` of an entity: move it to the struct under \
     `DeriveEntityModel` or `DeriveModel`, and name that struct `Model`";
const NO_FIELDS: &str = "an audited `Model` is a struct with named fields: write `struct Model { .. }`, a field for each column";
const OWN_TABLE: &str = "the audit trail cannot be audited itself: remove this derive";
const GENERICS: &str = "an audited `Model` has no generics: remove them";

pub(crate) fn validate(input: Input) -> Checked {
    match input.ident.to_string().as_str() {
        "Model" => model(input),
        "ModelEx" => model_ex(&input),
        _ => refuse(&input.ident, NOT_A_MODEL),
    }
}

/// `ModelEx` repeats the attributes of `Model`, which answers for them; only the relations are its own.
fn model_ex(input: &Input) -> Checked {
    let mut errors = Errors::default();
    refuse_relations(input.fields.as_deref().unwrap_or_default(), &mut errors);
    // Mistakes among the keys are told on `Model`.
    let krate = StructKeys::check(&input.keys, &mut Errors::default()).krate;
    Checked { error: errors.into_inner(), plan: Some(Plan::ModelEx { krate }) }
}

fn model(input: Input) -> Checked {
    let Some(fields) = input.fields else {
        return refuse(&input.ident, NO_FIELDS);
    };
    let mut errors = input.errors;
    if !input.generics.params.is_empty() {
        errors.at(&input.generics, GENERICS);
    }
    let names_are_known = input.table.is_some();
    if let Some(table) = input.table.filter(|table| table == "audit_trail") {
        errors.at(table, OWN_TABLE);
    }
    let keys = StructKeys::check(&input.keys, &mut errors);
    refuse_relations(&fields, &mut errors);
    let plan = ModelPlan {
        krate: keys.krate,
        vis: input.vis,
        entity: input.entity,
        hooks: keys.hooks,
        methods: not_own(&keys.own),
        rules: rules(&fields, &mut errors),
        // Where there is no name of the table, the columns may be named elsewhere, too.
        renamed: renamed(&fields, names_are_known, &mut errors),
        restore: restore(&fields, &mut errors),
    };
    match errors.into_inner() {
        None => Checked { error: None, plan: Some(Plan::Model(plan)) },
        Some(error) => Checked { error: Some(error), plan: Some(Plan::Model(plan.into_stub())) },
    }
}

impl ModelPlan {
    fn into_stub(self) -> Self {
        let (methods, rules) = (Vec::new(), Vec::new());
        Self { methods, rules, renamed: Vec::new(), restore: Vec::new(), ..self }
    }
}

fn refuse(tokens: impl ToTokens, message: &str) -> Checked {
    Checked { error: Some(syn::Error::new_spanned(tokens, message)), plan: None }
}

fn refuse_relations(fields: &[Field], errors: &mut Errors) {
    let relations = fields.iter().filter(|it| it.kind == Kind::Relation);
    for attribute in relations.filter_map(|it| it.attribute.as_ref()) {
        errors.at(attribute, RELATION);
    }
}

fn not_own(own: &[Method]) -> Vec<Method> {
    let methods = Method::ALL.into_iter();
    methods.filter(|it| !own.contains(it)).collect()
}

struct StructKeys {
    krate: Path,
    hooks: bool,
    own: Vec<Method>,
}

impl StructKeys {
    fn check(keys: &[Meta], errors: &mut Errors) -> Self {
        let mut checked = Self { krate: default_crate(), hooks: false, own: Vec::new() };
        for (name, key) in distinct(keys, errors) {
            match name.as_str() {
                "hooks" => {
                    checked.hooks = true;
                    refuse_value(key, errors);
                }
                "own" => checked.own = own(key, errors),
                "crate" => checked.krate = crate_path(key, errors),
                _ => errors.at(key, misplaced_on_struct(&name)),
            }
        }
        checked
    }
}

fn misplaced_on_struct(name: &str) -> String {
    match name {
        "redact" | "skip" | RENAMED_FROM | RESTORE | VERSION => format!(
            "`{name}` belongs to a field: write `#[auditable({name})]` above the field that it is for"
        ),
        _ => {
            format!("unknown key `{name}`: a struct takes `hooks`, `own(..)` and `crate = \"..\"`")
        }
    }
}

const OWN: &str = "name the methods that this entity writes itself, as in `own(insert, save)`: \
     insert, update, update_without_returning, save, delete, model_delete, audited";

fn own(key: &Meta, errors: &mut Errors) -> Vec<Method> {
    let Meta::List(list) = key else {
        errors.at(key, OWN);
        return Vec::new();
    };
    match keys::in_list(list) {
        Ok(names) if names.is_empty() => errors.at(key, OWN),
        Ok(names) => return own_methods(&names, errors),
        Err(error) => errors.push(error),
    }
    Vec::new()
}

fn own_methods(names: &[Meta], errors: &mut Errors) -> Vec<Method> {
    let mut methods = Vec::new();
    for (name, key) in distinct(names, errors) {
        refuse_value(key, errors);
        match Method::ALL.into_iter().find(|it| it.key() == name) {
            Some(method) => methods.push(method),
            None => errors.at(key, format!("unknown method `{name}`: {OWN}")),
        }
    }
    methods
}

/// The column and the rule of each field that has one.
fn rules(fields: &[Field], errors: &mut Errors) -> Vec<(Ident, Rule)> {
    let fields = fields.iter().filter(|it| it.kind != Kind::Relation);
    fields.filter_map(|it| Some((it.column.clone(), rule(it, errors)?))).collect()
}

fn rule(field: &Field, errors: &mut Errors) -> Option<Rule> {
    let mut rule = None;
    for (name, key) in distinct(&field.keys, errors) {
        let found = match name.as_str() {
            "redact" => Rule::Redact,
            "skip" => Rule::Skip,
            RENAMED_FROM | RESTORE | VERSION => continue,
            _ => {
                errors.at(key, misplaced_on_field(&name));
                continue;
            }
        };
        refuse_value(key, errors);
        refuse_kind(field.kind, &name, key, errors);
        if rule.replace(found).is_some() {
            errors.at(key, BOTH_RULES);
        }
    }
    rule
}

/// How a restore treats a column that is not brought back as the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RestoreRule {
    Ignore,
    Version,
}

/// The column, the rule and the type of each field that a restore treats in its own way.
fn restore(fields: &[Field], errors: &mut Errors) -> Vec<(Ident, RestoreRule, Type)> {
    let fields = fields.iter().filter(|it| it.kind != Kind::Relation);
    let ruled = fields.filter_map(|it| Some((it, restore_rule(it, errors)?)));
    ruled.map(|(it, rule)| (it.column.clone(), rule, it.ty.clone())).collect()
}

const RESTORE: &str = "restore";
const VERSION: &str = "version";
const IGNORE: &str = "write `restore = \"ignore\"`: a restore then leaves the column as it is, and a change of it is no conflict";
const BOTH_RESTORE_RULES: &str =
    "a restore writes a version, and leaves an ignored column as it is: keep one of them";
const HIDDEN_VERSION: &str = "a record that was deleted comes back with a version above its last one, which the trail has to \
     know: remove `redact` or `skip`";

fn restore_rule(field: &Field, errors: &mut Errors) -> Option<RestoreRule> {
    let key = |name| field.keys.iter().find(|key| key.path().is_ident(name));
    let (ignore, version) = (key(RESTORE), key(VERSION));
    if let Some(key) = ignore {
        let value = key.require_name_value().ok().and_then(keys::string);
        if value.is_none_or(|value| value.value() != "ignore") {
            errors.at(key, IGNORE);
        }
        refuse_kind(field.kind, RESTORE, key, errors);
    }
    if let Some(key) = version {
        refuse_value(key, errors);
        refuse_kind(field.kind, VERSION, key, errors);
        if field.keys.iter().any(|it| it.path().is_ident("redact") || it.path().is_ident("skip")) {
            errors.at(key, HIDDEN_VERSION);
        }
    }
    match (ignore, version) {
        (Some(_), Some(version)) => errors.at(version, BOTH_RESTORE_RULES),
        (Some(_), None) => return Some(RestoreRule::Ignore),
        (None, Some(_)) => return Some(RestoreRule::Version),
        (None, None) => {}
    }
    None
}

const BOTH_RULES: &str = "`redact` and `skip` exclude each other: keep `redact` to record that the value changed, \
     or `skip` to leave the column out";

fn misplaced_on_field(name: &str) -> String {
    match name {
        "hooks" | "own" | "crate" => {
            format!(
                "`{name}` belongs to the struct: write it in an `#[auditable(..)]` above `struct Model`"
            )
        }
        _ => format!(
            "unknown key `{name}`: a field takes `redact`, `skip`, `renamed_from`, `restore = \"ignore\"` or `version`"
        ),
    }
}

fn refuse_kind(kind: Kind, name: &str, key: &Meta, errors: &mut Errors) {
    match kind {
        Kind::PrimaryKey => errors.at(
            key,
            format!(
                "the primary key names the record and is stored in `record_id`: remove `{name}`, \
                 or let the entity have another key"
            ),
        ),
        Kind::Ignored => errors.at(
            key,
            format!("an ignored field is not a column and is never stored: remove `{name}`"),
        ),
        Kind::Column | Kind::Relation => {}
    }
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use super::*;

    impl Plan {
        fn of_model(self) -> Option<ModelPlan> {
            match self {
                Self::Model(entity) => Some(entity),
                Self::ModelEx { .. } => None,
            }
        }
    }

    fn check(input: DeriveInput) -> Checked {
        validate(Input::parse(input))
    }

    fn messages(input: DeriveInput) -> Vec<String> {
        let error = check(input).error;
        let errors = error.into_iter().flatten();
        errors.map(|it| it.to_string()).collect()
    }

    #[test]
    fn every_mistake_is_named_at_once() {
        let messages = messages(parse_quote! {
            #[auditable(hook, redact, hooks, hooks)]
            struct Model {
                #[auditable(redact)]
                #[sea_orm(primary_key)]
                id: i32,
                #[auditable(redact, skip)]
                title: String,
                #[auditable(own)]
                text: String,
                #[auditable(skip = true)]
                #[sea_orm(ignore)]
                cache: String,
            }
        });
        let expected = [
            "`hooks` is there twice",
            "unknown key `hook`: a struct takes",
            "`redact` belongs to a field",
            "the primary key names the record",
            "`redact` and `skip` exclude each other",
            "`own` belongs to the struct",
            "`skip` takes no value",
            "an ignored field is not a column",
        ];
        assert_eq!(messages.len(), expected.len(), "{messages:#?}");
        for (message, expected) in messages.iter().zip(expected) {
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn attributes_without_a_key_are_refused() {
        let messages = messages(parse_quote! {
            #[auditable]
            struct Model {
                #[auditable()]
                id: i32,
                #[auditable = "redact"]
                title: String,
            }
        });
        assert_eq!(messages.len(), 3, "{messages:#?}");
        assert!(messages.iter().all(|it| it.starts_with("name a key")));
    }

    #[test]
    fn own_names_methods_that_the_derive_writes() {
        let plan = check(parse_quote!(
            #[auditable(own(save, model_delete))]
            struct Model {}
        ))
        .plan
        .and_then(Plan::of_model);
        let methods = plan.map(|it| it.methods).unwrap_or_default();
        let expected = [
            Method::Insert,
            Method::Update,
            Method::UpdateWithoutReturning,
            Method::Delete,
            Method::Audited,
        ];
        assert_eq!(methods, expected);
        assert_eq!(
            messages(parse_quote!(
                #[auditable(own)]
                struct Model {}
            ))
            .len(),
            1
        );
        assert_eq!(
            messages(parse_quote!(
                #[auditable(own())]
                struct Model {}
            ))
            .len(),
            1
        );
        assert_eq!(
            messages(parse_quote!(
                #[auditable(own(upsert))]
                struct Model {}
            ))
            .len(),
            1
        );
        assert_eq!(
            messages(parse_quote!(
                #[auditable(own(save, save))]
                struct Model {}
            ))
            .len(),
            1
        );
        assert_eq!(
            messages(parse_quote!(
                #[auditable(own(save = 1))]
                struct Model {}
            ))
            .len(),
            1
        );
    }

    #[test]
    fn model_ex_answers_for_its_relations_only() {
        let checked = check(parse_quote! {
            #[auditable(nonsense)]
            struct ModelEx {
                #[auditable]
                id: i32,
            }
        });
        assert!(checked.error.is_none() && checked.plan.and_then(Plan::of_model).is_none());
        let messages = messages(parse_quote! {
            struct ModelEx {
                #[auditable(redact)]
                posts: HasMany<super::post::Entity>,
            }
        });
        assert_eq!(messages, [RELATION]);
    }

    #[test]
    fn only_a_struct_model_with_named_fields_is_audited() {
        assert_eq!(
            messages(parse_quote!(
                struct Cake {
                    id: i32,
                }
            )),
            [NOT_A_MODEL]
        );
        assert_eq!(
            messages(parse_quote!(
                enum Model {}
            )),
            [NO_FIELDS]
        );
        assert_eq!(messages(parse_quote!(union Model { id: i32 })), [NO_FIELDS]);
        assert_eq!(
            messages(parse_quote!(
                struct Model(i32);
            )),
            [NO_FIELDS]
        );
        assert_eq!(
            messages(parse_quote!(
                struct Model<T> {
                    id: T,
                }
            )),
            [GENERICS]
        );
    }

    #[test]
    fn a_mistake_leaves_a_stub_that_keeps_where_the_hooks_are() {
        let checked = check(parse_quote! {
            #[auditable(hooks, crate = "crate::trail")]
            struct Model {
                #[auditable(redact)]
                title: String,
                #[auditable(nonsense)]
                text: String,
            }
        });
        assert!(checked.error.is_some());
        let stub = checked.plan.and_then(Plan::of_model);
        assert!(stub.is_some_and(|it| it.hooks && it.rules.is_empty() && it.methods.is_empty()));
    }
}
