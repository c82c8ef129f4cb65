//! Settings, by hand; tests/relay_warmup/outflow.rs measures them on a real Postfix.

use proptest::prelude::*;

use super::*;

/// One recipient a delivery, of so many milliseconds.
fn mail(delivery_ms: u32) -> Mail {
    Mail {
        recipients: 1,
        delivery_ms,
    }
}

fn alone(cap: u64) -> Bounds {
    Bounds {
        at_most: cap,
        lets_out: cap,
    }
}

fn check(cap: u64, mail: Mail, hold: Hold, lets_out: u64) {
    let settings = Settings::within(alone(cap), mail, false, 0);
    assert_eq!(
        (settings.hold, settings.lets_out, settings.held_by),
        (hold, lets_out, HeldBy::Settings),
        "{cap}"
    );
}

#[test]
fn by_hand() {
    let one = mail(1000);
    // 86400 / 200 = 432; 86400 / 433.02 = 199.5.
    check(200, one, Hold::RateDelay(432), 200);
    // 86400 / 1600 = 54; 86400 / 12800 = 6.75, and 86400 / 8.02 = 10773.
    check(1600, one, Hold::RateDelay(54), 1570);
    check(12_800, one, Hold::RateDelay(7), 10_773);
    // 3 s would be 28800 at most.
    check(28_799, one, Hold::RateDelay(4), 17_211);
    check(86_400, one, Hold::RateDelay(1), 42_772);
    check(1, one, Hold::RateDelay(86_400), 1);
    // Two processes, a second each, are 172800 at most.
    check(172_799, one, Hold::RateDelay(1), 42_772);
    check(172_800, one, Hold::Processes(2), 169_412);
    check(250_000, one, Hold::Processes(2), 169_412);
    // Ten seconds each, of which nine are certain: 86400 / (5 + 9) = 6171 at most, 86400 / 15.02 for certain.
    check(6400, mail(10_000), Hold::RateDelay(5), 5752);
    check(12_800, mail(10_000), Hold::RateDelay(1), 7840);
    check(25_600, mail(10_000), Hold::Processes(2), 17_246);
    check(110_000, mail(5000), Hold::Processes(6), 103_267);
    // Three recipients a delivery: 3 * 86400 / 200 = 1296.
    let three = Mail {
        recipients: 3,
        ..one
    };
    check(200, three, Hold::RateDelay(1296), 200);
}

#[test]
fn what_no_setting_comes_near_to_is_held_by_what_is_taken() {
    let check = |cap, delivery_ms, hold, lets_out, held_by| {
        let settings = Settings::within(alone(cap), mail(delivery_ms), true, 0);
        assert_eq!(
            (settings.hold, settings.lets_out, settings.held_by),
            (hold, lets_out, held_by),
            "{cap}"
        );
    };
    // 86400 / 1.27 = 68031.
    check(75_000, 250, Hold::RateDelay(1), 68_031, HeldBy::Intake);
    check(60_000, 250, Hold::RateDelay(1), 60_000, HeldBy::Intake);
    check(50_000, 250, Hold::RateDelay(2), 38_062, HeldBy::Settings);
    check(43_200, 250, Hold::RateDelay(2), 38_062, HeldBy::Settings);
    check(250_000, 1000, Hold::Processes(2), 169_412, HeldBy::Settings);
    check(86_400, 1000, Hold::RateDelay(1), 42_772, HeldBy::Settings);
    // One process of a twentieth of a second each could deliver 1.7 million.
    let bounds = alone(250_000);
    let settings = Settings::within(bounds, mail(50), true, 80_000);
    assert_eq!(
        (settings.hold, settings.lets_out, settings.held_by),
        (Hold::Processes(1), 250_000, HeldBy::Intake)
    );
    // Nobody else would take what is turned away: the next step is let out all the same, and said to be too much.
    let settings = Settings::within(alone(250_000), mail(50), false, 80_000);
    assert_eq!(
        (settings.hold, settings.held_by),
        (Hold::Processes(1), HeldBy::Nothing)
    );
    // One process sends no more than a delay of a second, where a delivery takes five: it takes two, 2 * 86400 / 5.02.
    let bounds = Bounds {
        at_most: 40_000,
        lets_out: 34_422,
    };
    let settings = Settings::within(bounds, mail(5000), false, 17_211);
    assert_eq!(
        (settings.hold, settings.lets_out, settings.held_by),
        (Hold::Processes(2), 34_422, HeldBy::Nothing)
    );
    // One more is within the bounds where they are wide enough, and twice one is not within a third more.
    let wide = Bounds {
        at_most: 60_000,
        lets_out: 60_000,
    };
    let settings = Settings::within(wide, mail(5000), false, 34_422);
    assert_eq!(
        (settings.hold, settings.held_by),
        (Hold::Processes(3), HeldBy::Settings)
    );
    // But not where there is some progress without.
    let settings = Settings::within(alone(250_000), mail(50), false, 20_000);
    assert_eq!(
        (settings.hold, settings.held_by),
        (Hold::RateDelay(1), HeldBy::Settings)
    );
}

