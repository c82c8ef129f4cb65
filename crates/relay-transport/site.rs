//! What all of it needs: the site's domain, the provider table, and the map that both ask for.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use cli::{Context, Failure};
use figures::instances::Facts;
use knowledge::providers::{Provider, Providers};
use postfix::Parsed;
use postfix::config::Host;
use transport::{Map, Style};

use crate::args::MapArgs;

/// The file that adds to the compiled-in table.
pub(crate) const OWN_TABLE: &str = "/etc/relay-tools/providers.toml";

/// The table, and where it is from.
pub(crate) struct Table {
    pub(crate) providers: Providers,
    /// The host's own file, if there is one, as the host names it.
    pub(crate) own: Option<PathBuf>,
}

impl Table {
    /// Reads it.
    pub(crate) fn load(cx: &Context, args: &MapArgs) -> anyhow::Result<Self> {
        let providers = host::tables::providers_with(cx.site(), args.providers.as_deref())?;
        let usual = Path::new(OWN_TABLE);
        let own = match &args.providers {
            Some(given) => Some(given.clone()),
            None => cx.root().under(usual).exists().then(|| usual.to_owned()),
        };
        Ok(Self { providers, own })
    }
}

/// What is known of the relays.
#[derive(Default)]
pub(crate) struct Relays {
    /// The providers, by name, whose relays are not there.
    pub(crate) missing: BTreeSet<String>,
    /// The providers, by name, of whose relays nobody said whether they are there.
    pub(crate) unknown: BTreeSet<String>,
    /// The relay names whose MX or SRV records share the mail among their own addresses, where lines can ask for them.
    pub(crate) shared: BTreeSet<String>,
    /// Whose lines are left out, and why: a sentence for each kind. They have been reported.
    pub(crate) left_out: Vec<String>,
}

impl Relays {
    /// Has this provider no line?
    pub(crate) fn is_left_out(&self, provider: &str) -> bool {
        self.missing.contains(provider) || self.unknown.contains(provider)
    }
}

/// Are all providers that are named in the table?
///
/// # Errors
/// One is not; the error lists those that are.
pub(crate) fn known_providers(args: &MapArgs, table: &Table) -> anyhow::Result<()> {
    for name in &args.provider {
        if table.providers.by_name(name).is_none() {
            let all = table.providers.all().iter();
            let known: Vec<&str> = all.map(|provider| provider.name.as_str()).collect();
            return Err(Failure::new(format!(
                "unknown provider \"{name}\"; the table has {}",
                known.join(", ")
            ))
            .into());
        }
    }
    Ok(())
}

/// The map that the table asks for, at the site that is asked for; names that no map can hold are reported.
pub(crate) fn map(cx: &Context, args: &MapArgs, table: &Table, site: &str) -> anyhow::Result<Map> {
    map_of(cx, args, table, site, &Relays::default())
}

/// The same, by what is known of the relays: without the lines of those that are not there, in the form that fits.
pub(crate) fn map_of(
    cx: &Context,
    args: &MapArgs,
    table: &Table,
    site: &str,
    known: &Relays,
) -> anyhow::Result<Map> {
    known_providers(args, table)?;
    let wanted = |provider: &Provider| {
        let named = |name: &String| name.eq_ignore_ascii_case(&provider.name);
        !known.is_left_out(&provider.name)
            && (args.provider.is_empty() || args.provider.iter().any(named))
    };
    let style = Style {
        shared: known.shared.clone(),
        ..args.style()
    };
    let map = Map::of(&table.providers, site, style, wanted);
    refused(&map).iter().for_each(|text| cx.warn(text));
    Ok(map)
}

/// The names that no map can hold, a sentence each.
pub(crate) fn refused(map: &Map) -> Vec<String> {
    let all = map.refused.iter();
    let text =
        |(provider, name, why): &_| format!("left out of provider {provider}: \"{name}\" is {why}");
    all.map(text).collect()
}

/// The domain of the site: that of `--domain`, or else the registrable domain of an instance's HELO name, the default
/// instance first.
pub(crate) fn domain(cx: &Context, args: &MapArgs, host: &Parsed<Host>) -> anyhow::Result<String> {
    if let Some(domain) = &args.domain {
        return Ok(domain.to_ascii_lowercase());
    }
    let default = host.value.default_instance().into_iter();
    let found = default.chain(host.value.instances()).find_map(|instance| {
        let domain = Facts::of(instance, None).site_domain();
        dns::name(&domain)
            .filter(|name| name.label_count() > 2)
            .map(|name| name.to_string())
    });
    found.ok_or_else(|| {
        cx.problems(&host.problems);
        let etc = cx.root().under(Path::new("/etc"));
        Failure::new(format!(
            "cannot find out the site's domain: no main.cf below {} has a full myhostname",
            etc.display()
        ))
        .hint("name it with --domain smtp.example.org")
        .into()
    })
}

impl MapArgs {
    pub(crate) fn style(&self) -> Style {
        Style {
            transport: self.transport.clone(),
            brackets: !self.no_brackets,
            shared: BTreeSet::new(),
            port: self.port,
        }
    }
}
