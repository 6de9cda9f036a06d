//! What `ActiveModelEx` writes beside the row itself: children, parents, links.

use audit_seaorm::{AuditContext, AuditTransaction};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, DbErr, EntityTrait, IntoActiveModel, TransactionTrait,
};

use crate::support::{assert_lines, create, entries, number, sql, trail};

audit_tests::tests! {
    parents_and_children_are_recorded,
    a_has_one_that_is_replaced_is_recorded,
    children_that_are_replaced_are_recorded,
    links_are_recorded,
    a_link_that_is_there_is_no_create,
    links_with_a_key_of_their_own_are_recorded,
    links_that_are_replaced_are_recorded,
    the_hooks_of_a_link_run_as_without_auditing,
    deleting_a_record_records_its_links,
    a_cascade_records_everything,
    links_of_a_table_with_itself_are_recorded,
    links_are_deleted_by_hand,
    all_of_it_runs_on_an_audit_transaction,
    all_of_it_is_taken_back_with_its_transaction,
    a_failure_takes_all_of_it_back,
    links_of_an_unaudited_owner_are_created_once,
}

pub(crate) mod writer {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "writer")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_one)]
        pub portrait: HasOne<super::portrait::Entity>,
        #[sea_orm(has_many)]
        pub articles: HasMany<super::article::Entity>,
        #[sea_orm(self_ref, via = "follow", from = "Writer", to = "Follower")]
        pub followers: HasMany<Entity>,
        #[sea_orm(self_ref, via = "follow", reverse)]
        pub following: HasMany<Entity>,
    }
}

pub(crate) mod portrait {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "portrait")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub file: String,
        #[sea_orm(unique)]
        pub writer_id: i32,
        #[sea_orm(belongs_to, from = "writer_id", to = "id")]
        pub writer: BelongsTo<super::writer::Entity>,
    }
}

pub(crate) mod article {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "article")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub title: String,
        pub writer_id: i32,
        #[sea_orm(belongs_to, from = "writer_id", to = "id")]
        pub writer: BelongsTo<super::writer::Entity>,
        #[sea_orm(has_many)]
        pub notes: HasMany<super::note::Entity>,
        #[sea_orm(has_many, via = "article_tag")]
        pub tags: HasMany<super::tag::Entity>,
        #[sea_orm(has_many, via = "reading")]
        pub readers: HasMany<super::reader::Entity>,
    }
}

pub(crate) mod note {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "note")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub text: String,
        pub article_id: Option<i32>,
        #[sea_orm(belongs_to, from = "article_id", to = "id")]
        pub article: BelongsTo<Option<super::article::Entity>>,
    }
}

pub(crate) mod tag {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "tag")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many, via = "article_tag")]
        pub articles: HasMany<super::article::Entity>,
    }
}

/// A junction whose key is the link itself, with hooks that note themselves.
pub(crate) mod article_tag {
    use audit_seaorm::{Auditable, audited};
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "article_tag")]
    #[auditable(hooks)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub article_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: i32,
        #[sea_orm(belongs_to, from = "article_id", to = "id")]
        pub article: BelongsTo<super::article::Entity>,
        #[sea_orm(belongs_to, from = "tag_id", to = "id")]
        pub tag: BelongsTo<super::tag::Entity>,
    }

    tokio::task_local! {
        pub static SEEN: std::sync::Mutex<Vec<String>>;
    }

    fn note(hook: &str, tag: i32) {
        let _ = SEEN.try_with(|seen| seen.lock().unwrap().push(format!("{hook} {tag}")));
    }

    #[audited]
    #[async_trait::async_trait]
    impl ActiveModelBehavior for ActiveModel {
        async fn before_save<C>(self, _db: &C, _insert: bool) -> Result<Self, DbErr>
        where
            C: ConnectionTrait,
        {
            note("before save", *self.tag_id.as_ref());
            Ok(self)
        }

        async fn after_save<C>(model: Model, _db: &C, _insert: bool) -> Result<Model, DbErr>
        where
            C: ConnectionTrait,
        {
            note("after save", model.tag_id);
            Ok(model)
        }

        async fn before_delete<C>(self, _db: &C) -> Result<Self, DbErr>
        where
            C: ConnectionTrait,
        {
            note("before delete", *self.tag_id.as_ref());
            Ok(self)
        }

        async fn after_delete<C>(self, _db: &C) -> Result<Self, DbErr>
        where
            C: ConnectionTrait,
        {
            note("after delete", *self.tag_id.as_ref());
            Ok(self)
        }
    }
}

