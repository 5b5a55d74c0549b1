//! What is measured: each part of the engine on packets in memory, a round at a time. Rounds are alike, so
//! that any number of them says what one takes.

use std::fs::File;
use std::hint::black_box;
use std::io::Write as _;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context as _, Result};
use capture::dissect::{Checksums, Dissector, Layers, Tunnels};
use capture::filter::capture::{Filter, FilterOptions, Machine, Origin};
use capture::filter::display::DisplayFilter;
use capture::flow::{FlowTable, Limits, Timeouts};
use capture::kernel::Clock;
use capture::packet::{FrameNo, Iface, LinkType, Packet, PacketMeta, Timestamp};
use capture::read::walk::{Frame, Frames};
use capture::read::{Columns, Tree, Wanted};
use capture::sink::Existing;
use capture::sink::pcapng::{
    IfaceDescription, Overflow, PacketFile, PacketFileOptions, PacketSink, Section,
};
use capture::source::file::{FileSource, Numbering};
use capture::source::ring::{LinkTypes, RingMemory, RingSource};
use capture_common::ring::{DATA_AT, PRODUCER_AT, STAMP_LEN, element_len, stamp};
use capture_common::{Hook, RingRecord};
use rustix::fs::{MemfdFlags, memfd_create};

use crate::traffic;

/// A part of the engine at work.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) prepare: fn() -> Result<Round>,
}

/// What is measured.
pub(crate) struct Round {
    /// Packets that are worked on.
    pub(crate) packets: u64,
    pub(crate) run: Box<dyn FnMut()>,
}

/// All of them.
pub(crate) const ALL: &[Workload] = &[
    Workload {
        name: "dissect",
        prepare: dissect,
    },
    Workload {
        name: "flow-table",
        prepare: flow_table,
    },
    Workload {
        name: "tcp-tracker",
        prepare: tcp_tracker,
    },
    Workload {
        name: "capture-filter",
        prepare: capture_filter,
    },
    Workload {
        name: "display-filter",
        prepare: display_filter,
    },
    Workload {
        name: "read-list",
        prepare: read_list,
    },
    Workload {
        name: "pcapng-encode",
        prepare: pcapng_encode,
    },
    Workload {
        name: "pcapng-decode",
        prepare: pcapng_decode,
    },
    Workload {
        name: "ring-reader",
        prepare: ring_reader,
    },
];

/// Packets of a burst.
const GROUP: usize = 32;
/// When every round could have begun.
const START: u64 = 1_700_000_000_000_000_000;
/// Between two rounds, so that what was closed in one has expired in the next.
const ROUND_NS: u64 = 20_000_000_000;

/// What is looked at in packets of the machine itself.
const DISSECTOR: Dissector = Dissector {
    tunnels: Tunnels::Inner,
    checksums: Checksums::ValidateUnlessPartial,
};

fn packet(number: u64, at_ns: u64, data: &[u8]) -> Packet<'_> {
    let ts = Timestamp(START + at_ns);
    Packet {
        meta: PacketMeta {
            frame: FrameNo(number + 1),
            ts,
            clock: ts,
            wire_len: data.len() as u32,
            link: LinkType::ETHERNET,
            ..PacketMeta::UNKNOWN
        },
        data,
    }
}

fn round(packets: usize, run: impl FnMut() + 'static) -> Round {
    Round {
        packets: packets as u64,
        run: Box::new(run),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "as the others")]
fn dissect() -> Result<Round> {
    let frames = traffic::mix();
    let mut layers = DISSECTOR.dissect(&packet(0, 0, &[]));
    Ok(round(frames.len(), move || {
        for frame in &frames {
            DISSECTOR.dissect_into(&packet(0, frame.at_ns, &frame.bytes), &mut layers);
            black_box(&layers);
        }
    }))
}

/// A table, and packets whose layers are known.
struct Tracking {
    table: FlowTable,
    frames: Vec<(traffic::Frame, Layers)>,
    began_ns: u64,
}

impl Tracking {
    fn new(frames: Vec<traffic::Frame>, room: u32) -> Self {
        let frames = frames.into_iter().map(|frame| {
            let layers = DISSECTOR.dissect(&packet(0, 0, &frame.bytes));
            (frame, layers)
        });
        Self {
            table: FlowTable::new(Limits::flows(room), Timeouts::default(), 7),
            frames: frames.collect(),
            began_ns: 0,
        }
    }

    /// Hands all packets to the table in bursts, as a shard does.
    fn run(&mut self) {
        let Self {
            table,
            frames,
            began_ns,
        } = self;
        let mut emit = |record| {
            black_box(&record);
        };
        let mut number = 0;
        for burst in frames.chunks(GROUP) {
            if let Some((first, _)) = burst.first() {
                let clock = Timestamp(START + *began_ns + first.at_ns);
                table.advance(clock, &mut emit);
            }
            let mut work = [const { None }; GROUP];
            for ((frame, layers), place) in burst.iter().zip(&mut work) {
                let packet = packet(number, *began_ns + frame.at_ns, &frame.bytes);
                let mut layers = *layers;
                let prepared = table.prepare(&mut layers, &packet);
                number += 1;
                *place = Some((packet, layers, prepared));
            }
            for (.., prepared) in work.iter().flatten() {
                table.prefetch_index(prepared);
            }
            for (.., prepared) in work.iter().flatten() {
                table.prefetch(prepared);
            }
            for (packet, layers, prepared) in work.iter().flatten() {
                black_box(table.observe(prepared, packet, layers, &mut emit));
            }
        }
        *began_ns += ROUND_NS;
    }

