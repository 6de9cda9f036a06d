//! The context follows the task, and nothing else.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use crate::{AuditConfig, AuditContext, AuditUser, InAuditContext};

fn named(id: &str) -> AuditContext {
    AuditContext::new().user(AuditUser::new(id))
}

fn current() -> Option<String> {
    AuditContext::current_user().map(|user| user.id().to_owned())
}

#[tokio::test]
async fn nested_scopes_restore_the_outer_one() {
    assert_eq!(current(), None);
    named("ann")
        .scope(async {
            named("bob").scope(async { assert_eq!(current().as_deref(), Some("bob")) }).await;
            assert_eq!(current().as_deref(), Some("ann"));
            AuditContext::new().sync_scope(|| assert_eq!(current(), None));
            assert_eq!(current().as_deref(), Some("ann"));
        })
        .await;
    assert_eq!(current(), None);
}

#[tokio::test]
async fn a_cancelled_or_panicked_scope_leaves_nothing_behind() {
    named("ann")
        .scope(async {
            let inner = named("bob").scope(std::future::pending::<()>());
            let late = tokio::time::timeout(Duration::from_millis(5), inner).await;
            assert!(late.is_err());
            assert_eq!(current().as_deref(), Some("ann"));
            let panicked =
                std::panic::catch_unwind(|| named("eve").sync_scope(|| panic!("on purpose")));
            assert!(panicked.is_err());
            assert_eq!(current().as_deref(), Some("ann"));
        })
        .await;
}

#[tokio::test]
async fn every_scope_has_a_request_id() {
    let id = || AuditContext::current().and_then(|c| c.get_request_id().map(str::to_owned));
    let made = named("ann").scope(async { id() }).await.unwrap();
    assert!(uuid::Uuid::parse_str(&made).is_ok());
    assert_ne!(named("ann").scope(async { id() }).await, Some(made));
    let given = named("ann").request_id("req-1").scope(async { id() }).await;
    assert_eq!(given.as_deref(), Some("req-1"));
}

#[tokio::test]
async fn the_user_can_be_set_late_and_cleared() {
    assert!(!AuditContext::set_user(AuditUser::new("nobody listens")));
    AuditContext::new()
        .scope(async {
            let set = AuditContext::without_audit(async {
                AuditContext::set_user(AuditUser::new("ann"))
            });
            assert!(set.await);
            assert_eq!(current().as_deref(), Some("ann"));
            assert!(AuditContext::clear_user());
            assert_eq!(current(), None);
        })
        .await;
}

#[tokio::test]
async fn a_plain_spawn_inherits_nothing_and_ours_carries_the_scope() {
    named("ann")
        .scope(async {
            assert_eq!(tokio::spawn(async { current() }).await.unwrap(), None);
            let carried = crate::spawn(async {
                assert!(AuditContext::set_user(AuditUser::new("bob")));
                current()
            });
            assert_eq!(carried.await.unwrap().as_deref(), Some("bob"));
            assert_eq!(current().as_deref(), Some("ann"), "what the task sets stays in the task");
            let blocking = crate::spawn_blocking(current).await.unwrap();
            assert_eq!(blocking.as_deref(), Some("ann"));
            let later = async { current() }.in_current_audit_context();
            assert_eq!(tokio::spawn(later).await.unwrap().as_deref(), Some("ann"));
        })
        .await;
}

#[tokio::test]
async fn pause_and_configuration_travel_with_the_context() {
    let config = AuditConfig::new().exclude_table("session");
    let inside = config.scope(AuditContext::without_audit(async {
        let seen = || (crate::is_paused(), AuditConfig::current().records("session"));
        (seen(), crate::spawn(async move { seen() }).await.unwrap())
    }));
    assert_eq!(inside.await, ((true, false), (true, false)));
    assert!(!crate::is_paused());
    assert!(AuditConfig::current().records("session"));
}

#[tokio::test]
async fn joined_futures_keep_their_own_users() {
    let one = |id: &'static str| {
        named(id).scope(async move {
            for _ in 0..50 {
                assert_eq!(current().as_deref(), Some(id));
                tokio::task::yield_now().await;
            }
        })
    };
    tokio::join!(one("ann"), one("bob"), one("eve"));
}

#[test]
fn a_context_crosses_a_process_as_json() {
    let context = named("ann").request_id("req-1").reason("ticket 7").metadata("ip", "203.0.113.9");
    let json = serde_json::to_string(&context).unwrap();
    assert_eq!(serde_json::from_str::<AuditContext>(&json).unwrap(), context);
}

#[test]
fn a_misspelt_field_names_itself_and_not_nobody() {
    use crate::{AuditEntry, FieldChange};

    let context = serde_json::from_str::<AuditContext>;
    let refused = [
        (context(r#"{"usr":{"id":"ann"}}"#).map(drop), "usr"),
        (context(r#"{"user":{"id":"ann","mail":"a@b.c"}}"#).map(drop), "mail"),
        (
            context(r#"{"user":{"id":"7","on_behalf_of":{"id":"ann","sytem":true}}}"#).map(drop),
            "sytem",
        ),
        (
            serde_json::from_str::<AuditUser>(r#"{"id":"job","is_system":true}"#).map(drop),
            "is_system",
        ),
        (serde_json::from_str::<FieldChange>(r#"{"column":"a","nwe":1}"#).map(drop), "nwe"),
        (serde_json::from_str::<AuditEntry>(r#"{"usr_id":"ann"}"#).map(drop), "usr_id"),
    ];
    for (outcome, field) in refused {
        let error = outcome.expect_err(field).to_string();
        assert!(error.starts_with(&format!("unknown field `{field}`, expected")), "{error}");
    }
    // What is free to be anything stays so.
    assert!(context(r#"{"metadata":{"usr":1}}"#).is_ok());
}
