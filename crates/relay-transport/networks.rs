//! Do the relays take mail from this server? Read from their own main.cf.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use cli::{Context, Failure};
use host::machine::Interfaces;
use host::postmap::{Postmap, name_here};
use knowledge::providers::Providers;
use postfix::Root;
use postfix::config::{Host, Instance, MainCf, Parameters, hostname_of, logical_lines};
use transport::audit::{Acceptance, Failed, Networks};
use transport::{Listed, Reference, Storage, TableName, listed};

use crate::args::Check;

/// Looks at every configuration that is named.
///
/// # Errors
/// A path is not a configuration.
pub(crate) fn look_at(
    cx: &Context,
    args: &Check,
    instance: &Instance,
    providers: &Providers,
) -> anyhow::Result<Networks> {
    if args.relay_config.is_empty() {
        return Ok(Networks::NotAsked);
    }
    let mut unread = Vec::new();
    let mut relays = Vec::new();
    for path in &args.relay_config {
        relays.extend(relays_in(cx, path, providers, &mut unread)?);
    }
    let from = match from(cx, args, instance)? {
        from if from.is_empty() => {
            let why = "the address that the relays see this server connect from is not known: use --from ADDR";
            return Ok(Networks::Unknown(why.to_owned()));
        }
        from => from,
    };
    let known = relays.iter().flat_map(|relay| {
        from.iter().map(|&from| Acceptance {
            relay: relay.name.clone(),
            from,
            listed: has(relay, from),
            barred: barred(&relay.parameters),
        })
    });
    Ok(Networks::Known(known.collect(), unread))
}

/// Where this server's mail comes from, as the relays see it.
fn from(cx: &Context, args: &Check, instance: &Instance) -> anyhow::Result<Vec<IpAddr>> {
    if !args.from.is_empty() {
        return Ok(args.from.clone());
    }
    let bound = instance.bind_addresses();
    if !bound.is_empty() || !cx.root().is_this_host() {
        return Ok(bound);
    }
    let interfaces = Interfaces::read()
        .map_err(|e| Failure::new("cannot list the interfaces' addresses").because(e))?;
    Ok(interfaces.outward().filter(IpAddr::is_ipv4).collect())
}

/// A relay whose main.cf was read.
struct Relay {
    name: String,
    parameters: Parameters,
    /// Where its tables are: this machine, or an image. Unknown of a main.cf that was copied from elsewhere.
    root: Option<Root>,
    config_directory: PathBuf,
}

/// The relays that a path has.
fn relays_in(
    cx: &Context,
    path: &Path,
    providers: &Providers,
    unread: &mut Vec<String>,
) -> anyhow::Result<Vec<Relay>> {
    let main_cf = path.join("main.cf");
    if main_cf.is_file() {
        let text = guarded::read(&main_cf, 16 << 20)
            .map_err(|e| Failure::io("cannot read", &main_cf, e))?;
        let parsed = MainCf::parse(&main_cf, &text);
        unread.extend(parsed.problems.iter().map(ToString::to_string));
        let parameters = Parameters::new(parsed.value, path, "localhost");
        let name = match parameters.get("multi_instance_name") {
            name if name.is_empty() => path.display().to_string(),
            name => name,
        };
        let own = host::instances::discover(cx.site()).value;
        let is_own = own.instances().iter().any(|i| i.config_directory() == path);
        return Ok(vec![Relay {
            name,
            parameters,
            root: is_own.then(|| cx.root().clone()),
            config_directory: path.to_owned(),
        }]);
    }
    let root = Root::new(path);
    let hostname = hostname_of(&root).unwrap_or_else(|| "localhost".to_owned());
    let host = Host::discover(&root, &hostname);
    unread.extend(host.problems.iter().map(ToString::to_string));
    let instances = host.value.instances().iter();
    let relays = instances.filter(|i| providers.of_instance(i.name()).is_some());
    let relays: Vec<Relay> = relays
        .map(|i| Relay {
            name: format!("{}/{}", host_name(path, &hostname), i.name()),
            parameters: i.parameters().clone(),
            root: Some(root.clone()),
            config_directory: i.config_directory().to_owned(),
        })
        .collect();
    if relays.is_empty() {
        let what = format!(
            "--relay-config: not a relay's configuration: {}",
            path.display()
        );
        let hint = "name a directory with a main.cf, or a host image with etc/postfix-PROVIDER-x/main.cf below it";
        return Err(Failure::new(what).hint(hint).into());
    }
    Ok(relays)
}

