//! No table is wider than the terminal, and no address in one is cut, on a host with long names and IPv6 addresses.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use testkit::tools::{path, sh};
use unicode_width::UnicodeWidthStr as _;

const V6: &str = "2001:db8:1234:5678:9abc:def0:1234:5678";

/// What aol-b is called on this host.
const LONG: &str = "aol-of-the-second-datacentre-b";

/// What writes for people, by tool; after `#`, how often the long address is shown at least.
const COMMANDS: [&str; 41] = [
    "relay-instances #1",
    "relay-instances --wide #1",
    "relay-instances --check-dns --resolver 127.0.0.1:9 --timeout 1s #2",
    "mailq-distribution",
    "mailq-distribution --by domain --top 5",
    "mailq-distribution --by sender-domain,provider,age",
    "queue-report LONG",
    "queue-report aol-a LONG therest-a --all",
    "queue-report LONG --format text",
    "queue-report LONG --group-by instance,provider,domain,relay,reason,reason-class,dsn,sender,sender-domain,queue",
    "mail-stats-print --format table",
    "mail-stats-print --format table --filtered --by instance,domain,provider,relay,hour,day",
    "mail-stats-print --format table --by reason #1",
    "mail-stats-print --format table --by sender-domain,dsn",
    "mail-stats-print --format report --date 2026-09-19",
    "mail-stats-print --explain '550 5.7.1 Mail from 192.0.2.1 was refused, see https://example.org/a-long-path for \
     more'",
    "queue-move LONG aol-a --dry-run",
    "queue-move hold LONG --dry-run",
    "queue-move release LONG --dry-run",
    "queue-move flush LONG --dry-run",
    "queue-move bounce LONG --dry-run",
    "queue-move delete LONG --dry-run",
    "queue-move clean LONG --dry-run",
    "queue-move history",
    "queue-move history 20260919T120000Z-LONG",
    "relay-warmup check LONG --resolver 127.0.0.1:9 --timeout 1s",
    "relay-warmup plan LONG --volume 200000/day --old 192.0.2.41 --old V6 --relay-name aol.smtp.mayfirst.example \
     --dry-run",
    "relay-warmup plan LONG --volume 20000/day --total 80000/day --old V6 --relay-name aol.smtp.mayfirst.example \
     --records mx --dry-run",
    "relay-warmup plan LONG --volume 20000/day --total 80000/day --old V6 --relay-name aol.smtp.mayfirst.example \
     --records srv --clients 300 --dry-run",
    "relay-warmup show LONG --day 30",
    "relay-warmup show LONG --undo",
    "relay-warmup apply LONG --dry-run",
    "relay-warmup show LONG --by level",
    "relay-warmup list",
    "relay-warmup status",
    "relay-transport check --domain smtp.mayfirst.example --resolver 127.0.0.1:9 --timeout 1s",
    "relay-transport discover --domain smtp.mayfirst.example --relays all",
    "relay-transport check --domain smtp.mayfirst.example --no-dns -v",
    "relay-limit setup LONG",
    "relay-limit list #1",
    "relay-limit history",
];

/// Subcommands that write what a machine reads, or one line about what they did.
const OTHERS: [&str; 14] = [
    "queue-move resume",
    "queue-move undo",
    "queue-move close",
    "queue-move prune",
    "relay-limit pause",
    "relay-limit rate",
    "relay-limit lift",
    "relay-limit react",
    "relay-limit tick",
    "relay-limit out",
    "relay-limit in",
    "relay-limit filter",
    "relay-transport print",
    "relay-warmup help",
];

