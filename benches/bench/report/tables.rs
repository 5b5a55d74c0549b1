//! Which tables a report makes.

use super::grid::Grid;
use super::words::{grouped, memory, mpps, percent, time, times};
use super::{Offline, Report, Size, Trial};

const NONE: &str = "-";

fn or_none(text: Option<String>) -> String {
    text.unwrap_or_else(|| NONE.to_owned())
}

/// All tables, in their order.
pub(crate) fn tables(report: &Report) -> Vec<Grid> {
    let mut all = Vec::new();
    if report.goals.iter().any(|goal| goal.met.is_some()) {
        all.push(goals(report));
    }
    for size in &report.live {
        if report.run.rate_pps.is_none() {
            all.push(rates(size));
        } else {
            all.push(trials(size));
        }
        if size
            .consumers
            .iter()
            .any(|consumer| !losses(consumer).is_empty())
        {
            all.push(causes(size));
        }
        if has_latency(size) {
            all.push(latency(size));
        }
    }
    if !report.through.is_empty() {
        all.push(through(report));
    }
    if let Some(offline) = &report.offline {
        all.push(file(offline));
    }
    if !report.flow_table.is_empty() {
        all.push(flow_table(report));
    }
    all
}

/// Wanted and found.
pub(crate) fn goals(report: &Report) -> Grid {
    let mut grid = Grid::new("Numbers to reach", &["what", "wanted", "found", "met"]);
    for goal in &report.goals {
        let met = match goal.met {
            Some(true) => "yes",
            Some(false) => "NO",
            None => "not measured",
        };
        grid.push([
            goal.what.clone(),
            goal.wanted.clone(),
            or_none(goal.found.clone()),
            met.to_owned(),
        ]);
    }
    grid
}

/// Frames of a size, in words. Those that open and close connections are short, whatever the others are.
pub(crate) fn frames(size: &Size) -> String {
    let name = match size.frame_len.as_str() {
        "imix" => "IMIX".to_owned(),
        len => format!("{len}-byte frames"),
    };
    match size.frame_len.parse::<f64>() {
        Ok(len) if (size.mean_len - len).abs() < 1.0 => name,
        _ => format!("{name} ({:.0} bytes on average)", size.mean_len),
    }
}

/// The highest rate without loss, and what it costs.
pub(crate) fn rates(size: &Size) -> Grid {
    let mut grid = Grid::new(
        format!("{}: highest rate without loss", frames(size)),
        &[
            "receiver",
            "Mpps",
            "Gbit/s",
            "of count and drop",
            "flat out Mpps",
            "lost there",
            "CPU ns a frame",
            "softirq ns a frame",
            "memory",
        ],
    );
    for consumer in &size.consumers {
        let flat = consumer
            .trials
            .iter()
            .chain(&consumer.highest)
            .filter(|trial| trial.offered_pps.is_none())
            .max_by(|left, right| left.sent_pps.total_cmp(&right.sent_pps));
        let best = consumer.highest.as_ref();
        let ns = |ns: Option<f64>| or_none(ns.map(|ns| format!("{ns:.0}")));
        grid.push([
            consumer.name.clone(),
            or_none(consumer.highest_pps.map(mpps)),
            or_none(
                consumer
                    .highest_pps
                    .map(|rate| format!("{:.2}", rate * size.mean_len * 8.0 / 1e9)),
            ),
            or_none(
                consumer
                    .highest_pps
                    .map(|rate| percent(rate / consumer.ceiling_pps.max(1.0))),
            ),
            or_none(flat.map(|trial| mpps(trial.sent_pps))),
            or_none(flat.map(|trial| percent(trial.loss()))),
            ns(best.and_then(|trial| trial.cpu_ns)),
            ns(best.and_then(|trial| trial.softirq_ns)),
            or_none(best.and_then(|trial| trial.resident_bytes).map(memory)),
        ]);
    }
    grid.note = "CPU is that of the receiving process; softirq that of the CPU on which the wire is received, \
                 which is the sender's.";
    grid.without_empty_columns()
}

/// Trials in which something was lost, worst first.
fn losses(consumer: &super::Consumer) -> Vec<&Trial> {
    let mut all: Vec<_> = consumer
        .trials
        .iter()
        .filter(|trial| trial.lost() > 0)
        .collect();
    all.sort_by(|left, right| right.loss().total_cmp(&left.loss()));
    all
}

