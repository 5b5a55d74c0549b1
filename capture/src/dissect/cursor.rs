//! The one place that takes bytes apart.
//!
//! Every read is checked against the captured bytes and gives `None` beyond them, so nothing that
//! comes from the wire can panic here. Reads of fields that are only compared or hashed keep network
//! byte order (`*_raw`); the others come in host byte order.

/// Bytes of a packet, read at absolute offsets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
}

impl<'a> Cursor<'a> {
    #[inline(always)]
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// `N` bytes at `at`.
    #[inline(always)]
    pub(crate) fn array<const N: usize>(self, at: usize) -> Option<&'a [u8; N]> {
        self.bytes.get(at..)?.first_chunk()
    }

    #[inline(always)]
    pub(crate) fn u8(self, at: usize) -> Option<u8> {
        self.bytes.get(at).copied()
    }

    #[inline(always)]
    pub(crate) fn u16(self, at: usize) -> Option<u16> {
        self.array(at).map(|bytes| u16::from_be_bytes(*bytes))
    }

    #[inline(always)]
    pub(crate) fn u32(self, at: usize) -> Option<u32> {
        self.array(at).map(|bytes| u32::from_be_bytes(*bytes))
    }

    #[inline(always)]
    pub(crate) fn u32_raw(self, at: usize) -> Option<u32> {
        self.array(at).map(|bytes| u32::from_ne_bytes(*bytes))
    }

    /// How many bytes there are.
    #[inline(always)]
    pub(crate) const fn len(self) -> usize {
        self.bytes.len()
    }

    /// The same bytes, ending at `end` at the latest.
    pub(crate) fn until(self, end: usize) -> Self {
        Self {
            bytes: self.bytes.get(..end).unwrap_or(self.bytes),
        }
    }

    /// `len` bytes at `at`.
    #[inline(always)]
    pub(crate) fn slice(self, at: usize, len: usize) -> Option<&'a [u8]> {
        self.bytes.get(at..)?.get(..len)
    }

    /// At most `len` bytes at `at`: those that are there.
    pub(crate) fn up_to(self, at: usize, len: usize) -> &'a [u8] {
        let rest = self.bytes.get(at..).unwrap_or_default();
        rest.get(..len).unwrap_or(rest)
    }

    /// Sixteen bytes as two halves.
    #[inline(always)]
    pub(crate) fn u128_raw(self, at: usize) -> Option<[u64; 2]> {
        let high = self.array(at).map(|bytes| u64::from_ne_bytes(*bytes))?;
        let low = self.array(at + 8).map(|bytes| u64::from_ne_bytes(*bytes))?;
        Some([high, low])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_end_where_the_bytes_end() {
        let cursor = Cursor::new(&[0x12, 0x34, 0x56, 0x78, 0x9a]);
        assert_eq!(cursor.u8(4), Some(0x9a));
        assert_eq!(cursor.u8(5), None);
        assert_eq!(cursor.u16(3), Some(0x789a));
        assert_eq!(cursor.u16(4), None);
        assert_eq!(cursor.u32(1), Some(0x3456_789a));
        assert_eq!(cursor.u32(2), None);
        assert_eq!(cursor.u128_raw(0), None);
        assert_eq!(cursor.array::<1>(usize::MAX), None);
    }
}
