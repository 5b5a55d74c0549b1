//! What is said of each end of a connection: what it sent, and what TCP showed of it.
//!
//! Each entry makes two columns, `initiator_…` and `responder_…`.

use super::super::value::Value;
use super::{Column, ColumnKind, Get, get};
use crate::flow::{FlowRecord, RttHistogram, TcpSide, TcpState};
use crate::packet::Span;

/// Two columns for what every side has, a number.
macro_rules! volume {
    ($name:literal, $kind:ident, $help:literal, |$side:ident| $value:expr) => {
        [
            Column::new(
                concat!("initiator_", $name),
                concat!($help, ": of the initiator"),
                ColumnKind::$kind,
                get!(Number, |record| {
                    let $side = &record.initiator;
                    Some(u64::from($value))
                }),
            ),
            Column::new(
                concat!("responder_", $name),
                concat!($help, ": of the responder"),
                ColumnKind::$kind,
                get!(Number, |record| {
                    let $side = &record.responder;
                    Some(u64::from($value))
                }),
            ),
        ]
    };
}

/// Two columns for what TCP showed of each side; other protocols have no value in them.
macro_rules! health {
    ($name:literal, $kind:ident, $get:ident, $help:literal, |$side:ident| $value:expr) => {
        [
            Column::new(
                concat!("initiator_", $name),
                concat!($help, ": of the initiator"),
                ColumnKind::$kind,
                get!($get, |record| {
                    record.tcp.and_then(|_| {
                        let $side = &record.initiator.tcp;
                        $value
                    })
                }),
            )
            .sometimes(),
            Column::new(
                concat!("responder_", $name),
                concat!($help, ": of the responder"),
                ColumnKind::$kind,
                get!($get, |record| {
                    record.tcp.and_then(|_| {
                        let $side = &record.responder.tcp;
                        $value
                    })
                }),
            )
            .sometimes(),
        ]
    };
}

/// What each side sent.
pub(super) const VOLUME: &[[Column; 2]] = &[
    volume!("packets", U64, "packets sent", |s| s.counts.packets),
    volume!(
        "bytes",
        U64,
        "bytes sent, whole frames as Wireshark counts",
        |s| s.counts.wire_bytes
    ),
    volume!(
        "ip_bytes",
        U64,
        "bytes sent from the IP header on, as Zeek and IPFIX count",
        |s| s.counts.ip_bytes
    ),
    volume!(
        "payload_bytes",
        U64,
        "payload sent, bytes; for TCP by sequence numbers, as Zeek counts",
        |s| s.payload_bytes
    ),
    volume!(
        "missed_bytes",
        U64,
        "payload that was acknowledged and never seen, bytes",
        |s| s.missed_bytes
    ),
    volume!(
        "captured_packets",
        U64,
        "of the packets, those that were captured: all, unless --cutoff left some out",
        |s| s.captured_packets
    ),
    volume!(
        "captured_bytes",
        U64,
        "of the bytes, those that were captured: all but what --cutoff left out; --snaplen does not count",
        |s| s.captured_bytes
    ),
    volume!(
        "bad_checksums",
        U64,
        "packets sent with a wrong checksum",
        |s| s.bad_checksums
    ),
    volume!(
        "ttl",
        U8,
        "time to live or hop limit of the first packet sent; 0 if there was none",
        |s| s.initial_ttl
    ),
];

