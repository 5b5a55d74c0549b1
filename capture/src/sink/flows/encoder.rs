//! What a format of connection records is to the thread that writes them: something that turns batches
//! of records into bytes, and knows nothing of files.

use std::io;

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

    /// What stands after the last record. `skipped` is the number of records that were not asked for,
    /// which no encoder has seen.
    fn finish(&mut self, names: Names<'_>, skipped: u64, out: &mut Vec<u8>) -> io::Result<()>;

    /// Whether what was written so far can be read, should nothing follow.
    fn is_readable_unfinished(&self) -> bool {
        true
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
