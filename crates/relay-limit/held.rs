//! What waits at an instance, and would be kept by a pause.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use cli::Context;
use knowledge::providers::domain_of;
use limits::Scope;
use limits::plan::Waiting;
use postfix::config::Instance;
use postfix::queue::{Queue, ScanOptions, ShowqOptions};

/// The messages that a pause would keep.
pub(crate) fn waiting_now(
    cx: &Context,
    instance: &Instance,
    scope: &Scope,
) -> Result<Waiting, String> {
    let spools = host::spools::find(cx.site(), &[instance]);
    let Some(found) = spools.first() else {
        return Err("no queue directory".to_owned());
    };
    if let host::spools::State::Missing(problem) | host::spools::State::Barred(problem) =
        &found.state
    {
        return Err(problem.to_string());
    }
    let count = |queue| {
        let count = AtomicUsize::new(0);
        let scanned = found.spool.scan_messages(
            queue,
            &ShowqOptions::default(),
            &ScanOptions::default(),
            |message| {
                let domain = |address: &str| {
                    let domain = domain_of(address.as_bytes()).unwrap_or_default();
                    String::from_utf8_lossy(domain).to_lowercase()
                };
                if *scope == Scope::All
                    || message
                        .recipients
                        .iter()
                        .any(|r| scope.covers(&domain(&r.address)))
                {
                    count.fetch_add(1, Ordering::Relaxed);
                }
                ControlFlow::Continue(())
            },
        );
        match scanned {
            Ok(tally) => {
                cx.problems(&tally.problems);
                Ok(count.into_inner())
            }
            Err(e) => Err(e.to_string()),
        }
    };
    Ok(Waiting {
        deferred: count(Queue::Deferred)?,
        active: count(Queue::Active)?,
    })
}
