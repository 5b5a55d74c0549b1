//! What `capture generate` prints: rates each second, totals at the end.

use std::io::{self, Write as _};
use std::time::Instant;

use capture_common::GeneratorCounters;
use serde_json::json;

use super::super::status::{short, short_spaced};
use crate::engine::grouped;
use crate::generate::{Sent, difference};

/// How it is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A line a second, rewritten in place.
    InPlace,
    /// A line a second.
    Lines,
    /// A JSON object a second.
    Json,
    /// The totals alone.
    Total,
    /// The totals alone, as JSON.
    JsonTotal,
}

/// Prints.
pub(super) struct Show {
    style: Style,
    started: Instant,
    last: (Instant, GeneratorCounters),
    /// A line stands there that was not ended.
    open: bool,
}

/// What became of all frames.
pub(super) struct Total<'t> {
    pub(super) iface: &'t str,
    pub(super) sent: &'t Sent,
    /// Frames that the device dropped, or that nobody took.
    pub(super) dropped: u64,
}

/// Which flags were sent.
pub(super) fn flags(made: &GeneratorCounters) -> String {
    format!(
        "SYN {}  SYN-ACK {}  FIN {}  RST {}",
        grouped(made.syn),
        grouped(made.syn_ack),
        grouped(made.fin),
        grouped(made.rst)
    )
}

#[expect(clippy::cast_precision_loss, reason = "rates for people")]
impl Show {
    pub(super) fn new(style: Style) -> Self {
        let started = Instant::now();
        Self {
            style,
            started,
            last: (started, GeneratorCounters::default()),
            open: false,
        }
    }

    /// Rates since the last line.
    ///
    /// # Errors
    ///
    /// When the output is gone.
    pub(super) fn line(&mut self, made: GeneratorCounters, dropped: u64) -> io::Result<()> {
        let now = Instant::now();
        let interval = now.duration_since(self.last.0).as_secs_f64().max(1e-9);
        let since = difference(&made, &self.last.1);
        self.last = (now, made);
        let elapsed = now.duration_since(self.started).as_secs_f64().round();
        let rate = |count: u64| count as f64 / interval;
        let mut out = io::stdout().lock();
        match self.style {
            Style::Total | Style::JsonTotal => return Ok(()),
            Style::Json => {
                let round = |value: f64| (value * 1000.0).round() / 1000.0;
                let line = json!({
                    "type": "status",
                    "elapsed": elapsed,
                    "interval": round(interval),
                    "frames_per_second": round(rate(since.frames)),
                    "bits_per_second": round(rate(since.bytes) * 8.0),
                    "syn_per_second": round(rate(since.syn)),
                    "syn_ack_per_second": round(rate(since.syn_ack)),
                    "fin_per_second": round(rate(since.fin)),
                    "rst_per_second": round(rate(since.rst)),
                    "frames": made.frames,
                    "bytes": made.bytes,
                    "dropped": dropped,
                });
                writeln!(out, "{line}")?;
            }
            Style::Lines | Style::InPlace => {
                #[expect(clippy::cast_sign_loss, reason = "time goes on")]
                let secs = elapsed as u64;
                let line = format!(
                    "{:02}:{:02}  {} pps  {}bit/s  SYN {}/s  SYN-ACK {}/s  FIN {}/s  RST {}/s  dropped {dropped}",
                    secs / 60,
                    secs % 60,
                    short(rate(since.frames)),
                    short_spaced(rate(since.bytes) * 8.0),
                    short(rate(since.syn)),
                    short(rate(since.syn_ack)),
                    short(rate(since.fin)),
                    short(rate(since.rst)),
                );
                if self.style == Style::InPlace {
                    write!(out, "\r\x1b[2K{line}")?;
                    self.open = true;
                } else {
                    writeln!(out, "{line}")?;
                }
            }
        }
        out.flush()
    }

    /// The totals.
    ///
    /// # Errors
    ///
    /// When the output is gone.
    pub(super) fn total(&mut self, total: &Total<'_>) -> io::Result<()> {
        let Total {
            iface,
            sent,
            dropped,
        } = *total;
        let made = &sent.counters;
        let secs = sent.elapsed.as_secs_f64().max(1e-9);
        let mut out = io::stdout().lock();
        if std::mem::take(&mut self.open) {
            writeln!(out)?;
        }
        if matches!(self.style, Style::Json | Style::JsonTotal) {
            let line = json!({
                "type": "total",
                "iface": iface,
                "seconds": secs,
                "frames": made.frames,
                "bytes": made.bytes,
                "syn": made.syn,
                "syn_ack": made.syn_ack,
                "fin": made.fin,
                "rst": made.rst,
                "dropped": dropped,
            });
            writeln!(out, "{line}")?;
        } else {
            writeln!(
                out,
                "{} frames ({} bytes) in {secs:.2} s: {} pps, {}bit/s\n{}\ndropped by {iface}: {}",
                grouped(made.frames),
                grouped(made.bytes),
                short(made.frames as f64 / secs),
                short_spaced(made.bytes as f64 * 8.0 / secs),
                flags(made),
                grouped(dropped)
            )?;
        }
        out.flush()
    }
}
