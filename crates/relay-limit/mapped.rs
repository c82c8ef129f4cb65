//! An instance with its map: what its configuration says of both.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cli::Context;
use host::programs::Program;
use limits::setup::{ACCESS, FileState, NAME, ours, ours_named};
use limits::{Journal, MapFile, MapKind};
use postfix::config::{Host, Instance};
use transport::{TableName, split_list};

/// The parameter that names the access table.
pub(crate) const RESTRICTIONS: &str = "smtpd_recipient_restrictions";

/// An instance that has a map of ours.
pub(crate) struct MappedInstance<'h> {
    pub(crate) instance: &'h Instance,
    pub(crate) map: MapFile,
    /// The access table beside it, where smtpd asks one.
    pub(crate) access: Option<MapFile>,
    /// Does smtpd ask it before anything that accepts a recipient?
    pub(crate) is_access_first: bool,
    /// The other tables of transport_maps, and elements that are none.
    others: Vec<String>,
    root_is_here: bool,
    postmap: Program,
}

/// What another table may answer to.
pub(crate) enum Keys {
    Listed(BTreeSet<String>),
    /// Anything; why that cannot be seen.
    Opaque(String),
}

/// The instance of this configuration directory.
pub(crate) fn of_directory<'h>(host: &'h Host, directory: &Path) -> Option<&'h Instance> {
    host.instances()
        .iter()
        .find(|instance| instance.config_directory() == directory)
}

/// Gives limits that are not closed the name that the host has for their configuration directory now: the same
/// directory may have been listed by another, as where one is a link.
pub(crate) fn as_named(cx: &Context, journal: &mut Journal) {
    let host = host::instances::discover(cx.site()).value;
    let open = journal.limits.iter_mut().filter(|one| one.is_open());
    for one in open {
        let directory = &mut one.limit.config_directory;
        if of_directory(&host, directory).is_some() {
            continue;
        }
        let Some(own) = identity(cx, directory) else {
            continue;
        };
        let mut all = host.instances().iter().map(Instance::config_directory);
        if let Some(name) = all.find(|name| identity(cx, name) == Some(own)) {
            *directory = name.to_owned();
        }
    }
}

/// What a directory is, whatever its name.
fn identity(cx: &Context, path: &Path) -> Option<(u64, u64)> {
    let seen = cx.root().under(path).metadata().ok()?;
    Some((seen.dev(), seen.ino()))
}

/// Other names of the instance's directory by which these elements name the map `name` of ours.
pub(crate) fn aliases(
    cx: &Context,
    instance: &Instance,
    name: &str,
    elements: &[String],
) -> Vec<PathBuf> {
    let own = instance.config_directory();
    let named = elements.iter().filter_map(|element| {
        let path = PathBuf::from(TableName::parse(element)?.name);
        let directory = path.parent().filter(|_| path.ends_with(name))?.to_owned();
        let is_same = || identity(cx, &directory).is_some_and(|it| Some(it) == identity(cx, own));
        (directory != own && is_same()).then_some(directory)
    });
    named.collect()
}

/// The elements of transport_maps, expanded.
pub(crate) fn elements(instance: &Instance) -> Vec<String> {
    let list = instance.get("transport_maps");
    split_list(&list).into_iter().map(str::to_owned).collect()
}

/// Our access table, if smtpd_recipient_restrictions names it; and whether smtpd asks it before anything that accepts a
/// recipient. Where it does not, what stands there still refuses some mail, and must end.
pub(crate) fn access(cx: &Context, instance: &Instance) -> Option<(MapFile, bool)> {
    let list = instance.get(RESTRICTIONS);
    let words: Vec<String> = split_list(&list).into_iter().map(str::to_owned).collect();
    let aliases = aliases(cx, instance, ACCESS, &words);
    let own = std::iter::once(instance.config_directory());
    let names: Vec<&Path> = own
        .chain(aliases.iter().map(|path| path.as_path()))
        .collect();
    let (at, table) = ours_named(ACCESS, &words, &names)?;
    // What only refuses may stand before it.
    let is_first = words
        .get(..at)?
        .split_last()
        .is_some_and(|(check, before)| {
            check == "check_recipient_access"
                && before.iter().all(|word| word.starts_with("reject_"))
        });
    let kind = MapKind::named(&table.kind).filter(|kind| matches!(kind, MapKind::Index { .. }))?;
    let path = cx.root().under(&instance.config_directory().join(ACCESS));
    Some((MapFile { kind, path }, is_first && !table.is_proxied))
}

impl<'h> MappedInstance<'h> {
    /// The instance's map, as transport_maps names it; `None` if it names none that a pause can stand in.
    pub(crate) fn of(cx: &Context, instance: &'h Instance) -> Option<Self> {
        let elements = elements(instance);
        let aliases = aliases(cx, instance, NAME, &elements);
        let aliases = aliases.iter().map(PathBuf::as_path);
        let names: Vec<&Path> = std::iter::once(instance.config_directory())
            .chain(aliases)
            .collect();
        let (at, table) = ours(&elements, &names)?;
        let kind = MapKind::named(&table.kind)?;
        let others = elements
            .into_iter()
            .enumerate()
            .filter(|(other, _)| *other != at);
        let others = others.map(|(_, element)| element).collect();
        Some(Self::with(cx, instance, kind, others))
    }

