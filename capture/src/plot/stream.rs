//! A TCP stream over time.

use super::Kind;
use super::chart::{Across, Chart, Color, Panel, Series, Shape, Unit};
use super::thin::{Bars, Bins, Points};
use crate::engine::grouped;
use crate::packet::Timestamp;
use crate::read::Columns;
use crate::read::statistics::Statistic;
use crate::read::statistics::segment::{Segment, Segments, flag};
use crate::read::statistics::traffic::End;
use crate::read::tree::{Tree, Wanted};
use crate::read::walk::Frame;

/// What was seen of a stream.
#[derive(Debug)]
pub(super) struct Stream {
    number: u64,
    segments: Segments,
    /// Streams of the files.
    pub(super) streams: u64,
    ends: Option<[End; 2]>,
    start: Timestamp,
    end: Timestamp,
    packets: u64,
    /// By sender: the one that began, the other.
    sides: [Side; 2],
    payload: Bins<2>,
}

/// What one side sent, and what the other said of it.
#[derive(Debug, Default)]
struct Side {
    numbers: Numbers,
    sent: Bars,
    again: Bars,
    resent: u64,
    bytes: u64,
    acknowledged: Points,
    selective: Bars,
    edge: Points,
    window: Points,
    in_flight: Points,
    rtt: Points,
    /// The highest of what was sent, acknowledged, allowed, measured.
    top: f64,
    edge_top: f64,
    window_top: f64,
    in_flight_top: f64,
    rtt_top: f64,
    last_ack: Option<i64>,
    highest: i64,
}

/// Sequence numbers as a straight line.
#[derive(Debug, Default)]
struct Numbers {
    first: Option<u32>,
    last: i64,
}

impl Numbers {
    /// How far a number is from the first one that was sent.
    fn place(&mut self, number: u32) -> i64 {
        self.first.get_or_insert(number);
        self.last = self.near(number);
        self.last
    }

    /// The same for a number that was not sent now.
    fn near(&self, number: u32) -> i64 {
        let first = self.first.unwrap_or(number);
        // The lower half: numbers start over after 4 GiB.
        let last = first.wrapping_add(self.last.cast_unsigned() as u32);
        self.last + i64::from(number.wrapping_sub(last).cast_signed())
    }
}

impl Stream {
    pub(super) fn new(number: u64) -> Self {
        Self {
            number,
            segments: Segments::new(),
            streams: 0,
            ends: None,
            start: Timestamp(0),
            end: Timestamp(0),
            packets: 0,
            sides: <[Side; 2]>::default(),
            payload: Bins::default(),
        }
    }

