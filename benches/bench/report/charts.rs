//! The pictures of a report, drawn by what draws those of captures.

use capture::plot::chart::{Across, Chart, Color, Panel, Series, Shape, Unit};
use capture::plot::picture;
use capture::plot::ranking::{self, Bar, Group, Ranking};

use super::tables::frames;
use super::words::{grouped, memory, mpps, percent, time};
use super::{Consumer, Offline, Report, Size, Through};

/// One color for each receiver, the same in all pictures.
fn color(id: &str) -> Color {
    match id {
        "tap" | "tap-write" => Color::There,
        "af-xdp" | "af-xdp-write" => Color::Selective,
        "mirror" | "mirror-write" => Color::Fourth,
        "cutoff" | "tap-all" => Color::Sixth,
        "tcpdump" => Color::Back,
        "dumpcap" => Color::Trouble,
        "netsniff-ng" => Color::Fifth,
        _ => Color::Plain,
    }
}

/// Ours in one color, others in another, what is there to compare with in a third.
fn side(name: &str) -> Color {
    if name.starts_with("capture") {
        Color::There
    } else {
        Color::Back
    }
}

/// Loss over rate, of those that write and of those that do not.
pub(crate) fn loss(size: &Size, id: &'static str) -> String {
    let (written, tracked): (Vec<_>, Vec<_>) = size
        .consumers
        .iter()
        .partition(|consumer| is_written(&consumer.id));
    let panels: Vec<_> = [
        ("tracked, nothing written", tracked),
        ("written to the disk", written),
    ]
    .into_iter()
    .filter(|(_, consumers)| !consumers.is_empty())
    .map(|(title, consumers)| loss_panel(title, &consumers))
    .collect();
    let rates = size.consumers.iter().flat_map(points).map(|point| point.0);
    picture(&Chart {
        id,
        title: "Loss against rate".to_owned(),
        subtitle: format!(
            "{}; each dot is a trial: what was sent, and the part of it that was lost",
            frames(size)
        ),
        across: Across::Rate(rates.fold(0.0, f64::max) * 1.02),
        panels,
    })
}

/// Whether a receiver writes what it gets.
pub(crate) fn is_written(id: &str) -> bool {
    id.ends_with("-write") || matches!(id, "tap-all" | "tcpdump" | "dumpcap" | "netsniff-ng")
}

fn loss_panel(title: &str, consumers: &[&Consumer]) -> Panel {
    let series: Vec<_> = consumers
        .iter()
        .map(|consumer| Series {
            name: consumer.name.clone(),
            color: color(&consumer.id),
            shape: Shape::Marked(points(consumer)),
        })
        .collect();
    let losses = consumers
        .iter()
        .flat_map(|consumer| points(consumer))
        .map(|point| point.1);
    Panel {
        title: title.to_owned(),
        unit: Unit::Share,
        top: losses.fold(0.02, f64::max).min(1.0),
        series,
    }
}

/// Rate and loss of each trial, by rate. Where a rate was tried twice because something was lost, the
/// second trial decides, as it does in the search.
fn points(consumer: &Consumer) -> Vec<(f64, f64)> {
    let trials = [&consumer.half, &consumer.highest].into_iter().flatten();
    let mut points: Vec<(Option<f64>, f64, f64)> = Vec::new();
    for trial in consumer.trials.iter().chain(trials) {
        let place = points
            .iter_mut()
            .find(|point| point.0.is_some() && point.0 == trial.offered_pps);
        match place {
            Some(point) if trial.loss() < point.2 => {
                *point = (trial.offered_pps, trial.sent_pps, trial.loss());
            }
            Some(_) => {}
            None => points.push((trial.offered_pps, trial.sent_pps, trial.loss())),
        }
    }
    let mut points: Vec<_> = points
        .into_iter()
        .map(|(_, sent, loss)| (sent, loss))
        .collect();
    points.sort_by(|left, right| left.0.total_cmp(&right.0));
    points
}

/// Highest rates without loss.
pub(crate) fn rates(report: &Report) -> String {
    let groups = report.live.iter().map(|size| {
        let ceiling = median(
            size.consumers
                .iter()
                .map(|consumer| consumer.ceiling_pps)
                .collect(),
        );
        let ceiling = Bar {
            name: "count and drop (the ceiling)".to_owned(),
            value: ceiling,
            text: format!("{} Mpps", mpps(ceiling)),
            color: Color::Plain,
        };
        let bars = size.consumers.iter().map(|consumer| {
            let rate = consumer.highest_pps.unwrap_or(0.0);
            Bar {
                name: consumer.name.clone(),
                value: rate,
                text: match consumer.highest_pps {
                    Some(rate) => format!(
                        "{} Mpps, {} of the ceiling",
                        mpps(rate),
                        percent(rate / consumer.ceiling_pps.max(1.0))
                    ),
                    None => "loses at every rate that was tried".to_owned(),
                },
                color: side(&consumer.name),
            }
        });
        Group {
            name: frames(size),
            bars: [ceiling].into_iter().chain(bars).collect(),
        }
    });
    ranking::picture(&Ranking {
        title: "Highest rate without loss".to_owned(),
        subtitle: format!(
            "{} connections at a time, one worker",
            grouped(report.run.flows.into())
        ),
        groups: groups.collect(),
    })
}

/// The one in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or_default()
}

