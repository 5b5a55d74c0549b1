//! The numbers of one column in a few records: a loop in which nothing is called, for there are ninety
//! columns.

use crate::flow::FlowRecord;
use crate::packet::{Span, Timestamp};

/// Gets the numbers of a column.
pub(super) type Fill = fn(&[FlowRecord], &mut Stride);

/// The numbers of a column in at most [`Self::LEN`] records.
#[derive(Debug)]
pub(in super::super) struct Stride {
    values: [u64; Self::LEN],
    len: usize,
    present: u64,
}

/// What can be a number of 64 bits.
pub(super) trait Word64: Copy {
    fn word(self) -> u64;
}

impl Word64 for u64 {
    fn word(self) -> u64 {
        self
    }
}

impl Word64 for bool {
    fn word(self) -> u64 {
        self.into()
    }
}

/// At most the longest span that 18 digits of nanoseconds hold: 31 years.
impl Word64 for Span {
    fn word(self) -> u64 {
        self.0.min(999_999_999_999_999_999)
    }
}

/// At most the latest time that a signed number holds.
impl Word64 for Timestamp {
    fn word(self) -> u64 {
        self.0.min(i64::MAX.cast_unsigned())
    }
}

impl Stride {
    /// Records at most: no more than a word has bits, and few enough to stay in the nearest cache while
    /// all columns are got.
    pub(in super::super) const LEN: usize = 64;

    pub(in super::super) const fn new() -> Self {
        Self {
            values: [0; Self::LEN],
            len: 0,
            present: 0,
        }
    }

    /// Gets the values of these records; those beyond [`Self::LEN`] are left out.
    #[inline(always)]
    pub(super) fn fill<T: Word64>(
        &mut self,
        records: &[FlowRecord],
        get: impl Fn(&FlowRecord) -> Option<T>,
    ) {
        let (mut len, mut present) = (0, 0);
        for (place, record) in records.iter().take(Self::LEN).enumerate() {
            if let Some(value) = get(record) {
                self.values[len % Self::LEN] = value.word();
                len += 1;
                present |= 1 << place;
            }
        }
        self.len = len;
        self.present = present;
    }

    /// The values that there are.
    pub(in super::super) fn values(&self) -> &[u64] {
        self.values.get(..self.len).unwrap_or_default()
    }

    /// A bit for each record, the first the lowest: 1 if it has a value.
    pub(in super::super) const fn present(&self) -> u64 {
        self.present
    }
}
