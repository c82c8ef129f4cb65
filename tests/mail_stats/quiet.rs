//! Hosts on which nothing has happened, and whose logs are silent now and then: no hour of theirs is missing.

use std::fs;
use std::io::Write;

use chrono::{DateTime, TimeDelta, Utc};
use testkit::tools::stats;

use crate::holes::{Image, at};

/// A pseudo-random sequence (splitmix64).
struct Chance(u64);

impl Chance {
    fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// The time until the next of independent messages, of which so many come in an hour.
    fn next(&mut self, hourly: f64) -> TimeDelta {
        TimeDelta::seconds((-self.unit().max(1e-9).ln() * 3600.0 / hourly) as i64)
    }
}

fn delivery(time: DateTime<Utc>) -> String {
    format!(
        "{} relay1 postfix-aol-a/smtp[7]: 4HnkK60lBRz6tl1: to=<a@aol.com>, relay=m[192.0.2.1]:25, delay=1, dsn=2.0.0, \
         status=sent (250 ok)\n",
        time.to_rfc3339()
    )
}

const WEDNESDAY: &str = "2026-10-21T00:00:00Z";

/// A host of which nothing is logged but deliveries, so many on a day of work, of which this part is on other days, and
/// this part of an hour of the day's is in one of the night. Each day has its own share of that, within a factor.
fn living(daily: f64, (weekend, night, factor): (f64, f64, f64), days: i64) -> Image {
    let image = Image::new();
    let mut file = fs::File::create(image.0.path().join("var/log/mail.log")).unwrap();
    let mut chance = Chance(7);
    let (mut lines, begins) = (String::new(), at(WEDNESDAY));
    for hour in 0..days * 24 {
        let starts = begins + TimeDelta::hours(hour);
        if hour % 24 == 0 {
            file.write_all(lines.as_bytes()).unwrap();
            lines.clear();
        }
        let of_day = match (hour / 24) % 7 {
            3 | 4 => weekend,
            _ => 1.0,
        };
        let mut own = Chance(hour as u64 / 24);
        let of_hour = if (7..19).contains(&(hour % 24)) {
            1.0
        } else {
            night
        };
        let spread = factor.powf(own.unit() * 2.0 - 1.0);
        let hourly = (daily / 12.0 * of_day * of_hour * spread).max(1e-6);
        let mut time = starts + chance.next(hourly);
        while time < starts + TimeDelta::hours(1) {
            lines += &delivery(time);
            time += chance.next(hourly);
        }
    }
    file.write_all(lines.as_bytes()).unwrap();
    image
}

/// Not once in a month, on hosts on which nothing has happened.
#[test]
fn no_quiet_night_is_a_hole() {
    for (daily, rhythm) in [
        (12.0, (0.3, 0.05, 1.3)),
        (200.0, (0.0, 0.0, 1.5)),
        (900.0, (0.2, 0.02, 1.3)),
        (900.0, (0.5, 0.2, 1.5)),
        (4000.0, (0.6, 0.1, 3.0)),
    ] {
        let image = living(daily, rhythm, 38);
        is_well(&image, daily);
    }
}

/// One that goes out each morning, sooner or later, and takes now minutes, now an hour.
#[test]
fn a_list_a_day_leaves_no_hole() {
    let image = Image::new();
    let mut chance = Chance(3);
    let mut text = String::new();
    for day in 0..38 {
        let mut time = at(WEDNESDAY) + TimeDelta::days(day) + TimeDelta::hours(10);
        time += TimeDelta::minutes((chance.unit() * 45.0) as i64);
        let between = 1.0 + chance.unit() * 10.0;
        for _ in 0..400 {
            text += &delivery(time);
            time += TimeDelta::milliseconds((between * 1000.0) as i64);
        }
    }
    fs::write(image.0.path().join("var/log/mail.log"), text).unwrap();
    is_well(&image, 400.0);
}

#[track_caller]
fn is_well(image: &Image, daily: f64) {
    for day in 8..38 {
        let day = (at(WEDNESDAY) + TimeDelta::days(day))
            .format("%F")
            .to_string();
        let root = image.0.path().to_str().unwrap();
        let ran = stats(["--root", root, "--check", "--date", &day]);
        assert_eq!(ran.status, Some(0), "{daily} on {day}: {}", ran.out);
    }
}
