//! The builders of `EntityTrait`, and those of `Entity::audited()`.

use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, Deleter, EntityTrait, Insert, Inserter, IntoActiveModel, QueryFilter, QueryTrait,
    TryInsert,
    sea_query::{Expr, OnConflict},
};

use super::ground::{Posts, Says, World, entries_are, on_each};
use crate::{entities::post, support::new_post};

audit_tests::tests! {
    audited_insert,
    audited_insert_many,
    audited_upsert,
    audited_insert_or_do_nothing,
    audited_update,
    audited_update_many,
    audited_update_of_the_key,
    audited_delete,
    audited_delete_many,
    insert,
    insert_many,
    upsert,
    insert_or_do_nothing,
    inserter_and_deleter,
    update_one,
    update_many,
    delete_one,
    delete_by_unique_key,
    delete_many,
}

pub(super) const INSERTED: Says<'_> = Says {
    entries: &[],
    refusal: &["INSERT of `post` refused", "`Entity::audited().insert(..)` or `.insert_many(..)`"],
    findings: &["NeverRecorded post"],
};

pub(super) const UPDATED: Says<'_> = Says {
    entries: &[],
    refusal: &["UPDATE of `post` refused", "`Entity::audited().update_many()` or `.update(..)`"],
    findings: &["RowDiffers post"],
};

pub(super) const DELETED: Says<'_> = Says {
    entries: &[],
    refusal: &["DELETE of `post` refused", "`Entity::audited().delete_many()` or `.delete(..)`"],
    findings: &["RowMissing post"],
};

fn liked(title: &str) -> post::ActiveModel {
    post::ActiveModel { likes: Set(5), ..new_post(title) }
}

fn on_title() -> OnConflict {
    OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned()
}

fn update(a: post::Model) -> post::ActiveModel {
    post::ActiveModel { likes: Set(5), ..a.into_active_model() }
}

async fn insert(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "insert",
        Posts,
        INSERTED,
        |db, _a| post::Entity::insert(new_post("c")).exec(db).await,
        |db, _a| post::Entity::insert(new_post("c")).exec_without_returning(db).await,
        |db, _a| post::Entity::insert(new_post("c")).exec_with_returning(db).await,
        |db, _a| Insert::one(new_post("c")).exec(db).await
    );
    if t.backend != Backend::MariaDb {
        on_each!(
            t,
            "insert",
            Posts,
            INSERTED,
            |db, _a| post::Entity::insert(new_post("c")).exec_with_returning_keys(db).await,
            |db, _a| post::Entity::insert(new_post("c")).exec_with_returning_many(db).await
        );
    }
}

async fn insert_many(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "insert_many",
        Posts,
        INSERTED,
        |db, _a| post::Entity::insert_many([new_post("c")]).exec(db).await,
        |db, _a| Insert::many([new_post("c")]).exec_without_returning(db).await
    );
    if t.backend != Backend::MariaDb {
        on_each!(
            t,
            "insert_many",
            Posts,
            INSERTED,
            |db, _a| post::Entity::insert_many([new_post("c")]).exec_with_returning(db).await,
            |db, _a| post::Entity::insert_many([new_post("c")]).exec_with_returning_keys(db).await
        );
    }
}

async fn upsert(t: TestDb) {
    Posts::create(&t).await;
    // It may insert or update, and the refusal names it by its first word.
    let says = Says { refusal: INSERTED.refusal, ..UPDATED };
    on_each!(
        t,
        "upsert",
        Posts,
        says,
        |db, _a| post::Entity::insert(liked("a")).on_conflict(on_title()).exec(db).await,
        |db, _a| post::Entity::insert_many([liked("a")]).on_conflict(on_title()).exec(db).await
    );
}

async fn insert_or_do_nothing(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "insert_or_do_nothing",
        Posts,
        INSERTED,
        |db, _a| post::Entity::insert(new_post("c")).on_conflict_do_nothing().exec(db).await,
        |db, _a| post::Entity::insert_many([new_post("c")])
            .on_conflict_do_nothing_on([post::Column::Title])
            .exec_without_returning(db)
            .await,
        |db, _a| post::Entity::insert(new_post("c")).try_insert().exec(db).await,
        |db, _a| TryInsert::one(new_post("c")).exec(db).await
    );
}

async fn inserter_and_deleter(t: TestDb) {
    Posts::create(&t).await;
    on_each!(t, "inserter_and_deleter", Posts, INSERTED, |db, _a| {
        let query = Insert::one(new_post("c")).into_query();
        Inserter::<post::ActiveModel>::new(None, query).exec_without_returning(db).await
    });
    on_each!(t, "inserter_and_deleter", Posts, DELETED, |db, a| Deleter::new(
        post::Entity::delete_by_id(a.id).into_query()
    )
    .exec(db)
    .await);
}

async fn update_one(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "update_one",
        Posts,
        UPDATED,
        |db, a| post::Entity::update(update(a)).exec(db).await,
        |db, a| post::Entity::update(update(a)).exec_without_returning(db).await,
        |db, a| post::Entity::update(update(a))
            .validate()?
            .filter(post::Column::Likes.eq(0))
            .exec(db)
            .await
    );
}

