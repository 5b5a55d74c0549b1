//! Datagrams in several packets (RFC 791 section 3.2, RFC 8200 section 4.5).
//!
//! Nothing is reassembled but the transport header. The first fragment's ports serve the later ones, and
//! the packet that completes a datagram stands for all of it: it carries the TCP header with the whole
//! payload's length, the ones before it only ports. Where fragments overlap, the first one to come counts,
//! as in Zeek and BSD.
//!
//! A datagram begins with its first fragment. What comes before that has no ports that are known, counts
//! by addresses alone, and its datagram is never complete: in a file that several workers read, its other
//! fragments are with another worker, and the records must not depend on how many there are. For the same
//! reason what is remembered ends on packet time, and not when somebody needs the room: only when more
//! than 4096 datagrams ([`FragmentTable::DATAGRAMS`]) are under way at once, the oldest one has to go.

use std::collections::HashMap;

use capture_common::FragmentKey;

use super::cursor::Cursor;
use super::layers::{Addresses, Fragment, Ip, Layers, Net, Transport};
use super::transport::{
    self, PROTO_ICMP, PROTO_ICMPV6, PROTO_SCTP, PROTO_TCP, PROTO_UDP, Payload, Piece, min_len,
    udp_payload,
};
use crate::packet::{Packet, Span, Timestamp};

/// How long the fragments of a datagram are waited for, from the first one on: Linux's
/// `net.ipv4.ipfrag_time`.
const TIMEOUT: Span = Span::from_secs(30);

/// What is remembered of datagrams whose first fragment was seen. It allocates when that happens first,
/// which in most captures is never, and then once and for all.
#[derive(Debug)]
pub(super) struct FragmentTable<T> {
    places: Option<HashMap<FragmentKey, usize>>,
    entries: Vec<Entry<T>>,
    /// The entry that has been there for longest, once all are in use.
    oldest: usize,
}

#[derive(Clone, Copy, Debug)]
struct Entry<T> {
    key: FragmentKey,
    since: Timestamp,
    value: T,
}

impl<T> FragmentTable<T> {
    /// Datagrams that are followed at once.
    pub(super) const DATAGRAMS: usize = 4096;

    pub(super) const fn new() -> Self {
        Self {
            places: None,
            entries: Vec::new(),
            oldest: 0,
        }
    }

    /// Remembers `value` of a datagram that begins now, in the place of what was remembered of it.
    pub(super) fn insert(&mut self, key: FragmentKey, clock: Timestamp, value: T) {
        let places = self.places.get_or_insert_with(|| {
            self.entries.reserve_exact(Self::DATAGRAMS);
            // Twice, so that those that were removed do not make it move.
            HashMap::with_capacity(2 * Self::DATAGRAMS)
        });
        let entry = Entry {
            key,
            since: clock,
            value,
        };
        if let Some(known) = places.get(&key).and_then(|at| self.entries.get_mut(*at)) {
            *known = entry;
        } else if self.entries.len() < Self::DATAGRAMS {
            places.insert(key, self.entries.len());
            self.entries.push(entry);
        } else if let Some(oldest) = self.entries.get_mut(self.oldest) {
            places.remove(&oldest.key);
            places.insert(key, self.oldest);
            *oldest = entry;
            self.oldest = (self.oldest + 1) % Self::DATAGRAMS;
        }
    }

    /// What is remembered of a datagram; `None` if its first fragment was not seen in time.
    pub(super) fn get_mut(&mut self, key: &FragmentKey, clock: Timestamp) -> Option<&mut T> {
        let at = self.places.as_ref()?.get(key)?;
        let entry = self.entries.get_mut(*at)?;
        (clock.since(entry.since) < TIMEOUT).then_some(&mut entry.value)
    }
}

/// The key under which the fragments of `ip`'s datagram meet.
pub(super) fn fragment_key(ip: &Ip, fragment: &Fragment) -> FragmentKey {
    let id = fragment.id;
    match ip.addresses {
        Addresses::V4 { src, dst } => FragmentKey {
            src: [u64::from(src), 0],
            dst: [u64::from(dst), 0],
            id,
            protocol: ip.protocol,
            version: 4,
            reserved: 0,
        },
        // RFC 8200 section 4.5: the next header field is not part of what identifies a datagram.
        Addresses::V6 { src, dst } => FragmentKey {
            src,
            dst,
            id,
            protocol: 0,
            version: 6,
            reserved: 0,
        },
    }
}

/// Follows the datagrams of one shard through their fragments. Bounded, on packet time.
#[derive(Debug)]
pub struct Fragments {
    datagrams: FragmentTable<Datagram>,
}

