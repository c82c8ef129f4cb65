//! close and prune: what is done with journals alone.

use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use cli::{Context, Failure, Outcome};
use postfix::{Time, count, either};
use transfer::{Fs, Header, Journal, NoHook, Side, State, Summary};

use crate::args::{Close, Prune};
use crate::deleting;
use crate::result::to_line;
use crate::setup::{self, is_json};
use crate::syslog::Syslog;
use crate::unfinished::{deletions, moves, read};

/// Ends a move that cannot be finished.
pub(crate) fn close(close: &Close, cx: &Context) -> anyhow::Result<Outcome> {
    let journal = deleting::any_named(cx, &close.name)?;
    let name = journal.header.name.clone();
    let why = close.why.trim();
    if why.is_empty() {
        return Err(Failure::new("--why is empty")
            .hint("say why it cannot be finished, for the next admin: --why TEXT")
            .into());
    }
    must_be_closable(&journal)?;
    let summary = Summary::read(&journal.path);
    let summary = summary.map_err(|e| Failure::new(e.to_string()))?;
    cx.note(summary.warning());
    let hidden = match hidden(&journal) {
        Ok(hidden) => hidden,
        Err(e) => {
            cx.warn(format!("cannot look where the messages of {name} are: {e}"));
            (Vec::new(), Vec::new())
        }
    };
    for what in of_hidden(&name, &hidden) {
        cx.warn(what);
    }
    if close.manner.dry_run {
        cx.print(format!("would close {name}\n").as_bytes())?;
        return Ok(Outcome::Done);
    }
    setup::must_be_root()?;
    let question = format!("Close {name}, and leave its messages where they are?");
    close.manner.confirm(cx, &question)?;
    // Not while it is at work.
    let locks = setup::lock(cx, &[(&from_now(&journal.header), true)])?;
    // What another run has written in the meantime counts.
    let journal = read(&journal.path)?;
    must_be_closable(&journal)?;
    let (user, now) = (cli::person::user(), cx.now());
    let closed = transfer::close(
        Fs::new(&NoHook),
        cx.root().dir(),
        &journal,
        now,
        (&user, why),
    );
    closed.map_err(|e| Failure::io("cannot write", &journal.path, e))?;
    drop(locks);
    Syslog::open(cx).say(now, &format!("move {name}: closed by {user}: {why}"));
    cx.print(closing_words(&name, &hidden).as_bytes())?;
    Ok(Outcome::Done)
}

/// That it is closed, and where mail of it may be that nobody else shows.
fn closing_words(name: &str, hidden: &(Vec<PathBuf>, Vec<PathBuf>)) -> String {
    let mut text = format!("closed {name}\n");
    for path in hidden.0.iter().chain(&hidden.1) {
        text.push_str(&format!("not seen by Postfix: {}\n", path.display()));
    }
    if !hidden.0.is_empty() {
        text.push_str(&format!(
            "to deliver it after all: queue-move resume {name}; to put it back: queue-move undo {name}\n"
        ));
    }
    postfix_lines(&text)
}

/// The only files of messages, perhaps, that no program of Postfix's shows: and those of them that only their content
/// identifies.
fn hidden(journal: &Journal) -> std::io::Result<(Vec<PathBuf>, Vec<PathBuf>)> {
    if journal.header.keep_until.is_some() {
        // What a deletion keeps was asked for already.
        return Ok((Vec::new(), Vec::new()));
    }
    let survey = transfer::survey(journal)?;
    Ok((survey.hidden, survey.strays))
}

fn of_hidden(name: &str, (hidden, strays): &(Vec<PathBuf>, Vec<PathBuf>)) -> Vec<String> {
    let ways = format!("to deliver: queue-move resume {name}; to put back: queue-move undo {name}");
    let by_hand = "their inodes are not those of the journal, as after a copy of the spool, so resume and undo do not \
                   take them; look for each in both logs: what nobody has delivered, TO delivers once it is in its \
                   maildrop with mode 0700, of mail_owner";
    let both = [(hidden, ways.as_str()), (strays, by_hand)];
    let both = both.into_iter().filter(|(paths, _)| !paths.is_empty());
    both.map(|(paths, way)| {
        let some = paths.iter().take(5).map(|path| path.display().to_string());
        let some: Vec<String> = some.collect();
        let more = if paths.len() > some.len() {
            ", …"
        } else {
            ""
        };
        format!(
            "{} of {name} may be the only {}, and Postfix does not see {}: {}{more}; {way}",
            count(paths.len(), "file"),
            either(
                paths.len(),
                "copy of its message",
                "copies of their messages"
            ),
            either(paths.len(), "it", "them"),
            some.join(", ")
        )
    })
    .collect()
}

/// Why the journal of a closed move is kept: it is the last that shows where its mail is.
fn kept(listed: &Summary) -> Option<String> {
    if listed.state != State::Closed {
        return None;
    }
    let journal = match Journal::read(&listed.path) {
        Ok(journal) => journal,
        Err(e) => return Some(e.to_string()),
    };
    match hidden(&journal) {
        Ok(hidden) => {
            let all = of_hidden(&listed.header.name, &hidden);
            (!all.is_empty()).then(|| all.join("; "))
        }
        // The spool went away, and the mail with it.
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => None,
        Err(e) => Some(format!("cannot look where its messages are: {e}")),
    }
}

/// It is unfinished, and gives nothing back.
fn must_be_closable(journal: &Journal) -> anyhow::Result<()> {
    if journal.state() == State::Unfinished {
        return deleting::must_keep_nothing(journal);
    }
    let what = format!("the move {} is not unfinished", journal.header.name);
    let hint = "queue-move history lists the moves";
    Err(Failure::new(what).hint(hint).into())
}