pub(crate) mod reader {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "reader")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[sea_orm(has_many, via = "reading")]
        pub articles: HasMany<super::article::Entity>,
    }
}

/// A junction with a key of its own.
pub(crate) mod reading {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "reading")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(unique_key = "link")]
        pub article_id: i32,
        #[sea_orm(unique_key = "link")]
        pub reader_id: i32,
        #[sea_orm(belongs_to, from = "article_id", to = "id")]
        pub article: BelongsTo<super::article::Entity>,
        #[sea_orm(belongs_to, from = "reader_id", to = "id")]
        pub reader: BelongsTo<super::reader::Entity>,
    }
}

pub(crate) mod follow {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "follow")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub writer_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub follower_id: i32,
        #[sea_orm(belongs_to, from = "writer_id", to = "id")]
        pub writer: BelongsTo<super::writer::Entity>,
        #[sea_orm(belongs_to, relation_enum = "Follower", from = "follower_id", to = "id")]
        pub follower: BelongsTo<super::writer::Entity>,
    }
}

/// An owner that is not audited, of links that are.
pub(crate) mod shelf {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "shelf")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many, via = "shelf_tag")]
        pub tags: HasMany<super::tag_of_shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod tag_of_shelf {
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tag_of_shelf")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        #[sea_orm(has_many, via = "shelf_tag")]
        pub shelves: HasMany<super::shelf::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(crate) mod shelf_tag {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "shelf_tag")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub shelf_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: i32,
        #[sea_orm(belongs_to, from = "shelf_id", to = "id")]
        pub shelf: BelongsTo<super::shelf::Entity>,
        #[sea_orm(belongs_to, from = "tag_id", to = "id")]
        pub tag: BelongsTo<super::tag_of_shelf::Entity>,
    }
}

pub(crate) async fn schema(t: &TestDb) {
    create!(
        t,
        writer::Entity,
        portrait::Entity,
        article::Entity,
        note::Entity,
        tag::Entity,
        article_tag::Entity,
        reader::Entity,
        reading::Entity,
        follow::Entity
    );
}

pub(crate) fn writer(name: &str) -> writer::ActiveModelEx {
    writer::ActiveModel::builder().set_name(name)
}

pub(crate) fn article(title: &str) -> article::ActiveModelEx {
    article::ActiveModel::builder().set_title(title)
}

pub(crate) fn tag(name: &str) -> tag::ActiveModelEx {
    tag::ActiveModel::builder().set_name(name)
}

pub(crate) fn note(text: &str) -> note::ActiveModelEx {
    note::ActiveModel::builder().set_text(text)
}

/// An article `a` with the tags `x` and `y`, unseen by the trail.
async fn tagged<C: TransactionTrait>(db: &C) -> article::ActiveModelEx {
    let article = article("a").set_writer(writer("ann")).add_tag(tag("x")).add_tag(tag("y"));
    AuditContext::without_audit(article.save(db)).await.unwrap()
}

async fn parents_and_children_are_recorded(t: TestDb) {
    schema(&t).await;
    let article =
        article("a").set_writer(writer("ann")).add_note(note("one")).add_note(note("two"));
    let mut article = article.save(&t.db).await.unwrap();
    article.title = Set("b".to_owned());
    article.notes.convert_to_append();
    article.notes.push(note("three"));
    article.save(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE writer 1 by nobody: none -> {"id":1,"name":"ann"}"#,
            r#"CREATE article 1 by nobody: none -> {"id":1,"title":"a","writer_id":1}"#,
            r#"CREATE note 1 by nobody: none -> {"article_id":1,"id":1,"text":"one"}"#,
            r#"CREATE note 2 by nobody: none -> {"article_id":1,"id":2,"text":"two"}"#,
            r#"UPDATE article 1 by nobody: {"title":"a"} -> {"title":"b"}"#,
            r#"CREATE note 3 by nobody: none -> {"article_id":1,"id":3,"text":"three"}"#,
        ],
    );
}

