//! queue-move on a terminal: it shows its plan, asks, and does what the answer says.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::time::Instant;

use crate::TOOL;
use crate::image::{Image, Original};
use crate::spool::FROM;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::pty::openpty;
use testkit::Host;
use testkit::traced::{calls, killed, plain};

const QUESTION: &str = "Move it? [y/N] ";

/// The tool, at a terminal of its own; and the side of the terminal that people sit at.
struct Session {
    tool: Child,
    keys: File,
    screen: String,
}

impl Session {
    fn start(root: &Path, args: &[&str]) -> Self {
        Self::typed_ahead("", root, args)
    }

    /// `keys` are typed before the tool starts.
    fn typed_ahead(keys: &str, root: &Path, args: &[&str]) -> Self {
        let pty = openpty(None, None).unwrap();
        nix::unistd::write(&pty.master, keys.as_bytes()).unwrap();
        let slave = || pty.slave.try_clone().unwrap();
        // With a controlling terminal: ^C reaches whoever it is that the terminal belongs to.
        let mut command = Command::new("setsid");
        // Whoever started the tests may ignore it.
        command.args(["--ctty", "--wait", "env", "--default-signal=INT", TOOL]);
        command.arg("--root").arg(root);
        command.args(args);
        command.env("TERM", "xterm").env_remove("NO_COLOR");
        command.stdin(slave()).stdout(slave()).stderr(slave());
        Self {
            tool: command.spawn().unwrap(),
            keys: File::from(pty.master),
            screen: String::new(),
        }
    }

    /// Reads what the tool shows, until `done` or its end.
    fn read_until(&mut self, done: impl Fn(&str) -> bool) {
        let until = Instant::now() + testkit::PATIENCE;
        while !done(&self.screen) {
            let mut fds = [PollFd::new(self.keys.as_fd(), PollFlags::POLLIN)];
            poll(&mut fds, PollTimeout::from(200_u8)).unwrap();
            let events = fds[0].revents().unwrap();
            let mut bytes = [0; 4096];
            if events.contains(PollFlags::POLLIN) {
                let count = self.keys.read(&mut bytes).unwrap();
                self.screen
                    .push_str(&String::from_utf8_lossy(&bytes[..count]));
            } else if events.contains(PollFlags::POLLHUP) {
                return;
            }
            if Instant::now() > until {
                self.tool.kill().unwrap();
                panic!("nothing more comes: {}", self.screen);
            }
        }
    }
}

/// Asked, and answered with `keys`: the exit status (128 and the signal's number, as a shell has it), and the screen.
fn answered(image: &Image<'_>, keys: &str) -> (Option<i32>, String) {
    let mut session = Session::start(image.root(), &["aol-a", "aol-b"]);
    session.read_until(|screen| screen.ends_with(QUESTION));
    let plan = session.screen.clone();
    for text in [
        "postfix-aol-a -> postfix-aol-b: 2 messages",
        "3 recipients",
        "3  aol.com",
        "each message gets a new queue id",
        "messages already delivered to some recipients, who do not get them again: 1",
        QUESTION,
    ] {
        assert!(plan.contains(text), "{text} is not shown: {plan}");
    }
    image.is_moved(false, "while it asks");
    session.keys.write_all(keys.as_bytes()).unwrap();
    session.read_until(|_| false);
    let status = session.tool.wait().unwrap();
    let code = status.code().or(status.signal().map(|signal| 128 + signal));
    (code, session.screen.split_off(plan.len()))
}

#[test]
fn only_yes_moves() {
    let shared =
        Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)));
    let Some(original) = shared else { return };
    // What is typed, as ^C and ^D (the end of input) too; the exit status; what it says.
    let refused = "nothing was changed: not confirmed";
    for (keys, status, says) in [
        ("n\r", 2, refused),
        ("\r", 2, refused),
        ("no\r", 2, refused),
        ("yn\r", 2, refused),
        ("\x04", 2, refused),
        ("\x03", 130, "^C"),
        ("y\r", 0, "2 selected, 2 moved, 0 skipped, 0 failed"),
        ("YES\r", 0, "2 selected, 2 moved, 0 skipped, 0 failed"),
    ] {
        let image = Image::of(&original, None);
        let (code, screen) = answered(&image, keys);
        let when = format!("{keys:?}: {screen}");
        assert_eq!(code, Some(status), "{when}");
        assert!(screen.contains(says), "{when}");
        image.is_moved(status == 0, &when);
        let journals = image.root().join("var/lib/relay-tools/moves");
        assert_eq!(journals.exists(), status == 0, "{when}");
    }
}

