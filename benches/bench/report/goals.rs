//! The numbers that are to be reached, and whether they are: each a ratio within one run on one machine,
//! but for those that a user notices as they are.

use super::words::{mpps, percent, time, times};
use super::{Goal, Offline, Report};

/// Size of the frames that the goals speak of.
const SIZE: &str = "64";
/// Packets of the shortest file that they speak of: of a shorter one, programs have hardly begun when it ends.
const FILE_PACKETS: u64 = 4_800_000;

/// Holds a report against the goals.
pub(crate) fn goals(report: &Report) -> Vec<Goal> {
    let live = |id| report.consumer(SIZE, id);
    let of_ceiling = |id| {
        let consumer = live(id)?;
        ratio(consumer.highest_pps?, consumer.ceiling_pps)
    };
    let highest = |id| live(id)?.highest_pps;
    let through = |id: &str| {
        let mut all = report.through.iter();
        all.find(|row| row.id == id).map(|row| row.share)
    };
    let is_long = |offline: &Offline| offline.packets >= FILE_PACKETS;
    let file = |id| {
        report.offline.as_ref().filter(|offline| is_long(offline))?;
        report.reader(id).map(|program| program.pps)
    };
    let table = |flows| {
        let row = report.flow_table.iter().find(|row| row.flows == flows)?;
        let few = report.flow_table.iter().find(|row| row.flows == 10_000)?;
        ratio(row.churn_pps, few.churn_pps)
    };
    let against = |ours: Option<f64>, theirs: Option<f64>| ratio(ours?, theirs?);
    let p99 = ["tap", "tap-write"]
        .into_iter()
        .filter_map(|id| Some(live(id)?.half.as_ref()?.latency?.p99_ns))
        .max();

    let mut mirror = at_least(
        "mirror mode, tracking: what the stack still gets of its rate without a capture",
        0.80,
        through("mirror"),
        percent,
    );
    if let (Some(found), Some(tcpdump)) = (&mut mirror.found, through("tcpdump")) {
        *found = format!("{found} (tcpdump {})", percent(tcpdump));
    }
    vec![
        at_least(
            "64-byte frames, tap, tracked and written, no loss: against dumpcap",
            4.0,
            against(highest("tap-write"), highest("dumpcap")),
            times,
        ),
        at_least(
            "64-byte frames, tap, tracked and written, no loss: of count and drop",
            0.60,
            of_ceiling("tap-write"),
            percent,
        ),
        at_least(
            "64-byte frames, tap, tracked, no loss: of count and drop",
            0.70,
            of_ceiling("tap"),
            percent,
        ),
        mirror,
        at_least(
            "a file to connection records in Parquet",
            10e6,
            file("flows-parquet"),
            |rate| format!("{} Mpps", mpps(rate)),
        ),
        at_least(
            "the same against argus",
            25.0,
            against(file("flows-parquet"), file("argus")),
            times,
        ),
        at_least(
            "flow table with a million connections: of the rate with ten thousand",
            0.75,
            table(1_000_000),
            percent,
        ),
        at_least(
            "flow table with ten million connections: of the rate with ten thousand",
            0.50,
            table(10_000_000),
            percent,
        ),
        Goal {
            what: "kernel to worker in tap mode at half the highest rate, 64-byte frames, p99"
                .to_owned(),
            wanted: "at most 5 ms".to_owned(),
            found: p99.map(time),
            met: p99.map(|ns| ns <= 5_000_000),
        },
    ]
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

fn at_least(what: &str, wanted: f64, found: Option<f64>, text: impl Fn(f64) -> String) -> Goal {
    Goal {
        what: what.to_owned(),
        wanted: format!("at least {}", text(wanted)),
        found: found.map(&text),
        met: found.map(|found| found >= wanted),
    }
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::*;

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        let goals = goals(&Report::default());
        assert_eq!(goals.len(), 9);
        assert!(
            goals
                .iter()
                .all(|goal| goal.met.is_none() && goal.found.is_none())
        );
    }

    #[test]
    fn goals_are_met_or_missed_by_the_numbers_of_the_report() {
        let mut report = example::report();
        let met =
            |report: &Report| -> Vec<_> { goals(report).iter().map(|goal| goal.met).collect() };
        // The example: tap-write 2.4 of 4.0 Mpps, dumpcap 0.5; tap 2.6 of 4.0; mirror 85 %; Parquet 5 Mpps,
        // argus 0.25; a million at 80 %, ten million not measured; p99 3.5 ms.
        let [yes, no] = [Some(true), Some(false)];
        assert_eq!(met(&report), [yes, yes, no, yes, no, no, yes, None, yes]);
        report.live[0].consumers[1].highest_pps = Some(1.9e6);
        assert_eq!(met(&report)[..2], [no, no]);
        report.offline.as_mut().unwrap().packets = 500_000;
        assert_eq!(met(&report)[4..6], [None, None]);
    }

    #[test]
    fn numbers_are_told_as_people_read_them() {
        let told: Vec<_> = goals(&example::report())
            .into_iter()
            .map(|goal| (goal.wanted, goal.found.unwrap_or_default()))
            .collect();
        assert_eq!(told[0], ("at least 4.00×".to_owned(), "4.80×".to_owned()));
        assert_eq!(told[3].1, "85.0 % (tcpdump 62.0 %)");
        assert_eq!(
            told[4],
            ("at least 10.0 Mpps".to_owned(), "5.00 Mpps".to_owned())
        );
        assert_eq!(told[8], ("at most 5 ms".to_owned(), "3.50 ms".to_owned()));
    }
}
