//! What a host's Postfix instances are, and how each is configured.
//!
//! [`Host::discover`] finds the instances, [`Host::select`] those that a user names; an [`Instance`] has its
//! [`Parameters`] (main.cf over Postfix's defaults, every `$name` expanded) and its services (master.cf).
//! Nothing here asks the running system: not for its host name, not for its addresses.

mod check;
mod compatibility;
mod expand;
mod host;
mod instance;
mod lines;
mod main_cf;
mod master_cf;
mod parameters;
mod resolve;
mod select;
mod sending;

pub use expand::ExpandError;
pub use host::{Host, hostname_of};
pub use instance::Instance;
pub use lines::{LogicalLine, logical_lines};
pub use main_cf::MainCf;
pub use master_cf::{MasterCf, Service, ServiceType};
pub use parameters::Parameters;
pub use resolve::resolve;
pub use select::UnknownInstance;
pub use sending::{From, Outlet};
