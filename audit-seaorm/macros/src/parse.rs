//! First step: from syntax to what the user wrote, without judging it.

use heck::ToUpperCamelCase;
use proc_macro2::Span;
use quote::format_ident;
use syn::{
    Attribute, Data, DataStruct, DeriveInput, Expr, Fields, Generics, Ident, LitStr, Meta,
    MetaNameValue, Type, Visibility,
};

use crate::column_name;
use crate::errors::Errors;
use crate::keys;

/// A struct under `#[derive(Auditable)]`.
pub(crate) struct Input {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    pub(crate) generics: Generics,
    /// What `ModelTrait::Entity` is: `Entity`, or as `#[sea_orm(entity = ..)]` says.
    pub(crate) entity: Ident,
    /// What `#[sea_orm(table_name = ..)]` says, if it is there.
    pub(crate) table: Option<Ident>,
    pub(crate) keys: Vec<Meta>,
    /// `None` when this is no struct with named fields.
    pub(crate) fields: Option<Vec<Field>>,
    /// Attributes that could not be read.
    pub(crate) errors: Errors,
}

pub(crate) struct Field {
    pub(crate) column: Ident,
    /// The column's name in the database, as far as `Model` says it.
    pub(crate) name: String,
    pub(crate) ty: Type,
    pub(crate) keys: Vec<Meta>,
    /// The first `#[auditable(..)]` of the field.
    pub(crate) attribute: Option<Attribute>,
    pub(crate) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Column,
    PrimaryKey,
    Relation,
    Ignored,
}

impl Input {
    pub(crate) fn parse(input: DeriveInput) -> Self {
        let mut errors = Errors::default();
        let sea_orm = sea_orm_keys(&input.attrs);
        Self {
            entity: name_in(&sea_orm, "entity").unwrap_or_else(|| format_ident!("Entity")),
            table: name_in(&sea_orm, "table_name"),
            keys: auditable_keys(&input.attrs, &mut errors),
            fields: fields(&input.data, text_in(&sea_orm, "rename_all"), &mut errors),
            ident: input.ident,
            vis: input.vis,
            generics: input.generics,
            errors,
        }
    }
}

fn fields(data: &Data, case: Option<&LitStr>, errors: &mut Errors) -> Option<Vec<Field>> {
    let Data::Struct(DataStruct { fields: Fields::Named(fields), .. }) = data else {
        return None;
    };
    let fields = fields.named.iter();
    let case = case.map(LitStr::value);
    Some(fields.filter_map(|it| Field::parse(it, case.as_deref(), errors)).collect())
}

impl Field {
    fn parse(field: &syn::Field, case: Option<&str>, errors: &mut Errors) -> Option<Self> {
        let ident = field.ident.as_ref()?;
        let sea_orm = sea_orm_keys(&field.attrs);
        let attribute = field.attrs.iter().find(|it| it.path().is_ident(AUDITABLE));
        let column = column(ident, &sea_orm);
        let given = text_in(&sea_orm, "column_name").map(LitStr::value);
        Some(Self {
            name: given.unwrap_or_else(|| column_name::of(ident, &column, case)),
            column,
            keys: auditable_keys(&field.attrs, errors),
            attribute: attribute.cloned(),
            kind: kind(&field.ty, &sea_orm),
            ty: field.ty.clone(),
        })
    }
}

const AUDITABLE: &str = "auditable";

/// The keys of every `#[auditable(..)]` there is, in order.
fn auditable_keys(attributes: &[Attribute], errors: &mut Errors) -> Vec<Meta> {
    let mut keys = Vec::new();
    for attribute in attributes.iter().filter(|it| it.path().is_ident(AUDITABLE)) {
        match keys_of(attribute) {
            Ok(found) => keys.extend(found),
            Err(error) => errors.push(error),
        }
    }
    keys
}

fn keys_of(attribute: &Attribute) -> syn::Result<Vec<Meta>> {
    let keys = match &attribute.meta {
        Meta::List(list) => keys::in_list(list)?,
        Meta::Path(_) | Meta::NameValue(_) => Vec::new(),
    };
    if keys.is_empty() {
        let message = "name a key, as in `#[auditable(redact)]`, or remove this";
        return Err(syn::Error::new_spanned(attribute, message));
    }
    Ok(keys)
}

/// The keys of every `#[sea_orm(..)]`. What cannot be read is left to SeaORM, which says so itself.
fn sea_orm_keys(attributes: &[Attribute]) -> Vec<Meta> {
    let attributes = attributes.iter().filter(|it| it.path().is_ident("sea_orm"));
    attributes
        .filter_map(|it| it.meta.require_list().ok())
        .filter_map(|it| keys::in_list(it).ok())
        .flatten()
        .collect()
}

