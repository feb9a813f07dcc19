//! Takes what a server writes apart without holding it: headers of WebSocket frames are read, payloads are
//! only searched for events.

use memchr::memmem::Finder;

use crate::tick::{AT, DIGITS};

/// So much of the end of a part may be the begin of an event's time.
const CARRIED: usize = AT.len() + DIGITS - 1;

/// The longest header of a frame that a server sends.
const HEADER: usize = 10;

/// How the bytes of one connection are cut.
#[derive(Debug, Default)]
pub(super) struct FrameReader {
    header: [u8; HEADER],
    header_len: usize,
    // Of the payload of the frame that is read.
    left: u64,
    carried: Vec<u8>,
}

/// What one reading found.
pub(super) trait Found {
    /// A frame begins.
    fn frame(&mut self);

    /// An event, published then.
    fn event(&mut self, at: u64);
}

impl FrameReader {
    pub(super) fn read(&mut self, mut bytes: &[u8], finder: &Finder<'_>, found: &mut impl Found) {
        while let Some(first) = bytes.first() {
            if self.left > 0 {
                let len = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
                let (payload, rest) = bytes.split_at(len);
                self.search(payload, finder, found);
                self.left -= len as u64;
                bytes = rest;
                if self.left == 0 {
                    self.carried.clear();
                }
                continue;
            }
            if let Some(place) = self.header.get_mut(self.header_len) {
                *place = *first;
            }
            self.header_len += 1;
            bytes = bytes.get(1..).unwrap_or_default();
            if let Some(len) = self.payload_len() {
                (self.left, self.header_len) = (len, 0);
                found.frame();
            }
        }
    }

    /// The length of the payload, once its header is there. Servers do not mask.
    fn payload_len(&self) -> Option<u64> {
        let header = self.header.get(..self.header_len)?;
        match header {
            [_, 126, high, low] => Some(u64::from(u16::from_be_bytes([*high, *low]))),
            [_, 127, length @ ..] => length.try_into().ok().map(u64::from_be_bytes),
            [_, short] if *short < 126 => Some(u64::from(*short)),
            _ => None,
        }
    }

    fn search(&mut self, payload: &[u8], finder: &Finder<'_>, found: &mut impl Found) {
        if !self.carried.is_empty() {
            // Only what begins in the part before: what begins in this one is found below.
            let begun = self.carried.len();
            self.carried.extend(payload.iter().take(CARRIED));
            for at in finder.find_iter(&self.carried).filter(|at| *at < begun) {
                if let Some(at) = time(&self.carried, at) {
                    found.event(at);
                }
            }
        }
        for at in finder.find_iter(payload) {
            if let Some(at) = time(payload, at) {
                found.event(at);
            }
        }
        if payload.len() >= CARRIED {
            self.carried.clear();
            self.carried.extend(payload.iter().skip(payload.len() - CARRIED));
        } else {
            if self.carried.is_empty() {
                self.carried.extend_from_slice(payload);
            }
            let surplus = self.carried.len().saturating_sub(CARRIED);
            self.carried.drain(..surplus);
        }
    }
}

/// The number behind the field's name, if it is there to its end.
fn time(bytes: &[u8], at: usize) -> Option<u64> {
    let digits = bytes.get(at + AT.len()..at + AT.len() + DIGITS)?;
    Some(digits.iter().fold(0, |number, digit| number * 10 + u64::from(digit.wrapping_sub(b'0'))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq)]
    struct Counted {
        frames: usize,
        events: Vec<u64>,
    }

    impl Found for Counted {
        fn frame(&mut self) {
            self.frames += 1;
        }

        fn event(&mut self, at: u64) {
            self.events.push(at);
        }
    }

    fn event(at: u64) -> String {
        format!(r#"{{"at":"{at}","text":"…"}}"#)
    }

    fn frame(payload: &str) -> Vec<u8> {
        let mut frame = vec![0x81];
        match payload.len() {
            short @ 0..126 => frame.push(u8::try_from(short).unwrap()),
            long => {
                frame.push(126);
                frame.extend(u16::try_from(long).unwrap().to_be_bytes());
            }
        }
        frame.extend(payload.bytes());
        frame
    }

    #[test]
    fn every_event_is_found_once_however_the_bytes_are_cut() {
        let first = 1_700_000_000_000_000_001;
        let batch = (1..=20).map(|n| event(first + n)).collect::<Vec<_>>().join(",");
        let mut bytes = frame(&event(first));
        bytes.extend(frame(&batch));
        bytes.extend(frame("{}"));
        let expected = Counted { frames: 3, events: (first..=first + 20).collect() };
        let finder = Finder::new(AT);
        for cut in 1..bytes.len() {
            let (mut reader, mut counted) = (FrameReader::default(), Counted::default());
            for part in bytes.chunks(cut) {
                reader.read(part, &finder, &mut counted);
            }
            assert_eq!(counted, expected, "parts of {cut} bytes");
        }
    }
}
