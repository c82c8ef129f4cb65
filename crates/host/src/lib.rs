//! What this machine, its logs, queues and the DNS say of the instances.
//!
//! Knows where a host keeps things (configuration, spools, logs, day records, tables of its own) and how to read them
//! at once and in order. Must not know arguments, a terminal, an exit status, the environment or the clock: a [`Site`]
//! says what host is looked at and when, and who hears of problems and progress. Changes nothing by itself, judges
//! nothing.
//!
//! What could not be read is returned beside what could. Programs are run through [`guarded`], bounded in time and
//! output. What several tools ask (instances by name, postmap, the DNS, who may write to a log) is asked in one place
//! each.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

pub mod asking;
pub mod detours;
pub mod failure;
pub mod history;
mod identity;
pub mod instances;
pub mod logs;
pub mod lookups;
pub mod machine;
pub mod mailq;
pub mod patience;
pub mod pool;
pub mod ports;
pub mod postmap;
pub mod programs;
pub mod relay_names;
pub mod resolvers;
pub mod rewrite;
pub mod site;
pub mod spools;
pub mod tables;

pub use failure::{Failure, WithHint};
pub use site::{Progress, Reporter, Site, Unit};
