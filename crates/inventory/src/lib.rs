//! A host's Postfix instances, with what the machine and the DNS say of them: what tools gather before they judge.
//!
//! [`gather`] asks the configuration and the machine, [`ask`] the DNS. Nothing is judged here, and nothing shown:
//! `report::instances` does that.

mod facts;
mod lookups;

pub use facts::gather;
pub use lookups::{Questions, ask};
