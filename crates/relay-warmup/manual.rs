//! What the manual page says beside the flags.

use cli::{Block, Common, Manual, Section, Tool};

use crate::args::Args;

impl Tool for Args {
    const CHECK_COMMAND: Option<&'static str> = Some("check");

    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "STEPS",
                body: &[
                    Block::Text(
                        "relay-warmup check tests each of these, in the order in which to fix them:",
                    ),
                    Block::Item(
                        "address",
                        "The address that the instance sends from is set, and is on an interface that is up and can \
                         send; no mail of the other address family, or of another transport in use, leaves from the \
                         machine's own address.",
                    ),
                    Block::Item(
                        "helo",
                        "Its HELO name is a fully qualified host name that no other instance uses.",
                    ),
                    Block::Item(
                        "a, ttl, ptr, spf",
                        "As in relay-instances --check-dns: the HELO name has an A (AAAA) record with the address and \
                         a TTL of 86400 seconds or more; the PTR record is the HELO name, which resolves back; the \
                         SPF records of the HELO name and of DOMAIN allow the address to send.",
                    ),
                    Block::Item(
                        "enabled, running, pickup",
                        "\"postfix start\" starts the instance; its master daemon is running; mail in its maildrop is \
                         picked up.",
                    ),
                    Block::Item(
                        "rate-delay",
                        "TRANSPORT_transport_rate_delay or TRANSPORT_destination_rate_delay of default_transport's \
                         SMTP client is set, by the transport's own parameter or its default_ counterpart.",
                    ),
                    Block::Item(
                        "concurrency",
                        "A rate delay is set, or TRANSPORT_destination_concurrency_limit is 1 to 5.",
                    ),
                    Block::Item(
                        "failed-cohort-limit",
                        "TRANSPORT_destination_concurrency_failed_cohort_limit is 10 or more with a rate delay: \
                         deliveries then go one at a time, and with the default of 1 a single refused connection \
                         defers all mail of a domain (postconf(5)). Without a delay it is not 0.",
                    ),
                    Block::Item(
                        "syslog-name",
                        "syslog_name is the instance's own name, and no other instance's.",
                    ),
                    Block::Item(
                        "relay-name",
                        "The provider's relay name does not list the address before everything else passes, and \
                         lists it with a TTL of at most 600 seconds. Taking it \
                         out is advised only if the name keeps another address and a step fails that gets its mail \
                         refused: address, helo, a, ptr, spf, running. Unknown results are no reason.",
                    ),
                    Block::Text(
                        "What check prints to do is a command, a sentence, or a zone's record; \"take out: RECORD\" is \
                         one that must go, so that only the new one is left.",
                    ),
                ],
            },
            Section {
                title: "SETTINGS",
                body: &[
                    Block::Text(
                        "A cap is enforced with TRANSPORT_transport_rate_delay (Postfix 3.1 and later): no delivery \
                         starts until that many seconds after the end of the one before, whatever its destination. A \
                         delay of D seconds allows at most 86400 / D deliveries a day; the plan has the smallest D \
                         for which that is within the cap. The time of the deliveries themselves is added to this, so \
                         the volume is a little less; deliveries go one at a time, whatever concurrency and number of \
                         processes are set.",
                    ),
                    Block::Text(
                        "TRANSPORT_destination_rate_delay is set to 0: it delays each recipient domain separately, \
                         not a provider's domains together, and with both set each delivery would wait twice.",
                    ),
                    Block::Text(
                        "Delays are whole seconds, so there is nothing between 2 s and 1 s, a factor of nearly two. \
                         If no delay comes close to what a step allows, the limit is the number of the transport's \
                         processes (master.cf) that deliver it in a day if a delivery takes --delivery-time; this is \
                         only an estimate, unlike a delay. If that allows too much, the limit on incoming mail \
                         enforces the cap (see RECORDS); mail from queue-move and sendmail is not counted there. \
                         Without a relay name, refused mail has nowhere else to go: the plan then says that the cap \
                         cannot be kept, and by how much.",
                    ),
                    Block::Text(
                        "TRANSPORT_destination_recipient_limit is set to 2, or to --recipients: with 1, Postfix would \
                         treat each recipient as a destination, and after a refusal try the domain's other \
                         recipients. Each reload restarts the delay's timer.",
                    ),
                ],
            },
            Section {
                title: "RECORDS",
                body: &[
                    Block::Text(
                        "Mail reaches an instance through its provider's relay name, aol.smtp.DOMAIN; sending hosts \
                         choose one of its addresses at random. A name has each A record once, without weights: a new \
                         address beside three old ones gets a quarter of the mail. To give it more, old ones are \
                         taken out with --replace-old.",
                    ),
                    Block::Text(
                        "MX records can give it less, or more (--records mx): for a name without brackets \
                         (smtp:aol.smtp.DOMAIN) Postfix collects the addresses of all mail exchangers of the best \
                         preference, in random order. So with as many names as needed, some leading to all old \
                         addresses and some to the new one, any share from 1% to a half is possible. The plan's zone \
                         lines have them, and A records of the old addresses for hosts whose transport map has the \
                         name in brackets, which ignore MX records. relay-transport print writes the form without \
                         brackets for a relay name whose MX records lead to its own addresses, and relay-transport \
                         check reports lines in the other form.",
                    ),
                    Block::Text(
                        "SRV records do the same by weight (--records srv), with one name for each address, for \
                         sending hosts that run Postfix 3.8 or later: with use_srv_lookup = smtp, best set for a \
                         transport of its own in master.cf, and allow_srv_lookup_fallback = yes, Postfix asks for \
                         _smtp._tcp.aol.smtp.DOMAIN where the map has smtp:aol.smtp.DOMAIN, without brackets or a \
                         port. Other hosts use the A records of the old addresses.",
                    ),
                    Block::Text(
                        "A sending host keeps a connection to a busy destination and sends all mail for the name over \
                         it, for up to smtp_connection_reuse_time_limit, so the share is only kept over hours: of \
                         1,200 messages in a row, 16% to 59% where 43% were planned. With \
                         smtp_connection_cache_on_demand = no, an address is chosen for each message. So with MX \
                         or SRV records the intake is limited in any case, as below.",
                    ),
                    Block::Text(
                        "If that is more than the instance may send, it accepts no more than that: with \
                         smtpd_client_recipient_rate_limit, and no exception for mynetworks, its smtpd answers 450 to \
                         recipients beyond the limit, and the sending Postfix moves on to the name's next address, in \
                         the same delivery or at its next retry. So no mail waits here. The limit applies to each \
                         sending host (anvil(8)): use --clients to say how many there are. Once the share is within \
                         what may leave, the plan sets the limit to 0, which turns it off.",
                    ),
                ],
            },
            Section {
                title: "SCHEDULES",
                body: &[
                    Block::Text("A file of your own is TOML: the caps,"),
                    Block::Code("levels = [500, 900, 1500, 2500]\ndays = 4"),
                    Block::Text("or the first cap, and the growth in percent up to a given cap:"),
                    Block::Code(
                        "first = 100\ndays = 3\ngrow = [{ to = 5000, percent = 50 }, { percent = 20 }]",
                    ),
                    Block::Text(
                        "days is the number of sending days for each level, 3 or more. Larger steps than those of \
                         doubling, or fewer days, are refused unless the file has beyond_limits = true. The last \
                         level is --volume.",
                    ),
                ],
            },
            Section {
                title: "VERDICTS",
                body: &[
                    Block::Text(
                        "A sending day is a day on which anything was sent; other days do not count. relay-warmup \
                         status goes through them from the plan's first day: a good day counts for its level, and \
                         enough of them lead to the next; so the cap of the next day follows from the logs, and \
                         nothing has to be entered.",
                    ),
                    Block::Item(
                        "go on",
                        "As planned: mail was delivered up to the cap, and nothing speaks against more. The status \
                         says how many days the level still lasts, or what the next one is.",
                    ),
                    Block::Item(
                        "hold",
                        "The day does not count. More than 3% bounced: more mail would only show the provider more \
                         bad addresses. More than 5% rate-limited (the provider asks for less), or rising. More than \
                         half deferred. More was sent than the cap: the settings are not applied. Or less than three \
                         quarters of what the level allows was delivered (retries of the same messages do not count): \
                         the day proves nothing.",
                    ),
                    Block::Item(
                        "step back",
                        "The next day uses the level before. More than 0.5% blocked because of the address's \
                         reputation; more than 10% bounced; more than 25% rate-limited.",
                    ),
                    Block::Item(
                        "restart",
                        "Nothing was sent for more than 30 days: providers forget an address by then. The next day \
                         uses the first level.",
                    ),
                    Block::Item(
                        "unknown",
                        "The last days are in no log and no day record that could be read. There is no verdict, and \
                         nothing to apply.",
                    ),
                    Block::Text(
                        "Percentages are of a day's delivery attempts. With fewer than 50, a limit counts as exceeded \
                         for a step back only beyond chance (by the lower end of the share's Wilson interval): 40 of \
                         40 does, and so does 1 of 30 blocked; 1 of 40 holds. Today is judged so far as it has gone, \
                         and does not count yet. Nor does a day that logs and records only partly cover, or of which too \
                         many lines cannot be read; where that is the last one, the verdict is UNKNOWN instead of go \
                         on. All of these numbers are in the rules file:",
                    ),
                    Block::Code(
                        "judged_from = 50\nover_cap = 110\nused = 75\nidle_days = 30\nbounced = { hold = 3.0, \
                         step_back = 10.0 }\nblocked = { hold = 0.5, step_back = 0.5 }\ndeferred = { hold = 50, \
                         step_back = 100 }\nrate_limited = { above = 1.0, times = 1.25, hold = 5.0, step_back = 25.0 }",
                    ),
                ],
            },
            Section {
                title: "APPLY",
                body: &[
                    Block::Text(
                        "relay-warmup apply applies what status says: for go on and hold the settings of the level, \
                         for step back those of the level before, for restart those of the first. It changes main.cf \
                         (and the process limit in master.cf) with postconf, reloads, and checks the result. The \
                         previous settings are kept in a journal; apply --undo restores what was there before the \
                         first apply.",
                    ),
                    Block::Text(
                        "Any user of the host can log deliveries where syslogd writes the log, and have a warm-up step \
                         back or go on: apply says so where its step rests on such a log. Where others than root log \
                         in, let Postfix log to a file of its own (maillog_file) or to the journal.",
                    ),
                    Block::Text(
                        "If others have since changed what it applied, as a configuration manager does, it changes \
                         nothing and the exit status is 2: put the settings into the configuration manager, or use \
                         --force.",
                    ),
                    Block::Text(
                        "The exit status is 1 if a person must decide: the verdict is unknown; a step back is due on \
                         the first level; zone lines, which it prints, must be changed; or the address is warm, so \
                         that its limits can be removed.",
                    ),
                ],
            },
            Section {
                title: "FILES",
                body: &[
                    Block::Item(
                        "/var/lib/relay-tools/warmup/INSTANCE.json",
                        "The plans, schema relay-tools/warmup-plan/1.",
                    ),
                    Block::Item(
                        "/var/lib/relay-tools/warmup/INSTANCE.applied.jsonl",
                        "What apply has applied, and what was there before, schema relay-tools/warmup-applied/1.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/warmup.toml",
                        "Rules that override the built-in ones.",
                    ),
                    Block::Item(
                        "/var/lib/relay-tools/days/",
                        "Day records, for days that the logs no longer hold.",
                    ),
                    Block::PROVIDERS_FILE,
                    Block::RESOLVERS_FILE,
                ],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("Is the new address ready?"),
                    Block::Code("relay-warmup check aol-c"),
                    Block::Text("Look at a plan, then save it:"),
                    Block::Code(
                        "relay-warmup plan aol-c --volume 20000/day --dry-run\nrelay-warmup plan aol-c --volume \
                         20000/day --start tomorrow",
                    ),
                    Block::Text("Each morning: is it going well, and what should be applied?"),
                    Block::Code("relay-warmup status aol-c"),
                    Block::Text("The commands of the tenth sending day:"),
                    Block::Code("relay-warmup show aol-c --day 10 --format text"),
                    Block::Text("From cron: a mail only if it is not going well:"),
                    Block::Code("relay-warmup status --check -q"),
                    Block::Text(
                        "From cron, after midnight: apply the day's cap, with a mail when it changes:",
                    ),
                    Block::Code("relay-warmup apply aol-c -q"),
                    Block::Text("When the address is warm:"),
                    Block::Code("relay-warmup apply aol-c --undo"),
                    Block::Text("For a monitoring system, before the first day:"),
                    Block::Code("relay-warmup check aol-c --check"),
                    Block::Text("A small share at first, by MX records beside two old addresses:"),
                    Block::Code(
                        "relay-warmup plan aol-c --volume 20000/day --records mx --dry-run",
                    ),
                    Block::Text("What restores everything to what it was before the warm-up?"),
                    Block::Code("relay-warmup show aol-c --undo"),
                    Block::Text("Which addresses are being warmed up?"),
                    Block::Code("relay-warmup list"),
                    Block::Text("A copy of all plans:"),
                    Block::Code("relay-warmup list --format jsonl --output plans.jsonl"),
                ],
            },
        ],
        see_also: &[
            "relay-instances(8)",
            "mail-stats-print(8)",
            "queue-move(8)",
            "relay-transport(8)",
            "postconf(5)",
            "master(5)",
        ],
        checks: true,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}
