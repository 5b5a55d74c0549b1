//! Which segment comes next: the script of a session, told in `capture_common::generator`.

use capture_common::GeneratorSettings;
use capture_common::generator::GeneratorState;

use crate::maps::setting;

/// FIN, as RFC 9293 section 3.1 has the flags.
const FIN: u8 = 0x01;
/// SYN.
const SYN: u8 = 0x02;
/// RST.
const RST: u8 = 0x04;
/// PSH.
const PSH: u8 = 0x08;
/// ACK.
const ACK: u8 = 0x10;

/// Frames before the first data.
const HANDSHAKE: u32 = 3;
/// Frames of an orderly end.
const TEARDOWN: u32 = 3;

/// First client port; there are as many above it.
const FIRST_PORT: u32 = 32_768;
/// Ports as a number of bits.
const PORT_BITS: u32 = 15;

/// Odd number near 2^64 divided by the golden ratio: the multiplier of Fibonacci hashing.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// A TCP segment, all in host byte order.
pub(crate) struct Segment {
    pub(crate) src: u32,
    pub(crate) dst: u32,
    /// Source port above, destination port below.
    pub(crate) ports: u32,
    pub(crate) seq: u32,
    pub(crate) ack: u32,
    pub(crate) flags: u8,
    pub(crate) data: bool,
}

impl Segment {
    /// Bytes of its frame.
    #[inline(always)]
    pub(crate) fn frame_len(&self) -> u32 {
        let frame_len = setting!(frame_len);
        if self.data || frame_len <= GeneratorSettings::CONTROL_FRAME_LEN {
            frame_len
        } else {
            GeneratorSettings::CONTROL_FRAME_LEN
        }
    }
}

/// Makes the next segment, counts its flags and moves on.
#[inline(always)]
pub(crate) fn next(state: &mut GeneratorState) -> Segment {
    if setting!(syn_flood) == 1 {
        flood(state)
    } else {
        session(state)
    }
}

/// Steps to the next flow, and after the last one to the next frame of all sessions.
#[inline(always)]
fn advance(state: &mut GeneratorState) {
    let flow = state.flow + 1;
    if flow < setting!(flows) {
        state.flow = flow;
        return;
    }
    state.flow = 0;
    let step = state.step + 1;
    if step < setting!(session_frames) {
        state.step = step;
        return;
    }
    state.step = 0;
    state.first_connection += u64::from(flow);
}

#[inline(always)]
fn session(state: &mut GeneratorState) -> Segment {
    let connection = state.first_connection + u64::from(state.flow);
    let step = state.step;
    advance(state);

    let client = setting!(src).wrapping_add((connection >> PORT_BITS) as u32);
    let server = setting!(dst);
    let client_port = FIRST_PORT | (connection as u32 & ((1 << PORT_BITS) - 1));
    let server_port = setting!(port);
    let isn = (connection ^ (u64::from(setting!(seed)) << 32)).wrapping_mul(GOLDEN);

    // What each side has sent so far: the SYN, its data, later its FIN.
    let mut from_client = true;
    let mut client_sent = 1;
    let mut server_sent = 1;
    let flags;
    let mut data = false;
    if step < HANDSHAKE {
        match step {
            0 => {
                client_sent = 0;
                server_sent = 0;
                flags = SYN;
                state.counters.syn += 1;
            }
            1 => {
                from_client = false;
                server_sent = 0;
                flags = SYN | ACK;
                state.counters.syn_ack += 1;
            }
            _ => flags = ACK,
        }
    } else {
        let frames = setting!(session_frames);
        // Counts from the end: 1 is the last frame.
        let left = frames - step;
        let resets = left <= TEARDOWN && ends_by_reset(connection);
        // Segments of data before this one, of both sides together.
        let before = if left > TEARDOWN || resets {
            step - HANDSHAKE
        } else {
            frames - HANDSHAKE - TEARDOWN
        };
        let payload_len = setting!(frame_len) - GeneratorSettings::HEADERS_LEN;
        client_sent += before.div_ceil(2) * payload_len;
        server_sent += before / 2 * payload_len;
        if resets && left == 1 {
            flags = RST | ACK;
            state.counters.rst += 1;
        } else if left > TEARDOWN || resets {
            from_client = before.is_multiple_of(2);
            data = true;
            flags = PSH | ACK;
        } else if left == 3 {
            flags = FIN | ACK;
            state.counters.fin += 1;
        } else if left == 2 {
            from_client = false;
            client_sent += 1;
            flags = FIN | ACK;
            state.counters.fin += 1;
        } else {
            client_sent += 1;
            server_sent += 1;
            flags = ACK;
        }
    }

    let client_next = ((isn >> 32) as u32).wrapping_add(client_sent);
    let server_next = (isn as u32).wrapping_add(server_sent);
    if from_client {
        Segment {
            src: client,
            dst: server,
            ports: client_port << 16 | server_port,
            seq: client_next,
            // Without ACK the field is zero (RFC 9293 section 3.10.7.3 looks at it only with ACK).
            ack: if flags == SYN { 0 } else { server_next },
            flags,
            data,
        }
    } else {
        Segment {
            src: server,
            dst: client,
            ports: server_port << 16 | client_port,
            seq: server_next,
            ack: client_next,
            flags,
            data,
        }
    }
}

/// Whether it is this connection's turn to end by reset. Asked only near the end of a session, as it
/// takes a division.
#[inline(always)]
fn ends_by_reset(connection: u64) -> bool {
    let every = u64::from(setting!(reset_every));
    every != 0 && connection % every == every - 1
}

/// A SYN of a random source.
#[inline(always)]
fn flood(state: &mut GeneratorState) -> Segment {
    state.counters.syn += 1;
    // SplitMix64: a counter in, bits without a pattern out.
    let mut random =
        (state.counters.frames ^ (u64::from(setting!(seed)) << 32)).wrapping_mul(GOLDEN);
    random = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    random = (random ^ (random >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    random ^= random >> 31;

    // The first byte of the address stays, so that no source is one that a stack would refuse.
    let src = (setting!(src) & 0xff00_0000) | (random >> 40) as u32;
    let low = random as u32 & 0xffff;
    let src_port = if low < 1024 { low | 1024 } else { low };
    Segment {
        src,
        dst: setting!(dst),
        ports: src_port << 16 | setting!(port),
        seq: (random >> 8) as u32,
        ack: 0,
        flags: SYN,
        data: false,
    }
}
