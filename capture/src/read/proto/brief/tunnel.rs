//! Tunnels: PPTP (RFC 2637), Teredo (RFC 4380), `OpenVPN`, `WireGuard`, `IPsec` (RFC 4303) and the
//! negotiation of its keys (RFC 2408, 7296).

use super::{name, name_of, names};
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_pdu};
use crate::read::proto::{data, ipv6};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// PPTP's control connection.
pub(crate) static PPTP: Application = Application {
    ports: &[1723],
    recognizes: None,
    dissect: pptp,
};

const PPTP_MESSAGES: [&str; 15] = [
    "Start-Control-Connection-Request",
    "Start-Control-Connection-Reply",
    "Stop-Control-Connection-Request",
    "Stop-Control-Connection-Reply",
    "Echo-Request",
    "Echo-Reply",
    "Outgoing-Call-Request",
    "Outgoing-Call-Reply",
    "Incoming-Call-Request",
    "Incoming-Call-Reply",
    "Incoming-Call-Connected",
    "Call-Clear-Request",
    "Call-Disconnect-Notify",
    "WAN-Error-Notify",
    "Set-Link-Info",
];

fn pptp(walk: &mut Walk<'_, '_>, region: Region<'_>, _: &Payload) -> Result<Outcome, Stop> {
    name(walk, names::pptp::THIS, &region);
    let kind = region.u16(8)?;
    let place = usize::from(kind).wrapping_sub(1);
    match PPTP_MESSAGES.get(place) {
        Some(text) => walk.columns.set_info(format_args!("{text}")),
        None => walk
            .columns
            .set_info(format_args!("Unknown control type ({kind})")),
    }
    Ok(Outcome::Done)
}

/// Port of Teredo servers.
pub(crate) const TEREDO_PORT: u16 = 3544;

/// Where the IPv6 packet of a Teredo datagram begins (RFC 4380 section 5.1.1).
fn teredo_len(region: &Region<'_>) -> Result<usize, Stop> {
    let mut at = 0;
    if region.u16(at)? == 1 {
        at += 13 + usize::from(region.u8(2)?) + usize::from(region.u8(3)?);
    }
    if region.u16(at)? == 0 {
        at += 8;
    }
    Ok(at)
}

/// Dissects a Teredo datagram.
pub(crate) fn teredo(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    let at = teredo_len(&region)?;
    name_of(walk, names::teredo::THIS, &region, at);
    let rest = region.from(at)?;
    if rest.u8(0)? >> 4 == 6 {
        ipv6::dissect(walk, rest)
    } else {
        data::dissect(walk, rest)
    }
}

/// Port of `OpenVPN`.
pub(crate) const OPENVPN_PORT: u16 = 1194;

/// `OpenVPN` in a TCP stream.
pub(crate) static OPENVPN: Application = Application {
    ports: &[OPENVPN_PORT],
    recognizes: None,
    dissect: openvpn_stream,
};

fn openvpn_stream(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    const LENGTH_LEN: usize = 2;
    let len_of = |region: &Region<'_>| Ok(Some(LENGTH_LEN + usize::from(region.u16(0)?)));
    each_pdu(
        walk,
        region,
        payload,
        LENGTH_LEN,
        len_of,
        |walk, message| openvpn_message(walk, &message, LENGTH_LEN),
    )
}

/// Dissects a datagram of `OpenVPN`.
pub(crate) fn openvpn(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    openvpn_message(walk, &region, 0)
}

fn openvpn_message(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize) -> Result<(), Stop> {
    name(walk, names::openvpn::THIS, region);
    let text = match region.u8(at)? >> 3 {
        1 => "P_CONTROL_HARD_RESET_CLIENT_V1",
        2 => "P_CONTROL_HARD_RESET_SERVER_V1",
        3 => "P_CONTROL_SOFT_RESET_V1",
        4 => "P_CONTROL_V1",
        5 => "P_ACK_V1",
        6 => "P_DATA_V1",
        7 => "P_CONTROL_HARD_RESET_CLIENT_V2",
        8 => "P_CONTROL_HARD_RESET_SERVER_V2",
        9 => "P_DATA_V2",
        _ => "Unknown Messagetype",
    };
    walk.columns
        .append_info(format_args!("MessageType: {text}"));
    walk.columns.fence();
    Ok(())
}

