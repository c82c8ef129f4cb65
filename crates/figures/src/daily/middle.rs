//! The middle of a few figures: one day of them may be a list's, or an incident's.

/// From the least to the greatest.
pub(super) fn sorted(values: impl Iterator<Item = f64>) -> Vec<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values
}

/// The one in the middle of sorted ones.
pub(super) fn median(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len() / 2).copied()
}

/// The one in the middle, or what is between two: neither may be a list's, or an incident's.
pub(super) fn middle(sorted: &[f64]) -> Option<f64> {
    let two = at_least_usual(sorted).zip(median(sorted));
    two.map(|(one, other)| (one * other).sqrt())
}

/// The one in the middle; of two in the middle, the smaller: neither may be a list's.
pub(super) fn at_least_usual(sorted: &[f64]) -> Option<f64> {
    sorted.get(sorted.len().saturating_sub(1) / 2).copied()
}
