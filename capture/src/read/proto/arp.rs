//! ARP (RFC 826) and RARP (RFC 903), as by Wireshark's `packet-arp.c`.

use std::collections::HashMap;

use super::expert::{Group, Severity};
use super::names::arp::{hardware, operation};
use super::names::ethertype::ethertype;
use super::names::pick;
use crate::read::field::protocol;
use crate::read::proto::ip::Dotted;
use crate::read::region::{Region, Stop};
use crate::read::render::Ether;
use crate::read::tree::{Added, Place, Value};
use crate::read::vendor::Named;
use crate::read::walk::Walk;

protocol! {
    5, "arp", "ARP/RARP", "Address Resolution Protocol";
    HW_TYPE: "arp.hw.type", "Hardware type", Uint(16), Dec, names = hardware;
    PROTO_TYPE: "arp.proto.type", "Protocol type", Uint(16), Hex, names = ethertype;
    HW_SIZE: "arp.hw.size", "Hardware size", Uint(8), Dec;
    PROTO_SIZE: "arp.proto.size", "Protocol size", Uint(8), Dec;
    OPCODE: "arp.opcode", "Opcode", Uint(16), Dec, names = operation;
    IS_GRATUITOUS: "arp.isgratuitous", "Is gratuitous", Bool;
    IS_PROBE: "arp.isprobe", "Is probe", Bool;
    IS_ANNOUNCEMENT: "arp.isannouncement", "Is announcement", Bool;
    SRC_HW: "arp.src.hw", "Sender hardware address", Bytes;
    SRC_HW_MAC: "arp.src.hw_mac", "Sender MAC address", Ether;
    SRC_PROTO: "arp.src.proto", "Sender protocol address", Bytes;
    SRC_PROTO_IPV4: "arp.src.proto_ipv4", "Sender IP address", Ipv4;
    DST_HW: "arp.dst.hw", "Target hardware address", Bytes;
    DST_HW_MAC: "arp.dst.hw_mac", "Target MAC address", Ether;
    DST_PROTO: "arp.dst.proto", "Target protocol address", Bytes;
    DST_PROTO_IPV4: "arp.dst.proto_ipv4", "Target IP address", Ipv4;
    DRARP_ERROR: "arp.dst.drarp_error_status", "DRARP error status", Uint(16), Dec, names = error;
    DUPLICATE_FRAME: "arp.duplicate-address-frame", "Frame showing earlier use of IP address", FrameNumber;
    DUPLICATE_SECONDS: "arp.seconds-since-duplicate-address-frame", "Seconds since earlier frame seen", Uint(32), Dec;
    DUPLICATE: "arp.duplicate-address-detected", "Duplicate IP address configured", None;
}

fn error(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 5] = ["restricted", "no address", "serverdown", "moved", "failure"];
    pick(value.wrapping_sub(1), &NAMES)
}

const HEADER_LEN: usize = 8;
const REQUEST: u16 = 1;
const REPLY: u16 = 2;
const DRARP_FAILED: u16 = 7;

/// Addresses that are remembered at most.
const MOST: usize = 1 << 16;

/// Who has which address, to notice that two have the same.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    owners: HashMap<[u8; 4], Owner>,
}

/// Who was seen with an address last.
#[derive(Clone, Copy, Debug)]
struct Owner {
    hardware: [u8; 6],
    frame: u64,
    seconds: u64,
}

impl Memory {
    /// An address is used in a frame; gives who else uses it.
    fn note(&mut self, address: [u8; 4], user: Owner) -> Option<Owner> {
        if self.owners.len() >= MOST && !self.owners.contains_key(&address) {
            self.owners.clear();
        }
        let known = self.owners.entry(address).or_insert(user);
        if known.hardware == user.hardware {
            *known = user;
            return None;
        }
        (known.frame < user.frame).then_some(*known)
    }
}

/// What an address resolution is for, beside asking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Purpose {
    Usual,
    /// It tells of the sender (RFC 5227 section 3, for replies and as RFC 2002 says).
    Gratuitous,
    /// It asks whether an address is in use (RFC 5227 section 2.1.1).
    Probe,
    /// It says that an address is in use (RFC 5227 section 3).
    Announcement,
}

/// What the header says of addresses.
#[derive(Clone, Copy, Debug)]
struct Addresses<'b> {
    region: Region<'b>,
    is_ether: bool,
    is_ipv4: bool,
    hw_len: usize,
    proto_len: usize,
}

/// Whose address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Party {
    Sender,
    Target,
}

