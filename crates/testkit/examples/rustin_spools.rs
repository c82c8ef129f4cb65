//! Makes the spools of `fixtures/rustin` with real Postfix, as root: `rustin_spools fixtures/rustin`.
//!
//! Five instances deliver to sinks that play the providers, until what is not taken is deferred. Then some mail is held
//! or marked for return, Postfix is stopped, and a few files of postfix-therest-a are damaged. Written are `var/spool`,
//! `modes` (what git does not keep: permission bits, time of last change) and `postqueue` (what `postqueue -j` printed
//! of each instance).
#![allow(clippy::disallowed_methods, reason = "on files of its own")]

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use testkit::{Answer, Host, Instance, Mail, Rcpt, Sink};

const QUEUES: [&str; 7] = [
    "maildrop", "incoming", "active", "deferred", "hold", "corrupt", "defer",
];

/// A provider's server: its name, its address, how it answers.
fn provider(host: &Host, name: &str, address: [u8; 4], rule: fn(&Rcpt) -> Answer) -> Sink {
    let [a, b, c, d] = address;
    let ip = format!("{a}.{b}.{c}.{d}");
    host.run(["ip", "address", "add", &format!("{ip}/32"), "dev", "lo"])
        .ok();
    host.sh(&format!("echo {ip} {name} >>/etc/hosts"));
    let sink = host.sink_at((address, 25));
    sink.on_rcpt(rule);
    sink
}

fn instance(host: &Host, name: &str, address: [u8; 4], server: &str, long_ids: bool) -> Instance {
    let own = name.trim_start_matches("postfix-");
    host.instance(name)
        .address(address.into())
        .param("myhostname", format!("{own}.mayfirst.example"))
        .param("relayhost", format!("[{server}]:25"))
        .param("smtp_host_lookup", "native")
        .param(
            "transport_maps",
            "inline:{down.example=smtp:[203.0.113.99]:25}",
        )
        .param("enable_long_queue_ids", if long_ids { "yes" } else { "no" })
        .start()
}

fn full(rcpt: &Rcpt) -> bool {
    rcpt.recipient.starts_with("full")
}

/// Yahoo's servers, which take AOL's mail too: they have blocked the address of postfix-aol-b.
fn yahoo(rcpt: &Rcpt) -> Answer {
    let ip = rcpt.client.ip();
    match ip.to_string().as_str() {
        "192.0.2.42" if !rcpt.recipient.starts_with("ok") => Answer::text(
            451,
            format!(
                "4.7.0 [TSS04] Messages from {ip} temporarily deferred due to unexpected volume or user complaints - \
                 4.16.55.1; see https://postmaster.yahooinc.com/error-codes"
            ),
        ),
        _ if full(rcpt) => Answer::text(452, "4.2.2 Mailbox full"),
        "192.0.2.44" if rcpt.recipient.starts_with("busy") => Answer::text(
            451,
            "4.3.2 Internal error reading data, try again later; see https://postmaster.yahooinc.com/error-codes",
        ),
        _ => Answer::ok(),
    }
}

fn msn(rcpt: &Rcpt) -> Answer {
    if full(rcpt) {
        return Answer::text(452, format!("4.2.2 <{}> over quota", rcpt.recipient));
    }
    if rcpt.recipient.starts_with("slow") {
        return Answer::text(
            451,
            format!(
                "4.7.650 The mail server [{}] has been temporarily rate limited due to IP reputation. For e-mail \
                 delivery information, see https://aka.ms/postmaster (S775)",
                rcpt.client.ip()
            ),
        );
    }
    Answer::ok()
}

fn the_rest(rcpt: &Rcpt) -> Answer {
    if rcpt.recipient.starts_with("grey") {
        let seconds = 240 + rcpt.recipient.len();
        return Answer::text(
            450,
            format!(
                "4.2.0 <{}>: Recipient address rejected: Greylisted, try again in {seconds} seconds",
                rcpt.recipient
            ),
        );
    }
    Answer::ok()
}

fn aol_b() -> Vec<Mail> {
    let list = |n: usize| format!("members-bounces+user{n}=aol.com@lists.peace.example");
    let mut mails: Vec<Mail> = (1..=12)
        .map(|n| Mail::new("news@lists.peace.example", &format!("user{n}@aol.com")).size(2000 * n))
        .collect();
    mails.extend((1..=4).map(|n| Mail::new(&list(n), &format!("user{n}@aol.com"))));
    mails.push(
        Mail::new("office@unions.example", "rosa@aol.com")
            .to_all(["emma@aim.com", "lucy@love.com"]),
    );
    // Partly delivered: two of three recipients were taken.
    mails.push(
        Mail::new("office@unions.example", "ok-clara@aol.com")
            .to_all(["mother@aol.com", "ok-joe@aol.com"]),
    );
    mails.extend(
        ["held1", "held2"]
            .map(|to| Mail::new("news@lists.peace.example", &format!("{to}@aol.com"))),
    );
    mails
}

