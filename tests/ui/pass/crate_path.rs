//! `crate` says where audit-seaorm is found, on the derive and on the attribute.

extern crate audit_seaorm as trail;

mod plain {
    use sea_orm::entity::prelude::*;
    use trail::Auditable;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "plain")]
    #[auditable(crate = "::trail")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[auditable(redact)]
        pub title: String,
    }
}

mod hooked {
    use sea_orm::entity::prelude::*;
    use trail::{Auditable, audited};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "hooked")]
    #[auditable(hooks, crate = "crate::trail")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    #[audited(crate = "trail")]
    impl ActiveModelBehavior for ActiveModel {}
}

fn main() {
    use trail::Auditable;

    assert_eq!(plain::Entity::RULES.len(), 1);
    assert!(hooked::Entity::RULES.is_empty());
}
