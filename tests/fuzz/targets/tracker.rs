//! TCP segments in any order: few connections, small windows, small tables, so that losses, repeats, reuse
//! of ports, expiry and eviction come close after one another. The same segments go through the flow
//! table and through the analysis of `capture read`.
//!
//! The first byte chooses how many flows there is room for, the second what is printed; each step after
//! that is eight bytes: who sends, flags, where the sequence number and the acknowledgment lie, payload,
//! window, time, options.

use std::sync::Arc;

use capture::dissect::{Checksums, Dissector, Tunnels};
use capture::flow::{FlowRecord, FlowTable, Limits, Observed, Timeouts};
use capture::packet::{FrameNo, LinkType, Packet, PacketMeta, Span, Timestamp};
use capture::read::walk::{Frame, Frames};
use capture::read::{Columns, Memory, Tree, Wanted};
use capture::source::file::PacketOptions;

use crate::seeds::{Build, Tcp};

/// Bytes of a step.
pub(super) const STEP_LEN: usize = 8;
const STREAMS: usize = 4;

/// What the two ends of a connection have sent.
#[derive(Clone, Copy, Default)]
struct Stream {
    next: [u32; 2],
}

pub(super) fn run(bytes: &[u8]) {
    let [room, choice, steps @ ..] = bytes else {
        return;
    };
    let frames = segments(steps.as_chunks::<STEP_LEN>().0);
    observe(*room, &frames);
    analyze(*choice, &frames);
}

/// The segments of the steps, and when they come.
fn segments(steps: &[[u8; STEP_LEN]]) -> Vec<(Timestamp, Vec<u8>)> {
    let mut streams = [Stream::default(); STREAMS];
    let mut now = 1_700_000_000_000_000_000_u64;
    let mut frames = Vec::with_capacity(steps.len());
    for step in steps {
        let [who, flags, seq, ack, len, window, time, options] = *step;
        let number = usize::from(who >> 1) % STREAMS;
        let from = usize::from(who & 1);
        let stream = &mut streams[number];
        // Near what is expected; the farthest are far.
        let near = |place: u8| match place.cast_signed() {
            near @ -64..=63 => i32::from(near),
            far => i32::from(far) * 16_000_000,
        };
        let sequence = stream.next[from].wrapping_add_signed(near(seq));
        let acknowledgment = stream.next[1 - from].wrapping_add_signed(near(ack));
        let spans = u32::from(len) + u32::from(flags & 1 != 0) + u32::from(flags & 2 != 0);
        let end = sequence.wrapping_add(spans);
        if end.wrapping_sub(stream.next[from]).cast_signed() > 0 || flags & 2 != 0 {
            stream.next[from] = end;
        }
        now += match time {
            0 => 0,
            1..=200 => u64::from(time) * 100_000,
            _ => u64::from(time - 200) * 6_000_000_000,
        };
        let payload = [b'x'; 255];
        let ends = [
            (2, 40_000 + number as u16),
            (1, [80, 443, 22, 5000][number]),
        ];
        let (src, dst) = (ends[from], ends[1 - from]);
        let tcp = Tcp {
            ports: [src.1, dst.1],
            seq: sequence,
            ack: if flags & 0x10 == 0 { 0 } else { acknowledgment },
            flags,
            window: u16::from(window) * 16,
            options: option_bytes(options, acknowledgment),
        };
        let build = Build::tcp(&tcp, &payload[..usize::from(len)]).ip4(6, src.0, dst.0);
        // No Ethernet around it, whose addresses take longer to print than what is at stake here.
        frames.push((Timestamp(now), build.0));
    }
    frames
}

