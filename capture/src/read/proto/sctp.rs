//! SCTP (RFC 9260): the common header and the list of chunks.

use super::brief::memory::End;
use super::brief::transport;
use super::data;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    22, "sctp", "SCTP", "Stream Control Transmission Protocol";
    SRCPORT: "sctp.srcport", "Source port", Uint(16), Dec;
    DSTPORT: "sctp.dstport", "Destination port", Uint(16), Dec;
    PORT: "sctp.port", "Port", Uint(16), Dec;
    VERIFICATION_TAG: "sctp.verification_tag", "Verification tag", Uint(32), Hex;
    CHECKSUM: "sctp.checksum", "Checksum", Uint(32), Hex;
    CHECKSUM_STATUS: "sctp.checksum.status", "Checksum Status", Uint(8), Dec, names = super::names::ip::checksum_status;
    CHUNK_TYPE: "sctp.chunk_type", "Chunk type", Uint(8), Dec, names = chunk_name;
    CHUNK_FLAGS: "sctp.chunk_flags", "Chunk flags", Uint(8), Hex;
    CHUNK_LENGTH: "sctp.chunk_length", "Chunk length", Uint(16), Dec;
    CHUNK_VALUE: "sctp.chunk_value", "Chunk value", Bytes;
}

const fn chunk_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "DATA",
        1 => "INIT",
        2 => "INIT_ACK",
        3 => "SACK",
        4 => "HEARTBEAT",
        5 => "HEARTBEAT_ACK",
        6 => "ABORT",
        7 => "SHUTDOWN",
        8 => "SHUTDOWN_ACK",
        9 => "ERROR",
        10 => "COOKIE_ECHO",
        11 => "COOKIE_ACK",
        12 => "ECNE",
        13 => "CWR",
        14 => "SHUTDOWN_COMPLETE",
        15 => "AUTH",
        64 => "I_DATA",
        128 => "ASCONF_ACK",
        130 => "RE_CONFIG",
        132 => "PAD",
        192 => "FORWARD_TSN",
        193 => "ASCONF",
        _ => return None,
    })
}

const HEADER_LEN: usize = 12;
const DATA: u8 = 0;
const SELECTIVE_ACK: u8 = 3;
const DATA_HEADER_LEN: usize = 16;

/// Adds what the list tells of a chunk beside its name: numbers count from the first one of a sender.
fn told(walk: &mut Walk<'_, '_>, part: &Region<'_>, kind: u8) -> Result<(), Stop> {
    match kind {
        DATA => {
            let number = part.u32(4)?;
            let first = walk.memory.brief.first_chunk(ends(walk), number);
            let number = number.wrapping_sub(first);
            walk.columns.append_info(format_args!("(TSN={number}) "));
        }
        // Either opening says where numbers begin.
        1 | 2 => {
            let number = part.u32(16)?;
            walk.memory.brief.first_chunk(ends(walk), number);
        }
        SELECTIVE_ACK => {
            const BLOCKS_AT: usize = 16;
            const BLOCK_LEN: usize = 4;
            let [from, to] = ends(walk);
            let acknowledged = part.u32(4)?;
            let first = walk.memory.brief.known_chunk([to, from]).unwrap_or(0);
            let number = acknowledged.wrapping_sub(first);
            let room = part.u32(8)?;
            let blocks = usize::from(part.u16(12)?);
            let last = match blocks.checked_sub(1) {
                Some(block) => part.u16(BLOCKS_AT + block * BLOCK_LEN + 2)?,
                None => 0,
            };
            match last {
                0 => walk
                    .columns
                    .append_info(format_args!("(Ack={number}, Arwnd={room}) ")),
                last => walk
                    .columns
                    .append_info(format_args!("(Ack={number}+{last}, Arwnd={room}) ")),
            }
        }
        _ => {}
    }
    Ok(())
}

/// Who sends to whom.
fn ends(walk: &Walk<'_, '_>) -> [End; 2] {
    let (source, destination) = walk.memory.brief.association;
    let carrier = &walk.carrier;
    [
        (carrier.source.wide(), source),
        (carrier.destination.wide(), destination),
    ]
}

/// Dissects a packet.
pub(crate) fn dissect(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    walk.columns.set_protocol("SCTP");
    walk.columns.clear_info();
    let added = walk.begin(THIS, &region, region.captured().len());
    let (source, destination) = (region.u16(0)?, region.u16(2)?);
    walk.tree.label(
        added,
        format_args!(
            "Stream Control Transmission Protocol, Src Port: {source} ({source}), Dst Port: {destination} ({destination})"
        ),
    );
    walk.memory.brief.association = (source, destination);
    walk.u16(SRCPORT, &region, 0)?;
    walk.u16(DSTPORT, &region, 2)?;
    for (offset, port) in [(0, source), (2, destination)] {
        let value = Value::Uint(port.into());
        walk.tree.add_hidden(PORT, region.place(offset, 2), value);
    }
    walk.u32(VERIFICATION_TAG, &region, 4)?;
    let sum = region.u32(8)?;
    let node = walk
        .tree
        .add(CHECKSUM, region.place(8, 4), Value::Uint(sum.into()));
    walk.tree
        .label(node, format_args!("Checksum: {sum:#010x} [unverified]"));
    walk.checksum_status(CHECKSUM_STATUS, super::checksum::Status::Unverified);
    let mut at = HEADER_LEN;
    let mut user_data = None;
    while at + 4 <= region.reported() {
        let (kind, len) = (region.u8(at)?, usize::from(region.u16(at + 2)?));
        if len < 4 {
            break;
        }
        let name = chunk_name(kind.into()).unwrap_or("Unknown");
        walk.columns.append_info(format_args!("{name} "));
        let part = region.part(at, len);
        walk.tree
            .heading(part.place(0, len), format_args!("{name} chunk"));
        walk.tree.open();
        walk.u8(CHUNK_TYPE, &part, 0)?;
        walk.u8(CHUNK_FLAGS, &part, 1)?;
        walk.u16(CHUNK_LENGTH, &part, 2)?;
        walk.bytes(CHUNK_VALUE, &part.rest(4));
        walk.tree.close();
        told(walk, &part, kind)?;
        if kind == DATA {
            let payload = part.rest(DATA_HEADER_LEN);
            if part.u32(12)? == transport::M3UA && payload.reported() > 0 {
                transport::m3ua(walk, &payload)?;
            } else {
                user_data.get_or_insert(payload);
            }
        }
        walk.columns.fence();
        at += len.next_multiple_of(4);
    }
    walk.end();
    user_data.map_or(Ok(()), |region| data::dissect(walk, region))
}
