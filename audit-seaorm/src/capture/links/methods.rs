//! The five methods of `ActiveModelTrait` that write links, each for a junction that may be audited.

use futures_util::future::BoxFuture;
use sea_orm::{
    ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, DbErr, DeleteResult, EntityTrait,
    IntoActiveModel, Related, RelatedSelfVia,
};

use super::{Ends, delete, establish, recorded, recorded_delete};

/// `ActiveModelTrait::establish_links`.
pub fn establish_links<'a, A, J, R, RM, C>(
    model: &'a A,
    junction: J,
    related: &'a [RM],
    delete_leftover: bool,
    db: &'a C,
) -> BoxFuture<'a, Result<(), DbErr>>
where
    A: ActiveModelTrait + Sync + 'a,
    R: EntityTrait + 'a,
    RM: ActiveModelTrait<Entity = R> + Sync + 'a,
    J: EntityTrait + Related<R> + Related<A::Entity> + 'a,
    J::Model: IntoActiveModel<J::ActiveModel>,
    J::ActiveModel: ActiveModelBehavior + Send + 'static,
    C: ConnectionTrait,
{
    Box::pin(async move {
        let Some(recorded) = recorded::<J, C>(db) else {
            return ActiveModelTrait::establish_links(
                model,
                junction,
                related,
                delete_leftover,
                db,
            )
            .await;
        };
        let ends = Ends { left: <J as Related<A::Entity>>::to(), right: <J as Related<R>>::to() };
        establish::<A, J, RM, C>(recorded, model, related, ends, delete_leftover, db).await
    })
}

/// `ActiveModelTrait::establish_links_self`.
pub fn establish_links_self<'a, A, J, RM, C>(
    model: &'a A,
    junction: J,
    related: &'a [RM],
    delete_leftover: bool,
    db: &'a C,
) -> BoxFuture<'a, Result<(), DbErr>>
where
    A: ActiveModelTrait<Entity: RelatedSelfVia<J>> + Sync + 'a,
    RM: ActiveModelTrait<Entity = A::Entity> + Sync + 'a,
    J: EntityTrait + 'a,
    J::Model: IntoActiveModel<J::ActiveModel>,
    J::ActiveModel: ActiveModelBehavior + Send + 'static,
    C: ConnectionTrait,
{
    Box::pin(async move {
        let Some(recorded) = recorded::<J, C>(db) else {
            return ActiveModelTrait::establish_links_self(
                model,
                junction,
                related,
                delete_leftover,
                db,
            )
            .await;
        };
        let (there, back) = self_ends::<A, J>();
        let ends = Ends { left: there, right: back };
        establish::<A, J, RM, C>(recorded, model, related, ends, delete_leftover, db).await
    })
}

/// `ActiveModelTrait::establish_links_self_rev`.
pub fn establish_links_self_rev<'a, A, J, RM, C>(
    model: &'a A,
    junction: J,
    related: &'a [RM],
    delete_leftover: bool,
    db: &'a C,
) -> BoxFuture<'a, Result<(), DbErr>>
where
    A: ActiveModelTrait<Entity: RelatedSelfVia<J>> + Sync + 'a,
    RM: ActiveModelTrait<Entity = A::Entity> + Sync + 'a,
    J: EntityTrait + 'a,
    J::Model: IntoActiveModel<J::ActiveModel>,
    J::ActiveModel: ActiveModelBehavior + Send + 'static,
    C: ConnectionTrait,
{
    Box::pin(async move {
        let Some(recorded) = recorded::<J, C>(db) else {
            return ActiveModelTrait::establish_links_self_rev(
                model,
                junction,
                related,
                delete_leftover,
                db,
            )
            .await;
        };
        let (there, back) = self_ends::<A, J>();
        let ends = Ends { left: back, right: there };
        establish::<A, J, RM, C>(recorded, model, related, ends, delete_leftover, db).await
    })
}

/// `ActiveModelTrait::delete_links`.
pub fn delete_links<'a, A, J, C>(
    model: &'a A,
    junction: J,
    db: &'a C,
) -> BoxFuture<'a, Result<DeleteResult, DbErr>>
where
    A: ActiveModelTrait + Sync + 'a,
    J: EntityTrait + Related<A::Entity> + 'a,
    C: ConnectionTrait,
{
    Box::pin(async move {
        match recorded_delete::<J, C>(db)? {
            Some(recorded) => {
                delete::<A, J, C>(recorded, model, &[<J as Related<A::Entity>>::to()], db).await
            }
            None => ActiveModelTrait::delete_links(model, junction, db).await,
        }
    })
}

