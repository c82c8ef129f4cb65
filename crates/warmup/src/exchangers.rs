//! Shares that equal A records cannot give: by mail exchangers of one preference.
//!
//! Of a name without brackets, Postfix takes the addresses of all its mail exchangers of the best preference together,
//! and puts them into random order (`src/smtp/smtp_addr.c`, smtp_domain_addr: dns_rr_shuffle). An address that several
//! of them have is in it several times. So names that lead to the old addresses, as many as it takes, beside such that
//! lead to the new one give it any share. Each old address is behind each of the old names: they keep equal parts among
//! themselves.

use std::net::IpAddr;

/// The most addresses that a sending host gets for one name: Postfix 3.7 and later drop what is beyond 100 records.
const MOST_ADDRESSES: usize = 100;

/// So much of what could be had at best is near enough, with fewer names.
const NEAR: f64 = 0.95;

/// How many names lead to the old addresses, and to the new one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Names {
    /// Names that each lead to all old addresses.
    pub old: usize,
    /// Names that lead to the new one.
    pub new: usize,
}

impl Names {
    /// Those that give the new address as much as they can of `wanted` beside this many old ones, and no more: a half
    /// at most, or an equal part where that is more. The least that there can be, where that is too much.
    pub fn within(wanted: f64, old: usize) -> Self {
        let most = wanted.min(0.5_f64.max(1.0 / (old as f64 + 1.0)));
        let mut all: Vec<Self> = (1..=MOST_ADDRESSES)
            .flat_map(|new| (1..=MOST_ADDRESSES).map(move |names| Self { old: names, new }))
            .filter(|names| names.addresses(old) <= MOST_ADDRESSES)
            .collect();
        all.sort_by_key(|names| names.addresses(old));
        let fitting = |names: &&Self| names.share(old) <= most;
        let best = all.iter().filter(fitting).map(|names| names.share(old));
        let best = best.fold(0.0, f64::max);
        let near = |names: &&Self| fitting(names) && names.share(old) >= best * NEAR;
        let least = || {
            all.iter()
                .min_by(|a, b| a.share(old).total_cmp(&b.share(old)))
        };
        let found = all.iter().find(near).or_else(least);
        found.copied().unwrap_or(Self { old: 1, new: 1 })
    }

    /// The new address's part of the mail, beside this many old ones.
    pub fn share(self, old: usize) -> f64 {
        self.new as f64 / self.addresses(old) as f64
    }

    fn addresses(self, old: usize) -> usize {
        self.old.saturating_mul(old).saturating_add(self.new)
    }

    /// Are they none that a plan has?
    pub fn is_damaged(self) -> bool {
        [self.old, self.new]
            .iter()
            .any(|n| !(1..=MOST_ADDRESSES).contains(n))
    }

    /// The lines of the zone: the exchangers of `name`, and their addresses of this type (`A`, `AAAA`).
    pub fn zone_lines(
        self,
        name: &str,
        ttl: u32,
        kind: &str,
        old: &[IpAddr],
        new: IpAddr,
    ) -> Vec<String> {
        let called = |word: &str, n: usize| format!("{word}{n}.{name}.");
        let old_names: Vec<String> = (1..=self.old).map(|n| called("old", n)).collect();
        let new_names: Vec<String> = (1..=self.new).map(|n| called("new", n)).collect();
        let all = old_names.iter().chain(&new_names);
        let mut lines: Vec<String> = all
            .map(|host| format!("{name}. {ttl} IN MX 10 {host}"))
            .collect();
        for host in &old_names {
            lines.extend(old.iter().map(|ip| format!("{host} {ttl} IN {kind} {ip}")));
        }
        lines.extend(
            new_names
                .iter()
                .map(|host| format!("{host} {ttl} IN {kind} {new} ; new")),
        );
        // For sending hosts whose map has the name in brackets: equal shares, of the old ones alone.
        lines.extend(old.iter().map(|ip| format!("{name}. {ttl} IN {kind} {ip}")));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_hand() {
        let check = |wanted: f64, old: usize, names: (usize, usize)| {
            let found = Names::within(wanted, old);
            assert_eq!((found.old, found.new), names, "{wanted} beside {old}");
        };
        // 1 of 10; 1 of 100 at least.
        check(0.1, 1, (9, 1));
        check(0.001, 1, (99, 1));
        // Three at a time: 1 of 4; a half is 3 of 6; 1 of 10 is 1 beside 9.
        check(0.25, 3, (1, 1));
        check(0.5, 3, (1, 3));
        check(0.9, 3, (1, 3));
        check(0.1, 3, (3, 1));
        // 2 of 5 are better than 1 of 3.
        check(0.42, 1, (3, 2));
    }

    #[test]
    fn never_more_than_wanted_and_never_far_from_it() {
        for old in 1..=20 {
            for percent in 1..=50 {
                let wanted = f64::from(percent) / 100.0;
                let names = Names::within(wanted, old);
                let share = names.share(old);
                let least = 1.0 / (1 + MOST_ADDRESSES / old * old - old) as f64;
                assert!(
                    share <= wanted || share <= least * 1.3,
                    "{wanted} {old}: {names:?}"
                );
                assert!(names.addresses(old) <= MOST_ADDRESSES);
                if wanted > 0.02 {
                    assert!(
                        share >= wanted * 0.66,
                        "{wanted} {old}: {names:?} is {share}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_lines_of_the_zone() {
        let old = ["192.0.2.41", "192.0.2.43"].map(|ip| ip.parse().unwrap());
        let names = Names { old: 2, new: 1 };
        let new = "192.0.2.44".parse().unwrap();
        assert_eq!(
            names.zone_lines("aol.smtp.example.org", 600, "A", &old, new),
            [
                "aol.smtp.example.org. 600 IN MX 10 old1.aol.smtp.example.org.",
                "aol.smtp.example.org. 600 IN MX 10 old2.aol.smtp.example.org.",
                "aol.smtp.example.org. 600 IN MX 10 new1.aol.smtp.example.org.",
                "old1.aol.smtp.example.org. 600 IN A 192.0.2.41",
                "old1.aol.smtp.example.org. 600 IN A 192.0.2.43",
                "old2.aol.smtp.example.org. 600 IN A 192.0.2.41",
                "old2.aol.smtp.example.org. 600 IN A 192.0.2.43",
                "new1.aol.smtp.example.org. 600 IN A 192.0.2.44 ; new",
                "aol.smtp.example.org. 600 IN A 192.0.2.41",
                "aol.smtp.example.org. 600 IN A 192.0.2.43",
            ]
        );
    }
}