/// Where it was lost when the most was.
pub(crate) fn causes(size: &Size) -> Grid {
    let mut grid = Grid::new(
        format!("{}: where it breaks first", frames(size)),
        &["receiver", "at Mpps", "lost", "by cause"],
    );
    for consumer in &size.consumers {
        let Some(worst) = losses(consumer).first().copied() else {
            continue;
        };
        let causes: Vec<_> = worst
            .lost
            .iter()
            .filter(|(_, frames)| **frames > 0)
            .map(|(cause, frames)| format!("{cause} {}", grouped(*frames)))
            .collect();
        grid.push([
            consumer.name.clone(),
            mpps(worst.sent_pps),
            percent(worst.loss()),
            causes.join(", "),
        ]);
    }
    grid
}

/// Each trial of each receiver: the numbers of the curves. For the page; a terminal has no room for them.
pub(crate) fn trials(size: &Size) -> Grid {
    let mut grid = Grid::new(
        format!("{}: trials", frames(size)),
        &[
            "receiver",
            "offered Mpps",
            "sent Mpps",
            "seconds",
            "frames",
            "lost",
            "part",
            "CPU ns a frame",
            "memory",
            "p50",
            "p99",
            "p99.9",
            "stolen s",
        ],
    );
    for consumer in &size.consumers {
        let trials = consumer
            .trials
            .iter()
            .chain(&consumer.highest)
            .chain(&consumer.half);
        for trial in trials {
            grid.push([
                consumer.name.clone(),
                trial
                    .offered_pps
                    .map_or_else(|| "flat out".to_owned(), mpps),
                mpps(trial.sent_pps),
                format!("{:.1}", trial.seconds),
                grouped(trial.sent),
                grouped(trial.lost()),
                percent(trial.loss()),
                or_none(trial.cpu_ns.map(|ns| format!("{ns:.0}"))),
                or_none(trial.resident_bytes.map(memory)),
                waited(trial, |latency| latency.p50_ns),
                waited(trial, |latency| latency.p99_ns),
                waited(trial, |latency| latency.p999_ns),
                format!("{:.2}", trial.stolen_seconds),
            ]);
        }
    }
    grid.without_empty_columns()
}

/// A quantile of the time that packets waited.
fn waited(trial: &Trial, quantile: fn(&super::Latency) -> u64) -> String {
    or_none(trial.latency.as_ref().map(quantile).map(time))
}

fn has_latency(size: &Size) -> bool {
    let mut all = size.consumers.iter();
    all.any(|consumer| {
        consumer
            .half
            .as_ref()
            .is_some_and(|half| half.latency.is_some())
    })
}

/// How long packets wait for the worker.
pub(crate) fn latency(size: &Size) -> Grid {
    let mut grid = Grid::new(
        format!(
            "{}: from the kernel's timestamp to the worker, at half of that rate",
            frames(size)
        ),
        &["receiver", "Mpps", "p50", "p99", "p99.9", "most"],
    );
    for consumer in &size.consumers {
        let Some((half, latency)) = consumer
            .half
            .as_ref()
            .and_then(|half| Some((half, half.latency?)))
        else {
            continue;
        };
        grid.push([
            consumer.name.clone(),
            mpps(half.sent_pps),
            time(latency.p50_ns),
            time(latency.p99_ns),
            time(latency.p999_ns),
            time(latency.max_ns),
        ]);
    }
    grid
}

/// What the stack gets.
pub(crate) fn through(report: &Report) -> Grid {
    let mut grid = Grid::new(
        "What the stack still gets, 64-byte frames as fast as they go",
        &[
            "who listens",
            "Mpps at IPv4",
            "of that without a capture",
            "lost by the capture",
        ],
    );
    for row in &report.through {
        grid.push([
            row.name.clone(),
            mpps(row.rate_pps),
            percent(row.share),
            or_none(row.loss.map(percent)),
        ]);
    }
    grid.note = "Counted by IPv4 of the receiving namespace (InReceives); the sender pays for the stack, so its \
                 rate is what gets through.";
    grid
}