    fn round(mut self) -> Round {
        // Once before it is measured: what is allocated is, and what is known is known.
        self.run();
        round(self.frames.len(), move || self.run())
    }
}

/// Datagrams of flows that are known.
#[expect(clippy::unnecessary_wraps, reason = "as the others")]
fn flow_table() -> Result<Round> {
    let frames = traffic::datagrams(16_384);
    Ok(Tracking::new(frames, 32_768).round())
}

/// Whole connections, some with losses.
#[expect(clippy::unnecessary_wraps, reason = "as the others")]
fn tcp_tracker() -> Result<Round> {
    let frames = traffic::sessions(512);
    Ok(Tracking::new(frames, 4096).round())
}

fn capture_filter() -> Result<Round> {
    let machines = [
        "tcp port 80 or 443 and not vlan 5",
        "host 10.0.0.1 and tcp[tcpflags] & (tcp-syn|tcp-fin) != 0",
        "ip[2:2] - ((ip[0] & 0xf) << 2) > 100",
    ]
    .into_iter()
    .map(|text| {
        let filter = Filter::new(text, &FilterOptions::default())?;
        Ok(filter.machine(LinkType::ETHERNET, Origin::File)?)
    })
    .collect::<Result<Vec<Machine>>>()?;
    let frames = traffic::mix();
    Ok(round(frames.len(), move || {
        for frame in &frames {
            let wire_len = frame.bytes.len() as u32;
            for machine in &machines {
                black_box(machine.keeps(&frame.bytes, wire_len));
            }
        }
    }))
}

/// Dissects frames as `capture read` does; `each` gets what was found.
fn read(
    frames: &mut Frames,
    traffic: &[traffic::Frame],
    tree: &mut Tree,
    mut each: impl FnMut(&mut Tree, &Columns),
) {
    let mut columns = Columns::default();
    let first = Timestamp(START);
    for (number, frame) in traffic.iter().enumerate() {
        let packet = packet(number as u64, frame.at_ns, &frame.bytes);
        let frame = Frame {
            number: number as u64 + 1,
            packet,
            iface: None,
            section: None,
            options: capture::source::file::PacketOptions::default(),
            first,
            previous: packet.meta.ts,
            previous_shown: packet.meta.ts,
        };
        frames.dissect(&frame, tree, &mut columns);
        each(tree, &columns);
    }
}

/// A display filter on the fields of frames, which are known.
fn display_filter() -> Result<Round> {
    let filter = DisplayFilter::new(
        "ip.addr == 10.0.0.0/24 && (tcp.port in {80, 443} || tcp.analysis.flags) && !(frame.len < 60)",
    )
    .ok()
    .context("the filter")?;
    let traffic = traffic::mix();
    let wanted = Arc::new(filter.wanted().clone());
    let mut trees = Vec::with_capacity(traffic.len());
    let mut tree = Tree::new(Arc::clone(&wanted));
    read(&mut Frames::default(), &traffic, &mut tree, |tree, _| {
        trees.push(std::mem::replace(tree, Tree::new(Arc::clone(&wanted))));
    });
    Ok(round(traffic.len(), move || {
        for (tree, frame) in trees.iter().zip(&traffic) {
            black_box(filter.matches(tree, &frame.bytes));
        }
    }))
}

/// The walk that the list of `capture read` takes.
#[expect(clippy::unnecessary_wraps, reason = "as the others")]
fn read_list() -> Result<Round> {
    let traffic = traffic::mix();
    let mut tree = Tree::new(Arc::new(Wanted::none()));
    Ok(round(traffic.len(), move || {
        // The next round is another file.
        let mut frames = Frames::default();
        read(&mut frames, &traffic, &mut tree, |_, columns| {
            black_box(columns);
        });
    }))
}

/// A worker's end of a file, and the file, so that both last as long.
struct Encoding {
    sink: PacketSink,
    traffic: Vec<traffic::Frame>,
    began_ns: u64,
    _file: PacketFile,
}

impl Encoding {
    fn run(&mut self) {
        for frame in &self.traffic {
            self.sink
                .packet(&packet(0, self.began_ns + frame.at_ns, &frame.bytes));
        }
        self.began_ns += ROUND_NS;
        self.sink.advance(Timestamp(START + self.began_ns));
    }
}

