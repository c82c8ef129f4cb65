//! `--format prom`: gauges. All labels but the instance's have a few values that are known beforehand.

use std::io::{self, Write};

use super::{bands, outcomes};
use figures::filtered::{BANDS, Disposition, Filtered, Scores};
use figures::mail_stats::MailStats;
use legible::metrics::{gauge, label};
use postfix::log::{Kind, Stage};

/// How many series an instance has at most: accepted, discarded, stopped by kind and stage, scores, near the threshold.
pub(crate) const MOST_SERIES: usize =
    1 + 2 + 2 * Kind::ALL.len() * Stage::ALL.len() + BANDS.len() * Disposition::ALL.len() + 2;

/// The metrics, if what filters did was asked for.
pub(crate) fn metrics(out: &mut impl Write, stats: &MailStats) -> io::Result<()> {
    let instances: Vec<(String, &Filtered)> = stats
        .instances
        .iter()
        .filter_map(|i| Some((label(&i.instance), i.figures.filtered.as_deref()?)))
        .collect();
    if instances.is_empty() {
        return Ok(());
    }
    let name = "relay_mail_accepted";
    gauge(out, name, "Messages that entered the queue in the window.")?;
    for (instance, filtered) in &instances {
        let n = filtered.accepted;
        writeln!(out, "{name}{{postfix_instance=\"{instance}\"}} {n}")?;
    }
    stopped(out, &instances)?;
    discarded(out, &instances)?;
    let of_instances = instances
        .iter()
        .map(|(name, filtered)| (name.as_str(), &filtered.scores));
    let strangers = stats.unmatched.iter().map(|scores| ("", &**scores));
    scores(out, &of_instances.chain(strangers).collect::<Vec<_>>())
}

fn stopped(out: &mut impl Write, instances: &[(String, &Filtered)]) -> io::Result<()> {
    let name = "relay_mail_stopped";
    let what = "Connections, recipients and messages stopped on the way in, in the window.";
    gauge(out, name, what)?;
    for (instance, filtered) in instances {
        for ((kind, stage), stops) in &filtered.stops {
            let lasting = stops.count.saturating_sub(stops.temporary);
            for (temporary, n) in [("no", lasting), ("yes", stops.temporary)] {
                let (kind, stage) = (kind.as_str(), stage.as_str());
                writeln!(
                    out,
                    "{name}{{postfix_instance=\"{instance}\",kind=\"{kind}\",stage=\"{stage}\",temporary=\"{temporary}\"}} {n}"
                )?;
            }
        }
    }
    Ok(())
}

fn discarded(out: &mut impl Write, instances: &[(String, &Filtered)]) -> io::Result<()> {
    let name = "relay_mail_discarded_deliveries";
    gauge(
        out,
        name,
        "Deliveries in the window with status=sent whose mail was discarded.",
    )?;
    for (instance, filtered) in instances {
        let discards = filtered.discards;
        for (by, n) in [
            ("transport", discards.transport),
            ("filter", discards.filter),
        ] {
            writeln!(
                out,
                "{name}{{postfix_instance=\"{instance}\",by=\"{by}\"}} {n}"
            )?;
        }
    }
    Ok(())
}

fn scores(out: &mut impl Write, found: &[(&str, &Scores)]) -> io::Result<()> {
    if found.iter().all(|(_, scores)| scores.is_empty()) {
        return Ok(());
    }
    let name = "relay_mail_scored";
    let what = "Messages scored by spamd in the window, by score and outcome.";
    gauge(out, name, what)?;
    for (instance, scores) in found {
        for (band, score) in bands(scores) {
            for (outcome, n) in outcomes(scores, band) {
                writeln!(
                    out,
                    "{name}{{postfix_instance=\"{instance}\",score=\"{score}\",outcome=\"{}\"}} {n}",
                    outcome.as_str()
                )?;
            }
        }
    }
    let name = "relay_mail_scored_near_threshold";
    let what = "Messages scored by spamd in the window, within one point of the threshold.";
    gauge(out, name, what)?;
    for (instance, scores) in found.iter().filter(|(_, scores)| !scores.is_empty()) {
        for (side, n) in [("below", scores.just_below), ("above", scores.just_above)] {
            writeln!(
                out,
                "{name}{{postfix_instance=\"{instance}\",side=\"{side}\"}} {n}"
            )?;
        }
    }
    Ok(())
}
