//! DCE/RPC over TCP (C706 chapter 12, [MS-RPCE]): which interface a call is for, by the binding before it.

use super::{name, names};
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_message};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// DCE/RPC in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[],
    recognizes: Some(recognizes),
    dissect,
};

const HEADER_LEN: usize = 16;
/// The last kind of message.
const LAST_KIND: u8 = 19;
const REQUEST: u8 = 0;
const RESPONSE: u8 = 2;
const BIND: u8 = 11;
const ALTER_CONTEXT: u8 = 14;
/// Bits of what is remembered of a stream: an interface for each of eight contexts.
const INTERFACE_BITS: usize = 8;

/// Interfaces that have a name of their own in the list: the first half of their UUIDs, the second, and
/// the version.
const INTERFACES: [(u64, u64, u16, &str); 17] = [
    (
        0x86d3_5949_83c9_4044,
        0xb424_db36_3231_fd0c,
        1,
        "TaskSchedulerService",
    ),
    (0xe1af_8308_5d1f_11c9, 0x91a4_0800_2b14_a0fa, 3, "EPM"),
    (0x1234_5778_1234_abcd, 0xef00_0123_4567_89ab, 0, "LSARPC"),
    (0x1234_5778_1234_abcd, 0xef00_0123_4567_89ac, 1, "SAMR"),
    (
        0x1234_5678_1234_abcd,
        0xef00_0123_4567_cffb,
        1,
        "RPC_NETLOGON",
    ),
    (0x4b32_4fc8_1670_01d3, 0x1278_5a47_bf6e_e188, 3, "SRVSVC"),
    (0x6bff_d098_a112_3610, 0x9833_46c3_f87e_345a, 1, "WKSSVC"),
    (0x367a_bb81_9844_35f1, 0xad32_98f0_3800_1003, 2, "SVCCTL"),
    (0x338c_d001_2244_31f1, 0xaaaa_9000_3800_1003, 1, "WINREG"),
    (0xe351_4235_4b06_11d1, 0xab04_00c0_4fc2_dcd2, 4, "DRSUAPI"),
    (0x1234_5678_1234_abcd, 0xef00_0123_4567_89ab, 1, "SPOOLSS"),
    (
        0x99fc_fec4_5260_101b,
        0xbbcb_00aa_0021_347a,
        0,
        "IOXIDResolver",
    ),
    (
        0x0000_01a0_0000_0000,
        0xc000_0000_0000_0046,
        0,
        "ISystemActivator",
    ),
    (
        0x0000_0131_0000_0000,
        0xc000_0000_0000_0046,
        0,
        "IRemUnknown",
    ),
    (
        0x0000_0143_0000_0000,
        0xc000_0000_0000_0046,
        0,
        "IRemUnknown2",
    ),
    (0x1ff7_0682_0a51_30e8, 0x076d_740b_e8ce_e98b, 1, "ATSVC"),
    (0xafa8_bd80_7d8a_11c9, 0xbef4_0800_2b10_2989, 1, "MGMT"),
];

/// Whether a message begins here: version 5, a known kind, and a data representation that exists.
fn recognizes(region: &Region<'_>, _: &Payload) -> bool {
    is_message(region)
}

fn is_message(region: &Region<'_>) -> bool {
    region.reported() >= HEADER_LEN
        && region.captured().first_chunk::<6>().is_some_and(
            |&[version, minor, kind, _, numbers, floats]| {
                version == 5
                    && minor <= 1
                    && kind <= LAST_KIND
                    && numbers & 0xee == 0
                    && floats <= 3
            },
        )
}

fn is_little(region: &Region<'_>) -> Result<bool, Stop> {
    Ok(region.u8(4)? & 0x10 != 0)
}

fn u16_at(region: &Region<'_>, at: usize) -> Result<u16, Stop> {
    let bytes = region.array(at)?;
    Ok(if is_little(region)? {
        u16::from_le_bytes(bytes)
    } else {
        u16::from_be_bytes(bytes)
    })
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    if !recognizes(&region, payload) {
        return Ok(Outcome::NotMine);
    }
    let len_of = |region: &Region<'_>| u16_at(region, 8).map(|len| Some(len.into()));
    each_message(
        walk,
        region,
        payload,
        HEADER_LEN,
        len_of,
        |walk, message| {
            message_of(walk, &message, payload)?;
            walk.columns.fence();
            Ok(())
        },
    )
}

