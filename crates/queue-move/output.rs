//! How plans and results are shown: as text, and as JSON (relay-tools/queue-move/1).

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::io::Write as _;

use cli::Context;
use knowledge::providers::domain_of;
use knowledge::reasons::{Cache, Reasons};
use legible::human;
use postfix::escape;
use serde::Serialize;
use transfer::plan::{Action, Item, Plan};
use transfer::{Done, Ended, Fate};

use crate::args::Format;
use crate::moving::is_json;
use crate::waiting::Verified;

/// Lines of a list in the text.
const LINES: usize = 10;
/// Messages whose new queue ids are listed in the text, unless all are asked for.
const IDS: usize = 20;

/// A plan, and what came of it.
pub(crate) struct Shown {
    pub(crate) plan: Plan,
    /// Ids that were asked for and are not there, and why.
    pub(crate) missing: Vec<(String, String)>,
    pub(crate) warnings: Vec<String>,
    pub(crate) notes: Vec<String>,
    pub(crate) dry_run: bool,
    pub(crate) move_name: Option<String>,
    pub(crate) told: Option<Told>,
    /// Was something moved that nobody is known to have taken?
    unverified: bool,
    domains: Vec<(String, usize)>,
    classes: Vec<(String, usize)>,
}

/// What became of messages, by queue id.
pub(crate) struct Told(HashMap<String, (Ended, Option<String>)>);

impl Told {
    pub(crate) fn of(done: &Done) -> Self {
        let of = |ended: &Ended| {
            let intent = done.intents.get(ended.n as usize)?;
            Some((intent.queue_id.to_string(), (ended.clone(), None)))
        };
        Self(done.ended.iter().filter_map(of).collect())
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) selected: usize,
    pub(crate) moved: usize,
    pub(crate) skipped: usize,
    pub(crate) failed: usize,
    pub(crate) in_doubt: usize,
}

/// The domain of an address, in lower case; empty where it has none.
pub(crate) fn domain(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    domain.trim_end_matches('.').to_ascii_lowercase()
}

fn most_first(counts: HashMap<String, usize>) -> Vec<(String, usize)> {
    let mut sorted: Vec<_> = counts.into_iter().collect();
    sorted.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    sorted
}

impl Shown {
    pub(crate) fn new(
        plan: Plan,
        missing: Vec<(String, String)>,
        warnings: Vec<String>,
        dry_run: bool,
        reasons: &Reasons,
    ) -> Self {
        let mut domains: HashMap<String, usize> = HashMap::new();
        let mut classes: HashMap<String, usize> = HashMap::new();
        // The same reply comes thousands of times.
        let mut known = Cache::default();
        for rcpt in plan.moves().flat_map(|item| &item.message.recipients) {
            *domains.entry(domain(&rcpt.address)).or_default() += 1;
            let class = match &rcpt.reason {
                None => "not tried yet".to_owned(),
                Some(reason) => {
                    let dsn = rcpt.dsn.as_deref().map(str::as_bytes);
                    let of = domain_of(rcpt.address.as_bytes());
                    let meant = known.classify(reasons, reason.as_bytes(), dsn, of);
                    meant.class.to_string()
                }
            };
            *classes.entry(class).or_default() += 1;
        }
        Self {
            domains: most_first(domains),
            classes: most_first(classes),
            plan,
            missing,
            warnings,
            notes: Vec::new(),
            dry_run,
            move_name: None,
            told: None,
            unverified: false,
        }
    }

    fn fate(&self, item: &Item) -> Option<&(Ended, Option<String>)> {
        self.told.as_ref()?.0.get(item.message.queue_id.as_str())
    }

    pub(crate) fn counts(&self) -> Counts {
        let skips = self.plan.items.iter().filter(|i| i.action != Action::Move);
        let mut counts = Counts {
            selected: self.plan.items.len() + self.missing.len(),
            skipped: skips.count() + self.missing.len(),
            ..Counts::default()
        };
        if self.told.is_none() {
            return counts;
        }
        for item in self.plan.moves() {
            match self.fate(item).map(|(ended, _)| ended.fate) {
                Some(Fate::Moved) => counts.moved += 1,
                Some(Fate::Failed) => counts.failed += 1,
                Some(Fate::Doubt) => counts.in_doubt += 1,
                _ => counts.skipped += 1,
            }
        }
        counts
    }

    /// Was all that was selected moved, and is it known to have arrived?
    pub(crate) fn all_moved(&self) -> bool {
        let counts = self.counts();
        counts.selected == counts.moved && !self.unverified
    }

