//! What the documentation says of this suite.

use std::{collections::BTreeSet, fs, path::Path};

audit_tests::tests! {
    #[once] each_test_that_the_documentation_names_is_there,
}

async fn each_test_that_the_documentation_names_is_there() {
    let tests: BTreeSet<_> = crate::all_tests().iter().map(|test| test.name().to_owned()).collect();
    for (page, at_least) in [("guarantees.md", 30), ("security.md", 10)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
        let text = fs::read_to_string(path).unwrap();
        let named: BTreeSet<_> =
            text.split('`').skip(1).step_by(2).filter(|it| is_test(it)).collect();
        assert!(named.len() >= at_least, "{page} names {named:?}");
        let missing: Vec<_> = named.iter().filter(|name| !tests.contains(**name)).collect();
        assert!(missing.is_empty(), "{page} names tests that are not there: {missing:?}");
    }
}

/// `module::test_of_this_suite`, and not `Type::method`.
fn is_test(code: &str) -> bool {
    code.contains("::") && code.chars().all(|it| it.is_ascii_lowercase() || it == '_' || it == ':')
}
