//! The array whose elements are the rings: as long as the plan wants them, one for each worker.

use std::os::fd::AsFd as _;

use aya::maps::{Map, MapData, MapError};
use aya::{Ebpf, EbpfError};
use capture_common::ring::{TEMPLATE_LEN, element_len};

use super::attach::Plan;
use super::error::AttachError;
use super::programs::take_map;
use crate::source::ring::RingMemory;

/// The array's name in the object.
const NAME: &str = "RINGS";
/// Where there are no rings, the array has an element that nobody uses, with so much data.
const LEAST_BYTES: u32 = 1 << 16;

/// The rings of a capture.
#[derive(Debug)]
pub(super) struct Rings {
    map: MapData,
    count: u16,
    ring_bytes: u32,
    seed: u64,
}

impl Rings {
    /// Takes the array from the loaded object.
    pub(super) fn take(ebpf: &mut Ebpf, plan: &Plan) -> Result<Self, AttachError> {
        let Map::Array(map) = take_map(ebpf, NAME)? else {
            return Err(AttachError::Kernel {
                what: "opening the rings",
                reason: "they are no array".to_owned(),
            });
        };
        Ok(Self {
            map,
            count: count(plan) as u16,
            ring_bytes: bytes(plan),
            seed: plan.seed,
        })
    }

    /// Each ring, for its reader.
    pub(super) fn iter(&self) -> impl Iterator<Item = RingMemory<'_>> {
        (0..self.count).map(|number| RingMemory {
            map: self.map.fd().as_fd(),
            number,
            ring_bytes: self.ring_bytes,
            seed: self.seed,
        })
    }
}

/// How many there are.
fn count(plan: &Plan) -> u32 {
    plan.kernel_ring_bytes().map_or(0, |_| plan.rings)
}

/// Elements of the array.
pub(super) fn elements(plan: &Plan) -> u32 {
    count(plan).max(1)
}

/// Bytes of each one's data.
pub(super) fn bytes(plan: &Plan) -> u32 {
    plan.kernel_ring_bytes().unwrap_or(LEAST_BYTES)
}

/// Writes the length of an element into the object's type information, from which the loader has it.
pub(super) fn resize(object: &mut [u8], plan: &Plan) -> Result<(), AttachError> {
    let broken = |reason: &str| AttachError::Kernel {
        what: "writing the size of the rings into the eBPF object",
        reason: reason.to_owned(),
    };
    let template = (TEMPLATE_LEN as u32).to_le_bytes();
    let len =
        u32::try_from(element_len(bytes(plan))).map_err(|error| broken(&error.to_string()))?;
    let mut found = object
        .windows(template.len())
        .enumerate()
        .filter(|(_, bytes)| *bytes == template)
        .map(|(at, _)| at);
    let (Some(at), None) = (found.next(), found.next()) else {
        return Err(broken("the place is not there, or not alone"));
    };
    object[at..at + template.len()].copy_from_slice(&len.to_le_bytes());
    Ok(())
}

/// What is to be said if the loader failed for want of memory for the rings.
pub(super) fn no_memory(error: &EbpfError, plan: &Plan) -> Option<AttachError> {
    let EbpfError::MapError(MapError::CreateError { name, io_error }) = error else {
        return None;
    };
    if name != NAME {
        return None;
    }
    let ring_bytes = bytes(plan);
    match io_error.raw_os_error()? {
        libc::E2BIG => Some(AttachError::RingTooLong { ring_bytes }),
        code @ (libc::ENOMEM | libc::EAGAIN) => Some(AttachError::Memory {
            rings: plan.rings,
            ring_bytes,
            source: std::io::Error::from_raw_os_error(code),
        }),
        _ => None,
    }
}
