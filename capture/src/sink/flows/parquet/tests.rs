//! What was written, read again by the `parquet` crate's own reader.

use bytes::Bytes;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::Field;

use super::super::samples::records;
use super::super::value::Value;
use super::*;
use crate::flow::TcpSide;

fn names() -> Vec<String> {
    vec!["eth0".to_owned(), String::new()]
}

fn written(batches: &[&[FlowRecord]]) -> Vec<u8> {
    let names = names();
    let mut encoder = Parquet::new().unwrap();
    let mut out = Vec::new();
    encoder.begin(&mut out).unwrap();
    for batch in batches {
        encoder.records(batch, Names(&names), &mut out).unwrap();
    }
    encoder.finish(Names(&names), 0, &mut out).unwrap();
    out
}

/// What the reader must give for a value that CSV prints.
fn expected(column: &Column, value: &Value<'_>) -> String {
    let mut text = Vec::new();
    value.write(&mut text);
    let text = String::from_utf8(text).unwrap();
    match value {
        Value::Missing => "null".to_owned(),
        _ if column.kind == ColumnKind::Text => format!("\"{text}\""),
        _ => text,
    }
}

fn check(batches: &[&[FlowRecord]]) {
    let names = names();
    let file = written(batches);
    let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
    let mut rows = reader.get_row_iter(None).unwrap();
    for record in batches.iter().copied().flatten() {
        let row = rows.next().unwrap().unwrap();
        for ((name, field), column) in row.get_column_iter().zip(COLUMNS) {
            assert_eq!(name, column.name);
            let value = column.value(record, Names(&names).of(record.iface));
            let expected = match value {
                // The reader gives times in nanoseconds as they are.
                Value::Time(ts) => ts.0.to_string(),
                ref value => expected(column, value),
            };
            assert_eq!(field.to_string(), expected, "{name} of {}", record.id.0);
        }
    }
    assert!(rows.next().is_none());
}

#[test]
fn every_value_is_read_as_csv_prints_it() {
    check(&[&records(3000)]);
}

#[test]
fn columns_without_values_and_files_without_rows_are_read() {
    let udp: Vec<_> = records(400)
        .into_iter()
        .filter(|record| record.protocol == 17)
        .collect();
    check(&[&udp]);
    check(&[&records(1)]);
    check(&[]);
}

#[test]
fn connections_without_trouble_have_zeros_and_others_still_have_none() {
    let mut quiet = records(700);
    for record in &mut quiet {
        for side in [&mut record.initiator, &mut record.responder] {
            let TcpSide {
                flags, state, rtt, ..
            } = side.tcp;
            side.tcp = TcpSide {
                flags,
                state,
                rtt,
                ..TcpSide::default()
            };
        }
    }
    check(&[&quiet]);
    // Trouble begins in the middle of a row group, and ends again.
    let troubled = records(300);
    check(&[&quiet, &troubled, &quiet]);
    check(&[&troubled, &quiet]);
}

#[test]
fn row_groups_follow_each_other() {
    let all = records(RowGroups::ROWS as u64 + 1000);
    let (first, second) = all.split_at(RowGroups::ROWS / 2 + 77);
    let file = written(&[first, second]);
    let reader = SerializedFileReader::new(Bytes::from(file)).unwrap();
    let metadata = reader.metadata();
    assert_eq!(metadata.num_row_groups(), 2);
    assert_eq!(
        metadata.file_metadata().num_rows().cast_unsigned(),
        all.len() as u64
    );
    let ids: Vec<_> = reader
        .get_row_iter(None)
        .unwrap()
        .map(|row| match row.unwrap().get_column_iter().nth(4) {
            Some((_, Field::ULong(id))) => *id,
            other => panic!("{other:?}"),
        })
        .collect();
    let expected: Vec<_> = all.iter().map(|record| record.id.0).collect();
    assert_eq!(ids, expected);
}

#[test]
fn the_file_says_who_wrote_it() {
    let reader = SerializedFileReader::new(Bytes::from(written(&[]))).unwrap();
    let metadata = reader.metadata().file_metadata();
    let pairs = metadata.key_value_metadata().unwrap();
    let sampling = pairs.iter().find(|pair| pair.key == "capture.sampling");
    assert_eq!(sampling.unwrap().value.as_deref(), Some("none"));
    assert!(metadata.created_by().unwrap().starts_with("capture "));
}
