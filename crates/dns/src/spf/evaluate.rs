//! check_host() (RFC 7208, section 4).

use std::net::IpAddr;
use std::sync::Arc;

use super::macros::{Facts, MacroString};
use super::record::{self, Cidr, Mechanism, Qualifier, Record};
use super::{MAX_LOOKUPS, SpfResult, Verdict};
use crate::{Answer, Data, Failure, Lookup, Name, Rtype, reverse_name};

/// As many lookups without a record as are allowed.
const MAX_VOID: u32 = 2;

/// As many mail exchangers, or names of an address, as are looked at in one term.
const MAX_NAMES: usize = 10;

/// Why the work ended early.
#[derive(Debug)]
enum Stop {
    Permanent(String),
    Temporary(String, Failure),
}

/// May `ip` send mail of `local`@`domain`, for a host that calls itself `helo`? The domain may be the HELO name itself;
/// the local part is then postmaster (section 2.4).
pub fn check_host(
    lookup: &dyn Lookup,
    ip: IpAddr,
    (local, domain): (&str, &Name),
    helo: &str,
) -> Verdict {
    let mut evaluation = Evaluation {
        lookup,
        facts: Facts {
            ip: ip.to_canonical(),
            helo: helo.to_owned(),
            local: local.to_owned(),
            domain: domain.to_string(),
        },
        lookups: 0,
        void: 0,
    };
    let (result, by) = match evaluation.check(domain) {
        Ok(Some((qualifier, by))) => (result(qualifier), by),
        Ok(None) => (SpfResult::None, None),
        Err(Stop::Permanent(why)) => (SpfResult::PermError(why), None),
        Err(Stop::Temporary(name, why)) => (SpfResult::TempError(name, why), None),
    };
    Verdict {
        result,
        by,
        lookups: evaluation.lookups,
    }
}

fn result(qualifier: Qualifier) -> SpfResult {
    match qualifier {
        Qualifier::Pass => SpfResult::Pass,
        Qualifier::Fail => SpfResult::Fail,
        Qualifier::SoftFail => SpfResult::SoftFail,
        Qualifier::Neutral => SpfResult::Neutral,
    }
}

struct Evaluation<'a> {
    lookup: &'a dyn Lookup,
    facts: Facts,
    lookups: u32,
    void: u32,
}

/// What a record comes to, and the term of it that decided.
type Decided = (Qualifier, Option<String>);

