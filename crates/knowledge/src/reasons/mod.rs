//! What a reply means: reply text and enhanced status code in, a class of reasons out.
//!
//! The rules are TOML: `data/reasons.toml` is compiled in, and the host's /etc/relay-tools/reasons.toml is tried
//! before it.

mod blamed;
mod cache;
mod class;
mod reply;
mod rules;

use std::net::IpAddr;
use std::path::Path;

use postfix::Problem;

pub use cache::Cache;
pub use class::{Class, UnknownClass};

use rules::Rules;

/// What is known of why a delivery failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind of reason.
    pub class: Class,
    /// The provider's own code, as it writes it: `TSS04`, `S3150`, `4.7.28`, `AUP#CDRBL`.
    pub code: Option<String>,
    /// The address that the reply blames: one that the server names, never the server's own.
    pub ip: Option<IpAddr>,
}

/// The rules, compiled.
#[derive(Debug, Clone)]
pub struct Reasons {
    rules: Rules,
}

/// How much of a reply is looked at, in bytes: what a server says later than that is not read.
const REPLY_MAX: usize = 4096;

impl Reasons {
    /// The compiled-in rules, with those of `added` (a text of the same form, and the path it came from) before them.
    ///
    /// # Errors
    /// The first thing wrong in `added`: TOML that does not parse, an unknown key or class, a pattern that is no
    /// regular expression, or too big once compiled.
    pub fn load(added: Option<(&str, &Path)>) -> Result<Self, Problem> {
        Ok(Self {
            rules: rules::load(added)?,
        })
    }

    /// What `reply` (the text in parentheses behind `status=`, or a defer log's reason) and `dsn` mean. Without `dsn`,
    /// the code in the reply itself is taken.
    ///
    /// Made for failed deliveries: a server's `250 Ok` has no reason, and is [`Class::Other`].
    pub fn classify(&self, reply: &[u8], dsn: Option<&[u8]>) -> Reason {
        let reply = reply.get(..REPLY_MAX).unwrap_or(reply);
        let said = reply::read(reply);
        let dsn = dsn.or_else(|| said.enhanced_code());
        Reason {
            class: self.rules.class(&said.text, dsn),
            code: self.rules.code(&said.text),
            ip: if said.from_server {
                blamed::address(&said.text, said.server)
            } else {
                None
            },
        }
    }
}

#[cfg(test)]
mod tests;
