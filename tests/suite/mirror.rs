//! `Entity::audited()` beside `SeaORM`'s own builders: what they take, and what they answer.

use audit_tests::TestDb;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, EntityTrait, QueryFilter, TryInsertResult,
    sea_query::{Expr, OnConflict},
};

use crate::{
    entities::post,
    support::{create, new_post, number, trail},
};

audit_tests::tests! {
    a_builder_is_changed_by_a_value_if_there_is_one,
    a_conflict_is_settled_after_all,
    updates_and_deletes_can_be_prepared_once,
}

fn liked(title: &str, likes: i32) -> post::ActiveModel {
    post::ActiveModel { likes: Set(likes), ..new_post(title) }
}

fn on_title() -> OnConflict {
    OnConflict::column(post::Column::Title).update_column(post::Column::Likes).to_owned()
}

async fn a_builder_is_changed_by_a_value_if_there_is_one(t: TestDb) {
    create!(t, post::Entity);
    let posts = post::Entity::audited;
    let never = None::<OnConflict>;
    for likes in [1, 2] {
        posts()
            .insert(liked("a", likes))
            .apply_if(Some(on_title()), |insert, it| insert.on_conflict(it))
            .apply_if(never.clone(), |insert, it| insert.on_conflict(it))
            .exec(&t.db)
            .await
            .unwrap();
        posts()
            .insert_many([liked("b", likes)])
            .apply_if(Some(on_title()), |insert, it| insert.on_conflict(it))
            .exec(&t.db)
            .await
            .unwrap();
    }
    posts()
        .insert(liked("a", 3))
        .apply_if(never, |insert, it| insert.on_conflict(it))
        .exec(&t.db)
        .await
        .unwrap_err();
    let tried = posts()
        .insert(liked("a", 3))
        .try_insert()
        .apply_if(Some([post::Column::Title]), |insert, columns| {
            insert.on_conflict_do_nothing_on(columns)
        });
    assert!(matches!(tried.exec(&t.db).await.unwrap(), TryInsertResult::Conflicted));

    let row = post::ActiveModel { id: Set(1), likes: Set(9), ..Default::default() };
    let update = posts()
        .update(row)
        .apply_if(Some(7), |update, likes| update.filter(post::Column::Likes.eq(likes)));
    assert!(update.exec(&t.db).await.is_err(), "it has two");
    let update = posts()
        .update_many()
        .apply_if(Some(4), |update, likes| update.col_expr(post::Column::Likes, Expr::val(likes)));
    assert_eq!(update.exec(&t.db).await.unwrap().rows_affected, 2);
    let delete = posts()
        .delete_by_id(1)
        .apply_if(Some(7), |delete, likes| delete.filter(post::Column::Likes.eq(likes)));
    assert_eq!(delete.exec(&t.db).await.unwrap().rows_affected, 0);
    let delete = posts()
        .delete_many()
        .apply_if(Some("a"), |delete, title| delete.filter(post::Column::Title.eq(title)));
    assert_eq!(delete.exec(&t.db).await.unwrap().rows_affected, 1);
    assert_eq!(trail(&t.db).await.len(), 7);
}

async fn a_conflict_is_settled_after_all(t: TestDb) {
    create!(t, post::Entity);
    let tried = || post::Entity::audited().insert(liked("a", 1)).try_insert();
    tried().on_conflict(on_title()).exec(&t.db).await.unwrap();
    let again = post::Entity::audited().insert(liked("a", 2)).try_insert();
    assert_eq!(again.on_conflict(on_title()).exec_with_returning(&t.db).await.unwrap().likes, 2);
    let again = tried().on_conflict_do_nothing_on([post::Column::Title]).exec(&t.db).await.unwrap();
    assert!(matches!(again, TryInsertResult::Conflicted));
    let id = i32::try_from(number(&t.db, "SELECT id FROM post").await).unwrap();
    let keyed = post::ActiveModel { id: Set(id), ..liked("b", 1) };
    let again = post::Entity::audited().insert(keyed).try_insert().on_conflict_do_nothing();
    assert!(matches!(again.exec(&t.db).await.unwrap(), TryInsertResult::Conflicted));
    assert_eq!(trail(&t.db).await.len(), 2);
}

async fn updates_and_deletes_can_be_prepared_once(t: TestDb) {
    create!(t, post::Entity);
    let posts = post::Entity::audited;
    posts().insert_many(["a", "b"].map(new_post)).exec(&t.db).await.unwrap();
    let row = post::ActiveModel { id: Set(1), likes: Set(9), ..Default::default() };
    let one = posts().update(row);
    let many = posts().update_many().col_expr(post::Column::Likes, Expr::val(3));
    for _ in 0..2 {
        assert_eq!(one.clone().exec(&t.db).await.unwrap().likes, 9);
        assert_eq!(many.clone().exec(&t.db).await.unwrap().rows_affected, 2);
    }
    let (one, many) = (posts().delete_by_id(1), posts().delete_many());
    assert_eq!(one.clone().exec(&t.db).await.unwrap().rows_affected, 1);
    assert_eq!(one.exec(&t.db).await.unwrap().rows_affected, 0);
    assert_eq!(many.clone().exec(&t.db).await.unwrap().rows_affected, 1);
    assert_eq!(many.exec(&t.db).await.unwrap().rows_affected, 0);
}
