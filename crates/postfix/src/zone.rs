//! The time zone that a host's year-less log lines and its days are in.

#[allow(clippy::disallowed_types, reason = "TZ has been looked at: host::Site")]
use chrono::Local;
use chrono::{DateTime, FixedOffset, LocalResult, NaiveDateTime, Offset, TimeZone, Utc};
use chrono_tz::Tz;

use crate::Time;

/// A host's time zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// The zone this process runs in (`TZ`, else /etc/localtime), as chrono reads it.
    Process,
    /// A zone of the IANA database, such as another host image's.
    Named(Tz),
}

impl Zone {
    /// The zone named `name` (`America/New_York`), if the IANA database has it.
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self::Named)
    }

    /// The zone's own clock at an instant, in whole seconds.
    pub fn at(self, time: Time) -> Option<DateTime<FixedOffset>> {
        let utc = DateTime::<Utc>::from_timestamp(time.seconds(), 0)?;
        Some(match self {
            #[allow(clippy::disallowed_types, reason = "as above")]
            Self::Process => utc.with_timezone(&Local).fixed_offset(),
            Self::Named(tz) => utc.with_timezone(&tz).fixed_offset(),
        })
    }

    /// The instants at which the zone's clocks show `local`: one, two (the hour that
    /// is repeated when summer time ends) or none (the hour that is skipped when it begins).
    pub fn instants(self, local: NaiveDateTime) -> LocalResult<Time> {
        match self {
            #[allow(clippy::disallowed_types, reason = "as above")]
            Self::Process => instants(Local.from_local_datetime(&local)),
            Self::Named(tz) => instants(tz.from_local_datetime(&local)),
        }
    }
}

fn instants<T: TimeZone>(found: LocalResult<DateTime<T>>) -> LocalResult<Time>
where
    T::Offset: Offset,
{
    found.map(Time::from)
}
