use crate::mail_stats::{Count, Counts, Figures, InstanceStats, MailStats};

/// Figures of one instance without breakdowns.
fn instance(name: &str, sent: u64, bounced: u64, deferred: u64) -> InstanceStats {
    InstanceStats {
        instance: name.into(),
        figures: Figures {
            counts: Counts {
                sent,
                bounced,
                deferred,
            },
            expired: 0,
            unparsed: 0,
            delays: None,
            by: Vec::new(),
        },
    }
}

fn stats(instances: Vec<InstanceStats>) -> MailStats {
    let mut total = instance("", 0, 0, 0).figures;
    for one in &instances {
        total.counts += one.figures.counts;
    }
    MailStats {
        host: "rustin".to_owned(),
        since: None,
        until: None,
        zone: postfix::Zone::named("America/New_York").unwrap(),
        count: Count::Attempts,
        by: Vec::new(),
        instances,
        total,
        problems: Vec::new(),
    }
}

/// The sample of the old script's output.
#[test]
fn the_default_text_is_what_the_old_script_wrote() {
    let stats = stats(vec![
        instance("postfix-aol-a", 573, 62, 7),
        instance("postfix-therest-a", 59635, 22242, 5404),
    ]);
    let mut out = Vec::new();
    super::text::write(&mut out, &stats).unwrap();
    let expected = "postfix-aol-a:total:642\npostfix-aol-a:bounced:62\npostfix-aol-a:deferred:7\npostfix-aol-a:sent:573\n\n\
        postfix-therest-a:total:87281\npostfix-therest-a:bounced:22242\npostfix-therest-a:deferred:5404\npostfix-therest-a:sent:59635\n\n";
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}