    #[expect(
        clippy::cast_precision_loss,
        reason = "a picture does not need the 54th bit"
    )]
    fn segment(&mut self, segment: &Segment, ts: Timestamp) {
        if self.ends.is_none() {
            (self.start, self.end) = (ts, ts);
        }
        let ends = *self
            .ends
            .get_or_insert([segment.source, segment.destination]);
        self.packets += 1;
        self.end = self.end.max(ts);
        let time = ts.since(self.start).as_secs_f64();
        let from = usize::from(segment.source != ends[0]);
        let [first, second] = &mut self.sides;
        let (own, peer) = match from {
            0 => (first, second),
            _ => (second, first),
        };
        own.sent(segment, time);
        let mut bytes = [0; 2];
        bytes[from] = u64::from(segment.len);
        self.payload.add(ts.since(self.start).0, bytes);
        if segment.has(flag::ACK) && !segment.has(flag::RST) {
            peer.answered(segment, time);
        }
        own.in_flight(time);
        if !segment.has(flag::RST) {
            let window = segment.window as f64;
            own.window.push(time, window);
            own.window_top = own.window_top.max(window);
        }
    }

    /// The picture; `None` if the stream was not seen.
    pub(super) fn chart(&mut self, kind: Kind, file: &str) -> Option<Chart> {
        let ends = self.ends?.map(|end| end.socket());
        let [first, second] = &mut self.sides;
        let resent = first.resent + second.resent;
        let panels = match kind {
            Kind::Throughput => vec![throughput(&self.payload, &ends)],
            Kind::Rtt => vec![rtt([first, second], &ends)],
            Kind::Window => vec![
                window(second, first, &ends[1], Color::Back),
                window(first, second, &ends[0], Color::There),
            ],
            _ => {
                let mut panels = Vec::new();
                let colors = [Color::There, Color::Back];
                let nothing = first.bytes + second.bytes == 0;
                for (place, side) in [first, second].into_iter().enumerate() {
                    if side.bytes > 0 || nothing && place == 0 {
                        let title = format!("{} → {}", ends[place], ends[1 - place]);
                        panels.push(time_sequence(side, title, colors[place]));
                    }
                }
                panels
            }
        };
        let what = match kind {
            Kind::Throughput => "Throughput",
            Kind::Rtt => "Round-trip time",
            Kind::Window => "Window and bytes in flight",
            _ => "Time and sequence",
        };
        Some(Chart {
            id: "panel",
            title: format!("{what}: {} ↔ {}", ends[0], ends[1]),
            subtitle: format!(
                "{file}, TCP stream {}: {} packets, {} sent again; from {}",
                self.number,
                grouped(self.packets),
                grouped(resent),
                self.start
            ),
            across: Across::Time(self.end.since(self.start).as_secs_f64()),
            panels,
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a picture does not need the 54th bit"
)]
impl Side {
    fn sent(&mut self, segment: &Segment, time: f64) {
        let low = self.numbers.place(segment.seq);
        let flags = u32::from(segment.has(flag::SYN)) + u32::from(segment.has(flag::FIN));
        let high = low + i64::from(segment.len + flags);
        self.highest = self.highest.max(high);
        self.bytes += u64::from(segment.len);
        if high == low {
            return;
        }
        let (low, high) = (low as f64, high as f64);
        self.top = self.top.max(high);
        if segment.is_repeated {
            self.resent += 1;
            self.again.push(time, low, high);
        } else {
            self.sent.push(time, low, high);
        }
    }

    /// The other side acknowledged.
    fn answered(&mut self, segment: &Segment, time: f64) {
        if self.numbers.first.is_none() {
            // Of what was sent before the capture began.
            self.numbers.first = Some(segment.ack);
        }
        let ack = self.numbers.near(segment.ack);
        self.last_ack = Some(self.last_ack.map_or(ack, |last| last.max(ack)));
        self.acknowledged.push(time, ack as f64);
        self.top = self.top.max(ack as f64);
        let edge = ack as f64 + segment.window as f64;
        self.edge.push(time, edge);
        self.edge_top = self.edge_top.max(edge);
        // They are shown relative to the same number as the acknowledgment.
        let base = segment.ack.wrapping_sub(segment.shown_ack);
        for (left, right) in segment.sacks() {
            let left = self.numbers.near(left.wrapping_add(base)) as f64;
            let right = self.numbers.near(right.wrapping_add(base)) as f64;
            if right > left {
                self.selective.push(time, left, right);
            }
        }
        if let Some(ns) = segment.rtt_ns {
            let rtt = ns as f64 / 1e9;
            self.rtt.push(time, rtt);
            self.rtt_top = self.rtt_top.max(rtt);
        }
        self.in_flight(time);
    }

    fn in_flight(&mut self, time: f64) {
        if let Some(ack) = self.last_ack {
            let bytes = (self.highest - ack).max(0) as f64;
            self.in_flight.push(time, bytes);
            self.in_flight_top = self.in_flight_top.max(bytes);
        }
    }
}

impl Statistic for Stream {
    fn want(&self, wanted: &mut Wanted) {
        self.segments.want(wanted);
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        let found: Vec<_> = self.segments.of(tree).collect();
        for segment in found {
            self.streams = self.streams.max(segment.stream + 1);
            if segment.stream == self.number {
                self.segment(&segment, frame.packet.meta.ts);
            }
        }
    }

    fn print(&mut self, _out: &mut String) {}
}

fn series(name: impl Into<String>, color: Color, shape: Shape) -> Series {
    Series {
        name: name.into(),
        color,
        shape,
    }
}

/// As tcptrace draws it: what was sent as bars, below it what was acknowledged, above it how far the
/// receiver allowed.
fn time_sequence(side: &mut Side, title: String, color: Color) -> Panel {
    // An edge far above everything else would press it flat.
    let is_near = side.edge_top <= 2.5 * side.top;
    let edge = if is_near {
        "receive window"
    } else {
        "receive window (beyond the top)"
    };
    Panel {
        title,
        unit: Unit::Bytes,
        top: if is_near {
            side.edge_top.max(side.top)
        } else {
            side.top
        },
        series: vec![
            series(edge, Color::Plain, Shape::Dashes(side.edge.take())),
            series(
                "acknowledged",
                Color::Plain,
                Shape::Steps(side.acknowledged.take()),
            ),
            series(
                "acknowledged selectively",
                Color::Selective,
                Shape::Bars(side.selective.take()),
            ),
            series("sent", color, Shape::Bars(side.sent.take())),
            series("sent again", Color::Trouble, Shape::Bars(side.again.take())),
        ],
    }
}

fn throughput(payload: &Bins<2>, ends: &[String; 2]) -> Panel {
    let factor = 8.0 / payload.width();
    let there = payload.values(0, factor);
    let back = payload.values(1, factor);
    let top = there
        .iter()
        .chain(&back)
        .map(|point| point.1)
        .fold(0.0, f64::max);
    Panel {
        title: format!("payload, in steps of {}", width(payload.width())),
        unit: Unit::BitsPerSecond,
        top,
        series: vec![
            series(
                format!("{} → {}", ends[0], ends[1]),
                Color::There,
                Shape::Area(there),
            ),
            series(
                format!("{} → {}", ends[1], ends[0]),
                Color::Back,
                Shape::Area(back),
            ),
        ],
    }
}

fn rtt(sides: [&mut Side; 2], ends: &[String; 2]) -> Panel {
    let [there, back] = sides;
    Panel {
        title: "from a segment to its acknowledgment".to_owned(),
        unit: Unit::Seconds,
        top: there.rtt_top.max(back.rtt_top),
        series: vec![
            series(
                format!("{} → {}", ends[0], ends[1]),
                Color::There,
                Shape::Dots(there.rtt.take()),
            ),
            series(
                format!("{} → {}", ends[1], ends[0]),
                Color::Back,
                Shape::Dots(back.rtt.take()),
            ),
        ],
    }
}

/// What a receiver allows, and what the sender makes of it.
fn window(receiver: &mut Side, sender: &mut Side, name: &str, color: Color) -> Panel {
    Panel {
        title: format!("receiver {name}"),
        unit: Unit::Bytes,
        top: receiver.window_top.max(sender.in_flight_top),
        series: vec![
            series(
                "receive window",
                color,
                Shape::Steps(receiver.window.take()),
            ),
            series(
                "bytes in flight to it",
                Color::Plain,
                Shape::Steps(sender.in_flight.take()),
            ),
        ],
    }
}

/// A length of time as people say it.
pub(super) fn width(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1e3)
    } else {
        format!("{seconds:.1} s")
    }
}
