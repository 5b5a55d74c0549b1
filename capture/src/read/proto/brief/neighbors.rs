//! What devices tell their neighbors of themselves: LLDP (IEEE 802.1AB), CDP and UDLD (Cisco), and the
//! routers of mobile networks: Babel (RFC 8966), Mobile IPv6 (RFC 6275), MPLS echo (RFC 8029).

use std::fmt;

use super::{name, names};
use crate::read::FieldId;
use crate::read::proto::data;
use crate::read::proto::text::{Escaped, Hex};
use crate::read::region::{Region, Stop};
use crate::read::render::{Ether, Ipv6};
use crate::read::walk::Walk;

/// Text up to a zero.
fn padded(bytes: &[u8]) -> Escaped<'_> {
    let end = bytes.iter().position(|byte| *byte == 0);
    Escaped(&bytes[..end.unwrap_or(bytes.len())])
}

/// A device or port, by what its first byte says that it is.
struct Identifier<'b> {
    short: &'static str,
    value: Naming<'b>,
}

enum Naming<'b> {
    Text(&'b [u8]),
    Bytes(&'b [u8]),
    Ether([u8; 6]),
    Ipv4([u8; 4]),
    Ipv6([u8; 16]),
    Reserved,
}

impl fmt::Display for Identifier<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/", self.short)?;
        match self.value {
            Naming::Text(bytes) => write!(f, "{} ", padded(bytes)),
            Naming::Bytes(bytes) => write!(f, "{} ", Hex(bytes)),
            Naming::Ether(address) => write!(f, "{} ", Ether(address)),
            Naming::Ipv4(address) => write!(f, "{} ", std::net::Ipv4Addr::from(address)),
            Naming::Ipv6(address) => write!(f, "{} ", Ipv6(address)),
            Naming::Reserved => f.write_str("Reserved "),
        }
    }
}

/// Whose identifier it is: their kinds are numbered differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Whose {
    Device,
    Port,
}

impl Whose {
    /// What a value says, if it is one.
    fn read(self, value: &[u8]) -> Option<Identifier<'_>> {
        let (kind, rest) = value.split_first()?;
        // The same kinds, under the number that devices have for them.
        let kind = match (self, *kind) {
            (Self::Device, kind) => kind,
            (Self::Port, 1) => 2,
            (Self::Port, 2) => 3,
            (Self::Port, 3) => 4,
            (Self::Port, 4) => 5,
            (Self::Port, 5) => 6,
            (Self::Port, 6) => 0xff,
            (Self::Port, 7) => 7,
            _ => 0,
        };
        let (short, value) = match kind {
            1 => ("CC", Naming::Text(rest)),
            2 => ("IA", Naming::Text(rest)),
            3 => ("PC", Naming::Bytes(rest)),
            4 => ("MA", Naming::Ether(rest.try_into().ok()?)),
            5 => {
                let (family, address) = rest.split_first()?;
                let value = match family {
                    1 => Naming::Ipv4(address.try_into().ok()?),
                    2 => Naming::Ipv6(address.try_into().ok()?),
                    _ => Naming::Bytes(address),
                };
                ("NA", value)
            }
            6 => ("IN", Naming::Text(rest)),
            7 => ("LA", Naming::Text(rest)),
            0xff => ("AC", Naming::Bytes(rest)),
            _ => ("Rs", Naming::Reserved),
        };
        Some(Identifier { short, value })
    }
}

/// Dissects an LLDP frame: who, on which port, for how long, and what it is.
pub(crate) fn lldp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const END: u16 = 0;
    const NAME: u16 = 5;
    const DESCRIPTION: u16 = 6;
    name(walk, names::lldp::THIS, region);
    let mut at = 0;
    let mut place = 0;
    while at < region.reported() {
        let header = region.u16(at)?;
        let (kind, len) = (header >> 9, usize::from(header & 0x1ff));
        let complaint = match place {
            0 => "Invalid Chassis ID TLV",
            1 => "Invalid Port ID TLV",
            2 => "Invalid Time-to-Live TLV",
            _ => "",
        };
        if place < 3 && kind != place + 1 {
            walk.columns.set_info(format_args!("{complaint}"));
            return Ok(());
        }
        if place >= 3 && kind == END {
            return Ok(());
        }
        let value = region.slice(at + 2, len)?;
        match (place, kind) {
            (0 | 1, _) => {
                let whose = if place == 0 {
                    Whose::Device
                } else {
                    Whose::Port
                };
                let Some(identifier) = whose.read(value) else {
                    walk.columns.set_info(format_args!("{complaint}"));
                    return Ok(());
                };
                walk.columns.append_info(format_args!("{identifier}"));
            }
            (2, _) => {
                let seconds = region.u16(at + 2)?;
                walk.columns.append_info(format_args!("{seconds} "));
            }
            (_, NAME) if len > 0 => walk
                .columns
                .append_info(format_args!("SysN={} ", padded(value))),
            (_, DESCRIPTION) if len > 0 => walk
                .columns
                .append_info(format_args!("SysD={} ", padded(value))),
            _ => {}
        }
        place += 1;
        at += 2 + len;
    }
    Ok(())
}

