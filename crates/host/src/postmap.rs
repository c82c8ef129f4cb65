//! Real postmap, asked about tables. It is started without a shell, and ended when it takes too long.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use guarded::Said;
use postfix::Root;
use postfix::config::Instance;
use transport::audit::{Entries, Failed};
use transport::{Storage, TableName};

use crate::programs::{ask, configured, no_file};

/// The most bytes of a table: a million entries.
const MOST: usize = 64 << 20;

/// The program, and the configuration that it is to read.
#[derive(Debug)]
pub struct Postmap {
    program: PathBuf,
    config: PathBuf,
    /// Does it read this machine's tables, and not an image's?
    is_this_host: bool,
    /// Whom proxymap runs as, where this process may take that user's place: it opens tables only when it is asked,
    /// when it has given up root's rights (`src/proxymap/proxymap.c`); trivial-rewrite opens its own as root.
    proxymap: Option<(u32, u32)>,
}

impl Postmap {
    /// This machine's postmap for an instance's tables; of a host image, it reads the image's main.cf.
    pub fn new(root: &Root, instance: &Instance) -> Self {
        let mut postmap = Self::at(root, instance.config_directory());
        // What an image names is not to be run.
        if postmap.is_this_host {
            let directory = instance.get("command_directory");
            if !directory.is_empty() {
                postmap.program = Path::new(&directory).join("postmap");
            }
            postmap.proxymap = proxymap_user(instance);
        }
        postmap
    }

    /// The one that Debian installs, for the tables of a host with its main.cf in `config_directory`.
    pub fn at(root: &Root, config_directory: &Path) -> Self {
        let config = root.under(config_directory);
        Self {
            program: Path::new("/usr/sbin/postmap").to_owned(),
            config: std::path::absolute(&config).unwrap_or(config),
            is_this_host: root.is_this_host(),
            proxymap: None,
        }
    }

    /// All entries of a table.
    ///
    /// # Errors
    /// Why none could be read.
    pub fn entries(&self, table: &TableName) -> Result<Entries, Failed> {
        let said = self.run(&["-s", &unproxied(table)], Vec::new(), None)?;
        match said.ended.status.success() {
            true => Ok(pairs(&said.out).collect()),
            false => Err(self.failed(&said)),
        }
    }

    /// What a table answers to these keys, which hold no white space, and the rules that are ignored.
    ///
    /// # Errors
    /// Why it cannot be asked.
    pub fn answers(
        &self,
        table: &TableName,
        keys: &BTreeSet<String>,
    ) -> Result<(HashMap<String, String>, Vec<String>), Failed> {
        let lines: String = keys.iter().map(|key| format!("{key}\n")).collect();
        let user = self.proxymap.filter(|_| table.is_proxied);
        let said = self.run(&["-q", "-", &unproxied(table)], lines.into_bytes(), user)?;
        // It ends with 1, too, where no key was found.
        let failed = ["fatal:", "error:", "panic:", "unavailable", "lookup error"];
        let errors = &said.ended.errors;
        if !said.ended.status.success() && failed.iter().any(|word| errors.contains(word)) {
            return Err(self.failed(&said));
        }
        Ok((pairs(&said.out).collect(), dropped(errors)))
    }

    /// Can Postfix not open it, either? Of another host, only what is not there is known; and what this user may not
    /// read, Postfix may.
    fn failed(&self, said: &Said) -> Failed {
        let why = reason(said);
        let is_denied = why.contains("Permission denied") && !nix::unistd::geteuid().is_root();
        let is_certain = match self.is_this_host {
            true => !is_denied,
            false => why.contains("No such file or directory"),
        };
        match is_certain {
            true => Failed::Broken(why),
            false => Failed::Unknown(why),
        }
    }

    fn run(&self, args: &[&str], input: Vec<u8>, user: Option<(u32, u32)>) -> Result<Said, Failed> {
        if let Some(why) = args.iter().find_map(|table| no_file(table)) {
            return Err(Failed::Broken(why));
        }
        let program = self.program.display();
        let said = ask(&self.program, MOST, |postmap| {
            let postmap = configured(postmap, &self.config, self.is_this_host);
            let postmap = match user {
                Some((user, group)) => postmap.user(user, group),
                None => postmap,
            };
            postmap.args(args).input(input)
        });
        said.map_err(|e| {
            Failed::Unknown(match e.kind() {
                io::ErrorKind::NotFound => format!("there is no {program}"),
                _ => format!("{program}: {e}"),
            })
        })
    }
}

/// mail_owner, and its group: whom proxymap runs as.
fn proxymap_user(instance: &Instance) -> Option<(u32, u32)> {
    if !nix::unistd::geteuid().is_root() {
        return None;
    }
    let owner = nix::unistd::User::from_name(&instance.mail_owner()).ok()??;
    Some((owner.uid.as_raw(), owner.gid.as_raw()))
}

/// `line 3: Unmatched ( or \(`: the rules of a pattern table that are ignored, or have no result.
fn dropped(err: &str) -> Vec<String> {
    let rules = err.lines().filter_map(|line| {
        let (_, rest) = line.split_once(" map ")?;
        let at = rest.find(", line ")?;
        line.contains("warning: ")
            .then(|| rest.get(at + 2..).unwrap_or_default().to_owned())
    });
    rules.collect()
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
    let errors = said.ended.errors.trim();
    let last = match errors.lines().next_back() {
        Some(line) => line.trim(),
        None => "postmap failed without a message",
    };
    last.strip_prefix("postmap: ").unwrap_or(last).to_owned()
}

/// proxymap would ask the same table, and may not run.
fn unproxied(table: &TableName) -> String {
    format!("{}:{}", table.kind, table.name)
}

/// A table in a file of a host image is found below the image.
pub fn name_here(root: &Root, name: &TableName) -> TableName {
    let in_file = matches!(
        name.storage(),
        Storage::Index(_) | Storage::Text | Storage::Patterns
    );
    if root.is_this_host() || !in_file {
        return name.clone();
    }
    let path = root.under(Path::new(&name.name));
    let path = std::path::absolute(&path).unwrap_or(path);
    TableName {
        name: path.to_string_lossy().into_owned(),
        ..name.clone()
    }
}

/// The most bytes of a table's text: millions of entries.
pub const MOST_SOURCE: u64 = 64 << 20;
