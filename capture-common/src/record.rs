//! What precedes a packet's bytes in a ring, and in the memory of an `AF_XDP` socket.

/// The header of a ring record; the packet's first `cap_len` bytes follow it.
///
/// It is 8-byte aligned, so every field is naturally aligned.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingRecord {
    /// `CLOCK_MONOTONIC` in nanoseconds when the hook saw the packet.
    pub mono_ns: u64,
    /// Length of the packet on the wire, in bytes, without the frame check sequence.
    pub wire_len: u32,
    /// Bytes of the packet that follow this header.
    pub cap_len: u32,
    /// The symmetric flow hash that chose the ring, see [`crate::flow_hash()`]. Where there is one ring and nothing
    /// else is chosen by it, it is not worked out of every packet.
    pub flow_hash: u32,
    /// Packets that were lost since the last delivered one of the same interface, hook, CPU and
    /// ring.
    pub lost: u32,
    /// Receive queue (XDP) or queue mapping (TCX) of the packet.
    pub queue: u16,
    /// Number of the interface in this run ([`crate::IfaceEntry::id`]), not the kernel's index.
    pub iface: u16,
    /// One of [`Hook`].
    pub hook: u8,
    /// What the program returned for the packet: an XDP or TCX action code.
    pub verdict: u8,
    /// Bits of `RingRecord::FLAG_*`.
    pub flags: u16,
}

impl RingRecord {
    /// The packet is a GSO super-frame: several segments that the device or driver cuts later.
    pub const FLAG_GSO: u16 = 0x0001;
    /// Payload was left out because only headers are wanted.
    pub const FLAG_HEADERS_ONLY: u16 = 0x0002;
    /// Payload was left out because its flow is past its cutoff.
    pub const FLAG_CUT: u16 = 0x0008;
    /// This is no packet: what follows is a [`crate::CutReport`]. Of the header, only the time means
    /// something, and that only where [`crate::Settings::timed_reports`] asks for it.
    pub const FLAG_REPORT: u16 = 0x0004;
    /// There is nothing here but `cap_len` bytes that are not used.
    pub const FLAG_NOTHING: u16 = 0x0010;
    /// Nothing is known.
    pub const EMPTY: Self = Self {
        mono_ns: 0,
        wire_len: 0,
        cap_len: 0,
        flow_hash: 0,
        lost: 0,
        queue: 0,
        iface: 0,
        hook: 0,
        verdict: 0,
        flags: 0,
    };

    /// Size in bytes.
    pub const LEN: usize = size_of::<Self>();
}

const _: () = assert!(RingRecord::LEN == 32 && align_of::<RingRecord>() == 8);

/// Where in the kernel a packet was seen.
#[repr(u8)]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Hook {
    /// XDP: what comes in.
    XdpIngress = 0,
    /// TCX egress: what goes out.
    TcxEgress = 1,
    /// TCX ingress: what comes in, after XDP and after the stack has merged segments.
    TcxIngress = 2,
}

impl Hook {
    /// Number of hooks.
    pub const COUNT: usize = 3;

    /// All of them, by number.
    pub const ALL: [Self; Self::COUNT] = [Self::XdpIngress, Self::TcxEgress, Self::TcxIngress];

    /// The hook with this number, `None` if there is no such.
    #[must_use]
    pub const fn from_u8(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::XdpIngress),
            1 => Some(Self::TcxEgress),
            2 => Some(Self::TcxIngress),
            _ => None,
        }
    }
}
