//! Recipients that smtpd accepts unseen, since a table of aliases or canonical addresses has them: which of them lead
//! to paused mail, and whether our access table refuses them.

use cli::Context;
use limits::aliases::{Aliases, Led, PARAMETERS};
use limits::setup::Accepting;
use limits::{MapKind, Scope};
use postfix::config::Instance;
use transport::split_list;

use crate::mapped::{self, MappedInstance, RESTRICTIONS};

/// As many recipients are named.
const NAMED: usize = 3;

/// The elements of the parameters whose tables make smtpd accept a recipient unseen.
fn tables(instance: &Instance) -> Vec<String> {
    let lists = PARAMETERS.iter().map(|name| instance.get(name));
    let lists: Vec<String> = lists.collect();
    let all = lists.iter().flat_map(|list| split_list(list));
    all.map(str::to_owned).collect()
}

/// What the configuration says of them.
pub(crate) fn accepting(cx: &Context, instance: &Instance, restrictions: String) -> Accepting {
    let set = PARAMETERS
        .iter()
        .map(|name| ((*name).to_owned(), instance.get(name)));
    let set: Vec<(String, String)> = set.filter(|(_, value)| !value.trim().is_empty()).collect();
    let mapped =
        MapKind::named("hash").map(|kind| MappedInstance::with(cx, instance, kind, Vec::new()));
    let mut tables = tables(instance);
    tables.retain(|table| {
        mapped
            .as_ref()
            .is_none_or(|mapped| mapped.listed(table).is_err())
    });
    Accepting {
        access: mapped::access(cx, instance)
            .filter(|(_, is_first)| *is_first)
            .map(|(map, _)| mapped::file_state(&map)),
        restrictions,
        opaque: tables,
        unasked: match set.is_empty() {
            true => Vec::new(),
            false => unasked(cx, instance),
        },
        tables: set,
    }
}

/// Services of master.cf with restrictions of their own.
fn unasked(cx: &Context, instance: &Instance) -> Vec<String> {
    let services = instance.services(cx.root()).value;
    let smtpds = services
        .services()
        .iter()
        .filter(|one| one.command == "smtpd");
    let own = smtpds.filter(|one| one.overrides().iter().any(|(name, _)| name == RESTRICTIONS));
    own.map(|one| one.name.clone()).collect()
}

/// What the tables of aliases say.
pub(crate) fn aliases(mapped: &MappedInstance<'_>) -> Aliases {
    let instance = mapped.instance;
    let local = instance.parameters().list("mydestination");
    let domains = local
        .into_iter()
        .filter(|name| !name.contains([':', '/', '[']));
    let mut aliases = Aliases::new(&instance.get("myorigin"), domains)
        .delimited_by(&instance.get("recipient_delimiter"));
    for table in tables(instance) {
        match mapped.listed(&table) {
            Ok(entries) => aliases.add(entries),
            Err(_) => aliases.add_opaque(&table),
        }
    }
    aliases
}

/// The recipients that a pause does not reach by the transport table.
pub(crate) struct Reach {
    /// Addresses of those that the access table refuses, to be asked about.
    pub(crate) refused: Vec<String>,
    /// Those that are still accepted.
    pub(crate) gaps: Vec<String>,
}

/// Who is refused by the access table, and who is not.
pub(crate) fn reach(cx: &Context, mapped: &MappedInstance<'_>, scope: &Scope) -> Reach {
    let Led {
        keys,
        domains,
        opaque,
    } = aliases(mapped).leading(scope);
    let mut gaps = Vec::new();
    let keys: Vec<String> = keys.into_iter().collect();
    let some = keys.iter().take(NAMED).map(String::as_str);
    let mut named = some.collect::<Vec<_>>().join(", ");
    if keys.len() > NAMED {
        named.push_str(&format!(" and {} more", keys.len() - NAMED));
    }
    let name = mapped.instance.name();
    if !keys.is_empty() && !mapped.is_access_first {
        gaps.push(format!(
            "smtpd still accepts {named}, and their mail waits here: relay-limit setup {} --apply closes this",
            legible::shell::quoted(name)
        ));
    }
    let services = match !keys.is_empty() && mapped.is_access_first {
        true => unasked(cx, mapped.instance),
        false => Vec::new(),
    };
    // Where a service does not ask the table, what it says of them is known: they are named, and not asked about.
    let is_refused = mapped.is_access_first && services.is_empty();
    gaps.extend(services.into_iter().map(|service| {
            format!(
                "the service {service} of master.cf still accepts {named}: it has its own {RESTRICTIONS}"
            )
    }));
    let from = match mapped.is_access_first && !domains.is_empty() {
        true => " from other domains",
        false => "",
    };
    gaps.extend(opaque.iter().map(|table| {
        format!("smtpd still accepts recipients that {table} leads here{from}: it cannot be listed")
    }));
    // The domains are asked about as keys of the pause.
    let refused = match is_refused {
        true => keys,
        false => Vec::new(),
    };
    Reach { refused, gaps }
}
