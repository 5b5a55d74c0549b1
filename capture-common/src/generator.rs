//! What the frame generator is told, and what it counts.
//!
//! The generator is an XDP program that runs in live-frame test runs (`BPF_F_TEST_XDP_LIVE_FRAMES`):
//! it rewrites each frame of the template into the next one of a session and sends it out.
//!
//! **A session** is one TCP connection of [`GeneratorSettings::session_frames`] frames:
//!
//! | frames | from | segment |
//! |---|---|---|
//! | 0, 1, 2 | client, server, client | SYN, SYN-ACK, ACK |
//! | 3 … | client and server in turn | data, [`GeneratorSettings::payload_len`] bytes each |
//! | the last three | client, server, client | FIN-ACK, FIN-ACK, ACK |
//!
//! A session that ends by reset has data up to the last frame, which is a RST-ACK of the client.
//! Data is as long as the frame allows; the other segments are cut to
//! [`GeneratorSettings::CONTROL_FRAME_LEN`] bytes. Flows take turns, frame by frame.

use core::fmt;

/// The kernel's index of the loopback interface in each network namespace. The generator lets pass
/// what arrives there and cannot send out of it.
pub const LOOPBACK_IFINDEX: u32 = 1;

/// The traffic to make, patched into the generator's object before it is loaded.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorSettings {
    /// Concurrent flows; frames visit them in turn. At least 1.
    pub flows: u32,
    /// Frames of a session, at least [`Self::MIN_SESSION_FRAMES`].
    pub session_frames: u32,
    /// Bytes of a frame with data, without frame check sequence: from [`Self::MIN_FRAME_LEN`] to
    /// [`Self::MAX_FRAME_LEN`].
    pub frame_len: u32,
    /// 1: each frame is a SYN of a random source (a SYN flood), and the first two are not used.
    pub syn_flood: u32,
    /// First client address, host byte order. Connection `n` comes from `src + n / 32768`, port
    /// `32768 + n % 32768`; in a SYN flood the lower 24 bits of the address and the port (from 1024
    /// up) are random.
    pub src: u32,
    /// Server address, host byte order.
    pub dst: u32,
    /// Server port, host byte order.
    pub port: u32,
    /// Seed of what is random: initial sequence numbers, and the sources of a SYN flood.
    pub seed: u32,
    /// Each connection of this number ends by RST, counted over all flows; 0: none does.
    pub reset_every: u32,
    /// 1: TCP checksums are right; 0: they are zero, which saves a few nanoseconds.
    pub tcp_checksum: u32,
    /// Sum of the payload's 16-bit words (RFC 1071), not folded. Set by the loader from the template.
    pub payload_sum: u32,
    /// Makes the size a multiple of 8.
    pub reserved: u32,
}

const _: () = assert!(size_of::<GeneratorSettings>() == 48);

impl GeneratorSettings {
    /// What the object says before it is patched.
    pub const UNPATCHED: Self = Self {
        flows: 1,
        session_frames: 10,
        frame_len: 64,
        syn_flood: 0,
        src: 0x0a00_0002,
        dst: 0x0a00_0001,
        port: 80,
        seed: 1,
        reset_every: 0,
        tcp_checksum: 1,
        payload_sum: 0,
        reserved: 0,
    };

    /// Handshake, one segment of data, and the three frames of an orderly end.
    pub const MIN_SESSION_FRAMES: u32 = 7;

    /// The shortest frame of Ethernet, without frame check sequence (IEEE 802.3, 4A.4.2).
    pub const MIN_FRAME_LEN: u32 = 60;

    /// The longest frame of a device with an MTU of 1500 bytes.
    pub const MAX_FRAME_LEN: u32 = 1514;

    /// Bytes of a frame without data, unless all frames are shorter.
    pub const CONTROL_FRAME_LEN: u32 = 64;

    /// Ethernet, IPv4 and TCP, all without options.
    pub const HEADERS_LEN: u32 = 14 + 20 + 20;

    /// Payload bytes of a segment with data.
    #[must_use]
    pub const fn payload_len(&self) -> u32 {
        self.frame_len - Self::HEADERS_LEN
    }

    /// Bytes of a frame without data.
    #[must_use]
    pub const fn control_frame_len(&self) -> u32 {
        if self.frame_len < Self::CONTROL_FRAME_LEN {
            self.frame_len
        } else {
            Self::CONTROL_FRAME_LEN
        }
    }

