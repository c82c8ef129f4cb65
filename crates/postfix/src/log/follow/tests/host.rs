//! A log that is written, rotated and followed, and what is known of it.

use crate::Time;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::log::follow::{Bookmark, Followed, KEPT, follow};
use crate::log::{Event, Options, Sink, Wanted};
use crate::problem::Problem;
use crate::zone::Zone;

/// How often each queue id was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Seen(pub(super) BTreeMap<String, u64>);

impl Sink for Seen {
    fn event(&mut self, event: &Event<'_>) {
        let (id, n) = match event {
            Event::Delivery(delivery) => (delivery.queue_id, delivery.repeat),
            Event::Expired(expired) => (expired.queue_id, expired.repeat),
            Event::Unparsed { .. } => (b"unparsed".as_slice(), 1),
            _ => return,
        };
        let id = String::from_utf8_lossy(id).into_owned();
        *self.0.entry(id).or_default() += n;
    }

    fn fork(&self) -> Option<Self> {
        Some(Self::default())
    }

    fn join(&mut self, later: Self) {
        for (id, n) in later.0 {
            *self.0.entry(id).or_default() += n;
        }
    }
}

pub(super) fn now() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "the files of a test are of now")]
    let now = SystemTime::now();
    let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(since.as_micros()).unwrap()
}

/// A log that is written and rotated. What is written is known.
pub(super) struct Writer {
    dir: PathBuf,
    /// What the syslog daemon has open, and appends to.
    open: File,
    pub(super) written: BTreeMap<String, u64>,
    /// The end of a line that was begun.
    pending: Option<String>,
    lines: u32,
    rotations: u32,
}

impl Writer {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            open: append(&dir.join("mail.log")),
            written: BTreeMap::new(),
            pending: None,
            lines: 0,
            rotations: 0,
        }
    }

    fn log(&self) -> PathBuf {
        self.dir.join("mail.log")
    }

    /// Every third line stands for two, every fifth is the queue manager's.
    fn line(&mut self) -> String {
        self.lines += 1;
        let n = self.lines;
        let id = format!("A{n:04X}");
        let (minute, second) = (n / 60 % 60, n % 60);
        let head = format!("2026-09-19T10:{minute:02}:{second:02}Z rustin postfix-aol-a");
        let delivery =
            format!("{id}: to=<u@x.y>, relay=none, delay=1, dsn=2.0.0, status=sent (ok)");
        let (line, times) = match n {
            n if n % 3 == 0 => (
                format!("{head}/smtp[9]: message repeated 2 times: [ {delivery}]\n"),
                2,
            ),
            n if n % 5 == 0 => (
                format!("{head}/qmgr[9]: {id}: from=<s@x.y>, status=expired, returned to sender\n"),
                1,
            ),
            _ => (format!("{head}/smtp[9]: {delivery}\n"), 1),
        };
        self.written.insert(id, times);
        line
    }

    pub(super) fn append(&mut self, lines: u8, half: bool) {
        self.complete();
        for _ in 0..lines {
            let line = self.line();
            self.open.write_all(line.as_bytes()).unwrap();
        }
        if half {
            let line = self.line();
            let (begin, end) = line.split_at(line.len() / 2);
            self.open.write_all(begin.as_bytes()).unwrap();
            self.pending = Some(end.to_owned());
        }
    }

    pub(super) fn complete(&mut self) {
        if let Some(end) = self.pending.take() {
            self.open.write_all(end.as_bytes()).unwrap();
        }
    }

    /// Renames or copies the rotated logs one up, as logrotate does, compressing the one that was left uncompressed.
    fn shift(&mut self, dated: bool, keep_time: bool) -> PathBuf {
        self.rotations += 1;
        if dated {
            let name = format!("mail.log-20260919-{:06}", self.rotations);
            return self.dir.join(name);
        }
        for n in (1..self.rotations).rev() {
            for end in ["", ".gz", ".zst"] {
                let from = self.dir.join(format!("mail.log.{n}{end}"));
                let to = self.dir.join(format!("mail.log.{}{end}", n + 1));
                if from.exists() {
                    rename(&from, &to);
                    if n == 1 && end.is_empty() && self.rotations.is_multiple_of(2) {
                        compress(&to, keep_time, "gz");
                    }
                }
            }
        }
        self.dir.join("mail.log.1")
    }

    /// `meanwhile` is done where two steps could be told apart.
    pub(super) fn rotate(&mut self, rotation: Rotation, mut meanwhile: impl FnMut()) {
        let Rotation {
            copy,
            compressed,
            dated,
            late,
            keep_time,
        } = rotation;
        if copy || compressed {
            self.complete();
        }
        let to = self.shift(dated, keep_time);
        if copy {
            fs::write(&to, fs::read(self.log()).unwrap()).unwrap();
            if late {
                // While the copy is there, and the original not yet empty.
                meanwhile();
            }
            self.open.set_len(0).unwrap();
        } else {
            rename(&self.log(), &to);
            if late && !compressed {
                // Before the syslog daemon is told.
                if self.rotations.is_multiple_of(2) {
                    meanwhile();
                }
                self.append(2, false);
            } else {
                self.complete();
            }
            self.open = append(&self.log());
        }
        if compressed {
            compress(
                &to,
                keep_time,
                if self.rotations.is_multiple_of(3) {
                    "zst"
                } else {
                    "gz"
                },
            );
        }
    }
}

