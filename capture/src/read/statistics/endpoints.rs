//! Endpoints: packets and bytes of each address (`tshark -z endpoints,tcp`).

use std::collections::HashMap;
use std::fmt::Write as _;

use super::conversations::layer;
use super::traffic::{End, Ends, Layer, Metas, Volume};
use super::{RULE, Statistic, StatisticError, filter, filter_text, passes};
use crate::filter::display::DisplayFilter;
use crate::read::Columns;
use crate::read::pipeline::ReadPlan;
use crate::read::print::Names;
use crate::read::tree::{Tree, Wanted};
use crate::read::walk::Frame;

/// Endpoints that are told apart.
const MOST: usize = 1 << 22;

/// Endpoints of one layer.
#[derive(Debug)]
pub(super) struct Endpoints {
    ends: Ends,
    metas: Metas,
    filter: Option<DisplayFilter>,
    known: Known,
    names: Names,
}

#[derive(Debug)]
struct Endpoint {
    end: End,
    sent: Volume,
    received: Volume,
}

impl Endpoints {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let (layer, words) = layer("endpoints", rest)?;
        Ok(Box::new(Self {
            ends: Ends::new(layer),
            metas: Metas::default(),
            filter: filter(words)?,
            known: Known::default(),
            names: Names::default(),
        }))
    }
}

/// Endpoints in the order in which they were seen.
#[derive(Debug, Default)]
struct Known {
    places: HashMap<End, usize>,
    all: Vec<Endpoint>,
    left_out: u64,
}

impl Known {
    fn endpoint(&mut self, end: End) -> Option<&mut Endpoint> {
        let next = self.all.len();
        let place = match self.places.get(&end) {
            Some(place) => *place,
            None if next >= MOST => {
                self.left_out += 1;
                return None;
            }
            None => {
                self.places.insert(end, next);
                self.all.push(Endpoint {
                    end,
                    sent: Volume::default(),
                    received: Volume::default(),
                });
                next
            }
        };
        self.all.get_mut(place)
    }
}

impl Statistic for Endpoints {
    fn want(&self, wanted: &mut Wanted) {
        self.ends.want(wanted);
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) || !self.ends.counts(tree) {
            return;
        }
        let bytes = frame.packet.meta.wire_len;
        let Self {
            ends, metas, known, ..
        } = self;
        for (mut from, mut to, stream) in ends.of(tree) {
            if ends.layer == Layer::Mptcp {
                let Some((sender, receiver)) = metas.ends(from, to, stream) else {
                    continue;
                };
                (from, to) = (sender.host(), receiver.host());
            }
            if let Some(endpoint) = known.endpoint(from) {
                endpoint.sent.add(bytes);
            }
            if let Some(endpoint) = known.endpoint(to) {
                endpoint.received.add(bytes);
            }
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
            "{} Endpoints\nFilter:{}",
            layer.title(),
            filter_text(self.filter.as_ref())
        );
        let port = if layer.has_ports() { "|  Port  |" } else { "" };
        let _infallible = writeln!(
            out,
            "{:23}{port}|  Packets  | |  Bytes  | | Tx Packets | | Tx Bytes | | Rx Packets | | Rx Bytes |",
            ""
        );
        self.known.all.sort_by_key(|endpoint| {
            std::cmp::Reverse(endpoint.sent.with(endpoint.received).frames)
        });
        for Endpoint {
            end,
            sent,
            received,
        } in &self.known.all
        {
            let total = sent.with(*received);
            let _infallible = write!(out, "{:<20}", end.address_with(self.names));
            if layer.has_ports() {
                let _infallible = write!(out, "      {:>5}     ", end.port);
            } else {
                out.push_str("      ");
            }
            let _infallible = writeln!(
                out,
                "{:>6}     {:>9}     {:>6}       {:>9}      {:>6}       {:>9}   ",
                total.frames, total.bytes, sent.frames, sent.bytes, received.frames, received.bytes
            );
        }
        if self.known.left_out > 0 {
            let _infallible = writeln!(
                out,
                "{} ends of packets are further endpoints; only {MOST} are told apart",
                self.known.left_out
            );
        }
        out.push_str(RULE);
    }
}
