//! What the documentation says of this suite.

use std::{collections::BTreeSet, fs, path::Path, process::Command};

use spdx::{Expression, ParseMode};

audit_tests::tests! {
    #[once] each_test_that_the_documentation_names_is_there,
    #[once] each_dependency_is_accounted_for,
    #[once] no_handler_of_the_blog_mentions_auditing,
    #[once] whoever_uses_it_may_keep_their_own_licence,
}

/// Each asks for no more than to be named.
const LICENCES: [&str; 5] = ["Apache-2.0", "BSD-3-Clause", "MIT", "Unicode-3.0", "Zlib"];

async fn each_test_that_the_documentation_names_is_there() {
    let tests: BTreeSet<_> = crate::all_tests().iter().map(|test| test.name().to_owned()).collect();
    for (page, at_least) in [("guarantees.md", 30), ("security.md", 10)] {
        let text = page_of(page);
        let named: BTreeSet<_> = code(&text).filter(|it| is_test(it)).collect();
        assert!(named.len() >= at_least, "{page} names {named:?}");
        let missing: Vec<_> = named.iter().filter(|name| !tests.contains(**name)).collect();
        assert!(missing.is_empty(), "{page} names tests that are not there: {missing:?}");
    }
}

/// `module::test_of_this_suite`, and not `Type::method`.
fn is_test(code: &str) -> bool {
    code.contains("::") && code.chars().all(|it| it.is_ascii_lowercase() || it == '_' || it == ':')
}

async fn each_dependency_is_accounted_for() {
    let page = page_of("dependencies.md");
    let named: BTreeSet<_> = code(&page).collect();
    for (package, at_least) in [("audit-core", 6), ("audit-seaorm", 12), ("audit-migration", 1)] {
        let tree = tree(&["-p", package, "--depth", "1", "--format", "{p}"]);
        let direct = tree.lines().skip(1).filter_map(|line| line.split(' ').next());
        let direct: BTreeSet<_> = direct.filter(|name| !name.is_empty()).collect();
        assert!(direct.len() >= at_least, "{package} has {direct:?}");
        let missing: Vec<_> = direct.difference(&named).collect();
        assert!(
            missing.is_empty(),
            "{package} has {missing:?}, which dependencies.md does not name"
        );
    }
}

async fn whoever_uses_it_may_keep_their_own_licence() {
    let tree = tree(&["-p", "audit-seaorm", "-p", "audit-migration", "--format", "{p}|{l}"]);
    let packages: BTreeSet<_> = tree
        .lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .filter(|it| !it.is_empty())
        .collect();
    assert!(packages.len() > 100, "{packages:?}");
    for line in packages {
        let (package, licence) = line.split_once('|').unwrap();
        let licence = Expression::parse_mode(licence, ParseMode::LAX);
        let licence = licence.unwrap_or_else(|error| panic!("{package}: {error}"));
        let allowed = |it: &spdx::LicenseReq| {
            it.license.id().is_some_and(|id| LICENCES.contains(&id.name)) && it.addition.is_none()
        };
        assert!(licence.evaluate(allowed), "{package} is under {licence}");
    }
}

async fn no_handler_of_the_blog_mentions_auditing() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/axum-blog/src/handlers");
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(files.len() >= 5, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap().to_lowercase();
        assert!(!text.contains("audit"), "{}", file.display());
    }
}

/// What the packages depend on with all their features, as cargo knows it.
fn tree(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["tree", "--locked", "--edges", "normal", "--all-features", "--prefix", "none"]);
    let output = cargo.args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

fn page_of(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    fs::read_to_string(path).unwrap()
}

/// What a page sets as code.
fn code(page: &str) -> impl Iterator<Item = &str> {
    page.split('`').skip(1).step_by(2)
}
