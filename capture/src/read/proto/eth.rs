//! Ethernet (Wireshark's `packet-eth.c`).

use super::brief::shim;
use super::expert::{Group, Severity};
use super::names::ethertype::ethertype as ethertype_name;
use super::names::ip::checksum_status;
use super::{data, ethertype, llc};
use crate::read::column::Address;
use crate::read::field::{FieldId, protocol};
use crate::read::print::Names;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::render::Ether;
use crate::read::tree::{Added, Place, Value};
use crate::read::vendor::{self, Named};
use crate::read::walk::Walk;

protocol! {
    1, "eth", "Ethernet", "Ethernet";
    DST: "eth.dst", "Destination", Ether;
    DST_RESOLVED: "eth.dst_resolved", "Destination (resolved)", String;
    DST_OUI: "eth.dst.oui", "Destination OUI", Uint(24), Dec;
    DST_OUI_RESOLVED: "eth.dst.oui_resolved", "Destination OUI (resolved)", String;
    SRC: "eth.src", "Source", Ether;
    SRC_RESOLVED: "eth.src_resolved", "Source (resolved)", String;
    SRC_OUI: "eth.src.oui", "Source OUI", Uint(24), Dec;
    SRC_OUI_RESOLVED: "eth.src.oui_resolved", "Source OUI (resolved)", String;
    LEN: "eth.len", "Length", Uint(16), Dec;
    TYPE: "eth.type", "Type", Uint(16), Hex, names = ethertype_name;
    INVALID_LENTYPE: "eth.invalid_lentype", "Invalid length/type", Uint(16), HexDec;
    ADDR: "eth.addr", "Address", Ether;
    ADDR_RESOLVED: "eth.addr_resolved", "Address (resolved)", String;
    ADDR_OUI: "eth.addr.oui", "Address OUI", Uint(24), Dec;
    ADDR_OUI_RESOLVED: "eth.addr.oui_resolved", "Address OUI (resolved)", String;
    PADDING: "eth.padding", "Padding", Bytes;
    TRAILER: "eth.trailer", "Trailer", Bytes;
    PADDING_BAD: "eth.padding_bad", "Padding identification may be inaccurate and impact trailer dissector", None;
    FCS: "eth.fcs", "Frame check sequence", Uint(32), Hex;
    FCS_STATUS: "eth.fcs.status", "FCS Status", Uint(8), Dec, names = checksum_status;
    DST_LG: "eth.dst.lg", "LG bit", Bool, None, mask = 0x2_0000, names = lg;
    DST_IG: "eth.dst.ig", "IG bit", Bool, None, mask = 0x1_0000, names = ig;
    SRC_LG: "eth.src.lg", "LG bit", Bool, None, mask = 0x2_0000, names = lg;
    SRC_IG: "eth.src.ig", "IG bit", Bool, None, mask = 0x1_0000, names = ig;
    LG: "eth.lg", "LG bit", Bool, None, mask = 0x2_0000, names = lg;
    IG: "eth.ig", "IG bit", Bool, None, mask = 0x1_0000, names = ig;
    INVALID_LENTYPE_EXPERT: "eth.invalid_lentype.expert", "Invalid length/type", None;
    SRC_NOT_GROUP: "eth.src_not_group", "Source MAC must not be a group address: IEEE 802.3-2002, Section 3.2.3(b)", None;
    LEN_PAST_END: "eth.len.past_end", "Length field value goes past the end of the payload", None;
}

fn lg(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Globally unique address (factory default)",
            "Locally administered address (this is NOT the factory default)",
        ],
    )
}

fn ig(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Individual address (unicast)",
            "Group address (multicast/broadcast)",
        ],
    )
}

/// Whether a frame ends with a checksum.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fcs {
    /// It does not: it is a frame within another packet.
    None,
    /// By what is left over: four bytes behind what a frame of 60 bytes needs.
    Perhaps,
}

const HEADER_LEN: usize = 14;

/// The largest number that is a length and not an `EtherType` (IEEE 802.3 section 3.2.6). Nothing is
/// announced by 0, which is neither.
pub(crate) const MOST_LEN: u16 = 1500;

/// The shortest frame on the wire, without its checksum.
const MIN_LEN: u32 = 60;

