//! Postfix's own programs, started for an instance.

use std::io;
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use postfix::Root;
use postfix::config::Instance;
use transport::{Storage, TableName};

use crate::patience::Patience;

/// How long one call may take. A table on a server may be slow, and a source that is being edited is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// More than this is no answer: the entries of a map with hundreds of thousands of them.
const MOST: usize = 64 << 20;

/// Of each program.
static WAITED: Patience = Patience::new(PATIENCE);

/// Runs one of Postfix's programs, with what `more` gives it.
///
/// # Errors
/// As [`guarded::Program::run`].
pub(crate) fn ask(
    path: &Path,
    most: usize,
    more: impl FnOnce(guarded::Program) -> guarded::Program,
) -> io::Result<guarded::Said> {
    let patience = WAITED.of(path)?;
    let said = more(guarded::Program::new(path, patience)).run(most);
    said.map_err(|e| WAITED.spent(path, patience, e))
}

/// `-c CONFIG`. Of an image, whose files may be anybody's, the programs only read.
pub(crate) fn configured(
    program: guarded::Program,
    config: &Path,
    is_this_host: bool,
) -> guarded::Program {
    match is_this_host {
        true => program.configured(config),
        false => program.arg("-c").arg(config),
    }
}

/// A program of an instance, and the configuration that it reads.
#[derive(Debug, Clone)]
pub struct Program {
    path: PathBuf,
    config: PathBuf,
    is_this_host: bool,
    /// Does it change something? What is cut short may leave half an index.
    changes: bool,
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
            is_this_host: root.is_this_host(),
            changes: false,
        }
    }

    /// The same, to change something: it has its time, however long others were waited for.
    #[must_use]
    pub fn changing(&self) -> Self {
        Self {
            changes: true,
            ..self.clone()
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
        self.outcome(args, input, false)
    }

    /// What postmap(1) answers to the keys in `input`, where none need be found.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn answers(&self, args: &[&str], input: Vec<u8>) -> Result<Vec<u8>, String> {
        self.outcome(args, input, true)
    }

    /// `none_is_fine`: it ends with 1, and complains of nothing, where no key was found.
    fn outcome(
        &self,
        args: &[&str],
        input: Vec<u8>,
        none_is_fine: bool,
    ) -> Result<Vec<u8>, String> {
        if let Some(why) = args.iter().find_map(|table| no_file(table)) {
            return Err(why);
        }
        let with = |program| {
            configured(program, &self.config, self.is_this_host)
                .args(args)
                .input(input)
        };
        let said = match self.changes {
            true => with(guarded::Program::new(&self.path, PATIENCE)).run(MOST),
            false => ask(&self.path, MOST, with),
        };
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

/// Why postmap is not asked about this table (`hash:/etc/postfix/transport`): it would open a FIFO, and wait for who
/// writes to it. What is not there, or no table, it says itself.
pub(crate) fn no_file(table: &str) -> Option<String> {
    let table = TableName::parse(table)?;
    let file = match table.storage() {
        Storage::Index(_) => table.index()?,
        Storage::Text | Storage::Patterns => PathBuf::from(&table.name),
        Storage::Inline | Storage::Elsewhere => return None,
    };
    let what = match std::fs::metadata(&file).ok()?.file_type() {
        kind if kind.is_file() => return None,
        kind if kind.is_fifo() => "a FIFO",
        kind if kind.is_dir() => "a directory",
        _ => "a device or a socket",
    };
    Some(format!("{} is {what}, and no file", file.display()))
}
