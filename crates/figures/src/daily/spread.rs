//! By how much the days of a host differ from each other, apart from chance, and what is then rare on all of it.
//!
//! A few weeks of one instance say little of that; all instances together say enough, and a host with forty of them has
//! forty times as many days that may look odd.

use chrono::Weekday;

use super::Subject;

/// Days differ by at least so much, as a part of what they have, and are taken to differ by so much where nothing is
/// known, as if by so many pairs of days; and by no more, as three times as much is news however much days differ.
const LEAST: f64 = 0.1;
const UNKNOWN: f64 = 0.2;
const PRIOR: f64 = 8.0;
const MOST: f64 = 0.25;

/// So many pairs of days must be known to say by how much they differ; else working days are held against the one in
/// the middle, of an instance that has so many of them.
const PAIRS: usize = 8;
const WORKING: usize = 4;

/// How many days a month may be so rare on the whole host by chance.
const A_MONTH: f64 = 0.2;

/// By how many pairs of days it is known how much the days of a host differ, beside those of one instance.
const HOST: f64 = 20.0;

/// Is it on the weekend, and how many deliveries had it, if that is known and enough?
type KnownDay = (bool, Option<f64>);

/// By how much days differ, and how many instances are judged.
#[derive(Debug, Clone, Copy)]
pub(super) struct Spread {
    /// Of the logarithm of a day's deliveries: the standard deviation.
    days: f64,
    /// How many standard deviations are rare on this host.
    rare: f64,
}

impl Spread {
    /// Of a host's instances; those with fewer than `from` deliveries on both of two days say nothing.
    pub(super) fn of<'a>(subjects: impl Iterator<Item = &'a Subject>, from: u64) -> Self {
        let (mut weeks, mut apart_of_middle, mut judged) = (Vec::new(), Vec::new(), 0_usize);
        for subject in subjects {
            let known = known(subject, from);
            judged += usize::from(known.iter().any(|(_, n)| n.is_some()));
            weeks.extend(known.iter().zip(known.iter().skip(7)).filter_map(apart));
            apart_of_middle.extend(of_middle(&known));
        }
        // On the same day of the week, unless the host is known for little more than a week.
        let squares = match weeks.len() {
            PAIRS.. => weeks,
            _ => apart_of_middle,
        };
        let n = squares.len() as f64;
        let squared = (deviation(squares).powi(2) * n + UNKNOWN.powi(2) * PRIOR) / (n + PRIOR);
        Self {
            days: squared.sqrt().clamp(LEAST, MOST),
            rare: quantile(A_MONTH / 30.0 / judged.max(1) as f64),
        }
    }

    /// The same of one instance: by its own days, as far as they say something, and else by those of the host.
    pub(super) fn of_one(self, subject: &Subject, from: u64) -> Self {
        let known = known(subject, from);
        let weeks = known.iter().zip(known.iter().skip(7));
        let weeks: Vec<f64> = weeks.filter_map(apart).collect();
        let n = weeks.len() as f64;
        let own = deviation(weeks);
        let days = (own.powi(2) * n + self.days.powi(2) * HOST) / (n + HOST);
        Self {
            days: days.sqrt().clamp(LEAST, MOST),
            ..self
        }
    }

    /// How many times as much as `usual`, which is known from so many days, a day must have to be rare.
    pub(super) fn factor(self, usual: f64, days: usize) -> f64 {
        let days = days.max(1) as f64;
        let by_chance = 1.0 / usual.max(1.0);
        let variance = (self.days.powi(2) + by_chance) * (1.0 + 1.0 / days);
        (variance.sqrt() * self.rare).exp()
    }
}

/// The days before of an instance.
fn known(subject: &Subject, from: u64) -> Vec<KnownDay> {
    let before = subject
        .days
        .split_last()
        .map_or(&[][..], |(_, before)| before);
    let known = before.iter().map(|(day, of)| {
        let n = of.map(|of| of.total()).filter(|n| *n >= from);
        (is_weekend(day.weekday()), n.map(|n| n as f64))
    });
    known.collect()
}

pub(super) fn is_weekend(day: Weekday) -> bool {
    matches!(day, Weekday::Sat | Weekday::Sun)
}

/// By how much the logarithms of two working days, or two of the weekend, differ, squared, without what is chance.
fn apart((a, b): (&KnownDay, &KnownDay)) -> Option<f64> {
    let ((on_a, a), (on_b, b)) = (a, b);
    let (a, b) = ((*a)?, (*b)?);
    (on_a == on_b).then(|| (a / b).ln().powi(2) - 1.0 / a - 1.0 / b)
}

