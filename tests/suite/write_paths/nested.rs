//! What an `ActiveModelEx` writes.

use audit_tests::TestDb;
use sea_orm::{EntityTrait, IntoActiveModel};

use super::{
    entities::{Shelves, Staff},
    ground::{Relations, Says, World, entries_are, found_are, on_each},
};
use crate::relations::{self, article, article_tag, portrait, reader, tag, tag_of_shelf, writer};

audit_tests::tests! {
    active_model_ex_row,
    active_model_ex_unchanged,
    nested_belongs_to,
    nested_has_one,
    nested_has_many_append,
    nested_has_many_replace,
    self_referencing_has_many,
    many_to_many_append,
    many_to_many_append_with_a_key_of_its_own,
    many_to_many_replace,
    many_to_many_with_itself,
    cascade_delete,
    establish_links,
    delete_links,
    links_of_an_unaudited_owner,
    deleted_links_of_an_unaudited_owner,
}

fn first_article(writer: &writer::ActiveModelEx) -> article::ActiveModelEx {
    writer.articles.as_slice()[0].clone()
}

fn new_portrait() -> portrait::ActiveModelEx {
    portrait::ActiveModel::builder().set_file("old.jpg")
}

async fn active_model_ex_row(t: TestDb) {
    Relations::create(&t).await;
    on_each!(
        t,
        "active_model_ex_row",
        Relations,
        entries_are(&["UPDATE writer"]),
        |db, ann| ann.set_name("anne").save(db).await,
        |db, ann| ann.set_name("anne").update(db).await
    );
    on_each!(
        t,
        "active_model_ex_row",
        Relations,
        entries_are(&["CREATE tag"]),
        |db, _ann| relations::tag("z").insert(db).await,
        |db, _ann| relations::tag("z").save(db).await
    );
}

async fn active_model_ex_unchanged(t: TestDb) {
    Relations::create(&t).await;
    on_each!(t, "active_model_ex_unchanged", Relations, Says::default(), |db, ann| ann
        .save(db)
        .await);
}

async fn nested_belongs_to(t: TestDb) {
    Relations::create(&t).await;
    on_each!(
        t,
        "nested_belongs_to",
        Relations,
        entries_are(&["CREATE writer", "CREATE article"]),
        |db, _ann| relations::article("b").set_writer(relations::writer("bob")).save(db).await
    );
    on_each!(
        t,
        "nested_belongs_to",
        Relations,
        entries_are(&["UPDATE writer", "CREATE article"]),
        |db, ann| {
            let ann = ann.set_name("anne");
            relations::article("b").set_writer(ann).save(db).await
        }
    );
}

async fn nested_has_one(t: TestDb) {
    Relations::create(&t).await;
    on_each!(
        t,
        "nested_has_one",
        Relations,
        entries_are(&["DELETE portrait", "CREATE portrait"]),
        |db, ann| ann.set_portrait(new_portrait()).save(db).await
    );
}

async fn nested_has_many_append(t: TestDb) {
    Relations::create(&t).await;
    on_each!(t, "nested_has_many_append", Relations, entries_are(&["CREATE note"]), |db, ann| {
        let mut article = first_article(&ann);
        article.notes.convert_to_append();
        article.notes.push(relations::note("two"));
        article.save(db).await
    });
}

async fn nested_has_many_replace(t: TestDb) {
    Relations::create(&t).await;
    // A note can do without its article, an article not without its writer.
    on_each!(
        t,
        "nested_has_many_replace",
        Relations,
        entries_are(&["UPDATE note", "CREATE note"]),
        |db, ann| {
            let mut article = first_article(&ann);
            article.notes.replace_all([relations::note("two")]);
            article.save(db).await
        }
    );
    let says = entries_are(&[
        "UPDATE note",
        "DELETE article_tag",
        "DELETE article_tag",
        "DELETE reading",
        "DELETE article",
    ]);
    on_each!(t, "nested_has_many_replace", Relations, says, |db, seed| {
        let mut ann = seed;
        ann.articles.replace_all([]);
        ann.save(db).await
    });
}

async fn many_to_many_append(t: TestDb) {
    Relations::create(&t).await;
    // Those that are there already are no creates.
    on_each!(
        t,
        "many_to_many_append",
        Relations,
        entries_are(&["CREATE tag", "CREATE article_tag"]),
        |db, ann| {
            let mut article = first_article(&ann);
            article.tags.convert_to_append();
            article.tags.push(relations::tag("z"));
            article.save(db).await
        }
    );
}

