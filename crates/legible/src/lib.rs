//! What anything shown is made of: grids of cells, numbers as people read them, JSON that a terminal may see.
//!
//! Knows terminals' widths and units. Must not know what is shown: no figures, no instances, no Postfix. All text that
//! comes from outside is escaped here ([`postfix::escape`]) on its way into a cell or a string.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

mod fit;
pub mod grid;
pub mod human;
pub mod metrics;
pub mod narrow;
pub mod shell;
pub mod wire;
pub mod wrap;
