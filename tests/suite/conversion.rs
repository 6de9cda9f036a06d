//! `examples/conversion`: its diff, taken back, gives the application as it was.

use std::{collections::BTreeMap, fs, path::Path};

audit_tests::tests! {
    #[once] the_diff_of_the_conversion_is_what_it_took,
}

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../examples/conversion");

/// The files of the diff as they were before.
fn taken_back(diff: &str) -> BTreeMap<String, String> {
    let files = diff.split("--- a/").skip(1).map(|of_file| {
        let (name, hunks) = of_file.split_once('\n').unwrap();
        let now = fs::read_to_string(Path::new(EXAMPLE).join(name)).unwrap();
        (name.to_owned(), file_taken_back(&now, hunks))
    });
    files.collect()
}

fn file_taken_back(now: &str, hunks: &str) -> String {
    let mut now = now.lines().enumerate().peekable();
    let mut before = Vec::new();
    for line in hunks.lines().skip(1) {
        if let Some(place) = line.strip_prefix("@@ ") {
            let place = place.split(['+', ',']).nth(2).unwrap();
            let first = place.trim_end_matches(" @@").parse::<usize>().unwrap() - 1;
            while let Some((_, line)) = now.next_if(|(at, _)| *at < first) {
                before.push(line);
            }
        } else if let Some(removed) = line.strip_prefix('-') {
            before.push(removed);
        } else {
            let expected = now.next().map(|(_, line)| line);
            assert_eq!(expected, line.get(1..), "the diff is of another state");
            before.extend(line.strip_prefix(' '));
        }
    }
    before.extend(now.map(|(_, line)| line));
    before.join("\n") + "\n"
}

/// Compiled and run: a plain application of SeaORM's.
async fn the_diff_of_the_conversion_is_what_it_took() {
    let diff = fs::read_to_string(Path::new(EXAMPLE).join("conversion.diff")).unwrap();
    let before = tempfile::tempdir().unwrap();
    fs::create_dir_all(before.path().join("src/entity")).unwrap();
    fs::copy(Path::new(EXAMPLE).join("src/entity/mod.rs"), before.path().join("src/entity/mod.rs"))
        .unwrap();
    for (name, text) in taken_back(&diff) {
        for ours in ["audit_", "audit-", "Audit", ".audited()"] {
            assert!(!text.contains(ours), "{name} knew `{ours}` before the conversion:\n{text}");
        }
        fs::write(before.path().join(name), text).unwrap();
    }
    let main = before.path().join("src/main.rs");
    tokio::task::spawn_blocking(move || trybuild::TestCases::new().pass(main)).await.unwrap();
}
