//! Reads a setting where it is needed, and no other: all of them are constants to the verifier, which
//! leaves out what they switch off, but loads stay, and a copy of all would be dozens for every packet.

use capture_common::Settings;

use crate::maps::SETTINGS;

/// What userspace patched in before the load, setting by setting.
#[derive(Clone, Copy)]
pub(crate) struct Patched;

macro_rules! settings {
    ($($name:ident: $kind:ty,)*) => {
        impl Patched {
            $(
                /// The field of [`Settings`].
                #[inline(always)]
                pub(crate) fn $name(self) -> $kind {
                    let settings = (&raw const SETTINGS).cast::<Settings>();
                    // SAFETY: a field of a static that was initialized.
                    let field = unsafe { &raw const (*settings).$name };
                    // SAFETY: as above; volatile, since userspace may have changed it in the object.
                    unsafe { field.read_volatile() }
                }
            )*
        }
    };
}

settings! {
    seed: u64,
    cutoff: u64,
    snap_len: u32,
    rings: u32,
    ifaces: u32,
    link: u32,
    tap: u32,
    filter: u32,
    pass_unmatched: u32,
    sample_packets: u32,
    sample_flows: u32,
    keep: u32,
    headers_only: u32,
    cut_sets: u32,
    ordered_stores: u32,
    timed_reports: u32,
    ring_bytes: u32,
    shared_clock: u32,
}

impl Patched {
    /// Whether anything is chosen by the flow's hash.
    #[inline(always)]
    pub(crate) fn wants_hash(self) -> bool {
        self.rings() > 1 || self.sample_flows() != 0 || self.cut_sets() != 0
    }

    /// Whether more is asked of a packet's headers than what is counted.
    #[inline(always)]
    pub(crate) fn wants_facts(self) -> bool {
        self.headers_only() != 0 || self.cut_sets() != 0
    }
}
