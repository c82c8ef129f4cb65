//! What the running machine says of its Postfix instances: which of them run, which interface has which address, which
//! directories are there.
//!
//! Only this machine can be asked, no image of another. Nothing is changed, and no process is signalled.

mod facts;
mod health;
mod interfaces;
mod master;
mod processes;
mod refusal;

pub use facts::{gather, queue_troubles};
pub use interfaces::{Interface, Interfaces};
pub use master::{Master, master};
pub use processes::{Process, children, started};
