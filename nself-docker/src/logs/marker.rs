//! What stands between the lines of a log: that something happened to its container, or to the log itself.

use nself_realtime::clock::Clock;
use nself_realtime::event::{LogMarker, LogsStream, Marker};
use nself_realtime::{Emitter, Name};

/// Whose log it is, and where it is told.
pub(crate) struct MarkerOf<'a> {
    pub(crate) service: &'a Name,
    pub(crate) container: &'a Name,
    pub(crate) emitter: &'a Emitter,
    pub(crate) clock: &'a dyn Clock,
}

impl MarkerOf<'_> {
    /// Publishes a marker.
    pub(crate) fn mark(&self, marker: Marker, text: &str) {
        let marker = LogMarker {
            service: self.service.clone(),
            time: self.clock.timestamp().into(),
            container_id: Some(self.container.clone()),
            marker,
            text: crate::text::at_most(text, 4_096),
            // An engine never tells how much it lost.
            missed: None,
        };
        if let Err(error) = self.emitter.log(&LogsStream::Marker(marker)) {
            tracing::warn!(container = %self.container, %error, "marker was not published");
        }
    }
}
