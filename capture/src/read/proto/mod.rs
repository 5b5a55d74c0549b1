//! The dissectors. Each one takes a [`Walk`](super::Walk) and the [`Region`](super::Region) that is
//! its own, says what it finds, and hands on what is not its own.
//!
//! - `frame.rs` what is known of the frame itself; where every walk begins
//! - `eth.rs` Ethernet
//! - `data.rs` bytes that nobody knows

pub(crate) mod data;
pub(crate) mod eth;
pub(crate) mod frame;
