//! Which frame comes next: the script that the kernel's program follows, and whoever writes the same
//! frames into a file.
//!
//! Pure functions of the settings and of where the generator is. In the kernel everything here is
//! inlined, and the settings are constants to the verifier, so what is not asked for costs nothing.

#![expect(
    unsafe_code,
    reason = "userspace patches the settings into the object after it was compiled"
)]

use super::{GeneratorSettings, GeneratorSizes, GeneratorState};

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

/// Has no factor in common with [`GeneratorSettings::WHOLE`], so that its multiples visit each
/// thousandth once before they visit one again.
const STRIDE: u32 = 619;

/// A TCP segment or a UDP datagram, all in host byte order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Source address; of an IPv6 address the last 32 bits.
    pub src: u32,
    /// Destination address, likewise.
    pub dst: u32,
    /// Source port above, destination port below.
    pub ports: u32,
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgment number.
    pub ack: u32,
    /// Bytes of payload.
    pub payload_len: u32,
    /// Flags; none in a datagram.
    pub flags: u8,
    /// The client sends it, and not the server.
    pub from_client: bool,
}

/// How a connection ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Fin,
    Reset,
    Open,
    Unanswered,
}

/// One setting. The read is volatile, because userspace changes the value after compilation, and of one
/// field, because a copy of all would fill the program's stack.
#[inline(always)]
fn get(setting: &u32) -> u32 {
    // SAFETY: a reference is valid for reads.
    unsafe { core::ptr::read_volatile(setting) }
}

/// Makes the next segment, counts its flags and moves on. Frames and bytes are counted by the caller,
/// who knows what became of them.
#[inline(always)]
pub fn next(
    settings: &GeneratorSettings,
    sizes: &GeneratorSizes,
    state: &mut GeneratorState,
) -> Segment {
    if get(&settings.syn_flood) == 1 {
        return flood(settings, state);
    }
    let connection = state.first_connection + u64::from(state.flow);
    let step = state.step;
    advance(settings, state);
    let ends = Ends::of(settings, connection);
    if get(&settings.protocol) == GeneratorSettings::UDP {
        datagram(settings, sizes, connection, step, &ends)
    } else {
        session(settings, sizes, state, (connection, step), &ends)
    }
}

/// Steps to the next flow, and after the last one to the next frame of all sessions.
#[inline(always)]
fn advance(settings: &GeneratorSettings, state: &mut GeneratorState) {
    let flow = state.flow + 1;
    if flow < get(&settings.flows) {
        state.flow = flow;
        return;
    }
    state.flow = 0;
    let step = state.step + 1;
    if step < get(&settings.session_frames) {
        state.step = step;
        return;
    }
    state.step = 0;
    state.first_connection += u64::from(flow);
}

/// Who a connection is between.
struct Ends {
    client: u32,
    server: u32,
    client_port: u32,
    server_port: u32,
}

impl Ends {
    #[inline(always)]
    fn of(settings: &GeneratorSettings, connection: u64) -> Self {
        let src = get(&settings.src);
        let src_bits = get(&settings.src_bits);
        let (client, port) = if src_bits == GeneratorSettings::ONWARD {
            let address = src.wrapping_add((connection >> PORT_BITS) as u32);
            (address, connection)
        } else {
            let address = in_net(src, src_bits, src.wrapping_add(connection as u32));
            (address, connection >> src_bits)
        };
        let dst = get(&settings.dst);
        let host = dst.wrapping_add(connection as u32);
        Self {
            client,
            server: in_net(dst, get(&settings.dst_bits), host),
            client_port: FIRST_PORT | (port as u32 & ((1 << PORT_BITS) - 1)),
            server_port: get(&settings.port),
        }
    }

    /// What is sent one way or the other; numbers and flags are those of a datagram.
    #[inline(always)]
    fn segment(&self, from_client: bool) -> Segment {
        let (src, dst, ports) = if from_client {
            let ports = self.client_port << 16 | self.server_port;
            (self.client, self.server, ports)
        } else {
            let ports = self.server_port << 16 | self.client_port;
            (self.server, self.client, ports)
        };
        Segment {
            src,
            dst,
            ports,
            seq: 0,
            ack: 0,
            payload_len: 0,
            flags: 0,
            from_client,
        }
    }
}

