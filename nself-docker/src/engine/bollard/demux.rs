//! Takes the body of a log apart: the frames of two pipes, or the raw output of a terminal. Nothing in
//! it is believed further than memory allows: a frame comes in pieces of at most [`PIECE`], however long
//! the engine says that it is.

use std::collections::VecDeque;

use bytes::{Buf as _, BufMut as _, Bytes, BytesMut};

use crate::engine::{EngineError, LogFrame, LogPipe};

/// The state between two chunks of a body.
#[derive(Debug, Default)]
pub(super) struct Demux {
    state: State,
    /// The beginning of a header or of a piece.
    pending: BytesMut,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    /// Nothing has come. With times asked for, what a terminal prints begins with a digit, and a
    /// frame with the number of a pipe.
    #[default]
    Undecided,
    Terminal,
    Header,
    Payload(Payload),
}

#[derive(Debug, Clone, Copy)]
struct Payload {
    channel: Channel,
    /// How many bytes of it have not come yet, by the engine's word.
    left: usize,
    /// Whether that word is to be doubted: a frame is one line, and ends with it at the latest.
    doubtful: bool,
    /// Whether a piece of it was handed on.
    begun: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Channel {
    Pipe(LogPipe),
    /// What the engine says about its own reading.
    Complaint,
}

impl Demux {
    /// Takes a chunk; what is complete goes to `frames`.
    ///
    /// # Errors
    ///
    /// What the engine complains about in the midst of a log, or that this is no log. Nothing can be
    /// read after it.
    pub(super) fn handle(
        &mut self,
        mut chunk: Bytes,
        frames: &mut VecDeque<LogFrame>,
    ) -> Result<(), EngineError> {
        while !chunk.is_empty() {
            match self.state {
                State::Undecided => {
                    let has_header = chunk.first().is_some_and(|byte| *byte <= COMPLAINT);
                    self.state = if has_header { State::Header } else { State::Terminal };
                }
                State::Terminal => {
                    let pipe = LogPipe::Terminal;
                    frames.push_back(LogFrame { pipe, bytes: chunk, continued: false });
                    return Ok(());
                }
                State::Header => {
                    let missing = (HEADER - self.pending.len()).min(chunk.len());
                    self.pending.put((&mut chunk).take(missing));
                    if self.pending.len() == HEADER {
                        self.state = State::Payload(header(&self.pending)?);
                        self.pending.clear();
                    }
                }
                State::Payload(payload) => self.take_payload(payload, &mut chunk, frames)?,
            }
        }
        Ok(())
    }

    fn take_payload(
        &mut self,
        mut payload: Payload,
        chunk: &mut Bytes,
        frames: &mut VecDeque<LogFrame>,
    ) -> Result<(), EngineError> {
        let mut part = chunk.split_to(payload.left.min(chunk.len()));
        payload.left -= part.len();
        if payload.doubtful
            && let Some(end) = part.iter().position(|byte| *byte == b'\n')
            && (end + 1 < part.len() || payload.left > 0)
        {
            // The line ends before the frame does: the length was nonsense, and a header follows.
            let after = part.split_off(end + 1);
            let mut rest = BytesMut::from(&after[..]);
            rest.extend_from_slice(chunk);
            *chunk = rest.freeze();
            payload.left = 0;
        }
        let over = payload.left == 0;
        let bytes = if self.pending.is_empty() && over {
            part
        } else {
            self.pending.extend_from_slice(&part);
            if !over && self.pending.len() < PIECE {
                self.state = State::Payload(payload);
                return Ok(());
            }
            self.pending.split().freeze()
        };
        match payload.channel {
            Channel::Complaint => return Err(complaint(&bytes)),
            Channel::Pipe(pipe) => {
                frames.push_back(LogFrame { pipe, bytes, continued: payload.begun });
            }
        }
        payload.begun = true;
        self.state = if over { State::Header } else { State::Payload(payload) };
        Ok(())
    }
}

fn header(bytes: &[u8]) -> Result<Payload, EngineError> {
    let mut rest = bytes;
    let (channel, padding, length) = (rest.get_u8(), rest.get_uint(3), rest.get_u32());
    let channel = match channel {
        // The first is the container's input, which an engine never tells.
        0 | 1 => Channel::Pipe(LogPipe::Stdout),
        2 => Channel::Pipe(LogPipe::Stderr),
        COMPLAINT => Channel::Complaint,
        _ => return Err(nonsense(bytes)),
    };
    if padding != 0 {
        return Err(nonsense(bytes));
    }
    let left = usize::try_from(length).unwrap_or(usize::MAX);
    Ok(Payload { channel, left, doubtful: left > BELIEVED, begun: false })
}

fn nonsense(header: &[u8]) -> EngineError {
    EngineError::Unreadable { message: format!("{header:02x?} is no frame of a log") }
}

fn complaint(bytes: &[u8]) -> EngineError {
    let text = String::from_utf8_lossy(bytes);
    EngineError::ReadingFailed { message: crate::text::at_most(text.trim(), 1_024) }
}

const HEADER: usize = 8;

/// The number of the channel on which an engine says what is wrong with a log.
const COMPLAINT: u8 = 3;

/// How much of a frame is held before it is handed on.
const PIECE: usize = 64 * 1024;

/// How long a frame may say that it is without being doubted.
const BELIEVED: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(channel: u8, text: &str) -> Vec<u8> {
        framed(channel, u32::try_from(text.len()).unwrap(), text)
    }

