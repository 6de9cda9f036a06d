//! The entities that the suite writes.

/// Entity-first, with every rule and a unique column.
pub mod post {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "post")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(unique)]
        pub title: String,
        pub likes: i32,
        #[auditable(redact)]
        pub token: Option<String>,
        #[auditable(skip)]
        pub views: i32,
    }
}

/// Classic, with hooks of its own that note what they see.
pub mod hooked {
    use audit_seaorm::{AuditTrail, Auditable, audited};
    use sea_orm::{ActiveValue::Set, entity::prelude::*};
    use std::sync::Mutex;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "hooked")]
    #[auditable(hooks)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub state: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    tokio::task_local! {
        pub static SEEN: Mutex<Vec<String>>;
    }

    /// Notes the hook, the kind of connection, and how many entries the record has by then.
    async fn note<C: ConnectionTrait>(hook: &str, id: Option<i32>, db: &C) -> Result<(), DbErr> {
        let entries = match id {
            Some(id) => AuditTrail::find_for_record(db, Entity, id).await?.len(),
            None => 0,
        };
        let connection = std::any::type_name::<C>().rsplit("::").next().unwrap_or_default();
        let _ = SEEN.try_with(|seen| {
            seen.lock().unwrap().push(format!("{hook} on {connection}: {entries}"));
        });
        Ok(())
    }

    #[audited]
    #[async_trait::async_trait]
    impl ActiveModelBehavior for ActiveModel {
        fn new() -> Self {
            Self { state: Set("new".to_owned()), ..ActiveModelTrait::default() }
        }

        async fn before_save<C>(mut self, db: &C, insert: bool) -> Result<Self, DbErr>
        where
            C: ConnectionTrait,
        {
            note(
                if insert { "before insert" } else { "before update" },
                self.id.try_as_ref().copied(),
                db,
            )
            .await?;
            if let Set(name) = &self.name {
                if name == "refused" {
                    return Err(DbErr::Custom("refused by the hook".to_owned()));
                }
                self.name = Set(name.trim().to_owned());
            }
            Ok(self)
        }

        async fn after_save<C>(model: Model, db: &C, insert: bool) -> Result<Model, DbErr>
        where
            C: ConnectionTrait,
        {
            note(if insert { "after insert" } else { "after update" }, Some(model.id), db).await?;
            if model.name == "fails later" {
                return Err(DbErr::Custom("the hook failed".to_owned()));
            }
            Ok(model)
        }

        async fn before_delete<C>(self, db: &C) -> Result<Self, DbErr>
        where
            C: ConnectionTrait,
        {
            note("before delete", self.id.try_as_ref().copied(), db).await?;
            Ok(self)
        }

        async fn after_delete<C>(self, db: &C) -> Result<Self, DbErr>
        where
            C: ConnectionTrait,
        {
            note("after delete", self.id.try_as_ref().copied(), db).await?;
            Ok(self)
        }
    }
}

/// Compact, with a key of two columns.
pub mod label {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::compact_model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "label")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub post_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub language: String,
        pub text: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
}

/// Expanded, with a key of text.
pub mod country {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[derive(Copy, Clone, Default, Debug, DeriveEntity)]
    pub struct Entity;

    impl EntityName for Entity {
        fn table_name(&self) -> &'static str {
            "country"
        }
    }

    #[derive(Clone, Debug, PartialEq, Eq, DeriveModel, DeriveActiveModel, Auditable)]
    pub struct Model {
        pub code: String,
        pub name: Option<String>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveColumn)]
    pub enum Column {
        Code,
        Name,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DerivePrimaryKey)]
    pub enum PrimaryKey {
        Code,
    }

    impl PrimaryKeyTrait for PrimaryKey {
        type ValueType = String;

        fn auto_increment() -> bool {
            false
        }
    }

    impl ColumnTrait for Column {
        type EntityName = Entity;

        fn def(&self) -> ColumnDef {
            match self {
                Self::Code => ColumnType::String(StringLen::N(64)).def(),
                Self::Name => ColumnType::String(StringLen::N(64)).def().null(),
            }
        }
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
}

/// A key that is a UUID, made by the client.
pub mod device {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "device")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub name: String,
    }
}

/// Reserved words and renamed columns everywhere, an ignored field, an enum.
pub mod order {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
    #[sea_orm(rs_type = "String", db_type = "String(StringLen::N(8))")]
    pub enum Select {
        #[default]
        #[sea_orm(string_value = "from")]
        From,
        #[sea_orm(string_value = "where")]
        Where,
    }

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "order")]
    pub struct Model {
        #[sea_orm(primary_key, column_name = "select")]
        pub id: i64,
        pub r#type: String,
        #[sea_orm(column_name = "group by", enum_name = "Grouping")]
        pub group: Select,
        #[sea_orm(column_name = "camelCase")]
        #[auditable(redact)]
        pub secret: String,
        #[sea_orm(ignore)]
        pub computed: i32,
    }
}

/// A table in a schema of its own.
pub mod account {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(schema_name = "books", table_name = "account")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }
}

/// An inherent method of its own, in the place of ours.
pub mod archived {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "archived")]
    #[auditable(own(insert))]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
    }

    impl ActiveModel {
        pub async fn insert<C: ConnectionTrait>(mut self, db: &C) -> Result<Model, DbErr> {
            self.name = sea_orm::ActiveValue::Set("archived".to_owned());
            ActiveModelTrait::insert(self, db).await
        }
    }
}
