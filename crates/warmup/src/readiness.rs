//! Is a new address ready to send its first message? Each step with what was found and what to do.

mod dns;
mod pace;

use figures::instances::{AddressPlace, Facts, Running};
use figures::verdict::Level;
use postfix::either;

use crate::limits::Limits;
use legible::shell::quoted;

/// What came of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StepState {
    /// In order.
    Pass,
    /// It could not be found out.
    Unknown,
    /// Not in order.
    Fail,
}

impl StepState {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

/// A step of getting ready. The texts may quote what others wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its word: `address`, `helo`, `a`, `ttl`, `ptr`, `spf`, `enabled`, `running`, `pickup`, `rate-delay`,
    /// `concurrency`, `failed-cohort-limit`, `syslog-name`, `relay-name`.
    pub step: &'static str,
    /// What it is about: an address, a name, a parameter. May be empty.
    pub of: String,
    /// The result.
    pub outcome: StepState,
    /// What was found.
    pub found: String,
    /// What to do, a line each; empty where there is nothing.
    pub to_do: Vec<String>,
}

impl Step {
    fn new(
        step: &'static str,
        of: impl Into<String>,
        outcome: StepState,
        found: impl Into<String>,
    ) -> Self {
        Self {
            step,
            of: of.into(),
            outcome,
            found: found.into(),
            to_do: Vec::new(),
        }
    }

    fn pass(step: &'static str, of: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(step, of, StepState::Pass, found)
    }

    /// The same, with a line of what to do.
    #[must_use]
    fn with(mut self, line: impl Into<String>) -> Self {
        self.to_do.push(line.into());
        self
    }
}

/// An instance's steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Readiness {
    /// The instance's name.
    pub instance: String,
    /// In the order in which to take them.
    pub steps: Vec<Step>,
}

impl Readiness {
    /// Looks at the instance at `which` of all of the host's, of which machine and DNS have been asked.
    pub fn of(all: &[Facts], which: &Facts, limits: &Limits) -> Self {
        let mut steps = addresses(all, which);
        steps.push(helo(all, which));
        steps.extend(dns::records(all, which));
        steps.extend([enabled(which), running(which), pickup(which)]);
        steps.extend(queue(which));
        steps.extend(pace::steps(which, limits));
        steps.push(syslog_name(all, which));
        steps.extend(dns::relay_names(which, &steps));
        Self {
            instance: which.name.clone(),
            steps,
        }
    }

    /// The worst of all steps.
    pub fn outcome(&self) -> StepState {
        let outcomes = self.steps.iter().map(|step| step.outcome);
        outcomes.max().unwrap_or(StepState::Unknown)
    }

    /// How many steps came out so.
    pub fn count(&self, outcome: StepState) -> usize {
        self.steps.iter().filter(|s| s.outcome == outcome).count()
    }
}

/// `postconf -c DIR -e 'NAME = VALUE'`, and a reload where the instance runs: its queue manager reads main.cf no
/// sooner.
fn postconf(which: &Facts, name: &str, value: &str) -> String {
    let command = format!(
        "postconf -c {} -e {}",
        quoted(&which.config_directory.to_string_lossy()),
        quoted(&format!("{name} = {value}"))
    );
    match which.running {
        Running::Yes { .. } => format!("{command} && {}", reload(which)),
        _ => command,
    }
}

fn reload(which: &Facts) -> String {
    let directory = which.config_directory.to_string_lossy();
    format!("postfix -c {} reload", quoted(&directory))
}

/// A command in which something is left to be filled in: as a comment, so that pasted as it is it does nothing.
fn to_fill_in(command: &str, what: &str) -> String {
    format!("# {command}  ({what})")
}

/// A command for an address that a person must choose.
fn choose_address(which: &Facts, name: &str) -> String {
    to_fill_in(
        &postconf(which, name, "ADDRESS"),
        "an address of this host that no other instance has",
    )
}

