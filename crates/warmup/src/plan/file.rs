//! A plan as a file: one JSON object, schema `relay-tools/warmup-plan/1`; what `--format json` shows, too.
//!
//! The structs are the wire format; within version 1, fields are added and never changed.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::Path;

use chrono::{DateTime, SecondsFormat, Utc};
use legible::wire::write_json;
use postfix::{Day, Problem};
use serde::{Deserialize, Serialize};

use super::{Before, Order, Plan, PlanLevel};
use crate::exchangers::Names;
use crate::intake::{Intake, OtherLimits};
use crate::ratio::{Ratio, Records, RelayName, Unequal};
use crate::schedule::{Level, MAX_DAYS, MAX_LEVELS};
use crate::settings::{HeldBy, Hold, Mail, Settings};
use crate::weights::Weights;

/// Where a host keeps its plans, as the host itself names it.
pub const DIRECTORY: &str = "/var/lib/relay-tools/warmup";

/// The name of the file of an instance's plan, in [`DIRECTORY`].
pub fn name(instance: &str) -> String {
    format!("{}.json", instance.replace('/', "_"))
}

/// The schema's name.
pub const SCHEMA: &str = "relay-tools/warmup-plan/1";

/// More addresses than this are in no relay name: an answer of the DNS holds fewer.
const MAX_OLD: usize = 10_000;

#[derive(Serialize, Deserialize)]
struct Document {
    schema: String,
    host: String,
    instance: String,
    syslog_name: String,
    config_directory: String,
    transport: String,
    address: Option<IpAddr>,
    /// RFC 3339.
    created: String,
    /// `2026-11-24`.
    start: String,
    volume: u64,
    total: u64,
    schedule: String,
    recipients_per_delivery: u32,
    delivery_ms: u32,
    clients: u32,
    #[serde(default)]
    replaces_old: bool,
    /// What anvil's limits were when the plan was made.
    #[serde(default)]
    other_limits: OtherLimitsObject,
    /// What main.cf and master.cf said before; null where they said nothing.
    #[serde(default)]
    before: Vec<BeforeObject>,
    /// The commands that put that back, for those who read it.
    #[serde(default)]
    undo: Vec<String>,
    relay_name: Option<RelayObject>,
    levels: Vec<LevelObject>,
    /// For those who read it: what it says follows from the levels.
    #[serde(default)]
    days: Vec<DayObject>,
}

#[derive(Serialize, Deserialize)]
struct RelayObject {
    name: String,
    ttl: u32,
    old: Vec<IpAddr>,
    new: IpAddr,
    /// `a`, `mx` or `srv`: which records share the mail.
    #[serde(default)]
    records: String,
}

