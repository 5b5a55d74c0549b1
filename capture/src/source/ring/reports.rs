//! What the kernel tells of flows that it cuts short, where packets come by `AF_XDP` sockets: reports come
//! by a ring, and find their places among the packets by time.
//!
//! A report is made before the packet that it precedes gets its time, and before room for it is reserved. So
//! when the ring is read after the sockets, up to the first report that was made after the last packet, there
//! are all that come before one of these packets. Among themselves, reports keep the order of the ring.

use std::collections::VecDeque;
use std::io;
use std::os::fd::AsFd;

use capture_common::CutReport;

use super::mapped::MappedRing;
use super::{Told, report};
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
    /// Maps a ring of `ring_bytes`.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub fn new(map: &impl AsFd, ring_bytes: usize) -> io::Result<Self> {
        Ok(Self {
            ring: MappedRing::new(map, ring_bytes)?,
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
            let lent = self
                .ring
                .burst(BURST, |bytes| self.waiting.extend(report(bytes)));
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
    use std::os::unix::fs::FileExt as _;

    use capture_common::RingRecord;

    use super::super::mapped::page_bytes;
    use super::*;
    use crate::packet::PacketMeta;

    /// A ring as the kernel lays it out, in a file that this process fills.
    struct Producer {
        file: File,
        position: u64,
    }

    impl Producer {
        const RING: usize = 1 << 16;
        const RECORD: u64 = 8 + (RingRecord::LEN + CutReport::LEN) as u64;
        /// `BPF_RINGBUF_BUSY_BIT`.
        const BUSY: u32 = 1 << 31;
        /// What the clock of packets is ahead of the kernel's.
        const OFFSET: i64 = 1_000_000;

        fn new() -> (Self, ReportRing) {
            let file = tempfile::tempfile().unwrap();
            file.set_len((2 * Self::page() + 2 * Self::RING) as u64)
                .unwrap();
            let ring = ReportRing::new(&file, Self::RING).unwrap();
            (Self { file, position: 0 }, ring)
        }

        fn page() -> usize {
            page_bytes().unwrap()
        }

        fn write(&self, at: u64, bytes: &[u8]) {
            // The kernel maps the data twice in a row; here they lie there twice.
            for copy in [0, Self::RING] {
                let start = (2 * Self::page() + copy) as u64;
                self.file.write_all_at(bytes, start + at).unwrap();
            }
        }

        /// Makes a report of this place, at a time of the kernel's, with this word before it.
        fn push(&mut self, mono_ns: u64, slot: u32, busy: u32) {
            let mut bytes = Vec::new();
            bytes.extend(((Self::RECORD as u32 - 8) | busy).to_ne_bytes());
            bytes.extend([0; 4]);
            bytes.extend(mono_ns.to_ne_bytes());
            bytes.extend([0; 22]);
            bytes.extend(RingRecord::FLAG_REPORT.to_ne_bytes());
            bytes.extend([0; 40]);
            bytes.extend(slot.to_ne_bytes());
            bytes.resize(Self::RECORD as usize, 0);
            self.write(self.position, &bytes);
            self.position += Self::RECORD;
            self.file
                .write_all_at(&self.position.to_ne_bytes(), Self::page() as u64)
                .unwrap();
        }

        /// The last report is written now.
        fn commit(&self) {
            let word = (Self::RECORD as u32 - 8).to_ne_bytes();
            self.write(self.position - Self::RECORD, &word);
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
            producer.push(mono_ns, slot as u32, 0);
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
        producer.push(11, 0, 0);
        producer.push(10, 1, 0);
        assert_eq!(place(&mut ring, &[10], 0), Some(vec![]));
        assert_eq!(place(&mut ring, &[12], 0), Some(vec![(0, 0), (0, 1)]));
    }

    #[test]
    fn packets_wait_for_a_report_that_is_being_written() {
        let (mut producer, mut ring) = Producer::new();
        producer.push(5, 0, 0);
        producer.push(6, 1, Producer::BUSY);
        assert_eq!(place(&mut ring, &[10], 0), None);
        producer.commit();
        assert_eq!(place(&mut ring, &[10], 0), Some(vec![(0, 0), (0, 1)]));
        // What lies behind one that was made later can be none of theirs.
        producer.push(20, 2, 0);
        producer.push(21, 3, Producer::BUSY);
        assert_eq!(place(&mut ring, &[15], 0), Some(vec![]));
    }

    #[test]
    fn more_reports_than_a_burst_has_packets_are_told_at_once() {
        let (mut producer, mut ring) = Producer::new();
        for slot in 0..200 {
            producer.push(slot.into(), slot, 0);
        }
        let told = place(&mut ring, &[150], 0).unwrap();
        let expected: Vec<_> = (0..=150).map(|slot| (0, slot)).collect();
        assert_eq!(told, expected);
    }
}
