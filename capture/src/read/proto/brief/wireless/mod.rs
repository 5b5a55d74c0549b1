//! IEEE 802.11: who sends to whom, what for, and what data frames carry.
//!
//! - `header.rs` what capturing stations put in front of a frame
//! - `management.rs` networks and their names in management frames
//! - `names.rs` what frames are for

pub(crate) mod header;
mod management;
mod names;

use std::fmt;

use crate::read::FieldId;
use crate::read::column::{Address, Role};
use crate::read::field::protocol;
use crate::read::proto::{data, eth, ethertype, llc};
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    72, "wlan", "802.11", "IEEE 802.11 wireless LAN";
    TYPE: "wlan.fc.type", "Type", Uint(8), Dec;
    SUBTYPE: "wlan.fc.subtype", "Subtype", Uint(8), Dec;
    TYPE_SUBTYPE: "wlan.fc.type_subtype", "Type/Subtype", Uint(16), Hex, names = names::known;
    RECEIVER: "wlan.ra", "Receiver address", Ether;
    TRANSMITTER: "wlan.ta", "Transmitter address", Ether;
    DESTINATION: "wlan.da", "Destination address", Ether;
    SOURCE: "wlan.sa", "Source address", Ether;
    BSSID: "wlan.bssid", "BSS Id", Ether;
    ADDRESS: "wlan.addr", "Hardware address", Ether;
    FRAGMENT: "wlan.frag", "Fragment number", Uint(16), Dec;
    SEQUENCE: "wlan.seq", "Sequence number", Uint(16), Dec;
}

/// What is known of a frame beside its bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Radio {
    /// Its last four bytes are a checksum.
    has_fcs: bool,
    /// Its header is padded to whole words.
    is_padded: bool,
    /// The two bytes of frame control are the other way round.
    is_swapped: bool,
}

impl Radio {
    /// Of frames that access points send on to their controller.
    pub(crate) fn swapped() -> Self {
        Self {
            is_swapped: true,
            ..Self::default()
        }
    }
}

/// Letters of the bits of the second byte of frame control, the highest first; `C` if there is a checksum.
struct Flags(u8, Radio);

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(flags, radio) = *self;
        let letters = ['o', 'p', 'm', 'P', 'R', 'M', 'F', 'T'];
        for (bit, letter) in letters.into_iter().enumerate() {
            let is_set = flags & (0x80 >> bit) != 0;
            fmt::Write::write_char(f, if is_set { letter } else { '.' })?;
        }
        f.write_str(if radio.has_fcs { "C" } else { "" })
    }
}

const FROM_AND_TO: u8 = 3;
const MORE_FRAGMENTS: u8 = 0x04;
const PROTECTED: u8 = 0x40;
const ORDER: u8 = 0x80;

/// Dissects a frame.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    radio: Radio,
) -> Result<(), Stop> {
    walk.columns.set_protocol("802.11");
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len().min(24));
    let control = region.u16(0)?;
    let [first, flags] = if radio.is_swapped {
        control.to_le_bytes()
    } else {
        control.to_be_bytes()
    };
    match first & 3 {
        0 => {}
        1 => {
            let name = names::second_version(first >> 2 & 7);
            walk.columns.set_info(format_args!("{name}"));
            walk.end();
            return Ok(());
        }
        version => {
            let text = format_args!("Unknown protocol version: {version}");
            walk.columns.set_info(text);
            walk.end();
            return data::dissect(walk, region.from(4)?);
        }
    }
    let kind = names::Kind::of(first, flags);
    walk.columns.set_info(format_args!("{}", kind.name()));
    let place = region.place(0, 1);
    let number = |value: u8| Value::Uint(value.into());
    walk.tree
        .add(TYPE_SUBTYPE, place, Value::Uint(kind.number().into()));
    walk.tree.add(TYPE, place, number(first >> 2 & 3));
    walk.tree.add(SUBTYPE, place, number(first >> 4));
    address(walk, &region, RECEIVER, 4)?;
    let header = match first >> 2 & 3 {
        0 => management_header(walk, &region, flags)?,
        1 => {
            control_addresses(walk, &region, kind)?;
            tell_flags(walk, flags, radio);
            walk.end();
            return Ok(());
        }
        2 => data_header(walk, &region, first, flags)?,
        _ => {
            extension(walk, &region, kind)?;
            tell_flags(walk, flags, radio);
            walk.end();
            return Ok(());
        }
    };
    tell_flags(walk, flags, radio);
    walk.end();
    if first >> 2 & 3 == 2 && first >> 4 & 4 != 0 {
        // Of these there is no more than the header.
        return Ok(());
    }
    let mut len = header.len;
    if radio.is_padded {
        len = len.next_multiple_of(4);
    }
    len += header.mesh_len;
    let mut body_len = region.reported().saturating_sub(len);
    if radio.has_fcs {
        const FCS_LEN: usize = 4;
        body_len = body_len.checked_sub(FCS_LEN).unwrap_or(body_len);
    }
    let body = region.part(len, body_len);
    if flags & PROTECTED != 0 {
        // Without the key it says nothing.
        region.u8(len + 3)?;
        return data::dissect(walk, body);
    }
    let sequence = header.sequence_control >> 4;
    let goes_on = flags & MORE_FRAGMENTS != 0;
    let had_more = walk
        .memory
        .brief
        .radio_piece(header.source, sequence, goes_on);
    // Some cards put frames together themselves, and leave the number of the last piece.
    if goes_on || header.fragment != 0 && had_more {
        let text = format_args!("Fragmented IEEE 802.11 frame");
        walk.columns.set_info(text);
        return data::dissect(walk, body);
    }
    match first >> 2 & 3 {
        0 => management::dissect(walk, &body, first >> 4),
        _ => carried(walk, body, &header),
    }
}

