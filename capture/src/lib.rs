//! A packet capture engine for Linux servers.

pub mod doctor;
pub mod iface;
pub mod packet;
pub mod sink;
pub mod source;
