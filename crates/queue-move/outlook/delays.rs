//! Why the mail may wait in TO as it did in FROM.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;
use std::sync::{Mutex, PoisonError};

use cli::Context;
use postfix::queue::{Queue, ScanOptions, ShowqOptions};
use transfer::plan::Plan;

use crate::course::{Course, domain};

/// The target is paused: what is moved there waits there.
pub(super) fn paused(cx: &Context, course: &Course<'_>) -> Option<String> {
    let marks = limits::Marks::read(cx.root(), cx.now());
    cx.problems(&marks.problems);
    let limit = marks.pause_at(course.to.config_directory())?;
    Some(format!(
        "{} is {}: what is moved there may wait until that ends; relay-limit list, or relay-limit lift {}",
        limit.instance,
        limit.what(),
        limit.id
    ))
}

/// Does TO itself have deferred mail for the same domains?
pub(super) fn same_domains(plan: &Plan, course: &Course<'_>) -> Option<String> {
    let recipients = plan.moves().flat_map(|item| &item.message.recipients);
    let ours: HashSet<String> = recipients.map(|rcpt| domain(&rcpt.address)).collect();
    let showq = ShowqOptions::of(course.to.parameters());
    let waiting: Mutex<BTreeMap<String, usize>> = Mutex::default();
    let spool = course.to_side.spool();
    let scanned = spool.scan_messages(
        Queue::Deferred,
        &showq,
        &ScanOptions::default(),
        |message| {
            let domains = message.recipients.iter().map(|rcpt| domain(&rcpt.address));
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            for domain in domains.filter(|domain| ours.contains(domain)) {
                *waiting.entry(domain).or_default() += 1;
            }
            ControlFlow::Continue(())
        },
    );
    let same = waiting.into_inner().unwrap_or_else(PoisonError::into_inner);
    if let Err(e) = scanned {
        let name = course.to.name();
        return Some(format!(
            "{name}'s own deferred mail cannot be read: {e}; it is not known whether it is deferring the same domains"
        ));
    }
    if same.is_empty() {
        return None;
    }
    let list = same.iter().take(5);
    let list: Vec<String> = list
        .map(|(domain, count)| format!("{domain} ({count})"))
        .collect();
    let more = if same.len() > 5 { ", …" } else { "" };
    Some(format!(
        "{} is itself deferring mail for {}{more}; the moved mail may wait there as it did here",
        course.to.name(),
        list.join(", ")
    ))
}
