use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, PoisonError, RwLock},
};

use sea_orm::DbBackend;

use super::reading::Reading;
use crate::registry;

/// How many texts a generation holds, and how long one may be, in bytes: together at most 8 MB, twice.
const MAX_TEXTS: usize = 512;
const MAX_BYTES: usize = 16 * 1024;

static CACHE: LazyLock<RwLock<Cache>> = LazyLock::new(RwLock::default);

/// What is known of a text, from memory if it has been seen lately.
///
/// Prepared texts come again and again. Texts with their values written out do not, and push nobody out
/// who is in use: what is asked for again moves to the young generation, and the old one goes as a whole.
pub(super) fn reading(backend: DbBackend, sql: &str) -> Arc<Reading> {
    if sql.len() > MAX_BYTES {
        return Arc::new(Reading::of(backend, sql));
    }
    let names = registry::learn();
    let cache = CACHE.read().unwrap_or_else(PoisonError::into_inner);
    let current = cache.names == names;
    if current && let Some(reading) = cache.young.get(backend, sql) {
        return Arc::clone(reading);
    }
    let known = cache.old.get(backend, sql).filter(|_| current).map(Arc::clone);
    drop(cache);
    let reading = known.unwrap_or_else(|| Arc::new(Reading::of(backend, sql)));
    let mut cache = CACHE.write().unwrap_or_else(PoisonError::into_inner);
    cache.insert(names, backend, sql, Arc::clone(&reading));
    reading
}

#[derive(Default)]
struct Cache {
    /// The names of tables that the readings go by, as [`registry::learn`] counts them.
    names: usize,
    young: Generation,
    old: Generation,
}

impl Cache {
    fn insert(&mut self, names: usize, backend: DbBackend, sql: &str, reading: Arc<Reading>) {
        if names < self.names {
            return;
        }
        if names > self.names {
            *self = Self { names, ..Self::default() };
        }
        if self.young.texts == MAX_TEXTS {
            self.old = std::mem::take(&mut self.young);
        }
        let former = self.young.of_mut(backend).insert(sql.into(), reading);
        self.young.texts += usize::from(former.is_none());
    }
}

type Readings = HashMap<Box<str>, Arc<Reading>>;

#[derive(Default)]
struct Generation {
    mysql: Readings,
    postgres: Readings,
    sqlite: Readings,
    texts: usize,
}

impl Generation {
    fn get(&self, backend: DbBackend, sql: &str) -> Option<&Arc<Reading>> {
        let readings = match backend {
            DbBackend::MySql => &self.mysql,
            DbBackend::Sqlite => &self.sqlite,
            _ => &self.postgres,
        };
        readings.get(sql)
    }

    fn of_mut(&mut self, backend: DbBackend) -> &mut Readings {
        match backend {
            DbBackend::MySql => &mut self.mysql,
            DbBackend::Sqlite => &mut self.sqlite,
            _ => &mut self.postgres,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cache_is_bounded_and_keeps_what_is_in_use() {
        let mut cache = Cache::default();
        let clear = || Arc::new(Reading::of(DbBackend::Sqlite, "SELECT 1"));
        for text in 0..3 * MAX_TEXTS {
            cache.insert(0, DbBackend::Sqlite, &text.to_string(), clear());
            cache.insert(0, DbBackend::Postgres, "in use", clear());
            assert!(cache.young.texts <= MAX_TEXTS);
        }
        assert!(cache.old.texts <= MAX_TEXTS);
        assert!(cache.young.get(DbBackend::Postgres, "in use").is_some());
        assert!(cache.young.get(DbBackend::MySql, "in use").is_none());
        assert!(cache.old.get(DbBackend::Sqlite, "0").is_none());
    }

    #[test]
    fn a_reading_goes_by_the_names_of_its_time() {
        let mut cache = Cache::default();
        let clear = || Arc::new(Reading::of(DbBackend::Sqlite, "SELECT 1"));
        cache.insert(1, DbBackend::Sqlite, "one", clear());
        cache.insert(2, DbBackend::Sqlite, "two", clear());
        cache.insert(1, DbBackend::Sqlite, "late", clear());
        assert!(cache.young.get(DbBackend::Sqlite, "one").is_none());
        assert!(cache.young.get(DbBackend::Sqlite, "two").is_some());
        assert!(cache.young.get(DbBackend::Sqlite, "late").is_none());
    }
}
