//! mailq-distribution --watch: in a terminal of 80 columns and 24 lines, and in a pipe.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};

use crate::TOOL;
use crate::image::Image;

/// A terminal with the tool in it: script(1) makes the terminal, and a shell says how the tool left it.
struct Terminal {
    script: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<Vec<u8>>>,
    dir: tempfile::TempDir,
}

impl Terminal {
    fn start(image: &Image, args: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        // `exec` in a subshell, so that the process id is the tool's own; and whoever started the tests may ignore
        // signals.
        let line = format!(
            "stty rows 24 cols 80; stty -g >{at}/before; \
             (sh -c 'echo $PPID' >{at}/pid; exec env --default-signal {TOOL} --root {} {args}) 2>{at}/errors; echo $? \
             >{at}/status; stty -g >{at}/after",
            image.path("").display()
        );
        let mut script = Command::new("script")
            .args(["--quiet", "--return", "--command", &line, "/dev/null"])
            .env("TERM", "xterm")
            .env("SHELL", "/bin/sh")
            .env("TZ", "UTC")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let keys = script.stdin.take().unwrap();
        let mut screen = script.stdout.take().unwrap();
        let shown = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&shown);
        std::thread::spawn(move || {
            let mut block = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut block) {
                seen.lock().unwrap().extend_from_slice(&block[..count]);
            }
        });
        Self {
            script,
            keys,
            shown,
            dir,
        }
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    #[track_caller]
    fn wait_for(&self, text: &str) {
        testkit::wait_until(testkit::PATIENCE, text, || self.text().contains(text));
    }

    fn press(&mut self, keys: &[u8]) {
        self.keys.write_all(keys).unwrap();
        self.keys.flush().unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.path().join(name)).unwrap()
    }

    /// Waits for the end, and checks that the terminal is as it was. Returns what was shown.
    #[track_caller]
    fn ended(self, status: i32) -> String {
        self.ended_with_errors(status).0
    }

    /// The same, and what it said on standard error.
    #[track_caller]
    fn ended_with_errors(mut self, status: i32) -> (String, String) {
        testkit::wait_until(testkit::PATIENCE, "the tool's end", || {
            self.script.try_wait().unwrap().is_some()
        });
        assert_eq!(
            self.read("status").trim(),
            status.to_string(),
            "{}",
            self.read("errors")
        );
        assert_eq!(self.read("before"), self.read("after"));
        let text = self.text();
        // Alternate screen, cursor and line wrap: what was switched was switched back, last.
        for (on, off) in [
            ("\x1b[?1049h", "\x1b[?1049l"),
            ("\x1b[?25l", "\x1b[?25h"),
            ("\x1b[?7l", "\x1b[?7h"),
        ] {
            assert_eq!(text.matches(on).count(), 1, "{text:?}");
            assert_eq!(text.matches(off).count(), 1, "{text:?}");
            assert!(text.rfind(off) > text.rfind(on));
        }
        (text, self.read("errors"))
    }
}

fn image() -> Image {
    let image = Image::new();
    image.instance("aol-a", "real-default");
    image.instance("aol-b", "empty");
    // So that nothing is told: the file without content.
    for file in image.files("aol-b") {
        if fs::metadata(&file).unwrap().len() == 0 {
            fs::remove_file(file).unwrap();
        }
    }
    image
}

/// One more message in aol-a.
fn add(image: &Image) {
    let from = image.spool("aol-a").join("deferred/0/0A70332");
    fs::copy(from, image.spool("aol-a").join("active-0A7")).ok();
    fs::create_dir_all(image.spool("aol-a").join("active")).unwrap();
    fs::rename(
        image.spool("aol-a").join("active-0A7"),
        image.spool("aol-a").join("active/0A70333"),
    )
    .unwrap();
}