impl Evaluation<'_> {
    /// `None` if the domain has no record.
    fn check(&mut self, domain: &Name) -> Result<Option<Decided>, Stop> {
        let Some(record) = self.record(domain)? else {
            return Ok(None);
        };
        for directive in &record.directives {
            if self.matches(&directive.mechanism, domain)? {
                return Ok(Some((directive.qualifier, Some(directive.text.clone()))));
            }
        }
        // Not reached where there is an "all" (section 6.1).
        let Some(target) = &record.redirect else {
            return Ok(Some((Qualifier::Neutral, None)));
        };
        self.count()?;
        let text = target.expand(&self.facts, &domain.to_string());
        let target = crate::name(&text)
            .ok_or_else(|| Stop::Permanent(format!("redirect={text} is not a domain")))?;
        match self.check(&target)? {
            Some((qualifier, by)) => {
                let by = by.map(|by| format!("redirect={text}, {by}"));
                Ok(Some((qualifier, by)))
            }
            None => Err(Stop::Permanent(format!(
                "redirect={text}: that domain has no SPF record"
            ))),
        }
    }

    fn record(&mut self, domain: &Name) -> Result<Option<Record>, Stop> {
        let answer = self.ask(domain, Rtype::TXT)?;
        let mut records = answer
            .records
            .iter()
            .filter_map(|record| match &record.data {
                Data::Txt(text) if record::is_spf(text) => Some(text),
                _ => None,
            });
        let Some(text) = records.next() else {
            return Ok(None);
        };
        if records.next().is_some() {
            return Err(Stop::Permanent(format!("{domain} has two SPF records")));
        }
        let parsed = record::parse(text);
        parsed
            .map(Some)
            .map_err(|why| Stop::Permanent(format!("{domain}: {why}")))
    }

    fn matches(&mut self, mechanism: &Mechanism, domain: &Name) -> Result<bool, Stop> {
        match mechanism {
            Mechanism::All => Ok(true),
            Mechanism::Ip4(network, bits) => {
                Ok(is_within(self.facts.ip, IpAddr::V4(*network), *bits))
            }
            Mechanism::Ip6(network, bits) => {
                Ok(is_within(self.facts.ip, IpAddr::V6(*network), *bits))
            }
            Mechanism::Include(target) => self.include(target, domain),
            Mechanism::A(target, cidr) => {
                self.count()?;
                let Some(target) = self.target(target.as_ref(), domain) else {
                    return Ok(false);
                };
                let answer = self.addresses(&target)?;
                self.count_void(&answer)?;
                Ok(self.is_among(&answer, *cidr))
            }
            Mechanism::Mx(target, cidr) => self.mx(target.as_ref(), *cidr, domain),
            Mechanism::Ptr(target) => self.ptr(target.as_ref(), domain),
            Mechanism::Exists(target) => {
                self.count()?;
                let Some(target) = self.target(Some(target), domain) else {
                    return Ok(false);
                };
                let answer = self.ask(&target, Rtype::A)?;
                self.count_void(&answer)?;
                Ok(!answer.records.is_empty())
            }
        }
    }

    fn include(&mut self, target: &MacroString, domain: &Name) -> Result<bool, Stop> {
        self.count()?;
        let text = target.expand(&self.facts, &domain.to_string());
        let none = || Stop::Permanent(format!("include:{text}: that domain has no SPF record"));
        let target = crate::name(&text).ok_or_else(none)?;
        let (qualifier, _) = self.check(&target)?.ok_or_else(none)?;
        Ok(qualifier == Qualifier::Pass)
    }

    fn mx(
        &mut self,
        target: Option<&MacroString>,
        cidr: Cidr,
        domain: &Name,
    ) -> Result<bool, Stop> {
        self.count()?;
        let Some(target) = self.target(target, domain) else {
            return Ok(false);
        };
        let answer = self.ask(&target, Rtype::MX)?;
        self.count_void(&answer)?;
        if answer.records.len() > MAX_NAMES {
            return Err(Stop::Permanent(format!(
                "mx: {target} has more than {MAX_NAMES} mail exchangers"
            )));
        }
        for record in &answer.records {
            if let Data::Mx(_, exchange) = &record.data {
                let answer = self.addresses(exchange)?;
                self.count_void(&answer)?;
                if self.is_among(&answer, cidr) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn ptr(&mut self, target: Option<&MacroString>, domain: &Name) -> Result<bool, Stop> {
        self.count()?;
        let (Some(target), Some(reverse)) =
            (self.target(target, domain), reverse_name(self.facts.ip))
        else {
            return Ok(false);
        };
        // A lookup that fails is not a match here (section 5.5).
        let Ok(answer) = self.ask(&reverse, Rtype::PTR) else {
            return Ok(false);
        };
        self.count_void(&answer)?;
        for record in answer.records.iter().take(MAX_NAMES) {
            if let Data::Ptr(host) = &record.data
                && host.ends_with(&target)
                && let Ok(answer) = self.addresses(host)
                && answer.addresses().any(|ip| ip == self.facts.ip)
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The domain that a term is about; `None` if it names none, which then matches nothing.
    fn target(&self, target: Option<&MacroString>, domain: &Name) -> Option<Name> {
        match target {
            None => Some(domain.clone()),
            Some(target) => crate::name(&target.expand(&self.facts, &domain.to_string())),
        }
    }

    fn addresses(&self, name: &Name) -> Result<Arc<Answer>, Stop> {
        let rtype = match self.facts.ip {
            IpAddr::V4(_) => Rtype::A,
            IpAddr::V6(_) => Rtype::AAAA,
        };
        self.ask(name, rtype)
    }

    fn is_among(&self, answer: &Answer, cidr: Cidr) -> bool {
        answer.addresses().any(|ip| {
            let bits = if ip.is_ipv4() { cidr.v4 } else { cidr.v6 };
            is_within(self.facts.ip, ip, bits)
        })
    }

    fn ask(&self, name: &Name, rtype: Rtype) -> Result<Arc<Answer>, Stop> {
        self.lookup
            .ask(name, rtype)
            .map_err(|why| Stop::Temporary(name.to_string(), why))
    }

    /// Counts a term that asks the DNS.
    fn count(&mut self) -> Result<(), Stop> {
        if self.lookups == MAX_LOOKUPS {
            return Err(Stop::Permanent(format!(
                "more than {MAX_LOOKUPS} terms need DNS lookups"
            )));
        }
        self.lookups += 1;
        Ok(())
    }

    /// Counts a lookup that found nothing.
    fn count_void(&mut self, answer: &Answer) -> Result<(), Stop> {
        if !answer.records.is_empty() {
            return Ok(());
        }
        self.void += 1;
        if self.void > MAX_VOID {
            return Err(Stop::Permanent(format!(
                "more than {MAX_VOID} lookups find nothing"
            )));
        }
        Ok(())
    }
}

/// Do the first `bits` of both agree? Never over two families.
fn is_within(ip: IpAddr, network: IpAddr, bits: u8) -> bool {
    let (difference, width) = match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => {
            (u128::from(ip.to_bits() ^ network.to_bits()), 32_u32)
        }
        (IpAddr::V6(ip), IpAddr::V6(network)) => (ip.to_bits() ^ network.to_bits(), 128),
        _ => return false,
    };
    let behind = width.saturating_sub(u32::from(bits));
    difference.checked_shr(behind).unwrap_or(0) == 0
}
