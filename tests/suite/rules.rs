//! Rules that hide columns: those of all entities of a table hold, and one for a table that is not there is an error.

use std::process::{Command, ExitCode};

use audit_seaorm::{
    AuditConfig, AuditConnection, AuditCounters, AuditTrail, AuditTransaction, Change, ConfigError,
    FailurePolicy, GapReason, Image, Limits, Retention,
};
use audit_tests::{Backend, TestDb};
use sea_orm::{
    ActiveValue::Set, ColumnTrait, DbErr, IntoActiveModel, QueryFilter, sea_query::Expr,
};
use serde_json::json;

use crate::{
    entities::post,
    support::{assert_lines, create, dump, entries, new_post, number, sql, trail},
};

audit_tests::tests! {
    a_rule_of_one_entity_holds_for_the_others_of_the_table,
    a_change_recorded_by_hand_obeys_the_entities_of_its_table,
    of_two_rules_for_a_column_the_stronger_holds,
    a_rule_may_name_a_column_that_another_entity_of_the_table_has,
    a_rule_of_the_configuration_holds_for_every_entity_of_the_table,
    a_baseline_obeys_the_entities_of_its_table,
    readers_know_what_another_entity_hides,
    verify_leaves_out_what_another_entity_skips,
    #[only(Sqlite)] a_name_without_a_schema_may_be_the_same_table,
    #[once] a_rule_for_no_table_is_refused_by_install,
    #[once] a_rule_for_no_table_is_refused_in_the_environment,
    a_rule_for_no_table_refuses_the_writes_of_its_scope,
    a_rule_for_an_external_table_is_no_mistake,
    a_retention_for_no_table_deletes_nothing,
}

/// All of the table, with the rules.
mod person {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "rules_person")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[auditable(redact)]
        pub password: Option<String>,
        #[auditable(redact)]
        pub pin: Option<String>,
        #[auditable(skip)]
        pub seen: Option<String>,
    }
}

/// A part of it, for those who log in.
mod login {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "rules_person")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub password: Option<String>,
        pub seen: Option<String>,
    }
}

/// Another part, which goes further in one column, and less far in another.
mod card {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "rules_person")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        #[auditable(skip)]
        pub pin: Option<String>,
        #[auditable(redact)]
        pub seen: Option<String>,
    }
}

/// The same table, called by its schema.
mod in_schema {
    use audit_seaorm::Auditable;
    use sea_orm::entity::prelude::*;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Auditable)]
    #[sea_orm(table_name = "rules_person", schema_name = "main")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub name: String,
        pub password: Option<String>,
    }
}

const SECRET: &str = "s3cr3t-of-ann";

fn some(text: &str) -> sea_orm::ActiveValue<Option<String>> {
    Set(Some(text.to_owned()))
}

fn new_login() -> login::ActiveModel {
    login::ActiveModel {
        name: Set("ann".to_owned()),
        password: some(SECRET),
        seen: some("se3n-ann"),
        ..Default::default()
    }
}

