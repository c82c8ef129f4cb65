//! The scores of messages, and what became of them.

/// The bands of scores, by name and by what they begin with. spamd's own threshold is 5.
pub const BANDS: [(&str, f64); 13] = [
    ("<0", f64::NEG_INFINITY),
    ("0-1", 0.0),
    ("1-2", 1.0),
    ("2-3", 2.0),
    ("3-4", 3.0),
    ("4-5", 4.0),
    ("5-6", 5.0),
    ("6-7", 6.0),
    ("7-8", 7.0),
    ("8-9", 8.0),
    ("9-10", 9.0),
    ("10-15", 10.0),
    (">=15", 15.0),
];

/// What became of a message that was scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Disposition {
    /// Delivered, to one recipient at least.
    Delivered,
    /// On hold.
    Held,
    /// Thrown away, by a filter or by discard(8).
    Discarded,
    /// Refused for good.
    Rejected,
    /// Refused for now.
    Temporary,
    /// Delivered to nobody, and bounced.
    Bounced,
    /// In the queue.
    Waiting,
    /// The log does not say: the client hung up, say, or the message is of another host.
    Unknown,
}

impl Disposition {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Delivered,
        Self::Held,
        Self::Discarded,
        Self::Rejected,
        Self::Temporary,
        Self::Bounced,
        Self::Waiting,
        Self::Unknown,
    ];

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Held => "held",
            Self::Discarded => "discarded",
            Self::Rejected => "rejected",
            Self::Temporary => "temporary",
            Self::Bounced => "bounced",
            Self::Waiting => "waiting",
            Self::Unknown => "unknown",
        }
    }
}

/// How spamd scored messages, and what became of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scores {
    /// Called spam.
    pub spam: u64,
    /// Called clean.
    pub clean: u64,
    /// Clean, less than one point under the threshold, or one.
    pub just_below: u64,
    /// Spam, less than one point over the threshold.
    pub just_above: u64,
    /// By band and by outcome.
    counts: [[u64; Disposition::ALL.len()]; BANDS.len()],
}

/// What spamd said of a message.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Score {
    pub(crate) spam: bool,
    pub(crate) score: f64,
    pub(crate) threshold: f64,
}

impl Scores {
    /// Is there none?
    pub fn is_empty(&self) -> bool {
        self.scored() == 0
    }

    /// How many messages.
    pub fn scored(&self) -> u64 {
        self.spam.saturating_add(self.clean)
    }

    /// How many messages of a band, by its place in [`BANDS`], ended so.
    pub fn of(&self, band: usize, outcome: Disposition) -> u64 {
        let counts = self
            .counts
            .get(band)
            .and_then(|row| row.get(outcome as usize));
        counts.copied().unwrap_or(0)
    }

    /// How many messages of a band.
    pub fn of_band(&self, band: usize) -> u64 {
        let counts = self.counts.get(band).into_iter().flatten();
        counts.fold(0, |n, count| n.saturating_add(*count))
    }

    /// How many messages ended so.
    pub fn of_outcome(&self, outcome: Disposition) -> u64 {
        (0..BANDS.len()).fold(0, |n, band| n.saturating_add(self.of(band, outcome)))
    }

    pub(crate) fn add(&mut self, score: Score, outcome: Disposition) {
        // spamd says tenths, most of which are not binary fractions.
        let tenths = ((score.threshold - score.score).abs() * 10.0).round();
        if score.spam {
            self.spam = self.spam.saturating_add(1);
            self.just_above = self.just_above.saturating_add(u64::from(tenths < 10.0));
        } else {
            self.clean = self.clean.saturating_add(1);
            self.just_below = self.just_below.saturating_add(u64::from(tenths <= 10.0));
        }
        let band = BANDS.iter().rposition(|(_, from)| score.score >= *from);
        let row = band.and_then(|band| self.counts.get_mut(band));
        if let Some(count) = row.and_then(|row| row.get_mut(outcome as usize)) {
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        self.spam = self.spam.saturating_add(other.spam);
        self.clean = self.clean.saturating_add(other.clean);
        self.just_below = self.just_below.saturating_add(other.just_below);
        self.just_above = self.just_above.saturating_add(other.just_above);
        let theirs = other.counts.iter().flatten();
        for (mine, theirs) in self.counts.iter_mut().flatten().zip(theirs) {
            *mine = mine.saturating_add(*theirs);
        }
    }
}