/// Packets into a file that keeps nothing, its writer included.
fn pcapng_encode() -> Result<Round> {
    let options = PacketFileOptions {
        path: PathBuf::from("/dev/null"),
        existing: Existing::Overwrite,
        rotation: None,
        overflow: Overflow::Block,
        pool_bytes: 4 << 20,
        section: Section::default(),
        ifaces: vec![IfaceDescription {
            iface: Iface {
                name: "eth0".to_owned(),
                description: String::new(),
                link: LinkType::ETHERNET,
                snap_len: 0,
                decimals: 9,
            },
            filter: None,
            comment: String::new(),
            mac: None,
            os: String::new(),
        }],
    };
    let (file, mut sinks) = PacketFile::create(&options, 1)?;
    let mut traffic = Vec::new();
    for _ in 0..8 {
        traffic.extend(traffic::mix());
    }
    let mut encoding = Encoding {
        sink: sinks.pop().context("a sink for the worker")?,
        traffic,
        began_ns: 0,
        _file: file,
    };
    Ok(round(encoding.traffic.len(), move || encoding.run()))
}

/// A pcapng file in memory, read anew in each round.
fn pcapng_decode() -> Result<Round> {
    let mut bytes = Vec::new();
    let mut block = |kind: u32, body: &[u8]| {
        let len = 12 + body.len().next_multiple_of(4) as u32;
        bytes.extend(kind.to_le_bytes());
        bytes.extend(len.to_le_bytes());
        bytes.extend(body);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes.extend(len.to_le_bytes());
    };
    block(
        0x0a0d_0d0a,
        &[
            0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255,
        ],
    );
    block(
        1,
        &[1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0],
    );
    let mut packets = 0;
    for _ in 0..8 {
        for frame in traffic::mix() {
            let ts = START + frame.at_ns;
            let len = (frame.bytes.len() as u32).to_le_bytes();
            let mut body = [0; 4].to_vec();
            body.extend(((ts >> 32) as u32).to_le_bytes());
            body.extend((ts as u32).to_le_bytes());
            body.extend([len, len].concat());
            body.extend(&frame.bytes);
            block(6, &body);
            packets += 1;
        }
    }
    let mut file = File::from(memfd_create("decode", MemfdFlags::CLOEXEC)?);
    file.write_all(&bytes)?;
    let path = PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()));
    let mut slots = Vec::with_capacity(1024);
    let run = move || {
        // The file has no other name than that of its descriptor.
        let _open = &file;
        let mut seen = 0;
        let source = FileSource::open(&path, Numbering::default());
        let mut source = source.expect("a file in memory can be opened");
        loop {
            slots.clear();
            let block = source.next_batch(&mut slots, 1024);
            let Some(block) = block.expect("the file is whole") else {
                break;
            };
            for slot in &slots {
                black_box(slot.packet(&block));
            }
            seen += slots.len();
        }
        assert_eq!(seen, packets, "packets of the file");
    };
    Ok(round(packets, run))
}

/// A ring in memory that this process fills: records of 128 bytes that fit the ring. Each round offers them
/// again, with the stamps of their new positions, which are written first.
fn ring_reader() -> Result<Round> {
    const RING: usize = 1 << 20;
    const RECORD: usize = 128;
    const SEED: u64 = 7;
    let file = File::from(memfd_create("ring", MemfdFlags::CLOEXEC)?);
    file.set_len(element_len(RING as u32) as u64)?;
    let mut ring = Vec::with_capacity(RING);
    let traffic = traffic::datagrams(64);
    let (frames, records) = (traffic.iter().cycle(), RING / RECORD);
    for (number, frame) in frames.take(records).enumerate() {
        let cap_len = (RECORD - STAMP_LEN - RingRecord::LEN) as u32;
        ring.extend([0; STAMP_LEN]);
        ring.extend((number as u64 * 1000).to_ne_bytes());
        for word in [cap_len, cap_len, 7, 0] {
            ring.extend(word.to_ne_bytes());
        }
        // Queue and interface 0, the verdict to go on, no flags.
        ring.extend([0, 0, 0, 0, Hook::XdpIngress as u8, 2, 0, 0]);
        ring.extend(frame.bytes.iter().take(cap_len as usize));
        ring.resize((number + 1) * RECORD, 0);
    }
    let links = LinkTypes::default();
    links.push(LinkType::ETHERNET);
    let memory = RingMemory {
        map: file.as_fd(),
        number: 0,
        ring_bytes: RING as u32,
        seed: SEED,
    };
    let mut source = RingSource::new(&memory, Arc::new(Clock::new()), links)?;
    let mut produced = 0_u64;
    let run = move || {
        for record in ring.chunks_exact_mut(RECORD) {
            record[..STAMP_LEN].copy_from_slice(&stamp(produced, SEED).to_ne_bytes());
            produced += RECORD as u64;
        }
        let written = file
            .write_all_at(&ring, DATA_AT as u64)
            .and_then(|()| file.write_all_at(&produced.to_ne_bytes(), PRODUCER_AT as u64));
        written.expect("the ring's memory can be written");
        let mut seen = 0;
        loop {
            let polled = source.poll(&mut |packets, _| {
                black_box(packets);
            });
            seen += polled.packets;
            if polled.drained {
                break;
            }
        }
        assert_eq!(seen, records, "records of the ring");
    };
    Ok(round(records, run))
}