#[test]
fn what_an_admin_pastes() {
    let commands = |cap| {
        Settings::within(alone(cap), mail(1000), false, 0).commands(
            "/etc/postfix-aol-c",
            "smtp",
            Vec::new(),
        )
    };
    assert_eq!(
        commands(200),
        [
            "postconf -c /etc/postfix-aol-c -e 'smtp_transport_rate_delay = 432s'",
            "postconf -c /etc/postfix-aol-c -e 'smtp_destination_rate_delay = 0s'",
            "postconf -c /etc/postfix-aol-c -e 'smtp_destination_concurrency_limit = 1'",
            "postconf -c /etc/postfix-aol-c -e 'smtp_destination_recipient_limit = 2'",
            "postconf -c /etc/postfix-aol-c -e 'smtp_destination_concurrency_failed_cohort_limit = 10'",
            "postfix -c /etc/postfix-aol-c reload",
        ]
    );
    assert!(
        commands(300_000)
            .contains(&"postconf -c /etc/postfix-aol-c -F 'smtp/unix/process_limit=3'".to_owned())
    );
}

proptest! {
    #[test]
    fn what_is_said_to_hold_holds(
        cap in 1u64..10_000_000,
        share in 0.3f64..1.0,
        recipients in 1u32..60,
        delivery_ms in 1u32..60_000,
        guarded: bool,
        before in 0u64..10_000_000,
    ) {
        let mail = Mail { recipients, delivery_ms };
        let bounds = Bounds { at_most: cap, lets_out: ((cap as f64 * share) as u64).max(1) };
        let settings = Settings::within(bounds, mail, guarded, before);
        prop_assert!(settings.lets_out <= settings.at_most.saturating_add(1));
        // In D + T seconds one delivery for certain; in D and the whole seconds of T at most.
        let a_day = f64::from(recipients) * 86_400.0;
        let took = f64::from(delivery_ms) / 1000.0;
        let (least, most) = match settings.hold {
            Hold::RateDelay(delay) => {
                prop_assert!(delay >= 1);
                (a_day / (delay as f64 + took), a_day / (delay as f64 + took.floor()))
            }
            Hold::Processes(n) => (a_day * n as f64 / took, a_day * n as f64 / took),
        };
        prop_assert!(settings.lets_out as f64 <= (least + 0.5).max(1.0));
        match settings.held_by {
            // One a day is the least there is.
            HeldBy::Settings => {
                prop_assert!(most <= cap as f64 * 1.000_001, "{settings:?}");
                let is_delay = matches!(settings.hold, Hold::RateDelay(_));
                prop_assert!(is_delay || settings.lets_out <= bounds.lets_out);
            }
            HeldBy::Intake => prop_assert!(guarded && settings.lets_out <= bounds.lets_out),
            HeldBy::Nothing => prop_assert!(!guarded),
        }
    }
}
