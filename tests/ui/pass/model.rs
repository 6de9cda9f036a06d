//! `#[sea_orm::model]`: the derive stands on `Model` and `ModelEx`.

mod user {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "user")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[auditable(redact)]
        pub password: String,
        #[sea_orm(has_many)]
        pub posts: HasMany<super::post::Entity>,
    }
}

mod post {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "post")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[auditable(redact)]
        pub title: String,
        #[auditable(skip)]
        pub updated_at: DateTimeUtc,
        pub user_id: i32,
        #[sea_orm(belongs_to, from = "user_id", to = "id")]
        pub user: BelongsTo<super::user::Entity>,
        #[sea_orm(has_many, via = "post_tag")]
        pub tags: HasMany<super::tag::Entity>,
    }
}

mod tag {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "tag")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        #[sea_orm(has_many, via = "post_tag")]
        pub posts: HasMany<super::post::Entity>,
    }
}

mod post_tag {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "post_tag")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub post_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: Uuid,
        #[sea_orm(belongs_to, from = "post_id", to = "id")]
        pub post: BelongsTo<super::post::Entity>,
        #[sea_orm(belongs_to, from = "tag_id", to = "id")]
        pub tag: BelongsTo<super::tag::Entity>,
    }
}

async fn write<C>(db: &C, post: post::Model) -> Result<(), sea_orm::DbErr>
where
    C: sea_orm::TransactionTrait + sea_orm::ConnectionTrait,
{
    use sea_orm::{IntoActiveModel, ModelTrait};

    let user = user::ActiveModel::builder().set_password("secret").save(db).await?;
    user.delete(db).await?;
    let post = post.into_active_model().update(db).await?;
    post.clone().into_active_model().into_ex().update(db).await?;
    post.clone().cascade_delete(db).await?;
    ModelTrait::delete(post.clone(), db).await?;
    post.delete(db).await?;
    Ok(())
}

fn assert_send<T: Send>(_: T) {}

fn main() {
    use audit_seaorm::{Auditable, FieldRule};

    let rules = post::Entity::RULES;
    assert!(matches!(
        rules,
        [(post::Column::Title, FieldRule::Redact), (post::Column::UpdatedAt, FieldRule::Skip),]
    ));
    let _ = |db: &sea_orm::DatabaseConnection, post| assert_send(write(db, post));
}
