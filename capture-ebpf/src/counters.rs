//! What is counted of each packet, before anything else is decided.

use capture_common::HookCounters;

use crate::decide::CONTROL;
use crate::headers::{Net, PROTO_TCP, PROTO_UDP, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN, Walk};

/// Counts a packet that was seen.
#[inline(always)]
pub(crate) fn count(counters: &mut HookCounters, walk: &Walk, wire_len: u32) {
    counters.packets += 1;
    counters.bytes += wire_len as u64;
    match walk.net {
        Net::Arp => counters.arp += 1,
        Net::Ipv4 => counters.ipv4 += 1,
        Net::Ipv6 => counters.ipv6 += 1,
        Net::Other => counters.other_net += 1,
    }
    if walk.malformed {
        counters.malformed += 1;
    }
    if walk.fragment {
        counters.fragments += 1;
    }
    if walk.net != Net::Ipv4 && walk.net != Net::Ipv6 {
        return;
    }
    match walk.protocol {
        PROTO_TCP => {
            counters.tcp += 1;
            let flags = walk.tcp_flags;
            // One question to nearly all of them.
            if flags & CONTROL == 0 {
                return;
            }
            if flags & TCP_SYN != 0 {
                if flags & TCP_ACK == 0 {
                    counters.syn += 1;
                } else {
                    counters.syn_ack += 1;
                }
            }
            if flags & TCP_FIN != 0 {
                counters.fin += 1;
            }
            if flags & TCP_RST != 0 {
                counters.rst += 1;
            }
        }
        PROTO_UDP => counters.udp += 1,
        1 | 58 => counters.icmp += 1,
        _ => counters.other_transport += 1,
    }
}
