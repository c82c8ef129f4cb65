//! Instances as users type them.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf, absolute};

use globset::GlobBuilder;

use super::host::Host;
use super::instance::Instance;
use super::parameters::address;
use super::resolve::resolve;
use crate::{Root, escape};

/// What directories of instances are called, and what users leave out.
const PREFIX: &str = "postfix-";

/// A name that no instance answers to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown instance \"{}\": {}", escape(.given), names(.known, .unreadable))]
pub struct UnknownInstance {
    /// What the user typed.
    pub given: String,
    /// The names of the host's instances, sorted.
    pub known: Vec<String>,
    /// Where there are more, which could not be read.
    pub unreadable: Vec<PathBuf>,
}

impl UnknownInstance {
    /// What was meant, most likely: the one known name that differs in the writing alone (`AOL-B`, `aolb`), or else by
    /// a slip of a single key; where there are several, the glob that names them, of other letters (`AOL-*`) or of
    /// what they begin with (`aol`).
    pub fn meant(&self) -> Option<String> {
        let bare = |name: &str| name.strip_prefix(PREFIX).unwrap_or(name).to_owned();
        let written = |name: &str| {
            let mut written = name.to_lowercase();
            written.retain(char::is_alphanumeric);
            let prefix = "postfix";
            written.strip_prefix(prefix).unwrap_or(&written).to_owned()
        };
        let given = self.given.trim_end_matches('/');
        let given = given.rsplit('/').next().unwrap_or(given);
        let only = |fits: &dyn Fn(&str) -> bool| {
            let mut fitting = self.known.iter().filter(|known| fits(known));
            fitting.next().filter(|_| fitting.next().is_none())
        };
        let alike = only(&|known| !written(given).is_empty() && written(known) == written(given));
        let typed = bare(&given.to_lowercase());
        // Of a name of two letters, one key is too much of it.
        let slip = || {
            only(&|known| {
                typed.chars().count() > 2 && strsim::osa_distance(&bare(known), &typed) == 1
            })
        };
        let fits = |glob: &str| {
            let glob = GlobBuilder::new(glob).build().map(|g| g.compile_matcher());
            glob.is_ok_and(|glob| self.known.iter().any(|known| glob.is_match(bare(known))))
        };
        let globs = [typed.clone(), format!("{typed}-*")];
        let glob = || globs.iter().find(|glob| glob.contains('*') && fits(glob));
        match alike.or_else(slip) {
            Some(name) => Some(name.clone()),
            None => glob().map(|glob| format!("'{glob}'")),
        }
    }
}

fn names(known: &[String], unreadable: &[PathBuf]) -> String {
    let list = |names: Vec<String>| names.join(", ");
    let mut names = if known.is_empty() {
        "no Postfix instance was found on this host".to_owned()
    } else {
        format!(
            "this host has {}",
            list(known.iter().map(|name| escape(name).to_string()).collect())
        )
    };
    if !unreadable.is_empty() {
        let paths = unreadable
            .iter()
            .map(|path| escape(path.as_os_str().as_bytes()).to_string());
        names.push_str("; not readable: ");
        names.push_str(&list(paths.collect()));
    }
    names
}

impl Host {
    /// The instances that the arguments name, each once, sorted by name; all of them if there is no argument.
    ///
    /// An argument is a name with or without `postfix-` (`aol-b`, `postfix-aol-b`), a configuration directory
    /// (`/etc/postfix-aol-b/`, or its path on this machine), a glob over names (`aol-*`), an address that the
    /// instance sends from, or `-` or `postfix` for the default instance.
    ///
    /// # Errors
    /// The first argument that fits no instance.
    pub fn select(&self, args: &[String]) -> Result<Vec<&Instance>, UnknownInstance> {
        if args.is_empty() {
            return Ok(self.instances().iter().collect());
        }
        let mut chosen = BTreeSet::new();
        for arg in args {
            let found = self.find(arg);
            if found.is_empty() {
                let known = self
                    .instances()
                    .iter()
                    .map(|instance| instance.name().to_owned())
                    .collect();
                return Err(UnknownInstance {
                    given: arg.clone(),
                    known,
                    unreadable: self.unreadable().to_vec(),
                });
            }
            chosen.extend(found);
        }
        Ok(chosen
            .into_iter()
            .filter_map(|at| self.instances().get(at))
            .collect())
    }

    /// The places in `instances` of those that `arg` names. An exact name comes before what it might mean otherwise.
    fn find(&self, arg: &str) -> Vec<usize> {
        let all = |fits: &dyn Fn(&Instance) -> bool| -> Vec<usize> {
            let instances = self.instances().iter().enumerate();
            instances
                .filter(|(_, instance)| fits(instance))
                .map(|(at, _)| at)
                .collect()
        };
        if matches!(arg, "-" | "postfix") {
            return all(&Instance::is_default);
        }
        let name = arg.strip_suffix('/').unwrap_or(arg);
        // What an instance is called counts before what its directory is called.
        let by_name = all(&|instance| variants(instance.name()).any(|known| known == name));
        if !by_name.is_empty() {
            return by_name;
        }
        let by_directory =
            all(&|instance| variants(&directory_name(instance)).any(|known| known == name));
        if !by_directory.is_empty() {
            return by_directory;
        }
        if let Some(ip) = address(arg) {
            return all(&|instance: &Instance| instance.bind_addresses().contains(&ip));
        }
        if arg.contains('/') {
            let places = places(self.root(), Path::new(arg));
            return all(&|instance| {
                places
                    .iter()
                    .any(|place| place == instance.resolved_config_directory())
            });
        }
        match GlobBuilder::new(arg).build() {
            Ok(glob) if arg.contains(['*', '?', '[', '{']) => {
                let glob = glob.compile_matcher();
                all(&|instance| {
                    let directory = directory_name(instance);
                    variants(instance.name())
                        .chain(variants(&directory))
                        .any(|known| glob.is_match(known))
                })
            }
            _ => Vec::new(),
        }
    }
}

fn directory_name(instance: &Instance) -> String {
    instance
        .config_directory()
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// A name with and without the prefix.
fn variants(name: &str) -> impl Iterator<Item = String> {
    let bare = name.strip_prefix(PREFIX).map(str::to_owned);
    let full = (bare.is_none() && name != "postfix").then(|| format!("{PREFIX}{name}"));
    [Some(name.to_owned()), bare, full].into_iter().flatten()
}

/// The configuration directories that a path may mean, as the host names them, resolved: the host's own path, or one
/// of this machine that lies below the root.
fn places(root: &Root, path: &Path) -> Vec<PathBuf> {
    let mut places = Vec::new();
    if path.is_absolute() {
        places.push(path.to_path_buf());
    }
    // As written, since a link in an image may be one that only the host itself can follow; and as it is found here.
    let pairs = [
        (absolute(path), absolute(root.dir())),
        (path.canonicalize(), root.dir().canonicalize()),
    ];
    for (path, root) in pairs {
        if let (Ok(path), Ok(root)) = (path, root)
            && let Ok(below) = path.strip_prefix(root)
        {
            places.push(below.to_path_buf());
        }
    }
    places
        .iter()
        .filter_map(|place| resolve(root, place).ok())
        .collect()
}
