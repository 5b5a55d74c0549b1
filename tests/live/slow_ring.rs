//! A slow reader of rings: one record at a time, each copied, with the layout in plain numbers.

#![expect(unsafe_code, reason = "the ring is memory that the kernel writes")]

use std::os::fd::AsRawFd as _;

use capture::kernel::Kernel;
use capture::source::ring::RingMemory;
use memmap2::{MmapOptions, MmapRaw};

/// All rings of a kernel, each of one part.
pub(crate) struct SlowRings(Vec<SlowRing>);

impl SlowRings {
    pub(crate) fn new(kernel: &Kernel) -> Self {
        Self(kernel.rings().map(|ring| SlowRing::new(&ring)).collect())
    }

    /// The next record of the first ring that has one.
    pub(crate) fn next(&mut self) -> Option<Vec<u8>> {
        self.0.iter_mut().find_map(SlowRing::next)
    }
}

/// A ring, mapped as a whole.
struct SlowRing {
    map: MmapRaw,
    seed: u64,
    ring_bytes: u64,
    position: u64,
}

impl SlowRing {
    fn new(ring: &RingMemory<'_>) -> Self {
        let len = 0x20000 + ring.ring_bytes as usize + 0x20000;
        let mut options = MmapOptions::new();
        options.len(len).offset(u64::from(ring.number) * len as u64);
        Self {
            map: options.map_raw(ring.map.as_raw_fd()).unwrap(),
            seed: ring.seed,
            ring_bytes: ring.ring_bytes.into(),
            position: 0,
        }
    }

    fn bytes(&self, at: usize, len: usize) -> Vec<u8> {
        assert!(at + len <= self.map.len());
        // SAFETY: within the mapping.
        let at = unsafe { self.map.as_ptr().add(at) };
        // SAFETY: as above; programs run in this thread's test runs alone.
        unsafe { std::slice::from_raw_parts(at, len) }.to_vec()
    }

    fn number(&self, at: usize) -> u64 {
        u64::from_ne_bytes(self.bytes(at, 8).try_into().unwrap())
    }

    /// The next record, its header and what follows it.
    fn next(&mut self) -> Option<Vec<u8>> {
        let reserved = self.number(0x10000);
        assert!(reserved - self.position <= self.ring_bytes);
        if self.position == reserved {
            return None;
        }
        let at = 0x20000 + (self.position % self.ring_bytes) as usize;
        assert_eq!(self.number(at), !(self.position ^ self.seed), "the stamp");
        let cap_len = u32::from_ne_bytes(self.bytes(at + 20, 4).try_into().unwrap());
        let record = self.bytes(at + 8, 32 + cap_len as usize);
        self.position += (40 + u64::from(cap_len)).next_multiple_of(8);
        // SAFETY: the consumer's position is the first number of the element.
        unsafe {
            self.map
                .as_mut_ptr()
                .cast::<u64>()
                .write_volatile(self.position)
        };
        Some(record)
    }
}
