//! The time: the machine's, or for tests the one that `--clock=TIME` says.
//!
//! clap does not know of this flag, so that no help, manual page or completion shows it. It is not an environment
//! variable: it cannot be left set by mistake, and it does not pass by the rules of sudo.

use std::ffi::OsString;
use std::time::SystemTime;

use host::Failure;
use postfix::Time;

/// Takes `--clock=TIME` out of the arguments: the time at which the tool is to start  (RFC 3339);
/// or what the machine's clock shows.
///
/// # Errors
/// TIME is not a time.
pub(crate) fn start(argv: &mut Vec<OsString>) -> anyhow::Result<Time> {
    let options = argv.iter().take_while(|arg| *arg != "--");
    let mut given = options.filter_map(|arg| arg.to_str()?.strip_prefix("--clock="));
    let Some(text) = given.next() else {
        return Ok(now());
    };
    let time = text.parse();
    let time =
        time.map_err(|e: chrono::ParseError| Failure::new(format!("--clock={text}: {e}")))?;
    argv.retain(|arg| !arg.to_string_lossy().starts_with("--clock="));
    Ok(time)
}

/// The machine's clock.
fn now() -> Time {
    #[allow(
        clippy::disallowed_methods,
        reason = "the one place where the clock is read"
    )]
    let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let micros = since_1970
        .ok()
        .and_then(|d| i64::try_from(d.as_micros()).ok());
    micros.map_or(Time::EPOCH, Time::from_micros)
}
