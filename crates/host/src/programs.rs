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

    /// The same with the configuration in `directory`: a copy.
    #[must_use]
    pub fn configured_in(self, directory: &Path) -> Self {
        let config = directory.to_owned();
        Self { config, ..self }
    }

    /// Runs it with `-c DIR` and these arguments; its standard output.
    ///
    /// # Errors
    /// It cannot be started, has not ended after half a minute, or has failed: then, what it said last.
    pub fn run(&self, args: &[&str]) -> Result<Vec<u8>, String> {
        self.run_with(args, Vec::new())
    }

    /// The same with something to read from its standard input.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn run_with(&self, args: &[&str], input: Vec<u8>) -> Result<Vec<u8>, String> {
        let program = guarded::Program::new(&self.path, PATIENCE).arg("-c");
        let program = program.arg(&self.config).args(args).input(input);
        let said = program.run(MOST);
        self.outcome(said, false)
    }

    /// What postmap(1) answers to the keys in `input`, where none need be found.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn answers(&self, args: &[&str], input: Vec<u8>) -> Result<Vec<u8>, String> {
        let program = guarded::Program::new(&self.path, PATIENCE).arg("-c");
        let program = program.arg(&self.config).args(args).input(input);
        self.outcome(program.run(MOST), true)
    }

    /// `none_is_fine`: it ends with 1, and complains of nothing, where no key was found.
    fn outcome(
        &self,
        said: io::Result<guarded::Said>,
        none_is_fine: bool,
    ) -> Result<Vec<u8>, String> {
        let path = self.path.display();
        let said = said.map_err(|e| match e.kind() {
            io::ErrorKind::NotFound => format!("there is no {path}"),
            _ => format!("{path}: {e}"),
        })?;
        let failed = ["fatal:", "error:", "panic:", "unavailable"];
        let complains = failed.iter().any(|word| said.ended.errors.contains(word));
        if said.ended.status.success() || (none_is_fine && !complains) {
            return Ok(said.out);
        }
        let reason = said.ended.reason();
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let own = format!("{name}: ");
        Err(reason.strip_prefix(&own).unwrap_or(&reason).to_owned())
    }
}
