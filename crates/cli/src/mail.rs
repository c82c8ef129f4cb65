//! Mail that a tool sends: handed to the host's own sendmail(1).

use std::path::{Path, PathBuf};
use std::time::Duration;

use guarded::Program;
use postfix::config::{Host, Instance};

use crate::context::Context;
use host::Failure;

/// Where Postfix's sendmail(1) is, if its configuration says nothing else.
const SENDMAIL: &str = "/usr/sbin/sendmail";

/// How long it may take: it hands the mail to postdrop(1), which writes it to the maildrop.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes of its standard output, on which it says nothing.
const MOST_SAID: usize = 64 << 10;

/// An address as it is given to `--mail-to`: `postmaster`, `admin@example.org`.
///
/// # Errors
/// It cannot stand in a header as it is. Quoted local parts are not taken.
pub fn address(text: &str) -> Result<String, String> {
    let (local, domain) = match text.rsplit_once('@') {
        Some((local, domain)) => (local, Some(domain)),
        None => (text, None),
    };
    // RFC 5322, dot-atom.
    let is_atom = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c);
    let is_dotted = |text: &str| {
        text.split('.')
            .all(|atom| !atom.is_empty() && atom.chars().all(is_atom))
    };
    if is_dotted(local) && domain.is_none_or(is_domain) && text.len() <= 254 {
        return Ok(text.to_owned());
    }
    Err("not a plain mail address such as postmaster or admin@example.org".to_owned())
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        let mut chars = label.chars();
        !label.is_empty() && chars.all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
    };
    text.split('.').all(is_label)
}

/// The domain that Postfix gives to an address without one: `myorigin` (postconf(5)), which may name a file; if it says
/// none, the host's name.
pub fn origin(cx: &Context, host: &Host) -> String {
    let of = |instance: &Instance| {
        let origin = instance.get("myorigin");
        if !origin.starts_with('/') {
            return Some(origin.to_string());
        }
        let text = guarded::read_text(&cx.root().under(Path::new(&*origin)), 64 << 10).ok()?;
        let mut lines = text.lines().map(str::trim);
        lines
            .find(|line| !line.is_empty() && !line.starts_with('#'))
            .map(str::to_owned)
    };
    let named = host.default_instance().and_then(of);
    let names = [named.as_deref(), Some(cx.host())];
    let found = names.into_iter().flatten().find(|name| is_domain(name));
    found.unwrap_or("localhost").to_owned()
}

/// Hands a `message` over to this machine's sendmail(1), for these `recipients`, each of which must be an [`address`].
/// Nothing has been sent if that fails.
///
/// # Errors
/// There is no sendmail, or it does not take the message.
pub fn hand_over(
    cx: &Context,
    host: &Host,
    recipients: &[String],
    message: &[u8],
) -> anyhow::Result<()> {
    let program = sendmail(cx, host);
    // -oi: a line with a single dot is not the end.
    let ran = Program::new(&program, PATIENCE)
        .args(["-oi", "--"])
        .args(recipients)
        .input(message)
        .run(MOST_SAID);
    let ended = ran.map_err(|e| {
        let failure = Failure::io("the report was not sent: cannot run", &program, e);
        failure.hint("mail is sent with Postfix's sendmail(1); --print-mail prints it instead")
    })?;
    let ended = ended.ended;
    if ended.status.success() {
        return Ok(());
    }
    let why = match ended.errors.trim() {
        "" => ended.status.to_string(),
        _ => format!("{}: {}", ended.status, postfix::escape(&ended.reason())),
    };
    Err(Failure::new(format!(
        "the report was not sent: {}: {why}",
        program.display()
    ))
    .hint("run 'postfix check' on the default instance; --print-mail prints the mail instead")
    .into())
}

/// The program that Postfix names (`sendmail_path`), if it is there; of another host's image, nothing is run.
fn sendmail(cx: &Context, host: &Host) -> PathBuf {
    let of = |instance: &Instance| PathBuf::from(instance.get("sendmail_path").to_string());
    let own = host.default_instance().filter(|_| cx.root().is_this_host());
    let named = own.map(of);
    let named = named.filter(|path| path.is_absolute() && path.is_file());
    named.unwrap_or_else(|| PathBuf::from(SENDMAIL))
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn addresses_that_a_header_would_act_upon_are_refused() {
        for good in [
            "postmaster",
            "admin@example.org",
            "a.b+c@x-y.example",
            "-oQ/tmp@x.example",
            "o'hara@x",
        ] {
            assert_eq!(address(good), Ok(good.to_owned()));
        }
        for bad in [
            "",
            "@",
            "a@",
            "@b",
            "a b@c",
            "a@b\r\nBcc: d@e",
            "a\n@b",
            "<a@b>",
            "a@b, c@d",
            "\"a\"@b",
            "a@b>",
            "a(b)@c",
            "a..b@c",
            "caf\u{e9}@b",
            "a@[192.0.2.1]",
            "a;b@c",
            "a:b@c",
        ] {
            assert!(address(bad).is_err(), "{bad:?}");
        }
    }
}
