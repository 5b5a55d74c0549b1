//! Conversations: packets and bytes between two ends (`tshark -z conv,tcp`).

use std::collections::HashMap;
use std::fmt::Write as _;

use super::traffic::{End, Ends, Layer, Metas, Volume};
use super::{RULE, Statistic, StatisticError, filter, filter_text, passes};
use crate::filter::display::DisplayFilter;
use crate::packet::Timestamp;
use crate::read::Columns;
use crate::read::pipeline::ReadPlan;
use crate::read::print::Names;
use crate::read::tree::{Tree, Wanted};
use crate::read::walk::Frame;

/// Conversations that are told apart; more are counted together.
const MOST: usize = 1 << 22;

/// Conversations of one layer.
#[derive(Debug)]
pub(super) struct Conversations {
    ends: Ends,
    metas: Metas,
    filter: Option<DisplayFilter>,
    /// By the ends in the order of the first packet, and the stream.
    places: HashMap<(End, End, Option<u64>), usize>,
    all: Vec<Conversation>,
    first: Option<Timestamp>,
    left_out: u64,
    names: Names,
}

#[derive(Debug)]
struct Conversation {
    a: End,
    b: End,
    /// From `a` to `b`, and back.
    there: Volume,
    back: Volume,
    start: Timestamp,
    end: Timestamp,
}

impl Conversations {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let (layer, words) = layer("conv", rest)?;
        Ok(Box::new(Self {
            ends: Ends::new(layer),
            metas: Metas::default(),
            filter: filter(words)?,
            places: HashMap::new(),
            all: Vec::new(),
            first: None,
            left_out: 0,
            names: Names::default(),
        }))
    }
}

/// The layer that is named first, and what follows it.
pub(super) fn layer<'a>(
    name: &'static str,
    rest: &'a str,
) -> Result<(Layer, Option<&'a str>), StatisticError> {
    let (word, words) = match rest.split_once(',') {
        Some((word, words)) => (word, Some(words)),
        None => (rest, None),
    };
    let layer = Layer::named(word).ok_or_else(|| StatisticError::Argument {
        name,
        reason: format!("{word:?} is none of eth, ip, ipv6, mptcp, tcp, udp"),
    })?;
    Ok((layer, words))
}

impl Statistic for Conversations {
    fn want(&self, wanted: &mut Wanted) {
        self.ends.want(wanted);
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        let meta = &frame.packet.meta;
        self.first.get_or_insert(meta.ts);
        if !passes(self.filter.as_ref(), tree, frame) || !self.ends.counts(tree) {
            return;
        }
        for (mut from, mut to, stream) in self.ends.of(tree) {
            if self.ends.layer == Layer::Mptcp {
                let Some(ends) = self.metas.ends(from, to, stream) else {
                    continue;
                };
                (from, to) = ends;
            }
            let known = self
                .places
                .get(&(from, to, stream))
                .map(|place| (*place, true))
                .or_else(|| {
                    let place = self.places.get(&(to, from, stream))?;
                    Some((*place, false))
                });
            let (place, there) = match known {
                Some(known) => known,
                None if self.all.len() >= MOST => {
                    self.left_out += 1;
                    continue;
                }
                None => {
                    let place = self.all.len();
                    self.places.insert((from, to, stream), place);
                    self.all.push(Conversation {
                        a: from,
                        b: to,
                        there: Volume::default(),
                        back: Volume::default(),
                        start: meta.ts,
                        end: meta.ts,
                    });
                    (place, true)
                }
            };
            let Some(conversation) = self.all.get_mut(place) else {
                continue;
            };
            let volume = if there {
                &mut conversation.there
            } else {
                &mut conversation.back
            };
            volume.add(meta.wire_len);
            conversation.start = conversation.start.min(meta.ts);
            conversation.end = conversation.end.max(meta.ts);
        }
    }

    fn begin(&mut self, plan: &ReadPlan) {
        self.names = plan.preferences.names;
    }

    fn print(&mut self, out: &mut String) {
        let layer = self.ends.layer;
        out.push_str(RULE);
        // Writing to a string does not fail, in all of these.
        let _infallible = writeln!(
            out,
            "{} Conversations\nFilter:{}",
            layer.title(),
            filter_text(self.filter.as_ref())
        );
        let indent = if layer.has_ports() { 59 } else { 47 };
        let (a, b) = (
            "|       <-      | |       ->      | |     Total     |    Relative    |   Duration   |",
            "| Frames  Bytes | | Frames  Bytes | | Frames  Bytes |      Start     |              |",
        );
        let _infallible = writeln!(out, "{:indent$}{a}\n{:indent$}{b}", "", "");
        self.all.sort_by_key(|conversation| {
            std::cmp::Reverse(conversation.there.with(conversation.back).frames)
        });
        let first = self.first.unwrap_or_default();
        let width = if layer.has_ports() { 26 } else { 20 };
        for conversation in &self.all {
            let Conversation {
                a,
                b,
                there,
                back,
                start,
                end,
            } = conversation;
            let total = there.with(*back);
            let _infallible = write!(
                out,
                "{:<width$} <-> {:<width$}",
                a.name(layer, self.names),
                b.name(layer, self.names)
            );
            for volume in [back, there, &total] {
                let _infallible = write!(out, "  {:>6} {:<9}", volume.frames, size(volume.bytes));
            }
            let _infallible = writeln!(
                out,
                "  {:>14} {:>14}",
                seconds(start.since(first).0, 9),
                duration([first, *start, *end])
            );
        }
        if self.left_out > 0 {
            let _infallible = writeln!(
                out,
                "{} packets are of further conversations; only {MOST} are told apart",
                self.left_out
            );
        }
        out.push_str(RULE);
    }
}

/// Bytes as tshark writes them: exactly below ten thousand, then in thousands.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["bytes", "kB", "MB", "GB", "TB", "PB"];
    let mut size = bytes;
    let mut unit = 0;
    while size >= 10_000 && unit + 1 < UNITS.len() {
        size /= 1000;
        unit += 1;
    }
    format!("{size} {}", UNITS[unit])
}

/// Seconds between the last two as tshark has them: with four decimals of the difference of two numbers
/// with a binary fraction, which count from the first.
fn duration([first, start, end]: [Timestamp; 3]) -> String {
    let [start, end] = [start, end].map(|at| {
        let ns = at.since(first).0;
        let whole = u32::try_from(ns / 1_000_000_000).unwrap_or(u32::MAX);
        f64::from(whole) + f64::from((ns % 1_000_000_000) as u32) / 1e9
    });
    format!("{:.4}", end - start)
}

/// Seconds with so many decimals, rounded.
fn seconds(ns: u64, decimals: u32) -> String {
    let unit = 10_u64.pow(9 - decimals);
    let rounded = ns.saturating_add(unit / 2) / unit;
    let per_second = 10_u64.pow(decimals);
    let decimals = decimals as usize;
    format!(
        "{}.{:0decimals$}",
        rounded / per_second,
        rounded % per_second
    )
}
