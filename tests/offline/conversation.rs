//! Random TCP conversations as packets: what two hosts and a bad network between them can do, in few
//! steps, so that a failing one shrinks to something that a person can read.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use crate::slow_tracker::{ACK, FIN, PSH, RST, SYN, checksum, sum};

/// A packet: nanoseconds since the conversations began, the captured bytes, the length on the wire.
#[derive(Clone)]
pub(crate) struct Frame {
    pub(crate) at_ns: u64,
    pub(crate) data: Vec<u8>,
    pub(crate) wire_len: u32,
}

/// Short: what is in it, a failing test lists.
impl std::fmt::Debug for Frame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ns, {} bytes", self.at_ns, self.wire_len)
    }
}

/// What a side does.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Sends payload.
    Data(u32),
    /// Sends payload that is lost before it is captured.
    LostBefore(u32),
    /// Sends payload that is lost after it was captured.
    LostAfter(u32),
    /// Sends payload that arrives without being captured.
    Unseen(u32),
    /// Acknowledges everything that arrived.
    Ack,
    /// Sends an earlier segment again, and it arrives.
    Again(usize),
    /// Sends from where an earlier segment began, with another length.
    Overlap(usize, u32),
    /// The last packet is captured twice.
    Duplicate,
    /// The last two packets are captured in the other order.
    Swap,
    /// Closes, with payload.
    Fin(u32),
    /// Resets, with or without ACK, so far from where it stands.
    Rst(bool, i32),
    /// Says SYN again.
    Syn,
    /// Answers a SYN.
    SynAck,
    /// Says SYN with another sequence number: a connection with the same ports.
    Reuse(u32),
    /// A keep-alive with or without a byte.
    KeepAlive(u32),
    /// Announces a window.
    Window(u16),
    /// Probes a closed window.
    Probe,
    /// Sends as much as the window takes, if that is little.
    Fill,
    /// A segment with these flags.
    Flags(u8, u32),
    /// Acknowledges what was not sent, or below what was.
    WrongAck(i32),
    /// Payload with a checksum that is wrong.
    Corrupt(u32),
    /// Payload of which only so much is captured.
    Snapped(u32, usize),
}

/// How a conversation begins.
#[derive(Clone, Copy, Debug)]
enum Start {
    Handshake,
    /// The SYN carries payload.
    FastOpen,
    /// The SYN is not captured.
    SynAckFirst,
    /// SYN and SYN-ACK are captured in the other order.
    Reordered,
    Simultaneous,
    Midstream,
    HalfOpen,
    Refused,
    /// Nothing: the steps say it all.
    Nothing,
}

/// A conversation.
#[derive(Clone, Debug)]
struct Plan {
    start: Start,
    v6: bool,
    host: u8,
    ports: [u16; 2],
    isns: [u32; 2],
    scales: [Option<u8>; 2],
    begins_us: u64,
    /// Who, after how many microseconds, what.
    steps: Vec<(usize, u64, Step)>,
}

fn len() -> impl Strategy<Value = u32> {
    prop_oneof![3 => 1_u32..30, 2 => 500_u32..=1400, 1 => Just(1_u32)]
}

fn step() -> impl Strategy<Value = Step> {
    let ordinary = prop_oneof![
        8 => len().prop_map(Step::Data),
        8 => Just(Step::Ack),
        2 => len().prop_map(Step::LostBefore),
        2 => len().prop_map(Step::LostAfter),
        1 => prop_oneof![len(), Just(1 << 20), Just(1 << 30)].prop_map(Step::Unseen),
        4 => (0_usize..6).prop_map(Step::Again),
        2 => (0_usize..6, len()).prop_map(|(which, len)| Step::Overlap(which, len)),
        1 => Just(Step::Duplicate),
        2 => Just(Step::Swap),
    ];
    let ends = prop_oneof![
        3 => prop_oneof![2 => Just(0), 1 => len()].prop_map(Step::Fin),
        2 => (any::<bool>(), prop_oneof![3 => Just(0), 1 => -3000_i32..3000, 1 => any::<i32>()])
            .prop_map(|(ack, by)| Step::Rst(ack, by)),
        1 => Just(Step::Syn),
        1 => Just(Step::SynAck),
        1 => any::<u32>().prop_map(Step::Reuse),
    ];
    let odd = prop_oneof![
        2 => (0_u32..=1).prop_map(Step::KeepAlive),
        2 => prop_oneof![Just(0_u16), Just(0), 1_u16..2000].prop_map(Step::Window),
        1 => Just(Step::Probe),
        1 => Just(Step::Fill),
        1 => (0_u8..64, prop_oneof![Just(0), len()]).prop_map(|(flags, len)| Step::Flags(flags, len)),
        1 => prop_oneof![-2000_i32..2000, any::<i32>()].prop_map(Step::WrongAck),
        1 => len().prop_map(Step::Corrupt),
        1 => (2_u32..1000, 0_usize..400).prop_map(|(len, keep)| Step::Snapped(len, keep)),
    ];
    prop_oneof![10 => ordinary, 3 => ends, 3 => odd]
}

