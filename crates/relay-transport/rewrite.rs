//! Postfix itself, asked where mail goes: trivial-rewrite's resolve service, which every part of Postfix asks.
//!
//! The question and the answer are attributes, a name and a value each, with a null byte behind each and one more at the end
//! (Postfix `src/global/resolve_clnt.c`, `src/util/attr_print0.c`). Newer servers announce their protocol first. Nothing is
//! changed by asking.

use std::collections::BTreeMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use cli::Context;
use postfix::config::Instance;
use transport::Map;
use transport::audit::{Live, PROBES, Resolved, Table};

/// How long an answer may take. A table on a server may be slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// After this, a changed table has been seen.
const LOOKS: Duration = Duration::from_secs(11);

/// RESOLVE_FLAG_FAIL (`src/global/resolve_clnt.h`): a table failed.
const FAIL: u32 = 1 << 3;

/// A list of attributes that is longer than this is none.
const MAX_ATTRIBUTES: usize = 32;

/// Asks about an address of every domain that is wanted.
pub(crate) fn ask(cx: &Context, instance: &Instance, wanted: &Map, tables: &[Table]) -> Live {
    if !cx.root().is_this_host() {
        return Live::NotAsked("an image's Postfix does not run".to_owned());
    }
    if let Some(random) = tables.iter().find(|table| table.name.is_random()) {
        return Live::NotAsked(format!(
            "what {} chooses, it does not choose again",
            random.name
        ));
    }
    let service = match instance.get("rewrite_service_name") {
        name if name.is_empty() => "rewrite".to_owned(),
        name => name,
    };
    let socket = instance.queue_directory().join("private").join(service);
    match host::machine::master(cx.root(), instance) {
        Ok(Some(_)) => {}
        Ok(None) => return Live::NotAsked(format!("{} does not run", instance.name())),
        Err(e) => {
            return Live::Unknown(format!(
                "whether {} runs is not known: {e}",
                instance.name()
            ));
        }
    }
    wait_for_tables(cx, tables);
    let mut client = Client::new(socket);
    let mut known = BTreeMap::new();
    let [probe, _] = PROBES;
    for domain in wanted.lines.keys() {
        match client.resolve(&format!("{probe}@{domain}")) {
            Ok(resolved) => known.insert(domain.clone(), resolved),
            Err(e) => return client.failed(&e),
        };
    }
    Live::Known(known)
}

/// trivial-rewrite looks every 10 s whether postmap has made an index anew (`src/trivial-rewrite/trivial-rewrite.c`,
/// check_table_stats), and is asked when it has.
fn wait_for_tables(cx: &Context, tables: &[Table]) {
    let changed = tables.iter().filter_map(|table| {
        let metadata = std::fs::metadata(table.name.index()?).ok()?;
        Some(metadata.ctime())
    });
    let now = cx.now().seconds();
    let age = changed
        .map(|changed| now.saturating_sub(changed))
        .filter(|age| *age >= 0)
        .min();
    let left = age.map_or(0, |age| LOOKS.as_secs().saturating_sub(age.unsigned_abs()));
    if left > 0 {
        cx.note(format!(
            "a table was made anew just now: Postfix is asked when it has seen that, in {left} s"
        ));
        std::thread::sleep(Duration::from_secs(left));
    }
}

/// A connection that is made anew where the server has ended it, as it does now and then.
struct Client {
    socket: PathBuf,
    stream: Option<BufReader<UnixStream>>,
}

impl Client {
    fn new(socket: PathBuf) -> Self {
        Self {
            socket,
            stream: None,
        }
    }

    fn failed(&self, error: &io::Error) -> Live {
        let what = format!("{}: {error}", self.socket.display());
        match error.kind() {
            io::ErrorKind::PermissionDenied => Live::Unknown(format!("{what}; run it as root")),
            _ => Live::Broken(format!(
                "Postfix runs, but does not say where mail goes, and delivers none: {what}; the mail log has more"
            )),
        }
    }

    fn resolve(&mut self, address: &str) -> io::Result<Resolved> {
        match self.try_resolve(address) {
            // It ends a connection after so many questions, and itself when a table has changed.
            Err(e)
                if matches!(
                    e.kind(),
                    io::ErrorKind::UnexpectedEof
                        | io::ErrorKind::BrokenPipe
                        | io::ErrorKind::ConnectionReset
                ) =>
            {
                self.stream = None;
                self.try_resolve(address)
            }
            result => result,
        }
    }

    fn try_resolve(&mut self, address: &str) -> io::Result<Resolved> {
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => connect(&self.socket)?,
        };
        let question = format!("request\0resolve\0sender\0\0address\0{address}\0\0");
        stream.get_mut().write_all(question.as_bytes())?;
        let answer = loop {
            let attributes = read(&mut stream)?;
            // An announcement of the protocol has neither.
            if attributes.iter().any(|(name, _)| name == "transport") {
                break attributes;
            }
        };
        let get = |wanted: &str| {
            // Of the two that are called "flags", the last is the answer's.
            let mut found = answer.iter().rev().filter(|(name, _)| name == wanted);
            found
                .next()
                .map_or_else(String::new, |(_, value)| value.clone())
        };
        let flags: u32 = get("flags").parse().unwrap_or(FAIL);
        // The first asks for a new connection.
        if answer
            .first()
            .is_some_and(|(name, value)| name == "flags" && value == "0")
        {
            self.stream = Some(stream);
        }
        Ok(match flags & FAIL {
            0 => Resolved::To(get("transport"), get("nexthop")),
            _ => Resolved::Fails,
        })
    }
}

fn connect(socket: &Path) -> io::Result<BufReader<UnixStream>> {
    let stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(BufReader::new(stream))
}

/// A list of attributes, up to the null byte that ends it.
fn read(stream: &mut BufReader<UnixStream>) -> io::Result<Vec<(String, String)>> {
    let mut attributes = Vec::new();
    while attributes.len() < MAX_ATTRIBUTES {
        let name = word(stream)?;
        if name.is_empty() {
            return Ok(attributes);
        }
        let value = word(stream)?;
        attributes.push((name, value));
    }
    Err(io::Error::other("no answer of trivial-rewrite"))
}

fn word(stream: &mut BufReader<UnixStream>) -> io::Result<String> {
    let mut bytes = Vec::new();
    stream.by_ref().take(8192).read_until(0, &mut bytes)?;
    match bytes.pop() {
        Some(0) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        _ => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}
