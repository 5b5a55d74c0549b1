//! Transport beside TCP and UDP: DCCP (RFC 4340), PGM (RFC 3208), and what SCTP carries: M3UA (RFC 4666).

use super::{name, names};
use crate::read::proto::data;
use crate::read::proto::text::Hex;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const fn packet_name(kind: u8) -> &'static str {
    match kind {
        0 => "Request",
        1 => "Response",
        2 => "Data",
        3 => "Ack",
        4 => "DataAck",
        5 => "Reset",
        6 => "CloseReq",
        7 => "Close",
        8 => "Sync",
        9 => "SyncAck",
        _ => "Reserved",
    }
}

const fn reset_name(code: u8) -> &'static str {
    match code {
        0 => "Unspecified",
        1 => "Closed",
        2 => "Aborted",
        3 => "No Connection",
        4 => "Packet Error",
        5 => "Option Error",
        6 => "Mandatory Error",
        7 => "Connection Refused",
        8 => "Bad Service Code",
        9 => "Too Busy",
        10 => "Bad Init Cookie",
        11 => "Aggression Penalty",
        12 => "Reserved",
        _ => "Unknown",
    }
}

/// Dissects a DCCP packet.
pub(crate) fn dccp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const IS_EXTENDED: u8 = 1;
    name(walk, names::dccp::THIS, region);
    let (source, destination) = (region.u16(0)?, region.u16(2)?);
    walk.columns
        .set_info(format_args!("{source} \u{2192} {destination}"));
    let header_len = usize::from(region.u8(4)?) * 4;
    let kind_byte = region.u8(8)?;
    let kind = kind_byte >> 1 & 0xf;
    let text = packet_name(kind);
    walk.columns.append_info(format_args!(" [{text}]"));
    let is_extended = kind_byte & IS_EXTENDED != 0;
    let (sequence, mut at) = if is_extended {
        let high = u64::from(region.u16(10)?);
        (high << 32 | u64::from(region.u32(12)?), 16)
    } else {
        (u64::from(region.u24(9)?), 12)
    };
    // What opens a connection says where the numbers of its sender begin.
    let ends = [
        (walk.carrier.source.wide(), source),
        (walk.carrier.destination.wide(), destination),
    ];
    let back = [ends[1], ends[0]];
    let relative = |number: u64, first: Option<u64>| number.wrapping_sub(first.unwrap_or(0));
    if kind < 2 {
        if is_extended {
            walk.memory.brief.begin_numbers(ends, sequence);
        }
        walk.columns.append_info(format_args!(" Seq={sequence}"));
    } else {
        let number = relative(sequence, walk.memory.brief.first_number(ends));
        walk.columns.append_info(format_args!(" Seq={number}"));
    }
    if matches!(kind, 1 | 3..=9) {
        let acknowledged = if is_extended {
            let high = u64::from(region.u16(at + 2)?);
            at += 8;
            high << 32 | u64::from(region.u32(at - 4)?)
        } else {
            at += 4;
            u64::from(region.u24(at - 3)?)
        };
        let number = relative(acknowledged, walk.memory.brief.first_number(back));
        walk.columns.append_info(format_args!(" (Ack={number})"));
    }
    match kind {
        0 | 1 => match region.u32(at)? {
            0 => walk
                .columns
                .append_info(format_args!(" (service=not specified)")),
            code => walk
                .columns
                .append_info(format_args!(" (service=Unknown ({code}))")),
        },
        5 => {
            let code = reset_name(region.u8(at)?);
            walk.columns.append_info(format_args!(" (code={code})"));
        }
        0x0a.. => return Ok(()),
        _ => {}
    }
    let rest = region.rest(header_len);
    match rest.reported() {
        0 => Ok(()),
        _ => data::dissect(walk, rest),
    }
}

/// Dissects a PGM packet (RFC 3208).
pub(crate) fn pgm(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const OPTIONAL: u8 = 0x01;
    const HEADER_LEN: usize = 16;
    let kind = region.u8(4)?;
    let text = match kind {
        0x00 => "SPM",
        0x01 => "POLL",
        0x02 => "POLR",
        0x04 => "ODATA",
        0x05 => "RDATA",
        0x08 => "NAK",
        0x09 => "NNAK",
        0x0a => "NCF",
        0x0d => "ACK",
        _ => {
            walk.columns.set_protocol("PGM");
            walk.columns.clear_info();
            return Ok(());
        }
    };
    name(walk, names::pgm::THIS, region);
    let options = region.u8(5)?;
    let source = region.slice(8, 6)?;
    let len = region.u16(14)?;
    let number = region.u32(HEADER_LEN)?;
    walk.columns.set_info(format_args!(
        "{text:<5} sqn 0x{number:x} gsi {}",
        Hex(source)
    ));
    match kind {
        0x04 | 0x05 => {
            walk.columns.append_info(format_args!(" tsdulen {len}"));
            region.u32(HEADER_LEN + 4)?;
            let mut at = HEADER_LEN + 8;
            if options & OPTIONAL != 0 {
                at += usize::from(region.u16(at + 2)?);
            }
            let rest = region.rest(at);
            match rest.reported() {
                0 => Ok(()),
                _ => data::dissect(walk, rest),
            }
        }
        0x01 => {
            let subtype = match region.u16(HEADER_LEN + 6)? {
                0 => "General",
                1 => "DLR",
                _ => "Unknown",
            };
            walk.columns.append_info(format_args!(" subtype {subtype}"));
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Payload protocol of M3UA (IANA's registry).
pub(crate) const M3UA: u32 = 3;

/// Tells a message of M3UA.
pub(crate) fn m3ua(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    name(walk, names::m3ua::THIS, region);
    walk.columns.set_protocol("M3UA (RFC 4666)");
    let text = match (region.u8(2)?, region.u8(3)?) {
        (0, 0) => "ERR",
        (0, 1) => "NTFY",
        (1, 1) => "DATA",
        (2, 1) => "DUNA",
        (2, 2) => "DAVA",
        (2, 3) => "DAUD",
        (2, 4) => "SCON",
        (2, 5) => "DUPU",
        (2, 6) => "DRST",
        (3, 1) => "ASPUP",
        (3, 2) => "ASPDN",
        (3, 3) => "BEAT",
        (3, 4) => "ASPUP_ACK",
        (3, 5) => "ASPDN_ACK",
        (3, 6) => "BEAT_ACK",
        (4, 1) => "ASPAC",
        (4, 2) => "ASPIA",
        (4, 3) => "ASPAC_ACK",
        (4, 4) => "ASPIA_ACK",
        (9, 1) => "REG_REQ",
        (9, 2) => "REG_RSP",
        (9, 3) => "DEREG_REQ",
        (9, 4) => "DEREG_RSP",
        _ => "reserved",
    };
    walk.columns.append_info(format_args!("{text} "));
    Ok(())
}
