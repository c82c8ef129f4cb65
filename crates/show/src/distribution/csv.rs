//! `--format csv`: one flat table, with a heading.
//!
//! An instance's own row has an empty `by` and `key`. The rows of its breakdowns follow; they have only counts. With a
//! breakdown by age, the other ones have their counts by age too, in the last columns. There are no totals: rows of one
//! `by` can be added up. Control characters in names and keys are escaped. Rows by `missing`, which have no instance,
//! say why not all is in the figures.

use std::io::{self, Write};

use ::csv::Writer;

use figures::distribution::{AGES, Counts, Dimension, Distribution, QUEUES};
use legible::wire::{csv_cell, time};

/// Writes the figures.
///
/// # Errors
/// Those of `out`.
pub fn write(out: &mut impl Write, distribution: &Distribution) -> io::Result<()> {
    let with_ages = distribution.by.contains(&Dimension::Age);
    let mut csv = Writer::from_writer(out);
    let mut heading: Vec<String> = ["instance", "by", "key"].map(str::to_owned).into();
    heading.extend(QUEUES.iter().map(ToString::to_string));
    heading.extend(["total", "bytes", "oldest_arrival", "oldest_age_seconds"].map(str::to_owned));
    if with_ages {
        heading.extend(AGES.iter().map(|age| format!("age_{age}")));
    }
    csv.write_record(&heading)?;
    for instance in &distribution.instances {
        let name = csv_cell(&instance.instance);
        let figures = &instance.figures;
        let age = figures.oldest.and_then(|time| distribution.age(time));
        let mut record = record(&name, "", "", &figures.counts);
        record.extend([
            figures.bytes.map_or_else(String::new, |n| n.to_string()),
            figures.oldest.and_then(time).unwrap_or_default(),
            age.map_or_else(String::new, |age| age.seconds().to_string()),
        ]);
        record.resize(heading.len(), String::new());
        csv.write_record(record)?;
        for breakdown in &figures.by {
            for row in &breakdown.rows {
                let key = csv_cell(row.key.shown());
                let mut record =
                    self::record(&name, breakdown.dimension.as_str(), &key, &row.counts);
                if with_ages && breakdown.dimension != Dimension::Age {
                    record.resize(heading.len() - AGES.len(), String::new());
                    record.extend(row.ages.iter().map(u64::to_string));
                }
                record.resize(heading.len(), String::new());
                csv.write_record(record)?;
            }
        }
    }
    for why in distribution.missing() {
        let mut record = vec![String::new(), "missing".to_owned(), csv_cell(why)];
        record.resize(heading.len(), String::new());
        csv.write_record(record)?;
    }
    csv.flush()
}

fn record(instance: &str, by: &str, key: &str, counts: &Counts) -> Vec<String> {
    let numbers = counts.iter().map(|(_, n)| n).chain([counts.total()]);
    let names = [instance, by, key].into_iter().map(str::to_owned);
    names.chain(numbers.map(|n| n.to_string())).collect()
}
