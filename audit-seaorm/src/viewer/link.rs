//! Addresses of pages, and what stands in their place.

use audit_core::Printable;
use form_urlencoded::Serializer;

/// A page of the viewer, with parameters.
///
/// Relative: all pages are in one folder, wherever the application has mounted it.
pub(super) fn address<'a>(
    page: &str,
    parameters: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> String {
    let mut address = Serializer::for_suffix(format!("{page}?"), page.len() + 1);
    address.extend_pairs(parameters).finish()
}

/// A text that leads to a page.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) address: String,
    pub(super) text: String,
}

impl Link {
    /// Activity of which one thing is said.
    pub(super) fn activity(parameter: &str, value: &str) -> Self {
        Self {
            address: address("activity", [(parameter, value)]),
            text: Printable(value).to_string(),
        }
    }

    /// The timeline of a record.
    pub(super) fn record(table: &str, id: &str) -> Self {
        Self {
            address: address("record", [("table", table), ("id", id)]),
            text: format!("{} {}", Printable(table), Printable(id)),
        }
    }
}
