//! What the tests of relay-limit share: a list server that reaches a provider through two relays of one name.

use std::collections::BTreeMap;

use testkit::dns::{Nsd, nsd};
use testkit::{Answer, Host, Instance, Mail, Ran, Sink};

use crate::TOOL;

/// The relay name, with both addresses, as the users' zone has it.
pub(crate) const ZONE: &str = "
$ORIGIN example.org.
$TTL 86400
@         SOA  ns hostmaster 1 3600 600 604800 600
          NS   ns
ns        A    127.0.0.1
aol.smtp  600  A  127.0.0.11
          600  A  127.0.0.12
";

/// A list server, two relays for one provider, and the provider.
pub(crate) struct Site {
    pub(crate) host: Host,
    pub(crate) a: Instance,
    pub(crate) b: Instance,
    pub(crate) lists: Instance,
    pub(crate) provider: Sink,
    _dns: Nsd,
}

/// Runs relay-limit in a host.
pub(crate) fn relay_limit(host: &Host, args: &[&str]) -> Ran {
    host.command(TOOL).args(args).run()
}

/// A pause of two hours that nobody is asked about, and for which no name server is waited for.
pub(crate) fn pause_quickly<'a>(instance: &'a str, domain: &'a str) -> Vec<&'a str> {
    let resolver = "--resolver=127.0.0.1:9";
    let timeout = "--timeout=1s";
    vec![
        "pause", instance, "--domain", domain, "--for", "2h", "--last", "--yes", resolver, timeout,
    ]
}

/// The flag that sets the clock so many hours ahead.
pub(crate) fn in_hours(host: &Host, hours: u32) -> String {
    let date = host.sh(&format!("date -u -d '+{hours} hours' +%FT%TZ"));
    format!("--clock={}", date.text().trim())
}

impl Site {
    /// All of it, ready to be paused. The relays listen at 127.0.0.11 and 127.0.0.12.
    pub(crate) fn start(host: Host) -> Self {
        let dns = nsd(&host, "127.0.0.1", &[("example.org", Some(ZONE))]);
        let provider = host.sink();
        let relay = |name: &str| host.instance(name).relay_to(&provider).fast_retries();
        let a = relay("postfix-aol-a").start();
        let b = relay("postfix-aol-b").start();
        let lists = host
            .instance("postfix-lists")
            .param("smtp_dns_support_level", "enabled")
            .param("smtp_host_lookup", "dns")
            .param("relayhost", "[aol.smtp.example.org]:25")
            // A connection a message, each to an address by chance: else one relay may get all of it.
            .param("smtp_connection_cache_on_demand", "no")
            .fast_retries()
            .start();
        assert_eq!(
            [a.address().ip(), b.address().ip()].map(|ip| ip.to_string()),
            ["127.0.0.11", "127.0.0.12"]
        );
        let site = Self {
            host,
            a,
            b,
            lists,
            provider,
            _dns: dns,
        };
        site.limit(&["setup", "aol-*", "--apply"]).ok();
        site
    }

    /// Runs relay-limit.
    pub(crate) fn limit(&self, args: &[&str]) -> Ran {
        relay_limit(&self.host, args)
    }

    /// From now on, the provider puts off what aol-b brings.
    pub(crate) fn block_b(&self) {
        let blocked = self.b.address().ip();
        self.provider
            .on_rcpt(move |rcpt| match rcpt.client.ip() == blocked {
                true => Answer::text(
                    421,
                    "4.7.0 [TSS04] Messages from 127.0.0.12 temporarily deferred due to \
                unexpected volume",
                ),
                false => Answer::ok(),
            });
    }

    /// The list server sends `count` messages to as many recipients, `PREFIX-N@aol.com`.
    pub(crate) fn send(&self, prefix: &str, count: usize) {
        let mail = |n| Mail::new("news@lists.example.org", &format!("{prefix}-{n}@aol.com"));
        self.lists.submit((0..count).map(mail));
    }

    /// How many messages an instance's smtpd has taken.
    pub(crate) fn taken(&self, instance: &Instance) -> usize {
        let tag = format!(" {}/smtpd[", instance.name());
        let log = self.host.mail_log();
        let taken = log
            .lines()
            .filter(|line| line.contains(&tag) && line.contains(": client="));
        // The probes give no message, and smtpd logs a client for the first recipient that it takes.
        taken.count()
    }

    /// How often each recipient of `PREFIX` was served, and from which address.
    pub(crate) fn served(&self, prefix: &str) -> BTreeMap<String, Vec<String>> {
        let mut served: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let start = format!("{prefix}-");
        for delivery in self.provider.deliveries() {
            if delivery.recipient.starts_with(&start) {
                served
                    .entry(delivery.recipient)
                    .or_default()
                    .push(delivery.client.ip().to_string());
            }
        }
        served
    }
}

/// What strace(1) writes of a command, with options of strace's in front, that gets `signal` at its n-th call of
/// `call`.
pub(crate) fn signalled(
    host: &Host,
    signal: &str,
    (call, n): (&str, usize),
    command: &[&str],
) -> String {
    let inject = format!("inject={call}:signal={signal}:when={n}");
    let trace = format!("trace={call}");
    let options = ["-qqq", "-o", "/run/trace", "-e", &trace, "-e", &inject];
    host.command("strace").args(options).args(command).run();
    String::from_utf8_lossy(&host.read("/run/trace")).into_owned()
}
