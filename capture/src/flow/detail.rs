//! What is kept aside of the flows that do not fit into their slot: where something was lost, repeated
//! or out of order, and those that move much or last long.

use super::key::Direction;
use super::record::RttHistogram;
use super::tcp::{Connection, Health};
use crate::packet::{Span, Timestamp};

/// The whole of a connection, and what was said of it in records before.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Detail {
    pub(crate) connection: Connection,
    /// Records that were written of it.
    pub(crate) part: u32,
    /// Timestamp of the first packet since the last of them.
    pub(crate) part_ts: Timestamp,
    /// What carries the flow now, and how often that changed, if it ever did.
    carrier: Option<u32>,
    carrier_changes: u8,
    /// Round-trip times by direction.
    pub(crate) histograms: [RttHistogram; 2],
    /// Payload and bad checksums that they reported, by direction.
    reported: [(u64, u32); 2],
    /// The next free detail.
    next_free: u32,
}

impl Detail {
    /// A direction with this many packets is worth a detail: its round-trip times say more if
    /// segments are timed while others are on their way.
    pub(crate) const BULK_PACKETS: u32 = 64;

    #[expect(
        clippy::large_types_passed_by_value,
        reason = "it is built in its place, not copied from another"
    )]
    pub(crate) fn new(connection: Connection, first_ts: Timestamp) -> Self {
        Self {
            histograms: connection.ends.map(|end| end.rtt.histogram()),
            connection,
            part: 0,
            part_ts: first_ts,
            carrier: None,
            carrier_changes: 0,
            reported: [(0, 0); 2],
            next_free: Details::NONE,
        }
    }

    /// Payload and bad checksums that were reported before.
    pub(crate) fn reported(&self, direction: Direction) -> (u64, u32) {
        self.reported[direction.index()]
    }

    /// What carries the flow, if that has changed since its first packet.
    pub(crate) fn carrier(&self) -> Option<u32> {
        self.carrier
    }

    /// Something else carries the flow from now on; says whether that is once too often.
    pub(super) fn carry(&mut self, carrier: u32) -> bool {
        /// Zeek's `Tunnel::max_changes_per_connection`.
        const MOST: u8 = 5;
        self.carrier = Some(carrier);
        self.carrier_changes = self.carrier_changes.saturating_add(1);
        self.carrier_changes == MOST + 1
    }

    /// A round-trip time of what was sent this way.
    pub(super) fn add_rtt(&mut self, direction: Direction, us: u32) {
        self.histograms[direction.index()].add(Span(u64::from(us) * 1000), 1);
    }

    pub(super) fn next_part(&mut self, ts: Timestamp, is_tcp: bool) {
        self.part += 1;
        self.part_ts = ts;
        if !is_tcp {
            return;
        }
        let connection = &mut self.connection;
        for direction in [Direction::Forward, Direction::Reverse] {
            let [end, peer] = connection.pair(direction);
            self.reported[direction.index()] = (end.size(peer), end.bad_checksums);
            end.missed = 0;
            end.health = Health::NONE;
            end.rtt.clear();
        }
        self.histograms = Default::default();
    }
}

/// The details of a table: a bounded store, within memory that is reserved once and taken from the
/// system as it is used.
#[derive(Debug)]
pub(crate) struct Details {
    store: Vec<Detail>,
    free: u32,
    limit: u32,
    /// How often there was no room.
    pub(crate) refused: u64,
}

impl Details {
    /// No detail.
    pub(crate) const NONE: u32 = u32::MAX;
    /// Memory of one, bytes.
    pub(crate) const BYTES: u64 = size_of::<Detail>() as u64;

    pub(crate) fn new(limit: u32) -> Self {
        let store = Vec::with_capacity(limit as usize);
        crate::hugepages::advise(&store);
        Self {
            store,
            free: Self::NONE,
            limit,
            refused: 0,
        }
    }

    #[inline(always)]
    pub(crate) fn get(&self, number: u32) -> Option<&Detail> {
        self.store.get(number as usize)
    }

    #[inline(always)]
    pub(crate) fn get_mut(&mut self, number: u32) -> Option<&mut Detail> {
        self.store.get_mut(number as usize)
    }

    /// Whether no flow ever had one.
    #[inline(always)]
    pub(crate) const fn is_empty(&self) -> bool {
        self.store.is_empty()
    }

    /// Asks for the memory of a connection's ends, which every packet of it needs.
    #[inline(always)]
    pub(crate) fn prefetch(&self, number: u32) {
        if let Some(detail) = self.store.get(number as usize) {
            crate::prefetch::lines(&detail.connection);
        }
    }

    /// Whether there is a place for one more.
    pub(crate) fn has_room(&self) -> bool {
        self.free != Self::NONE || (self.store.len() as u32) < self.limit
    }

    /// A place for a detail; `NONE` if there is no room.
    #[expect(
        clippy::large_types_passed_by_value,
        reason = "it moves into its place"
    )]
    pub(crate) fn take(&mut self, detail: Detail) -> u32 {
        if let Some(free) = self.store.get_mut(self.free as usize) {
            let number = self.free;
            self.free = free.next_free;
            *free = detail;
            return number;
        }
        if self.store.len() as u32 >= self.limit {
            self.refused += 1;
            return Self::NONE;
        }
        self.store.push(detail);
        self.store.len() as u32 - 1
    }

    pub(crate) fn release(&mut self, number: u32) {
        if let Some(detail) = self.store.get_mut(number as usize) {
            detail.next_free = self.free;
            self.free = number;
        }
    }
}
