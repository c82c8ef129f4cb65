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
                        "relay-warmup check looks at each of these, in the order in which to fix them:",
                    ),
                    Block::Item(
                        "address",
                        "The address that the instance sends from is set, and on an interface that is up and carries mail; no mail of another address family, or of another transport in use, leaves from the machine's own address.",
                    ),
                    Block::Item(
                        "helo",
                        "Its HELO name is a full host name, and no other instance's.",
                    ),
                    Block::Item(
                        "a, ttl, ptr, spf",
                        "As relay-instances --check-dns has them: the HELO name has an A (AAAA) record with the address, for 86400 seconds or more; the PTR record names the HELO name, which resolves back; SPF lets the address send, by the HELO name's record and by DOMAIN's.",
                    ),
                    Block::Item(
                        "enabled, running, pickup",
                        "postfix start starts the instance; its master daemon runs; mail in its maildrop is picked up.",
                    ),
                    Block::Item(
                        "rate-delay",
                        "TRANSPORT_transport_rate_delay or TRANSPORT_destination_rate_delay of default_transport's SMTP client is set, by the transport's own parameter or the default_ one that stands for it.",
                    ),
                    Block::Item(
                        "concurrency",
                        "A rate delay is set, or TRANSPORT_destination_concurrency_limit is 1 to 5.",
                    ),
                    Block::Item(
                        "failed-cohort-limit",
                        "TRANSPORT_destination_concurrency_failed_cohort_limit is 10 or more with a rate delay: deliveries then go one at a time, and with the default of 1 a single refused connection defers all mail of a domain (postconf(5)). Without a delay it is not 0.",
                    ),
                    Block::Item(
                        "syslog-name",
                        "syslog_name is the instance's own name, and no other instance's.",
                    ),
                    Block::Item(
                        "relay-name",
                        "The provider's relay name does not list the address before all else passes. It is to be taken out only where another address is left in the name, and where a step fails for which its mail is refused: address, helo, a, ptr, spf, running. What is not known is no reason.",
                    ),
                ],
            },
            Section {
                title: "SETTINGS",
                body: &[
                    Block::Text(
                        "What holds to a cap is TRANSPORT_transport_rate_delay (Postfix 3.1 and later): no delivery is begun before so many seconds after the end of the one before, whatever its destination. A delay of D seconds lets out 86400 / D a day at most; the plan has the smallest D for which that is within the cap. The time of the deliveries themselves comes on top, so that it is a little less; they go one at a time, whatever concurrency and number of processes are set.",
                    ),
                    Block::Text(
                        "TRANSPORT_destination_rate_delay is set to 0: it holds each recipient domain to its delay, and not a provider's domains together; and both at once make each delivery wait twice.",
                    ),
                    Block::Text(
                        "Delays are whole seconds, so that from 2 s to 1 s is a factor of nearly two, and there is nothing between. Where no delay comes near to what a step allows, as many of the transport's processes (master.cf) as deliver it in a day do, if a delivery takes --delivery-time: an estimate, and a delay is none. Where that lets out too much, what holds to the cap is how much is taken (see RECORDS); what queue-move and sendmail bring is not counted there. Without a relay name there is nothing to turn mail away to: the plan then says that the cap cannot be held, and by how much.",
                    ),
                    Block::Text(
                        "TRANSPORT_destination_recipient_limit is set to 2, or to --recipients: with 1, Postfix would take each recipient for a destination, and after a refusal go on with the domain's other recipients. The delay's timer starts anew with each reload.",
                    ),
                ],
            },
            Section {
                title: "RECORDS",
                body: &[
                    Block::Text(
                        "Mail comes to an instance through its provider's relay name, aol.smtp.DOMAIN, one of whose addresses the sending hosts take at random. A name holds each A record once, and there are no weights among them: a new address beside three old ones gets a quarter of the mail. To give it more, old ones are taken out, with --replace-old.",
                    ),
                    Block::Text(
                        "MX records can give it less, or more (--records mx): of a name without brackets (smtp:aol.smtp.DOMAIN) Postfix takes the addresses of all mail exchangers of the best preference together, in random order. So names that each lead to all old addresses, and names that lead to the new one, as many as it takes, make any share from 1% to a half. The plan's lines of the zone have them, and A records of the old addresses for hosts whose transport map has the name in brackets: these pass over MX records. relay-transport print writes the form without brackets for a relay name whose MX records lead to its own addresses, and relay-transport check reports lines that are in the other one.",
                    ),
                    Block::Text(
                        "A sending host keeps a connection to a busy destination, and sends over it whatever comes for the name, for up to smtp_connection_reuse_time_limit: the share then holds over hours. With smtp_connection_cache_on_demand = no, each message is drawn for itself.",
                    ),
                    Block::Text(
                        "Where that brings more than is let out, the instance takes no more than it may send: with smtpd_client_recipient_rate_limit, and no exception for mynetworks, its smtpd answers 450 to recipients beyond the limit, and the sending Postfix goes on to the name's next address, within the same delivery or at its next retry. So nothing waits here. The limit is each sending host's (anvil(8)): --clients tells how many there are. Once the share is within what is let out, the plan sets the limit to 0, which is off.",
                    ),
                ],
            },
            Section {
                title: "SCHEDULES",
                body: &[
                    Block::Text("A file of your own is TOML: the caps,"),
                    Block::Code("levels = [500, 900, 1500, 2500]\ndays = 4"),
                    Block::Text(
                        "or the first cap, and by how much it grows as long as it ends below a number:",
                    ),
                    Block::Code(
                        "first = 100\ndays = 3\ngrow = [{ to = 5000, percent = 50 }, { percent = 20 }]",
                    ),
                    Block::Text(
                        "days is how many sending days each level is held, 3 or more. Steps greater than those of doubling are refused unless the file says beyond_limits = true, and so are fewer days. The last level is --volume.",
                    ),
                ],
            },
            Section {
                title: "VERDICTS",
                body: &[
                    Block::Text(
                        "A sending day is a day on which anything was sent; others do not count. relay-warmup status goes through them from the plan's first on: a good day counts for its level, and enough of them lead to the next; so the cap of the next day follows from the logs, and nothing has to be entered.",
                    ),
                    Block::Item(
                        "go on",
                        "As planned: mail was delivered up to the cap, and nothing speaks against more. The status tells how many days the level has still to be held, or what the next one is.",
                    ),
                    Block::Item(
                        "hold",
                        "The day does not count. More than 3% bounced: more mail would only tell the provider more of the bad addresses. More than 5% rate-limited (the provider asks for less), or it rises. More than half deferred. More was sent than the cap: the settings are not in force. Or less than three quarters of what the level lets out were delivered (retries of the same messages do not count): the day proves nothing.",
                    ),
                    Block::Item(
                        "step back",
                        "The level before is the next day's. More than 0.5% blocked for the address's reputation; more than 10% bounced; more than 25% rate-limited.",
                    ),
                    Block::Item(
                        "warm again",
                        "Nothing was sent for more than 30 days: providers forget an address by then. The first level is the next day's.",
                    ),
                    Block::Item(
                        "unknown",
                        "The last days are in no log and no day record that could be read. There is no verdict, and nothing to apply.",
                    ),
                    Block::Text(
                        "Percentages are of a day's delivery attempts. Of fewer than 50, a limit is passed for a step back only beyond chance (the lower end of the share's Wilson interval): 40 of 40 do, and 1 of 30 blocked; 1 of 40 holds. Today is judged as far as it has come, and does not count yet. A day that logs and records hold only in part does not count, either. All of these numbers are in the rules file:",
                    ),
                    Block::Code(
                        "judged_from = 50\nover_cap = 110\nused = 75\nidle_days = 30\nbounced = { hold = 3.0, step_back = 10.0 }\nblocked = { hold = 0.5, step_back = 0.5 }\ndeferred = { hold = 50, step_back = 100 }\nrate_limited = { above = 1.0, times = 1.25, hold = 5.0, step_back = 25.0 }",
                    ),
                ],
            },
            Section {
                title: "APPLY",
                body: &[
                    Block::Text(
                        "relay-warmup apply puts in force what status says: on go on and hold the settings of the level, on step back those of the level before, on warm again those of the first. It changes main.cf (and the process limit in master.cf) with postconf, reloads, and looks whether all is as it was meant. What was set before is in a journal; apply --undo puts back what was there before the first apply.",
                    ),
                    Block::Text(
                        "Where what it put in force was changed by others since, as a configuration manager does, it changes nothing and ends with 2: put the settings into the configuration manager, or --force.",
                    ),
                    Block::Text(
                        "It ends with 1 where a person must decide: the verdict is unknown; a step back is called for on the first level; lines of the zone are to be changed, which it prints; the address is warm, so that its limits can be taken off.",
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
                        "What apply has put in force, and what was there before, schema relay-tools/warmup-applied/1.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/warmup.toml",
                        "Rules, over those that are built in.",
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
                    Block::Text("Look at a plan, and save it:"),
                    Block::Code(
                        "relay-warmup plan aol-c --volume 20000/day --dry-run\nrelay-warmup plan aol-c --volume 20000/day --start tomorrow",
                    ),
                    Block::Text("Each morning: is it going well, and what is to be applied?"),
                    Block::Code("relay-warmup status aol-c"),
                    Block::Text("The commands of the tenth sending day:"),
                    Block::Code("relay-warmup show aol-c --day 10 --format text"),
                    Block::Text("From cron, a mail only if it is not going well:"),
                    Block::Code("relay-warmup status --check -q"),
                    Block::Text(
                        "From cron, after midnight: the day's cap is put in force, and a mail says when it changes:",
                    ),
                    Block::Code("relay-warmup apply aol-c -q"),
                    Block::Text("When the address is warm:"),
                    Block::Code("relay-warmup apply aol-c --undo"),
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
