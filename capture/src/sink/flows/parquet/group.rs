//! Row groups: rows by column until there are enough of them, then encoded.

use std::sync::Arc;
use std::{fmt, io};

use parquet::schema::types::SchemaDescriptor;

use super::super::columns::{COLUMNS, Stride, is_quiet};
use super::super::encoder::{Draft, Names, Piece};
use super::column::ColumnBuffer;
use super::page::Pages;
use crate::flow::FlowRecord;

/// Collects rows and encodes row groups of them.
pub(in super::super) struct RowGroups {
    columns: Vec<ColumnBuffer>,
    pages: Pages,
    stride: Stride,
    rows: usize,
    /// Rows of a row group, or a few more.
    full: usize,
}

impl RowGroups {
    /// Rows of a row group: what is held in memory, 15 MiB, or less where numbers are the same.
    pub(super) const ROWS: usize = 1 << 15;
    /// Shards from which on each takes fewer, so that they do not take more memory together.
    const SHARDS: usize = 8;
    /// Records that are taken at once.
    pub(in super::super) const MOST_AT_ONCE: usize = 256;

    /// Row groups of one of so many shards.
    ///
    /// # Errors
    ///
    /// When there is no memory for the compressor.
    pub(in super::super) fn new(shards: usize) -> io::Result<Self> {
        let schema = SchemaDescriptor::new(super::schema()?);
        Ok(Self {
            columns: COLUMNS
                .iter()
                .zip(schema.columns())
                .map(|(column, descr)| ColumnBuffer::new(column, Arc::clone(descr)))
                .collect(),
            pages: Pages::new()?,
            stride: Stride::new(),
            rows: 0,
            full: Self::ROWS * Self::SHARDS / shards.max(Self::SHARDS),
        })
    }
}

impl Draft for RowGroups {
    fn records(
        &mut self,
        batch: &[FlowRecord],
        names: Names<'_>,
        piece: &mut Piece,
    ) -> io::Result<()> {
        for stride in batch.chunks(Stride::LEN) {
            let quiet = quiet(stride);
            for column in &mut self.columns {
                column.take(stride, quiet, names, &mut self.stride);
            }
            self.rows += stride.len();
        }
        if self.rows >= self.full {
            self.rest(piece)?;
        }
        Ok(())
    }

    fn rest(&mut self, piece: &mut Piece) -> io::Result<()> {
        if self.rows > 0 {
            for column in &mut self.columns {
                column.encode(piece, &mut self.pages, self.rows)?;
            }
            piece.records = self.rows as u64;
            self.rows = 0;
        }
        Ok(())
    }
}

/// A bit for each of these records that is a TCP connection, if nothing went wrong on any: a quarter of
/// the columns need not be looked at then.
fn quiet(records: &[FlowRecord]) -> Option<u64> {
    records.iter().all(is_quiet).then(|| {
        let connections = records.iter().rev();
        connections.fold(0, |bits, record| {
            bits << 1 | u64::from(record.tcp.is_some())
        })
    })
}

impl fmt::Debug for RowGroups {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowGroups")
            .field("rows", &self.rows)
            .finish_non_exhaustive()
    }
}
