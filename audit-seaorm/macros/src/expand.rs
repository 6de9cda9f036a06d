//! Last step: from a plan to code. It cannot fail, and the code only hands over.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::{Ident, Path};

use crate::former::Former;
use crate::validate::{Checked, Method, ModelPlan, Plan, RestoreRule, Rule};

pub(crate) fn expand(checked: &Checked) -> TokenStream {
    let error = checked.error.as_ref().map(syn::Error::to_compile_error);
    let plan = checked.plan.as_ref().map(|plan| match plan {
        Plan::Model(plan) => entity(plan),
        Plan::ModelEx { krate } => {
            links(krate, &format_ident!("Entity"), &format_ident!("ActiveModelEx"))
        }
    });
    quote!(#error #plan)
}

fn entity(plan: &ModelPlan) -> TokenStream {
    let auditable = auditable(plan);
    let behavior = (!plan.hooks).then(|| behavior(plan));
    let (of_model, of_active_model): (Vec<Method>, Vec<Method>) =
        plan.methods.iter().partition(|it| **it == Method::ModelDelete);
    let of_active_model = inherent(plan, active_model(), &of_active_model);
    let of_model = inherent(plan, quote!(Model), &of_model);
    let links = links(&plan.krate, &plan.entity, &active_model());
    let of_entity = plan.methods.contains(&Method::Audited).then(|| audited(plan));
    quote!(#auditable #behavior #of_active_model #of_model #of_entity #links)
}

/// The links of many-to-many relations.
fn links(krate: &Path, entity: &Ident, active_model: &Ident) -> TokenStream {
    quote!(#krate::__private::link_methods!(#entity, #active_model);)
}

/// The trait's function, for those who have not imported the trait.
fn audited(plan: &ModelPlan) -> TokenStream {
    let ModelPlan { krate, vis, entity, .. } = plan;
    quote! {
        #[allow(dead_code)]
        impl #entity {
            /// The writes of `EntityTrait`, audited.
            #vis fn audited() -> #krate::audited::Audited<Self> {
                #krate::__private::audited()
            }
        }
    }
}

fn auditable(plan: &ModelPlan) -> TokenStream {
    let ModelPlan { krate, entity, .. } = plan;
    let column = quote!(<Self as #krate::__private::sea_orm::EntityTrait>::Column);
    let columns = plan.rules.iter().map(|(column, _)| column);
    let rules = plan.rules.iter().map(|(_, rule)| rule);
    let renamed = plan.renamed.iter().map(|(column, _)| column);
    let former = plan.renamed.iter().map(|(_, former)| {
        let former = former.iter().map(|it| former_name(krate, it));
        quote!(&[#(#former),*])
    });
    let restored = plan.restore.iter().map(|(column, ..)| column);
    let how = plan.restore.iter().map(|(_, rule, _)| rule);
    let versions = plan.restore.iter().filter(|(_, rule, _)| *rule == RestoreRule::Version);
    let versions = versions.map(|(.., ty)| ty);
    quote! {
        #[automatically_derived]
        impl #krate::Auditable for #entity {
            const RULES: &'static [(#column, #krate::FieldRule)] =
                &[#((#column::#columns, #krate::FieldRule::#rules)),*];
            const RENAMED: &'static [(#column, &'static [#krate::FormerName])] =
                &[#((#column::#renamed, #former)),*];
            const RESTORE: &'static [(#column, #krate::RestoreRule)] =
                &[#((#column::#restored, #krate::RestoreRule::#how)),*];
        }

        #(const _: () = #krate::__private::is_version::<#versions>();)*
        // Statements and entries name the table of `Entity::default()`.
        const _: () = ::core::assert!(
            ::core::mem::size_of::<#entity>() == 0,
            "an audited `Entity` has no fields, because a value of it could name another table than its entries: make \
             it a unit struct. `schema_name` and `table_name` may take the name from the task",
        );

        #krate::__private::inventory::submit! {
            #krate::__private::AuditedTable::of::<#entity>()
        }
    }
}

fn former_name(krate: &Path, former: &Former) -> TokenStream {
    let name = &former.name;
    if let Some(micros) = former.until {
        quote!(#krate::FormerName::until_micros(#name, #micros))
    } else {
        quote!(#krate::FormerName::new(#name))
    }
}

impl ToTokens for RestoreRule {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::Ignore => quote!(Ignore),
            Self::Version => quote!(Version),
        });
    }
}

impl ToTokens for Rule {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(match self {
            Self::Redact => quote!(Redact),
            Self::Skip => quote!(Skip),
        });
    }
}

/// Both hook traits for an entity without hooks of its own.
fn behavior(plan: &ModelPlan) -> TokenStream {
    let ModelPlan { krate, .. } = plan;
    let of = quote!(#krate::__private::sea_orm::ActiveModelBehavior);
    let no_hooks = no_hooks(krate);
    let handover = handover(krate, of, active_model());
    quote!(#no_hooks #handover)
}

pub(crate) fn no_hooks(krate: &Path) -> TokenStream {
    let active_model = active_model();
    quote! {
        #[automatically_derived]
        impl #krate::AuditHooks for #active_model {}
    }
}

/// The impl that SeaORM calls: `of` is the path of `ActiveModelBehavior`, `ty` the active model.
pub(crate) fn handover(krate: &Path, of: impl ToTokens, ty: impl ToTokens) -> TokenStream {
    let private = quote!(#krate::__private);
    let sea_orm = quote!(#private::sea_orm);
    let model = quote!(
        <<Self as #sea_orm::ActiveModelTrait>::Entity as #sea_orm::EntityTrait>::Model
    );
    let result = quote!(::core::result::Result);
    quote! {
        #[automatically_derived]
        #[#private::async_trait]
        impl #of for #ty {
            fn new() -> Self {
                <Self as #krate::AuditHooks>::new()
            }

            async fn before_save<C>(self, db: &C, insert: bool) -> #result<Self, #sea_orm::DbErr>
            where
                C: #sea_orm::ConnectionTrait,
            {
                #private::before_save(self, db, insert).await
            }

            async fn after_save<C>(model: #model, db: &C, insert: bool) -> #result<#model, #sea_orm::DbErr>
            where
                C: #sea_orm::ConnectionTrait,
            {
                #private::after_save::<Self, C>(model, db, insert).await
            }

            async fn before_delete<C>(self, db: &C) -> #result<Self, #sea_orm::DbErr>
            where
                C: #sea_orm::ConnectionTrait,
            {
                #private::before_delete(self, db).await
            }

            async fn after_delete<C>(self, db: &C) -> #result<Self, #sea_orm::DbErr>
            where
                C: #sea_orm::ConnectionTrait,
            {
                #private::after_delete(self, db).await
            }
        }
    }
}

/// Inherent methods of `ty`, which win over the trait methods of the same names.
fn inherent(plan: &ModelPlan, ty: impl ToTokens, methods: &[Method]) -> Option<TokenStream> {
    let methods: Vec<_> = methods.iter().filter_map(|it| method(plan, *it)).collect();
    // An application calls some of them.
    (!methods.is_empty()).then(|| quote!(#[allow(dead_code)] impl #ty { #(#methods)* }))
}

/// One method, with the signature that `async_trait` gives to the trait's own.
fn method(plan: &ModelPlan, method: Method) -> Option<TokenStream> {
    let ModelPlan { krate, vis, .. } = plan;
    let Written { doc, name, function, output } = written(method, krate)?;
    Some(quote! {
        #[doc = #doc]
        #vis fn #name<'a, C>(
            self,
            db: &'a C,
        ) -> ::core::pin::Pin<::std::boxed::Box<
            dyn ::core::future::Future<
                Output = ::core::result::Result<#output, #krate::__private::sea_orm::DbErr>,
            > + ::core::marker::Send + 'a,
        >>
        where
            C: #krate::__private::sea_orm::ConnectionTrait,
        {
            #krate::__private::#function(self, db)
        }
    })
}

/// What differs from method to method.
struct Written {
    doc: &'static str,
    name: TokenStream,
    function: TokenStream,
    output: TokenStream,
}

fn written(method: Method, krate: &Path) -> Option<Written> {
    let sea_orm = quote!(#krate::__private::sea_orm);
    let (doc, name, output) = match method {
        Method::Insert => (" Inserts the record, audited.", quote!(insert), quote!(Model)),
        Method::Update => (" Updates the record, audited.", quote!(update), quote!(Model)),
        Method::UpdateWithoutReturning => (
            " Updates the record, audited, without reading it back.",
            quote!(update_without_returning),
            quote!(#sea_orm::UpdateResult),
        ),
        Method::Save => (
            " Inserts the record if its primary key is not set, updates it otherwise, audited.",
            quote!(save),
            quote!(Self),
        ),
        Method::Delete | Method::ModelDelete => {
            (" Deletes the record, audited.", quote!(delete), quote!(#sea_orm::DeleteResult))
        }
        Method::Audited => return None,
    };
    let function = match method {
        Method::ModelDelete => quote!(delete_model),
        _ => name.clone(),
    };
    Some(Written { doc, name, function, output })
}

/// The type that SeaORM names so in every entity.
pub(crate) fn active_model() -> Ident {
    format_ident!("ActiveModel")
}