async fn no_secret_is_stored(t: &TestDb) {
    // The rows have it: what is deleted is to leave the file.
    sql(&t.db, "DELETE FROM rules_person").await;
    if t.backend == Backend::Sqlite {
        sql(&t.db, "VACUUM").await;
        sql(&t.db, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    }
    let dump = String::from_utf8_lossy(&dump(t).await).into_owned();
    for secret in ["s3cr3t", "se3n", "p1n"] {
        assert!(!dump.contains(secret), "{secret}");
    }
}

async fn a_rule_of_one_entity_holds_for_the_others_of_the_table(t: TestDb) {
    create!(t, person::Entity);
    let mut ann = new_login().insert(&t.db).await.unwrap().into_active_model();
    ann.password = some("s3cr3t-2");
    let ann = ann.update(&t.db).await.unwrap();
    // What another entity skips makes no entry.
    let mut seen = ann.clone().into_active_model();
    seen.seen = some("se3n-2");
    seen.update(&t.db).await.unwrap();
    ann.delete(&t.db).await.unwrap();
    let txn = AuditTransaction::begin(&t.db).await.unwrap();
    new_login().insert(&txn).await.unwrap();
    txn.commit().await.unwrap();
    let db = AuditConnection::new(t.db.clone());
    login::Entity::audited().insert_many([new_login(), new_login()]).exec(&db).await.unwrap();
    let update = login::Entity::audited().update_many();
    let update = update.col_expr(login::Column::Password, Expr::val("s3cr3t-3"));
    update.filter(login::Column::Id.eq(2)).exec(&db).await.unwrap();
    let hidden = r#""password":"[REDACTED]""#;
    let whole = |id: u32| format!(r#"{{"id":{id},"name":"ann",{hidden}}}"#);
    assert_lines(
        &trail(&t.db).await,
        &[
            &format!("CREATE rules_person 1 by nobody: none -> {}", whole(1)),
            &format!("UPDATE rules_person 1 by nobody: {{{hidden}}} -> {{{hidden}}}"),
            &format!("DELETE rules_person 1 by nobody: {} -> none", whole(1)),
            &format!("CREATE rules_person 2 by nobody: none -> {}", whole(2)),
            &format!("CREATE rules_person 3 by nobody: none -> {}", whole(3)),
            &format!("CREATE rules_person 4 by nobody: none -> {}", whole(4)),
            &format!("UPDATE rules_person 2 by nobody: {{{hidden}}} -> {{{hidden}}}"),
        ],
    );
    no_secret_is_stored(&t).await;
}

async fn a_change_recorded_by_hand_obeys_the_entities_of_its_table(t: TestDb) {
    create!(t, person::Entity);
    let image = |text: &str| {
        Image::from_iter([("password".to_owned(), json!(text)), ("seen".to_owned(), json!("se3n"))])
    };
    let change = Change::update("rules_person", "1", image(SECRET), image("s3cr3t-2"));
    AuditTrail::record(&t.db, change).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"UPDATE rules_person 1 by nobody: {"password":"[REDACTED]"} -> {"password":"[REDACTED]"}"#,
        ],
    );
    no_secret_is_stored(&t).await;
}

async fn of_two_rules_for_a_column_the_stronger_holds(t: TestDb) {
    create!(t, person::Entity);
    // One redacts `pin` and skips `seen`, the other one the other way round.
    let ann = person::ActiveModel {
        name: Set("ann".to_owned()),
        password: Set(None),
        pin: some("p1n"),
        seen: some("se3n"),
        ..Default::default()
    };
    ann.insert(&t.db).await.unwrap();
    let bob = card::ActiveModel {
        name: Set("bob".to_owned()),
        pin: some("p1n"),
        seen: some("se3n"),
        ..Default::default()
    };
    let mut bob = bob.insert(&t.db).await.unwrap().into_active_model();
    bob.pin = some("p1n-2");
    bob.update(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE rules_person 1 by nobody: none -> {"id":1,"name":"ann","password":"[REDACTED]"}"#,
            r#"CREATE rules_person 2 by nobody: none -> {"id":2,"name":"bob"}"#,
        ],
    );
    no_secret_is_stored(&t).await;
}

async fn a_rule_may_name_a_column_that_another_entity_of_the_table_has(t: TestDb) {
    create!(t, person::Entity);
    let config = AuditConfig::new().redact("rules_person", ["password"]);
    let bob = card::ActiveModel { name: Set("bob".to_owned()), ..Default::default() };
    config.scope(bob.insert(&t.db)).await.unwrap();
    let slip = AuditConfig::new().redact("rules_person", ["pasword"]);
    let error = slip.scope(new_login().insert(&t.db)).await.unwrap_err();
    assert!(error.to_string().contains("has no column `pasword`"), "{error}");
}

async fn a_rule_of_the_configuration_holds_for_every_entity_of_the_table(t: TestDb) {
    create!(t, person::Entity);
    let config = AuditConfig::new().redact("rules_person", ["name"]);
    config
        .scope(async {
            new_login().insert(&t.db).await.unwrap();
            let bob = card::ActiveModel { name: Set("bob".to_owned()), ..Default::default() };
            bob.insert(&t.db).await.unwrap();
        })
        .await;
    for entry in entries(&t.db).await {
        assert_eq!(entry.new_values.unwrap()["name"], "[REDACTED]");
    }
}

async fn a_baseline_obeys_the_entities_of_its_table(t: TestDb) {
    create!(t, person::Entity);
    sql(&t.db, "INSERT INTO rules_person (name, password, seen) VALUES ('ann', 's3cr3t', 'se3n')")
        .await;
    AuditTrail::baseline(login::Entity).exec(&t.db).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"BASELINE rules_person 1 by nobody: none -> {"id":1,"name":"ann","password":"[REDACTED]"}"#,
        ],
    );
    no_secret_is_stored(&t).await;
}

