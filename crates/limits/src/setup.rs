//! Is an instance ready to be paused: is our map in transport_maps, first, of a kind that Postfix watches, and does
//! smtpd refuse what it says?

use std::path::{Path, PathBuf};

use legible::shell::quoted;
use transport::TableName;

use crate::replace::MapKind;

/// The map's name, in the instance's configuration directory.
pub const NAME: &str = "relay-limit";

/// The name of the access table, beside it: see [`crate::aliases`].
pub const ACCESS: &str = "relay-limit-access";

/// The kinds that a new map may be of, the best first, behind the instance's own default_database_type.
const KINDS: [&str; 4] = ["lmdb", "hash", "cdb", "btree"];

mod accepting;
pub use accepting::Accepting;

/// What is known of an instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Its name.
    pub instance: String,
    /// Its configuration directory, as the host names it.
    pub config_directory: PathBuf,
    /// Other names of the same directory, by which transport_maps names a map.
    pub aliases: Vec<PathBuf>,
    /// The elements of transport_maps, expanded.
    pub elements: Vec<String>,
    /// transport_maps as main.cf has it.
    pub raw: String,
    /// The kinds of tables that this Postfix has; `None`: it could not be asked.
    pub kinds: Option<Vec<String>>,
    /// default_database_type.
    pub default_kind: String,
    /// Is a map of patterns wanted, for which Postfix must be reloaded?
    pub wants_patterns: bool,
    /// What is known of the map's text and index.
    pub file: FileState,
    /// Tables that may answer for any address, and why that cannot be seen.
    pub opaque: Vec<(String, String)>,
    /// Does smtpd look whether it can deliver to a recipient (smtpd_reject_unlisted_recipient)?
    pub rejects_unlisted: bool,
    /// Settings that make a pause not hold: the service of master.cf, or `main.cf`, and the setting.
    pub overrides: Vec<(String, String)>,
    /// The recipients that smtpd accepts whatever transport_maps says.
    pub accepting: Accepting,
}

/// What is known of a map's files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileState {
    /// Text, and index where there is to be one.
    There,
    /// Not both.
    Missing,
    /// They cannot be used: why.
    Unusable(String),
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// As it should be.
    Ok,
    /// It could not be found out.
    Unknown,
    /// Still to be done; `--apply` does it.
    ToDo,
    /// A person must see to it.
    Wrong,
}

impl State {
    /// Its word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::ToDo => "to do",
            Self::Wrong => "wrong",
        }
    }
}

/// One thing that must be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// How it stands.
    pub state: State,
    /// What is so.
    pub what: String,
    /// The commands that make it so, ready to be pasted.
    pub commands: Vec<String>,
}

fn step(state: State, what: impl Into<String>) -> Requirement {
    Requirement {
        state,
        what: what.into(),
        commands: Vec::new(),
    }
}

/// Our map among the elements of transport_maps: its place, and its name there. It is known by its path, which is the
/// same whatever its kind is.
pub fn ours(elements: &[String], config_directories: &[&Path]) -> Option<(usize, TableName)> {
    ours_named(NAME, elements, config_directories)
}

/// The same for the map of another name.
pub fn ours_named(
    name: &str,
    elements: &[String],
    config_directories: &[&Path],
) -> Option<(usize, TableName)> {
    let names: Vec<PathBuf> = config_directories
        .iter()
        .map(|dir| dir.join(name))
        .collect();
    let named = |element: &String| {
        TableName::parse(element)
            .filter(|table| names.iter().any(|name| *name == Path::new(&table.name)))
    };
    elements
        .iter()
        .enumerate()
        .find_map(|(at, element)| Some((at, named(element)?)))
}

impl Facts {
    /// Our map among the elements of transport_maps.
    pub fn ours(&self) -> Option<(usize, TableName)> {
        let aliases = self.aliases.iter().map(PathBuf::as_path);
        let names: Vec<&Path> = std::iter::once(self.config_directory.as_path())
            .chain(aliases)
            .collect();
        ours(&self.elements, &names)
    }

    /// Where our map is.
    pub fn path(&self) -> PathBuf {
        self.config_directory.join(NAME)
    }

    /// The kind that a new map is to have: the instance's default if a pause can stand in it, or else the best there
    /// is.
    pub fn kind(&self) -> Option<MapKind> {
        let has = |word: &&str| {
            self.kinds
                .as_ref()
                .is_none_or(|kinds| kinds.iter().any(|kind| kind == word))
        };
        if self.wants_patterns {
            return ["regexp", "pcre"]
                .into_iter()
                .find(has)
                .and_then(MapKind::named);
        }
        self.index_kind()
    }

    /// The kind that a new table with an index is to have.
    pub fn index_kind(&self) -> Option<MapKind> {
        let has = |word: &&str| {
            self.kinds
                .as_ref()
                .is_none_or(|kinds| kinds.iter().any(|kind| kind == word))
        };
        let is_index = |kind: &MapKind| matches!(kind, MapKind::Index { .. });
        let own = MapKind::named(&self.default_kind)
            .filter(is_index)
            .filter(|kind| has(&kind.word()));
        own.or_else(|| KINDS.into_iter().find(has).and_then(MapKind::named))
    }

    /// The value of transport_maps that names our map first, and keeps what is there.
    pub fn value(&self, kind: &MapKind) -> String {
        let ours = format!("{}:{}", kind.word(), self.path().display());
        let separator = if self.raw.is_empty() { "" } else { ", " };
        format!("{ours}{separator}{}", self.raw)
    }