async fn a_has_one_that_is_replaced_is_recorded(t: TestDb) {
    schema(&t).await;
    let portrait = |file: &str| portrait::ActiveModel::builder().set_file(file);
    let ann = writer("ann").set_portrait(portrait("young.jpg")).save(&t.db).await.unwrap();
    ann.set_portrait(portrait("old.jpg")).save(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await[1..],
        &[
            r#"CREATE portrait 1 by nobody: none -> {"file":"young.jpg","id":1,"writer_id":1}"#,
            r#"DELETE portrait 1 by nobody: {"file":"young.jpg","id":1,"writer_id":1} -> none"#,
            r#"CREATE portrait 2 by nobody: none -> {"file":"old.jpg","id":2,"writer_id":1}"#,
        ],
    );
}

async fn children_that_are_replaced_are_recorded(t: TestDb) {
    schema(&t).await;
    // A note can do without an article, an article not without its writer.
    let article = article("a").add_note(note("one"));
    let mut ann = writer("ann").add_article(article).save(&t.db).await.unwrap();
    let before = trail(&t.db).await.len();
    ann.articles.replace_all([]);
    ann.save(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await[before..],
        &[
            r#"UPDATE note 1 by nobody: {"article_id":1} -> {"article_id":null}"#,
            r#"DELETE article 1 by nobody: {"id":1,"title":"a","writer_id":1} -> none"#,
        ],
    );
}

async fn links_are_recorded(t: TestDb) {
    schema(&t).await;
    let article = article("a").set_writer(writer("ann")).add_tag(tag("x")).add_tag(tag("y"));
    article.save(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await[2..],
        &[
            r#"CREATE tag 1 by nobody: none -> {"id":1,"name":"x"}"#,
            r#"CREATE tag 2 by nobody: none -> {"id":2,"name":"y"}"#,
            r#"CREATE article_tag [1,1] by nobody: none -> {"article_id":1,"tag_id":1}"#,
            r#"CREATE article_tag [1,2] by nobody: none -> {"article_id":1,"tag_id":2}"#,
        ],
    );
}

async fn a_link_that_is_there_is_no_create(t: TestDb) {
    schema(&t).await;
    let mut article = tagged(&t.db).await;
    article.tags.convert_to_append();
    article.tags.push(tag("z"));
    let article = article.save(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE tag 3 by nobody: none -> {"id":3,"name":"z"}"#,
            r#"CREATE article_tag [1,3] by nobody: none -> {"article_id":1,"tag_id":3}"#,
        ],
    );
    article.save(&t.db).await.unwrap();
    assert_eq!(trail(&t.db).await.len(), 2, "nothing new");
}

async fn links_with_a_key_of_their_own_are_recorded(t: TestDb) {
    schema(&t).await;
    let reader = |name: &str| reader::ActiveModel::builder().set_name(name);
    let article = article("a").set_writer(writer("ann")).add_reader(reader("bob"));
    let mut article = article.save(&t.db).await.unwrap();
    let before = trail(&t.db).await.len();
    article.readers.convert_to_append();
    article.readers.push(reader("eve"));
    let mut article = article.save(&t.db).await.unwrap();
    let eve = article.readers.as_slice()[1].clone();
    article.readers.replace_all([eve]);
    article.save(&t.db).await.unwrap();
    let entries = &entries(&t.db).await[before..];
    let values = |side: &Option<serde_json::Value>| side.as_ref().map(|it| it["reader_id"].clone());
    let readers: Vec<_> = entries
        .iter()
        .filter(|entry| entry.table_name == "reading")
        .map(|entry| (values(&entry.old_values), values(&entry.new_values)))
        .collect();
    assert_eq!(entries.len(), 3);
    assert_eq!(readers, [(None, Some(2.into())), (Some(1.into()), None)]);
}

