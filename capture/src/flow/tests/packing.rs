//! A connection in a slot is the same as one that was never packed: the oracle is [`Connection`] alone.

use proptest::prelude::*;

use crate::dissect::{Addresses, Checksum, Ip, Tcp, TcpFlags, TcpOptions};
use crate::flow::detail::{Detail, Details};
use crate::flow::key::{Direction, Key};
use crate::flow::packed::{Packed, Plain, normal};
use crate::flow::slab::Slot;
use crate::flow::state::{Content, Flow, Step};
use crate::flow::tcp::{Arrival, Connection, Islands, Timing, Verdict};
use crate::packet::{FrameNo, Span, Timestamp};

#[test]
fn ten_million_connections_fit_into_two_gibibytes() {
    assert_eq!(size_of::<Slot<u32>>(), 192);
    assert_eq!(size_of::<Key<u32>>(), 16);
    // With an index of 2^24 entries of 8 bytes, and 64 MiB for everything else.
    let all = 10_000_000 * size_of::<Slot<u32>>() as u64 + (8 << 24) + (64 << 20);
    assert!(all <= 2 << 30, "{all}");
}

/// What a sender does next: mostly what it should.
#[derive(Clone, Copy, Debug)]
struct Move {
    sender: Direction,
    flags: u8,
    len: u32,
    /// Distance of the sequence number from where it should be.
    skew: i32,
    /// Distance of the acknowledgment from what was sent.
    ack_skew: i32,
    /// It acknowledges 0, whatever was sent.
    acks_zero: bool,
    window: u16,
    pause_ns: u64,
    captured: bool,
    checksum: Checksum,
    options: TcpOptions,
    ecn: u8,
}

/// Moves of a conversation that is orderly but for the last one, which may be anything.
fn tidy_moves() -> impl Strategy<Value = Vec<Move>> {
    let flags = prop_oneof![
        8 => Just(0x10_u8),
        4 => Just(0x18),
        2 => Just(0x11),
        1 => Just(0x14),
        1 => Just(0x04),
    ];
    let sender = prop_oneof![Just(Direction::Forward), Just(Direction::Reverse)];
    let one = (
        sender,
        flags,
        prop_oneof![Just(0_u32), 1_u32..1500],
        500_u16..510,
    )
        .prop_map(|(sender, flags, len, window)| Move {
            sender,
            flags,
            // A FIN or RST comes alone, mostly.
            len: if flags & 0x05 != 0 && len % 4 != 0 {
                0
            } else {
                len
            },
            window,
            // What a RST acknowledges without saying so is mostly left at zero.
            acks_zero: flags == 0x04 && window % 4 != 0,
            ..Move::PLAIN
        });
    (prop::collection::vec(one, 0..12), moves()).prop_map(|(mut tidy, other)| {
        tidy.extend(other.into_iter().take(2));
        tidy
    })
}

impl Move {
    const PLAIN: Self = Self {
        sender: Direction::Forward,
        flags: 0x10,
        len: 0,
        skew: 0,
        ack_skew: 0,
        acks_zero: false,
        window: 1000,
        pause_ns: 1_000_000,
        captured: true,
        checksum: Checksum::Good,
        options: TcpOptions {
            mss: None,
            window_scale: None,
            sack_permitted: false,
            timestamps: false,
        },
        ecn: 0,
    };
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let sender = prop_oneof![Just(Direction::Forward), Just(Direction::Reverse)];
    let flags = prop_oneof![
        12 => Just(0x10_u8),
        4 => Just(0x18),
        1 => Just(0x02),
        1 => Just(0x12),
        1 => Just(0x11),
        1 => Just(0x04),
        1 => Just(0x14),
        1 => any::<u8>(),
    ];
    let skew = prop_oneof![20 => Just(0), 1 => Just(-1), 1 => -3000..3000, 1 => any::<i32>()];
    let ack_skew = prop_oneof![20 => Just(0), 1 => Just(1), 2 => -3000..1, 1 => any::<i32>()];
    let len = prop_oneof![4 => Just(0_u32), 1 => Just(1), 4 => 2_u32..1500, 1 => 1500_u32..40_000];
    let window = prop_oneof![8 => Just(500_u16), 1 => Just(0), 2 => any::<u16>()];
    let pause =
        prop_oneof![4 => 0_u64..2_000_000, 2 => 0_u64..200_000_000, 1 => 0_u64..400_000_000_000];
    let options = prop_oneof![
        3 => Just(TcpOptions::default()),
        1 => (any::<Option<u16>>(), any::<Option<u8>>(), any::<bool>(), any::<bool>()).prop_map(
            |(mss, window_scale, sack_permitted, timestamps)| TcpOptions {
                mss,
                window_scale,
                sack_permitted,
                timestamps,
            }
        ),
    ];
    let rest = (
        prop_oneof![30 => Just(true), 1 => Just(false)],
        prop_oneof![30 => Just(Checksum::Good), 1 => Just(Checksum::Bad)],
        options,
        prop_oneof![10 => Just(0_u8), 1 => 0_u8..4],
    );
    let one = (sender, flags, len, skew, ack_skew, window, pause, rest).prop_map(
        |(sender, flags, len, skew, ack_skew, window, pause_ns, rest)| Move {
            sender,
            flags,
            len,
            skew,
            ack_skew,
            acks_zero: false,
            window,
            pause_ns,
            captured: rest.0,
            checksum: rest.1,
            options: rest.2,
            ecn: rest.3,
        },
    );
    prop::collection::vec(one, 1..150)
}

