//! What is known beforehand: who a provider is, what a server's reply means. Tables, and their one reader.
//!
//! Knows the TOML tables that are compiled in (data/) and how a host's own come before them. Must not know counts,
//! queues or instances, and reads no file: it is given text and path.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

pub mod advice;
pub mod providers;
pub mod reasons;
pub mod toml_text;
