//! The two filter languages: which packets to capture, and which to show.
//!
//! - `capture/` pcap-filter(7), compiled for the kernel's hooks and for files
//! - `display/` Wireshark's language, on the fields of dissected packets

pub mod capture;
pub mod display;
