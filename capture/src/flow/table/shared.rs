//! What both address families have in common: limits, clock, counters, and what flows share.

use std::sync::Arc;

use super::FlowTableCounters;
use crate::dissect::PROTO_TCP;
use crate::flow::context::Contexts;
use crate::flow::cutoff::Cuts;
use crate::flow::detail::{Detail, Details};
use crate::flow::key::Address;
use crate::flow::limits::{FIRST_CHECK, Limits, Timeouts};
use crate::flow::record::{EndReason, Ended, FlowRecord, LiveSampling};
use crate::flow::server_ports::is_slow_service;
use crate::flow::slab::Slot;
use crate::flow::state::{Class, Counts, Flow};
use crate::flow::tcp::Islands;
use crate::packet::{FrameNo, Span, Timestamp};

/// What both address families have in common.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) limits: Limits,
    pub(super) timeouts: Timeouts,
    /// See [`Timeouts::least`].
    pub(super) least: Span,
    pub(super) clock: Timestamp,
    pub(super) counters: FlowTableCounters,
    /// Number of the last packet, which says whose shard this is.
    pub(super) frame: FrameNo,
    pub(super) details: Details,
    pub(super) islands: Islands,
    pub(super) contexts: Contexts,
    /// `None` if the kernel cuts nothing.
    pub(super) cuts: Option<Cuts>,
    pub(super) sampling: Arc<LiveSampling>,
    /// A flow was found in a tunnel.
    pub(super) sees_tunnels: bool,
}

impl Shared {
    #[inline(always)]
    pub(super) const fn must_evict(&self, live: u32) -> bool {
        live >= self.limits.max_flows
    }

    /// When the flow has been silent for too long, if nothing more is heard of it.
    #[inline(always)]
    pub(super) fn deadline(&self, flow: &Flow, class: Class) -> Timestamp {
        let timeouts = &self.timeouts;
        match class {
            Class::TcpOpen | Class::TcpEmbryonic => {
                flow.silent_since(self.clock).after(timeouts.tcp_open)
            }
            Class::TcpOpenSlow => flow.silent_since(self.clock).after(timeouts.tcp_open_slow),
            Class::Answered | Class::Unanswered => {
                flow.silent_since(self.clock).after(timeouts.other)
            }
            Class::TcpClosed => flow.closed_since(self.clock).after(timeouts.tcp_closed),
            Class::TcpAttempt => self.begin_of(flow).after(timeouts.tcp_attempt),
            Class::TcpBroken | Class::TcpUnheard => {
                next_check(self.begin_of(flow), flow.silent_since(self.clock))
            }
        }
    }

    /// Whether the flow began so short a time ago that no timeout can have passed: the answer for most,
    /// without looking at what became of it.
    #[inline(always)]
    pub(super) fn is_young(&self, flow: &Flow) -> bool {
        flow.last_ts >= flow.first_ts && self.clock.since(flow.first_ts) < self.least
    }

    /// When the flow began, on the source's clock.
    pub(super) fn begin_of(&self, flow: &Flow) -> Timestamp {
        let behind = flow.silent_since(self.clock).since(flow.last_ts);
        flow.first_ts.after(behind)
    }

    /// Whether a record of the flow is due although it goes on.
    #[inline(always)]
    pub(super) fn is_part_over(&self, flow: &Flow) -> bool {
        flow.is_full()
            || !self.is_young(flow)
                && self.timeouts.active.is_some_and(|active| {
                    // What was told already is remembered in a detail: without room for one, the flow is told
                    // as a whole when it ends.
                    flow.first_ts.after(active) <= self.clock
                        && (flow.detail != Details::NONE || self.details.has_room())
                        && flow.part_ts(&self.details).after(active) <= self.clock
                })
    }

    /// Notes that a packet came by another way than those before, through tunnels.
    pub(super) fn check_carrier<A: Address>(&mut self, slot: &mut Slot<A>, carrier: u32) {
        let flow = &mut slot.flow;
        let detail = self.details.get(flow.detail);
        let known = detail.and_then(Detail::carrier).unwrap_or_else(|| {
            let tunnel = self.contexts.get(flow.context).tunnel;
            tunnel.map_or(0, |tunnel| tunnel.carrier)
        });
        if carrier != known {
            let is_tcp = slot.key.protocol() == PROTO_TCP;
            flow.carry(carrier, is_tcp, &mut self.details);
        }
    }

    pub(super) fn record<A: Address>(&self, slot: &Slot<A>, why: EndReason) -> FlowRecord {
        FlowRecord::new(&Ended {
            slot,
            detail: self.details.get(slot.flow.detail),
            context: self.contexts.get(slot.flow.context),
            worker: self.frame,
            why,
            left_out: self
                .cuts
                .as_ref()
                .map_or([Counts::ZERO; 2], |cuts| cuts.left_out(&A::any(slot.key))),
            sampling: self.sampling.get(),
        })
    }

    /// Writes a flow's record, and gives back what it has beside its slot.
    pub(super) fn tell<A: Address>(
        &mut self,
        slot: &Slot<A>,
        why: EndReason,
        emit: &mut impl FnMut(FlowRecord),
    ) {
        if self.class(slot) != Class::TcpClosed {
            self.counters.ended += 1;
        }
        emit(self.record(slot, why));
        if let Some(cuts) = &mut self.cuts {
            cuts.reported(&A::any(slot.key), true);
        }
        self.forget(&slot.flow);
    }

    pub(super) fn forget(&mut self, flow: &Flow) {
        if let Some(detail) = self.details.get_mut(flow.detail) {
            for end in &mut detail.connection.ends {
                self.islands.clear(&mut end.islands);
            }
            self.details.release(flow.detail);
        }
        self.contexts.release(flow.context);
    }

    #[inline(always)]
    pub(super) fn class<A: Address>(&self, slot: &Slot<A>) -> Class {
        let is_tcp = slot.key.protocol() == PROTO_TCP;
        slot.flow.class(is_tcp, self.is_slow(slot), &self.details)
    }

    /// Whether it is a connection to a service whose users are silent for long.
    #[inline(always)]
    pub(super) fn is_slow<A: Address>(&self, slot: &Slot<A>) -> bool {
        let responder = slot.flow.originator(&self.details).opposite();
        slot.key.protocol() == PROTO_TCP && is_slow_service(slot.key.port(responder))
    }

    pub(super) fn is_expired<A: Address>(&self, slot: &Slot<A>) -> bool {
        self.deadline(&slot.flow, self.class(slot)) <= self.clock
    }
}

/// Zeek looks after connections that broke 5 s after they began (`tcp_SYN_timeout`) and then every 6 s
/// (`tcp_session_timer`), and ends those that were silent for more than 5 s
/// (`tcp_connection_linger`).
fn next_check(first: Timestamp, silent_since: Timestamp) -> Timestamp {
    const EVERY: Span = Span::from_secs(6);
    const LINGER: Span = Span::from_secs(5);
    let first_check = first.after(FIRST_CHECK);
    let over = silent_since.after(LINGER).since(first_check);
    if over == Span(0) && silent_since.after(LINGER) < first_check {
        return first_check;
    }
    first_check.after(Span((over.0 / EVERY.0 + 1) * EVERY.0))
}
