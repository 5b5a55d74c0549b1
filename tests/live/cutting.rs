//! The short way of packets past their flow's cutoff against the long one: the same packets through two
//! tables, with two tags in one of them, which lead a packet the long way.

use std::time::Instant;

use aya::maps::Array;
use capture::kernel::{Cutoff, Kernel};
use capture::packet::LinkType;
use capture_common::cutoff::{CutSet, CutTotals};
use capture_common::{Hook, RingRecord};
use capture_tests::oracle::skip;

use crate::slow_ring::SlowRings;
use crate::steering::{plan, run};

/// Packets that are sent.
const PACKETS: u32 = 20_000;
/// Payload of each direction that is copied.
const CUTOFF: u64 = 10_000;
/// Two tags, the outer one a provider's.
const TAGS: [u8; 8] = [0x88, 0xa8, 0, 5, 0x81, 0, 0, 7];

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// Numbers that look random and are the same in each run (Marsaglia's xorshift).
struct Dice(u32);

impl Dice {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 % limit
    }
}

/// A flow: the last byte of its addresses says which one it is.
#[derive(Clone, Copy)]
struct Flow {
    number: u8,
    v6: bool,
    tcp: bool,
    /// Where each direction's stream is.
    seq: [u32; 2],
}

impl Flow {
    /// The next packet of a direction: mostly one that continues the stream, and all that it can be else.
    fn step(&mut self, way: usize, dice: &mut Dice) -> (Vec<u8>, u32) {
        let len = 1 + dice.below(1400);
        let mut next = |forward: u32| {
            let seq = self.seq[way];
            self.seq[way] = seq.wrapping_add(forward);
            seq
        };
        let (seq, flags, len) = match dice.below(200) {
            // Sent again, and behind a hole that is never filled.
            0..4 => (next(0).wrapping_sub(dice.below(3000)), ACK, len),
            4..8 => (next(len + dice.below(3) * 100).wrapping_add(100), ACK, len),
            8..16 => (next(0), ACK, 0),
            16 => (next(len + 1), ACK | FIN, len),
            17 => (next(0), RST, 0),
            18 => (next(1), SYN, 0),
            _ => (next(len), ACK, len),
        };
        let len = if self.tcp || len > 0 { len } else { 1 };
        (self.frame(way, seq, flags, len), len)
    }

