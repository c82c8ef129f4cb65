//! How much may be sent on which sending day.
//!
//! Providers know an address by what it has sent. One that is new, and sends much at once, is what a spammer's looks
//! like; so the volume grows by steps, each small against the one before it, and each held for some days, so that what
//! comes of it (complaints, blocks) is seen before the next.

mod file;

use std::fmt;

pub use file::parse;

/// How far a step may go: up to this many messages a day, by this many percent. The steps of a [`Schedule`] that an
/// admin wrote are held against these too.
pub const LIMITS: [Growth; 4] = [
    Growth::new(50_000, 100),
    Growth::new(100_000, 50),
    Growth::new(250_000, 20),
    Growth::new(u64::MAX, 10),
];

/// The fewest sending days that a level is held.
pub const MIN_DAYS: u32 = 3;

/// The most sending days that a level may be held.
pub const MAX_DAYS: u32 = 60;

/// As many levels as a schedule may have: each is days of somebody's work.
pub const MAX_LEVELS: usize = 500;

/// Growth by at most `percent`, as long as that ends at no more than `to` messages a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Growth {
    /// Messages a day.
    pub to: u64,
    /// Percent of the level before.
    pub percent: u32,
}

impl Growth {
    const fn new(to: u64, percent: u32) -> Self {
        Self { to, percent }
    }
}

/// The most that may follow a day of `cap` messages: of what each entry of the table, sorted by [`Growth::to`], allows,
/// the greatest. So a step that ends in a slower part goes no further than that part allows, or to its beginning.
fn most_after(cap: u64, table: &[Growth]) -> u64 {
    let of = |growth: &Growth| {
        let grown = u128::from(cap) * u128::from(100 + growth.percent) / 100;
        u64::try_from(grown).unwrap_or(u64::MAX).min(growth.to)
    };
    table.iter().map(of).max().unwrap_or(cap)
}

/// Down to three digits, which is what a person can remember of it.
fn rounded(cap: u64) -> u64 {
    let mut unit = 1;
    while cap / unit >= 1000 {
        unit *= 10;
    }
    cap / unit * unit
}

/// A cap, and how long it is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Level {
    /// Messages a day at most.
    pub cap: u64,
    /// Sending days: days on which mail is sent.
    pub days: u32,
}

/// How a schedule goes up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its name: of one of ours, or its file's path.
    pub name: String,
    steps: Steps,
    /// Sending days a level, up to 50,000 messages a day, and above.
    days: (u32, u32),
    /// Steps beyond [`LIMITS`] are meant.
    beyond_limits: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Steps {
    /// From the first cap on, by this table.
    Growing(u64, Vec<Growth>),
    /// These caps.
    Listed(Vec<u64>),
}

/// Why there is no schedule up to a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScheduleError {
    /// A step is greater than [`LIMITS`] allow: from, to, and what would be allowed.
    Steep(u64, u64, u64),
    /// It has more levels than anybody would wait for.
    Endless,
}

impl fmt::Display for ScheduleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Steep(from, to, most) => write!(
                f,
                "the step from {from} to {to} a day is too large: at most {most} is allowed"
            ),
            Self::Endless => write!(f, "it needs more than {MAX_LEVELS} steps"),
        }
    }
}

impl std::error::Error for ScheduleError {}

impl Schedule {
    /// 200 on the first days, then as fast as [`LIMITS`] allow, each level for three sending days; for four above
    /// 50,000.
    pub fn doubling() -> Self {
        Self {
            name: "doubling".to_owned(),
            steps: Steps::Growing(200, LIMITS.to_vec()),
            days: (3, 4),
            beyond_limits: false,
        }
    }

    /// 100 on the first days, then half as fast, each level for four sending days: for a provider that is easily upset,
    /// or an address with a past.
    pub fn gentle() -> Self {
        let half = |growth: Growth| Growth::new(growth.to, growth.percent / 2);
        Self {
            name: "gentle".to_owned(),
            steps: Steps::Growing(100, LIMITS.map(half).to_vec()),
            days: (4, 4),
            beyond_limits: false,
        }
    }

    /// The same, from another first cap on. A list of levels has its own.
    #[must_use]
    pub fn beginning_with(mut self, cap: u64) -> Self {
        if let Steps::Growing(first, _) = &mut self.steps {
            *first = cap;
        }
        self
    }

    /// Does it begin with a cap that is its own affair?
    pub fn is_listed(&self) -> bool {
        matches!(self.steps, Steps::Listed(_))
    }

    /// How much may follow `outflow` messages a day, on the step from a level of `from` to one of `to`: what the
    /// schedule allows at that volume, and no less than this step is itself.
    pub fn most_after(&self, outflow: u64, from: u64, to: u64) -> u64 {
        let table = match &self.steps {
            Steps::Growing(_, table) => table,
            Steps::Listed(_) => &LIMITS[..],
        };
        let as_planned = u128::from(outflow) * u128::from(to) / u128::from(from.max(1));
        most_after(outflow, table).max(u64::try_from(as_planned).unwrap_or(u64::MAX))
    }

    /// The levels up to `volume` messages a day, which is the last one's cap.
    ///
    /// # Errors
    /// A step is too great, or there are too many.
    pub fn levels(&self, volume: u64) -> Result<Vec<Level>, ScheduleError> {
        let mut caps = Vec::new();
        match &self.steps {
            Steps::Listed(listed) => caps.extend(listed.iter().filter(|&&cap| cap < volume)),
            Steps::Growing(first, table) => {
                let mut cap = *first;
                while cap < volume {
                    caps.push(cap);
                    if caps.len() >= MAX_LEVELS {
                        return Err(ScheduleError::Endless);
                    }
                    // A percentage of little may round to nothing.
                    cap = rounded(most_after(cap, table)).max(cap + 1);
                }
            }
        }
        caps.push(volume);
        if !self.beyond_limits {
            for pair in caps.windows(2) {
                let [from, to] = [pair[0], pair[1]];
                let most = most_after(from, &LIMITS).max(from + 1);
                if to > most {
                    return Err(ScheduleError::Steep(from, to, most));
                }
            }
        }
        let level = |cap| Level {
            cap,
            days: match cap > LIMITS[0].to {
                true => self.days.1,
                false => self.days.0,
            },
        };
        Ok(caps.into_iter().map(level).collect())
    }
}

#[cfg(test)]
mod tests;
