//! What the kernel keeps of connections that are cut short, and what it tells of them.
//!
//! `--cutoff` lets the first bytes of payload of each direction through; what follows is counted here
//! and not copied. All numbers only grow, so whoever reads them twice knows what came in between, and
//! no count is lost with a report that found no room in its ring. (The packet that it was to precede is:
//! without the report, userspace would miss in the stream what was left out of it.)
//!
//! The table is an array of [`CutSet`]s of [`WAYS`] flows each. A set is worked on under its lock, which
//! is a word that is exchanged: whoever does not get it after a few tries copies the packet instead,
//! which is never wrong.

/// Flows in a set.
pub const WAYS: usize = 4;

/// Who talks to whom: addresses and ports as they lie in the packet.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct CutEnds {
    /// Address of who sends in the first direction, as two halves; an IPv4 address is `[address, 0]`.
    pub src: [u64; 2],
    /// Address of the other end likewise.
    pub dst: [u64; 2],
    /// Port of `src`, network byte order.
    pub src_port: u16,
    /// Port of `dst`, network byte order.
    pub dst_port: u16,
    /// IP protocol number.
    pub protocol: u8,
    /// 4 or 6.
    pub version: u8,
    /// Always 0.
    pub reserved: u16,
}

/// What was left out of one direction of a flow since the kernel began to follow it.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutTotals {
    /// Packets.
    pub packets: u64,
    /// Bytes of whole frames, as on the wire without frame check sequence.
    pub wire_bytes: u64,
    /// Bytes from the IP header on.
    pub ip_bytes: u64,
    /// Bytes of payload, by the lengths in the headers.
    pub payload_bytes: u64,
    /// When the last of these packets came: `CLOCK_MONOTONIC` in nanoseconds, as of the last tick of the
    /// kernel's clock.
    pub last_ns: u64,
    /// TCP: the sequence number behind the last packet, left out or not, if [`Self::KNOWN`].
    pub next_seq: u32,
    /// Bits of `CutTotals::*`.
    pub flags: u32,
}

impl CutTotals {
    /// `next_seq` means something.
    pub const KNOWN: u32 = 1;
    /// Something was left out since the last report. For the kernel.
    pub const FRESH: u32 = 2;
    /// The direction was closed or reset. For the kernel.
    pub const CLOSED: u32 = 4;
    /// This is the last report from this place. In the first of the two.
    pub const GONE: u32 = 8;
}

/// One direction of a flow.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutHalf {
    /// What was left out.
    pub totals: CutTotals,
    /// Payload that was let through, bytes.
    pub passed: u64,
    /// Payload that was left out since a packet was last let through for being the one of its second.
    pub run: u32,
    /// When that was, in units of 2^20 ns.
    pub kept: u32,
}

impl CutHalf {
    /// Nothing was seen yet.
    pub const NEW: Self = Self {
        totals: CutTotals {
            packets: 0,
            wire_bytes: 0,
            ip_bytes: 0,
            payload_bytes: 0,
            last_ns: 0,
            next_seq: 0,
            flags: 0,
        },
        passed: 0,
        run: 0,
        kept: 0,
    };
}

/// A flow.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutEntry {
    /// What `ends.src` sent, and what `ends.dst` sent.
    pub halves: [CutHalf; 2],
    /// Who they are.
    pub ends: CutEnds,
    /// Tells this flow from others that had the same place before: it is different for each.
    pub generation: u32,
    /// Always 0.
    pub reserved: [u32; 5],
}

impl CutEntry {
    /// Something was left out.
    #[must_use]
    #[inline(always)]
    pub const fn was_cut(&self) -> bool {
        self.halves[0].totals.packets | self.halves[1].totals.packets != 0
    }
}

/// Flows whose fingerprints end alike.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutSet {
    /// 1 while somebody works on the set.
    pub lock: u64,
    /// Fingerprints: the seeded hash of all that tells flows apart, 64 bits. 0 is a free place.
    pub keys: [u64; WAYS],
    /// When each was last seen, in units of 2^20 ns.
    pub used: [u32; WAYS],
    /// Generation of the last flow that was put here.
    pub generation: u32,
    /// Always 0.
    pub reserved: u32,
    /// The flows.
    pub entries: [CutEntry; WAYS],
}

/// What the kernel tells of a flow: before a packet of it that is copied, if something was left out
/// since the last time, and when its place is given to another.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CutReport {
    /// Who talks to whom.
    pub ends: CutEnds,
    /// The place: number of the set times [`WAYS`], and the place in it.
    pub slot: u32,
    /// See [`CutEntry::generation`].
    pub generation: u32,
    /// What was left out of what `ends.src` sent, and of what `ends.dst` sent.
    pub totals: [CutTotals; 2],
}

impl CutReport {
    /// Size in bytes.
    pub const LEN: usize = size_of::<Self>();

    /// The report from its bytes; both sides have the same byte order.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::LEN]) -> Self {
        let word = |at: usize| {
            let mut word = [0; 8];
            word.copy_from_slice(&bytes[at..at + 8]);
            u64::from_ne_bytes(word)
        };
        let half = |at: usize| {
            let mut half = [0; 4];
            half.copy_from_slice(&bytes[at..at + 4]);
            u32::from_ne_bytes(half)
        };
        let port = |at: usize| u16::from_ne_bytes([bytes[at], bytes[at + 1]]);
        let totals = |at: usize| CutTotals {
            packets: word(at),
            wire_bytes: word(at + 8),
            ip_bytes: word(at + 16),
            payload_bytes: word(at + 24),
            last_ns: word(at + 32),
            next_seq: half(at + 40),
            flags: half(at + 44),
        };
        Self {
            ends: CutEnds {
                src: [word(0), word(8)],
                dst: [word(16), word(24)],
                src_port: port(32),
                dst_port: port(34),
                protocol: bytes[36],
                version: bytes[37],
                reserved: port(38),
            },
            slot: half(40),
            generation: half(44),
            totals: [totals(48), totals(96)],
        }
    }
}

const _: () = assert!(
    size_of::<CutEnds>() == 40
        && size_of::<CutTotals>() == 48
        && size_of::<CutHalf>() == 64
        && size_of::<CutEntry>() == 192
        && size_of::<CutSet>() == 64 + WAYS * 192
        && CutReport::LEN == 144
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let mut bytes = [0_u8; CutReport::LEN];
        for (place, byte) in bytes.iter_mut().enumerate() {
            *byte = place as u8;
        }
        let report = CutReport::from_bytes(&bytes);
        let at =
            |place: usize| u64::from_ne_bytes(core::array::from_fn(|byte| (place + byte) as u8));
        assert_eq!(report.ends.dst, [at(16), at(24)]);
        assert_eq!(report.ends.dst_port, u16::from_ne_bytes([34, 35]));
        assert_eq!((report.ends.protocol, report.ends.version), (36, 37));
        assert_eq!(report.slot, u32::from_ne_bytes([40, 41, 42, 43]));
        assert_eq!(report.totals[1].packets, at(96));
        assert_eq!(report.totals[1].last_ns, at(128));
        assert_eq!(
            report.totals[1].flags,
            u32::from_ne_bytes([140, 141, 142, 143])
        );
    }
}
