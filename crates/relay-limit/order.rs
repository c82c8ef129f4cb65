//! What an admin orders: whose mail, until when, and why.

use cli::{Context, Failure, Outcome, person};
use knowledge::providers::Providers;
use limits::{Hold, Journal, LONGEST, Limit, Scope};
use postfix::Time;
use postfix::config::Instance;
use transport::Domain;

use crate::args::{EndArgs, ScopeArgs};
use crate::desk::{self, Clock};

/// Does what an admin `ordered`, and prints what was done, or with `--dry-run` the plan.
pub(crate) fn run(
    cx: &Context,
    dry_run: bool,
    ordered: impl FnOnce() -> anyhow::Result<(Vec<String>, Outcome)>,
) -> anyhow::Result<Outcome> {
    if !dry_run {
        desk::must_be_able(cx, "--dry-run shows the plan")?;
    }
    let (lines, outcome) = ordered()?;
    cx.print_lines(&lines)?;
    Ok(outcome)
}

/// Whose mail is meant, and the one provider that was named.
pub(crate) fn scope(
    args: &ScopeArgs,
    providers: &Providers,
) -> anyhow::Result<(Scope, Option<String>)> {
    if args.provider.is_empty() && args.domain.is_empty() {
        return Ok((Scope::All, None));
    }
    let mut domains = Vec::new();
    let mut add = |text: &str, of: &str| -> anyhow::Result<()> {
        let (dot, bare) = text
            .strip_prefix('.')
            .map_or(("", text), |bare| (".", bare));
        let domain = Domain::new(bare.as_bytes());
        let domain = domain.map_err(|why| Failure::new(format!("{of}: \"{text}\" is {why}")))?;
        domains.push(format!("{dot}{domain}"));
        // Postfix looks it up as the message has it.
        domains.extend(domain.in_letters().map(|letters| format!("{dot}{letters}")));
        Ok(())
    };
    for name in &args.provider {
        let Some(id) = providers.by_name(name) else {
            let known: Vec<&str> = providers.all().iter().map(|p| p.name.as_str()).collect();
            let what = format!(
                "unknown provider \"{name}\"; the table has {}",
                known.join(", ")
            );
            return Err(Failure::new(what).into());
        };
        let provider = providers.get(id);
        if provider.domains.is_empty() {
            let what = format!("provider {name} has no domains of its own in the table");
            return Err(Failure::new(what)
                .hint("without --provider, all mail of the instance is paused")
                .into());
        }
        for domain in &provider.domains {
            add(domain, "the provider table")?;
        }
    }
    for domain in &args.domain {
        add(domain, "--domain")?;
    }
    domains.sort();
    domains.dedup();
    let provider = match (args.provider.as_slice(), args.domain.is_empty()) {
        ([name], true) => Some(name.to_ascii_lowercase()),
        _ => None,
    };
    Ok((Scope::Domains(domains), provider))
}

/// When it is to end.
pub(crate) fn end(cx: &Context, clock: &Clock, args: &EndArgs) -> anyhow::Result<Time> {
    let now = clock.now();
    let until = match (args.span, &args.until) {
        (Some(span), _) => now.plus(span),
        (None, Some(text)) => {
            let at = cli::to_come(text, cx.now(), cx.zone());
            at.map_err(|why| Failure::new(format!("--until: {why}")))?
        }
        (None, None) => {
            return Err(Failure::new("an end is required: --for 4h or --until 14:00").into());
        }
    };
    if until <= now {
        let failure = Failure::new("it must last some time");
        return Err(failure.hint("--for 4h, --until 14:00").into());
    }
    if until.since(now) > LONGEST {
        return Err(Failure::new("nothing is held for longer than a year").into());
    }
    Ok(until)
}

/// What is ordered beside the hold itself.
pub(crate) struct Terms<'a> {
    pub(crate) until: Option<Time>,
    pub(crate) reason: Option<&'a str>,
    /// Who orders it, where that is no person.
    pub(crate) by: Option<&'a str>,
}

/// A limit as it is written down.
pub(crate) fn order(
    cx: &Context,
    instance: &Instance,
    journal: &Journal,
    hold: Hold,
    terms: &Terms<'_>,
) -> Limit {
    let begun = Time::from_seconds(cx.now().seconds());
    let stamp = chrono::DateTime::from_timestamp(begun.seconds(), 0).unwrap_or_default();
    let stamp = stamp.format("%Y%m%dT%H%M%SZ").to_string();
    Limit {
        id: journal.new_id(instance.name(), &stamp),
        instance: instance.name().to_owned(),
        config_directory: instance.config_directory().to_owned(),
        begun,
        until: terms.until,
        by: terms.by.map_or_else(person::user, str::to_owned),
        command: person::command_line(),
        reason: terms.reason.map(str::to_owned),
        hold,
    }
}

/// The words of a reason, if there are any.
pub(crate) fn reason(given: Option<&str>) -> Option<&str> {
    given.map(str::trim).filter(|text| !text.is_empty())
}
