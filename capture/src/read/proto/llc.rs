//! IEEE 802.2 logical link control, with the `EtherType` that a SNAP header carries.

use std::fmt;

use super::brief::bare;
use super::names::ethertype::ethertype as ethertype_name;
use super::names::llc::sap;
use super::{data, eth, ethertype, ip, stp};
use crate::read::field::{FieldId, protocol};
use crate::read::proto::names::{pick, set};
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::vendor;
use crate::read::walk::Walk;

protocol! {
    13, "llc", "LLC", "Logical-Link Control";
    DSAP: "llc.dsap", "DSAP", Uint(8), Hex, names = sap;
    DSAP_SAP: "llc.dsap.sap", "SAP", Uint(8), Dec, mask = 0xfe;
    DSAP_IG: "llc.dsap.ig", "IG Bit", Bool, None, mask = 0x01, names = group;
    SSAP: "llc.ssap", "SSAP", Uint(8), Hex, names = sap;
    SSAP_SAP: "llc.ssap.sap", "SAP", Uint(8), Dec, mask = 0xfe;
    SSAP_CR: "llc.ssap.cr", "CR Bit", Bool, None, mask = 0x01, names = response;
    CONTROL: "llc.control", "Control", Uint(16), Hex;
    N_R: "llc.control.n_r", "N(R)", Uint(16), Dec, mask = 0xfe00;
    N_S: "llc.control.n_s", "N(S)", Uint(16), Dec, mask = 0x00fe;
    POLL: "llc.control.p", "Poll", Bool, None, mask = 0x10, names = set;
    NUMBERED_POLL: "llc.control.p", "Poll", Bool, None, mask = 0x0100, bits = 16, names = set;
    FINAL: "llc.control.f", "Final", Bool, None, mask = 0x10, names = set;
    NUMBERED_FINAL: "llc.control.f", "Final", Bool, None, mask = 0x0100, bits = 16, names = set;
    S_FTYPE: "llc.control.s_ftype", "Supervisory frame type", Uint(16), Hex, mask = 0x000c, names = supervisory;
    COMMAND: "llc.control.u_modifier_cmd", "Command", Uint(8), Hex, mask = 0xec, names = command;
    RESPONSE: "llc.control.u_modifier_resp", "Response", Uint(8), Hex, mask = 0xec, names = response_name;
    INFORMATION_FTYPE: "llc.control.ftype", "Frame type", Uint(16), Hex, mask = 0x0001, names = frame_type;
    SUPERVISORY_FTYPE: "llc.control.ftype", "Frame type", Uint(16), Hex, mask = 0x0003, names = frame_type;
    UNNUMBERED_FTYPE: "llc.control.ftype", "Frame type", Uint(8), Hex, mask = 0x03, names = frame_type;
    OUI: "llc.oui", "Organization Code", Uint(24), Dec;
    TYPE: "llc.type", "Type", Uint(16), Hex, names = ethertype_name;
    PID: "llc.pid", "Protocol ID", Uint(16), Hex;
    CISCO_PID: "llc.cisco_pid", "PID", Uint(16), Hex;
}

/// The exchange of what stations can (IEEE 802.2 section 5.4.1.1.2).
pub(crate) mod exchange {
    use crate::read::field::protocol;

    protocol! {
        250, "basicxid", "XID", "Logical-Link Control Basic Format XID";
        FORMAT: "basicxid.llc.xid.format", "XID Format", Uint(8), Hex, names = super::format_name;
        TYPES: "basicxid.llc.xid.types", "LLC Types/Classes", Uint(8), Hex, names = super::class;
        WINDOW: "basicxid.llc.xid.wsize", "Receive Window Size", Uint(8), Dec;
    }
}

fn group(value: u64) -> Option<&'static str> {
    pick(value, &["Individual", "Group"])
}

fn response(value: u64) -> Option<&'static str> {
    pick(value, &["Command", "Response"])
}

fn format_name(value: u64) -> Option<&'static str> {
    (value == u64::from(BASIC_FORMAT)).then_some("LLC basic format")
}

fn class(value: u64) -> Option<&'static str> {
    pick(
        value.wrapping_sub(1),
        &[
            "Type 1 LLC (Class I LLC)",
            "Type 2 LLC",
            "Type 1 and Type 2 LLCs (Class II LLC)",
            "Type 3 LLC",
            "Type 1 and Type 3 LLCs (Class III LLC)",
            "Type 2 and Type 3 LLCs",
            "Type 1 and Type 2 and Type 3 LLCs (Class IV LLC)",
        ],
    )
}

