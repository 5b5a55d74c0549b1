//! Multipath TCP (RFC 8684): the option of a segment. Which connection a subflow belongs to is told in
//! `meta.rs`; numbers of data are shown as they were sent.

use super::fields::{OPTION_KIND, OPTION_LEN};
use super::meta;
use super::options::Owner;
use crate::read::field::{FieldId, protocol};
use crate::read::proto::expert::{Group, Severity};
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    31, "mptcp", "MPTCP", "Multipath Transmission Control Protocol";
    SUBTYPE: "tcp.options.mptcp.subtype", "Multipath TCP subtype", Uint(8), Dec, mask = 0xf0, names = subtype_name;
    VERSION: "tcp.options.mptcp.version", "Multipath TCP version", Uint(8), Dec, mask = 0xf;
    RESERVED: "tcp.options.mptcp.reserved", "Reserved", Uint(16), Hex, mask = 0xfff;
    FLAGS: "tcp.options.mptcp.flags", "Multipath TCP flags", Uint(8), Hex;
    BACKUP_FLAG: "tcp.options.mptcp.backup.flag", "Backup flag", Uint(8), Dec, mask = 0x1;
    CHECKSUMREQ_FLAGS: "tcp.options.mptcp.checksumreq.flags", "Checksum required", Uint(8), Dec, mask = 0x80;
    EXTENSIBILITY_FLAG: "tcp.options.mptcp.extensibility.flag", "Extensibility", Uint(8), Dec, mask = 0x40;
    NOMORESUBFLOWS_FLAG: "tcp.options.mptcp.nomoresubflows.flag", "Do not attempt to establish new subflows to this address and port", Uint(8), Dec, mask = 0x20;
    SHA1_FLAG: "tcp.options.mptcp.sha1.flag", "Use HMAC-SHA1", Uint(8), Dec, mask = 0x1;
    SHA256_FLAG: "tcp.options.mptcp.sha256.flag", "Use HMAC-SHA256", Uint(8), Dec, mask = 0x1;
    DATAFIN_FLAG: "tcp.options.mptcp.datafin.flag", "DATA_FIN", Uint(8), Dec, mask = 0x10;
    DSEQN8_FLAG: "tcp.options.mptcp.dseqn8.flag", "Data Sequence Number is 8 octets", Uint(8), Dec, mask = 0x8;
    DSEQNPRESENT_FLAG: "tcp.options.mptcp.dseqnpresent.flag", "Data Sequence Number, Subflow Sequence Number, Data-level Length, Checksum present", Uint(8), Dec, mask = 0x4;
    DATAACK8_FLAG: "tcp.options.mptcp.dataack8.flag", "Data ACK is 8 octets", Uint(8), Dec, mask = 0x2;
    DATAACKPRESENT_FLAG: "tcp.options.mptcp.dataackpresent.flag", "Data ACK is present", Uint(8), Dec, mask = 0x1;
    RESERVED_FLAG: "tcp.options.mptcp.reserved.flag", "Reserved", Uint(8), Hex;
    FLAG_U_FLAG: "tcp.options.mptcp.flag_U.flag", "Flag U", Bool, None, mask = 0x8, bits = 4, names = set_name;
    FLAG_V_FLAG: "tcp.options.mptcp.flag_V.flag", "Flag V", Bool, None, mask = 0x4, bits = 4, names = set_name;
    FLAG_W_FLAG: "tcp.options.mptcp.flag_W.flag", "Flag W", Bool, None, mask = 0x2, bits = 4, names = set_name;
    FLAG_T_FLAG: "tcp.options.mptcp.flag_T.flag", "Transient", Bool, None, mask = 0x1, bits = 4, names = set_name;
    RST_REASON: "tcp.options.mptcp.rst_reason", "TCPRST Reason", Uint(8), Hex, names = reason_name;
    ADDRID: "tcp.options.mptcp.addrid", "Address ID", Uint(8), Dec;
    SENDKEY: "tcp.options.mptcp.sendkey", "Sender's Key", Uint(64), Dec;
    RECVKEY: "tcp.options.mptcp.recvkey", "Receiver's Key", Uint(64), Dec;
    RECVTOK: "tcp.options.mptcp.recvtok", "Receiver's Token", Uint(32), Dec;
    SENDRAND: "tcp.options.mptcp.sendrand", "Sender's Random Number", Uint(32), Dec;
    SENDTRUNCHMAC: "tcp.options.mptcp.sendtrunchmac", "Sender's Truncated HMAC", Uint(64), Dec;
    SENDHMAC: "tcp.options.mptcp.sendhmac", "Sender's HMAC", Bytes;
    ADDADDRTRUNCHMAC: "tcp.options.mptcp.addaddrtrunchmac", "Truncated HMAC", Uint(64), Dec;
    RAWDATAACK: "tcp.options.mptcp.rawdataack", "Original MPTCP Data ACK", Uint(64), Dec;
    RAWDATASEQNO: "tcp.options.mptcp.rawdataseqno", "Data Sequence Number", Uint(64), Dec;
    SUBFLOWSEQNO: "tcp.options.mptcp.subflowseqno", "Subflow Sequence Number", Uint(32), Dec;
    DATALVLLEN: "tcp.options.mptcp.datalvllen", "Data-level Length", Uint(16), Dec;
    CHECKSUM: "tcp.options.mptcp.checksum", "Checksum", Uint(16), Hex;
    IPVER: "tcp.options.mptcp.ipver", "IP version", Uint(8), Dec, mask = 0xf;
    ECHO: "tcp.options.mptcp.echo", "Echo", Uint(8), Dec, mask = 0x1;
    IPV4: "tcp.options.mptcp.ipv4", "Advertised IPv4 Address", Ipv4;
    IPV6: "tcp.options.mptcp.ipv6", "Advertised IPv6 Address", Ipv6;
    PORT: "tcp.options.mptcp.port", "Advertised port", Uint(16), Dec;
    RM_ADDR_COUNT: "mptcp.rm_addr.count", "Number of removed addresses", Uint(8), Dec;
    CONNECTION_MISSING_ALGORITHM: "mptcp.connection.missing_algorithm", "No crypto algorithm specified", None;
    CONNECTION_UNSUPPORTED_ALGORITHM: "mptcp.connection.unsupported_algorithm", "Unsupported algorithm", None;
    EXPECTED_TOKEN: "mptcp.expected_token", "Subflow token generated from key", Uint(32), Dec;
    EXPECTED_IDSN: "mptcp.expected_idsn", "Subflow expected IDSN", Uint(64), Dec;
    ANALYSIS: "mptcp.analysis", "MPTCP analysis", None;
    MASTER: "mptcp.master", "Master flow", Bool;
    STREAM: "mptcp.stream", "Stream index", Uint(32), Dec;
    SUBFLOWS: "mptcp.analysis.subflows", "TCP subflow stream id(s)", String;
    DSS_INFINITE_MAPPING: "mptcp.dss.infinite_mapping", "Fallback to infinite mapping", None;
}

