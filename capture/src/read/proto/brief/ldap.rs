//! LDAP (RFC 4511): what is asked and answered, and the layer of SASL (RFC 4422) that can be around it once both
//! ends know each other.

use super::asn1::{element, header, integer, tagged};
use super::{names, ntlmssp};
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_pdu};
use crate::read::proto::text::{Escaped, plural, up_to_zero};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Port of LDAP, over UDP too.
pub(crate) const PORT: u16 = 389;

/// LDAP in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[PORT, 3268],
    recognizes: None,
    dissect,
};

/// Bits of what is remembered of a stream; below are the results that the search had so far.
const RESULTS: u64 = 0xffff_ffff;
/// Somebody asked to be known by SASL.
const SASL: u64 = 1 << 32;
/// In one of the ways that wrap what follows as GSS-API does.
const GENERIC: u64 = 1 << 33;
/// The server answered: a layer can be around what follows.
const LAYER: u64 = 1 << 34;

const SEQUENCE: u8 = 0x30;
/// Bytes of the length in front of a layer.
const LENGTH_LEN: usize = 4;
/// Layers are not longer.
const MOST: u32 = 1024 * 1024;

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    const LEAST: usize = 2;
    let layer_len = region.u32(0).unwrap_or(0);
    let whole = usize::try_from(layer_len).map_or(usize::MAX, |len| len.saturating_add(LENGTH_LEN));
    let state = *walk.memory.tcp.state(payload);
    let is_sealed = state & SASL != 0 && (2..=MOST).contains(&layer_len);
    let is_alone = region.u8(0)? != SEQUENCE && whole == region.reported();
    if is_sealed || is_alone {
        let len_of = |region: &Region<'_>| {
            region
                .u32(0)
                .map(|len| Some((len as usize).saturating_add(LENGTH_LEN)))
        };
        return each_pdu(walk, region, payload, LENGTH_LEN, len_of, |walk, unit| {
            begin(walk, &unit);
            let mut state = *walk.memory.tcp.state(payload);
            sealed(walk, unit.captured(), &mut state);
            *walk.memory.tcp.state(payload) = state;
            Ok(())
        });
    }
    if region.u8(0)? != SEQUENCE {
        return Ok(Outcome::NotMine);
    }
    let len_of = |region: &Region<'_>| {
        let bytes = region.captured();
        let found = header(bytes).map(|(_, at, len)| at.saturating_add(len));
        // What is no length takes the rest.
        Ok(found.or_else(|| (bytes.len() >= 6).then(|| region.reported())))
    };
    each_pdu(walk, region, payload, LEAST, len_of, |walk, unit| {
        begin(walk, &unit);
        let mut state = *walk.memory.tcp.state(payload);
        message(walk, unit.captured(), &mut state);
        *walk.memory.tcp.state(payload) = state;
        Ok(())
    })
}

/// Dissects a datagram, which has messages without a connection.
pub(crate) fn datagram(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    super::name(walk, names::cldap::THIS, region);
    let stream = walk.memory.brief.datagram_stream;
    let mut state = walk.memory.brief.results(stream);
    messages(walk, region.captured(), &mut state);
    walk.memory.brief.remember_results(stream, state);
}

/// Another unit of the protocol in the frame.
fn begin(walk: &mut Walk<'_, '_>, unit: &Region<'_>) {
    const THIS: crate::read::FieldId = names::ldap::THIS;
    if walk.protocols.numbers().contains(&THIS.protocol) {
        walk.columns.append_info(format_args!(" | "));
        walk.columns.fence();
    } else {
        walk.columns.clear_info();
    }
    walk.columns.set_protocol("LDAP");
    let place = unit.place(0, unit.captured().len());
    if walk.protocols.numbers().last() != Some(&THIS.protocol) {
        walk.enter(THIS);
    }
    walk.tree.add(THIS, place, crate::read::tree::Value::None);
}

/// A unit with a length in front.
fn sealed(walk: &mut Walk<'_, '_>, bytes: &[u8], state: &mut u64) {
    let token = bytes.get(LENGTH_LEN..).unwrap_or(&[]);
    // Who comes late sees a layer by its beginning, without knowing which it is.
    if *state & LAYER == 0 && matches!(token, [0x05, 0x04, ..] | [0x60, _, ..]) {
        *state = *state & RESULTS | SASL | LAYER;
    }
    if *state & LAYER == 0 || bytes.first() != Some(&0) {
        return messages(walk, bytes, state);
    }
    if *state & GENERIC == 0 {
        return;
    }
    let Some((len, is_encrypted)) = wrapping(token) else {
        return;
    };
    if is_encrypted {
        let len = token.len().saturating_sub(len);
        let s = plural(len);
        walk.columns.set_info(format_args!(
            "SASL GSS-API Privacy: payload ({len} byte{s})"
        ));
        return;
    }
    walk.columns
        .set_info(format_args!("SASL GSS-API Integrity: "));
    messages(walk, token.get(len..).unwrap_or(&[]), state);
}

