//! A map's files, replaced so that Postfix finds the old ones or the new ones, whole.
//!
//! Text and index are made under other names, put on disk, and renamed, the index first: what Postfix asks is the
//! index. Killed between the two, the text is older than its index, which does no harm, and the next run does both
//! again. Postfix notices by the open file's having no name any more (Postfix `src/util/dict_open.c`,
//! `dict_changed_name`).

use std::fs::{File, Metadata, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use guarded::{Links, Place};
use transfer::{Fs, Op};

use crate::map::Form;

/// More than this no map of transports has.
const MOST: u64 = 256 << 20;

/// What kind of table a map is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MapKind {
    /// postmap(1) makes an index of it, and Postfix notices within ten seconds when that is replaced.
    Index {
        /// `hash`, `btree`, `lmdb`, `cdb`.
        kind: String,
        /// What postmap adds to the name: `.db`.
        ending: &'static str,
    },
    /// Patterns, read when a process starts: Postfix notices a change at a reload only. `regexp` or `pcre`.
    Patterns(String),
}

impl MapKind {
    /// The kind that Postfix calls `word`, if a pause can stand in one.
    pub fn named(word: &str) -> Option<Self> {
        let ending = match word {
            "hash" | "btree" => ".db",
            "lmdb" => ".lmdb",
            "cdb" => ".cdb",
            "regexp" | "pcre" => return Some(Self::Patterns(word.to_owned())),
            _ => return None,
        };
        let kind = word.to_owned();
        Some(Self::Index { kind, ending })
    }

    /// Postfix's word for it.
    pub fn word(&self) -> &str {
        match self {
            Self::Index { kind, .. } | Self::Patterns(kind) => kind,
        }
    }

    /// How its lines are written.
    pub fn form(&self) -> Form {
        match self {
            Self::Index { .. } => Form::Keys,
            Self::Patterns(_) => Form::Patterns,
        }
    }
}

/// A map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapFile {
    /// What kind of table it is.
    pub kind: MapKind,
    /// Its text, as this machine names it.
    pub path: PathBuf,
}

/// What a map's text was when it was read.
#[derive(Debug, Clone)]
pub struct MapSnapshot {
    /// Its bytes.
    pub text: Vec<u8>,
    metadata: Metadata,
}

