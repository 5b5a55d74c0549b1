//! Protocols in the basic encoding rules of ASN.1: SNMP (RFC 3416), Kerberos (RFC 4120).

use super::{name, names};
use crate::read::proto::data;
use crate::read::proto::tcp::applications::{Application, Outcome, Payload, each_pdu};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Ports of SNMP, over UDP.
pub(crate) const SNMP_PORTS: [u16; 2] = [161, 162];
/// Port of Kerberos, over UDP too.
pub(crate) const KERBEROS_PORT: u16 = 88;

/// Kerberos in a TCP stream.
pub(crate) static KERBEROS: Application = Application {
    ports: &[KERBEROS_PORT],
    recognizes: None,
    dissect: kerberos_stream,
};

/// An element: its tag, and its content as far as it is there.
pub(super) type Element<'b> = (u8, &'b [u8]);

/// Tag, length of the header and of the content; `None` if they are not there, or not definite.
pub(super) fn header(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let count = usize::from(first & 0x7f);
    if first & 0x80 == 0 {
        return Some((*tag, 2, count));
    }
    if count == 0 || count > 4 {
        return None;
    }
    let digits = rest.get(..count)?;
    let len = digits
        .iter()
        .fold(0, |len, digit| len << 8 | usize::from(*digit));
    Some((*tag, 2 + count, len))
}

/// The first element, and what follows it.
pub(super) fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (tag, at, len) = header(bytes)?;
    let content = bytes.get(at..)?;
    let (content, rest) = content.split_at(len.min(content.len()));
    Some(((tag, content), rest))
}

/// The content of the element with this tag, among elements.
pub(super) fn tagged(mut bytes: &[u8], wanted: u8) -> Option<&[u8]> {
    while let Some(((tag, content), rest)) = element(bytes) {
        if tag == wanted {
            return Some(content);
        }
        bytes = rest;
    }
    None
}

pub(super) fn integer(content: &[u8]) -> u32 {
    content
        .iter()
        .fold(0, |value, byte| value << 8 | u32::from(*byte))
}

/// Object identifiers as numbers with dots (X.690 section 8.19).
fn object(content: &[u8]) -> String {
    let mut text = String::new();
    let mut number: u64 = 0;
    for byte in content {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            continue;
        }
        if text.is_empty() {
            let first = (number / 40).min(2);
            text = format!("{first}.{}", number - first * 40);
        } else {
            text.push('.');
            text.push_str(&number.to_string());
        }
        number = 0;
    }
    text
}

/// Dissects a message of SNMP.
pub(crate) fn snmp(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const SEQUENCE: u8 = 0x30;
    const VERSION_3: u32 = 3;
    let Some(((SEQUENCE, message), _)) = element(region.captured()) else {
        return data::dissect(walk, region);
    };
    name(walk, names::snmp::THIS, &region);
    let pass = walk.memory.pass;
    walk.memory.udp.own(pass);
    let Some(((_, version), rest)) = element(message) else {
        return Ok(());
    };
    let unit = if integer(version) == VERSION_3 {
        scoped(walk, rest)
    } else {
        let unit = element(rest).and_then(|(_, rest)| element(rest));
        unit.map(|(unit, _)| unit)
    };
    if let Some(unit) = unit {
        snmp_unit(walk, unit);
    }
    Ok(())
}

/// The unit that a message of version 3 carries (RFC 3412 section 6), if it is not encrypted.
fn scoped<'b>(walk: &mut Walk<'_, '_>, rest: &'b [u8]) -> Option<Element<'b>> {
    const SEQUENCE: u8 = 0x30;
    const OCTETS: u8 = 0x04;
    let (_, rest) = element(rest)?;
    let (_, rest) = element(rest)?;
    match element(rest)?.0 {
        (SEQUENCE, scoped) => {
            let (_, rest) = element(scoped)?;
            let (_, rest) = element(rest)?;
            element(rest).map(|(unit, _)| unit)
        }
        (OCTETS, _) => {
            walk.columns
                .set_info(format_args!("encryptedPDU: privKey Unknown"));
            None
        }
        _ => None,
    }
}

/// What a unit asks or answers, and of which objects.
fn snmp_unit(walk: &mut Walk<'_, '_>, (tag, unit): Element<'_>) {
    const SEQUENCE: u8 = 0x30;
    const OBJECT: u8 = 0x06;
    const TRAP: u8 = 0xa4;
    let text = match tag {
        0xa0 => "get-request",
        0xa1 => "get-next-request",
        0xa2 => "get-response",
        0xa3 => "set-request",
        TRAP => "trap",
        0xa5 => "getBulkRequest",
        0xa6 => "informRequest",
        0xa7 => "snmpV2-trap",
        0xa8 => "report",
        _ => return,
    };
    walk.columns.append_info(format_args!("{text}"));
    let mut rest = unit;
    if tag == TRAP {
        let Some(((OBJECT, enterprise), more)) = element(rest) else {
            return;
        };
        // The name of the first arc is known everywhere.
        let text = object(enterprise);
        match text.strip_prefix("1.") {
            Some(rest) => walk.columns.append_info(format_args!(" iso.{rest}")),
            None => walk.columns.append_info(format_args!(" {text}")),
        }
        rest = more;
    }
    let Some(mut bindings) = tagged(rest, SEQUENCE) else {
        return;
    };
    while let Some(((SEQUENCE, binding), more)) = element(bindings) {
        if let Some(((OBJECT, content), _)) = element(binding) {
            let text = object(content);
            match text.strip_prefix("0.") {
                Some(rest) => walk.columns.append_info(format_args!(" itu-t.{rest}")),
                None => walk.columns.append_info(format_args!(" {text}")),
            }
        }
        bindings = more;
    }
}