/// What MPTCP does, bit by bit, in Wireshark's order; the last one is there for any.
mod operation {
    pub(super) const OF_SUBTYPE: [u16; 9] =
        [0x001, 0x002, 0x004, 0x008, 0x010, 0x020, 0x040, 0x080, 0];
    pub(super) const ANY: u16 = 0x100;
}

const CAPABLE: u8 = 0;
const JOIN: u8 = 1;
const DSS: u8 = 2;
const ADD_ADDRESS: u8 = 3;
const REMOVE_ADDRESS: u8 = 4;
const PRIORITY: u8 = 5;
const FAIL: u8 = 6;
const FAST_CLOSE: u8 = 7;
const RESET: u8 = 8;

fn subtype_name(value: u64) -> Option<&'static str> {
    let names = [
        "Multipath Capable",
        "Join Connection",
        "Data Sequence Signal",
        "Add Address",
        "Remove Address",
        "Change Subflow Priority",
        "TCP Fallback",
        "Fast Close",
        "TCP Reset",
    ];
    names.get(usize::try_from(value).ok()?).copied()
}

fn reason_name(value: u64) -> Option<&'static str> {
    let names = [
        "Unspecified error",
        "MPTCP-specific error",
        "Lack of resources",
        "Administratively prohibited",
        "Too much outstanding data",
        "Unacceptable performance",
        "Middlebox interference",
    ];
    names.get(usize::try_from(value).ok()?).copied()
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "fields name their values in one form"
)]
fn set_name(value: u64) -> Option<&'static str> {
    Some(if value == 0 { "Not set" } else { "Set" })
}

