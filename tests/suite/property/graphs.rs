//! What `ActiveModelEx` writes: a record with its parents, children and links.

use sea_orm::{
    ActiveHasOne, ActiveValue::Set, ConnectionTrait, DbErr, IntoActiveModel, TransactionTrait,
};

use super::{Dice, world::any};
use crate::relations::{article, article_tag, note, portrait, reader, reading, tag, writer};

pub(super) const WRITES: &[&str] = &[
    "new article",
    "new article of an old writer",
    "new portrait",
    "no portrait",
    "append notes",
    "replace notes",
    "append tags",
    "replace tags",
    "append readers",
    "replace readers",
    "replace articles",
    "append followers",
    "replace following",
    "rename",
    "article of nobody",
    "move a note",
    "link to nothing",
    "delete a tag that may be in use",
    "delete links",
    "delete an article",
    "delete a tag",
    "delete a writer that may be in use",
    "cascade delete",
];

const NAMES: [&str; 4] = ["ann", "bob", "cid", "dan"];

pub(super) async fn write<C>(kind: &str, dice: &mut Dice, db: &C) -> Result<(), DbErr>
where
    C: ConnectionTrait + TransactionTrait,
{
    match kind {
        "new article" => {
            let writer = new_writer(dice).add_article(new_article(dice).add_note(new_note(dice)));
            writer.save(db).await.map(drop)
        }
        "link to nothing" => {
            let link = article_tag::ActiveModel { article_id: Set(-1), tag_id: Set(-1) };
            link.insert(db).await.map(drop)
        }
        "article of nobody" => {
            let article = new_article(dice).set_writer_id(-1).add_tag(new_tag(dice));
            article.insert(db).await.map(drop)
        }
        "move a note" => {
            let (Some(note), article) =
                (any::<note::Entity>(dice, db).await?, any::<article::Entity>(dice, db).await?)
            else {
                return Ok(());
            };
            let mut note = note.into_active_model();
            note.article_id = Set(article.map(|article| article.id));
            note.update(db).await.map(drop)
        }
        "delete a tag" | "delete a tag that may be in use" => {
            let Some(row) = any::<tag::Entity>(dice, db).await? else { return Ok(()) };
            if kind == "delete a tag" {
                row.into_active_model().into_ex().delete(db).await.map(drop)
            } else {
                row.delete(db).await.map(drop)
            }
        }
        "new article of an old writer"
        | "new portrait"
        | "no portrait"
        | "replace articles"
        | "append followers"
        | "replace following"
        | "delete a writer that may be in use"
        | "cascade delete" => match any::<writer::Entity>(dice, db).await? {
            Some(writer) => write_writer(kind, writer, dice, db).await,
            None => new_writer(dice).save(db).await.map(drop),
        },
        _ => match any::<article::Entity>(dice, db).await? {
            Some(article) => write_article(kind, article, dice, db).await,
            None => new_article(dice).set_writer(new_writer(dice)).save(db).await.map(drop),
        },
    }
}

async fn write_writer<C>(
    kind: &str,
    row: writer::Model,
    dice: &mut Dice,
    db: &C,
) -> Result<(), DbErr>
where
    C: ConnectionTrait + TransactionTrait,
{
    let mut writer = row.clone().into_active_model().into_ex();
    match kind {
        "new article of an old writer" => {
            writer = writer.add_article(new_article(dice).add_tag(new_tag(dice)));
        }
        "new portrait" => {
            writer = writer.set_portrait(portrait::ActiveModel::builder().set_file(name(dice)));
        }
        "no portrait" => writer.portrait = ActiveHasOne::set(None::<portrait::ActiveModelEx>),
        "replace articles" => {
            let kept = any::<article::Entity>(dice, db).await?;
            writer.articles.replace_all(kept.map(|kept| kept.into_active_model().into_ex()));
        }
        "append followers" | "replace following" => {
            let other = match any::<writer::Entity>(dice, db).await? {
                Some(other) => other.into_active_model().into_ex(),
                None => new_writer(dice),
            };
            if kind == "append followers" {
                writer = writer.add_follower(other);
            } else {
                writer.following.replace_all([other]);
            }
        }
        "delete a writer that may be in use" => return row.delete(db).await.map(drop),
        "cascade delete" => return row.cascade_delete(db).await.map(drop),
        other => panic!("no write {other}"),
    }
    writer.save(db).await.map(drop)
}

async fn write_article<C>(
    kind: &str,
    row: article::Model,
    dice: &mut Dice,
    db: &C,
) -> Result<(), DbErr>
where
    C: ConnectionTrait + TransactionTrait,
{
    let mut article = row.clone().into_active_model().into_ex();
    match kind {
        "append notes" => article = article.add_note(new_note(dice)).add_note(new_note(dice)),
        "replace notes" => {
            article.notes.replace_all([new_note(dice)]);
        }
        "append tags" => {
            article = article.add_tag(some_tag(dice, db).await?).add_tag(new_tag(dice));
        }
        "replace tags" => {
            article.tags.replace_all([some_tag(dice, db).await?]);
        }
        "append readers" => article = article.add_reader(some_reader(dice, db).await?),
        "replace readers" => {
            article.readers.replace_all([some_reader(dice, db).await?]);
        }
        "rename" => article.title = Set(name(dice).to_owned()),
        "delete links" => {
            let row = row.into_active_model();
            row.delete_links(article_tag::Entity, db).await?;
            return row.delete_links(reading::Entity, db).await.map(drop);
        }
        "delete an article" => return article.delete(db).await.map(drop),
        other => panic!("no write {other}"),
    }
    article.save(db).await.map(drop)
}

async fn some_tag<C>(dice: &mut Dice, db: &C) -> Result<tag::ActiveModelEx, DbErr>
where
    C: ConnectionTrait,
{
    let tag = any::<tag::Entity>(dice, db).await?;
    Ok(tag.map_or_else(|| new_tag(dice), |tag| tag.into_active_model().into_ex()))
}

async fn some_reader<C>(dice: &mut Dice, db: &C) -> Result<reader::ActiveModelEx, DbErr>
where
    C: ConnectionTrait,
{
    let new = dice.chance(30);
    let reader = any::<reader::Entity>(dice, db).await?.filter(|_| !new);
    Ok(match reader {
        Some(reader) => reader.into_active_model().into_ex(),
        None => reader::ActiveModel::builder().set_name(name(dice)),
    })
}

fn name(dice: &mut Dice) -> &'static str {
    NAMES[dice.below(NAMES.len())]
}

fn new_writer(dice: &mut Dice) -> writer::ActiveModelEx {
    crate::relations::writer(name(dice))
}

fn new_article(dice: &mut Dice) -> article::ActiveModelEx {
    crate::relations::article(name(dice))
}

fn new_tag(dice: &mut Dice) -> tag::ActiveModelEx {
    crate::relations::tag(name(dice))
}

fn new_note(dice: &mut Dice) -> note::ActiveModelEx {
    crate::relations::note(name(dice))
}
