//! How bad it is that mail was sent late.

use super::Delay;
use crate::mail_stats::Figures;
use crate::verdict::Level;

/// Holds what half of the mail that was sent took against the limits; nothing where that is well, or not known.
pub fn judge(figures: &Figures, limits: &Delay) -> Option<Level> {
    if figures.counts.sent < limits.from {
        return None;
    }
    let median = figures.delays.as_ref()?.delay.median;
    let is_above = |limit: postfix::Span| median > limit.seconds() as f64;
    match (is_above(limits.critical), is_above(limits.warning)) {
        (true, _) => Some(Level::Critical),
        (_, true) => Some(Level::Warning),
        _ => None,
    }
}
