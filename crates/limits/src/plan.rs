//! What a pause would do, before it is done.

use std::net::IpAddr;

use legible::human::age;
use postfix::{Span, count, either};

use crate::limit::Limit;

/// A pause as it would be, and what an admin should know before saying yes.
#[derive(Debug, Clone, PartialEq)]
pub struct PausePlan {
    /// The pause.
    pub limit: Limit,
    /// When it would end, as people read it.
    pub until: String,
    /// How long it would last.
    pub lasts: Span,
    /// Whose mail is meant, in words: `aol (45 domains)`, `all mail`.
    pub whose: String,
    /// What waits; why that is not known.
    pub waiting: Result<Waiting, String>,
    /// Recipients that came in the last hour; why that is not known.
    pub hourly: Result<u64, String>,
    /// When the logs begin, if they do not go back an hour.
    pub begins: Option<String>,
    /// The provider's name, if the instance is named for one.
    pub provider: Option<String>,
    /// The other instances of this host that take mail for the same provider.
    pub siblings: Vec<Sibling>,
    /// Addresses of the provider's relay name that are no instance's of this host; why they are not known.
    pub elsewhere: Result<Vec<IpAddr>, String>,
    /// What else an admin should know.
    pub warnings: Vec<String>,
}

/// Mail of the instance that a pause would keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Waiting {
    /// Deferred messages with such recipients.
    pub deferred: usize,
    /// Messages that the queue manager has in hand, and will try once more.
    pub active: usize,
}

impl Waiting {
    fn words(&self) -> String {
        let active = match self.active {
            0 => String::new(),
            1 => "; 1 in the active queue is tried once more".to_owned(),
            n => format!("; {n} in the active queue are tried once more"),
        };
        match self.deferred {
            1 => format!("1 message stays where it is{active}"),
            n => format!("{} stay where they are{active}", messages(n)),
        }
    }
}

/// Another instance of the same provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sibling {
    /// Its name.
    pub name: String,
    /// Does it take mail for the provider now?
    pub takes: Takes,
    /// Delivery attempts in the last hour: sent, and refused or put off.
    pub last_hour: Option<(u64, u64)>,
    /// Deferred messages.
    pub deferred: Option<u64>,
}

/// Does an instance take mail?
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Takes {
    /// It runs, and nothing is paused.
    Yes,
    /// Why not.
    No(String),
    /// Why that is not known.
    Unknown(String),
}

impl PausePlan {
    /// Why the pause must not be, and what to do then. A provider must not be left without any address.
    pub fn refusal(&self) -> Option<(String, String)> {
        if self
            .siblings
            .iter()
            .any(|sibling| sibling.takes == Takes::Yes)
        {
            return None;
        }
        let hint = "use --last to pause it anyway; mail then waits at the list servers".to_owned();
        let Some(provider) = &self.provider else {
            let what = format!(
                "{} is not named for a provider, so it is not known who would take its mail",
                self.limit.instance
            );
            return Some((what, hint));
        };
        match &self.elsewhere {
            Ok(addresses) if !addresses.is_empty() => None,
            Ok(_) => Some((
                format!("{provider} would be left without any address that takes mail"),
                hint,
            )),
            Err(why) => Some((
                format!(
                    "no other instance of this host is known to take mail for {provider}, nor whether another host \
                     does: {why}"
                ),
                hint,
            )),
        }
    }

    /// Is there a sibling of which nothing is known?
    pub fn is_unknown(&self) -> bool {
        let mut all = self.siblings.iter();
        all.any(|sibling| matches!(sibling.takes, Takes::Unknown(_)))
    }

    /// The plan for people, a line each.
    pub fn lines(&self) -> Vec<String> {
        let limit = &self.limit;
        let mut lines = vec![format!("pause {}: {}", limit.instance, self.whose)];
        lines.push(format!("  until      {} ({})", self.until, age(self.lasts)));
        if let Some(reason) = &limit.reason {
            lines.push(format!("  reason     {reason}"));
        }
        lines.push(match &self.waiting {
            Ok(waiting) => format!("  waiting    {}", waiting.words()),
            Err(why) => format!("  waiting    not known: {why}"),
        });
        lines.push(match &self.hourly {
            Ok(recipients) => format!(
                "  comes      {} in the last hour{}, which {} elsewhere or {} at the list servers",
                count(*recipients, "recipient"),
                self.begins
                    .as_ref()
                    .map_or_else(String::new, |at| format!(" (the log begins {at})")),
                either(*recipients, "goes", "go"),
                either(*recipients, "waits", "wait")
            ),
            Err(why) => format!("  comes      not known: {why}"),
        });
        for sibling in &self.siblings {
            lines.push(format!("  sibling    {}", sibling.line()));
        }
        match (&self.elsewhere, self.provider.is_some()) {
            (Ok(addresses), _) => lines.extend(
                addresses
                    .iter()
                    .map(|ip| format!("  elsewhere  {ip}, on another host")),
            ),
            (Err(why), true) => lines.push(format!("  elsewhere  not known: {why}")),
            (Err(_), false) => {}
        }
        lines.extend(
            self.warnings
                .iter()
                .map(|warning| format!("  note       {warning}")),
        );
        lines
    }
}

