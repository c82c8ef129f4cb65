//! What the configuration says of an instance that is to be paused.

use std::collections::BTreeMap;

use cli::Context;
use host::programs::Program;
use limits::MapKind;
use limits::setup::{Facts, FileState, NAME};
use postfix::config::Instance;

use crate::mapped::{self, Keys, MappedInstance};
use crate::recipients;

/// Everything that [`limits::setup::judge`] judges.
pub(crate) fn of(cx: &Context, instance: &Instance, wants_patterns: bool) -> Facts {
    let own = MappedInstance::of(cx, instance);
    let raw = |name: &[u8]| {
        let value = instance.parameters().main_cf().value(name);
        String::from_utf8_lossy(value.unwrap_or_default()).into_owned()
    };
    // Without a map yet, every table is another.
    let others =
        |kind| MappedInstance::with(cx, instance, kind, mapped::elements(instance)).others();
    let others = match &own {
        Some(mapped) => mapped.others(),
        None => MapKind::named("hash").map_or_else(Vec::new, others),
    };
    let opaque = others.into_iter().filter_map(|(element, keys)| match keys {
        Keys::Opaque(why) => Some((element, why)),
        Keys::Listed(_) => None,
    });
    Facts {
        instance: instance.name().to_owned(),
        config_directory: instance.config_directory().to_owned(),
        aliases: mapped::aliases(cx, instance, NAME, &mapped::elements(instance)),
        elements: mapped::elements(instance),
        raw: raw(b"transport_maps"),
        kinds: kinds(cx, instance),
        default_kind: instance.get("default_database_type"),
        wants_patterns,
        file: own
            .as_ref()
            .map_or(FileState::Missing, |mapped| mapped::file_state(&mapped.map)),
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