/// Whether a datagram is of `WireGuard`: kind and length of its messages are told apart by it.
pub(crate) fn is_wireguard(region: &Region<'_>) -> bool {
    let bytes = region.captured();
    let Some([kind @ 1..=4, 0, 0, 0]) = bytes.first_chunk() else {
        return false;
    };
    match kind {
        1 => region.reported() == 148,
        2 => region.reported() == 92,
        3 => region.reported() == 64,
        _ => region.reported() >= 32,
    }
}

/// Dissects a message of `WireGuard`.
pub(crate) fn wireguard(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::wireguard::THIS, region);
    let little = |at: usize| region.array(at).map(u32::from_le_bytes);
    let first = little(4)?;
    let columns = &mut *walk.columns;
    match region.u8(0)? {
        1 => columns.set_info(format_args!("Handshake Initiation, sender=0x{first:08X}")),
        2 => {
            let receiver = little(8)?;
            columns.set_info(format_args!(
                "Handshake Response, sender=0x{first:08X}, receiver=0x{receiver:08X}"
            ));
        }
        3 => columns.set_info(format_args!("Cookie Reply, receiver=0x{first:08X}")),
        _ if region.reported() == 32 => {
            let counter = region.array(8).map(u64::from_le_bytes)?;
            columns.set_info(format_args!(
                "Keepalive, receiver=0x{first:08X}, counter={counter}"
            ));
        }
        _ => {
            let counter = region.array(8).map(u64::from_le_bytes)?;
            let len = region.reported() - 32;
            columns.set_info(format_args!(
                "Transport Data, receiver=0x{first:08X}, counter={counter}, datalen={len}"
            ));
        }
    }
    Ok(())
}

/// Dissects an encrypted packet of `IPsec`.
pub(crate) fn esp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::esp::THIS, region);
    let spi = region.u32(0)?;
    walk.columns.set_info(format_args!("ESP (SPI=0x{spi:08x})"));
    Ok(())
}

/// Port of `IPsec`'s key negotiation, and of that behind address translation with `IPsec` itself.
pub(crate) const ISAKMP_PORT: u16 = 500;
/// See [`ISAKMP_PORT`].
pub(crate) const IPSEC_PORT: u16 = 4500;

/// Dissects what comes on [`IPSEC_PORT`] (RFC 3948).
pub(crate) fn ipsec(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    if region.reported() == 1 && region.u8(0)? == 0xff {
        walk.columns.set_protocol("UDPENCAP");
        walk.columns.set_info(format_args!("NAT-keepalive"));
        return Ok(());
    }
    if region.u32(0)? == 0 {
        return isakmp(walk, &region.rest(4));
    }
    esp(walk, &region)
}

/// Dissects a message of ISAKMP.
pub(crate) fn isakmp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const INITIATOR: u8 = 0x08;
    const RESPONSE: u8 = 0x20;
    const VERSION_2: u8 = 2;
    name(walk, names::isakmp::THIS, region);
    let (version, kind, flags) = (region.u8(17)? >> 4, region.u8(18)?, region.u8(19)?);
    let message = region.u32(20)?;
    let columns = &mut *walk.columns;
    let Some(text) = exchange_name(kind, version) else {
        columns.set_info(format_args!("Unknown {kind}"));
        return Ok(());
    };
    columns.set_info(format_args!("{text}"));
    if version == VERSION_2 {
        let who = if flags & INITIATOR == 0 {
            "Responder"
        } else {
            "Initiator"
        };
        let what = if flags & RESPONSE == 0 {
            "Request"
        } else {
            "Response"
        };
        columns.append_info(format_args!(" MID={message:02} {who} {what}"));
    }
    Ok(())
}

const fn exchange_name(kind: u8, version: u8) -> Option<&'static str> {
    Some(match (version, kind) {
        (1, 0) => "NONE",
        (1, 1) => "Base",
        (1, 2) => "Identity Protection (Main Mode)",
        (1, 3) => "Authentication Only",
        (1, 4) => "Aggressive",
        (1, 5) => "Informational",
        (1, 6) => "Transaction (Config Mode)",
        (1, 32) => "Quick Mode",
        (1, 33) => "New Group Mode",
        (2, 34) => "IKE_SA_INIT",
        (2, 35) => "IKE_AUTH",
        (2, 36) => "CREATE_CHILD_SA",
        (2, 37) => "INFORMATIONAL",
        (2, 38) => "IKE_SESSION_RESUME",
        _ => return None,
    })
}