impl Sibling {
    fn line(&self) -> String {
        let takes = match &self.takes {
            Takes::Yes => "takes mail".to_owned(),
            Takes::No(why) => format!("takes none: {why}"),
            Takes::Unknown(why) => format!("may take mail: {why}"),
        };
        let mut line = format!("{}: {takes}", self.name);
        if let Some((sent, other)) = self.last_hour {
            line.push_str(&format!("; last hour: {sent} sent, {other} not"));
        }
        if let Some(deferred) = self.deferred {
            line.push_str(&format!("; {deferred} deferred"));
        }
        line
    }
}

fn messages(n: usize) -> String {
    count(n, "message")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limit::{Hold, Pause, Scope};

    fn plan(siblings: Vec<Takes>, elsewhere: Result<Vec<IpAddr>, String>) -> PausePlan {
        let sibling = |takes| Sibling {
            name: "postfix-aol-a".to_owned(),
            takes,
            last_hour: Some((10, 2)),
            deferred: Some(7),
        };
        PausePlan {
            limit: Limit {
                id: "aol-b-1".to_owned(),
                instance: "postfix-aol-b".to_owned(),
                config_directory: "/etc/postfix-aol-b".into(),
                begun: postfix::Time::EPOCH,
                until: Some(postfix::Time::from_seconds(14_400)),
                by: "ada".to_owned(),
                command: String::new(),
                reason: Some("TSS04".to_owned()),
                hold: Hold::Pause(Pause {
                    scope: Scope::All,
                    provider: None,
                    text: String::new(),
                    flush: false,
                }),
            },
            until: "2026-11-24 14:00 +0100".to_owned(),
            lasts: Span::from_hours(4),
            whose: "all mail".to_owned(),
            waiting: Ok(Waiting {
                deferred: 312,
                active: 3,
            }),
            hourly: Ok(1200),
            begins: None,
            provider: Some("aol".to_owned()),
            siblings: siblings.into_iter().map(sibling).collect(),
            elsewhere,
            warnings: vec!["hold on".to_owned()],
        }
    }

    #[test]
    fn no_provider_is_left_without_an_address() {
        let check =
            |siblings: Vec<Takes>, elsewhere: Result<Vec<IpAddr>, &str>, expected: Option<&str>| {
                let refusal = plan(siblings, elsewhere.map_err(str::to_owned)).refusal();
                assert_eq!(refusal.is_some(), expected.is_some(), "{refusal:?}");
                if let (Some((what, hint)), Some(part)) = (refusal, expected) {
                    assert!(what.contains(part), "{what}");
                    assert!(hint.contains("--last"));
                }
            };
        let no = || Takes::No("it is not running".to_owned());
        let ip = || vec!["192.0.2.43".parse().unwrap()];
        check(vec![Takes::Yes], Err("timeout"), None);
        check(vec![no(), Takes::Yes], Ok(Vec::new()), None);
        check(vec![no()], Ok(ip()), None);
        check(
            vec![no()],
            Ok(Vec::new()),
            Some("aol would be left without"),
        );
        check(vec![], Ok(Vec::new()), Some("aol would be left without"));
        check(
            vec![no()],
            Err("timeout"),
            Some("another host does: timeout"),
        );
        check(
            vec![Takes::Unknown("no permission".to_owned())],
            Ok(Vec::new()),
            Some("without any address"),
        );
        let nobodys = PausePlan {
            provider: None,
            ..plan(Vec::new(), Ok(Vec::new()))
        };
        assert!(
            nobodys
                .refusal()
                .unwrap()
                .0
                .contains("not named for a provider")
        );
    }

    #[test]
    fn the_plan_is_read_at_night() {
        let plan = plan(vec![Takes::Yes], Ok(Vec::new()));
        assert_eq!(
            plan.lines().join("\n"),
            "pause postfix-aol-b: all mail\n  \
             until      2026-11-24 14:00 +0100 (4h)\n  \
             reason     TSS04\n  \
             waiting    312 messages stay where they are; 3 in the active queue are tried once more\n  \
             comes      1200 recipients in the last hour, which go elsewhere or wait at the list servers\n  \
             sibling    postfix-aol-a: takes mail; last hour: 10 sent, 2 not; 7 deferred\n  \
             note       hold on"
        );
    }

    #[test]
    fn scopes_in_words() {
        let domains = |n: usize| Scope::Domains((0..n).map(|n| format!("d{n}.example")).collect());
        assert_eq!(domains(1).whose(None), "d0.example");
        assert_eq!(
            domains(5).whose(None),
            "d0.example, d1.example, d2.example and 2 more domains"
        );
        assert_eq!(domains(45).whose(Some("aol")), "aol (45 domains)");
    }
}
