//! Host images for the tests of discovery.

use std::fs;
use std::os::unix::fs::symlink;

use postfix::config::Host;
use postfix::{Parsed, Root};
use tempfile::TempDir;

/// A host image with these files below it. A text that begins with `->` makes a symbolic link.
pub(crate) fn image(files: &[(&str, &str)]) -> (TempDir, Root) {
    let dir = TempDir::new().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path.trim_start_matches('/'));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        match text.strip_prefix("->") {
            Some(target) => symlink(target, path).unwrap(),
            None => fs::write(path, text).unwrap(),
        }
    }
    let root = Root::new(dir.path());
    (dir, root)
}

/// Discovery below a root, with the problems as a user reads them, the root left out.
pub(crate) fn discover(root: &Root) -> (Host, Vec<String>) {
    let Parsed { value, problems } = Host::discover(root, "rustin.example.org");
    let root = root.dir().to_str().unwrap();
    (
        value,
        problems
            .iter()
            .map(|problem| problem.to_string().replace(root, ""))
            .collect(),
    )
}
