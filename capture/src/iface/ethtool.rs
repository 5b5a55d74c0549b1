//! What the driver of an interface says through the ethtool ioctls: its name, its offloads, its
//! queues and rings.

use super::netlink::text;
use super::socket::{EthtoolQuery, Socket};

/// `ETH_FLAG_RXVLAN`, `ETH_FLAG_LRO` and `ETH_FLAG_RXHASH` of `ETHTOOL_GFLAGS`.
const FLAG_RX_VLAN: u32 = 1 << 8;
const FLAG_LRO: u32 = 1 << 15;
const FLAG_RX_HASH: u32 = 1 << 28;

/// Offloads that change what a capture sees; each `None` where the driver does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offloads {
    /// The card takes VLAN tags off (`rxvlan`).
    pub rx_vlan: Option<bool>,
    /// The card checks checksums of received packets (`rx`).
    pub rx_checksum: Option<bool>,
    /// The card fills in checksums of sent packets (`tx`).
    pub tx_checksum: Option<bool>,
    /// The card computes a flow hash (`rxhash`).
    pub rx_hash: Option<bool>,
    /// The stack merges received segments (`gro`).
    pub gro: Option<bool>,
    /// The card merges received segments (`lro`).
    pub lro: Option<bool>,
    /// The stack cuts large segments late (`gso`).
    pub gso: Option<bool>,
    /// The card cuts large segments (`tso`).
    pub tso: Option<bool>,
}

/// Queues in use and at most, as `ethtool -l` has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Channels {
    /// Queues that only receive.
    pub rx: u32,
    /// Queues that only send.
    pub tx: u32,
    /// Queues that do both.
    pub combined: u32,
    /// The most of `rx` that the driver can have.
    pub max_rx: u32,
    /// The most of `tx` that the driver can have.
    pub max_tx: u32,
    /// The most of `combined` that the driver can have.
    pub max_combined: u32,
}

/// Descriptors of each hardware ring in use and at most, as `ethtool -g` has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RingSizes {
    /// Receive descriptors.
    pub rx: u32,
    /// Send descriptors.
    pub tx: u32,
    /// The most receive descriptors.
    pub max_rx: u32,
    /// The most send descriptors.
    pub max_tx: u32,
}

fn ask<const WORDS: usize>(name: &str, query: EthtoolQuery<WORDS>) -> Option<[u32; WORDS]> {
    Socket::open(libc::NETLINK_ROUTE)
        .ok()?
        .ethtool(name, query)
        .ok()
}

/// The name of the driver, such as `ixgbe`; `None` if there is none, as for the loopback interface,
/// or no such interface.
#[must_use]
pub fn driver(name: &str) -> Option<String> {
    let words = ask(name, EthtoolQuery::DRIVER)?;
    let bytes: Vec<u8> = words[1..9]
        .iter()
        .flat_map(|word| word.to_ne_bytes())
        .collect();
    Some(text(&bytes)).filter(|driver| !driver.is_empty())
}

/// The driver's own counters, as `ethtool -S` has them; empty if it has none.
#[must_use]
pub fn driver_counters(name: &str) -> Vec<(String, u64)> {
    /// `n_stats` of `struct ethtool_drvinfo`, in words.
    const COUNTERS: usize = 45;
    let expected = ask(name, EthtoolQuery::DRIVER).map_or(0, |words| words[COUNTERS] as usize);
    if expected == 0 {
        return Vec::new();
    }
    Socket::open(libc::NETLINK_ROUTE)
        .and_then(|socket| socket.ethtool_statistics(name, expected))
        .unwrap_or_default()
}

/// The offloads of an interface; all `None` if there is no such interface.
#[must_use]
pub fn offloads(name: &str) -> Offloads {
    let value = |query| ask(name, query).map(|[_, value]| value);
    let on = |query| value(query).map(|value| value != 0);
    let flags = value(EthtoolQuery::FLAGS);
    let flag = |bit| flags.map(|flags| flags & bit != 0);
    Offloads {
        rx_vlan: flag(FLAG_RX_VLAN),
        rx_checksum: on(EthtoolQuery::RX_CHECKSUM),
        tx_checksum: on(EthtoolQuery::TX_CHECKSUM),
        rx_hash: flag(FLAG_RX_HASH),
        gro: on(EthtoolQuery::GRO),
        lro: flag(FLAG_LRO),
        gso: on(EthtoolQuery::GSO),
        tso: on(EthtoolQuery::TSO),
    }
}

/// The queues of an interface; `None` if the driver does not say.
#[must_use]
pub fn channels(name: &str) -> Option<Channels> {
    let [_, max_rx, max_tx, _, max_combined, rx, tx, _, combined] =
        ask(name, EthtoolQuery::CHANNELS)?;
    Some(Channels {
        rx,
        tx,
        combined,
        max_rx,
        max_tx,
        max_combined,
    })
}

/// The hardware rings of an interface; `None` if the driver does not say.
#[must_use]
pub fn ring_sizes(name: &str) -> Option<RingSizes> {
    let [_, max_rx, _, _, max_tx, rx, _, _, tx] = ask(name, EthtoolQuery::RINGS)?;
    Some(RingSizes {
        rx,
        tx,
        max_rx,
        max_tx,
    })
}