/// Whoever pastes a runbook types ahead: what was typed before the question was asked is no answer to it.
#[test]
fn what_was_typed_before_the_question_does_not_answer_it() {
    let shared =
        Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)));
    let Some(original) = shared else { return };
    for (answer, status) in [("n\r", 2), ("y\r", 0)] {
        let image = Image::of(&original, None);
        let mut session = Session::typed_ahead("y\ryes\r", image.root(), &["aol-a", "aol-b"]);
        session.read_until(|screen| screen.ends_with(QUESTION));
        image.is_moved(false, "while it asks");
        session.keys.write_all(answer.as_bytes()).unwrap();
        session.read_until(|_| false);
        let code = session.tool.wait().unwrap().code();
        assert_eq!(code, Some(status), "{answer:?}: {}", session.screen);
        image.is_moved(status == 0, answer);
    }
}

/// `args` ask; `meanwhile` is done, and then the answer is yes: the exit status, and what it says.
fn overtaken(image: &Image<'_>, args: &[&str], meanwhile: impl FnOnce()) -> (Option<i32>, String) {
    let mut session = Session::start(image.root(), args);
    session.read_until(|screen| screen.ends_with("[y/N] "));
    meanwhile();
    session.keys.write_all(b"y\r").unwrap();
    session.read_until(|_| false);
    let status = session.tool.wait().unwrap();
    (status.code(), session.screen)
}

/// Kills the tool at its first renameat2(2), which is not the first thing that its journal knows of.
fn kill(original: &Original, prepare: impl Fn(&Image<'_>), image: &Image<'_>, args: &[&str]) {
    let probe = Image::of(original, None);
    prepare(&probe);
    let found = calls(TOOL, probe.root(), args);
    let call = found.iter().find(|call| call.name == "renameat2").unwrap();
    killed(TOOL, image.root(), args, call);
}

fn journal(image: &Image<'_>) -> (String, std::path::PathBuf) {
    let name = image.planned().unwrap();
    let dir = image.root().join("var/lib/relay-tools/moves");
    (name.clone(), dir.join(format!("{name}.jsonl")))
}

const MOVE: [&str; 3] = ["aol-a", "aol-b", "--yes"];

/// While release asks, the message is deleted, and its queue id given to another; or a move takes the message up, and
/// is killed.
#[test]
fn release_leaves_what_is_another_s_by_the_time_of_the_answer() {
    let shared =
        Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)));
    let Some(original) = shared else { return };
    let held = |image: &Image<'_>| {
        let dir = std::fs::read_dir(image.root().join(FROM).join("hold")).unwrap();
        let mut held: Vec<_> = dir.map(|entry| entry.unwrap().path()).collect();
        held.sort();
        held
    };
    let inode = |path: &Path| std::fs::metadata(path).unwrap().ino();
    for fresh in [&[][..], &["--fresh"]] {
        let image = Image::of(&original, None);
        let holds = plain(TOOL, image.root(), &["hold", "aol-a", "--yes"]);
        assert!(holds.status.success());
        let [meant, other, _] = held(&image).try_into().unwrap();
        let (id, is_other) = (meant.file_name().unwrap().to_str().unwrap(), inode(&other));
        let release = [&["release", "aol-a", "--id", id][..], fresh].concat();
        let (code, screen) = overtaken(&image, &release, || {
            std::fs::rename(&other, &meant).unwrap();
        });
        assert_eq!(code, Some(1), "{screen}");
        let says = format!("{id} skipped: another message has its id now");
        assert!(screen.contains(&says), "{screen}");
        assert_eq!((held(&image).len(), inode(&meant)), (2, is_other));

        let image = Image::of(&original, None);
        let before = held(&image);
        let release = [&["release", "aol-a"][..], fresh].concat();
        let (code, screen) = overtaken(&image, &release, || {
            let moves = [&MOVE[..], &["--queue", "hold"]].concat();
            kill(&original, |_| {}, &image, &moves);
        });
        assert_eq!(code, Some(1), "{screen}");
        let says = "skipped: it is part of the unfinished move ";
        assert!(screen.contains(says), "{screen}");
        assert_eq!(held(&image), before, "{screen}");
    }
}

