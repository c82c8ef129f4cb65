//! From where to where mail goes.

use cli::{Context, Failure};
use postfix::Parsed;
use postfix::config::{Host, Instance};
use transfer::preflight::{Circumstances, Objection, check};
use transfer::{Header, Side};

use crate::setup;

/// What a move is about.
pub(crate) struct Course<'h> {
    pub(crate) host: &'h Host,
    pub(crate) from: &'h Instance,
    pub(crate) to: &'h Instance,
    pub(crate) from_side: Side,
    pub(crate) to_side: Side,
    pub(crate) to_runs: bool,
}

impl<'h> Course<'h> {
    /// That of a move that has begun: its instances, as they are laid out now.
    pub(crate) fn now(cx: &Context, host: &'h Parsed<Host>, then: &Header) -> anyhow::Result<Self> {
        let (from, from_side) = now(cx, host, &then.from)?;
        let (to, to_side) = now(cx, host, &then.to)?;
        Ok(Self {
            host: &host.value,
            from,
            to,
            from_side,
            to_side,
            to_runs: setup::runs(cx, to)?,
        })
    }

    /// What stands against a move between the two, whatever the mail.
    pub(crate) fn findings(
        &self,
        cx: &Context,
        cross_provider: bool,
        is_plan: bool,
    ) -> anyhow::Result<Vec<Objection>> {
        let providers = host::tables::providers(cx.site())?;
        let provider = |name: &str| {
            let id = providers.of_instance(name)?;
            Some(providers.get(id).name.clone())
        };
        let asked = Circumstances {
            root: cx.root(),
            host: self.host,
            provider: &provider,
            to_runs: self.to_runs,
            cross_provider,
            is_plan,
        };
        Ok(check(
            &asked,
            (self.from, &self.from_side),
            (self.to, &self.to_side),
        ))
    }
}

/// The domain of an address, in lower case; empty where it has none.
pub(crate) fn domain(address: &str) -> String {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
    domain.trim_end_matches('.').to_ascii_lowercase()
}

/// The instance, and its spool as it is laid out now.
pub(crate) fn now<'h>(
    cx: &Context,
    host: &'h Parsed<Host>,
    then: &Side,
) -> anyhow::Result<(&'h Instance, Side)> {
    let mut all = host.value.instances().iter();
    let instance = all.find(|i| i.config_directory() == then.config_directory);
    let close = "restore it, or close the move as it is: queue-move close MOVE --why TEXT";
    let instance = instance.ok_or_else(|| {
        let dir = then.config_directory.display();
        Failure::new(format!(
            "no instance is configured in {dir}: {}",
            then.instance
        ))
        .hint(close)
    })?;
    let side = setup::spool_of(cx, instance, false)?;
    if side.identity.1 != then.identity.1 {
        let what = format!(
            "{}: {} is not the queue directory of that move",
            then.instance,
            side.queue_directory.display()
        );
        return Err(Failure::new(what).hint(close).into());
    }
    Ok((instance, side))
}
