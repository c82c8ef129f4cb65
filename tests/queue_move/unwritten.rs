//! A journal that was made and not written: the disk was full, or the run was killed. Nothing was done.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use crate::TOOL;
use crate::image::{Image, Original};
use testkit::Host;
use testkit::traced::plain;

#[test]
fn a_journal_that_was_never_written_stands_in_nobody_s_way() {
    let shared =
        Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)));
    let Some(original) = shared else { return };
    let image = Image::of(&original, None);
    let run = |args: &[&str]| {
        let ran = plain(TOOL, image.root(), args);
        let said = [ran.stdout, ran.stderr].map(|text| String::from_utf8(text).unwrap());
        (ran.status.code(), said.concat())
    };
    let dir = image.root().join("var/lib/relay-tools/moves");
    fs::create_dir_all(&dir).unwrap();
    let (empty, torn) = (dir.join("empty.jsonl"), dir.join("torn.jsonl"));
    fs::write(&empty, "").unwrap();
    fs::write(&torn, "{\"begin\":{\"schema\":\"relay-tools/move/2\",\"mo").unwrap();
    let long_ago = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    for path in [&empty, &torn] {
        let file = fs::File::options().append(true).open(path).unwrap();
        file.set_modified(long_ago).unwrap();
    }

    let (code, said) = run(&["history"]);
    assert_eq!(code, Some(0), "{said}");
    for name in ["empty", "torn"] {
        let line = said.lines().find(|line| line.starts_with(name)).unwrap();
        assert!(line.contains("not started"), "{said}");
        for verb in ["resume", "undo"] {
            let (code, said) = run(&[verb, name, "--yes"]);
            assert_eq!(code, Some(2), "{said}");
            assert!(said.contains("nothing was done"), "{said}");
        }
    }
    // Neither is meant where no name is given, and neither is warned of.
    let (_, said) = run(&["resume", "--yes"]);
    assert!(said.contains("there is no unfinished move"), "{said}");
    assert!(!said.contains("journal"), "{said}");

    // A run that is just beginning one has it locked.
    let writer = fs::File::open(&torn).unwrap();
    writer.lock().unwrap();
    let (code, said) = run(&["prune", "--older-than", "0s", "--yes"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("torn is not removed"), "{said}");
    assert_eq!((empty.exists(), torn.exists()), (false, true));
    drop(writer);
    let (code, said) = run(&["prune", "--older-than", "0s", "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!torn.exists());

    // What somebody else has written whole is not guessed at.
    fs::write(dir.join("other.jsonl"), "damaged\n").unwrap();
    let (code, said) = run(&["history"]);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("not a journal of queue-move"), "{said}");
}
