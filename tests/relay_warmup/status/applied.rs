//! Is what the plan asks for in force?

use std::fs;

use serde_json::json;

use super::image::Image;

/// An instance that has sent nothing yet: it is on the plan's first level. With `main_cf` more in its main.cf, and so
/// many processes of its SMTP client, are the settings in force?
fn is_in_force(image: &Image, main_cf: &str, processes: &str) -> bool {
    let path = image.path("etc/postfix-aol-c/main.cf");
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{before}{main_cf}")).unwrap();
    let master_cf = format!("smtp unix - - y - {processes} smtp\npickup unix n - y 60 1 pickup\n");
    fs::write(image.path("etc/postfix-aol-c/master.cf"), master_cf).unwrap();
    let status = image.json(&[], 0);
    fs::write(&path, before).unwrap();
    let found = status["in_force"].as_bool().unwrap();
    assert_eq!(status["to_apply"] == json!([]), found, "{status}");
    found
}

#[test]
fn processes() {
    let image = Image::new();
    image.write();
    // 250,000 a day, a second each: two processes.
    image.plan_of("250000", 0, &["--first", "250000"]);
    let set = "smtp_destination_recipient_limit = 2\n";
    assert!(is_in_force(&image, set, "2"));
    // The level before had one: it is time for the other.
    assert!(!is_in_force(&image, set, "1"));
    assert!(!is_in_force(&image, set, "3"));
    assert!(!is_in_force(&image, set, "-"));
    let delay = format!("{set}smtp_transport_rate_delay = 1s\n");
    assert!(!is_in_force(&image, &delay, "2"));
}

/// Between 43,200 and 86,400 a day, a delay does not hold alone.
#[test]
fn what_is_taken() {
    let image = Image::new();
    image.write();
    // A quarter of a second each, and some work: 86400 / 1.27 = 68031 can leave, which are 47 in a minute.
    image.plan_of("75000", 0, &["--first", "75000", "--delivery-time", "0.25"]);
    let script = image.ok(&["show", "aol-c", "--format", "text"], 0);
    for setting in [
        "'smtp_transport_rate_delay = 1s'",
        "'anvil_rate_time_unit = 60s'",
        "'smtpd_client_recipient_rate_limit = 47'",
    ] {
        assert!(script.contains(setting), "{script}");
    }
    let set = "smtp_destination_recipient_limit = 2\nsmtp_transport_rate_delay = 1s\n";
    assert!(!is_in_force(&image, set, "-"));
    let taken = format!("{set}smtpd_client_recipient_rate_limit = 47\n");
    let in_an_hour = format!("{taken}anvil_rate_time_unit = 1h\n");
    assert!(!is_in_force(&image, &in_an_hour, "-"));
    // In a minute, which is Postfix's default.
    assert!(is_in_force(&image, &taken, "-"));
    let slower = taken.replace("= 1s", "= 2s");
    assert!(!is_in_force(&image, &slower, "-"));
}
