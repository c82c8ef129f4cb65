//! main.cf changed: by postconf(1) on a copy, which takes its place when it says what it was to say, and nothing else.
//!
//! postconf -e supplies no line end that is missing at the end of the file, so that what it adds would become part of
//! the last line; and where it writes main.cf itself, owner, mode and a link are lost.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Result;
use cli::{Context, Failure};
use guarded::{Links, Place};
use host::programs::Program;
use limits::must_be_safe;
use postfix::config::{Instance, MainCf};

use crate::unapplied::{self, MOST, directory, file_name, own};

/// What is to be changed.
#[derive(Debug, Default)]
pub(crate) struct Edit {
    /// Names, and the values that they are to have.
    pub(crate) set: Vec<(String, String)>,
    /// What is not to be set any more.
    pub(crate) removed: Vec<String>,
}

impl Edit {
    pub(crate) fn is_empty(&self) -> bool {
        self.set.is_empty() && self.removed.is_empty()
    }

    /// What `name` is to be, where main.cf says `now`.
    fn wanted<'a>(&'a self, name: &[u8], now: Option<&'a [u8]>) -> Option<&'a [u8]> {
        let is = |other: &str| other.as_bytes() == name;
        match self.set.iter().find(|(other, _)| is(other)) {
            Some((_, value)) => Some(value.as_bytes()),
            None if self.removed.iter().any(|other| is(other)) => None,
            None => now,
        }
    }

    /// A parameter that is not as it is to be after the change.
    fn wrong(&self, before: &MainCf, after: &MainCf) -> Option<String> {
        let set = self.set.iter().map(|(name, _)| name.as_bytes());
        let mut names = before.names().chain(after.names()).chain(set);
        let plain = |value: Option<&[u8]>| {
            let value = String::from_utf8_lossy(value?).into_owned();
            Some(value.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        names
            .find(|name| {
                let wanted = self.wanted(name, before.value(name));
                plain(wanted) != plain(after.value(name))
            })
            .map(|name| String::from_utf8_lossy(name).into_owned())
    }
}

/// The path of main.cf, which root alone can change, and which is no link.
pub(crate) fn path(cx: &Context, directory: &Path) -> Result<PathBuf> {
    let path = cx.root().under(&directory.join("main.cf"));
    must_be_safe(&path).map_err(|why| {
        Failure::new("cannot change main.cf")
            .because(why)
            .hint("root alone should be able to write to a configuration directory: ls -ld")
    })?;
    if let Ok(target) = path.read_link() {
        let (path, target) = (path.display(), target.display());
        return Err(Failure::new(format!(
            "cannot change main.cf: {path} is a link to {target}"
        ))
        .hint(format!(
            "make the change in {target}, or where that is made; then postfix reload"
        ))
        .into());
    }
    Ok(path)
}

/// Changes main.cf of this instance; what it was is kept beside the journal. To be called under the lock. The new one
/// is known for our own then ([`unapplied`]), but where somebody else's change is in it that is not in force yet.
///
/// # Errors
/// It is as it was.
pub(crate) fn change(cx: &Context, instance: &Instance, edit: &Edit) -> Result<()> {
    let path = path(cx, instance.config_directory())?;
    let read = || guarded::read(&path, MOST).map_err(|e| Failure::io("cannot read", &path, e));
    let before = read()?;
    let (result, text) = changed(cx, instance, edit, &path, &before)?;
    if let Some(name) = edit.wrong(&MainCf::parse(&path, &before).value, &result) {
        let what =
            format!("nothing was changed: postconf would have made something else of {name}");
        return Err(Failure::new(what)
            .hint(format!(
                "look at {}, and at what is to be set",
                path.display()
            ))
            .into());
    }
    // On disk before the last look, so that nobody's edit falls between that and the rename.
    let failed = |e| Failure::io("cannot replace", &path, e).hint("it is as it was");
    let draft = Place::find(&path, Links::Ours).and_then(|place| place.draft());
    let mut draft = draft.map_err(failed)?;
    let written = draft.write_all(&text).and_then(|()| draft.sync());
    written.map_err(failed)?;
    let copy = kept(cx, instance, &before)?;
    // Known before it is there: whoever goes on after a crash reloads for it.
    if unapplied::change(cx, instance).is_none() {
        let own = own(cx, instance);
        let place = Place::private(cx.root().dir(), &own, Links::Never);
        let written = place.and_then(|place| place.replace(&text));
        written.map_err(|e| Failure::io("cannot write", &own, e).hint("nothing was changed"))?;
    }
    if read()? != before {
        return Err(Failure::new(format!(
            "nothing was changed: somebody changed {} just now",
            path.display()
        ))
        .hint("once more when they have done")
        .into());
    }
    Ok(draft.put().map_err(|e| {
        Failure::io("cannot replace", &path, e)
            .hint(format!("it is as it was; a copy is in {}", copy.display()))
    })?)
}

/// What postconf makes of a copy.
fn changed(
    cx: &Context,
    instance: &Instance,
    edit: &Edit,
    path: &Path,
    before: &[u8],
) -> Result<(MainCf, Vec<u8>)> {
    let copy = directory(cx).join("edit").join("main.cf");
    let mut text = before.to_vec();
    if !text.is_empty() && !text.ends_with(b"\n") {
        text.push(b'\n');
    }
    // Both directories are root's alone.
    let above = Place::private(cx.root().dir(), &directory(cx).join("edit"), Links::Never);
    let place = above.and_then(|_| Place::private(cx.root().dir(), &copy, Links::Never));
    let written = place.and_then(|place| place.replace(&text));
    written.map_err(|e| Failure::io("cannot write", &copy, e))?;
    let at = copy.parent().unwrap_or(Path::new("/"));
    let postconf = Program::new(cx.root(), instance, "postconf")
        .changing()
        .configured_in(at);
    let run = |option: &str, words: Vec<String>| -> Result<()> {
        let words = words.iter().map(String::as_str);
        let args: Vec<&str> = std::iter::once(option).chain(words).collect();
        let run = postconf.run(&args).map(drop);
        Ok(run.map_err(|why| {
            Failure::new(format!("cannot change {}: {why}", path.display()))
                .hint("nothing was changed")
        })?)
    };
    if !edit.set.is_empty() {
        let words = edit
            .set
            .iter()
            .map(|(name, value)| format!("{name} = {value}"));
        run("-e", words.collect())?;
    }
    if !edit.removed.is_empty() {
        run("-X", edit.removed.clone())?;
    }
    let text = guarded::read(&copy, MOST).map_err(|e| Failure::io("cannot read", &copy, e))?;
    Ok((MainCf::parse(path, &text).value, text))
}

/// Keeps main.cf as it is: `aol-b-20261124T093012Z`.
fn kept(cx: &Context, instance: &Instance, text: &[u8]) -> Result<PathBuf> {
    let stamp = chrono::DateTime::from_timestamp(cx.now().seconds(), 0).unwrap_or_default();
    let name = file_name(instance);
    let path = directory(cx).join(format!("{name}-{}", stamp.format("%Y%m%dT%H%M%SZ")));
    let place = Place::private(cx.root().dir(), &path, Links::Never);
    let written = place.and_then(|place| place.replace(text));
    written.map_err(|e| {
        Failure::io("cannot keep a copy of main.cf", &path, e).hint("nothing was changed")
    })?;
    Ok(path)
}
