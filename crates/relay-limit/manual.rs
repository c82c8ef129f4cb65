//! What the manual page says beside the flags.

use cli::{Block, Common, Manual, Section, Tool};

use crate::args::Args;

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "HOW A PAUSE WORKS",
                body: &[
                    Block::Text(
                        "setup puts a map of its own first into an instance's transport_maps. A pause is a line in \
                        it, aol.com retry:4.7.0 paused by relay-limit until 2026-11-24 14:00 +0100: TSS04. \
                        smtpd answers 450 to mail for such a domain, and the queue manager leaves mail that \
                        waits where it is. Postfix looks every ten seconds whether the map has changed, and an \
                        smtpd keeps what it knows of a recipient for 30 seconds; so a pause is in force after \
                        45 seconds at most, or at once with --reload. pause asks trivial-rewrite and smtpd, and \
                        ends when both say so.",
                    ),
                    Block::Text(
                        "Postfix asks every table of transport_maps for the whole address before it asks any for \
                        the domain. Entries for single addresses in other tables are paused by name. Tables \
                        whose entries cannot be listed (regexp, pcre, ldap, mysql, ...) may answer for any \
                        address: then setup --patterns makes a map of patterns, which is asked first for whole \
                        addresses too, and Postfix is reloaded at each change.",
                    ),
                    Block::Text(
                        "Mail that the queue manager has in its active queue is still tried once. A pause of the \
                        whole instance holds for local recipients, too.",
                    ),
                ],
            },
            Section {
                title: "THE END OF A PAUSE",
                body: &[Block::Text(
                    "relay-limit tick ends what is due: run it every minute from cron, as the package does, or from \
                        a timer. Killed at any point, it does the rest at its next run. Without it a pause lasts \
                        on: list --check is CRITICAL then.",
                )],
            },
            Section {
                title: "FILES",
                body: &[
                    Block::Item(
                        "/etc/postfix-aol-b/relay-limit",
                        "The map of the instance postfix-aol-b. Lines between the marks of relay-limit are its own; \
                        any others are kept.",
                    ),
                    Block::Item(
                        "/var/lib/relay-tools/limits/journal.jsonl",
                        "What was ordered, by whom, and what became of it (JSON Lines).",
                    ),
                    Block::PROVIDERS_FILE,
                ],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("Once, for each instance:"),
                    Block::Code("relay-limit setup 'aol-*' --apply"),
                    Block::Text(
                        "AOL has blocked aol-b: nothing more to AOL from there for four hours.",
                    ),
                    Block::Code("relay-limit pause aol-b --for 4h --reason TSS04"),
                    Block::Text("What holds, and is all well with it?"),
                    Block::Code("relay-limit list\nrelay-limit list --check"),
                    Block::Text("The block is gone before the time:"),
                    Block::Code("relay-limit lift aol-b --flush"),
                ],
            },
        ],
        see_also: &[
            "queue-move(8)",
            "relay-instances(8)",
            "relay-warmup(8)",
            "transport(5)",
            "postmap(1)",
        ],
        checks: true,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}
