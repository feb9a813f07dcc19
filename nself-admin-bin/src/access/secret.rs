//! What somebody proves with that they are signed in. Only its digest is ever kept.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A text that only its owner knows. It is not shown in logs.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    /// A new one of 256 random bits.
    ///
    /// # Errors
    ///
    /// The operating system has no random bits.
    pub(crate) fn new() -> Result<Self, getrandom::Error> {
        let mut bits = [0; 32];
        getrandom::fill(&mut bits)?;
        Ok(Self(hex::encode(bits)))
    }

    /// A new one of 128 random bits, for what holds for minutes and is typed or copied by people.
    ///
    /// # Errors
    ///
    /// The operating system has no random bits.
    pub(crate) fn short() -> Result<Self, getrandom::Error> {
        let mut bits = [0; 16];
        getrandom::fill(&mut bits)?;
        Ok(Self(hex::encode(bits)))
    }

    /// The same with a word before it, by which people and scanners know what it is.
    pub(crate) fn with_prefix(self, prefix: &str) -> Self {
        Self(format!("{prefix}{}", self.0))
    }

    /// The text itself.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }

    /// What is kept of it.
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The SHA-256 of a secret. Compared in constant time.
#[derive(Clone, Copy, Eq)]
pub(crate) struct Digest([u8; 32]);

impl Digest {
    pub(crate) fn of(text: &str) -> Self {
        Self(Sha256::digest(text.as_bytes()).into())
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&hex::encode(self.0))
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let mut bytes = [0; 32];
        let read = hex::decode_to_slice(text, &mut bytes);
        read.map(|()| Self(bytes))
            .map_err(|_| serde::de::Error::custom("a digest is 64 hexadecimal digits"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_differ_and_have_the_bits_that_they_promise() {
        let (one, other) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_ne!(one.digest(), other.digest());
        assert_eq!((one.reveal().len(), Secret::short().unwrap().reveal().len()), (64, 32));
    }

    #[test]
    fn a_secret_is_not_shown_and_its_digest_survives_being_written_down() {
        let secret = Secret::new().unwrap();
        assert_eq!(format!("{secret:?} {:?}", secret.digest()), "Secret(…) Digest(…)");
        let written = serde_json::to_string(&secret.digest()).unwrap();
        assert_eq!(serde_json::from_str::<Digest>(&written).unwrap(), secret.digest());
        assert!(serde_json::from_str::<Digest>("\"00\"").is_err());
    }
}
