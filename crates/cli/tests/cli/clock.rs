//! `--clock`: the time at which a tool starts, for tests; no user is shown it.

use crate::specimen::{command, run};

#[test]
fn a_test_sets_the_clock() {
    let ran = run(&mut command(&[
        "facts",
        "--clock=2026-09-19T08:00:00.000001-04:00",
    ]));
    assert!(ran.stdout.ends_with(" now=1789819200000001\n"), "{ran:?}");
    // The day that ends then is the one before.
    let args = [
        "window",
        "--date",
        "yesterday",
        "--clock=2026-01-01T00:00:00Z",
    ];
    let ran = run(command(&args).env("TZ", "UTC"));
    assert_eq!(
        ran.stdout, "Some(1767139200000000) Some(1767225600000000)\n",
        "{ran:?}"
    );
    let ran = run(&mut command(&["facts", "--clock=tomorrow"]));
    assert_eq!((ran.status, ran.stdout.as_str()), (Some(2), ""));
}

#[test]
fn nobody_is_shown_it() {
    for args in [
        "--help",
        "--generate man",
        "--generate bash",
        "--generate zsh",
        "--generate fish",
    ] {
        let ran = run(&mut command(&args.split(' ').collect::<Vec<_>>()));
        assert!(ran.stdout.contains("output"), "{args}: {ran:?}");
        for form in ["--clock", "-l clock"] {
            assert!(!ran.stdout.contains(form), "{args}: {ran:?}");
        }
    }
}