/// The variant of `Column`, by the very rules of sea-orm-macros (`derives/model.rs`).
fn column(field: &Ident, sea_orm: &[Meta]) -> Ident {
    name_in(sea_orm, "enum_name").unwrap_or_else(|| {
        let name = field.to_string();
        let name = name.trim_start_matches("r#").to_upper_camel_case();
        let name = escape_keyword(name);
        // The field's place for messages, but the call site's hygiene, as in the enum that SeaORM writes.
        Ident::new(&name, Span::call_site().located_at(field.span()))
    })
}

/// `Self` is the one keyword that is upper camel case.
fn escape_keyword(name: String) -> String {
    if name == "Self" { name + "_" } else { name }
}

/// The last `key = "text"`.
fn text_in<'a>(keys: &'a [Meta], key: &str) -> Option<&'a LitStr> {
    keys::string(last(keys, key)?)
}

fn last<'a>(keys: &'a [Meta], key: &str) -> Option<&'a MetaNameValue> {
    let mut pairs = keys.iter().rev().filter_map(|it| it.require_name_value().ok());
    pairs.find(|it| it.path.is_ident(key))
}

/// The last `key = "Name"` or `key = Name`.
fn name_in(keys: &[Meta], key: &str) -> Option<Ident> {
    let pair = last(keys, key)?;
    match &pair.value {
        Expr::Path(name) => name.path.get_ident().cloned(),
        _ => keys::string(pair)?.parse().ok(),
    }
}

fn kind(ty: &Type, sea_orm: &[Meta]) -> Kind {
    let has = |key| sea_orm.iter().any(|it| it.path().is_ident(key));
    if is_relation(ty) {
        Kind::Relation
    } else if has("ignore") {
        Kind::Ignored
    } else if has("primary_key") {
        Kind::PrimaryKey
    } else {
        Kind::Column
    }
}

/// Told by name, as SeaORM does.
fn is_relation(ty: &Type) -> bool {
    let Type::Path(ty) = ty else { return false };
    let last = ty.path.segments.last();
    last.is_some_and(|it| ["BelongsTo", "HasOne", "HasMany"].iter().any(|name| it.ident == name))
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    fn parse_fields(input: DeriveInput) -> Vec<Field> {
        Input::parse(input).fields.unwrap_or_default()
    }

    #[test]
    fn a_column_is_named_as_sea_orm_names_it() {
        let fields = parse_fields(parse_quote! {
            struct Model {
                id: i32,
                created_at: i32,
                r#type: i32,
                self_: i32,
                _private: i32,
                line_2: i32,
                #[sea_orm(column_name = "x", enum_name = "Renamed")]
                odd: i32,
            }
        });
        let columns: Vec<_> = fields.iter().map(|it| it.column.to_string()).collect();
        let expected = ["Id", "CreatedAt", "Type", "Self_", "Private", "Line2", "Renamed"];
        assert_eq!(columns, expected);
        let names: Vec<_> = fields.iter().map(|it| &*it.name).collect();
        assert_eq!(names, ["id", "created_at", "type", "self", "private", "line_2", "x"]);
    }

    #[test]
    fn a_name_follows_the_case_of_the_struct() {
        for (case, expected) in [
            ("camelCase", "createdAt"),
            ("PascalCase", "CreatedAt"),
            ("SCREAMING-KEBAB-CASE", "CREATED-AT"),
            ("title_case", "Created At"),
        ] {
            let fields = parse_fields(parse_quote! {
                #[sea_orm(rename_all = #case)]
                struct Model {
                    created_at: i32,
                    #[sea_orm(column_name = "y")]
                    other: i32,
                }
            });
            let names: Vec<_> = fields.iter().map(|it| &*it.name).collect();
            assert_eq!(names, [expected, "y"]);
        }
    }

    #[test]
    fn the_kind_of_a_field_is_read_from_its_type_and_sea_orm_keys() {
        let fields = parse_fields(parse_quote! {
            struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                id: i32,
                #[sea_orm(column_type = "Text")]
                text: String,
                #[sea_orm(ignore)]
                cache: String,
                #[sea_orm(has_many)]
                posts: sea_orm::entity::prelude::HasMany<super::post::Entity>,
            }
        });
        let kinds: Vec<_> = fields.iter().map(|it| it.kind).collect();
        let expected = [Kind::PrimaryKey, Kind::Column, Kind::Ignored, Kind::Relation];
        assert_eq!(kinds, expected);
    }

    #[test]
    fn the_entity_may_be_given_as_a_name_or_a_string() {
        let by_default = Input::parse(parse_quote!(
            struct Model {}
        ));
        let by_name = Input::parse(parse_quote!(
            #[sea_orm(entity = Cake)]
            struct Model {}
        ));
        let by_string = Input::parse(parse_quote!(
            #[sea_orm(entity = "Cake")]
            struct Model {}
        ));
        assert_eq!(by_default.entity, "Entity");
        assert_eq!(by_name.entity, "Cake");
        assert_eq!(by_string.entity, "Cake");
    }
}
