//! The flow hash of a packet: the same number that the eBPF programs compute.
//!
//! Live, the kernel has chosen the ring and this is not asked. A source that feeds several shards
//! from one file uses it to route, and the tests hold it against the kernel's.

use capture_common::FragmentKey;
use capture_common::flow_hash::{endpoint_v4, endpoint_v6, flow_hash};

use super::layers::{Addresses, Ip, Layers, Net, Transport};

/// Remembers what the first fragment of a datagram said, for the later ones. Bounded: a new datagram
/// takes the place of the one that used its slot before.
#[derive(Debug)]
pub struct FragmentTable<T> {
    slots: Vec<Option<(FragmentKey, T)>>,
}

impl<T: Copy> FragmentTable<T> {
    /// Datagrams whose fragments are followed at once.
    const SLOTS: usize = 8192;

    /// An empty table. It allocates when the first fragment comes, which in most captures is never.
    #[must_use]
    pub const fn new() -> Self {
        Self { slots: Vec::new() }
    }

    /// Remembers `value` for the later fragments of this datagram.
    pub fn insert(&mut self, key: FragmentKey, value: T) {
        if self.slots.is_empty() {
            self.slots.resize(Self::SLOTS, None);
        }
        let slot = Self::slot(&key);
        if let Some(entry) = self.slots.get_mut(slot) {
            *entry = Some((key, value));
        }
    }

    /// What was remembered for this datagram; `None` if its first fragment was not seen (yet).
    #[must_use]
    pub fn get(&self, key: &FragmentKey) -> Option<T> {
        self.slots
            .get(Self::slot(key))?
            .as_ref()
            .filter(|(stored, _)| stored == key)
            .map(|(_, value)| *value)
    }

    fn slot(key: &FragmentKey) -> usize {
        let seed = u64::from(key.id);
        let hash = flow_hash(
            endpoint_v6(seed, key.src, 0),
            endpoint_v6(seed, key.dst, 1),
            key.protocol,
        );
        hash as usize % Self::SLOTS
    }
}

impl<T: Copy> Default for FragmentTable<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// The key under which the fragments of `ip`'s datagram meet; `None` for a whole datagram.
#[must_use]
pub(crate) fn fragment_key(ip: &Ip) -> Option<FragmentKey> {
    let fragment = ip.fragment?;
    let id = fragment.id;
    Some(match ip.addresses {
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
    })
}

/// The flow hash of a packet with these layers, as the eBPF programs compute it; 0 if it is not IP.
#[must_use]
#[inline]
pub fn steering_hash(layers: &Layers, seed: u64, fragments: &mut FragmentTable<u32>) -> u32 {
    let Net::Ip(ip) = &layers.net else { return 0 };
    // A first fragment that ends within the header has no ports, and all its fragments go by
    // addresses alone.
    let (src_port, dst_port) = match layers.transport {
        Transport::Tcp(tcp) => (tcp.src_port, tcp.dst_port),
        Transport::Ports {
            src_port, dst_port, ..
        } => (src_port, dst_port),
        _ => (0, 0),
    };
    let (src_port, dst_port) = (src_port.to_be(), dst_port.to_be());
    let hash = match ip.addresses {
        Addresses::V4 { src, dst } => flow_hash(
            endpoint_v4(seed, src, src_port),
            endpoint_v4(seed, dst, dst_port),
            ip.protocol,
        ),
        Addresses::V6 { src, dst } => flow_hash(
            endpoint_v6(seed, src, src_port),
            endpoint_v6(seed, dst, dst_port),
            ip.protocol,
        ),
    };
    let Some(key) = fragment_key(ip) else {
        return hash;
    };
    // What cannot be believed, or was not captured, says nothing of other packets: the flow table
    // does not remember its ports either.
    if layers.malformed.is_some() || layers.snapped {
        return hash;
    }
    if ip.fragment.is_some_and(|fragment| fragment.offset != 0) {
        fragments.get(&key).unwrap_or(hash)
    } else {
        fragments.insert(key, hash);
        hash
    }
}
