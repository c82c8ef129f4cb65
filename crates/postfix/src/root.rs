//! Where a host's files are: on this machine, or below a directory that holds another host's image.

use std::path::{Component, Path, PathBuf};

/// The root directory of the host that is looked at: `/`, or the argument of `--root`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Root(PathBuf);

impl Root {
    /// A host whose files lie below `dir`.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// Is this the running machine, so that its processes and its journal may be asked too?
    pub fn is_this_host(&self) -> bool {
        self.0 == Path::new("/")
    }

    /// Where `path`, as the host itself would name it (`/etc/postfix`), is found from here.
    ///
    /// `..` components are dropped: a main.cf must not lead out of the image.
    pub fn under(&self, path: &Path) -> PathBuf {
        let mut found = self.0.clone();
        found.extend(
            path.components()
                .filter(|c| matches!(c, Component::Normal(_))),
        );
        found
    }
}

impl Default for Root {
    fn default() -> Self {
        Self(PathBuf::from("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_below_the_root() {
        let check = |root: &str, path: &str, expected: &str| {
            assert_eq!(
                Root::new(root).under(Path::new(path)),
                Path::new(expected),
                "{root} {path}"
            );
        };
        check("/", "/etc/postfix", "/etc/postfix");
        check("/mnt/rustin", "/etc/postfix/", "/mnt/rustin/etc/postfix");
        check(
            "fixtures/rustin",
            "/var/log/mail.log",
            "fixtures/rustin/var/log/mail.log",
        );
        check("/mnt", "/etc/../../root", "/mnt/etc/root");
        check("/mnt", "relative", "/mnt/relative");
    }
}
