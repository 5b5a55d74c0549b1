//! The kernel's counters: exact, kept before anything is filtered or lost.
//!
//! One value per CPU for each interface and hook, so that each counter has exactly one writer. The
//! index into the map is [`HookCounters::index`].

use crate::{Hook, MAX_IFACES, MAX_RINGS};

/// What one hook of one interface counted on one CPU. Units are packets unless the name says bytes.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HookCounters {
    /// Packets seen.
    pub packets: u64,
    /// Bytes seen, as on the wire without frame check sequence.
    pub bytes: u64,
    /// IPv4 packets.
    pub ipv4: u64,
    /// IPv6 packets.
    pub ipv6: u64,
    /// ARP packets.
    pub arp: u64,
    /// Packets of any other network protocol.
    pub other_net: u64,
    /// TCP segments, fragments of one included.
    pub tcp: u64,
    /// UDP datagrams, fragments of one included.
    pub udp: u64,
    /// ICMP and `ICMPv6` messages.
    pub icmp: u64,
    /// IP packets of any other protocol.
    pub other_transport: u64,
    /// IP fragments, whatever their protocol.
    pub fragments: u64,
    /// Segments with SYN and without ACK.
    pub syn: u64,
    /// Segments with SYN and ACK.
    pub syn_ack: u64,
    /// Segments with FIN.
    pub fin: u64,
    /// Segments with RST.
    pub rst: u64,
    /// Packets whose headers contradict themselves or end too early.
    pub malformed: u64,
    /// Not copied because the capture filter refused them.
    pub filtered: u64,
    /// Not copied because sampling left them out.
    pub sampled: u64,
    /// Not copied because their connection was past its cutoff.
    pub cut: u64,
    /// Lost because the ring had no room.
    pub ring_full: u64,
    /// Lost because the kernel could not copy the bytes of the frame.
    pub copy_failed: u64,
    /// Lost because their queue had no `AF_XDP` socket.
    pub no_socket: u64,
    /// Copied into a ring, or handed to an `AF_XDP` socket.
    pub delivered: u64,
    /// Bytes that were copied into a ring.
    pub delivered_bytes: u64,
    /// Of the delivered packets, those that were shortened: to the snap length, to
    /// their headers, or at their flow's cutoff.
    pub snapped: u64,
    /// Flows that had to give up their place in the table of those that are cut short.
    pub cut_evicted: u64,
    /// Packets that were copied because their flow had no place in that table, or another CPU held it.
    pub cut_unfollowed: u64,
    /// Packets lost since the last delivered one, by ring; the next record carries the number away.
    pub lost: [u32; MAX_RINGS],
}

const _: () = assert!(size_of::<HookCounters>() == 27 * 8 + MAX_RINGS * 4);

impl HookCounters {
    /// Entries of the map that holds them.
    pub const ENTRIES: usize = MAX_IFACES * Hook::COUNT;

    /// All zero.
    pub const ZERO: Self = Self {
        packets: 0,
        bytes: 0,
        ipv4: 0,
        ipv6: 0,
        arp: 0,
        other_net: 0,
        tcp: 0,
        udp: 0,
        icmp: 0,
        other_transport: 0,
        fragments: 0,
        syn: 0,
        syn_ack: 0,
        fin: 0,
        rst: 0,
        malformed: 0,
        filtered: 0,
        sampled: 0,
        cut: 0,
        ring_full: 0,
        copy_failed: 0,
        no_socket: 0,
        delivered: 0,
        delivered_bytes: 0,
        snapped: 0,
        cut_evicted: 0,
        cut_unfollowed: 0,
        lost: [0; MAX_RINGS],
    };

    /// Index of the counters of one interface slot and hook in the map.
    #[must_use]
    #[inline(always)]
    pub const fn index(iface: u16, hook: Hook) -> u32 {
        iface as u32 * Hook::COUNT as u32 + hook as u32
    }

    /// Adds what another CPU, hook or interface counted.
    pub fn add(&mut self, other: &Self) {
        let Self {
            packets,
            bytes,
            ipv4,
            ipv6,
            arp,
            other_net,
            tcp,
            udp,
            icmp,
            other_transport,
            fragments,
            syn,
            syn_ack,
            fin,
            rst,
            malformed,
            filtered,
            sampled,
            cut,
            ring_full,
            copy_failed,
            no_socket,
            delivered,
            delivered_bytes,
            snapped,
            cut_evicted,
            cut_unfollowed,
            lost,
        } = other;
        self.packets += packets;
        self.bytes += bytes;
        self.ipv4 += ipv4;
        self.ipv6 += ipv6;
        self.arp += arp;
        self.other_net += other_net;
        self.tcp += tcp;
        self.udp += udp;
        self.icmp += icmp;
        self.other_transport += other_transport;
        self.fragments += fragments;
        self.syn += syn;
        self.syn_ack += syn_ack;
        self.fin += fin;
        self.rst += rst;
        self.malformed += malformed;
        self.filtered += filtered;
        self.sampled += sampled;
        self.cut += cut;
        self.ring_full += ring_full;
        self.copy_failed += copy_failed;
        self.no_socket += no_socket;
        self.delivered += delivered;
        self.delivered_bytes += delivered_bytes;
        self.snapped += snapped;
        self.cut_evicted += cut_evicted;
        self.cut_unfollowed += cut_unfollowed;
        for (sum, part) in self.lost.iter_mut().zip(lost) {
            *sum = sum.wrapping_add(*part);
        }
    }
}

impl Default for HookCounters {
    fn default() -> Self {
        Self::ZERO
    }
}
