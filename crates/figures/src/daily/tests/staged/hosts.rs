//! Hosts that are made up, each from a seed: how many instances, how busy, how regular, and what has happened to them.

/// A pseudo-random sequence (splitmix64), so that a failure can be repeated.
pub(super) struct Chance(u64);

impl Chance {
    /// The sequence of this seed.
    pub(super) fn new(seed: u64) -> Self {
        let mut chance = Self(seed);
        // Seeds that are near each other are not to begin alike.
        chance.0 = chance.next() ^ seed.rotate_left(32);
        chance
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// From 0 to 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// One of `n`.
    pub(super) fn one_of(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    /// Does it happen, with this probability?
    pub(super) fn is(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// From `low` to `high`, all alike.
    pub(super) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// From `low` to `high`, small ones as often as great ones.
    fn scaled(&mut self, low: f64, high: f64) -> f64 {
        self.between(low.ln(), high.ln()).exp()
    }

    /// About a normal distribution: the sum of twelve.
    fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.unit()).sum::<f64>() - 6.0
    }

    /// Around `mean`: two thirds within a factor of 1 + `spread`.
    pub(super) fn around(&mut self, mean: f64, spread: f64) -> f64 {
        mean * (self.normal() * spread).exp()
    }

    /// About `mean`, as independent messages come.
    fn arriving(&mut self, mean: f64) -> u64 {
        if mean > 50.0 {
            let n = mean + mean.sqrt() * self.normal();
            return n.max(0.0).round() as u64;
        }
        let (mut n, mut left) = (0, (-mean).exp());
        let mut at = self.unit();
        while at > left && n < 1000 {
            at -= left;
            n += 1;
            left *= mean / n as f64;
        }
        n
    }

    /// How many of `n` are such.
    pub(super) fn of(&mut self, n: u64, share: f64) -> u64 {
        (0..n).filter(|_| self.unit() < share).count() as u64
    }

    /// The same; of many, about.
    pub(super) fn about(&mut self, n: u64, share: f64) -> u64 {
        let mean = n as f64 * share;
        match mean {
            ..20.0 => self.of(n, share),
            _ => {
                let of = mean + (mean * (1.0 - share)).max(0.0).sqrt() * self.normal();
                (of.max(0.0).round() as u64).min(n)
            }
        }
    }

    /// One of three, as often as these parts say.
    pub(super) fn pick(&mut self, parts: &[f64; 3]) -> usize {
        let at = self.unit();
        match parts {
            [first, ..] if at < *first => 0,
            [first, second, _] if at < first + second => 1,
            _ => 2,
        }
    }
}

/// A kind of host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A few instances with a few dozen messages a day, or fewer.
    Quiet,
    /// Some instances with hundreds a day.
    Normal,
    /// Up to thousands, of very different instances, on days that differ much.
    Noisy,
}

impl Kind {
    pub(super) const ALL: [Self; 3] = [Self::Quiet, Self::Normal, Self::Noisy];
}

/// Where mail goes.
pub(super) const PROVIDERS: [&str; 3] = ["aol", "msn", "therest"];

/// An instance of such a host.
pub(super) struct Instance {
    /// Deliveries on a working day.
    pub(super) volume: f64,
    /// What of them is done on Saturday and Sunday.
    weekend: f64,
    /// What part of them goes to which provider.
    pub(super) parts: [f64; 3],
    /// What is bounced, deferred, blocked on a usual day.
    shares: [f64; 3],
    /// A list that goes out once a week: on which day, and by how much more there is then.
    list: Option<(u64, f64)>,
}

/// What has happened once.
enum Past {
    /// Nothing was delivered, and on the next day the more.
    Outage,
    /// Most was put off.
    Deferred,
    /// The address was blocked.
    Blocked,
}

/// A host.
pub(super) struct Host {
    seed: u64,
    /// Its instances.
    pub(super) instances: Vec<Instance>,
    /// How much days differ from each other in their volume and their shares.
    spread: (f64, f64),
    /// Which day of the week day 0 is; Monday is 0.
    pub(super) first: u64,
    /// It has so many times as much each day.
    growth: f64,
    past: Option<(u64, usize, Past)>,
    holidays: Vec<u64>,
    /// On so many days, a provider puts some of its mail off for an hour or so.
    whims: f64,
}