impl Addresses<'_> {
    const fn hw_at(&self, party: Party) -> usize {
        match party {
            Party::Sender => HEADER_LEN,
            Party::Target => HEADER_LEN + self.hw_len + self.proto_len,
        }
    }

    const fn proto_at(&self, party: Party) -> usize {
        self.hw_at(party) + self.hw_len
    }

    /// A hardware address as text, without names.
    fn hw(&self, party: Party) -> Result<String, Stop> {
        let at = self.hw_at(party);
        if self.is_ether {
            return Ok(Ether(self.region.array(at)?).to_string());
        }
        self.bytes(at, self.hw_len)
    }

    /// A protocol address as text.
    fn proto(&self, party: Party) -> Result<String, Stop> {
        let at = self.proto_at(party);
        if self.is_ipv4 {
            return Ok(Dotted(self.region.array(at)?).to_string());
        }
        self.bytes(at, self.proto_len)
    }

    fn bytes(&self, at: usize, len: usize) -> Result<String, Stop> {
        use std::fmt::Write as _;
        /// More bytes than these are not shown.
        const SHOWN: usize = 36;
        if len == 0 {
            return Ok("<No address>".to_owned());
        }
        let mut text = String::new();
        let bytes = self.region.slice(at, len)?;
        for byte in bytes.iter().take(SHOWN) {
            // Writing to a string does not fail.
            let _infallible = write!(text, "{byte:02x}");
        }
        if len > SHOWN {
            text.push('…');
        }
        Ok(text)
    }

    /// The bytes at `at`, as far as they are there.
    fn are_there(&self, at: usize, bytes: &[u8]) -> bool {
        self.region
            .slice(at, bytes.len())
            .is_ok_and(|found| found == bytes)
    }

    fn purpose(&self, code: u16) -> Result<Purpose, Stop> {
        const NOBODY: [u8; 6] = [0; 6];
        if !matches!(code, REQUEST | REPLY) {
            return Ok(Purpose::Usual);
        }
        let target = self
            .region
            .slice(self.proto_at(Party::Target), self.proto_len)?;
        let is_same = !target.is_empty() && self.are_there(self.proto_at(Party::Sender), target);
        let asks_nobody = code == REQUEST && self.are_there(self.hw_at(Party::Target), &NOBODY);
        let sender = self.proto_at(Party::Sender);
        Ok(match asks_nobody {
            _ if !is_same => {
                if asks_nobody && self.region.u32(sender)? == 0 {
                    Purpose::Probe
                } else {
                    Purpose::Usual
                }
            }
            true => Purpose::Announcement,
            false => Purpose::Gratuitous,
        })
    }
}

/// Dissects an ARP packet.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("ARP");
    walk.columns.clear_info();
    walk.enter(THIS);
    let hw_type = region.u16(0)?;
    let added = walk.node(THIS, &region, region.captured().len());
    walk.u16(HW_TYPE, &region, 0)?;
    let proto_type = walk.u16(PROTO_TYPE, &region, 2)?;
    let hw_len = usize::from(walk.u8(HW_SIZE, &region, 4)?);
    let proto_len = usize::from(walk.u8(PROTO_SIZE, &region, 5)?);
    let code = walk.u16(OPCODE, &region, 6)?;
    let total = HEADER_LEN + 2 * (hw_len + proto_len);
    walk.tree
        .set_len(added, total.min(region.captured().len()) as u32);
    if total > region.reported() {
        return Err(Stop::Malformed);
    }
    walk.claimed = Some(total as u32);
    walk.columns.set_protocol(match code {
        3 | 4 => "RARP",
        5..=DRARP_FAILED => "DRARP",
        8 | 9 => "Inverse ARP",
        11..=22 => "MARS",
        23 => "MAPOS",
        _ => "ARP",
    });
    let addresses = Addresses {
        region: region.part(0, total),
        is_ether: hw_len == 6 && matches!(hw_type, 1 | 6),
        // The second number is AX.25's for IP.
        is_ipv4: proto_len == 4 && matches!(proto_type, 0x0800 | 0x00cc),
        hw_len,
        proto_len,
    };
    let mut duplicates = Duplicates::default();
    let outcome = look_for_duplicates(walk, &addresses, code, &mut duplicates)
        .and_then(|()| rest(walk, &addresses, code, added));
    walk.end();
    // What was found before the packet ended is told, even if it ended early.
    for (address, mine, other) in duplicates.found.into_iter().flatten() {
        tell_duplicate(walk, address, mine, other);
    }
    outcome?;
    if let Some(address) = duplicates.listed {
        walk.columns.append_info(format_args!(
            " (duplicate use of {} detected!)",
            Dotted(address)
        ));
    }
    Ok(())
}

