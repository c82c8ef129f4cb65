//! What anything shown is made of: grids of cells, numbers as people read them, JSON that a terminal may see.
//!
//! Knows what fits a terminal, and what gives way where it is narrow; units, and how they are rounded; how words are
//! wrapped and shell words quoted; what a metric's name and value may be. An address is never cut.
//!
//! Must not know what is shown: no figures, no instances, nothing of Postfix but how its text is escaped
//! ([`postfix::escape`]), which is done here on its way into a cell or a string. Writes nowhere, asks no terminal: its
//! width, and whether it takes colour and box lines, come as a [`grid::TableStyle`].
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