#[derive(Serialize, Deserialize, Default)]
struct OtherLimitsObject {
    unit: u64,
    count: Option<u64>,
    processes: u64,
    rates: Vec<(String, u64)>,
    exceptions: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct BeforeObject {
    name: String,
    value: Option<String>,
}

/// A sending day, if none is repeated; of the last level, as many as it is held.
#[derive(Serialize, Deserialize)]
struct DayObject {
    /// From 1.
    day: u32,
    /// If mail is sent every day.
    earliest: String,
    /// From 1.
    level: usize,
    cap: u64,
}

#[derive(Serialize, Deserialize)]
struct LevelObject {
    /// From 1.
    level: usize,
    /// Sending days, from 1, if none is repeated; the last level has no last one.
    first_day: u32,
    last_day: Option<u32>,
    /// If mail is sent every day.
    earliest: String,
    days: u32,
    cap: u64,
    /// Seconds; or else `processes`.
    rate_delay: Option<u64>,
    processes: Option<u64>,
    recipient_limit: u32,
    lets_out: u64,
    /// With a queue that is never empty, if what is taken does not hold it.
    #[serde(default)]
    lets_out_at_most: u64,
    /// `settings`, `intake` or `nothing`.
    #[serde(default)]
    held_by: String,
    old_records: Option<usize>,
    new_records: Option<usize>,
    /// Where MX records share the mail: how many of them lead to all the old addresses each, and how many to the new
    /// one.
    #[serde(default)]
    old_exchangers: Option<usize>,
    #[serde(default)]
    new_exchangers: Option<usize>,
    /// Where SRV records share the mail: the weights of those of each old address, and of the new one.
    #[serde(default)]
    old_weight: Option<u16>,
    #[serde(default)]
    new_weight: Option<u16>,
    share: Option<f64>,
    brings: Option<u64>,
    /// Recipients that are taken from each sending host in `intake_seconds`.
    intake: Option<u64>,
    intake_seconds: Option<u64>,
    /// main.cf's parameters.
    #[serde(default)]
    settings: BTreeMap<String, String>,
}

/// Writes the plan, and a newline.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, plan: &Plan) -> io::Result<()> {
    let order = &plan.order;
    let created =
        DateTime::<Utc>::from_timestamp_micros(order.created.micros()).unwrap_or_default();
    let document = Document {
        schema: SCHEMA.to_owned(),
        host: order.host.clone(),
        instance: order.instance.clone(),
        syslog_name: order.syslog_name.clone(),
        config_directory: order.config_directory.clone(),
        transport: order.transport.clone(),
        address: order.address,
        created: created.to_rfc3339_opts(SecondsFormat::Secs, true),
        start: order.start.to_string(),
        volume: order.volume,
        total: order.total,
        schedule: plan.schedule.clone(),
        recipients_per_delivery: order.mail.recipients,
        delivery_ms: order.mail.delivery_ms,
        clients: order.clients,
        replaces_old: order.replaces_old,
        other_limits: OtherLimitsObject {
            unit: order.others.unit,
            count: order.others.count,
            processes: order.others.processes,
            rates: order.others.rates.clone(),
            exceptions: order.others.exceptions.clone(),
        },
        before: order
            .before
            .iter()
            .map(|before| BeforeObject {
                name: before.name.clone(),
                value: before.value.clone(),
            })
            .collect(),
        undo: plan.undo(),
        relay_name: order.relay.as_ref().map(|relay| RelayObject {
            name: relay.name.clone(),
            ttl: relay.ttl,
            old: relay.old.clone(),
            new: relay.new,
            records: relay.records.as_str().to_owned(),
        }),
        levels: (0..plan.levels.len())
            .map(|at| level_object(plan, at))
            .collect(),
        days: plan
            .sending_days()
            .map(|(day, at)| DayObject {
                day,
                earliest: plan.date_of(day).to_string(),
                level: at + 1,
                cap: plan.levels[at].level.cap,
            })
            .collect(),
    };
    write_json(out, &document)?;
    writeln!(out)
}

fn level_object(plan: &Plan, at: usize) -> LevelObject {
    let level = &plan.levels[at];
    let (first_day, last_day) = plan.days_of(at);
    let (rate_delay, processes) = match level.settings.hold {
        Hold::RateDelay(seconds) => (Some(seconds), None),
        Hold::Processes(processes) => (None, Some(processes)),
    };
    let settings = plan.parameters(level);
    let (names, weights) = match level.ratio.and_then(|ratio| ratio.by) {
        Some(Unequal::Names(names)) => (Some(names), None),
        Some(Unequal::Weights(weights)) => (None, Some(weights)),
        None => (None, None),
    };
    LevelObject {
        level: at + 1,
        first_day,
        last_day,
        earliest: plan.date_of(first_day).to_string(),
        days: level.level.days,
        cap: level.level.cap,
        rate_delay,
        processes,
        recipient_limit: level.settings.recipient_limit,
        lets_out: level.settings.lets_out,
        lets_out_at_most: level.settings.at_most,
        held_by: level.settings.held_by.as_str().to_owned(),
        old_records: level.ratio.map(|ratio| ratio.old),
        new_records: level.ratio.map(|_| 1),
        old_exchangers: names.map(|names| names.old),
        new_exchangers: names.map(|names| names.new),
        old_weight: weights.map(|weights| weights.old),
        new_weight: weights.map(|weights| weights.new),
        share: level.ratio.map(|ratio| ratio.share()),
        brings: level.ratio.map(|ratio| ratio.brings),
        intake: level.intake.map(|intake| intake.limit),
        intake_seconds: level.intake.map(|intake| intake.seconds),
        settings: settings.into_iter().collect(),
    }
}