/// `ActiveModelTrait::delete_links_self`.
pub fn delete_links_self<'a, A, J, C>(
    model: &'a A,
    junction: J,
    db: &'a C,
) -> BoxFuture<'a, Result<DeleteResult, DbErr>>
where
    A: ActiveModelTrait<Entity: RelatedSelfVia<J>> + Sync + 'a,
    J: EntityTrait + 'a,
    C: ConnectionTrait,
{
    Box::pin(async move {
        match recorded_delete::<J, C>(db)? {
            Some(recorded) => {
                let (there, back) = self_ends::<A, J>();
                delete::<A, J, C>(recorded, model, &[there, back], db).await
            }
            None => ActiveModelTrait::delete_links_self(model, junction, db).await,
        }
    })
}

/// The two ends of a junction between a table and itself.
fn self_ends<A, J>() -> (sea_orm::RelationDef, sea_orm::RelationDef)
where
    A: ActiveModelTrait<Entity: RelatedSelfVia<J>>,
    J: EntityTrait,
{
    let there = <A::Entity as RelatedSelfVia<J>>::via().rev();
    (there, <A::Entity as RelatedSelfVia<J>>::to())
}

/// Gives these methods to a type, in the place of those of the trait.
#[doc(hidden)]
#[macro_export]
macro_rules! __link_methods {
    ($entity:ty, $active_model:ty) => {
        const _: () = {
            use ::core::{future::Future, marker::Send, pin::Pin, result::Result};
            use ::std::boxed::Box;

            use sea_orm::{
                ActiveModelBehavior, ActiveModelTrait, ConnectionTrait, DbErr, DeleteResult,
                EntityTrait, IntoActiveModel, Related, RelatedSelfVia,
            };
            use $crate::__private::{links, sea_orm};

            #[doc(hidden)]
            impl $active_model {
                pub fn establish_links<'a, J, R, RM, C>(
                    &'a self,
                    junction: J,
                    related: &'a [RM],
                    delete_leftover: bool,
                    db: &'a C,
                ) -> Pin<Box<dyn Future<Output = Result<(), DbErr>> + Send + 'a>>
                where
                    R: EntityTrait + 'a,
                    RM: ActiveModelTrait<Entity = R> + Sync,
                    J: EntityTrait + Related<R> + Related<$entity> + 'a,
                    J::Model: IntoActiveModel<J::ActiveModel>,
                    J::ActiveModel: ActiveModelBehavior + Send + 'static,
                    C: ConnectionTrait,
                {
                    links::establish_links(self, junction, related, delete_leftover, db)
                }

                pub fn establish_links_self<'a, J, RM, C>(
                    &'a self,
                    junction: J,
                    related: &'a [RM],
                    delete_leftover: bool,
                    db: &'a C,
                ) -> Pin<Box<dyn Future<Output = Result<(), DbErr>> + Send + 'a>>
                where
                    RM: ActiveModelTrait<Entity = $entity> + Sync,
                    J: EntityTrait + 'a,
                    J::Model: IntoActiveModel<J::ActiveModel>,
                    J::ActiveModel: ActiveModelBehavior + Send + 'static,
                    C: ConnectionTrait,
                    $entity: RelatedSelfVia<J>,
                {
                    links::establish_links_self(self, junction, related, delete_leftover, db)
                }

                pub fn establish_links_self_rev<'a, J, RM, C>(
                    &'a self,
                    junction: J,
                    related: &'a [RM],
                    delete_leftover: bool,
                    db: &'a C,
                ) -> Pin<Box<dyn Future<Output = Result<(), DbErr>> + Send + 'a>>
                where
                    RM: ActiveModelTrait<Entity = $entity> + Sync,
                    J: EntityTrait + 'a,
                    J::Model: IntoActiveModel<J::ActiveModel>,
                    J::ActiveModel: ActiveModelBehavior + Send + 'static,
                    C: ConnectionTrait,
                    $entity: RelatedSelfVia<J>,
                {
                    links::establish_links_self_rev(self, junction, related, delete_leftover, db)
                }

                pub fn delete_links<'a, J, C>(
                    &'a self,
                    junction: J,
                    db: &'a C,
                ) -> Pin<Box<dyn Future<Output = Result<DeleteResult, DbErr>> + Send + 'a>>
                where
                    J: EntityTrait + Related<$entity> + 'a,
                    C: ConnectionTrait,
                {
                    links::delete_links(self, junction, db)
                }

                pub fn delete_links_self<'a, J, C>(
                    &'a self,
                    junction: J,
                    db: &'a C,
                ) -> Pin<Box<dyn Future<Output = Result<DeleteResult, DbErr>> + Send + 'a>>
                where
                    J: EntityTrait + 'a,
                    C: ConnectionTrait,
                    $entity: RelatedSelfVia<J>,
                {
                    links::delete_links_self(self, junction, db)
                }
            }
        };
    };
}