async fn readers_know_what_another_entity_hides(t: TestDb) {
    create!(t, person::Entity);
    let ann = new_login().insert(&t.db).await.unwrap();
    let state = AuditTrail::state_as_of(&t.db, login::Entity, ann.id, chrono::Utc::now());
    let state = state.await.unwrap().unwrap();
    let gaps: Vec<_> =
        state.gaps().iter().map(|gap| (gap.column.as_str(), gap.reason.clone())).collect();
    assert_eq!(gaps, [("password", GapReason::Redacted), ("seen", GapReason::Skipped)]);
    let blame = AuditTrail::blame(&t.db, login::Entity, ann.id).await.unwrap();
    let columns: Vec<_> = blame.iter().map(|blame| blame.column.as_str()).collect();
    assert_eq!(columns, ["id", "name", "password"]);
    let before = entries(&t.db).await[0].timestamp - chrono::TimeDelta::seconds(1);
    let mut changed = ann.into_active_model();
    changed.password = some("s3cr3t-2");
    changed.update(&t.db).await.unwrap();
    let plan = AuditTrail::restore(login::Entity, 1, before).plan(&t.db).await.unwrap();
    let plan = format!("{plan} {plan:?}");
    assert!(!plan.contains("s3cr3t") && !plan.contains("se3n"), "{plan}");
}

