//! Delays, counted in bounded memory.
//!
//! A value is kept to three significant decimal digits of its microseconds. Postfix logs delays of 10 s and more in
//! whole seconds, and shorter ones to two digits (postconf(5), delay_logging_resolution_limit), so that what it logs by
//! default is kept exactly below 1000 s (17 minutes), and to within 0.5 % above. The largest value is kept as it is.

/// Buckets of a decade: 100 to 999.
const PER_DECADE: usize = 900;

/// How often each delay was seen.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Histogram {
    /// `decades[0]` counts 0 to 999 µs one by one, `decades[n]` counts m · 10^n µs for m from 100 to 999.
    decades: Vec<Vec<u64>>,
    seen: u64,
    /// In microseconds.
    max: u64,
}

/// What a histogram says, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantiles {
    /// How many values there are.
    pub seen: u64,
    /// The smallest value that at least half of all values do not exceed.
    pub median: f64,
    /// The smallest value that at least 95 % of all values do not exceed.
    pub p95: f64,
    /// The largest.
    pub max: f64,
}

impl Histogram {
    /// Counts a delay of `seconds`, `n` times. What is not a length of time (NaN, negative, infinite) is left out.
    pub fn add(&mut self, seconds: f64, n: u64) {
        if !(seconds >= 0.0 && seconds.is_finite() && n > 0) {
            return;
        }
        // To the nearest microsecond; the cast saturates.
        self.add_micros((seconds * 1e6 + 0.5) as u64, n);
    }

    fn add_micros(&mut self, micros: u64, n: u64) {
        let (decade, at) = bucket(micros);
        if self.decades.len() <= decade {
            self.decades.resize_with(decade + 1, Vec::new);
        }
        let counts = &mut self.decades[decade];
        if counts.is_empty() {
            counts.resize(if decade == 0 { 1000 } else { PER_DECADE }, 0);
        }
        counts[at] = counts[at].saturating_add(n);
        self.seen = self.seen.saturating_add(n);
        self.max = self.max.max(micros);
    }

    /// Every value that was seen, in microseconds and ascending, and how often; and the largest one as it was.
    pub fn values(&self) -> (Vec<(u64, u64)>, u64) {
        let mut values = Vec::new();
        let mut scale = 1u64;
        for (decade, counts) in self.decades.iter().enumerate() {
            let first = if decade == 0 { 0 } else { 100 };
            let seen = counts.iter().zip(first..).filter(|(n, _)| **n > 0);
            values.extend(seen.map(|(n, value): (&u64, u64)| (scale.saturating_mul(value), *n)));
            scale = scale.saturating_mul(10);
        }
        (values, self.max)
    }

    /// The histogram that has these [`Histogram::values`].
    pub fn from_values(values: impl IntoIterator<Item = (u64, u64)>, max: u64) -> Self {
        let mut histogram = Self::default();
        for (micros, n) in values.into_iter().filter(|(_, n)| *n > 0) {
            histogram.add_micros(micros, n);
        }
        histogram.max = max;
        histogram
    }

    /// Adds what `other` has seen.
    pub fn merge(&mut self, other: &Self) {
        if self.decades.len() < other.decades.len() {
            self.decades.resize_with(other.decades.len(), Vec::new);
        }
        for (mine, theirs) in self.decades.iter_mut().zip(&other.decades) {
            if mine.is_empty() {
                mine.clone_from(theirs);
                continue;
            }
            for (count, n) in mine.iter_mut().zip(theirs) {
                *count = count.saturating_add(*n);
            }
        }
        self.seen = self.seen.saturating_add(other.seen);
        self.max = self.max.max(other.max);
    }

    /// Median, 95th percentile and largest value; nothing without values.
    pub fn quantiles(&self) -> Option<Quantiles> {
        (self.seen > 0).then(|| Quantiles {
            seen: self.seen,
            median: self.at_rank(self.seen.div_ceil(2)),
            p95: self.at_rank(self.seen - self.seen / 20),
            max: seconds(self.max),
        })
    }