    /// Whether the generator can make this traffic.
    ///
    /// # Errors
    ///
    /// The first setting that is out of its range.
    pub const fn check(&self) -> Result<(), SettingsError> {
        if self.flows == 0 {
            return Err(SettingsError::NoFlows);
        }
        if self.session_frames < Self::MIN_SESSION_FRAMES {
            return Err(SettingsError::SessionTooShort(self.session_frames));
        }
        if self.frame_len < Self::MIN_FRAME_LEN || self.frame_len > Self::MAX_FRAME_LEN {
            return Err(SettingsError::FrameLen(self.frame_len));
        }
        if self.port == 0 || self.port > u16::MAX as u32 {
            return Err(SettingsError::Port(self.port));
        }
        Ok(())
    }
}

/// Why the generator cannot make such traffic.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SettingsError {
    /// There has to be a flow.
    NoFlows,
    /// A session of so few frames has no room for its beginning and its end.
    SessionTooShort(u32),
    /// Bytes of a frame, too few or too many.
    FrameLen(u32),
    /// Not a port that can be connected to.
    Port(u32),
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFlows => write!(f, "at least one flow is needed"),
            Self::SessionTooShort(frames) => write!(
                f,
                "a session has at least {} frames, not {frames}",
                GeneratorSettings::MIN_SESSION_FRAMES
            ),
            Self::FrameLen(len) => write!(
                f,
                "a frame has {} to {} bytes, not {len}",
                GeneratorSettings::MIN_FRAME_LEN,
                GeneratorSettings::MAX_FRAME_LEN
            ),
            Self::Port(port) => write!(f, "port {port} is not in 1 to 65535"),
        }
    }
}

impl core::error::Error for SettingsError {}

/// What the generator handed to the device.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GeneratorCounters {
    /// Frames.
    pub frames: u64,
    /// Bytes of those frames, without frame check sequence.
    pub bytes: u64,
    /// Frames with SYN and without ACK.
    pub syn: u64,
    /// Frames with SYN and ACK.
    pub syn_ack: u64,
    /// Frames with FIN.
    pub fin: u64,
    /// Frames with RST.
    pub rst: u64,
}

const _: () = assert!(size_of::<GeneratorCounters>() == 48);

/// Where the generator is, kept in its object between frames and between runs.
///
/// It all follows from the number of the frame, but stepping costs less than three divisions. There
/// is one for each loaded object and not one for each CPU: a thread that the scheduler moves goes on
/// with the same sessions, and whoever wants several threads loads the object several times.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GeneratorState {
    /// What was sent.
    pub counters: GeneratorCounters,
    /// Number of the connection that flow 0 is in; flow `n` is in the `n`th after it.
    pub first_connection: u64,
    /// The flow whose turn it is.
    pub flow: u32,
    /// The frame of its session that comes next.
    pub step: u32,
}

const _: () = assert!(size_of::<GeneratorState>() == 64);

/// What arrived at the program that counts and drops, on one CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SinkCounters {
    /// Frames.
    pub frames: u64,
    /// Bytes of those frames, without frame check sequence.
    pub bytes: u64,
}

const _: () = assert!(size_of::<SinkCounters>() == 16);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_out_of_range_are_named() {
        let good = GeneratorSettings::UNPATCHED;
        assert_eq!(good.check(), Ok(()));
        let check = |settings: GeneratorSettings| settings.check();
        assert_eq!(
            check(GeneratorSettings { flows: 0, ..good }),
            Err(SettingsError::NoFlows)
        );
        assert_eq!(
            check(GeneratorSettings {
                session_frames: 6,
                ..good
            }),
            Err(SettingsError::SessionTooShort(6))
        );
        assert_eq!(
            check(GeneratorSettings {
                frame_len: 59,
                ..good
            }),
            Err(SettingsError::FrameLen(59))
        );
        assert_eq!(
            check(GeneratorSettings {
                frame_len: 1515,
                ..good
            }),
            Err(SettingsError::FrameLen(1515))
        );
        assert_eq!(
            check(GeneratorSettings {
                port: 65536,
                ..good
            }),
            Err(SettingsError::Port(65536))
        );
    }
}
