//! Verdicts on measurements that are made up.

use super::super::{DeviceLosses, Losses};
use super::*;
use crate::shard::Latency;

fn step(step: Step, packets: u64, busy: f64, softirq: f64) -> Measured {
    Measured {
        step,
        secs: 2.0,
        packets,
        bytes: packets * 100,
        peak: 0.0,
        losses: Losses::default(),
        device: DeviceLosses {
            received: packets,
            ..DeviceLosses::default()
        },
        worker_packets: vec![packets],
        written_bytes: 0,
        written_packets: 0,
        threads: vec![ThreadShare {
            name: "worker-0".to_owned(),
            busy,
            waited: 0.0,
        }],
        cpus: vec![CpuShare {
            cpu: 1,
            softirq,
            busy: softirq,
            steal: 0.0,
        }],
        programs: Vec::new(),
        latency: Latency::new(),
    }
}

fn show(rate: f64) -> String {
    format!("{rate:.0}")
}

fn judged(steps: &[Measured], disk: Option<&DiskSpeed>) -> Verdict {
    judge(steps, disk, &show)
}

#[test]
fn without_losses_the_least_room_breaks_first() {
    // 1.2 million a second, a third of a worker, half of a CPU.
    let steps = [
        step(Step::Count, 2_400_000, 0.01, 0.3),
        step(Step::Track, 2_400_000, 0.34, 0.5),
    ];
    let verdict = judged(&steps, None);
    assert_eq!(verdict.first, Some(Place::Softirq));
    let rooms: Vec<_> = verdict
        .findings
        .iter()
        .map(|found| (found.place, found.room.unwrap().round()))
        .collect();
    assert_eq!(
        rooms,
        [(Place::Softirq, 2_400_000.0), (Place::Worker, 3_529_412.0)]
    );
    assert_eq!(
        verdict.findings[1].words,
        "at 1200000 pps worker-0 was 34 % busy: about 3529412 pps by extrapolation"
    );
    assert!(
        verdict
            .words
            .contains("softirq would break first, at about 2400000 pps"),
        "{}",
        verdict.words
    );
}

#[test]
fn who_waits_for_a_cpu_has_less_room() {
    let mut crowded = step(Step::Track, 2_000_000, 0.25, 0.0);
    crowded.threads[0].waited = 0.25;
    let verdict = judged(&[crowded], None);
    assert_eq!(verdict.findings[0].room, Some(2_000_000.0));
    let words = "waited for a CPU for 25 % of the time: about 2000000 pps by extrapolation as things are, 4000000 pps";
    assert!(verdict.findings[0].words.contains(words), "{verdict:?}");
}

#[test]
fn a_slow_disk_breaks_before_a_busy_worker() {
    let mut write = step(Step::Write, 2_000_000, 0.5, 0.1);
    write.written_packets = 1_000_000;
    write.written_bytes = 100_000_000;
    let disk = DiskSpeed {
        bytes: 120_000_000,
        secs: 1.0,
    };
    let verdict = judged(&[write], Some(&disk));
    assert_eq!(verdict.first, Some(Place::Disk));
    assert_eq!(verdict.findings[0].room, Some(1_200_000.0));
}

#[test]
fn too_little_traffic_is_said_to_be_that() {
    let idle = [
        step(Step::Count, 100, 0.04, 0.0),
        step(Step::Track, 100, 0.05, 0.01),
    ];
    let verdict = judged(&idle, None);
    assert_eq!((verdict.first, verdict.findings.len()), (None, 0));
    assert!(
        verdict.words.contains("too little traffic"),
        "{}",
        verdict.words
    );
    // Enough packets, but nobody was busy.
    let light = [
        step(Step::Count, 20_000, 0.04, 0.0),
        step(Step::Track, 20_000, 0.06, 0.01),
    ];
    let verdict = judged(&light, None);
    assert_eq!(verdict.first, None);
    // Few packets, but something else kept a CPU busy.
    let busy = [step(Step::Track, 999, 0.5, 0.5)];
    assert_eq!(judged(&busy, None).first, None);
    assert_eq!(judged(&[], None).first, None);
}

#[test]
fn a_full_ring_is_the_workers_doing_or_that_of_a_burst() {
    let mut full = step(Step::Track, 1_000_000, 0.97, 0.2);
    full.losses.ring_full = 5;
    let verdict = judged(
        &[step(Step::Count, 1_000_000, 0.0, 0.2), full.clone()],
        None,
    );
    assert_eq!(verdict.first, Some(Place::Worker));
    assert!(
        verdict.words.contains("more --workers (now 1)"),
        "{}",
        verdict.words
    );
    full.threads[0].busy = 0.4;
    full.peak = 9e6;
    let verdict = judged(&[full.clone()], None);
    assert_eq!(verdict.first, Some(Place::Ring));
    assert!(
        verdict.words.contains("bursts (up to 9000000 pps)"),
        "{}",
        verdict.words
    );
    // It would have gone on, but had no CPU.
    full.threads[0].waited = 0.55;
    let verdict = judged(&[full], None);
    assert_eq!(verdict.first, Some(Place::Worker));
    assert!(
        verdict.words.contains("wait for a CPU for 55 %"),
        "{}",
        verdict.words
    );
}

#[test]
fn what_is_lost_first_on_the_way_is_named_first() {
    let mut all = step(Step::Write, 1_000_000, 0.5, 0.95);
    all.device.missed = 7;
    all.device.of_driver = vec![("rx_fifo".to_owned(), 7)];
    all.losses.ring_full = 2;
    all.losses.disk_slow = 3;
    let verdict = judged(&[all], None);
    let places: Vec<_> = verdict
        .findings
        .iter()
        .map(|found| (found.place, found.lost))
        .collect();
    assert_eq!(
        places,
        [(Place::Nic, 7), (Place::Ring, 2), (Place::Disk, 3)]
    );
    assert!(verdict.words.contains("rx_fifo +7"), "{}", verdict.words);
    assert!(
        verdict.words.contains("CPU 1 spent 95 %"),
        "{}",
        verdict.words
    );
}

#[test]
fn packets_for_nobody_here_are_no_losses() {
    let mut few = step(Step::Track, 1_000_000, 0.5, 0.2);
    few.device.dropped = 900;
    assert_eq!(judged(&[few.clone()], None).first, Some(Place::Worker));
    few.device.dropped = 1_100;
    assert_eq!(judged(&[few], None).first, Some(Place::Nic));
}