fn plan() -> impl Strategy<Value = Plan> {
    let start = prop_oneof![
        8 => Just(Start::Handshake),
        1 => Just(Start::FastOpen),
        1 => Just(Start::SynAckFirst),
        1 => Just(Start::Reordered),
        1 => Just(Start::Simultaneous),
        2 => Just(Start::Midstream),
        1 => Just(Start::HalfOpen),
        1 => Just(Start::Refused),
        1 => Just(Start::Nothing),
    ];
    // What tells "a moment later" from "later" for one rule or another: 3 ms, 20 ms.
    let pause = prop_oneof![
        Just(0_u64),
        1_u64..100,
        2900_u64..3100,
        1000_u64..10_000,
        19_900_u64..20_100,
        20_000_u64..60_000,
    ];
    let isn = prop_oneof![
        any::<u32>(),
        (0_u32..3000).prop_map(|below| u32::MAX - below)
    ];
    // Ports that Zeek takes for a server's, on either side.
    let port = || prop_oneof![4 => 40_000_u16..40_003, 1 => Just(80_u16), 1 => Just(443_u16)];
    let scale = || prop_oneof![2 => Just(None), 1 => Just(Some(0)), 2 => (1_u8..15).prop_map(Some)];
    (
        (start, any::<bool>(), 1_u8..3),
        (
            port(),
            prop_oneof![Just(80_u16), Just(9999), 40_000_u16..40_003],
        ),
        [isn.clone(), isn],
        [scale(), scale()],
        0_u64..1_000_000,
        prop::collection::vec((0_usize..2, pause, step()), 0..30),
    )
        .prop_map(
            |((start, v6, host), (client, server), isns, scales, begins_us, steps)| Plan {
                start,
                v6,
                host,
                ports: [client, server],
                isns,
                scales,
                begins_us,
                steps,
            },
        )
}

/// Several conversations at once, in the order of time.
pub(crate) fn conversations() -> impl Strategy<Value = Vec<Frame>> {
    prop::collection::vec(plan(), 1..5).prop_map(|plans| {
        let mut frames: Vec<_> = plans
            .into_iter()
            .flat_map(|plan| Network::run(&plan))
            .collect();
        frames.sort_by_key(|frame| frame.at_ns);
        frames
    })
}

/// A host, as far as its packets show it.
#[derive(Debug)]
struct Host {
    isn: u32,
    next: u32,
    /// What it has received of the other without a hole.
    received: u32,
    window: u16,
    scale: Option<u8>,
    sent: Vec<(u32, u32)>,
}

/// A segment that is to be written.
#[derive(Clone, Copy, Debug)]
struct Sent {
    seq: u32,
    ack: u32,
    flags: u8,
    len: u32,
}

const fn segment(seq: u32, ack: u32, flags: u8, len: u32) -> Sent {
    Sent {
        seq,
        ack,
        flags,
        len,
    }
}

struct Network<'a> {
    plan: &'a Plan,
    hosts: [Host; 2],
    now_ns: u64,
    frames: Vec<Frame>,
}

impl<'a> Network<'a> {
    fn run(plan: &'a Plan) -> Vec<Frame> {
        let host = |side: usize| Host {
            isn: plan.isns[side],
            next: plan.isns[side],
            received: plan.isns[1 - side],
            window: 8192,
            scale: plan.scales[side],
            sent: Vec::new(),
        };
        let mut network = Self {
            plan,
            hosts: [host(0), host(1)],
            now_ns: plan.begins_us * 1000,
            frames: Vec::new(),
        };
        network.begin(plan.start);
        for (side, pause_us, step) in &plan.steps {
            network.now_ns += pause_us * 1000;
            network.step(*side, *step);
        }
        network.frames
    }

