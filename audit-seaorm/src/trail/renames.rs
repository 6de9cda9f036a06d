use audit_core::Image;
use sea_orm::{EntityTrait, Iterable, prelude::DateTimeUtc};

use crate::{Auditable, FormerName, record};

/// Which columns the names in entries mean: a column that was renamed has its former name in older entries, and that name
/// may be another column's today.
pub(crate) struct Renames(Vec<Name>);

/// A name that a column has in the entries of some time.
#[derive(Clone, Debug)]
#[allow(clippy::struct_field_names, reason = "the name of a `Name` is its text")]
struct Name {
    name: String,
    column: String,
    /// None if from the beginning.
    from: Option<DateTimeUtc>,
    /// None if until today.
    until: Option<DateTimeUtc>,
}

impl Name {
    fn holds(&self, at: DateTimeUtc) -> bool {
        self.from.is_none_or(|from| from <= at) && self.until.is_none_or(|until| at < until)
    }

    /// Whether it is a former name without a date: it counts where an entry does not have today's.
    fn is_alias(&self) -> bool {
        self.until.is_none() && self.name != self.column
    }
}

/// A name with the time in which it is that of a column: from, and until before.
pub(super) type Span = (String, Option<DateTimeUtc>, Option<DateTimeUtc>);

impl Renames {
    pub(super) fn of<E: Auditable>() -> Self {
        if E::RENAMED.is_empty() {
            return Self(Vec::new());
        }
        let today: Vec<_> = <E as EntityTrait>::Column::iter().map(record::name).collect();
        let former = E::RENAMED.iter().map(|(column, names)| (record::name(*column), *names));
        Self::new(&today, &former.collect::<Vec<_>>())
    }

    fn new(today: &[String], former: &[(String, &[FormerName])]) -> Self {
        let once =
            former.iter().flat_map(|(column, names)| names.iter().map(move |it| (column, it)));
        // Without a date it is today's column; the derive refuses it where it sees the names of all columns.
        let once = once
            .filter(|(_, it)| it.until().is_some() || today.iter().all(|name| name != it.name()));
        let once = once.map(|(column, it)| (it.name(), column.as_str(), it.until()));
        let own = today.iter().map(|column| (column.as_str(), column.as_str(), None));
        let all: Vec<_> = once.chain(own).collect();
        let name = |&(name, column, until): &(&str, &str, Option<DateTimeUtc>)| {
            // It begins where the column's name before it ends, and where another column's claim to it does.
            let others = all.iter().filter(|(other, of, _)| *other == name || *of == column);
            let ended = others.filter_map(|(.., end)| *end);
            let from = ended.filter(|end| until.is_none_or(|until| *end < until)).max();
            Name { name: name.to_owned(), column: column.to_owned(), from, until }
        };
        Self(
            all.iter()
                .map(name)
                .filter(|it| it.name != it.column || it.from.is_some() || it.until.is_some())
                .collect(),
        )
    }

    /// Those of several entities of one table; none of a table that the program has no entity of.
    pub(crate) fn all(of: impl IntoIterator<Item = Self>) -> Self {
        Self(of.into_iter().flat_map(|Self(names)| names).collect())
    }

    /// The image of an entry of that time, under the names of today. What was another column's then is left out.
    pub(super) fn apply(&self, mut image: Image, at: DateTimeUtc) -> Image {
        if self.0.is_empty() {
            return image;
        }
        let (then, later): (Vec<_>, Vec<_>) =
            self.0.iter().filter(|it| !it.is_alias()).partition(|it| it.holds(at));
        let taken = then.into_iter().filter_map(|it| Some((it, image.remove(&it.name)?)));
        let taken: Vec<_> = taken.collect();
        for it in later.into_iter().filter(|it| it.name == it.column) {
            image.remove(&it.name);
        }
        image.extend(taken.into_iter().map(|(it, value)| (it.column.clone(), value)));
        for alias in self.0.iter().filter(|it| it.is_alias() && it.holds(at)) {
            if !image.contains_key(&alias.column)
                && let Some(value) = image.remove(&alias.name)
            {
                image.insert(alias.column.clone(), value);
            }
        }
        image
    }

    /// All names of a column, today's first.
    pub(super) fn names<'a>(&'a self, column: &'a str) -> impl Iterator<Item = &'a str> {
        let former = self.0.iter().filter(move |it| it.column == column && it.name != column);
        std::iter::once(column).chain(former.map(|it| it.name.as_str()))
    }

    /// The columns that a name may mean in an entry of that time.
    pub(crate) fn columns<'a>(&'a self, name: &'a str, at: DateTimeUtc) -> Vec<&'a str> {
        let meant: Vec<_> = self.0.iter().filter(|it| it.name == name && it.holds(at)).collect();
        let itself = meant.iter().all(|it| it.is_alias()).then_some(name);
        itself.into_iter().chain(meant.iter().map(|it| it.column.as_str())).collect()
    }

    /// The columns that have, or once had, this name.
    pub(crate) fn named<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = self.0.iter().filter(move |it| it.name == name);
        named.map(|it| it.column.as_str())
    }

    /// The names under which entries have a column, each with its time.
    pub(super) fn spans(&self, column: &str) -> Vec<Span> {
        let mut spans: Vec<Span> = Vec::new();
        for it in self.0.iter().filter(|it| it.column == column) {
            let span = (it.name.clone(), it.from, it.until);
            if !spans.contains(&span) {
                spans.push(span);
            }
        }
        if spans.iter().all(|(name, ..)| name != column) {
            spans.push((column.to_owned(), None, None));
        }
        spans
    }
}
