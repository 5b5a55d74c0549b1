//! What a format of connection records is to whoever writes them: something that turns batches of
//! records into bytes, and knows nothing of files.
//!
//! The rows of most formats do not depend on each other. Where nothing has to keep up with live traffic,
//! each shard encodes its own ([`Draft`]), and the thread that writes puts the pieces after one another.

use std::{fmt, io};

use parquet::column::writer::ColumnCloseResult;

use crate::flow::FlowRecord;
use crate::packet::IfaceId;

/// Turns records into the bytes of one file. There is one for each file, and it never sees another.
///
/// All three methods append to `out`, which whoever calls writes to the file and clears; an encoder
/// may hold records back (Parquet does, until a row group is full) and must have appended all of them
/// when [`Self::finish`] returns. An error makes the file end here, incomplete.
pub(crate) trait Encoder: Send {
    /// What stands before the first record.
    fn begin(&mut self, out: &mut Vec<u8>) -> io::Result<()>;

    /// A batch of records, not empty.
    fn records(
        &mut self,
        batch: &[FlowRecord],
        names: Names<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<()>;

    /// Records that a shard has encoded already; `piece` is emptied. Formats that keep rows apart from
    /// what stands around them need nothing else.
    fn append(&mut self, piece: &mut Piece, out: &mut Vec<u8>) -> io::Result<()> {
        if out.is_empty() {
            std::mem::swap(out, &mut piece.bytes);
        } else {
            out.append(&mut piece.bytes);
        }
        piece.clear();
        Ok(())
    }

    /// What stands after the last record. `skipped` is the number of records that were not asked for,
    /// which no encoder has seen.
    fn finish(&mut self, names: Names<'_>, skipped: u64, out: &mut Vec<u8>) -> io::Result<()>;

    /// Whether what was written so far can be read, should nothing follow.
    fn is_readable_unfinished(&self) -> bool {
        true
    }
}

/// Records that were encoded by themselves, apart from the file that they are going to be in.
#[derive(Default)]
pub(crate) struct Piece {
    /// How many records it is.
    pub(super) records: u64,
    pub(super) bytes: Vec<u8>,
    /// Parquet: how long each column of the row group is in `bytes`, and what is known of it.
    pub(super) columns: Vec<(usize, ColumnCloseResult)>,
}

impl Piece {
    /// Forgets the content, and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.records = 0;
        self.bytes.clear();
        self.columns.clear();
    }
}

impl fmt::Debug for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { records, bytes, .. } = self;
        write!(f, "Piece({records} records, {} bytes)", bytes.len())
    }
}

/// Encodes the records of one shard, on its thread.
pub(super) trait Draft: fmt::Debug + Send {
    /// Takes a batch of records. What is complete is put into `piece`, which is empty; records can be
    /// held back until there are enough of them.
    fn records(
        &mut self,
        batch: &[FlowRecord],
        names: Names<'_>,
        piece: &mut Piece,
    ) -> io::Result<()>;

    /// Puts what was held back into `piece`, which is empty.
    fn rest(&mut self, piece: &mut Piece) -> io::Result<()>;
}

/// The draft of a format that has a line for each record, and an encoder that remembers nothing.
#[derive(Debug)]
pub(super) struct Lines<E>(pub(super) E);

impl<E: Encoder + fmt::Debug> Draft for Lines<E> {
    fn records(
        &mut self,
        batch: &[FlowRecord],
        names: Names<'_>,
        piece: &mut Piece,
    ) -> io::Result<()> {
        piece.records = batch.len() as u64;
        self.0.records(batch, names, &mut piece.bytes)
    }

    fn rest(&mut self, _: &mut Piece) -> io::Result<()> {
        Ok(())
    }
}

/// Names of the interfaces as they are at the moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a>(pub(super) &'a [String]);

impl<'a> Names<'a> {
    /// The interface's name, which is empty if it has none.
    pub(crate) fn of(self, id: IfaceId) -> &'a str {
        self.0.get(id.0 as usize).map_or("", String::as_str)
    }
}
