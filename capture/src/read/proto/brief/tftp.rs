//! TFTP (RFC 1350): requests go to its port, what follows comes from any port to the one that asked.

use super::{name, names};
use crate::read::column::Address;
use crate::read::proto::data;
use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Port of TFTP.
pub(crate) const PORT: u16 = 69;

/// Whether one end of a datagram has asked for a file before; `ends` are its address and port.
pub(crate) fn is_transfer(walk: &Walk<'_, '_>, ports: [u16; 2]) -> bool {
    let (source, destination) = (walk.carrier.source, walk.carrier.destination);
    let transfers = &walk.memory.brief.transfers;
    let asked = |address: Address, port: u16| transfers.contains(&(address.wide(), port));
    !transfers.is_empty() && (asked(source, ports[0]) || asked(destination, ports[1]))
}

/// Text up to its zero, and where the next one begins.
fn text(bytes: &[u8]) -> (&[u8], &[u8]) {
    let end = bytes.iter().position(|byte| *byte == 0);
    let end = end.unwrap_or(bytes.len());
    (&bytes[..end], bytes.get(end + 1..).unwrap_or(&[]))
}

/// Dissects a datagram.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    [source, destination]: [u16; 2],
) -> Result<(), Stop> {
    let code = region.u16(0)?;
    if !(1..=6).contains(&code) {
        name(walk, names::tftp::THIS, &region);
        walk.columns
            .set_info(format_args!("Unknown (0x{code:04x})"));
        return Ok(());
    }
    if destination == PORT {
        let asker = walk.carrier.source.wide();
        walk.memory.brief.begin_transfer((asker, source));
    }
    name(walk, names::tftp::THIS, &region);
    let rest = region.captured().get(2..).unwrap_or(&[]);
    let columns = &mut *walk.columns;
    let title = match code {
        1 => "Read Request",
        2 => "Write Request",
        3 => "Data Packet",
        4 => "Acknowledgement",
        5 => "Error Code",
        _ => "Option Acknowledgement",
    };
    columns.append_info(format_args!("{title}"));
    match code {
        1 | 2 => {
            let (file, rest) = text(rest);
            let (kind, rest) = text(rest);
            columns.append_info(format_args!(
                ", File: {}, Transfer type: {}",
                Escaped(file),
                Escaped(kind)
            ));
            options(walk, rest);
        }
        3 | 4 => {
            let block = region.u16(2)?;
            columns.append_info(format_args!(", Block: {block}"));
            // RFC 1350 section 6: a short block is the last one.
            if code == 3 && region.reported() < 4 + 512 {
                columns.append_info(format_args!(" (last)"));
            }
            if code == 3 {
                return data::dissect(walk, region.rest(4));
            }
        }
        5 => {
            let (number, message) = (region.u16(2)?, text(&rest[2..]).0);
            columns.append_info(format_args!(
                ", Code: {}, Message: {}",
                error_name(number),
                Escaped(message)
            ));
        }
        _ => options(walk, rest),
    }
    Ok(())
}

fn options(walk: &mut Walk<'_, '_>, mut rest: &[u8]) {
    while !rest.is_empty() {
        let (option, more) = text(rest);
        let (value, more) = text(more);
        walk.columns
            .append_info(format_args!(", {}={}", Escaped(option), Escaped(value)));
        rest = more;
    }
}

const fn error_name(code: u16) -> &'static str {
    match code {
        0 => "Not defined",
        1 => "File not found",
        2 => "Access violation",
        3 => "Disk full or allocation exceeded",
        4 => "Illegal TFTP Operation",
        5 => "Unknown transfer ID",
        6 => "File already exists",
        7 => "No such user",
        8 => "Option negotiation failed",
        _ => "Unknown",
    }
}
