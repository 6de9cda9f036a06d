//! `#[audited]`: the user's hooks become an `AuditHooks`, and `ActiveModelBehavior` hands over to the audit trail.

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{ItemImpl, Meta, Path, Type, parse_quote_spanned, spanned::Spanned};

use crate::errors::Errors;
use crate::expand::{active_model, handover, no_hooks};
use crate::keys::{self, crate_path, default_crate, distinct, name};

/// What stands under `#[audited(..)]`.
pub(crate) struct Input {
    keys: syn::Result<Vec<Meta>>,
    item: TokenStream,
    block: Option<ItemImpl>,
}

pub(crate) struct Checked {
    error: Option<syn::Error>,
    krate: Path,
    block: Block,
}

enum Block {
    /// The hooks of an entity.
    Hooks { block: Box<ItemImpl>, of: Path },
    /// Hooks that cannot be kept: both traits are written as if there were none.
    Dropped,
    /// Another item, which stays; an `ActiveModel` gets a hook trait without hooks.
    Other { item: TokenStream, stub: bool },
}

impl Input {
    pub(crate) fn parse(args: TokenStream, item: TokenStream) -> Self {
        Self { keys: keys::in_args(args), block: syn::parse2(item.clone()).ok(), item }
    }
}

const NOT_A_BLOCK: &str =
    "`#[audited]` belongs to a block: put it on `impl ActiveModelBehavior for ActiveModel`";
const INHERENT: &str =
    "these are not hooks: put `#[audited]` on `impl ActiveModelBehavior for ActiveModel`";
const GENERICS: &str = "an audited entity has no generics: remove them";

pub(crate) fn validate(input: Input) -> Checked {
    let mut errors = Errors::default();
    let krate = krate(input.keys, &mut errors);
    let block = block(input.block, input.item, &mut errors);
    Checked { error: errors.into_inner(), krate, block }
}

fn krate(keys: syn::Result<Vec<Meta>>, errors: &mut Errors) -> Path {
    let keys = keys.unwrap_or_else(|error| {
        errors.push(error);
        Vec::new()
    });
    let mut krate = default_crate();
    for (name, key) in distinct(&keys, errors) {
        match name.as_str() {
            "crate" => krate = crate_path(key, errors),
            _ => {
                errors
                    .at(key, format!("unknown key `{name}`: `#[audited]` takes `crate = \"..\"`"));
            }
        }
    }
    krate
}

fn block(block: Option<ItemImpl>, item: TokenStream, errors: &mut Errors) -> Block {
    let Some(block) = block.map(Box::new) else {
        errors.push(syn::Error::new(Span::call_site(), NOT_A_BLOCK));
        return Block::Other { item, stub: false };
    };
    let stub = is_active_model(&block.self_ty);
    match &block.trait_ {
        None => errors.at(&block.self_ty, INHERENT),
        Some((_, of, _)) if !is_behavior(of) => errors.at(of, other_trait(of)),
        Some(_) if !block.generics.params.is_empty() => {
            errors.at(&block.generics, GENERICS);
            return Block::Dropped;
        }
        Some((_, of, _)) => {
            let of = of.clone();
            return Block::Hooks { block, of };
        }
    }
    Block::Other { item, stub }
}

fn is_behavior(path: &Path) -> bool {
    let last = path.segments.last();
    last.is_some_and(|it| it.ident == "ActiveModelBehavior")
}

fn other_trait(path: &Path) -> String {
    let name = name(path);
    format!("`{name}` has no hooks: put `#[audited]` on `impl ActiveModelBehavior for ActiveModel`")
}

fn is_active_model(ty: &Type) -> bool {
    let Type::Path(ty) = ty else { return false };
    let last = ty.path.segments.last();
    last.is_some_and(|it| it.ident == active_model())
}

pub(crate) fn expand(checked: &Checked) -> TokenStream {
    let error = checked.error.as_ref().map(syn::Error::to_compile_error);
    let block = expand_block(&checked.block, &checked.krate);
    quote!(#error #block)
}

fn expand_block(block: &Block, krate: &Path) -> TokenStream {
    match block {
        Block::Hooks { block, of } => {
            let hooks = retarget(block.as_ref().clone(), of, krate);
            let handover = handover(krate, of, &block.self_ty);
            quote!(#hooks #handover)
        }
        Block::Dropped => {
            let no_hooks = no_hooks(krate);
            let of = quote!(#krate::__private::sea_orm::ActiveModelBehavior);
            let handover = handover(krate, of, active_model());
            quote!(#no_hooks #handover)
        }
        Block::Other { item, stub } => {
            let no_hooks = stub.then(|| no_hooks(krate));
            quote!(#item #no_hooks)
        }
    }
}

/// The user's block, attributes and all, as an impl of our trait.
fn retarget(mut block: ItemImpl, of: &Path, krate: &Path) -> ItemImpl {
    if let Some((_, path, _)) = &mut block.trait_ {
        *path = parse_quote_spanned!(of.span()=> #krate::AuditHooks);
    }
    block
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(args: TokenStream, item: TokenStream) -> Vec<String> {
        let error = validate(Input::parse(args, item)).error;
        let errors = error.into_iter().flatten();
        errors.map(|it| it.to_string()).collect()
    }

    #[test]
    fn the_block_is_an_impl_of_active_model_behavior() {
        let none = TokenStream::new;
        let block = quote!(impl sea_orm::ActiveModelBehavior for ActiveModel {});
        assert!(messages(none(), block).is_empty());
        assert_eq!(
            messages(
                none(),
                quote!(
                    struct ActiveModel;
                )
            ),
            [NOT_A_BLOCK]
        );
        assert_eq!(messages(none(), quote!(impl ActiveModel {})), [INHERENT]);
        let generic = quote!(
            impl<T> ActiveModelBehavior for ActiveModel<T> {}
        );
        assert_eq!(messages(none(), generic), [GENERICS]);
        let other = messages(none(), quote!(impl fmt::Display for ActiveModel {}));
        assert!(other[0].starts_with("`fmt::Display` has no hooks"), "{other:?}");
    }

    #[test]
    fn the_only_key_is_the_crate() {
        let messages = |args| messages(args, quote!(impl ActiveModelBehavior for ActiveModel {}));
        assert!(messages(quote!(crate = "crate::trail")).is_empty());
        assert!(messages(quote!(hooks))[0].starts_with("unknown key `hooks`"));
        assert!(messages(quote!(crate))[0].starts_with("write the path"));
        assert!(
            messages(quote!(crate = "a", crate = "b"))[0].starts_with("`crate` is there twice")
        );
    }

    #[test]
    fn the_block_keeps_its_attributes_and_its_body() {
        let block = quote!(
            #[async_trait]
            impl ActiveModelBehavior for ActiveModel {
                fn new() -> Self {
                    x()
                }
            }
        );
        let code = expand(&validate(Input::parse(TokenStream::new(), block))).to_string();
        let hooks = quote!(
            #[async_trait]
            impl ::audit_seaorm::AuditHooks for ActiveModel {
                fn new() -> Self {
                    x()
                }
            }
        );
        assert!(code.starts_with(&hooks.to_string()), "{code}");
    }
}
