//! IP over `InfiniBand` (RFC 4391), behind the address that it goes to.

use super::{name_of, names};
use crate::read::proto::ethertype;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Dissects a packet of `LINKTYPE_IPOIB`.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    // A global routing header, then type and reserved bytes.
    const ADDRESS_LEN: usize = 40;
    const HEADER_LEN: usize = ADDRESS_LEN + 4;
    name_of(walk, names::ipoib::THIS, &region, HEADER_LEN);
    let kind = region.u16(ADDRESS_LEN)?;
    let rest = region.from(HEADER_LEN)?;
    ethertype::hand_on(walk, kind, rest)
}
