//! Records through the writer: files, names, order, and what is counted.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use ::parquet::file::reader::{FileReader as _, SerializedFileReader};

use super::samples::{START, records};
use super::*;
use crate::flow::{ConnState, FlowRecord};
use crate::packet::{Span, Timestamp};

fn write(options: &FlowFileOptions, records: &[FlowRecord]) -> FlowFileSummary {
    write_by(2, options, records)
}

fn write_by(shards: usize, options: &FlowFileOptions, records: &[FlowRecord]) -> FlowFileSummary {
    let (file, sinks) = FlowFile::create(options, shards, IfaceNames::default()).unwrap();
    let share = records.len() / shards + 1;
    for (mut sink, part) in sinks.into_iter().zip(records.chunks(share)) {
        for record in part {
            sink.record(record.clone());
        }
    }
    file.finish()
}

/// All files below a directory, by their paths within it.
fn tree(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, root, found);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, folder, &mut found);
    found.sort();
    found
}

fn counted(summary: &FlowFileSummary) -> u64 {
    summary.written + summary.overflowed + summary.failed + summary.skipped
}

fn options(path: PathBuf, format: FlowFormat) -> FlowFileOptions {
    FlowFileOptions::new(path, format)
}

#[test]
fn only_wanted_states_are_written_and_the_others_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.jsonl");
    let all = records(1000);
    let summary = write(
        &FlowFileOptions {
            states: States::NONE.and(ConnState::S0).and(ConnState::Rej),
            ..options(path.clone(), FlowFormat::JsonLines)
        },
        &all,
    );
    let wanted = |record: &&FlowRecord| matches!(record.conn_state, ConnState::S0 | ConnState::Rej);
    assert_eq!(summary.written, all.iter().filter(wanted).count() as u64);
    assert_eq!(counted(&summary), 1000);
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(text.lines().count() as u64, summary.written);
    for line in text.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(["S0", "REJ"].contains(&record["conn_state"].as_str().unwrap()));
    }
}

#[test]
fn the_first_few_are_written_in_order_in_any_format() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.csv");
    let all = records(3000);
    let summary = write(
        &FlowFileOptions {
            order: Some(Order {
                by: By::Packets,
                top: Some(10),
            }),
            ..options(path.clone(), FlowFormat::Csv)
        },
        &all,
    );
    assert_eq!((summary.written, summary.skipped), (10, 2990));
    let mut slow: Vec<_> = all.iter().collect();
    let packets = |r: &FlowRecord| r.initiator.counts.packets + r.responder.counts.packets;
    slow.sort_by_key(|r| (std::cmp::Reverse(packets(r)), r.first_ts));
    let text = fs::read_to_string(path).unwrap();
    let ids = text
        .lines()
        .skip(1)
        .map(|line| line.split(',').nth(4).unwrap());
    let expected: Vec<_> = slow.iter().take(10).map(|r| r.id.0.to_string()).collect();
    assert_eq!(ids.collect::<Vec<_>>(), expected);
}

#[test]
fn hours_have_directories_and_every_record_is_in_that_of_its_start() {
    const HOUR: u64 = 3_600_000_000_000;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("records");
    let mut all = records(2000);
    // Seven hours, in disorder: more than may be open at once.
    for (n, record) in all.iter_mut().enumerate() {
        let shift = Span((n as u64 * 7919 % 7) * HOUR);
        record.first_ts = record.first_ts.after(shift);
        record.last_ts = record.last_ts.after(shift);
    }
    let summary = write(
        &FlowFileOptions {
            layout: Layout::Hours,
            ..options(root.clone(), FlowFormat::Csv)
        },
        &all,
    );
    assert!(summary.error.is_none(), "{summary:?}");
    assert_eq!(summary.written, 2000);
    let mut found = Vec::new();
    for path in tree(&root) {
        let text = fs::read_to_string(root.join(&path)).unwrap();
        for line in text.lines().skip(1) {
            let fields: Vec<_> = line.split(',').collect();
            let (date, time) = fields[0].split_once('T').unwrap();
            let directory = format!("date={date}/hour={}/flows-", &time[..2]);
            assert!(path.starts_with(&directory), "{path} {}", fields[0]);
            assert_eq!(Path::new(&path).extension().unwrap(), "csv");
            found.push(fields[4].parse::<u64>().unwrap());
        }
    }
    found.sort_unstable();
    let expected: Vec<_> = all.iter().map(|record| record.id.0).collect();
    assert_eq!(found, expected);
}