async fn links_that_are_replaced_are_recorded(t: TestDb) {
    schema(&t).await;
    let mut article = tagged(&t.db).await;
    let y = article.tags.as_slice()[1].clone();
    article.tags.replace_all([y, tag("z")]);
    article.save(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE tag 3 by nobody: none -> {"id":3,"name":"z"}"#,
            r#"DELETE article_tag [1,1] by nobody: {"article_id":1,"tag_id":1} -> none"#,
            r#"CREATE article_tag [1,3] by nobody: none -> {"article_id":1,"tag_id":3}"#,
        ],
    );
}

async fn the_hooks_of_a_link_run_as_without_auditing(t: TestDb) {
    schema(&t).await;
    let mut article = tagged(&t.db).await;
    let y = article.tags.as_slice()[1].clone();
    article.tags.replace_all([y, tag("z")]);
    let seen = article_tag::SEEN
        .scope(std::sync::Mutex::default(), async {
            article.save(&t.db).await.unwrap();
            article_tag::SEEN.with(|seen| seen.lock().unwrap().clone())
        })
        .await;
    assert_eq!(seen, ["before delete 1", "after delete 1", "before save 3", "after save 3"]);
}

async fn deleting_a_record_records_its_links(t: TestDb) {
    schema(&t).await;
    tagged(&t.db).await.delete(&t.db).await.unwrap();
    let mut lines = trail(&t.db).await;
    lines[..2].sort();
    assert_lines(
        &lines,
        &[
            r#"DELETE article_tag [1,1] by nobody: {"article_id":1,"tag_id":1} -> none"#,
            r#"DELETE article_tag [1,2] by nobody: {"article_id":1,"tag_id":2} -> none"#,
            r#"DELETE article 1 by nobody: {"id":1,"title":"a","writer_id":1} -> none"#,
        ],
    );
}

async fn a_cascade_records_everything(t: TestDb) {
    schema(&t).await;
    let article = article("a").add_note(note("one")).add_tag(tag("x"));
    let ann = writer("ann").add_article(article);
    AuditContext::without_audit(ann.save(&t.db)).await.unwrap();
    let ann = writer::Entity::find_by_id(1).one(&t.db).await.unwrap().unwrap();
    let loaded = writer::Entity::load().with(article::Entity).one(&t.db).await.unwrap().unwrap();
    assert_eq!(loaded.articles.len(), 1);
    // The rows below are found by SeaORM itself.
    ann.cascade_delete(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"UPDATE note 1 by nobody: {"article_id":1} -> {"article_id":null}"#,
            r#"DELETE article_tag [1,1] by nobody: {"article_id":1,"tag_id":1} -> none"#,
            r#"DELETE article 1 by nobody: {"id":1,"title":"a","writer_id":1} -> none"#,
            r#"DELETE writer 1 by nobody: {"id":1,"name":"ann"} -> none"#,
        ],
    );
}

async fn links_of_a_table_with_itself_are_recorded(t: TestDb) {
    schema(&t).await;
    let ann = writer("ann").save(&t.db).await.unwrap();
    let bob = writer("bob").save(&t.db).await.unwrap();
    let ann = ann.add_follower(bob.clone()).save(&t.db).await.unwrap();
    bob.add_following(writer("eve")).save(&t.db).await.unwrap();
    ann.delete(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await[2..],
        &[
            r#"CREATE follow [1,2] by nobody: none -> {"follower_id":2,"writer_id":1}"#,
            r#"CREATE writer 3 by nobody: none -> {"id":3,"name":"eve"}"#,
            r#"CREATE follow [3,2] by nobody: none -> {"follower_id":2,"writer_id":3}"#,
            r#"DELETE follow [1,2] by nobody: {"follower_id":2,"writer_id":1} -> none"#,
            r#"DELETE writer 1 by nobody: {"id":1,"name":"ann"} -> none"#,
        ],
    );
}

