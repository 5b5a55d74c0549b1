//! What the kernel tells of flows that it cuts short, where packets come by `AF_XDP` sockets: reports come
//! by a ring, and find their places among the packets by time.
//!
//! A report is made before the packet that it precedes gets its time, and before room for it is reserved. So
//! when the ring is read after the sockets, up to the first report that was made after the last packet, there
//! are all that come before one of these packets. Among themselves, reports keep the order of the ring.

use std::collections::VecDeque;
use std::io;

use capture_common::CutReport;

use super::mapped::MappedRing;
use super::{RingMemory, Told, report};
use crate::packet::{Packet, Timestamp};
use crate::source::BURST;

/// A ring of reports, read by one worker.
#[derive(Debug)]
pub struct ReportRing {
    ring: MappedRing,
    /// Reports that were read and come after all packets that were, with the kernel's time of each.
    waiting: VecDeque<(u64, CutReport)>,
    /// Reports of the burst that is lent; reused.
    told: Vec<Told>,
}

impl ReportRing {
    /// Maps a ring.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub fn new(memory: &RingMemory<'_>) -> io::Result<Self> {
        Ok(Self {
            ring: MappedRing::new(memory)?,
            waiting: VecDeque::with_capacity(BURST),
            told: Vec::with_capacity(BURST),
        })
    }

    /// Whether nothing was read that is still to be told.
    pub(in crate::source) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// The reports that come before these packets, and those after them that were made until `read_until`: up to
    /// then, every packet has been read. `None` if one of them is still being written: then the packets have
    /// to wait.
    pub(in crate::source) fn place(
        &mut self,
        packets: &[Packet<'_>],
        read_until: Timestamp,
        offset_ns: i64,
    ) -> Option<&[Told]> {
        let last = packets.iter().map(|packet| packet.meta.ts).max();
        let until = last.map_or(read_until, |last| last.max(read_until));
        if !self.read_past(until, offset_ns) {
            return None;
        }
        self.told.clear();
        for (before, packet) in packets.iter().enumerate() {
            self.tell(packet.meta.ts, before, offset_ns);
        }
        self.tell(until, packets.len(), offset_ns);
        Some(&self.told)
    }

    /// Reads all reports up to one that was made after `until`; false if one is still being written.
    fn read_past(&mut self, until: Timestamp, offset_ns: i64) -> bool {
        let is_past = |waiting: &VecDeque<(u64, CutReport)>| {
            waiting
                .back()
                .is_some_and(|&(mono_ns, _)| timestamp(mono_ns, offset_ns) > until)
        };
        while !is_past(&self.waiting) {
            let lent = self.ring.burst(BURST, |record, data| {
                let report = report(&record, data);
                self.waiting
                    .extend(report.map(|report| (record.mono_ns, report)));
            });
            let (drained, unfinished) = (lent.drained, lent.unfinished);
            lent.release();
            if drained {
                return !unfinished || is_past(&self.waiting);
            }
        }
        true
    }

    /// Tells what was made until `ts`, before the packet with this index.
    fn tell(&mut self, ts: Timestamp, before: usize, offset_ns: i64) {
        while let Some((_, report)) = self
            .waiting
            .pop_front_if(|&mut (mono_ns, _)| timestamp(mono_ns, offset_ns) <= ts)
        {
            self.told.push(Told { before, report });
        }
    }
}

