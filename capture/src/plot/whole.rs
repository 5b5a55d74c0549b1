//! A whole file over time.

use super::Kind;
use super::chart::{Across, Chart, Color, Panel, Series, Shape, Unit};
use super::stream::width;
use super::thin::Bins;
use crate::engine::grouped;
use crate::packet::Timestamp;
use crate::read::Columns;
use crate::read::statistics::Statistic;
use crate::read::statistics::segment::{Segments, flag};
use crate::read::tree::{Tree, Wanted};
use crate::read::walk::Frame;

/// Packets, bytes and flags of a file.
#[derive(Debug)]
pub(super) struct Whole {
    segments: Segments,
    start: Option<Timestamp>,
    end: Timestamp,
    packets: u64,
    /// Packets, bytes, SYN, SYN+ACK, FIN, RST.
    bins: Bins<6>,
}

impl Whole {
    pub(super) fn new() -> Self {
        Self {
            segments: Segments::new(),
            start: None,
            end: Timestamp(0),
            packets: 0,
            bins: Bins::default(),
        }
    }

    pub(super) fn chart(&self, kind: Kind, file: &str) -> Chart {
        let start = self.start.unwrap_or_default();
        let step = self.bins.width();
        let panel = |title: String, unit, all: Vec<Series>| {
            let tops = all.iter().map(|series| match &series.shape {
                Shape::Area(points) | Shape::Line(points) => {
                    points.iter().map(|point| point.1).fold(0.0, f64::max)
                }
                _ => 0.0,
            });
            Panel {
                title,
                unit,
                top: tops.fold(0.0, f64::max),
                series: all,
            }
        };
        let series = |name: &str, color, shape| Series {
            name: name.to_owned(),
            color,
            shape,
        };
        let steps = format!("in steps of {}", width(step));
        let bins = &self.bins;
        let (what, panels) = if kind == Kind::Flags {
            let line = |which| Shape::Line(bins.values(which, 1.0));
            let all = vec![
                series("SYN", Color::There, line(2)),
                series("SYN+ACK", Color::Selective, line(3)),
                series("FIN", Color::Back, line(4)),
                series("RST", Color::Trouble, line(5)),
            ];
            ("SYN, FIN and RST", vec![panel(steps, Unit::Count, all)])
        } else {
            let packets = Shape::Area(bins.values(0, 1.0 / step));
            let bits = Shape::Area(bins.values(1, 8.0 / step));
            let packets = vec![series("packets", Color::There, packets)];
            let bits = vec![series("bits on the wire", Color::Back, bits)];
            let panels = vec![
                panel(steps.clone(), Unit::CountPerSecond, packets),
                panel(steps, Unit::BitsPerSecond, bits),
            ];
            ("Packets and bits", panels)
        };
        Chart {
            id: "panel",
            title: format!("{what}: {file}"),
            subtitle: format!(
                "{} packets, from {start} to {}",
                grouped(self.packets),
                self.end
            ),
            across: Across::Time(self.end.since(start).as_secs_f64()),
            panels,
        }
    }
}

impl Statistic for Whole {
    fn want(&self, wanted: &mut Wanted) {
        self.segments.want(wanted);
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        let meta = &frame.packet.meta;
        let start = *self.start.get_or_insert(meta.ts);
        self.end = self.end.max(meta.ts);
        self.packets += 1;
        let mut amounts = [1, u64::from(meta.wire_len), 0, 0, 0, 0];
        for segment in self.segments.of(tree) {
            let is_answer = segment.has(flag::ACK);
            amounts[2] += u64::from(segment.has(flag::SYN) && !is_answer);
            amounts[3] += u64::from(segment.has(flag::SYN) && is_answer);
            amounts[4] += u64::from(segment.has(flag::FIN));
            amounts[5] += u64::from(segment.has(flag::RST));
        }
        self.bins.add(meta.ts.since(start).0, amounts);
    }

    fn print(&mut self, _out: &mut String) {}
}
