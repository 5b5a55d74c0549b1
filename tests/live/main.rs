//! What needs a kernel to talk to: network namespaces, attached programs, real connections.
//!
//! - `bench.rs` what `capture bench` says of an interface
//! - `bpf.rs` bpf(2) by hand
//! - `connections.rs` each way a connection can go has its record
//! - `control.rs` changes to a running capture
//! - `counters.rs` the kernel's counters, and headers that ordinary traffic does not have
//! - `cut_sockets.rs` connections cut short behind `AF_XDP` sockets
//! - `cutting.rs` the short way of packets past their cutoff against the long one
//! - `filter.rs` capture filters on the wire
//! - `filter_programs.rs` capture filters in the kernel against a slow machine
//! - `frames.rs` frames by hand
//! - `generate.rs` `capture generate`
//! - `generator.rs` the frame generator itself
//! - `iface.rs` what the library says of interfaces
//! - `ledger.rs` each row of the ledger, provoked
//! - `modes.rs` other interfaces, directions and outputs
//! - `pcapng.rs` a reader of pcapng
//! - `pieces.rs` frames of which a part lies in fragments
//! - `printing.rs` packets printed as they come
//! - `reach.rs` which interfaces, beside whose programs, in which namespace
//! - `refusals.rs` errors that a person can act on
//! - `ring.rs` one ring that several CPUs fill at once
//! - `run.rs` one capture of a test
//! - `shutdown.rs` every way a capture can end
//! - `slow_ring.rs` a slow reader of rings
//! - `sockets.rs` `AF_XDP` sockets against rings
//! - `stamps.rs` the times of packets
//! - `steering.rs` the kernel's walk against the library's, packet by packet
//! - `support.rs` the lab itself
//! - `thinning.rs` sampling, headers alone, and connections that are cut short
//! - `transfer.rs` a download
//! - `wire.rs` tcpdump and packet sockets

#[cfg(test)]
mod bench;
#[cfg(test)]
mod bpf;
#[cfg(test)]
mod connections;
#[cfg(test)]
mod control;
#[cfg(test)]
mod counters;
#[cfg(test)]
mod cut_sockets;
#[cfg(test)]
mod cutting;
#[cfg(test)]
mod filter;
#[cfg(test)]
mod filter_programs;
#[cfg(test)]
mod frames;
#[cfg(test)]
mod generate;
mod generator;
mod iface;
#[cfg(test)]
mod ledger;
#[cfg(test)]
mod modes;
#[cfg(test)]
mod pcapng;
#[cfg(test)]
mod pieces;
#[cfg(test)]
mod printing;
#[cfg(test)]
mod reach;
#[cfg(test)]
mod refusals;
#[cfg(test)]
mod ring;
#[cfg(test)]
mod run;
#[cfg(test)]
mod shutdown;
#[cfg(test)]
mod slow_ring;
#[cfg(test)]
mod sockets;
#[cfg(test)]
mod stamps;
#[cfg(test)]
mod steering;
mod support;
#[cfg(test)]
mod thinning;
#[cfg(test)]
mod transfer;
#[cfg(test)]
mod wire;
