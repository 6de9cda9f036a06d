//! `docs/write-paths.md`, row by row: a test does what its row's calls do, and expects what the row says.

use audit_tests::Test;

mod active_model;
mod beyond;
mod builders;
mod entities;
mod ground;
mod nested;
mod table;

/// In the order of the rows.
fn of_rows() -> Vec<Test> {
    [active_model::tests(), nested::tests(), builders::tests(), beyond::tests()].concat()
}

pub(crate) fn tests() -> Vec<Test> {
    [of_rows(), of_the_table::tests()].concat()
}

mod of_the_table {
    audit_tests::tests! {
        #[once] every_row_has_its_test_and_every_test_its_row,
    }

    async fn every_row_has_its_test_and_every_test_its_row() {
        let tests = super::of_rows();
        let names = tests.iter().map(|test| test.name().rsplit("::").next().unwrap());
        let rows = super::table::Row::all().map(|row| row.name);
        assert_eq!(rows.collect::<Vec<_>>(), names.collect::<Vec<_>>());
    }
}
