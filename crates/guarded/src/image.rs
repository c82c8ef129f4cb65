//! The image of another host that this process looks at, if it does (`--root DIR`).
//!
//! Its links mean its own files: `/var/log/mail.log -> /data/mail.log` is not this machine's `/data`. Whatever is
//! opened below it by a path that was not typed is looked for in it, and nothing leads out.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::trust::Refused;

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

/// Refuses a directory of an image that a program of this machine's is to read by its path, if a link is on the way to
/// it, in it or in its directories: the program would follow it out of the image. Of no image, nothing is refused.
///
/// # Errors
/// Which link there is ([`crate::is_refused`]), or what cannot be read.
pub fn refuse_links(directory: &Path) -> io::Result<()> {
    of(directory).map_or(Ok(()), |image| refuse_links_below(image, directory))
}

fn refuse_links_below(image: &Path, directory: &Path) -> io::Result<()> {
    let mut at = image.to_owned();
    for name in directory.strip_prefix(image).into_iter().flatten() {
        at.push(name);
        refuse_link(&at)?;
    }
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if refuse_link(&path)?.is_some_and(|found| found.is_dir()) {
            for entry in unless_gone(fs::read_dir(path))?.into_iter().flatten() {
                refuse_link(&entry?.path())?;
            }
        }
    }
    Ok(())
}

/// What journald removes meanwhile leads nowhere.
fn unless_gone<T>(found: io::Result<T>) -> io::Result<Option<T>> {
    match found {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        found => found.map(Some),
    }
}

fn refuse_link(path: &Path) -> io::Result<Option<fs::Metadata>> {
    let found = unless_gone(fs::symlink_metadata(path))?;
    if found.as_ref().is_some_and(fs::Metadata::is_symlink) {
        let why = "is a link, which would be followed out of the image";
        return Err(Refused::on_the_way(path, why));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn no_link_is_on_the_way_to_a_directory_nor_in_it() {
        let image = tempfile::tempdir().unwrap();
        let image = image.path();
        let directory = image.join("var/log/journal");
        fs::create_dir_all(directory.join("id")).unwrap();
        fs::write(directory.join("id/system.journal"), "").unwrap();
        let refused = |below: &str| {
            let found = refuse_links_below(image, &image.join(below));
            found.err().map(|e| e.to_string())
        };
        assert_eq!(refused("var/log/journal"), None);
        let why = |link: &Path| {
            let what = "is a link, which would be followed out of the image";
            Some(format!("{} {what}", link.display()))
        };
        symlink("log", image.join("var/journals")).unwrap();
        assert_eq!(
            refused("var/journals/journal"),
            why(&image.join("var/journals"))
        );
        for link in ["id/user.journal", "other"] {
            let link = directory.join(link);
            symlink("/var/log", &link).unwrap();
            assert_eq!(refused("var/log/journal"), why(&link));
            fs::remove_file(link).unwrap();
        }
        assert_eq!(refused("var/log/journal"), None);
        assert!(refused("var/log/none").is_some());
    }
}