/// A field of an address and those that say the same in other words.
#[derive(Clone, Copy)]
struct AddressFields {
    address: FieldId,
    resolved: FieldId,
    oui: FieldId,
    oui_resolved: FieldId,
    lg: FieldId,
    ig: FieldId,
}

/// Dissects an Ethernet frame.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>, fcs: Fcs) -> Result<(), Stop> {
    if walk.protocols.is_full() {
        return data::dissect(walk, region);
    }
    walk.columns.set_protocol("Ethernet");
    if region.u16(12) == Ok(shim::FABRICPATH) {
        walk.columns.clear_info();
        walk.protocols.push(THIS.protocol);
        return shim::fabricpath(walk, region);
    }
    let added = walk.begin(THIS, &region, HEADER_LEN);
    let dst = region.array::<6>(0)?;
    walk.columns.destination = Address::Ether(dst);
    let src = region.array::<6>(6)?;
    walk.columns.source = Address::Ether(src);
    let kind = region.u16(12)?;
    // What carries a frame that ends before this has the last word.
    walk.columns.clear_info();
    let form = match kind {
        1..=MOST_LEN => "IEEE 802.3 Ethernet",
        1501..=1535 => "Ethernet Unknown Length/Type",
        _ => "Ethernet II",
    };
    if walk.tree.labels() {
        let names = walk.preferences.names;
        let (src, dst) = (Whole(src, names), Whole(dst, names));
        match kind {
            1..=MOST_LEN => walk.tree.label(added, format_args!("{form} ")),
            _ => walk
                .tree
                .label(added, format_args!("{form}, Src: {src}, Dst: {dst}")),
        }
    }
    if walk.tree.wants_any_of(THIS.protocol) {
        address(walk, &region, 0, dst, DST_FIELDS);
        address(walk, &region, 6, src, SRC_FIELDS);
    }
    let rest = region.rest(HEADER_LEN);
    match kind {
        1..=MOST_LEN => return by_length(walk, added, &region, HEADER_LEN, LENGTH_FIELDS, fcs),
        1501..=1535 => {
            walk.columns.set_info(format_args!(
                "Ethernet Unknown: Invalid length/type: {kind:#06x} ({kind})"
            ));
            let unknown = walk.tree.add(
                INVALID_LENTYPE,
                region.place(12, 2),
                Value::Uint(kind.into()),
            );
            walk.expert(
                unknown,
                INVALID_LENTYPE_EXPERT,
                (Severity::Warning, Group::Protocol),
                format_args!("Invalid length/type: {kind:#06x} ({kind})"),
            );
            walk.end();
            return data::dissect(walk, rest);
        }
        _ => {
            walk.columns.set_info(format_args!("Ethernet II"));
            walk.tree
                .add(TYPE, region.place(12, 2), Value::Uint(kind.into()));
            walk.end();
            ethertype::dissect(walk, kind, rest);
        }
    }
    if let Some(claimed) = walk.claimed.take() {
        trailer(walk, added, &rest, claimed, TRAILER, fcs)?;
    }
    Ok(())
}

/// The fields that tell of a length where an `EtherType` could be.
#[derive(Clone, Copy)]
pub(crate) struct LengthFields {
    pub(crate) len: FieldId,
    pub(crate) past_end: FieldId,
    pub(crate) trailer: FieldId,
}

const LENGTH_FIELDS: LengthFields = LengthFields {
    len: LEN,
    past_end: LEN_PAST_END,
    trailer: TRAILER,
};

/// Dissects what is announced by its length, which stands before `offset`: LLC (Wireshark's
/// `packet-ieee8023.c`).
pub(crate) fn by_length(
    walk: &mut Walk<'_, '_>,
    layer: Added,
    region: &Region<'_>,
    offset: usize,
    fields: LengthFields,
    fcs: Fcs,
) -> Result<(), Stop> {
    let len = region.u16(offset - 2)?;
    let rest = region.rest(offset);
    let added = walk.tree.add(
        fields.len,
        region.place(offset - 2, 2),
        Value::Uint(len.into()),
    );
    if usize::from(len) > rest.reported() {
        walk.expert(
            added,
            fields.past_end,
            (Severity::Error, Group::Malformed),
            format_args!("Length field value goes past the end of the payload"),
        );
    }
    let part = rest.part(0, len.into());
    walk.end();
    let stop = inner(walk, |walk| llc::dissect(walk, part));
    walk.claimed = None;
    // That bytes are missing is told once.
    if stop == Some(Stop::Snapped) {
        return Ok(());
    }
    let claimed = u32::from(len).min(rest.reported() as u32);
    if claimed as usize > rest.captured().len() {
        return Err(Stop::Snapped);
    }
    let left = rest.rest(claimed as usize);
    behind(walk, layer, left, fields.trailer, fcs)
}

