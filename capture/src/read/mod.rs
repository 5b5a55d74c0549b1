//! Packets the way Wireshark shows them: one walk over each frame, in order, by protocol dissectors
//! that know what came before.
//!
//! ```text
//!  file / live ─► walk (one thread, in order) ───────────────► print (any thread, in order)
//!                 proto/*: fields into a Tree,                  list, details, fields, JSON
//!                 columns, and the Memory of conversations
//! ```
//!
//! A dissector says what it finds as *fields* (`tcp.srcport`, its value, the bytes that it was read
//! from) in a [`Tree`]; the display filter, the detail tree, `-T fields` and JSON all read that.
//! Which fields are kept is decided before ([`Wanted`]): a list without a filter keeps none, so
//! that a packet costs little more than its headers. Text is made from values when it is printed, on
//! another thread.
//!
//! - `field.rs` what a field is; `registry.rs` all of them
//! - `tree.rs` the fields of one frame
//! - `region.rs` bytes of a protocol, with what was cut off
//! - `render.rs` text of values; `vendor.rs` names of MAC addresses
//! - `column.rs` what the list shows; `color.rs` in which colors
//! - `walk.rs` one frame's way through the dissectors; `preferences.rs` what `-o` sets;
//!   `decode_as.rs` what `-d` sets
//! - `memory/` what is remembered between frames
//! - `print/` frames as text; `pipeline.rs` files through the walk and the printers, between
//!   `reader.rs` that reads and `outlet.rs` that puts together what is printed
//! - `statistics/` what is counted over all frames; `objects.rs` what HTTP carried, as files
//! - `proto/` the dissectors, one file or folder for each protocol

pub mod color;
pub mod column;
pub mod decode_as;
pub mod field;
pub mod memory;
pub mod objects;
mod outlet;
pub mod pipeline;
pub mod preferences;
pub mod print;
mod proto;
mod reader;
pub mod region;
pub mod registry;
pub mod render;
pub mod statistics;
pub mod tree;
pub mod vendor;
pub mod walk;

pub use column::Columns;
pub use field::{Base, Field, FieldId, Kind, Protocol};
pub use memory::Memory;
pub use preferences::Preferences;
pub use region::{Region, Stop};
pub(crate) use render::value as print_value;
pub use tree::{Node, Tree, Value, Wanted};
pub use walk::{Carrier, Frame, Frames, Piece, Quoted, Walk};
