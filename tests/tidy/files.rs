//! The project's own files: what is tracked, less what is built.

use std::fs;
use std::path::{Path, PathBuf};

use walkdir::{DirEntry, WalkDir};

/// All files below the project's directory, as paths from there, in order.
pub(crate) fn all() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // Of hidden directories, CI's alone is ours; `target` and what fuzzing makes are built.
    let is_ours = |entry: &DirEntry| {
        let name = entry.file_name().to_string_lossy();
        let built = ["target", "corpus", "artifacts", "coverage"];
        entry.depth() == 0
            || !entry.file_type().is_dir()
            || name == ".ci"
            || !(name.starts_with('.') || built.contains(&name.as_ref()))
    };
    let walk = WalkDir::new(root).sort_by_file_name().into_iter();
    let entries = walk.filter_entry(is_ours).map(Result::unwrap);
    entries
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| entry.path().strip_prefix(root).unwrap().to_owned())
        .collect()
}

/// The Rust files among them.
pub(crate) fn rust() -> Vec<PathBuf> {
    let is_rust = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "rs");
    all().into_iter().filter(is_rust).collect()
}

/// The text of a file.
pub(crate) fn text(path: &Path) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}
