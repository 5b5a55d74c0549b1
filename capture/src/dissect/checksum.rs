//! The Internet checksum (RFC 1071) of IPv4, TCP, UDP and ICMP.
//!
//! The sum does not depend on the byte order (RFC 1071 section 2 (B)), so words are added as they lie
//! in memory: eight bytes at a time, and what each addition carries goes into the next. Two to the power of
//! 64, like that of 16, is one more than a multiple of 0xffff, so a carry is worth one in either.

use capture_common::flow_hash::is_tunnel_port;

use super::cursor::Cursor;
use super::layers::{Addresses, Checksum, Ip, Layers, Malformed, Net};
use super::transport::{PROTO_ICMP, PROTO_ICMPV6, PROTO_TCP, PROTO_UDP};
use super::{Checksums, Scope};

/// Words that are added up, and how often that carried.
#[derive(Clone, Copy, Default)]
struct Sum {
    sum: u64,
    carries: u64,
}

impl Sum {
    #[inline(always)]
    fn add<const N: usize>(&mut self, words: &[[u8; 8]; N]) {
        let mut carry = false;
        for word in words {
            let (sum, first) = self.sum.overflowing_add(u64::from_ne_bytes(*word));
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            self.sum = sum;
            carry = first | second;
        }
        self.carries += u64::from(carry);
    }

    /// The sum, of 34 bits at most, so that several can be added.
    #[inline(always)]
    const fn folded(self) -> u64 {
        fold32(self.sum) + self.carries
    }
}

/// The sum of all bytes as 16-bit words, not folded.
#[inline(always)]
fn sum(bytes: &[u8]) -> u64 {
    let mut sum = Sum::default();
    let (words, tail) = bytes.as_chunks::<8>();
    let (blocks, words) = words.as_chunks::<4>();
    for block in blocks {
        sum.add(block);
    }
    for word in words {
        sum.add(&[*word]);
    }
    sum.folded() + fold32(last_word(bytes, tail))
}

/// The last bytes of all, fewer than eight, as a word that is filled up with zeros.
#[inline(always)]
fn last_word(bytes: &[u8], tail: &[u8]) -> u64 {
    if tail.is_empty() {
        return 0;
    }
    let Some(end) = bytes.last_chunk::<8>() else {
        let mut word = [0; 8];
        for (to, byte) in word.iter_mut().zip(tail) {
            *to = *byte;
        }
        return u64::from_ne_bytes(word);
    };
    // What was added already is shifted out.
    let added = 64 - 8 * tail.len() as u32;
    let end = u64::from_ne_bytes(*end);
    if cfg!(target_endian = "big") {
        end << added
    } else {
        end >> added
    }
}

/// Whether the sum of everything, the checksum among it, is all ones in ones' complement: zero, but not for
/// lack of ones.
#[inline(always)]
const fn is_right(sum: u64) -> bool {
    sum.is_multiple_of(0xffff) && sum != 0
}

/// A sum whose value is the same in ones' complement and that has 33 bits at most.
#[inline(always)]
const fn fold32(sum: u64) -> u64 {
    (sum & 0xffff_ffff) + (sum >> 32)
}

/// Sixteen bits in the end.
#[inline(always)]
const fn fold(sum: u64) -> u16 {
    let sum = fold32(fold32(sum));
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    sum as u16
}

/// The pseudo header of RFC 9293 section 3.1 and RFC 8200 section 8.1.
#[inline(always)]
fn pseudo(ends: &Addresses, protocol: u8, len: u32) -> u64 {
    let ends = match *ends {
        Addresses::V4 { src, dst } => u64::from(src) + u64::from(dst),
        Addresses::V6 { src, dst } => src.into_iter().chain(dst).map(fold32).sum(),
    };
    ends + u64::from(u16::from(protocol).to_be()) + u64::from(len.to_be())
}

