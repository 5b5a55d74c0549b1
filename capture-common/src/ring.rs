//! The ring between the programs and a worker: where what lies in it, and how a record is told from what lay
//! there before.
//!
//! Of the kernel's own ring, the calls took most of the time: to reserve and to submit a record are half a
//! dozen functions, whose returns the kernel guards against speculation. Here a record is reserved by one
//! exchange and handed over by one store.
//!
//! A ring is an element of an array that userspace can map. Its positions count bytes and only grow; a record
//! lies at its position modulo the ring's size. It starts with a [`stamp`], which is written last; then comes
//! the [`RingRecord`], then the packet. Behind the data lies room for one record more, so that none is ever
//! split: the bytes at the ring's start that such a record stands for stay unused.
//!
//! # Invariants
//!
//! - **Positions only grow**, by multiples of eight, from 0; the producers' by an exchange that succeeds only if
//!   nobody moved it since it was read, the consumer's by the one worker. Each byte of the stream of positions
//!   so belongs to one record, and no position comes again: 64 bits last for centuries.
//! - **Producers never meet.** Between the consumer's position and the producers' there are never more bytes than the
//!   ring has. A producer reads where the producers are, then how far the consumer is, and then makes its
//!   exchange. If that succeeds, the first is still true, and since the second only grew meanwhile, there is the
//!   room. If there seems to be none, there was none when the consumer's position was read. What a producer
//!   writes is within its record, to the byte: the next one may be somebody else's.
//! - **A record is whole when it has its stamp.** Until then the reader waits there, whatever lies behind it. Bytes of an
//!   earlier round are not taken for the stamp, see [`stamp`], so nothing has to be cleared. One that could not be filled
//!   is handed over too ([`RingRecord::FLAG_NOTHING`]); programs run to their end even if the one who attached them
//!   has gone, so none stays without.
//! - **Nobody waits for anybody** but the reader. A producer that is held up between exchange and stamp (by an interrupt, or
//!   by the machine under it) holds no lock: others on its CPU or elsewhere go on behind its record, until the ring
//!   is full. A reader that does not come any more makes the ring full, and nothing else. A packet without room is lost
//!   and counted as such, and so is one whose CPU was overtaken some hundred times on end.
//! - **Order of memory.** The record's bytes are stored before its stamp (x86 keeps the order of stores; elsewhere the
//!   stamp is exchanged, which is a full barrier), and the reader loads the stamp with acquire before it looks at
//!   them. The reader's loads come before its release store of the consumer's position; a producer stores into what was
//!   released only behind a branch on the position that it loaded, which no machine with Linux on it turns around.
//!   Should a machine (not x86) load both positions the other way around, room is at worst not seen, never taken twice.
//! - **One life.** A ring lives as long as a run. Programs that replace others share it, since they are loaded with its
//!   size and its seed; whoever starts anew gets zeroed memory and another seed.

use crate::{MAX_CAP_LEN, RingRecord};

/// No machine has larger pages. What is mapped by itself starts at a multiple of it.
const PAGE_LEN: usize = 1 << 16;

/// Offset of the consumer's position, eight bytes that the worker alone writes. They have a page of their own.
pub const CONSUMER_AT: usize = 0;
/// Offset of the producers' position: where the next record is reserved.
pub const PRODUCER_AT: usize = PAGE_LEN;
/// Offset of the data.
pub const DATA_AT: usize = 2 * PAGE_LEN;
/// Bytes of a stamp.
pub const STAMP_LEN: usize = 8;
/// Room behind the data for a record that starts at their very end.
const MARGIN: usize = record_len(MAX_CAP_LEN).next_multiple_of(PAGE_LEN);
/// Length of the array's elements as the object declares them. It is found by this number, which nothing else
/// in there has.
pub const TEMPLATE_LEN: usize = 0x00c4_97e5;
/// Bytes of a ring's data at most: of an offset into a map's element that is not constant, the verifier takes less
/// than 512 MiB.
pub const MAX_RING_BYTES: u32 = 256 << 20;

/// Bytes of a record with so much of a packet.
#[must_use]
#[inline(always)]
pub const fn record_len(cap_len: u32) -> usize {
    (STAMP_LEN + RingRecord::LEN + cap_len as usize + 7) & !7
}

/// Bytes of the array's element for a ring with so much data.
#[must_use]
pub const fn element_len(ring_bytes: u32) -> usize {
    DATA_AT + ring_bytes as usize + MARGIN
}

/// What says of the record at `position` that it is complete. No other record has it. Bytes of a packet that lay there
/// before are taken for it only if they are the same 64 bits, and nobody who sends packets knows the seed of the
/// run, which is random and told to nobody. Fresh memory, which is zero, has it at one position of all that there are.
#[must_use]
#[inline(always)]
pub const fn stamp(position: u64, seed: u64) -> u64 {
    !(position ^ seed)
}

const _: () = assert!(STAMP_LEN.is_multiple_of(align_of::<RingRecord>()));
