//! `Entity::audited()`.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DbErr, EntityTrait, ExprTrait, IntoActiveModel, QueryFilter,
    QuerySelect, QueryTrait,
    sea_query::{Expr, OnConflict},
};

use super::{
    Dice,
    models::{post, stock, title},
    world::{any, stock},
};
use crate::entities::{label, post};

pub(super) const WRITES: &[&str] = &[
    "insert",
    "insert returning",
    "insert many",
    "insert many with a key",
    "upsert one",
    "upsert many",
    "upsert by an expression",
    "upsert a stock",
    "do nothing",
    "do nothing of many",
    "try insert",
    "update one",
    "update one under a condition",
    "update many",
    "update many by expressions",
    "update many returning",
    "update many by a subquery",
    "update many to a refused value",
    "delete one",
    "delete by id",
    "delete many",
    "delete many returning",
    "delete many by a subquery",
    "delete labels",
];

pub(super) async fn write<C>(name: &str, dice: &mut Dice, db: &C) -> Result<(), DbErr>
where
    C: ConnectionTrait,
{
    if name.starts_with("update") {
        update(name, dice, db).await
    } else if name.starts_with("delete") {
        delete(name, dice, db).await
    } else {
        insert(name, dice, db).await
    }
}

async fn insert<C: ConnectionTrait>(name: &str, dice: &mut Dice, db: &C) -> Result<(), DbErr> {
    let posts = || post::Entity::audited();
    match name {
        "insert" => posts().insert(post(dice)).exec(db).await.map(drop),
        "insert returning" => posts().insert(post(dice)).exec_with_returning(db).await.map(drop),
        "insert many" => posts().insert_many(several(dice, post)).exec(db).await.map(drop),
        "insert many with a key" => {
            let rows = several(dice, label);
            label::Entity::audited().insert_many(rows).exec_with_returning(db).await.map(drop)
        }
        "upsert one" => posts().insert(post(dice)).on_conflict(likes()).exec(db).await.map(drop),
        "upsert many" => {
            let rows = several(dice, post);
            posts().insert_many(rows).on_conflict(likes()).exec_with_returning(db).await.map(drop)
        }
        "upsert by an expression" => {
            let more = Expr::col((post::Entity, post::Column::Likes)).add(1);
            let on_title =
                OnConflict::column(post::Column::Title).value(post::Column::Likes, more).to_owned();
            let rows = several(dice, post);
            posts().insert_many(rows).on_conflict(on_title).exec(db).await.map(drop)
        }
        "upsert a stock" => {
            let rows = several(dice, stock);
            let all = [stock::Column::Amount, stock::Column::Price, stock::Column::Data];
            let on_code = OnConflict::column(stock::Column::Code).update_columns(all).to_owned();
            stock::Entity::audited().insert_many(rows).on_conflict(on_code).exec(db).await.map(drop)
        }
        "do nothing" => {
            let insert = stock::Entity::audited().insert(stock(dice)).on_conflict_do_nothing();
            insert.exec(db).await.map(drop)
        }
        "do nothing of many" => {
            let insert = posts().insert_many(several(dice, post));
            let insert = insert.on_conflict_do_nothing_on([post::Column::Title]);
            insert.exec_with_returning_many(db).await.map(drop)
        }
        "try insert" => posts().insert(post(dice)).try_insert().exec(db).await.map(drop),
        other => panic!("no write {other}"),
    }
}

async fn update<C: ConnectionTrait>(name: &str, dice: &mut Dice, db: &C) -> Result<(), DbErr> {
    let many = || post::Entity::audited().update_many();
    let some = post::Column::Likes.gt(dice.number(100));
    let likes = Set(dice.number(100));
    match name {
        "update one" | "update one under a condition" => {
            let Some(row) = any::<post::Entity>(dice, db).await? else { return Ok(()) };
            let as_read = post::Column::Likes.eq(row.likes);
            let update = post::Entity::audited()
                .update(post::ActiveModel { likes, ..row.into_active_model() });
            if name == "update one" {
                update.exec(db).await.map(drop)
            } else {
                update.validate()?.filter(as_read).exec_without_returning(db).await.map(drop)
            }
        }
        "update many" => {
            let set = post::ActiveModel { likes, token: Set(None), ..Default::default() };
            many().set(set).filter(some).exec(db).await.map(drop)
        }
        "update many by expressions" => {
            let (likes, views) = (post::Column::Likes, post::Column::Views);
            let update = many()
                .col_expr(likes, likes.into_expr().add(dice.number(3)))
                .col_expr(views, views.into_expr().add(1));
            update.exec(db).await.map(drop)
        }
        "update many returning" => {
            let set = post::ActiveModel { likes, ..Default::default() };
            many().set(set).filter(some).exec_with_returning(db).await.map(drop)
        }
        "update many by a subquery" => {
            let labelled = label::Entity::find().select_only().column(label::Column::PostId);
            let labelled = post::Column::Id.in_subquery(labelled.into_query());
            let set = post::ActiveModel { likes, ..Default::default() };
            many().set(set).filter(labelled).exec(db).await.map(drop)
        }
        "update many to a refused value" => {
            let amount = stock::Column::Amount;
            let less = amount.into_expr().sub(dice.number(30));
            stock::Entity::audited().update_many().col_expr(amount, less).exec(db).await.map(drop)
        }
        other => panic!("no write {other}"),
    }
}

async fn delete<C: ConnectionTrait>(name: &str, dice: &mut Dice, db: &C) -> Result<(), DbErr> {
    let many = || post::Entity::audited().delete_many();
    let some = post::Column::Likes.gt(60 + dice.number(40));
    match name {
        "delete one" => {
            let Some(row) = any::<post::Entity>(dice, db).await? else { return Ok(()) };
            post::Entity::audited().delete(row.into_active_model()).exec(db).await.map(drop)
        }
        "delete by id" => {
            let Some(row) = any::<stock::Entity>(dice, db).await? else { return Ok(()) };
            stock::Entity::audited().delete_by_id(row.code).exec(db).await.map(drop)
        }
        "delete many" => many().filter(some).exec(db).await.map(drop),
        "delete many returning" => many().filter(some).exec_with_returning(db).await.map(drop),
        "delete many by a subquery" => {
            let labelled = label::Entity::find().select_only().column(label::Column::PostId);
            let labelled = post::Column::Id.in_subquery(labelled.into_query());
            many().filter(labelled).filter(some).exec(db).await.map(drop)
        }
        "delete labels" => {
            let some = label::Column::PostId.lt(dice.number(12));
            label::Entity::audited().delete_many().filter(some).exec(db).await.map(drop)
        }
        other => panic!("no write {other}"),
    }
}

fn several<T>(dice: &mut Dice, one: impl Fn(&mut Dice) -> T) -> Vec<T> {
    (0..=dice.below(5)).map(|_| one(dice)).collect()
}

fn likes() -> OnConflict {
    OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned()
}

fn label(dice: &mut Dice) -> label::ActiveModel {
    let language = *dice.pick(&["en", "de", "e\"n"]);
    let post_id = Set(dice.number(12));
    label::ActiveModel { post_id, language: Set(language.to_owned()), text: Set(title(dice)) }
}
