//! What can be typed of how connections are tracked, live and on files.

use std::time::Duration;

use super::units::{bytes, duration};
use crate::dissect::{Checksums, Dissector, Tunnels};
use crate::engine::{Tracking, grouped};
use crate::flow::{Limits, Timeouts};
use crate::packet::Span;
use crate::shard::ShardTotals;

/// How connections are tracked.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Tracking")]
pub(super) struct TrackingArgs {
    /// Connections that are tracked at once; when one more comes, another has to go.
    #[arg(long, value_name = "N", default_value = "1000000", value_parser = clap::value_parser!(u32).range(1..))]
    max_flows: u32,

    /// Memory for connections, instead of what --max-flows of them usually take: at most that many are
    /// tracked, and what is left keeps details of losses and round-trip times.
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    flow_memory: Option<u64>,

    /// Write a record of a connection that lasts longer, and again after as long; its records add up.
    /// 0 writes one when it ends, and no other [default: 30m live, 0 for files].
    #[arg(long, value_name = "TIME", value_parser = duration)]
    active_timeout: Option<Duration>,

    /// How long a connection may be silent, by what it is: attempt=5s (a SYN without an answer), open=5m,
    /// service=1h (the same for FTP, SSH, Telnet and rlogin), closed=5s, other=1m (not TCP).
    #[arg(long, value_name = "WHAT=TIME", value_delimiter = ',', value_parser = timeout)]
    timeout: Vec<Timeout>,

    /// Believe packets whose checksum is wrong.
    #[arg(long)]
    ignore_checksums: bool,

    /// Count what travels in a tunnel (VXLAN, GENEVE, GRE, IP in IP, GTP-U, Teredo) as the tunnel's.
    #[arg(long)]
    no_tunnels: bool,
}

/// Where packets come from, as far as the defaults depend on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// The machine itself.
    Live,
    /// Capture files.
    Files,
}

/// A timeout by its word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeout {
    which: fn(&mut Timeouts) -> &mut Span,
    span: Span,
}

/// `open=10m`.
fn timeout(text: &str) -> Result<Timeout, String> {
    let Some((word, time)) = text.split_once('=') else {
        return Err(format!("{text:?} is not a timeout, such as open=10m"));
    };
    let which: fn(&mut Timeouts) -> &mut Span = match word {
        "attempt" => |it| &mut it.tcp_attempt,
        "open" => |it| &mut it.tcp_open,
        "service" => |it| &mut it.tcp_open_slow,
        "closed" => |it| &mut it.tcp_closed,
        "other" => |it| &mut it.other,
        _ => {
            return Err(format!(
                "there is no timeout {word:?}; there are attempt, open, service, closed and other"
            ));
        }
    };
    let span = span(duration(time)?);
    if span.0 == 0 || span > LONGEST {
        return Err(format!("{text:?}: a timeout is between 1 ns and 365 days"));
    }
    Ok(Timeout { which, span })
}

/// The longest silence that is told from a shorter one.
const LONGEST: Span = Span::from_secs(365 * 86_400);

fn span(duration: Duration) -> Span {
    Span(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX))
}

impl TrackingArgs {
    /// What was asked for, or is usual for packets from there.
    pub(super) fn tracking(&self, origin: Origin) -> Tracking {
        let limits = match self.flow_memory {
            Some(bytes) => Limits::within(bytes, self.max_flows),
            None => Limits::flows(self.max_flows),
        };
        let active = match (self.active_timeout.map(span), origin) {
            (Some(Span(0)), _) | (None, Origin::Files) => None,
            (Some(active), _) => Some(active),
            (None, Origin::Live) => Some(Span::from_secs(30 * 60)),
        };
        let mut timeouts = Timeouts {
            active,
            ..Timeouts::default()
        };
        for timeout in &self.timeout {
            *(timeout.which)(&mut timeouts) = timeout.span;
        }
        let checksums = match origin {
            _ if self.ignore_checksums => Checksums::Ignore,
            Origin::Live => Checksums::ValidateUnlessPartial,
            Origin::Files => Checksums::Validate,
        };
        Tracking {
            limits,
            timeouts,
            seed: super::seed(),
            dissector: Dissector {
                tunnels: if self.no_tunnels {
                    Tunnels::Outer
                } else {
                    Tunnels::Inner
                },
                checksums,
            },
        }
    }
}

/// What is to be said of packets and connections of which records do not tell all.
pub(super) fn notes(totals: &ShardTotals) -> Vec<String> {
    let mut notes = Vec::new();
    if totals.details_refused > 0 {
        notes.push(format!(
            "{} times something that happened on a connection was left out of its record for lack of \
             memory (--flow-memory)",
            grouped(totals.details_refused)
        ));
    }
    if totals.flows_evicted > 0 {
        notes.push(format!(
            "{} connections had to go before their time for lack of room (--max-flows)",
            grouped(totals.flows_evicted)
        ));
    }
    if totals.bad_checksums * 2 > totals.tracked {
        notes.push(format!(
            "{} of {} packets have a wrong checksum, so nothing of them is believed; captures on the host \
             that sends look like that: --ignore-checksums",
            grouped(totals.bad_checksums),
            grouped(totals.tracked)
        ));
    } else if totals.bad_checksums > 0 {
        let (packets, have, them) = match totals.bad_checksums {
            1 => ("packet", "has", "it"),
            _ => ("packets", "have", "them"),
        };
        notes.push(format!(
            "{} {packets} {have} a wrong checksum, and nothing of {them} is believed (--ignore-checksums)",
            grouped(totals.bad_checksums)
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_have_names() {
        let mut timeouts = Timeouts::default();
        for (word, of) in [
            ("attempt", (|it| it.tcp_attempt) as fn(&Timeouts) -> Span),
            ("open", |it| it.tcp_open),
            ("service", |it| it.tcp_open_slow),
            ("closed", |it| it.tcp_closed),
            ("other", |it| it.other),
        ] {
            let timeout = timeout(&format!("{word}=7s")).expect("a timeout");
            *(timeout.which)(&mut timeouts) = timeout.span;
            assert_eq!(of(&timeouts), Span::from_secs(7), "{word}");
        }
        for wrong in [
            "open",
            "open=",
            "open=x",
            "opened=5s",
            "open=0",
            "open=400d",
        ] {
            assert!(timeout(wrong).is_err(), "{wrong}");
        }
    }
}
