//! What userspace decides before the programs are loaded.
//!
//! The values are patched into the object's read-only data, so the verifier sees constants: what is
//! switched off costs nothing, and no packet pays for a map look-up.

/// The settings of one set of programs.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seed of the flow hash, random for each run: whoever sends the packets must not be able to
    /// choose the ring.
    pub seed: u64,
    /// Bytes of payload of each direction of a flow that are copied, where `cut_sets` is not 0.
    pub cutoff: u64,
    /// Bytes of a packet that are copied at most.
    pub snap_len: u32,
    /// Number of rings, at most [`crate::MAX_RINGS`].
    pub rings: u32,
    /// Number of interfaces. With one, its slot and number are 0 and its link layer is `link`;
    /// with more, or [`crate::MAX_IFACES`] where they come and go, each packet's interface is looked
    /// up in the map of [`IfaceEntry`].
    pub ifaces: u32,
    /// Link layer where there is one interface: `LINK_*`.
    pub link: u32,
    /// 1: frames are consumed after the copy (tap). 0: they go on (mirror).
    pub tap: u32,
    /// 1: the capture filter decides what is copied. 0: there is none.
    pub filter: u32,
    /// 1: of frames that would be consumed, those that nobody asked for go on. 0: they do not.
    pub pass_unmatched: u32,
    /// A packet is kept if a random number is below this; 0 keeps all.
    pub sample_packets: u32,
    /// A flow is kept if its hash is below this; 0 keeps all.
    pub sample_flows: u32,
    /// Bits of `KEEP_CONTROL*`: segments with SYN, FIN or RST that sampling does not concern.
    pub keep: u32,
    /// 1: packets are copied up to the end of their transport header. 0: whole.
    pub headers_only: u32,
    /// Sets of the table of flows that are cut short, a power of two; 0 cuts none.
    pub cut_sets: u32,
    /// 1: the machine makes stores seen in their order (x86). 0: nobody knows.
    pub ordered_stores: u32,
    /// 1: reports of what is cut say when they were made, for packets reach userspace another way and are
    /// put in order with them by time. 0: their place in the ring says it.
    pub timed_reports: u32,
    /// Bytes of a ring's data, a power of two.
    pub ring_bytes: u32,
    /// 1: a few frames of one poll share a reading of the clock ([`Self::FRAMES_OF_A_READING`]). 0: each has its own.
    pub shared_clock: u32,
}

const _: () = assert!(size_of::<Settings>() == 80);

impl Settings {
    /// Frames start with an Ethernet header.
    pub const LINK_ETHERNET: u32 = 0;
    /// Frames start with an IPv4 or IPv6 header, as on tun devices.
    pub const LINK_RAW_IP: u32 = 1;

    /// Beside the link layer, in what the capture filter is told of a packet: it goes out.
    pub const FILTER_OUTGOING: u32 = 1 << 8;
    /// Frames of one poll that share a reading of the clock at most. So many are done with in less than two
    /// microseconds, and the clock's part of the time that each takes is an eighth.
    pub const FRAMES_OF_A_READING: u64 = 8;
    /// Control segments are kept though packets are sampled.
    pub const KEEP_CONTROL: u32 = 1;
    /// Control segments are kept even of flows that are left out.
    pub const KEEP_CONTROL_OF_ALL: u32 = 2;

    /// The threshold that keeps one of `n`; 0, which keeps all, for 1.
    #[must_use]
    pub const fn one_in(n: u32) -> u32 {
        if n <= 1 {
            return 0;
        }
        let n = n as u64;
        (((1 << 32) + n / 2) / n) as u32
    }

    /// What the object says before it is patched: one ring, one Ethernet interface, mirror.
    pub const UNPATCHED: Self = Self {
        seed: 0,
        cutoff: 0,
        snap_len: crate::MAX_CAP_LEN,
        rings: 1,
        ifaces: 1,
        link: Self::LINK_ETHERNET,
        tap: 0,
        filter: 0,
        pass_unmatched: 0,
        sample_packets: 0,
        sample_flows: 0,
        keep: 0,
        headers_only: 0,
        cut_sets: 0,
        ordered_stores: 0,
        timed_reports: 0,
        ring_bytes: 0,
        shared_clock: 0,
    };
}

/// An interface in the map that is used when there are several: key is the kernel's index.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IfaceEntry {
    /// Slot of its counters, below [`crate::MAX_IFACES`]. It can belong to another interface later,
    /// when this one has gone and nothing counts there any more.
    pub slot: u16,
    /// Its number in the ring records. It never belongs to another interface, since records can lie
    /// in a ring for longer than an interface lives.
    pub id: u16,
    /// `Settings::LINK_*`.
    pub link: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_are_their_share_of_all_numbers() {
        assert_eq!(Settings::one_in(1), 0);
        assert_eq!(Settings::one_in(2), 1 << 31);
        assert_eq!(Settings::one_in(100), 42_949_673);
        assert_eq!(Settings::one_in(u32::MAX), 1);
    }
}
