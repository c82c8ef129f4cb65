//! Is the DNS of a relay in order? What the big mailbox providers ask of a host that sends them mail.

use std::fmt;
use std::net::IpAddr;

use crate::spf::{SpfResult, check_host};
use crate::{Answer, Data, Failure, Lookup, Name, Rtype, name, reverse_name};

/// The time to live, in seconds, that the address record of a relay's name must have at least: providers that look it up
/// again and again take a short one for a sign of a host that will be gone tomorrow.
pub const MIN_TTL: u32 = 86_400;

/// As many names or addresses as are told of a wrong record.
const MAX_TOLD: usize = 3;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The HELO name has an address record for the address.
    Host,
    /// Its time to live is [`MIN_TTL`] or more, as the zone's own servers have it.
    Ttl,
    /// The PTR record of the address names the HELO name, which resolves back.
    Ptr,
    /// The provider's relay name (`aol.smtp.example.org`) lists the address.
    Provider,
    /// The SPF record of the HELO name, or else of the site's domain, lets the address send.
    Spf,
}

impl Check {
    /// All of them, in the order in which to mend what is wrong.
    pub const ALL: [Self; 5] = [Self::Host, Self::Ttl, Self::Ptr, Self::Provider, Self::Spf];

    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Ttl => "ttl",
            Self::Ptr => "ptr",
            Self::Provider => "provider",
            Self::Spf => "spf",
        }
    }

    /// Does mail suffer where it is wrong? Else it is only to be mended.
    pub fn is_severe(self) -> bool {
        matches!(self, Self::Host | Self::Ptr | Self::Spf)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What came of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// In order.
    Ok,
    /// Wrong.
    Wrong,
    /// It could not be found out.
    Unknown,
    /// There is nothing to be checked.
    Skipped,
}

/// A check's result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was looked at.
    pub check: Check,
    /// The name that was asked for; empty where none was.
    pub asked: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What was found, in a few words. May quote strangers' text.
    pub detail: String,
}

/// A host that sends mail from an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relay {
    /// What it calls itself.
    pub helo: String,
    /// Where it sends from.
    pub address: IpAddr,
    /// The name under which all the relays of its provider are found; none for a relay of no provider.
    pub provider_name: Option<String>,
    /// The site's domain.
    pub domain: String,
}

impl Relay {
    /// Looks at one thing.
    pub fn check(&self, lookup: &dyn Lookup, check: Check) -> Finding {
        let result = match check {
            Check::Host => self.host(lookup),
            Check::Ttl => self.ttl(lookup),
            Check::Ptr => self.ptr(lookup),
            Check::Provider => self.provider(lookup),
            Check::Spf => self.spf(lookup),
        };
        let (asked, (outcome, detail)) = match result {
            Ok((asked, found)) => (asked, found),
            Err(Ended { asked, found }) => (asked, found),
        };
        Finding {
            check,
            asked,
            outcome,
            detail: clipped(detail),
        }
    }

    fn rtype(&self) -> Rtype {
        match self.address {
            IpAddr::V4(_) => Rtype::A,
            IpAddr::V6(_) => Rtype::AAAA,
        }
    }

    /// The HELO name as a name of the DNS.
    fn helo_name(&self) -> Result<Name, Ended> {
        name(&self.helo).ok_or_else(|| {
            Ended::new(
                &self.helo,
                Outcome::Wrong,
                format!("\"{}\" is no host name; set smtp_helo_name", self.helo),
            )
        })
    }

    /// Does `name` have an address record for the address?
    fn lists(&self, lookup: &dyn Lookup, name: &Name) -> Result<Found, Ended> {
        let answer = lookup
            .ask(name, self.rtype())
            .map_err(|why| Ended::unknown(name, &why))?;
        let addresses: Vec<IpAddr> = answer.addresses().collect();
        if addresses.contains(&self.address) {
            let among = match addresses.len() {
                1 => format!("is {}", self.address),
                n => format!("is {} and {} more", self.address, n - 1),
            };
            return Ok((Outcome::Ok, among));
        }
        if addresses.is_empty() {
            return Ok((Outcome::Wrong, self.nothing(&answer, self.rtype())));
        }
        let told = told(&addresses);
        Ok((Outcome::Wrong, format!("is {told}, not {}", self.address)))
    }

    fn nothing(&self, answer: &Answer, rtype: Rtype) -> String {
        if answer.no_such_name {
            "no such name".to_owned()
        } else {
            format!("has no {rtype} record")
        }
    }

    fn host(&self, lookup: &dyn Lookup) -> Checked {
        let helo = self.helo_name()?;
        let found = self.lists(lookup, &helo)?;
        Ok((helo.to_string(), found))
    }

