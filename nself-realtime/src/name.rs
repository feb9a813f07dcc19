//! Validated names: what they stand for may come from a label, a file or a stranger.

use std::borrow::{Borrow, Cow};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameError {
    /// It is empty, or longer than such a name may be.
    #[error("{what} must be 1 to {max} bytes long, this has {len}")]
    Length {
        /// What kind of name it should have been.
        what: &'static str,
        /// The longest one that is allowed, in bytes.
        max: usize,
        /// How long it is, in bytes.
        len: usize,
    },
    /// It has a character that such a name may not have, or in that place.
    #[error("{what} must be {form}, {text:?} is not")]
    Form {
        /// What kind of name it should have been.
        what: &'static str,
        /// What it has to look like.
        form: &'static str,
        /// What it is.
        text: String,
    },
}

/// The rule that a kind of name keeps.
struct Rule {
    what: &'static str,
    max: usize,
    form: &'static str,
    holds: fn(&str) -> bool,
}

impl Rule {
    fn check(&self, text: &str) -> Result<(), NameError> {
        if text.is_empty() || text.len() > self.max {
            return Err(NameError::Length { what: self.what, max: self.max, len: text.len() });
        }
        if !(self.holds)(text) {
            let (what, form) = (self.what, self.form);
            return Err(NameError::Form { what, form, text: text.to_owned() });
        }
        Ok(())
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Arc<str>);

        impl $name {
            const RULE: Rule = $rule;

            /// Takes a text that keeps the rule above.
            ///
            /// # Errors
            ///
            /// [`NameError`] says what the rule is and how the text breaks it.
            pub fn new(text: impl AsRef<str>) -> Result<Self, NameError> {
                let text = text.as_ref();
                Self::RULE.check(text)?;
                Ok(Self(text.into()))
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", self.as_str())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                self.as_str()
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Self::new(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(Cow::<'de, str>::deserialize(deserializer)?)
                    .map_err(serde::de::Error::custom)
            }
        }
    };
}

name! {
    /// What a payload is about: a service, a container, an engine, a notification. 1 to 256 bytes
    /// without control characters.
    Name,
    Rule {
        what: "a name",
        max: 256,
        form: "free of control characters",
        holds: |text| !text.chars().any(char::is_control),
    }
}

name! {
    /// The type of an event: lower-case words joined by colons, `service:status`; 64 bytes at most.
    /// Single words are the protocol's own (`notification`, `presence`, and its frames): a type of an
    /// embedding program has two words at least, which is not checked.
    EventType,
    Rule {
        what: "an event type",
        max: 64,
        form: "lower-case words joined by colons",
        holds: |text| {
            text.split(':').all(|word| {
                let mut bytes = word.bytes();
                bytes.next().is_some_and(|b| b.is_ascii_lowercase())
                    && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_')
            })
        },
    }
}

name! {
    /// The name of a room: `[a-z0-9][a-z0-9_-]{0,63}`, with the reserved ones `system` and
    /// `standalone`, the `query/<id>` of a query's result and the `project.<16 hex digits>` of a
    /// project whose own name cannot be a room's.
    RoomName,
    Rule {
        what: "a room name",
        max: 80,
        form: "[a-z0-9][a-z0-9_-]{0,63}, query/<id> or project.<16 hex digits>",
        holds: |text| {
            if let Some(id) = text.strip_prefix("query/") {
                return is_plain_room(id);
            }
            if let Some(digest) = text.strip_prefix("project.") {
                return digest.len() == 16 && digest.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
            }
            is_plain_room(text)
        },
    }
}

fn is_plain_room(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= 64
        && bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}

impl RoomName {
    /// Notifications, engine and room status, and who is here.
    pub fn system() -> Self {
        Self("system".into())
    }

    /// Containers outside any project.
    pub fn standalone() -> Self {
        Self("standalone".into())
    }

    /// Whether a project may not have this room, whatever it is called.
    pub fn is_reserved(&self) -> bool {
        matches!(self.as_str(), "system" | "standalone") || self.as_str().contains(['/', '.'])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_names_keep_their_form() {
        for good in ["shop", "0", "a_b-c", "system", "query/7f", "project.0123456789abcdef"] {
            assert!(RoomName::new(good).is_ok(), "{good}");
        }
        let long = "a".repeat(65);
        for bad in [
            "",
            "Shop",
            "-a",
            "a b",
            "a/b",
            "query/",
            "project.0123",
            "project.0123456789ABCDEF",
            &long,
        ] {
            assert!(RoomName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reserved_rooms_are_told_from_projects() {
        assert!(RoomName::system().is_reserved());
        assert!(RoomName::new("query/1").unwrap().is_reserved());
        assert!(!RoomName::new("shop").unwrap().is_reserved());
    }

    #[test]
    fn event_types_are_lower_case_words() {
        for good in ["service:status", "db:query:result", "notification", "my-app:tick_2"] {
            assert!(EventType::new(good).is_ok(), "{good}");
        }
        for bad in ["Service:status", ":a", "a:", "a::b", "a b", "ä:b"] {
            assert!(EventType::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_error_says_what_a_name_must_be() {
        assert_eq!(
            Name::new("").unwrap_err().to_string(),
            "a name must be 1 to 256 bytes long, this has 0"
        );
        assert_eq!(
            Name::new("a\nb").unwrap_err().to_string(),
            r#"a name must be free of control characters, "a\nb" is not"#
        );
    }
}
