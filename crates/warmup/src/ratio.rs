//! How many A records of old and of new a provider's relay name has, and what that brings.
//!
//! A sending host takes one of the name's addresses at random for each connection, so in the long run each address gets
//! an equal share. Among A records there are no weights, and a name holds each address once: a second record with the
//! same data is the same record (RFC 2181, section 5). One new address beside N old ones so gets 1 / (N + 1) of the
//! mail: what A records can do is to leave out old ones. MX records give any share ([`crate::exchangers`]), and so do
//! SRV records ([`crate::weights`]), where the sending hosts ask for them; without them, a smaller one takes a limit at
//! the new address: see [`crate::intake`].

use std::net::IpAddr;

use crate::exchangers::Names;
use crate::weights::Weights;

/// The records of the relay name that share the mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Records {
    /// A (or AAAA) records: for sending hosts whose map has the name in brackets.
    #[default]
    Addresses,
    /// MX records: for those whose map has it without.
    Exchangers,
    /// SRV records: for those that have use_srv_lookup, too (Postfix 3.8 and later).
    Services,
}

impl Records {
    /// Its word, as in a plan's file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Addresses => "a",
            Self::Exchangers => "mx",
            Self::Services => "srv",
        }
    }
}

/// The DNS share of what is sent.
const MARGIN: f64 = 0.95;

/// The addresses of a provider's relay name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayName {
    /// The name, `aol.smtp.example.org`.
    pub name: String,
    /// Its records' time to live, in seconds.
    pub ttl: u32,
    /// The addresses in it that are not the new one, each once.
    pub old: Vec<IpAddr>,
    /// The new one.
    pub new: IpAddr,
    /// Which of its records share the mail.
    pub records: Records,
}

/// Records of old addresses beside the one of the new.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ratio {
    /// How many old addresses are in the name.
    pub old: usize,
    /// How much mail that brings to the new one, a day, of all that goes to the name.
    pub brings: u64,
    /// What gives unequal parts; absent where A records share the mail.
    pub by: Option<Unequal>,
}

/// What gives the new address another part of the mail than the old ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unequal {
    /// MX records: so many names for each.
    Names(Names),
    /// SRV records: these weights.
    Weights(Weights),
}

impl Unequal {
    /// The new address's part, beside so many old ones.
    pub fn share(self, old: usize) -> f64 {
        match self {
            Self::Names(names) => names.share(old),
            Self::Weights(weights) => weights.share(old),
        }
    }

    /// Is it none that a plan has?
    pub fn is_damaged(self) -> bool {
        match self {
            Self::Names(names) => names.is_damaged(),
            Self::Weights(weights) => weights.is_damaged(),
        }
    }
}

impl Ratio {
    /// The new address's part of the mail.
    pub fn share(&self) -> f64 {
        match self.by {
            Some(by) => by.share(self.old),
            None => 1.0 / (self.old as f64 + 1.0),
        }
    }
}

impl RelayName {
    /// A relay name. Of `listed`, those that are of the new address's family count, but for that one itself.
    pub fn new(name: String, ttl: u32, listed: &[IpAddr], new: IpAddr) -> Self {
        let is_old = |ip: &&IpAddr| ip.is_ipv4() == new.is_ipv4() && **ip != new;
        let mut old: Vec<IpAddr> = listed.iter().filter(is_old).copied().collect();
        old.sort_unstable();
        old.dedup();
        Self {
            name,
            ttl,
            old,
            new,
            records: Records::Addresses,
        }
    }

    /// The records for a day on which `cap` of the `total` that goes to the name may leave the new address: no fewer
    /// old ones than keep its part within the cap; all of them where no number does.
    pub fn ratio(&self, cap: u64, total: u64) -> Ratio {
        let brings = |old: usize| total / (old as u64 + 1);
        let enough = (0..=self.old.len()).find(|&old| brings(old) <= cap);
        let old = enough.unwrap_or(self.old.len());
        Ratio {
            old,
            brings: brings(old),
            by: None,
        }
    }

