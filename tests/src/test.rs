use std::pin::Pin;

use crate::{Backend, TestDb};

/// What a test does: panics to fail.
pub(crate) type Running = Pin<Box<dyn Future<Output = ()>>>;

/// A test as [`tests!`](crate::tests) lists it.
#[derive(Clone, Debug)]
pub struct Test {
    pub(crate) name: String,
    pub(crate) body: Body,
    pub(crate) alone: bool,
    pub(crate) browser: bool,
}

#[derive(Clone, Debug)]
pub(crate) enum Body {
    OnEach(Vec<Backend>, fn(TestDb) -> Running),
    Once(fn() -> Running),
}

impl Test {
    /// The file and the function: `capture::insert_leaves_one_create_entry`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

#[doc(hidden)]
impl Test {
    #[must_use]
    pub fn on_each_backend(module: &str, name: &str, body: fn(TestDb) -> Running) -> Self {
        Self::new(module, name, Body::OnEach(Backend::all().to_vec(), body))
    }

    #[must_use]
    pub fn once(module: &str, name: &str, body: fn() -> Running) -> Self {
        Self::new(module, name, Body::Once(body))
    }

    #[must_use]
    pub fn only<const N: usize>(mut self, backends: [Backend; N]) -> Self {
        match &mut self.body {
            Body::OnEach(on, _) => *on = backends.to_vec(),
            Body::Once(_) => panic!("{} is on no backend: it has `once`", self.name),
        }
        self
    }

    #[must_use]
    pub fn alone<const N: usize>(mut self, _: [Backend; N]) -> Self {
        self.alone = true;
        self
    }

    #[must_use]
    pub fn browser<const N: usize>(mut self, _: [Backend; N]) -> Self {
        self.browser = true;
        self
    }

    fn new(module: &str, name: &str, body: Body) -> Self {
        // Without the name of the test binary, which says nothing.
        let module = module.split_once("::").map_or("", |(_, rest)| rest);
        Self { name: format!("{module}::{name}"), body, alone: false, browser: false }
    }
}

/// Lists the tests of a file: gives it a `pub fn tests() -> Vec<Test>`.
///
/// A name stands for an `async fn(TestDb)`. Before the name:
///
/// - `#[only(Postgres, MariaDb)]`: not on the other backends;
/// - `#[once]`, first: an `async fn()`, run once and without a database;
/// - `#[alone]`: nothing else runs at the same time, as [`memory::live_bytes`] needs;
/// - `#[browser]`: it needs the browser at [`browser::url`], and is counted as a test of that.
///
/// [`memory::live_bytes`]: crate::memory::live_bytes
/// [`browser::url`]: crate::browser::url
#[macro_export]
macro_rules! tests {
    ($($(#[$($attribute:tt)+])* $name:ident),* $(,)?) => {
        /// The tests of this file.
        pub(crate) fn tests() -> ::std::vec::Vec<$crate::Test> {
            ::std::vec![$($crate::test!($name $(#[$($attribute)+])*)),*]
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! test {
    ($name:ident #[once] $(#[$attribute:ident $(($($backend:ident),+))?])*) => {
        $crate::Test::once(module_path!(), stringify!($name), || ::std::boxed::Box::pin($name()))
            $(.$attribute([$($($crate::Backend::$backend),+)?]))*
    };
    ($name:ident $(#[$attribute:ident $(($($backend:ident),+))?])*) => {
        $crate::Test::on_each_backend(module_path!(), stringify!($name), |t| {
            ::std::boxed::Box::pin($name(t))
        })
        $(.$attribute([$($($crate::Backend::$backend),+)?]))*
    };
}
