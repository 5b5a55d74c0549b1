//! Checksums of the Internet protocols (RFC 1071), and what is said of them.

use super::expert::{Group, Severity};
use crate::read::column::Address;
use crate::read::field::FieldId;
use crate::read::region::Region;
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

/// What checking a checksum told; numbers as `ip.checksum.status` has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    /// It is wrong.
    Bad = 0,
    /// It is right.
    Good = 1,
    /// Nobody looked.
    Unverified = 2,
    /// There is none.
    NotPresent = 3,
}

impl Status {
    const fn name(self) -> &'static str {
        match self {
            Self::Bad => "Bad",
            Self::Good => "Good",
            Self::Unverified => "Unverified",
            Self::NotPresent => "Not present",
        }
    }
}

/// Sum of 16-bit words, before it is folded.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum(u64);

impl Sum {
    /// These bytes too; an odd one at the end counts as if a zero followed.
    pub(crate) fn add(self, bytes: &[u8]) -> Self {
        let mut chunks = bytes.chunks_exact(2);
        let words = chunks.by_ref().map(|pair| match pair {
            [high, low] => u64::from(u16::from_be_bytes([*high, *low])),
            _ => 0,
        });
        let mut sum = self.0 + words.sum::<u64>();
        if let [last] = chunks.remainder() {
            sum += u64::from(*last) << 8;
        }
        Self(sum)
    }

    /// The pseudo-header of a transport protocol too (RFC 9293 section 3.1, RFC 8200 section 8.1).
    pub(crate) fn pseudo(
        self,
        source: Address,
        destination: Address,
        protocol: u8,
        len: u32,
    ) -> Self {
        let with = |sum: Self, address| match address {
            Address::Ipv4(bytes) => sum.add(&bytes),
            Address::Ipv6(bytes) => sum.add(&bytes),
            Address::None | Address::Ether(_) | Address::Radio(..) | Address::Text(_) => sum,
        };
        let sum = with(with(self, source), destination);
        Self(sum.0 + u64::from(protocol) + u64::from(len >> 16) + u64::from(len & 0xffff))
    }

    /// Folded to 16 bits: 0xffff over everything that has a right checksum in it.
    pub(crate) const fn fold(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }
}

/// What the checksum would be right as, given what it is and the folded sum over everything.
pub(crate) const fn expected(sent: u16, folded: u16) -> u16 {
    // Taking the sent one out of the sum and putting the complement of the rest in (RFC 1624).
    let mut sum = (!sent) as u32 + folded as u32;
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// Where the tree says what a checksum should be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Calculated {
    /// Nowhere.
    Nowhere,
    /// Below the checksum.
    Below(FieldId),
    /// Behind its status.
    Behind(FieldId),
}

/// Fields of a checksum, and how it is told.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fields {
    /// The checksum.
    pub(crate) checksum: FieldId,
    /// Its status.
    pub(crate) status: FieldId,
    /// What it should be, where there is a field for that.
    pub(crate) calculated: Calculated,
    /// Expert information about a wrong one.
    pub(crate) bad: FieldId,
    /// How bad that is.
    pub(crate) how: (Severity, Group),
    /// Words behind a wrong one.
    pub(crate) hint: &'static str,
    /// What stands for a sum of zero: in UDP the other zero, as zero is no checksum (RFC 768).
    pub(crate) zero: u16,
}

impl Walk<'_, '_> {
    /// Adds a checksum at `offset`. `folded` is the sum over everything, if it was checked.
    pub(crate) fn checksum(
        &mut self,
        fields: Fields,
        region: &Region<'_>,
        offset: usize,
        sent: u16,
        folded: Option<u16>,
    ) -> (Added, Status) {
        let tree = &mut *self.tree;
        let added = tree.add(
            fields.checksum,
            region.place(offset, 2),
            Value::Uint(sent.into()),
        );
        let title = fields.checksum.field().title;
        let should = folded.map(|folded| match expected(sent, folded) {
            0 => fields.zero,
            should => should,
        });
        let status = match folded {
            None => Status::Unverified,
            Some(0xffff) => Status::Good,
            Some(_) => Status::Bad,
        };
        match (status, should) {
            (Status::Good, _) => tree.label(added, format_args!("{title}: {sent:#06x} [correct]")),
            (Status::Bad, Some(should)) => tree.label(
                added,
                format_args!(
                    "{title}: {sent:#06x} incorrect, should be {should:#06x}{}",
                    fields.hint
                ),
            ),
            _ => tree.label(added, format_args!("{title}: {sent:#06x} [unverified]")),
        }
        if status == Status::Bad {
            let summary = fields.bad.field().title;
            self.expert(
                added,
                fields.bad,
                fields.how,
                format_args!("{summary} [should be {:#06x}]", should.unwrap_or(0)),
            );
        }
        let should = match status {
            // 0 and 0xffff are the same number.
            Status::Good => Some(sent),
            _ => should,
        };
        let place = region.place(offset, 2);
        let tell = |walk: &mut Self, field| {
            if let Some(should) = should {
                let added = walk.tree.add(field, place, Value::Uint(should.into()));
                walk.tree.set_generated(added);
            }
        };
        if let Calculated::Below(field) = fields.calculated {
            self.tree.open();
            tell(self, field);
            self.tree.close();
        }
        let concluded = self.checksum_status(fields.status, status);
        self.tree.set_place(concluded, region.place(offset, 0));
        if let Calculated::Behind(field) = fields.calculated {
            tell(self, field);
        }
        (added, status)
    }

    /// Adds the status of a checksum.
    pub(crate) fn checksum_status(&mut self, field: FieldId, status: Status) -> Added {
        let added = self.tree.add_generated(field, Value::Uint(status as u64));
        let title = field.field().title;
        self.tree
            .label(added, format_args!("{title}: {}", status.name()));
        added
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 1071 section 3.
    #[test]
    fn the_example_of_the_rfc_sums_up() {
        let bytes = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::default().add(&bytes).fold(), 0xddf2);
    }

    // An IPv4 header whose right checksum is 0xb861 (Wikipedia's example, and RFC 1071's rule).
    #[test]
    fn a_wrong_checksum_tells_the_right_one() {
        let mut header = [
            0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11, 0xb8, 0x61, 0xc0, 0xa8,
            0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7,
        ];
        assert_eq!(Sum::default().add(&header).fold(), 0xffff);
        header[10] = 0x12;
        let folded = Sum::default().add(&header).fold();
        assert_eq!(expected(0x1261, folded), 0xb861);
    }
}
