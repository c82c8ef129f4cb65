//! A file that must not be there yet is made by one, whole, and nobody's is replaced.

use std::fs;
use std::io::ErrorKind;
use std::sync::Barrier;

use std::path::Path;

use guarded::{Links, Place};

fn create_file(path: &Path, content: &[u8]) -> std::io::Result<()> {
    cli::create_file(&Place::find(path, Links::Ours)?, content)
}

#[test]
fn what_is_there_stays() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plan.json");
    create_file(&path, b"first").unwrap();
    let error = create_file(&path, b"second").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"first");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let nowhere = create_file(&dir.path().join("none/x"), b"").unwrap_err();
    assert_eq!(nowhere.kind(), ErrorKind::NotFound);
}

#[test]
fn of_many_at_once_one_makes_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("plan.json");
    let start = Barrier::new(8);
    let made: Vec<Vec<u8>> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0u8..8)
            .map(|n| {
                let (path, start) = (&path, &start);
                scope.spawn(move || {
                    let content = vec![n; 100_000];
                    start.wait();
                    create_file(path, &content).ok().map(|()| content)
                })
            })
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join().unwrap());
        ended.flatten().collect()
    });
    assert_eq!(made.len(), 1);
    assert_eq!(fs::read(&path).unwrap(), made[0]);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}