/// Whose the mail on hold is stands in the middle of a journal, where its first and last lines do not look.
#[test]
fn nothing_on_hold_is_taken_up_while_a_journal_is_damaged() {
    let shared =
        Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)));
    let Some(original) = shared else { return };
    let image = Image::of(&original, None);
    kill(&original, |_| {}, &image, &MOVE);
    let (_, path) = journal(&image);
    let text = std::fs::read_to_string(&path).unwrap();
    let damaged = text.replace("\"intent\"", "\"inte\"");
    assert_ne!(damaged, text);
    std::fs::write(&path, damaged).unwrap();
    let on_hold = ["aol-a", "aol-b", "--queue", "hold", "--yes"];
    let delete = ["delete", "aol-a", "--queue", "hold", "--yes"];
    for args in [&["release", "aol-a", "--yes"][..], &delete, &on_hold] {
        let ran = plain(TOOL, image.root(), args);
        let said = String::from_utf8_lossy(&ran.stderr);
        assert_eq!(ran.status.code(), Some(2), "{said}");
        let says = "what is on hold may belong to a move whose journal cannot be read: ";
        assert!(said.contains(says), "{said}");
    }
}

/// A resume comes to its end, or is killed, while close asks: what it has written says where mail is.
#[test]
fn close_counts_what_another_run_has_written_while_it_asked() {
    let shared =
        Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)));
    let Some(original) = shared else { return };
    let nothing = |_: &Image<'_>| {};
    let interrupted = |image: &Image<'_>| kill(&original, nothing, image, &MOVE);
    for ends in [true, false] {
        let image = Image::of(&original, None);
        interrupted(&image);
        let (name, path) = journal(&image);
        let mut before = Vec::new();
        let close = ["close", &name, "--why", "why not"];
        let (code, screen) = overtaken(&image, &close, || {
            let resume = ["resume", "--yes"];
            match ends {
                true => assert!(plain(TOOL, image.root(), &resume).status.success()),
                false => kill(&original, interrupted, &image, &resume),
            }
            before = std::fs::read(&path).unwrap();
        });
        let after = std::fs::read(&path).unwrap();
        assert!(after.starts_with(&before), "cut: {screen}");
        assert_eq!(code, Some(if ends { 2 } else { 0 }), "{screen}");
        let says = if ends { "is not unfinished" } else { "closed " };
        assert!(screen.contains(says), "{screen}");
        assert_eq!(after.len() == before.len(), ends, "{screen}");
    }
}

/// An undo begins while prune asks, and is killed: its journal is the only one to know where mail is.
#[test]
fn prune_leaves_what_another_run_has_taken_up_while_it_asked() {
    let shared =
        Original::shared(|| Host::start().map_err(|why| testkit::skip(module_path!(), &why)));
    let Some(original) = shared else { return };
    let moved = |image: &Image<'_>| {
        assert!(plain(TOOL, image.root(), &MOVE).status.success());
        let (_, path) = journal(image);
        let text = std::fs::read_to_string(&path).unwrap();
        let (head, rest) = text.split_once("\"started\":").unwrap();
        let rest = rest.trim_start_matches(|c: char| c.is_ascii_digit());
        std::fs::write(&path, format!("{head}\"started\":1700000000{rest}")).unwrap();
    };
    for undone in [true, false] {
        let image = Image::of(&original, None);
        moved(&image);
        let (name, path) = journal(&image);
        let prune = ["prune", "--older-than", "90d"];
        let (code, screen) = overtaken(&image, &prune, || {
            if undone {
                kill(&original, moved, &image, &["undo", "--yes"]);
            }
        });
        assert_eq!(code, Some(i32::from(undone)), "{screen}");
        assert_eq!(path.exists(), undone, "{screen}");
        let says = format!("the journal of {name} is not removed: it is unfinished again");
        assert_eq!(screen.contains(&says), undone, "{screen}");
    }
}
