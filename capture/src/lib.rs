//! A packet capture engine for Linux servers.

pub mod cli;
pub mod dissect;
pub mod doctor;
pub mod engine;
pub mod flow;
pub mod iface;
pub mod kernel;
pub mod packet;
mod prefetch;
pub mod shard;
pub mod sink;
pub mod source;
