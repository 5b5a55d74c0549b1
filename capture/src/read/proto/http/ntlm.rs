//! What NTLM says of itself in a header field (`dissect_http_ntlmssp` in Wireshark's `packet-http.c`).

use crate::read::proto::brief::ntlmssp;
use crate::read::proto::text::base64_digit;
use crate::read::walk::Walk;

/// Header fields that can carry it, in lower case.
pub(super) const HEADERS: [&[u8]; 4] = [
    b"authorization",
    b"www-authenticate",
    b"proxy-authorization",
    b"proxy-authenticate",
];

/// Longer ones are not looked into.
const MOST: usize = 1 << 16;
/// Adds the message in this value of a header field to the list, if there is one.
pub(super) fn show(walk: &mut Walk<'_, '_>, value: &[u8]) {
    let token = value
        .strip_prefix(b"NTLM ")
        .or_else(|| value.strip_prefix(b"Negotiate "));
    let Some(bytes) = token.filter(|token| token.len() <= MOST).map(decode) else {
        return;
    };
    ntlmssp::tell(walk, &bytes);
}

/// Bytes of what stands in base 64 (RFC 4648 section 4), up to where it is none.
fn decode(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut count) = (0_u32, 0);
    for &byte in text {
        let Some(digit) = base64_digit(byte) else {
            break;
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