fn make(host: &Host) -> Vec<Instance> {
    let _yahoo = provider(
        host,
        "mx-aol.mail.gm0.yahoodns.net",
        [203, 0, 113, 5],
        yahoo,
    );
    let _msn = provider(
        host,
        "msn-com.olc.protection.outlook.com",
        [203, 0, 113, 7],
        msn,
    );
    let _rest = provider(host, "mx1.riseup.example", [203, 0, 113, 9], the_rest);
    // Up, but with nobody listening.
    host.run(["ip", "address", "add", "203.0.113.99/32", "dev", "lo"])
        .ok();

    let at_yahoo = "mx-aol.mail.gm0.yahoodns.net";
    let aol_a = instance(host, "postfix-aol-a", [192, 0, 2, 41], at_yahoo, false);
    aol_a.submit([
        Mail::new("news@lists.peace.example", "full1@aol.com"),
        Mail::new("news@lists.peace.example", "full2@aol.com").to("ok@aol.com"),
    ]);
    let aol_b = instance(host, "postfix-aol-b", [192, 0, 2, 42], at_yahoo, false);
    let blocked = aol_b.submit(self::aol_b());
    let msn_a = instance(
        host,
        "postfix-msn-a",
        [192, 0, 2, 43],
        "msn-com.olc.protection.outlook.com",
        false,
    );
    msn_a.submit(
        (1..=3).map(|n| Mail::new("news@lists.peace.example", &format!("slow{n}@hotmail.com"))),
    );
    msn_a.submit([
        Mail::new("", "slow-bounce@outlook.com"),
        Mail::new("office@unions.example", "ok@msn.com").to_all(["full@msn.com", "slow@live.com"]),
    ]);
    let yahoo_a = instance(host, "postfix-yahoo-a", [192, 0, 2, 44], at_yahoo, false);
    let busy = yahoo_a.submit(
        (1..=4).map(|n| Mail::new("news@lists.peace.example", &format!("busy{n}@yahoo.com"))),
    );
    let rest = instance(
        host,
        "postfix-therest-a",
        [192, 0, 2, 45],
        "mx1.riseup.example",
        true,
    );
    let greyed = rest.submit((1..=5).map(|n| {
        let to = format!("grey{}@riseup.example", "y".repeat(n));
        Mail::new("news@lists.peace.example", &to).notify("failure,delay")
    }));
    rest.submit([
        Mail::new(
            "jos\u{e9}@caf\u{e9}.example",
            "grey\u{e9}@caf\u{e9}.example",
        ),
        Mail::new("office@unions.example", "gone@down.example"),
    ]);

    // Nothing picks up what cron has sent.
    let default = host.default_instance().create();
    default.sendmail(
        &Mail::new("root@rustin.mayfirst.example", "admins@mayfirst.example")
            .header("Subject: Cron"),
    );

    for (instance, deferred) in [
        (&aol_a, 2),
        (&aol_b, 20),
        (&msn_a, 5),
        (&yahoo_a, 4),
        (&rest, 7),
    ] {
        instance.wait_idle();
        instance.wait_for("deferred", deferred);
    }
    for held in blocked.iter().rev().take(2) {
        aol_b.postsuper(["-h", held]);
    }
    if let Some(last) = busy.last() {
        yahoo_a.postsuper(["-e", last]);
    }
    let mut all = vec![aol_a, aol_b, msn_a, yahoo_a, rest];
    all.iter().for_each(Instance::stop);
    if let ([.., cut, empty], Some(rest)) = (greyed.as_slice(), all.last()) {
        damage(host, rest, cut, empty);
    }
    all.insert(0, default);
    all
}

/// A message cut short, one emptied, and a file that is not one.
fn damage(host: &Host, instance: &Instance, cut: &str, empty: &str) {
    for (id, size) in [(cut, "500"), (empty, "0")] {
        if let Some(path) = instance.file(id) {
            // As a full disk and a crash leave it; the time is that of the next attempt.
            let path = path.display();
            host.sh(&format!(
                "t=$(stat -c %Y {path}); truncate -s {size} {path}; touch -d @$t {path}"
            ));
        }
    }
    let stray = instance.queue_dir().join("deferred/core.dump");
    host.write(stray, "not a queue file\n");
}

fn walk(dir: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries: Vec<PathBuf> = match fs::read_dir(dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?
            .map(|e| e.map(|e| e.path()))
            .collect::<io::Result<_>>()?,
    };
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, found)?;
        } else {
            found.push(path);
        }
    }
    Ok(())
}

/// A file of a queue: its path, its mode, its time, its content.
type Kept = (PathBuf, u32, i64, Vec<u8>);

fn read(instance: &Instance) -> io::Result<Vec<Kept>> {
    let mut paths = Vec::new();
    for queue in QUEUES {
        walk(&instance.queue_dir().join(queue), &mut paths)?;
    }
    let keep = |path: PathBuf| {
        let metadata = fs::metadata(&path)?;
        let content = fs::read(&path)?;
        Ok((path, metadata.mode() & 0o7777, metadata.mtime(), content))
    };
    paths.into_iter().map(keep).collect()
}

fn main() -> io::Result<()> {
    let to = std::env::args()
        .nth(1)
        .ok_or_else(|| io::Error::other("rustin_spools DIRECTORY"))?;
    let to = PathBuf::from(to);
    let host = Host::start().map_err(io::Error::other)?;
    let spool = to.join("var/spool");
    if spool.exists() {
        fs::remove_dir_all(&spool)?;
    }
    fs::create_dir_all(to.join("postqueue"))?;
    let mut modes = String::new();
    for instance in make(&host) {
        let shown = instance.command("postqueue").arg("-j").run().text();
        fs::write(
            to.join(format!("postqueue/{}.json", instance.name())),
            shown,
        )?;
        for (path, mode, mtime, content) in host.enter(|| read(&instance))? {
            let relative = path.strip_prefix("/").map_err(io::Error::other)?;
            let copy = to.join(relative);
            fs::create_dir_all(copy.parent().unwrap_or(&to))?;
            fs::write(&copy, content)?;
            fs::set_permissions(&copy, Permissions::from_mode(mode))?;
            modes.push_str(&format!("{mode:04o} {mtime} {}\n", relative.display()));
        }
    }
    fs::write(to.join("modes"), modes)
}