/// An address of the net that `net` is in, with `bits` bits for the host, which are those of `host`.
#[inline(always)]
fn in_net(net: u32, bits: u32, host: u32) -> u32 {
    let mask = ((1_u64 << bits) - 1) as u32;
    (net & !mask) | (host & mask)
}

/// Lengths of the payloads that one side of a connection sends.
struct Payloads<'s> {
    settings: &'s GeneratorSettings,
    sizes: &'s GeneratorSizes,
    /// Entry of the first one.
    first: u32,
}

impl<'s> Payloads<'s> {
    #[inline(always)]
    fn of(
        settings: &'s GeneratorSettings,
        sizes: &'s GeneratorSizes,
        connection: u64,
        from_client: bool,
    ) -> Self {
        let entries = get(&settings.sizes);
        let first = if entries == 0 {
            0
        } else {
            // Another one for each connection and side; 5 and 31 have no meaning.
            let side = if from_client { 0 } else { 31 };
            (connection as u32)
                .wrapping_mul(5)
                .wrapping_add(get(&settings.seed))
                .wrapping_add(side)
                % entries
        };
        Self {
            settings,
            sizes,
            first,
        }
    }

    /// Bytes of each, where all are the same.
    #[inline(always)]
    fn fixed(&self) -> u32 {
        let headers = GeneratorSettings::link_len(get(&self.settings.vlan) != 0)
            + GeneratorSettings::net_len(get(&self.settings.ip_version))
            + GeneratorSettings::transport_len(get(&self.settings.protocol));
        get(&self.settings.frame_len) - headers
    }

    /// Bytes of payload `number`, from 0.
    #[inline(always)]
    fn len(&self, number: u32) -> u32 {
        let entries = get(&self.settings.sizes);
        if entries == 0 {
            return self.fixed();
        }
        let entry = self.first.wrapping_add(number) % entries;
        get(&self.sizes.payload_len[entry as usize & (GeneratorSizes::MAX - 1)])
    }

    /// Bytes of the first `count` together, modulo 2^32.
    #[inline(always)]
    fn before(&self, count: u32) -> u32 {
        let entries = get(&self.settings.sizes);
        if entries == 0 {
            return count.wrapping_mul(self.fixed());
        }
        let sum =
            |entry: u32| get(&self.sizes.before[entry as usize & (2 * GeneratorSizes::MAX - 1)]);
        let rounds = count / entries;
        let rest = count % entries;
        // The list repeats, so an entry a round later has all of a round more before it.
        let first = sum(self.first);
        let to_the_end = sum(self.first + rest).wrapping_sub(first);
        rounds.wrapping_mul(sum(entries)).wrapping_add(to_the_end)
    }
}

/// A request or a response.
#[inline(always)]
fn datagram(
    settings: &GeneratorSettings,
    sizes: &GeneratorSizes,
    connection: u64,
    step: u32,
    ends: &Ends,
) -> Segment {
    let from_client = step.is_multiple_of(2);
    let payloads = Payloads::of(settings, sizes, connection, from_client);
    Segment {
        payload_len: payloads.len(step / 2),
        ..ends.segment(from_client)
    }
}