    fn begin(&mut self, start: Start) {
        match start {
            Start::Handshake | Start::SynAckFirst | Start::Reordered => {
                self.syn(0, 0);
                self.pause();
                self.syn_ack(1);
                match start {
                    Start::SynAckFirst => drop(self.frames.remove(0)),
                    Start::Reordered => self.swap(),
                    _ => {}
                }
                self.pause();
                self.ack(0);
            }
            Start::FastOpen => {
                self.syn(0, 100);
                self.pause();
                self.syn_ack(1);
                self.pause();
                self.ack(0);
            }
            Start::Simultaneous => {
                self.syn(0, 0);
                self.syn(1, 0);
                self.pause();
                self.syn_ack(0);
                self.syn_ack(1);
            }
            Start::Midstream => {
                for side in [0, 1] {
                    self.hosts[side].next = self.hosts[side].isn.wrapping_add(1);
                    self.hosts[side].received = self.hosts[1 - side].isn.wrapping_add(1);
                }
            }
            Start::HalfOpen => {
                self.syn(0, 0);
                self.pause();
                self.syn_ack(1);
            }
            Start::Refused => {
                self.syn(0, 0);
                self.pause();
                let ack = self.hosts[0].next;
                self.write(1, segment(0, ack, RST | ACK, 0));
            }
            Start::Nothing => {}
        }
    }

    fn pause(&mut self) {
        self.now_ns += 4_000_000;
    }

    fn syn(&mut self, side: usize, len: u32) {
        let isn = self.hosts[side].isn;
        self.write(side, segment(isn, 0, SYN, len));
        self.hosts[side].next = isn.wrapping_add(1 + len);
        self.hosts[1 - side].received = isn.wrapping_add(1 + len);
    }

    fn syn_ack(&mut self, side: usize) {
        let (isn, ack) = (self.hosts[side].isn, self.hosts[side].received);
        self.write(side, segment(isn, ack, SYN | ACK, 0));
        let next = isn.wrapping_add(1);
        if self.hosts[side].next == isn {
            self.hosts[side].next = next;
        }
        if self.hosts[1 - side].received == isn {
            self.hosts[1 - side].received = next;
        }
    }

    fn ack(&mut self, side: usize) {
        let (seq, ack) = (self.hosts[side].next, self.hosts[side].received);
        self.write(side, segment(seq, ack, ACK, 0));
    }

    /// New payload: whether it is captured, and whether it arrives.
    fn data(&mut self, side: usize, len: u32, flags: u8, captured: bool, arrives: bool) {
        let (seq, ack) = (self.hosts[side].next, self.hosts[side].received);
        if captured {
            self.write(side, segment(seq, ack, flags, len));
        }
        let occupied = len + u32::from(flags & FIN != 0);
        let next = seq.wrapping_add(occupied);
        self.hosts[side].next = next;
        // What no datagram holds stands for many segments, none of which comes again.
        if len <= 1400 {
            self.hosts[side].sent.push((seq, len));
        }
        if arrives && self.hosts[1 - side].received == seq {
            self.hosts[1 - side].received = next;
        }
    }

    fn step(&mut self, side: usize, step: Step) {
        let peer = 1 - side;
        let (next, received) = (self.hosts[side].next, self.hosts[side].received);
        let earlier = |network: &Self, which: usize| {
            let sent = &network.hosts[side].sent;
            sent.len().checked_sub(which + 1).map(|at| sent[at])
        };
        match step {
            Step::Data(len) => self.data(side, len, ACK | PSH, true, true),
            Step::LostBefore(len) => self.data(side, len, ACK, false, false),
            Step::LostAfter(len) => self.data(side, len, ACK, true, false),
            Step::Unseen(len) => self.data(side, len, ACK, false, true),
            Step::Ack => self.ack(side),
            Step::Again(which) => {
                if let Some((seq, len)) = earlier(self, which) {
                    self.write(side, segment(seq, received, ACK, len));
                    if self.hosts[peer].received == seq {
                        // What came after it had waited for it.
                        self.hosts[peer].received = next;
                    }
                }
            }
            Step::Overlap(which, len) => {
                if let Some((seq, _)) = earlier(self, which) {
                    self.write(side, segment(seq, received, ACK, len));
                }
            }
            Step::Duplicate => {
                if let Some(last) = self.frames.last() {
                    let again = Frame {
                        at_ns: self.now_ns,
                        ..last.clone()
                    };
                    self.frames.push(again);
                }
            }
            Step::Swap => self.swap(),
            Step::Fin(len) => self.data(side, len, FIN | ACK, true, true),
            Step::Rst(ack, by) => {
                let flags = if ack { RST | ACK } else { RST };
                let seq = next.wrapping_add_signed(by);
                self.write(side, segment(seq, received, flags, 0));
            }
            Step::Syn => {
                let isn = self.hosts[side].isn;
                self.write(side, segment(isn, 0, SYN, 0));
            }
            Step::SynAck => self.syn_ack(side),
            Step::Reuse(isn) => {
                for (host, isn) in self.hosts.iter_mut().zip([isn, !isn]) {
                    host.isn = isn;
                    host.next = isn;
                    host.sent.clear();
                }
                self.syn(side, 0);
                self.hosts[side].received = self.hosts[peer].isn;
            }
            Step::KeepAlive(len) => {
                let seq = next.wrapping_sub(1);
                self.write(side, segment(seq, received, ACK, len));
            }
            Step::Window(window) => {
                self.hosts[side].window = window;
                self.ack(side);
            }
            Step::Probe => self.write(side, segment(next, received, ACK, 1)),
            Step::Fill => {
                let shift = u32::from(self.hosts[peer].scale.unwrap_or(0));
                let room = u32::from(self.hosts[peer].window) << shift;
                if (1..=1400).contains(&room) {
                    self.data(side, room, ACK, true, true);
                }
            }
            Step::Flags(flags, len) => {
                self.write(side, segment(next, received, flags, len));
            }
            Step::WrongAck(by) => {
                let ack = received.wrapping_add_signed(by);
                self.write(side, segment(next, ack, ACK, 0));
            }
            Step::Corrupt(len) => {
                self.write(side, segment(next, received, ACK, len));
                if let Some(payload) = self
                    .frames
                    .last_mut()
                    .and_then(|frame| frame.data.last_mut())
                {
                    *payload ^= 0x55;
                }
            }
            Step::Snapped(len, keep) => {
                self.data(side, len, ACK, true, true);
                if let Some(frame) = self.frames.last_mut() {
                    let headers = frame.data.len() - len as usize;
                    frame.data.truncate(headers + keep.min(len as usize - 1));
                }
            }
        }
    }