    /// The value at `rank` of all values in ascending order, from 1, in seconds.
    fn at_rank(&self, rank: u64) -> f64 {
        let mut passed = 0u64;
        let mut scale = 1u64;
        for (decade, counts) in self.decades.iter().enumerate() {
            let first = if decade == 0 { 0 } else { 100 };
            for (count, value) in counts.iter().zip(first..) {
                passed = passed.saturating_add(*count);
                if *count > 0 && passed >= rank {
                    return seconds(self.max.min(scale.saturating_mul(value)));
                }
            }
            scale = scale.saturating_mul(10);
        }
        seconds(self.max)
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// What a value is multiplied with for its first three digits: 10^-n for decade n.
const SHARES: [f64; 18] = [
    1e0, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9, 1e-10, 1e-11, 1e-12, 1e-13, 1e-14,
    1e-15, 1e-16, 1e-17,
];

/// The decade of a value in microseconds, and the place there.
fn bucket(micros: u64) -> (usize, usize) {
    if micros < 1000 {
        return (0, micros as usize);
    }
    let decade = micros.ilog10() as usize - 2;
    // Rounded to the nearest; 999.6 becomes 1000, which is 100 of the next decade. A multiplication, since this is
    // done five times a line, and divisions are slow.
    let value = (micros as f64 * SHARES[decade] + 0.5) as usize;
    if value < 1000 {
        (decade, value.max(100) - 100)
    } else {
        (decade + 1, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[(f64, u64)], expected: Option<(f64, f64, f64)>) {
        let mut histogram = Histogram::default();
        let mut parts = [Histogram::default(), Histogram::default()];
        for (i, &(value, n)) in values.iter().enumerate() {
            histogram.add(value, n);
            parts[i % 2].add(value, n);
        }
        let [mut merged, part] = parts;
        merged.merge(&part);
        assert_eq!(merged, histogram);
        let (kept, max) = histogram.values();
        assert_eq!(Histogram::from_values(kept, max), histogram);
        let found = histogram.quantiles().map(|q| (q.median, q.p95, q.max));
        assert_eq!(found, expected, "{values:?}");
    }

    /// Ranks counted by hand.
    #[test]
    fn quantiles_are_the_values_at_their_ranks() {
        check(&[], None);
        check(&[(0.0, 1)], Some((0.0, 0.0, 0.0)));
        check(&[(0.13, 1)], Some((0.13, 0.13, 0.13)));
        check(&[(3.0, 1), (1.0, 1), (2.0, 1)], Some((2.0, 3.0, 3.0)));
        // Of four, the second.
        check(
            &[(4.0, 1), (1.0, 1), (3.0, 1), (2.0, 1)],
            Some((2.0, 4.0, 4.0)),
        );
        // Of 20, the 19th is the 95th percentile.
        check(
            &[(0.5, 18), (7.0, 1), (432_123.0, 1)],
            Some((0.5, 7.0, 432_123.0)),
        );
        check(&[(0.5, 18), (8.0, 2)], Some((0.5, 8.0, 8.0)));
        // Of 100, the 50th and the 95th.
        check(
            &[(0.07, 50), (0.9, 45), (120.0, 5)],
            Some((0.07, 0.9, 120.0)),
        );
        check(
            &[(0.07, 49), (0.9, 45), (120.0, 6)],
            Some((0.9, 120.0, 120.0)),
        );
        // Three digits: 1234 s is 1230 s; the maximum stays.
        check(&[(1234.0, 3), (5678.0, 1)], Some((1230.0, 5678.0, 5678.0)));
        // Microseconds, for who raised the resolution.
        check(
            &[(0.000_012, 1), (0.000_999, 1), (0.001, 1)],
            Some((0.000_999, 0.001, 0.001)),
        );
        check(&[(f64::NAN, 1), (-1.0, 1), (1.0, 0)], None);
        check(&[(f64::INFINITY, 1)], None);
        check(
            &[(1e300, 1)],
            Some((18.4e12, 18.4e12, 18_446_744_073_709.55)),
        );
    }

    #[test]
    fn every_value_falls_within_half_a_percent_of_its_bucket() {
        let mut value = 1u64;
        while value < u64::MAX / 3 {
            let (decade, at) = bucket(value);
            assert!(decade < 19);
            let middle = if decade == 0 {
                at as f64
            } else {
                (at + 100) as f64 * 10f64.powi(decade as i32)
            };
            let error = (middle - value as f64).abs() / value as f64;
            assert!(error <= 0.005, "{value}: {middle}");
            value += value / 7 + 1;
        }
    }
}
