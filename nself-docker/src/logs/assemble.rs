//! Puts lines together from the parts that an engine cuts them into. State is kept per pipe, because
//! the parts of the two pipes interleave. Memory is bounded: what is beyond [`MAX_RAW`] is counted
//! and thrown away until the line ends.

use bytes::{Bytes, BytesMut};
use nself_realtime::NanoTimestamp;
use nself_realtime::event::Source;

use super::timestamp::split_time;
use crate::engine::{LogFrame, LogPipe};

/// A line as the container printed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawLine {
    pub(crate) source: Source,
    pub(crate) time: NanoTimestamp,
    /// Without its line end.
    pub(crate) bytes: Bytes,
    /// How many bytes were thrown away at its end.
    pub(crate) cut: u64,
}

/// Puts the lines of one reading of one container together. A new reading needs a new one: it
/// brings the first part of an unfinished line again.
#[derive(Debug, Default)]
pub(crate) struct Assembler {
    began: Option<NanoTimestamp>,
    stdout: Option<Partial>,
    stderr: Option<Partial>,
    terminal: Terminal,
}

impl Assembler {
    /// Takes a frame; lines that are now whole go to `lines`.
    pub(crate) fn handle(&mut self, frame: &LogFrame, lines: &mut Vec<RawLine>) {
        let (source, slot) = match frame.pipe {
            LogPipe::Stdout => (Source::Stdout, &mut self.stdout),
            LogPipe::Stderr => (Source::Stderr, &mut self.stderr),
            LogPipe::Terminal => return self.terminal.handle(&frame.bytes, lines),
        };
        let parted = if frame.continued { None } else { split_time(&frame.bytes) };
        let Some((time, text)) = parted else {
            // Without a time it cannot be a line's beginning: it is the rest of the line before.
            if let Some(mut partial) = slot.take() {
                partial.append(without_newline(&frame.bytes));
                if frame.bytes.last() == Some(&b'\n') {
                    lines.push(partial.into_line(source));
                } else {
                    *slot = Some(partial);
                }
            }
            return;
        };
        self.began.get_or_insert(time);
        let text = frame.bytes.slice_ref(text);
        if let Some(partial) = slot.take() {
            if partial.time == time {
                let partial = slot.insert(partial);
                partial.append(without_newline(&text));
                if !goes_on(&text) {
                    lines.extend(slot.take().map(|partial| partial.into_line(source)));
                }
                return;
            }
            lines.push(partial.into_line(source));
        }
        if goes_on(&text) {
            let mut partial = Partial::new(time);
            partial.append(&text);
            *slot = Some(partial);
        } else {
            lines.push(whole_line(source, time, text));
        }
    }

    /// The time of the first line or part of one; of a terminal, nobody looks.
    pub(crate) fn began(&self) -> Option<NanoTimestamp> {
        self.began
    }

    /// Takes the end of a log that nobody will write to any more: what is unfinished is a line.
    pub(crate) fn finish(&mut self, lines: &mut Vec<RawLine>) {
        for (source, slot) in
            [(Source::Stdout, &mut self.stdout), (Source::Stderr, &mut self.stderr)]
        {
            lines.extend(slot.take().map(|partial| partial.into_line(source)));
        }
        self.terminal.finish(lines);
    }
}

/// The beginning of a line whose end has not come yet.
#[derive(Debug)]
struct Partial {
    time: NanoTimestamp,
    bytes: BytesMut,
    cut: u64,
}

impl Partial {
    fn new(time: NanoTimestamp) -> Self {
        Self { time, bytes: BytesMut::new(), cut: 0 }
    }

    fn append(&mut self, text: &[u8]) {
        self.cut += append_bounded(&mut self.bytes, text);
    }

    fn into_line(self, source: Source) -> RawLine {
        RawLine { source, time: self.time, bytes: self.bytes.freeze(), cut: self.cut }
    }
}

/// The output of a terminal: raw bytes in pieces of any size, lines with a time before each, and
/// the same time again in mid-line wherever the engine cut a long one.
#[derive(Debug, Default)]
struct Terminal {
    pending: BytesMut,
    cut: u64,
}

impl Terminal {
    fn handle(&mut self, bytes: &[u8], lines: &mut Vec<RawLine>) {
        let mut rest = bytes;
        while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
            let (line, after) = rest.split_at(end);
            self.cut += append_bounded(&mut self.pending, line);
            self.finish(lines);
            rest = after.get(1..).unwrap_or_default();
        }
        self.cut += append_bounded(&mut self.pending, rest);
    }

    fn finish(&mut self, lines: &mut Vec<RawLine>) {
        let pending = self.pending.split().freeze();
        let cut = std::mem::take(&mut self.cut);
        let Some((time, text)) = split_time(&pending) else {
            return;
        };
        let text = last_painted(&without_times_inside(text, time));
        lines.push(RawLine { source: Source::Stdout, time, bytes: text, cut });
    }
}

