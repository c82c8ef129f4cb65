//! What is known beforehand: who a provider is, what a server's reply means. Tables, and their one reader.
//!
//! Knows the TOML tables that are compiled in (data/) and how a host's own come before them: `providers` (domains, mail
//! exchangers and relay host of each), `reasons` (which class a reply is of, by the server's own words first and its
//! status codes second), `advice` (what to do about it).
//!
//! Must not know counts, queues or instances, and reads no file: it is given text and path. What a stranger chose, an
//! address or a host's name in a reply, decides no class: it is masked before a rule sees the text.
#![cfg_attr(
    test,
    allow(clippy::disallowed_methods, reason = "tests, on files of their own")
)]

pub mod advice;
pub mod providers;
pub mod reasons;
pub mod toml_text;
