//! What a TCP stream carries, put in order, or a UDP stream (`tshark -z follow,tcp,ascii,0`); or the messages
//! of HTTP in a TCP stream, their bodies as they were before they were sent (`follow,http`).
//!
//! The rules are those of `follow_tcp_tap_listener` in Wireshark 4.0 (`packet-tcp.c`): what was seen
//! already is left out, what comes too early waits until it fits, and if the other side acknowledges a
//! gap, a line stands for it.

use std::fmt::Write as _;
use std::net::SocketAddr;

use super::segment::{Segment, Segments, flag};
use super::traffic::{End, Ends, Layer};
use super::{Known, Statistic, StatisticError};
use crate::packet::Timestamp;
use crate::read::Columns;
use crate::read::print::text::hex;
use crate::read::proto::http;
use crate::read::tree::{Tree, Wanted};
use crate::read::walk::Frame;

/// Bytes that are kept of a stream, those that wait included.
const MOST: usize = 256 << 20;
const RULE: &str = "===================================================================\n";
/// Bytes of a line of base64: 76 characters.
const BASE64_LINE: usize = 57;

/// How bytes are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Ascii,
    Hex,
    Raw,
    Yaml,
}

impl Mode {
    const fn word(self) -> &'static str {
        match self {
            Self::Ascii => "ascii",
            Self::Hex => "hex",
            Self::Raw => "raw",
            Self::Yaml => "yaml",
        }
    }
}

/// Which stream.
#[derive(Clone, Copy, Debug)]
enum Which {
    /// By `tcp.stream` or `udp.stream`.
    Number(u64),
    /// The first one between these ends.
    Between([SocketAddr; 2]),
}

/// Where streams are looked for.
#[derive(Debug)]
enum Source {
    Tcp(Box<Segments>),
    /// The fields of datagrams, and that of what they carry.
    Udp(Box<Ends>, Known),
    /// The ends of segments, for the messages of HTTP in them.
    Http(Box<Ends>),
}

impl Source {
    const fn word(&self) -> &'static str {
        match self {
            Self::Tcp(_) => "tcp",
            Self::Udp(..) => "udp",
            Self::Http(_) => "http",
        }
    }

    /// The protocol whose streams they are.
    const fn transport(&self) -> &'static str {
        match self {
            Self::Tcp(_) | Self::Http(_) => "tcp",
            Self::Udp(..) => "udp",
        }
    }
}

impl Which {
    /// The words for it, of which there are one or two.
    fn parse(first: &str, words: &mut std::str::Split<'_, char>) -> Result<Self, String> {
        if let Ok(number) = first.parse() {
            return Ok(Self::Number(number));
        }
        let end = |text: &str| {
            text.parse::<SocketAddr>().map_err(|_not_an_end| {
                format!(
                    "{text:?} is neither the number of a stream nor IP:PORT (with an IPv6 address in brackets)"
                )
            })
        };
        let one = end(first)?;
        let Some(other) = words.next() else {
            return Err(format!(
                "{first} is one end; name the other one behind a comma"
            ));
        };
        Ok(Self::Between([one, end(other)?]))
    }

    /// Whether a packet can be of it.
    fn is_met(self, stream: u64, ends: [End; 2]) -> bool {
        match self {
            Self::Number(number) => number == stream,
            Self::Between([one, other]) => {
                let [from, to] = ends.map(|end| end.socket());
                let (one, other) = (one.to_string(), other.to_string());
                from == one && to == other || from == other && to == one
            }
        }
    }

    /// As Wireshark's filter.
    fn filter(self, protocol: &str) -> String {
        match self {
            Self::Number(number) => format!("{protocol}.stream eq {number}"),
            Self::Between([one, other]) => {
                let ip = if one.is_ipv6() { "ipv6" } else { "ip" };
                let way = |from: SocketAddr, to: SocketAddr| {
                    format!(
                        "(({ip}.src eq {} and {protocol}.srcport eq {}) and ({ip}.dst eq {} and {protocol}.dstport eq {}))",
                        from.ip(),
                        from.port(),
                        to.ip(),
                        to.port()
                    )
                };
                format!("{} or {}", way(one, other), way(other, one))
            }
        }
    }
}