/// Dissects a frame of CDP or UDLD: they differ in the number of a port.
pub(crate) fn cisco(
    walk: &mut Walk<'_, '_>,
    protocol: FieldId,
    region: &Region<'_>,
) -> Result<(), Stop> {
    const DEVICE: u16 = 1;
    const HEADER_LEN: usize = 4;
    const MORE: usize = 3;
    name(walk, protocol, region);
    let port = if protocol == names::cdp::THIS { 3 } else { 2 };
    region.u16(2)?;
    let mut at = HEADER_LEN;
    while at < region.reported() {
        let (kind, len) = (region.u16(at)?, usize::from(region.u16(at + 2)?));
        let Some(value_len) = len.checked_sub(HEADER_LEN) else {
            return Ok(());
        };
        let mut step = len;
        if kind == DEVICE {
            let value = padded(region.slice(at + HEADER_LEN, value_len)?);
            walk.columns
                .append_info(format_args!("Device ID: {value}  "));
        } else if kind == port {
            let value = padded(region.slice(at + HEADER_LEN, value_len)?);
            walk.columns.append_info(format_args!("Port ID: {value}  "));
            // Some lengths leave out the header: what follows is a number in two bytes then.
            let is_short = region.reported().saturating_sub(at) >= len + MORE
                && !matches!(region.u8(at + len)?, 0 | 0x10);
            if is_short {
                step += MORE;
            }
        }
        at += step;
    }
    Ok(())
}

/// Dissects a packet of Babel.
pub(crate) fn babel(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const MAGIC: u8 = 42;
    const HEADER_LEN: usize = 4;
    const PAD1: u8 = 0;
    if region.captured().len() < HEADER_LEN || region.u8(0)? != MAGIC {
        return data::dissect(walk, region);
    }
    name(walk, names::babel::THIS, &region);
    let version = region.u8(1)?;
    if version != 2 {
        walk.columns.set_info(format_args!("Version {version}"));
        return Ok(());
    }
    walk.columns.set_info(format_args!("Babel"));
    // Behind the body comes a trailer of the same.
    let mut at = HEADER_LEN;
    region.u16(2)?;
    while at < region.reported() {
        let kind = region.u8(at)?;
        let len = match kind {
            PAD1 => 1,
            _ => 2 + usize::from(region.u8(at + 1)?),
        };
        let text = match kind {
            PAD1 => "pad1",
            1 => "padn",
            2 => "ack-req",
            3 => "ack",
            4 => "hello",
            5 => "ihu",
            6 => "router-id",
            7 => "nh",
            8 => "update",
            9 => "request",
            10 => "mh-request",
            11 => "ts/pc (obsolete)",
            12 | 16 => "hmac",
            13 => "source-specific-update",
            14 => "source-specific-req",
            15 => "source-specific-seqno",
            17 => "pc",
            18 => "challenge-request",
            19 => "challenge-reply",
            _ => "unknown",
        };
        walk.columns.append_info(format_args!(" {text}"));
        region.slice(at, len)?;
        at += len;
    }
    Ok(())
}

/// Dissects a mobility header.
pub(crate) fn mobility(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::mipv6::THIS, region);
    let len = (usize::from(region.u8(1)?) + 1) * 8;
    let kind = region.u8(2)?;
    let text = match kind {
        0 => "Binding Refresh Request",
        1 => "Home Test Init",
        2 => "Care-of Test Init",
        3 => "Home Test",
        4 => "Care-of Test",
        5 => "Binding Update",
        6 => "Binding Acknowledgement",
        7 => "Binding Error",
        8 => "Fast Binding Update",
        9 => "Fast Binding Acknowledgment",
        10 => "Fast Neighbor Advertisement",
        11 => "Experimental Mobility Header",
        12 => "Home Agent Switch",
        13 => "Heartbeat",
        14 => "Handover Initiate",
        15 => "Handover Acknowledge",
        16 => "Binding Revocation",
        17 => "Localized Routing Initiation",
        18 => "Localized Routing Acknowledgment",
        _ => "",
    };
    region.u16(4)?;
    match text {
        "" => {
            let text = format_args!("Unknown Mobility Header ({kind})");
            walk.columns.set_info(text);
        }
        _ => walk.columns.set_info(format_args!("{text}")),
    }
    region.slice(0, len)?;
    Ok(())
}

/// Dissects an MPLS echo, if it is of version 1.
pub(crate) fn mpls_echo(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Option<Result<(), Stop>> {
    let &[0, 1, _, _, kind] = region.captured().first_chunk::<5>()? else {
        return None;
    };
    name(walk, names::mpls_echo::THIS, region);
    let is_echo = matches!(kind, 1 | 2);
    if region.reported() < if is_echo { 32 } else { 16 } {
        walk.columns.set_info(format_args!("Malformed Message"));
        return Some(Ok(()));
    }
    match kind {
        1 => walk.columns.set_info(format_args!("MPLS Echo Request")),
        2 => walk.columns.set_info(format_args!("MPLS Echo Reply")),
        3 => walk
            .columns
            .set_info(format_args!("MPLS Data Plane Verification Request")),
        4 => walk
            .columns
            .set_info(format_args!("MPLS Data Plane Verification Reply")),
        _ => {
            let text = format_args!("Unknown Message Type (0x{kind:02X})");
            walk.columns.set_info(text);
        }
    }
    Some(Ok(()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_number_their_identifiers_differently_from_devices() {
        let address = [3, 0x64, 0x4b, 0xf0, 0x2b, 0x31, 0x71];
        let port = Whose::Port.read(&address).unwrap();
        assert_eq!(port.to_string(), "MA/64:4b:f0:2b:31:71 ");
        let mut device = address;
        device[0] = 4;
        let device = Whose::Device.read(&device).unwrap();
        assert_eq!(device.to_string(), "MA/64:4b:f0:2b:31:71 ");
        let network = Whose::Device.read(&[5, 1, 192, 0, 2, 7]).unwrap();
        assert_eq!(network.to_string(), "NA/192.0.2.7 ");
    }

    #[test]
    fn an_address_that_is_too_short_is_none() {
        assert!(Whose::Device.read(&[4, 1, 2, 3]).is_none());
        assert!(Whose::Device.read(&[5, 2, 1]).is_none());
        assert!(Whose::Port.read(&[]).is_none());
    }
}
