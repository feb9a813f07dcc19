//! `room:status`: which rooms there are. In the room `system`.

use garde::Validate;
use serde::{Deserialize, Serialize};

use super::{Delivery, InvalidPayload, Payload, Retention};
use crate::RoomName;

/// That a room was opened or closed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Validate)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
#[garde(allow_unvalidated)]
pub struct RoomStatus {
    /// Which room.
    pub room: RoomName,
    /// Whether it can be subscribed to.
    pub state: RoomState,
    /// What people call it, where its name cannot say so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[garde(length(bytes, max = 256))]
    pub title: Option<String>,
    /// How many services it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<u32>,
}

/// Whether a room can be subscribed to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum RoomState {
    /// It can.
    Open,
    /// It is gone. If it comes back, it begins a new epoch.
    Closed,
}

impl Payload for RoomStatus {
    const TYPE: &'static str = "room:status";
    const DELIVERY: Delivery = Delivery::Immediate;
    const RETENTION: Retention = Retention::Latest;

    fn key(&self) -> &str {
        self.room.as_str()
    }

    fn is_removal(&self) -> bool {
        self.state == RoomState::Closed
    }

    fn check(&self) -> Result<(), InvalidPayload> {
        InvalidPayload::by_rules(self)
    }
}
