//! A rotation while logs are read: what was listed has other names by the time that it is opened.

use std::collections::HashMap;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use postfix::log::{LogPlace, Reading};

/// Which files the names led to when they were listed, and how long these were.
#[derive(Debug, Default)]
pub(crate) struct Listed(HashMap<PathBuf, (u64, u64, u64)>);

impl Listed {
    /// The files that are about to be read.
    pub(crate) fn of<'p>(files: impl IntoIterator<Item = &'p PathBuf>) -> Self {
        let known = files.into_iter().filter_map(|path| {
            // As it will be read: below an image, a link leads elsewhere than on this machine.
            let metadata = guarded::open(path).and_then(|file| file.metadata());
            let metadata = metadata.ok().filter(|m| m.is_file())?;
            Some((
                path.clone(),
                (metadata.dev(), metadata.ino(), metadata.len()),
            ))
        });
        Self(known.collect())
    }

    /// The same of places, of which a journal is no file.
    pub(crate) fn of_places<'p>(places: impl IntoIterator<Item = &'p LogPlace>) -> Self {
        Self::of(places.into_iter().filter_map(|place| match place {
            LogPlace::File(path) => Some(path),
            LogPlace::Journal(_) => None,
        }))
    }

    /// Adds the problem, if it was another file that was read than the one that was listed, or that was emptied before:
    /// what is in no file that was read counts nowhere.
    pub(crate) fn check(&self, reading: &mut Reading) {
        let Some((device, inode, length)) = self.0.get(&reading.path) else {
            return;
        };
        let is_it = reading.file == Some((*device, *inode))
            && reading.size.is_none_or(|size| size >= *length);
        if !is_it {
            reading.rotated();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postfix::log::{Event, Options, Sink, Wanted, read_file};
    use postfix::{Time, Zone};
    use std::fs;
    use std::path::Path;

    struct Nothing;

    impl Sink for Nothing {
        fn event(&mut self, _: &Event<'_>) {}
    }

    fn options() -> Options<'static> {
        Options {
            zone: Zone::Process,
            now: Time::EPOCH,
            window: None,
            wanted: Wanted::default(),
            threads: 1,
            progress: &|_| (),
        }
    }

    fn problems(listed: &Listed, path: &Path) -> usize {
        let mut reading = read_file(path, &options(), &mut Nothing).unwrap();
        listed.check(&mut reading);
        reading.problems.len()
    }

    /// Empties the log as soon as a line of it is read.
    struct Emptied<'p>(&'p Path);

    impl Sink for Emptied<'_> {
        fn event(&mut self, _: &Event<'_>) {
            fs::write(self.0, "").unwrap();
        }
    }

    #[test]
    fn a_log_that_is_emptied_while_it_is_read_is_not_whole() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("mail.log");
        let line = "Nov 28 06:00:00 relay1 postfix/smtp[1]: 4F9A1: to=<a@b.c>, relay=none, delay=1, delays=0/0/0/1, \
            dsn=2.0.0, status=sent (250 ok)\n";
        fs::write(&log, line).unwrap();
        let listed = Listed::of([&log]);
        let mut reading = read_file(&log, &options(), &mut Emptied(&log)).unwrap();
        listed.check(&mut reading);
        assert_eq!(reading.problems.len(), 1, "{:?}", reading.problems);
        assert_eq!(fs::read(&log).unwrap(), b"");
    }

    #[test]
    fn another_file_of_the_name_is_another_log() {
        let directory = tempfile::tempdir().unwrap();
        let [log, older] = ["mail.log", "mail.log.1"].map(|name| directory.path().join(name));
        fs::write(&log, "one\n").unwrap();
        let listed = Listed::of([&log]);
        // It has grown.
        fs::write(&log, "one\ntwo\n").unwrap();
        assert_eq!(problems(&listed, &log), 0);
        fs::write(&log, "").unwrap();
        assert_eq!(problems(&listed, &log), 1);
        fs::rename(&log, &older).unwrap();
        fs::write(&log, "three\nfour\n").unwrap();
        assert_eq!(problems(&listed, &log), 1);
        // Of what was not listed nothing is known.
        assert_eq!(problems(&listed, &older), 0);
    }
}
