//! What happens to every packet: walk, count, filter, sample, cut, copy.
//!
//! What only a later step needs is found out there: of a packet that the filter refuses, nobody asks
//! whose it is, and of one that is not copied, nobody asks when it came.

use capture_common::flow_hash::ring_of;
use capture_common::{Hook, HookCounters, IfaceEntry, MAX_RINGS, RingRecord, Settings};

use crate::context::{AsideTag, Context};
use crate::counters::count;
use crate::cutoff::{Cut, Passage, cut};
use crate::decide::{is_flow_sampled_out, is_packet_sampled_out, share};
use crate::emit::Lost;
use crate::glide::counted;
use crate::headers::Walk;
use crate::maps::{COUNTERS, IFACES, SCRATCH};
use crate::outlet::{Outlet, Place};
use crate::plain::{Identity, Plain};
use crate::settings::Patched;
use crate::veil::Veil;

/// What became of a packet, for the program to choose its verdict by.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is on its way to userspace.
    Captured,
    /// It was wanted, or nobody could say, and it goes no further: lost, sampled out or cut, and
    /// counted as such.
    Consumed,
    /// Nobody asked for it.
    Unmatched,
}

/// Observes one packet; `verdict` is what the program is going to return for it if it is captured.
#[inline(always)]
#[expect(
    clippy::too_many_lines,
    reason = "one decision after another; parts that return through memory make the verifier forget"
)]
pub(crate) fn observe<C: Context, O: Outlet<C>>(ctx: &C, verdict: u8) -> Fate {
    let Some(iface) = iface(ctx) else {
        return Fate::Unmatched;
    };
    let Some(counters) = COUNTERS.get_ptr_mut(HookCounters::index(iface.slot, C::HOOK)) else {
        return Fate::Consumed;
    };
    // SAFETY: the value belongs to this CPU, and a program at these hooks is not interrupted by
    // another of the same hook, so there is no other reference.
    let counters = unsafe { &mut *counters };
    let plain = if iface.link == Settings::LINK_RAW_IP {
        Plain::never(ctx)
    } else {
        Plain::new(ctx)
    };
    let frame_len = ctx.frame_len();
    let vlan = ctx.vlan();
    let tag_len = if vlan == AsideTag::NONE { 0 } else { 4 };
    let wire_len = frame_len + tag_len;
    let mut walk = if plain.is_plain() {
        plain.walk()
    } else {
        Walk::unpack(ctx.walk(frame_len, iface.link))
    };
    count(counters, &walk, wire_len);
    let way = if matches!(C::HOOK, Hook::TcxEgress) {
        Settings::FILTER_OUTGOING
    } else {
        0
    };
    if Patched.filter() != 0 && ctx.filter(iface.link | way) == 0 {
        counters.filtered += 1;
        return Fate::Unmatched;
    }

    if is_packet_sampled_out(&walk) {
        counters.sampled += 1;
        return Fate::Consumed;
    }
    let mut identity = Identity::UNKNOWN;
    if Patched.wants_hash() && plain.is_plain() {
        identity = plain.identity(Patched.seed());
        walk.flow_hash = (identity.fingerprint >> 32) as u32;
    }
    if is_flow_sampled_out(&walk) {
        counters.sampled += 1;
        return Fate::Consumed;
    }
    if Patched.cut_sets() != 0 && plain.is_plain() {
        let Some(scratch) = SCRATCH.get_ptr_mut(0) else {
            return Fate::Consumed;
        };
        // SAFETY: the scratch belongs to this CPU while the program runs.
        let ns = unsafe { (*scratch).coarse_ns() };
        if counted(&plain.facts(identity, frame_len), wire_len, ns) {
            counters.cut += 1;
            return Fate::Consumed;
        }
    }
    let mut share = share(wire_len);
    if Patched.wants_facts() {
        let Some(scratch) = SCRATCH.get_ptr_mut(0) else {
            return Fate::Consumed;
        };
        let veil = Veil::new(scratch);
        if plain.is_plain() {
            veil.note(&plain.facts(identity, frame_len));
        }
        // SAFETY: the scratch belongs to this CPU while the program runs.
        let facts = unsafe { &(*scratch).facts };
        if Patched.headers_only() != 0 {
            let end = facts.headers_end;
            share = share.up_to(end, tag_len, wire_len, RingRecord::FLAG_HEADERS_ONLY);
        }
        if Patched.cut_sets() != 0 {
            let (tag_len, wire_len) = match C::HOOK {
                Hook::XdpIngress => (tag_len, wire_len),
                Hook::TcxEgress | Hook::TcxIngress => (
                    veil.draw(tag_len as usize) as u32 & 7,
                    veil.draw(wire_len as usize) as u32,
                ),
            };
            let passage = Passage {
                facts,
                wire_len,
                // SAFETY: as above; the clock is another part of it.
                ns: unsafe { (*scratch).coarse_ns() },
            };
            // SAFETY: another part of the scratch than the facts.
            let report = unsafe { &mut (*scratch).report };
            let cut = cut(ctx, &passage, counters, report, veil).veiled(veil);
            if cut == Cut::COUNTED {
                counters.cut += 1;
                return Fate::Consumed;
            }
            if cut == Cut::UNTOLD {
                let ring = ring_of(walk.flow_hash, Patched.rings()) as usize & (MAX_RINGS - 1);
                counters.lost[ring] = counters.lost[ring].wrapping_add(1);
                counters.ring_full += 1;
                return Fate::Consumed;
            }
            share = share.up_to(cut.offset(), tag_len, wire_len, RingRecord::FLAG_CUT);
        }
    }

    let ring = ring_of(walk.flow_hash, Patched.rings()) as usize & (MAX_RINGS - 1);
    let record = RingRecord {
        mono_ns: 0,
        wire_len,
        cap_len: share.len,
        flow_hash: walk.flow_hash,
        lost: counters.lost[ring],
        queue: ctx.queue(),
        iface: iface.id,
        hook: C::HOOK as u8,
        verdict,
        flags: ctx.flags() | share.flags,
    };
    let place = Place {
        ring: ring as u32,
        slot: iface.slot as u32,
    };
    match O::put(ctx, place, &record, vlan) {
        Ok(()) => {
            counters.delivered += 1;
            counters.delivered_bytes += record.cap_len as u64;
            if record.cap_len < wire_len {
                counters.snapped += 1;
            }
            if record.lost != 0 {
                counters.lost[ring] = 0;
            }
            Fate::Captured
        }
        Err(lost) => {
            counters.lost[ring] = counters.lost[ring].wrapping_add(1);
            match lost {
                Lost::CopyFailed => {
                    counters.copy_failed += 1;
                    aya_log_ebpf::debug!(
                        ctx,
                        "copy failed: {} bytes of {} on interface {}",
                        record.cap_len,
                        record.wire_len,
                        record.iface
                    );
                }
                Lost::RingFull => counters.ring_full += 1,
                Lost::NoSocket => counters.no_socket += 1,
            }
            Fate::Consumed
        }
    }
}

/// The slot, number and link layer of the packet's interface; `None` if it is not captured any more.
#[inline(always)]
fn iface<C: Context>(ctx: &C) -> Option<IfaceEntry> {
    if Patched.ifaces() == 1 {
        return Some(IfaceEntry {
            slot: 0,
            id: 0,
            link: Patched.link(),
        });
    }
    // SAFETY: an entry is never changed while programs are attached to its interface, and it is copied
    // here at once.
    unsafe { IFACES.get(ctx.ifindex()) }.copied()
}
