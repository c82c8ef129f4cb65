//! What the manual page says beside the flags.

use cli::{Block, Common, Manual, Section, Tool};

use crate::args::Args;

const CHECKS: Section = Section {
    title: "CHECKS",
    body: &[
        Block::Text(
            "check asks real postmap (postmap -s, postmap -q, with the instance's configuration) as Postfix asks: two made-up addresses \
             of each domain in every table; then the domain and its parents in those that are no patterns; * last. A row or more \
             for each of these:",
        ),
        Block::Item(
            "in-use",
            "transport_maps of the instance has the map. CRITICAL if not, and where a table cannot be opened: Postfix then defers the mail. UNKNOWN where one cannot be asked from here.",
        ),
        Block::Item(
            "index",
            "The file that postmap makes (.db, .lmdb, .cdb) is there, and not older than the text. Missing is CRITICAL, older a WARNING.",
        ),
        Block::Item(
            "entries",
            "It has the entries that the text has. CRITICAL if not: mail goes by what was made.",
        ),
        Block::Item(
            "syntax",
            "Every line of the text is an entry; postmap passes over others. WARNING. A rule of a pattern table that Postfix passes \
             over is CRITICAL.",
        ),
        Block::Item(
            "duplicates",
            "No key comes twice; the first counts. WARNING.",
        ),
        Block::Item(
            "order",
            "No other table of transport_maps has another answer that comes first: for the domain, or, wherever the table stands, for \
             the whole address (a pattern such as /./, static). CRITICAL.",
        ),
        Block::Item(
            "domains",
            "The mail of every provider's domain goes to the provider's relay, over all tables, parent domains, * and relayhost. If \
             it goes elsewhere, comes back or is destroyed: CRITICAL. --provider names those that the site has relays for.",
        ),
        Block::Item(
            "postfix",
            "Where the instance runs, its trivial-rewrite is asked about an address of each domain, and says the same. CRITICAL if not: \
             texthash, regexp and pcre are read when it starts. After postmap it takes 10 s to see the new index; they are waited for.",
        ),
        Block::Item(
            "lines",
            "Every line is of a provider's domain, of a subdomain or an address there, or * to a relay; or --accept says that it \
             is the site's own. And it is one that Postfix looks up: @domain, *.domain and domain. are none. WARNING.",
        ),
        Block::Item(
            "transports",
            "Every transport of the map is in master.cf. CRITICAL.",
        ),
        Block::Item(
            "relays",
            "Every relay host has an address; without brackets, a mail exchanger will do. CRITICAL; UNKNOWN where the DNS does not \
             answer. /etc/hosts is asked where smtp_host_lookup says so.",
        ),
        Block::Item(
            "ports",
            "Something listens at each relay. CRITICAL where all its addresses refuse the connection; where there is no answer, the row \
             says so and nothing is concluded from it. --no-dns: nobody tries.",
        ),
        Block::Item(
            "networks",
            "With --relay-config: the relays' mynetworks has this server's address (CRITICAL if not), and no smtpd restriction \
             in their main.cf refuses its mail before mynetworks is asked (WARNING). Of a relay on this host, or of a whole image, files and tables in mynetworks are looked into: one that cannot be opened is CRITICAL. In a copied directory what depends on one is UNKNOWN.",
        ),
        Block::Text(
            "The worst row decides the exit status. A row names five of the things that it is about; all with -v, and in JSON and CSV.",
        ),
    ],
};

