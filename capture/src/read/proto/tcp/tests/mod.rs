//! TCP against tshark, and what must hold for any bytes.
//!
//! - `driver.rs` segments through the dissector, without what carries them
//! - `oracle.rs` real captures as tshark 4.0 reads them
//! - `vectors.rs` frames written out, with what Wireshark's documents say of them
//! - `streams.rs` messages in several segments
//! - `robustness.rs` anything at all

mod driver;
mod oracle;
mod robustness;
mod streams;
mod vectors;
