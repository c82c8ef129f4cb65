//! What the manual page says beside the flags.

use cli::{Block, Common, Manual, Section, Tool};

use crate::args::Args;

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "THE MAP",
                body: &[Block::Text(
                    "A line is DOMAIN smtp:[PROVIDER.smtp.DOMAIN]. A relay's name has an address record for each of the provider's \
                     relays; in brackets Postfix asks for those alone, and spreads the mail over them, so that the number of records \
                     sets the share of each. A domain with international letters has two lines, in letters and in ASCII, since \
                     Postfix looks up what the message has. Subdomains have no line of their own: a provider's own mail \
                     domains are listed in full.",
                )],
            },
            Section {
                title: "FILES",
                body: &[Block::Item(
                    "/etc/relay-tools/providers.toml",
                    "Additions to the table of mailbox providers: domains, names of mail exchangers, relay names.",
                )],
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
        checks: false,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}
