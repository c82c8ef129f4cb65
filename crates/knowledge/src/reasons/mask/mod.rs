//! What in a reply says who, where and when, masked: addresses, hosts, links, times, ids, numbers.
//!
//! One walk through a text, for two readers. [`group`] leaves a text that people read, so that like reasons are one;
//! [`judge`] leaves what rules may decide by, so that no name a stranger chose is taken for a server's judgement.

mod address;
mod beliefs;
mod group;
mod judge;
mod kinds;
mod sentences;
mod walk;

pub(super) use group::group;
pub(super) use judge::judge;
pub(super) use sentences::LINE_END;

/// What stands for what was masked, in the text that [`judge`] leaves. No reply holds the like.
pub(super) mod stand_in {
    /// An IP address, with or without a port.
    pub(in super::super) const IP: &str = "~ip~";
    /// A mail address.
    pub(in super::super) const ADDRESS: &str = "~address~";
    /// A host or domain.
    pub(in super::super) const HOST: &str = "~host~";
    /// A host below a blocklist's domain, or a link to one.
    pub(in super::super) const BLOCKLIST: &str = "~blocklist~";
    /// Any other link.
    pub(in super::super) const LINK: &str = "~link~";
    /// A word in `<>` or `""`: what someone is called.
    pub(in super::super) const NAME: &str = "~name~";
    /// A queue id or the like.
    pub(in super::super) const ID: &str = "~id~";
    /// A date or a time of day.
    pub(in super::super) const TIME: &str = "~time~";
}

/// `words` with its mail addresses masked, and nothing else.
pub(super) fn without_addresses(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    if text.contains('@') {
        for range in address::addresses(&text) {
            out.push_str(&text[done..range.start]);
            out.push_str(stand_in::ADDRESS);
            done = range.end;
        }
    }
    out.push_str(&text[done..]);
    out
}

/// The hosts of the links in `text`.
pub(super) fn link_hosts(text: &str) -> impl Iterator<Item = &str> {
    memchr::memmem::find_iter(text.as_bytes(), b"://").map(|at| {
        let host = &text[at + 3..];
        let is_part = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        &host[..host.find(|c| !is_part(c)).unwrap_or(host.len())]
    })
}
