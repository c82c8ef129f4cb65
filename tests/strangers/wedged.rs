//! What does not answer: programs of Postfix's, its sockets, tables that a local user has locked. Each tool ends within
//! its limits, and names what it has waited for.

use crate::foreign::{Ran, runs};
use crate::{is_root, repository};

/// Both instances as they should be, with mail at postfix-x, and a pause in force at it. It may have another name.
const READY: &str = r#"
test -z "$NAME" || sed -i "s/= postfix-x$/= $NAME/" /etc/postfix-x/main.cf
for p in $PROGRAMS; do ln -s /usr/sbin/$p $D/bin/$p; done
echo "command_directory = $D/bin" | tee -a /etc/postfix/main.cf >>/etc/postfix-x/main.cf
ip link set lo up; D0=$D/spool0; mkdir -p $D0; cp -a SPOOL/. $D0; find $D0 -type f -exec chmod 700 {} +
for s in $D/spool $D0; do
    mkdir -p $s/pid $s/private $s/public
    for q in incoming active deferred hold defer bounce trace corrupt; do mkdir -p $s/$q; done; mkdir -p $s/maildrop
    chown -R postfix $s; chown root $s $s/pid; chmod 700 $s/[ihadcb]* $s/private; chmod 755 $s/pid
    chgrp postdrop $s/maildrop; chmod 730 $s/maildrop
done
mkdir -p /var/lib/postfix-x /var/lib/postfix; chown postfix /var/lib/postfix*
cat >/etc/postfix-x/master.cf <<X
127.0.0.1:47025 inet n - n - - smtpd
pickup unix n - n 60 1 pickup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
smtp unix - - n - - smtp
X
printf 'inet_interfaces = 127.0.0.1\ntransport_maps = hash:/etc/postfix-x/relay-limit, hash:/etc/postfix-x/t\n' \
    >>/etc/postfix-x/main.cf
printf "queue_directory = $D0\nmulti_instance_directories = /etc/postfix-x\nmulti_instance_wrapper = postmulti\n" \
    >>/etc/postfix/main.cf
echo 'aol.com smtp:[aol.smtp.example.org]' >/etc/postfix-x/t; postmap -c /etc/postfix hash:/etc/postfix-x/t
TOOLS/relay-limit setup /etc/postfix-x --apply >/dev/null
TOOLS/relay-limit pause /etc/postfix-x --domain aol.com --for 1h --last --yes >/dev/null 2>&1 || test $? = 1
touch /var/log/mail.log
for s in $D/spool $D0; do
    perl -e 'use Fcntl ":flock"; $0 = "master"; $SIG{HUP} = "IGNORE"; open F, ">", "$ARGV[0]/pid/master.pid";
        select F; $| = 1; print $$; flock F, LOCK_EX;
        for $n (qw(qmgr trivial-rewrite smtpd)) { if (!fork) { $0 = $n; sleep 600; exit } } sleep 600' $s >$D/said 2>&1 &
    while flock -n $s/pid/master.pid true 2>/dev/null || ! test -e $s/pid/master.pid; do sleep 0.05; done
done
"#;

/// Programs that end never and say nothing, or say more and more.
const PROGRAMS: &str = r#"
for p in $PROGRAMS sendmail; do
    rm -f $D/bin/$p; printf '#!/bin/sh\nexec WEDGE\n' >$D/bin/$p; chmod 755 $D/bin/$p
done
mount --bind $D/bin/sendmail /usr/sbin/sendmail
"#;

/// A local user has locked all that he may read.
const LOCKED: &str = r#"
mkdir -m 777 $D/theirs
setpriv --reuid=nobody --regid=nogroup --clear-groups perl -e '
    use Fcntl ":flock";
    for (split /\n/, `find /etc/postfix /etc/postfix-x /var/lib /var/log $ARGV[0] -readable 2>/dev/null`) {
        open my $f, "<", $_ or next; flock($f, LOCK_EX | LOCK_NB) and push @k, $f
    }
    mkdir "$ARGV[1]/ready"; close STDOUT; close STDERR; sleep 600' $D/spool $D/theirs &
while ! test -d $D/theirs/ready; do sleep 0.05; done
"#;

