//! `presence`: who is here and what they look at. In the room `system`.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::{Delivery, InvalidPayload, Payload, Retention};
use crate::Name;

/// That a session came, changed or left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct Presence {
    /// Which session: one tab or client.
    pub session_id: Name,
    /// Who it is.
    pub user: Name,
    /// What happened.
    pub state: PresenceState,
    /// The page that it is on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 512))]
    pub page: Option<String>,
    /// Whether nobody has touched it for a while.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub idle: bool,
    /// How many sessions there are, where they are too many to be told one by one: then this is the
    /// only entry, and its session is `*`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u32>,
}

/// What happened to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum PresenceState {
    /// It came.
    Join,
    /// It looks at something else, or rests.
    Update,
    /// It left.
    Leave,
}

impl Payload for Presence {
    const TYPE: &'static str = "presence";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Latest;

    fn key(&self) -> &str {
        self.session_id.as_str()
    }

    fn is_removal(&self) -> bool {
        self.state == PresenceState::Leave
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        InvalidPayload::by_rules(self)
    }
}