/// FROM as `resume` and `undo` lock it: its directory may have another device number, or be another, since the move.
fn from_now(header: &Header) -> Side {
    let mut side = header.from.clone();
    if let Ok(meta) = std::fs::metadata(&side.queue_directory) {
        side.identity = (meta.dev(), meta.ino());
    }
    side
}

/// Removes a journal that was not written. Why it is left, if it is.
fn remove_unwritten(
    cx: &Context,
    listed: &Summary,
    before: Time,
) -> anyhow::Result<Result<(), String>> {
    let one = std::slice::from_ref(listed);
    let removed = transfer::prune(Fs::new(&NoHook), cx.root().dir(), one, before);
    let removed = removed.map_err(|e| Failure::io("cannot remove", &listed.path, e))?;
    Ok(match removed.is_empty() {
        true => Err("a run has just begun it".to_owned()),
        false => Ok(()),
    })
}

/// Removes one journal, unless a run has taken its move up since it was listed. Why it is left, then.
fn remove(cx: &Context, listed: &Summary, before: Time) -> anyhow::Result<Result<(), String>> {
    if listed.header.is_unwritten() {
        return remove_unwritten(cx, listed, before);
    }
    let locks = match setup::lock(cx, &[(&from_now(&listed.header), true)]) {
        Ok(locks) => locks,
        Err(e) => return Ok(Err(e.to_string())),
    };
    let now = match Summary::read(&listed.path) {
        Ok(now) if now.is_unfinished() => return Ok(Err("it is unfinished again".to_owned())),
        Ok(now) => now,
        Err(e) => return Ok(Err(e.to_string())),
    };
    let removed = transfer::prune(Fs::new(&NoHook), cx.root().dir(), &[now], before);
    removed.map_err(|e| Failure::io("cannot remove", &listed.path, e))?;
    drop(locks);
    Ok(Ok(()))
}

/// Removes journals of moves that ended long ago.
pub(crate) fn prune(prune: &Prune, cx: &Context) -> anyhow::Result<Outcome> {
    let (mut summaries, mut is_whole) = moves(cx);
    let (deletions, is_read) = deletions(cx);
    is_whole &= is_read;
    // Of deletions, the journal is kept while there is something to put back.
    let closed = |one: &Summary| one.state == State::Closed || one.header.is_unwritten();
    summaries.extend(deletions.into_iter().filter(closed));
    let before = cx.now().minus(prune.older_than);
    summaries.retain(|one| one.header.started() < before && !one.is_unfinished());
    summaries.retain(|one| {
        let kept = kept(one);
        if let Some(why) = &kept {
            is_whole = false;
            cx.warn(format!("the journal of {} is kept: {why}", one.header.name));
        }
        kept.is_none()
    });
    let purged = purged(prune, cx, &mut is_whole)?;
    let summaries = removed(prune, cx, summaries, before, &mut is_whole)?;
    let names: Vec<&str> = summaries
        .iter()
        .map(|one| one.header.name.as_str())
        .collect();
    let text = if is_json(prune.format) {
        to_line(&serde_json::json!({
            "schema": "relay-tools/queue-move-prune/1",
            "dry_run": prune.manner.dry_run,
            "moves": names,
            "purged": purged,
        }))
    } else {
        let lines = names.iter().map(|name| format!("{name}\n"));
        let purged =
            (purged > 0).then(|| format!("{}, for good\n", count(purged, "deleted message")));
        lines.chain(purged).collect()
    };
    cx.print(postfix_lines(&text).as_bytes())?;
    Ok(if is_whole {
        Outcome::Done
    } else {
        Outcome::Partial
    })
}

/// Removes what deletions keep beyond their time, if that is agreed to: how many messages, or would be.
fn purged(prune: &Prune, cx: &Context, is_whole: &mut bool) -> anyhow::Result<usize> {
    let all = |purged: &[(String, usize)]| purged.iter().map(|(_, count)| count).sum();
    let over: usize = all(&deleting::purge(cx, true)?.0);
    if prune.manner.dry_run || over == 0 {
        return Ok(over);
    }
    setup::must_be_root()?;
    let question = format!("Remove {} for good?", count(over, "deleted message"));
    prune.manner.confirm(cx, &question)?;
    let (done, all_done) = deleting::purge(cx, false)?;
    *is_whole &= all_done;
    Ok(all(&done))
}

/// Removes these journals, if that is agreed to: those that are gone, or would be.
fn removed(
    prune: &Prune,
    cx: &Context,
    mut summaries: Vec<Summary>,
    before: Time,
    is_whole: &mut bool,
) -> anyhow::Result<Vec<Summary>> {
    if prune.manner.dry_run || summaries.is_empty() {
        return Ok(summaries);
    }
    setup::must_be_root()?;
    let question = format!("Remove the journals of {}?", count(summaries.len(), "move"));
    prune.manner.confirm(cx, &question)?;
    let mut left = Vec::new();
    for one in &summaries {
        if let Err(why) = remove(cx, one, before)? {
            left.push(one.path.clone());
            let name = &one.header.name;
            cx.warn(format!("the journal of {name} is not removed: {why}"));
        }
    }
    *is_whole &= left.is_empty();
    summaries.retain(|one| !left.contains(&one.path));
    Ok(summaries)
}

/// Names of files may hold anything.
fn postfix_lines(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| format!("{}\n", postfix::escape(line)));
    lines.collect()
}