/// Dissects what a layer carries; what goes wrong within is said there and ends here. Gives why it
/// stopped, if it did.
fn inner(
    walk: &mut Walk<'_, '_>,
    dissect: impl FnOnce(&mut Walk<'_, '_>) -> Result<(), Stop>,
) -> Option<Stop> {
    let (depth, current) = (walk.tree.depth(), walk.current);
    walk.tree.set_depth(walk.base);
    let outcome = dissect(walk);
    match outcome {
        Ok(()) => walk.current = current,
        Err(stop) => walk.stopped(stop),
    }
    walk.tree.set_depth(depth);
    outcome.err()
}

const DST_FIELDS: AddressFields = AddressFields {
    address: DST,
    resolved: DST_RESOLVED,
    oui: DST_OUI,
    oui_resolved: DST_OUI_RESOLVED,
    lg: DST_LG,
    ig: DST_IG,
};

const SRC_FIELDS: AddressFields = AddressFields {
    address: SRC,
    resolved: SRC_RESOLVED,
    oui: SRC_OUI,
    oui_resolved: SRC_OUI_RESOLVED,
    lg: SRC_LG,
    ig: SRC_IG,
};

/// Most bytes of a vendor's number with its name: the room that Wireshark 4.0 has for it.
const OUI_LEN: usize = 31;

/// Adds an address with all that is said of it.
fn address(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    offset: usize,
    address: [u8; 6],
    fields: AddressFields,
) {
    let names = walk.preferences.names;
    let tree = &mut *walk.tree;
    let (place, front) = (region.place(offset, 6), region.place(offset, 3));
    let named = Named { address, names };
    let [a, b, c, ..] = address;
    let oui = u32::from_be_bytes([0, a, b, c]);
    let wants_vendor = tree.wants(fields.oui_resolved) || tree.wants(ADDR_OUI_RESOLVED);
    let vendor = wants_vendor.then(|| vendor::organization(oui)).flatten();
    let added = tree.add(fields.address, place, Value::Ether(address));
    if fields.address == SRC && a & 1 != 0 {
        walk.expert(
            added,
            SRC_NOT_GROUP,
            (Severity::Warning, Group::Protocol),
            format_args!(
                "Source MAC must not be a group address: IEEE 802.3-2002, Section 3.2.3(b)"
            ),
        );
    }
    let tree = &mut *walk.tree;
    tree.open();
    let both = [
        (fields.resolved, fields.oui, fields.oui_resolved),
        (ADDR_RESOLVED, ADDR_OUI, ADDR_OUI_RESOLVED),
    ];
    for (which, (resolved, number, organization)) in both.into_iter().enumerate() {
        if which == 1 {
            tree.add(ADDR, place, Value::Ether(address));
        }
        let hidden = tree.add_formatted(resolved, place, format_args!("{named}"));
        tree.set_hidden(hidden);
        tree.set_generated(hidden);
        let hidden = tree.add(number, front, Value::Uint(oui.into()));
        if tree.labels() {
            let title = number.field().title;
            let mut text = format!("{a:02x}:{b:02x}:{c:02x}");
            if let Some(vendor) = &vendor {
                text = format!("{text} ({vendor})");
                text.truncate(text.floor_char_boundary(OUI_LEN));
            }
            tree.label(hidden, format_args!("{title}: {text}"));
        }
        tree.set_hidden(hidden);
        tree.set_generated(hidden);
        if let Some(vendor) = &vendor {
            let hidden = tree.add_text(organization, place, vendor);
            tree.set_hidden(hidden);
            tree.set_generated(hidden);
        }
    }
    let (local, group) = (Value::Bool(a & 2 != 0), Value::Bool(a & 1 != 0));
    tree.add(fields.lg, front, local);
    tree.add_hidden(LG, front, local);
    tree.add(fields.ig, front, group);
    tree.add_hidden(IG, front, group);
    tree.close();
}

