//! Locks that nobody else can hold.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, symlink};
use std::time::Duration;

use guarded::{Links, LockError, Place};

use crate::{as_nobody, ground, is_root, theirs};

const BRIEFLY: Duration = Duration::from_millis(50);

fn lock(place: &Place) -> Result<guarded::Lock, LockError> {
    place.lock(BRIEFLY)
}

#[test]
fn one_at_a_time_and_the_other_is_named() {
    let ground = tempfile::tempdir().unwrap();
    let place = Place::find(&ground.path().join("lock"), Links::Never).unwrap();
    let held = lock(&place).unwrap();
    let error = lock(&place).unwrap_err();
    let me = format!("process {} (", std::process::id());
    assert!(error.holder().starts_with(&me), "{error}");
    assert!(error.to_string().ends_with("has the lock"), "{error}");
    drop(held);
    drop(lock(&place).unwrap());
    let stat = fs::metadata(ground.path().join("lock")).unwrap();
    assert_eq!((stat.mode() & 0o7777, stat.len()), (0o600, 0));
}

#[test]
fn a_lock_that_is_given_up_in_time_is_had() {
    let ground = tempfile::tempdir().unwrap();
    let place = Place::find(&ground.path().join("lock"), Links::Never).unwrap();
    let held = lock(&place).unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| place.lock(Duration::from_secs(60)).is_ok());
        std::thread::sleep(BRIEFLY);
        drop(held);
        assert!(waiting.join().unwrap());
    });
}

#[test]
fn nobody_else_can_hold_it() {
    if !is_root() {
        return;
    }
    let ground = ground();
    let path = ground.path().join("lock");
    // As an older version may have left it.
    fs::write(&path, "").unwrap();
    let place = Place::find(&path, Links::Never).unwrap();
    drop(lock(&place).unwrap());
    let mut flock = theirs(
        ground.path(),
        "! flock -s lock true 2>&1 && ! flock lock true 2>&1",
    );
    assert!(flock.wait().unwrap().success());
    // Who had it open before is at least named, and not waited for without end.
    let open_to_all = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    fs::set_permissions(&path, open_to_all).unwrap();
    let mut holding = theirs(
        ground.path(),
        "exec 9<lock; flock 9; echo ready; exec sleep 60",
    );
    holding
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut [0; 5])
        .unwrap();
    let error = lock(&place).unwrap_err();
    let said = format!("process {} (", holding.id());
    assert!(error.holder().starts_with(&said), "{error}");
    assert!(error.holder().ends_with("of nobody (uid 65534)"), "{error}");
    holding.kill().unwrap();
    holding.wait().unwrap();
    drop(lock(&place).unwrap());
}

#[test]
fn what_is_laid_in_its_place_is_no_lock() {
    if !is_root() {
        return;
    }
    let check = |script: &str, says: &str| {
        let ground = ground();
        let victim = ground.path().join("victim");
        fs::write(&victim, "root's\n").unwrap();
        let before = fs::metadata(&victim).unwrap().mode();
        as_nobody(&ground.path().join("theirs"), script);
        let path = ground.path().join("theirs/f.json");
        let place = Place::find(&path, Links::Never).unwrap().beside(".lock");
        let error = lock(&place).unwrap_err().to_string();
        assert!(error.contains(says), "{script}: {error}");
        assert_eq!(fs::read(&victim).unwrap(), b"root's\n");
        assert_eq!(fs::metadata(&victim).unwrap().mode(), before);
    };
    check("ln -s ../victim f.json.lock", "is a link");
    check("mkfifo f.json.lock", "not a regular file");
    check("touch f.json.lock", "belongs to nobody");
    // Where the kernel lets him (fs.protected_hardlinks=0), a second name of a file of root's.
    let ground = ground();
    fs::write(ground.path().join("victim"), "").unwrap();
    fs::hard_link(ground.path().join("victim"), ground.path().join("lock")).unwrap();
    let place = Place::find(&ground.path().join("lock"), Links::Never).unwrap();
    assert!(
        lock(&place)
            .unwrap_err()
            .to_string()
            .contains("has a second name")
    );
    symlink("nowhere", ground.path().join("link")).unwrap();
    let place = Place::find(&ground.path().join("x"), Links::Never).unwrap();
    assert!(lock(&place.sibling("link")).is_err());
    assert!(!ground.path().join("nowhere").exists());
}