/// Why a map could not be read or replaced. It is as it was.
#[derive(Debug, thiserror::Error)]
pub enum MapError {
    /// A file could not be read or written.
    #[error("{}: {tried}: {error}", .path.display())]
    Io {
        /// What was tried.
        tried: &'static str,
        /// On which file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// It must not be replaced.
    #[error("{}: {}", .0.display(), .1)]
    Refused(PathBuf, &'static str),
    /// postmap(1) made no index of it.
    #[error("{}: no index was made of it: {}", .0.display(), .1)]
    Index(PathBuf, String),
}

/// Makes an index of the text at this path: `postmap TYPE:PATH`.
pub type MakeIndex<'a> = &'a dyn Fn(&str, &Path) -> Result<(), String>;

impl MapFile {
    /// The index that belongs to the text, if it has one.
    pub fn index(&self) -> Option<PathBuf> {
        match &self.kind {
            MapKind::Index { ending, .. } => Some(with_ending(&self.path, ending)),
            MapKind::Patterns(_) => None,
        }
    }

    /// Reads the text; `None` if there is none.
    ///
    /// # Errors
    /// It cannot be read, or is not a file that could be replaced.
    pub fn read(&self) -> Result<Option<MapSnapshot>, MapError> {
        let path = &self.path;
        let metadata = match path.symlink_metadata() {
            Ok(metadata) => metadata,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(failed("cannot read it", path)(e)),
        };
        if !metadata.is_file() {
            let what =
                "not a regular file; relay-limit replaces its map, and does not follow links";
            return Err(MapError::Refused(path.clone(), what));
        }
        let text = guarded::read(path, MOST).map_err(failed("cannot read it", path))?;
        Ok(Some(MapSnapshot { text, metadata }))
    }

    /// Gives the map this text. `seen` is what was read of it: if it has changed since, nothing is done. Owner and
    /// mode are kept; a new map is root's, and everybody may read it, as Postfix's own tables.
    ///
    /// # Errors
    /// The map is as it was then, or its index is new already: doing it again makes both new.
    pub fn replace(
        &self,
        fs: Fs<'_>,
        seen: Option<&MapSnapshot>,
        text: &[u8],
        make_index: MakeIndex<'_>,
    ) -> Result<(), MapError> {
        let text_place = safe(&self.path)?;
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        let new = text_place.sibling(&format!(".{name}.new"));
        let new_index = match &self.kind {
            MapKind::Index { ending, .. } => Some(new.beside(ending)),
            MapKind::Patterns(_) => None,
        };
        let left = leftovers(&new, new_index.as_ref());
        for left in &left {
            unlink(fs, left)?;
        }
        let made = self.make(fs, seen, text, (&new, new_index.as_ref()), make_index);
        let placed =
            made.and_then(|()| self.place(fs, seen, (&new, new_index.as_ref()), &text_place));
        if placed.is_err() {
            for left in &left {
                let _gone = unlink(fs, left);
            }
        }
        placed
    }

    fn make(
        &self,
        fs: Fs<'_>,
        seen: Option<&MapSnapshot>,
        text: &[u8],
        (new, new_index): (&Place, Option<&Place>),
        make_index: MakeIndex<'_>,
    ) -> Result<(), MapError> {
        let path = new.path();
        let mut file = fs
            .hooked(Op::Create, path, || new.create())
            .map_err(failed("cannot make it", path))?;
        let written = fs.hooked(Op::Write, path, || file.write_all(text));
        written.map_err(failed("cannot write it", path))?;
        let like = seen.map(|seen| &seen.metadata);
        if let Some(new_index) = new_index {
            let index = new_index.path();
            // Before the text is given to its owner: postmap(1) makes the index as that user, who may not write here.
            fs.hooked(Op::Write, index, || Ok(make_index(self.kind.word(), path)))
                .map_err(failed("cannot make it", index))?
                .map_err(|why| MapError::Index(self.path.clone(), why))?;
            let file = new_index.open().map_err(failed("cannot open it", index))?;
            let old = self.index().and_then(|path| path.symlink_metadata().ok());
            become_like(fs, &file, index, old.as_ref().or(like))?;
            let sync = fs.hooked(Op::Sync, index, || file.sync_all());
            sync.map_err(failed("cannot write it", index))?;
        }
        become_like(fs, &file, path, like)?;
        fs.hooked(Op::Sync, path, || file.sync_all())
            .map_err(failed("cannot write it", path))
    }

    fn place(
        &self,
        fs: Fs<'_>,
        seen: Option<&MapSnapshot>,
        (new, new_index): (&Place, Option<&Place>),
        text: &Place,
    ) -> Result<(), MapError> {
        if !self.is_as(seen) {
            let what = "somebody changed it just now; nothing was done";
            return Err(MapError::Refused(self.path.clone(), what));
        }
        if let (Some(new), MapKind::Index { ending, .. }) = (new_index, &self.kind) {
            rename(fs, new, &text.beside(ending))?;
        }
        rename(fs, new, text)?;
        let directory = self.path.parent().unwrap_or(Path::new("/"));
        fs.hooked(Op::SyncDir, directory, || text.sync_directory())
            .map_err(failed("cannot write it", directory))
    }

    /// Is the text still the one that was read?
    fn is_as(&self, seen: Option<&MapSnapshot>) -> bool {
        let key = |m: &Metadata| {
            (
                m.dev(),
                m.ino(),
                m.size(),
                m.mtime(),
                m.mtime_nsec(),
                m.ctime(),
                m.ctime_nsec(),
            )
        };
        match (self.path.symlink_metadata(), seen) {
            (Ok(now), Some(seen)) => key(&now) == key(&seen.metadata),
            (Err(e), None) => e.kind() == io::ErrorKind::NotFound,
            _ => false,
        }
    }
}

/// What a run that was killed may have left. Berkeley DB makes an index as `__db.NAME`, and where there is one already,
/// postmap(1) tries again without an end: one that was killed would keep every later one from its work.
fn leftovers(new: &Place, new_index: Option<&Place>) -> Vec<Place> {
    let mut all = vec![new.clone()];
    if let Some(index) = new_index {
        let name = index.path().file_name().unwrap_or_default();
        all.push(index.sibling(&format!("__db.{}", name.to_string_lossy())));
        all.push(index.clone());
    }
    all
}

/// Nobody but root may change what Postfix is to read at `path`, nor bend where it is written.
///
/// # Errors
/// Others may write to a directory on the way, or lead elsewhere.
pub fn must_be_safe(path: &Path) -> Result<(), MapError> {
    safe(path).map(drop)
}

fn safe(path: &Path) -> Result<Place, MapError> {
    let place = Place::find(path, Links::Ours).map_err(failed("cannot go there", path))?;
    match place.is_safe() {
        true => Ok(place),
        false => {
            let what = "others than root may write to its directory, or to one above it";
            Err(MapError::Refused(path.to_owned(), what))
        }
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Owner first: a change of owner clears mode bits.
fn become_like(
    fs: Fs<'_>,
    file: &File,
    path: &Path,
    like: Option<&Metadata>,
) -> Result<(), MapError> {
    if let Some(like) = like {
        let give = || guarded::at::give(file, like.uid(), like.gid());
        fs.hooked(Op::Owner, path, give)
            .map_err(failed("cannot give it its owner", path))?;
    }
    let mode = like.map_or(0o644, |like| like.mode() & 0o777);
    let set = || file.set_permissions(Permissions::from_mode(mode));
    fs.hooked(Op::Mode, path, set)
        .map_err(failed("cannot set its mode", path))
}

fn rename(fs: Fs<'_>, from: &Place, to: &Place) -> Result<(), MapError> {
    fs.hooked(Op::Rename, to.path(), || from.rename_over(to))
        .map_err(failed("cannot put it in its place", to.path()))
}

fn unlink(fs: Fs<'_>, place: &Place) -> Result<(), MapError> {
    let path = place.path();
    match place.kind() {
        Ok(None) => Ok(()),
        _ => fs
            .hooked(Op::Unlink, path, || place.remove())
            .map_err(failed("cannot remove it", path)),
    }
}

fn failed(tried: &'static str, path: &Path) -> impl FnOnce(io::Error) -> MapError {
    let path = path.to_owned();
    move |error| MapError::Io { tried, path, error }
}

#[cfg(test)]
mod tests;