/// How long the header of a wrapped token of Kerberos is, and whether what follows is encrypted: RFC 4121
/// section 4.2.6.2, or RFC 1964 section 1.2.2.
fn wrapping(token: &[u8]) -> Option<(usize, bool)> {
    const IS_SEALED: u8 = 2;
    const HEADER_LEN: usize = 16;
    /// Of the cipher: a confounder and a checksum.
    const CIPHER_LEN: usize = 44;
    let number = |at: usize| {
        let bytes = token.get(at..)?.first_chunk::<2>()?;
        Some(usize::from(u16::from_be_bytes(*bytes)))
    };
    if let [0x05, 0x04, flags, ..] = token {
        let (extra, rotated) = (number(4)?, number(6)?);
        let is_sealed = flags & IS_SEALED != 0;
        let more = match (is_sealed, rotated == extra) {
            (true, _) => CIPHER_LEN + extra,
            (false, true) => extra,
            (false, false) => 0,
        };
        return Some((HEADER_LEN + more, is_sealed));
    }
    const WRAP: usize = 0x0201;
    const NO_SEAL: usize = 0xffff;
    let (_, at, _) = header(token).filter(|(tag, _, _)| *tag == 0x60)?;
    let (_, oid_at, oid_len) = header(token.get(at..)?)?;
    let at = at.checked_add(oid_at)?.checked_add(oid_len)?;
    if number(at)? != WRAP {
        return None;
    }
    let (sign, seal) = (number(at + 2)?, number(at + 4)?);
    // Kind, two algorithms, two bytes that fill up, a number, a checksum, and mostly a confounder.
    let confounder = if matches!(sign, 0x1100 | 0) { 8 } else { 0 };
    Some((at + 8 + 8 + 8 + confounder, seal != NO_SEAL))
}

/// All messages in a unit.
fn messages(walk: &mut Walk<'_, '_>, mut bytes: &[u8], state: &mut u64) {
    const LEAST: usize = 6;
    while bytes.len() >= LEAST {
        let Some((SEQUENCE, at, len)) = header(bytes) else {
            return;
        };
        message(walk, bytes, state);
        bytes = bytes.get(at.saturating_add(len)..).unwrap_or(&[]);
    }
}

/// The name of what an extended operation asks for; of others, Wireshark only knows the beginning.
fn extension(identifier: &[u8]) -> String {
    match identifier {
        b"1.3.6.1.4.1.1466.20037" => "LDAP_START_TLS_OID".to_owned(),
        b"1.3.6.1.4.1.1466.101.119.1" => "DYNAMIC_REFRESH".to_owned(),
        b"1.2.840.113556.1.4.1781" => "LDAP_SERVER_FAST_BIND_OID".to_owned(),
        _ => match identifier.strip_prefix(b"1.") {
            Some(rest) => format!("iso.{}", Escaped(rest)),
            None => Escaped(identifier).to_string(),
        },
    }
}

const OPERATIONS: [&str; 26] = [
    "bindRequest",
    "bindResponse",
    "unbindRequest",
    "searchRequest",
    "searchResEntry",
    "searchResDone",
    "modifyRequest",
    "modifyResponse",
    "addRequest",
    "addResponse",
    "delRequest",
    "delResponse",
    "modDNRequest",
    "modDNResponse",
    "compareRequest",
    "compareResponse",
    "abandonRequest",
    "",
    "",
    "searchResRef",
    "",
    "",
    "",
    "extendedReq",
    "extendedResp",
    "intermediateResponse",
];

const BOUND: u8 = 1;
const ENTRY: u8 = 4;
const DONE: u8 = 5;
const EXTENDED: u8 = 24;

fn message(walk: &mut Walk<'_, '_>, bytes: &[u8], state: &mut u64) {
    const ABANDON: u8 = 16;
    let Some(((_, message), _)) = element(bytes) else {
        return;
    };
    let Some(((_, id), rest)) = element(message) else {
        return;
    };
    let Some(((tag, operation), _)) = element(rest) else {
        return;
    };
    let number = tag & 0x1f;
    let name = OPERATIONS.get(usize::from(number)).unwrap_or(&"");
    // What is abandoned is told by its number.
    let id = integer(if number == ABANDON { operation } else { id });
    walk.columns.append_info(format_args!("{name}({id}) "));
    if number == ENTRY {
        *state = *state & !RESULTS | (*state + 1) & RESULTS;
    }
    match number {
        0 => bind(walk, operation, state),
        3 => {
            let Some(((_, base), rest)) = element(operation) else {
                return;
            };
            quoted(walk, base);
            let scope = element(rest).map_or(u32::MAX, |((_, scope), _)| integer(scope));
            let text = match scope {
                0 => "baseObject ",
                1 => "singleLevel ",
                2 => "wholeSubtree ",
                _ => "",
            };
            walk.columns.append_info(format_args!("{text}"));
        }
        ENTRY | 6 | 8 | 12 | 14 => {
            if let Some(((_, entry), _)) = element(operation) {
                quoted(walk, entry);
            }
        }
        10 => quoted(walk, operation),
        1 | 7 | 9 | 11 | 13 | 15 | DONE | EXTENDED => result(walk, number, operation, state),
        23 => {
            if let Some(name) = tagged(operation, 0x80) {
                let name = extension(name);
                walk.columns.append_info(format_args!("{name} "));
            }
        }
        _ => {}
    }
}