/// The mail owner has taken over the daemons of postfix-x: none of its sockets is answered at, and no more fit.
const SOCKETS: &str = r#"
setpriv --reuid=postfix --regid=postfix --clear-groups perl -e 'use Socket; $d = shift;
    for (qw(private/rewrite public/pickup public/qmgr private/smtp)) {
        socket $s, AF_UNIX, SOCK_STREAM, 0; bind $s, sockaddr_un("$d/$_") or die $!; listen $s, 0; push @k, $s; undef $s;
        for $i (1, 2) {
            socket $c, AF_UNIX, SOCK_STREAM | 2048, 0; connect $c, sockaddr_un("$d/$_"); push @k, $c; undef $c
        }
    }
    socket $s, AF_INET, SOCK_STREAM, 0; bind $s, sockaddr_in(47025, inet_aton("127.0.0.1")) or die $!; listen $s, 50;
    mkdir "$d/public/ready"; close STDOUT; close STDERR; sleep 600' $D/spool &
while ! test -d $D/spool/public/ready; do sleep 0.05; done; rmdir $D/spool/public/ready
"#;

/// As postfix-aol-x, the instance warms up, by a plan that began three days ago; and was refused a minute ago, of which
/// there is a rule.
const LOGGED: &str = r#"
for ago in 5 4 3 2 1; do
    echo "$(date -u -d "$ago days ago" +%FT%T)Z rustin postfix/smtp[9]: 4F$ago: to=<u@aol.com>," \
        "relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=2.0.0, status=sent (250 ok)"
done >/var/log/mail.log
for n in 1 2 3 4 5 6; do
    echo "$(date -u -d '1 minute ago' +%FT%T)Z rustin postfix-aol-x/smtp[9]: 4FA$n: to=<u$n@aol.com>," \
        "relay=mx[192.0.2.1]:25, delay=1, delays=0/0/0/1, dsn=4.7.0," \
        "status=deferred (host mx[192.0.2.1] said: 421 4.7.0 [TSS04] Messages from 192.0.2.9 temporarily deferred)"
done >>/var/log/mail.log
mkdir -p /etc/relay-tools
printf "%s\n" "most = '100%'" "[[rule]]" "code = 'TSS04'" "at_least = 5" "within = '10m'" "do = 'rate'" \
    "rate = '60/h'" "for = '2h'" \
    >/etc/relay-tools/react.toml
TZ=UTC TOOLS/relay-warmup plan aol-x --volume 1000 --start $(date -u -d '3 days ago' +%F) --old 192.0.2.41 -q >/dev/null
"#;

/// What each tool is there for, and what it says that it has waited for: where programs end never, where they write for
/// ever, where tables are locked, where no socket is answered at. Nothing where it needs none of these.
const VERBS: [(&str, [&str; 4]); 13] = [
    (
        "mail-stats-print --format report --date yesterday --mail-to root",
        [
            "/sendmail: no answer within 60 s",
            "/sendmail: it wrote more than",
            "",
            "",
        ],
    ),
    ("mailq-distribution --check", ["", "", "", ""]),
    ("queue-report -", ["", "", "", ""]),
    ("queue-move hold - --yes", ["", "", "", ""]),
    (
        "queue-move - x --yes --no-wait",
        [
            "",
            "",
            "",
            "/private/rewrite: Resource temporarily unavailable",
        ],
    ),
    ("relay-instances", [HANGS, FLOODS, "", ""]),
    (
        "relay-transport check x --domain example.org --no-dns",
        [
            HANGS,
            FLOODS,
            HANGS,
            "/private/rewrite: Resource temporarily unavailable",
        ],
    ),
    (
        "relay-warmup check x",
        ["/postmap: no answer within", FLOODS, "", ""],
    ),
    (
        "relay-limit list --check",
        [
            "/postmap: no answer within",
            FLOODS,
            "/postmap: no answer within",
            "/private/rewrite: Resource temporarily unavailable",
        ],
    ),
    (
        "relay-limit pause x --domain gmx.net --for 1h --last --yes",
        [HANGS, FLOODS, HANGS, "NOT known to be in force"],
    ),
    ("relay-limit tick", [HANGS, FLOODS, HANGS, ""]),
    (
        "relay-limit react",
        [
            "/postconf: no answer within 30 s",
            "/postconf: it wrote more than",
            UNSEEN,
            UNSEEN,
        ],
    ),
    (
        "relay-warmup apply aol-x",
        [
            "postconf -e: no answer within 30 s",
            "postconf -e: it wrote more than",
            "",
            "",
        ],
    ),
];
/// A rate is in force once a new queue manager is there: these hosts have none.
const UNSEEN: &str = "NOT seen to be in force";
const HANGS: &str = "/postmap: no answer within 30 s";
const FLOODS: &str = "/postmap: it wrote more than";