/// Whether a part of a line is followed by another: only the engine's own cut has no newline at
/// this length, and some log drivers drop the newline of a short last part.
fn goes_on(text: &[u8]) -> bool {
    text.len() >= ENGINE_CUT && text.last() != Some(&b'\n')
}

fn whole_line(source: Source, time: NanoTimestamp, mut text: Bytes) -> RawLine {
    let length = without_newline(&text).len();
    let cut = length.saturating_sub(MAX_RAW);
    text.truncate(length - cut);
    RawLine { source, time, bytes: text, cut: cut as u64 }
}

fn without_newline(text: &[u8]) -> &[u8] {
    let text = text.strip_suffix(b"\n").unwrap_or(text);
    text.strip_suffix(b"\r").unwrap_or(text)
}

/// Appends as much as fits and says how much did not.
fn append_bounded(bytes: &mut BytesMut, text: &[u8]) -> u64 {
    let room = MAX_RAW.saturating_sub(bytes.len()).min(text.len());
    let (fits, beyond) = text.split_at(room);
    bytes.extend_from_slice(fits);
    beyond.len() as u64
}

/// Takes out the time that the engine repeats after each cut of a terminal's long line.
fn without_times_inside(text: &[u8], time: NanoTimestamp) -> Vec<u8> {
    let mut whole = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((part, after)) = rest.split_at_checked(ENGINE_CUT) {
        whole.extend_from_slice(part);
        rest = match split_time(after) {
            Some((again, after)) if again == time => after,
            _ => after,
        };
    }
    whole.extend_from_slice(rest);
    whole
}

/// What a terminal would show at last of a line that was painted over: the text after the last
/// carriage return.
fn last_painted(line: &[u8]) -> Bytes {
    let line = without_newline(line);
    let last = line.rsplit(|byte| *byte == b'\r').find(|segment| !segment.is_empty());
    Bytes::copy_from_slice(last.unwrap_or_default())
}

/// Where an engine cuts a long line.
const ENGINE_CUT: usize = 16_384;