impl Host {
    /// A host of a kind, with `before` days of its past and `judged` days after them.
    pub(super) fn new(kind: Kind, seed: u64, before: u64, judged: u64) -> Self {
        let mut chance = Chance::new(seed);
        let (many, volumes, volume_spread, share_spread) = match kind {
            Kind::Quiet => (1 + chance.one_of(4), (4.0, 120.0), (0.08, 0.2), (0.1, 0.2)),
            Kind::Normal => (
                4 + chance.one_of(7),
                (80.0, 2000.0),
                (0.06, 0.18),
                (0.1, 0.25),
            ),
            Kind::Noisy => (
                3 + chance.one_of(12),
                (10.0, 4000.0),
                (0.12, 0.22),
                (0.15, 0.3),
            ),
        };
        let many = match chance.is(0.05) {
            true => 40,
            false => many,
        };
        let [bounced, deferred, blocked] = match kind {
            Kind::Quiet => [(0.003, 0.04), (0.005, 0.05), (0.0002, 0.002)],
            Kind::Normal => [(0.005, 0.045), (0.01, 0.08), (0.0002, 0.004)],
            Kind::Noisy => [(0.01, 0.055), (0.03, 0.11), (0.0005, 0.006)],
        };
        // Of a host that is known for less than a week, neither can be told from an incident.
        let is_odd = before > 6;
        let weekend = match is_odd && chance.is(0.1) {
            true => 0.0,
            false => chance.between(0.2, 1.1),
        };
        let instances = (0..many).map(|_| Instance {
            volume: chance.scaled(volumes.0, volumes.1),
            weekend: weekend * chance.between(0.8, 1.2),
            parts: match chance.is(0.3) {
                true => [1.0, 0.0, 0.0],
                false => [0.6, 0.25, 0.15],
            },
            shares: [bounced, deferred, blocked].map(|(low, high)| chance.scaled(low, high)),
            list: match is_odd && chance.is(0.25) {
                true => Some((chance.one_of(7) as u64, chance.between(2.0, 6.0))),
                false => None,
            },
        });
        let mut instances: Vec<Instance> = instances.collect();
        // Of less on a whole host, nothing can be said from one day.
        instances[0].volume = instances[0].volume.max(40.0);
        let past = (before > 2 && chance.is(0.4)).then(|| {
            let what = match chance.one_of(3) {
                0 => Past::Outage,
                1 => Past::Deferred,
                _ => Past::Blocked,
            };
            let day = chance.one_of(before as usize - 2) as u64;
            (day, chance.one_of(many), what)
        });
        let mut holidays = Vec::new();
        if before > 0 && chance.is(0.5) {
            holidays.push(chance.one_of(before as usize) as u64);
        }
        if chance.is(0.25) {
            holidays.push(before + chance.one_of(judged as usize) as u64);
        }
        Self {
            seed,
            instances,
            spread: (
                chance.between(volume_spread.0, volume_spread.1),
                chance.between(share_spread.0, share_spread.1),
            ),
            first: chance.one_of(7) as u64,
            growth: chance.between(0.995, 1.012),
            past,
            holidays,
            whims: match kind {
                Kind::Quiet => 0.02,
                Kind::Normal => 0.05,
                Kind::Noisy => 0.09,
            },
        }
    }

    /// From which hour to which a provider puts what part of its mail off on this day, on all instances, if any.
    pub(super) fn whim(&self, provider: usize, day: u64) -> Option<(usize, usize, f64)> {
        let seed = self.seed.wrapping_mul(67).wrapping_add(day);
        let mut chance = Chance::new(seed ^ ((provider as u64 + 1) << 40));
        let is_odd = chance.is(self.whims);
        let from = chance.one_of(22);
        let hours = 1 + chance.one_of(2);
        is_odd.then(|| (from, from + hours, chance.between(0.2, 0.7)))
    }

    /// How many recipients of an instance, of those that were put off on a day, this part being stuck, are for days.
    pub(super) fn stuck(&self, at: usize, day: u64, part: f64) -> u64 {
        let mut chance = Chance::new(self.seed ^ (day << 20) ^ ((at as u64 + 1) << 40));
        let [_, deferred, _] = self.instances[at].shares;
        chance.arriving(self.expected(at, day) * deferred * part)
    }

    /// About how many deliveries an instance has on a day.
    pub(super) fn expected(&self, at: usize, day: u64) -> f64 {
        let instance = &self.instances[at];
        let weekday = (self.first + day) % 7;
        let mut volume = instance.volume * self.growth.powi(day as i32);
        if weekday > 4 || self.is_holiday(day) {
            volume *= instance.weekend;
        }
        match instance.list {
            Some((of, times)) if of == weekday => volume.max(instance.volume * 0.3) * times,
            _ => volume,
        }
    }

    /// Is it a day of the week on which it has as little as on the weekend?
    pub(super) fn is_holiday(&self, day: u64) -> bool {
        self.holidays.contains(&day)
    }

    /// About how many deliveries all of them have on a day.
    pub(super) fn expected_of_all(&self, day: u64) -> f64 {
        (0..self.instances.len())
            .map(|at| self.expected(at, day))
            .sum()
    }

    /// A day of an instance: its volume, what is bounced, deferred and blocked of it, and what decides the rest.
    pub(super) fn plan(&self, at: usize, day: u64) -> (u64, [f64; 3], Chance) {
        let (volumes, shares) = self.spread;
        let mut all = Chance::new(self.seed.wrapping_mul(31).wrapping_add(day));
        let mut chance = Chance::new(self.seed ^ (day << 24) ^ ((at as u64 + 1) << 48));
        // A third of what days differ by, all instances have alike.
        let mut volume = all.around(self.expected(at, day), volumes / 3.0);
        volume = chance.around(volume, volumes);
        let mut of = self.instances[at].shares;
        for share in &mut of {
            *share = all.around(*share, shares / 3.0);
            *share = chance.around(*share, shares);
        }
        match &self.past {
            Some((that, whose, what)) if *whose == at && *that == day => match what {
                Past::Outage => volume = 0.0,
                Past::Deferred => of[1] = 0.6,
                Past::Blocked => of[2] = 0.4,
            },
            Some((that, whose, Past::Outage)) if *whose == at && that + 1 == day => volume *= 1.8,
            _ => {}
        }
        (chance.arriving(volume), of, chance)
    }
}