#[test]
fn an_hour_that_is_over_gets_its_name_while_others_are_written() {
    let folder = tempfile::tempdir().unwrap();
    let options = FlowFileOptions {
        layout: Layout::Hours,
        ..options(folder.path().to_owned(), FlowFormat::JsonLines)
    };
    let mut target = target::Target::create(&options).unwrap();
    let mut record = records(1).remove(0);
    let names = encoder::Names(&[]);
    for minutes in [0, 20, 100, 150, 20] {
        record.first_ts = Timestamp(START.0 + minutes * 60_000_000_000);
        record.last_ts = record.first_ts;
        target
            .records(std::slice::from_ref(&record), names)
            .unwrap();
    }
    // 22:13 and 22:33 are over at 00:30; what comes later has a file of its own.
    let partial = |path: &&String| path.ends_with(".partial");
    let names_then = tree(folder.path());
    assert_eq!(names_then.len(), 4, "{names_then:?}");
    assert_eq!(
        names_then.iter().filter(partial).count(),
        2,
        "{names_then:?}"
    );
    target.finish(names, 0).unwrap();
    assert_eq!(tree(folder.path()).iter().filter(partial).count(), 0);
}

#[test]
fn a_full_disk_is_counted_and_no_file_is_taken_for_complete() {
    for format in [FlowFormat::Parquet, FlowFormat::Csv, FlowFormat::Table] {
        let summary = write(
            &FlowFileOptions {
                overflow: Overflow::Drop,
                ..options("/dev/full".into(), format)
            },
            &records(2000),
        );
        let error = summary.error.as_ref().unwrap();
        assert_eq!(error.kind(), std::io::ErrorKind::StorageFull, "{format:?}");
        assert_eq!(summary.written, 0, "{format:?}");
        assert_eq!(counted(&summary), 2000, "{format:?}");
    }
}

/// One shard's records are encoded by the thread that writes, those of several by the shards.
#[test]
fn whoever_encodes_records_they_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let all = records(3000);
    for format in [
        FlowFormat::Csv,
        FlowFormat::JsonLines,
        FlowFormat::ZeekJson,
        FlowFormat::Parquet,
    ] {
        let [alone, shared] = [1, 3].map(|shards| {
            let path = folder.path().join(format!("{format:?}-{shards}"));
            let summary = write_by(shards, &options(path.clone(), format), &all);
            assert_eq!(summary.written, 3000, "{format:?}");
            let mut rows: Vec<_> = if format == FlowFormat::Parquet {
                let file = fs::File::open(path).unwrap();
                let reader = SerializedFileReader::new(file).unwrap();
                let rows = reader.get_row_iter(None).unwrap();
                rows.map(|row| row.unwrap().to_string()).collect()
            } else {
                let text = fs::read_to_string(path).unwrap();
                text.lines().map(str::to_owned).collect()
            };
            rows.sort();
            rows
        });
        assert!(alone.len() >= 3000);
        assert!(alone == shared, "{format:?}");
    }
}

#[test]
fn a_reader_that_stands_still_costs_records_until_there_is_time() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RWXU).unwrap();
    let reader = {
        let path = path.clone();
        std::thread::spawn(move || fs::File::open(path).unwrap())
    };
    let options = FlowFileOptions {
        overflow: Overflow::Drop,
        ..options(path, FlowFormat::Csv)
    };
    let (file, sinks) = FlowFile::create(&options, 1, IfaceNames::default()).unwrap();
    let mut pipe = reader.join().unwrap();
    let sample = records(1000);
    let mut sink = sinks.into_iter().next().unwrap();
    // More than the pipe and the queue hold; this would not end if anybody waited.
    let some = || sample.iter().cloned().cycle().take(60_000);
    some().for_each(|record| sink.record(record));
    sink.flush();
    let counters = file.counters();
    let lost = counters
        .overflowed
        .load(std::sync::atomic::Ordering::Relaxed);
    assert!(lost > 0);
    let reader = std::thread::spawn(move || {
        let mut text = String::new();
        pipe.read_to_string(&mut text).unwrap();
        text.lines().count() as u64
    });
    sink.take_time();
    some().for_each(|record| sink.record(record));
    drop(sink);
    let summary = file.finish();
    assert_eq!(summary.overflowed, lost);
    assert_eq!(counted(&summary), 120_000);
    assert_eq!(reader.join().unwrap(), summary.written + 1);
}

#[test]
fn a_run_that_does_not_end_well_leaves_what_it_wrote_under_another_name() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(folder.path().join("a.csv"), FlowFormat::Csv);
    let (file, sinks) = FlowFile::create(&options, 1, IfaceNames::default()).unwrap();
    drop(sinks);
    drop(file);
    assert_eq!(tree(folder.path()), [""; 0], "nothing was written");
    let (file, sinks) = FlowFile::create(&options, 1, IfaceNames::default()).unwrap();
    let counters = file.counters();
    for mut sink in sinks {
        for record in records(10) {
            sink.record(record);
        }
    }
    while counters.written.load(std::sync::atomic::Ordering::Relaxed) < 10 {
        std::thread::yield_now();
    }
    drop(file);
    assert_eq!(tree(folder.path()), ["a.csv.partial"]);
    let text = fs::read_to_string(folder.path().join("a.csv.partial")).unwrap();
    assert_eq!(text.lines().count(), 11);
}