fn tell_flags(walk: &mut Walk<'_, '_>, flags: u8, radio: Radio) {
    let text = format_args!(", Flags={}", Flags(flags, radio));
    walk.columns.append_info(text);
}

/// What is known behind the header of a management or data frame.
#[derive(Clone, Copy, Debug)]
struct Header {
    len: usize,
    /// Length of what a mesh puts in front of the data.
    mesh_len: usize,
    fragment: u16,
    sequence_control: u16,
    source: [u8; 6],
    destination: [u8; 6],
    is_aggregate: bool,
}

/// Adds an address, and gives it.
fn address(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    field: FieldId,
    at: usize,
) -> Result<[u8; 6], Stop> {
    let address = region.array(at)?;
    let place = region.place(at, 6);
    walk.tree.add(field, place, Value::Ether(address));
    walk.tree.add_hidden(ADDRESS, place, Value::Ether(address));
    Ok(address)
}

/// Adds the numbers of a frame.
fn sequence(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<u16, Stop> {
    let control = u16::from_le_bytes(region.array(22)?);
    let (sequence, fragment) = (control >> 4, control & 0xf);
    walk.columns
        .append_info(format_args!(", SN={sequence}, FN={fragment}"));
    let place = region.place(22, 2);
    walk.tree.add(FRAGMENT, place, Value::Uint(fragment.into()));
    walk.tree.add(SEQUENCE, place, Value::Uint(sequence.into()));
    Ok(control)
}

fn management_header(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    flags: u8,
) -> Result<Header, Stop> {
    let destination = address(walk, region, DESTINATION, 4)?;
    address(walk, region, TRANSMITTER, 10)?;
    let source = address(walk, region, SOURCE, 10)?;
    walk.columns.source = Address::Ether(source);
    walk.columns.destination = Address::Ether(destination);
    address(walk, region, BSSID, 16)?;
    let sequence_control = sequence(walk, region)?;
    Ok(Header {
        len: if flags & ORDER == 0 { 24 } else { 28 },
        mesh_len: 0,
        fragment: sequence_control & 0xf,
        sequence_control,
        source,
        destination,
        is_aggregate: false,
    })
}

/// Who is meant by a control frame, and who sends it.
fn control_addresses(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    kind: names::Kind,
) -> Result<(), Stop> {
    let mut carried = kind;
    let mut at = 10;
    if kind.is_wrapper() {
        carried = names::Kind::of(region.u8(10)?, region.u8(11)?);
        at += 6;
    }
    let receiver = if carried.is_poll() {
        Role::AccessPoint
    } else {
        Role::Receiver
    };
    walk.columns.destination = Address::Radio(region.array(4)?, receiver);
    if let Some(role) = carried.sender() {
        let field = if role == Role::AccessPoint {
            BSSID
        } else {
            TRANSMITTER
        };
        // The column is written first, the field may be missing.
        let sender = region.array(at)?;
        walk.columns.source = Address::Radio(sender, role);
        address(walk, region, field, at)?;
    }
    Ok(())
}

fn extension(walk: &mut Walk<'_, '_>, region: &Region<'_>, kind: names::Kind) -> Result<(), Stop> {
    match kind.number() {
        0x30 => walk.columns.destination = Address::Radio(region.array(4)?, Role::AccessPoint),
        0x31 => walk.columns.source = Address::Radio(region.array(4)?, Role::Source),
        _ => {}
    }
    Ok(())
}

fn data_header(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    first: u8,
    flags: u8,
) -> Result<Header, Stop> {
    const AGGREGATE: u16 = 0x80;
    let has_qos = first & 0x80 != 0;
    let mut len = if flags & FROM_AND_TO == FROM_AND_TO {
        30
    } else {
        24
    };
    let mut qos = 0;
    if has_qos {
        qos = u16::from_le_bytes(region.array(len)?);
        len += if flags & ORDER == 0 { 2 } else { 6 };
    }
    let mesh_len = mesh_len(region, len, flags, has_qos.then_some(qos));
    let is_aggregate = qos & AGGREGATE != 0 && first & 0x40 == 0;
    // With several packets in it, the addresses of the radio are all that there is.
    let (destination, source) = match (flags & FROM_AND_TO, is_aggregate) {
        (0, _) => (Some(4), Some(10)),
        (1, false) => (Some(16), Some(10)),
        (1, true) => (None, Some(10)),
        (2, false) => (Some(4), Some(16)),
        (2, true) => (Some(4), None),
        (_, false) => (Some(16), Some(24)),
        (_, true) => (Some(4), Some(10)),
    };
    let mut ends = [[0; 6]; 2];
    if let Some(at) = source {
        ends[0] = region.array(at)?;
        walk.columns.source = Address::Ether(ends[0]);
    }
    if let Some(at) = destination {
        ends[1] = region.array(at)?;
        walk.columns.destination = Address::Ether(ends[1]);
    }
    let sequence_control = sequence(walk, region)?;
    address(walk, region, TRANSMITTER, 10)?;
    if let Some(at) = destination {
        address(walk, region, DESTINATION, at)?;
    }
    if let Some(at) = source {
        address(walk, region, SOURCE, at)?;
    }
    if let Some(at) = [Some(16), Some(4), Some(10), None][usize::from(flags & FROM_AND_TO)] {
        address(walk, region, BSSID, at)?;
    }
    Ok(Header {
        len,
        mesh_len,
        fragment: sequence_control & 0xf,
        sequence_control,
        source: ends[0],
        destination: ends[1],
        is_aggregate,
    })
}

/// Length of a mesh's header, if it looks as if there was one: frames of a station's own have none of
/// what announces it.
fn mesh_len(region: &Region<'_>, at: usize, flags: u8, qos: Option<u16>) -> usize {
    const EXTENSION: u8 = 3;
    const IS_MESH: u16 = 0x100;
    let Ok(mesh) = region.u8(at) else {
        return 0;
    };
    let len = 6 + 6 * usize::from(mesh & EXTENSION);
    let may_be = matches!(flags & FROM_AND_TO, 2 | 3)
        && mesh & !EXTENSION == 0
        && mesh & EXTENSION != EXTENSION;
    let is_one = match region.array(at + len) {
        Ok(next) => may_be && u16::from_be_bytes(next) == 0xaaaa,
        Err(_) => may_be && qos.is_some_and(|qos| qos & IS_MESH != 0),
    };
    if is_one { len } else { 0 }
}

/// Dissects what a data frame carries.
fn carried(walk: &mut Walk<'_, '_>, body: Region<'_>, header: &Header) -> Result<(), Stop> {
    if walk.protocols.is_full() {
        return data::dissect(walk, body);
    }
    if header.is_aggregate && body.reported() > 4 {
        return aggregate(walk, &body);
    }
    let Ok(front) = body.array::<2>(0) else {
        return llc::dissect(walk, body);
    };
    let holds =
        |at: usize, address: &[u8; 6]| body.array(at).is_ok_and(|bytes: [u8; 6]| bytes == *address);
    match front {
        [0xaa, 0xaa] => llc::dissect(walk, body),
        _ if holds(6, &header.source) || holds(0, &header.destination) => {
            eth::dissect(walk, body, eth::Fcs::None)
        }
        [0xff, 0xff] => super::bare::netware(walk, &body),
        [0, 0] if holds(6, &header.destination) && holds(12, &header.source) => {
            eth::dissect(walk, body.rest(6), eth::Fcs::None)
        }
        [0, 0] => llc::dissect(walk, body.rest(2)),
        _ if u16::from_le_bytes(front) == header.sequence_control => {
            llc::dissect(walk, body.rest(2))
        }
        _ if ethertype::is_known(u16::from_be_bytes(front)) => {
            ethertype::hand_on(walk, u16::from_be_bytes(front), body.rest(2))
        }
        _ => llc::dissect(walk, body),
    }
}

/// Dissects several packets in one frame.
fn aggregate(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 14;
    let mut at = 0;
    loop {
        let len = usize::from(body.u16(at + 12)?);
        llc::dissect(walk, body.part(at + HEADER_LEN, len))?;
        walk.claimed = None;
        at = (at + HEADER_LEN + len).next_multiple_of(4);
        if body.reported().saturating_sub(at) <= HEADER_LEN {
            return Ok(());
        }
    }
}
