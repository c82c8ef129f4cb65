//! Monitoring as it is in use: Prometheus, and Nagios with NRPE.
#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "tests, on files of their own"
)]

mod nagios;
mod prometheus;
