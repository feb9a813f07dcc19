//! Calendar times as they stand on the wire: RFC 3339, UTC, milliseconds for events and
//! nanoseconds for what an engine measured.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// When an event was published: RFC 3339 in UTC with milliseconds, `2026-01-31T12:00:00.123Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(jiff::Timestamp);

/// A time that an engine measured: RFC 3339 in UTC with nanoseconds,
/// `2026-01-31T12:00:00.123456789Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NanoTimestamp(jiff::Timestamp);

/// A text that is not an RFC 3339 time.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not an RFC 3339 time such as 2026-01-31T12:00:00.123Z")]
pub struct ParseTimestampError {
    text: String,
}

macro_rules! timestamp {
    ($name:ident, $precision:literal) => {
        impl $name {
            /// The time that many nanoseconds after 1970-01-01T00:00:00Z, `None` outside the years
            /// −9999 to 9999.
            pub fn from_unix_nanos(nanos: i128) -> Option<Self> {
                jiff::Timestamp::from_nanosecond(nanos).ok().map(Self)
            }

            /// Nanoseconds since 1970-01-01T00:00:00Z.
            pub fn unix_nanos(self) -> i128 {
                self.0.as_nanosecond()
            }

            /// Whole seconds since 1970-01-01T00:00:00Z, rounded down.
            pub fn unix_seconds(self) -> i64 {
                i64::try_from(self.unix_nanos().div_euclid(1_000_000_000)).unwrap_or(0)
            }

            /// How long after `earlier` this is; zero if it is not after it.
            pub fn saturating_since(self, earlier: Self) -> Duration {
                // The whole range of nanoseconds is 20,000 years: a `u64` does not hold it.
                let nanos = self.unix_nanos().saturating_sub(earlier.unix_nanos()).max(0);
                let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
                let rest = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
                Duration::new(seconds, rest)
            }
        }

        impl From<jiff::Timestamp> for $name {
            fn from(time: jiff::Timestamp) -> Self {
                Self(time)
            }
        }

        impl TryFrom<SystemTime> for $name {
            type Error = ParseTimestampError;

            fn try_from(time: SystemTime) -> Result<Self, Self::Error> {
                jiff::Timestamp::try_from(time)
                    .map(Self)
                    .map_err(|_| ParseTimestampError { text: format!("{time:?}") })
            }
        }

        impl FromStr for $name {
            type Err = ParseTimestampError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                text.parse().map(Self).map_err(|_| ParseTimestampError { text: text.to_owned() })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!("{:.", $precision, "}"), self.0)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

timestamp!(Timestamp, 3);
timestamp!(NanoTimestamp, 9);

impl From<NanoTimestamp> for Timestamp {
    fn from(time: NanoTimestamp) -> Self {
        Self(time.0)
    }
}

impl From<Timestamp> for NanoTimestamp {
    fn from(time: Timestamp) -> Self {
        Self(time.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_carry_milliseconds_and_engines_nanoseconds() {
        let time: NanoTimestamp = "2026-01-31T12:00:00.123456789Z".parse().unwrap();
        assert_eq!(time.to_string(), "2026-01-31T12:00:00.123456789Z");
        assert_eq!(Timestamp::from(time).to_string(), "2026-01-31T12:00:00.123Z");
    }

    #[test]
    fn how_long_after_is_told_of_any_two_times() {
        let time = |text: &str| text.parse::<Timestamp>().unwrap();
        let (first, last) = (time("-009999-01-02T02:00:00Z"), time("9999-12-30T22:00:00Z"));
        assert_eq!(last.saturating_since(first).as_secs(), 631_107_230_400);
        assert_eq!(first.saturating_since(last), Duration::ZERO);
        let (a, b) = (time("2026-01-31T12:00:00.250Z"), time("2026-01-31T12:00:01Z"));
        assert_eq!(b.saturating_since(a), Duration::from_millis(750));
    }

    #[test]
    fn whole_seconds_keep_their_fraction_digits() {
        let time: Timestamp = "2026-01-31T13:00:00+01:00".parse().unwrap();
        assert_eq!(serde_json::to_string(&time).unwrap(), r#""2026-01-31T12:00:00.000Z""#);
    }

    #[test]
    fn a_text_that_is_no_time_is_named() {
        let error = "yesterday".parse::<Timestamp>().unwrap_err();
        assert!(error.to_string().contains("\"yesterday\""), "{error}");
    }

    #[test]
    fn seconds_before_1970_round_down() {
        let time: Timestamp = "1969-12-31T23:59:59.500Z".parse().unwrap();
        assert_eq!(time.unix_seconds(), -1);
    }
}
