//! Why a room is not read.

use crate::RoomName;
use crate::proto::ErrorCode;

/// Why a room is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoomError {
    /// It may not be read by this one.
    #[error("you may not read {room}")]
    Forbidden {
        /// Which room.
        room: RoomName,
    },
    /// The sign-in has ended: none of the rooms may be read without another one.
    #[error("your sign-in has ended: sign in again to read {room}")]
    SignedOut {
        /// Which room.
        room: RoomName,
    },
    /// There is no such room now.
    #[error("there is no room {room} now; ask again when system says that it is open")]
    UnknownRoom {
        /// Which room.
        room: RoomName,
    },
}

impl RoomError {
    /// The code on the wire.
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Forbidden { .. } => ErrorCode::Forbidden,
            Self::SignedOut { .. } => ErrorCode::Unauthorized,
            Self::UnknownRoom { .. } => ErrorCode::UnknownRoom,
        }
    }
}