    /// The names in TO's maildrop of what was moved.
    pub(crate) fn moved_names(&self) -> Vec<String> {
        let told = self.told.iter().flat_map(|told| told.0.values());
        told.filter_map(|(ended, _)| Some(ended.name.as_ref()?.to_string()))
            .collect()
    }

    /// Takes in what is known of TO's side.
    pub(crate) fn verified(&mut self, verified: Verified) {
        self.unverified = !verified.notes.is_empty();
        self.notes.extend(verified.notes);
        let told = self.told.iter_mut().flat_map(|told| told.0.values_mut());
        for (ended, new_id) in told {
            if let Some(name) = &ended.name {
                *new_id = verified.new_ids.get(name.as_str()).cloned();
            }
        }
    }

    /// What the move changes for this mail.
    fn changes(&self) -> Vec<String> {
        let count = |is: &dyn Fn(&Item) -> bool| self.plan.moves().filter(|i| is(i)).count();
        let mut changes = vec![
            "each message gets a new queue id, which TO's pickup logs with the old one (orig_id)"
                .to_owned(),
            "arrival time is kept, but the expiry clock (maximal_queue_lifetime) starts anew"
                .to_owned(),
            "TO's maps rewrite the addresses again; its bcc maps and header checks see the mail again"
                .to_owned(),
            "content_filter is TO's own".to_owned(),
        ];
        let done = count(&|item| item.effects.done_recipients > 0);
        if done > 0 {
            changes.push(format!(
                "{done} messages have been delivered to some recipients: they stay so"
            ));
        }
        let filter = count(&|item| item.effects.filter);
        if filter > 0 {
            changes.push(format!(
                "{filter} messages lose a FILTER action, or content_filter, that was recorded for them"
            ));
        }
        let redirect = count(&|item| item.effects.redirect);
        if redirect > 0 {
            changes.push(format!(
                "{redirect} messages lose a REDIRECT action: they go to their own recipients"
            ));
        }
        let smtputf8 = count(&|item| item.effects.smtputf8);
        if smtputf8 > 0 {
            changes.push(format!(
                "{smtputf8} messages were sent with SMTPUTF8, which Postfix forgets here (3.7 does): a server may refuse their addresses"
            ));
        }
        if self.plan.cross_device {
            changes.push(
                "the two spools are on different file systems: the files are copied".to_owned(),
            );
        }
        changes
    }
}

/// The whole result.
pub(crate) fn render(format: Format, cx: &Context, shown: &Shown) -> String {
    if is_json(format) {
        return json(shown);
    }
    match &shown.told {
        Some(_) => result_text(cx, shown),
        None => plan_text(shown),
    }
}

/// The plan, before it is asked.
pub(crate) fn to_stderr(_: &Context, shown: &Shown) {
    drop(
        std::io::stderr()
            .lock()
            .write_all(plan_text(shown).as_bytes()),
    );
}

fn plan_text(shown: &Shown) -> String {
    let plan = &shown.plan;
    let mut text = String::new();
    // Writing into a String does not fail.
    let mut line = |what: String| {
        let _written = writeln!(text, "{}", escape(&what));
    };
    let count = plan.moves().count();
    let bytes: u64 = plan.moves().map(|item| item.message.size).sum();
    let rcpts: usize = plan.moves().map(|item| item.message.recipients.len()).sum();
    line(format!(
        "{} -> {}: {count} messages, {}, {rcpts} recipients",
        plan.from.instance,
        plan.to.instance,
        human::size(bytes)
    ));
    let list = |title: &str, counts: &[(String, usize)], line: &mut dyn FnMut(String)| {
        if counts.is_empty() {
            return;
        }
        line(format!("{title}:"));
        for (what, count) in counts.iter().take(LINES) {
            line(format!("  {count:>7}  {what}"));
        }
        if counts.len() > LINES {
            let rest: usize = counts.iter().skip(LINES).map(|(_, count)| count).sum();
            line(format!("  {rest:>7}  of {} more", counts.len() - LINES));
        }
    };
    list("recipients by domain", &shown.domains, &mut line);
    list("recipients by reason", &shown.classes, &mut line);
    let mut skips: HashMap<String, usize> = HashMap::new();
    for (why, count) in plan.skips() {
        skips.insert(why.to_owned(), count);
    }
    for (_, why) in &shown.missing {
        *skips.entry(why.clone()).or_default() += 1;
    }
    list("skipped", &most_first(skips), &mut line);
    if count > 0 {
        line("what the move changes for the mail:".to_owned());
        for change in shown.changes() {
            line(format!("  - {change}"));
        }
    }
    for warning in &shown.warnings {
        line(format!("warning: {warning}"));
    }
    text
}

