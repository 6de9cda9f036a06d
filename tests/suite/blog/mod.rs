//! `examples/axum-blog`, started as a process and driven over HTTP.

mod client;
mod erasure;
mod interleaving;
mod refusals;
mod server;
mod trail;

use audit_tests::Test;

pub(crate) fn all_tests() -> Vec<Test> {
    [erasure::tests(), interleaving::tests(), refusals::tests(), server::tests(), trail::tests()]
        .concat()
}
