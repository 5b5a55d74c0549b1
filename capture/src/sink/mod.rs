//! What leaves a shard.

pub mod pcapng;
