//! Configuration directories that another user owns, programs of Postfix's that do not end, tables that are no files:
//! on this machine, in namespaces of its own.

use std::process::{Command, Stdio};

use testkit::tools;

use crate::is_root;

/// A host in $D: the default instance, which is root's, and postfix-x, whose directory is nobody's.
const GROUND: &str = r#"
set -e
D=$1; mount -t tmpfs -o mode=755 none $D; mkdir $D/u $D/w $D/bin $D/var
mount -t overlay none -o lowerdir=/etc,upperdir=$D/u,workdir=$D/w /etc
mount -t tmpfs -o mode=755 none /var/lib; mount -t tmpfs -o mode=755 none /var/log
rm -rf /etc/postfix /etc/postfix-*; mkdir /etc/postfix /etc/postfix-x
mkdir -p $D/spool/pid $D/spool/maildrop $D/spool/deferred $D/spool/hold $D/spool/active $D/spool/incoming
printf 'compatibility_level = 3.6\nmyhostname = rustin.example.org\nalias_maps =\n' >/etc/postfix/main.cf
printf 'smtp unix - - n - - smtp\npickup unix n - n 60 1 pickup\n' | tee /etc/postfix/master.cf >/etc/postfix-x/master.cf
cat >/etc/postfix-x/main.cf <<X
compatibility_level = 3.6
multi_instance_name = postfix-x
syslog_name = postfix-x
myhostname = x.example.org
queue_directory = $D/spool
data_directory = /var/lib/postfix-x
alias_maps =
X
as() { setpriv --reuid=65534 --regid=65534 --clear-groups sh -ec "$1"; }
"#;

/// What a run of a tool came to: its status, and all that it said.
pub(crate) struct Ran {
    pub(crate) of: String,
    pub(crate) status: i32,
    pub(crate) said: String,
}

/// Runs each of these on the host of [`GROUND`], after `script`: its line, and what it came to. What the script writes
/// to $D/seen is among what it `saw`.
pub(crate) fn runs(script: &str, of: &[&str]) -> (Vec<Ran>, String) {
    let directory = tempfile::tempdir_in("/var/tmp").unwrap();
    let mut all = format!("{GROUND}{script}\nset +e\n");
    for line in of {
        let (tool, args) = line.split_once(' ').unwrap_or((line, ""));
        let tool = tools::path(tool);
        all.push_str(&format!(
            "timeout -k 1 600 {} {args} >$D/said 2>&1 </dev/null; echo \"=$?\"; head -c 100000 $D/said; echo; echo =end\n",
            tool.display()
        ));
    }
    all.push_str(
        "echo =seen; cat $D/seen 2>/dev/null; test ! -f /etc/secret || { echo =secret; sha256sum </etc/secret; \
         stat -c %a:%u /etc/secret; }\n",
    );
    let ran = Command::new("unshare")
        .args([
            "--mount",
            "--net",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "--propagation",
            "private",
            "bash",
            "-c",
            &all,
            "ground",
        ])
        .arg(directory.path())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&ran.stdout).into_owned();
    let (runs, seen) = out
        .rsplit_once("=seen\n")
        .unwrap_or_else(|| panic!("{out}{}", String::from_utf8_lossy(&ran.stderr)));
    let mut found = Vec::new();
    for (line, run) in of.iter().zip(runs.split("\n=end\n")) {
        let (status, said) = run.trim_start_matches('=').split_once('\n').unwrap();
        found.push(Ran {
            of: (*line).to_owned(),
            status: status.parse().unwrap(),
            said: said.to_owned(),
        });
    }
    assert_eq!(found.len(), of.len(), "{out}");
    (found, seen.to_owned())
}

/// What looks at an instance, and what changes it.
const RUNS: [&str; 15] = [
    "relay-instances",
    "relay-instances --check",
    "relay-transport check",
    "relay-transport print",
    "relay-transport check --check",
    "relay-warmup check x",
    "relay-warmup list",
    "relay-warmup apply x --yes",
    "relay-limit list",
    "relay-limit setup x --apply",
    "relay-limit pause x --domain aol.com --for 1h --yes",
    "relay-limit tick",
    "queue-move x - --yes",
    "mailq-distribution",
    "queue-report x",
];

