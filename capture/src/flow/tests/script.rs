//! Packets and records without bytes: what a test says happened, and what the table made of it.

use crate::dissect::{Addresses, Fragment, Ip, Layers, Net, Tcp, TcpFlags, TcpOptions, Transport};
use crate::flow::{EndReason, FlowRecord, FlowTable, Limits, Observed, Timeouts};
use crate::packet::{FrameNo, LinkType, Packet, PacketMeta, Timestamp};

pub(super) const SYN: u8 = 0x02;
pub(super) const FIN: u8 = 0x01;
pub(super) const RST: u8 = 0x04;
pub(super) const ACK: u8 = 0x10;

pub(super) const SECOND: u64 = 1_000_000_000;
pub(super) const MILLISECOND: u64 = 1_000_000;

/// When every script begins.
pub(super) const START: Timestamp = Timestamp(1_700_000_000 * SECOND);

/// An IPv4 address, by its last octet: 10.0.0.x.
pub(super) const fn host(last: u8) -> u32 {
    u32::from_ne_bytes([10, 0, 0, last])
}

/// Layers of an IPv4 packet.
pub(super) fn layers(src: u32, dst: u32, protocol: u8, transport: Transport) -> Layers {
    let payload_len = 100;
    let ip = Ip {
        addresses: Addresses::V4 { src, dst },
        protocol,
        ip_len: 20 + payload_len,
        payload_len,
        fragment: None,
        ttl: 64,
        ecn: 0,
        cut_short: false,
    };
    Layers {
        net: Net::Ip(ip),
        transport,
        ..Layers::EMPTY
    }
}

/// Layers of a UDP datagram.
pub(super) fn datagram(src: (u32, u16), dst: (u32, u16)) -> Layers {
    let transport = Transport::Ports {
        src_port: src.1,
        dst_port: dst.1,
        payload_len: 92,
    };
    layers(src.0, dst.0, 17, transport)
}

/// Layers of a TCP segment.
pub(super) fn segment(
    src: (u32, u16),
    dst: (u32, u16),
    numbers: [u32; 2],
    flags: u8,
    payload_len: u32,
) -> Layers {
    let tcp = Tcp {
        src_port: src.1,
        dst_port: dst.1,
        seq: numbers[0],
        ack: numbers[1],
        flags: TcpFlags(flags),
        window: 8192,
        payload_len,
        captured: true,
        options: TcpOptions::default(),
    };
    layers(src.0, dst.0, 6, Transport::Tcp(tcp))
}

/// The same packet as a fragment, without ports unless it is the first one.
pub(super) fn fragment_of(mut layers: Layers, id: u32, offset: u16) -> Layers {
    if let Net::Ip(ip) = &mut layers.net {
        ip.fragment = Some(Fragment {
            id,
            offset,
            more: true,
            at: 0,
            len: ip.payload_len,
        });
    }
    if offset > 0 {
        layers.transport = Transport::None;
    }
    layers
}

/// The only bytes that a table looks at: a first fragment's header.
pub(super) fn bytes_of(layers: &Layers) -> Vec<u8> {
    match (&layers.net, layers.transport) {
        (
            Net::Ip(Ip {
                fragment: Some(Fragment { offset: 0, .. }),
                ..
            }),
            Transport::Ports {
                src_port, dst_port, ..
            },
        ) => [
            src_port.to_be_bytes(),
            dst_port.to_be_bytes(),
            [3, 0],
            [0; 2],
        ]
        .concat(),
        _ => Vec::new(),
    }
}

/// A table and all that came out of it.
pub(super) struct Script {
    pub(super) table: FlowTable,
    pub(super) records: Vec<FlowRecord>,
    pub(super) now: Timestamp,
    clock: Timestamp,
    frame: u64,
}

impl Script {
    pub(super) fn new() -> Self {
        Self::bounded(1000)
    }

    pub(super) fn bounded(max_flows: u32) -> Self {
        Self::with(Limits::flows(max_flows), Timeouts::default())
    }

    pub(super) fn with(limits: Limits, timeouts: Timeouts) -> Self {
        let mut table = FlowTable::new(limits, timeouts, 42);
        table.advance(START, &mut |_| ());
        Self::of(table)
    }

    /// With a table of its own.
    pub(super) fn of(table: FlowTable) -> Self {
        Self {
            table,
            records: Vec::new(),
            now: START,
            clock: START,
            frame: 0,
        }
    }

    /// Lets time pass, of which the table only hears with the next packet.
    pub(super) fn wait(&mut self, ns: u64) -> &mut Self {
        self.now.0 += ns;
        self
    }

