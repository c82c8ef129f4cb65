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

/// An instance that has a map of ours.
pub(crate) struct Place<'h> {
    pub(crate) instance: &'h Instance,
    pub(crate) map: MapFile,
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

/// Other names of the instance's directory by which transport_maps names a map of ours.
fn aliases(cx: &Context, instance: &Instance, elements: &[String]) -> Vec<PathBuf> {
    let own = instance.config_directory();
    let named = elements.iter().filter_map(|element| {
        let path = PathBuf::from(TableName::parse(element)?.name);
        let directory = path.parent().filter(|_| path.ends_with(NAME))?.to_owned();
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
        let aliases = aliases(cx, instance, &elements);
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

    /// The instance with a map of this kind, and these other tables.
    pub(crate) fn with(
        cx: &Context,
        instance: &'h Instance,
        kind: MapKind,
        others: Vec<String>,
    ) -> Self {
        Self {
            instance,
            map: MapFile {
                kind,
                path: cx.root().under(&instance.config_directory().join(NAME)),
            },
            others,
            root_is_here: cx.root().is_this_host(),
            postmap: Program::new(cx.root(), instance, "postmap"),
        }
    }

    /// What each of the other tables may answer to.
    pub(crate) fn others(&self) -> Vec<(String, Keys)> {
        let keys = |element: &String| {
            (
                element.clone(),
                keys(&self.postmap, self.root_is_here, element),
            )
        };
        self.others.iter().map(keys).collect()
    }

    /// What the index says: key and value, or why it cannot be asked. Of patterns there is none.
    pub(crate) fn index(&self) -> Option<Result<Vec<(String, String)>, String>> {
        self.map.index()?;
        let table = format!("{}:{}", self.map.kind.word(), self.map.path.display());
        Some(entries(&self.postmap, &table))
    }

    /// Makes an index: what [`MapFile::replace`] asks for.
    pub(crate) fn make_index(&self, kind: &str, path: &Path) -> Result<(), String> {
        let table = format!("{kind}:{}", path.display());
        self.postmap.run(&[&table]).map(|_| ())
    }
}

/// Lists a table's keys, if they can be listed.
fn keys(postmap: &Program, root_is_here: bool, element: &str) -> Keys {
    let Some(table) = TableName::parse(element) else {
        return Keys::Opaque("it has no type".to_owned());
    };
    match table.kind.as_str() {
        // Its keys are IP addresses: it answers to no mail address, and to no domain.
        "cidr" => return Keys::Listed(BTreeSet::new()),
        "regexp" | "pcre" => return Keys::Opaque("it has patterns".to_owned()),
        _ if !root_is_here => return Keys::Opaque("--root: it was not asked".to_owned()),
        _ => {}
    }
    // proxymap would ask the same table.
    match entries(postmap, &format!("{}:{}", table.kind, table.name)) {
        Ok(entries) => Keys::Listed(
            entries
                .into_iter()
                .map(|(key, _)| key.to_lowercase())
                .collect(),
        ),
        Err(why) => Keys::Opaque(why),
    }
}

/// All entries of a table (`postmap -s`).
fn entries(postmap: &Program, table: &str) -> Result<Vec<(String, String)>, String> {
    let said = postmap.run(&["-s", table])?;
    let lines = said.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    let pairs = lines.filter_map(|line| {
        let line = String::from_utf8_lossy(line);
        let (key, value) = line.split_once('\t')?;
        Some((key.to_owned(), value.to_owned()))
    });
    Ok(pairs.collect())
}

/// Everything that [`limits::setup::judge`] judges.
pub(crate) fn facts(cx: &Context, instance: &Instance, wants_patterns: bool) -> Facts {
    let root_is_here = cx.root().is_this_host();
    let postmap = Program::new(cx.root(), instance, "postmap");
    let place = Place::of(cx, instance);
    let raw = instance.parameters().main_cf().value(b"transport_maps");
    let others = match &place {
        Some(place) => place.others.clone(),
        None => elements(instance),
    };
    let opaque = others
        .iter()
        .filter_map(|element| match keys(&postmap, root_is_here, element) {
            Keys::Opaque(why) => Some((element.clone(), why)),
            Keys::Listed(_) => None,
        });
    Facts {
        instance: instance.name().to_owned(),
        config_directory: instance.config_directory().to_owned(),
        aliases: aliases(cx, instance, &elements(instance)),
        elements: elements(instance),
        raw: String::from_utf8_lossy(raw.unwrap_or_default()).into_owned(),
        kinds: kinds(cx, instance),
        default_kind: instance.get("default_database_type"),
        wants_patterns,
        file: place.as_ref().map_or(FileState::Missing, file_state),
        opaque: opaque.collect(),
        rejects_unlisted: rejects_unlisted(instance),
        overrides: overrides(cx, instance),
        accepting: accepting(instance),
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

fn file_state(place: &Place<'_>) -> FileState {
    match place.map.read() {
        Err(e) => FileState::Unusable(e.to_string()),
        Ok(None) => FileState::Missing,
        Ok(Some(_)) => match place.map.index() {
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

/// Tables of which smtpd takes every recipient without a look at where it is sent (Postfix
/// `src/smtpd/smtpd_check.c`, check_rcpt_maps).
fn accepting(instance: &Instance) -> Vec<(String, String)> {
    let names = [
        "canonical_maps",
        "recipient_canonical_maps",
        "virtual_alias_maps",
    ];
    let set = names
        .iter()
        .map(|name| ((*name).to_owned(), instance.get(name)));
    set.filter(|(_, value)| !value.trim().is_empty()).collect()
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
