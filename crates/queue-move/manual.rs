//! What the manual page says beside the flags.

use cli::{Block, Common, Manual, Section, Tool};

use crate::args::Args;

impl Tool for Args {
    const MANUAL: Manual = Manual {
        sections: &[
            Section {
                title: "WHAT IT CHANGES FOR THE MAIL",
                body: &[Block::Text(
                    "Mail requeued through maildrop, by this tool or by postsuper -r, gets a new queue id; TO's \
                     pickup logs the old one as orig_id. Recipients who already have the message do not get it again \
                     and are not in the new queue file. Arrival time, DSN options and VERP are kept; the SMTPUTF8 \
                     request is not (with Postfix 3.7; newer versions keep it). The expiry clock \
                     (maximal_queue_lifetime) starts again. Addresses are rewritten again by TO's maps, and its bcc \
                     maps and header checks see the mail again. FILTER and REDIRECT actions recorded by access rules \
                     or header checks are dropped, and TO's own content_filter applies. A Received: header is added, \
                     which counts towards hopcount_limit.",
                )],
            },
            Section {
                title: "WHAT IS LOOKED AT BEFORE",
                body: &[Block::Text(
                    "Whether TO runs and has a pickup service; where its trivial-rewrite sends each recipient, and \
                     whether that agent is there (error:, retry:, discard:, defer_transports and failing tables are \
                     refused); what its header_checks and body_checks, asked by postmap(1), do with these messages; \
                     hopcount_limit, queue lifetimes of 0, queue_minfree. Bcc maps, maps that rewrite recipients, \
                     strict checks, and an address that both send from are warned of. Requeued mail passes no Milter. \
                     Then the canary goes first: a few messages of the biggest domains, which are followed in TO's log \
                     until TO has tried them. If one is returned, deferred for the reason that it was deferred for \
                     before or because the address is blocked or limited, or not tried within --canary-wait, or if \
                     none is delivered, the others stay where they are, and the exit status is 1. Where the log cannot \
                     be read, and with --no-wait, there is no canary.",
                )],
            },
            Section {
                title: "WHAT IS SKIPPED",
                body: &[Block::Text(
                    "Mail that the queue manager takes first, or has tried again since the plan was made; that an \
                     admin has expired (postsuper -e, -f); that has a bounce or success notice pending; that has \
                     nothing left to deliver; that is damaged; or that is too big for TO. The plan and the result \
                     give the reason for each.",
                )],
            },
            Section {
                title: "PARTS OF A QUEUE",
                body: &[Block::Text(
                    "hold, release, flush and bounce act on the selected mail of one instance, as postsuper -h and -H, \
                     postqueue -i and postsuper -e do on single messages, but by inode, so that a queue id that was \
                     given to another message is not mistaken. flush and bounce hand over one message after another at \
                     --rate; flush watches the first ones (--canary) and stops if all of them are deferred again. \
                     release warns of mail that has outlived its queue lifetime, which the next refusal returns; \
                     --fresh requeues it instead. delete puts the messages on hold and then keeps them in the directory \
                     \"deleted\" of the queue directory, with a journal in /var/lib/relay-tools/deleted; undo NAME gives them back with their defer logs, until --keep (7 \
                     days) is over and prune has removed them for good. They take up space until then. A message with several recipients is selected if one of them \
                     matches: the plan says who else goes with it, and --whole leaves such messages out. Mail of an \
                     unfinished move is left alone by release, bounce and delete.",
                )],
            },
            Section {
                title: "INTERRUPTIONS",
                body: &[Block::Text(
                    "^C finishes the messages being moved and says how to continue; the exit status is 1. After a \
                     crash, a power cut, a restart of FROM or TO, or a full disk, queue-move resume finishes the move \
                     and queue-move undo reverses it; either can be repeated, and resume also finishes an interrupted \
                     undo. undo first takes the messages in TO's maildrop out of pickup's reach, waits until pickup \
                     is no longer working on them, and then puts them back; what TO has already taken stays with TO. \
                     Every run reports unfinished moves, and so do queue-report and mailq-distribution --check. A \
                     message that cannot be found is in doubt: it is reported until the move is closed (queue-move \
                     close).",
                )],
            },
            Section {
                title: "FILES",
                body: &[
                    Block::Item(
                        "/var/lib/relay-tools/moves/",
                        "A journal for each move (JSON Lines): what was planned, with senders, recipients and \
                         reasons, and what was done.",
                    ),
                    Block::Item(
                        "/var/lib/relay-tools/locks/",
                        "Locks: only one queue-move at a time takes mail out of an instance.",
                    ),
                    Block::Item(
                        "/etc/relay-tools/providers.toml",
                        "Additions to the table of mailbox providers.",
                    ),
                ],
            },
            Section {
                title: "EXAMPLES",
                body: &[
                    Block::Text("What would be moved from a blocked instance to a healthy one?"),
                    Block::Code("queue-move --dry-run aol-b aol-c"),
                    Block::Text(
                        "Move what AOL has deferred because of the address's reputation, one message per second:",
                    ),
                    Block::Code("queue-move aol-b aol-c --reason-class blocked --rate 60/min"),
                    Block::Text("From a script: move the oldest hundred, with the result as JSON:"),
                    Block::Code("queue-move aol-b aol-c --limit 100 --yes --format json"),
                    Block::Text("After an interruption:"),
                    Block::Code("queue-move history\nqueue-move resume"),
                    Block::Text("What was moved to which queue id, message by message?"),
                    Block::Code("queue-move history 20260919T120000Z-aol-b-aol-c -v"),
                    Block::Text("Put the deferred mail for AOL on hold:"),
                    Block::Code("queue-move hold aol-b --provider aol"),
                    Block::Text("How much mail has been waiting for more than two days?"),
                    Block::Code("queue-move hold aol-b --older-than 2d --dry-run"),
                    Block::Text("Release all mail that is on hold, or only that of one sender:"),
                    Block::Code(
                        "queue-move release aol-b\nqueue-move release aol-b --sender news@lists.example.org",
                    ),
                    Block::Text("What is on hold?"),
                    Block::Code("queue-move release aol-b --dry-run"),
                    Block::Text("Release what the next refusal would return, with a new lifetime:"),
                    Block::Code("queue-move release aol-b --older-than 5d --fresh"),
                    Block::Text(
                        "The block is lifted: try what was blocked, one message per second:",
                    ),
                    Block::Code("queue-move flush aol-b --reason-class blocked --rate 60/min"),
                    Block::Text("What would be tried now?"),
                    Block::Code("queue-move flush aol-b --dry-run"),
                    Block::Text(
                        "Return mail to a domain that is gone; first see who would get a notice:",
                    ),
                    Block::Code("queue-move bounce aol-b --domain example.com --dry-run"),
                    Block::Text("Do it:"),
                    Block::Code("queue-move bounce aol-b --domain example.com"),
                    Block::Text("Delete one sender's mail; first see how much that is:"),
                    Block::Code("queue-move delete aol-b --sender spam@example.org --dry-run"),
                    Block::Text("Do it, and keep it for an undo for a month:"),
                    Block::Code("queue-move delete aol-b --sender spam@example.org --keep 30d"),
                    Block::Text("Which defer logs are left without a message?"),
                    Block::Code("queue-move clean aol-b --dry-run"),
                    Block::Text("Remove them, from a script:"),
                    Block::Code("queue-move clean aol-b --yes"),
                    Block::Text("Finish one of several interrupted moves:"),
                    Block::Code("queue-move resume 20260919T120000Z-aol-b-aol-c"),
                    Block::Text("What would an undo put back?"),
                    Block::Code("queue-move undo --dry-run"),
                    Block::Text("Put back what the other instance has not taken yet:"),
                    Block::Code("queue-move undo"),
                    Block::Text("Give up a move whose disk is lost; first see what that means:"),
                    Block::Code(
                        "queue-move close 20260919T120000Z-aol-b-aol-c --why 'disk lost' --dry-run",
                    ),
                    Block::Text("Do it:"),
                    Block::Code("queue-move close 20260919T120000Z-aol-b-aol-c --why 'disk lost'"),
                    Block::Text("Which journals are older than a year?"),
                    Block::Code("queue-move prune --older-than 365d --dry-run"),
                    Block::Text("Remove them, from cron:"),
                    Block::Code("queue-move prune --older-than 365d --yes -q"),
                ],
            },
        ],
        see_also: &[
            "queue-report(8)",
            "postsuper(1)",
            "postqueue(1)",
            "pickup(8)",
        ],
        checks: false,
    };

    fn common(&self) -> &Common {
        &self.common
    }
}