/// What the list says, the purpose, and the addresses.
fn rest(
    walk: &mut Walk<'_, '_>,
    addresses: &Addresses<'_>,
    code: u16,
    added: Added,
) -> Result<(), Stop> {
    let purpose = addresses.purpose(code)?;
    info(walk, addresses, code, purpose)?;
    title(walk, added, code, purpose);
    let said = match purpose {
        Purpose::Usual => &[][..],
        Purpose::Gratuitous => &[IS_GRATUITOUS],
        Purpose::Probe => &[IS_PROBE],
        Purpose::Announcement => &[IS_GRATUITOUS, IS_ANNOUNCEMENT],
    };
    for field in said {
        walk.tree.add_generated(*field, Value::Bool(true));
    }
    if walk.tree.wants_any_of(THIS.protocol) || walk.tree.labels() {
        fields(walk, addresses, code)?;
    }
    Ok(())
}

/// The addresses.
fn fields(walk: &mut Walk<'_, '_>, addresses: &Addresses<'_>, code: u16) -> Result<(), Stop> {
    let Addresses {
        region,
        is_ether,
        is_ipv4,
        hw_len,
        proto_len,
    } = addresses;
    let fields = [
        (
            Party::Sender,
            (SRC_HW, SRC_HW_MAC, SRC_PROTO, SRC_PROTO_IPV4),
        ),
        (
            Party::Target,
            (DST_HW, DST_HW_MAC, DST_PROTO, DST_PROTO_IPV4),
        ),
    ];
    for (party, (hw, mac, proto, ip)) in fields {
        let at = addresses.hw_at(party);
        if *is_ether {
            let value = Value::Ether(region.array(at)?);
            walk.tree.add(mac, region.place(at, 6), value);
        } else if *hw_len != 0 {
            region.slice(at, *hw_len)?;
            walk.tree.add(hw, region.place(at, *hw_len), Value::Bytes);
        }
        let at = addresses.proto_at(party);
        if *proto_len != 0 && party == Party::Target && code == DRARP_FAILED {
            let status = Value::Uint(region.u8(at)?.into());
            walk.tree.add(DRARP_ERROR, region.place(at, 1), status);
        } else if *is_ipv4 {
            let value = Value::Ipv4(region.array(at)?);
            walk.tree.add(ip, region.place(at, 4), value);
        } else if *proto_len != 0 {
            region.slice(at, *proto_len)?;
            walk.tree
                .add(proto, region.place(at, *proto_len), Value::Bytes);
        }
    }
    Ok(())
}

/// An address, who says that it is his, and who else said so before.
type Duplicate = ([u8; 4], [u8; 6], Owner);

/// Addresses that are in use by someone else too, and what the list says of that.
#[derive(Clone, Copy, Debug, Default)]
struct Duplicates {
    found: [Option<Duplicate>; 2],
    /// What was found of the address that was looked at last: of that alone the list speaks.
    listed: Option<[u8; 4]>,
}

/// Looks whether addresses are in use by someone else too. A request says nothing of its target.
fn look_for_duplicates(
    walk: &mut Walk<'_, '_>,
    addresses: &Addresses<'_>,
    code: u16,
    duplicates: &mut Duplicates,
) -> Result<(), Stop> {
    if !matches!(code, REQUEST | REPLY) || !addresses.is_ether || !addresses.is_ipv4 {
        return Ok(());
    }
    for (place, party) in [Party::Sender, Party::Target].into_iter().enumerate() {
        let address: [u8; 4] = addresses.region.array(addresses.proto_at(party))?;
        let hardware: [u8; 6] = addresses.region.array(addresses.hw_at(party))?;
        let is_one = hardware[0] & 1 == 0 && hardware != [0; 6] && address != [0; 4];
        let is_told = party == Party::Sender || code == REPLY;
        if !is_one || !is_told || duplicates.listed == Some(address) {
            continue;
        }
        let user = Owner {
            hardware,
            frame: walk.frame.number,
            seconds: walk.frame.packet.meta.ts.secs(),
        };
        let other = walk.memory.arp.note(address, user);
        duplicates.found[place] = other.map(|other| (address, hardware, other));
        duplicates.listed = other.map(|_| address);
    }
    Ok(())
}

