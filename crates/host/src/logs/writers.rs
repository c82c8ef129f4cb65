//! Who beside Postfix can write to an instance's log.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use postfix::config::{Host, Instance};
use postfix::log::{self, LogPlace};

use crate::site::Site;

/// Set-user-id and set-group-id.
const SET_ID: u32 = 0o6000;
/// May be written to by everybody.
const BY_ALL: u32 = 0o002;

/// Why the lines in the log of `instance` may be anybody's; `None`, where only Postfix can have written them, or there
/// is no log.
///
/// In the journal, journald says who wrote. postlogd(8) listens where only the mail owner, and postlog(1) if it is
/// set-gid, may send to: upstream's `postfix set-permissions` makes it so since Postfix 3.7. syslogd takes lines from
/// anybody.
pub fn open_to_others(site: &Site, host: &Host, instance: &Instance) -> Option<String> {
    let Ok(Some(LogPlace::File(path))) = super::log_of(site, host, instance) else {
        return None;
    };
    let mode = |path: &Path| {
        let found = path.metadata();
        found.map_or(0, |found| found.permissions().mode())
    };
    let is_of_syslog = log::syslog_files(site.root()).contains(&path);
    let why = if is_of_syslog || instance.maillog_file().is_none() {
        "syslogd writes it".to_owned()
    } else if mode(&path) & BY_ALL != 0 {
        "its mode lets them".to_owned()
    } else {
        let postlog = Path::new(&instance.get("command_directory")).join("postlog");
        if mode(&site.root().under(&postlog)) & SET_ID == 0 {
            return None;
        }
        format!("{} is set-gid", postlog.display())
    };
    Some(format!("any user can write to {}: {why}", path.display()))
}
