//! Is the DNS of a relay in order? What the big mailbox providers ask of a host that sends them mail.

use std::fmt;
use std::net::IpAddr;

use crate::spf::{self, SpfResult, check_host};
use crate::{Answer, Data, Failure, Lookup, Name, Rtype, name, reverse_name};

/// The time to live, in seconds, that the address record of a relay's name must have at least: providers that look it
/// up again and again take a short one for a sign of a host that will be gone tomorrow.
pub const MIN_TTL: u32 = 86_400;

/// The time to live, in seconds, that a provider's relay name may have at most: an address that is taken out of it gets
/// mail for as long.
pub const MAX_RELAY_TTL: u32 = 600;

mod provider;
mod relay_name;

pub use relay_name::{addresses, is_by_wildcard, is_kept, is_nobody};

const NO_SUCH_NAME: &str = "no such name";

/// As many names or addresses as are reported of a wrong record.
const MOST: usize = 3;

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Check {
    /// The HELO name has an address record for the address.
    Host,
    /// Its time to live is [`MIN_TTL`] or more, as the zone's own servers have it.
    Ttl,
    /// The PTR record of the address names the HELO name, which resolves back.
    Ptr,
    /// The provider's relay name (`aol.smtp.example.org`) lists the address, for [`MAX_RELAY_TTL`] at most.
    Provider,
    /// The SPF records of the HELO name, if it has one, and of the site's domain, by which receivers judge the sender's
    /// address, let the address send.
    Spf,
}

impl Check {
    /// All of them, in the order in which to fix what is wrong.
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

    /// Does mail suffer where it is wrong? If not, it should only be fixed.
    pub fn is_severe(self) -> bool {
        matches!(self, Self::Host | Self::Ptr | Self::Spf)
    }
}

