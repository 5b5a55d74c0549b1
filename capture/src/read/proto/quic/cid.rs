//! Connection IDs (RFC 9000 section 5.1): what a connection is found by, whatever its addresses are.

use std::fmt;

use crate::read::proto::text::Hex;
use crate::read::region::{Region, Stop};

/// No connection ID of a version that is known is longer.
pub(super) const MAX_LEN: u8 = 20;

/// A connection ID; one of no bytes is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cid {
    len: u8,
    bytes: [u8; MAX_LEN as usize],
}

impl Cid {
    /// `len` bytes at `at`; one that is too long is none.
    ///
    /// # Errors
    ///
    /// When they are not there.
    pub(super) fn read(region: &Region<'_>, at: usize, len: u8) -> Result<Self, Stop> {
        let mut cid = Self::default();
        if len <= MAX_LEN {
            let bytes = region.slice(at, len.into())?;
            cid.bytes[..bytes.len()].copy_from_slice(bytes);
            cid.len = len;
        }
        Ok(cid)
    }

    /// Its bytes.
    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.len)).unwrap_or(&[])
    }

    /// How many there are.
    pub(super) const fn len(&self) -> u8 {
        self.len
    }

    pub(super) const fn is_none(&self) -> bool {
        self.len == 0
    }

    /// Its first `len` bytes.
    pub(super) fn cut(&self, len: u8) -> Self {
        let mut cut = *self;
        cut.len = self.len.min(len);
        for byte in cut.bytes.iter_mut().skip(cut.len.into()) {
            *byte = 0;
        }
        cut
    }

    /// Whether what is said to be one begins with this one; each does with none.
    pub(super) fn begins(&self, other: &Self) -> bool {
        other.bytes().starts_with(self.bytes())
    }
}

impl fmt::Display for Cid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", Hex(self.bytes()))
    }
}
