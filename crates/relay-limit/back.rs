//! An instance brought back: looked at, its pauses lifted, and the zone's line to add.

use std::ffi::OsStr;

use cli::lookups::ResolverArgs;
use cli::{Context, Failure, Outcome};
use limits::Standing;
use serde_json::Value;

use crate::args::{In, Lift};
use crate::moving::run;
use crate::zone;
use crate::{desk, idle, lift};

/// What relay-instances finds wrong. That the zone does not list the address yet is no reason.
/// What was not seen to be in order is wrong, too.
fn wrong(cx: &Context, name: &str, resolver: &ResolverArgs) -> anyhow::Result<Vec<String>> {
    let servers = resolver.servers()?;
    let server = servers.first().map(|server| format!("--resolver={server}"));
    let args = ["-q", "--check-dns", "--format", "json"].into_iter();
    let args = args.chain(server.as_deref()).chain(["--", name]);
    // An image is looked at as an image.
    let image = [OsStr::new("--root"), cx.root().dir().as_os_str()];
    let image = image.into_iter().filter(|_| !cx.root().is_this_host());
    let args: Vec<&OsStr> = image.chain(args.map(OsStr::new)).collect();
    let (code, said) = run("relay-instances", &args)?;
    let Ok(json) = serde_json::from_str::<Value>(&said) else {
        let status = code.map_or_else(String::new, |code| format!(" with status {code}"));
        let said = postfix::escape(said.trim_end());
        return Err(
            Failure::new(format!("relay-instances {name} ended{status}: {said}"))
                .hint("run relay-instances by hand, and see what it says")
                .into(),
        );
    };
    let findings = list(&json["findings"]).filter(|one| one["severity"] == "CRITICAL");
    let findings = findings.filter(|one| one["kind"] != "dns");
    let mut found: Vec<String> = findings.map(|one| text(&one["text"]).to_owned()).collect();
    for instance in list(&json["instances"]) {
        match instance["running"].as_bool() {
            Some(false) => found.push(format!("{name} is not running")),
            // In an image nothing runs.
            None if cx.root().is_this_host() => {
                found.push(format!("it is not known whether {name} is running"));
            }
            _ => {}
        }
    }
    found.extend(wrong_in_dns(&json, name));
    Ok(found)
}

/// What is wrong, or not known, of the DNS of its addresses, beside the provider's name.
fn wrong_in_dns(json: &Value, name: &str) -> Vec<String> {
    let addresses = list(&json["instances"]).flat_map(|one| list(&one["addresses"]));
    let checks = addresses.flat_map(|address| list(&address["dns"]));
    let checks = checks.filter(|one| one["check"] != "provider" && one["result"] != "skipped");
    let mut checks = checks.peekable();
    if checks.peek().is_none() {
        return vec![format!(
            "no DNS of {name} was looked at: has it an address of its own?"
        )];
    }
    let wrong = checks.filter(|one| one["result"] == "wrong" || one["result"] == "unknown");
    let wrong = wrong.map(|one| format!("{}: {}", text(&one["name"]), text(&one["detail"])));
    wrong.collect()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// Brings an instance back: looked at, lifted, and the zone's line.
pub(crate) fn back(args: &In, cx: &Context) -> anyhow::Result<Outcome> {
    if !args.manner.dry_run {
        desk::must_be_able(cx, "--dry-run shows what would be done")?;
    }
    let host = host::instances::discover(cx.site());
    let instance = host::instances::select_one(cx.site(), &host, &args.instance)?;
    let providers = host::tables::providers(cx.site())?;
    let name = instance.name();
    let wrong = wrong(cx, name, &args.resolver)?;
    let mut lines: Vec<String> = wrong
        .iter()
        .map(|what| format!("not in order: {what}"))
        .collect();
    if !wrong.is_empty() && !args.anyway {
        return Err(
            Failure::new(format!("{name} stays out: {}", wrong.join("; ")))
                .hint("fix it, or use --anyway")
                .into(),
        );
    }
    let zone = zone::ask(&args.resolver, instance, &providers);
    lines.extend(zone::back(&zone, instance));
    let journal = desk::look(cx)?.value;
    let its = |one: &&Standing| one.limit.config_directory == instance.config_directory();
    let pauses = journal.limits.iter().filter(its);
    let open = pauses.filter(|one| one.limit.pause().is_some() && one.is_open());
    let open: Vec<&Standing> = open.collect();
    lines.extend(idle::lines(cx, &host, instance, &providers)?);
    if !open.is_empty() {
        lines.push("then all that waits there is tried at once (postqueue -f)".to_owned());
    }
    if args.manner.dry_run || open.is_empty() {
        match args.manner.dry_run {
            true => lines.extend(open.iter().map(|one| format!("lift {}", one.limit.id))),
            false => lines.push("nothing is paused there".to_owned()),
        }
        cx.print_lines(&lines)?;
        return Ok(Outcome::Done);
    }
    cx.show(&lines);
    let order = Lift {
        target: name.to_owned(),
        flush: true,
        manner: args.manner,
    };
    lift::only(&order, cx, |one| one.limit.pause().is_some())
}
