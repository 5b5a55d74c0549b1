//! Parquet (<https://parquet.apache.org/docs/file-format/>), for engines that ask questions of many
//! records: typed columns, compressed with Zstandard.
//!
//! What the types are, and why:
//!
//! - times are `TIMESTAMP(NANOS, UTC)`
//! - spans are `DECIMAL(18, 9)`, seconds: as easy to ask about as a floating point number, and exact
//! - whole numbers are unsigned, of their size
//! - addresses and words are strings, with a dictionary: `WHERE initiator = '10.0.0.1'` works in every
//!   engine, and costs one comparison for each different address
//! - what is not known is null
//!
//! Rows are collected by column and encoded a row group at a time; of several shards, each encodes its
//! own, so that a row group has the records of one shard. The file's metadata and its pages'
//! headers are the `parquet` crate's. The values are encoded here, a few at a time and without asking of
//! what type they are, because the general way would take longer than tracking the connections did; and a
//! column in which all values are the same (most counts of trouble, most of the time) is only looked at.
//!
//! The histograms of round-trip times are left out: lists cost more than all counts together, and
//! `rtt_p50` and `rtt_p95` are what they are for.
//!
//! - `bits.rs` truth values, packed
//! - `column.rs` what is collected of one column
//! - `delta.rs` whole numbers, packed
//! - `dictionary.rs` different texts, numbered
//! - `group.rs` row groups
//! - `page.rs` column chunks

mod bits;
mod column;
mod delta;
mod dictionary;
mod group;
mod page;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::{io, mem};

use parquet::basic::{LogicalType, Repetition, TimeUnit, Type as Physical, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::types::{Type, TypePtr};

use bytes::Bytes;

use super::columns::{COLUMNS, Column, ColumnKind, Presence};
use super::encoder::{Draft as _, Encoder, Names, Piece};
use crate::flow::FlowRecord;
pub(super) use group::RowGroups;

/// Zstandard's fastest regular level.
const ZSTD_LEVEL: i32 = 1;

/// The format.
pub(super) struct Parquet {
    writer: SerializedFileWriter<Vec<u8>>,
    groups: RowGroups,
    /// A row group on its way.
    piece: Piece,
}

impl Parquet {
    /// # Errors
    ///
    /// When there is no memory for the compressor.
    pub(super) fn new() -> io::Result<Self> {
        let properties = WriterProperties::builder()
            .set_writer_version(WriterVersion::PARQUET_1_0)
            .set_created_by(concat!("capture ", env!("CARGO_PKG_VERSION")).to_owned())
            .set_key_value_metadata(Some(vec![
                KeyValue::new(
                    "capture.version".to_owned(),
                    env!("CARGO_PKG_VERSION").to_owned(),
                ),
                KeyValue::new("capture.sampling".to_owned(), "none".to_owned()),
            ]))
            .set_dictionary_enabled(false)
            .set_statistics_enabled(EnabledStatistics::None)
            .set_offset_index_disabled(true)
            .build();
        let writer = SerializedFileWriter::new(Vec::new(), schema()?, Arc::new(properties))?;
        Ok(Self {
            writer,
            groups: RowGroups::new(1)?,
            piece: Piece::default(),
        })
    }

    fn take_bytes(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.writer.flush()?;
        if out.is_empty() {
            mem::swap(out, self.writer.inner_mut());
        } else {
            out.append(self.writer.inner_mut());
        }
        Ok(())
    }
}

impl Encoder for Parquet {
    fn begin(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.take_bytes(out)
    }

    fn records(
        &mut self,
        batch: &[FlowRecord],
        names: Names<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let mut piece = mem::take(&mut self.piece);
        for part in batch.chunks(RowGroups::MOST_AT_ONCE) {
            self.groups.records(part, names, &mut piece)?;
            if piece.records > 0 {
                self.append(&mut piece, out)?;
            }
        }
        self.piece = piece;
        Ok(())
    }

    fn append(&mut self, piece: &mut Piece, out: &mut Vec<u8>) -> io::Result<()> {
        let bytes = Bytes::from(mem::take(&mut piece.bytes));
        let mut group = self.writer.next_row_group()?;
        let mut start = 0;
        for (len, close) in piece.columns.drain(..) {
            let end = start + len;
            group.append_column(&bytes.slice(start..end), close)?;
            start = end;
        }
        group.close()?;
        // Nobody else has it any more, so that it is not copied.
        piece.bytes = bytes.into();
        piece.clear();
        self.take_bytes(out)
    }

    fn finish(&mut self, _: Names<'_>, _: u64, out: &mut Vec<u8>) -> io::Result<()> {
        let mut piece = mem::take(&mut self.piece);
        self.groups.rest(&mut piece)?;
        if piece.records > 0 {
            self.append(&mut piece, out)?;
        }
        self.writer.finish()?;
        self.take_bytes(out)
    }

    fn is_readable_unfinished(&self) -> bool {
        false
    }
}

fn level() -> io::Result<ZstdLevel> {
    Ok(ZstdLevel::try_new(ZSTD_LEVEL)?)
}

fn schema() -> io::Result<TypePtr> {
    let fields = COLUMNS.iter().map(field).collect::<io::Result<_>>()?;
    let schema = Type::group_type_builder("connection")
        .with_fields(fields)
        .build()?;
    Ok(Arc::new(schema))
}

fn field(column: &Column) -> io::Result<TypePtr> {
    let (physical, logical) = match column.kind {
        ColumnKind::Flag => (Physical::BOOLEAN, None),
        ColumnKind::Seconds => (Physical::INT64, Some(LogicalType::decimal(9, 18))),
        ColumnKind::Text => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
        ColumnKind::Time => (
            Physical::INT64,
            Some(LogicalType::timestamp(true, TimeUnit::NANOS)),
        ),
        ColumnKind::U8 => (Physical::INT32, Some(LogicalType::integer(8, false))),
        ColumnKind::U16 => (Physical::INT32, Some(LogicalType::integer(16, false))),
        ColumnKind::U32 => (Physical::INT32, Some(LogicalType::integer(32, false))),
        ColumnKind::U64 => (Physical::INT64, Some(LogicalType::integer(64, false))),
    };
    let mut builder = Type::primitive_type_builder(column.name, physical)
        .with_repetition(match column.presence {
            Presence::Always => Repetition::REQUIRED,
            Presence::Sometimes => Repetition::OPTIONAL,
        })
        .with_logical_type(logical);
    if column.kind == ColumnKind::Seconds {
        builder = builder.with_precision(18).with_scale(9);
    }
    Ok(Arc::new(builder.build()?))
}
