//! The history page: who gets in, what it shows, and that a value can do no harm.

mod admission;
mod browser;
mod driver;
mod lists;
pub(crate) mod site;
mod views;

use audit_tests::Test;

pub(crate) fn all_tests() -> Vec<Test> {
    [admission::tests(), browser::tests(), lists::tests(), views::tests()].concat()
}
