//! A host that logs to systemd's journal alone, as Debian 12 and later are installed.

use std::path::Path;

use crate::{Host, Unavailable};

const JOURNALD: &str = "/lib/systemd/systemd-journald";

/// journald makes the sockets that nobody gave it; its files are in /run. rsyslogd removes /dev/log as it ends, so it
/// is waited for: it would take away the link that is made here.
const START: &str = "pid=$(cat /run/testkit/rsyslog.pid) && kill $pid
while readlink -e /proc/$pid/exe >/dev/null; do sleep 0.01; done
rm -f /dev/log /var/log/mail.log
setsid /lib/systemd/systemd-journald </dev/null >/run/testkit/journald.out 2>&1 &
ln -s /run/systemd/journal/dev-log /dev/log";

/// Can journald be started here?
pub(crate) fn available() -> Result<(), Unavailable> {
    match Path::new(JOURNALD).exists() {
        true => Ok(()),
        false => Err(Unavailable::new(format!(
            "no {JOURNALD}; try: apt-get install systemd"
        ))),
    }
}

/// Lets journald take rsyslogd's place.
#[track_caller]
pub(crate) fn start(host: &Host) {
    host.sh(START).ok();
    host.wait_until(crate::PATIENCE, "journald", || {
        let said =
            host.sh("logger -p mail.info here; journalctl --quiet --lines=1 SYSLOG_FACILITY=2");
        said.text().contains("here")
    });
}