fn tell_duplicate(walk: &mut Walk<'_, '_>, address: [u8; 4], hardware: [u8; 6], other: Owner) {
    let address = Dotted(address);
    let names = walk.preferences.names;
    let [mine, his] = [hardware, other.hardware].map(|address| Named { address, names });
    let heading = walk.tree.heading(
        Place::default(),
        format_args!(
            "Duplicate IP address detected for {address} ({mine}) - also in use by {his} (frame {})",
            other.frame
        ),
    );
    walk.tree.set_generated(heading);
    walk.tree.open();
    let frame = walk
        .tree
        .add_generated(DUPLICATE_FRAME, Value::Uint(other.frame));
    walk.expert(
        frame,
        DUPLICATE,
        (Severity::Warning, Group::Sequence),
        format_args!("Duplicate IP address configured ({address})"),
    );
    let now = walk.frame.packet.meta.ts.secs();
    let seconds = now.wrapping_sub(other.seconds) as u32;
    walk.tree
        .add_generated(DUPLICATE_SECONDS, Value::Uint(seconds.into()));
    walk.tree.close();
}

/// The heading of the tree.
fn title(walk: &mut Walk<'_, '_>, added: Added, code: u16, purpose: Purpose) {
    if !walk.tree.labels() {
        return;
    }
    let name = operation(code.into()).map_or_else(|| format!("opcode 0x{code:04x}"), str::to_owned);
    let words = match purpose {
        Purpose::Usual => name,
        Purpose::Gratuitous => format!("{name}/gratuitous ARP"),
        Purpose::Probe => "ARP Probe".to_owned(),
        Purpose::Announcement => "ARP Announcement".to_owned(),
    };
    walk.tree
        .label(added, format_args!("Address Resolution Protocol ({words})"));
}

fn info(
    walk: &mut Walk<'_, '_>,
    addresses: &Addresses<'_>,
    code: u16,
    purpose: Purpose,
) -> Result<(), Stop> {
    use Party::{Sender, Target};
    let proto = |party| addresses.proto(party);
    let text = match (code, purpose) {
        (REQUEST, Purpose::Announcement) => {
            format!("ARP Announcement for {}", proto(Target)?)
        }
        (REQUEST, Purpose::Gratuitous) => {
            format!("Gratuitous ARP for {} (Request)", proto(Target)?)
        }
        (REQUEST, Purpose::Probe) => format!("Who has {}? (ARP Probe)", proto(Target)?),
        (REQUEST, Purpose::Usual) => {
            format!("Who has {}? Tell {}", proto(Target)?, proto(Sender)?)
        }
        (REPLY, Purpose::Gratuitous) => {
            format!("Gratuitous ARP for {} (Reply)", proto(Sender)?)
        }
        (REPLY, _) => format!("{} is at {}", proto(Sender)?, addresses.hw(Sender)?),
        (3 | 5 | 8, _) => format!(
            "Who is {}? Tell {}",
            addresses.hw(Target)?,
            addresses.hw(Sender)?
        ),
        (4 | 6, _) => format!("{} is at {}", addresses.hw(Target)?, proto(Target)?),
        (DRARP_FAILED, _) => "DRARP Error".to_owned(),
        (9, _) => format!("{} is at {}", addresses.hw(Sender)?, proto(Sender)?),
        (10, _) => "ARP NAK".to_owned(),
        (11..=23, _) => {
            const WORDS: [&str; 13] = [
                "MARS request",
                "MARS MULTI request",
                "MARS MSERV request",
                "MARS JOIN request",
                "MARS LEAVE",
                "MARS NAK",
                "MARS UNSERV request",
                "MARS SJOIN request",
                "MARS SLEAVE",
                "MARS grouplist request",
                "MARS grouplist reply",
                "MARS redirect map",
                "MAPOS UNARP request",
            ];
            let words = pick(u64::from(code) - 11, &WORDS).unwrap_or("");
            format!(
                "{words} from {} at {}",
                addresses.hw(Sender)?,
                proto(Sender)?
            )
        }
        (24, _) => "Experimental 1 ( opcode 24 )".to_owned(),
        (25, _) => "Experimental 2 ( opcode 25 )".to_owned(),
        (0 | 0xffff, _) => format!("Reserved opcode {code}"),
        _ => format!("Unknown ARP opcode 0x{code:04x}"),
    };
    walk.columns.set_info(format_args!("{text}"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_with_one_address_are_noticed_until_the_first_speaks_again() {
        let mut memory = Memory::default();
        let user = |last, frame| Owner {
            hardware: [2, 0, 0, 0, 0, last],
            frame,
            seconds: frame,
        };
        let address = [192, 0, 2, 1];
        assert!(memory.note(address, user(1, 1)).is_none());
        assert!(memory.note(address, user(1, 2)).is_none());
        assert_eq!(
            memory.note(address, user(2, 3)).map(|user| user.frame),
            Some(2)
        );
        assert!(memory.note(address, user(1, 4)).is_none());
        assert_eq!(
            memory.note(address, user(2, 5)).map(|user| user.frame),
            Some(4)
        );
    }
}
