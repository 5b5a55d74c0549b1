//! DCE/RPC over TCP (C706 chapter 12, [MS-RPCE]): which interface a call is for, by the binding before it.
//!
//! - `interfaces.rs` interfaces by their UUIDs; `operations.rs` what they can do

mod interfaces;
mod operations;

use super::{name, names, ntlmssp};
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_pdu};
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
const FAULT: u8 = 3;
const BIND: u8 = 11;
const BIND_ACK: u8 = 12;
const ALTER_CONTEXT: u8 = 14;
const ALTER_CONTEXT_RESPONSE: u8 = 15;
const AUTHENTICATE: u8 = 16;
/// Bits of what is remembered of a stream: an interface for each of eight contexts.
const INTERFACE_BITS: usize = 8;

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

fn u32_at(region: &Region<'_>, at: usize) -> Result<u32, Stop> {
    let bytes = region.array(at)?;
    Ok(if is_little(region)? {
        u32::from_le_bytes(bytes)
    } else {
        u32::from_be_bytes(bytes)
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
    each_pdu(
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
    let state = *walk.memory.tcp.state(payload);
    let mut follower = Follower {
        bound: state,
        place: (payload.stream, 0),
    };
    let outcome = follower.tell(walk, region);
    *walk.memory.tcp.state(payload) = follower.bound;
    outcome
}

/// Takes what a pipe of SMB carries, if it is a message. `file` tells the pipe, if the message does.
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
    walk.columns.clear_info();
    walk.begin(names::dcerpc::THIS, region, region.captured().len());
    walk.end();
    let bound = *walk.memory.brief.pipe(stream, file);
    let file_number = file.unwrap_or_else(|| walk.memory.brief.last_file(stream));
    let mut follower = Follower {
        bound,
        place: (stream, file_number),
    };
    let outcome = follower.tell(walk, region);
    *walk.memory.brief.pipe(stream, file) = follower.bound;
    outcome
}

/// What is known of a connection: which interfaces are bound in its contexts, and where its calls are
/// remembered.
#[derive(Debug)]
struct Follower {
    bound: u64,
    place: (u32, u64),
}

impl Follower {
    /// The interface of a context.
    fn interface(&self, context: u16) -> Option<&'static interfaces::Interface> {
        let context = usize::from(context);
        if context >= INTERFACE_BITS {
            return None;
        }
        let place = (self.bound >> (context * INTERFACE_BITS)) as u8;
        interfaces::at(place.into())
    }

    /// Says what a message is, and remembers what it binds.
    fn tell(&mut self, walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
        let kind = region.u8(2)?;
        let call = u32_at(region, 12)?;
        let title = kind_name(kind);
        walk.columns
            .append_info(format_args!("{title}: call_id: {call}"));
        let fragment = match region.u8(3)? & 3 {
            0 => "Mid",
            1 => "1st",
            2 => "Last",
            _ => "Single",
        };
        walk.columns
            .append_info(format_args!(", Fragment: {fragment}"));
        match kind {
            BIND | ALTER_CONTEXT => {
                self.bind(walk, region)?;
                security(walk, region)
            }
            BIND_ACK | ALTER_CONTEXT_RESPONSE => {
                bound(walk, region)?;
                security(walk, region)
            }
            AUTHENTICATE => security(walk, region),
            FAULT => fault(walk, region),
            REQUEST | RESPONSE => self.call(walk, region, call, kind),
            _ => Ok(()),
        }
    }

    fn bind(&mut self, walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
        let little = is_little(region)?;
        let count = region.u8(24)?;
        walk.columns
            .append_info(format_args!(", {count} context items:"));
        let mut at = 28;
        for item in 0..count {
            let context = usize::from(u16_at(region, at)?);
            let syntaxes = usize::from(region.u8(at + 2)?);
            let uuid = interfaces::uuid(region.array(at + 4)?, little);
            let (version, minor) = (u16_at(region, at + 20)?, u16_at(region, at + 22)?);
            let place = interfaces::place(uuid, version).unwrap_or(0);
            if context < INTERFACE_BITS {
                let shift = context * INTERFACE_BITS;
                self.bound = self.bound & !(0xff << shift) | (place as u64) << shift;
            }
            at += 24;
            for _ in 0..syntaxes {
                let transfer = interfaces::Uuid(interfaces::uuid(region.array(at)?, little));
                region.u32(at + 16)?;
                let separator = if item > 0 { "," } else { "" };
                match interfaces::at(place) {
                    Some(interface) => walk.columns.append_info(format_args!(
                        "{separator} {} V{version}.{minor} ({transfer})",
                        interface.bound_name()
                    )),
                    None => walk.columns.append_info(format_args!(
                        "{separator} {} V{version}.{minor} ({transfer})",
                        interfaces::Uuid(uuid)
                    )),
                }
                at += 20;
            }
        }
        Ok(())
    }

    /// A request or response: by its interface and operation, where both are known.
    fn call(
        &self,
        walk: &mut Walk<'_, '_>,
        region: &Region<'_>,
        call: u32,
        kind: u8,
    ) -> Result<(), Stop> {
        const IS_FIRST: u8 = 1;
        const IS_LAST: u8 = 2;
        let context = u16_at(region, 20)?;
        let key = (self.place.0, self.place.1, call);
        let operation = if kind == REQUEST {
            let operation = u16_at(region, 22)?;
            walk.columns
                .append_info(format_args!(", opnum: {operation}"));
            walk.memory.brief.remember_operation(key, operation);
            Some(operation)
        } else {
            walk.memory.brief.operation(key)
        };
        walk.columns.append_info(format_args!(", Ctx: {context}"));
        let Some(interface) = self.interface(context) else {
            return Ok(());
        };
        walk.columns.set_protocol(interface.name);
        let flags = region.u8(3)?;
        let Some(operation) = operation.filter(|_| flags & IS_LAST != 0) else {
            return Ok(());
        };
        if flags & IS_FIRST == 0 {
            // What came before was put together with it.
            return Ok(());
        }
        let word = if kind == REQUEST {
            "request"
        } else {
            "response"
        };
        match interface.operations.get(usize::from(operation)) {
            Some(&name) if !name.is_empty() => {
                walk.columns.set_info(format_args!("{name} {word}"));
                if name == "Map" {
                    towers(walk, region);
                }
            }
            _ if !interface.operations.is_empty() => walk
                .columns
                .set_info(format_args!("Unknown operation {operation} {word}")),
            _ => {}
        }
        Ok(())
    }
}

/// Tells the interfaces and syntaxes in the towers that an endpoint mapper is asked for, or knows
/// (C706 appendix L): floors whose left side is an UUID.
fn towers(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    const BODY_AT: usize = 24;
    const FLOOR: [u8; 3] = [19, 0, 0x0d];
    let bytes = region.rest(BODY_AT);
    let mut rest = bytes.captured();
    while let Some(at) = rest.windows(FLOOR.len()).position(|three| three == FLOOR) {
        let Some(&[ref uuid @ .., low, high]) = rest
            .get(at + FLOOR.len()..)
            .and_then(|floor| floor.first_chunk::<18>())
        else {
            return;
        };
        let uuid: &[u8; 16] = uuid;
        let uuid = interfaces::uuid(*uuid, true);
        let version = u16::from_le_bytes([low, high]);
        match interfaces::place(uuid, version).and_then(interfaces::at) {
            Some(interface) => walk
                .columns
                .append_info(format_args!(", {}", interface.bound_name())),
            None => walk
                .columns
                .append_info(format_args!(", {}", interfaces::Uuid(uuid))),
        }
        rest = &rest[at + FLOOR.len() + 18..];
    }
}

/// What became of the contexts of a binding.
fn bound(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const ADDRESS_AT: usize = 24;
    let (sent, received) = (u16_at(region, 16)?, u16_at(region, 18)?);
    let address_len = usize::from(u16_at(region, ADDRESS_AT)?);
    let mut at = (ADDRESS_AT + 2 + address_len).next_multiple_of(4);
    let count = region.u8(at)?;
    walk.columns.append_info(format_args!(
        ", max_xmit: {sent} max_recv: {received}, {count} results:"
    ));
    at += 4;
    for item in 0..count {
        let result = u16_at(region, at)?;
        let text = match result {
            0 => "Acceptance",
            1 => "User rejection",
            2 => "Provider rejection",
            3 => "Negotiate ACK",
            _ => "Unknown result",
        };
        region.slice(at, 24)?;
        let separator = if item > 0 { "," } else { "" };
        walk.columns.append_info(format_args!("{separator} {text}"));
        at += 24;
    }
    Ok(())
}

fn fault(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    let context = u16_at(region, 20)?;
    let status = u32_at(region, 24)?;
    let text = match status {
        0x0000_0005 => "nca_s_fault_access_denied",
        0x0000_06f7 => "nca_s_fault_ndr",
        0x1c00_0001 => "nca_s_fault_int_div_by_zero",
        0x1c00_0002 => "nca_s_fault_addr_error",
        0x1c00_0003 => "nca_s_fault_fp_div_zero",
        0x1c00_000b => "nca_s_fault_unspec",
        0x1c01_0002 => "nca_op_rng_error",
        0x1c01_0003 => "nca_unk_if",
        _ => "",
    };
    walk.columns
        .append_info(format_args!(", Ctx: {context}, status: "));
    match text {
        "" => walk
            .columns
            .append_info(format_args!("Unknown (0x{status:08x})")),
        _ => walk.columns.append_info(format_args!("{text}")),
    }
    Ok(())
}

/// Tells the message of NTLM that a message ends with.
fn security(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const LEAST: usize = 12;
    let len = usize::from(u16_at(region, 10)?);
    let end = usize::from(u16_at(region, 8)?);
    if let Some(at) = end.checked_sub(len).filter(|_| len >= LEAST) {
        let _is_told = ntlmssp::tell_only(walk, region.slice(at, len)?);
    }
    Ok(())
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
