//! Shares that equal A records cannot give: by the weights of SRV records.
//!
//! Postfix 3.8 and later asks for `_smtp._tcp.NAME` where use_srv_lookup has `smtp` and the transport map has the name
//! without brackets (postconf(5)); of the records of one priority it takes one at random, by weight (RFC 2782,
//! `src/dns/dns_rr.c`, dns_srv_rr_sort). So each old address gets one weight, the new one another.

use std::net::IpAddr;

/// All weights together, about: shares to a tenth of a percent and finer, far below the 65,535 of one.
const SUM: u32 = 10_000;

/// What the records of the old addresses and of the new one weigh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weights {
    /// Each old one.
    pub old: u16,
    /// The new one.
    pub new: u16,
}

impl Weights {
    /// Those that give the new address `wanted` of the mail beside so many old ones, and not more: a half at most, or
    /// an equal part where that is more.
    pub fn within(wanted: f64, old: usize) -> Self {
        let count = u32::try_from(old.max(1)).unwrap_or(SUM).min(SUM);
        let most = wanted.min(0.5_f64.max(1.0 / (f64::from(count) + 1.0)));
        // What is cut off makes the old ones' part greater.
        let new = (most * f64::from(SUM)).floor().max(1.0) as u32;
        let each = (SUM - new).div_ceil(count).max(1);
        let weight = |n: u32| u16::try_from(n).unwrap_or(u16::MAX);
        Self {
            old: weight(each),
            new: weight(new),
        }
    }

    /// The new address's part of the mail, beside so many old ones.
    pub fn share(self, old: usize) -> f64 {
        let new = f64::from(self.new);
        new / (f64::from(self.old) * old as f64 + new)
    }

    /// Are they none that a plan has?
    pub fn is_damaged(self) -> bool {
        self.old == 0 || self.new == 0
    }

    /// The lines of the zone: the records of `name`'s service, its hosts, and their addresses of this type (`A`,
    /// `AAAA`).
    pub fn zone_lines(
        self,
        name: &str,
        ttl: u32,
        kind: &str,
        old: &[IpAddr],
        new: IpAddr,
    ) -> Vec<String> {
        let hosts = old
            .iter()
            .enumerate()
            .map(|(at, ip)| (format!("old{}.{name}.", at + 1), self.old, ip, ""));
        let new_host = (format!("new1.{name}."), self.new, &new, " ; new");
        let all: Vec<_> = hosts.chain([new_host]).collect();
        let mut lines: Vec<String> = all
            .iter()
            .map(|(host, weight, ..)| {
                format!("_smtp._tcp.{name}. {ttl} IN SRV 10 {weight} 25 {host}")
            })
            .collect();
        lines.extend(
            all.iter()
                .map(|(host, _, ip, mark)| format!("{host} {ttl} IN {kind} {ip}{mark}")),
        );
        // For sending hosts that do not ask for SRV records: equal shares, of the old ones alone.
        lines.extend(old.iter().map(|ip| format!("{name}. {ttl} IN {kind} {ip}")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let check = |wanted: f64, old: usize, weights: (u16, u16)| {
            let found = Weights::within(wanted, old);
            assert_eq!((found.old, found.new), weights, "{wanted} beside {old}");
        };
        check(0.1, 1, (9000, 1000));
        check(0.1, 3, (3000, 1000));
        check(0.01, 2, (4950, 100));
        // 9,500 in three parts: no less than that, so that the new one gets no more.
        check(0.05, 3, (3167, 500));
        check(0.9, 3, (1667, 5000));
        check(0.9, 1, (5000, 5000));
        check(0.0, 1, (9999, 1));
    }

    #[test]
    fn never_more_than_wanted_and_never_far_from_it() {
        for old in 1..=40 {
            for permille in 1..=500 {
                let wanted = f64::from(permille) / 1000.0;
                let share = Weights::within(wanted, old).share(old);
                assert!(share <= wanted + 1e-9, "{wanted} beside {old}: {share}");
                assert!(share >= wanted * 0.99, "{wanted} beside {old}: {share}");
            }
        }
    }

    #[test]
    fn the_lines_of_the_zone() {
        let old = ["192.0.2.41", "192.0.2.43"].map(|ip| ip.parse().unwrap());
        let new = "192.0.2.44".parse().unwrap();
        let lines =
            Weights { old: 45, new: 10 }.zone_lines("aol.smtp.example.org", 600, "A", &old, new);
        assert_eq!(
            lines,
            [
                "_smtp._tcp.aol.smtp.example.org. 600 IN SRV 10 45 25 old1.aol.smtp.example.org.",
                "_smtp._tcp.aol.smtp.example.org. 600 IN SRV 10 45 25 old2.aol.smtp.example.org.",
                "_smtp._tcp.aol.smtp.example.org. 600 IN SRV 10 10 25 new1.aol.smtp.example.org.",
                "old1.aol.smtp.example.org. 600 IN A 192.0.2.41",
                "old2.aol.smtp.example.org. 600 IN A 192.0.2.43",
                "new1.aol.smtp.example.org. 600 IN A 192.0.2.44 ; new",
                "aol.smtp.example.org. 600 IN A 192.0.2.41",
                "aol.smtp.example.org. 600 IN A 192.0.2.43",
            ]
        );
    }
}