/// The interface that has the addresses of all others of the family, if it is one.
fn interface<'a>(all: &'a [Facts], of: &figures::instances::Sender) -> Option<&'a str> {
    let senders = all.iter().flat_map(|facts| &facts.senders);
    let others = senders
        .filter(|one| one.address.is_ipv4() == of.address.is_ipv4() && !one.address.is_loopback());
    let mut names: Vec<&str> = others
        .filter_map(|one| match &one.place {
            AddressPlace::Interface { name, is_up: true } => Some(name.as_str()),
            _ => None,
        })
        .collect();
    names.sort_unstable();
    names.dedup();
    match *names {
        [name] => Some(name),
        _ => None,
    }
}

fn addresses(all: &[Facts], which: &Facts) -> Vec<Step> {
    if which.senders.is_empty() {
        let found = "the system chooses the address that mail leaves from";
        let step = Step::new("address", "smtp_bind_address", StepState::Fail, found);
        return vec![step.with(choose_address(which, "smtp_bind_address"))];
    }
    let of = |sender| address(all, which, sender);
    let mut steps: Vec<Step> = which.senders.iter().map(of).collect();
    steps.extend(which.strays().into_iter().map(|stray| {
        let step = Step::new("address", stray.parameter, StepState::Fail, stray.found);
        let protocols = stray
            .protocols
            .map(|other| postconf(which, "inet_protocols", other));
        let step = step.with(choose_address(which, stray.parameter));
        protocols.into_iter().fold(step, |step, line| {
            step.with(format!("or, so that mail only leaves by the other: {line}"))
        })
    }));
    steps
}

/// Does this host have the address?
fn address(all: &[Facts], which: &Facts, sender: &figures::instances::Sender) -> Step {
    let address = sender.address.to_string();
    if sender.address.is_loopback() {
        let found = "a loopback address: no mail leaves the machine from there";
        let step = Step::new("address", address, StepState::Fail, found);
        return step.with(choose_address(which, "smtp_bind_address"));
    }
    match &sender.place {
        AddressPlace::Interface { name, is_up: true } => {
            Step::pass("address", address, format!("on {name}"))
        }
        AddressPlace::Interface { name, is_up: false } => {
            let found = format!("on {name}, which is down");
            Step::new("address", address, StepState::Fail, found)
                .with(format!("ip link set dev {} up", quoted(name)))
        }
        AddressPlace::Unusable { name, why } => {
            let found = format!("on {name}, {why}");
            Step::new("address", address, StepState::Fail, found)
        }
        AddressPlace::Missing => {
            let length = if sender.address.is_ipv4() { 32 } else { 128 };
            let add = format!("ip address add {address}/{length} dev");
            let command = match interface(all, sender) {
                Some(name) => format!("{add} {}", quoted(name)),
                None => to_fill_in(&format!("{add} INTERFACE"), "see ip -brief link"),
            };
            Step::new("address", address, StepState::Fail, "on no interface")
                    .with(command)
                    .with("and add it to the host's network configuration, so that it is there after the next boot")
        }
        AddressPlace::Unknown => Step::new(
            "address",
            address,
            StepState::Unknown,
            "in a host image it is not known which interfaces have which address",
        ),
    }
}

fn helo(all: &[Facts], which: &Facts) -> Step {
    let name = which.helo();
    let others = all.iter().filter(|other| {
        other.name != which.name && other.helo() == name && !other.senders.is_empty()
    });
    let others: Vec<&str> = others.map(|other| other.name.as_str()).collect();
    let fail = |found: String| {
        let command = |name: &str| postconf(which, "smtp_helo_name", name);
        let step = Step::new("helo", &which.helo_name, StepState::Fail, found);
        step.with(match ptr(all, which) {
            Some(name) => command(name),
            None => to_fill_in(
                &command("NAME.DOMAIN"),
                "a name of its own, which its address is to resolve back to",
            ),
        })
    };
    if !which.has_full_helo() {
        fail("not a fully qualified host name".to_owned())
    } else if !others.is_empty() {
        fail(format!(
            "{} uses the same name; each address needs its own",
            others.join(", ")
        ))
    } else {
        Step::pass(
            "helo",
            &which.helo_name,
            "a fully qualified host name that no other instance uses",
        )
    }
}

