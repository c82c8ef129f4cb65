//! The days of a real host, by its records: what the report marks of them.

use std::collections::BTreeMap;
use std::path::Path;

use super::*;

/// So many days are known before the first one that is judged.
const BEFORE: usize = 14;

/// The days in a directory of records. What a later directory has of a day counts, and ends the days.
fn days_in(dirs: &[&Path]) -> Vec<HostDay> {
    let mut all: BTreeMap<Day, HostDay> = BTreeMap::new();
    for (at, dir) in dirs.iter().enumerate() {
        let mut last = None;
        let files = std::fs::read_dir(dir).unwrap().map(|of| of.unwrap().path());
        for path in files.filter(|path| path.extension().is_some_and(|of| of == "jsonl")) {
            let (records, problems) = days::stored(&path, &std::fs::read(&path).unwrap());
            assert_eq!(problems, []);
            let records: Vec<DayRecord> = records.into_iter().map(|(_, of)| of).collect();
            let Some(first) = records.first() else {
                continue;
            };
            let (since, until) = first.span().unwrap();
            let period = Period {
                host: first.host.clone(),
                zone: Zone::named(&first.zone).unwrap(),
                since,
                until,
            };
            last = last.max(Some(first.day));
            all.insert(first.day, (period, records));
        }
        if at > 0 {
            all.retain(|day, _| Some(*day) <= last);
        }
    }
    all.into_values().collect()
}

/// `VERDICTS_DAYS=DIR[:DIR] cargo test -p figures recorded -- --nocapture` prints what is marked of the days of which
/// there are records in DIR, such as a copy of a host's /var/lib/relay-tools/days; those in the second one take the
/// place of those in the first, and only they are judged.
#[test]
fn recorded_days() {
    let asked = std::env::var("VERDICTS_DAYS").unwrap_or_default();
    for dirs in asked.split_whitespace() {
        let paths: Vec<&Path> = dirs.split(':').map(Path::new).collect();
        let days = days_in(&paths);
        let own = days_in(&paths[paths.len() - 1..]).len();
        let first = match paths.len() {
            1 => BEFORE,
            _ => days.len() - own,
        };
        let mut marks = 0;
        for at in first..days.len() {
            let found = marked(&days[..=at], None);
            marks += usize::from(!found.is_empty());
            println!("{dirs} {}: {}", days[at].0.day(), found.join(" | "));
        }
        println!("{dirs}: {marks} of {} days marked", days.len() - first);
    }
}
