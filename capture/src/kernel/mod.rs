//! The kernel side: loads the programs, makes the rings, attaches, counts, detaches.
//!
//! Everything is held by links: when this process goes, however it goes, the kernel detaches.
//!
//! - `attach.rs` what to attach where, and what stands in the way
//! - `btf.rs` where fields of the kernel's structures lie
//! - `clock.rs` from the kernel's clock to the calendar
//! - `cut_table.rs` what the kernel counted of connections that are cut short
//! - `error.rs` what can go wrong, in words that say what to do
//! - `filter.rs` puts the capture filter into the object
//! - `fragments.rs` how programs learn that a frame has fragments
//! - `grace.rs` waits until detached programs are gone
//! - `polls.rs` how programs learn that a driver's poll is over
//! - `programs.rs` the loaded programs with their maps
//! - `rings.rs` the array whose elements are the rings
//! - `shelf.rs` where maps lie while new programs are loaded
//! - `thinning.rs` what is copied of the traffic

mod attach;
mod btf;
mod clock;
mod cut_table;
mod error;
mod filter;
mod fragments;
mod grace;
mod polls;
mod programs;
mod rings;
mod shelf;
mod thinning;

pub use attach::{
    Attachment, Delivery, Disposition, IngressHook, Insist, Plan, Reception, Refused,
    TimeStampType, Unmatched, Watch,
};
pub use clock::{Clock, monotonic_ns};
pub use error::AttachError;
pub(crate) use error::{chain, io_error, is_permission};
pub use filter::CaptureFilter;
pub use programs::Kernel;
pub use thinning::{Control, Cutoff, Extent, Thinning};