const DISCOVERY: Section = Section {
    title: "DISCOVERY",
    body: &[
        Block::Text(
            "discover looks at the deliveries of instances that are named for the relay for the rest (postfix-therest-a), or are \
             named on the command line; where this host has no instance of that name, at those of all that are named for no provider; and, of every \
             instance, at what was handed to that relay (therest.smtp.DOMAIN, or relayhost). \
             A domain is a provider's",
        ),
        Block::Item(
            "the table lists it",
            "and it went through the relay for the rest all the same: the map in use lacks it.",
        ),
        Block::Item(
            "relay HOST",
            "since more than half of its deliveries that got as far as a host got to the provider's (mx in the provider table: that \
             name and all below it).",
        ),
        Block::Item(
            "mx HOST",
            "since all its mail exchangers of the best preference are the provider's. With --mx, for domains that the logs do not tell \
             about: they were handed to our own relay, or got to no host.",
        ),
        Block::Text(
            "A line leads to the relay that the table has for the provider. Where the site has none of that name, check says so (relays): give \
             the provider another relay in /etc/relay-tools/providers.toml, or name those that there are (--provider).",
        ),
        Block::Text(
            "Names that strangers write reach a map, a table or the DNS only if they are domain names: letters, digits, hyphens and \
             underscores; international ones are turned into their ASCII form. What is left out, is told.",
        ),
        Block::Text(
            "MX look-ups are bounded in number, at a time, a second and in time (--max-lookups, --concurrency, --rate, --timeout), those of \
             the domains with most deliveries first. Answers are kept as long as their time to live allows, a week at most; that there is no mail \
             exchanger, an hour.",
        ),
    ],
};

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "THE MAP",
                body: &[Block::Text(
                    "A line is DOMAIN smtp:[PROVIDER.smtp.DOMAIN]. There are lines for those relay names alone that the DNS has (or --relays, \
                     --provider or /etc/relay-tools/providers.toml names): mail for another would come back, though it would be \
                     delivered without the line. What is left out is told, and the exit status is then 1. A relay's name has an address record for each of the provider's \
                     relays; in brackets Postfix asks for those alone, and spreads the mail over them, so that the number of records \
                     sets the share of each. A domain with international letters has two lines, in letters and in ASCII, since \
                     Postfix looks up what the message has. Subdomains have no line of their own: a provider's own mail \
                     domains are listed in full.",
                )],
            },
            CHECKS,
            DISCOVERY,
            Section {
                title: "FILES",
                body: &[
                    Block::Item(
                        "/etc/relay-tools/providers.toml",
                        "Additions to the table of mailbox providers: domains, names of mail exchangers, relay names.",
                    ),
                    Block::Item(
                        "/var/lib/relay-tools/mx-cache.json",
                        "What the DNS said of mail exchangers (--cache).",
                    ),
                ],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("Make the map anew, and put it to use:"),
                    Block::Code(
                        "relay-transport print --domain smtp.example.org --output /etc/postfix/transport.relay\n\
                         postmap hash:/etc/postfix/transport.relay",
                    ),
                    Block::Text("What would change?"),
                    Block::Code("relay-transport print | diff /etc/postfix/transport.relay -"),
                    Block::Text("Is it in order? The site has two lines of its own:"),
                    Block::Code(
                        "relay-transport check --accept lists.example.org --accept '*.intern.example.org'",
                    ),
                    Block::Text(
                        "Which domains, that last week's mail went to by the relay for the rest, does a provider host?",
                    ),
                    Block::Code("relay-transport discover --since 7d --mx --min 50"),
                    Block::Text(
                        "The same into the provider table, behind what it has; what it has by then is not found again:",
                    ),
                    Block::Code(
                        "relay-transport discover --since 7d --mx --min 50 --format toml >> /etc/relay-tools/providers.toml",
                    ),
                    Block::Text(
                        "For a monitoring system, with the relays' configuration as a backup has it:",
                    ),
                    Block::Code(
                        "relay-transport check --check --relay-config /srv/backup/rustin --from 192.0.2.7",
                    ),
                ],
            },
        ],
        see_also: &[
            "relay-instances(8)",
            "mail-stats-print(8)",
            "transport(5)",
            "postmap(1)",
            "postconf(5)",
        ],
        checks: true,
    };

    const CHECK_COMMAND: Option<&'static str> = Some("check");

    fn common(&self) -> &Common {
        &self.common
    }
}