/// What an option does, and whether it can be read.
pub(super) fn look(option: &[u8]) -> (u16, Result<(), Stop>) {
    let Some(&[subtype, flags]) = option.get(2..4).and_then(<[u8]>::first_chunk) else {
        let read = if option.len() < 3 {
            Err(Stop::Malformed)
        } else {
            Ok(())
        };
        let subtype = option
            .get(2)
            .map_or(usize::MAX, |byte| usize::from(byte >> 4));
        let bits = operation::OF_SUBTYPE.get(subtype).copied().unwrap_or(0);
        let needs_more = matches!(subtype, 0 | 2 | 3 | 5 | 6 | 7 | 8);
        let read = if needs_more {
            Err(Stop::Malformed)
        } else {
            read
        };
        return (bits | operation::ANY, read);
    };
    let subtype = subtype >> 4;
    let bits = operation::OF_SUBTYPE.get(usize::from(subtype));
    let needed = match subtype {
        DSS => {
            let ack = match flags & 3 {
                1 => 4,
                3 => 8,
                _ => 0,
            };
            let map = match flags & 0x0c {
                0x04 => 10,
                0x0c => 14,
                _ => 0,
            };
            4 + ack + map
        }
        FAIL | FAST_CLOSE => 12,
        _ => 4,
    };
    let read = if option.len() < needed {
        Err(Stop::Malformed)
    } else {
        Ok(())
    };
    (bits.copied().unwrap_or(0) | operation::ANY, read)
}

