//! The instances of a host, and those that a user names.

use postfix::Parsed;
use postfix::config::{Host, Instance};

use crate::failure::Failure;
use crate::site::Site;

/// What an INSTANCE may look like.
const FORMS: &str = "name an instance as aol-b, postfix-aol-b, /etc/postfix-aol-b or the address it sends from; \
several with a quoted glob such as 'aol-*'; the default instance with -";

/// Finds the instances of the host. Its problems have not been reported yet.
pub fn discover(site: &Site) -> Parsed<Host> {
    Host::discover(site.root(), site.host())
}

/// The instances that `names` name, each once and sorted by name; all of them if it is empty.
///
/// # Errors
/// A name that no instance answers to. The host's problems have been reported then: they may be why.
pub fn select<'a>(
    site: &Site,
    host: &'a Parsed<Host>,
    names: &[String],
) -> anyhow::Result<Vec<&'a Instance>> {
    host.value.select(names).map_err(|unknown| {
        site.problems(&host.problems);
        let hint = match unknown.meant() {
            Some(name) => format!("did you mean {}?", postfix::escape(name.as_bytes())),
            None => FORMS.to_owned(),
        };
        Failure::new(unknown.to_string()).hint(hint).into()
    })
}

/// As [`select`], for a tool that can do nothing without an instance.
///
/// # Errors
/// As [`select`], and if the host has no instance at all.
pub fn select_some<'a>(
    site: &Site,
    host: &'a Parsed<Host>,
    names: &[String],
) -> anyhow::Result<Vec<&'a Instance>> {
    let chosen = select(site, host, names)?;
    if chosen.is_empty() {
        site.problems(&host.problems);
        let etc = site.root().under(std::path::Path::new("/etc"));
        return Err(Failure::new(format!(
            "no Postfix instance found: {}: no readable postfix/main.cf or postfix-*/main.cf",
            etc.display()
        ))
        .hint("use --root DIR to look at a host image")
        .into());
    }
    Ok(chosen)
}

/// The one instance that `name` names, in any form that [`select`] takes.
///
/// # Errors
/// As [`select_some`], and if it names several.
pub fn select_one<'a>(
    site: &Site,
    host: &'a Parsed<Host>,
    name: &str,
) -> anyhow::Result<&'a Instance> {
    match *select_some(site, host, &[name.to_owned()])? {
        [instance] => Ok(instance),
        ref several => {
            let names: Vec<&str> = several.iter().map(|i| i.name()).collect();
            let what = format!("\"{name}\" names several instances: {}", names.join(", "));
            Err(Failure::new(what).hint("name one instance").into())
        }
    }
}