    /// The value of transport_maps in which `named`, an element of it, is our map of this kind; `None` where main.cf
    /// does not say it in these words.
    pub fn value_with(&self, named: &str, kind: &MapKind) -> Option<String> {
        let ours = format!("{}:{}", kind.word(), self.path().display());
        let is_apart = |c: Option<char>| c.is_none_or(|c| c.is_whitespace() || c == ',');
        let mut places = self.raw.match_indices(named);
        places.find_map(|(at, _)| {
            let (before, rest) = self.raw.split_at(at);
            let after = rest.strip_prefix(named)?;
            let is_it = is_apart(before.chars().next_back()) && is_apart(after.chars().next());
            is_it.then(|| format!("{before}{ours}{after}"))
        })
    }

    /// The line of main.cf.
    fn line(&self, kind: &MapKind) -> String {
        format!("transport_maps = {}", self.value(kind))
    }

    fn commands(&self, kind: &MapKind) -> Vec<String> {
        let directory = quoted(&self.config_directory.to_string_lossy());
        vec![
            format!("postconf -c {directory} -e {}", quoted(&self.line(kind))),
            format!("postfix -c {directory} reload"),
        ]
    }

    fn setup_command(&self, more: &str) -> String {
        format!("relay-limit setup {}{more} --apply", quoted(&self.instance))
    }
}

/// Everything that must be so, in order.
pub fn judge(facts: &Facts) -> Vec<Requirement> {
    let found = facts.ours();
    let mut steps = vec![in_transport_maps(facts, found.as_ref())];
    steps.push(file(facts));
    let kind = match &found {
        Some((_, table)) => MapKind::named(&table.kind),
        None => facts.kind(),
    };
    steps.extend(asked_before(facts, kind.as_ref()));
    steps.push(match facts.rejects_unlisted {
        true => step(
            State::Ok,
            "smtpd refuses what cannot be delivered (smtpd_reject_unlisted_recipient)",
        ),
        false => Requirement {
            commands: {
                let directory = quoted(&facts.config_directory.to_string_lossy());
                vec![
                    format!("postconf -c {directory} -e 'smtpd_reject_unlisted_recipient = yes'"),
                    format!("postfix -c {directory} reload"),
                ]
            },
            ..step(
                State::Wrong,
                "smtpd_reject_unlisted_recipient = no: smtpd accepts mail despite a pause, and it waits here",
            )
        },
    });
    steps.extend(accepting::steps(facts));
    for (service, setting) in &facts.overrides {
        let what = match service.as_str() {
            "main.cf" => {
                format!("{setting}: smtpd accepts mail despite a pause, and it waits here")
            }
            _ => format!(
                "master.cf: the service {service} has its own {setting}: a pause has no effect there"
            ),
        };
        steps.push(step(State::Wrong, what));
    }
    steps
}

fn in_transport_maps(facts: &Facts, found: Option<&(usize, TableName)>) -> Requirement {
    let path = facts.path();
    let Some((at, table)) = found else {
        return match facts.kind() {
            Some(kind) => Requirement {
                commands: facts.commands(&kind),
                ..step(
                    State::ToDo,
                    format!("transport_maps does not name {}", path.display()),
                )
            },
            None => step(
                State::Wrong,
                "this Postfix has no table type that relay-limit can use (see postconf -m)",
            ),
        };
    };
    let wrong = |what: String| step(State::Wrong, what);
    if table.is_proxied {
        return wrong(format!(
            "{table}: proxymap does not notice changes to a table; name it without proxy:"
        ));
    }
    let Some(kind) = MapKind::named(&table.kind) else {
        return wrong(format!(
            "{table}: Postfix does not notice changes to a table of this type; name it as hash: or lmdb:"
        ));
    };
    if facts
        .kinds
        .as_ref()
        .is_some_and(|kinds| !kinds.iter().any(|known| known == kind.word()))
    {
        return wrong(format!(
            "{table}: this Postfix has no tables of type {} (see postconf -m)",
            kind.word()
        ));
    }
    match *at {
        0 => step(State::Ok, format!("transport_maps names {table} first")),
        _ => wrong(format!(
            "transport_maps names {table}, but not first: those before it are asked first"
        )),
    }
}

fn file(facts: &Facts) -> Requirement {
    let path = facts.path();
    match &facts.file {
        FileState::There => step(State::Ok, format!("{} is there", path.display())),
        FileState::Missing => Requirement {
            commands: vec![facts.setup_command("")],
            ..step(
                State::ToDo,
                format!("{} is not there, or has no index", path.display()),
            )
        },
        FileState::Unusable(why) => step(State::Wrong, format!("{}: {why}", path.display())),
    }
}

/// Tables that Postfix asks for the whole address before it asks ours for the domain.
fn asked_before(facts: &Facts, kind: Option<&MapKind>) -> Vec<Requirement> {
    if matches!(kind, Some(MapKind::Patterns(_))) {
        return vec![step(
            State::Ok,
            "a map of patterns: also asked first for whole addresses; Postfix is reloaded at each change",
        )];
    }
    let table = |(table, why): &(String, String)| Requirement {
        commands: vec![facts.setup_command(" --patterns")],
        ..step(
            State::Wrong,
            format!(
                "{table} may answer for whole addresses, which Postfix asks for before domains ({why})"
            ),
        )
    };
    facts.opaque.iter().map(table).collect()
}

#[cfg(test)]
mod tests;