impl fmt::Display for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The result of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckState {
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
pub struct CheckResult {
    /// What was looked at.
    pub check: Check,
    /// The name that was asked for; empty where none was.
    pub asked: String,
    /// The result.
    pub outcome: CheckState,
    /// What was found, in a few words. May quote strangers' text.
    pub detail: String,
    /// Of [`Check::Provider`]: how many addresses the relay name has, if this one is among them; else 0.
    pub listed: usize,
    /// What the records say that were found, in order: addresses, names, SPF records.
    pub records: Vec<String>,
    /// The name that they are of, where CNAME records led to another than [`Self::asked`].
    pub alias: Option<String>,
}

/// What a check came across on its way.
#[derive(Default)]
struct Trail {
    listed: usize,
    records: Vec<String>,
    alias: Option<String>,
}

impl Trail {
    fn addresses(&mut self, answer: &Answer) -> Vec<IpAddr> {
        let mut addresses: Vec<IpAddr> = answer.addresses().collect();
        // In one order, whatever the server's.
        addresses.sort_unstable();
        self.records = addresses.iter().map(ToString::to_string).collect();
        self.alias = answer.alias.as_ref().map(ToString::to_string);
        addresses
    }
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
    pub fn check(&self, lookup: &dyn Lookup, check: Check) -> CheckResult {
        let mut seen = Trail::default();
        let result = match check {
            Check::Host => self.host(lookup, &mut seen),
            Check::Ttl => self.ttl(lookup, &mut seen),
            Check::Ptr => self.ptr(lookup, &mut seen),
            Check::Provider => self.provider(lookup, &mut seen),
            Check::Spf => self.spf(lookup, &mut seen),
        };
        let (asked, (outcome, detail)) = match result {
            Ok((asked, found)) => (asked, found),
            Err(Ended { asked, found }) => (asked, found),
        };
        CheckResult {
            check,
            asked,
            outcome,
            detail: clipped(detail),
            listed: seen.listed,
            records: seen.records,
            alias: seen.alias,
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
                CheckState::Wrong,
                format!("\"{}\" is not a host name; set smtp_helo_name", self.helo),
            )
        })
    }

    /// Does `name` have an address record for the address?
    fn lists(&self, lookup: &dyn Lookup, name: &Name, seen: &mut Trail) -> Result<Judged, Ended> {
        let answer = lookup
            .ask(name, self.rtype())
            .map_err(|why| Ended::unknown(name, &why))?;
        let addresses = seen.addresses(&answer);
        if addresses.contains(&self.address) {
            let among = match addresses.len() {
                1 => format!("is {}", self.address),
                n => format!("is {} and {} more", self.address, n - 1),
            };
            return Ok((CheckState::Ok, among));
        }
        if addresses.is_empty() {
            return Ok((CheckState::Wrong, self.nothing(&answer, self.rtype())));
        }
        let found = listed(&addresses);
        Ok((
            CheckState::Wrong,
            format!("is {found}, not {}", self.address),
        ))
    }

    fn nothing(&self, answer: &Answer, rtype: Rtype) -> String {
        if answer.no_such_name {
            NO_SUCH_NAME.to_owned()
        } else {
            format!("has no {rtype} record")
        }
    }

    fn host(&self, lookup: &dyn Lookup, seen: &mut Trail) -> Checked {
        let helo = self.helo_name()?;
        let found = self.lists(lookup, &helo, seen)?;
        Ok((helo.to_string(), found))
    }

    fn ttl(&self, lookup: &dyn Lookup, seen: &mut Trail) -> Checked {
        let helo = self.helo_name()?;
        let remembered = lookup
            .ask(&helo, self.rtype())
            .map_err(|why| Ended::unknown(&helo, &why))?;
        let skipped = || {
            let what = format!("has no {} record", self.rtype());
            Ended::new(&helo, CheckState::Skipped, what)
        };
        seen.addresses(&remembered);
        let remembered = remembered.ttl().ok_or_else(skipped)?;
        // What is kept for so long now was given for no less.
        if remembered >= MIN_TTL {
            return Ok((
                helo.to_string(),
                (CheckState::Ok, format!("{remembered} s")),
            ));
        }
        let answer = lookup.ask_authority(&helo, self.rtype()).map_err(|why| {
            let what = format!(
                "the resolver caches it for {remembered} s more; the zone's own TTL is not known: {why}"
            );
            Ended::new(&helo, CheckState::Unknown, what)
        })?;
        let ttl = answer.ttl().ok_or_else(skipped)?;
        let found = if ttl >= MIN_TTL {
            (CheckState::Ok, format!("{ttl} s"))
        } else {
            let what = format!("{ttl} s; it should be {MIN_TTL} or more");
            (CheckState::Wrong, what)
        };
        Ok((helo.to_string(), found))
    }

    fn ptr(&self, lookup: &dyn Lookup, seen: &mut Trail) -> Checked {
        let reverse = reverse_name(self.address)
            .ok_or_else(|| Ended::new("", CheckState::Skipped, String::new()))?;
        let answer = lookup
            .ask(&reverse, Rtype::PTR)
            .map_err(|why| Ended::unknown(&reverse, &why))?;
        let mut names: Vec<&Name> = answer
            .records
            .iter()
            .filter_map(|record| match &record.data {
                Data::Ptr(name) => Some(name),
                _ => None,
            })
            .collect();
        names.sort_unstable();
        seen.records = names.iter().map(ToString::to_string).collect();
        seen.alias = answer.alias.as_ref().map(ToString::to_string);
        let asked = reverse.to_string();
        if names.is_empty() {
            let what = self.nothing(&answer, Rtype::PTR);
            return Ok((asked, (CheckState::Wrong, what)));
        }
        let helo = self.helo_name()?;
        if !names.contains(&&helo) {
            let what = format!("names {}, not {helo}", listed(&names));
            return Ok((asked, (CheckState::Wrong, what)));
        }
        let found = match self.lists(lookup, &helo, &mut Trail::default())? {
            (CheckState::Ok, _) if names.len() == 1 => (CheckState::Ok, format!("names {helo}")),
            (CheckState::Ok, _) => {
                let others = names.len() - 1;
                (CheckState::Ok, format!("names {helo} and {others} more"))
            }
            (_, what) => {
                let what = match what.as_str() {
                    NO_SUCH_NAME => "the name does not exist".to_owned(),
                    _ => format!("it {what}"),
                };
                let what = format!("names {helo}, which does not resolve back: {what}");
                (CheckState::Wrong, what)
            }
        };
        Ok((asked, found))
    }

    /// The HELO name's record counts if it has one; the site's domain, whose record receivers judge the sender's
    /// address by, must have one.
    fn spf(&self, lookup: &dyn Lookup, seen: &mut Trail) -> Checked {
        let helo = self.helo_name()?;
        let own = self.spf_of(lookup, &helo);
        let domain = name(&self.domain).filter(|domain| *domain != helo);
        let (asked, found) = match (own, domain) {
            (None, None) => {
                let what = "has no SPF record".to_owned();
                (helo.to_string(), (CheckState::Wrong, what))
            }
            (Some(found), None) => (helo.to_string(), found),
            (Some(found), Some(_)) if found.0 != CheckState::Ok => (helo.to_string(), found),
            (own, Some(domain)) => match (own, self.spf_of(lookup, &domain)) {
                (Some(own), Some((CheckState::Ok, _))) => (helo.to_string(), own),
                (_, Some(found)) => (domain.to_string(), found),
                (None, None) => {
                    let what = format!("has no SPF record, nor has {domain}");
                    (helo.to_string(), (CheckState::Wrong, what))
                }
                (Some(_), None) => {
                    let what = "has no SPF record, which receivers check for the sender's address"
                        .to_owned();
                    (domain.to_string(), (CheckState::Wrong, what))
                }
            },
        };
        seen.records = name(&asked).map_or_else(Vec::new, |of| spf::records(lookup, &of));
        Ok((asked, found))
    }

    /// What the record of a domain says of the address; nothing where it has none.
    fn spf_of(&self, lookup: &dyn Lookup, domain: &Name) -> Option<Judged> {
        let verdict = check_host(lookup, self.address, ("postmaster", domain), &self.helo);
        let by = verdict
            .by
            .map_or_else(String::new, |by| format!(" by {by}"));
        Some(match verdict.result {
            SpfResult::None => return None,
            SpfResult::Pass => (CheckState::Ok, format!("passes{by}")),
            SpfResult::TempError(name, why) if name == domain.to_string() => {
                (CheckState::Unknown, why.to_string())
            }
            SpfResult::TempError(name, why) => (CheckState::Unknown, format!("{name}: {why}")),
            SpfResult::PermError(why) => (CheckState::Wrong, format!("invalid record: {why}")),
            other => (
                CheckState::Wrong,
                format!("{other}{by}: it does not cover {}", self.address),
            ),
        })
    }
}

/// An outcome and what was found.
type Judged = (CheckState, String);

/// The name asked for, and what was found.
type Checked = Result<(String, Judged), Ended>;

/// A check that ended early.
struct Ended {
    asked: String,
    found: Judged,
}

impl Ended {
    fn new(asked: impl ToString, outcome: CheckState, detail: String) -> Self {
        Self {
            asked: asked.to_string(),
            found: (outcome, detail),
        }
    }

    fn unknown(asked: &Name, why: &Failure) -> Self {
        Self::new(asked, CheckState::Unknown, why.to_string())
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

fn listed<T: ToString>(all: &[T]) -> String {
    let mut few: Vec<String> = all.iter().take(MOST).map(ToString::to_string).collect();
    if all.len() > MOST {
        few.push(format!("{} more", all.len() - MOST));
    }
    few.join(", ")
}
