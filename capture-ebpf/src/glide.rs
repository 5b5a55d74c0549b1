//! The short way of a packet past its flow's cutoff, which is nearly every one of a bulk transfer: it is counted
//! for its flow, and that is all.
//!
//! [`crate::cutoff`] does the same for packets of which more is to be asked: it keeps what it knows of them in
//! the scratch, for the verifier's sake, and twice as many instructions go by. What this does not do it leaves
//! as it was.

use capture_common::cutoff::CutTotals;

use crate::cutoff::{TICK_SHIFT, count, is_due};
use crate::decide::CONTROL;
use crate::facts::Facts;
use crate::headers::PROTO_TCP;
use crate::lock::Held;
use crate::maps::CUTS;
use crate::places::{number, place};
use crate::settings::Patched;

/// Counts a packet of a known flow for it, if that is all that there is to do; otherwise false. `ns` is now, as
/// of the last tick.
#[inline(always)]
pub(crate) fn counted(facts: &Facts, wire_len: u32, ns: u64) -> bool {
    if facts.bits & Facts::FOLLOWED == 0
        || facts.tcp_flags & CONTROL != 0
        || facts.payload_len == 0
        || facts.fingerprint == 0
        || Patched.sample_packets() != 0
    {
        return false;
    }
    let tick = (ns >> TICK_SHIFT) as u32;
    let Some(set) = CUTS.get_ptr_mut(number(facts.fingerprint)) else {
        return false;
    };
    let Some(held) = Held::at_once(set) else {
        return false;
    };
    let Some(way) = held.find(facts.fingerprint) else {
        return false;
    };
    // SAFETY: the set is held.
    let set = unsafe { &mut *held.set };
    let half = facts.half(place(&mut set.entries, way));
    if half.passed < Patched.cutoff() || is_due(half, tick) {
        return false;
    }
    if facts.protocol == PROTO_TCP {
        let totals = &mut half.totals;
        if totals.flags & CutTotals::KNOWN == 0 || totals.next_seq != facts.seq {
            return false;
        }
        totals.next_seq = facts.seq.wrapping_add(facts.payload_len);
    }
    count(half, facts, wire_len, ns);
    *place(&mut set.used, way) = tick;
    true
}
