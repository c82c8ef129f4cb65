//! What the running machine says of its Postfix instances: which of them run, and which interface has which address.
//!
//! Only this machine can be asked, no image of another. Nothing is changed, and no process is signalled.

mod interfaces;
mod master;

pub use interfaces::{Interface, Interfaces};
pub use master::{Master, master};
