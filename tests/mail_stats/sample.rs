//! The default output, byte for byte as the old script wrote it.

use std::fs::File;
use std::io::{BufWriter, Write};

use testkit::maillog::{MailLog, Stamps, Traffic};
use testkit::tools::stats;

/// Sent, bounced, deferred of a busy day; the totals below are added by hand.
fn traffic() -> Vec<Traffic> {
    vec![
        Traffic::new("postfix-therest-a", 59_635, 22_242, 5_404),
        Traffic::new("postfix-aol-a", 573, 62, 7),
        Traffic::new("postfix-yahoo-a", 4_021, 310, 977),
        Traffic::new("postfix-msn-a", 2_210, 95, 0),
        Traffic::new("postfix-gmail-a", 9_118, 0, 401),
    ]
}

const EXPECTED: &str = "\
postfix-aol-a:total:642
postfix-aol-a:bounced:62
postfix-aol-a:deferred:7
postfix-aol-a:sent:573

postfix-gmail-a:total:9519
postfix-gmail-a:bounced:0
postfix-gmail-a:deferred:401
postfix-gmail-a:sent:9118

postfix-msn-a:total:2305
postfix-msn-a:bounced:95
postfix-msn-a:deferred:0
postfix-msn-a:sent:2210

postfix-therest-a:total:87281
postfix-therest-a:bounced:22242
postfix-therest-a:deferred:5404
postfix-therest-a:sent:59635

postfix-yahoo-a:total:5308
postfix-yahoo-a:bounced:310
postfix-yahoo-a:deferred:977
postfix-yahoo-a:sent:4021

";

#[test]
fn the_whole_output_is_the_old_scripts() {
    for stamps in [Stamps::Rfc3339, Stamps::Traditional] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("mail.log");
        let mut log = BufWriter::new(File::create(&path).unwrap());
        MailLog::day(traffic(), stamps).write(&mut log).unwrap();
        log.flush().unwrap();
        let ran = stats(["--log".as_ref(), path.as_os_str()]).ended(0);
        assert_eq!(ran.out, EXPECTED, "{stamps:?}");
        assert_eq!(ran.err, "");
        // Every other way of counting all lines once counts the same.
        let all = ["--since", "2000-01-01", "--log"];
        let ran = stats(
            all.map(std::ffi::OsStr::new)
                .into_iter()
                .chain([path.as_os_str()]),
        )
        .ended(0);
        assert_eq!(ran.out, EXPECTED, "{stamps:?}, over a window");
    }
}

#[test]
fn the_bundled_host_shows_the_sample_at_once() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/rustin");
    let ran = stats(["--root", root]).ended(0);
    let first: Vec<_> = ran.out.lines().take(5).collect();
    assert_eq!(
        first,
        [
            "postfix-aol-a:total:642",
            "postfix-aol-a:bounced:62",
            "postfix-aol-a:deferred:7",
            "postfix-aol-a:sent:573",
            ""
        ]
    );
    let names: Vec<_> = ran
        .out
        .lines()
        .filter_map(|l| l.split_once(":total:"))
        .collect();
    assert_eq!(
        names,
        [
            ("postfix-aol-a", "642"),
            ("postfix-aol-b", "343"),
            ("postfix-msn-a", "350"),
            ("postfix-therest-a", "872"),
            ("postfix-yahoo-a", "237")
        ]
    );
}
