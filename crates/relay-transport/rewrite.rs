//! Postfix itself, asked where mail goes.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::time::Duration;

use cli::Context;
use host::rewrite::Rewrite;
use postfix::config::{Instance, Parameters};
use transport::Map;
use transport::audit::{Live, PROBES, Resolved, Table};

/// After this, a changed table has been seen.
const LOOKS: Duration = Duration::from_secs(11);

/// The parameters of the service that decides where mail goes: main.cf's, with what master.cf says instead. Beside
/// them, what to call them.
pub(crate) fn parameters(cx: &Context, instance: &Instance) -> (Parameters, String) {
    let services = instance.services(cx.root()).value;
    let name = match instance.get("rewrite_service_name") {
        name if name.is_empty() => "rewrite".to_owned(),
        name => name,
    };
    let found = services
        .running("trivial-rewrite")
        .find(|service| service.name == name);
    let own = found.map_or_else(
        || instance.parameters().clone(),
        |service| instance.parameters().of_service(service),
    );
    let is_overridden = own.get("transport_maps") != instance.get("transport_maps");
    let called = match is_overridden {
        true => format!("{}'s service {name} (-o in master.cf)", instance.name()),
        false => instance.name().to_owned(),
    };
    (own, called)
}

/// Asks about an address of every domain that is wanted.
pub(crate) fn ask(cx: &Context, instance: &Instance, wanted: &Map, tables: &[Table]) -> Live {
    if !cx.root().is_this_host() {
        return Live::NotAsked("Postfix cannot be asked in a host image".to_owned());
    }
    if let Some(random) = tables.iter().find(|table| table.name.is_random()) {
        return Live::NotAsked(format!(
            "the choices of {} are random and differ each time",
            random.name
        ));
    }
    match host::machine::master(cx.root(), instance) {
        Ok(Some(_)) => {}
        Ok(None) => return Live::NotAsked(format!("{} is not running", instance.name())),
        Err(e) => {
            return Live::Unknown(format!(
                "cannot find out whether {} is running: {e}",
                instance.name()
            ));
        }
    }
    wait_for_tables(cx, tables);
    let mut client = Rewrite::new(instance);
    let mut known = BTreeMap::new();
    let [probe, _] = PROBES;
    for domain in wanted.lines.keys() {
        match client.resolve(&format!("{probe}@{domain}")) {
            Ok(host::rewrite::Resolved::To { transport, nexthop }) => {
                known.insert(domain.clone(), Resolved::To(transport, nexthop))
            }
            Ok(host::rewrite::Resolved::Fails) => known.insert(domain.clone(), Resolved::Fails),
            Err(e) => return failed(&client, &e),
        };
    }
    Live::Known(known)
}

/// trivial-rewrite looks every 10 s whether postmap has made a new index (`src/trivial-rewrite/trivial-rewrite.c`,
/// check_table_stats), and is asked when it has.
fn wait_for_tables(cx: &Context, tables: &[Table]) {
    let changed = tables.iter().filter_map(|table| {
        let metadata = std::fs::metadata(table.name.index()?).ok()?;
        Some(metadata.ctime())
    });
    let now = cx.now().seconds();
    let age = changed
        .map(|changed| now.saturating_sub(changed))
        .filter(|age| *age >= 0)
        .min();
    let left = age.map_or(0, |age| LOOKS.as_secs().saturating_sub(age.unsigned_abs()));
    if left > 0 {
        cx.note(format!(
            "a table was just changed: asking Postfix once it has noticed, in {left} s"
        ));
        std::thread::sleep(Duration::from_secs(left));
    }
}

/// Why there is no answer.
fn failed(client: &Rewrite, error: &io::Error) -> Live {
    let what = format!("{}: {error}", client.socket().display());
    match error.kind() {
        io::ErrorKind::PermissionDenied => Live::Unknown(format!("{what}; run it as root")),
        _ => Live::Broken(format!(
            "Postfix is running but cannot route mail and delivers none: {what}; see the mail log"
        )),
    }
}
