//! How much a table may hold, and for how long.

use super::table::FlowTable;
use crate::packet::Span;

/// How much a table may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Flows that are tracked at once; when one more comes, another has to go.
    pub max_flows: u32,
    /// Of these, connections with something to tell beyond their counts (losses, repeats, much data)
    /// that are followed in every detail; of any more, what does not fit into a slot is left out.
    pub max_details: u32,
}

impl Limits {
    /// Details that are kept unless the memory is given.
    const DETAILS: u32 = 65_536;

    /// Limits for so many flows, with details for as many of them as is usual.
    #[must_use]
    pub const fn flows(max_flows: u32) -> Self {
        Self {
            max_flows,
            max_details: if max_flows < Self::DETAILS {
                max_flows
            } else {
                Self::DETAILS
            },
        }
    }

    /// Limits that fit into so many bytes: flows first, at most `max_flows`; what is left is for
    /// details.
    #[must_use]
    pub const fn within(bytes: u64, max_flows: u32) -> Self {
        // The index doubles at powers of two, so the number is looked for.
        let for_flows = bytes / 8 * 7;
        let (mut fits, mut beyond) = (1, max_flows.saturating_add(1));
        while beyond - fits > 1 {
            let middle = fits + (beyond - fits) / 2;
            if FlowTable::flow_bytes(middle) <= for_flows {
                fits = middle;
            } else {
                beyond = middle;
            }
        }
        let left = bytes.saturating_sub(FlowTable::flow_bytes(fits));
        let details = left / FlowTable::DETAIL_BYTES;
        Self {
            max_flows: fits,
            max_details: if details < fits as u64 {
                details as u32
            } else {
                fits
            },
        }
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::flows(1_000_000)
    }
}

/// How long a flow may be silent before its record is written, by its state.
///
/// The defaults are Zeek's, so that what one of its users calls a connection is one here. They differ
/// from conntrack's mostly in what is short: an unanswered SYN is given up after 5 s (conntrack: 120
/// s), so a host that keeps trying gives several records; a closed connection after 5 s (`TIME_WAIT`:
/// 120 s). Open connections are kept for 5 minutes of silence (conntrack: 5 days), those of FTP, SSH,
/// Telnet and rlogin for an hour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// TCP: from a SYN without an answer (`tcp_attempt_delay`).
    pub tcp_attempt: Span,
    /// TCP that is open (`tcp_inactivity_timeout`).
    pub tcp_open: Span,
    /// The same for services whose users are silent for long (`Conn::port_inactivity_timeouts`).
    pub tcp_open_slow: Span,
    /// TCP: from the closing (`tcp_close_delay`).
    pub tcp_closed: Span,
    /// Everything else (`udp_inactivity_timeout`, `icmp_inactivity_timeout`).
    pub other: Span,
    /// A flow that lasts longer gets a record, and goes on; `None` if only its end counts.
    pub active: Option<Span>,
}

impl Timeouts {
    /// A flow that began less than this ago has not reached any of them, whatever became of it. The
    /// source's clock is kept to 17 ms, and Zeek looks after broken connections 5 s after they began.
    pub(super) fn least(&self) -> Span {
        const TICK: Span = Span(1 << 24);
        let Self {
            tcp_attempt,
            tcp_open,
            tcp_open_slow,
            tcp_closed,
            other,
            active,
        } = *self;
        let all = [tcp_attempt, tcp_open, tcp_open_slow, tcp_closed, other];
        let least = all.into_iter().chain(active).fold(FIRST_CHECK, Span::min);
        Span(least.0.saturating_sub(TICK.0))
    }
}

/// When Zeek looks after a connection that broke for the first time, from its beginning
/// (`tcp_SYN_timeout`).
pub(super) const FIRST_CHECK: Span = Span::from_secs(5);

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            tcp_attempt: Span::from_secs(5),
            tcp_open: Span::from_secs(300),
            tcp_open_slow: Span::from_secs(3600),
            tcp_closed: Span::from_secs(5),
            other: Span::from_secs(60),
            active: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_given_is_not_exceeded_and_used() {
        for mib in [1, 10, 64, 300, 2048, 10_000] {
            let bytes = mib << 20;
            for most in [1, 1000, 1_000_000, u32::MAX - 1] {
                let limits = Limits::within(bytes, most);
                assert!(
                    FlowTable::max_bytes(limits) <= bytes,
                    "{mib} MiB: {limits:?}"
                );
                assert!((1..=most).contains(&limits.max_flows));
                assert!(limits.max_details <= limits.max_flows);
                // One more flow would not fit, unless there are as many as were asked for.
                let more = FlowTable::flow_bytes(limits.max_flows + 1);
                assert!(limits.max_flows == most || more > bytes / 8 * 7);
            }
        }
    }

    #[test]
    fn ten_million_ipv4_flows_and_their_details_take_two_gibibytes() {
        let limits = Limits::flows(10_000_000);
        let longer = FlowTable::max_bytes(limits);
        // As if all were IPv6; IPv4 is 24 bytes shorter, and only its index is touched.
        let shorter = longer - 10_000_000 * 24 - (8 << 24);
        assert!(shorter <= 2 << 30, "{shorter}");
    }
}
