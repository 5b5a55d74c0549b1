//! The flow table alone: what a packet costs with ten thousand, a million and ten million connections in
//! it, and how much memory they take.
//!
//! Packets are made in memory and go through `dissect` and the table exactly as a shard's bursts do.
//! Memory is what the kernel says that the process has, everything included, less what it had before
//! the table was made.
//!
//! Churn is a table in which connections come and go: each second of packet time every connection has a
//! packet, and a tenth of them ends while as many begin. Those that have ended stay for their 5 s.

#![expect(clippy::print_stdout, reason = "the table is what this program is for")]
#![expect(clippy::cast_precision_loss, reason = "rates do not need the 54th bit")]

use std::fs;
use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use capture::dissect::{Checksums, Dissector, Tunnels};
use capture::flow::{FlowRecord, FlowTable, Limits, Timeouts};
use capture::packet::{FrameNo, LinkType, Packet, PacketMeta, Span, Timestamp};
use clap::Parser;

/// Measures the flow table.
#[derive(Debug, Parser)]
struct Args {
    /// Numbers of connections.
    #[arg(long, value_delimiter = ',', default_value = "10000,1000000,10000000")]
    flows: Vec<u32>,
    /// Packets that are looked up at each size.
    #[arg(long, default_value = "10000000")]
    lookups: u64,
    /// SYNs of the flood.
    #[arg(long, default_value = "5000000")]
    flood: u64,
    /// Leaves out the table in which connections come and go.
    #[arg(long)]
    no_churn: bool,
    /// Prints one JSON object for each number of connections, and nothing else.
    #[arg(long, conflicts_with = "no_churn")]
    json: bool,
}

const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;
/// Packets of a burst.
const BURST: usize = 32;
const HEADERS: usize = 54;
/// Bytes of payload of a segment with data.
const PAYLOAD: usize = 64;
/// Nanoseconds between two packets.
const GAP_NS: u64 = 100;

/// A step of every connection: from the client, flags, payload bytes, bytes that the client and the
/// server had sent before.
#[derive(Clone, Copy)]
struct Step {
    from_client: bool,
    flags: u8,
    len: u32,
    sent: [u32; 2],
}

const fn step(from_client: bool, flags: u8, len: u32, sent: [u32; 2]) -> Step {
    Step {
        from_client,
        flags,
        len,
        sent,
    }
}

const LEN: u32 = PAYLOAD as u32;
/// A handshake, a segment with data each way, and its acknowledgment.
const OPENING: [Step; 6] = [
    step(true, SYN, 0, [0, 0]),
    step(false, SYN | ACK, 0, [1, 0]),
    step(true, ACK, 0, [1, 1]),
    step(true, ACK | PSH, LEN, [1, 1]),
    step(false, ACK | PSH, LEN, [1 + LEN, 1]),
    step(true, ACK, 0, [1 + LEN, 1 + LEN]),
];

/// Frames of a burst, made in place.
struct Frames {
    bytes: [[u8; HEADERS + PAYLOAD]; BURST],
    lens: [usize; BURST],
    filled: usize,
    now_ns: u64,
    gap_ns: u64,
    number: u64,
}

