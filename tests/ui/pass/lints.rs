//! What the macros write meets the lints that an application may deny.
#![deny(warnings, missing_docs, unreachable_pub, clippy::pedantic)]
#![forbid(unsafe_code)]
#![deny(let_underscore, nonstandard_style, rust_2018_idioms, unused, unused_qualifications)]

/// A record.
pub mod post {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    /// A post.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "post")]
    pub struct Model {
        /// The key.
        #[sea_orm(primary_key)]
        pub id: i32,
        /// The title.
        #[auditable(redact)]
        pub title: String,
    }
}

/// A record with hooks.
pub mod hooked {
    use audit_seaorm::{Auditable, audited};
    use sea_orm::entity::prelude::*;

    /// A post.
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "post")]
    #[auditable(hooks)]
    pub struct Model {
        /// The key.
        #[sea_orm(primary_key)]
        pub id: i32,
        /// The title.
        pub title: String,
    }

    #[audited]
    #[async_trait::async_trait]
    impl ActiveModelBehavior for ActiveModel {
        async fn before_delete<C>(self, db: &C) -> Result<Self, DbErr>
        where
            C: ConnectionTrait,
        {
            Entity::find().one(db).await?;
            Ok(self)
        }
    }
}

/// A record of a private module, of which the program uses one method.
mod private {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, audit_seaorm::Auditable)]
    #[sea_orm(table_name = "post")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {}
}

fn main() {
    let row = private::ActiveModel { id: sea_orm::Set(1) };
    drop(row.insert(&sea_orm::DatabaseConnection::default()));
}
