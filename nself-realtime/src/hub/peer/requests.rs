//! What a client asks for, and the answers.

use std::time::{Duration, Instant};

use super::{Peer, Token};
use crate::auth::{AuthError, Identity};
use crate::hub::sessions::NotResumed;
use crate::hub::{AckError, Reader, SubscribeError};
use crate::proto::server_frame::{
    AuthenticatedData, ErrorData, PongData, ServerFrame, Unsubscribed, UnsubscribedData,
    WelcomeData,
};
use crate::proto::{ClientFrame, ErrorCode, FrameError};
use crate::room::{Filter, MAX_FILTERS};
use crate::{Cursor, Name, RoomName};

impl Peer {
    pub(super) fn handle_frame(&mut self, now: Instant, frame: ClientFrame) {
        if let ClientFrame::Hello { session, secret } = frame {
            if let Err(error) = self.hello(now, session, &secret) {
                self.refuse(FrameError { id: None, error });
            }
            return;
        }
        self.standing.appear(&self.hub, now);
        let (id, outcome) = match frame {
            ClientFrame::Hello { .. } | ClientFrame::Pong => return,
            ClientFrame::Ack { room, cursor } => (None, self.acknowledge(now, &room, cursor)),
            ClientFrame::Presence { page, idle } => {
                return self.standing.look_at(&self.hub, now, page, idle);
            }
            ClientFrame::Ping { id } => {
                let data = PongData { server_time: self.hub.clock().timestamp() };
                return self.answer(&ServerFrame::Pong { id, data });
            }
            ClientFrame::Auth { id, token } => {
                self.token = Some(Token { id, token: Some(token) });
                return;
            }
            ClientFrame::Subscribe { id, room, filters, since } => {
                (id, self.subscribe(now, id, &room, filters, since))
            }
            ClientFrame::Unsubscribe { id, room, filter } => {
                (id, self.unsubscribe(id, &room, filter.as_ref()))
            }
        };
        if let Err(error) = outcome {
            self.refuse(FrameError { id, error });
        }
    }

    /// The token that is to be looked at, once. No input is read until
    /// [`Peer::handle_authenticated`] has told whose it is.
    #[must_use]
    pub fn poll_token(&mut self) -> Option<String> {
        self.token.as_mut()?.token.take()
    }

    /// Notes whose the token is. Rooms that this one may not read any more are left.
    pub fn handle_authenticated(&mut self, outcome: Result<Identity, AuthError>) {
        let Some(Token { id, .. }) = self.token.take() else { return };
        let refused = |code, message: String| FrameError {
            id,
            error: error(code, message, Some("/data/token")),
        };
        let identity = match outcome {
            Ok(identity) => identity,
            Err(why) => {
                let code = match why {
                    AuthError::Rejected => ErrorCode::Unauthorized,
                    AuthError::Expired => ErrorCode::Expired,
                    AuthError::Unavailable => ErrorCode::Internal,
                };
                return self.refuse(refused(code, why.to_string()));
            }
        };
        if identity.user() != self.standing.identity.user() {
            let message = "this token is somebody else's: connect anew".to_owned();
            return self.refuse(refused(ErrorCode::Forbidden, message));
        }
        self.standing.change_identity(identity);
        let data = AuthenticatedData { expires_at: self.standing.expires_at() };
        self.answer(&ServerFrame::Authenticated { id, data });
        self.check_rights();
    }

    /// Leaves the rooms that may not be read any more.
    fn check_rights(&mut self) {
        let (access, identity) = (self.access.clone(), self.standing.identity.clone());
        let allowed = |reader: &Reader| access.may_read(&identity, reader.name());
        let left: Vec<RoomName> = self
            .readers
            .iter()
            .filter(|reader| !allowed(reader))
            .map(|reader| reader.name().clone())
            .collect();
        self.readers.retain(allowed);
        for room in left {
            let data = UnsubscribedData { reason: Unsubscribed::Forbidden };
            self.answer(&ServerFrame::Unsubscribed { id: None, room: &room, data });
        }
    }

    fn hello(&mut self, now: Instant, session: Name, secret: &str) -> Result<(), ErrorData> {
        if self.standing.is_present() {
            let message = "hello comes first or not at all".to_owned();
            return Err(error(ErrorCode::BadRequest, message, None));
        }
        match self.standing.resume(&self.hub, now, session, secret) {
            Ok(()) => self.welcome(),
            // It keeps the session that it was welcomed with.
            Err(NotResumed::NotFree) => {}
            Err(NotResumed::Forged) => {
                let message = "this is not the secret of that session".to_owned();
                return Err(error(ErrorCode::Forbidden, message, Some("/data/secret")));
            }
        }
        Ok(())
    }