fn kerberos_stream(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    const LENGTH_LEN: usize = 4;
    const LENGTH: u32 = 0x7fff_ffff;
    walk.columns.clear_info();
    let len_of = |region: &Region<'_>| Ok(Some((region.u32(0)? & LENGTH) as usize + LENGTH_LEN));
    each_pdu(
        walk,
        region,
        payload,
        LENGTH_LEN,
        len_of,
        |walk, message| {
            let body = message.rest(LENGTH_LEN);
            name(walk, names::kerberos::THIS, &message);
            kerberos_message(walk, body.captured());
            Ok(())
        },
    )
}

/// Dissects a datagram of Kerberos.
pub(crate) fn kerberos(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    const APPLICATION_TAG: u8 = 0x60;
    if region.u8(0)? & 0xe0 != APPLICATION_TAG {
        return data::dissect(walk, region);
    }
    name(walk, names::kerberos::THIS, &region);
    kerberos_message(walk, region.captured());
    Ok(())
}

fn kerberos_message(walk: &mut Walk<'_, '_>, bytes: &[u8]) {
    const ERROR: u8 = 30;
    const ERROR_CODE: u8 = 0xa6;
    let Some(((tag, content), _)) = element(bytes) else {
        return;
    };
    let number = tag & 0x1f;
    if number == ERROR {
        let fields = element(content).map_or(&[][..], |((_, fields), _)| fields);
        let code = tagged(fields, ERROR_CODE).and_then(element);
        let code = code.map_or(0, |((_, code), _)| integer(code));
        match (code, kerberos_error(code)) {
            (0, _) => walk.columns.set_info(format_args!("KRB-ERROR")),
            (_, Some(text)) => walk.columns.set_info(format_args!("KRB Error: {text}")),
            _ => walk
                .columns
                .set_info(format_args!("KRB Error: Unknown error code {code:#x}")),
        }
        return;
    }
    let text = match number {
        10 => "AS-REQ",
        11 => "AS-REP",
        12 => "TGS-REQ",
        13 => "TGS-REP",
        14 => "AP-REQ",
        15 => "AP-REP",
        16 => "TGT-REQ",
        17 => "TGT-REP",
        20 => "KRB-SAFE",
        21 => "KRB-PRIV",
        22 => "KRB-CRED",
        _ => return,
    };
    walk.columns.set_info(format_args!("{text}"));
}

const fn kerberos_error(code: u32) -> Option<&'static str> {
    Some(match code {
        1 => "KRB5KDC_ERR_NAME_EXP",
        2 => "KRB5KDC_ERR_SERVICE_EXP",
        3 => "KRB5KDC_ERR_BAD_PVNO",
        6 => "KRB5KDC_ERR_C_PRINCIPAL_UNKNOWN",
        7 => "KRB5KDC_ERR_S_PRINCIPAL_UNKNOWN",
        9 => "KRB5KDC_ERR_NULL_KEY",
        12 => "KRB5KDC_ERR_POLICY",
        13 => "KRB5KDC_ERR_BADOPTION",
        14 => "KRB5KDC_ERR_ETYPE_NOSUPP",
        15 => "KRB5KDC_ERR_SUMTYPE_NOSUPP",
        16 => "KRB5KDC_ERR_PADATA_TYPE_NOSUPP",
        18 => "KRB5KDC_ERR_CLIENT_REVOKED",
        20 => "KRB5KDC_ERR_TGT_REVOKED",
        23 => "KRB5KDC_ERR_KEY_EXP",
        24 => "KRB5KDC_ERR_PREAUTH_FAILED",
        25 => "KRB5KDC_ERR_PREAUTH_REQUIRED",
        26 => "KRB5KDC_ERR_SERVER_NOMATCH",
        27 => "KRB5KDC_ERR_MUST_USE_USER2USER",
        29 => "KRB5KDC_ERR_SVC_UNAVAILABLE",
        31 => "KRB5KRB_AP_ERR_BAD_INTEGRITY",
        32 => "KRB5KRB_AP_ERR_TKT_EXPIRED",
        33 => "KRB5KRB_AP_ERR_TKT_NYV",
        34 => "KRB5KRB_AP_ERR_REPEAT",
        35 => "KRB5KRB_AP_ERR_NOT_US",
        36 => "KRB5KRB_AP_ERR_BADMATCH",
        37 => "KRB5KRB_AP_ERR_SKEW",
        41 => "KRB5KRB_AP_ERR_MODIFIED",
        52 => "KRB5KRB_ERR_RESPONSE_TOO_BIG",
        60 => "KRB5KRB_ERR_GENERIC",
        68 => "KDC_ERR_WRONG_REALM",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    // X.690 sections 8.1.3 and 8.19.5.
    #[test]
    fn lengths_and_identifiers_are_read() {
        assert_eq!(header(&[0x30, 3, 1, 2, 3]), Some((0x30, 2, 3)));
        assert_eq!(header(&[0x30, 0x82, 1, 0]), Some((0x30, 4, 256)));
        assert_eq!(header(&[0x30, 0x80]), None);
        assert_eq!(object(&[0x2b, 6, 1, 2, 1]), "1.3.6.1.2.1");
        assert_eq!(object(&[0x88, 0x37, 3]), "2.999.3");
    }

    #[test]
    fn elements_follow_each_other() {
        let bytes = [2, 1, 5, 4, 2, b'a', b'b'];
        assert_eq!(tagged(&bytes, 4), Some(&b"ab"[..]));
        assert_eq!(tagged(&bytes, 6), None);
        assert_eq!(integer(&[1, 0]), 256);
    }
}
