//! What the manual page says beside the flags.

use cli::{Block, Common, Manual, Section, Tool};

use crate::args::Args;

const CHECKS: Section = Section {
    title: "CHECKS",
    body: &[
        Block::Text(
            "check queries the tables with real postmap (postmap -s and postmap -q, with the instance's \
             configuration) in the order Postfix uses: two made-up addresses of each domain in every table; then the \
             domain and its parents in tables that are not patterns; * last. Each of these has one row or more:",
        ),
        Block::Item(
            "in-use",
            "transport_maps of the instance includes the map. CRITICAL if not, and if a table cannot be opened: \
             Postfix then defers the mail. UNKNOWN if a table cannot be queried from here.",
        ),
        Block::Item(
            "index",
            "The file made by postmap (.db, .lmdb, .cdb) exists and is not older than the text. Missing is CRITICAL, \
             older is WARNING.",
        ),
        Block::Item(
            "entries",
            "It has the same entries as the text. CRITICAL if not: mail follows the index, not the text.",
        ),
        Block::Item(
            "syntax",
            "Every line of the text is an entry; postmap ignores others. WARNING. A rule in a pattern table that \
             Postfix ignores is CRITICAL.",
        ),
        Block::Item(
            "duplicates",
            "No key appears twice; only the first counts. WARNING.",
        ),
        Block::Item(
            "order",
            "No other table in transport_maps gives a different answer first: for the domain, or, in any position, \
             for the whole address (a pattern such as /./, or static). CRITICAL.",
        ),
        Block::Item(
            "domains",
            "Mail for every provider's domain goes to the provider's relay, with all tables, parent domains, * and \
             relayhost considered. CRITICAL if it goes elsewhere, bounces or is discarded. Use --provider to name \
             those that the site has relays for.",
        ),
        Block::Item(
            "filters",
            "No content_filter, and no FILTER, REDIRECT, DISCARD or HOLD in header checks or access tables, takes \
             that mail before the map is consulted: CRITICAL (--accept TABLE, if what a filter gives back goes by the map). WARNING for a filter whose mail may come back by a \
             service without one (--accept content_filter), and for lines that match some mail (--accept TABLE).",
        ),
        Block::Item(
            "recipients",
            "recipient_canonical_maps, canonical_maps and virtual_alias_maps give the domains' recipients no address \
             elsewhere: CRITICAL. WARNING for single recipients (--accept ADDRESS), and where the relay stays the \
             same.",
        ),
        Block::Item(
            "postfix",
            "If the instance is running, its trivial-rewrite is asked about an address of each domain, and gives the \
             same answer. CRITICAL if not: texthash, regexp and pcre tables are only read when it starts. After \
             postmap it takes 10 s to notice the new index; check waits for that.",
        ),
        Block::Item(
            "lines",
            "Every line is for a provider's domain, a subdomain or an address of one, or * to a relay; or --accept \
             marks it as the site's own. And Postfix looks it up: it never looks up @domain, *.domain or \"domain.\". \
             WARNING.",
        ),
        Block::Item(
            "transports",
            "Every transport in the map is in master.cf. CRITICAL.",
        ),
        Block::Item(
            "relays",
            "Every relay host has an address (or, without brackets, a mail exchanger). CRITICAL if not; UNKNOWN if \
             the DNS does not answer. /etc/hosts is consulted if smtp_host_lookup says so. An address where no relay \
             can be (0.0.0.0, 127.0.0.1) is CRITICAL. A wildcard record that any name has proves no relay: WARNING.",
        ),
        Block::Item(
            "ports",
            "Something is listening on each relay. CRITICAL if all its addresses refuse the connection; if there is \
             no answer, the row says so without a verdict. Nothing but QUIT is said there, unless --ask-relays asks \
             each address for a recipient: CRITICAL if one answers 5xx (its mail comes back) or 454 (Relay access \
             denied, where Postfix defers), WARNING for any other 4xx, such as a pause; UNKNOWN if it cannot be \
             asked, as when it wants TLS first, or a login or certificate might change its answer. Not tried with \
             --no-dns.",
        ),
        Block::Item(
            "networks",
            "With --relay-config: the relays' mynetworks includes this server's address (CRITICAL if not), and no \
             smtpd restriction in their main.cf refuses its mail before mynetworks is consulted (WARNING). For a \
             relay on this host, or a whole image, files and tables in mynetworks are read: one that cannot be opened \
             is CRITICAL. In a copied directory, what depends on them is UNKNOWN.",
        ),
        Block::Text(
            "The tables are those of the service that decides where mail goes: -o transport_maps of rewrite in \
             master.cf counts, not main.cf. The worst row decides the exit status. A row names up to five of the things it is about; -v, JSON and \
             CSV name all.",
        ),
    ],
};