    fn subscribe(
        &mut self,
        now: Instant,
        id: Option<u64>,
        name: &RoomName,
        filters: Vec<Filter>,
        since: Option<Cursor>,
    ) -> Result<(), ErrorData> {
        if let Some(reader) = self.readers.iter_mut().find(|reader| reader.name() == name) {
            if since.is_some() {
                let message = "filters are added to a subscription without since".to_owned();
                return Err(error(ErrorCode::BadRequest, message, Some("/data/since")));
            }
            reader.add(filters, id, &mut self.outputs).map_err(|e| refused(e, name))?;
            self.answer_outputs();
            return Ok(());
        }
        if self.readers.len() >= self.config.max_rooms {
            let message = format!("a connection may have {} rooms", self.config.max_rooms);
            return Err(error(ErrorCode::TooManySubscriptions, message, Some("/room")));
        }
        if !self.access.may_read(&self.standing.identity, name) {
            let message = format!("you may not read {name}");
            return Err(error(ErrorCode::Forbidden, message, Some("/room")));
        }
        let room = self.hub.room(name).ok_or_else(|| refused(SubscribeError::Closed, name))?;
        let reader = Reader::subscribe(room, filters, since, id, now, &mut self.outputs)
            .map_err(|e| refused(e, name))?;
        self.answer_outputs();
        // Most connections read one room: no room for four.
        self.readers.reserve_exact(1);
        self.readers.push(reader);
        Ok(())
    }

    fn acknowledge(
        &mut self,
        now: Instant,
        name: &RoomName,
        cursor: Cursor,
    ) -> Result<(), ErrorData> {
        let reader = self.readers.iter().find(|reader| reader.name() == name);
        let reader = reader.ok_or_else(|| {
            error(ErrorCode::NotFound, "not subscribed to this room".into(), Some("/room"))
        })?;
        reader.acknowledge(now, cursor).map_err(|why| {
            let (message, field) = match why {
                AckError::NotAStream => ("nothing is acknowledged in this room", "/room"),
                AckError::NotSent => ("that was not sent", "/data/cursor"),
            };
            error(ErrorCode::BadRequest, message.into(), Some(field))
        })
    }

    fn answer_outputs(&mut self) {
        for output in self.outputs.drain(..) {
            output.count(self.hub.counters());
            self.answers.push_back(output.into_frame());
        }
    }

    fn unsubscribe(
        &mut self,
        id: Option<u64>,
        name: &RoomName,
        filter: Option<&Filter>,
    ) -> Result<(), ErrorData> {
        let not_found =
            |message: &str, field| error(ErrorCode::NotFound, message.into(), Some(field));
        let index = self.readers.iter().position(|reader| reader.name() == name);
        let index = index.ok_or_else(|| not_found("not subscribed to this room", "/room"))?;
        let emptied = match (filter, self.readers.get_mut(index)) {
            (Some(filter), Some(reader)) => {
                if !reader.remove(filter) {
                    return Err(not_found("no filter has these types and keys", "/data"));
                }
                reader.is_empty()
            }
            _ => true,
        };
        if emptied {
            self.readers.remove(index).leave_stream();
        }
        let data = UnsubscribedData { reason: Unsubscribed::Requested };
        self.answer(&ServerFrame::Unsubscribed { id, room: name, data });
        Ok(())
    }

    pub(super) fn welcome(&mut self) {
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let data = WelcomeData {
            protocol: 1,
            session_id: self.standing.session().as_str(),
            secret: &self.standing.secret(),
            user: self.standing.identity.user(),
            server_time: self.hub.clock().timestamp(),
            heartbeat_ms: ms(self.config.heartbeat),
            heartbeat_timeout_ms: ms(self.config.heartbeat_timeout),
            max_message_bytes: self.config.max_message_bytes,
            expires_at: self.standing.expires_at(),
        };
        let frame = ServerFrame::Welcome { data }.encode();
        self.answers.push_back(frame);
    }
}

fn error(code: ErrorCode, message: String, field: Option<&str>) -> ErrorData {
    ErrorData { code, message, field: field.map(str::to_owned), retry_after_ms: None }
}

fn refused(why: SubscribeError, room: &RoomName) -> ErrorData {
    match why {
        SubscribeError::Closed => {
            error(ErrorCode::UnknownRoom, format!("there is no room {room} now"), Some("/room"))
        }
        SubscribeError::TooManyFilters => {
            let message = format!("a subscription may have {MAX_FILTERS} filters");
            error(ErrorCode::BadRequest, message, Some("/data/filters"))
        }
    }
}