    fn frame(&self, way: usize, seq: u32, flags: u8, payload_len: u32) -> Vec<u8> {
        let header_len: u32 = if self.tcp { 20 } else { 8 };
        let transport_len = (header_len + payload_len) as u16;
        let protocol = if self.tcp { 6 } else { 17 };
        let ends = [[1, self.number], [2, self.number]];
        let (src, dst) = (ends[way], ends[1 - way]);
        let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        if self.v6 {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend(transport_len.to_be_bytes());
            frame.extend([protocol, 64]);
            for end in [src, dst] {
                frame.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
                frame.extend(end);
            }
        } else {
            frame.extend([8, 0, 0x45, 0]);
            frame.extend((transport_len + 20).to_be_bytes());
            frame.extend([0, 0, 0x40, 0, 64, protocol, 0, 0]);
            for end in [src, dst] {
                frame.extend([10, 0]);
                frame.extend(end);
            }
        }
        let ports = [40_000_u16, 443];
        frame.extend(ports[way].to_be_bytes());
        frame.extend(ports[1 - way].to_be_bytes());
        if self.tcp {
            frame.extend(seq.to_be_bytes());
            frame.extend([0, 0, 0, 1, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
        } else {
            frame.extend(transport_len.to_be_bytes());
            frame.extend([0, 0]);
        }
        frame.resize(frame.len() + payload_len as usize, 0);
        // What has to be there for the short way.
        frame.resize(frame.len().max(if self.v6 { 74 } else { 60 }), 0);
        frame
    }
}

/// Packets of one direction: how many, their bytes on the wire, their payload.
type Sum = [u64; 3];

fn add(sum: &mut Sum, wire_len: usize, payload_len: u32) {
    for (sum, part) in sum.iter_mut().zip([1, wire_len as u64, payload_len.into()]) {
        *sum += part;
    }
}

/// A kernel with a table of its own.
struct Side {
    kernel: Kernel,
    ring: SlowRings,
    tags: &'static [u8],
    /// What was copied of each flow and direction.
    copied: Vec<[Sum; 2]>,
}

impl Side {
    fn new(tags: &'static [u8], flows: usize) -> Option<Self> {
        let mut plan = plan(LinkType::ETHERNET, 65_600, None);
        plan.thinning.cutoff = Some(Cutoff {
            bytes: CUTOFF,
            flows: 256,
        });
        let kernel = match Kernel::load(&plan) {
            Ok(kernel) => kernel,
            Err(error) => {
                skip(&format!("the programs cannot be loaded: {error}"));
                return None;
            }
        };
        let ring = SlowRings::new(&kernel);
        Some(Self {
            ring,
            kernel,
            tags,
            copied: vec![[[0; 3]; 2]; flows],
        })
    }

    /// How much of the packet is copied, without the tags; `None` if it is only counted.
    fn pass(&mut self, frame: &[u8], payload_len: u32, flow: usize, way: usize) -> Option<u32> {
        let mut tagged = frame.to_vec();
        tagged.splice(12..12, self.tags.iter().copied());
        run(self.kernel.ebpf_mut(), &tagged);
        let mut copied = None;
        while let Some(record) = self.ring.next() {
            let flags = u16::from_ne_bytes([record[30], record[31]]);
            if flags & RingRecord::FLAG_REPORT == 0 {
                assert!(copied.is_none(), "a packet is copied once");
                let cap_len = u32::from_ne_bytes(*record[12..].first_chunk().unwrap());
                copied = Some(cap_len - self.tags.len() as u32);
                add(&mut self.copied[flow][way], frame.len(), payload_len);
            }
        }
        copied
    }

    /// What is in the table of each flow, by the last byte of its addresses: of who has address 1, and of
    /// who has address 2.
    fn totals(&mut self, flows: usize) -> Vec<[CutTotals; 2]> {
        let sets: Array<_, CutSet> =
            Array::try_from(self.kernel.ebpf_mut().map("CUTS").unwrap()).unwrap();
        let mut totals = vec![[CutTotals::default(); 2]; flows];
        for set in sets.iter() {
            let set = set.unwrap();
            for (key, entry) in set.keys.iter().zip(&set.entries) {
                if *key == 0 {
                    continue;
                }
                let bytes = [entry.ends.src, entry.ends.dst].map(|address| {
                    let [low, high] = address.map(u64::to_ne_bytes);
                    if entry.ends.version == 4 {
                        [low[2], low[3]]
                    } else {
                        [high[6], high[7]]
                    }
                });
                let way = usize::from(bytes[0][0] - 1);
                let of_flow = &mut totals[usize::from(bytes[0][1])];
                of_flow[way] = entry.halves[0].totals;
                of_flow[1 - way] = entry.halves[1].totals;
            }
        }
        totals
    }
}

#[test]
fn what_is_cut_the_short_way_is_what_is_cut_the_long_way() {
    let mut flows: Vec<_> = (0..6)
        .map(|number| Flow {
            number,
            v6: number % 2 == 1,
            tcp: number < 4,
            seq: [u32::MAX - 50_000, 7],
        })
        .collect();
    let (Some(mut short), Some(mut long)) =
        (Side::new(&[], flows.len()), Side::new(&TAGS, flows.len()))
    else {
        return;
    };
    let mut dice = Dice(0x5eed);
    let mut sent = vec![[[0; 3]; 2]; flows.len()];
    let mut differ = 0;
    let began = Instant::now();
    for _ in 0..PACKETS {
        let number = dice.below(flows.len() as u32) as usize;
        let way = usize::from(dice.below(4) == 0);
        let (frame, payload_len) = flows[number].step(way, &mut dice);
        add(&mut sent[number][way], frame.len(), payload_len);
        let [here, there] =
            [&mut short, &mut long].map(|side| side.pass(&frame, payload_len, number, way));
        differ += u64::from(here != there);
    }
    // A packet a second of each direction is copied anyhow, and each table has a second of its own.
    let often = (began.elapsed().as_secs() + 1) * 2 * 2 * flows.len() as u64;
    assert!(differ <= often, "{differ} packets, more than {often}");

    let tables = [short.totals(flows.len()), long.totals(flows.len())];
    for (side, totals) in [&short, &long].into_iter().zip(&tables) {
        for number in 0..flows.len() {
            for way in 0..2 {
                let (cut, copied) = (&totals[number][way], side.copied[number][way]);
                let tags = cut.packets * side.tags.len() as u64;
                let whole = [
                    copied[0] + cut.packets,
                    copied[1] + cut.wire_bytes - tags,
                    copied[2] + cut.payload_bytes,
                ];
                assert_eq!(whole, sent[number][way], "flow {number}, way {way}");
                assert!(cut.packets > 300, "{cut:?}");
            }
        }
    }
    let next = |totals: &Vec<[CutTotals; 2]>| -> Vec<_> {
        let ways = totals.iter().flatten();
        ways.map(|cut| (cut.next_seq, cut.flags & CutTotals::KNOWN))
            .collect()
    };
    assert_eq!(next(&tables[0]), next(&tables[1]));
    let counted = [short, long].map(|side| {
        let counters = side.kernel.counters(0, Hook::XdpIngress).unwrap();
        (
            counters.packets,
            counters.cut + counters.delivered,
            counters.cut_unfollowed,
        )
    });
    let packets = u64::from(PACKETS);
    assert_eq!(counted, [(packets, packets, 0); 2]);
}

/// Nobody reads the ring, and at its end there is room for a short packet, and none for a report.
#[test]
fn a_packet_does_not_come_without_what_has_to_be_told_before_it() {
    // What packets before take of the ring, 104 bytes each, so that all that can be left at its end is.
    for before in 0..5 {
        let mut plan = plan(LinkType::ETHERNET, 65_600, None);
        plan.ring_bytes = 1 << 16;
        plan.thinning.cutoff = Some(Cutoff {
            bytes: 1_000,
            flows: 4,
        });
        let mut kernel = match Kernel::load(&plan) {
            Ok(kernel) => kernel,
            Err(error) => return skip(&format!("the programs cannot be loaded: {error}")),
        };
        let mut flow = Flow {
            number: 0,
            v6: false,
            tcp: true,
            seq: [1, 1],
        };
        let mut send = |kernel: &mut Kernel, way: usize, len: u32| {
            let frame = flow.frame(way, flow.seq[way], ACK, len);
            flow.seq[way] += len;
            run(kernel.ebpf_mut(), &frame);
            let counters = kernel.counters(0, Hook::XdpIngress).unwrap();
            let parts = counters.cut + counters.delivered + counters.ring_full;
            assert_eq!(counters.packets, parts);
            counters
        };
        // One up to the cutoff, and the first behind it.
        send(&mut kernel, 0, 1_000);
        send(&mut kernel, 0, 1_000);
        for _ in 0..before {
            send(&mut kernel, 1, 0);
        }
        let mut full = 0;
        for _ in 0..1_000 {
            send(&mut kernel, 0, 1_000);
            full = send(&mut kernel, 1, 0).ring_full;
            if full > 10 {
                break;
            }
        }
        assert!(full > 10, "the ring has an end");
        let mut ring = SlowRings::new(&kernel);
        let mut is_report = Vec::new();
        while let Some(record) = ring.next() {
            let flags = u16::from_ne_bytes([record[30], record[31]]);
            is_report.push(flags & RingRecord::FLAG_REPORT != 0);
        }
        // A packet, a report, a packet, and those before.
        let told = &is_report[3 + before..];
        assert!(told.len() > 400, "{}", told.len());
        // The last one may have found room for itself alone.
        for pair in told.chunks(2) {
            assert!(pair == [true, false] || pair == [true], "{before} before");
        }
    }
}
