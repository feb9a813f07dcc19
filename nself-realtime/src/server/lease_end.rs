//! The end of a sign-in, for what is answered over HTTP and is no connection of its own.

use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Poll, ready};

use tokio::time::{Sleep, sleep};

use super::Server;
use crate::Timestamp;
use crate::auth::{Lease, LeaseWatch};
use crate::proto::CloseCode;

impl Server {
    /// Returns once that lease holds no more, with the code that its connections are closed with. To be
    /// awaited within a tokio runtime.
    pub(crate) fn lease_end(
        &self,
        lease: &Lease,
    ) -> impl Future<Output = CloseCode> + Send + use<> {
        let (mut watch, clock) = (LeaseWatch::new(lease), Arc::clone(self.hub().clock()));
        let mut timer: Option<(Timestamp, Pin<Box<Sleep>>)> = None;
        poll_fn(move |cx| {
            loop {
                let (until, left) = match watch.look(cx.waker()).check(clock.timestamp()) {
                    Err(code) => return Poll::Ready(code),
                    Ok(None) => return Poll::Pending,
                    Ok(Some(holds)) => holds,
                };
                let (_, sleep) = match timer.take() {
                    Some(known) if known.0 == until && !known.1.is_elapsed() => timer.insert(known),
                    _ => timer.insert((until, Box::pin(sleep(left)))),
                };
                // Whether it holds is for the hub's clock to say.
                ready!(sleep.as_mut().poll(cx));
            }
        })
    }
}
