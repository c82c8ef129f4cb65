//! Real postmap, asked about tables. It is started without a shell, and ended when it takes too long.

use std::collections::{BTreeSet, HashMap};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use cli::Context;
use postfix::config::Instance;
use transport::TableName;
use transport::audit::Entries;

/// How long one call may take. A table on a server may be slow, and a source that is being edited is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// The program, and the configuration that it is to read.
pub(crate) struct Postmap {
    program: PathBuf,
    config: PathBuf,
}

/// What it said.
struct Said {
    ok: bool,
    out: Vec<u8>,
    err: String,
}

impl Postmap {
    /// This machine's postmap for an instance's tables; of a host image, it reads the image's main.cf.
    pub(crate) fn new(cx: &Context, instance: &Instance) -> Self {
        let directory = match cx.root().is_this_host() {
            true => instance.get("command_directory"),
            // What an image names is not to be run.
            false => String::new(),
        };
        let directory = match directory.as_str() {
            "" => "/usr/sbin",
            directory => directory,
        };
        let config = cx.root().under(instance.config_directory());
        Self {
            program: Path::new(directory).join("postmap"),
            config: std::path::absolute(&config).unwrap_or(config),
        }
    }

    /// All entries of a table.
    ///
    /// # Errors
    /// Why there are none to be had.
    pub(crate) fn entries(&self, table: &TableName) -> Result<Entries, String> {
        let said = self.run(&["-s", &unproxied(table)], Vec::new())?;
        match said.ok {
            true => Ok(pairs(&said.out).collect()),
            false => Err(reason(&said)),
        }
    }

    /// What a table answers to these keys; none may hold white space.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub(crate) fn answers(
        &self,
        table: &TableName,
        keys: &BTreeSet<String>,
    ) -> Result<HashMap<String, String>, String> {
        let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
        let said = self.run(&["-q", "-", &unproxied(table)], lines.into_bytes())?;
        // It ends with 1, too, where no key was found.
        let failed = ["fatal:", "error:", "panic:", "unavailable", "lookup error"];
        if !said.ok && failed.iter().any(|word| said.err.contains(word)) {
            return Err(reason(&said));
        }
        Ok(pairs(&said.out).collect())
    }

    fn run(&self, args: &[&str], input: Vec<u8>) -> Result<Said, String> {
        let mut command = Command::new(&self.program);
        command
            .arg("-c")
            .arg(&self.config)
            .args(args)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let program = self.program.display();
        let child = command.spawn().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => format!("there is no {program}"),
            _ => format!("cannot start {program}: {e}"),
        })?;
        finish(child, input).map_err(|e| format!("{program}: {e}"))
    }
}

/// Feeds a program, and reads what it says until it ends.
fn finish(mut child: Child, input: Vec<u8>) -> io::Result<Said> {
    let (stdin, stdout, stderr) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let feeding = thread::spawn(move || {
        // That it does not read to the end is no error.
        stdin.map(|mut pipe| pipe.write_all(&input).is_ok())
    });
    let out = thread::spawn(move || read(stdout));
    let err = thread::spawn(move || read(stderr));
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            let seconds = PATIENCE.as_secs();
            return Err(io::Error::other(format!("no answer within {seconds} s")));
        }
        thread::sleep(Duration::from_millis(5));
    };
    let _fed = feeding.join();
    Ok(Said {
        ok: status.success(),
        out: out.join().unwrap_or_default(),
        err: String::from_utf8_lossy(&err.join().unwrap_or_default()).into_owned(),
    })
}

fn read(pipe: Option<impl io::Read>) -> Vec<u8> {
    let mut bytes = Vec::new();
    if let Some(mut pipe) = pipe {
        // What came before an error is still what it said.
        let _read = pipe.read_to_end(&mut bytes);
    }
    bytes
}

/// `key TAB value`, a line each.
fn pairs(out: &[u8]) -> impl Iterator<Item = (String, String)> {
    let lines = out.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    lines.filter_map(|line| {
        let line = String::from_utf8_lossy(line);
        let (key, value) = line.split_once('\t')?;
        Some((key.to_owned(), value.to_owned()))
    })
}

/// The last line that it wrote, without its own name.
fn reason(said: &Said) -> String {
    let last = said.err.lines().map(str::trim).rfind(|l| !l.is_empty());
    let last = last.unwrap_or("postmap failed, and did not say why");
    last.strip_prefix("postmap: ").unwrap_or(last).to_owned()
}

/// proxymap would ask the same table, and may not run.
fn unproxied(table: &TableName) -> String {
    format!("{}:{}", table.kind, table.name)
}
