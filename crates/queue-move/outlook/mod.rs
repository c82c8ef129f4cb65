//! What would become of this very mail in TO: asked of Postfix before anything is moved.
//!
//! `routes` asks where it would be sent, `checks` what TO's cleanup would do with it, `settings` what main.cf says of
//! all mail, `delays` whether it would wait there.

mod checks;
mod delays;
mod routes;
mod settings;

use cli::Context;
use transfer::plan::Plan;
use transfer::preflight::Objection;

use crate::course::Course;

/// What speaks against handing these messages to TO, and what is to be known.
pub(crate) fn look(cx: &Context, course: &Course<'_>, plan: &Plan) -> Vec<Objection> {
    if plan.moves().next().is_none() {
        return Vec::new();
    }
    let mut findings = routes::look(cx, course, plan);
    findings.extend(checks::look(cx, course, plan));
    findings.extend(settings::look(course, plan));
    findings
}

/// Why it may wait there, too.
pub(crate) fn delays(cx: &Context, course: &Course<'_>, plan: &Plan) -> Vec<String> {
    let same = delays::same_domains(plan, course);
    same.into_iter().chain(delays::paused(cx, course)).collect()
}

/// The first of some names, and how many more there are.
fn some(names: &[String]) -> String {
    let (first, rest) = names.split_at(names.len().min(3));
    match rest.len() {
        0 => first.join(", "),
        more => format!("{} and {more} more", first.join(", ")),
    }
}