const DISCOVERY: Section = Section {
    title: "DISCOVERY",
    body: &[
        Block::Text(
            "discover looks at the deliveries of instances that are named for the catch-all relay \
             (postfix-therest-a), or are \
             named on the command line; where this host has no instance of that name, at those of all that are named \
             for no provider; and, of every \
             instance, at what was handed to that relay (therest.smtp.DOMAIN, or relayhost). \
             A domain is a provider's",
        ),
        Block::Item(
            "the table lists it",
            "and it still went through the catch-all relay: the map in use lacks it.",
        ),
        Block::Item(
            "relay HOST",
            "of the deliveries that reached a host, more than half reached one of the provider's (mx in the provider \
             table: that name and all below it).",
        ),
        Block::Item(
            "mx HOST",
            "all its most preferred mail exchangers are the provider's. With --mx, for domains that the logs cannot \
             place: they were handed to our own relay, or reached no host.",
        ),
        Block::Text(
            "A line sends mail to the relay that the table has for the provider. If the site has no relay of that \
             name, check reports it (relays): give the provider another relay in /etc/relay-tools/providers.toml, or \
             name the providers with relays (--provider).",
        ),
        Block::Text(
            "Names written by strangers only get into a map, a table or the DNS if they are domain names: letters, \
             digits, hyphens and underscores; international ones are converted to ASCII. What is left out is reported.",
        ),
        Block::Text(
            "MX lookups are limited in number, concurrency, rate and total time (--max-lookups, --concurrency, \
             --rate, --timeout); the domains with the most deliveries come first. Answers are cached for their TTL, a \
             week at most; that a domain has no mail exchanger, for an hour.",
        ),
    ],
};

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "THE MAP",
                body: &[Block::Text(
                    "A line is DOMAIN smtp:[PROVIDER.smtp.DOMAIN]. Only relay names that are in the DNS (or given by \
                     --relays or /etc/relay-tools/providers.toml) get lines: mail for any other would bounce, \
                     although it would be delivered without the line. What is left out is reported, and the exit \
                     status is then 1. A DNS that does not answer has not shown that a relay exists: its lines are \
                     left out, too, unless --relays names it; --output is then refused (exit status 2), so \
                     that the map in use keeps its lines. With --root, and with logs that are named, the relays are \
                     not looked up: --relays has to name them. A relay's name has an address record for each of \
                     the provider's relays; because of the brackets Postfix only looks up those, and spreads the mail \
                     over them, so the number of records sets the share of each. A domain with international \
                     characters has two lines, in Unicode and in ASCII, since Postfix looks up whichever the message \
                     has. Subdomains do not get lines: a provider's own mail domains are listed in full.",
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
                        "Cached MX answers (--cache).",
                    ),
                ],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("Update the map and put it into use:"),
                    Block::Code(
                        "relay-transport print --domain smtp.example.org --output /etc/postfix/transport.relay\n\
                         postmap hash:/etc/postfix/transport.relay",
                    ),
                    Block::Text("What would change?"),
                    Block::Code("relay-transport print | diff /etc/postfix/transport.relay -"),
                    Block::Text("Check the map in use, accepting two lines of the site's own:"),
                    Block::Code(
                        "relay-transport check --accept lists.example.org --accept '*.intern.example.org'",
                    ),
                    Block::Text(
                        "Which domains of last week's catch-all mail does a provider host?",
                    ),
                    Block::Code("relay-transport discover --since 7d --mx --min 50"),
                    Block::Text(
                        "Append the same to the provider table; what it lists is not found again:",
                    ),
                    Block::Code(
                        "relay-transport discover --since 7d --mx --min 50 --format toml >> \
                         /etc/relay-tools/providers.toml",
                    ),
                    Block::Text(
                        "For a monitoring system, with the relays' configuration from a backup:",
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
