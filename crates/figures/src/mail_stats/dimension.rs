//! By what deliveries can be grouped.

use crate::dimensions::dimensions;

dimensions! {
    /// A breakdown.
    Dimension or UnknownDimension = "not a breakdown" {
        /// The instance: one table over all of them.
        Instance = "instance",
        /// The host that logged the delivery, in lower case; `?` where the line has none.
        Host = "host",
        /// The recipient's domain, in lower case.
        Domain = "domain",
        /// The recipient's provider, by domain, else by the relay ([`knowledge::providers::Providers::of`]).
        Provider = "provider",
        /// The host that took or refused the mail, in lower case; `none` where Postfix got as far as no host.
        Relay = "relay",
        /// The class of reasons; `-` for mail that was sent.
        Reason = "reason",
        /// The enhanced status code.
        Dsn = "dsn",
        /// The sender's domain, in lower case; `<>` for bounces, `?` where the log does not show the sender.
        SenderDomain = "sender-domain",
        /// The hour, `2026-09-19T12`. When clocks are set back, the hour that comes twice is one row.
        Hour = "hour",
        /// The day, `2026-09-19`.
        Day = "day",
    }
}

impl Dimension {
    /// Is it a sequence in time: in order, and not cut to a top, but to the last [`crate::bounds::MOST_TIMES`]?
    pub fn is_time(self) -> bool {
        matches!(self, Self::Hour | Self::Day)
    }
}
