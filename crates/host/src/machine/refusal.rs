//! Does Postfix run with a main.cf? Its own programs say so: every one of them reads the parameters first, and ends
//! with a fatal error where one is wrong (Postfix `src/global/mail_params.c`, mail_params_init).

use std::path::Path;
use std::time::Duration;

use guarded::Program;
use postfix::config::Instance;

/// How long it may take: it reads a file.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most bytes of an answer, which is always empty.
const MOST_SAID: usize = 64 << 10;

/// What postmap, asked for nothing that is anywhere, says of the instance's main.cf, if that is fatal. Nothing, too,
/// where there is no postmap.
pub(super) fn refusal(instance: &Instance) -> Option<String> {
    // `src/postfix/postfix.c`: with other instances, the default one hands every command to the wrapper.
    let others = instance.parameters().paths("multi_instance_directories");
    if instance.is_default()
        && !others.is_empty()
        && instance.get("multi_instance_wrapper").is_empty()
    {
        let what = "multi-instance support is requested, but multi_instance_wrapper is empty: postmulti -e init";
        return Some(what.to_owned());
    }
    let program = match instance.get("command_directory") {
        directory if Path::new(&directory).is_absolute() => Path::new(&directory).join("postmap"),
        _ => Path::new("/usr/sbin/postmap").to_owned(),
    };
    let asked = Program::new(program, PATIENCE)
        .arg("-c")
        .arg(instance.config_directory())
        .args(["-q", "nothing", "inline:{a=b}"])
        .run(MOST_SAID)
        .ok()?;
    let said = asked.ended.errors;
    let why = said
        .lines()
        .find_map(|line| Some(line.split_once("fatal: ")?.1.to_owned()));
    // Who may not read it, or misses a type of table, has learned nothing of Postfix; what the interfaces lack is
    // reported elsewhere.
    let others = [
        "Permission denied",
        "unsupported dictionary",
        "network interfaces",
    ];
    why.filter(|why| !others.iter().any(|other| why.contains(other)))
}
