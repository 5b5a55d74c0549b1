//! The flags that the kernel keeps of a frame at XDP, which its interface for programs leaves out.
//!
//! A program reads them by two instructions that stand for others until userspace has looked up in the kernel's type
//! information what they have to be.

/// What the call says that is to be replaced; no helper and no function of the object's has this number.
pub const PLACEHOLDER: i32 = 0x7a5c_11fe;

/// A part of the frame lies in fragments: `XDP_FLAGS_HAS_FRAGS` (`include/net/xdp.h`), since Linux 5.18.
pub const HAS_FRAGMENTS: u64 = 1;
