//! The logs that are followed.

use std::path::{Path, PathBuf};

use cli::Failure;
use host::logs::{Inputs, LogSource, Selection, log_sets, no_instances};
use postfix::Problem;
use postfix::log::{self, LogPlace, LogSet, Scope};

use crate::Run;

/// The logs: those that are named, or the host's.
pub(crate) fn sets(run: &Run<'_>, everything: &Selection<'_>) -> anyhow::Result<Vec<LogSet>> {
    let (args, cx) = (run.args, run.cx);
    let named = |place| LogSet {
        place,
        scope: Scope::All,
        why: "it was named".to_owned(),
    };
    let mut sets = match args.logs.source() {
        LogSource::Files(files) => {
            no_instances(cx.site(), &run.host.value, &files)?;
            let files = files.iter().map(std::path::absolute);
            let mut files = files.collect::<Result<Vec<_>, _>>()?;
            for file in &mut files {
                *file = behind_links(std::mem::take(file));
            }
            files.sort();
            files.dedup();
            files
                .into_iter()
                .map(|file| named(LogPlace::File(file)))
                .collect()
        }
        LogSource::JournalDir(_) => match run.inputs()? {
            Inputs::Journal(journal) => vec![named(LogPlace::Journal(journal))],
            Inputs::Files(_) | Inputs::Host(_) => Vec::new(),
        },
        LogSource::Host(preference) => log_sets(cx.site(), run.host, everything, preference)?,
    };
    // A link of another host's image leads out of it.
    if cx.root().is_this_host() {
        for set in &mut sets {
            if let LogPlace::File(path) = &mut set.place {
                *path = behind_links(std::mem::take(path));
            }
        }
    }
    let stream = args.logs.log.iter().find(|p| p.as_os_str() == "-");
    let files = sets.iter().filter_map(|set| match &set.place {
        LogPlace::File(path) => Some(path),
        LogPlace::Journal(_) => None,
    });
    if let Some(path) = files.into_iter().find(|path| log::blocks(path)).or(stream) {
        let what = "a pipe or a device; --follow-state reads log files";
        return Err(Failure::new(Problem::new(path, what).to_string()).into());
    }
    Ok(sets)
}

/// The file that a link leads to, beside which its rotated siblings are; whether it is there or not.
fn behind_links(mut path: PathBuf) -> PathBuf {
    // As many as the kernel follows.
    for _ in 0..40 {
        let Ok(target) = std::fs::read_link(&path) else {
            break;
        };
        path = path.parent().unwrap_or(Path::new("/")).join(target);
    }
    path
}
