//! Upkeep on a schedule, which several instances of an application share.

use std::time::Duration;

use audit_seaorm::{AuditUpkeep, Limits, Retention, Turn};
use audit_tests::{Backend, TestDb};
use sea_orm::ConnectionTrait;

use crate::support::{migrate, number, partition, sql};

audit_tests::tests! {
    it_is_done_when_it_is_due_and_not_before,
    of_many_instances_one_does_it,
    while_one_is_at_it_the_others_are_not,
    an_instance_that_was_killed_is_waited_for_and_no_longer,
    what_failed_stays_due,
    in_the_background_it_goes_on_until_it_is_stopped,
    #[only(Postgres)] it_makes_the_months_to_come,
}

fn upkeep(t: &TestDb) -> AuditUpkeep {
    let retention = Retention::new().all(Limits::new().max_age_days(30));
    AuditUpkeep::new(&t.db).retention(retention).every(Duration::from_hours(1))
}

/// Entries that are too old.
async fn fill(t: &TestDb, count: u32) {
    let (id, at) = match t.backend {
        Backend::Sqlite => ("randomblob(16)", "'2020-01-01T00:00:00.000000+00:00'"),
        Backend::Postgres => ("gen_random_uuid()", "timestamptz '2020-01-01'"),
        Backend::MariaDb => ("UNHEX(REPLACE(UUID(), '-', ''))", "'2020-01-01'"),
    };
    for number in 0..count {
        sql(
            &t.db,
            &format!(
                "INSERT INTO audit_trail (id, table_name, record_id, operation, timestamp) \
             VALUES ({id}, 'old', '{number}', 'UPDATE', {at})"
            ),
        )
        .await;
    }
}

async fn count(t: &TestDb) -> i64 {
    number(&t.db, "SELECT COUNT(*) FROM audit_trail").await
}

fn deleted(turn: &Turn) -> Option<u64> {
    match turn {
        Turn::Done(report) => Some(report.pruned.deleted),
        _ => None,
    }
}

/// As if so many seconds had gone by.
async fn pass(t: &TestDb, seconds: u32) {
    sql(&t.db, &format!(
        "UPDATE audit_trail_schedule SET ran_at = ran_at - {0}, leased_until = leased_until - {0}",
        u64::from(seconds) * 1000
    )).await;
}

async fn it_is_done_when_it_is_due_and_not_before(t: TestDb) {
    migrate(&t).await;
    fill(&t, 3).await;
    assert_eq!(deleted(&upkeep(&t).run().await.unwrap()), Some(3));
    fill(&t, 2).await;
    assert_eq!(upkeep(&t).run().await.unwrap(), Turn::NotDue);
    pass(&t, 3590).await;
    assert_eq!(upkeep(&t).run().await.unwrap(), Turn::NotDue);
    pass(&t, 20).await;
    assert_eq!(deleted(&upkeep(&t).run().await.unwrap()), Some(2));
}

async fn of_many_instances_one_does_it(t: TestDb) {
    migrate(&t).await;
    for _ in 0..5 {
        fill(&t, 4).await;
        let tasks: Vec<_> = (0..6)
            .map(|_| {
                let upkeep = upkeep(&t);
                tokio::spawn(async move { upkeep.run().await.unwrap() })
            })
            .collect();
        let mut turns = Vec::new();
        for task in tasks {
            turns.push(task.await.unwrap());
        }
        let done: Vec<_> = turns.iter().filter_map(deleted).collect();
        assert_eq!(done, [4], "{turns:?}");
        pass(&t, 4000).await;
    }
}

async fn while_one_is_at_it_the_others_are_not(t: TestDb) {
    migrate(&t).await;
    // The database's own hand keeps the lease, as an instance would that takes its time.
    upkeep(&t).run().await.unwrap();
    pass(&t, 4000).await;
    let now = "(SELECT MAX(ran_at) FROM (SELECT ran_at FROM audit_trail_schedule) AS s) + 4000000";
    sql(
        &t.db,
        &format!("UPDATE audit_trail_schedule SET holder = 'other', leased_until = {now} + 60000"),
    )
    .await;
    fill(&t, 1).await;
    assert_eq!(upkeep(&t).run().await.unwrap(), Turn::Taken);
    assert_eq!(count(&t).await, 1);
    pass(&t, 61).await;
    assert_eq!(deleted(&upkeep(&t).run().await.unwrap()), Some(1));
}

async fn an_instance_that_was_killed_is_waited_for_and_no_longer(t: TestDb) {
    migrate(&t).await;
    fill(&t, 200).await;
    let dropped = tokio::time::timeout(Duration::from_millis(30), upkeep(&t).run()).await;
    if dropped.is_err() {
        // However far it came, it cannot have given the lease back.
        let turn = upkeep(&t).run().await.unwrap();
        assert!(matches!(turn, Turn::Taken | Turn::Done(_)), "{turn:?}");
    }
    pass(&t, 4000).await;
    let turn = upkeep(&t).run().await.unwrap();
    assert!(matches!(turn, Turn::Done(_)), "{turn:?}");
    assert_eq!(count(&t).await, 0);
}

async fn what_failed_stays_due(t: TestDb) {
    migrate(&t).await;
    fill(&t, 2).await;
    let nothing = Retention::new().all(Limits::new().max_age_days(0));
    let error = upkeep(&t).retention(nothing).run().await.unwrap_err().to_string();
    assert!(error.contains("must be one at least"), "{error}");
    assert_eq!(deleted(&upkeep(&t).run().await.unwrap()), Some(2));
    sql(&t.db, "DROP TABLE audit_trail_schedule").await;
    upkeep(&t).run().await.unwrap_err();
}

async fn in_the_background_it_goes_on_until_it_is_stopped(t: TestDb) {
    migrate(&t).await;
    let handles: Vec<_> =
        (0..3).map(|_| upkeep(&t).every(Duration::from_secs(1)).start()).collect();
    for _ in 0..2 {
        fill(&t, 3).await;
        let mut tries = 0;
        while count(&t).await > 0 {
            tries += 1;
            assert!(tries < 300, "it is never done");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    for handle in handles {
        handle.stop().await;
    }
    let held =
        number(&t.db, "SELECT COUNT(*) FROM audit_trail_schedule WHERE holder IS NOT NULL").await;
    assert_eq!(held, 0, "what was under way came to its end");
    fill(&t, 1).await;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert_eq!(count(&t).await, 1);
}

async fn it_makes_the_months_to_come(t: TestDb) {
    migrate(&t).await;
    partition(&t.db).await;
    let Turn::Done(report) = upkeep(&t).months_ahead(5).run().await.unwrap() else {
        panic!("it is due");
    };
    assert_eq!(report.created_partitions.len(), 2);
    t.db.execute_unprepared("SELECT 1").await.unwrap();
}