async fn many_to_many_append_with_a_key_of_its_own(t: TestDb) {
    Relations::create(&t).await;
    let says = entries_are(&["CREATE reader", "CREATE reading"]);
    on_each!(t, "many_to_many_append_with_a_key_of_its_own", Relations, says, |db, ann| {
        let mut article = first_article(&ann);
        article.readers.convert_to_append();
        article.readers.push(reader::ActiveModel::builder().set_name("bob"));
        article.save(db).await
    });
}

async fn many_to_many_replace(t: TestDb) {
    Relations::create(&t).await;
    let says = entries_are(&["CREATE tag", "DELETE article_tag", "CREATE article_tag"]);
    on_each!(t, "many_to_many_replace", Relations, says, |db, ann| {
        let mut article = first_article(&ann);
        let y = article.tags.as_slice()[1].clone();
        article.tags.replace_all([y, relations::tag("z")]);
        article.save(db).await
    });
}

async fn many_to_many_with_itself(t: TestDb) {
    Relations::create(&t).await;
    let says = entries_are(&["CREATE writer", "CREATE follow"]);
    on_each!(
        t,
        "many_to_many_with_itself",
        Relations,
        says,
        |db, ann| ann.add_follower(relations::writer("bob")).save(db).await,
        |db, ann| ann.add_following(relations::writer("bob")).save(db).await
    );
}

const ALL_OF_AN_ARTICLE: &[&str] = &[
    "UPDATE note",
    "DELETE article_tag",
    "DELETE article_tag",
    "DELETE reading",
    "DELETE article",
];

async fn cascade_delete(t: TestDb) {
    Relations::create(&t).await;
    on_each!(
        t,
        "cascade_delete",
        Relations,
        entries_are(ALL_OF_AN_ARTICLE),
        |db, ann| first_article(&ann).delete(db).await,
        |db, _ann| article::Entity::find().one(&t.db).await?.unwrap().cascade_delete(db).await,
        |db, _ann| article::Entity::load().one(&t.db).await?.unwrap().delete(db).await
    );
}

async fn establish_links(t: TestDb) {
    Relations::create(&t).await;
    // The leftover of these two tags goes, the other stays.
    on_each!(t, "establish_links", Relations, entries_are(&["DELETE article_tag"]), |db, ann| {
        let tag: tag::ActiveModel = first_article(&ann).tags.as_slice()[0].clone().into();
        let article: article::ActiveModel = first_article(&ann).into();
        article.establish_links(article_tag::Entity, &[tag], true, db).await
    });
}

async fn delete_links(t: TestDb) {
    Relations::create(&t).await;
    on_each!(
        t,
        "delete_links",
        Relations,
        entries_are(&["DELETE article_tag", "DELETE article_tag"]),
        |db, ann| {
            let article: article::ActiveModel = first_article(&ann).into();
            article.delete_links(article_tag::Entity, db).await
        }
    );
}

async fn self_referencing_has_many(t: TestDb) {
    Staff::create(&t).await;
    on_each!(t, "self_referencing_has_many", Staff, entries_are(&["UPDATE staff"]), |db, seed| {
        let mut boss = seed;
        boss.manages.replace_all([]);
        boss.save(db).await
    });
}

fn eight() -> tag_of_shelf::ActiveModelEx {
    tag_of_shelf::Model { id: 8 }.into_active_model().into()
}

async fn links_of_an_unaudited_owner(t: TestDb) {
    Shelves::create(&t).await;
    on_each!(
        t,
        "links_of_an_unaudited_owner",
        Shelves,
        entries_are(&["CREATE shelf_tag"]),
        |db, seed| {
            let mut shelf = seed;
            shelf.tags.convert_to_append();
            shelf.tags.push(eight());
            shelf.save(db).await
        }
    );
}

async fn deleted_links_of_an_unaudited_owner(t: TestDb) {
    Shelves::create(&t).await;
    let refusal = &["DELETE of `shelf_tag` refused", "Entity::audited().delete_many()"];
    let says = Says { refusal, ..found_are(&["RowMissing shelf_tag"]) };
    on_each!(t, "deleted_links_of_an_unaudited_owner", Shelves, says, |db, shelf| shelf
        .delete(db)
        .await);
}
