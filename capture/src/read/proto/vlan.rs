//! IEEE 802.1Q tags (Wireshark's `packet-vlan.c`, `packet-ieee8021ad` for service tags).

use super::names::ethertype::ethertype as ethertype_name;
use super::{eth, ethertype, llc};
use crate::read::field::protocol;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    4, "vlan", "VLAN", "802.1Q Virtual LAN";
    PRIORITY: "vlan.priority", "Priority", Uint(16), Dec, mask = 0xe000, names = priority_name;
    DEI: "vlan.dei", "DEI", Bool, None, mask = 0x1000, names = eligible;
    ID: "vlan.id", "ID", Uint(16), Dec, mask = 0x0fff;
    ETYPE: "vlan.etype", "Type", Uint(16), Hex, names = ethertype_name;
    LEN: "vlan.len", "Length", Uint(16), Dec;
    TRAILER: "vlan.trailer", "Trailer", Bytes;
}

/// IEEE 802.1ad: tags of a provider.
pub(crate) mod service {
    use super::ethertype_name;
    use crate::read::field::protocol;

    protocol! {
        40, "ieee8021ad", "IEEE 802.1ad", "IEEE 802.1ad";
        PRIORITY: "ieee8021ad.priority", "Priority", Uint(16), Dec, mask = 0xe000;
        DEI: "ieee8021ad.dei", "DEI", Uint(16), Dec, mask = 0x1000;
        ID: "ieee8021ad.id", "ID", Uint(16), Dec, mask = 0x0fff;
        ETYPE: "ieee8021ah.etype", "Type", Uint(16), Hex, names = ethertype_name;
        TRAILER: "ieee8021ah.trailer", "Trailer", Bytes;
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

/// Dissects a tag and what follows it.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>, tag: Tag) -> Result<(), Stop> {
    let control = region.u16(0)?;
    let (priority, dei, id) = (control >> 13, control >> 12 & 1, control & 0xfff);
    let (this, fields) = match tag {
        Tag::Service => (
            service::THIS,
            [service::PRIORITY, service::DEI, service::ID, service::ETYPE],
        ),
        Tag::Customer | Tag::OldService => (THIS, [PRIORITY, DEI, ID, ETYPE]),
    };
    match tag {
        Tag::Service => {
            walk.columns.set_protocol("802.1ad");
            walk.columns
                .set_info(format_args!("PRI: {priority}  DROP: {dei}  ID: {id}"));
        }
        Tag::Customer | Tag::OldService => {
            walk.columns.set_protocol("VLAN");
            walk.columns
                .set_info(format_args!("PRI: {priority}  DEI: {dei}  ID: {id}"));
        }
    }
    let added = walk.begin(this, &region, TAG_LEN);
    match tag {
        Tag::Service => walk
            .tree
            .label(added, format_args!("IEEE 802.1ad, ID: {id}")),
        Tag::Customer | Tag::OldService => walk.tree.label(
            added,
            format_args!("802.1Q Virtual LAN, PRI: {priority}, DEI: {dei}, ID: {id}"),
        ),
    }
    let place = region.place(0, 2);
    let [priority_field, dei_field, id_field, type_field] = fields;
    walk.tree
        .add(priority_field, place, Value::Uint(priority.into()));
    let flag = match tag {
        Tag::Service => Value::Uint(dei.into()),
        Tag::Customer | Tag::OldService => Value::Bool(dei != 0),
    };
    walk.tree.add(dei_field, place, flag);
    walk.tree.add(id_field, place, Value::Uint(id.into()));
    let kind = region.u16(2)?;
    let rest = region.rest(TAG_LEN);
    if kind <= 1500 && tag != Tag::Service {
        walk.tree
            .add(LEN, region.place(2, 2), Value::Uint(kind.into()));
        walk.end();
        let part = rest.part(0, kind.into());
        eth::inner(walk, |walk| llc::dissect(walk, part));
        walk.claimed = None;
        return Ok(());
    }
    walk.tree
        .add(type_field, region.place(2, 2), Value::Uint(kind.into()));
    walk.end();
    ethertype::dissect(walk, kind, rest);
    if let Some(claimed) = walk.claimed.take() {
        let field = match tag {
            Tag::Service => service::TRAILER,
            Tag::Customer | Tag::OldService => TRAILER,
        };
        eth::trailer(walk, added, &rest, claimed, field, eth::Fcs::None);
    }
    Ok(())
}