#[inline(always)]
fn session(
    settings: &GeneratorSettings,
    sizes: &GeneratorSizes,
    state: &mut GeneratorState,
    (connection, step): (u64, u32),
    ends: &Ends,
) -> Segment {
    let isn = (connection ^ (u64::from(get(&settings.seed)) << 32)).wrapping_mul(GOLDEN);
    let (client_isn, server_isn) = ((isn >> 32) as u32, isn as u32);
    let unanswered =
        get(&settings.unanswered_share) != 0 && end_of(settings, connection) == End::Unanswered;
    if step == 0 || unanswered {
        state.counters.syn += 1;
        // Without ACK the number is zero (RFC 9293 section 3.10.7.3 looks at it only with ACK).
        return Segment {
            seq: client_isn,
            flags: SYN,
            ..ends.segment(true)
        };
    }
    if step == 1 {
        state.counters.syn_ack += 1;
        return Segment {
            seq: server_isn,
            ack: client_isn.wrapping_add(1),
            flags: SYN | ACK,
            ..ends.segment(false)
        };
    }

    let mut from_client = true;
    let mut flags = ACK;
    let mut data = false;
    // Segments of data before this one, of both sides together, and the FIN of the two.
    let mut before = 0;
    let (mut client_fin, mut server_fin) = (0, 0);
    if step >= HANDSHAKE {
        let frames = get(&settings.session_frames);
        // Counts from the end: 1 is the last frame.
        let left = frames - step;
        // Asked only near the end of a session, as it takes a division.
        let end = if left > TEARDOWN {
            End::Open
        } else {
            end_of(settings, connection)
        };
        if end == End::Fin {
            before = frames - HANDSHAKE - TEARDOWN;
            if left > 1 {
                flags = FIN | ACK;
                state.counters.fin += 1;
            }
            // The client, the server, and the client again.
            from_client = left != 2;
            client_fin = u32::from(left < 3);
            server_fin = u32::from(left < 2);
        } else {
            before = step - HANDSHAKE;
            if end == End::Reset && left == 1 {
                flags = RST | ACK;
                state.counters.rst += 1;
            } else {
                from_client = before.is_multiple_of(2);
                data = true;
                flags = PSH | ACK;
            }
        }
    }

    let of_client = Payloads::of(settings, sizes, connection, true);
    let of_server = Payloads::of(settings, sizes, connection, false);
    let client_next = client_isn
        .wrapping_add(1)
        .wrapping_add(of_client.before(before.div_ceil(2)))
        .wrapping_add(client_fin);
    let server_next = server_isn
        .wrapping_add(1)
        .wrapping_add(of_server.before(before / 2))
        .wrapping_add(server_fin);
    let payloads = if from_client { of_client } else { of_server };
    let (seq, ack) = if from_client {
        (client_next, server_next)
    } else {
        (server_next, client_next)
    };
    Segment {
        seq,
        ack,
        flags,
        payload_len: if data { payloads.len(before / 2) } else { 0 },
        ..ends.segment(from_client)
    }
}

/// How it is this connection's turn to end.
#[inline(always)]
fn end_of(settings: &GeneratorSettings, connection: u64) -> End {
    let every = u64::from(get(&settings.reset_every));
    if every != 0 {
        return if connection % every == every - 1 {
            End::Reset
        } else {
            End::Fin
        };
    }
    let reset = get(&settings.reset_share);
    let open = get(&settings.open_share);
    let unanswered = get(&settings.unanswered_share);
    if reset + open + unanswered == 0 {
        return End::Fin;
    }
    let place = (connection as u32 % GeneratorSettings::WHOLE) * STRIDE % GeneratorSettings::WHOLE;
    if place < unanswered {
        End::Unanswered
    } else if place < unanswered + reset {
        End::Reset
    } else if place < unanswered + reset + open {
        End::Open
    } else {
        End::Fin
    }
}

/// A SYN of a random source.
#[inline(always)]
fn flood(settings: &GeneratorSettings, state: &mut GeneratorState) -> Segment {
    state.counters.syn += 1;
    // SplitMix64: a counter in, bits without a pattern out.
    let seed = u64::from(get(&settings.seed)) << 32;
    let mut random = (state.counters.frames ^ seed).wrapping_mul(GOLDEN);
    random = (random ^ (random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    random = (random ^ (random >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    random ^= random >> 31;

    // Unless a net is given, the first byte of an IPv4 address stays, so that no source is one that a
    // stack would refuse.
    let src_bits = match get(&settings.src_bits) {
        GeneratorSettings::ONWARD if get(&settings.ip_version) == 6 => 32,
        GeneratorSettings::ONWARD => 24,
        bits => bits,
    };
    let server = (random.wrapping_mul(GOLDEN) >> 32) as u32;
    let low = random as u32 & 0xffff;
    let src_port = if low < 1024 { low | 1024 } else { low };
    Segment {
        src: in_net(get(&settings.src), src_bits, (random >> 32) as u32),
        dst: in_net(get(&settings.dst), get(&settings.dst_bits), server),
        ports: src_port << 16 | get(&settings.port),
        seq: (random >> 8) as u32,
        ack: 0,
        payload_len: 0,
        flags: SYN,
        from_client: true,
    }
}
