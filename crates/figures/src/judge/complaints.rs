//! What Postfix says of itself, judged by who says it.

use postfix::log::Severity;

use super::{Level, Programs};
use crate::complaints::ComplaintRow;

/// How bad a complaint is. Warnings are none to judge: strangers can make Postfix warn.
pub fn judge(complaint: &ComplaintRow, programs: &Programs) -> Level {
    let among = |names: &[String]| names.contains(&complaint.service);
    match complaint.severity {
        _ if among(&programs.ignored) => Level::Ok,
        Severity::Fatal | Severity::Panic if among(&programs.critical) => Level::Critical,
        Severity::Fatal | Severity::Panic | Severity::Error => Level::Warning,
        Severity::Warning => Level::Ok,
    }
}
