//! What all lists of keys have in common, in `#[auditable(..)]`, `own(..)` and `#[audited(..)]`.

use std::collections::HashSet;

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Expr, ExprLit, Lit, LitStr, Meta, MetaList, MetaNameValue, Path, Token, parse::Parser,
    parse_quote, punctuated::Punctuated,
};

use crate::errors::Errors;

type Keys = Punctuated<Meta, Token![,]>;

/// The keys in `name(..)`.
pub(crate) fn in_list(list: &MetaList) -> syn::Result<Vec<Meta>> {
    collect(list.parse_args_with(Keys::parse_terminated))
}

/// The keys in the arguments of an attribute macro.
pub(crate) fn in_args(args: TokenStream) -> syn::Result<Vec<Meta>> {
    collect(Keys::parse_terminated.parse2(args))
}

fn collect(keys: syn::Result<Keys>) -> syn::Result<Vec<Meta>> {
    keys.map(Vec::from_iter).map_err(|error| unreadable(&error))
}

/// What syn says, and what to write.
fn unreadable(error: &syn::Error) -> syn::Error {
    let message =
        format!("{error}: write keys with a comma between them, as in `(hooks, own(save))`");
    syn::Error::new(error.span(), message)
}

/// Each key with its name, the first time it is there; the one place that refuses repetition.
pub(crate) fn distinct<'a>(keys: &'a [Meta], errors: &mut Errors) -> Vec<(String, &'a Meta)> {
    let mut seen = HashSet::new();
    let named = keys.iter().map(|key| (name(key.path()), key));
    let (first, again): (Vec<_>, Vec<_>) = named.partition(|(name, _)| seen.insert(name.clone()));
    for (name, key) in again {
        errors.at(key, format!("`{name}` is there twice: remove one"));
    }
    first
}

pub(crate) fn name(path: &Path) -> String {
    path.to_token_stream().to_string().replace(' ', "")
}

pub(crate) fn refuse_value(key: &Meta, errors: &mut Errors) {
    if key.require_path_only().is_err() {
        let name = name(key.path());
        errors.at(key, format!("`{name}` takes no value: write just `{name}`"));
    }
}

pub(crate) fn default_crate() -> Path {
    parse_quote!(::audit_seaorm)
}

/// The path in `crate = "path"`.
pub(crate) fn crate_path(key: &Meta, errors: &mut Errors) -> Path {
    let pair = key.require_name_value().ok();
    let string = pair.and_then(string);
    match string.map(|it| it.parse_with(Path::parse_mod_style)) {
        Some(Ok(path)) => return path,
        Some(Err(_)) | None => errors.at(
            key,
            "write the path of audit-seaorm as a string, as in `crate = \"::audit_seaorm\"`",
        ),
    }
    default_crate()
}

/// The string literal in `key = "…"`.
pub(crate) fn string(pair: &MetaNameValue) -> Option<&LitStr> {
    match &pair.value {
        Expr::Lit(ExprLit { lit: Lit::Str(string), .. }) => Some(string),
        _ => None,
    }
}