/// A file.
pub(crate) fn file(offline: &Offline) -> Grid {
    let floor = offline
        .programs
        .iter()
        .find(|program| program.kind == "floor");
    let mut grid = Grid::new(
        format!(
            "A file of {} packets ({})",
            grouped(offline.packets),
            memory(offline.file_bytes)
        ),
        &[
            "program",
            "median s",
            "least s",
            "CPU s",
            "Mpps",
            "of the fastest peer",
            "times cat",
            "memory",
            "runs",
        ],
    );
    let is_ours = |name: &str| name.starts_with("capture");
    for program in &offline.programs {
        let peer = offline
            .programs
            .iter()
            .filter(|peer| {
                peer.kind == program.kind && !is_ours(&peer.name) && program.kind != "floor"
            })
            .map(|peer| peer.pps)
            .fold(0.0, f64::max);
        grid.push([
            program.name.clone(),
            format!("{:.2}", program.median_seconds),
            format!("{:.2}", program.least_seconds),
            format!("{:.2}", program.cpu_seconds),
            mpps(program.pps),
            if peer > 0.0 {
                times(program.pps / peer)
            } else {
                NONE.to_owned()
            },
            or_none(
                floor.map(|floor| times(program.median_seconds / floor.median_seconds.max(1e-3))),
            ),
            memory(program.resident_bytes),
            program.wall_seconds.len().to_string(),
        ]);
    }
    grid.note = "The file lies in memory; runs took turns. Records compare with records, packets with packets.";
    grid
}

/// The flow table.
pub(crate) fn flow_table(report: &Report) -> Grid {
    let mut grid = Grid::new(
        "The flow table alone, one core",
        &[
            "open connections",
            "in the table with churn",
            "with churn Mpps",
            "of the first",
            "look-ups Mpps",
            "of new ones Mpps",
            "SYN flood Mpps",
            "memory",
            "bytes each",
        ],
    );
    let first = report.flow_table.first().map_or(0.0, |row| row.churn_pps);
    for row in &report.flow_table {
        grid.push([
            grouped(row.flows.into()),
            grouped(row.live.into()),
            mpps(row.churn_pps),
            percent(row.churn_pps / first.max(1.0)),
            mpps(row.lookup_pps),
            mpps(row.insert_pps),
            mpps(row.flood_pps),
            memory(row.resident_bytes),
            format!("{:.0}", row.flow_bytes),
        ]);
    }
    grid.note = "Churn: of ten packets six belong to open connections in any order, three open one and one ends one, \
                 so that each second of packet time a tenth of them ends; ended ones stay in the table for 5 s. Memory is \
                 that of open ones.";
    grid
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn every_receiver_program_and_size_has_a_row() {
        let report = example::report();
        let text: String = tables(&report).iter().map(Grid::text).collect();
        for size in &report.live {
            for consumer in &size.consumers {
                assert!(text.contains(&consumer.name), "{}", consumer.name);
            }
        }
        for program in &report.offline.as_ref().unwrap().programs {
            assert!(text.contains(&program.name), "{}", program.name);
        }
        assert!(text.contains("1,000,000") && text.contains("nobody"));
    }

    #[test]
    fn ratios_are_those_to_the_ceiling_and_to_the_fastest_peer_of_the_kind() {
        let report = example::report();
        let rates = rates(&report.live[0]);
        assert_eq!(
            rates.rows[0][..4],
            ["capture: tap", "2.60", "1.33", "65.0 %"]
        );
        let file = file(report.offline.as_ref().unwrap());
        // 5 Mpps and 0.25 Mpps; cat takes a tenth of a second.
        assert_eq!(file.rows[1][5..7], ["20.0×", "10.0×"]);
    }

    #[test]
    fn sizes_say_what_frames_have_on_average() {
        let of = |frame_len: &str, mean_len| {
            frames(&Size {
                frame_len: frame_len.to_owned(),
                mean_len,
                consumers: Vec::new(),
            })
        };
        assert_eq!(of("64", 64.0), "64-byte frames");
        assert_eq!(of("1514", 789.0), "1514-byte frames (789 bytes on average)");
        assert_eq!(of("imix", 211.3), "IMIX (211 bytes on average)");
    }

    #[test]
    fn losses_are_told_by_cause() {
        let causes = causes(&example::report().live[0]);
        // Flat out is the worst: 40 % of the highest rate of 1.5 times it.
        assert_eq!(
            causes.rows[0],
            ["capture: tap", "3.90", "26.7 %", "ring 1,040,000"]
        );
    }

    #[test]
    fn peers_that_tell_no_latency_have_no_row_of_it() {
        let latency = latency(&example::report().live[0]);
        assert_eq!(latency.rows.len(), 2);
        assert_eq!(latency.rows[0][3], "3.50 ms");
    }
}