fn check_ended(runs: &[Ran]) {
    for Ran { of, status, said } in runs {
        assert!((0..=3).contains(status), "{of}: {status} {said}");
        assert!(!said.contains("panicked"), "{of}: {said}");
    }
}

/// Its main.cf names programs of his; they say as whom they are run.
#[test]
fn no_program_that_a_foreign_main_cf_names_is_run() {
    if !is_root() {
        return;
    }
    let script = r#"
for p in postmap postconf postfix postqueue postsuper postkick postlog sendmail postfix-script; do
    printf '#!/bin/sh\necho "$0 by $(id -u)" >>%s/seen\n' $D >$D/bin/$p; chmod 755 $D/bin/$p
done
touch $D/seen; chmod 666 $D/seen
echo "command_directory = $D/bin
daemon_directory = $D/bin
meta_directory = $D/bin
sendmail_path = $D/bin/sendmail
transport_maps = texthash:/etc/postfix-x/transport" >>/etc/postfix-x/main.cf
echo 'aol.com smtp:x' >/etc/postfix-x/transport
chown -R 65534 /etc/postfix-x $D/bin
"#;
    let (ran, seen) = runs(script, &RUNS);
    check_ended(&ran);
    assert!(!seen.contains(" by "), "{seen}");
    // It is said, and is not OK.
    let instances = &ran[1];
    assert!(instances.status >= 1, "{}", instances.said);
    let said = format!("{}{}", ran[0].said, instances.said);
    assert!(said.contains("nobody (uid 65534)"), "{said}");
    // Programs that are root's are not run with a main.cf of his, either.
    let (ran, seen) = runs(
        &script.replace(
            "chown -R 65534 /etc/postfix-x $D/bin",
            "chown -R 65534 /etc/postfix-x",
        ),
        &RUNS,
    );
    check_ended(&ran);
    assert!(!seen.contains(" by "), "{seen}");
}

/// The names of instances are offered by the shell: his is a command, which root's shell would run at the TAB key.
#[test]
fn no_name_of_an_instance_is_run_by_a_shell_that_offers_it() {
    if !is_root() {
        return;
    }
    let script = r#"
cp -r /etc/postfix-x /etc/postfix-plain; sed -i s/postfix-x/postfix-plain/ /etc/postfix-plain/main.cf
chown -R 65534 /etc/postfix-x
for n in '$$(>/var/lib/ran)' '`>/var/lib/ran`' ';>/var/lib/ran' '-zz'; do
    export n; as 'printf "multi_instance_name = postfix-%s\n" "$n" >>/etc/postfix-x/main.cf'
    bash -c '. <("$1" --generate bash); PATH=${1%/*}:$PATH; COMP_WORDS=(queue-report ""); COMP_CWORD=1
        _queue__report queue-report "" queue-report; printf "%s\n" "${COMPREPLY[@]}"' - TOOL >>$D/seen 2>&1
done
test ! -e /var/lib/ran || echo ran >>$D/seen"#;
    let tool = tools::path("queue-report");
    let (_, seen) = runs(&script.replace("TOOL", &tool.display().to_string()), &[]);
    // What is a name is offered.
    assert_eq!(
        seen.lines().filter(|line| *line == "plain").count(),
        4,
        "{seen}"
    );
    assert!(
        !seen.lines().any(|line| line == "ran" || line == "-zz"),
        "{seen}"
    );
}

/// In the place of its files: links to what only root may read, what never ends, what is no file.
#[test]
fn what_a_foreign_configuration_leads_to_is_neither_shown_nor_waited_for() {
    if !is_root() {
        return;
    }
    for trap in [
        "ln -sf /etc/secret main.cf",
        "rm main.cf; mkfifo main.cf",
        "rm main.cf; truncate -s 1T main.cf",
        "ln -sf /etc/secret master.cf; ln -s /etc/secret transport; ln -s /etc/secret relay-limit",
        "rm master.cf; mkfifo master.cf; mkfifo transport relay-limit relay-limit.db relay-limit.cdb",
    ] {
        let script = format!(
            r"
echo 'root:$y$hash of roots:20228:::::' >/etc/secret; chmod 600 /etc/secret
echo 'transport_maps = texthash:/etc/postfix-x/transport' >>/etc/postfix-x/main.cf
chown -R 65534 /etc/postfix-x; as 'cd /etc/postfix-x; {trap}'
sha256sum </etc/secret >$D/seen; stat -c %a:%u /etc/secret >>$D/seen"
        );
        let (ran, seen) = runs(&script, &RUNS);
        check_ended(&ran);
        // What it was before all runs, and what it is.
        let (before, after) = seen.split_once("=secret\n").unwrap();
        assert!(
            before.lines().count() == 2 && after.starts_with(before),
            "{trap}: {seen}"
        );
        for Ran { of, said, .. } in &ran {
            assert!(!said.contains("hash of roots"), "{trap}, {of}: {said}");
        }
    }
}