fn quoted(walk: &mut Walk<'_, '_>, content: &[u8]) {
    let text = if content.is_empty() {
        b"<ROOT>"
    } else {
        content
    };
    walk.columns
        .append_info(format_args!("\"{}\" ", Escaped(text)));
}

/// Who wants to be known, and how.
fn bind(walk: &mut Walk<'_, '_>, operation: &[u8], state: &mut u64) {
    let Some((_, rest)) = element(operation) else {
        return;
    };
    let Some(((_, entry), rest)) = element(rest) else {
        return;
    };
    quoted(walk, entry);
    match element(rest) {
        Some(((0x80, _), _)) => walk.columns.append_info(format_args!("simple ")),
        Some(((0xa3, content), _)) => {
            let way = element(content).map_or(&[][..], |((_, way), _)| way);
            let is_generic = matches!(way, b"GSS-SPNEGO" | b"GSSAPI");
            *state = *state & RESULTS | SASL | if is_generic { GENERIC } else { 0 };
            ntlmssp::tell(walk, content);
            walk.columns.append_info(format_args!("sasl "));
        }
        Some(((_, content), _)) => ntlmssp::tell(walk, content),
        None => {}
    }
}

/// What became of an operation.
fn result(walk: &mut Walk<'_, '_>, number: u8, operation: &[u8], state: &mut u64) {
    let mut parts = operation;
    let mut next = || {
        let ((_, content), rest) = element(parts)?;
        parts = rest;
        Some(content)
    };
    let (code, matched, message) = (next(), next(), next());
    // Of an extended operation, the result is not told.
    if number != EXTENDED {
        let text = result_name(code.map_or(0, integer));
        walk.columns.append_info(format_args!("{text} "));
    }
    if let Some(matched) = matched.filter(|name| name.starts_with(b"NTLMSSP")) {
        ntlmssp::tell(walk, matched);
    }
    if let Some(message) = message.filter(|message| !message.is_empty()) {
        walk.columns
            .append_info(format_args!("({}) ", Escaped(up_to_zero(message))));
    }
    if number == BOUND
        && *state & SASL != 0
        && let Some(answer) = tagged(parts, 0x87)
    {
        *state |= LAYER;
        if *state & GENERIC != 0 {
            ntlmssp::tell(walk, answer);
        }
    }
    if number == EXTENDED
        && let Some(name) = tagged(parts, 0x8a)
    {
        let name = extension(name);
        walk.columns.append_info(format_args!("{name} "));
    }
    if number == DONE {
        let count = *state & RESULTS;
        let s = if count == 1 { "" } else { "s" };
        walk.columns
            .append_info(format_args!(" [{count} result{s}]"));
    }
}

const fn result_name(code: u32) -> &'static str {
    match code {
        0 => "success",
        1 => "operationsError",
        2 => "protocolError",
        3 => "timeLimitExceeded",
        4 => "sizeLimitExceeded",
        5 => "compareFalse",
        6 => "compareTrue",
        7 => "authMethodNotSupported",
        8 => "strongAuthRequired",
        10 => "referral",
        11 => "adminLimitExceeded",
        12 => "unavailableCriticalExtension",
        13 => "confidentialityRequired",
        14 => "saslBindInProgress",
        16 => "noSuchAttribute",
        17 => "undefinedAttributeType",
        18 => "inappropriateMatching",
        19 => "constraintViolation",
        20 => "attributeOrValueExists",
        21 => "invalidAttributeSyntax",
        32 => "noSuchObject",
        33 => "aliasProblem",
        34 => "invalidDNSyntax",
        36 => "aliasDereferencingProblem",
        48 => "inappropriateAuthentication",
        49 => "invalidCredentials",
        50 => "insufficientAccessRights",
        51 => "busy",
        52 => "unavailable",
        53 => "unwillingToPerform",
        54 => "loopDetect",
        64 => "namingViolation",
        65 => "objectClassViolation",
        66 => "notAllowedOnNonLeaf",
        67 => "notAllowedOnRDN",
        68 => "entryAlreadyExists",
        69 => "objectClassModsProhibited",
        71 => "affectsMultipleDSAs",
        80 => "other",
        _ => "Unknown",
    }
}
