//! What a reply means: reply text and enhanced status code in, a class of reasons out.
//!
//! The rules are TOML: `data/reasons.toml` is compiled in, and the host's /etc/relay-tools/reasons.toml is tried
//! before it. They see the words without any name, address or number that someone chose (`mask`); which command was
//! answered (`stage`) is a fact beside them.

mod blamed;
mod cache;
mod class;
mod explain;
mod fold;
mod letters;
mod lookup;
mod mask;
mod reply;
mod rules;
mod stage;

use std::net::IpAddr;
use std::path::Path;

use postfix::Problem;

pub use cache::Cache;
use cache::Decided;
pub use class::{Class, UnknownClass};
pub use explain::Explained;
pub use fold::fold;
pub use lookup::names_a_host;
pub use rules::RulePlace;

use reply::Reply;
use rules::{Dsn, Facts, Rules, is_below};

/// What is known of why a delivery failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The kind of reason.
    pub class: Class,
    /// What the class rests on.
    pub by: By,
    /// What the enhanced status code alone would have given, where that is another class.
    pub code_says: Option<Class>,
    /// The provider's own code, as it writes it: `TSS04`, `S3150`, `4.7.28`, `AUP#CDRBL`.
    pub code: Option<String>,
    /// The address that the reply blames: one that the server names, never the server's own.
    pub ip: Option<IpAddr>,
}

/// What a class rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum By {
    /// The server's words, or Postfix's own.
    Words,
    /// The enhanced status code.
    Code,
    /// The reply code: the three digits.
    ReplyCode,
    /// Nothing: no rule fits.
    None,
}

impl By {
    /// Its name in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Words => "words",
            Self::Code => "code",
            Self::ReplyCode => "reply-code",
            Self::None => "none",
        }
    }
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

    /// The lines of a regexp_table(5) for smtp_delivery_status_filter, by which a final refusal of one of `classes` is
    /// deferred. The table is near to the rules: it may take some other refusal for one of these.
    pub fn filter(&self, classes: &[Class]) -> Vec<String> {
        self.rules.filter(classes)
    }

    /// Can a provider's own code be this one? No reply yields one that the rules cannot find.
    pub fn knows_code(&self, code: &str) -> bool {
        self.rules.knows_code(code)
    }

    /// What `reply` (the text in parentheses behind `status=`, or a defer log's reason) and `dsn` mean. Where `dsn` is
    /// missing or says nothing (`5.0.0`), the code in the reply itself is taken. By the recipient's `domain` a domain
    /// that does not exist is distinguished from a relay host whose name cannot be looked up; where it is not known, it
    /// is taken for the domain.
    ///
    /// Made for failed deliveries: a server's `250 Ok` has no reason, and is [`Class::Other`].
    pub fn classify(&self, reply: &[u8], dsn: Option<&[u8]>, domain: Option<&[u8]>) -> Reason {
        let said = read(reply);
        let text = self.judged(&said, domain);
        self.reason(&said, self.decide(&facts(&said, &text, dsn)))
    }

    fn decide(&self, facts: &Facts<'_>) -> Decided {
        let decided = self.rules.decide(facts);
        (decided.class, decided.by, decided.code_says)
    }

    fn reason(&self, said: &Reply<'_>, (class, by, code_says): Decided) -> Reason {
        Reason {
            class,
            by,
            code_says,
            code: self.code(said).map(|(code, _)| code),
            ip: blamed(said),
        }
    }

    /// The words as rules see them: the reply code, if there is one, and the rest with who, where and when masked.
    fn judged(&self, said: &Reply<'_>, domain: Option<&[u8]>) -> String {
        let words = said.lines(mask::LINE_END);
        let words = String::from_utf8_lossy(&words);
        let words = lookup::with_domain(words, said.from_server, domain);
        let words = mask::judge(&words, |host| self.rules.is_blocklist(host));
        match said.status() {
            Some(status) => format!("{} {words}", String::from_utf8_lossy(status)),
            None => words,
        }
    }

    fn code(&self, said: &Reply<'_>) -> Option<(String, RulePlace)> {
        if !said.from_server {
            return None;
        }
        let words = mask::without_addresses(&said.text);
        let name = said
            .server
            .and_then(|server| std::str::from_utf8(server.name).ok());
        let is_from = |domain: &str| {
            name.is_some_and(|name| is_below(name, domain))
                || mask::link_hosts(&words).any(|host| is_below(host, domain))
        };
        self.rules.code(words.as_bytes(), is_from)
    }
}

fn read(reply: &[u8]) -> Reply<'_> {
    reply::read(reply.get(..REPLY_MAX).unwrap_or(reply))
}

fn facts<'a>(said: &'a Reply<'_>, text: &'a str, dsn: Option<&[u8]>) -> Facts<'a> {
    let given = dsn.and_then(Dsn::parse).filter(|dsn| !dsn.says_nothing());
    let own = || said.enhanced_code().and_then(Dsn::parse);
    Facts {
        text,
        dsn: given.or_else(own),
        status: said.status(),
        stage: said.stage,
    }
}

fn blamed(said: &Reply<'_>) -> Option<IpAddr> {
    let own = said.server.and_then(reply::Server::ip);
    said.from_server
        .then(|| blamed::address(&said.text, own))
        .flatten()
}

#[cfg(test)]
mod tests;