/// One stream.
#[derive(Debug)]
pub(super) struct Follow {
    mode: Mode,
    which: Which,
    /// The stream, once it is known.
    stream: Option<u64>,
    /// Numbers of the records that are shown, from 1.
    first: u64,
    last: u64,
    source: Source,
    /// Source and destination of the first segment.
    nodes: Option<[End; 2]>,
    sides: [Side; 2],
    records: Vec<Record>,
    /// Records that there were, shown or not.
    count: u64,
    kept: usize,
    /// Bytes of each direction so far.
    lens: [usize; 2],
    left_out: u64,
}

/// What is known of the bytes of one direction.
#[derive(Debug, Default)]
struct Side {
    /// The next byte that is expected.
    next: u32,
    /// Some were put in order already.
    wrote: bool,
    waiting: Vec<Record>,
}

/// Bytes that one side sent.
#[derive(Clone, Debug)]
struct Record {
    side: usize,
    frame: u64,
    ts: Timestamp,
    seq: u32,
    data: Vec<u8>,
    /// Bytes of the direction before it.
    offset: usize,
}

impl Follow {
    /// `ascii,0` or `hex,0,1-5`.
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        Self::of(Source::Tcp(Box::new(Segments::new())), "follow,tcp", rest)
    }

    /// The same of datagrams.
    pub(super) fn udp(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let ends = Box::new(Ends::new(Layer::Udp));
        let source = Source::Udp(ends, Known::named("udp.payload"));
        Self::of(source, "follow,udp", rest)
    }

    /// The same of the messages of HTTP.
    pub(super) fn http(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let source = Source::Http(Box::new(Ends::new(Layer::Tcp)));
        Self::of(source, "follow,http", rest)
    }

    fn of(
        source: Source,
        name: &'static str,
        rest: &str,
    ) -> Result<Box<dyn Statistic>, StatisticError> {
        let fail = |reason: String| StatisticError::Argument { name, reason };
        let mut words = rest.split(',');
        let mode = match words.next().unwrap_or_default() {
            "ascii" => Mode::Ascii,
            "hex" => Mode::Hex,
            "raw" => Mode::Raw,
            "yaml" => Mode::Yaml,
            word => return Err(fail(format!("{word:?} is none of ascii, hex, raw, yaml"))),
        };
        let first = words.next().unwrap_or_default();
        let which = Which::parse(first, &mut words).map_err(fail)?;
        let (first, last) = match words.next() {
            None => (1, u64::MAX),
            Some(range) => {
                let (first, last) = range.split_once('-').unwrap_or((range, range));
                let number = |text: &str, open| match text {
                    "" => Ok(open),
                    _ => text.parse().map_err(|_not_a_number| {
                        fail(format!("{range:?} is not a range of records such as 2-5"))
                    }),
                };
                (number(first, 1)?, number(last, u64::MAX)?)
            }
        };
        if let Some(word) = words.next() {
            return Err(fail(format!("{word:?} follows the range")));
        }
        Ok(Box::new(Self {
            mode,
            which,
            stream: match which {
                Which::Number(number) => Some(number),
                Which::Between(_) => None,
            },
            first,
            last,
            source,
            nodes: None,
            sides: <[Side; 2]>::default(),
            records: Vec::new(),
            count: 0,
            kept: 0,
            lens: [0; 2],
            left_out: 0,
        }))
    }

    fn segment(&mut self, segment: &Segment, frame: &Frame<'_>, data: &[u8]) {
        let nodes = *self
            .nodes
            .get_or_insert([segment.source, segment.destination]);
        let side = usize::from(segment.source != nodes[0]);
        let mut seq = segment.seq.wrapping_add(u32::from(segment.has(flag::SYN)));
        let mut len = segment.len;
        let mut data = data;
        let peer = 1 - side;
        while !self.sides[peer].waiting.is_empty()
            && self.fits(peer, Some((segment.ack, frame.number)))
        {}
        let own = &mut self.sides[side];
        if !own.wrote && own.next == 0 {
            own.next = seq;
        }
        if before(seq, own.next) {
            let end = seq.wrapping_add(len);
            if before(own.next, end) {
                let seen = own.next.wrapping_sub(seq);
                data = data.get(seen as usize..).unwrap_or(&[]);
                seq = own.next;
                len = end.wrapping_sub(own.next);
            }
        }
        if data.is_empty() || before(seq, own.next) {
            return;
        }
        let record = Record {
            side,
            frame: frame.number,
            ts: frame.packet.meta.ts,
            seq,
            data: data.to_vec(),
            offset: 0,
        };
        if seq == own.next {
            own.next = own.next.wrapping_add(len);
            own.wrote = true;
            self.keep(record);
            while self.fits(side, None) {}
        } else if self.kept + record.data.len() > MOST {
            self.left_out += record.data.len() as u64;
        } else {
            self.kept += record.data.len();
            own.waiting.push(record);
        }
    }

    /// Takes a datagram, or a part of a message.
    fn datagram(&mut self, ends: [End; 2], frame: &Frame<'_>, data: &[u8]) {
        let nodes = *self.nodes.get_or_insert(ends);
        self.keep(Record {
            side: usize::from(ends[0] != nodes[0]),
            frame: frame.number,
            ts: frame.packet.meta.ts,
            seq: 0,
            data: data.to_vec(),
            offset: 0,
        });
    }

    /// Takes the messages of a frame, each with its header first, which is empty where a body goes on.
    fn messages(&mut self, ends: [End; 2], frame: &Frame<'_>, tree: &Tree) {
        let mut message: &[u8] = &[];
        let mut has_header = false;
        for node in tree.nodes() {
            let data = tree.bytes(node.place, frame.packet.data);
            match node.field {
                http::THIS => (message, has_header) = (data, false),
                http::METHOD | http::CODE => {
                    has_header = true;
                    self.datagram(ends, frame, &message[..header_len(message)]);
                }
                http::FILE_DATA => {
                    if !has_header {
                        self.datagram(ends, frame, &[]);
                    }
                    self.datagram(ends, frame, data);
                }
                _ => {}
            }
        }
    }

    /// Whether a packet is of the stream, which is the first one that can be it.
    fn is_of(&mut self, stream: u64, ends: [End; 2]) -> bool {
        match self.stream {
            Some(known) => known == stream,
            None if self.which.is_met(stream, ends) => {
                self.stream = Some(stream);
                true
            }
            None => false,
        }
    }

    /// Takes one of those that wait, if one fits; with an acknowledgment of the other side (and its
    /// frame), also one behind a gap that was acknowledged. False if none was taken.
    fn fits(&mut self, side: usize, acknowledged: Option<(u32, u64)>) -> bool {
        let own = &mut self.sides[side];
        let Some(first) = own.waiting.first() else {
            return false;
        };
        let mut lowest = first.seq;
        for place in 0..own.waiting.len() {
            let seq = own.waiting[place].seq;
            if before(seq, lowest) {
                lowest = seq;
            }
            if seq != own.next && !before(seq, own.next) {
                continue;
            }
            let mut record = own.waiting.remove(place);
            self.kept -= record.data.len();
            let seen = own.next.wrapping_sub(seq) as usize;
            if seen < record.data.len() {
                record.data.drain(..seen);
                own.next = own.next.wrapping_add(record.data.len() as u32);
                self.keep(record);
            }
            return true;
        }
        let Some((_, frame)) = acknowledged.filter(|(ack, _)| before(lowest, *ack)) else {
            return false;
        };
        let missing = lowest.wrapping_sub(own.next).cast_signed();
        // With the zero that ends it in Wireshark's memory.
        let text = format!("[{missing} bytes missing in capture file]\0");
        own.next = lowest;
        self.keep(Record {
            side,
            frame,
            ts: Timestamp(0),
            seq: lowest,
            data: text.into_bytes(),
            offset: 0,
        });
        true
    }

    /// A record that is the next to be shown.
    fn keep(&mut self, mut record: Record) {
        self.count += 1;
        record.offset = self.lens[record.side];
        self.lens[record.side] += record.data.len();
        if !(self.first..=self.last).contains(&self.count) {
            return;
        }
        if self.kept + record.data.len() > MOST {
            self.left_out += record.data.len() as u64;
            return;
        }
        self.kept += record.data.len();
        self.records.push(record);
    }
}

