//! The kernel side: loads the programs, makes the rings, attaches, counts, detaches.
//!
//! Everything is held by links: when this process goes, however it goes, the kernel detaches.
//!
//! - `attach.rs` what to attach where, and what stands in the way
//! - `clock.rs` from the kernel's clock to the calendar
//! - `error.rs` what can go wrong, in words that say what to do
//! - `grace.rs` waits until detached programs are gone
//! - `programs.rs` the loaded programs with their maps

mod attach;
mod clock;
mod error;
mod grace;
mod programs;

pub use attach::{
    Attachment, Delivery, Disposition, IngressHook, Insist, Plan, Refused, Unmatched, Watch,
};
pub use clock::{Clock, monotonic_ns};
pub use error::AttachError;
pub use programs::Kernel;