fn supervisory(value: u64) -> Option<&'static str> {
    pick(
        value,
        &[
            "Receiver ready",
            "Receiver not ready",
            "Reject",
            "Selective reject",
        ],
    )
}

/// What an unnumbered frame does, briefly and in words; some are others in answers.
const fn modifier(value: u8, is_response: bool) -> Option<[&'static str; 2]> {
    Some(match value & 0xec {
        0x00 => ["UI", "Unnumbered Information"],
        0x20 => ["UP", "Unnumbered Poll"],
        0x40 if is_response => ["RD", "Request Disconnect"],
        0x40 => ["DISC", "Disconnect"],
        0x60 => ["UA", "Unnumbered Acknowledge"],
        0x80 => ["SNRM", "Set Normal Response Mode"],
        0xe0 => ["TEST", "Test"],
        0x04 if is_response => ["RIM", "Request Initialization Mode"],
        0x04 => ["SIM", "Set Initialization Mode"],
        0x84 => ["FRMR", "Frame reject"],
        0xc4 => ["CFGR", "Configure"],
        0x0c if is_response => ["DM", "Disconnected mode"],
        0x0c => ["SARM", "Set Asynchronous Response Mode"],
        0x2c => ["SABM", "Set Asynchronous Balanced Mode"],
        0x4c => ["SARME", "Set Asynchronous Response Mode Extended"],
        0x6c => ["SABME", "Set Asynchronous Balanced Mode Extended"],
        0x8c => ["RESET", "Reset"],
        XID => ["XID", "Exchange identification"],
        0xcc => ["SNRME", "Set Normal Response Mode Extended"],
        0xec => ["BCN", "Beacon"],
        _ => return None,
    })
}

fn command(value: u64) -> Option<&'static str> {
    modifier((value << 2) as u8, false).map(|[_, words]| words)
}

fn response_name(value: u64) -> Option<&'static str> {
    modifier((value << 2) as u8, true).map(|[_, words]| words)
}

fn frame_type(value: u64) -> Option<&'static str> {
    const INFORMATION: &str = "Information frame";
    pick(
        value,
        &[
            INFORMATION,
            "Supervisory frame",
            INFORMATION,
            "Unnumbered frame",
        ],
    )
}

/// The SAP of IPv4.
const IP: u8 = 0x06;
/// The SAP of bridges.
const SPANNING_TREE: u8 = 0x42;
/// Both SAPs of a SNAP header.
const SNAP: u8 = 0xaa;
/// An unnumbered frame that exchanges identification.
const XID: u8 = 0xac;
/// The form of XID that IEEE 802.2 defines.
const BASIC_FORMAT: u8 = 0x81;

/// The control field.
#[derive(Clone, Copy, Debug)]
struct Control {
    value: u16,
    len: usize,
}

impl Control {
    fn read(region: &Region<'_>, at: usize) -> Result<Self, Stop> {
        let first = region.u8(at)?;
        Ok(if first & 3 == 3 {
            Self {
                value: first.into(),
                len: 1,
            }
        } else {
            Self {
                value: u16::from_le_bytes(region.array(at)?),
                len: 2,
            }
        })
    }

    /// Whether an answer is asked for, or is the last one.
    const fn is_last(self) -> bool {
        self.value & if self.len == 1 { 0x10 } else { 0x100 } != 0
    }

    /// What it says, as the list has it.
    fn text(self, is_response: bool) -> String {
        let value = self.value;
        let (received, sent) = (value >> 9, value >> 1 & 0x7f);
        let last = match (self.is_last(), is_response) {
            (false, _) => "",
            (true, false) => " P",
            (true, true) => " F",
        };
        match value & 3 {
            1 => {
                let kind = ["RR", "RNR", "REJ", "SREJ"][usize::from(value >> 2 & 3)];
                format!("S{last}, func={kind}, N(R)={received}")
            }
            3 => {
                let name = modifier(value as u8, is_response).map_or("Unknown", |[name, _]| name);
                format!("U{last}, func={name}")
            }
            _ => {
                let last = if self.is_last() { " P" } else { "" };
                format!("I{last}, N(R)={received}, N(S)={sent}")
            }
        }
    }

    /// Whether what follows is a packet.
    const fn is_information(self) -> bool {
        self.value & 1 == 0 || self.value == 3
    }

    const fn is_exchange(self) -> bool {
        self.len == 1 && self.value & 0xef == (XID | 3) as u16
    }
}

