//! What NTLM says of itself in a header field (`dissect_http_ntlmssp` in Wireshark's `packet-http.c`,
//! MS-NLMP section 2.2): the kind of its message, and who asks.

use super::super::brief::names::ntlmssp;
use super::super::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Header fields that can carry it, in lower case.
pub(super) const HEADERS: [&[u8]; 4] = [
    b"authorization",
    b"www-authenticate",
    b"proxy-authorization",
    b"proxy-authenticate",
];

/// What every message begins with.
const SIGNATURE: &[u8] = b"NTLMSSP\0";
/// Longer ones are not looked into.
const MOST: usize = 1 << 16;
const NEGOTIATE: u32 = 1;
const CHALLENGE: u32 = 2;
const AUTHENTICATE: u32 = 3;
/// Bit of the flags: text is UTF-16.
const UNICODE: u32 = 1;

/// Adds the message in this value of a header field to the list, if there is one.
pub(super) fn show(walk: &mut Walk<'_, '_>, value: &[u8]) {
    let token = value
        .strip_prefix(b"NTLM ")
        .or_else(|| value.strip_prefix(b"Negotiate "));
    let Some(bytes) = token.filter(|token| token.len() <= MOST).map(decode) else {
        return;
    };
    let found = bytes
        .windows(SIGNATURE.len())
        .position(|at| at == SIGNATURE);
    let Some(message) = found.and_then(|at| bytes.get(at..)) else {
        return;
    };
    walk.protocols.push(ntlmssp::THIS.protocol);
    let message = Region::new(0, message, message.len() as u32);
    let Ok(kind) = little(&message, 8) else {
        return;
    };
    let name = match kind {
        NEGOTIATE => "NTLMSSP_NEGOTIATE",
        CHALLENGE => "NTLMSSP_CHALLENGE",
        AUTHENTICATE => "NTLMSSP_AUTH",
        _ => return,
    };
    walk.columns.append_text_after(", ", name);
    if kind == AUTHENTICATE
        && let Ok((domain, user)) = who(&message)
    {
        let (domain, user) = (Escaped(domain.as_bytes()), Escaped(user.as_bytes()));
        walk.columns
            .append_info_after(", ", format_args!("User: {domain}\\{user}"));
    }
}

/// Domain and name of who asks.
fn who(message: &Region<'_>) -> Result<(String, String), Stop> {
    let flags = little(message, 60).unwrap_or(UNICODE);
    let text = |at: usize| {
        let [low, high] = message.array(at)?;
        let len = usize::from(u16::from_le_bytes([low, high]));
        let bytes = message.slice(little(message, at + 4)? as usize, len)?;
        Ok(if flags & UNICODE == 0 {
            String::from_utf8_lossy(bytes).into_owned()
        } else {
            let pairs = bytes.chunks_exact(2);
            let units: Vec<_> = pairs
                .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
                .collect();
            String::from_utf16_lossy(&units)
        })
    };
    Ok((text(28)?, text(36)?))
}

fn little(message: &Region<'_>, at: usize) -> Result<u32, Stop> {
    message.array(at).map(u32::from_le_bytes)
}

/// Bytes of what stands in base 64 (RFC 4648 section 4), up to where it is none.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0);
    for &byte in text {
        let digit = match byte {
            b'A'..=b'Z' => byte - b'A',
            b'a'..=b'z' => byte - b'a' + 26,
            b'0'..=b'9' => byte - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count) as u8);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4648 section 10.
    #[test]
    fn base_64_is_decoded_as_the_rfc_has_it() {
        for (text, bytes) in [
            ("", ""),
            ("Zg==", "f"),
            ("Zm8=", "fo"),
            ("Zm9v", "foo"),
            ("Zm9vYg==", "foob"),
            ("Zm9vYmE=", "fooba"),
            ("Zm9vYmFy", "foobar"),
        ] {
            assert_eq!(decode(text.as_bytes()), bytes.as_bytes(), "{text}");
        }
    }
}