pub(super) fn options() -> Options<'static> {
    let wanted = Wanted {
        expired: true,
        ..Wanted::default()
    };
    Options {
        zone: Zone::named("UTC").unwrap(),
        now: Time::from_micros(now()),
        window: None,
        wanted,
        threads: 2,
        progress: &|_| {},
    }
}

/// Who follows the log.
pub(super) struct Reader {
    log: PathBuf,
    pub(super) known: Bookmark,
    pub(super) seen: Seen,
    pub(super) gaps: Vec<String>,
}

impl Reader {
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            log: dir.join("mail.log"),
            known: Bookmark::default(),
            seen: Seen::default(),
            gaps: Vec::new(),
        }
    }

    pub(super) fn try_run(&mut self) -> Result<(), Problem> {
        let options = options();
        let (followed, seen) = follow(&self.log, &self.known, &options, Seen::default)?;
        let Followed {
            known,
            readings,
            gap,
        } = followed;
        self.seen.join(seen);
        for reading in &readings {
            assert_eq!(reading.problems, []);
        }
        self.gaps.extend(gap.map(|gap| gap.to_string()));
        self.known = known;
        assert!(self.known.marks.len() <= KEPT);
        Ok(())
    }

    pub(super) fn run(&mut self) {
        self.try_run().unwrap();
    }

    /// What is read in the end is what was written, each line once.
    #[track_caller]
    pub(super) fn check(&mut self, writer: &mut Writer) {
        writer.complete();
        self.run();
        let differ = |id: &&String| self.seen.0.get(*id) != writer.written.get(*id);
        let all = self.seen.0.keys().chain(writer.written.keys());
        let wrong: Vec<_> = all
            .filter(differ)
            .map(|id| (id, self.seen.0.get(id)))
            .collect();
        assert_eq!(wrong, []);
        assert_eq!(self.gaps, [""; 0]);
    }
}

pub(super) fn append(path: &Path) -> File {
    File::options()
        .append(true)
        .create(true)
        .open(path)
        .unwrap()
}

#[allow(clippy::disallowed_methods, reason = "logrotate does it")]
pub(super) fn rename(from: &Path, to: &Path) {
    fs::rename(from, to).unwrap();
}

#[allow(clippy::disallowed_methods, reason = "logrotate does it")]
pub(super) fn compress(path: &Path, keep_time: bool, end: &str) {
    let text = fs::read(path).unwrap();
    let mtime = fs::metadata(path).unwrap().modified().unwrap();
    let to = PathBuf::from(format!("{}.{end}", path.display()));
    let packed = match end {
        "zst" => zstd::encode_all(text.as_slice(), 1).unwrap(),
        _ => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&text).unwrap();
            encoder.finish().unwrap()
        }
    };
    fs::write(&to, packed).unwrap();
    if keep_time {
        // Some compressors keep whole seconds only.
        let seconds = mtime
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap()
            .as_secs();
        let file = File::options().write(true).open(&to).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
            .unwrap();
    }
    fs::remove_file(path).unwrap();
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Rotation {
    pub(super) copy: bool,
    pub(super) compressed: bool,
    pub(super) dated: bool,
    pub(super) late: bool,
    pub(super) keep_time: bool,
}