    fn framed(channel: u8, length: u32, text: &str) -> Vec<u8> {
        let [a, b, c, d] = length.to_be_bytes();
        [&[channel, 0, 0, 0, a, b, c, d], text.as_bytes()].concat()
    }

    fn take(chunks: &[&[u8]]) -> (Vec<(LogPipe, String, bool)>, Option<EngineError>) {
        let (mut demux, mut frames) = (Demux::default(), VecDeque::new());
        let failed = chunks
            .iter()
            .find_map(|chunk| demux.handle(Bytes::copy_from_slice(chunk), &mut frames).err());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let frames = frames.iter().map(|f| (f.pipe, text(&f.bytes), f.continued)).collect();
        (frames, failed)
    }

    #[test]
    fn frames_come_whole_wherever_the_body_is_cut() {
        let body =
            [frame(1, "one\n"), frame(2, "two\n"), frame(1, ""), frame(0, "three\n")].concat();
        let expected = [
            (LogPipe::Stdout, "one\n".to_owned(), false),
            (LogPipe::Stderr, "two\n".to_owned(), false),
            (LogPipe::Stdout, "three\n".to_owned(), false),
        ];
        for at in 0..body.len() {
            let (before, after) = body.split_at(at);
            let (mut frames, failed) = take(&[before, after]);
            frames.retain(|(_, text, _)| !text.is_empty());
            assert_eq!((frames.as_slice(), failed), (expected.as_slice(), None), "cut at {at}");
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        let (mut frames, _) = take(&bytes);
        frames.retain(|(_, text, _)| !text.is_empty());
        assert_eq!(frames, expected);
    }

    #[test]
    fn a_terminal_begins_with_a_digit_and_is_handed_on_as_it_comes() {
        let (frames, failed) = take(&[b"2026-01-31T12:00:00Z \x01a", b"\x02b\r\n"]);
        assert_eq!(failed, None);
        assert_eq!(frames[1], (LogPipe::Terminal, "\u{2}b\r\n".to_owned(), false));
    }

    #[test]
    fn a_frame_that_announces_four_gibibytes_ends_with_its_line() {
        let body = [framed(1, u32::MAX, "short\n"), frame(2, "next\n")].concat();
        for at in 0..body.len() {
            let (before, after) = body.split_at(at);
            let (frames, failed) = take(&[before, after]);
            assert_eq!(failed, None, "cut at {at}");
            let texts: Vec<&str> = frames.iter().map(|(_, text, _)| text.as_str()).collect();
            assert_eq!(texts, ["short\n", "next\n"], "cut at {at}");
        }
    }

    #[test]
    fn a_long_frame_comes_in_pieces_and_little_of_it_is_held() {
        let (mut demux, mut frames) = (Demux::default(), VecDeque::new());
        demux.handle(framed(1, u32::MAX, "").into(), &mut frames).unwrap();
        let chunk = Bytes::from(vec![b'x'; 10_000]);
        let mut came = 0;
        for _ in 0..1_000 {
            demux.handle(chunk.clone(), &mut frames).unwrap();
            assert!(demux.pending.capacity() <= 2 * PIECE + chunk.len());
            came += frames.drain(..).map(|frame| frame.bytes.len()).sum::<usize>();
        }
        assert!(10_000_000 - came < PIECE);
        demux.handle(Bytes::from_static(b"\n"), &mut frames).unwrap();
        assert!(frames.back().unwrap().continued);
        demux.handle(frame(1, "next\n").into(), &mut frames).unwrap();
        let next = frames.back().unwrap();
        assert_eq!((&next.bytes[..], next.continued), (&b"next\n"[..], false));
    }

    #[test]
    fn what_the_engine_complains_about_is_an_error() {
        let (frames, failed) = take(&[&frame(1, "one\n"), &frame(3, "Error grabbing logs: EOF\n")]);
        assert_eq!(frames.len(), 1);
        let message = "Error grabbing logs: EOF".to_owned();
        assert_eq!(failed, Some(EngineError::ReadingFailed { message }));
    }

    #[test]
    fn what_is_no_frame_is_an_error() {
        for nonsense in [b"\x04\0\0\0\0\0\0\x01x", b"\x01\x01\0\0\0\0\0\x01x"] {
            let (frames, failed) = take(&[&frame(1, "one\n"), nonsense]);
            assert_eq!(frames.len(), 1);
            assert!(matches!(failed, Some(EngineError::Unreadable { .. })), "{failed:?}");
        }
    }
}
