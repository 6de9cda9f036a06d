//! The methods of an `ActiveModel`, inherent and by trait.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ConnectionTrait, DbErr, IntoActiveModel, ModelTrait,
};

use super::{
    Dice,
    world::{any, stock},
};
use crate::{
    entities::{label, post},
    support::new_post,
};

pub(super) const WRITES: &[&str] = &[
    "insert",
    "insert with a key",
    "update",
    "update to the same",
    "update a skipped column",
    "update a secret",
    "update without returning",
    "update a missing row",
    "save new",
    "save",
    "delete",
    "delete a missing row",
    "model delete",
    "stock save",
    "stock delete",
    "label update",
    "trait insert",
    "trait update",
    "trait update without returning",
    "trait update a missing row",
    "trait save",
    "trait delete",
    "trait model delete",
];

const MISSING: i32 = 1_000_000;

pub(super) async fn write<C>(name: &str, dice: &mut Dice, db: &C) -> Result<(), DbErr>
where
    C: ConnectionTrait,
{
    match name {
        "insert" => post(dice).insert(db).await.map(drop),
        "insert with a key" => {
            let id = Set(dice.number(40) + 1);
            post::ActiveModel { id, ..post(dice) }.insert(db).await.map(drop)
        }
        "save new" => post(dice).save(db).await.map(drop),
        "trait insert" => ActiveModelTrait::insert(post(dice), db).await.map(drop),
        "update a missing row" => missing(dice).update(db).await.map(drop),
        "trait update a missing row" => ActiveModelTrait::update(missing(dice), db).await.map(drop),
        "delete a missing row" => missing(dice).delete(db).await.map(drop),
        "stock save" => save_stock(dice, db).await,
        "stock delete" => match any::<stock::Entity>(dice, db).await? {
            Some(stock) => stock.delete(db).await.map(drop),
            None => Ok(()),
        },
        "label update" => match any::<label::Entity>(dice, db).await? {
            Some(label) => {
                let mut label = label.into_active_model();
                label.text = Set(title(dice));
                label.update(db).await.map(drop)
            }
            None => Ok(()),
        },
        _ => match any::<post::Entity>(dice, db).await? {
            Some(post) => write_one(name, post, dice, db).await,
            None => post(dice).insert(db).await.map(drop),
        },
    }
}

/// What is done to a row that was there a moment ago.
async fn write_one<C>(name: &str, post: post::Model, dice: &mut Dice, db: &C) -> Result<(), DbErr>
where
    C: ConnectionTrait,
{
    let same = post.clone().into_active_model().reset_all();
    let row = post.clone().into_active_model();
    match name {
        "update" => changed(row, dice).update(db).await.map(drop),
        "update to the same" => same.update(db).await.map(drop),
        "update a skipped column" => {
            let views = Set(dice.number(100));
            post::ActiveModel { views, ..row }.update(db).await.map(drop)
        }
        "update a secret" => {
            let token = Set(dice.chance(70).then(|| title(dice)));
            post::ActiveModel { token, ..row }.update(db).await.map(drop)
        }
        "update without returning" => {
            changed(row, dice).update_without_returning(db).await.map(drop)
        }
        "save" => changed(row, dice).save(db).await.map(drop),
        "delete" => row.delete(db).await.map(drop),
        "model delete" => post.delete(db).await.map(drop),
        "trait update" => ActiveModelTrait::update(changed(row, dice), db).await.map(drop),
        "trait update without returning" => {
            ActiveModelTrait::update_without_returning(changed(row, dice), db).await.map(drop)
        }
        "trait save" => ActiveModelTrait::save(changed(row, dice), db).await.map(drop),
        "trait delete" => ActiveModelTrait::delete(row, db).await.map(drop),
        "trait model delete" => ModelTrait::delete(post, db).await.map(drop),
        other => panic!("no write {other}"),
    }
}

/// A title of few, so that now and then it is taken.
pub(super) fn title(dice: &mut Dice) -> String {
    format!("t{}", dice.below(25))
}

pub(super) fn post(dice: &mut Dice) -> post::ActiveModel {
    post::ActiveModel { likes: Set(dice.number(100)), ..new_post(&title(dice)) }
}

fn changed(mut row: post::ActiveModel, dice: &mut Dice) -> post::ActiveModel {
    row.likes = Set(dice.number(100));
    if dice.chance(30) {
        row.title = Set(title(dice));
    }
    if dice.chance(20) {
        row.token = Set(Some(title(dice)));
    }
    row
}

fn missing(dice: &mut Dice) -> post::ActiveModel {
    post::ActiveModel { id: Unchanged(MISSING), likes: Set(dice.number(100)), ..Default::default() }
}

/// A stock of few, and now and then one that the table refuses.
pub(super) fn stock(dice: &mut Dice) -> stock::ActiveModel {
    let code = *dice.pick(&["a", "b'", "[1]", "ü🦀", "\"e\"", "null"]);
    let price = *dice.pick(&[0.0, 0.1, -1.5e300, 1e-9, 3.0]);
    stock::ActiveModel {
        code: Set(code.to_owned()),
        amount: Set(dice.number(60) - 10),
        price: Set(price),
        data: Set(dice.chance(70).then(|| dice.next().to_be_bytes().to_vec())),
        counted: Set(dice.chance(70).then(|| "2026-02-28".parse().unwrap())),
    }
}

/// `save` of a row whose key is not the database's own is always an update.
async fn save_stock<C: ConnectionTrait>(dice: &mut Dice, db: &C) -> Result<(), DbErr> {
    let row = stock(dice);
    if dice.chance(50) { row.insert(db).await.map(drop) } else { row.save(db).await.map(drop) }
}
