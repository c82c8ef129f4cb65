//! The image of another host that this process looks at, if it does (`--root DIR`).
//!
//! Its links mean its own files: `/var/log/mail.log -> /data/mail.log` is not this machine's `/data`. Whatever is
//! opened below it by a path that was not typed is looked for in it, and nothing leads out.

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

static IMAGE: OnceLock<PathBuf> = OnceLock::new();

/// From here on, what is below `root` is another host's. To be called once, before anything is opened.
pub fn confine(root: &Path) {
    if root != Path::new("/") {
        // Only the first: a process looks at one host.
        IMAGE.set(root.to_owned()).ok();
    }
}

/// The image that has this path, if it is below one.
pub(crate) fn of(path: &Path) -> Option<&'static Path> {
    let image = IMAGE.get()?;
    path.starts_with(image).then_some(image)
}