/// Adds the option to the tree.
#[expect(clippy::too_many_lines, reason = "one kind of message after another")]
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    _owner: &Owner,
) -> Result<(), Stop> {
    const WARNING: (Severity, Group) = (Severity::Warning, Group::Protocol);
    let len = region.reported();
    let item = walk.tree.add(THIS, region.place(0, len), Value::None);
    walk.tree.open();
    walk.u8(OPTION_KIND, region, 0)?;
    walk.u8(OPTION_LEN, region, 1)?;
    let first = region.u8(2)?;
    let subtype = first >> 4;
    let name = subtype_name(subtype.into()).unwrap_or("Unknown");
    walk.tree.label(
        item,
        format_args!("Multipath Transmission Control Protocol: {name}"),
    );
    bits(walk, region, 2, &[(SUBTYPE, first >> 4)]);
    match subtype {
        CAPABLE => {
            let version = first & 0x0f;
            bits(walk, region, 2, &[(VERSION, version)]);
            let flags = region.u8(3)?;
            let first = [
                (CHECKSUMREQ_FLAGS, flags >> 7),
                (EXTENSIBILITY_FLAG, flags >> 6 & 1),
            ];
            if version == 1 {
                let rest = [
                    (NOMORESUBFLOWS_FLAG, flags >> 5 & 1),
                    (SHA256_FLAG, flags & 1),
                ];
                flags_of(walk, region, 3, flags, &[first, rest].concat());
                let reserved = flags >> 1 & 0x0f;
                let place = region.place(3, 1);
                walk.tree.open();
                let value = Value::Uint(reserved.into());
                let added = walk.tree.add(RESERVED_FLAG, place, value);
                let bits = format!("{reserved:04b}");
                let (high, low) = bits.split_at(1);
                walk.tree.label(
                    added,
                    format_args!("...{high} {low}. = Reserved: {reserved:#x}"),
                );
                walk.tree.close();
            } else {
                let rest = [(SHA1_FLAG, flags & 1)];
                flags_of(walk, region, 3, flags, &[&first[..], &rest].concat());
                let reserved = flags >> 1 & 0x1f;
                walk.tree.open();
                let value = Value::Uint(reserved.into());
                let added = walk.tree.add(RESERVED_FLAG, region.place(3, 1), value);
                let bits = format!("{reserved:05b}");
                let (high, low) = bits.split_at(2);
                walk.tree.label(
                    added,
                    format_args!("..{high} {low}. = Reserved: {reserved:#04x}"),
                );
                walk.tree.close();
            }
            if matches!(len, 12 | 20 | 22 | 24) {
                u64_of(walk, region, SENDKEY, 4)?;
                let derived = meta::derive(region.array(4)?, version);
                let token = Value::Uint(derived.token.into());
                walk.tree.add_generated(EXPECTED_TOKEN, token);
                let number = derived.data_number;
                let added = walk.tree.add_generated(EXPECTED_IDSN, Value::Uint(number));
                walk.tree.label(
                    added,
                    format_args!("Subflow expected IDSN: {number} (64bits version)"),
                );
                if len >= 20 {
                    u64_of(walk, region, RECVKEY, 12)?;
                }
                if len >= 22 {
                    walk.u16(DATALVLLEN, region, 20)?;
                }
                if len == 24 {
                    checksum(walk, region, 22)?;
                }
            }
        }
        JOIN => match len {
            12 | 16 => {
                bits(walk, region, 2, &[]);
                let flags = first;
                flags_of(walk, region, 2, flags, &[(BACKUP_FLAG, flags & 1)]);
                walk.u8(ADDRID, region, 3)?;
                if len == 12 {
                    walk.u32(RECVTOK, region, 4)?;
                    walk.u32(SENDRAND, region, 8)?;
                } else {
                    u64_of(walk, region, SENDTRUNCHMAC, 4)?;
                    walk.u32(SENDRAND, region, 12)?;
                }
            }
            24 => {
                reserved(walk, region)?;
                walk.bytes(SENDHMAC, &region.part(4, 20));
            }
            _ => {}
        },
        DSS => return dss(walk, region),
        ADD_ADDRESS => {
            let version = first & 0x0f;
            let field = if matches!(version, 4 | 6) {
                IPVER
            } else {
                ECHO
            };
            let value = if field == IPVER { version } else { first & 1 };
            bits(walk, region, 2, &[(field, value)]);
            walk.u8(ADDRID, region, 3)?;
            let mut at = 4;
            if matches!(len, 8 | 10 | 16 | 18) {
                let place = region.place(at, 4);
                let value = Value::Ipv4(region.array(at)?);
                walk.tree.add(IPV4, place, value);
                at += 4;
            }
            if matches!(len, 20 | 22 | 28 | 30) {
                let place = region.place(at, 16);
                let value = Value::Ipv6(region.array(at)?);
                walk.tree.add(IPV6, place, value);
                at += 16;
            }
            if matches!(len, 10 | 18 | 22 | 30) {
                walk.u16(PORT, region, at)?;
                at += 2;
            }
            if matches!(len, 16 | 18 | 28 | 30) {
                u64_of(walk, region, ADDADDRTRUNCHMAC, at)?;
            }
        }
        REMOVE_ADDRESS => {
            let count = Value::Uint(len.saturating_sub(3) as u64);
            let added = walk.tree.add(RM_ADDR_COUNT, region.place(2, 1), count);
            walk.tree.set_generated(added);
            for at in 3..len {
                walk.u8(ADDRID, region, at)?;
            }
        }
        PRIORITY => {
            flags_of(walk, region, 2, first, &[(BACKUP_FLAG, first & 1)]);
            if len == 4 {
                walk.u8(ADDRID, region, 3)?;
            }
        }
        FAIL => {
            reserved(walk, region)?;
            u64_of(walk, region, RAWDATASEQNO, 4)?;
        }
        FAST_CLOSE => {
            reserved(walk, region)?;
            u64_of(walk, region, RECVKEY, 4)?;
        }
        RESET => {
            let list = [
                (FLAG_U_FLAG, first >> 3 & 1),
                (FLAG_V_FLAG, first >> 2 & 1),
                (FLAG_W_FLAG, first >> 1 & 1),
                (FLAG_T_FLAG, first & 1),
            ];
            flags_of(walk, region, 2, first, &list);
            walk.u8(RST_REASON, region, 3)?;
        }
        _ => {}
    }
    if subtype == CAPABLE && region.u8(3).is_ok_and(|flags| flags.trailing_zeros() >= 6) {
        let message = format_args!("No crypto algorithm specified");
        walk.expert(item, CONNECTION_MISSING_ALGORITHM, WARNING, message);
    }
    Ok(())
}

