//! The methods are as visible as `Model`, and nobody has to call them.
#![deny(warnings, unreachable_pub)]

mod restricted {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "restricted")]
    pub(crate) struct Model {
        #[sea_orm(primary_key)]
        pub(crate) id: i32,
    }
}

mod classic {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "classic")]
    pub(super) struct Model {
        #[sea_orm(primary_key)]
        pub(super) id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(super) enum Relation {}
}

mod private {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "private")]
    struct Model {
        #[sea_orm(primary_key)]
        id: i32,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    enum Relation {}

    pub(crate) async fn write(db: &DatabaseConnection) -> Result<(), DbErr> {
        <ActiveModel as Default>::default().insert(db).await?.delete(db).await?;
        Ok(())
    }
}

pub async fn write(db: &sea_orm::DatabaseConnection) -> Result<(), sea_orm::DbErr> {
    let restricted = <restricted::ActiveModel as Default>::default();
    restricted.insert(db).await?.delete(db).await?;
    let classic = <classic::ActiveModel as Default>::default();
    classic.insert(db).await?.delete(db).await?;
    private::write(db).await
}

fn main() {
    use audit_seaorm::Auditable;

    assert!(restricted::Entity::RULES.is_empty());
    assert!(classic::Entity::RULES.is_empty());
}
