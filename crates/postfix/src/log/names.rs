//! Which instance a tag belongs to.

/// The syslog names of a host's instances.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<Vec<u8>>);

impl Names {
    /// Knows the configured `syslog_name`s (postconf(5)).
    pub fn new<T: AsRef<[u8]>>(configured: impl IntoIterator<Item = T>) -> Self {
        let mut names: Vec<_> = configured
            .into_iter()
            .map(|n| n.as_ref().to_vec())
            .filter(|n| !n.is_empty())
            .collect();
        names.sort_by_key(|n| std::cmp::Reverse(n.len()));
        names.dedup();
        Self(names)
    }

    /// Is it a configured name?
    pub fn has(&self, name: &[u8]) -> bool {
        self.0.iter().any(|known| known == name)
    }

    /// Is no name configured?
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The instance of `tag`, a tag without its program name: the longest configured name that it is or begins with
    /// (`postfix-aol-a` for `postfix-aol-a/submission`), else what comes before the first `/`.
    pub fn instance<'a>(&self, tag: &'a [u8]) -> &'a [u8] {
        let is_of = |name: &&Vec<u8>| {
            tag.strip_prefix(name.as_slice())
                .is_some_and(|rest| matches!(rest, [] | [b'/', ..]))
        };
        let length = match self.0.iter().find(is_of) {
            Some(name) => name.len(),
            None => memchr::memchr(b'/', tag).unwrap_or(tag.len()),
        };
        tag.get(..length).unwrap_or(tag)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_configured_name_wins() {
        let check = |configured: &[&str], tag: &str, expected: &str| {
            let found = Names::new(configured).instance(tag.as_bytes()).to_vec();
            assert_eq!(
                String::from_utf8(found).unwrap(),
                expected,
                "{configured:?} {tag}"
            );
        };
        check(&[], "postfix-aol-a", "postfix-aol-a");
        check(&[], "postfix-aol-a/submission", "postfix-aol-a");
        check(
            &["postfix", "postfix-aol-a"],
            "postfix-aol-a",
            "postfix-aol-a",
        );
        check(
            &["postfix", "postfix-aol-a"],
            "postfix/submission",
            "postfix",
        );
        check(&["postfix"], "postfix-aol-a", "postfix-aol-a");
        check(&["mx/out", "mx"], "mx/out", "mx/out");
        check(&["mx/out", "mx"], "mx/out/relay", "mx/out");
        check(&["mx/out", "mx"], "mx/outer", "mx");
        check(&["a.b-c"], "a.b-c", "a.b-c");
        check(&[""], "x", "x");
    }
}
