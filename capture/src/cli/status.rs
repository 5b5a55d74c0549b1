//! The line a second: rates since the last one.

use std::io::{self, Write};

use crate::engine::Snapshot;

/// How the line is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Rewritten in place.
    InPlace,
    /// A JSON object a line.
    Json,
    /// One line after the other.
    Lines,
    /// Not at all.
    Quiet,
}

/// Where the line goes, and what it compares with.
pub(super) struct Status {
    style: Style,
    out: Box<dyn Write>,
    first: Snapshot,
    last: Snapshot,
    /// A line stands there that was not ended.
    open: bool,
}

/// What happened between two snapshots.
struct Rates {
    /// Seconds since the start, and since the last line.
    elapsed_secs: u64,
    interval: f64,
    packets: f64,
    bits: f64,
    flows_new: u64,
    flows_open: u64,
    flows_closed: u64,
    syn: f64,
    syn_ack: f64,
    fin: f64,
    rst: f64,
    drops: u64,
    sampled: f64,
    cut: f64,
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rates are rounded to four digits anyway"
)]
impl Rates {
    fn between(first: &Snapshot, last: &Snapshot, now: &Snapshot) -> Self {
        let interval = now.ts.since(last.ts).as_secs_f64().max(1e-9);
        let rate = |now: u64, last: u64| now.saturating_sub(last) as f64 / interval;
        let (k, l) = (&now.kernel, &last.kernel);
        Self {
            elapsed_secs: (now.ts.since(first.ts).0 + 500_000_000) / 1_000_000_000,
            interval,
            packets: rate(k.packets, l.packets),
            bits: rate(k.bytes, l.bytes) * 8.0,
            flows_new: now.shards.flows_created - last.shards.flows_created,
            flows_open: now
                .shards
                .flows_created
                .saturating_sub(now.shards.flows_ended),
            flows_closed: now.shards.flows_ended - last.shards.flows_ended,
            syn: rate(k.syn, l.syn),
            syn_ack: rate(k.syn_ack, l.syn_ack),
            fin: rate(k.fin, l.fin),
            rst: rate(k.rst, l.rst),
            drops: now.drops,
            sampled: rate(k.sampled, l.sampled),
            cut: rate(k.cut, l.cut),
        }
    }

    fn to_line(&self) -> String {
        let mut line = format!(
            "{:02}:{:02}  {} pps  {}bit/s  flows +{} open {} -{}  SYN {}/s  SYN-ACK {}/s  FIN {}/s  RST {}/s  drops {}",
            self.elapsed_secs / 60,
            self.elapsed_secs % 60,
            short(self.packets),
            short_spaced(self.bits),
            short(self.flows_new as f64),
            short(self.flows_open as f64),
            short(self.flows_closed as f64),
            short(self.syn),
            short(self.syn_ack),
            short(self.fin),
            short(self.rst),
            self.drops,
        );
        // What was left out on purpose is of interest to who asked for it.
        for (word, rate) in [("sampled out", self.sampled), ("cut", self.cut)] {
            if rate > 0.0 {
                line.extend(["  ", word, " ", &short(rate), "/s"]);
            }
        }
        line
    }

    fn to_json(&self, now: &Snapshot) -> serde_json::Value {
        let round = |value: f64| (value * 1000.0).round() / 1000.0;
        serde_json::json!({
            "type": "status",
            "ts": now.ts.to_string(),
            "interval": round(self.interval),
            "packets_per_second": round(self.packets),
            "bits_per_second": round(self.bits),
            "flows_new": self.flows_new,
            "flows_open": self.flows_open,
            "flows_closed": self.flows_closed,
            "syn_per_second": round(self.syn),
            "syn_ack_per_second": round(self.syn_ack),
            "fin_per_second": round(self.fin),
            "rst_per_second": round(self.rst),
            "drops": self.drops,
            "filtered": now.kernel.filtered,
            "sampled": now.kernel.sampled,
            "cut": now.kernel.cut,
            "packets": now.kernel.packets,
            "bytes": now.kernel.bytes,
            "syn": now.kernel.syn,
            "syn_ack": now.kernel.syn_ack,
            "fin": now.kernel.fin,
            "rst": now.kernel.rst,
        })
    }
}

