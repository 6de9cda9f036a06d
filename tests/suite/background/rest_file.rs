//! The file of last resort holds what the trail holds: nobody else reads it, or has it written elsewhere.

use std::{
    fs::{self, Permissions},
    io::ErrorKind,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use audit_seaorm::{AuditEntry, JsonLinesFile, LastResort, Operation, Reason};
use audit_tests::TestDb;
use sea_orm::prelude::DateTimeUtc;
use serde_json::json;
use tempfile::TempDir;

use crate::{
    entities::post,
    support::{bare_entry, create},
};

audit_tests::tests! {
    #[once] a_file_is_for_its_owner_alone,
    #[once] wider_rights_are_narrowed_and_nothing_is_lost,
    #[once] what_is_no_file_of_ours_is_refused_at_the_start,
    #[once] a_folder_that_others_may_write_to_is_refused,
    #[once] a_file_that_is_moved_away_loses_no_entry,
    #[once] a_link_put_in_its_place_gets_no_entry,
    #[only(Sqlite)] what_others_may_have_written_is_not_replayed,
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rest.jsonl");
    (folder, path)
}

fn an_entry() -> AuditEntry {
    AuditEntry {
        new_values: Some(json!({"title": "a"})),
        ..bare_entry("post", "1", Operation::Create, DateTimeUtc::UNIX_EPOCH)
    }
}

fn keep(file: &JsonLinesFile) {
    file.keep(&[an_entry()], Reason::GaveUp).unwrap();
}

fn lines(path: &Path) -> usize {
    fs::read_to_string(path).unwrap().lines().count()
}

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

fn allow(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Why it is refused.
#[track_caller]
fn refusal(path: &Path) -> String {
    let error = JsonLinesFile::open(path).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied, "{error}");
    assert!(error.to_string().contains(path.parent().unwrap().to_str().unwrap()), "{error}");
    error.to_string()
}

async fn a_file_is_for_its_owner_alone() {
    let (folder, path) = folder();
    let file = JsonLinesFile::open(&path).unwrap();
    assert_eq!((mode(&path), lines(&path)), (0o600, 0), "it is there from the start");
    keep(&file);
    keep(&file);
    assert_eq!((mode(&path), lines(&path)), (0o600, 2));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "and nothing beside it");
}

async fn wider_rights_are_narrowed_and_nothing_is_lost() {
    let (_folder, path) = folder();
    keep(&JsonLinesFile::open(&path).unwrap());
    for wide in [0o644, 0o666, 0o640, 0o620, 0o777] {
        allow(&path, wide);
        let before = lines(&path);
        let file = JsonLinesFile::open(&path).unwrap();
        assert_eq!(mode(&path), 0o600, "{wide:o}");
        keep(&file);
        assert_eq!(lines(&path), before + 1);
    }
}

async fn what_is_no_file_of_ours_is_refused_at_the_start() {
    let (folder, path) = folder();
    let elsewhere = folder.path().join("elsewhere");
    symlink(&elsewhere, &path).unwrap();
    assert!(refusal(&path).contains("is a symbolic link: name the file that it leads to"));
    assert!(!elsewhere.exists(), "nothing is made where a link leads");
    fs::write(&elsewhere, "as it was").unwrap();
    refusal(&path);
    assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "as it was");
    fs::remove_file(&path).unwrap();

    fs::hard_link(&elsewhere, &path).unwrap();
    assert!(refusal(&path).contains("has a second name"));
    fs::remove_file(&path).unwrap();

    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    assert!(refusal(&path).contains("is no regular file"));
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    JsonLinesFile::open(&path).unwrap_err();
    fs::remove_dir(&path).unwrap();

    fs::write(&path, "").unwrap();
    // Root alone gives files away.
    if chown(&path, Some(65534), None).is_ok() {
        assert!(refusal(&path).contains("belongs to another user"));
    }
}

async fn a_folder_that_others_may_write_to_is_refused() {
    let (folder, path) = folder();
    for wide in [0o777, 0o770, 0o707, 0o720] {
        allow(folder.path(), wide);
        let error = JsonLinesFile::open(&path).unwrap_err().to_string();
        assert!(error.contains("chmod go-w") && !path.exists(), "{wide:o}: {error}");
    }
    // As /tmp is: everybody removes their own alone.
    allow(folder.path(), 0o1777);
    keep(&JsonLinesFile::open(&path).unwrap());
    allow(folder.path(), 0o755);
    keep(&JsonLinesFile::open(&path).unwrap());
    if chown(folder.path(), Some(65534), None).is_ok() {
        let error = JsonLinesFile::open(&path).unwrap_err().to_string();
        assert!(error.contains("belongs to another user"), "{error}");
    }
    let nowhere = folder.path().join("nowhere/rest.jsonl");
    assert_eq!(JsonLinesFile::open(nowhere).unwrap_err().kind(), ErrorKind::NotFound);
}

async fn a_file_that_is_moved_away_loses_no_entry() {
    let (folder, path) = folder();
    let file = JsonLinesFile::open(&path).unwrap();
    keep(&file);
    let moved = folder.path().join("rest.jsonl.1");
    fs::rename(&path, &moved).unwrap();
    keep(&file);
    keep(&file);
    assert_eq!((lines(&moved), lines(&path), mode(&path)), (1, 2, 0o600));
    fs::remove_file(&path).unwrap();
    keep(&file);
    assert_eq!(lines(&path), 1);
}

async fn a_link_put_in_its_place_gets_no_entry() {
    let (folder, path) = folder();
    let file = JsonLinesFile::open(&path).unwrap();
    let (moved, theirs) = (folder.path().join("moved"), folder.path().join("theirs"));
    fs::rename(&path, &moved).unwrap();
    fs::write(&theirs, "").unwrap();
    symlink(&theirs, &path).unwrap();
    let ((), logs) = audit_tests::logs::capture(async { keep(&file) }).await;
    assert_eq!((lines(&moved), lines(&theirs)), (1, 0), "it goes to the file that was there");
    assert!(logs.contains("is a symbolic link"), "{logs}");
    // Where nothing would find it again, the caller is told.
    fs::remove_file(&moved).unwrap();
    let error = file.keep(&[an_entry()], Reason::GaveUp).unwrap_err().to_string();
    assert!(error.contains("is a symbolic link"), "{error}");
    assert_eq!(lines(&theirs), 0);
}

async fn what_others_may_have_written_is_not_replayed(t: TestDb) {
    create!(t, post::Entity);
    let (folder, path) = folder();
    keep(&JsonLinesFile::open(&path).unwrap());
    let link = folder.path().join("link");
    symlink(&path, &link).unwrap();
    let error = JsonLinesFile::replay(&link, &t.db).await.unwrap_err().to_string();
    assert!(error.contains("is a symbolic link"), "{error}");
    allow(&path, 0o622);
    let error = JsonLinesFile::replay(&path, &t.db).await.unwrap_err().to_string();
    assert!(error.contains("can be written to by others"), "{error}");
    // To be read by others is what somebody may have allowed who looks after it.
    allow(&path, 0o644);
    assert_eq!(JsonLinesFile::replay(&path, &t.db).await.unwrap().written, 1);
}
