//! A model that also turns into another entity's active model: the derive must not guess which.

mod archive {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "archive")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }
}

mod post {
    use audit_seaorm::Auditable;
    use sea_orm::{IntoActiveModel, Set, entity::prelude::*};

    use super::archive;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "post")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
    }

    impl IntoActiveModel<archive::ActiveModel> for Model {
        fn into_active_model(self) -> archive::ActiveModel {
            archive::ActiveModel { id: Set(self.id) }
        }
    }
}

fn main() {
    use sea_orm::IntoActiveModel;

    let copy: archive::ActiveModel = post::Model { id: 1 }.into_active_model();
    assert_eq!(copy.id, sea_orm::Set(1));
}