/// The same of working days and the one in the middle of them, as if each were one of a pair: a list's day is only one
/// of five, where it would be in two of four pairs that follow each other.
fn of_middle(known: &[KnownDay]) -> Vec<f64> {
    let working = known.iter().filter(|(is_weekend, _)| !is_weekend);
    let mut working: Vec<f64> = working.filter_map(|(_, n)| *n).collect();
    working.sort_by(f64::total_cmp);
    let middle = working
        .get(working.len() / 2)
        .filter(|_| working.len() >= WORKING);
    let Some(middle) = middle else {
        return Vec::new();
    };
    // One of five is the middle, and lacks what that one differs by.
    let squared = |n: &f64| 2.0 * 1.2 * (n / middle).ln().powi(2) - 2.0 / n;
    working.iter().map(squared).collect()
}

/// Of squared differences, but for the greatest fifth: a day that was an incident or a holiday says nothing.
fn deviation(mut squares: Vec<f64>) -> f64 {
    squares.sort_by(f64::total_cmp);
    squares.truncate((squares.len() * 4).div_ceil(5));
    let mean = squares.iter().sum::<f64>() / squares.len().max(1) as f64;
    // A difference of two normal values has twice their variance. The mean of the smaller four fifths of their squares
    // is 0.4377 of it: (0.8 - 2 * 1.2816 * 0.1755) / 0.8, with the quantile and its density.
    (mean.max(0.0) / 2.0 / 0.437_7).sqrt()
}

/// The quantile of the normal distribution that is passed with this (small) probability.
pub(super) fn quantile(probability: f64) -> f64 {
    let twice = -2.0 * probability.ln();
    (twice - (twice * std::f64::consts::TAU).ln())
        .max(1.0)
        .sqrt()
}

/// The probability that a normal value is above this: Abramowitz and Stegun, 26.2.17.
pub(super) fn upper_tail(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let sum = [
        1.330_274_429,
        -1.821_255_978,
        1.781_477_937,
        -0.356_563_782,
        0.319_381_530,
    ];
    let sum = sum.into_iter().fold(0.0, |sum: f64, of| (sum + of) * t);
    let tail = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * sum;
    if z < 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deviation_is_that_of_the_days_but_for_odd_ones() {
        // A hundred quantiles of the normal distribution with a deviation of 0.2, each with its negative: pairs of days
        // differ by the root of two times that.
        let of_a_half = |at: usize| quantile_of((at as f64 + 0.5) / 200.0);
        let all = (0..100).map(|at| (of_a_half(at) * 0.2).powi(2) * 2.0);
        let all: Vec<f64> = all.collect();
        assert!(
            (deviation(all.clone()) - 0.2).abs() < 0.01,
            "{}",
            deviation(all)
        );
        assert_eq!(deviation(Vec::new()), 0.0);
        // Of five working days one is a list's; Saturday and Sunday say nothing here.
        let week = [100.0, 400.0, 100.0, 110.0, 90.0].map(|n| (false, Some(n)));
        let weekend = [(true, Some(9.0)), (true, Some(90.0))];
        let squares = of_middle(&[&week[..], &weekend].concat());
        assert_eq!(squares.len(), 5);
        assert!(deviation(squares) < 0.1);
        assert_eq!(of_middle(&week[..3]), [0.0; 0]);
    }

    /// How many deviations from the middle are passed with this probability, by bisection.
    fn quantile_of(probability: f64) -> f64 {
        let (mut low, mut high) = (0.0, 9.0);
        for _ in 0..60 {
            let middle = f64::midpoint(low, high);
            match upper_tail(middle) > probability {
                true => low = middle,
                false => high = middle,
            }
        }
        low
    }

    #[test]
    fn tails_are_those_of_the_normal_distribution() {
        for (z, of_tables) in [
            (0.0, 0.5),
            (1.0, 0.158_655),
            (3.0, 1.3499e-3),
            (-2.0, 0.977_250),
        ] {
            let of = upper_tail(z);
            assert!((of - of_tables).abs() < 1e-6, "{z}: {of}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_normal_distribution() {
        // From tables: 3.09 is passed by one in a thousand, 3.719 by one in ten thousand.
        for (probability, of_tables) in [(0.01, 2.326), (1e-3, 3.090), (1e-4, 3.719), (1e-5, 4.265)]
        {
            let of = quantile(probability);
            assert!((of - of_tables).abs() < 0.06, "{probability}: {of}");
        }
    }
}