/// How a conversation begins.
#[derive(Clone, Copy, Debug)]
struct Opening {
    /// Options of the SYN and of the SYN-ACK.
    options: [TcpOptions; 2],
    /// Who sends the SYN.
    caller: Direction,
}

fn options() -> impl Strategy<Value = TcpOptions> {
    let parts = (
        any::<Option<u16>>(),
        prop::option::of(0_u8..16),
        any::<bool>(),
        any::<bool>(),
    );
    parts.prop_map(
        |(mss, window_scale, sack_permitted, timestamps)| TcpOptions {
            mss,
            window_scale,
            sack_permitted,
            timestamps,
        },
    )
}

fn opening() -> impl Strategy<Value = Option<Opening>> {
    let caller = prop_oneof![Just(Direction::Forward), Just(Direction::Reverse)];
    let opening = (options(), options(), caller).prop_map(|(one, other, caller)| Opening {
        options: [one, other],
        caller,
    });
    prop::option::weighted(0.8, opening)
}

fn play(opening: Option<Opening>, isns: [u32; 2], moves: &[Move]) {
    let caller = opening.map_or(Direction::Forward, |it| it.caller);
    let mut details = Details::new(4);
    let mut islands = Islands::new(1000);
    let mut own_islands = Islands::new(1000);
    let first = Timestamp(1_700_000_000_000_000_000);
    let mut now = first;
    let mut flow = Flow::new(FrameNo(1), [first; 2], 0, caller);
    let mut oracle = Connection::new(caller);
    let mut next = isns;
    let mut plain = Vec::new();
    if let Some(Opening { options, caller }) = opening {
        let step = |sender, flags, options| Move {
            sender,
            flags,
            options,
            ..Move::PLAIN
        };
        plain.extend([
            step(caller, 0x02, options[0]),
            step(caller.opposite(), 0x12, options[1]),
            step(caller, 0x10, TcpOptions::default()),
        ]);
    }
    for it in plain.iter().chain(moves) {
        now.0 += it.pause_ns;
        let (own, other) = (it.sender.index(), it.sender.opposite().index());
        let segment = Tcp {
            src_port: 1,
            dst_port: 2,
            seq: next[own].wrapping_add_signed(it.skew),
            ack: if it.acks_zero || it.flags == 0x02 && it.ack_skew == 0 {
                0
            } else {
                next[other].wrapping_add_signed(it.ack_skew)
            },
            flags: TcpFlags(it.flags),
            window: it.window,
            payload_len: it.len,
            captured: it.captured,
            options: it.options,
        };
        if it.skew == 0 && it.checksum != Checksum::Bad {
            next[own] = next[own].wrapping_add(segment.seq_len());
        }
        let ip = Ip {
            addresses: Addresses::V4 { src: 1, dst: 2 },
            protocol: 6,
            ip_len: 40 + it.len,
            payload_len: 20 + it.len,
            fragment: None,
            ttl: 64,
            ecn: it.ecn,
            cut_short: false,
        };
        let arrival = Arrival {
            segment: &segment,
            ip: &ip,
            checksum: it.checksum,
            sender: it.sender,
            ts: now,
            since_first: now.since(first),
        };
        let step = Step {
            direction: it.sender,
            ts: now,
            clock: now,
            wire_len: 54 + it.len,
            ip_len: ip.ip_len,
            ttl: 64,
            content: Content::Segment(arrival),
        };
        let timing = if flow.detail == Details::NONE {
            Timing::Newest
        } else {
            Timing::OneByOne
        };
        let packets_before = flow.counts(it.sender).packets;
        let last_before = flow.last_ts;
        flow.on_packet(&step, &mut details, &mut islands);
        let followed = oracle.on_segment(&arrival, timing, &mut own_islands);
        let counted = u64::from(followed.verdict != Verdict::Corrupt);
        assert_eq!(flow.counts(it.sender).packets, packets_before + counted);
        let last = match followed.verdict {
            Verdict::Counted | Verdict::Closing => now,
            Verdict::Late | Verdict::Corrupt => last_before,
        };
        assert_eq!(flow.last_ts, last, "after {it:?}");
        let found = match details.get(flow.detail) {
            Some(Detail { connection, .. }) => *connection,
            None => flow.packed.unpack(),
        };
        // What an end that repeats nothing did last is not kept in a slot, and not asked for.
        assert_eq!(normal(&found), normal(&oracle), "after {it:?}");
        if flow.detail == Details::NONE {
            oracle = normal(&oracle);
        }
    }
    assert!(now.since(first) < Span::from_secs(26 * 86_400));
}