/// An address as headings show it: with its name if there is one.
struct Whole([u8; 6], Names);

impl std::fmt::Display for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self(address, names) = *self;
        match names {
            Names::Numbers => write!(f, "{}", Ether(address)),
            Names::Vendors => write!(f, "{} ({})", Named { address, names }, Ether(address)),
        }
    }
}

/// What is found where a short frame is filled up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Padding {
    /// It need not be filled up.
    No,
    Zeros,
    Other,
}

/// Adds what stands behind `claimed` bytes of `rest` to the layer whose node is `layer`: padding,
/// trailer and checksum, as far as they can be told apart.
///
/// # Errors
///
/// When what would tell them apart was not captured.
pub(crate) fn trailer(
    walk: &mut Walk<'_, '_>,
    layer: Added,
    rest: &Region<'_>,
    claimed: u32,
    field: FieldId,
    fcs: Fcs,
) -> Result<(), Stop> {
    let left = rest.rest(claimed as usize);
    // What was not captured at all is not told of.
    if left.captured().is_empty() {
        return Ok(());
    }
    behind(walk, layer, left, field, fcs)
}

fn behind(
    walk: &mut Walk<'_, '_>,
    layer: Added,
    left: Region<'_>,
    field: FieldId,
    fcs: Fcs,
) -> Result<(), Stop> {
    let wanted = walk.tree.wants(field) || walk.tree.wants_any_of(THIS.protocol);
    if left.reported() == 0 || !wanted && !left.is_cut() {
        return Ok(());
    }
    let depth = walk.tree.depth();
    let back = walk.tree.under(layer);
    let outcome = parts_of_trailer(walk, left, field, fcs);
    walk.tree.back(back);
    walk.tree.set_depth(depth);
    outcome
}

fn parts_of_trailer(
    walk: &mut Walk<'_, '_>,
    mut left: Region<'_>,
    field: FieldId,
    fcs: Fcs,
) -> Result<(), Stop> {
    const FCS_LEN: usize = 4;
    let wire_len = walk.frame.packet.meta.wire_len;
    let mut is_padding = Padding::No;
    // What fills a frame up to the shortest that there can be, wherever in it the layer begins.
    let before = wire_len.checked_sub(left.reported() as u32);
    if let Some(before @ ..MIN_LEN) = before
        && wire_len >= MIN_LEN
    {
        let len = (MIN_LEN - before) as usize;
        let padding = left.part(0, len);
        let is_zero = padding.captured().iter().all(|byte| *byte == 0);
        if is_zero && padding.captured().len() < len {
            return Err(Stop::Snapped);
        }
        is_padding = Padding::Other;
        if is_zero {
            walk.bytes(PADDING, &padding);
            left = left.rest(len);
            is_padding = Padding::Zeros;
        }
    }
    let long = wire_len as usize >= MIN_LEN as usize + FCS_LEN;
    let has_fcs = fcs == Fcs::Perhaps && long && left.reported() >= FCS_LEN;
    let trailer = if has_fcs {
        left.part(0, left.reported() - FCS_LEN)
    } else {
        left
    };
    if !trailer.captured().is_empty() {
        let added = walk.bytes(field, &trailer);
        if is_padding == Padding::Other {
            walk.expert(
                added,
                PADDING_BAD,
                (Severity::Note, Group::Protocol),
                format_args!(
                    "Didn't find padding of zeros, and an undecoded trailer exists. There may be padding of non-zeros."
                ),
            );
        }
    }
    if has_fcs {
        let at = trailer.captured().len();
        let sent = left.u32(at)?;
        let added = walk
            .tree
            .add(FCS, left.place(at, FCS_LEN), Value::Uint(sent.into()));
        walk.tree.label(
            added,
            format_args!("Frame check sequence: {sent:#010x} [unverified]"),
        );
        let status = walk.tree.add(
            FCS_STATUS,
            Place::default(),
            Value::Uint(super::checksum::Status::Unverified as u64),
        );
        walk.tree.set_generated(status);
        walk.tree
            .label(status, format_args!("FCS Status: Unverified"));
    }
    Ok(())
}