async fn update_many(t: TestDb) {
    Posts::create(&t).await;
    let update = || {
        post::Entity::update_many()
            .col_expr(post::Column::Likes, Expr::val(5))
            .filter(post::Column::Title.eq("a"))
    };
    let set = post::ActiveModel { likes: Set(5), ..Default::default() };
    on_each!(t, "update_many", Posts, UPDATED, |db, _a| update().exec(db).await, |db, a| {
        post::Entity::update_many()
            .set(set.clone())
            .filter(post::Column::Id.eq(a.id))
            .exec(db)
            .await
    });
    if t.backend != Backend::MariaDb {
        on_each!(t, "update_many", Posts, UPDATED, |db, _a| update().exec_with_returning(db).await);
    }
}

async fn delete_one(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "delete_one",
        Posts,
        DELETED,
        |db, a| post::Entity::delete(a.into_active_model()).exec(db).await,
        |db, a| post::Entity::delete_by_id(a.id).exec(db).await
    );
    if t.backend != Backend::MariaDb {
        on_each!(t, "delete_one", Posts, DELETED, |db, a| post::Entity::delete_by_id(a.id)
            .exec_with_returning(db)
            .await);
    }
}

async fn delete_by_unique_key(t: TestDb) {
    Posts::create(&t).await;
    on_each!(t, "delete_by_unique_key", Posts, DELETED, |db, _a| post::Entity::delete_by_title(
        "a"
    )
    .exec(db)
    .await);
}

async fn delete_many(t: TestDb) {
    Posts::create(&t).await;
    let delete = || post::Entity::delete_many().filter(post::Column::Title.eq("a"));
    on_each!(t, "delete_many", Posts, DELETED, |db, _a| delete().exec(db).await, |db, a| {
        post::Entity::delete_many().filter_by_ids([a.id]).exec(db).await
    });
    if t.backend != Backend::MariaDb {
        on_each!(t, "delete_many", Posts, DELETED, |db, _a| delete().exec_with_returning(db).await);
    }
}

async fn audited_insert(t: TestDb) {
    Posts::create(&t).await;
    let insert = || post::Entity::audited().insert(new_post("c"));
    on_each!(
        t,
        "audited_insert",
        Posts,
        entries_are(&["CREATE post"]),
        |db, _a| insert().exec(db).await,
        |db, _a| insert().exec_with_returning(db).await,
        |db, _a| insert().exec_without_returning(db).await,
        |db, _a| insert().exec_with_returning_keys(db).await
    );
}

async fn audited_insert_many(t: TestDb) {
    Posts::create(&t).await;
    let insert = || post::Entity::audited().insert_many(["c", "d"].map(new_post));
    on_each!(
        t,
        "audited_insert_many",
        Posts,
        entries_are(&["CREATE post", "CREATE post"]),
        |db, _a| insert().exec(db).await,
        |db, _a| insert().exec_with_returning(db).await
    );
}

async fn audited_upsert(t: TestDb) {
    Posts::create(&t).await;
    on_each!(t, "audited_upsert", Posts, entries_are(&["CREATE post", "UPDATE post"]), |db, _a| {
        post::Entity::audited()
            .insert_many(["c", "a"].map(liked))
            .on_conflict(on_title())
            .exec_with_returning(db)
            .await
    });
}

async fn audited_insert_or_do_nothing(t: TestDb) {
    Posts::create(&t).await;
    on_each!(t, "audited_insert_or_do_nothing", Posts, entries_are(&["CREATE post"]), |db, _a| {
        post::Entity::audited()
            .insert_many(["a", "c"].map(new_post))
            .on_conflict_do_nothing_on([post::Column::Title])
            .exec(db)
            .await
    });
}

async fn audited_update(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "audited_update",
        Posts,
        entries_are(&["UPDATE post"]),
        |db, a| post::Entity::audited().update(update(a)).exec(db).await,
        |db, a| post::Entity::audited()
            .update(update(a))
            .validate()?
            .filter(post::Column::Likes.eq(0))
            .exec(db)
            .await
    );
}

async fn audited_update_many(t: TestDb) {
    Posts::create(&t).await;
    let update =
        || post::Entity::audited().update_many().col_expr(post::Column::Likes, Expr::val(5));
    on_each!(
        t,
        "audited_update_many",
        Posts,
        entries_are(&["UPDATE post", "UPDATE post"]),
        |db, _a| update().exec(db).await,
        |db, _a| update().exec_with_returning(db).await
    );
}

async fn audited_update_of_the_key(t: TestDb) {
    Posts::create(&t).await;
    let says = Says {
        refusal: &["of `post` would change the primary key", "insert the new rows"],
        ..UPDATED
    };
    on_each!(t, "audited_update_of_the_key", Posts, says, |db, _a| post::Entity::audited()
        .update_many()
        .col_expr(post::Column::Id, Expr::val(99))
        .exec(db)
        .await);
}

async fn audited_delete(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "audited_delete",
        Posts,
        entries_are(&["DELETE post"]),
        |db, a| post::Entity::audited().delete(a.into_active_model()).exec(db).await,
        |db, a| post::Entity::audited().delete_by_id(a.id).exec_with_returning(db).await
    );
}

async fn audited_delete_many(t: TestDb) {
    Posts::create(&t).await;
    on_each!(
        t,
        "audited_delete_many",
        Posts,
        entries_are(&["DELETE post", "DELETE post"]),
        |db, _a| post::Entity::audited().delete_many().exec(db).await,
        |db, _a| post::Entity::audited().delete_many().exec_with_returning(db).await
    );
}