const fn timestamp(mono_ns: u64, offset_ns: i64) -> Timestamp {
    Timestamp(mono_ns.wrapping_add_signed(offset_ns))
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::os::fd::AsFd as _;
    use std::os::unix::fs::FileExt as _;

    use capture_common::RingRecord;

    use super::*;
    use crate::packet::PacketMeta;

    /// A ring as the programs fill it, in a file that this process fills; in plain numbers.
    struct Producer {
        file: File,
        position: u64,
    }

    impl Producer {
        const RING: u32 = 1 << 16;
        const DATA: u64 = 0x20000;
        const MARGIN: u64 = 0x20000;
        const RECORD: u64 = 8 + (RingRecord::LEN + CutReport::LEN) as u64;
        const SEED: u64 = 0x5eed;
        /// What the clock of packets is ahead of the kernel's.
        const OFFSET: i64 = 1_000_000;

        fn new() -> (Self, ReportRing) {
            let file = tempfile::tempfile().unwrap();
            file.set_len(Self::DATA + u64::from(Self::RING) + Self::MARGIN)
                .unwrap();
            let memory = RingMemory {
                map: file.as_fd(),
                number: 0,
                ring_bytes: Self::RING,
                seed: Self::SEED,
            };
            let ring = ReportRing::new(&memory).unwrap();
            (Self { file, position: 0 }, ring)
        }

        fn write(&self, at: u64, bytes: &[u8]) {
            self.file.write_all_at(bytes, at).unwrap();
        }

        /// Makes a report of this place, at a time of the kernel's.
        fn push(&mut self, mono_ns: u64, slot: u32) {
            self.begin(mono_ns, slot);
            self.commit();
        }

        /// Makes one that is not handed over.
        fn begin(&mut self, mono_ns: u64, slot: u32) {
            let mut bytes = Vec::new();
            bytes.extend(mono_ns.to_ne_bytes());
            bytes.extend([0; 4]);
            bytes.extend((CutReport::LEN as u32).to_ne_bytes());
            bytes.extend([0; 14]);
            bytes.extend(RingRecord::FLAG_REPORT.to_ne_bytes());
            bytes.extend([0; 40]);
            bytes.extend(slot.to_ne_bytes());
            bytes.resize(Self::RECORD as usize - 8, 0);
            self.write(Self::DATA + self.position + 8, &bytes);
            self.position += Self::RECORD;
            self.write(0x10000, &self.position.to_ne_bytes());
        }

        /// The last report is handed over now.
        fn commit(&self) {
            let position = self.position - Self::RECORD;
            let stamp = !(position ^ Self::SEED);
            self.write(Self::DATA + position, &stamp.to_ne_bytes());
        }
    }

    fn at(mono_ns: u64) -> Timestamp {
        Timestamp(mono_ns + Producer::OFFSET as u64)
    }

    /// Places among packets of these times, as (index, place of the report).
    fn place(ring: &mut ReportRing, packets: &[u64], until: u64) -> Option<Vec<(usize, u32)>> {
        let packets: Vec<_> = packets
            .iter()
            .map(|&mono_ns| Packet {
                meta: PacketMeta {
                    ts: at(mono_ns),
                    ..Packet::EMPTY.meta
                },
                ..Packet::EMPTY
            })
            .collect();
        let told = ring.place(&packets, at(until), Producer::OFFSET)?;
        Some(
            told.iter()
                .map(|told| (told.before, told.report.slot))
                .collect(),
        )
    }

    #[test]
    fn a_report_comes_before_the_first_packet_after_its_time() {
        let (mut producer, mut ring) = Producer::new();
        for (slot, mono_ns) in [5, 15, 16, 25, 35].into_iter().enumerate() {
            producer.push(mono_ns, slot as u32);
        }
        let told = place(&mut ring, &[10, 20, 30], 0).unwrap();
        assert_eq!(told, [(0, 0), (1, 1), (1, 2), (2, 3)]);
        assert!(!ring.is_empty());
        assert_eq!(place(&mut ring, &[], 34), Some(vec![]));
        assert_eq!(place(&mut ring, &[], 35), Some(vec![(0, 4)]));
        assert!(ring.is_empty());
    }

    #[test]
    fn reports_keep_their_order_whatever_their_times() {
        let (mut producer, mut ring) = Producer::new();
        producer.push(11, 0);
        producer.push(10, 1);
        assert_eq!(place(&mut ring, &[10], 0), Some(vec![]));
        assert_eq!(place(&mut ring, &[12], 0), Some(vec![(0, 0), (0, 1)]));
    }

    #[test]
    fn packets_wait_for_a_report_that_is_being_written() {
        let (mut producer, mut ring) = Producer::new();
        producer.push(5, 0);
        producer.begin(6, 1);
        assert_eq!(place(&mut ring, &[10], 0), None);
        producer.commit();
        assert_eq!(place(&mut ring, &[10], 0), Some(vec![(0, 0), (0, 1)]));
        // What lies behind one that was made later can be none of theirs.
        producer.push(20, 2);
        producer.begin(21, 3);
        assert_eq!(place(&mut ring, &[15], 0), Some(vec![]));
    }

    #[test]
    fn more_reports_than_a_burst_has_packets_are_told_at_once() {
        let (mut producer, mut ring) = Producer::new();
        for slot in 0..200 {
            producer.push(slot.into(), slot);
        }
        let told = place(&mut ring, &[150], 0).unwrap();
        let expected: Vec<_> = (0..=150).map(|slot| (0, slot)).collect();
        assert_eq!(told, expected);
    }
}
