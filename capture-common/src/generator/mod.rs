//! What the frame generator is told, and what it counts.
//!
//! The generator is an XDP program that runs in live-frame test runs (`BPF_F_TEST_XDP_LIVE_FRAMES`):
//! it rewrites each frame of the template into the next one of a session and sends it out. What comes
//! next is said by `script.rs`, which files are made by as well; `settings.rs` is the traffic to make.
//!
//! **A session** is one TCP connection of [`GeneratorSettings::session_frames`] frames:
//!
//! | frames | from | segment |
//! |---|---|---|
//! | 0, 1, 2 | client, server, client | SYN, SYN-ACK, ACK |
//! | 3 … | client and server in turn | data, [`GeneratorSettings::payload_len`] bytes each |
//! | the last three | client, server, client | FIN-ACK, FIN-ACK, ACK |
//!
//! A session that ends by reset has data up to the last frame, which is a RST-ACK of the client; one
//! that stays open has data to the end; one that nobody answers is a SYN, sent again and again. Data is
//! as long as the frame allows; the other segments are cut to
//! [`GeneratorSettings::control_frame_len`]. Flows take turns, frame by frame. Over UDP all frames of a
//! session are datagrams, of client and server in turn.

pub mod script;
mod settings;

pub use script::{Segment, next};
pub use settings::{GeneratorSettings, SettingsError};

/// The kernel's index of the loopback interface in each network namespace. The generator lets pass
/// what arrives there and cannot send out of it.
pub const LOOPBACK_IFINDEX: u32 = 1;

/// Bytes of a frame without data, where the longest has `longest` bytes: padded like a frame with data,
/// unless there is no room for padding.
#[must_use]
#[inline(always)]
pub const fn control_frame_len(headers_len: u32, longest: u32) -> u32 {
    let padded = if longest < GeneratorSettings::CONTROL_FRAME_LEN {
        longest
    } else {
        GeneratorSettings::CONTROL_FRAME_LEN
    };
    if padded < headers_len {
        headers_len
    } else {
        padded
    }
}

/// Lengths of payload that take turns, patched into the generator's object before it is loaded. Each
/// connection begins elsewhere in them, so that flows that take turns do not all send the same.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GeneratorSizes {
    /// Bytes of payload; as many entries as [`GeneratorSettings::sizes`] says.
    pub payload_len: [u32; Self::MAX],
    /// Bytes of all entries before this one, in a list that repeats after as many.
    pub before: [u32; 2 * Self::MAX],
}

impl GeneratorSizes {
    /// The most entries.
    pub const MAX: usize = 64;

    /// What the object says before it is patched.
    pub const NONE: Self = Self {
        payload_len: [0; Self::MAX],
        before: [0; 2 * Self::MAX],
    };

    /// A table of these lengths, bytes of payload. What does not fit into [`Self::MAX`] is left out.
    #[must_use]
    pub fn new(payload_len: &[u32]) -> Self {
        let mut sizes = Self::NONE;
        for (entry, len) in sizes.payload_len.iter_mut().zip(payload_len) {
            *entry = *len;
        }
        let mut sum = 0_u32;
        let lens = payload_len.iter().take(Self::MAX).cycle();
        for (before, len) in sizes.before.iter_mut().zip(lens) {
            *before = sum;
            sum = sum.wrapping_add(*len);
        }
        sizes
    }
}

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
    fn sums_of_sizes_go_on_after_the_last() {
        let sizes = GeneratorSizes::new(&[10, 1, 100]);
        assert_eq!(sizes.payload_len[..4], [10, 1, 100, 0]);
        assert_eq!(sizes.before[..7], [0, 10, 11, 111, 121, 122, 222]);
    }
}