/// How much of a line is kept.
const MAX_RAW: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const T1: &str = "2026-01-31T12:00:00.000000001Z";
    const T2: &str = "2026-01-31T12:00:00.000000002Z";

    fn frame(pipe: LogPipe, time: &str, text: &str) -> LogFrame {
        LogFrame { pipe, bytes: format!("{time} {text}").into(), continued: false }
    }

    fn assemble(frames: impl IntoIterator<Item = LogFrame>) -> Vec<RawLine> {
        let (mut assembler, mut lines) = (Assembler::default(), Vec::new());
        for frame in frames {
            assembler.handle(&frame, &mut lines);
        }
        lines
    }

    fn texts(lines: &[RawLine]) -> Vec<(Source, usize, String)> {
        let head = |bytes: &[u8]| String::from_utf8_lossy(bytes).chars().take(4).collect();
        lines.iter().map(|line| (line.source, line.bytes.len(), head(&line.bytes))).collect()
    }

    #[test]
    fn parts_of_the_two_pipes_do_not_mix() {
        let part = "o".repeat(ENGINE_CUT);
        let lines = assemble([
            frame(LogPipe::Stdout, T1, &part),
            frame(LogPipe::Stderr, T2, "err\n"),
            frame(LogPipe::Stdout, T1, "rest\n"),
        ]);
        assert_eq!(
            texts(&lines),
            [(Source::Stderr, 3, "err".into()), (Source::Stdout, ENGINE_CUT + 4, "oooo".into())]
        );
    }

    #[test]
    fn a_long_line_of_three_parts_comes_whole() {
        let part = "x".repeat(ENGINE_CUT);
        let lines = assemble([
            frame(LogPipe::Stdout, T1, &part),
            frame(LogPipe::Stdout, T1, &part),
            frame(LogPipe::Stdout, T1, &format!("{}\n", "x".repeat(7232))),
        ]);
        assert_eq!(texts(&lines), [(Source::Stdout, 40_000, "xxxx".into())]);
    }

    #[test]
    fn a_short_text_without_newline_is_a_line() {
        let lines = assemble([frame(LogPipe::Stdout, T1, "prompt> ")]);
        assert_eq!(texts(&lines), [(Source::Stdout, 8, "prom".into())]);
    }

    #[test]
    fn a_part_ends_when_the_next_line_has_another_time() {
        let part = "x".repeat(ENGINE_CUT);
        let lines =
            assemble([frame(LogPipe::Stdout, T1, &part), frame(LogPipe::Stdout, T2, "next\n")]);
        assert_eq!(
            texts(&lines),
            [(Source::Stdout, ENGINE_CUT, "xxxx".into()), (Source::Stdout, 4, "next".into())]
        );
    }

    #[test]
    fn an_endless_line_is_cut_and_says_by_how_much() {
        let part = "x".repeat(ENGINE_CUT);
        let mut frames = vec![frame(LogPipe::Stdout, T1, &part); 100];
        frames.push(frame(LogPipe::Stdout, T1, "end\n"));
        frames.push(frame(LogPipe::Stdout, T2, "next\n"));
        let lines = assemble(frames);
        let [long, next] = &lines[..] else { panic!("two lines, not {}", lines.len()) };
        assert_eq!((long.bytes.len(), long.cut), (MAX_RAW, (92 * ENGINE_CUT + 3) as u64));
        assert_eq!(&next.bytes[..], b"next");
    }

    #[test]
    fn an_unfinished_line_comes_out_when_the_log_is_over() {
        let (mut assembler, mut lines) = (Assembler::default(), Vec::new());
        assembler.handle(&frame(LogPipe::Stdout, T1, &"x".repeat(ENGINE_CUT)), &mut lines);
        assert!(lines.is_empty());
        assembler.finish(&mut lines);
        assert_eq!(texts(&lines), [(Source::Stdout, ENGINE_CUT, "xxxx".into())]);
    }

    #[test]
    fn of_a_progress_bar_the_last_state_is_kept() {
        let lines = assemble([frame(LogPipe::Terminal, T1, "10%\r50%\r100%\r\n")]);
        assert_eq!(texts(&lines), [(Source::Stdout, 4, "100%".into())]);
    }

    #[test]
    fn a_terminal_is_cut_anywhere() {
        let whole = format!("{T1} one\r\n{T2} two\r\n");
        let bytes = Bytes::from(whole);
        let pieces = (0..bytes.len()).map(|at| bytes.slice(at..=at));
        let lines = assemble(pieces.map(|bytes| LogFrame {
            pipe: LogPipe::Terminal,
            bytes,
            continued: false,
        }));
        assert_eq!(
            texts(&lines),
            [(Source::Stdout, 3, "one".into()), (Source::Stdout, 3, "two".into())]
        );
    }

    #[test]
    fn a_terminal_that_prints_no_newline_is_cut_too() {
        let (mut assembler, mut lines) = (Assembler::default(), Vec::new());
        assembler.handle(&frame(LogPipe::Terminal, T1, ""), &mut lines);
        let bytes = Bytes::from(vec![b'x'; 64 * 1024]);
        let chunk = LogFrame { pipe: LogPipe::Terminal, bytes, continued: false };
        for _ in 0..1_600 {
            assembler.handle(&chunk, &mut lines);
            assert!(assembler.terminal.pending.capacity() <= 2 * MAX_RAW);
        }
        let newline = LogFrame { bytes: Bytes::from_static(b"\n"), ..chunk };
        assembler.handle(&newline, &mut lines);
        assembler.handle(&frame(LogPipe::Terminal, T2, "next\n"), &mut lines);
        let [long, next] = &lines[..] else { panic!("two lines, not {}", lines.len()) };
        assert!(long.bytes.len() <= MAX_RAW && long.cut > 99 * 1024 * 1024);
        assert_eq!(&next.bytes[..], b"next");
    }

    #[test]
    fn times_inside_a_terminals_long_line_are_taken_out() {
        let part = "x".repeat(ENGINE_CUT);
        let text = format!("{part}{T1} {part}{T1} end\r\n");
        let lines = assemble([frame(LogPipe::Terminal, T1, &text)]);
        assert_eq!(texts(&lines), [(Source::Stdout, 2 * ENGINE_CUT + 3, "xxxx".into())]);
    }

    #[test]
    fn a_frame_without_a_time_harms_nobody() {
        let lines = assemble([
            LogFrame {
                pipe: LogPipe::Stdout,
                bytes: Bytes::from_static(b"\xff\x00"),
                continued: false,
            },
            frame(LogPipe::Stdout, T1, "fine\n"),
        ]);
        assert_eq!(texts(&lines), [(Source::Stdout, 4, "fine".into())]);
    }
}
