//! What the derive accepts, and what it says when it does not.

audit_tests::tests! {
    #[once] the_derive_accepts_and_refuses_as_written,
}

/// The texts of our own errors are compared; `TRYBUILD=overwrite` writes them anew.
async fn the_derive_accepts_and_refuses_as_written() {
    tokio::task::spawn_blocking(|| {
        let cases = trybuild::TestCases::new();
        cases.pass("ui/pass/*.rs");
        cases.compile_fail("ui/fail/*.rs");
    })
    .await
    .unwrap();
}