/// A FIFO, a device and a directory in the place of a table: Postfix's programs would wait for them.
#[test]
fn a_table_that_is_no_file_is_not_waited_for() {
    if !is_root() {
        return;
    }
    for (kind, ending) in [
        ("hash", ".db"),
        ("cdb", ".cdb"),
        ("lmdb", ".lmdb"),
        ("texthash", ""),
        ("regexp", ""),
    ] {
        for (trap, what) in [
            ("mkfifo", "a FIFO"),
            ("ln -s /dev/zero", "a device"),
            ("mkdir", "a directory"),
            // A file is what postmap is asked about: it would have been seen above, too.
            ("touch", ""),
        ] {
            // postmap leaves its mark.
            let script = format!(
                r#"
printf '#!/bin/sh\necho "$@" >>%s/seen\nexit 1\n' $D >$D/bin/postmap; chmod 755 $D/bin/postmap
for p in postconf postqueue; do ln -s /usr/sbin/$p $D/bin/$p; done
echo "command_directory = $D/bin
transport_maps = {kind}:/etc/postfix-x/t" | tee -a /etc/postfix/main.cf >>/etc/postfix-x/main.cf
echo 'aol.com smtp:x' >/etc/postfix-x/t; test -n "{ending}" || rm /etc/postfix-x/t
{trap} /etc/postfix-x/t{ending}"#
            );
            let (ran, seen) = runs(&script, &["relay-transport check"]);
            check_ended(&ran);
            let asked = seen.contains(&format!(" {kind}:/etc/postfix-x/t"));
            assert_eq!(asked, trap == "touch", "{kind} {trap}: {seen}");
            if trap == "touch" {
                continue;
            }
            assert!(
                ran[0].status == 2 && ran[0].said.contains(what),
                "{kind} {trap}: {}",
                ran[0].said
            );
        }
    }
}

/// Programs that do not end, or have no end of what they say: each tool ends, says so, and does not call it well.
#[test]
fn programs_that_do_not_end_are_not_waited_for_by_each_instance() {
    if !is_root() {
        return;
    }
    let wedge = "exec cat /dev/zero >&2";
    let script = format!(
        r#"
for p in postmap postconf postfix postqueue postkick postlog; do
    printf '#!/bin/sh\necho called >>%s/seen\n%s\n' $D "{wedge}" >$D/bin/$p; chmod 755 $D/bin/$p
done
echo "command_directory = $D/bin
transport_maps = texthash:/etc/postfix-x/t" >>/etc/postfix-x/main.cf
echo 'aol.com smtp:x' >/etc/postfix-x/t
for n in 1 2 3 4 5 6; do
    cp -r /etc/postfix-x /etc/postfix-x$n; mkdir $D/spool$n; cp -r $D/spool/* $D/spool$n
    sed -i "s/postfix-x/postfix-x$n/; s,^queue_directory.*,queue_directory = $D/spool$n," /etc/postfix-x$n/main.cf
done"#
    );
    let (ran, seen) = runs(&script, &["relay-instances"]);
    check_ended(&ran);
    let said = &ran[0].said;
    assert!(
        ran[0].status > 0 && seen.lines().filter(|line| *line == "called").count() == 7,
        "{said}"
    );
    // The first is waited for; the others take a second each, and all together a minute (host::patience).
    assert_eq!(said.matches("no answer within 30 s").count(), 1, "{said}");
    assert!(
        said.contains("no answer within 1 s") || said.contains(" more (-v shows all)"),
        "{said}"
    );
}
