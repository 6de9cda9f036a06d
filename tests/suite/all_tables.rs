//! All audited tables at once, none forgotten.

use std::{collections::BTreeSet, fs, path::Path};

use audit_seaorm::{AuditConfig, AuditConnection, AuditTrail, TableOutcome};
use audit_tests::TestDb;
use sea_orm::ConnectionTrait;

use crate::{
    entities::{label, post},
    support::{create, entries, new_post, sql},
};

audit_tests::tests! {
    #[once] every_entity_with_the_derive_is_in_the_list,
    a_new_entity_is_verified_and_baselined_with_the_others,
    an_excluded_table_is_told_of_and_is_no_error,
    one_table_that_fails_does_not_hide_the_others,
    entities_of_one_table_are_verified_together,
}

mod whole {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "all_tables_parts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub one: String,
        pub two: String,
    }
}

mod part {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "all_tables_parts")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub two: String,
    }
}

/// The tables of the entities in the sources of this suite that derive `Auditable`.
fn in_the_sources(folder: &Path, found: &mut BTreeSet<String>) {
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            in_the_sources(&path, found);
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let derives = text.split("#[derive(").skip(1);
            for derived in derives.filter(|it| it.split(')').next().unwrap().contains("Auditable"))
            {
                let head = derived.split("pub struct").next().unwrap();
                let name = head.split("table_name = \"").nth(1);
                found.extend(name.and_then(|it| it.split('"').next()).map(str::to_owned));
            }
        }
    }
}

async fn every_entity_with_the_derive_is_in_the_list() {
    let tables = AuditTrail::tables();
    let parts = tables.iter().find(|table| table.name == "all_tables_parts").unwrap();
    let entities: Vec<_> =
        parts.entities.iter().map(|entity| entity.rsplit("::").nth(1).unwrap()).collect();
    assert_eq!(entities, ["whole", "part"]);
    assert!(parts.is_recorded);
    assert!(tables.is_sorted_by_key(|table| table.name.clone()));
    let listed: BTreeSet<_> =
        tables.iter().map(|table| table.name.rsplit('.').next().unwrap().to_owned()).collect();
    let mut written = BTreeSet::new();
    let suite = Path::new(env!("CARGO_MANIFEST_DIR")).join("suite");
    in_the_sources(&suite, &mut written);
    assert!(written.len() > 20, "{written:?}");
    let missing: Vec<_> = written.difference(&listed).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

async fn a_new_entity_is_verified_and_baselined_with_the_others(t: TestDb) {
    create!(t, post::Entity, whole::Entity);
    sql(&t.db, "INSERT INTO all_tables_parts (one, two) VALUES ('a', 'b')").await;
    new_post("a").insert(&t.db).await.unwrap();
    let db = AuditConnection::new(t.db.clone());
    let report = AuditTrail::verify_all(&db).await;
    assert!(!report.is_clean());
    let unclean: Vec<_> = report.done().filter(|it| !it.is_clean()).map(|it| &*it.table).collect();
    assert_eq!(unclean, ["all_tables_parts"], "{report}");
    let baseline = AuditTrail::baseline_all(&db).await;
    assert_eq!(baseline.done().map(|it| it.written).sum::<u64>(), 1, "{baseline}");
    assert_eq!(entries(&t.db).await[1].new_values.as_ref().unwrap()["one"], "a");
    let report = AuditTrail::verify_all(&db).await;
    assert!(report.done().all(audit_seaorm::Verification::is_clean), "{report}");
    assert!(report.to_string().contains("all_tables_parts: 1 entries of 1 records"), "{report}");
}

async fn an_excluded_table_is_told_of_and_is_no_error(t: TestDb) {
    create!(t, post::Entity, label::Entity);
    let config = AuditConfig::new().exclude_table("post");
    let (tables, verified, baselined) = config
        .scope(async {
            let verified = AuditTrail::verify_all(&t.db).await;
            (AuditTrail::tables(), verified, AuditTrail::baseline_all(&t.db).await)
        })
        .await;
    let recorded = |name| tables.iter().find(|it| it.name == name).unwrap().is_recorded;
    assert_eq!((recorded("post"), recorded("label")), (false, true));
    assert_eq!(verified.excluded().collect::<Vec<_>>(), ["post"]);
    assert_eq!(baselined.excluded().collect::<Vec<_>>(), ["post"]);
    assert!(verified.to_string().contains("post: excluded"), "{verified}");
}

async fn one_table_that_fails_does_not_hide_the_others(t: TestDb) {
    create!(t, post::Entity, label::Entity);
    new_post("a").insert(&t.db).await.unwrap();
    t.db.execute_unprepared("DROP TABLE label").await.unwrap();
    let report = AuditTrail::verify_all(&t.db).await;
    let outcome = |name: &str| report.tables.iter().find(|(table, _)| table == name).unwrap();
    assert!(matches!(outcome("label").1, TableOutcome::Failed(_)), "{report}");
    assert!(matches!(&outcome("post").1, TableOutcome::Done(post) if post.is_clean()), "{report}");
    assert!(report.failed().any(|(table, _)| table == "label"));
    assert!(!report.is_clean());
    let baseline = AuditTrail::baseline_all(&t.db).await;
    assert!(baseline.failed().any(|(table, _)| table == "label"));
    assert!(baseline.done().any(|it| it.table == "post"), "{baseline}");
}

async fn entities_of_one_table_are_verified_together(t: TestDb) {
    create!(t, whole::Entity);
    let report = AuditTrail::verify_all(&t.db).await;
    let times = report.tables.iter().filter(|(table, _)| table == "all_tables_parts").count();
    assert_eq!(times, 1, "the one entity has all columns of the other");
}
