//! Positions in a room's log, as clients hold them: `<epoch>.<seq>`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The highest position that every JSON reader can hold exactly.
pub const MAX_SEQ: u64 = (1 << 53) - 1;

/// Which life of a room's log a position belongs to: drawn at random when the log begins, so that a
/// position of an earlier life is recognised and never continued. 8 to 22 of `A–Z a–z 0–9 _ -`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch {
    text: [u8; Self::MAX],
    len: u8,
}

impl Epoch {
    const MAX: usize = 22;
    const MIN: usize = 8;

    /// The epoch that these random bits name.
    pub fn from_random(bits: u64) -> Self {
        const ALPHABET: &[u8; 64] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = [0; Self::MAX];
        for (digit, slot) in text.iter_mut().take(10).enumerate() {
            let index = (bits >> (digit * 6)) & 63;
            *slot = ALPHABET.get(usize::try_from(index).unwrap_or(0)).copied().unwrap_or(b'A');
        }
        Self { text, len: 10 }
    }

    /// The epoch as text.
    pub fn as_str(&self) -> &str {
        // Only ASCII gets in.
        self.text.get(..usize::from(self.len)).and_then(|t| str::from_utf8(t).ok()).unwrap_or("")
    }
}

impl FromStr for Epoch {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (Self::MIN..=Self::MAX).contains(&text.len());
        if !fits || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
            return Err(ParseCursorError);
        }
        let mut epoch = Self { text: [0; Self::MAX], len: 0 };
        for (slot, byte) in epoch.text.iter_mut().zip(text.bytes()) {
            *slot = byte;
            epoch.len += 1;
        }
        Ok(epoch)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Epoch {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Epoch {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A position in a room's log: everything up to and with `seq` of `epoch` has been read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which life of the log.
    pub epoch: Epoch,
    /// The last position that was read; 0 before the first.
    pub seq: u64,
}

/// A text that is not a cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a cursor has the form <epoch>.<seq>, as the server gave it")]
pub struct ParseCursorError;

impl FromStr for Cursor {
    type Err = ParseCursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, seq) = text.split_once('.').ok_or(ParseCursorError)?;
        if seq.is_empty() || !seq.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseCursorError);
        }
        let seq = seq.parse().ok().filter(|seq| *seq <= MAX_SEQ).ok_or(ParseCursorError)?;
        Ok(Self { epoch: epoch.parse()?, seq })
    }
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.seq)
    }
}

impl Serialize for Cursor {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Cursor {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_survives_its_text() {
        let cursor = Cursor { epoch: Epoch::from_random(0x0123_4567_89ab_cdef), seq: MAX_SEQ };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for bad in [
            "",
            "abcdefgh",
            "abcdefgh.",
            "short.1",
            "abcdefgh.-1",
            "abcdefgh.+1",
            "abcdefgh.1e3",
            "abcdefgh.9007199254740992",
            "abcdefghijklmnopqrstuvw.1",
            "abc efgh.1",
        ] {
            assert!(bad.parse::<Cursor>().is_err(), "{bad}");
        }
    }

    #[test]
    fn epochs_of_different_bits_differ() {
        assert_ne!(Epoch::from_random(1), Epoch::from_random(2));
        assert_eq!(Epoch::from_random(7).as_str().len(), 10);
    }
}