/// The bundled host, with a long name for an instance, and an IPv6 address.
fn host(at: &Path) {
    let source = env!("CARGO_MANIFEST_DIR");
    let at = at.display();
    sh(&format!(
        "cp -r {source}/fixtures/rustin/. {at}; cd {at}
         for file in $(grep -rIl . etc var/lib modes) var/log/mail.log var/log/mail.log.1; do
             sed -i 's/postfix-aol-b/postfix-{LONG}/g; \
             s/aol-b\\.mayfirst/aol-b.outbound-relays-of-the-second-datacentre.mayfirst/g' $file
         done
         sed -i 's/192\\.0\\.2\\.42/{V6}/g; s/216\\.66\\.23\\.44/{V6}/g' var/log/mail.log
         mv etc/postfix-aol-b etc/postfix-{LONG}
         mv var/spool/postfix-aol-b var/spool/postfix-{LONG}
         sed -i 's/^inet_interfaces.*/smtp_bind_address6 = {V6}/' etc/postfix-{LONG}/main.cf
         for instance in postfix postfix-{LONG} postfix-aol-a; do
             printf 'smtp inet n - y - - smtpd\\npickup unix n - y 60 1 pickup\\nsmtp unix - - y - - smtp\\n' \
             >etc/$instance/master.cf
             mkdir -p var/spool/$instance/{{maildrop,incoming,active,deferred,hold,defer,bounce,pid,public,private}}
         done
         printf '/^X-A:/ FILTER smtp:[192.0.2.9]:10025\\n/^X-B:/ REDIRECT joe@elsewhere.example\\n' >etc/postfix/headers
         printf '/^(.*)@(aol|aim|cs|netscape|wmconnect)\\.com$/ ${{1}}@elsewhere.example\\n' >etc/postfix/canonical
         echo '192.0.2.9 OK' >etc/postfix/clients; postmap hash:etc/postfix/clients; rm etc/postfix/clients
         mkdir etc/postfix/clients
         for instance in postfix postfix-{LONG}; do
             printf '%s\\n' 'content_filter = smtp:[127.0.0.1]:10025' 'smtpd_milters = inet:127.0.0.1:8891' \
             'recipient_canonical_maps = regexp:/etc/postfix/canonical' \
             'header_checks = regexp:/etc/postfix/headers' \
             'smtpd_client_restrictions = check_client_access hash:/etc/postfix/clients' >>etc/$instance/main.cf
         done
         echo 'transport_maps = texthash:/etc/postfix/transport.relay' >>etc/postfix/main.cf
         printf '%s smtp:[aol.smtp.mayfirst.example]\\n' aol.com aim.com aol.com. some.example \
         >etc/postfix/transport.relay
         echo \"postfix:x:$(id -u):$(id -g)::/:/bin/false\" >etc/passwd; echo \"postdrop:x:$(id -g):\" >etc/group
         ./restore"
    ));
    journals(Path::new(&at.to_string()));
}

/// A pause, a rate that has ended, and a move.
fn journals(root: &Path) {
    let state = root.join("var/lib/relay-tools");
    let limit = |id: &str, hold: &str| {
        format!(
            r#"{{"at":1789819200,"begin":{{"id":"{id}","instance":"postfix-{LONG}","config_directory":"/etc/postfix-{LONG}","begun":1789819200,"until":1789905600,"by":"ada (as root)","command":"relay-limit pause {LONG} --provider aol --for 1d","reason":"AOL says TSS04 of {V6} since noon; Bea has written to them","hold":{hold}}}}}"#
        )
    };
    let lines = [
        limit(
            &format!("{LONG}-20260919T120000Z"),
            r#"{"pause":{"scope":{"domains":["aol.com","aim.com"]},"provider":"aol","text":"relay-limit: paused","flush":false}}"#,
        ),
        limit(
            &format!("{LONG}-20260919T120001Z"),
            r#"{"rate":{"text":"600/h","transport":"smtp","changes":[]}}"#,
        ),
        format!(
            r#"{{"at":1789819300,"end":{{"id":"{LONG}-20260919T120001Z","how":"lifted","by":"ada (as root)"}}}}"#
        ),
    ];
    fs::create_dir_all(state.join("limits")).unwrap();
    fs::write(state.join("limits/journal.jsonl"), lines.join("\n") + "\n").unwrap();
    let side = |name: &str| {
        format!(
            r#"{{"instance":"postfix-{name}","config_directory":"/etc/postfix-{name}","syslog_name":"postfix-{name}","queue_directory":"/var/spool/postfix-{name}","hash_queue_names":"deferred defer","hash_queue_depth":1,"owner":[1,1],"identity":[1,1]}}"#
        )
    };
    let name = format!("20260919T120000Z-{LONG}");
    let header = format!(
        r#"{{"begin":{{"schema":"relay-tools/move/2","move":"{name}","started":1789819200,"user":"ada (as root)","command":"queue-move {LONG} aol-a","from":{},"to":{},"cross_device":false,"mark":1,"log":null}}}}"#,
        side(LONG),
        side("aol-a")
    );
    fs::create_dir_all(state.join("moves")).unwrap();
    fs::write(state.join(format!("moves/{name}.jsonl")), header + "\n").unwrap();
}

/// What a terminal of 80 columns shows of standard output: script(1) makes the terminal.
fn shown(line: &str, errors: &Path) -> String {
    let line = format!("stty cols 80 rows 24; {line} 2>{}", errors.display());
    let out = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .envs([("TERM", "xterm"), ("SHELL", "/bin/bash"), ("TZ", "UTC")])
        .env_remove("CLICOLOR_FORCE")
        .env("NO_COLOR", "1")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    String::from_utf8(out.stdout).unwrap().replace('\r', "")
}

