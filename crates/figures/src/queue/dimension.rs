//! By what queued mail's recipients can be grouped.

use crate::dimensions::dimensions;

dimensions! {
    /// What the recipients of a group have in common.
    Dimension or UnknownDimension = "cannot group by this" {
        /// The instance that has the message.
        Instance = "instance",
        /// The queue that it is in.
        Queue = "queue",
        /// The recipient's provider, by the domain, else by the server that deferred it.
        Provider = "provider",
        /// The recipient's domain, in lower case.
        Domain = "domain",
        /// The server that put it off, in lower case.
        Relay = "relay",
        /// Why, without what differs from message to message: see [`knowledge::reasons::fold`].
        Reason = "reason",
        /// The class of the reason.
        ReasonClass = "reason-class",
        /// The enhanced status code.
        Dsn = "dsn",
        /// The sender; `MAILER-DAEMON` for bounces.
        Sender = "sender",
        /// The sender's domain, in lower case; `<>` for bounces.
        SenderDomain = "sender-domain",
    }
}
