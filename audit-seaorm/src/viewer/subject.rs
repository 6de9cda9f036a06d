//! The record that a page is about.

use std::fmt;

use audit_core::Printable;
use axum::http::StatusCode;

use super::{link::address, page::Problem, parameters::Parameters};

/// A record, as its entries name it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    pub(super) table: &'a str,
    pub(super) id: &'a str,
}

impl<'a> Subject<'a> {
    pub(super) fn of(parameters: &'a Parameters) -> Result<Self, Problem> {
        match (parameters.text("table"), parameters.exact("id")) {
            (Some(table), Some(id)) => Ok(Self { table, id }),
            _ => Err(Problem::invalid(
                "A record is named by `table` and `id`, as its entries have them. Choose one from the activity.",
            )),
        }
    }

    pub(super) fn parameters(self) -> [(&'static str, &'a str); 2] {
        [("table", self.table), ("id", self.id)]
    }

    /// Another page about it.
    pub(super) fn on(self, page: &str) -> String {
        address(page, self.parameters())
    }

    /// It at a moment.
    pub(super) fn at(self, when: &str) -> String {
        address("as-of", self.parameters().into_iter().chain([("when", when)]))
    }

    /// That no entry is about it.
    pub(super) fn unknown(self) -> Problem {
        let advice = format!("The trail has no entry of {self}.");
        Problem::new(StatusCode::NOT_FOUND, "No such record", advice)
    }
}

impl fmt::Display for Subject<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#} {:#}", Printable(self.table), Printable(self.id))
    }
}