/// The one name that the instance's addresses resolve back to, if it can be its HELO name.
fn ptr<'a>(all: &[Facts], which: &'a Facts) -> Option<&'a str> {
    let checks = which.senders.iter().flat_map(|sender| &sender.dns);
    let mut names = checks
        .filter(|check| check.check == "ptr")
        .flat_map(|check| &check.records);
    let name = names.next()?.trim_end_matches('.');
    let is_taken = || {
        all.iter()
            .any(|other| other.name != which.name && other.helo() == name)
    };
    let is_one = names.all(|other| other.trim_end_matches('.') == name);
    (is_one && name.contains('.') && name != which.helo() && !is_taken()).then_some(name)
}

/// What its programs stumble over in its queue.
fn queue(which: &Facts) -> Vec<Step> {
    let of = || which.queue.path.display().to_string();
    let steps = which.troubles.iter().map(|trouble| {
        let outcome = match trouble.level {
            Level::Critical | Level::Warning => StepState::Fail,
            Level::Unknown => StepState::Unknown,
            Level::Ok => StepState::Pass,
        };
        Step::new("queue", of(), outcome, trouble.text.clone())
    });
    steps.collect()
}

fn enabled(which: &Facts) -> Step {
    let of = "multi_instance_enable";
    if which.is_enabled {
        return Step::pass("enabled", of, "postfix start starts it");
    }
    let found = "postfix start does not start it: check multi_instance_enable, and multi_instance_directories of the \
    default instance";
    Step::new("enabled", of, StepState::Fail, found)
        .with(format!("postmulti -i {} -e enable", quoted(&which.name)))
}

fn running(which: &Facts) -> Step {
    match &which.running {
        Running::Yes { pid: Some(pid), .. } => {
            Step::pass("running", "master", format!("as process {pid}"))
        }
        Running::Yes { pid: None, .. } => Step::pass("running", "master", "it is running"),
        Running::No => {
            Step::new("running", "master", StepState::Fail, "it is not running").with(format!(
                "postfix -c {} start",
                quoted(&which.config_directory.to_string_lossy())
            ))
        }
        Running::Unknown => Step::new(
            "running",
            "master",
            StepState::Unknown,
            "in a host image it is not known what is running",
        ),
        Running::Failed(why) => Step::new("running", "master", StepState::Unknown, why.clone()),
    }
}

fn pickup(which: &Facts) -> Step {
    match which.pickup {
        Some(true) => Step::pass("pickup", "master.cf", "on"),
        Some(false) => {
            let found =
                "no pickup service: mail from queue-move and sendmail would stay in the maildrop";
            Step::new("pickup", "master.cf", StepState::Fail, found)
                .with(format!(
                    "postconf -c {} -M 'pickup/unix=pickup unix n - y 60 1 pickup'",
                    quoted(&which.config_directory.to_string_lossy())
                ))
                .with(reload(which))
        }
        None => Step::new(
            "pickup",
            "master.cf",
            StepState::Unknown,
            "it cannot be read",
        ),
    }
}

fn syslog_name(all: &[Facts], which: &Facts) -> Step {
    let name = &which.syslog_name;
    let others = all
        .iter()
        .filter(|other| other.name != which.name && other.syslog_name == *name);
    let others: Vec<&str> = others.map(|other| other.name.as_str()).collect();
    let fail = |found: String| {
        Step::new("syslog-name", name, StepState::Fail, found).with(postconf(
            which,
            "syslog_name",
            &which.name,
        ))
    };
    if !others.is_empty() {
        fail(format!(
            "{} {} under it too: their mail cannot be distinguished",
            others.join(", "),
            either(others.len(), "logs", "log")
        ))
    } else if *name != which.name {
        fail(format!("it is not the instance's name, {}", which.name))
    } else {
        Step::pass("syslog-name", name, "its own")
    }
}

#[cfg(test)]
mod tests;