    /// MX or SRV records that bring `lets_out` of the `total` or somewhat less: it comes at random, and what comes
    /// beyond it waits. `None` where A records share the mail.
    pub fn unequal(&self, lets_out: u64, total: u64) -> Option<Ratio> {
        let old = self.old.len();
        let wanted = lets_out as f64 * MARGIN / total.max(1) as f64;
        let by = match self.records {
            Records::Addresses => return None,
            Records::Exchangers => Unequal::Names(Names::within(wanted, old)),
            Records::Services => Unequal::Weights(Weights::within(wanted, old)),
        };
        Some(Ratio {
            old,
            brings: (total as f64 * by.share(old)).round() as u64,
            by: Some(by),
        })
    }

    /// All old records, and the new one beside them.
    pub fn beside_all(&self, total: u64) -> Ratio {
        let old = self.old.len();
        Ratio {
            old,
            brings: total / (old as u64 + 1),
            by: None,
        }
    }

    /// The lines of the zone, as they then are, and what is taken out of it as a comment.
    pub fn zone_lines(&self, ratio: Ratio) -> Vec<String> {
        let kind = match self.new {
            IpAddr::V4(_) => "A",
            IpAddr::V6(_) => "AAAA",
        };
        let (name, ttl, old) = (self.name.as_str(), self.ttl, self.old.as_slice());
        match ratio.by {
            Some(Unequal::Names(by)) => return by.zone_lines(name, ttl, kind, old, self.new),
            Some(Unequal::Weights(by)) => return by.zone_lines(name, ttl, kind, old, self.new),
            None => {}
        }
        let (kept, dropped) = self.old.split_at(ratio.old.min(self.old.len()));
        let line = |ip: &IpAddr| format!("{}. {} IN {kind} {ip}", self.name, self.ttl);
        let mut lines: Vec<String> = kept.iter().map(line).collect();
        lines.push(format!("{} ; new", line(&self.new)));
        lines.extend(
            dropped
                .iter()
                .map(|ip| format!("; taken out: {}", line(ip))),
        );
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(old: &[&str]) -> RelayName {
        let listed: Vec<IpAddr> = old.iter().map(|ip| ip.parse().unwrap()).collect();
        RelayName::new(
            "aol.smtp.example.org".to_owned(),
            3600,
            &listed,
            "192.0.2.44".parse().unwrap(),
        )
    }

    #[test]
    fn an_address_counts_once_and_the_new_one_is_not_old() {
        let name = name(&[
            "192.0.2.42",
            "192.0.2.41",
            "192.0.2.42",
            "192.0.2.44",
            "2001:db8::1",
        ]);
        assert_eq!(name.old.len(), 2);
    }

    #[test]
    fn as_few_old_ones_as_the_cap_bears() {
        let name = name(&["192.0.2.41", "192.0.2.42", "192.0.2.43"]);
        let check = |cap, old, brings| {
            let by = None;
            assert_eq!(name.ratio(cap, 100_000), Ratio { old, brings, by }, "{cap}");
        };
        // A quarter, a third, a half, all of 100,000.
        check(200, 3, 25_000);
        check(25_000, 3, 25_000);
        check(33_332, 3, 25_000);
        check(33_333, 2, 33_333);
        check(50_000, 1, 50_000);
        check(99_999, 1, 50_000);
        check(100_000, 0, 100_000);
        assert_eq!(name.ratio(200, 100_000).share(), 0.25);
    }

    #[test]
    fn the_lines_of_the_zone() {
        let name = name(&["192.0.2.41", "192.0.2.43"]);
        assert_eq!(
            name.zone_lines(name.ratio(500, 1000)),
            [
                "aol.smtp.example.org. 3600 IN A 192.0.2.41",
                "aol.smtp.example.org. 3600 IN A 192.0.2.44 ; new",
                "; taken out: aol.smtp.example.org. 3600 IN A 192.0.2.43",
            ]
        );
    }
}