fn host_name(path: &Path, hostname: &str) -> String {
    match hostname {
        "localhost" => path.display().to_string(),
        name => name.to_owned(),
    }
}

fn has(relay: &Relay, from: IpAddr) -> Listed {
    let parameters = &relay.parameters;
    // Without one, Postfix makes the list of the interfaces that it finds where it runs.
    if parameters.main_cf().value(b"mynetworks").is_none() {
        let style = parameters.get("mynetworks_style");
        return Listed::Unknown(format!(
            "mynetworks_style = {style} (mynetworks is not set)"
        ));
    }
    let list = match parameters.expand("mynetworks") {
        Ok(list) => String::from_utf8_lossy(&list).into_owned(),
        Err(why) => return Listed::Unknown(format!("mynetworks: {why}")),
    };
    match &relay.root {
        Some(root) => {
            let postmap = Postmap::at(root, &relay.config_directory);
            listed(
                &list,
                from,
                Some(&|pattern| look(root, &postmap, pattern, from)),
            )
        }
        None => listed(&list, from, None),
    }
}

/// What is behind an element of the list.
fn look(root: &Root, postmap: &Postmap, pattern: &str, from: IpAddr) -> Reference {
    if pattern.starts_with('/') {
        let path = root.under(Path::new(pattern));
        return match guarded::read(&path, 16 << 20) {
            Ok(text) => Reference::Elements(without_comments(&path, &text)),
            Err(e) if e.kind() == ErrorKind::NotFound => {
                Reference::Fails("there is no such file".to_owned())
            }
            Err(_) => Reference::Unknown,
        };
    }
    let Some(table) = TableName::parse(pattern) else {
        return Reference::Unknown;
    };
    let here = name_here(root, &table);
    if here.storage() == Storage::Elsewhere && !root.is_this_host() {
        return Reference::Unknown;
    }
    match postmap.answers(&here, &BTreeSet::from([from.to_string()])) {
        Ok((answers, _)) if answers.is_empty() => Reference::HasNot,
        Ok(_) => Reference::Has,
        Err(Failed::Broken(why)) => Reference::Fails(why),
        Err(Failed::Unknown(_)) => Reference::Unknown,
    }
}

fn without_comments(path: &Path, text: &[u8]) -> String {
    let lines = logical_lines(path, text).value.into_iter();
    let lines = lines.map(|line| String::from_utf8_lossy(&line.text).into_owned());
    lines.collect::<Vec<_>>().join("\n")
}

/// What is asked before a recipient is taken (postconf(5)): each of these lists must let the mail through.
const RESTRICTIONS: [&str; 5] = [
    "smtpd_client_restrictions",
    "smtpd_helo_restrictions",
    "smtpd_sender_restrictions",
    "smtpd_relay_restrictions",
    "smtpd_recipient_restrictions",
];

/// What refuses mail for others whoever sends it, ahead of `permit_mynetworks` in its list, if anything does. What
/// depends on more than that, and restriction classes, are taken to let it through.
fn barred(parameters: &Parameters) -> Option<String> {
    RESTRICTIONS.iter().find_map(|name| {
        let words = parameters.list(name);
        let mut before = "";
        let decisive = words.iter().find(|word| {
            let only_warns = std::mem::replace(&mut before, word.as_str()) == "warn_if_reject";
            !only_warns && (is_permit(word) || is_refusal(word))
        })?;
        is_refusal(decisive).then(|| format!("{name}: {decisive}"))
    })
}

fn is_permit(word: &str) -> bool {
    matches!(word, "permit" | "permit_mynetworks")
}

fn is_refusal(word: &str) -> bool {
    let refusals = [
        "reject",
        "defer",
        "defer_if_permit",
        "reject_unauth_destination",
        "defer_unauth_destination",
    ];
    refusals.contains(&word)
}