/// What TCP showed of each side.
pub(super) const HEALTH: &[[Column; 2]] = &[
    [
        Column::new(
            "initiator_flags",
            "TCP flags that were ever set, of SFAPRUEC: of the initiator",
            ColumnKind::Text,
            Get::Text(|r, _| {
                r.tcp
                    .map_or(Value::Missing, |_| Value::Flags(r.initiator.tcp.flags))
            }),
        )
        .sometimes(),
        Column::new(
            "responder_flags",
            "TCP flags that were ever set, of SFAPRUEC: of the responder",
            ColumnKind::Text,
            Get::Text(|r, _| {
                r.tcp
                    .map_or(Value::Missing, |_| Value::Flags(r.responder.tcp.flags))
            }),
        )
        .sometimes(),
    ],
    [
        Column::new(
            "initiator_state",
            "TCP state at the end (RFC 9293): of the initiator",
            ColumnKind::Text,
            Get::Word(|r| r.tcp.map(|_| TcpState::name(r.initiator.tcp.state))),
        )
        .sometimes(),
        Column::new(
            "responder_state",
            "TCP state at the end (RFC 9293): of the responder",
            ColumnKind::Text,
            Get::Word(|r| r.tcp.map(|_| TcpState::name(r.responder.tcp.state))),
        )
        .sometimes(),
    ],
    health!(
        "mss",
        U16,
        Number,
        "announced maximum segment size, bytes",
        |s| s.mss.map(u64::from)
    ),
    health!(
        "window_scale",
        U8,
        Number,
        "announced window scale, a shift (RFC 7323)",
        |s| s.window_scale.map(u64::from)
    ),
    health!(
        "sack",
        Flag,
        Flag,
        "selective acknowledgments announced (RFC 2018)",
        |s| Some(s.sack_permitted)
    ),
    health!(
        "timestamps",
        Flag,
        Flag,
        "timestamps option sent (RFC 7323)",
        |s| Some(s.timestamps)
    ),
    health!(
        "ecn",
        Flag,
        Flag,
        "explicit congestion notification used (RFC 3168)",
        |s| Some(s.ecn)
    ),
    health!(
        "rtt_samples",
        U32,
        Number,
        "times measured from a segment to its acknowledgment",
        |s| Some(s.rtt.samples.into())
    ),
    health!(
        "rtt_min",
        Seconds,
        Seconds,
        "shortest of these times",
        |s| sampled(s, s.rtt.min)
    ),
    health!("rtt_mean", Seconds, Seconds, "mean of these times", |s| {
        s.rtt.mean()
    }),
    health!(
        "rtt_p50",
        Seconds,
        Seconds,
        "half of these times are below, to a power of two",
        |s| quantile(s, 50)
    ),
    health!(
        "rtt_p95",
        Seconds,
        Seconds,
        "95 % of these times are below, to a power of two",
        |s| quantile(s, 95)
    ),
    health!("rtt_max", Seconds, Seconds, "longest of these times", |s| {
        sampled(s, s.rtt.max)
    }),
    health!(
        "retransmitted_segments",
        U64,
        Trouble,
        "segments sent again, fast and spurious ones included",
        |s| Some(s.retransmitted_segments)
    ),
    health!(
        "retransmitted_bytes",
        U64,
        Trouble,
        "payload sent again, bytes",
        |s| Some(s.retransmitted_bytes)
    ),
    health!(
        "fast_retransmissions",
        U64,
        Trouble,
        "segments sent again because of duplicate acknowledgments",
        |s| Some(s.fast_retransmissions)
    ),
    health!(
        "spurious_retransmissions",
        U64,
        Trouble,
        "segments sent again although they had been acknowledged",
        |s| Some(s.spurious_retransmissions)
    ),
    health!(
        "out_of_order",
        U64,
        Trouble,
        "segments that came after later ones",
        |s| Some(s.out_of_order)
    ),
    health!(
        "lost_segments",
        U64,
        Trouble,
        "segments before which something is missing in the capture",
        |s| Some(s.lost_segments)
    ),
    health!(
        "acked_unseen",
        U64,
        Trouble,
        "acknowledgments of what was not captured",
        |s| Some(s.acked_unseen)
    ),
    health!(
        "duplicate_acks",
        U64,
        Trouble,
        "acknowledgments that were repeated",
        |s| Some(s.duplicate_acks)
    ),
    health!(
        "zero_windows",
        U64,
        Trouble,
        "segments that announced a window of zero",
        |s| Some(s.zero_windows)
    ),
    health!(
        "zero_window_probes",
        U64,
        Trouble,
        "probes of the other side's zero window",
        |s| Some(s.zero_window_probes)
    ),
    health!(
        "window_full",
        U64,
        Trouble,
        "segments that filled the other side's window",
        |s| Some(s.window_full)
    ),
    health!(
        "keep_alives",
        U64,
        Trouble,
        "keep-alive segments",
        |s| Some(s.keep_alives)
    ),
];

/// Whether nothing of what [`Get::Trouble`] counts has happened on a connection.
pub(in super::super) fn is_quiet(record: &FlowRecord) -> bool {
    [&record.initiator, &record.responder]
        .into_iter()
        .fold(0, |all, side| {
            let TcpSide {
                retransmitted_segments,
                retransmitted_bytes,
                fast_retransmissions,
                spurious_retransmissions,
                out_of_order,
                lost_segments,
                acked_unseen,
                duplicate_acks,
                zero_windows,
                zero_window_probes,
                window_full,
                keep_alives,
                ..
            } = &side.tcp;
            all | retransmitted_segments
                | retransmitted_bytes
                | fast_retransmissions
                | spurious_retransmissions
                | out_of_order
                | lost_segments
                | acked_unseen
                | duplicate_acks
                | zero_windows
                | zero_window_probes
                | window_full
                | keep_alives
        })
        == 0
}

fn sampled(side: &TcpSide, time: Span) -> Option<Span> {
    (side.rtt.samples > 0).then_some(time)
}

/// The time that so many percent of the samples do not exceed. The histogram says only in which power of
/// two it is, which cannot be longer than the longest.
fn quantile(side: &TcpSide, percent: u32) -> Option<Span> {
    let rtt = &side.rtt;
    if rtt.samples == 0 {
        return None;
    }
    // There is nothing below the shortest and beyond the longest, which mostly are not far apart.
    let first = RttHistogram::bucket(rtt.min);
    let counts = rtt.histogram.0.get(first..=RttHistogram::bucket(rtt.max))?;
    let total: u32 = counts.iter().map(|count| u32::from(*count)).sum();
    let wanted = (total * percent).div_ceil(100).max(1);
    let mut seen = 0;
    for (count, log2) in counts
        .iter()
        .zip(RttHistogram::FIRST_LOG2_NS + first as u32..)
    {
        seen += u32::from(*count);
        if seen >= wanted {
            return Some(rtt.max.min(Span(1 << log2)));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The oracle is the histogram's own, in floating point.
    #[test]
    fn quantiles_are_those_of_the_histogram() {
        for samples in 0..500_u64 {
            let mut side = TcpSide::default();
            for sample in 0..samples {
                let time = Span(sample * sample * 70_000 + samples);
                let shortest = if sample == 0 { time } else { side.rtt.min };
                side.rtt.min = shortest.min(time);
                side.rtt.samples += 1;
                side.rtt.max = side.rtt.max.max(time);
                side.rtt.histogram.add(time, 1);
            }
            for (percent, share) in [(50, 0.5), (95, 0.95)] {
                let bound = side.rtt.histogram.quantile(share);
                let expected = bound.map(|bound| bound.min(side.rtt.max));
                assert_eq!(quantile(&side, percent), expected, "{samples} {percent}");
            }
        }
    }
}
