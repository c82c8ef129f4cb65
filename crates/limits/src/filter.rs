//! A table for smtp_delivery_status_filter: final refusals that are blocks become deferrals, which a pause keeps and
//! queue-move moves. Without it, what is refused with 5xx is returned to its sender at once.
//!
//! Not smtp_reply_filter, which changes each line of a reply before Postfix reads it: the log would no longer have the
//! server's own code, by which all tools judge, and the next address of the destination would be tried from the blocked
//! address. The status filter changes what becomes of the recipient when all was tried, and nothing else.

use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use figures::verdict::Level;
use knowledge::reasons::{Class, Reasons};
use legible::shell::quoted;
use postfix::Root;
use postfix::config::Instance;
use transport::{TableName, split_list};

/// The table's name, in the instance's configuration directory.
pub const NAME: &str = "relay-limit-filter";

/// What is deferred.
const CLASSES: [Class; 2] = [Class::Blocked, Class::RateLimited];

/// The parameter that names the table.
const PARAMETER: &str = "smtp_delivery_status_filter";

/// More than this no table is.
const MOST: u64 = 16 << 20;

/// Where the instance's table is, as the host names it.
pub fn path(instance: &Instance) -> PathBuf {
    instance.config_directory().join(NAME)
}

/// The table's text, by these rules.
pub fn table(instance: &Instance, reasons: &Reasons) -> String {
    let directory = instance.config_directory().to_string_lossy();
    let path = path(instance);
    let path = path.to_string_lossy();
    let mut text = String::from(
        "# Made by relay-limit(8) filter from the rules of class blocked and rate-limited: what is refused for good for\n\
         # such a reason is deferred, so that it can be moved or wait for the end of the block.\n\
         # The cost: such mail waits up to maximal_queue_lifetime before it is returned, and is tried again meanwhile.\n",
    );
    // Writing to a String cannot fail.
    let _ok = writeln!(
        text,
        "# relay-limit filter {name} --output {path}\n\
         # postconf -c {dir} -e {setting}\n\
         # postfix -c {dir} reload",
        name = quoted(instance.name()),
        path = quoted(&path),
        dir = quoted(&directory),
        setting = quoted(&format!("{PARAMETER} = regexp:{path}")),
    );
    for line in reasons.filter(&CLASSES) {
        text.push_str(&line);
        text.push('\n');
    }
    text
}

/// How the table of an instance stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is none.
    None,
    /// Postfix asks it, and it is made from these rules.
    InForce,
    /// Something is wrong: how bad it is, what, and what to do.
    Wrong(Level, String),
}

/// Is the table in force, and made from these rules?
pub fn state(root: &Root, instance: &Instance, reasons: &Reasons) -> State {
    let path = path(instance);
    let value = instance.get(PARAMETER);
    let is_ours = |element: &&str| {
        TableName::parse(element).is_some_and(|table| Path::new(&table.name) == path)
    };
    let named = split_list(&value)
        .into_iter()
        .any(|element| is_ours(&element));
    let name = quoted(instance.name());
    let shown = path.display();
    let again = format!("relay-limit filter {name} --output {shown}");
    match (guarded::read_text(&root.under(&path), MOST), named) {
        (Ok(text), true) if text == table(instance, reasons) => State::InForce,
        (Ok(_), true) => State::Wrong(
            Level::Warning,
            format!("{shown} is not what the rules make now: {again}"),
        ),
        (Ok(_), false) => State::Wrong(
            Level::Warning,
            format!("{PARAMETER} does not name {shown}: 5xx blocks are returned at once"),
        ),
        (Err(e), false) if e.kind() == io::ErrorKind::NotFound => State::None,
        (Err(e), true) if e.kind() == io::ErrorKind::NotFound => State::Wrong(
            Level::Critical,
            format!("{PARAMETER} names {shown}, which is not there: no mail is delivered: {again}"),
        ),
        (Err(e), _) => State::Wrong(Level::Unknown, format!("{shown}: {e}")),
    }
}
