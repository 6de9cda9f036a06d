//! The browser that tests of pages look through.

use std::{env, fs};

use crate::backend::{Availability, is_skipped};

const URL: &str = "AUDIT_TEST_WEBDRIVER_URL";
const AXE: &str = "AUDIT_TEST_AXE";

/// In `AUDIT_TEST_SKIP` and in the summary.
pub(crate) const NAME: &str = "browser";

pub(crate) fn availability() -> Availability {
    let is_set = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_skipped(NAME) {
        Availability::Skipped
    } else if is_set(URL) && is_set(AXE) {
        Availability::Ready
    } else {
        Availability::Missing
    }
}

/// What is missing, where something is.
pub(crate) fn variables() -> String {
    format!("{URL} and {AXE}")
}

/// Where a `WebDriver` for Chromium listens: `AUDIT_TEST_WEBDRIVER_URL`.
#[must_use]
pub fn url() -> String {
    env::var(URL).unwrap()
}

/// The source of axe-core, which finds faults of accessibility: what is in the file that `AUDIT_TEST_AXE` names.
#[must_use]
pub fn axe() -> String {
    fs::read_to_string(env::var(AXE).unwrap()).unwrap()
}
