//! A ring as a source: bursts of packets that still lie in the ring.
//!
//! Nobody wakes the worker: it looks again after a pause.
//!
//! - `mapped.rs` the reader's half of a ring's protocol
//! - `reports.rs` a ring of reports alone, where packets come by sockets

mod mapped;
mod reports;

use std::io;
use std::os::fd::BorrowedFd;
use std::sync::{Arc, PoisonError, RwLock};

use capture_common::{CutReport, Hook, RingRecord};

use super::{BURST, Polled};
use crate::kernel::Clock;
use crate::packet::{
    FrameNo, LinkType, Packet, PacketDirection, PacketMeta, PayloadCut, Timestamp,
};
use mapped::MappedRing;
pub use reports::ReportRing;

/// A kernel ring, read by one worker.
#[derive(Debug)]
pub struct RingSource {
    ring: MappedRing,
    clock: Arc<Clock>,
    links: KnownLinks,
    next_frame: u64,
    latest: Timestamp,
    /// Reports of the burst that is lent; reused.
    told: Vec<Told>,
}

/// Where a ring lies, for its reader.
#[derive(Clone, Copy, Debug)]
pub struct RingMemory<'a> {
    /// The array whose elements are the rings.
    pub map: BorrowedFd<'a>,
    /// Which of them it is; this number goes into the frame numbers, to keep those of different workers apart.
    pub number: u16,
    /// Bytes of each ring's data, a power of two.
    pub ring_bytes: u32,
    /// Seed of the run.
    pub seed: u64,
}

/// A report of what the kernel left out, and its place among the packets of a burst.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// It comes before the packet with this index.
    pub before: usize,
    /// What is told.
    pub report: CutReport,
}

/// Link types of a capture's interfaces by their number, for all rings. More can come while they are
/// read.
#[derive(Clone, Debug, Default)]
pub struct LinkTypes(Arc<RwLock<Vec<LinkType>>>);

impl LinkTypes {
    /// Adds the next interface. Has to come before its first packet.
    pub fn push(&self, link: LinkType) {
        self.0
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(link);
    }
}

impl FromIterator<LinkType> for LinkTypes {
    fn from_iter<T: IntoIterator<Item = LinkType>>(links: T) -> Self {
        Self(Arc::new(RwLock::new(links.into_iter().collect())))
    }
}

/// What one worker knows of [`LinkTypes`], so that no packet takes the lock.
#[derive(Debug)]
pub(super) struct KnownLinks {
    known: Vec<LinkType>,
    all: LinkTypes,
}

impl KnownLinks {
    pub(super) const fn new(all: LinkTypes) -> Self {
        Self {
            known: Vec::new(),
            all,
        }
    }

    #[inline(always)]
    fn of(&mut self, iface: u16) -> Option<LinkType> {
        match self.known.get(usize::from(iface)) {
            Some(&link) => Some(link),
            None => self.learn(iface),
        }
    }

    #[cold]
    fn learn(&mut self, iface: u16) -> Option<LinkType> {
        let all = self.all.0.read().unwrap_or_else(PoisonError::into_inner);
        self.known.extend_from_slice(&all[self.known.len()..]);
        self.known.get(usize::from(iface)).copied()
    }
}

impl RingSource {
    /// How far a packet's timestamp can lie before the moment at which its record is reserved: the
    /// program takes the time first, and the machine under it can be held up in between.
    pub(super) const RESERVE_DELAY_NS: u64 = 10_000_000;

    /// Maps a ring.
    ///
    /// # Errors
    ///
    /// What mmap(2) says.
    pub fn new(memory: &RingMemory<'_>, clock: Arc<Clock>, links: LinkTypes) -> io::Result<Self> {
        Ok(Self {
            ring: MappedRing::new(memory)?,
            clock,
            links: KnownLinks::new(links),
            next_frame: (u64::from(memory.number) << 48) + 1,
            latest: Timestamp::default(),
            told: Vec::with_capacity(BURST),
        })
    }

    /// Bytes that wait in the ring.
    #[must_use]
    pub fn backlog_bytes(&self) -> u64 {
        self.ring.backlog()
    }

