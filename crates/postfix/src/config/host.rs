//! A host and its instances.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};

use super::instance::{Instance, Role};
use super::resolve::{read_regular, resolve};
use crate::{Parsed, Problem, Root};

/// Where the default instance is configured, and what the directories of others are called, both below /etc.
const DEFAULT: &str = "/etc/postfix";
const PREFIX: &[u8] = b"postfix-";

/// A host's Postfix instances.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Host {
    instances: Vec<Instance>,
    unreadable: Vec<PathBuf>,
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
            found: BTreeSet::new(),
            host: Self {
                root: root.clone(),
                ..Self::default()
            },
            problems: Vec::new(),
        };
        search.visit(Path::new(DEFAULT), Role::Default);
        let parameters = search
            .host
            .instances
            .first()
            .map(|default| default.parameters().clone());
        let listed = |name: &str| {
            parameters
                .as_ref()
                .map(|of| of.paths(name))
                .unwrap_or_default()
        };
        for directory in listed("multi_instance_directories") {
            search.visit(&directory, Role::Managed);
        }
        for directory in listed("alternate_config_directories") {
            search.visit(&directory, Role::Alternate);
        }
        for directory in search.named_alike() {
            search.visit(&directory, Role::NamedAlike);
        }
        search.report_shared_names();
        let Search {
            mut host, problems, ..
        } = search;
        host.instances.sort_by(|a, b| {
            a.name()
                .cmp(b.name())
                .then_with(|| a.config_directory().cmp(b.config_directory()))
        });
        Parsed {
            value: host,
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

    /// Configuration directories, as the host names them, of instances that could not be read; the problems say why.
    pub fn unreadable(&self) -> &[PathBuf] {
        &self.unreadable
    }

    /// Where the host's files are.
    pub(super) fn root(&self) -> &Root {
        &self.root
    }
}

/// What /etc/hostname below `root` says: the first word that is not a comment (hostname(5)). `None` if there is none.
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

struct Search<'a> {
    root: &'a Root,
    hostname: &'a str,
    /// Directories that have been looked at, resolved.
    found: BTreeSet<PathBuf>,
    host: Host,
    problems: Vec<Problem>,
}

impl Search<'_> {
    /// Takes in the instance that is configured in `directory`, if it is a new one.
    fn visit(&mut self, directory: &Path, role: Role) {
        let resolved = match resolve(self.root, directory) {
            Ok(resolved) => resolved,
            Err(error) => return self.report(directory, &error, role),
        };
        let main_cf = self.root.under(&resolved.join("main.cf"));
        match fs::symlink_metadata(main_cf) {
            Err(error) if is_absent(&error) => {
                return self.report(&directory.join("main.cf"), &error, role);
            }
            // Any other error occurs again, and is reported, when the file is read.
            _ if !self.found.insert(resolved.clone()) => return,
            _ => {}
        }
        match Instance::load(self.root, self.hostname, directory, resolved, role) {
            Ok(instance) => {
                self.problems.extend_from_slice(instance.problems());
                self.host.instances.push(instance);
            }
            Err(problems) => {
                self.problems.extend(problems);
                self.host.unreadable.push(directory.to_path_buf());
            }
        }
    }

    /// A missing directory is a problem only if somebody named it.
    fn report(&mut self, path: &Path, error: &io::Error, role: Role) {
        let named = matches!(role, Role::Managed | Role::Alternate);
        if is_absent(error) && !named {
            return;
        }
        let mut what = format!("cannot read it: {error}");
        if named {
            what.push_str(" (the main.cf in /etc/postfix names this directory)");
        }
        self.problems
            .push(Problem::new(self.root.under(path), what));
        let directory = match path.file_name() {
            Some(name) if name == "main.cf" => path.parent().unwrap_or(path),
            _ => path,
        };
        self.host.unreadable.push(directory.to_path_buf());
    }

    /// Every directory /etc/postfix-*, in byte order.
    fn named_alike(&mut self) -> Vec<PathBuf> {
        let etc = Path::new("/etc");
        let listed = resolve(self.root, etc)
            .and_then(|etc| fs::read_dir(self.root.under(&etc)))
            .and_then(|entries| {
                entries
                    .map(|entry| Ok(entry?.file_name()))
                    .collect::<io::Result<Vec<_>>>()
            });
        let names = listed.unwrap_or_else(|error| {
            let what = format!("cannot search it for instances: {error}");
            self.problems.push(Problem::new(self.root.under(etc), what));
            Vec::new()
        });
        let alike = names
            .iter()
            .filter(|name| name.as_bytes().starts_with(PREFIX));
        let mut directories: Vec<PathBuf> = alike.map(|name| etc.join(name)).collect();
        directories.sort();
        directories
    }

    /// A name that two instances share means both, and neither can be asked for alone but by its directory.
    fn report_shared_names(&mut self) {
        let mut by_name: BTreeMap<&str, &Instance> = BTreeMap::new();
        let mut shared = Vec::new();
        for instance in &self.host.instances {
            if let Some(first) = by_name.insert(instance.name(), instance) {
                let path = self
                    .root
                    .under(&instance.config_directory().join("main.cf"));
                let what = format!(
                    "the instance is named \"{}\", like the one in {}",
                    instance.name(),
                    first.config_directory().display()
                );
                shared.push(Problem::new(path, what));
            }
        }
        self.problems.append(&mut shared);
    }
}

fn is_absent(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}
