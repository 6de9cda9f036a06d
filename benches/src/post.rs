//! The table that is written to, as an audited entity and as its plain twin, with the same
//! application code for both: that the code stays as it is, is what the library promises.

use sea_orm::prelude::DateTimeUtc;

/// A bind limit allows no more of them in one statement: six columns each, and `SQLite` takes 32,766.
pub(crate) const POSTS_PER_INSERT: usize = 5_000;

pub(crate) fn title(number: i64) -> String {
    format!("Post number {number}")
}

/// What an update changes the title to.
pub(crate) fn new_title(number: i64) -> String {
    format!("Post number {number}, corrected")
}

/// What an update changes the views to.
pub(crate) fn new_views(number: i64) -> i64 {
    number + 1_000
}

/// About two hundred characters.
pub(crate) fn body(number: i64) -> String {
    format!(
        "{number}: {}",
        "It was a dark and stormy night, and the rain fell in torrents. ".repeat(3)
    )
}

pub(crate) fn created_at(number: i64) -> DateTimeUtc {
    DateTimeUtc::from_timestamp(1_700_000_000 + number, 0).unwrap_or_default()
}

macro_rules! post {
    ($name:ident $(, $derive:path)?; $($own:item)*) => {
        #[allow(
            dead_code,
            unreachable_pub,
            reason = "what the derives write goes beyond what is called here"
        )]
        pub(crate) mod $name {
            use sea_orm::{ActiveValue::Set, entity::prelude::*};

            use crate::write::Write;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, DeriveEntityModel $(, $derive)?)]
            #[sea_orm(table_name = "post")]
            pub struct Model {
                #[sea_orm(primary_key)]
                pub id: i64,
                pub author_id: i64,
                pub title: String,
                #[sea_orm(column_type = "Text")]
                pub body: String,
                pub views: i64,
                pub published: bool,
                pub created_at: DateTimeUtc,
            }

            fn new(number: i64) -> ActiveModel {
                ActiveModel {
                    author_id: Set(number % 10),
                    title: Set(super::title(number)),
                    body: Set(super::body(number)),
                    views: Set(number),
                    published: Set(number % 2 == 0),
                    created_at: Set(super::created_at(number)),
                    ..Default::default()
                }
            }

            /// One write of the post `number`.
            pub(crate) async fn write<C: ConnectionTrait>(
                db: &C,
                write: Write,
                number: i64,
            ) -> Result<(), DbErr> {
                match write {
                    Write::Insert => {
                        new(number).insert(db).await?;
                    }
                    Write::Update => {
                        let post = ActiveModel {
                            id: Set(number),
                            title: Set(super::new_title(number)),
                            views: Set(super::new_views(number)),
                            ..Default::default()
                        };
                        post.update(db).await?;
                    }
                    Write::Delete => {
                        let post = ActiveModel { id: Set(number), ..Default::default() };
                        post.delete(db).await?;
                    }
                }
                Ok(())
            }

            $($own)*
        }
    };
}

post! { plain;
    use std::ops::RangeInclusive;

    use sea_orm::{TransactionTrait, sea_query::ExprTrait};

    impl ActiveModelBehavior for ActiveModel {}

    /// All the posts of these numbers.
    pub(crate) async fn insert_many(
        db: &DatabaseConnection,
        numbers: RangeInclusive<i64>,
    ) -> Result<(), DbErr> {
        let txn = db.begin().await?;
        let numbers: Vec<i64> = numbers.collect();
        for numbers in numbers.chunks(super::POSTS_PER_INSERT) {
            Entity::insert_many(numbers.iter().map(|number| new(*number))).exec(&txn).await?;
        }
        txn.commit().await
    }

    pub(crate) async fn update_many(db: &DatabaseConnection) -> Result<(), DbErr> {
        let views = Expr::col(Column::Views).add(1);
        let update = Entity::update_many().col_expr(Column::Views, views);
        update.filter(Column::Views.gte(0)).exec(db).await?;
        Ok(())
    }

    pub(crate) async fn delete_many(db: &DatabaseConnection) -> Result<(), DbErr> {
        Entity::delete_many().filter(Column::Views.gte(0)).exec(db).await?;
        Ok(())
    }
}

post! { audited, audit_seaorm::Auditable;
    use std::ops::RangeInclusive;
    use sea_orm::{QueryFilter, sea_query::ExprTrait};

    /// All the posts of these numbers.
    pub(crate) async fn insert_many(
        db: &DatabaseConnection,
        numbers: RangeInclusive<i64>,
    ) -> Result<(), DbErr> {
        Entity::audited().insert_many(numbers.map(new)).exec(db).await?;
        Ok(())
    }

    pub(crate) async fn update_many(db: &DatabaseConnection) -> Result<(), DbErr> {
        let views = Expr::col(Column::Views).add(1);
        let update = Entity::audited().update_many().col_expr(Column::Views, views);
        update.filter(Column::Views.gte(0)).exec(db).await?;
        Ok(())
    }

    pub(crate) async fn delete_many(db: &DatabaseConnection) -> Result<(), DbErr> {
        Entity::audited().delete_many().filter(Column::Views.gte(0)).exec(db).await?;
        Ok(())
    }
}