#[test]
fn changes_are_shown_in_place_until_q_is_pressed() {
    let image = image();
    let mut terminal = Terminal::start(&image, "--watch 0.2 --color never");
    terminal.wait_for("13 in the mailq");
    add(&image);
    terminal.wait_for("14 in the mailq");
    terminal.wait_for("+1");
    terminal.press(b"q");
    let text = terminal.ended(0);
    let frames: Vec<&str> = text.split("\x1b[?2026h").skip(2).collect();
    assert!(frames.len() >= 2, "{text:?}");
    for frame in frames {
        let frame = frame.split("\x1b[?2026l").next().unwrap();
        // From the top left, and only the rest of lines and of the screen is erased: nothing flickers.
        assert!(
            frame.starts_with("\x1b[1;1H") && !frame.contains("\x1b[2J"),
            "{frame:?}"
        );
        assert!(
            frame.contains("aol-b") && frame.contains("TOTAL"),
            "{frame:?}"
        );
        let lines: Vec<&str> = frame.split("\r\n").collect();
        assert!(lines.len() <= 24, "{frame:?}");
        for line in lines {
            let line = line
                .trim_start_matches("\x1b[1;1H")
                .replace("\x1b[K", "")
                .replace("\x1b[J", "");
            assert!(line.chars().count() <= 80, "{line:?}");
        }
    }
}

#[test]
fn control_c_ends_it() {
    let image = image();
    let mut terminal = Terminal::start(&image, "--watch 60");
    terminal.wait_for("13 in the mailq");
    terminal.press(b"\x03");
    terminal.ended(0);
}

#[test]
fn a_signal_ends_it() {
    let image = image();
    for signal in ["TERM", "HUP", "INT"] {
        let terminal = Terminal::start(&image, "--watch 60");
        terminal.wait_for("13 in the mailq");
        let pid = terminal.read("pid");
        testkit::tools::sh(&format!("kill -{signal} {}", pid.trim()));
        terminal.ended(0);
    }
}

#[test]
fn the_space_bar_looks_at_once() {
    let image = image();
    let mut terminal = Terminal::start(&image, "--watch 600");
    terminal.wait_for("13 in the mailq");
    add(&image);
    terminal.press(b" ");
    terminal.wait_for("14 in the mailq");
    terminal.press(b"Q");
    terminal.ended(0);
}

#[test]
fn problems_stay_on_the_screen_and_are_reported_in_the_end() {
    let image = image();
    image.instance("msn-a", "garbage");
    let mut terminal = Terminal::start(&image, "--watch 600");
    terminal.wait_for("1 problem: ");
    terminal.press(b"q");
    let (text, errors) = terminal.ended_with_errors(1);
    assert!(errors.contains("is not a queue file"), "{errors}");
    assert!(text.contains("15 in the mailq"), "{text:?}");
}

#[test]
fn many_instances_leave_room_for_the_rest() {
    let image = image();
    for n in 0..40 {
        image.configure(&format!("x{n}"), "/var/spool/postfix-aol-b");
    }
    let mut terminal = Terminal::start(&image, "-q --watch 600");
    terminal.wait_for("more lines");
    terminal.press(b"q");
    // They claim one queue directory.
    let (text, _) = terminal.ended_with_errors(1);
    let frame = text.rsplit("\x1b[?2026h").next().unwrap();
    assert_eq!(frame.split("\r\n").count(), 24, "{frame:?}");
}

#[test]
fn without_a_terminal_each_round_is_printed() {
    let image = image();
    let rounds = |args: &[&str], lines: usize| -> Vec<String> {
        let mut child = Command::new(TOOL)
            .arg("--root")
            .arg(image.path(""))
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap());
        let read = out.lines().take(lines).map(|line| line.unwrap()).collect();
        // The pipe is closed by now, and that ends it quietly.
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let mut errors = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut errors)
            .unwrap();
        assert_eq!(errors, "");
        read
    };
    let tables = rounds(&["--watch", "0.1"], 11);
    assert!(
        tables[0].starts_with("rustin ") && tables[0].ends_with(": 13 in the mailq"),
        "{tables:?}"
    );
    assert!(tables[1].starts_with("instance "), "{tables:?}");
    assert_eq!(tables[5], "", "{tables:?}");
    assert!(tables[6].starts_with("rustin "), "{tables:?}");
    assert!(!tables.concat().contains('\x1b'), "{tables:?}");
    // A name behind --watch is an instance.
    for line in rounds(&["--format", "json", "--watch", "aol-a"], 1) {
        let found: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(found["total"]["total"], 12);
    }
}