    fn swap(&mut self) {
        if let [.., first, second] = self.frames.as_mut_slice() {
            std::mem::swap(&mut first.at_ns, &mut second.at_ns);
            self.frames.sort_by_key(|frame| frame.at_ns);
        }
    }

    fn write(&mut self, side: usize, sent: Sent) {
        let data = bytes(self.plan, side, &self.hosts[side], sent);
        self.frames.push(Frame {
            at_ns: self.now_ns,
            wire_len: data.len() as u32,
            data,
        });
        // Two packets never share a time, so that their order is told by it.
        self.now_ns += 1000;
    }
}

/// The bytes of a segment in Ethernet and IP.
fn bytes(plan: &Plan, side: usize, host: &Host, sent: Sent) -> Vec<u8> {
    let mut tcp = Vec::new();
    tcp.extend(plan.ports[side].to_be_bytes());
    tcp.extend(plan.ports[1 - side].to_be_bytes());
    tcp.extend(sent.seq.to_be_bytes());
    tcp.extend(sent.ack.to_be_bytes());
    let scale = host.scale.filter(|_| sent.flags & SYN != 0);
    tcp.push(if scale.is_some() { 0x60 } else { 0x50 });
    tcp.push(sent.flags);
    tcp.extend(host.window.to_be_bytes());
    tcp.extend([0; 4]);
    if let Some(shift) = scale {
        tcp.extend([3, 3, shift, 0]);
    }
    tcp.extend((0..sent.len).map(|at| at as u8));

    let address = |side: usize| {
        let last = if side == 0 { plan.host } else { 200 };
        if plan.v6 {
            IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(last)))
        } else {
            IpAddr::from(Ipv4Addr::new(192, 0, 2, last))
        }
    };
    let (src, dst) = (address(side), address(1 - side));
    let check = checksum(src, dst, &tcp).to_be_bytes();
    tcp[16..18].copy_from_slice(&check);

    let mut frame = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    match (src, dst) {
        (IpAddr::V4(src), IpAddr::V4(dst)) => {
            let mut header = vec![0x45, 0];
            header.extend((20 + tcp.len() as u16).to_be_bytes());
            header.extend([0, 0, 0x40, 0, 64, 6, 0, 0]);
            header.extend(src.octets());
            header.extend(dst.octets());
            let check = sum(&header).to_be_bytes();
            header[10..12].copy_from_slice(&check);
            frame.extend([0x08, 0x00]);
            frame.extend(header);
        }
        (IpAddr::V6(src), IpAddr::V6(dst)) => {
            frame.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            frame.extend((tcp.len() as u16).to_be_bytes());
            frame.extend([6, 64]);
            frame.extend(src.octets());
            frame.extend(dst.octets());
        }
        _ => unreachable!("both ends are of one family"),
    }
    frame.extend(tcp);
    frame
}
