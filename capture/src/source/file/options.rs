//! Options of pcapng blocks: code, length, value, padded to four bytes (section 3.5).

use super::scan::{ByteOrder, part};

/// Ends a list of options; lists may also just end with the block.
const OPTION_END: u16 = 0;

/// Iterates over the options of a block.
#[derive(Debug)]
pub(super) struct Options<'a> {
    order: ByteOrder,
    rest: &'a [u8],
    damaged: bool,
}

impl<'a> Options<'a> {
    #[inline]
    pub(super) fn new(order: ByteOrder, rest: &'a [u8]) -> Self {
        Self {
            order,
            rest,
            damaged: false,
        }
    }

    /// Whether an option ran over the end of the block; it and what follows were not returned.
    pub(super) fn is_damaged(&self) -> bool {
        self.damaged
    }
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let Some((header, rest)) = self.rest.split_first_chunk::<4>() else {
            self.damaged = true;
            self.rest = &[];
            return None;
        };
        let code = self.order.u16(part::<0, 2, _>(header));
        let value_len = usize::from(self.order.u16(part::<2, 2, _>(header)));
        if code == OPTION_END {
            self.rest = &[];
            return None;
        }
        let Some(value) = rest.get(..value_len) else {
            self.damaged = true;
            self.rest = &[];
            return None;
        };
        self.rest = rest
            .get(value_len.next_multiple_of(4)..)
            .unwrap_or_default();
        Some((code, value))
    }
}