/// What a conversation's segments are taken for.
fn taken_for(caller: Direction, moves: &[(Direction, u8, u32)]) -> Vec<Plain> {
    let mut packed = Packed::new(caller);
    let mut next = [1_000_u32, 5_000];
    let first = Timestamp(1_700_000_000_000_000_000);
    let mut now = first;
    let take = |&(sender, flags, payload_len): &(Direction, u8, u32)| {
        now.0 += 1_000_000;
        let (own, other) = (sender.index(), sender.opposite().index());
        let segment = Tcp {
            src_port: 1,
            dst_port: 2,
            seq: next[own],
            ack: if flags & 0x10 == 0 { 0 } else { next[other] },
            flags: TcpFlags(flags),
            window: 1000,
            payload_len,
            captured: true,
            options: TcpOptions::default(),
        };
        next[own] += segment.seq_len();
        let ip = Ip {
            addresses: Addresses::V4 { src: 1, dst: 2 },
            protocol: 6,
            ip_len: 40 + payload_len,
            payload_len: 20 + payload_len,
            fragment: None,
            ttl: 64,
            ecn: 0,
            cut_short: false,
        };
        let plain = packed.on_plain_segment(&Arrival {
            segment: &segment,
            ip: &ip,
            checksum: Checksum::Good,
            sender,
            ts: now,
            since_first: now.since(first),
        });
        packed.halves[own].packets += 1;
        plain
    };
    moves.iter().map(take).collect()
}

/// Whoever has the lower address: this is what most connections do, and the long way takes ten times as long.
#[test]
fn ordinary_conversations_are_plain_from_the_first_segment_to_the_last() {
    for caller in [Direction::Forward, Direction::Reverse] {
        let callee = caller.opposite();
        let opened = [
            (caller, 0x02, 0),
            (callee, 0x12, 0),
            (caller, 0x10, 0),
            (caller, 0x18, 150),
            (callee, 0x18, 900),
            (caller, 0x10, 0),
        ];
        let endings: [&[_]; 4] = [
            &[(caller, 0x11, 0), (callee, 0x11, 0), (caller, 0x10, 0)],
            &[
                (callee, 0x11, 0),
                (caller, 0x10, 0),
                (caller, 0x11, 0),
                (callee, 0x10, 0),
            ],
            &[(callee, 0x04, 0)],
            &[(caller, 0x11, 0), (callee, 0x04, 0)],
        ];
        for ending in endings {
            let taken = taken_for(caller, &[&opened, ending].concat());
            assert!(
                !taken.contains(&Plain::No),
                "{caller:?}, {ending:x?}: {taken:?}"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn a_packed_connection_is_the_same_as_one_that_never_was(
        opening in opening(),
        isns in any::<[u32; 2]>(),
        moves in prop_oneof![2 => tidy_moves(), 1 => moves()],
    ) {
        play(opening, isns, &moves);
    }
}
