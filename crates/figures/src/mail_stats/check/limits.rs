//! The limits, and how they are written.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use super::Watched;
use crate::judge::Rules;

/// A number that is not to be exceeded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Written `20`: a number.
    Count(u64),
    /// Written `5%` or `0.5%`: this part of an instance's deliveries, from 0 to 100.
    Rate(f64),
}

/// Why limits are invalid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LimitError {
    /// The text has neither form.
    #[error("not a limit: use a number such as 20, or a share of the deliveries such as 5%")]
    Junk,
    /// One kind of limit twice.
    #[error("give at most one number and one percentage")]
    Twice,
    /// The limit for a warning is the higher one.
    #[error("the warning limit is above the critical limit and would never take effect")]
    NeverWarns,
}

impl FromStr for Limit {
    type Err = LimitError;

    fn from_str(text: &str) -> Result<Self, LimitError> {
        // Rust's own parsers take signs, exponents and infinities, too.
        let begins = text.starts_with(|c: char| c.is_ascii_digit());
        if !begins || !text.chars().all(|c| matches!(c, '0'..='9' | '.' | '%')) {
            return Err(LimitError::Junk);
        }
        let limit = match text.strip_suffix('%') {
            Some(share) => share.parse().ok().map(Self::Rate),
            None => text.parse().ok().map(Self::Count),
        };
        let too_much = |limit: &Self| matches!(limit, Self::Rate(share) if *share > 100.0);
        limit.filter(|l| !too_much(l)).ok_or(LimitError::Junk)
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Rate(share) => write!(f, "{share}%"),
        }
    }
}

/// Up to one limit of each kind. Both hold.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Bounds {
    /// More than this many are too many.
    pub count: Option<u64>,
    /// More than this share of an instance's deliveries is too much, in percent.
    pub rate: Option<f64>,
}

impl Bounds {
    /// Puts limits together.
    ///
    /// # Errors
    /// Two of one kind.
    pub fn new(limits: &[Limit]) -> Result<Self, LimitError> {
        let mut bounds = Self::default();
        for limit in limits {
            let is_second = match *limit {
                Limit::Count(count) => bounds.count.replace(count).is_some(),
                Limit::Rate(rate) => bounds.rate.replace(rate).is_some(),
            };
            if is_second {
                return Err(LimitError::Twice);
            }
        }
        Ok(bounds)
    }

    /// The limit that `count` of `total` deliveries pass. At the limit it is not passed yet.
    pub(super) fn passed(&self, count: u64, total: u64) -> Option<Limit> {
        let share = share(count, total);
        let rate = self.rate.filter(|limit| share.is_some_and(|s| s > *limit));
        let number = self.count.filter(|limit| count > *limit);
        rate.map(Limit::Rate).or(number.map(Limit::Count))
    }
}

/// In percent; nothing if the whole is 0.
pub(super) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 * 100.0 / whole as f64)
}

/// The limits of one kind of deliveries.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Thresholds {
    /// Passed, they are worth a warning.
    pub warn: Bounds,
    /// Passed, they are critical.
    pub crit: Bounds,
}

impl Thresholds {
    /// Puts limits together.
    ///
    /// # Errors
    /// Two of one kind, or a warning that would come only after the state has become critical.
    pub fn new(warn: &[Limit], crit: &[Limit]) -> Result<Self, LimitError> {
        let (warn, crit) = (Bounds::new(warn)?, Bounds::new(crit)?);
        let count = warn.count.zip(crit.count).is_some_and(|(w, c)| w > c);
        let rate = warn.rate.zip(crit.rate).is_some_and(|(w, c)| w > c);
        if count || rate {
            return Err(LimitError::NeverWarns);
        }
        Ok(Self { warn, crit })
    }
}

/// Of what has no options.
const NONE: Thresholds = Thresholds {
    warn: Bounds {
        count: None,
        rate: None,
    },
    crit: Bounds {
        count: None,
        rate: None,
    },
};

/// All limits. They apply to each instance separately.
#[derive(Debug, Clone, PartialEq)]
pub struct Limits {
    /// Of [`Watched::Blocked`].
    pub blocked: Thresholds,
    /// Of [`Watched::Bounced`].
    pub bounced: Thresholds,
    /// Of [`Watched::Deferred`].
    pub deferred: Thresholds,
    /// An instance with fewer deliveries is held against no limit.
    pub min_volume: u64,
    /// Instances that must have some.
    pub idle: Vec<String>,
    /// How many deliveries an instance had when that came which has expired, as far as it is known.
    pub came: BTreeMap<Vec<u8>, u64>,
    /// What else is judged, and what deliveries are judged by for which no limit was given.
    pub rules: Rules,
    /// For which deliveries limits were given.
    pub given: Vec<Watched>,
}

impl Limits {
    /// No limits but those of the rules.
    pub fn new(rules: Rules) -> Self {
        Self {
            blocked: Thresholds::default(),
            bounced: Thresholds::default(),
            deferred: Thresholds::default(),
            min_volume: 0,
            idle: Vec::new(),
            came: BTreeMap::new(),
            rules,
            given: Vec::new(),
        }
    }

    /// The limits of one kind of deliveries.
    pub fn of(&self, watched: Watched) -> &Thresholds {
        match watched {
            Watched::Blocked => &self.blocked,
            Watched::Bounced => &self.bounced,
            Watched::Deferred => &self.deferred,
            Watched::Expired | Watched::Discarded => &NONE,
        }
    }
}