/// How long packets wait; `None` if nobody tells.
pub(crate) fn latency(size: &Size) -> Option<String> {
    let groups: Vec<_> = size
        .consumers
        .iter()
        .filter_map(|consumer| {
            let half = consumer.half.as_ref()?;
            let latency = half.latency?;
            let bars = [
                ("p50", latency.p50_ns),
                ("p99", latency.p99_ns),
                ("p99.9", latency.p999_ns),
            ];
            let bars = bars.map(|(name, ns)| Bar {
                name: name.to_owned(),
                value: ns as f64,
                text: time(ns),
                color: color(&consumer.id),
            });
            Some(Group {
                name: format!("{} at {} Mpps", consumer.name, mpps(half.sent_pps)),
                bars: bars.into(),
            })
        })
        .collect();
    (!groups.is_empty()).then(|| {
        ranking::picture(&Ranking {
            title: "From the kernel's timestamp to the worker".to_owned(),
            subtitle: format!("{}, at half of the highest rate without loss", frames(size)),
            groups,
        })
    })
}

/// What the stack gets.
pub(crate) fn through(rows: &[Through]) -> String {
    let bars = rows.iter().map(|row| Bar {
        name: row.name.clone(),
        value: row.rate_pps,
        text: format!("{} Mpps, {}", mpps(row.rate_pps), percent(row.share)),
        color: if row.id == "nobody" {
            Color::Plain
        } else {
            side(&row.name)
        },
    });
    ranking::picture(&Ranking {
        title: "What the stack still gets while somebody listens".to_owned(),
        subtitle: "64-byte frames as fast as they go, counted by IPv4".to_owned(),
        groups: vec![Group {
            name: String::new(),
            bars: bars.collect(),
        }],
    })
}

/// Programs that read a file.
pub(crate) fn file(offline: &Offline) -> String {
    let group = |kind: &str, name: &str| Group {
        name: name.to_owned(),
        bars: offline
            .programs
            .iter()
            .filter(|program| program.kind == kind)
            .map(|program| Bar {
                name: program.name.clone(),
                value: program.pps,
                text: format!(
                    "{} Mpps, {:.2} s, {}",
                    mpps(program.pps),
                    program.median_seconds,
                    memory(program.resident_bytes)
                ),
                color: side(&program.name),
            })
            .collect(),
    };
    let groups = [
        group("records", "connection records"),
        group("packets", "packets as text"),
    ];
    ranking::picture(&Ranking {
        title: "A file, from the first packet to the last".to_owned(),
        subtitle: format!(
            "{} packets, {}, median of the runs; memory is the most that was resident",
            grouped(offline.packets),
            memory(offline.file_bytes)
        ),
        groups: groups
            .into_iter()
            .filter(|group| !group.bars.is_empty())
            .collect(),
    })
}

/// Rate over the number of connections.
pub(crate) fn flow_table(report: &Report, id: &'static str) -> String {
    let flows = || report.flow_table.iter().map(|row| f64::from(row.flows));
    let from = flows().fold(f64::INFINITY, f64::min).max(1.0);
    let line = |name: &str, color, rate: fn(&super::Table) -> f64| Series {
        name: name.to_owned(),
        color,
        shape: Shape::Marked(
            report
                .flow_table
                .iter()
                .map(|row| (f64::from(row.flows), rate(row)))
                .collect(),
        ),
    };
    let series = vec![
        line(
            "SYNs of a flood into the full table",
            Color::Trouble,
            |row| row.flood_pps,
        ),
        line("SYNs of new connections", Color::Back, |row| row.insert_pps),
        line("packets of open connections", Color::Selective, |row| {
            row.lookup_pps
        }),
        line("with churn", Color::There, |row| row.churn_pps),
    ];
    let rates = report
        .flow_table
        .iter()
        .flat_map(|row| [row.churn_pps, row.lookup_pps, row.insert_pps, row.flood_pps]);
    picture(&Chart {
        id,
        title: "The flow table by its size".to_owned(),
        subtitle: "one core; packets of connections in any order".to_owned(),
        across: Across::Powers {
            from,
            to: flows().fold(from * 10.0, f64::max),
            of: "open connections",
        },
        panels: vec![Panel {
            title: String::new(),
            unit: Unit::CountPerSecond,
            top: rates.fold(0.0, f64::max),
            series,
        }],
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Trial, example};
    use super::*;

    #[test]
    fn a_rate_that_held_the_second_time_counts_as_held() {
        let mut consumer = example::report().live[0].consumers[0].clone();
        let again = |loss| Trial {
            lost: [("ring".to_owned(), loss)].into(),
            ..consumer.trials[1].clone()
        };
        let trials = [again(500), again(0)];
        let offered = trials[0].offered_pps.unwrap();
        consumer.trials = trials.into();
        let found = points(&consumer);
        let at: Vec<_> = found
            .iter()
            .filter(|point| (point.0 - offered).abs() < 1.0)
            .collect();
        assert_eq!(at, [&(offered, 0.0)]);
    }

    #[test]
    fn pictures_name_everybody_and_have_no_broken_numbers() {
        let report = example::report();
        let size = &report.live[0];
        let all = [
            loss(size, "loss"),
            rates(&report),
            latency(size).unwrap(),
            through(&report.through),
            file(report.offline.as_ref().unwrap()),
            flow_table(&report, "table"),
        ];
        for svg in &all {
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
            assert!(
                !svg.contains("NaN") && !svg.contains("\"inf") && !svg.contains(" inf"),
                "{svg}"
            );
        }
        for name in ["capture: tap", "tcpdump", "dumpcap"] {
            assert!(all[0].contains(name) && all[1].contains(name), "{name}");
        }
    }
}
