//! Which frames are exported: conditions that all have to hold.

use std::collections::BTreeSet;

use super::frames::{FrameRanges, FrameSet};
use super::stages::{Stages, Streams};
use crate::filter::display::DisplayFilter;
use crate::packet::LinkType;
use crate::read::Columns;
use crate::read::statistics::Statistic;
use crate::read::statistics::segment::Segments;
use crate::read::tree::{Tree, Wanted};
use crate::read::walk::Frame;

/// Conditions; without any, all frames are exported.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// It matches a display filter.
    pub filter: Option<DisplayFilter>,
    /// It has one of these numbers.
    pub frames: Option<FrameRanges>,
    /// It is of one of these TCP streams; empty for no such condition.
    pub streams: BTreeSet<u64>,
    /// It opens or closes a connection.
    pub stages: Stages,
}

/// Chooses frames while they are read.
#[derive(Debug)]
pub(super) struct Chooser<'c> {
    choice: &'c Choice,
    segments: Segments,
    streams: Streams,
    chosen: Chosen,
}

/// The frames that were chosen, and what an output has to know before it begins.
#[derive(Debug, Default)]
pub(super) struct Chosen {
    pub(super) frames: FrameSet,
    /// Their link types, in the order in which they came.
    pub(super) links: Vec<LinkType>,
    /// One has a time that microseconds do not tell.
    pub(super) needs_ns: bool,
    /// The first whose time is past what 32 bits of seconds tell.
    pub(super) late: Option<u64>,
    pub(super) forgotten: u64,
}

impl<'c> Chooser<'c> {
    pub(super) fn new(choice: &'c Choice) -> Self {
        Self {
            choice,
            segments: Segments::new(),
            streams: Streams::default(),
            chosen: Chosen::default(),
        }
    }

    pub(super) fn finish(self) -> Chosen {
        Chosen {
            forgotten: self.streams.forgotten,
            ..self.chosen
        }
    }

    fn wants(&mut self, frame: &Frame<'_>, tree: &Tree) -> bool {
        let Choice {
            filter,
            frames,
            streams,
            stages,
        } = self.choice;
        if !streams.is_empty() || stages.is_any() {
            // Each one is looked at, for what it says of those that come.
            let mut wanted = false;
            for segment in self.segments.of(tree) {
                let is_of = streams.is_empty() || streams.contains(&segment.stream);
                wanted |= is_of && (!stages.is_any() || self.streams.wants(*stages, &segment));
            }
            if !wanted {
                return false;
            }
        }
        frames
            .as_ref()
            .is_none_or(|frames| frames.has(frame.number))
            && filter
                .as_ref()
                .is_none_or(|filter| filter.matches(tree, frame.packet.data))
    }
}

impl Statistic for Chooser<'_> {
    fn want(&self, wanted: &mut Wanted) {
        if let Some(filter) = &self.choice.filter {
            wanted.add_all(filter.wanted());
        }
        if !self.choice.streams.is_empty() || self.choice.stages.is_any() {
            self.segments.want(wanted);
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !self.wants(frame, tree) {
            return;
        }
        let meta = &frame.packet.meta;
        let chosen = &mut self.chosen;
        chosen.frames.insert(frame.number);
        if !chosen.links.contains(&meta.link) {
            chosen.links.push(meta.link);
        }
        chosen.needs_ns |= !meta.ts.subsec_ns().is_multiple_of(1000);
        if meta.ts.secs() > u64::from(u32::MAX) {
            chosen.late.get_or_insert(frame.number);
        }
    }

    fn print(&mut self, _out: &mut String) {}
}
