//! What happens to every packet: walk, count, filter, sample, cut, copy.

use capture_common::flow_hash::ring_of;
use capture_common::{Hook, HookCounters, IfaceEntry, MAX_RINGS, RingRecord, Settings};

use crate::context::Context;
use crate::counters::count;
use crate::cutoff::{Cut, Passage, coarse_ns, cut};
use crate::decide::{is_sampled_out, share};
use crate::emit::{Lost, bounded};
use crate::headers::{Direct, Facts, Gathered, SCRATCH_LEN, Scratch, Veil, Walk, walk};
use crate::maps::{COUNTERS, IFACES, SCRATCH, SETTINGS};
use crate::outlet::{Outlet, Place};

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
    let settings = SETTINGS.load();
    let Some(iface) = iface(ctx, &settings) else {
        return Fate::Unmatched;
    };
    let frame_len = ctx.frame_len();
    let Some(counters) = COUNTERS.get_ptr_mut(HookCounters::index(iface.slot, C::HOOK)) else {
        return Fate::Consumed;
    };
    // SAFETY: the value belongs to this CPU, and a program at these hooks is not interrupted by
    // another of the same hook, so there is no other reference.
    let counters = unsafe { &mut *counters };
    let Some(scratch) = SCRATCH.get_ptr_mut(0) else {
        return Fate::Consumed;
    };
    let wants_facts = settings.headers_only != 0 || settings.cut_sets != 0;
    let veil = Veil::new(scratch, &settings);
    let found = headers(ctx, frame_len, &settings, iface.link, scratch, veil);
    let vlan = ctx.vlan();
    let tag_len = if vlan.is_some() { 4 } else { 0 };
    let wire_len = frame_len + tag_len;
    count(counters, &found, wire_len);
    let way = if matches!(C::HOOK, Hook::TcxEgress) {
        Settings::FILTER_OUTGOING
    } else {
        0
    };
    if settings.filter != 0 && ctx.filter(iface.link | way) == 0 {
        counters.filtered += 1;
        return Fate::Unmatched;
    }

    if is_sampled_out(&settings, &found) {
        counters.sampled += 1;
        return Fate::Consumed;
    }
    let facts = if wants_facts {
        veil.facts()
    } else {
        Facts::NONE
    };
    let mut share = share(&settings, &facts, wire_len, tag_len);
    if settings.cut_sets != 0 {
        // Counting has looked at each of them, and the verifier remembers.
        let found = found.veiled(veil);
        let (tag_len, wire_len) = match C::HOOK {
            Hook::XdpIngress => (tag_len, wire_len),
            Hook::TcxEgress | Hook::TcxIngress => (
                veil.draw(tag_len as usize) as u32 & 7,
                veil.draw(wire_len as usize) as u32,
            ),
        };
        let passage = Passage {
            walk: &found,
            facts: &facts,
            settings: &settings,
            wire_len,
            ns: coarse_ns(),
        };
        let cut = cut(ctx, &passage, counters, scratch, veil);
        match cut.veiled(veil) {
            Cut::Whole => {}
            Cut::UpTo(offset) => {
                share = share.up_to(offset, tag_len, wire_len, RingRecord::FLAG_CUT);
            }
            Cut::Counted => {
                counters.cut += 1;
                return Fate::Consumed;
            }
        }
    }

    let ring = ring_of(found.flow_hash, settings.rings) as usize & (MAX_RINGS - 1);
    let record = RingRecord {
        // SAFETY: takes no argument.
        mono_ns: unsafe { aya_ebpf::helpers::generated::bpf_ktime_get_ns() },
        wire_len,
        cap_len: share.len,
        flow_hash: found.flow_hash,
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
                Lost::CopyFailed => counters.copy_failed += 1,
                Lost::RingFull => counters.ring_full += 1,
                Lost::NoSocket => counters.no_socket += 1,
            }
            Fate::Consumed
        }
    }
}

/// The slot, number and link layer of the packet's interface; `None` if it is not captured any more.
#[inline(always)]
fn iface<C: Context>(ctx: &C, settings: &Settings) -> Option<IfaceEntry> {
    if settings.ifaces == 1 {
        return Some(IfaceEntry {
            slot: 0,
            id: 0,
            link: settings.link,
        });
    }
    // SAFETY: an entry is never changed while programs are attached to its interface, and it is copied
    // here at once.
    unsafe { IFACES.get(ctx.ifindex()) }.copied()
}

/// Walks the headers in place, or, where they do not lie in one piece, in a copy of them.
#[inline(always)]
fn headers<C: Context>(
    ctx: &C,
    frame_len: u32,
    settings: &Settings,
    link: u32,
    scratch: *mut Scratch,
    veil: Veil,
) -> Walk {
    let raw_ip = link == Settings::LINK_RAW_IP;
    veil.forget();
    let direct = Direct {
        start: ctx.start(),
        end: ctx.end(),
    };
    let found = walk(&direct, frame_len, raw_ip, settings.seed, veil);
    if !found.out_of_reach {
        return found.veiled(veil);
    }
    let filled = if frame_len < SCRATCH_LEN as u32 {
        frame_len
    } else {
        SCRATCH_LEN as u32
    };
    let Some(filled) = bounded(filled, SCRATCH_LEN as u32) else {
        return found.veiled(veil);
    };
    // SAFETY: the scratch belongs to this CPU, and this program is not interrupted by another one
    // that uses it.
    let bytes = unsafe { &raw mut (*scratch).bytes };
    // SAFETY: the buffer has SCRATCH_LEN bytes, and `filled` is no more.
    if !unsafe { ctx.copy(0, bytes.cast(), filled) } {
        return found.veiled(veil);
    }
    let mut found = walk(
        &Gathered {
            bytes,
            // LLVM must not know that this is no more than the buffer: it would leave out the check
            // of the offset alone, which is the one that the verifier understands.
            filled: veil.draw(filled as usize),
        },
        frame_len,
        raw_ip,
        settings.seed,
        veil,
    );
    // Headers of more than SCRATCH_LEN bytes are beyond what any stack accepts.
    found.malformed |= found.out_of_reach;
    found.veiled(veil)
}
