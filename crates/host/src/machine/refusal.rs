//! Does Postfix run with a main.cf? Its own programs say so: every one of them reads the parameters first, and ends with a fatal
//! error where one is wrong (Postfix `src/global/mail_params.c`, mail_params_init).

use std::path::Path;
use std::process::{Command, Stdio};

use postfix::config::Instance;

/// What postmap, asked for nothing that is anywhere, says of the instance's main.cf, if that is fatal. Nothing, too, where there is
/// no postmap.
pub(super) fn refusal(instance: &Instance) -> Option<String> {
    let program = match instance.get("command_directory") {
        directory if Path::new(&directory).is_absolute() => Path::new(&directory).join("postmap"),
        _ => Path::new("/usr/sbin/postmap").to_owned(),
    };
    let asked = Command::new(program)
        .arg("-c")
        .arg(instance.config_directory())
        .args(["-q", "nothing", "inline:{a=b}"])
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let said = String::from_utf8_lossy(&asked.stderr);
    let why = said
        .lines()
        .find_map(|line| Some(line.split_once("fatal: ")?.1.to_owned()));
    // Who may not read it, or misses a type of table, has learned nothing of Postfix; what the interfaces lack is told elsewhere.
    let others = [
        "Permission denied",
        "unsupported dictionary",
        "network interfaces",
    ];
    why.filter(|why| !others.iter().any(|other| why.contains(other)))
}