/// Data sequence signal (RFC 8684 section 3.3).
fn dss(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let flags = region.u8(3)? & 0x1f;
    let list = [
        (DATAFIN_FLAG, flags >> 4 & 1),
        (DSEQN8_FLAG, flags >> 3 & 1),
        (DSEQNPRESENT_FLAG, flags >> 2 & 1),
        (DATAACK8_FLAG, flags >> 1 & 1),
        (DATAACKPRESENT_FLAG, flags & 1),
    ];
    flags_of(walk, region, 3, region.u8(3)?, &list);
    let mut at = 4;
    if flags & 1 != 0 {
        if flags & 2 != 0 {
            let ack = region.u64(at)?;
            let added = walk
                .tree
                .add(RAWDATAACK, region.place(at, 8), Value::Uint(ack));
            walk.tree.label(
                added,
                format_args!("Original MPTCP Data ACK: {ack} (64bits)"),
            );
            at += 8;
        } else {
            walk.u32(RAWDATAACK, region, at)?;
            at += 4;
        }
    }
    if flags & 4 != 0 {
        let (number, len) = if flags & 8 != 0 {
            (region.u64(at)?, 8)
        } else {
            (u64::from(region.u32(at)?), 4)
        };
        let added = walk
            .tree
            .add(RAWDATASEQNO, region.place(at, len), Value::Uint(number));
        let bits = len * 8;
        walk.tree.label(
            added,
            format_args!("Data Sequence Number: {number}  ({bits}bits version)"),
        );
        at += len;
        walk.u32(SUBFLOWSEQNO, region, at)?;
        walk.u16(DATALVLLEN, region, at + 4)?;
        // Wireshark wants two bytes more than a checksum has.
        if region.reported() >= at + 10 {
            checksum(walk, region, at + 6)?;
        }
    }
    Ok(())
}

fn checksum(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize) -> Result<(), Stop> {
    let value = region.u16(at)?;
    let added = walk
        .tree
        .add(CHECKSUM, region.place(at, 2), Value::Uint(value.into()));
    walk.tree
        .label(added, format_args!("Checksum: {value:#06x} [unverified]"));
    Ok(())
}

fn u64_of(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    field: FieldId,
    at: usize,
) -> Result<(), Stop> {
    let value = Value::Uint(region.u64(at)?);
    walk.tree.add(field, region.place(at, 8), value);
    Ok(())
}

fn reserved(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let value = Value::Uint(u64::from(region.u16(2)? & 0xfff));
    walk.tree.add(RESERVED, region.place(2, 2), value);
    Ok(())
}

fn bits(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize, list: &[(FieldId, u8)]) {
    let place = region.place(at, 1);
    for &(field, value) in list {
        let is_flag = matches!(field, FLAG_U_FLAG | FLAG_V_FLAG | FLAG_W_FLAG | FLAG_T_FLAG);
        let value = if is_flag {
            Value::Bool(value != 0)
        } else {
            Value::Uint(value.into())
        };
        walk.tree.add(field, place, value);
    }
}

fn flags_of(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    flags: u8,
    list: &[(FieldId, u8)],
) {
    let value = Value::Uint(flags.into());
    walk.tree.add(FLAGS, region.place(at, 1), value);
    walk.tree.open();
    bits(walk, region, at, list);
    walk.tree.close();
}
