//! Whose lines are asked for.

use std::collections::{BTreeSet, HashMap};

use globset::{Glob, GlobMatcher};
use postfix::config::{Host, Instance};
use postfix::log::Names;
use postfix::{Parsed, escape};

use crate::failure::Failure;
use crate::site::Site;

/// Names of a log that a message lists.
const MOST_TOLD: usize = 50;

/// The instances of a host, and which of them are asked for.
#[derive(Debug)]
pub struct Selection<'a> {
    /// Every configured syslog name: it takes all of them to know whose a tag is.
    pub names: Names,
    /// Names of single services, and the syslog names of their instances.
    owners: HashMap<&'a str, &'a str>,
    /// The configured instances that are asked for; all, if no name was given.
    pub instances: Vec<&'a Instance>,
    /// Names that the logs may know: those that are not configured here, and globs, which may fit more than what is.
    foreign: Vec<Foreign>,
    /// Was any name given?
    named: bool,
    /// Are the logs this host's own, so that all its instances are known?
    own_logs: bool,
}

/// A name that the logs may know.
#[derive(Debug)]
struct Foreign {
    arg: String,
    pattern: GlobMatcher,
    /// It is known nowhere else.
    must_be_seen: bool,
}

/// Whose the names are that single services log under. One that two instances have, or that is an instance's own, is
/// nobody's.
fn owners(instances: &[Instance]) -> HashMap<&str, &str> {
    let mut owners: HashMap<&str, Option<&str>> = HashMap::new();
    for instance in instances {
        for name in instance.other_syslog_names() {
            let owner = owners.entry(name).or_insert(Some(instance.syslog_name()));
            if *owner != Some(instance.syslog_name()) {
                *owner = None;
            }
        }
    }
    let is_own = |name: &str| instances.iter().any(|i| i.syslog_name() == name);
    let known = owners.into_iter().filter(|(name, _)| !is_own(name));
    known
        .filter_map(|(name, owner)| Some((name, owner?)))
        .collect()
}

impl Foreign {
    fn is(&self, name: &str) -> bool {
        self.pattern.is_match(name) || matches_bare(&self.pattern, name)
    }
}

impl<'a> Selection<'a> {
    /// Finds the instances that `args` name. A name that is not configured here is an error, unless the logs may be
    /// another host's: then it is looked for in them.
    ///
    /// # Errors
    /// A name that nothing answers to, or that cannot be one.
    pub fn new(
        site: &Site,
        host: &'a Parsed<Host>,
        args: &[String],
        foreign_logs: bool,
    ) -> anyhow::Result<Self> {
        let configured = host.value.instances().iter().map(Instance::syslog_name);
        let configured: Vec<&str> = configured.collect();
        // One whose configuration cannot be read has its mail, too; its name is its directory's, mostly.
        let unreadable = host.value.unreadable().iter();
        let unreadable = unreadable.filter_map(|path| path.file_name()?.to_str());
        let owners = owners(host.value.instances());
        let aliases = owners.keys().copied();
        let names = match configured.is_empty() {
            true => Names::default(),
            false => Names::new(configured.iter().copied().chain(unreadable).chain(aliases)),
        };
        let mut selection = Self {
            names,
            owners,
            instances: Vec::new(),
            foreign: Vec::new(),
            named: !args.is_empty(),
            own_logs: !foreign_logs,
        };
        if !foreign_logs || args.is_empty() {
            selection.instances = crate::instances::select(site, host, args)?;
            return Ok(selection);
        }
        for arg in args {
            let found = host.value.select(std::slice::from_ref(arg));
            let must_be_seen = found.is_err();
            selection.instances.extend(found.unwrap_or_default());
            if must_be_seen || arg.contains(['*', '?', '[', '{']) {
                selection.foreign.push(Foreign {
                    arg: arg.clone(),
                    pattern: pattern(arg)?,
                    must_be_seen,
                });
            }
        }
        Ok(selection)
    }

    /// The syslog names to be shown even if they have no deliveries: those that were named.
    pub fn asked_for(&self) -> Vec<String> {
        if self.named {
            self.syslog_names().map(str::to_owned).collect()
        } else {
            Vec::new()
        }
    }

    /// The syslog names of the configured instances that are asked for.
    pub fn syslog_names(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().map(|i| i.syslog_name())
    }

    /// The syslog name of the instance one of whose services logs under this name instead (`-o syslog_name=` in
    /// master.cf).
    pub fn owner(&self, name: &[u8]) -> Option<&'a [u8]> {
        let name = std::str::from_utf8(name).ok()?;
        self.owners.get(name).map(|owner| owner.as_bytes())
    }

    /// Are names without a configured instance asked for, too?
    pub fn takes_all(&self) -> bool {
        !self.named
    }

    /// Does a name in this host's own logs belong to none of its instances? Anyone who may write to syslog makes such
    /// up.
    pub fn is_stray(&self, name: &[u8]) -> bool {
        self.is_own() && !self.names.has(name)
    }

    /// Are the logs those of a host whose instances are all known?
    pub fn is_own(&self) -> bool {
        self.own_logs && !self.names.is_empty()
    }

    /// Is an instance with this syslog name configured?
    pub fn is_configured(&self, name: &[u8]) -> bool {
        self.names.has(name)
    }

    /// Is an instance with this syslog name asked for?
    pub fn wants(&self, instance: &[u8]) -> bool {
        if !self.named || self.syslog_names().any(|n| n.as_bytes() == instance) {
            return true;
        }
        let name = String::from_utf8_lossy(instance);
        self.foreign.iter().any(|foreign| foreign.is(&name))
    }

    /// Was every name that only the logs could know met in them?
    ///
    /// # Errors
    /// One was not; the names that were are reported.
    pub fn check_all_seen(&self, seen: &BTreeSet<Vec<u8>>) -> anyhow::Result<()> {
        for foreign in self.foreign.iter().filter(|f| f.must_be_seen) {
            let mut names = seen.iter().map(|n| String::from_utf8_lossy(n));
            if !names.any(|name| foreign.is(&name)) {
                let arg = &foreign.arg;
                let known = seen.iter().take(MOST_TOLD);
                let known: Vec<_> = known.map(|n| escape(n).to_string()).collect();
                let more = seen.len().saturating_sub(MOST_TOLD);
                let known = match (known.as_slice(), more) {
                    ([], _) => "the logs hold no deliveries".to_owned(),
                    (names, 0) => format!("the logs know: {}", names.join(", ")),
                    (names, more) => {
                        format!("the logs know: {} ({more} more)", names.join(", "))
                    }
                };
                return Err(Failure::new(format!("no such instance: {arg}; {known}")).into());
            }
        }
        Ok(())
    }
}

fn matches_bare(pattern: &GlobMatcher, name: &str) -> bool {
    name.strip_prefix("postfix-")
        .is_some_and(|bare| pattern.is_match(bare))
}

/// A name as `Host::select` takes it, where no configuration is at hand.
fn pattern(arg: &str) -> anyhow::Result<GlobMatcher> {
    let name = arg.trim_end_matches('/');
    let name = name.strip_prefix("/etc/").unwrap_or(name);
    let name = if name == "-" { "postfix" } else { name };
    match Glob::new(name) {
        Ok(glob) => Ok(glob.compile_matcher()),
        Err(e) => Err(Failure::new(format!("not an instance name: {arg}"))
            .because(e)
            .into()),
    }
}
