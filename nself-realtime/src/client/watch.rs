//! A value that changes, of which the latest is what matters.

use std::fmt;
use std::sync::Arc;

use tokio::sync::watch;

use super::shared::{Interest, Owner};

/// A value that changes. Its reader never holds anything up: values that it does not look at are skipped.
pub struct Watch<T> {
    receiver: watch::Receiver<T>,
    // Alive as long as somebody looks.
    _alive: Alive,
}

enum Alive {
    Client(#[expect(dead_code, reason = "held, not read")] Arc<Owner>),
    Reading(#[expect(dead_code, reason = "held, not read")] Interest),
}

impl<T: Clone> Watch<T> {
    pub(super) fn of_client(mut receiver: watch::Receiver<T>, owner: Arc<Owner>) -> Self {
        // Whatever it was cloned from may have seen less.
        receiver.mark_unchanged();
        Self { receiver, _alive: Alive::Client(owner) }
    }

    pub(super) fn of_reading(receiver: watch::Receiver<T>, interest: Interest) -> Self {
        Self { receiver, _alive: Alive::Reading(interest) }
    }

    /// The value now.
    pub fn get(&self) -> T {
        self.receiver.borrow().clone()
    }

    /// Waits for a value that this handle has not given yet; `None` once the client has ended. The first call gives the
    /// first change after the watch was made.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was skipped: the next call gives the newest value.
    pub async fn changed(&mut self) -> Option<T> {
        self.receiver.changed().await.ok()?;
        Some(self.receiver.borrow_and_update().clone())
    }

    /// Waits for a value of which `is` is true, beginning with the one now; `None` once the client has
    /// ended.
    ///
    /// # Cancel safety
    ///
    /// Dropped before it is ready, nothing was changed.
    pub async fn wait_for(&mut self, is: impl FnMut(&T) -> bool) -> Option<T> {
        self.receiver.wait_for(is).await.ok().map(|value| value.clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Watch<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watch").field(&*self.receiver.borrow()).finish()
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::super::shared::Shared;
    use super::*;

    #[test]
    fn the_first_change_is_the_first_after_the_watch_was_made() {
        let (sender, receiver) = watch::channel(0);
        sender.send_replace(1);
        let owner = Arc::new(Owner { shared: Arc::new(Shared::default()) });
        let mut watch = Watch::of_client(receiver.clone(), owner);
        assert_eq!((watch.get(), watch.changed().now_or_never()), (1, None));
        sender.send_replace(2);
        assert_eq!(watch.changed().now_or_never(), Some(Some(2)));
    }
}
