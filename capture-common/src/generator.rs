//! What the frame generator is told, and what it counts.
//!
//! The generator is an XDP program that runs in live-frame test runs (`BPF_F_TEST_XDP_LIVE_FRAMES`):
//! it rewrites each frame of the template into the next one of a session and sends it out.

/// The traffic to make, patched into the generator's object before it is loaded.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorSettings {
    /// Concurrent flows; frames visit them in turn.
    pub flows: u32,
    /// Frames of a session: the first is a SYN, the second a SYN-ACK, the last two are FINs, and
    /// what lies between is data and acknowledgments. At least 1; with 1 every frame is a SYN.
    pub session_frames: u32,
    /// Bytes of each frame, as the template has them.
    pub frame_len: u32,
    /// 1: each frame is a SYN of a random source (a SYN flood), and the two above are not used.
    pub syn_flood: u32,
    /// First source address, host byte order; flow `n` uses `src + n / 32768`.
    pub src: u32,
    /// Destination address, host byte order.
    pub dst: u32,
    /// Destination port, host byte order.
    pub port: u32,
    /// Seed of what is random.
    pub seed: u32,
}

const _: () = assert!(size_of::<GeneratorSettings>() == 32);

impl GeneratorSettings {
    /// What the object says before it is patched.
    pub const UNPATCHED: Self = Self {
        flows: 1,
        session_frames: 1,
        frame_len: 64,
        syn_flood: 0,
        src: 0x0a00_0002,
        dst: 0x0a00_0001,
        port: 80,
        seed: 1,
    };
}

/// What the generator sent from one CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GeneratorCounters {
    /// Frames handed to the device; the state of the session follows from it.
    pub frames: u64,
    /// Frames with SYN and without ACK.
    pub syn: u64,
    /// Frames with SYN and ACK.
    pub syn_ack: u64,
    /// Frames with FIN.
    pub fin: u64,
    /// Frames with RST.
    pub rst: u64,
}

const _: () = assert!(size_of::<GeneratorCounters>() == 40);