/// Dissects an LLC header and what follows it.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("LLC");
    walk.columns.clear_info();
    let added = walk.begin(THIS, &region, 3.min(region.captured().len()));
    let dsap = region.u8(0)?;
    service(walk, &region, 0, dsap, [DSAP, DSAP_SAP, DSAP_IG]);
    let ssap = region.u8(1)?;
    service(walk, &region, 1, ssap, [SSAP, SSAP_SAP, SSAP_CR]);
    let control = control(walk, &region, ssap & 1 != 0)?;
    let header_len = 2 + control.len;
    if (dsap, ssap) == (SNAP, SNAP) {
        walk.tree.set_len(added, header_len as u32 + 5);
        return snap(walk, &region, control);
    }
    walk.tree.set_len(added, header_len as u32);
    let [dsap_name, ssap_name] = [dsap, ssap].map(Service);
    walk.columns.append_info(format_args!(
        "; DSAP {dsap_name} {}, SSAP {ssap_name} {}",
        group((dsap & 1).into()).unwrap_or(""),
        response((ssap & 1).into()).unwrap_or("")
    ));
    walk.end();
    let rest = region.rest(header_len);
    if rest.reported() == 0 {
        return Ok(());
    }
    match dsap {
        SPANNING_TREE if control.is_information() => stp::dissect(walk, rest),
        IP if control.is_information() => ip::dissect(walk, rest),
        _ if control.is_exchange() && rest.u8(0)? == BASIC_FORMAT => exchanged(walk, &rest),
        _ => {
            let found = control
                .is_information()
                .then(|| bare::service(walk, dsap, &rest));
            match found.flatten() {
                Some(outcome) => outcome,
                None => data::dissect(walk, rest),
            }
        }
    }
}

/// A service access point as the list names it.
struct Service(u8);

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.0 & 0xfe;
        match sap(number.into()) {
            Some(name) => f.write_str(name),
            None => write!(f, "{number:#04x}"),
        }
    }
}

fn service(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    offset: usize,
    value: u8,
    [field, number, bit]: [FieldId; 3],
) {
    let place = region.place(offset, 1);
    let added = walk.tree.add(field, place, Value::Uint(value.into()));
    let title = field.field().title;
    let name = sap(value.into()).unwrap_or("Unknown");
    walk.tree
        .label(added, format_args!("{title}: {name} ({value:#04x})"));
    walk.tree.open();
    let added = walk
        .tree
        .add(number, place, Value::Uint((value >> 1).into()));
    let name = sap((value & 0xfe).into()).unwrap_or("Unknown");
    walk.tree.label(added, format_args!("SAP: {name}"));
    walk.tree.add(bit, place, Value::Bool(value & 1 != 0));
    walk.tree.close();
}

/// The control field (Wireshark's `packet-xdlc.c`): two bytes where frames are numbered.
fn control(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    is_response: bool,
) -> Result<Control, Stop> {
    let first = region.u8(2)?;
    let control = Control::read(region, 2)?;
    let value = control.value;
    let (received, sent) = (value >> 9, value >> 1 & 0x7f);
    let is_last = control.is_last();
    let text = control.text(is_response);
    walk.columns.set_info(format_args!("{text}"));
    let place = region.place(2, control.len);
    let tree = &mut *walk.tree;
    let added = tree.add(CONTROL, place, Value::Uint(value.into()));
    let digits = 2 * control.len;
    tree.label(
        added,
        format_args!("Control field: {text} (0x{value:0digits$X})"),
    );
    tree.open();
    let number = |value: u16| Value::Uint(value.into());
    if first & 3 != 3 {
        tree.add(N_R, place, number(received));
    }
    if first & 1 == 0 {
        tree.add(N_S, place, number(sent));
    }
    if is_last {
        let field = match (first & 3, is_response) {
            (3, false) => POLL,
            (3, true) => FINAL,
            (1, true) => NUMBERED_FINAL,
            _ => NUMBERED_POLL,
        };
        tree.add(field, place, Value::Bool(true));
    }
    match first & 3 {
        1 => {
            tree.add(S_FTYPE, place, number(value >> 2 & 3));
            tree.add(SUPERVISORY_FTYPE, place, number(1));
        }
        3 => {
            let field = if is_response { RESPONSE } else { COMMAND };
            tree.add(field, place, number(value >> 2 & 0x3b));
            tree.add(UNNUMBERED_FTYPE, place, number(3));
        }
        _ => {
            tree.add(INFORMATION_FTYPE, place, number(0));
        }
    }
    tree.close();
    Ok(control)
}