/// Each verb in a host of its own, all at a time, since what is waited for takes no time of this machine's.
#[test]
fn what_does_not_answer_is_waited_for_no_longer_than_its_limit_and_named() {
    if !is_root() {
        return;
    }
    let spool = repository().join("fixtures/spools/real-default/spool");
    let tools = testkit::tools::path("");
    let filled = |script: &str| {
        let script = script.replace("SPOOL", &spool.display().to_string());
        script.replace("TOOLS/", &tools.display().to_string())
    };
    let names = "PROGRAMS='postmap postconf postfix postqueue postkick postlog postsuper'";
    let usual = filled(&format!("{names}; NAME=\n{READY}"));
    let logged = filled(&format!("{names}; NAME=postfix-aol-x\n{READY}{LOGGED}"));
    let wedges = [
        ("hangs", PROGRAMS.replace("WEDGE", "sleep 600")),
        ("floods", PROGRAMS.replace("WEDGE", "cat /dev/zero")),
        ("is locked", LOCKED.to_owned()),
        ("does not accept", SOCKETS.to_owned()),
    ];
    let check = |(wedge, script): &(&str, String), verb: &str, expected: &str| {
        let is_logged = ["relay-limit react", "relay-warmup apply aol-x"].contains(&verb);
        let ready = if is_logged { &logged } else { &usual };
        let (ran, _) = runs(&format!("{ready}{script}"), &[verb]);
        let Ran { status, said, .. } = &ran[0];
        let what = format!("{wedge}, {verb}: {status} {said}");
        // timeout(1) would end it with 124.
        assert!(
            (0..=3).contains(status) && !said.contains("panicked"),
            "{what}"
        );
        assert!(said.contains(expected), "not named: {expected}; {what}");
        let is_called_well = said.starts_with("OK") && !expected.is_empty();
        assert!(!is_called_well, "{what}");
        // What he can bring about is not known, and never a limit that does not hold.
        let is_late = ["hangs", "is locked"].contains(wedge);
        match verb {
            "relay-limit list --check" if is_late => assert_eq!(*status, 3, "{what}"),
            "relay-limit tick" if is_late => assert_eq!(*status, 1, "{what}"),
            _ => {}
        }
    };
    std::thread::scope(|scope| {
        for (at, wedge) in wedges.iter().enumerate() {
            for (verb, expected) in VERBS {
                scope.spawn(move || check(wedge, verb, expected[at]));
            }
        }
    });
}

/// Thirty instances whose master.cf has a service that no running master daemon has opened yet: each is given a moment
/// for that, and all of them the same.
#[test]
fn the_sockets_that_many_instances_lack_are_waited_for_once() {
    if !is_root() {
        return;
    }
    let script = r#"
for n in $(seq 30); do
    s=$D/y$n; mkdir -p $s/pid $s/private $s/public; cp -r /etc/postfix-x /etc/postfix-y$n; mkdir /var/lib/postfix-y$n
    sed -i "s/postfix-x/postfix-y$n/; s,^queue_directory.*,queue_directory = $s," /etc/postfix-y$n/main.cf
    echo 'new unix - - n - - smtp' >>/etc/postfix-y$n/master.cf
done
perl -e 'use Fcntl ":flock"; $0 = "master"; for (glob "$ARGV[0]/y*") {
        open my $f, ">", "$_/pid/master.pid"; select $f; $| = 1; print $$; flock $f, LOCK_EX; push @k, $f
    } mkdir "$ARGV[0]/ready"; sleep 600' $D >$D/said 2>&1 &
while ! test -d $D/ready; do sleep 0.05; done
lacking=$(date +%s); TOOL >$D/seen 2>&1 || true; lacking=$(($(date +%s) - lacking))
for s in $D/y*; do touch $s/private/new $s/private/smtp $s/public/pickup; done
having=$(date +%s); TOOL >/dev/null 2>&1 || true; having=$(($(date +%s) - having))
echo "waited $((lacking - having)) s" >>$D/seen"#;
    let tool = testkit::tools::path("relay-instances");
    let script = script.replace("TOOL", &tool.display().to_string());
    let (_, said) = runs(&script, &["relay-limit list"]);
    for n in 1..=30 {
        let lacks = format!("postfix-y{n}: its master daemon runs, and the socket of service");
        assert!(said.contains(&lacks), "{n}: {said}");
    }
    // One after another they were waited for for a minute.
    let waited = said
        .lines()
        .find_map(|line| line.strip_prefix("waited ")?.strip_suffix(" s"));
    assert!(waited.unwrap().parse::<i32>().unwrap() < 27, "{waited:?}");
}