impl Frames {
    fn new() -> Self {
        let mut frame = [0; HEADERS + PAYLOAD];
        frame[..14].copy_from_slice(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
        frame[14] = 0x45;
        frame[20] = 0x40;
        frame[22] = 64;
        frame[23] = 6;
        Self {
            bytes: [frame; BURST],
            lens: [0; BURST],
            filled: 0,
            now_ns: 1_700_000_000_000_000_000,
            gap_ns: GAP_NS,
            number: 0,
        }
    }

    /// Adds the frame of a connection's step, with right checksums as a network has them.
    #[inline(always)]
    fn push(&mut self, flow: u32, step: Step) {
        let frame = &mut self.bytes[self.filled];
        let len = HEADERS + step.len as usize;
        let client = (0x0a00_0000 | (flow / 50_000), 1024 + (flow % 50_000) as u16);
        let server = (0xc633_6401_u32, 443_u16);
        let (src, dst) = if step.from_client {
            (client, server)
        } else {
            (server, client)
        };
        let client_isn = flow.wrapping_mul(2_654_435_761);
        let at = [
            client_isn.wrapping_add(step.sent[0]),
            (!client_isn).wrapping_add(step.sent[1]),
        ];
        let (seq, ack) = if step.from_client {
            (at[0], at[1])
        } else {
            (at[1], at[0])
        };
        let ack = if step.flags & ACK == 0 { 0 } else { ack };
        let ip_len = (len - 14) as u16;
        frame[16..18].copy_from_slice(&ip_len.to_be_bytes());
        frame[24..26].fill(0);
        frame[26..30].copy_from_slice(&src.0.to_be_bytes());
        frame[30..34].copy_from_slice(&dst.0.to_be_bytes());
        frame[34..36].copy_from_slice(&src.1.to_be_bytes());
        frame[36..38].copy_from_slice(&dst.1.to_be_bytes());
        frame[38..42].copy_from_slice(&seq.to_be_bytes());
        frame[42..46].copy_from_slice(&ack.to_be_bytes());
        frame[46..54].copy_from_slice(&[0x50, step.flags, 0xff, 0xff, 0, 0, 0, 0]);
        let header = checksum(&frame[14..34], 0);
        frame[24..26].copy_from_slice(&header.to_be_bytes());
        let pseudo = [
            src.0 >> 16,
            src.0,
            dst.0 >> 16,
            dst.0,
            6,
            u32::from(ip_len) - 20,
        ];
        let pseudo = pseudo.iter().map(|word| word & 0xffff).sum();
        let transport = checksum(&frame[34..len], pseudo);
        frame[50..52].copy_from_slice(&transport.to_be_bytes());
        self.lens[self.filled] = len;
        self.filled += 1;
    }

    /// Hands the burst to the table.
    fn flush(&mut self, table: &mut FlowTable, totals: &mut Totals) {
        let mut packets = [Packet::EMPTY; BURST];
        for (packet, (bytes, len)) in packets.iter_mut().zip(self.bytes.iter().zip(&self.lens)) {
            self.now_ns += self.gap_ns;
            self.number += 1;
            let ts = Timestamp(self.now_ns);
            *packet = Packet {
                meta: PacketMeta {
                    frame: FrameNo(self.number),
                    ts,
                    clock: ts,
                    wire_len: *len as u32,
                    link: LinkType::ETHERNET,
                    ..PacketMeta::UNKNOWN
                },
                data: bytes.get(..*len).unwrap_or_default(),
            };
        }
        let burst = packets.get(..self.filled).unwrap_or_default();
        self.filled = 0;
        let begun = Instant::now();
        observe(table, burst, totals);
        totals.time += begun.elapsed();
        totals.packets += burst.len() as u64;
    }
}

/// What was done, and how long it took.
#[derive(Default)]
struct Totals {
    time: Duration,
    packets: u64,
    records: u64,
}

impl Totals {
    fn ns(&self) -> f64 {
        self.time.as_nanos() as f64 / self.packets as f64
    }
}

/// What is looked at in packets of the machine itself.
const DISSECTOR: Dissector = Dissector {
    tunnels: Tunnels::Inner,
    checksums: Checksums::ValidateUnlessPartial,
};

/// As `Shard::on_burst` does.
fn observe(table: &mut FlowTable, burst: &[Packet<'_>], totals: &mut Totals) {
    let records = &mut totals.records;
    let mut emit = |record: FlowRecord| {
        *records += 1;
        black_box(&record);
    };
    let Some(first) = burst.first() else { return };
    table.advance(first.meta.clock, &mut emit);
    let mut work = [const { None }; BURST];
    for (packet, place) in burst.iter().zip(&mut work) {
        let mut layers = DISSECTOR.dissect(packet);
        let prepared = table.prepare(&mut layers, packet);
        *place = Some((layers, prepared));
    }
    for (_, prepared) in work.iter().flatten() {
        table.prefetch_index(prepared);
    }
    for (_, prepared) in work.iter().flatten() {
        table.prefetch(prepared);
    }
    for (_, prepared) in work.iter().flatten() {
        table.prefetch_detail(prepared);
    }
    for (packet, (layers, prepared)) in burst.iter().zip(work.iter().flatten()) {
        black_box(table.observe(prepared, packet, layers, &mut emit));
    }
}

/// The Internet checksum (RFC 1071) over bytes and a sum of other words.
#[inline(always)]
fn checksum(bytes: &[u8], words: u32) -> u16 {
    let mut sum = bytes.as_chunks::<2>().0.iter().fold(words, |sum, word| {
        sum + u32::from(u16::from_be_bytes(*word))
    });
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Resident memory of this process, bytes.
fn resident() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .context("no VmRSS in /proc/self/status")?;
    let kib: u64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kib << 10)
}

/// Numbers below `n` in an order that no prefetcher of a CPU guesses, the same on every run.
struct Shuffle(u64);

impl Shuffle {
    fn below(&mut self, n: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((u128::from(self.0) * u128::from(n)) >> 64) as u32
    }
}

/// What one size gave, ns a packet.
struct Row {
    insert: f64,
    lookup: f64,
    flood: f64,
    expiry: f64,
    resident: u64,
    /// And how many connections are in the table meanwhile.
    churn: Option<(f64, u32)>,
}

/// Timeouts that do not end the connections while they are made.
fn timeouts() -> Timeouts {
    Timeouts {
        tcp_open: Span::from_secs(3600),
        ..Timeouts::default()
    }
}

/// Opens so many connections; what is counted is their SYNs.
fn open(table: &mut FlowTable, frames: &mut Frames, flows: u32, insert: &mut Totals) {
    // Groups of connections open at the same time, as on a busy link.
    let mut rest = Totals::default();
    let group = flows.min(8192);
    let mut first = 0;
    while first < flows {
        let end = flows.min(first + group);
        for (number, step) in OPENING.into_iter().enumerate() {
            let totals = if number == 0 { &mut *insert } else { &mut rest };
            for flow in first..end {
                frames.push(flow, step);
                if frames.filled == BURST {
                    frames.flush(table, totals);
                }
            }
            frames.flush(table, totals);
        }
        first = end;
    }
}

/// Seconds of packet time until as many connections end for good as end.
const SETTLING: u64 = 7;

/// A table in which connections come and go: ns a packet, and how many connections are in it at the end.
fn churn(args: &Args, flows: u32) -> Result<(f64, u32)> {
    // Half as many again have ended and wait for stragglers; timers look once a second.
    let room = flows / 10 * 17 + 64;
    let mut table = FlowTable::new(Limits::flows(room), timeouts(), 0x5eed);
    let mut frames = Frames::new();
    open(&mut table, &mut frames, flows, &mut Totals::default());
    frames.gap_ns = 1_000_000_000 / u64::from(flows);
    let mut shuffle = Shuffle(0x9e37_79b9_7f4a_7c15);
    let mut settled = Totals::default();
    let mut totals = Totals::default();
    let mut oldest = 0;
    let settling = SETTLING * u64::from(flows);
    while totals.packets < args.lookups {
        let into = if settled.packets < settling {
            &mut settled
        } else {
            &mut totals
        };
        for _ in 0..BURST / 10 {
            // One ends, and one begins; the two before it go on with their handshakes.
            let newest = oldest + flows;
            frames.push(oldest, step(true, RST | ACK, 0, sent(oldest, flows)));
            frames.push(newest, OPENING[0]);
            if oldest > 1 {
                frames.push(newest - 1, OPENING[1]);
                frames.push(newest - 2, OPENING[2]);
            }
            oldest += 1;
            for _ in 0..6 {
                // Not one of the last two, which are not open yet.
                let flow = oldest + shuffle.below(flows - 2);
                frames.push(flow, step(true, ACK, 0, sent(flow, flows)));
            }
        }
        frames.flush(&mut table, into);
    }
    let evicted = table.counters().evicted;
    ensure!(
        evicted == 0,
        "{evicted} connections were evicted for want of room"
    );
    ensure!(
        table.live() > flows / 10 * 14,
        "only {} connections are in the table",
        table.live()
    );
    Ok((totals.ns(), table.live()))
}

/// What both sides of a connection have sent: the first ones some data, later ones a handshake.
const fn sent(flow: u32, first_ones: u32) -> [u32; 2] {
    if flow < first_ones {
        [1 + LEN, 1 + LEN]
    } else {
        [1, 1]
    }
}

fn measure(args: &Args, flows: u32) -> Result<Row> {
    let before = resident()?;
    // One place more, which the table keeps for flows that are evicted first.
    let room = flows + 1;
    let mut table = FlowTable::new(Limits::flows(room), timeouts(), 0x5eed);
    let mut frames = Frames::new();
    let mut insert = Totals::default();
    open(&mut table, &mut frames, flows, &mut insert);
    ensure!(
        table.live() == flows,
        "{} connections are in the table, not {flows}",
        table.live()
    );
    let after = resident()?;

    // In any order: data of the client and its acknowledgment, in turns on each connection.
    let mut shuffle = Shuffle(0x9e37_79b9_7f4a_7c15);
    let mut lookup = Totals::default();
    let mut turns = vec![0_u32; flows as usize];
    while lookup.packets < args.lookups {
        for _ in 0..BURST {
            let flow = shuffle.below(flows);
            let turn = &mut turns[flow as usize];
            let sent = [1 + LEN + turn.div_ceil(2) * LEN, 1 + LEN];
            let next = if turn.is_multiple_of(2) {
                step(true, ACK | PSH, LEN, sent)
            } else {
                step(false, ACK, 0, sent)
            };
            *turn += 1;
            frames.push(flow, next);
        }
        frames.flush(&mut table, &mut lookup);
    }
    ensure!(lookup.records == 0, "connections ended under the look-ups");

    // SYNs of random sources into a full table: those that are open stay.
    let mut flood = Totals::default();
    let syn = step(true, SYN, 0, [0, 0]);
    let mut source = flows;
    while flood.packets < args.flood {
        for _ in 0..BURST {
            source += 1;
            frames.push(source, syn);
        }
        frames.flush(&mut table, &mut flood);
    }
    ensure!(table.live() <= room, "the table holds more than it may");
    let mut kept = 0_u64;
    let counters = table.counters();

    // All of them fall silent.
    let mut expired = 0_u64;
    let begun = Instant::now();
    let late = Timestamp(frames.now_ns).after(Span::from_secs(8 * 3600));
    table.advance(late, &mut |record| {
        expired += 1;
        kept += u64::from(record.initiator.counts.packets > 1);
        black_box(&record);
    });
    let expiry = begun.elapsed();
    ensure!(expired > 0, "nothing expired");
    if !args.json {
        println!(
            "{flows:>9} flows: {kept} of {flows} open connections outlived a flood of {} SYNs, {} evicted",
            flood.packets, counters.evicted
        );
    }
    drop(table);
    let churn = if args.no_churn {
        None
    } else {
        Some(churn(args, flows)?)
    };
    Ok(Row {
        insert: insert.ns(),
        lookup: lookup.ns(),
        flood: flood.ns(),
        expiry: expiry.as_nanos() as f64 / expired as f64,
        resident: after.saturating_sub(before),
        churn,
    })
}

/// What a program reads.
fn json(flows: u32, row: &Row) -> String {
    let (churn, live) = row.churn.unwrap_or_default();
    serde_json::json!({
        "flows": flows, "live": live, "insert_ns": row.insert, "lookup_ns": row.lookup, "churn_ns": churn,
        "flood_ns": row.flood, "expiry_ns": row.expiry, "resident_bytes": row.resident,
    })
    .to_string()
}

fn main() -> Result<()> {
    let args = Args::parse();
    let mut rows = Vec::new();
    for flows in &args.flows {
        // A burst of the churn needs some to choose from.
        ensure!(*flows >= 100, "at least 100 connections, not {flows}");
        let row = measure(&args, *flows)?;
        if args.json {
            println!("{}", json(*flows, &row));
        }
        rows.push((*flows, row));
    }
    if !args.json {
        print(&rows);
    }
    Ok(())
}

fn print(rows: &[(u32, Row)]) {
    println!(
        "{:>9} {:>10} {:>10} {:>9} {:>10} {:>10} {:>9} {:>10} {:>9}",
        "flows",
        "insert ns",
        "look-up ns",
        "churn ns",
        "flood ns",
        "expiry ns",
        "Mpps",
        "RSS MiB",
        "B a flow"
    );
    for (flows, row) in rows {
        let churn = row
            .churn
            .map_or_else(|| "-".to_owned(), |(ns, _)| format!("{ns:.1}"));
        println!(
            "{flows:>9} {:>10.1} {:>10.1} {churn:>9} {:>10.1} {:>10.1} {:>9.2} {:>10.1} {:>9.1}",
            row.insert,
            row.lookup,
            row.flood,
            row.expiry,
            1000.0 / row.lookup,
            row.resident as f64 / f64::from(1 << 20),
            row.resident as f64 / f64::from(*flows),
        );
    }
    if let (Some((few, first)), Some((many, last))) = (rows.first(), rows.last()) {
        println!(
            "rate with {many} flows: {:.2} of that with {few}",
            first.lookup / last.lookup
        );
        if let (Some((first, _)), Some((last, _))) = (first.churn, last.churn) {
            println!("  with churn: {:.2}", first / last);
        }
    }
}
