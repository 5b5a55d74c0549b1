//! What a machine can take of the traffic on its own interface, and what breaks first.
//!
//! The traffic is what it is: nobody here sends. The same traffic is captured several times, each time
//! with more to do ([`Step`]), and what each step costs is read where the kernel accounts for it: losses
//! by place, CPU time of each worker, softirqs of each CPU, time in the program itself. Where nothing is
//! lost, the highest rate follows from how busy the busiest of them was, if it was busy enough to say
//! so; [`judge`] says it in words.
//!
//! - `cpu.rs` CPU time of threads and CPUs
//! - `device.rs` what the interface itself loses
//! - `disk.rs` how fast a directory takes bytes
//! - `program.rs` what the programs in the kernel cost
//! - `step.rs` one measurement
//! - `verdict/` what follows

mod cpu;
mod device;
mod disk;
mod program;
mod step;
mod verdict;

pub use cpu::{CpuShare, ThreadShare};
pub use device::DeviceLosses;
pub use disk::{DiskSpeed, probe as probe_disk};
pub use program::{ProgramCost, ProgramStats};
pub use step::{Losses, MeasureError, Measured, Step, measure};
pub use verdict::{Finding, Place, Verdict, judge};
