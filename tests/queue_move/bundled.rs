//! The host that comes with the sources: an image of which git left out the empty directories, without a list of users.

use serde_json::Value;
use tempfile::TempDir;
use testkit::tools::{run, sh};

const RUSTIN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");

/// A copy of it, with the permissions that git does not keep.
fn restored(dir: &TempDir) -> String {
    let copy = dir.path().join("rustin");
    sh(&format!(
        "cp -a {RUSTIN} {0} && bash {0}/restore",
        copy.display()
    ));
    copy.to_str().unwrap().to_owned()
}

#[test]
fn a_plan_does_without_what_an_image_lacks() {
    let dir = tempfile::tempdir().unwrap();
    let root = restored(&dir);
    let args = ["--root", &root, "aol-b", "aol-a", "--dry-run"];
    let ran = run("queue-move", args).ended(0);
    for says in [
        "rustin/etc/passwd is not there",
        "postfix-aol-a/maildrop; the plan takes it for empty",
        "postfix-aol-a/master.cf",
    ] {
        assert!(
            ran.out.replace('\n', " ").contains(says),
            "{says}: {}",
            ran.out
        );
    }
    let json = run("queue-move", args.iter().chain(&["--format", "json"])).ended(0);
    let plan: Value = serde_json::from_str(&json.out).unwrap();
    // As many files as are in its deferred queue.
    assert_eq!(plan["counts"]["selected"], 18);
    let moves = plan["messages"].as_array().unwrap().iter();
    assert!(moves.clone().any(|one| one["action"] == "move"), "{plan}");
    assert_eq!(plan["complete"], true, "{plan}");
}

#[test]
fn what_of_the_queue_cannot_be_read_is_in_the_plan() {
    let args = [
        "--root",
        RUSTIN,
        "therest-a",
        "aol-a",
        "--cross-provider",
        "--dry-run",
        "--format",
        "json",
    ];
    let ran = run("queue-move", args).ended(1);
    let plan: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(plan["complete"], false, "{plan}");
    let missing = plan["missing"].as_array().unwrap();
    let text = |one: &Value| one.as_str().unwrap().contains("its name is not a queue id");
    assert!(missing.iter().any(text), "{plan}");
}

#[test]
fn a_queue_that_has_no_directory_is_not_said_to_be_empty() {
    let dir = tempfile::tempdir().unwrap();
    let root = restored(&dir);
    sh(&format!(
        "mv {root}/var/spool/postfix-aol-b/deferred {root}/gone"
    ));
    for args in [&["hold", "aol-b"][..], &["aol-b", "aol-a"]] {
        let all = ["--root", &root, "--dry-run", "--format", "json"];
        let ran = run("queue-move", args.iter().chain(&all));
        assert_eq!(ran.status, Some(1), "{args:?}: {}{}", ran.out, ran.err);
        let plan: Value = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(plan["complete"], false, "{plan}");
        assert!(plan["missing"].to_string().contains("/deferred"), "{plan}");
    }
}

#[test]
fn the_image_itself_is_not_changed_without_its_users() {
    for args in [
        &["aol-b", "aol-a", "--yes"][..],
        &["hold", "aol-b", "--yes"],
    ] {
        let ran = run("queue-move", ["--root", RUSTIN].iter().chain(args)).ended(2);
        assert!(
            ran.err.contains("fixtures/rustin/etc/passwd"),
            "{}",
            ran.err
        );
        assert!(ran.err.contains("--dry-run does without"), "{}", ran.err);
    }
}
