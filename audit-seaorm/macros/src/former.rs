//! The names that columns had once: `renamed_from = "old"`, `renamed_from("old", until = "2026-03-01", "older")`.

use std::collections::HashSet;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Ident, LitStr, Meta, Token};

use crate::errors::Errors;
use crate::keys;
use crate::parse::{Field, Kind};

/// A former name, and until when it was the column's, in microseconds since 1970.
pub(crate) struct Former {
    pub(crate) name: LitStr,
    pub(crate) until: Option<i64>,
}

pub(crate) const RENAMED_FROM: &str = "renamed_from";

const FORMER_NAMES: &str = "write the column's former name, as in `renamed_from = \"titel\"`, or all of them, as in \
     `renamed_from(\"titel\", \"name\")`; a moment belongs to the name before it, as in \
     `renamed_from(\"titel\", until = \"2026-03-01\")`";
const MOMENT: &str = "write a date, which begins at midnight in UTC, as in `until = \"2026-03-01\"`, or a moment, as in \
     `until = \"2026-03-01T09:30:00Z\"`";
const TWICE: &str = "this name is given twice for the same time: an entry cannot tell which column it was; \
     add `until = \"..\"`, or remove one";

/// The former names of each field that has some. `names_are_known` where `Model` says what the columns are called.
pub(crate) fn renamed(
    fields: &[Field],
    names_are_known: bool,
    errors: &mut Errors,
) -> Vec<(Ident, Vec<Former>)> {
    let columns = || fields.iter().filter(|it| !matches!(it.kind, Kind::Relation | Kind::Ignored));
    let today: HashSet<&str> =
        columns().filter(|_| names_are_known).map(|it| it.name.as_str()).collect();
    let named = fields.iter().filter(|it| it.kind != Kind::Relation);
    let renamed: Vec<_> =
        named.filter_map(|it| Some((it.column.clone(), former_names(it, errors)?))).collect();
    let mut seen = HashSet::new();
    for former in renamed.iter().flat_map(|(_, names)| names) {
        let name = former.name.value();
        if former.until.is_none() && today.contains(name.as_str()) {
            errors.at(&former.name, of_today(&name));
        } else if !seen.insert((name, former.until)) {
            errors.at(&former.name, TWICE);
        }
    }
    renamed
}

fn of_today(name: &str) -> String {
    format!(
        "`{name}` is a column today, so that an entry with this name may be of either: say until when it was the former \
         name, as in `renamed_from(\"{name}\", until = \"2026-03-01\")`"
    )
}

fn former_names(field: &Field, errors: &mut Errors) -> Option<Vec<Former>> {
    let key = field.keys.iter().find(|key| key.path().is_ident(RENAMED_FROM))?;
    if field.kind == Kind::Ignored {
        errors
            .at(key, "an ignored field is not a column and is never stored: remove `renamed_from`");
        return None;
    }
    let Some(items) = read(key) else {
        errors.at(key, FORMER_NAMES);
        return None;
    };
    names_and_moments(items, errors)
}

enum Item {
    Name(LitStr),
    Until(LitStr),
}

impl Parse for Item {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            return input.parse().map(Self::Name);
        }
        let key: Ident = input.parse()?;
        if key != "until" {
            return Err(syn::Error::new_spanned(key, FORMER_NAMES));
        }
        input.parse::<Token![=]>()?;
        input.parse().map(Self::Until)
    }
}

/// What stands in `renamed_from = ".."` or `renamed_from(..)`; `None` if it is nothing of that.
fn read(key: &Meta) -> Option<Vec<Item>> {
    let items = match key {
        Meta::Path(_) => return None,
        Meta::NameValue(pair) => vec![Item::Name(keys::string(pair)?.clone())],
        Meta::List(list) => {
            let items = Punctuated::<Item, Token![,]>::parse_terminated;
            list.parse_args_with(items).ok()?.into_iter().collect()
        }
    };
    (!items.is_empty()).then_some(items)
}

fn names_and_moments(items: Vec<Item>, errors: &mut Errors) -> Option<Vec<Former>> {
    let mut names: Vec<Former> = Vec::new();
    for item in items {
        match (item, names.last_mut()) {
            (Item::Name(name), _) => names.push(Former { name, until: None }),
            (Item::Until(text), Some(former)) if former.until.is_none() => {
                former.until = micros(&text.value());
                if former.until.is_none() {
                    errors.at(text, MOMENT);
                    return None;
                }
            }
            (Item::Until(text), _) => {
                errors.at(text, FORMER_NAMES);
                return None;
            }
        }
    }
    Some(names)
}

fn micros(text: &str) -> Option<i64> {
    let date = || Some(text.parse::<NaiveDate>().ok()?.and_time(NaiveTime::MIN).and_utc());
    let moment = || Some(DateTime::parse_from_rfc3339(text).ok()?.with_timezone(&Utc));
    date().or_else(moment).map(|at| at.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::micros;

    #[test]
    fn a_moment_is_a_date_or_a_time_with_its_zone() {
        assert_eq!(micros("1970-01-02"), Some(86_400_000_000));
        assert_eq!(micros("1970-01-01T00:00:00.000001Z"), Some(1));
        assert_eq!(micros("1970-01-01T01:00:00+01:00"), Some(0));
        for no_moment in ["", "today", "1970-13-01", "1970-01-01T00:00:00", "01.02.1970"] {
            assert_eq!(micros(no_moment), None, "{no_moment}");
        }
    }
}