fn message_of(walk: &mut Walk<'_, '_>, region: &Region<'_>, payload: &Payload) -> Result<(), Stop> {
    name(walk, names::dcerpc::THIS, region);
    let kind = region.u8(2)?;
    let little = is_little(region)?;
    let call: [u8; 4] = region.array(12)?;
    let call = if little {
        u32::from_le_bytes(call)
    } else {
        u32::from_be_bytes(call)
    };
    let title = kind_name(kind);
    walk.columns
        .append_info(format_args!("{title}: call_id: {call}"));
    let state = walk.memory.tcp.state(payload);
    if let Some(name) = follow(region, state)? {
        walk.columns.set_protocol(name);
    }
    Ok(())
}

/// Takes what a pipe of SMB carries, if it is a message; the rest of the line stays SMB's. `file` tells
/// the pipe, if the message does.
pub(crate) fn piped(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    stream: u32,
    file: Option<u64>,
) -> Result<(), Stop> {
    if !is_message(region) {
        return Ok(());
    }
    walk.columns.set_protocol("DCERPC");
    walk.begin(names::dcerpc::THIS, region, region.captured().len());
    walk.end();
    let state = walk.memory.brief.pipe(stream, file);
    if let Some(name) = follow(region, state)? {
        walk.columns.set_protocol(name);
    }
    Ok(())
}

/// Remembers which interfaces a message binds; gives the name of the one that it calls.
fn follow(region: &Region<'_>, state: &mut u64) -> Result<Option<&'static str>, Stop> {
    let little = is_little(region)?;
    match region.u8(2)? {
        BIND | ALTER_CONTEXT => {
            let count = usize::from(region.u8(24)?);
            let mut at = 28;
            for _ in 0..count {
                let context = usize::from(u16_at(region, at)?);
                let syntaxes = usize::from(region.u8(at + 2)?);
                let uuid: [u8; 16] = region.array(at + 4)?;
                let version = u16_at(region, at + 20)?;
                let place = interface(uuid, version, little).map_or(0, |place| place as u64 + 1);
                if context < INTERFACE_BITS {
                    let shift = context * INTERFACE_BITS;
                    *state = *state & !(0xff << shift) | place << shift;
                }
                at += 24 + syntaxes * 20;
            }
            Ok(None)
        }
        REQUEST | RESPONSE => {
            let context = usize::from(u16_at(region, 20)?);
            if context >= INTERFACE_BITS {
                return Ok(None);
            }
            let place = (*state >> (context * INTERFACE_BITS)) as u8;
            let interface = usize::from(place).checked_sub(1);
            let found = interface.and_then(|place| INTERFACES.get(place));
            Ok(found.map(|(.., name)| *name))
        }
        _ => Ok(None),
    }
}

/// The place of an interface in [`INTERFACES`].
fn interface(uuid: [u8; 16], version: u16, is_little: bool) -> Option<usize> {
    let mut bytes = uuid;
    if is_little {
        // Three numbers, and bytes.
        bytes[..4].reverse();
        bytes[4..6].reverse();
        bytes[6..8].reverse();
    }
    let whole = u128::from_be_bytes(bytes);
    let (high, low) = ((whole >> 64) as u64, whole as u64);
    INTERFACES
        .iter()
        .position(|(one, other, of, _)| (*one, *other, *of) == (high, low, version))
}

const fn kind_name(kind: u8) -> &'static str {
    match kind {
        0 => "Request",
        1 => "Ping",
        2 => "Response",
        3 => "Fault",
        4 => "Working",
        5 => "Nocall",
        6 => "Reject",
        7 => "Ack",
        8 => "Cl_cancel",
        9 => "Fack",
        10 => "Cancel_ack",
        11 => "Bind",
        12 => "Bind_ack",
        13 => "Bind_nak",
        14 => "Alter_context",
        15 => "Alter_context_resp",
        16 => "AUTH3",
        17 => "Shutdown",
        18 => "Co_cancel",
        _ => "Orphaned",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interfaces_are_known_in_both_byte_orders() {
        // e1af8308-5d1f-11c9-91a4-08002b14a0fa, as C706 appendix O writes the endpoint mapper's.
        let big = 0xe1af_8308_5d1f_11c9_91a4_0800_2b14_a0fa_u128.to_be_bytes();
        let mut little = big;
        little[..4].reverse();
        little[4..6].reverse();
        little[6..8].reverse();
        assert_eq!(interface(big, 3, false), Some(1));
        assert_eq!(interface(little, 3, true), Some(1));
        assert_eq!(interface(big, 3, true), None);
    }
}