async fn verify_leaves_out_what_another_entity_skips(t: TestDb) {
    create!(t, person::Entity);
    // From the time before the column was skipped.
    audit_seaorm::AuditContext::without_audit(new_login().insert(&t.db)).await.unwrap();
    AuditTrail::baseline(login::Entity).exec(&t.db).await.unwrap();
    let told = match t.backend {
        Backend::Postgres => {
            r#"UPDATE audit_trail SET new_values = new_values || '{"seen": "once"}'"#
        }
        _ => "UPDATE audit_trail SET new_values = json_set(new_values, '$.seen', 'once')",
    };
    sql(&t.db, told).await;
    let report = AuditTrail::verify(&t.db, login::Entity).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

async fn a_name_without_a_schema_may_be_the_same_table(t: TestDb) {
    create!(t, person::Entity);
    let ann = in_schema::ActiveModel {
        name: Set("ann".to_owned()),
        password: some(SECRET),
        ..Default::default()
    };
    let config = AuditConfig::new().redact("rules_person", ["name"]);
    config.scope(ann.insert(&t.db)).await.unwrap();
    assert_lines(
        &trail(&t.db).await,
        &[
            r#"CREATE main.rules_person 1 by nobody: none -> {"id":1,"name":"[REDACTED]","password":"[REDACTED]"}"#,
        ],
    );
    no_secret_is_stored(&t).await;
}

#[track_caller]
fn refused_for(config: AuditConfig, meant: Option<&str>) {
    match config.install() {
        Err(ConfigError::UnknownTable { similar, .. }) => assert_eq!(similar.as_deref(), meant),
        other => panic!("nothing is refused: {other:?}"),
    }
}

async fn a_rule_for_no_table_is_refused_by_install() {
    let new = AuditConfig::new;
    refused_for(new().redact("Rules_Person", ["password"]), Some("rules_person"));
    refused_for(new().exclude_table("rules_persons"), Some("rules_person"));
    refused_for(new().exclude_table("nothing_of_the_kind_at_all"), None);
    let hold = Retention::new().keep_table("rules_persn");
    refused_for(new().retention(hold), Some("rules_person"));
    let error = new().redact("Rules_Person", ["password"]).install().unwrap_err();
    assert_eq!(
        error.to_string(),
        "AuditConfig::redact names the table `Rules_Person`, which no audited entity of this program has: write \
         `rules_person`, or name a table of another program, or one recorded by hand, in AuditConfig::external_table as well"
    );
}

/// Set for a child that reads the environment.
const CHILD: &str = "AUDIT_TEST_FROM_ENV";

/// What the child does instead of testing.
pub(crate) fn as_child() -> Option<ExitCode> {
    std::env::var_os(CHILD)?;
    Some(match AuditConfig::from_env() {
        Ok(_) => ExitCode::SUCCESS,
        Err(ConfigError::UnknownTable { rule: "AUDIT_REDACT", similar: Some(meant), .. })
            if meant == "rules_person" =>
        {
            ExitCode::from(3)
        }
        Err(_) => ExitCode::FAILURE,
    })
}

async fn a_rule_for_no_table_is_refused_in_the_environment() {
    let code = |vars: &[(&str, &str)]| {
        let program = std::env::current_exe().unwrap();
        let vars = vars.iter().copied().chain([(CHILD, "1")]);
        Command::new(program).envs(vars).status().unwrap().code()
    };
    assert_eq!(code(&[("AUDIT_REDACT", "rules_person.password")]), Some(0));
    assert_eq!(code(&[("AUDIT_REDACT", "Rules_person.password")]), Some(3));
    let external = ("AUDIT_EXTERNAL_TABLES", "Rules_person");
    assert_eq!(code(&[("AUDIT_REDACT", "Rules_person.password"), external]), Some(0));
}

fn unknown(error: &DbErr) -> bool {
    error.to_string().contains("which no audited entity of this program has")
}

async fn a_rule_for_no_table_refuses_the_writes_of_its_scope(t: TestDb) {
    create!(t, person::Entity, post::Entity);
    for config in [
        AuditConfig::new().redact("Rules_Person", ["name"]),
        AuditConfig::new().exclude_table("Rules_Person"),
    ] {
        let refused = config.clone();
        refused
            .scope(async {
                assert!(unknown(&new_login().insert(&t.db).await.unwrap_err()));
                assert!(unknown(&new_post("a").insert(&t.db).await.unwrap_err()));
                let many = login::Entity::audited().insert_many([new_login()]);
                assert!(unknown(&many.exec(&t.db).await.unwrap_err()));
                let txn = AuditTransaction::begin(&t.db).await.unwrap();
                assert!(unknown(&new_login().insert(&txn).await.unwrap_err()));
                txn.rollback().await.unwrap();
                let change = Change::create("rate", "1", Image::new());
                assert!(unknown(&AuditTrail::record(&t.db, change).await.unwrap_err()));
                let baseline = AuditTrail::baseline(login::Entity).exec(&t.db).await;
                assert!(unknown(&baseline.unwrap_err()));
            })
            .await;
        assert_eq!(number(&t.db, "SELECT COUNT(*) FROM rules_person").await, 0);
        let failed = AuditCounters::now().failed;
        let lenient = config.on_failure(FailurePolicy::Continue);
        lenient.scope(new_login().insert(&t.db)).await.unwrap();
        assert!(AuditCounters::now().failed > failed);
        assert!(trail(&t.db).await.is_empty());
        sql(&t.db, "DELETE FROM rules_person").await;
    }
}

async fn a_rule_for_an_external_table_is_no_mistake(t: TestDb) {
    create!(t, person::Entity);
    let config = AuditConfig::new()
        .redact("rate", ["key"])
        .exclude_table("elsewhere")
        .external_table("rate")
        .external_table("elsewhere");
    config
        .scope(async {
            new_login().insert(&t.db).await.unwrap();
            let image = Image::from_iter([("key".to_owned(), json!(SECRET))]);
            AuditTrail::record(&t.db, Change::create("rate", "1", image)).await.unwrap();
        })
        .await;
    assert_eq!(entries(&t.db).await[1].new_values, Some(json!({"key": "[REDACTED]"})));
    assert_eq!(entries(&t.db).await.len(), 2);
}

async fn a_retention_for_no_table_deletes_nothing(t: TestDb) {
    create!(t, person::Entity);
    let none = Limits::new().newest_per_table(1);
    for id in ["1", "2", "3"] {
        let change = Change::delete("payment", id, Image::new());
        AuditTrail::record(&t.db, change).await.unwrap();
    }
    let slip = Retention::new().all(none).keep_table("payments");
    let prune = AuditTrail::prune().retention(slip.clone());
    assert!(unknown(&prune.plan(&t.db).await.unwrap_err()));
    assert!(unknown(&prune.exec(&t.db).await.unwrap_err()));
    let upkeep = audit_seaorm::AuditUpkeep::new(&t.db).retention(slip);
    assert!(upkeep.run().await.unwrap_err().to_string().contains("`payments`"));
    assert_eq!(entries(&t.db).await.len(), 3);
    // Of this one there are entries, though no entity is left.
    let held = Retention::new().all(none).keep_table("payment").keep_table("rules_person");
    AuditTrail::prune().retention(held).exec(&t.db).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 3);
    let external = AuditConfig::new().external_table("payments");
    let slip = Retention::new().all(none).keep_table("payments");
    external.scope(AuditTrail::prune().retention(slip).exec(&t.db)).await.unwrap();
    assert_eq!(entries(&t.db).await.len(), 1);
}
