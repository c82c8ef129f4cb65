//! Postfix's own programs, started for an instance.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postfix::Root;
use postfix::config::Instance;

/// How long one call may take. A table on a server may be slow, and a source that is being edited is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than this is no answer: the entries of a map with hundreds of thousands of them.
const MOST: usize = 64 << 20;

/// A program of an instance, and the configuration that it reads.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    config: PathBuf,
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
        let directory = match Path::new(&directory).is_absolute() {
            true => directory.as_str(),
            false => "/usr/sbin",
        };
        let config = root.under(instance.config_directory());
        Self {
            path: Path::new(directory).join(name),
            config: std::path::absolute(&config).unwrap_or(config),
        }
    }

    /// Runs it with `-c DIR` and these arguments; its standard output.
    ///
    /// # Errors
    /// It cannot be started, has not ended after half a minute, or has failed: then, what it said last.
    pub fn run(&self, args: &[&str]) -> Result<Vec<u8>, String> {
        let program = guarded::Program::new(&self.path, PATIENCE).arg("-c");
        let said = program.arg(&self.config).args(args).run(MOST);
        let path = self.path.display();
        let said = said.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => format!("there is no {path}"),
            _ => format!("{path}: {e}"),
        })?;
        if said.ended.status.success() {
            return Ok(said.out);
        }
        let reason = said.ended.reason();
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let own = format!("{name}: ");
        Err(reason.strip_prefix(&own).unwrap_or(&reason).to_owned())
    }
}