/// Bytes of the header of a message, with the empty line behind it.
fn header_len(message: &[u8]) -> usize {
    let mut end = 0;
    for line in message.split_inclusive(|byte| *byte == b'\n') {
        end += line.len();
        if matches!(line, b"\n" | b"\r\n") {
            break;
        }
    }
    end
}

/// Whether a sequence number lies before another one.
const fn before(a: u32, b: u32) -> bool {
    a.wrapping_sub(b).cast_signed() < 0
}

impl Statistic for Follow {
    fn want(&self, wanted: &mut Wanted) {
        match &self.source {
            Source::Tcp(segments) => segments.want(wanted),
            Source::Udp(ends, payload) => {
                ends.want(wanted);
                payload.want(wanted);
            }
            Source::Http(ends) => {
                ends.want(wanted);
                for field in [http::THIS, http::METHOD, http::CODE, http::FILE_DATA] {
                    wanted.add(field);
                }
            }
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        match &self.source {
            Source::Tcp(segments) => {
                let found: Vec<_> = segments.of(tree).collect();
                for segment in found {
                    if !self.is_of(segment.stream, [segment.source, segment.destination]) {
                        continue;
                    }
                    let place = segment.payload;
                    let data = place.map_or(&[][..], |place| tree.bytes(place, frame.packet.data));
                    self.segment(&segment, frame, data);
                }
            }
            Source::Udp(ends, payload) => {
                let place = tree.nodes().iter().rev().find(|node| payload.is(node));
                let data = place.map(|node| tree.bytes(node.place, frame.packet.data));
                let found: Vec<_> = ends.of(tree).collect();
                for (from, to, stream) in found {
                    if !self.is_of(stream.unwrap_or(0), [from, to]) {
                        continue;
                    }
                    self.nodes.get_or_insert([from, to]);
                    if let Some(data) = data.filter(|data| !data.is_empty()) {
                        self.datagram([from, to], frame, data);
                    }
                }
            }
            Source::Http(ends) => {
                let found: Vec<_> = ends.of(tree).collect();
                for (from, to, stream) in found {
                    if self.is_of(stream.unwrap_or(0), [from, to]) {
                        self.messages([from, to], frame, tree);
                    }
                }
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        // Writing to a string does not fail, in all of these.
        if self.mode == Mode::Yaml {
            out.push_str("peers:\n");
            for side in 0..2 {
                let node = self.nodes.map(|nodes| nodes[side]);
                let host = node.map_or_else(String::new, |node| node.address());
                let port = node.map_or(0, |node| node.port);
                let _infallible =
                    writeln!(out, "  - peer: {side}\n    host: {host}\n    port: {port}");
            }
            out.push_str("packets:\n");
        } else {
            let (mode, protocol) = (self.mode.word(), self.source.word());
            let filter = self.which.filter(self.source.transport());
            let _infallible = write!(out, "\n{RULE}Follow: {protocol},{mode}\nFilter: {filter}\n");
            for side in 0..2 {
                let node = self.nodes.map(|nodes| nodes[side].socket());
                let node = node.unwrap_or_else(|| ":0".to_owned());
                let _infallible = writeln!(out, "Node {side}: {node}");
            }
        }
        for record in &self.records {
            self.mode.print(record, out);
        }
        if self.left_out > 0 {
            let most = MOST >> 20;
            let _infallible = writeln!(
                out,
                "[{} bytes left out: no more than {most} MiB are kept; a range of records shows others]",
                self.left_out
            );
        }
        if self.mode != Mode::Yaml {
            out.push_str(RULE);
        }
    }
}

impl Mode {
    fn print(self, record: &Record, out: &mut String) {
        let tab = if record.side == 0 { "" } else { "\t" };
        let data = &record.data;
        match self {
            Self::Ascii => {
                let _infallible = writeln!(out, "{tab}{}", data.len());
                for byte in data {
                    out.push(match byte {
                        b'\r' | b'\n' | b' '..=b'~' => char::from(*byte),
                        _ => '.',
                    });
                }
                out.push('\n');
            }
            Self::Raw => {
                out.push_str(tab);
                for byte in data {
                    hex(out, *byte);
                }
                out.push('\n');
            }
            Self::Hex => {
                for (line, bytes) in data.chunks(16).enumerate() {
                    out.push_str(tab);
                    hex_line(record.offset + line * 16, bytes, out);
                }
            }
            Self::Yaml => {
                let (secs, ns) = (record.ts.secs(), record.ts.subsec_ns());
                // Wireshark's is a double, too.
                #[expect(clippy::cast_precision_loss, reason = "as Wireshark prints it")]
                let secs = secs as f64 + f64::from(ns) / 1e9;
                let (frame, side) = (record.frame, record.side);
                let _infallible = writeln!(
                    out,
                    "  - packet: {frame}\n    peer: {side}\n    timestamp: {secs:.9}\n    data: !!binary |"
                );
                for line in data.chunks(BASE64_LINE) {
                    out.push_str("      ");
                    base64(line, out);
                    out.push('\n');
                }
            }
        }
    }
}

/// Offset, sixteen bytes in two groups, and as text.
fn hex_line(offset: usize, bytes: &[u8], out: &mut String) {
    let mut numbers = String::new();
    let mut text = String::new();
    for (place, byte) in bytes.iter().enumerate() {
        if place == 8 {
            numbers.push(' ');
            text.push(' ');
        }
        hex(&mut numbers, *byte);
        numbers.push(' ');
        text.push(match byte {
            b' '..=b'~' => char::from(*byte),
            _ => '.',
        });
    }
    // Wireshark takes a blank at the end for the one between the groups.
    if bytes.len() != 8 && text.ends_with(' ') {
        text.pop();
    }
    let _infallible = writeln!(out, "{offset:08X}  {numbers:<50}{text}");
}

fn base64(bytes: &[u8], out: &mut String) {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in bytes.chunks(3) {
        let number = group
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        for place in 0..4 {
            let letter = LETTERS[(number >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= group.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_that_of_rfc_4648() {
        // Section 10.
        for (plain, coded) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            let mut out = String::new();
            base64(plain.as_bytes(), &mut out);
            assert_eq!(out, coded);
        }
    }

    #[test]
    fn a_header_ends_with_an_empty_line() {
        for (message, len) in [
            (&b"GET / HTTP/1.1\r\nHost: a\r\n\r\nbody\r\n\r\n"[..], 27),
            (b"GET /\n\nbody", 7),
            (b"GET /\r\nHost", 11),
            (b"", 0),
        ] {
            assert_eq!(header_len(message), len);
        }
    }

    #[test]
    fn words_that_make_no_sense_are_refused() {
        for words in [
            "",
            "ascii",
            "ebcdic,0",
            "ascii,x",
            "ascii,0,a-b",
            "ascii,0,1-2,3",
        ] {
            assert!(Follow::parse(words).is_err(), "{words}");
        }
        for words in ["ascii,0", "hex,12,3", "raw,0,2-", "yaml,0,2-5"] {
            assert!(Follow::parse(words).is_ok(), "{words}");
        }
    }
}