/// The checksum of a transport protocol's segment and its pseudo header, addresses as they lie in the IP
/// header: zero if the one in the segment is right.
pub(crate) fn over(source: &[u8], destination: &[u8], protocol: u8, segment: &[u8]) -> u16 {
    let len = segment.len() as u32;
    let header = u64::from(u16::from(protocol).to_be()) + u64::from(len.to_be());
    let all = sum(source) + sum(destination) + header + sum(segment);
    u16::from_be(!fold(all))
}

/// Notes a wrong checksum of the IPv4 header at `at`.
#[inline(always)]
pub(super) fn ipv4_header(cursor: Cursor<'_>, at: usize, len: usize, layers: &mut Layers) {
    // Hardly any header has options.
    let plain = (len == 20).then(|| cursor.array::<20>(at)).flatten();
    let sum = match plain {
        Some(header) => sum(header),
        None => cursor.slice(at, len).map_or(0xffff, sum),
    };
    if !is_right(sum) {
        layers.malformed = Some(Malformed::Checksum);
    }
}

/// Notes what the checksum of the transport layer at `at` says. `ends` are the addresses that it covers
/// where they are not those of the IP header.
#[inline(never)]
pub(super) fn transport(
    scope: Scope<'_>,
    at: usize,
    ends: Option<&Addresses>,
    layers: &mut Layers,
) {
    if let Net::Ip(ip) = &layers.net {
        let ends = ends.unwrap_or(&ip.addresses);
        layers.checksum = judge(scope, at, ip, ends).unwrap_or_default();
    }
}

/// Whether an IPv4 header without options has the right checksum.
#[inline(always)]
pub(super) fn is_good_header(header: &[u8; 20]) -> bool {
    is_right(sum(header))
}

/// The checksum of a whole TCP segment between IPv4 addresses, with that of its header's field.
#[inline(always)]
pub(super) fn segment(
    checksums: Checksums,
    [src, dst]: [u32; 2],
    field: u16,
    segment: &[u8],
) -> Checksum {
    let pseudo = pseudo(&Addresses::V4 { src, dst }, PROTO_TCP, segment.len() as u32);
    if checksums == Checksums::ValidateUnlessPartial && field == fold(pseudo) {
        return Checksum::Unknown;
    }
    if is_right(pseudo + sum(segment)) {
        Checksum::Good
    } else {
        Checksum::Bad
    }
}

/// The checksum of what `ip` carries, at `at`; `None` if nothing can be said.
fn judge(scope: Scope<'_>, at: usize, ip: &Ip, ends: &Addresses) -> Option<Checksum> {
    let cursor = scope.cursor;
    if ip.fragment.is_some() {
        return None;
    }
    let mut len = ip.payload_len;
    let field_at = match ip.protocol {
        PROTO_TCP => 16,
        PROTO_UDP => {
            let said = u32::from(cursor.u16(at + 4)?);
            // What lies behind the datagram is not a part of it (RFC 768), though it may be in IP's.
            if (8..len).contains(&said) {
                len = said;
            }
            6
        }
        PROTO_ICMP | PROTO_ICMPV6 => 2,
        _ => return None,
    };
    let field = u16::from_ne_bytes(*cursor.array::<2>(at + field_at)?);
    if ip.protocol == PROTO_UDP && field == 0 {
        // RFC 768; RFC 6935 extends it to tunnels over IPv6.
        let optional = match ip.addresses {
            Addresses::V4 { .. } => true,
            Addresses::V6 { .. } => is_tunnel_port(cursor.u16(at + 2)?),
        };
        if optional {
            return None;
        }
    }
    let bytes = cursor.slice(at, len as usize)?;
    let pseudo = match ip.protocol {
        PROTO_ICMP => 0,
        _ => pseudo(ends, ip.protocol, len),
    };
    let partial = scope.dissector.checksums == Checksums::ValidateUnlessPartial
        && ip.protocol != PROTO_ICMP
        && field == fold(pseudo);
    if partial {
        return None;
    }
    Some(if is_right(pseudo + sum(bytes)) {
        Checksum::Good
    } else {
        Checksum::Bad
    })
}
