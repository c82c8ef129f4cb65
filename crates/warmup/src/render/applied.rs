//! What `apply` has done.

use postfix::escape;

use crate::applied::Change;

/// An instance's line.
pub fn line(instance: &str, what: &str) -> String {
    format!("{}: {}\n", escape(instance), escape(what))
}

/// What is changed, a line each: `  smtp_transport_rate_delay: 432s -> 216s`.
pub fn changes(changes: &[Change]) -> String {
    let value = |value: &Option<String>| match value.as_deref() {
        None => "(not set)".to_owned(),
        Some("") => "(empty)".to_owned(),
        Some(value) => escape(value).to_string(),
    };
    let lines = changes.iter().map(|change| {
        let (before, after) = (value(&change.before), value(&change.after));
        format!("  {}: {before} -> {after}\n", escape(&change.name))
    });
    lines.collect()
}

/// What the zone has to say from now on, which nobody but its keeper can change.
pub fn zone(lines: &[String]) -> String {
    let mut text = "  the zone, for the same days:\n".to_owned();
    for line in lines {
        text.push_str(&format!("    {}\n", escape(line)));
    }
    text
}
