//! A rate as it is typed, and as it can be held.

use std::fmt;
use std::str::FromStr;

/// A number of messages in a time: `600/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    messages: u64,
    unit: Unit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Minute,
    Hour,
    Day,
}

impl Unit {
    fn seconds(self) -> u64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Minute => "min",
            Self::Hour => "h",
            Self::Day => "d",
        }
    }
}

impl Pace {
    /// Whole seconds between two deliveries that let no more out than this: at least 1.
    pub fn delay_seconds(self) -> u64 {
        self.unit.seconds().div_ceil(self.messages.max(1)).max(1)
    }

    /// Messages an hour that leave at most with that delay.
    pub fn at_most_hourly(self) -> u64 {
        3600 / self.delay_seconds()
    }
}

impl fmt::Display for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.messages, self.unit.word())
    }
}

/// The text is no rate that can be held.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PaceError {
    /// It is no rate.
    #[error("not a rate such as 600/h, 10/min or 5000/d")]
    Form,
    /// Nothing at all.
    #[error("nothing would leave: relay-limit pause is for that")]
    Zero,
    /// More than one a second: Postfix's delays are whole seconds.
    #[error(
        "more than one a second (60/min, 3600/h) cannot be held: Postfix's delays are whole seconds"
    )]
    Fast,
}

impl FromStr for Pace {
    type Err = PaceError;

    fn from_str(text: &str) -> Result<Self, PaceError> {
        let (number, unit) = text.split_once('/').ok_or(PaceError::Form)?;
        let unit = match unit.trim() {
            "min" | "minute" => Unit::Minute,
            "h" | "hour" => Unit::Hour,
            "d" | "day" => Unit::Day,
            _ => return Err(PaceError::Form),
        };
        let number = number.trim();
        if number.is_empty() || !number.bytes().all(|b| b.is_ascii_digit()) {
            return Err(PaceError::Form);
        }
        // What is too great for a number is too fast.
        let messages = number.parse().map_err(|_| PaceError::Fast)?;
        match messages {
            0 => Err(PaceError::Zero),
            n if n > unit.seconds() => Err(PaceError::Fast),
            messages => Ok(Self { messages, unit }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        let check = |text: &str, expected: Result<(u64, u64), PaceError>| {
            let pace = text.parse::<Pace>();
            let found = pace.map(|pace| (pace.delay_seconds(), pace.at_most_hourly()));
            assert_eq!(found, expected, "{text}");
        };
        check("600/h", Ok((6, 600)));
        check("3600/h", Ok((1, 3600)));
        check("3599/h", Ok((2, 1800)));
        check("10/min", Ok((6, 600)));
        check("5000/d", Ok((18, 200)));
        check("1/d", Ok((86_400, 0)));
        check("7/h", Ok((515, 6)));
        check("600 / hour", Ok((6, 600)));
        check("0/h", Err(PaceError::Zero));
        check("3601/h", Err(PaceError::Fast));
        check("61/min", Err(PaceError::Fast));
        check("99999999999999999999/d", Err(PaceError::Fast));
        for junk in [
            "", "600", "/h", "600/", "-1/h", "1.5/h", "600/s", "600/w", "+6/h", "six/h",
        ] {
            check(junk, Err(PaceError::Form));
        }
        assert_eq!("0600/hour".parse::<Pace>().unwrap().to_string(), "600/h");
    }
}
