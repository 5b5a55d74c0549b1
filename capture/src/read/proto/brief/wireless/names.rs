//! What frames of IEEE 802.11 are for, in Wireshark's words.

use crate::read::column::Role;

/// Type and subtype of a frame in one number, as `wlan.fc.type_subtype` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Kind(u16);

impl Kind {
    /// From the two bytes of frame control: a control frame may be extended by the second one.
    pub(super) const fn of(first: u8, flags: u8) -> Self {
        const EXTENDED: u16 = 0x16;
        let number = ((first as u16) >> 2 & 3) << 4 | first as u16 >> 4;
        if number == EXTENDED {
            return Self(EXTENDED << 4 | flags as u16 & 0xf);
        }
        Self(number)
    }

    pub(super) const fn number(self) -> u16 {
        self.0
    }

    /// Its name.
    pub(super) const fn name(self) -> &'static str {
        match known(self.0 as u64) {
            Some(name) => name,
            None => "Unrecognized (Reserved frame)",
        }
    }

    /// Whether another control frame is within it.
    pub(super) const fn is_wrapper(self) -> bool {
        self.0 == 0x17
    }

    /// Whether a station asks for what was kept for it.
    pub(super) const fn is_poll(self) -> bool {
        self.0 == 0x1a
    }

    /// What the second address of a control frame is, if it has one.
    pub(super) const fn sender(self) -> Option<Role> {
        match self.0 {
            0x12..=0x15 | 0x18..=0x1b | 0x1f | 0x162..=0x165 | 0x167..=0x16a => {
                Some(Role::Transmitter)
            }
            0x1e => Some(Role::AccessPoint),
            _ => None,
        }
    }
}

/// Names of frames by type and subtype.
pub(super) const fn known(number: u64) -> Option<&'static str> {
    Some(match number {
        0x00 => "Association Request",
        0x01 => "Association Response",
        0x02 => "Reassociation Request",
        0x03 => "Reassociation Response",
        0x04 => "Probe Request",
        0x05 => "Probe Response",
        0x06 => "Measurement Pilot",
        0x08 => "Beacon frame",
        0x09 => "ATIM",
        0x0a => "Disassociate",
        0x0b => "Authentication",
        0x0c => "Deauthentication",
        0x0d => "Action",
        0x0e => "Action No Ack",
        0x0f => "Aruba Management",
        0x12 => "Trigger",
        0x14 => "Beamforming Report Poll",
        0x15 => "VHT/HE NDP Announcement",
        0x17 => "Control Wrapper",
        0x18 => "802.11 Block Ack Req",
        0x19 => "802.11 Block Ack",
        0x1a => "Power-Save poll",
        0x1b => "Request-to-send",
        0x1c => "Clear-to-send",
        0x1d => "Acknowledgement",
        0x1e => "CF-End (Control-frame)",
        0x1f => "CF-End + CF-Ack (Control-frame)",
        0x20 => "Data",
        0x21 => "Data + CF-Ack",
        0x22 => "Data + CF-Poll",
        0x23 => "Data + CF-Ack + CF-Poll",
        0x24 => "Null function (No data)",
        0x25 => "Acknowledgement (No data)",
        0x26 => "CF-Poll (No data)",
        0x27 => "CF-Ack/Poll (No data)",
        0x28 => "QoS Data",
        0x29 => "QoS Data + CF-Acknowledgment",
        0x2a => "QoS Data + CF-Poll",
        0x2b => "QoS Data + CF-Ack + CF-Poll",
        0x2c => "QoS Null function (No data)",
        0x2e => "QoS CF-Poll (No Data)",
        0x2f => "QoS CF-Ack + CF-Poll (No data)",
        0x30 => "DMG Beacon",
        0x31 => "S1G Beacon",
        0x162 => "Poll",
        0x163 => "Service Period Request",
        0x164 => "Grant",
        0x165 => "DMG Clear-to-send",
        0x166 => "DMG Denial-to-send",
        0x167 => "Grant Acknowledgment",
        0x168 => "Sector Sweep",
        0x169 => "Sector Sweep Feedback",
        0x16a => "Sector Sweep Acknowledgment",
        _ => return None,
    })
}

/// Frames of the second version (IEEE 802.11ah), by their type.
pub(super) const fn second_version(kind: u8) -> &'static str {
    match kind {
        0 => "PV1 QoS Data - with one SID",
        1 => "PV1 Management",
        2 => "PV1 Control",
        3 => "PV1 QoS Data - no SIDs",
        7 => "PV1 Extension (currently reserved)",
        _ => "PV1 Reserved",
    }
}
