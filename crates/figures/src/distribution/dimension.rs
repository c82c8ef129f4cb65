//! By what queued mail can be grouped.

use crate::dimensions::dimensions;

dimensions! {
    /// A breakdown.
    Dimension or UnknownDimension = "not a breakdown" {
        /// The recipient's domain, in lower case; `-` for an address without one.
        Domain = "domain",
        /// The recipient's provider, by that domain.
        Provider = "provider",
        /// The sender's domain, in lower case; `<>` for bounces.
        SenderDomain = "sender-domain",
        /// The time since arrival, in the steps of qshape(1).
        Age = "age",
    }
}

impl Dimension {
    /// What its rows count. A message has one sender and one age, but as many domains as its recipients have; those who
    /// have got it already are not counted (as in qshape(1)).
    pub fn unit(self) -> &'static str {
        if self.counts_recipients() {
            "recipients"
        } else {
            "messages"
        }
    }

    /// Does a file have to be read as far as its recipients?
    pub fn counts_recipients(self) -> bool {
        matches!(self, Self::Domain | Self::Provider)
    }
}
