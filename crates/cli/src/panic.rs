//! A defect that panics ends as one clear line, whichever thread it is in.

use std::any::Any;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook};
use std::sync::{Mutex, PoisonError};

/// The first panic of this process, in one line.
static FIRST: Mutex<Option<String>> = Mutex::new(None);

/// Runs `work`; a panic in it, or one in any of its threads, comes back as the line to be shown.
pub(crate) fn caught<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    set_hook(Box::new(|info| {
        let mut first = FIRST.lock().unwrap_or_else(PoisonError::into_inner);
        first.get_or_insert_with(|| describe(info));
    }));
    let done = catch_unwind(AssertUnwindSafe(work));
    let first = FIRST.lock().unwrap_or_else(PoisonError::into_inner).take();
    match (done, first) {
        (Ok(value), None) => Ok(value),
        (_, Some(line)) => Err(line),
        (Err(payload), None) => Err(text(&*payload).to_owned()),
    }
}

fn describe(info: &PanicHookInfo<'_>) -> String {
    match info.location() {
        Some(at) => format!("{} ({}:{})", text(info.payload()), at.file(), at.line()),
        None => text(info.payload()).to_owned(),
    }
}

fn text(payload: &(dyn Any + Send)) -> &str {
    match (
        payload.downcast_ref::<&str>(),
        payload.downcast_ref::<String>(),
    ) {
        (Some(text), _) => text,
        (None, Some(text)) => text,
        (None, None) => "panic",
    }
}
