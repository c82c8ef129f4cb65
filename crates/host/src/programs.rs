//! Postfix's own programs, started for an instance: without a shell, with an environment of our own, and ended when
//! they take too long.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use postfix::Root;
use postfix::config::Instance;

/// How long one call may take. A table on a server may be slow, and a source that is being edited is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program of an instance, and the configuration that it reads.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    config: PathBuf,
}

/// What a program said.
#[derive(Debug, Clone)]
pub struct Said {
    /// Did it end well?
    pub ok: bool,
    /// Its standard output.
    pub out: Vec<u8>,
    /// Its standard error.
    pub err: String,
}

impl Program {
    /// This machine's program called `name` (`postmap`, `postconf`, `postfix`), told to use the instance's
    /// configuration; of a host image, that of the image.
    pub fn new(root: &Root, instance: &Instance, name: &str) -> Self {
        let directory = match root.is_this_host() {
            true => instance.get("command_directory"),
            // What an image names is not to be run.
            false => String::new(),
        };
        let directory = match directory.as_str() {
            "" => "/usr/sbin",
            directory => directory,
        };
        let config = root.under(instance.config_directory());
        Self {
            path: Path::new(directory).join(name),
            config: std::path::absolute(&config).unwrap_or(config),
        }
    }

    /// Runs it with `-c DIR` and these arguments.
    ///
    /// # Errors
    /// It cannot be started, or has not ended after half a minute. That it ended badly is no error: see [`Said::ok`].
    pub fn run(&self, args: &[&str], input: Vec<u8>) -> Result<Said, String> {
        let mut command = Command::new(&self.path);
        command
            .arg("-c")
            .arg(&self.config)
            .args(args)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let program = self.path.display();
        let child = command.spawn().map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => format!("there is no {program}"),
            _ => format!("cannot start {program}: {e}"),
        })?;
        finish(child, input).map_err(|e| format!("{program}: {e}"))
    }

    /// Runs it as [`Program::run`] does, and takes a bad end for an error.
    ///
    /// # Errors
    /// As [`Program::run`], and what it said last if it ended badly.
    pub fn must(&self, args: &[&str], input: Vec<u8>) -> Result<Said, String> {
        let said = self.run(args, input)?;
        match said.ok {
            true => Ok(said),
            false => Err(self.reason(&said)),
        }
    }

    /// The last line that it wrote on standard error, without its own name.
    pub fn reason(&self, said: &Said) -> String {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let last = said.err.lines().map(str::trim).rfind(|l| !l.is_empty());
        let Some(last) = last else {
            return format!("{name} failed, and did not say why");
        };
        let own = format!("{name}: ");
        last.strip_prefix(&own).unwrap_or(last).to_owned()
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