/// Reads a plan's file, which came from `path`.
///
/// # Errors
/// It is not a plan, of another version, or damaged.
pub fn read(path: &Path, text: &[u8]) -> Result<Plan, Problem> {
    let wrong = |what: String| Problem::new(path, what);
    let document: Document = serde_json::from_slice(text)
        .map_err(|e| wrong(format!("not a plan of schema {SCHEMA}: {e}")))?;
    if document.schema != SCHEMA {
        return Err(wrong(format!("schema {}, not {SCHEMA}", document.schema)));
    }
    let created = DateTime::parse_from_rfc3339(&document.created);
    let created = created.map_err(|e| wrong(format!("created: {e}")))?;
    let start = document.start.parse::<Day>();
    let start = start.map_err(|e| wrong(format!("start: {e}")))?;
    let levels = levels(&document.levels).map_err(|why| wrong(format!("a damaged plan: {why}")))?;
    let mail = Mail {
        recipients: document.recipients_per_delivery,
        delivery_ms: document.delivery_ms,
    };
    Ok(Plan {
        order: Order {
            instance: document.instance,
            syslog_name: document.syslog_name,
            config_directory: document.config_directory,
            host: document.host,
            transport: document.transport,
            address: document.address,
            relay: document.relay_name.map(relay),
            created: created.into(),
            start,
            volume: document.volume,
            total: document.total,
            mail,
            clients: document.clients,
            replaces_old: document.replaces_old,
            others: OtherLimits {
                unit: document.other_limits.unit,
                count: document.other_limits.count,
                processes: document.other_limits.processes,
                rates: document.other_limits.rates,
                exceptions: document.other_limits.exceptions,
            },
            before: document
                .before
                .into_iter()
                .map(|before| Before {
                    name: before.name,
                    value: before.value,
                })
                .collect(),
        },
        schedule: document.schedule,
        levels,
    })
}

fn relay(object: RelayObject) -> RelayName {
    RelayName {
        name: object.name,
        ttl: object.ttl,
        old: object.old,
        new: object.new,
        records: match object.records.as_str() {
            "mx" => Records::Exchangers,
            "srv" => Records::Services,
            _ => Records::Addresses,
        },
    }
}

/// The levels of a plan that can be followed: there are some, and the caps rise.
///
/// # Errors
/// What is wrong with them.
fn levels(objects: &[LevelObject]) -> Result<Vec<PlanLevel>, String> {
    let levels = objects.iter().map(level).collect::<Option<Vec<_>>>();
    let levels = levels.ok_or("an empty level")?;
    if levels.len() > MAX_LEVELS {
        return Err(format!("{} levels", levels.len()));
    }
    if levels.is_empty() || levels.windows(2).any(|l| l[0].level.cap > l[1].level.cap) {
        return Err("its levels fall".to_owned());
    }
    Ok(levels)
}

fn level(object: &LevelObject) -> Option<PlanLevel> {
    let hold = match (object.rate_delay, object.processes) {
        (Some(seconds), None) if seconds > 0 => Hold::RateDelay(seconds),
        (None, Some(processes)) if processes > 0 => Hold::Processes(processes),
        _ => return None,
    };
    let ratio = object.old_records.zip(object.brings);
    let names = object.old_exchangers.zip(object.new_exchangers);
    let names = names.map(|(old, new)| Unequal::Names(Names { old, new }));
    let weights = object.old_weight.zip(object.new_weight);
    let weights = weights.map(|(old, new)| Unequal::Weights(Weights { old, new }));
    let by = names.or(weights);
    if by.is_some_and(Unequal::is_damaged) {
        return None;
    }
    let level = PlanLevel {
        level: Level {
            cap: object.cap,
            days: object.days,
        },
        settings: Settings {
            hold,
            recipient_limit: object.recipient_limit,
            lets_out: object.lets_out,
            // A plan of before these were kept: its delays hold, as far as they do.
            at_most: object.lets_out_at_most.max(object.lets_out),
            held_by: match object.held_by.as_str() {
                "intake" => HeldBy::Intake,
                "nothing" => HeldBy::Nothing,
                _ => HeldBy::Settings,
            },
        },
        ratio: ratio.map(|(old, brings)| Ratio { old, brings, by }),
        intake: object
            .intake
            .zip(object.intake_seconds)
            .map(|(limit, seconds)| Intake { limit, seconds }),
    };
    let is_whole = object.cap > 0
        && (1..=MAX_DAYS).contains(&object.days)
        && object.old_records.is_none_or(|old| old <= MAX_OLD);
    is_whole.then_some(level)
}
