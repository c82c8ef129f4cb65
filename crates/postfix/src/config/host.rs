//! A host and its instances.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::instance::Instance;
use super::resolve::{read_regular, resolve};
use crate::{Parsed, Problem, Root};

/// Where the default instance is configured, and what the directories of others are called, both below /etc.
const DEFAULT: &str = "/etc/postfix";
const PREFIX: &[u8] = b"postfix-";

/// A host's Postfix instances.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Host {
    instances: Vec<Instance>,
    root: Root,
}

impl Host {
    /// Finds the instances below `root`: the default one, those that its multi_instance_directories and
    /// alternate_config_directories name, and every /etc/postfix-*/main.cf. A directory that is reached by two
    /// names counts once, by the first.
    ///
    /// `hostname` is what gethostname(2) returns on that host: part of Postfix's defaults (myhostname). For an
    /// image of another host see [`hostname_of`].
    ///
    /// The problems are those of all instances, and of instances that could not be read at all.
    pub fn discover(root: &Root, hostname: &str) -> Parsed<Self> {
        let mut search = Search {
            root,
            hostname,
            found: BTreeMap::new(),
            instances: Vec::new(),
            problems: Vec::new(),
        };
        search.visit(Path::new(DEFAULT), Expected::IfThere, true);
        let listed: Vec<PathBuf> = search
            .instances
            .iter()
            .flat_map(listed_directories)
            .collect();
        for directory in listed {
            search.visit(&directory, Expected::Surely, false);
        }
        for directory in search.named_alike() {
            search.visit(&directory, Expected::IfThere, false);
        }
        search.report_shared_names();
        let Search {
            mut instances,
            problems,
            ..
        } = search;
        instances.sort_by(|a, b| {
            a.name()
                .cmp(b.name())
                .then_with(|| a.config_directory().cmp(b.config_directory()))
        });
        Parsed {
            value: Self {
                instances,
                root: root.clone(),
            },
            problems,
        }
    }

    /// The instances, sorted by name.
    pub fn instances(&self) -> &[Instance] {
        &self.instances
    }

    /// The instance in /etc/postfix, if there is one.
    pub fn default_instance(&self) -> Option<&Instance> {
        self.instances.iter().find(|instance| instance.is_default())
    }

    /// Where the host's files are.
    pub(super) fn root(&self) -> &Root {
        &self.root
    }
}

/// What /etc/hostname below `root` says: the first word that is no comment (hostname(5)). `None` if there is none.
pub fn hostname_of(root: &Root) -> Option<String> {
    let path = resolve(root, Path::new("/etc/hostname")).ok()?;
    let text = read_regular(&root.under(&path)).ok()?;
    let text = String::from_utf8_lossy(&text);
    let mut names = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with('#'));
    names.next().map(str::to_owned)
}

/// The configuration directories that the default instance lists, in order.
fn listed_directories(default: &Instance) -> Vec<PathBuf> {
    let parameters = default.parameters();
    let mut listed = parameters.paths("multi_instance_directories");
    listed.extend(parameters.paths("alternate_config_directories"));
    listed
}

#[derive(PartialEq, Eq)]
enum Expected {
    /// Somebody named the directory: it is a problem if it is not there.
    Surely,
    /// A directory of that name need not be an instance's.
    IfThere,
}

struct Search<'a> {
    root: &'a Root,
    hostname: &'a str,
    /// Resolved directories, and by which name each was found.
    found: BTreeMap<PathBuf, PathBuf>,
    instances: Vec<Instance>,
    problems: Vec<Problem>,
}

impl Search<'_> {
    fn visit(&mut self, directory: &Path, expected: Expected, is_default: bool) {
        let resolved = match resolve(self.root, directory) {
            Ok(resolved) => resolved,
            Err(error) => return self.tell(directory, &error, &expected),
        };
        if self.found.contains_key(&resolved) {
            return;
        }
        let main_cf = directory.join("main.cf");
        if let Err(error) = fs::symlink_metadata(self.root.under(&resolved.join("main.cf"))) {
            return self.tell(&main_cf, &error, &expected);
        }
        self.found.insert(resolved.clone(), directory.to_path_buf());
        match Instance::load(self.root, self.hostname, directory, resolved, is_default) {
            Ok(instance) => {
                self.problems.extend_from_slice(instance.problems());
                self.instances.push(instance);
            }
            Err(problems) => self.problems.extend(problems),
        }
    }

    fn tell(&mut self, path: &Path, error: &io::Error, expected: &Expected) {
        let absent = matches!(
            error.kind(),
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
        );
        if absent && *expected == Expected::IfThere {
            return;
        }
        let mut what = format!("cannot read it: {error}");
        if *expected == Expected::Surely {
            what.push_str(" (the main.cf in /etc/postfix names this directory)");
        }
        self.problems
            .push(Problem::new(self.root.under(path), what));
    }

    /// Every directory /etc/postfix-*, in byte order.
    fn named_alike(&mut self) -> Vec<PathBuf> {
        let etc = Path::new("/etc");
        let listing = resolve(self.root, etc).and_then(|etc| fs::read_dir(self.root.under(&etc)));
        let mut directories = Vec::new();
        let entries = match listing {
            Ok(entries) => entries,
            Err(error) => {
                self.tell(etc, &error, &Expected::Surely);
                return directories;
            }
        };
        for entry in entries {
            match entry {
                Ok(entry) if entry.file_name().as_encoded_bytes().starts_with(PREFIX) => {
                    directories.push(etc.join(entry.file_name()));
                }
                Ok(_) => {}
                Err(error) => self.tell(etc, &error, &Expected::Surely),
            }
        }
        directories.sort();
        directories
    }

    /// A name that two instances share means both, and neither can be asked for alone but by its directory.
    fn report_shared_names(&mut self) {
        let mut by_name: BTreeMap<&str, &Instance> = BTreeMap::new();
        let mut shared = Vec::new();
        for instance in &self.instances {
            if let Some(first) = by_name.insert(instance.name(), instance) {
                let path = self
                    .root
                    .under(&instance.config_directory().join("main.cf"));
                let what = format!(
                    "the instance is called \"{}\", as is the one in {}",
                    instance.name(),
                    first.config_directory().display()
                );
                shared.push(Problem::new(path, what));
            }
        }
        self.problems.append(&mut shared);
    }
}
