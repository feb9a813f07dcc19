//! What a WebSocket has to write: frames whose bytes are shared with other connections, each behind a
//! header of its own, all in one write.
//!
//! tungstenite would copy every frame into a buffer of the connection, which never shrinks. It still
//! answers pings and closes: what it writes is taken whole, so that it stands between frames.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// The first byte of a text frame that is a message of its own.
const TEXT: u8 = 0x81;
/// The longest header that a server writes: it does not mask.
const MAX_HEADER: usize = 10;
/// So many parts go into one write.
const SLICES: usize = 16;
/// Up to that many bytes are cheaper copied than handed to the operating system in parts.
const SMALL: usize = 1024;
/// With that many frames waiting, tungstenite waits.
const MAX_CONTROL: usize = 32;
/// A queue that was longer gives its memory back.
const KEPT: usize = 4;

/// A socket and what waits for it.
pub(super) struct Outgoing<T> {
    io: T,
    queue: VecDeque<Queued>,
    written: u64,
}

/// A frame, or what is left of it.
struct Queued {
    header: Header,
    payload: Bytes,
}

/// At most ten bytes, without an allocation.
struct Header {
    bytes: [u8; MAX_HEADER],
    from: u8,
    to: u8,
}

impl<T> Outgoing<T> {
    pub(super) fn new(io: T) -> Self {
        Self { io, queue: VecDeque::new(), written: 0 }
    }

    /// Queues a text message.
    pub(super) fn queue(&mut self, payload: Bytes) {
        self.queue.push_back(Queued { header: Header::of_text(payload.len()), payload });
    }

    /// The socket, past what waits for it.
    pub(super) fn io(&mut self) -> &mut T {
        &mut self.io
    }

    /// Counts what the operating system has taken: progress, not the length of a queue, tells a slow
    /// reader from a dead one.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    fn advance(&mut self, mut taken: usize) {
        while let Some(first) = self.queue.front_mut() {
            taken -= first.header.advance(taken);
            let of_payload = taken.min(first.payload.len());
            first.payload.advance(of_payload);
            taken -= of_payload;
            if !first.is_taken() {
                return;
            }
            self.queue.pop_front();
        }
        if self.queue.capacity() > KEPT {
            self.queue = VecDeque::new();
        }
    }
}

impl<T: AsyncWrite + Unpin> Outgoing<T> {
    /// Ready when the socket has taken everything.
    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let parts = self.queue.iter().flat_map(Queued::parts);
            let mut count = 0;
            for (slice, part) in slices.iter_mut().zip(parts) {
                *slice = IoSlice::new(part);
                count += 1;
            }
            let slices = slices.get(..count).unwrap_or_default();
            let mut small = [0; SMALL];
            let taken = match copy(slices, &mut small) {
                Some(bytes) => ready!(Pin::new(&mut self.io).poll_write(cx, bytes))?,
                None => ready!(Pin::new(&mut self.io).poll_write_vectored(cx, slices))?,
            };
            if taken == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += taken as u64;
            self.advance(taken);
        }
        Poll::Ready(Ok(()))
    }
}

/// All bytes of the slices in one, if they fit.
fn copy<'a>(slices: &[IoSlice<'_>], into: &'a mut [u8]) -> Option<&'a [u8]> {
    let mut length = 0;
    for slice in slices {
        let end = length + slice.len();
        into.get_mut(length..end)?.copy_from_slice(slice);
        length = end;
    }
    into.get(..length)
}

impl Queued {
    fn parts(&self) -> impl Iterator<Item = &[u8]> {
        [self.header.left(), &*self.payload].into_iter().filter(|part| !part.is_empty())
    }

    fn is_taken(&self) -> bool {
        self.header.left().is_empty() && self.payload.is_empty()
    }
}

impl Header {
    const EMPTY: Self = Self { bytes: [0; MAX_HEADER], from: 0, to: 0 };

    fn of_text(length: usize) -> Self {
        let mut bytes = [0; MAX_HEADER];
        let mut header = bytes.iter_mut();
        let mut to = 0;
        let mut put = |byte| {
            if let Some(place) = header.next() {
                *place = byte;
                to += 1;
            }
        };
        put(TEXT);
        match (u8::try_from(length), u16::try_from(length)) {
            (Ok(short @ 0..126), _) => put(short),
            (_, Ok(medium)) => {
                put(126);
                medium.to_be_bytes().into_iter().for_each(put);
            }
            _ => {
                put(127);
                (length as u64).to_be_bytes().into_iter().for_each(put);
            }
        }
        Self { bytes, from: 0, to }
    }

    fn left(&self) -> &[u8] {
        self.bytes.get(usize::from(self.from)..usize::from(self.to)).unwrap_or_default()
    }