    /// Tells the table what time it is.
    pub(super) fn advance(&mut self) -> &mut Self {
        let Self {
            table,
            records,
            now,
            ..
        } = self;
        table.advance(*now, &mut |record| records.push(record));
        self
    }

    /// A packet now.
    pub(super) fn packet(&mut self, layers: &Layers) -> Observed {
        self.frame += 1;
        self.clock = self.clock.max(self.now);
        let meta = PacketMeta {
            frame: FrameNo(self.frame),
            ts: self.now,
            clock: self.clock,
            wire_len: 134,
            link: LinkType::ETHERNET,
            ..Packet::EMPTY.meta
        };
        self.packet_with(meta, layers)
    }

    pub(super) fn packet_with(&mut self, meta: PacketMeta, layers: &Layers) -> Observed {
        let Self { table, records, .. } = self;
        let data = bytes_of(layers);
        let packet = Packet { meta, data: &data };
        let mut layers = *layers;
        let prepared = table.prepare(&mut layers, &packet);
        table.prefetch(&prepared);
        table.observe(&prepared, &packet, &layers, &mut |record| {
            records.push(record);
        })
    }

    /// Ends everything; the records in the order of their first packets.
    pub(super) fn finish(mut self) -> Vec<FlowRecord> {
        let Self { table, records, .. } = &mut self;
        table.finish(&mut |record| records.push(record));
        assert_eq!(self.table.live(), 0);
        let last = |record: &&FlowRecord| record.end != EndReason::Active;
        let ended = self.records.iter().filter(last).count() as u64;
        assert_eq!(self.table.counters().created, ended);
        assert_eq!(self.table.counters().ended, ended);
        self.records.sort_by_key(|record| (record.id, record.part));
        self.records
    }
}

/// Both ends of a TCP connection, which number their bytes.
pub(super) struct Talk {
    pub(super) script: Script,
    client: (u32, u16),
    server: (u32, u16),
    /// Next sequence number of the client and of the server.
    pub(super) next: [u32; 2],
}

/// Who sends.
#[derive(Clone, Copy)]
pub(super) enum Side {
    Client,
    Server,
}
pub(super) use Side::{Client, Server};

impl Talk {
    pub(super) fn new() -> Self {
        Self::numbered(1000, 5_000_000)
    }

    /// With initial sequence numbers.
    pub(super) fn numbered(client: u32, server: u32) -> Self {
        Self {
            script: Script::new(),
            client: (host(1), 40_000),
            server: (host(2), 443),
            next: [client, server],
        }
    }

    /// A segment one millisecond after the one before it; it acknowledges all that the other end has
    /// sent if the flags have ACK.
    pub(super) fn send(&mut self, from: Side, flags: u8, payload_len: u32) -> &mut Self {
        let (own, other) = match from {
            Client => (0, 1),
            Server => (1, 0),
        };
        let ack = if flags & ACK == 0 {
            0
        } else {
            self.next[other]
        };
        self.raw(from, [self.next[own], ack], flags, payload_len);
        let length = payload_len + u32::from(flags & SYN != 0) + u32::from(flags & FIN != 0);
        self.next[own] = self.next[own].wrapping_add(length);
        self
    }

    /// A segment with numbers of its own.
    pub(super) fn raw(
        &mut self,
        from: Side,
        numbers: [u32; 2],
        flags: u8,
        payload_len: u32,
    ) -> &mut Self {
        let (src, dst) = match from {
            Client => (self.client, self.server),
            Server => (self.server, self.client),
        };
        self.script.wait(MILLISECOND);
        let layers = segment(src, dst, numbers, flags, payload_len);
        assert_eq!(self.script.packet(&layers), Observed::Tracked);
        self
    }

    pub(super) fn wait(&mut self, ns: u64) -> &mut Self {
        self.script.wait(ns);
        self
    }

    /// SYN, SYN-ACK, ACK.
    pub(super) fn open(&mut self) -> &mut Self {
        self.send(Client, SYN, 0)
            .send(Server, SYN | ACK, 0)
            .send(Client, ACK, 0)
    }

    /// A request and its response.
    pub(super) fn exchange(&mut self) -> &mut Self {
        self.send(Client, ACK, 100)
            .send(Server, ACK, 1000)
            .send(Client, ACK, 0)
    }

    pub(super) fn finish(&mut self) -> Vec<FlowRecord> {
        std::mem::replace(&mut self.script, Script::new()).finish()
    }

    /// The only record.
    pub(super) fn record(&mut self) -> FlowRecord {
        let records = self.finish();
        let [record] = records.as_slice() else {
            panic!("expected one record, got {records:#?}");
        };
        assert_eq!(record.initiator.endpoint.port, 40_000, "the client began");
        record.clone()
    }
}
