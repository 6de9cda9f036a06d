//! Addresses of pages, and what stands in their place.

use audit_core::Printable;
use chrono::TimeDelta;
use form_urlencoded::Serializer;

use super::moment::Moment;

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
        Self { address: address("activity", [(parameter, value)]), text: whole(value) }
    }

    /// The same, of a day before and after: what no index finds is looked for among those entries only.
    pub(super) fn activity_around(at: Moment, parameter: &str, value: &str) -> Self {
        let [from, to] = at.around(TimeDelta::days(1)).map(Moment::exact);
        let parameters = [(parameter, value), ("from", &from), ("to", &to)];
        Self { address: address("activity", parameters), text: whole(value) }
    }

    /// The same, from a moment on.
    pub(super) fn activity_since(from: Moment, parameter: &str, value: &str) -> Self {
        let parameters = [(parameter, value), ("from", &from.exact())];
        Self { address: address("activity", parameters), text: whole(value) }
    }

    /// The timeline of a record.
    pub(super) fn record(table: &str, id: &str) -> Self {
        Self {
            address: address("record", [("table", table), ("id", id)]),
            text: format!("{:#} {:#}", Printable(table), Printable(id)),
        }
    }
}

/// All of it: two names that begin in the same way are two.
pub(super) fn whole(name: &str) -> String {
    format!("{:#}", Printable(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::viewer::moment;

    #[test]
    fn what_no_index_finds_is_looked_for_within_a_day() {
        let at = moment::parse("2026-11-24T09:00:00.123456Z").expect("a moment");
        let link = Link::activity_around(at, "request", "a b&c");
        let expected = "activity?request=a+b%26c&from=2026-11-23T09%3A00%3A00.123456Z\
                        &to=2026-11-25T09%3A00%3A00.123456Z";
        assert_eq!((&*link.address, &*link.text), (expected, "\"a b&c\""));
    }
}
