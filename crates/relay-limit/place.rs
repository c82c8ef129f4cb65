//! An instance with its map: what its configuration says of both.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use cli::Context;
use host::programs::Program;
use limits::setup::{Facts, FileState, NAME, ours};
use limits::{Journal, MapFile, MapKind};
use postfix::config::{Host, Instance};
use transport::{TableName, split_list};

use crate::recipients;

/// An instance that has a map of ours.
pub(crate) struct Place<'h> {
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
fn elements(instance: &Instance) -> Vec<String> {
    let list = instance.get("transport_maps");
    split_list(&list).into_iter().map(str::to_owned).collect()
}

impl<'h> Place<'h> {
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
        let (map, _) = recipients::access(cx, instance)?;
        let place = Self::with(cx, instance, map.kind.clone(), Vec::new());
        let access = None;
        Some(Self {
            map,
            access,
            ..place
        })
    }

    /// The instance with a map of this kind, and these other tables.
    pub(crate) fn with(
        cx: &Context,
        instance: &'h Instance,
        kind: MapKind,
        others: Vec<String>,
    ) -> Self {
        let access = recipients::access(cx, instance);
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

/// Everything that [`limits::setup::judge`] judges.
pub(crate) fn facts(cx: &Context, instance: &Instance, wants_patterns: bool) -> Facts {
    let place = Place::of(cx, instance);
    let raw = |name: &[u8]| {
        let value = instance.parameters().main_cf().value(name);
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    // Without a map yet, every table is another.
    let others = |kind| Place::with(cx, instance, kind, elements(instance)).others();
    let others = match &place {
        Some(place) => place.others(),
        None => MapKind::named("hash").map_or_else(Vec::new, others),
    };
    let opaque = others.into_iter().filter_map(|(element, keys)| match keys {
        Keys::Opaque(why) => Some((element, why)),
        Keys::Listed(_) => None,
    });
    Facts {
        instance: instance.name().to_owned(),
        config_directory: instance.config_directory().to_owned(),
        aliases: aliases(cx, instance, NAME, &elements(instance)),
        elements: elements(instance),
        raw: raw(b"transport_maps"),
        kinds: kinds(cx, instance),
        default_kind: instance.get("default_database_type"),
        wants_patterns,
        file: place
            .as_ref()
            .map_or(FileState::Missing, |place| file_state(&place.map)),
        opaque: opaque.collect(),
        rejects_unlisted: rejects_unlisted(instance),
        overrides: overrides(cx, instance),
        accepting: recipients::accepting(cx, instance, raw(b"smtpd_recipient_restrictions")),
    }
}

/// The kinds of tables that this Postfix has (`postconf -m`).
fn kinds(cx: &Context, instance: &Instance) -> Option<Vec<String>> {
    if !cx.root().is_this_host() {
        return None;
    }
    let said = Program::new(cx.root(), instance, "postconf")
        .run(&["-m"])
        .ok()?;
    let words = String::from_utf8_lossy(&said)
        .split_whitespace()
        .map(str::to_owned)
        .collect();
    Some(words)
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

/// By the parameter, or by the restriction of that name anywhere.
fn rejects_unlisted(instance: &Instance) -> bool {
    let parameters = instance.parameters();
    let restrictions = ["smtpd_relay_restrictions", "smtpd_recipient_restrictions"];
    let named = |list: &&str| {
        parameters
            .list(list)
            .iter()
            .any(|word| word == "reject_unlisted_recipient")
    };
    parameters.bool("smtpd_reject_unlisted_recipient") != Some(false)
        || restrictions.iter().any(named)
}

/// Settings of main.cf, and of single services in master.cf that make a pause not hold.
fn overrides(cx: &Context, instance: &Instance) -> Vec<(String, String)> {
    let services = instance.services(cx.root()).value;
    let mut found = Vec::new();
    let name = "receive_override_options";
    let own = instance.get(name);
    if own.contains("no_unknown_recipient_checks") {
        found.push(("main.cf".to_owned(), format!("{name} = {own}")));
    }
    for service in services.services() {
        // Of two of one name, the last counts.
        let own: BTreeMap<String, String> = service.overrides().into_iter().collect();
        for (name, value) in own {
            let defeats = match (service.command.as_str(), name.as_str()) {
                ("trivial-rewrite", "transport_maps") => true,
                ("smtpd", "smtpd_reject_unlisted_recipient") => {
                    value.trim().eq_ignore_ascii_case("no")
                }
                ("smtpd", "receive_override_options") => {
                    value.contains("no_unknown_recipient_checks")
                }
                _ => false,
            };
            if defeats {
                found.push((service.name.clone(), format!("{name}={value}")));
            }
        }
    }
    found
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