#[test]
fn no_table_is_wider_than_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("host");
    fs::create_dir(&root).unwrap();
    host(&root);
    let errors = dir.path().join("errors");
    // A saved plan, for show, list and status.
    sh(&format!(
        "{} plan {LONG} --root {} --volume 200000/day --start 2026-09-01 --old 192.0.2.41 --old {V6} --resolver \
         127.0.0.1:9 --timeout 1s",
        path("relay-warmup").display(),
        root.display()
    ));
    let mut wide = Vec::new();
    for command in COMMANDS {
        let (command, times) = command.split_once(" #").unwrap_or((command, "0"));
        let command = command.replace("LONG", LONG).replace("V6", V6);
        let (tool, args) = command.split_once(' ').unwrap_or((&command, ""));
        let line = format!("{} --root {} {args}", path(tool).display(), root.display());
        let text = shown(&line, &errors);
        let said = fs::read_to_string(&errors).unwrap();
        assert!(!text.trim().is_empty(), "{command}: {said}");
        let is_wide = |line: &&str| line.width() > 80 && !is_word(line);
        wide.extend(
            text.lines()
                .filter(is_wide)
                .map(|line| format!("{command}: {line}")),
        );
        let whole = text.matches(V6).count();
        assert!(
            whole >= times.parse().unwrap(),
            "{command}: {whole}: {text}"
        );
        assert!(
            !text.contains(&format!("{}..", &V6[..4])),
            "{command}: {text}"
        );
    }
    assert!(wide.is_empty(), "{wide:#?}");
}

/// What is looked at by several threads, or kept in sets, has one order.
#[test]
fn the_same_question_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("host");
    fs::create_dir(&root).unwrap();
    host(&root);
    let clock = "--clock=2026-09-20T06:00:00Z --format json";
    for (command, found) in [
        ("relay-instances", "cannot be listed"),
        ("relay-instances --check-dns DNS", "content_filter"),
        (
            "relay-transport check --domain smtp.mayfirst.example DNS",
            "smtpd_milters",
        ),
        (
            "relay-warmup check aol-a LONG DNS",
            "it is not known what is running",
        ),
        (
            "relay-warmup plan LONG --volume 20000 --old 192.0.2.9 --old V6 --dry-run DNS",
            "lets_out_at_most",
        ),
        (
            "relay-transport discover --domain smtp.mayfirst.example",
            "known_by",
        ),
        (
            "relay-transport print --domain smtp.mayfirst.example --relays aol,yahoo",
            "did not say whether they exist",
        ),
    ] {
        let args = format!("{command} {clock}")
            .replace("LONG", LONG)
            .replace("V6", V6);
        let args = args.replace("DNS", "--resolver 127.0.0.1:9 --timeout 1s");
        let (tool, args) = args.split_once(' ').unwrap();
        let line = format!("{} --root {} {args}", path(tool).display(), root.display());
        let line = format!("{line} 2>&1 || :");
        let all: BTreeSet<String> = (0..6).map(|_| sh(&line)).collect();
        assert_eq!(all.len(), 1, "{command}: {all:#?}");
        assert!(all.iter().all(|one| one.contains(found)), "{all:#?}");
    }
}

/// A word of a command or of a zone, which cannot be broken.
fn is_word(line: &str) -> bool {
    let word = line.trim().trim_end_matches(" \\");
    let is_quoted = word.starts_with('\'') && word.ends_with('\'');
    is_quoted || !word.contains(' ')
}

#[test]
fn each_subcommand_is_looked_at() {
    let mut all = BTreeSet::new();
    for tool in [
        "queue-move",
        "relay-limit",
        "relay-transport",
        "relay-warmup",
    ] {
        let help = testkit::tools::run(tool, ["--help"]).ended(0).out;
        let commands = help.split("\nCommands:\n").nth(1).unwrap();
        let names = commands
            .lines()
            .map_while(|line| line.split_whitespace().next());
        all.extend(
            names
                .filter(|name| *name != "help")
                .map(|name| format!("{tool} {name}")),
        );
    }
    all.retain(|command| {
        let is_in = |known: &&str| format!("{known} ").starts_with(&format!("{command} "));
        !COMMANDS.iter().any(is_in) && !OTHERS.contains(&command.as_str())
    });
    assert!(all.is_empty(), "in no list of this file: {all:?}");
}
