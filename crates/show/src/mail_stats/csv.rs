//! `--format csv`: one flat table, with a heading.
//!
//! An instance's own row has an empty `by` and `key`, and its delays in seconds. The rows of its breakdowns follow;
//! they have only counts, and those by reason the providers' codes and the blamed addresses, the most frequent first, a
//! blank between. There are no totals: rows of one `by` can be added up. Control characters in names and keys are
//! escaped. Rows by `complaint` have what Postfix says of itself; rows by `missing`, which have no instance, why not
//! all that was asked for is in the figures.

use std::io::{self, Write};

use ::csv::Writer;
use postfix::escape;

use crate::filtered;
use figures::mail_stats::{Counts, Figures, MailStats, Quantiles};
use legible::wire::csv_cell;

const HEADING: [&str; 27] = [
    "instance",
    "by",
    "key",
    "total",
    "sent",
    "bounced",
    "deferred",
    "expired",
    "unparsed",
    "delay_median",
    "delay_p95",
    "delay_max",
    "a_median",
    "a_p95",
    "a_max",
    "b_median",
    "b_p95",
    "b_max",
    "c_median",
    "c_p95",
    "c_max",
    "d_median",
    "d_p95",
    "d_max",
    "code",
    "blamed_ip",
    "oldest_deferred",
];

/// Writes the figures.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    let mut csv = Writer::from_writer(out);
    csv.write_record(HEADING)?;
    for instance in &stats.instances {
        let name = csv_cell(&instance.instance);
        let figures = &instance.figures;
        let mut record = record(&name, "", "", figures.counts);
        record.extend([figures.expired.to_string(), figures.unparsed.to_string()]);
        record.extend(delays(figures));
        record.resize(HEADING.len() - 1, String::new());
        record.push(figures.waiting.map_or_else(String::new, |s| s.to_string()));
        csv.write_record(record)?;
        for breakdown in &figures.by {
            for row in &breakdown.rows {
                let key = csv_cell(row.key.shown());
                let mut record =
                    self::record(&name, breakdown.dimension.as_str(), &key, row.counts);
                record.resize(HEADING.len() - 3, String::new());
                let codes = row.codes.iter().map(|(code, _)| escape(code.as_bytes()));
                record.push(csv_cell(listed(codes)));
                record.push(listed(row.ips.iter().map(|(ip, _)| ip)));
                record.push(String::new());
                csv.write_record(record)?;
            }
        }
        for row in &figures.complaints {
            let key = format!("{} {}: {}", row.service, row.severity.as_str(), row.text);
            let key = escape(&key).to_string();
            let count = row.count.to_string();
            let mut record = vec![name.clone(), "complaint".to_owned(), key, count];
            record.resize(HEADING.len(), String::new());
            csv.write_record(record)?;
        }
        for (by, key, n) in figures.filtered.iter().flat_map(|f| filtered::records(f)) {
            let mut record = vec![name.clone(), by.to_owned(), key, n.to_string()];
            record.resize(HEADING.len(), String::new());
            csv.write_record(record)?;
        }
    }
    for why in stats.missing() {
        let mut record = vec![String::new(), "missing".to_owned(), why];
        record.resize(HEADING.len(), String::new());
        csv.write_record(record)?;
    }
    csv.flush()
}

fn listed(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<String> = items.map(|item| item.to_string()).collect();
    items.join(" ")
}

fn record(instance: &str, by: &str, key: &str, counts: Counts) -> Vec<String> {
    let numbers = [counts.total(), counts.sent, counts.bounced, counts.deferred];
    let names = [instance, by, key].into_iter().map(str::to_owned);
    names.chain(numbers.iter().map(u64::to_string)).collect()
}

fn delays(figures: &Figures) -> Vec<String> {
    let parts = figures.delays.and_then(|d| d.parts);
    let [a, b, c, d] = parts.map_or([None; 4], |parts| parts.map(Some));
    let fields = |q: Option<Quantiles>| match q {
        Some(q) => [q.median, q.p95, q.max].map(|seconds| seconds.to_string()),
        None => [const { String::new() }; 3],
    };
    [figures.delays.map(|d| d.delay), a, b, c, d]
        .into_iter()
        .flat_map(fields)
        .collect()
}
