//! A report with a bit of everything, in round numbers, for tests.

use super::{
    Consumer, Latency, Machine, Offline, Reader, Report, Run, Size, Table, Through, Trial, goals,
};

fn trial(rate: f64, lost: u64) -> Trial {
    Trial {
        offered_pps: Some(rate),
        sent_pps: rate,
        seconds: 1.0,
        sent: rate as u64,
        received: rate as u64 - lost,
        lost: [("ring".to_owned(), lost)].into(),
        cpu_ns: Some(250.0),
        softirq_ns: Some(180.0),
        resident_bytes: Some(70 << 20),
        latency: None,
        stolen_seconds: 0.01,
    }
}

fn consumer(id: &str, name: &str, highest: f64) -> Consumer {
    Consumer {
        id: id.to_owned(),
        name: name.to_owned(),
        ceiling_pps: 4e6,
        highest_pps: Some(highest),
        highest: Some(trial(highest, 0)),
        half: Some(Trial {
            latency: name.starts_with("capture").then_some(Latency {
                p50_ns: 300_000,
                p99_ns: 3_500_000,
                p999_ns: 7_000_000,
                max_ns: 9_000_000,
            }),
            ..trial(highest / 2.0, 0)
        }),
        trials: vec![
            Trial {
                offered_pps: None,
                ..trial(highest * 1.5, (highest * 0.4) as u64)
            },
            trial(highest * 1.2, (highest * 0.1) as u64),
            trial(highest * 0.9, 0),
        ],
    }
}

fn reader(id: &str, name: &str, kind: &str, seconds: f64) -> Reader {
    Reader {
        id: id.to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        wall_seconds: vec![seconds, seconds * 1.1, seconds * 0.9],
        median_seconds: seconds,
        least_seconds: seconds * 0.9,
        cpu_seconds: seconds * 1.5,
        pps: 5e6 / seconds,
        resident_bytes: 120 << 20,
        output_bytes: Some(27_000_000),
    }
}

fn through(id: &str, name: &str, share: f64) -> Through {
    Through {
        id: id.to_owned(),
        name: name.to_owned(),
        rate_pps: 2e6 * share,
        share,
        loss: (id != "nobody").then_some(0.0),
        runs_pps: vec![2e6 * share; 3],
    }
}

fn table(flows: u32, share: f64) -> Table {
    Table {
        flows,
        live: flows + flows / 2,
        churn_pps: 2e6 * share,
        lookup_pps: 3e6 * share,
        insert_pps: 2.5e6 * share,
        flood_pps: 2.2e6,
        expiry_ns: 90.0,
        resident_bytes: u64::from(flows) * 310,
        flow_bytes: 207.0,
    }
}

/// The report.
pub(crate) fn report() -> Report {
    let machine = Machine {
        cpu: "Example <CPU>".to_owned(),
        cores: 2,
        memory_bytes: 8 << 30,
        kernel: "6.18.0".to_owned(),
        system: "Example Linux".to_owned(),
        governor: None,
        is_virtual: true,
        file_system: Some("ext4".to_owned()),
        programs: [("tcpdump".to_owned(), "4.99.3".to_owned())].into(),
    };
    let run = Run {
        date: "2026-01-02T03:04:05Z".to_owned(),
        revision: Some("0123456789ab".to_owned()),
        command: "cargo xtask bench".to_owned(),
        seconds: 61.0,
        stolen_seconds: 0.5,
        load: 0.1,
        quick: true,
        sender_cpu: 0,
        worker_cpu: 1,
        rate_pps: None,
        flows: 10_000,
        session_frames: 12,
        buffer_bytes: 64 << 20,
    };
    let mut report = Report {
        live: vec![Size {
            frame_len: "64".to_owned(),
            mean_len: 64.0,
            consumers: vec![
                consumer("tap", "capture: tap", 2.6e6),
                consumer("tap-write", "capture: tap, written", 2.4e6),
                consumer("tcpdump", "tcpdump", 0.7e6),
                consumer("dumpcap", "dumpcap", 0.5e6),
            ],
        }],
        through: vec![
            through("nobody", "nobody", 1.0),
            through("mirror", "capture: mirror", 0.85),
            through("tcpdump", "tcpdump", 0.62),
        ],
        offline: Some(Offline {
            file: "sessions.pcap".to_owned(),
            file_bytes: 700_000_000,
            packets: 5_000_000,
            connections: Some(400_000),
            programs: vec![
                reader("cat", "cat", "floor", 0.1),
                reader("flows-parquet", "capture flows, Parquet", "records", 1.0),
                reader("argus", "argus", "records", 20.0),
                reader("tshark", "tshark", "packets", 80.0),
            ],
        }),
        flow_table: vec![table(10_000, 1.0), table(1_000_000, 0.8)],
        remarks: vec!["softflowd is not installed".to_owned()],
        ..Report::new(machine, run)
    };
    report.goals = goals::goals(&report);
    report
}
