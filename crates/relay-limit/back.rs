//! An instance brought back: looked at, its pauses lifted, and the zone's line to add.

use std::ffi::OsStr;

use cli::lookups::ResolverArgs;
use cli::{Context, Failure, Outcome};
use limits::Standing;

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
    let Ok(json) = serde_json::from_str::<serde_json::Value>(&said) else {
        let status = code.map_or_else(String::new, |code| format!(" with status {code}"));
        let said = postfix::escape(said.trim_end());
        return Err(
            Failure::new(format!("relay-instances {name} ended{status}: {said}"))
                .hint("run relay-instances by hand, and see what it says")
                .into(),
        );
    };
    let list = |value: &serde_json::Value| value.as_array().cloned().unwrap_or_default();
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let (mut found, mut seen) = (Vec::new(), 0);
    for one in list(&json["findings"]) {
        if one["severity"] == "CRITICAL" && one["kind"] != "dns" {
            found.push(text(&one["text"]));
        }
    }
    for instance in list(&json["instances"]) {
        match instance["running"].as_bool() {
            Some(false) => found.push(format!("{name} is not running")),
            // In an image nothing runs.
            None if cx.root().is_this_host() => {
                found.push(format!("it is not known whether {name} is running"));
            }
            _ => {}
        }
        for address in list(&instance["addresses"]) {
            for check in list(&address["dns"]) {
                let is_wrong = check["result"] == "wrong" || check["result"] == "unknown";
                seen += usize::from(check["check"] != "provider" && check["result"] != "skipped");
                if check["check"] != "provider" && is_wrong {
                    found.push(format!(
                        "{}: {}",
                        text(&check["name"]),
                        text(&check["detail"])
                    ));
                }
            }
        }
    }
    if seen == 0 {
        found.push(format!(
            "no DNS of {name} was looked at: has it an address of its own?"
        ));
    }
    Ok(found)
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
    let held = |one: &&Standing| {
        one.limit.config_directory == instance.config_directory() && one.limit.pause().is_some()
    };
    let open: Vec<&Standing> = journal
        .limits
        .iter()
        .filter(held)
        .filter(|one| one.is_open())
        .collect();
    lines.extend(idle::lines(cx, &host, instance, &providers)?);
    if !open.is_empty() {
        lines.push("then all that waits there is tried at once (postqueue -f)".to_owned());
    }
    if args.manner.dry_run {
        lines.extend(open.iter().map(|one| format!("lift {}", one.limit.id)));
        cx.print_lines(&lines)?;
        return Ok(Outcome::Done);
    }
    if open.is_empty() {
        lines.push("nothing is paused there".to_owned());
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
