//! `notification`: what somebody should look at. In the room `system`.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::{Delivery, InvalidPayload, Payload, Retention};
use crate::Name;

/// What somebody should look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct Notification {
    /// Its identity: a later one with the same replaces it.
    pub id: Name,
    /// How urgent it is.
    pub severity: Severity,
    /// One line.
    #[garde(length(bytes, min = 1, max = 256))]
    pub title: String,
    /// What there is to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 16_384))]
    pub body: Option<String>,
    /// The service that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Name>,
    /// Where to look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(dive)]
    pub action: Option<Action>,
}

/// Where a notification leads to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct Action {
    /// The words on the link.
    #[garde(length(bytes, min = 1, max = 64))]
    pub label: String,
    /// A path of the page itself, never another site.
    #[garde(length(bytes, max = 1024), custom(own_path))]
    pub href: String,
}

/// How urgent a notification is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Good to know.
    Info,
    /// Look at it today.
    Warning,
    /// Look at it now.
    Critical,
}

impl Payload for Notification {
    const TYPE: &'static str = "notification";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Newest { keys: 100 };

    fn key(&self) -> &str {
        self.id.as_str()
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        InvalidPayload::by_rules(self)
    }
}

/// A path that stays on this site: `//host` and `/\host` would not.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that garde asks for")]
fn own_path(href: &str, (): &()) -> garde::Result {
    let mut bytes = href.bytes();
    if bytes.next() != Some(b'/') || matches!(bytes.next(), Some(b'/' | b'\\')) {
        return Err(garde::Error::new("must be a path of this site, beginning with one /"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_stays_on_this_site() {
        let ok = |href| own_path(href, &()).is_ok();
        assert!(ok("/logs/shop/web"));
        for bad in ["https://evil", "//evil", "/\\evil", "javascript:alert(1)", ""] {
            assert!(!ok(bad), "{bad}");
        }
    }
}
