//! Whose lines are asked for.

use std::collections::BTreeSet;

use cli::{Context, Failure};
use globset::{Glob, GlobMatcher};
use postfix::config::{Host, Instance};
use postfix::log::Names;
use postfix::{Parsed, escape};

/// The instances of a host, and which of them are asked for.
pub(crate) struct Selection<'a> {
    /// Every configured syslog name: it takes all of them to know whose a tag is.
    pub(crate) names: Names,
    /// The configured instances that are asked for; all, if no name was given.
    pub(crate) instances: Vec<&'a Instance>,
    /// Names that only the logs can know.
    foreign: Vec<(String, GlobMatcher)>,
    /// Was any name given?
    named: bool,
}

impl<'a> Selection<'a> {
    /// Finds the instances that `args` name. A name that is not configured here is an error, unless the logs may be
    /// another host's: then it is looked for in them.
    pub(crate) fn new(
        cx: &Context,
        host: &'a Parsed<Host>,
        args: &[String],
        foreign_logs: bool,
    ) -> anyhow::Result<Self> {
        let names = Names::new(host.value.instances().iter().map(Instance::syslog_name));
        let mut selection = Self {
            names,
            instances: Vec::new(),
            foreign: Vec::new(),
            named: !args.is_empty(),
        };
        if !foreign_logs || args.is_empty() {
            selection.instances = cli::instances::select(cx, host, args)?;
            return Ok(selection);
        }
        for arg in args {
            match host.value.select(std::slice::from_ref(arg)) {
                Ok(found) => selection.instances.extend(found),
                Err(_) => selection.foreign.push((arg.clone(), pattern(arg)?)),
            }
        }
        Ok(selection)
    }

    /// The syslog names to be shown even if they have no deliveries: those that were named.
    pub(crate) fn asked_for(&self) -> Vec<String> {
        if self.named {
            self.syslog_names().map(str::to_owned).collect()
        } else {
            Vec::new()
        }
    }

    /// The syslog names of the configured instances that are asked for.
    pub(crate) fn syslog_names(&self) -> impl Iterator<Item = &str> {
        self.instances.iter().map(|i| i.syslog_name())
    }

    /// Are names without a configured instance asked for, too?
    pub(crate) fn takes_all(&self) -> bool {
        !self.named
    }

    /// Is an instance with this syslog name asked for?
    pub(crate) fn wants(&self, instance: &[u8]) -> bool {
        if !self.named || self.syslog_names().any(|n| n.as_bytes() == instance) {
            return true;
        }
        let name = String::from_utf8_lossy(instance);
        self.foreign
            .iter()
            .any(|(_, pattern)| pattern.is_match(&*name) || matches_bare(pattern, &name))
    }

    /// Was every name that only the logs could know met in them?
    pub(crate) fn check_all_seen(&self, seen: &BTreeSet<Vec<u8>>) -> anyhow::Result<()> {
        for (arg, pattern) in &self.foreign {
            let met = seen.iter().any(|name| {
                let name = String::from_utf8_lossy(name);
                pattern.is_match(&*name) || matches_bare(pattern, &name)
            });
            if !met {
                let known: Vec<_> = seen.iter().map(|n| escape(n).to_string()).collect();
                let known = match known.as_slice() {
                    [] => "the logs hold no deliveries".to_owned(),
                    names => format!("the logs know: {}", names.join(", ")),
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
        Err(e) => Err(Failure::new(format!("this is no instance name: {arg}"))
            .because(e)
            .into()),
    }
}
