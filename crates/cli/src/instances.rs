//! The instances that a user names.

use clap::Args;
use postfix::Parsed;
use postfix::config::{Host, Instance};

use crate::context::Context;
use crate::error::Failure;

/// What an INSTANCE may look like.
const FORMS: &str = "an instance is named as aol-b, postfix-aol-b, /etc/postfix-aol-b or the address it sends from; \
several by a quoted glob such as 'aol-*'; the default instance by -";

/// `[INSTANCE]...`, to be flattened into a tool's arguments: no name means every instance.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct InstanceArgs {
    /// Which Postfix instances; all of the host's if none is named
    ///
    /// The name with or without "postfix-" (aol-b, postfix-aol-b), the configuration directory (/etc/postfix-aol-b),
    /// the address that it sends from, a quoted glob ('aol-*'), or "-" or "postfix" for the default instance.
    #[arg(value_name = "INSTANCE")]
    pub instances: Vec<String>,
}

/// `INSTANCE...`, to be flattened into a tool's arguments: at least one must be named.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct RequiredInstanceArgs {
    /// Which Postfix instances
    ///
    /// The name with or without "postfix-" (aol-b, postfix-aol-b), the configuration directory (/etc/postfix-aol-b),
    /// the address that it sends from, a quoted glob ('aol-*'), or "-" or "postfix" for the default instance.
    #[arg(value_name = "INSTANCE", required = true)]
    pub instances: Vec<String>,
}

/// Finds the instances of the host looked at. The problems have not been told yet.
pub fn discover(cx: &Context) -> Parsed<Host> {
    Host::discover(cx.root(), cx.host())
}

/// The instances that `names` name, each once and sorted by name; all of them if it is empty.
///
/// # Errors
/// A name that no instance answers to. The host's problems have been told then: they may be why.
pub fn select<'a>(
    cx: &Context,
    host: &'a Parsed<Host>,
    names: &[String],
) -> anyhow::Result<Vec<&'a Instance>> {
    host.value.select(names).map_err(|unknown| {
        cx.problems(&host.problems);
        Failure::new(unknown.to_string()).hint(FORMS).into()
    })
}

/// As [`select`], for a tool that can do nothing without an instance.
///
/// # Errors
/// As [`select`], and if the host has no instance at all.
pub fn select_some<'a>(
    cx: &Context,
    host: &'a Parsed<Host>,
    names: &[String],
) -> anyhow::Result<Vec<&'a Instance>> {
    let chosen = select(cx, host, names)?;
    if chosen.is_empty() {
        cx.problems(&host.problems);
        let etc = cx.root().under(std::path::Path::new("/etc"));
        return Err(Failure::new(format!(
            "no Postfix instance: {}: no readable postfix/main.cf or postfix-*/main.cf",
            etc.display()
        ))
        .hint("--root DIR looks at a host image elsewhere")
        .into());
    }
    Ok(chosen)
}
