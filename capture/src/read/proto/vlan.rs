//! IEEE 802.1Q tags (Wireshark's `packet-vlan.c`, `packet-ieee8021ad` for service tags).

use super::names::ethertype::ethertype as ethertype_name;
use super::{eth, ethertype};
use crate::read::field::{FieldId, protocol};
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Value};
use crate::read::walk::Walk;

protocol! {
    4, "vlan", "VLAN", "802.1Q Virtual LAN";
    PRIORITY: "vlan.priority", "Priority", Uint(16), Dec, mask = 0xe000, names = priority_name;
    DEI: "vlan.dei", "DEI", Bool, None, mask = 0x1000, names = eligible;
    ID: "vlan.id", "ID", Uint(16), Dec, mask = 0x0fff;
    ETYPE: "vlan.etype", "Type", Uint(16), Hex, names = ethertype_name;
    LEN: "vlan.len", "Length", Uint(16), Dec;
    TRAILER: "vlan.trailer", "Trailer", Bytes;
    LEN_PAST_END: "vlan.len.past_end", "Length field value goes past the end of the payload", None;
}

/// IEEE 802.1ad: tags of a provider, of which two are taken together.
pub(crate) mod service {
    use super::{TAG_LEN, ethertype, ethertype_name, follow, parts};
    use crate::read::field::protocol;
    use crate::read::region::{Region, Stop};
    use crate::read::tree::Value;
    use crate::read::walk::Walk;

    protocol! {
        40, "ieee8021ad", "IEEE 802.1ad", "IEEE 802.1ad";
        PRIORITY: "ieee8021ad.priority", "Priority", Uint(16), Dec, mask = 0xe000;
        DEI: "ieee8021ad.dei", "DEI", Uint(16), Dec, mask = 0x1000;
        ID: "ieee8021ad.id", "ID", Uint(16), Dec, mask = 0x0fff;
        SVID: "ieee8021ad.svid", "ID", Uint(16), Dec, mask = 0x0fff;
        CVID: "ieee8021ad.cvid", "ID", Uint(16), Dec, mask = 0x0fff;
        ETYPE: "ieee8021ah.etype", "Type", Uint(16), Hex, names = ethertype_name;
        TRAILER: "ieee8021ah.trailer", "Trailer", Bytes;
    }

    /// Dissects a tag of a provider, or two, and what follows.
    pub(super) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
        walk.enter(THIS);
        walk.columns.set_protocol("802.1ad");
        walk.columns.clear_info();
        let control = region.u16(0)?;
        let (priority, dei, id) = parts(control);
        walk.columns
            .set_info(format_args!("PRI: {priority}  DROP: {dei} ID: {id}"));
        let added = walk.node(THIS, &region, TAG_LEN.min(region.captured().len()));
        let mut kind = region.u16(2)?;
        let mut len = TAG_LEN;
        let inner = match kind {
            ethertype::SERVICE_VLAN => Some(region.u16(TAG_LEN)?),
            _ => None,
        };
        let field = if inner.is_some() { SVID } else { ID };
        for (at, control, field) in [(0, Some(control), field), (TAG_LEN, inner, CVID)] {
            let Some(control) = control else { continue };
            let (priority, dei, id) = parts(control);
            for (field, value) in [(PRIORITY, priority), (DEI, dei), (field, id)] {
                let place = region.place(at, 2);
                walk.tree.add(field, place, Value::Uint(value.into()));
            }
        }
        match inner.map(parts) {
            Some((.., inner)) => {
                walk.tree.label(
                    added,
                    format_args!("IEEE 802.1ad, S-VID: {id}, C-VID: {inner}"),
                );
                len += TAG_LEN;
                kind = region.u16(len - 2)?;
            }
            None => walk
                .tree
                .label(added, format_args!("IEEE 802.1ad, ID: {id}")),
        }
        walk.tree
            .add(ETYPE, region.place(len - 2, 2), Value::Uint(kind.into()));
        walk.end();
        follow(walk, added, kind, &region.rest(len), TRAILER)
    }
}

/// What a tag is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    /// A VLAN.
    Customer,
    /// A provider's VLAN.
    Service,
    /// The same, by the number that was in use before the standard.
    OldService,
}

const fn priority_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Best Effort (default)",
        1 => "Background",
        2 => "Excellent Effort",
        3 => "Critical Applications",
        4 => "Video, < 100ms latency and jitter",
        5 => "Voice, < 10ms latency and jitter",
        6 => "Internetwork Control",
        7 => "Network Control",
        _ => return None,
    })
}

fn eligible(value: u64) -> Option<&'static str> {
    pick(value, &["Ineligible", "Eligible"])
}

const TAG_LEN: usize = 4;

const LENGTH_FIELDS: eth::LengthFields = eth::LengthFields {
    len: LEN,
    past_end: LEN_PAST_END,
    trailer: TRAILER,
};

/// The VLAN of the last frame that had a tag; so that frames without one need not be told of.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Memory {
    frame: u64,
    id: u16,
}

impl Memory {
    /// The first VLAN of a frame that is not 0.
    pub(crate) fn of(self, frame: u64) -> u16 {
        if self.frame == frame { self.id } else { 0 }
    }

    /// One more tag of a frame.
    fn add(&mut self, frame: u64, id: u16) {
        if self.of(frame) == 0 {
            *self = Self { frame, id };
        }
    }
}

/// Dissects a tag and what follows it.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>, tag: Tag) -> Result<(), Stop> {
    if tag == Tag::Service {
        return service::dissect(walk, region);
    }
    walk.enter(THIS);
    walk.columns.set_protocol("VLAN");
    walk.columns.clear_info();
    let control = region.u16(0)?;
    let (priority, dei, id) = parts(control);
    walk.columns
        .set_info(format_args!("PRI: {priority}  DEI: {dei}  ID: {id}"));
    walk.memory.vlan.add(walk.frame.number, id);
    let added = walk.node(THIS, &region, TAG_LEN.min(region.captured().len()));
    walk.tree.label(
        added,
        format_args!("802.1Q Virtual LAN, PRI: {priority}, DEI: {dei}, ID: {id}"),
    );
    let place = region.place(0, 2);
    walk.tree.add(PRIORITY, place, Value::Uint(priority.into()));
    walk.tree.add(DEI, place, Value::Bool(dei != 0));
    walk.tree.add(ID, place, Value::Uint(id.into()));
    let kind = region.u16(2)?;
    if kind <= eth::MOST_LEN {
        let none = eth::Fcs::None;
        return eth::by_length(walk, added, &region, TAG_LEN, LENGTH_FIELDS, none);
    }
    walk.tree
        .add(ETYPE, region.place(2, 2), Value::Uint(kind.into()));
    walk.end();
    follow(walk, added, kind, &region.rest(TAG_LEN), TRAILER)
}

/// Priority, drop eligibility and number.
const fn parts(control: u16) -> (u16, u16, u16) {
    (control >> 13, control >> 12 & 1, control & 0xfff)
}

/// What an `EtherType` behind a tag announces, and what is left over.
fn follow(
    walk: &mut Walk<'_, '_>,
    added: Added,
    kind: u16,
    rest: &Region<'_>,
    trailer: FieldId,
) -> Result<(), Stop> {
    ethertype::dissect(walk, kind, *rest);
    match walk.claimed.take() {
        Some(claimed) => eth::trailer(walk, added, rest, claimed, trailer, eth::Fcs::None),
        None => Ok(()),
    }
}
