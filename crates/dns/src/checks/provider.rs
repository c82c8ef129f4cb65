//! The provider's relay name: does it list the address, and for how long?

use super::{CheckState, Checked, Ended, Judged, MAX_RELAY_TTL, Relay, Trail};
use crate::exchangers::{Exchangers, exchangers, services};
use crate::{Failure, Lookup, Name, Rtype, name};

/// The hosts that a name's records of one kind lead to.
type LedTo = fn(&dyn Lookup, &Name, Rtype) -> Result<Exchangers, Failure>;

impl Relay {
    pub(super) fn provider(&self, lookup: &dyn Lookup, seen: &mut Trail) -> Checked {
        let Some(text) = &self.provider_name else {
            let why = "the instance is not named for a provider".to_owned();
            return Err(Ended::new("", CheckState::Skipped, why));
        };
        let relays = name(text)
            .ok_or_else(|| Ended::new(text, CheckState::Wrong, "not a host name".to_owned()))?;
        let found = match self.lists(lookup, &relays, seen)? {
            (CheckState::Ok, among) => self.relay_ttl(lookup, &relays, (among, seen))?,
            wrong => match self.by_others(lookup, &relays, ("MX", exchangers), seen)? {
                Some(found) => found,
                None => self
                    .by_others(lookup, &relays, ("SRV", services), seen)?
                    .unwrap_or(wrong),
            },
        };
        Ok((relays.to_string(), found))
    }

    /// Do the relay name's MX or SRV records lead to the address? A warm-up may be by these alone.
    fn by_others(
        &self,
        lookup: &dyn Lookup,
        relays: &Name,
        (kind, led_to): (&str, LedTo),
        seen: &mut Trail,
    ) -> Result<Option<Judged>, Ended> {
        let found =
            led_to(lookup, relays, self.rtype()).map_err(|why| Ended::unknown(relays, &why))?;
        if !found.addresses.contains(&self.address) {
            return Ok(None);
        }
        seen.listed = found.addresses.len();
        let what = format!("has {kind} records that lead to {}", self.address);
        Ok(Some(match found.ttl > MAX_RELAY_TTL {
            true => {
                let what = format!(
                    "{what}, for {} s; it should be {MAX_RELAY_TTL} or less",
                    found.ttl
                );
                (CheckState::Wrong, what)
            }
            false => (CheckState::Ok, what),
        }))
    }

    /// For how long does the relay name list the address, as the zone has it?
    fn relay_ttl(
        &self,
        lookup: &dyn Lookup,
        relays: &Name,
        (among, seen): (String, &mut Trail),
    ) -> Result<Judged, Ended> {
        let remembered = lookup
            .ask(relays, self.rtype())
            .map_err(|why| Ended::unknown(relays, &why))?;
        seen.listed = remembered.addresses().count();
        let remembered = remembered.ttl().unwrap_or_default();
        // What is kept for so long now was given for no less.
        let ttl = match remembered > MAX_RELAY_TTL {
            true => remembered,
            false => {
                let answer = lookup.ask_authority(relays, self.rtype()).map_err(|why| {
                    let what = format!("{among}; its TTL is not known: {why}");
                    Ended::new(relays, CheckState::Unknown, what)
                })?;
                answer.ttl().unwrap_or(remembered)
            }
        };
        Ok(match ttl > MAX_RELAY_TTL {
            true => (
                CheckState::Wrong,
                format!(
                    "{among}, with TTL {ttl} s: if removed, it would still get mail for that long; it should be \
                     {MAX_RELAY_TTL} or less"
                ),
            ),
            false => (CheckState::Ok, among),
        })
    }
}
