//! The main.cf and master.cf that the kit writes, and edits to them.

/// master.cf without chroot (a chroot would need a /dev/log, hosts and so on of its own) and without the services that
/// no relay uses. As Debian's otherwise.
pub(crate) const MASTER_CF: &str = "\
smtp       inet  n - n -     - smtpd
pickup     unix  n - n 60    1 pickup
cleanup    unix  n - n -     0 cleanup
qmgr       unix  n - n 300   1 qmgr
tlsmgr     unix  - - n 1000? 1 tlsmgr
rewrite    unix  - - n -     - trivial-rewrite
bounce     unix  - - n -     0 bounce
defer      unix  - - n -     0 bounce
trace      unix  - - n -     0 bounce
verify     unix  - - n -     1 verify
flush      unix  n - n 1000? 0 flush
proxymap   unix  - - n -     - proxymap
proxywrite unix  - - n -     1 proxymap
smtp       unix  - - n -     - smtp
relay      unix  - - n -     - smtp
showq      unix  n - n -     - showq
error      unix  - - n -     - error
retry      unix  - - n -     - error
discard    unix  - - n -     - discard
local      unix  - n n -     - local
virtual    unix  - n n -     - virtual
lmtp       unix  - - n -     - lmtp
anvil      unix  - - n -     1 anvil
scache     unix  - - n -     1 scache
postlog    unix-dgram n - n - 1 postlogd
";

/// What every instance of the kit has in main.cf: no DNS, no TLS, no local delivery, no limits that slow tests down.
const COMMON: [(&str, &str); 21] = [
    ("compatibility_level", "3.6"),
    ("inet_protocols", "ipv4"),
    ("mynetworks", "127.0.0.0/8"),
    ("smtp_dns_support_level", "disabled"),
    ("smtp_host_lookup", "native"),
    ("smtpd_peername_lookup", "no"),
    ("smtp_tls_security_level", "none"),
    ("smtpd_tls_security_level", "none"),
    ("mydestination", ""),
    ("local_recipient_maps", ""),
    ("alias_maps", ""),
    ("alias_database", ""),
    ("relay_domains", ""),
    ("append_dot_mydomain", "no"),
    ("biff", "no"),
    ("notify_classes", ""),
    ("in_flow_delay", "0"),
    ("smtpd_authorized_verp_clients", "$mynetworks"),
    ("authorized_submit_users", "static:anyone"),
    ("master_service_disable", ""),
    ("multi_instance_enable", "yes"),
];

/// Parameters in the order they are set; the last of a name counts.
pub(crate) type Params = Vec<(String, String)>;

pub(crate) fn common() -> Params {
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    COMMON.into_iter().map(owned).collect()
}

/// main.cf with all these set, each once, so that Postfix warns of no overridden entry.
pub(crate) fn set_all(main_cf: &str, params: &Params) -> String {
    params
        .iter()
        .fold(main_cf.to_owned(), |text, (name, value)| {
            set(&text, name, value)
        })
}

/// The value of a parameter as written in the text.
pub(crate) fn get<'t>(main_cf: &'t str, name: &str) -> Option<&'t str> {
    let mut values = main_cf.lines().filter_map(|line| value_in(line, name));
    values.next_back()
}

/// main.cf with the parameter set, in its old place if it had one. Only for text that the kit wrote: one line each.
pub(crate) fn set(main_cf: &str, name: &str, value: &str) -> String {
    let mut lines: Vec<String> = Vec::new();
    let mut entry = Some(format!("{name} = {value}"));
    for line in main_cf.lines() {
        match value_in(line, name) {
            Some(_) => lines.extend(entry.take()),
            None => lines.push(line.to_owned()),
        }
    }
    lines.extend(entry);
    lines.join("\n") + "\n"
}

fn value_in<'t>(line: &'t str, name: &str) -> Option<&'t str> {
    let value = line.strip_prefix(name)?.trim_start().strip_prefix('=')?;
    Some(value.trim())
}

/// master.cf without the service of that name and type, and with `line` in its place if there is one.
pub(crate) fn service(master_cf: &str, name: &str, kind: &str, line: Option<&str>) -> String {
    let is_other = |other: &&str| {
        let mut words = other.split_whitespace();
        (words.next(), words.next()) != (Some(name), Some(kind))
    };
    let mut lines: Vec<&str> = master_cf.lines().filter(is_other).collect();
    lines.extend(line);
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::{get, service, set};

    #[test]
    fn a_parameter_is_replaced_in_its_place() {
        let text = "a = 1\nab = 2\n";
        assert_eq!(set(text, "a", "3"), "a = 3\nab = 2\n");
        assert_eq!(set(text, "c", ""), "a = 1\nab = 2\nc = \n");
        assert_eq!(get(text, "ab"), Some("2"));
        assert_eq!(get(text, "b"), None);
    }

    #[test]
    fn a_service_is_known_by_name_and_type() {
        let text = "smtp inet n - n - - smtpd\nsmtp unix - - n - - smtp\n";
        assert_eq!(
            service(text, "smtp", "inet", None),
            "smtp unix - - n - - smtp\n"
        );
    }
}
