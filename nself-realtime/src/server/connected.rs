//! Counts who is connected, over whatever transport.

use crate::hub::Hub;
use crate::stats::Transport;

/// One that is connected for as long as this is held, however it ends.
#[derive(Debug)]
pub(crate) struct Connected {
    hub: Hub,
    transport: Transport,
}

impl Connected {
    pub(crate) fn new(hub: Hub, transport: Transport) -> Self {
        hub.counters().connected(transport);
        Self { hub, transport }
    }

    pub(crate) fn hub(&self) -> &Hub {
        &self.hub
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.hub.counters().disconnected(self.transport);
    }
}