/// What a control field at `at` says, for link layers that have one without the rest of LLC.
pub(crate) fn control_text(
    region: &Region<'_>,
    at: usize,
    is_response: bool,
) -> Result<String, Stop> {
    Ok(Control::read(region, at)?.text(is_response))
}

/// What a station can.
fn exchanged(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("XID");
    walk.columns.clear_info();
    // It is not a layer of its own.
    walk.node(exchange::THIS, region, region.captured().len());
    walk.u8(exchange::FORMAT, region, 0)?;
    walk.columns.set_info(format_args!("Basic Format"));
    let types = region.u8(1)? & 0x1f;
    let number = Value::Uint(types.into());
    walk.tree.add(exchange::TYPES, region.place(1, 1), number);
    match class(types.into()) {
        Some(class) => walk.columns.append_info(format_args!("; {class}")),
        None => walk.columns.append_info(format_args!("; {types:#04x}")),
    }
    let window = region.u8(2)? >> 1;
    let number = Value::Uint(window.into());
    walk.tree.add(exchange::WINDOW, region.place(2, 1), number);
    walk.columns
        .append_info(format_args!("; Window Size {window}"));
    walk.end();
    Ok(())
}

/// Whose numbers have fields of their own: Cisco, Apple, Extreme, Nortel, IANA, Cimetrics, Force10,
/// Bluetooth, Foundry and Aironet.
const WITH_NUMBERS: [u32; 11] = [
    CISCO, 0x08_0007, 0x00_e02b, 0x00_0081, 0x00_005e, 0x00_1090, 0x00_01e8, 0x00_1958, 0x00_17f2,
    0x00_e052, 0x00_4096,
];
const CISCO: u32 = 0x00_000c;
/// IEEE 802.1: bridged frames.
const BRIDGES: u32 = 0x00_80c2;
/// Bridges' own, in [`BRIDGES`]; and by Cisco, in [`CISCO`].
const BPDU: u16 = 0x000e;
const PVST: u16 = 0x010b;

fn snap(walk: &mut Walk<'_, '_>, region: &Region<'_>, control: Control) -> Result<(), Stop> {
    let at = 2 + control.len;
    let kind = region.u16(at + 3)?;
    let oui = region.u24(at)?;
    let added = walk
        .tree
        .add(OUI, region.place(at, 3), Value::Uint(oui.into()));
    let [_, a, b, c] = oui.to_be_bytes();
    let vendor = vendor::organization(oui);
    let name = vendor.as_deref().filter(|_| walk.tree.labels());
    let name = name.unwrap_or_default();
    walk.tree.label(
        added,
        format_args!("Organization Code: {a:02x}:{b:02x}:{c:02x} ({name})"),
    );
    walk.columns.append_info(format_args!(
        "; SNAP, OUI 0x{oui:06X} ({}), PID 0x{kind:04X}",
        vendor.as_deref().unwrap_or("Unknown")
    ));
    let place = region.place(at + 3, 2);
    let rest = region.rest(at + 5);
    let field = match oui {
        // Encapsulated Ethernet, or bridged by Cisco.
        0 | 0xf8 => control.is_information().then_some(TYPE),
        CISCO => Some(CISCO_PID),
        _ => (!WITH_NUMBERS.contains(&oui)).then_some(PID),
    };
    if let Some(field) = field {
        walk.tree.add(field, place, Value::Uint(kind.into()));
    }
    walk.end();
    if oui != BRIDGES && !control.is_information() {
        return data::dissect(walk, rest);
    }
    organization(walk, oui, kind, rest)
}

/// Dissects what follows the organization and type of a SNAP header without the bytes in front of them.
pub(crate) fn dissect_snap(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let (oui, kind) = (region.u24(0)?, region.u16(3)?);
    organization(walk, oui, kind, region.rest(5))
}

fn organization(
    walk: &mut Walk<'_, '_>,
    oui: u32,
    kind: u16,
    rest: Region<'_>,
) -> Result<(), Stop> {
    let known = match oui {
        0 | 0xf8 if !ethertype::is_known(kind) => bare::frame(walk, kind, &rest),
        CISCO if kind != PVST => bare::cisco(walk, kind, &rest),
        _ => None,
    };
    if let Some(outcome) = known {
        return outcome;
    }
    match (oui, kind) {
        (0 | 0xf8, _) if ethertype::is_known(kind) => ethertype::hand_on(walk, kind, rest),
        (BRIDGES, 7) => eth::dissect(walk, rest.rest(2), eth::Fcs::None),
        (BRIDGES, BPDU) | (CISCO, PVST) => stp::dissect(walk, rest),
        _ => data::dissect(walk, rest),
    }
}