    fn ttl(&self, lookup: &dyn Lookup) -> Checked {
        let helo = self.helo_name()?;
        let remembered = lookup
            .ask(&helo, self.rtype())
            .map_err(|why| Ended::unknown(&helo, &why))?;
        let skipped = || {
            let what = format!("has no {} record", self.rtype());
            Ended::new(&helo, Outcome::Skipped, what)
        };
        let remembered = remembered.ttl().ok_or_else(skipped)?;
        // What is kept for so long now was given for no less.
        if remembered >= MIN_TTL {
            return Ok((helo.to_string(), (Outcome::Ok, format!("{remembered} s"))));
        }
        let answer = lookup.ask_authority(&helo, self.rtype()).map_err(|why| {
            let what = format!(
                "the resolver will keep it for {remembered} s more; how long the zone says, is not known: {why}"
            );
            Ended::new(&helo, Outcome::Unknown, what)
        })?;
        let ttl = answer.ttl().ok_or_else(skipped)?;
        let found = if ttl >= MIN_TTL {
            (Outcome::Ok, format!("{ttl} s"))
        } else {
            let what = format!("{ttl} s; it should be {MIN_TTL} or more");
            (Outcome::Wrong, what)
        };
        Ok((helo.to_string(), found))
    }

    fn ptr(&self, lookup: &dyn Lookup) -> Checked {
        let reverse = reverse_name(self.address)
            .ok_or_else(|| Ended::new("", Outcome::Skipped, String::new()))?;
        let answer = lookup
            .ask(&reverse, Rtype::PTR)
            .map_err(|why| Ended::unknown(&reverse, &why))?;
        let names: Vec<&Name> = answer
            .records
            .iter()
            .filter_map(|record| match &record.data {
                Data::Ptr(name) => Some(name),
                _ => None,
            })
            .collect();
        let asked = reverse.to_string();
        if names.is_empty() {
            let what = self.nothing(&answer, Rtype::PTR);
            return Ok((asked, (Outcome::Wrong, what)));
        }
        let helo = self.helo_name()?;
        if !names.contains(&&helo) {
            let what = format!("names {}, not {helo}", told(&names));
            return Ok((asked, (Outcome::Wrong, what)));
        }
        let found = match self.lists(lookup, &helo)? {
            (Outcome::Ok, _) if names.len() == 1 => (Outcome::Ok, format!("names {helo}")),
            (Outcome::Ok, _) => {
                let others = names.len() - 1;
                (Outcome::Ok, format!("names {helo} and {others} more"))
            }
            (_, what) => {
                let what = format!("names {helo}, which does not resolve back: it {what}");
                (Outcome::Wrong, what)
            }
        };
        Ok((asked, found))
    }

    fn provider(&self, lookup: &dyn Lookup) -> Checked {
        let Some(text) = &self.provider_name else {
            let why = "the instance is named for no provider".to_owned();
            return Err(Ended::new("", Outcome::Skipped, why));
        };
        let relays = name(text)
            .ok_or_else(|| Ended::new(text, Outcome::Wrong, "no host name".to_owned()))?;
        let found = self.lists(lookup, &relays)?;
        Ok((relays.to_string(), found))
    }

    fn spf(&self, lookup: &dyn Lookup) -> Checked {
        let helo = self.helo_name()?;
        let mut without = Vec::new();
        for domain in [Some(helo), name(&self.domain)].into_iter().flatten() {
            if without.contains(&domain.to_string()) {
                continue;
            }
            let verdict = check_host(lookup, self.address, ("postmaster", &domain), &self.helo);
            let by = verdict
                .by
                .map_or_else(String::new, |by| format!(" by {by}"));
            let asked = domain.to_string();
            let found = match verdict.result {
                SpfResult::None => {
                    without.push(asked);
                    continue;
                }
                SpfResult::Pass => (Outcome::Ok, format!("passes{by}")),
                SpfResult::TempError(name, why) if name == asked => {
                    (Outcome::Unknown, why.to_string())
                }
                SpfResult::TempError(name, why) => (Outcome::Unknown, format!("{name}: {why}")),
                SpfResult::PermError(why) => (Outcome::Wrong, format!("no valid record: {why}")),
                other => (
                    Outcome::Wrong,
                    format!("{other}{by}: it does not cover {}", self.address),
                ),
            };
            return Ok((asked, found));
        }
        let asked = without.first().cloned().unwrap_or_default();
        let others = without
            .get(1)
            .map_or_else(String::new, |domain| format!(", nor has {domain}"));
        Ok((
            asked,
            (Outcome::Wrong, format!("has no SPF record{others}")),
        ))
    }
}

/// An outcome and what was found.
type Found = (Outcome, String);

/// The name asked for, and what was found.
type Checked = Result<(String, Found), Ended>;

/// A check that ended early.
struct Ended {
    asked: String,
    found: Found,
}

impl Ended {
    fn new(asked: impl ToString, outcome: Outcome, detail: String) -> Self {
        Self {
            asked: asked.to_string(),
            found: (outcome, detail),
        }
    }

    fn unknown(asked: &Name, why: &Failure) -> Self {
        Self::new(asked, Outcome::Unknown, why.to_string())
    }
}

/// A record's text may be 64 KiB long.
fn clipped(mut text: String) -> String {
    const MAX: usize = 300;
    if let Some((end, _)) = text.char_indices().nth(MAX) {
        text.truncate(end);
        text.push_str("..");
    }
    text
}

fn told<T: ToString>(all: &[T]) -> String {
    let mut told: Vec<String> = all.iter().take(MAX_TOLD).map(ToString::to_string).collect();
    if all.len() > MAX_TOLD {
        told.push(format!("{} more", all.len() - MAX_TOLD));
    }
    told.join(", ")
}
