//! `--format jsonl`: one object a message, a superset of what `postqueue -j` prints, with the same values.
//!
//! Beside those: `instance`, `next_attempt` (seconds since 1970; null unless deferred), `expires` (the same), and of
//! each recipient `orig_address`, `dsn` and `reason_class` (null where not known). Where not all messages could be
//! read, the last lines say why: they have `missing`, and nothing else.

use std::io::{self, Write};
use std::sync::Arc;

use postfix::queue::{Deferral, Message};
use serde::Serialize;

use super::message::MessageObject;
use figures::queue::Report;
use knowledge::providers::domain_of;
use knowledge::reasons::{Cache, Reasons};
use legible::wire::write_json;

/// Writes messages one after the other, as they come.
#[derive(Debug, Clone)]
pub struct Lines {
    reasons: Arc<Reasons>,
    known: Cache,
}

impl Lines {
    /// Judges reasons by `reasons`.
    pub fn new(reasons: Arc<Reasons>) -> Self {
        Self {
            reasons,
            known: Cache::default(),
        }
    }

    /// Writes one message's line.
    ///
    /// # Errors
    /// Those of `out`.
    pub fn write(
        &mut self,
        out: &mut impl Write,
        instance: &str,
        message: &Message,
    ) -> io::Result<()> {
        let Self { reasons, known } = self;
        let class = |deferral: &Deferral, address: &str| {
            let dsn = Some(deferral.dsn.as_bytes()).filter(|dsn| !dsn.is_empty());
            let domain = domain_of(address.as_bytes());
            known
                .classify(reasons, deferral.reason.as_bytes(), dsn, domain)
                .class
        };
        write_json(out, &MessageObject::of_message(instance, message, class))?;
        out.write_all(b"\n")
    }
}

/// Writes the messages of a report's list.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, report: &Report) -> io::Result<()> {
    for entry in &report.messages {
        let instance = report.instance(entry);
        write_json(out, &MessageObject::of_entry(instance, entry))?;
        out.write_all(b"\n")?;
    }
    missing(out, &report.missing())
}

/// Writes why not all messages are there.
///
/// # Errors
/// Those of `out`.
pub fn missing(out: &mut impl Write, why: &[String]) -> io::Result<()> {
    #[derive(Serialize)]
    struct Missing<'a> {
        missing: &'a str,
    }
    for missing in why {
        write_json(out, &Missing { missing })?;
        out.write_all(b"\n")?;
    }
    Ok(())
}