    /// Lets go of at most that many bytes, and says of how many.
    fn advance(&mut self, bytes: usize) -> usize {
        let left = self.to - self.from;
        let bytes = u8::try_from(bytes).map_or(left, |bytes| bytes.min(left));
        self.from += bytes;
        usize::from(bytes)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Outgoing<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Outgoing<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.queue.len() >= MAX_CONTROL {
            ready!(self.poll_send(cx))?;
        }
        let payload = Bytes::copy_from_slice(buf);
        self.queue.push_back(Queued { header: Header::EMPTY, payload });
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_send(cx))?;
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    /// Takes so many bytes of each write, and notes them.
    struct Narrow {
        step: usize,
        taken: Vec<u8>,
        writes: usize,
        vectored: usize,
    }

    impl Narrow {
        fn take(&mut self, slices: &[IoSlice<'_>]) -> usize {
            let before = self.taken.len();
            let bytes = slices.iter().flat_map(|slice| slice.iter().copied());
            self.taken.extend(bytes.take(self.step));
            self.writes += 1;
            self.taken.len() - before
        }
    }

    impl AsyncWrite for Narrow {
        fn poll_write(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            bytes: &[u8],
        ) -> Poll<io::Result<usize>> {
            Poll::Ready(Ok(self.take(&[IoSlice::new(bytes)])))
        }

        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
            slices: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.vectored += 1;
            Poll::Ready(Ok(self.take(slices)))
        }

        fn is_write_vectored(&self) -> bool {
            true
        }

        fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }

        fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
            Poll::Ready(Ok(()))
        }
    }

    fn narrow(step: usize) -> Outgoing<Narrow> {
        Outgoing::new(Narrow { step, taken: Vec::new(), writes: 0, vectored: 0 })
    }

    fn flush(outgoing: &mut Outgoing<Narrow>) {
        let mut context = Context::from_waker(Waker::noop());
        assert!(matches!(Pin::new(outgoing).poll_flush(&mut context), Poll::Ready(Ok(()))));
    }

    #[test]
    fn the_frames_of_a_flush_are_one_write() {
        let mut outgoing = narrow(usize::MAX);
        for text in ["one", "two", "three"] {
            outgoing.queue(Bytes::from_static(text.as_bytes()));
        }
        flush(&mut outgoing);
        assert_eq!(outgoing.io.taken, b"\x81\x03one\x81\x03two\x81\x05three");
        assert_eq!((outgoing.io.writes, outgoing.io.vectored, outgoing.written()), (1, 0, 17));
    }

    #[test]
    fn what_is_not_small_is_written_from_where_it_lies() {
        let mut outgoing = narrow(usize::MAX);
        outgoing.queue(Bytes::from("x".repeat(60_000)));
        outgoing.queue(Bytes::from_static(b"end"));
        flush(&mut outgoing);
        assert_eq!((outgoing.io.writes, outgoing.io.vectored), (1, 1));
        assert!(outgoing.io.taken.ends_with(b"xx\x81\x03end"));
        assert_eq!(outgoing.written(), 60_009);
    }

    #[test]
    fn frames_and_what_stands_between_them_come_whole_and_in_order_however_little_is_taken() {
        let long = "x".repeat(3_000);
        for step in (1..40).chain([1_024, 2_000]) {
            let mut outgoing = narrow(step);
            outgoing.queue(Bytes::from(long.clone()));
            let mut context = Context::from_waker(Waker::noop());
            let pong = Pin::new(&mut outgoing).poll_write(&mut context, b"\x8a\x00");
            assert!(matches!(pong, Poll::Ready(Ok(2))));
            outgoing.queue(Bytes::from_static(b"end"));
            flush(&mut outgoing);
            let expected = [b"\x81\x7e\x0b\xb8", long.as_bytes(), b"\x8a\x00\x81\x03end"].concat();
            assert_eq!(outgoing.io.taken, expected, "{step} bytes at a time");
        }
    }

    #[test]
    fn headers_have_the_three_lengths_of_the_protocol() {
        assert_eq!(Header::of_text(125).left(), [TEXT, 125]);
        assert_eq!(Header::of_text(126).left(), [TEXT, 126, 0, 126]);
        assert_eq!(Header::of_text(65_535).left(), [TEXT, 126, 255, 255]);
        assert_eq!(Header::of_text(65_536).left(), [TEXT, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn a_long_queue_gives_its_memory_back() {
        let mut outgoing = narrow(usize::MAX);
        for _ in 0..100 {
            outgoing.queue(Bytes::from_static(b"event"));
        }
        flush(&mut outgoing);
        assert_eq!(outgoing.queue.capacity(), 0);
    }
}