/// Options of a segment; those that name sequence numbers name some near `near`.
fn option_bytes(choice: u8, near: u32) -> Vec<u8> {
    let near = near.wrapping_add(u32::from(choice & 0xf0));
    let (left, right) = (near.to_be_bytes(), near.wrapping_add(32).to_be_bytes());
    match choice & 7 {
        0..=2 => vec![],
        3 => vec![2, 4, 5, 180, 4, 2, 1, 3, 3, choice >> 4, 1, 1],
        4 => [&[1, 1, 5, 10][..], &left, &right].concat(),
        5 => [&[1, 1, 8, 10][..], &left, &[0, 0, 0, choice]].concat(),
        6 => vec![3, 3, choice >> 3, 0],
        _ => [&[1, 1, 5, 10][..], &right, &left].concat(),
    }
}

fn observe(room: u8, frames: &[(Timestamp, Vec<u8>)]) {
    let limits = Limits {
        max_flows: 1 + u32::from(room & 7),
        max_details: u32::from(room >> 3 & 7).min(1 + u32::from(room & 7)),
    };
    let timeouts = Timeouts {
        active: (room & 0x40 != 0).then(|| Span::from_secs(30)),
        ..Timeouts::default()
    };
    let mut table = FlowTable::new(limits, timeouts, 7);
    let dissector = Dissector {
        tunnels: Tunnels::Inner,
        checksums: Checksums::Validate,
    };
    let mut tracked = 0;
    let mut recorded = 0;
    let mut emit = |record: FlowRecord| {
        recorded += record.initiator.counts.packets + record.responder.counts.packets;
        assert!(record.flow_ts <= record.first_ts || record.part == 0);
        for side in [&record.initiator, &record.responder] {
            assert!(side.tcp.fast_retransmissions <= side.tcp.retransmitted_segments);
            assert!(side.tcp.retransmitted_segments <= side.counts.packets);
            assert!(side.tcp.rtt.samples == 0 || side.tcp.rtt.mean().is_some());
        }
    };
    for (number, (ts, data)) in frames.iter().enumerate() {
        let packet = Packet {
            meta: PacketMeta {
                frame: FrameNo(number as u64 + 1),
                ts: *ts,
                clock: *ts,
                wire_len: data.len() as u32,
                link: LinkType::RAW,
                ..PacketMeta::UNKNOWN
            },
            data,
        };
        table.advance(*ts, &mut emit);
        let mut layers = dissector.dissect(&packet);
        let prepared = table.prepare(&mut layers, &packet);
        if table.observe(&prepared, &packet, &layers, &mut emit) == Observed::Tracked {
            tracked += 1;
        }
        assert!(
            table.live() <= limits.max_flows,
            "more than there is room for"
        );
    }
    table.finish(&mut emit);
    assert_eq!(recorded, tracked, "each packet is in one record");
    assert_eq!(tracked, frames.len() as u64, "they are all well-formed");
}

fn analyze(choice: u8, segments: &[(Timestamp, Vec<u8>)]) {
    use capture::read::memory::Pass;
    let wanted = if choice & 1 == 0 {
        Wanted::all()
    } else {
        Wanted::none()
    };
    let passes = if choice & 2 == 0 { 1 } else { 2 };
    let mut frames = Frames {
        memory: Memory::new(if passes == 1 { Pass::Only } else { Pass::First }),
        ..Frames::default()
    };
    let mut tree = Tree::new(Arc::new(wanted));
    let mut columns = Columns::default();
    for pass in 0..passes {
        let mut previous = segments.first().map_or(Timestamp(0), |(ts, _)| *ts);
        let first = previous;
        for (number, (ts, data)) in segments.iter().enumerate() {
            let packet = Packet {
                meta: PacketMeta {
                    ts: *ts,
                    wire_len: data.len() as u32,
                    link: LinkType::RAW,
                    ..PacketMeta::UNKNOWN
                },
                data,
            };
            let frame = Frame {
                number: number as u64 + 1,
                packet,
                iface: None,
                section: None,
                options: PacketOptions::default(),
                first,
                previous,
                previous_shown: previous,
            };
            frames.dissect(&frame, &mut tree, &mut columns);
            previous = *ts;
        }
        if pass + 1 < passes {
            frames.memory.begin_second_pass();
        }
    }
}