/// Bytes of a transport header that are kept: TCP's longest.
const HEADER: usize = 60;
/// Stretches of a datagram that can be there while what lies between them is not.
const STRETCHES: usize = 8;

/// A datagram whose first fragment was seen.
#[derive(Clone, Copy, Debug)]
struct Datagram {
    /// What is behind all extension headers, which only the first fragment knows.
    protocol: u8,
    /// All of its fragments were captured to their end.
    captured: bool,
    /// Its last fragment was seen.
    last: bool,
    /// Bytes before the transport header that are part of the datagram: IPv6 extension headers.
    skip: u32,
    /// Length of the datagram as far as it is known, bytes.
    len: u32,
    /// What was seen of it, in units of eight bytes, in order and not touching; empty ones last.
    seen: [(u16, u16); STRETCHES],
    /// The transport header, and which of its bytes are known.
    header: [u8; HEADER],
    known: u64,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// It was complete, or never will be: there are too many holes in it, or it is too long.
    Closed,
}

impl Default for Fragments {
    fn default() -> Self {
        Self::new()
    }
}

impl Fragments {
    /// Nothing is followed yet, nor is memory taken.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            datagrams: FragmentTable::new(),
        }
    }

    /// Puts into `layers.transport` what is known of the datagram that a fragment belongs to, and does
    /// nothing to a packet that is none.
    ///
    /// The packet that completes a datagram gets its transport header, with the length of the whole
    /// payload. All others get ports, and a payload of 0 bytes; the later ones get nothing if the first
    /// one did not come before them, or not in the last 30 seconds.
    #[cold]
    pub fn follow(&mut self, layers: &mut Layers, packet: &Packet<'_>) {
        let Net::Ip(ip) = &mut layers.net else { return };
        let Some(fragment) = ip.fragment else { return };
        // What cannot be believed, or was not captured, says nothing of other packets.
        if layers.malformed.is_some() || layers.snapped {
            return;
        }
        let clock = packet.meta.clock;
        let key = fragment_key(ip, &fragment);
        if fragment.offset == 0 {
            let same = self.datagrams.get_mut(&key, clock).copied();
            let fresh = Datagram::new(ip, &fragment, packet.data);
            // The number of a datagram may come around again. That cannot be told from a first fragment
            // that was sent twice but by its ports, or because the one before is complete.
            let datagram = match same {
                Some(same) if same.state == State::Open && same.is_like(&fresh) => same,
                _ => fresh,
            };
            self.datagrams.insert(key, clock, datagram);
        }
        let Some(datagram) = self.datagrams.get_mut(&key, clock) else {
            return;
        };
        // In IPv6, a later fragment does not say what is behind the extension headers.
        ip.protocol = datagram.protocol;
        layers.transport = match datagram.add(&fragment, packet.data) {
            Progress::Complete => datagram.transport(),
            Progress::Partial => datagram.ports(),
        };
    }
}

/// Whether a fragment was what a datagram waited for.
enum Progress {
    Complete,
    Partial,
}

impl Datagram {
    fn new(ip: &Ip, fragment: &Fragment, data: &[u8]) -> Self {
        let mut datagram = Self {
            protocol: ip.protocol,
            captured: true,
            last: false,
            skip: fragment.len - ip.payload_len.min(fragment.len),
            len: 0,
            seen: [(0, 0); STRETCHES],
            header: [0; HEADER],
            known: 0,
            state: State::Open,
        };
        datagram.keep_header(fragment, data);
        datagram
    }

    /// Whether both begin with the same ports.
    fn is_like(&self, other: &Self) -> bool {
        self.protocol == other.protocol && self.ports() == other.ports()
    }

    /// Takes a fragment in.
    fn add(&mut self, fragment: &Fragment, data: &[u8]) -> Progress {
        if self.state == State::Closed {
            return Progress::Partial;
        }
        self.keep_header(fragment, data);
        let end = u32::from(fragment.offset) + fragment.len;
        self.captured &= u64::from(fragment.at) + u64::from(fragment.len) <= data.len() as u64;
        self.len = self.len.max(end);
        self.last |= !fragment.more;
        let first = fragment.offset / 8;
        // RFC 791: all but the last are multiples of eight bytes long.
        let units = if fragment.more {
            end / 8
        } else {
            end.div_ceil(8)
        };
        let fits = u16::try_from(units).is_ok_and(|end| self.see(first, end));
        if end > u32::from(u16::MAX) || !fits {
            self.state = State::Closed;
            return Progress::Partial;
        }
        let [(from, to), (next, _), ..] = self.seen;
        let whole = from == 0 && next == 0 && u32::from(to) == self.len.div_ceil(8);
        if self.last && whole {
            self.state = State::Closed;
            return Progress::Complete;
        }
        Progress::Partial
    }

