//! Messages written as they are found: `--format jsonl` and `--ids`, at any size of the mailq in the same little
//! memory, but for the ids that were written.

use std::collections::HashSet;
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex};

use cli::{Context, Stream};
use host::pool::{Shards, lock};
use postfix::queue::{Message, QueueId, ScanOptions, Selector};
use show::queue::jsonl::Lines;

use crate::mode::Listing;
use crate::reading::{SpoolReading, read};
use crate::spools::InstanceSpool;

/// Bytes that a thread gathers before it writes.
const BLOCK: usize = 64 * 1024;

/// A thread's lines.
struct Gathered {
    /// Nothing if only ids are printed.
    lines: Option<Lines>,
    text: Vec<u8>,
}

impl Gathered {
    fn add(&mut self, instance: &str, message: &Message) -> io::Result<()> {
        match &mut self.lines {
            Some(lines) => lines.write(&mut self.text, instance, message),
            None => writeln!(self.text, "{}", message.file.id),
        }
    }
}

/// Writes the messages that `selector` means, as ids or as JSON lines; more may be written behind them.
///
/// # Errors
/// Nothing could be read, or the output cannot be written.
pub(crate) fn stream(
    cx: &Context,
    spools: &[InstanceSpool],
    selector: &Selector<'_>,
    listing: Listing,
) -> anyhow::Result<(SpoolReading, Stream)> {
    let reasons = Arc::new(host::tables::reasons(cx.site())?);
    let out = Mutex::new(cx.stream()?);
    let failed = Mutex::new(None);
    let gathered = Shards::new(ScanOptions::default().threads.get(), || Gathered {
        lines: (listing == Listing::Jsonl).then(|| Lines::new(Arc::clone(&reasons))),
        text: Vec::new(),
    });
    // The queue manager may move a message to a queue that is read after the one where it was: an id is one line.
    let met = Mutex::new(HashSet::new());
    let is_again = |id: &QueueId| listing == Listing::Ids && !lock(&met).insert(id.clone());
    let add = |at: usize, message: &Message| -> io::Result<()> {
        if is_again(&message.file.id) {
            return Ok(());
        }
        let instance = spools.get(at).map_or("", |spool| spool.instance.as_str());
        let added = gathered.with(|mine| {
            mine.add(instance, message)?;
            if mine.text.len() >= BLOCK {
                lock(&out).write_all(&mine.text)?;
                mine.text.clear();
            }
            Ok(())
        });
        added.unwrap_or(Ok(()))
    };
    let read = read(cx, spools, selector, false, |at, message| {
        match add(at, message) {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => {
                lock(&failed).get_or_insert(error);
                ControlFlow::Break(())
            }
        }
    })?;
    if let Some(error) = lock(&failed).take() {
        return Err(error.into());
    }
    let mut out: Stream = out
        .into_inner()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    for rest in gathered.into_values() {
        out.write_all(&rest.text)?;
    }
    Ok((read, out))
}