fn result_text(cx: &Context, shown: &Shown) -> String {
    let mut text = String::new();
    let mut line = |what: String| {
        let _written = writeln!(text, "{}", escape(&what));
    };
    let counts = shown.counts();
    let name = shown.move_name.as_deref().unwrap_or_default();
    line(format!(
        "move {name}: {} selected, {} moved, {} skipped, {} failed",
        counts.selected, counts.moved, counts.skipped, counts.failed
    ));
    let all = cx.is_verbose();
    let mut listed = 0;
    for item in shown.plan.moves() {
        if let Some((
            Ended {
                name: Some(old), ..
            },
            new,
        )) = shown.fate(item)
        {
            listed += 1;
            if listed <= IDS || all {
                let new = new.as_deref().unwrap_or("-");
                let was = match item.message.queue_id == *old {
                    true => String::new(),
                    false => format!(" (orig_id={old})"),
                };
                line(format!("{} -> {new}{was}", item.message.queue_id));
            }
        }
    }
    if listed > IDS && !all {
        line(format!("... and {} more (-v lists all)", listed - IDS));
    }
    let mut reasons: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for message in messages(shown) {
        if message.result != Some("moved") {
            let key = (
                message.result.unwrap_or("skipped"),
                message.why.unwrap_or_default(),
            );
            reasons.entry(key).or_default().push(message.queue_id);
        }
    }
    for ((result, why), ids) in reasons {
        let some = ids.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        let more = if ids.len() > 5 { ", …" } else { "" };
        line(format!("{result}: {why}: {} ({some}{more})", ids.len()));
    }
    for note in &shown.notes {
        line(note.clone());
    }
    text
}

#[derive(Serialize)]
struct Result<'a> {
    schema: &'static str,
    #[serde(rename = "move")]
    name: Option<&'a str>,
    from: &'a str,
    to: &'a str,
    dry_run: bool,
    counts: Counts,
    messages: Vec<Message<'a>>,
    changes: Vec<String>,
    warnings: &'a [String],
    notes: &'a [String],
}

#[derive(Serialize)]
struct Message<'a> {
    queue_id: &'a str,
    action: &'static str,
    result: Option<&'static str>,
    why: Option<&'a str>,
    new_queue_id: Option<&'a str>,
}

/// Why a message that was to be moved was not reached.
const NOT_REACHED: &str = "interrupted before its turn: queue-move resume goes on";

fn messages(shown: &Shown) -> Vec<Message<'_>> {
    let of = |item| message(shown, item);
    let mut messages: Vec<Message<'_>> = shown.plan.items.iter().map(of).collect();
    messages.extend(shown.missing.iter().map(|(id, why)| Message {
        queue_id: id,
        action: "skip",
        result: (!shown.dry_run).then_some("skipped"),
        why: Some(why),
        new_queue_id: None,
    }));
    messages
}

fn message<'a>(shown: &'a Shown, item: &'a Item) -> Message<'a> {
    let mut message = Message {
        queue_id: item.message.queue_id.as_str(),
        action: "move",
        result: None,
        why: None,
        new_queue_id: None,
    };
    if let Action::Skip(why) = &item.action {
        message.action = "skip";
        message.why = Some(why);
        message.result = (!shown.dry_run).then_some("skipped");
        return message;
    }
    match shown.fate(item) {
        Some((ended, new)) => {
            message.result = Some(word(ended.fate));
            message.why = ended.why.as_deref();
            message.new_queue_id = new.as_deref();
        }
        None if shown.told.is_some() => {
            message.result = Some("skipped");
            message.why = Some(NOT_REACHED);
        }
        None => {}
    }
    message
}

/// The word of the JSON.
pub(crate) fn word(fate: Fate) -> &'static str {
    match fate {
        Fate::Moved => "moved",
        Fate::Skipped => "skipped",
        Fate::Failed => "failed",
        Fate::Restored => "restored",
        Fate::Doubt => "doubt",
    }
}

fn json(shown: &Shown) -> String {
    let result = Result {
        schema: "relay-tools/queue-move/1",
        name: shown.move_name.as_deref(),
        from: &shown.plan.from.instance,
        to: &shown.plan.to.instance,
        dry_run: shown.dry_run,
        counts: shown.counts(),
        messages: messages(shown),
        changes: shown.changes(),
        warnings: &shown.warnings,
        notes: &shown.notes,
    };
    to_line(&result)
}

/// One line of JSON.
pub(crate) fn to_line(value: &impl Serialize) -> String {
    // Strings and numbers: there is nothing in them that could fail.
    let mut text = serde_json::to_string(value).unwrap_or_default();
    text.push('\n');
    text
}