    /// Notes that the units from `first` to `end` are there; `false` if there are too many holes.
    fn see(&mut self, first: u16, end: u16) -> bool {
        let mut merged = (first, end.max(first));
        let mut stretches = [(0, 0); STRETCHES + 1];
        let mut count = 0;
        let mut placed = merged.0 == merged.1;
        for &stretch in self.seen.iter().filter(|(from, to)| from < to) {
            if !placed && stretch.0 <= merged.1 && merged.0 <= stretch.1 {
                merged = (merged.0.min(stretch.0), merged.1.max(stretch.1));
                continue;
            }
            if !placed && merged.1 < stretch.0 {
                put(&mut stretches, &mut count, merged);
                placed = true;
            }
            put(&mut stretches, &mut count, stretch);
        }
        if !placed {
            put(&mut stretches, &mut count, merged);
        }
        let Some((seen, _)) = stretches.split_first_chunk() else {
            return false;
        };
        self.seen = *seen;
        count <= STRETCHES
    }

    /// Keeps those bytes of the transport header that are not known yet.
    fn keep_header(&mut self, fragment: &Fragment, data: &[u8]) {
        let bytes = Cursor::new(data).up_to(fragment.at as usize, fragment.len as usize);
        // Of the header's bytes the first that is in this fragment, and of the fragment's.
        let offset = u32::from(fragment.offset);
        let at = offset.saturating_sub(self.skip) as usize;
        let from = self.skip.saturating_sub(offset) as usize;
        let header = self.header.iter_mut().enumerate().skip(at);
        for ((number, to), from) in header.zip(bytes.iter().skip(from)) {
            if self.known >> number & 1 == 0 {
                self.known |= 1 << number;
                *to = *from;
            }
        }
    }

    /// The header from its first byte on, as far as it is known without a gap.
    fn header(&self) -> Cursor<'_> {
        Cursor::new(&self.header).until(self.known.trailing_ones() as usize)
    }

    /// Ports, or what ICMP has instead, and no payload.
    fn ports(&self) -> Transport {
        let header = self.header();
        match self.protocol {
            PROTO_ICMP | PROTO_ICMPV6 => match (header.u8(0), header.u8(1)) {
                (Some(kind), Some(code)) => Transport::Icmp {
                    kind,
                    code,
                    payload_len: 0,
                },
                _ => Transport::None,
            },
            protocol if min_len(protocol).is_none() => Transport::Other,
            _ => match (header.u16(0), header.u16(2)) {
                (Some(src_port), Some(dst_port)) => Transport::Ports {
                    src_port,
                    dst_port,
                    payload_len: 0,
                },
                _ => Transport::None,
            },
        }
    }

    /// The transport header of the whole datagram; ports alone if it cannot be believed or was not
    /// captured.
    fn transport(&self) -> Transport {
        let len = self.len.saturating_sub(self.skip);
        let header = self.header();
        match self.ports() {
            Transport::Icmp { kind, code, .. } => Transport::Icmp {
                kind,
                code,
                payload_len: len.saturating_sub(8),
            },
            Transport::Ports {
                src_port, dst_port, ..
            } if self.protocol != PROTO_TCP => Transport::Ports {
                src_port,
                dst_port,
                payload_len: match self.protocol {
                    PROTO_UDP => udp_payload(header.u16(4), len),
                    PROTO_SCTP => len.saturating_sub(12),
                    _ => len.saturating_sub(8),
                },
            },
            ports @ Transport::Ports { .. } => {
                let whole = Payload {
                    at: 0,
                    len,
                    protocol: self.protocol,
                    piece: Piece::Whole,
                };
                let mut layers = Layers::EMPTY;
                let found = transport::tcp(header, whole, &mut layers);
                match layers.transport {
                    Transport::Tcp(tcp) if found.is_ok() => Transport::Tcp(super::Tcp {
                        captured: self.captured,
                        ..tcp
                    }),
                    _ => ports,
                }
            }
            other => other,
        }
    }
}

/// Adds a stretch to a list that has room for it.
fn put(list: &mut [(u16, u16)], count: &mut usize, stretch: (u16, u16)) {
    if let Some(slot) = list.get_mut(*count) {
        *slot = stretch;
        *count += 1;
    }
}