impl Status {
    pub(super) fn new(style: Style, out: Box<dyn Write>, first: Snapshot) -> Self {
        Self {
            style,
            out,
            last: first.clone(),
            first,
            open: false,
        }
    }

    /// Shows what happened since the last call.
    ///
    /// # Errors
    ///
    /// When the output is gone.
    pub(super) fn show(&mut self, now: Snapshot) -> io::Result<()> {
        let rates = Rates::between(&self.first, &self.last, &now);
        match self.style {
            Style::Quiet => {}
            Style::Json => {
                writeln!(self.out, "{}", rates.to_json(&now))?;
                self.out.flush()?;
            }
            Style::Lines => {
                writeln!(self.out, "{}", rates.to_line())?;
                self.out.flush()?;
            }
            Style::InPlace => {
                let mut line = rates.to_line();
                if let Some((terminal_size::Width(width), _)) = terminal_size::terminal_size() {
                    // A line that wraps could not be rewritten.
                    line.truncate(usize::from(width).saturating_sub(1));
                }
                write!(self.out, "\r\x1b[2K{line}")?;
                self.out.flush()?;
                self.open = true;
            }
        }
        self.last = now;
        Ok(())
    }

    /// Shows nothing any more.
    pub(super) fn silence(&mut self) {
        (self.style, self.open) = (Style::Quiet, false);
    }

    /// Makes room for a line on standard error, where it would be written behind ours.
    pub(super) fn make_way(&mut self) {
        if std::mem::take(&mut self.open) {
            // Whether anybody still reads shows when the next line is written.
            drop(write!(self.out, "\r\x1b[2K").and_then(|()| self.out.flush()));
        }
    }

    /// Ends a line that stands there.
    ///
    /// # Errors
    ///
    /// When the output is gone.
    pub(super) fn end(&mut self) -> io::Result<()> {
        if std::mem::take(&mut self.open) {
            writeln!(self.out)?;
        }
        self.out.flush()
    }
}

/// Three or four digits and a unit: `0`, `12`, `1.23k`, `45.6M`.
pub(super) fn short(value: f64) -> String {
    let (scaled, unit) = scale(value);
    if unit.is_empty() {
        format!("{value:.0}")
    } else {
        format!("{}{unit}", digits(scaled))
    }
}

/// The same with a space before the unit, for a word that follows: `12.3 M`.
pub(super) fn short_spaced(value: f64) -> String {
    let (scaled, unit) = scale(value);
    if unit.is_empty() {
        format!("{value:.0} ")
    } else {
        format!("{} {unit}", digits(scaled))
    }
}

fn digits(value: f64) -> String {
    if value < 10.0 {
        format!("{value:.2}")
    } else if value < 100.0 {
        format!("{value:.1}")
    } else {
        format!("{value:.0}")
    }
}

fn scale(value: f64) -> (f64, &'static str) {
    const UNITS: [(f64, &str); 4] = [(1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    // What rounds up to the next unit is shown in it.
    UNITS
        .into_iter()
        .find(|(size, _)| value >= size * 0.9995)
        .map_or((value, ""), |(size, unit)| (value / size, unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, text) in [
            (0.0, "0"),
            (12.4, "12"),
            (999.0, "999"),
            (999.9, "1.00k"),
            (1_234.0, "1.23k"),
            (45_600_000.0, "45.6M"),
            (999_999.0, "1.00M"),
            (678e9, "678G"),
        ] {
            assert_eq!(short(value), text, "{value}");
        }
        assert_eq!(short_spaced(1_500_000.0), "1.50 M");
    }
}