    /// Lends the next burst to `on_burst`, unless there is none.
    pub fn poll(&mut self, on_burst: &mut impl FnMut(&[Packet<'_>], &[Told])) -> Polled {
        let Self {
            ring,
            clock,
            links,
            next_frame,
            latest,
            told,
        } = self;
        told.clear();
        let offset = clock.offset_ns();
        let now = clock.now();
        let mut packets = [Packet::EMPTY; BURST];
        let mut used = 0;
        let lent = ring.burst(BURST, |record, data| {
            if let Some(report) = report(&record, data) {
                told.push(Told {
                    before: used,
                    report,
                });
            } else if let Some(packet) = packet(&record, data, offset, links, *next_frame, latest) {
                *next_frame += 1;
                packets[used] = packet;
                used += 1;
            }
        });
        let drained = lent.drained;
        if used > 0 || !told.is_empty() {
            on_burst(&packets[..used], told);
        }
        lent.release();
        let seen_until = if drained { now } else { (*latest).min(now) };
        Polled {
            packets: used + told.len(),
            drained,
            watermark: Timestamp(seen_until.0.saturating_sub(Self::RESERVE_DELAY_NS)),
            feeding: false,
        }
    }
}

/// The report behind a ring record's header, if it is one.
#[inline(always)]
fn report(record: &RingRecord, data: &[u8]) -> Option<CutReport> {
    if record.flags & RingRecord::FLAG_REPORT == 0 {
        return None;
    }
    data.first_chunk().map(CutReport::from_bytes)
}

/// The packet behind a ring record's header. The kernel side wrote it, so a record that does not parse is a bug in
/// it, or an object that does not belong to this program.
#[inline(always)]
pub(super) fn parse<'a>(
    bytes: &'a [u8],
    offset_ns: i64,
    links: &mut KnownLinks,
    frame: u64,
    latest: &mut Timestamp,
) -> Option<Packet<'a>> {
    let (header, data) = bytes.split_first_chunk::<{ RingRecord::LEN }>()?;
    let record = record(header);
    let data = data.get(..record.cap_len as usize)?;
    packet(&record, data, offset_ns, links, frame, latest)
}

/// The packet with this header and these bytes.
#[inline(always)]
fn packet<'a>(
    record: &RingRecord,
    data: &'a [u8],
    offset_ns: i64,
    links: &mut KnownLinks,
    frame: u64,
    latest: &mut Timestamp,
) -> Option<Packet<'a>> {
    let ts = Timestamp(record.mono_ns.wrapping_add_signed(offset_ns));
    if ts > *latest {
        *latest = ts;
    }
    let direction = match Hook::from_u8(record.hook)? {
        Hook::XdpIngress | Hook::TcxIngress => PacketDirection::Inbound,
        Hook::TcxEgress => PacketDirection::Outbound,
    };
    let meta = PacketMeta {
        frame: FrameNo(frame),
        ts,
        clock: *latest,
        wire_len: record.wire_len,
        lost: record.lost,
        iface: crate::packet::IfaceId(u32::from(record.iface)),
        link: links.of(record.iface)?,
        queue: Some(record.queue),
        direction: Some(direction),
        gso: record.flags & RingRecord::FLAG_GSO != 0,
        cut: if record.flags & RingRecord::FLAG_CUT != 0 {
            PayloadCut::AtCutoff
        } else if record.flags & RingRecord::FLAG_HEADERS_ONLY != 0 {
            PayloadCut::HeadersOnly
        } else {
            PayloadCut::No
        },
    };
    Some(Packet { meta, data })
}

/// The header from its bytes; both sides have the same byte order.
#[inline(always)]
pub(super) fn record(bytes: &[u8; RingRecord::LEN]) -> RingRecord {
    let [
        m0,
        m1,
        m2,
        m3,
        m4,
        m5,
        m6,
        m7,
        w0,
        w1,
        w2,
        w3,
        c0,
        c1,
        c2,
        c3,
        rest @ ..,
    ] = *bytes;
    let [
        h0,
        h1,
        h2,
        h3,
        l0,
        l1,
        l2,
        l3,
        q0,
        q1,
        i0,
        i1,
        hook,
        verdict,
        f0,
        f1,
    ] = rest;
    RingRecord {
        mono_ns: u64::from_ne_bytes([m0, m1, m2, m3, m4, m5, m6, m7]),
        wire_len: u32::from_ne_bytes([w0, w1, w2, w3]),
        cap_len: u32::from_ne_bytes([c0, c1, c2, c3]),
        flow_hash: u32::from_ne_bytes([h0, h1, h2, h3]),
        lost: u32::from_ne_bytes([l0, l1, l2, l3]),
        queue: u16::from_ne_bytes([q0, q1]),
        iface: u16::from_ne_bytes([i0, i1]),
        hook,
        verdict,
        flags: u16::from_ne_bytes([f0, f1]),
    }
}
