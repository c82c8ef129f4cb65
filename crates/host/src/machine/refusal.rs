//! Does Postfix run with a main.cf? Its own programs say so: every one of them reads the parameters first, and ends
//! with a fatal error where one is wrong (Postfix `src/global/mail_params.c`, mail_params_init).

use std::path::Path;

use postfix::Problem;
use postfix::config::Instance;

use crate::programs::ask;

/// The most bytes of an answer, which is always empty.
const MOST_SAID: usize = 64 << 10;

/// What postmap, asked for nothing that is anywhere, says of the instance's main.cf, if that is fatal. Nothing, too,
/// where there is no postmap.
///
/// # Errors
/// It is not asked, since others than root could have written what it would do as root; or it does not answer.
pub(super) fn refusal(instance: &Instance) -> Result<Option<String>, Problem> {
    // `src/postfix/postfix.c`: with other instances, the default one hands every command to the wrapper.
    let others = instance.parameters().paths("multi_instance_directories");
    if instance.is_default()
        && !others.is_empty()
        && instance.get("multi_instance_wrapper").is_empty()
    {
        let what = "multi-instance support is requested, but multi_instance_wrapper is empty: postmulti -e init";
        return Ok(Some(what.to_owned()));
    }
    let program = match instance.get("command_directory") {
        directory if Path::new(&directory).is_absolute() => Path::new(&directory).join("postmap"),
        _ => Path::new("/usr/sbin/postmap").to_owned(),
    };
    let directory = instance.config_directory();
    let asked = ask(&program, MOST_SAID, |postmap| {
        let postmap = postmap.configured(directory);
        postmap.args(["-q", "nothing", "inline:{a=b}"])
    });
    let said = match asked {
        Ok(said) => said.ended.errors,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => {
            let what = format!(
                "Postfix cannot be asked about it: {}: {e}",
                program.display()
            );
            return Err(Problem::new(directory.join("main.cf"), what));
        }
    };
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
    Ok(why.filter(|why| !others.iter().any(|other| why.contains(other))))
}
