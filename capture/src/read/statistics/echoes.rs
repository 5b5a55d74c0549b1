//! How long echo replies take (`icmp,srt` and `icmpv6,srt`), as Wireshark's `tap-icmpstat.c` tells it.

use std::fmt::Write as _;

use super::packets::filter_behind;
use super::{Known, Statistic, StatisticError, passes};
use crate::filter::display::DisplayFilter;
use crate::read::Columns;
use crate::read::tree::{Tree, Value, Wanted};
use crate::read::walk::Frame;

/// Times that are kept for the median.
const MOST: usize = 1 << 22;

/// Echo requests and their replies.
#[derive(Debug)]
pub(super) struct Echoes {
    title: &'static str,
    filter: Option<DisplayFilter>,
    /// A request that was answered, one that was not, and a reply to one.
    kind: Known,
    answers: Known,
    time: Known,
    /// Numbers of an echo request.
    request: u64,
    requests: u64,
    /// Times in ms, with the frame of the reply.
    times: Vec<(f64, u64)>,
    left_out: u64,
}

impl Echoes {
    fn of(
        (title, version, request): (&'static str, &str, u64),
        name: &'static str,
        rest: &str,
    ) -> Result<Box<dyn Statistic>, StatisticError> {
        let known = |field: &str| Known::named(&format!("{version}.{field}"));
        let answers = match request {
            8 => known("resp_to"),
            _ => known("echo.response_to"),
        };
        let time = match request {
            8 => known("resptime"),
            _ => known("echo.response_time"),
        };
        Ok(Box::new(Self {
            title,
            filter: filter_behind(name, rest)?,
            kind: known("type"),
            answers,
            time,
            request,
            requests: 0,
            times: Vec::new(),
            left_out: 0,
        }))
    }

    pub(super) fn v4(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        Self::of(("ICMP", "icmp", 8), "icmp,srt", rest)
    }
}

impl Statistic for Echoes {
    fn want(&self, wanted: &mut Wanted) {
        for known in [&self.kind, &self.answers, &self.time] {
            known.want(wanted);
        }
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        let first = |known: &Known| known.values(tree).next();
        if first(&self.kind) == Some(Value::Uint(self.request)) {
            self.requests += 1;
        }
        if let Some(Value::Double(ms)) = first(&self.time) {
            if self.times.len() < MOST {
                self.times.push((ms, frame.number));
            } else {
                self.left_out += 1;
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts of packets, in percent")]
    fn print(&mut self, out: &mut String) {
        const RULE: &str =
            "==========================================================================\n";
        let replies = self.times.len() as u64 + self.left_out;
        let lost = self.requests.saturating_sub(replies);
        let share = match self.requests {
            0 => 0.0,
            requests => 100.0 * lost as f64 / requests as f64,
        };
        let filter = self.filter.as_ref().map_or("<none>", DisplayFilter::text);
        // Writing to a string does not fail, in all of these.
        let _infallible = write!(
            out,
            "\n{RULE}{} Service Response Time (SRT) Statistics (all times in ms):\nFilter: {filter}\n\n\
             Requests  Replies   Lost      % Loss\n{:<10}{replies:<10}{lost:<10}{share:5.1}%\n\n",
            self.title, self.requests
        );
        let summary = Summary::of(&self.times);
        let _infallible = write!(
            out,
            "Minimum   Maximum   Mean      Median    SDeviation     Min Frame Max Frame\n{summary}{RULE}"
        );
        if self.left_out > 0 {
            let _infallible = writeln!(
                out,
                "{} further replies; the times of {MOST} are kept",
                self.left_out
            );
        }
    }
}

/// What is said of all times.
#[derive(Default)]
struct Summary {
    min: (f64, u64),
    max: (f64, u64),
    mean: f64,
    median: f64,
    deviation: f64,
}

impl Summary {
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of packets, to divide by"
    )]
    fn of(times: &[(f64, u64)]) -> Self {
        let (Some(first), count) = (times.first(), times.len() as f64) else {
            return Self::default();
        };
        let (mut min, mut max) = (*first, *first);
        for time in times {
            if time.0 < min.0 {
                min = *time;
            }
            if time.0 > max.0 {
                max = *time;
            }
        }
        let mean = times.iter().map(|(ms, _)| ms).sum::<f64>() / count;
        let squares = times.iter().map(|(ms, _)| (ms - mean) * (ms - mean));
        let deviation = match times.len() {
            1 => 0.0,
            _ => (squares.sum::<f64>() / (count - 1.0)).sqrt(),
        };
        let mut sorted: Vec<_> = times.iter().map(|(ms, _)| *ms).collect();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = match sorted.len() % 2 {
            0 => f64::midpoint(sorted[middle - 1], sorted[middle]),
            _ => sorted[middle],
        };
        Self {
            min,
            max,
            mean,
            median,
            deviation,
        }
    }
}

impl std::fmt::Display for Summary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            min,
            max,
            mean,
            median,
            deviation,
        } = self;
        write!(
            f,
            "{:<10.3}{:<10.3}{mean:<10.3}{median:<10.3}{deviation:<10.3}     {:<10}",
            min.0, max.0, min.1
        )?;
        // As Wireshark sets it.
        if max.1 == 0 {
            return writeln!(f, "{}", max.1);
        }
        writeln!(f, "{:<10}", max.1)
    }
}