async fn links_are_deleted_by_hand(t: TestDb) {
    schema(&t).await;
    let article = tagged(&t.db).await;
    let row: article::ActiveModel = article.into();
    let deleted = row.delete_links(article_tag::Entity, &t.db).await.unwrap();
    assert_eq!(deleted.rows_affected, 2);
    assert_eq!(trail(&t.db).await.len(), 2);
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM article_tag").await, 0);
}

async fn all_of_it_runs_on_an_audit_transaction(t: TestDb) {
    schema(&t).await;
    AuditTransaction::run(&t.db, async |txn| {
        let article =
            article("a").set_writer(writer("ann")).add_note(note("one")).add_tag(tag("x"));
        let mut article = article.save(txn).await?;
        article.tags.replace_all([tag("y")]);
        let article = article.save(txn).await?;
        article.delete(txn).await
    })
    .await
    .unwrap();
    let entries = entries(&t.db).await;
    let tables: Vec<_> =
        entries.iter().map(|entry| format!("{} {}", entry.operation, entry.table_name)).collect();
    assert_eq!(
        tables,
        [
            "CREATE writer",
            "CREATE article",
            "CREATE note",
            "CREATE tag",
            "CREATE article_tag",
            "CREATE tag",
            "DELETE article_tag",
            "CREATE article_tag",
            "UPDATE note",
            "DELETE article_tag",
            "DELETE article",
        ]
    );
    assert!(entries.iter().all(|entry| entry.transaction_id == entries[0].transaction_id));
}

async fn all_of_it_is_taken_back_with_its_transaction(t: TestDb) {
    schema(&t).await;
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    tagged(&txn).await.delete(&txn).await.unwrap();
    txn.rollback().await.unwrap();
    let txn = t.db.begin().await.unwrap();
    let article =
        article("a").set_writer(writer("ann")).add_tag(tag("x")).save(&txn).await.unwrap();
    article.delete(&txn).await.unwrap();
    txn.rollback().await.unwrap();
    assert!(trail(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM tag").await, 0);
}

async fn a_failure_takes_all_of_it_back(t: TestDb) {
    schema(&t).await;
    let two = [note("one"), note("two")];
    let [one, mut two] = two;
    two.id = Set(1);
    let mut one = one;
    one.id = Set(1);
    let article = article("a").set_writer(writer("ann")).add_note(one).add_note(two);
    let result: Result<_, DbErr> = article.insert(&t.db).await;
    result.unwrap_err();
    assert!(trail(&t.db).await.is_empty());
    assert_eq!(number(&t.db, "SELECT COUNT(*) FROM writer").await, 0);
}

/// Its links go through the hooks alone. On `MariaDB` those cannot tell a link that is there already
/// from a new one, so that it is refused; but it is never a false create.
async fn links_of_an_unaudited_owner_are_created_once(t: TestDb) {
    create!(t, shelf::Entity, tag_of_shelf::Entity, shelf_tag::Entity);
    sql(&t.db, "INSERT INTO tag_of_shelf (id) VALUES (7)").await;
    let tag = tag_of_shelf::Model { id: 7 };
    let shelf = shelf::ActiveModel::builder().add_tag(tag.clone().into_active_model());
    let shelf = shelf.save(&t.db).await.unwrap();
    let again = shelf.save(&t.db).await;
    if t.backend == Backend::MariaDb {
        let error = again.unwrap_err().to_string();
        assert!(error.contains("`shelf_tag`") && error.contains("derive Auditable"), "{error}");
    } else {
        again.unwrap();
    }
    assert_lines(
        &trail(&t.db).await,
        &[r#"CREATE shelf_tag [1,7] by nobody: none -> {"shelf_id":1,"tag_id":7}"#],
    );
    // A plain insert of a row that is there fails as it would.
    let row = shelf_tag::ActiveModel { shelf_id: Set(1), tag_id: Set(7) };
    ActiveModelTrait::insert(row.clone(), &t.db.begin().await.unwrap()).await.unwrap_err();
    row.insert(&t.db).await.unwrap_err();
    assert_eq!(trail(&t.db).await.len(), 1);
}
