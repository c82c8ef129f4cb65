//! The tables that transport_maps names.

use std::path::{Path, PathBuf};

/// One table: `hash:/etc/postfix/transport`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// Its type: `hash`.
    pub kind: String,
    /// What follows the type: a path, for most.
    pub name: String,
    /// Asked through proxymap(8): `proxy:hash:/…`.
    pub is_proxied: bool,
}

/// How a table's entries are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Storage {
    /// postmap makes it from a text of the same name: this is what it adds to the name.
    Index(&'static str),
    /// The text itself, read when a process starts: `texthash`.
    Text,
    /// Patterns in a file: no entry is just a domain.
    Patterns,
    /// In main.cf itself, or computed.
    Inline,
    /// A server, or something that cannot be read.
    Elsewhere,
}

impl TableName {
    /// Reads an element of the list. `None` without a type: Postfix refuses that.
    pub fn parse(element: &str) -> Option<Self> {
        let (is_proxied, rest) = match element.strip_prefix("proxy:") {
            Some(rest) => (true, rest),
            None => (false, element),
        };
        let (kind, name) = rest.split_once(':')?;
        Some(Self {
            kind: kind.to_owned(),
            name: name.to_owned(),
            is_proxied,
        })
    }

    /// How it is stored (DATABASE_README).
    pub fn storage(&self) -> Storage {
        match self.kind.as_str() {
            "hash" | "btree" => Storage::Index(".db"),
            "lmdb" => Storage::Index(".lmdb"),
            "cdb" => Storage::Index(".cdb"),
            "dbm" | "sdbm" => Storage::Index(".pag"),
            "texthash" => Storage::Text,
            "cidr" | "pcre" | "regexp" => Storage::Patterns,
            "inline" | "static" | "fail" | "randmap" | "environ" => Storage::Inline,
            _ => Storage::Elsewhere,
        }
    }

    /// Is it asked for whole addresses alone, and never for a domain (DICT_FLAG_PATTERN, and `maps_find`'s PARTIAL in
    /// Postfix `src/trivial-rewrite/transport.c`)? Of tables within a table, the first decides.
    pub fn is_pattern(&self) -> bool {
        match self.kind.as_str() {
            "cidr" | "pcre" | "regexp" | "tcp" | "socketmap" | "randmap" | "fail" => true,
            "unionmap" | "pipemap" => self.inner().next().is_some_and(|first| first.is_pattern()),
            _ => false,
        }
    }

    /// What it answers is chosen at random each time: `randmap`, by itself or within another.
    pub fn is_random(&self) -> bool {
        match self.kind.as_str() {
            "randmap" => true,
            "unionmap" | "pipemap" => self.inner().any(|table| table.is_random()),
            _ => false,
        }
    }

    /// What a `randmap:{…}` chooses from.
    pub fn choices(&self) -> Vec<&str> {
        match self.kind.as_str() {
            "randmap" => self.in_braces(),
            _ => Vec::new(),
        }
    }

    fn inner(&self) -> impl Iterator<Item = Self> {
        self.in_braces().into_iter().filter_map(Self::parse)
    }

    fn in_braces(&self) -> Vec<&str> {
        let inner = self.name.trim().strip_prefix('{');
        inner
            .and_then(|inner| inner.strip_suffix('}'))
            .map_or_else(Vec::new, split_list)
    }

    /// Its source text, if it has one.
    pub fn source(&self) -> Option<&Path> {
        match self.storage() {
            Storage::Index(_) | Storage::Text => Some(Path::new(&self.name)),
            _ => None,
        }
    }

    /// The file that postmap makes of the source, if it makes one.
    pub fn index(&self) -> Option<PathBuf> {
        match self.storage() {
            Storage::Index(ending) => Some(PathBuf::from(format!("{}{ending}", self.name))),
            _ => None,
        }
    }
}

impl std::fmt::Display for TableName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let proxy = if self.is_proxied { "proxy:" } else { "" };
        write!(f, "{proxy}{}:{}", self.kind, self.name)
    }
}

/// The elements of a list of tables: separated by commas and white space, but not within braces (Postfix
/// `src/global/maps.c`, `maps_create`).
pub fn split_list(value: &str) -> Vec<&str> {
    let mut depth = 0_usize;
    let elements = value.split(move |c: char| {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && (c == ',' || c.is_ascii_whitespace())
    });
    elements.filter(|element| !element.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_split_outside_braces() {
        let check = |value: &str, expected: &[&str]| assert_eq!(split_list(value), expected);
        check("", &[]);
        check(
            "hash:/a, texthash:/b\n\tproxy:hash:/c",
            &["hash:/a", "texthash:/b", "proxy:hash:/c"],
        );
        check(
            "inline:{ a.example=smtp:[x], { b.example = smtp:[y] } } hash:/a",
            &[
                "inline:{ a.example=smtp:[x], { b.example = smtp:[y] } }",
                "hash:/a",
            ],
        );
    }

    #[test]
    fn tables_are_named() {
        let check = |element: &str, index: Option<&str>, source: Option<&str>| {
            let table = TableName::parse(element).unwrap();
            assert_eq!(table.to_string(), element);
            assert_eq!(table.index().as_deref(), index.map(Path::new));
            assert_eq!(table.source(), source.map(Path::new));
        };
        check("hash:/etc/t", Some("/etc/t.db"), Some("/etc/t"));
        check("proxy:lmdb:/etc/t", Some("/etc/t.lmdb"), Some("/etc/t"));
        check("texthash:/etc/t", None, Some("/etc/t"));
        check("regexp:/etc/t", None, None);
        check("inline:{a=b}", None, None);
        assert_eq!(TableName::parse("/etc/postfix/transport"), None);
    }

    #[test]
    fn some_are_asked_for_whole_addresses_alone() {
        let check = |element: &str, is_pattern, is_random| {
            let table = TableName::parse(element).unwrap();
            assert_eq!(
                (table.is_pattern(), table.is_random()),
                (is_pattern, is_random),
                "{element}"
            );
        };
        check("hash:/t", false, false);
        check("static:{smtp:[x]}", false, false);
        check("proxy:regexp:/t", true, false);
        check("randmap:{a:, b:}", true, true);
        check("unionmap:{regexp:/t, hash:/t}", true, false);
        check("pipemap:{hash:/t, randmap:{a:}}", false, true);
        let random = TableName::parse("randmap:{smtp1:,smtp2:[x]}").unwrap();
        assert_eq!(random.choices(), ["smtp1:", "smtp2:[x]"]);
    }
}
