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
                        "setup puts a map of its own first in an instance's transport_maps. A pause is a line in \
                        it, aol.com retry:4.7.0 paused by relay-limit until 2026-11-24 14:00 +0100: TSS04. \
                        smtpd answers 450 to mail for such a domain, and the queue manager leaves waiting mail where \
                        it is. Postfix checks every ten seconds whether the map has changed, and an smtpd caches what \
                        it knows about a recipient for 30 seconds, and longer while it is asked for it. pause waits until \
                        no process is left that goes by the old map, and reloads Postfix if one still is after 15 \
                        seconds; so a pause is in force after at most 45 seconds, or at once with --reload. Where \
                        main.cf or master.cf was changed since Postfix was last reloaded, only --reload reloads it: \
                        that change may be unfinished. pause asks \
                        trivial-rewrite and smtpd, and finishes when both confirm it. If a client keeps its \
                        connection to an smtpd open for longer, pause says that it is not known whether the pause is \
                        in force, and exits with 1; list --check is UNKNOWN then, until no such process is left or \
                        tick has seen the pause in force.",
                    ),
                    Block::Text(
                        "Postfix asks every table of transport_maps for the whole address before it asks any for \
                        the domain. Entries for single addresses in other tables are paused by name. Tables \
                        whose entries cannot be listed (regexp, pcre, ldap, mysql, ...) may answer for any \
                        address: then setup --patterns makes a map of patterns, which comes first for whole \
                        addresses too, and Postfix is reloaded at each change.",
                    ),
                    Block::Text(
                        "smtpd accepts a recipient that virtual_alias_maps, canonical_maps or \
                        recipient_canonical_maps have, whatever transport_maps says. Where such tables are set, setup \
                        puts an access table of its own first in smtpd_recipient_restrictions, and a pause has a line \
                        in it for each recipient whose mail, or a copy of it, leads to a paused domain. A whole domain \
                        that does (@old.example) is refused with its subdomains; so is a paused domain where one of \
                        these tables cannot be listed. Without this table, and for tables that cannot be listed, pause and \
                        list name who is still accepted, and the pause is not said to be in force for them: pause \
                        exits with 1, and list --check is a WARNING.",
                    ),
                    Block::Text(
                        "Mail in the queue manager's active queue is still tried once. A pause of the whole instance \
                         also applies to local recipients.",
                    ),
                ],
            },
            Section {
                title: "THE END OF A PAUSE",
                body: &[
                    Block::Text(
                        "relay-limit tick ends what is due: run it every minute from cron, as the package does, or \
                         from a timer. What is due in the next six seconds it waits for. If it is killed at any point, \
                         the next run does the rest, and reloads Postfix if a minute has gone by since the end: so a \
                         pause does not outlive its end by more than two minutes, even if one run in between is \
                         killed. Without tick a pause never ends: list --check is then CRITICAL.",
                    ),
                    Block::Text(
                        "A pause is over when neither trivial-rewrite nor smtpd refuses a probe for its sake, and no \
                         trivial-rewrite is left that is older than its end. tick and lift wait for that, for 45 \
                         seconds at most; where smtpds are left that may remember the pause, they reload Postfix. Until \
                         it was seen, the pause is not closed, and tick looks again.",
                    ),
                ],
            },
            Section {
                title: "RELOADS",
                body: &[Block::Text(
                    "A rate and a map of patterns begin and end with a reload, which puts in force all that main.cf and \
                     master.cf say. Where one of them was changed since Postfix was last reloaded, that change may be \
                     half of what somebody is about to do. Then rate is refused (exit 2), with or without --yes; a map \
                     of patterns is written, and pause says that it is not known to be in force (exit 1; --reload \
                     reloads all the same). The end of a rate is written to main.cf, the end of a pause to the map, and \
                     tick and lift exit with 1: both come into force with the next reload, for which the command is \
                     printed, and tick looks again each minute. Two minutes after the end, list --check is CRITICAL and \
                     says why. setup --apply reloads Postfix whatever was changed.",
                )],
            },
            Section {
                title: "OUT AND IN",
                body: &[Block::Text(
                    "out answers a block as a whole: it prints the zone's line to remove, with the time to live that the zone's own \
                    servers give, pauses the instance (as pause does, with an end), moves what waits with queue-move to the \
                    instance of the same provider that did best in the last hour, and watches smtpd's log until nobody has \
                    connected for a minute; before and after that, a connection of its own must be in it. Where the syslog \
                    daemon says that it threw lines away, or lines are missing, who connects was not seen (exit 1). The steps are \
                    noted in the journal, with the zone's line and until when resolvers hold it; after an interruption the same command goes on. \
                    in looks at the instance and its DNS as relay-instances does, lifts its pauses, tries at once what waits there, and prints the zone's \
                    line to add; what is wrong or could not be seen keeps it out, unless --anyway. If by the logs and the \
                    day records it has sent nothing for 30 days, in prints the command that warms it up again; if that is not known, \
                    it says so, too. No DNS is ever changed.",
                )],
            },
            Section {
                title: "REACTING BY ITSELF",
                body: &[
                    Block::Text(
                        "react does nothing unless /etc/relay-tools/react.toml has rules. Cron or the timer runs it \
                         every \
                        minute. A rule counts the refused recipients of one provider at one instance, by the \
                        provider's own \
                        code or by the class of the reason:",
                    ),
                    Block::Code(
                        "most = \"50%\"\nmail = \"root\"\n\n[[rule]]\ncode = \"TSS04\"\ninstance = \"aol-*\"\n\
                        at_least = 20\nwithin = \"10m\"\ndo = \"pause\"\nfor = \"2h\"",
                    ),
                    Block::Text(
                        "do = \"rate\" with rate = \"600/h\" slows the instance down instead; class = \"rate-limited\" \
                         counts a \
                        class; provider = \"aol\" narrows a rule. Of the instances that are named for a provider, \
                        never \
                        more than the share `most` (50% if it is not set) is held at once, and never the last address. \
                        Refusals from before a pause \
                        that has ended or was lifted do not bring it back. Each act is in the journal, in the mail log \
                        and \
                        in a mail. Only domains of the provider table count: a reply from anybody else's server \
                        decides \
                        nothing.",
                    ),
                    Block::Text(
                        "Each run reads what is new in the logs since the one before, through rotation, as \
                         mail-stats-print --follow-state does, and keeps the refusals that may still count in \
                         react-logs.json. Where that is not there, was kept for other rules or cannot be used, the \
                         logs are read from as far back as the rules look. Where lines may be lost (a log was \
                         emptied, a journal vacuumed) or delivery lines cannot be read, react says so and \
                         ends with 1: then a rule may count too few.",
                    ),
                    Block::Text(
                        "Any user of the host can log such refusals where syslogd writes the log, with logger(1): all \
                         they cannot do is exceed the share or pause the last address. Where users other than root log \
                         in, let Postfix log to a file of its own (maillog_file), or let no syslog daemon write its log \
                         to a file, so that the journal is read. react says where that is not so.",
                    ),
                ],
            },
            Section {
                title: "FILES",
                body: &[
                    Block::Item(
                        "/etc/postfix-aol-b/relay-limit",
                        "The map of the instance postfix-aol-b. Lines between relay-limit's marks are its own; all \
                         others are kept.",
                    ),
                    Block::Item(
                        "/etc/postfix-aol-b/relay-limit-access",
                        "The access table of the instance, for recipients of aliases; the same holds for its lines.",
                    ),
                    Block::Item(
                        "/var/lib/relay-tools/limits/journal.jsonl",
                        "Every limit: what was requested, by whom, and how it ended (JSON Lines).",
                    ),
                    Block::Item(
                        "/var/lib/relay-tools/limits/react-logs.json",
                        "How far react has read the logs, and what its rules still count. It may be removed.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/react.toml",
                        "The rules of react; without it, react does nothing.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/advice.toml",
                        "What to do about a provider's code, before what is compiled in; each entry has source and \
                         date.",
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
                        "AOL has blocked aol-b: send nothing more from there for four hours:",
                    ),
                    Block::Code("relay-limit pause aol-b --for 4h --reason TSS04"),
                    Block::Text("What is in force, and does it work?"),
                    Block::Code("relay-limit list\nrelay-limit list --check"),
                    Block::Text("The whole answer in one command, and the way back:"),
                    Block::Code("relay-limit out aol-b --for 4h --reason TSS04"),
                    Block::Code("relay-limit in aol-b"),
                    Block::Text("What would be taken out, moved and watched?"),
                    Block::Code("relay-limit out aol-b --for 4h --to aol-a --dry-run"),
                    Block::Text("Is an instance ready to be brought back?"),
                    Block::Code("relay-limit in aol-b --dry-run"),
                    Block::Text("What would the rules of react have done yesterday?"),
                    Block::Code("relay-limit react --dry-run --date yesterday"),
                    Block::Text("The same for rules that are being tried out:"),
                    Block::Code("relay-limit react --dry-run --rules /tmp/react.toml --since 7d"),
                    Block::Text("Blocks that come as 5xx are to wait, too:"),
                    Block::Code(
                        "relay-limit filter aol-b --output /etc/postfix-aol-b/relay-limit-filter",
                    ),
                    Block::Text("What would such a table be?"),
                    Block::Code("relay-limit filter aol-b"),
                    Block::Text("The block was lifted early:"),
                    Block::Code("relay-limit lift aol-b --flush"),
                    Block::Text("Are the instances ready to be paused?"),
                    Block::Code("relay-limit setup 'aol-*'"),
                    Block::Text(
                        "Pause all mail of an instance until 14:00, and then try it at once:",
                    ),
                    Block::Code("relay-limit pause aol-b --until 14:00 --flush"),
                    Block::Text("Limit an instance to 600 messages per hour for a day:"),
                    Block::Code("relay-limit rate aol-b 600/h --for 1d --reason 'AOL wants less'"),
                    Block::Text("What would that change in main.cf?"),
                    Block::Code("relay-limit rate aol-b 600/h --for 1d --dry-run"),
                    Block::Text("For a monitoring system:"),
                    Block::Code("relay-limit list --check"),
                    Block::Text("What would be lifted?"),
                    Block::Code("relay-limit lift aol-b --dry-run"),
                    Block::Text("What was paused, when, and by whom?"),
                    Block::Code("relay-limit history"),
                    Block::Text("The same for a program, with jq(1):"),
                    Block::Code("relay-limit history --format json | jq -r '.limits[].id'"),
                    Block::Text("From cron, every minute:"),
                    Block::Code("* * * * *  root  relay-limit tick -q"),
                    Block::Text("After a restart or a full disk: finish what was interrupted:"),
                    Block::Code("relay-limit tick -v"),
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