    /// The access table of an instance whose transport_maps names no map of ours: what stands there still holds.
    pub(crate) fn of_access(cx: &Context, instance: &'h Instance) -> Option<Self> {
        let (map, _) = access(cx, instance)?;
        let mapped = Self::with(cx, instance, map.kind.clone(), Vec::new());
        let access = None;
        Some(Self {
            map,
            access,
            ..mapped
        })
    }

    /// The instance with a map of this kind, and these other tables.
    pub(crate) fn with(
        cx: &Context,
        instance: &'h Instance,
        kind: MapKind,
        others: Vec<String>,
    ) -> Self {
        let access = access(cx, instance);
        Self {
            instance,
            map: MapFile {
                kind,
                path: cx.root().under(&instance.config_directory().join(NAME)),
            },
            is_access_first: access.as_ref().is_some_and(|(_, is_first)| *is_first),
            access: access.map(|(map, _)| map),
            others,
            root_is_here: cx.root().is_this_host(),
            postmap: Program::new(cx.root(), instance, "postmap"),
        }
    }

    /// What each of the other tables may answer to.
    pub(crate) fn others(&self) -> Vec<(String, Keys)> {
        let keys = |element: &String| (element.clone(), self.keys(element));
        self.others.iter().map(keys).collect()
    }

    fn keys(&self, element: &str) -> Keys {
        match self.listed(element) {
            Ok(entries) => {
                let keys = entries.into_iter().map(|(key, _)| key.to_lowercase());
                Keys::Listed(keys.collect())
            }
            Err(why) => Keys::Opaque(why),
        }
    }

    /// All maps of ours.
    pub(crate) fn maps(&self) -> impl Iterator<Item = &MapFile> {
        std::iter::once(&self.map).chain(&self.access)
    }

    /// What a map's index says: key and value, or why it cannot be asked. Of patterns there is none.
    pub(crate) fn index(&self, map: &MapFile) -> Option<Result<Vec<(String, String)>, String>> {
        map.index()?;
        Some(self.entries(&format!("{}:{}", map.kind.word(), map.path.display())))
    }

    /// All entries of a table, or why they cannot be listed.
    pub(crate) fn listed(&self, element: &str) -> Result<Vec<(String, String)>, String> {
        let opaque = |why: &str| Err(why.to_owned());
        let Some(table) = TableName::parse(element) else {
            return opaque("it has no type");
        };
        match table.kind.as_str() {
            // Its keys are IP addresses: it answers to no mail address, and to no domain.
            "cidr" => Ok(Vec::new()),
            "regexp" | "pcre" => opaque("it has patterns"),
            _ if !self.root_is_here => opaque("--root: it was not asked"),
            // proxymap would ask the same table.
            _ => self.entries(&format!("{}:{}", table.kind, table.name)),
        }
    }

    /// `postmap -s`
    fn entries(&self, table: &str) -> Result<Vec<(String, String)>, String> {
        let said = self.postmap.run(&["-s", table])?;
        let lines = said.split(|&b| b == b'\n').filter(|line| !line.is_empty());
        let pairs = lines.filter_map(|line| {
            let line = String::from_utf8_lossy(line);
            let (key, value) = line.split_once('\t')?;
            Some((key.to_owned(), value.to_owned()))
        });
        Ok(pairs.collect())
    }

    /// Makes an index: what [`MapFile::replace`] asks for.
    pub(crate) fn make_index(&self, kind: &str, path: &Path) -> Result<(), String> {
        let table = format!("{kind}:{}", path.display());
        self.postmap.changing().run(&[&table]).map(|_| ())
    }
}

pub(crate) fn file_state(map: &MapFile) -> FileState {
    match map.read() {
        Err(e) => FileState::Unusable(e.to_string()),
        Ok(None) => FileState::Missing,
        Ok(Some(_)) => match map.index() {
            Some(index) if !index.exists() => FileState::Missing,
            _ => FileState::There,
        },
    }
}

/// What the queue manager's own line of master.cf says of one of these parameters: main.cf does not count there.
pub(crate) fn of_queue_manager(cx: &Context, instance: &Instance, names: &[&str]) -> Vec<String> {
    let services = instance.services(cx.root()).value;
    let managers = services.services().iter();
    let managers = managers.filter(|one| matches!(one.command.as_str(), "qmgr" | "oqmgr"));
    let settings = managers.flat_map(|one| one.overrides());
    let own = settings.filter(|(name, _)| names.contains(&name.as_str()));
    own.map(|(name, value)| format!("-o {name}={value}"))
        .collect()
}
