//! Who still connects to an instance: its smtpd's lines, as they are written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use cli::Context;
use postfix::config::{Host, Instance};
use postfix::log::{LogPlace, parse_header};
use postfix::{Span, Time};

use crate::desk::readable;

/// How often the log is looked at.
const ROUND: Duration = Duration::from_millis(500);
/// Who has not come for so long may be gone: a list server that has mail comes each minute or more often.
const QUIET: Duration = Duration::from_secs(60);
/// No line is longer.
const LINE: u64 = 64 << 10;

/// How it ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Watched {
    /// Nobody has come for a minute: since when.
    Quiet { since: Time },
    /// These still do: when they came last; and since when everybody else does not.
    Busy {
        who: BTreeMap<String, Time>,
        quiet: Time,
    },
    /// It could not be seen: why.
    Unseen(String),
}

impl Watched {
    pub(crate) fn lines(&self, cx: &Context, held_until: Time) -> Vec<String> {
        match self {
            Self::Quiet { since } => vec![format!("quiet since {}", readable(cx, *since))],
            Self::Busy { who, quiet } => who
                .iter()
                .map(|(client, last)| {
                    let why = match held_until > *last {
                        true => format!(
                            "its resolver holds the name until {}",
                            readable(cx, held_until)
                        ),
                        false => {
                            "is the name still in the zone, or in its configuration?".to_owned()
                        }
                    };
                    format!(
                        "quiet since {}; {client} still connects ({}): {why}",
                        readable(cx, *quiet),
                        readable(cx, *last)
                    )
                })
                .collect(),
            Self::Unseen(why) => vec![format!("who connects was not seen: {why}")],
        }
    }
}

/// Watches until nobody comes any more, for `patience` at most.
pub(crate) fn watch(
    cx: &Context,
    host: &Host,
    instance: &Instance,
    patience: Span,
    held_until: Time,
) -> anyhow::Result<Watched> {
    let path = match host::logs::log_of(cx.site(), host, instance)? {
        Some(LogPlace::File(path)) => path,
        Some(LogPlace::Journal(_)) => {
            let unit = instance.syslog_name();
            return Ok(Watched::Unseen(format!(
                "the log is in the journal: journalctl -f -t {unit}/smtpd"
            )));
        }
        None => return Ok(Watched::Unseen("no log was found".to_owned())),
    };
    let mut tail = match Tail::open(&path) {
        Ok(tail) => tail,
        Err(e) => return Ok(Watched::Unseen(format!("{}: {e}", path.display()))),
    };
    let interrupts = cx.catch_interrupts()?;
    let progress = cx.progress_items("watching who connects", None);
    let begun = Instant::now();
    let start = cx.now();
    let clock = || {
        let since = u64::try_from(begun.elapsed().as_micros()).unwrap_or(0);
        start.plus(Span::from_micros(since))
    };
    let program = format!("{}/smtpd", instance.syslog_name());
    let mut seen: BTreeMap<String, (Instant, Time)> = BTreeMap::new();
    loop {
        let new = tail.lines(|line| {
            if let Some(client) = client(line, program.as_bytes()) {
                seen.insert(client, (Instant::now(), clock()));
            }
        });
        if let Err(e) = new {
            return Ok(Watched::Unseen(format!("{}: {e}", path.display())));
        }
        let last = seen.values().map(|(at, _)| *at).max().unwrap_or(begun);
        if last.elapsed() >= QUIET {
            let since = seen.values().map(|(_, at)| *at).max().unwrap_or(start);
            return Ok(Watched::Quiet { since });
        }
        let is_over = begun.elapsed() >= patience.duration()
            && clock() >= held_until.min(start.plus(patience));
        if is_over || interrupts.came() {
            let is_busy = |at: &Instant| at.elapsed() < QUIET;
            let others = seen.values().filter(|(at, _)| !is_busy(at));
            let quiet = others.map(|(_, at)| *at).max().unwrap_or(start);
            seen.retain(|_, (at, _)| is_busy(at));
            let who = seen.into_iter().map(|(who, (_, at))| (who, at));
            let who: BTreeMap<String, Time> = who.collect();
            return Ok(match who.is_empty() {
                true => Watched::Unseen("not watched for a minute".to_owned()),
                false => Watched::Busy { who, quiet },
            });
        }
        progress.advance(1);
        std::thread::sleep(ROUND);
    }
}

/// Who connects, by a line of smtpd: `connect from NAME[ADDRESS]`. The tool's own probes are left out.
fn client(line: &[u8], program: &[u8]) -> Option<String> {
    let header = parse_header(line)?;
    if header.program != program {
        return None;
    }
    let who = header.message.strip_prefix(b"connect from ")?;
    let who = String::from_utf8_lossy(who);
    let (name, rest) = who.split_once('[')?;
    let address = rest.split(']').next()?;
    match name {
        "unknown" => Some(address.to_owned()),
        name => Some(name.to_owned()),
    }
}

/// A log that grows, and is rotated.
struct Tail<'p> {
    path: &'p Path,
    file: BufReader<File>,
    inode: u64,
    part: Vec<u8>,
}

impl<'p> Tail<'p> {
    fn open(path: &'p Path) -> std::io::Result<Self> {
        let mut tail = Self::whole(path)?;
        tail.file.seek(SeekFrom::End(0))?;
        Ok(tail)
    }

    fn whole(path: &'p Path) -> std::io::Result<Self> {
        let file = guarded::open(path)?;
        let inode = file.metadata()?.ino();
        Ok(Self {
            path,
            file: BufReader::new(file),
            inode,
            part: Vec::new(),
        })
    }

    /// The lines that are new.
    fn lines(&mut self, mut each: impl FnMut(&[u8])) -> std::io::Result<()> {
        loop {
            let read = self
                .file
                .by_ref()
                .take(LINE)
                .read_until(b'\n', &mut self.part)?;
            if read == 0 {
                break;
            }
            if self.part.ends_with(b"\n") || self.part.len() as u64 >= LINE {
                each(self.part.strip_suffix(b"\n").unwrap_or(&self.part));
                self.part.clear();
            }
        }
        // Rotated: the new one is read from its beginning.
        let is_other = self
            .path
            .metadata()
            .is_ok_and(|now| now.ino() != self.inode);
        if is_other {
            *self = Self::whole(self.path)?;
        }
        Ok(())
    }
}
