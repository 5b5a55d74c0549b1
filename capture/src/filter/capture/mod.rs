//! Capture filters: the language of pcap-filter(7), compiled to a program for the classic BPF machine.
//!
//! That machine is the meeting point: it is what libpcap compiles to, so that a program of ours and
//! one of libpcap's can be held against each other; files are filtered by running it, and the
//! kernel's hooks by translating it to eBPF.
//!
//! - `program.rs` the machine and its programs

mod program;

pub use program::{Insn, Program};
