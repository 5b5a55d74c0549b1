//! Where a message ends: what is still to be waited for, and what its header says of its body.
//!
//! Wireshark asks twice, and by other rules: `req_resp_hdrs.c` looks at a few header fields to tell what
//! is missing, `packet-http.c` reads the header once all is there. Where they differ, as they do for
//! encodings and lengths that are not well formed, so does what the list shows.

use memchr::memchr2;

use super::super::tcp::applications::Need;
use super::{Line, contains, kind_of, ntlm};
use crate::read::region::Stop;

/// What a header says of the body.
#[derive(Debug, Default)]
pub(super) struct Framing {
    /// Where the body begins.
    pub(super) body: usize,
    pub(super) length: Option<u64>,
    pub(super) coding: Coding,
    pub(super) is_chunked: bool,
    pub(super) content_type: Option<(usize, usize)>,
    /// How the body is compressed.
    pub(super) encoding: Option<(usize, usize)>,
    /// The name of the server.
    pub(super) host: Option<(usize, usize)>,
    /// How it proves who it is, or is to.
    pub(super) authentication: Option<(usize, usize)>,
    /// What the connection is to be used for from now on.
    pub(super) upgrade: Upgrade,
}

/// How a body is encoded on its way (RFC 9112 section 7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Coding {
    /// Nothing is said of it.
    #[default]
    None,
    /// As it is, in chunks, or by a name that nobody knows.
    Plain,
    Compressed,
}

/// What a connection turns into (RFC 9110 section 7.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Upgrade {
    #[default]
    None,
    /// HTTP/2.
    Http2,
    /// Something that is not dissected.
    Unknown,
    WebSocket,
}

/// Whether a message may have a body that can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// It has none, or what there is of it is all that there will be.
    NotAwaited,
    /// It has one if it says so.
    IfSaid,
    /// It has one, and it ends with the connection if nothing else is said.
    UntilFin,
}

/// A line at `at` that is whole: without its end (CR, LF or both), and where the next one begins.
pub(super) fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    // Of a body whose beginning nobody has seen, all is looked through for the end of a line.
    let end = memchr2(b'\r', b'\n', rest)?;
    let next = match (rest[end], rest.get(end + 1)) {
        (b'\n', _) => end + 1,
        (_, Some(b'\n')) => end + 2,
        (_, Some(_)) => end + 1,
        // Whether a line feed follows is not known yet.
        (_, None) => return None,
    };
    Some((&rest[..end], at + next))
}

/// A line at `at`, which may be the last one and without an end.
pub(super) fn last_line(bytes: &[u8], at: usize) -> (&[u8], usize) {
    line(bytes, at).unwrap_or_else(|| {
        let rest = bytes.get(at..).unwrap_or(&[]);
        (rest.strip_suffix(b"\r").unwrap_or(rest), bytes.len())
    })
}

/// A header this long is not waited for: each segment of it would have all before it read once more.
/// Servers refuse from 8 KiB on.
const LONGEST_HEADER: usize = 256 << 10;

/// What is missing of the message that begins `bytes`, whose first line ends at `first`.
pub(super) fn missing(bytes: &[u8], first: usize, body: Body) -> Option<Need> {
    let mut length: Option<i32> = None;
    let mut is_chunked = false;
    let mut is_rpc = bytes.starts_with(b"RPC_IN_DATA") || bytes.starts_with(b"RPC_OUT_DATA");
    let mut at = first;
    loop {
        let Some((text, next)) = line(bytes, at) else {
            return (at < LONGEST_HEADER).then_some(Need::Segment);
        };
        at = next;
        if text.is_empty() {
            break;
        }
        if let Some(value) = after(text, b"content-length:") {
            let value = str::from_utf8(value.trim_ascii()).ok();
            let value = value.and_then(|digits| digits.parse::<i32>().ok());
            length = value.filter(|value| *value >= 0).or(length);
        } else if let Some(value) = after(text, b"content-type:") {
            is_rpc |= value.trim_ascii_start().starts_with(b"application/rpc");
        } else if let Some(value) = after(text, b"transfer-encoding:") {
            is_chunked |= after(value.trim_ascii_start(), b"chunked").is_some();
        }
    }
    if body == Body::NotAwaited {
        None
    } else if is_chunked {
        missing_chunks(bytes, at)
    } else if let Some(length) = length {
        const MEANINGLESS_FROM: i32 = 128 << 10;
        let here = bytes.len() - at;
        let lacks = u64::from(length.cast_unsigned()).saturating_sub(here as u64);
        (lacks > 0 && !(is_rpc && length >= MEANINGLESS_FROM)).then_some(Need::Bytes(lacks as u32))
    } else {
        (body == Body::UntilFin).then_some(Need::UntilFin)
    }
}

/// What follows this name, in whatever case.
fn after<'a>(text: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (start, rest) = text.split_at_checked(name.len())?;
    start.eq_ignore_ascii_case(name).then_some(rest)
}

/// What is missing of chunks (RFC 9112 section 7.1).
fn missing_chunks(bytes: &[u8], start: usize) -> Option<Need> {
    const MOST: u32 = 1 << 31;
    /// Chunks that are hopped over in no time.
    const FEW: u32 = 4096;
    let mut count = 0;
    let mut at = start;
    loop {
        count += 1;
        let more = if count < FEW {
            Need::Chunk
        } else {
            Need::Segment
        };
        let Some((text, next)) = line(bytes, at).filter(|_| at < bytes.len()) else {
            return Some(more);
        };
        // Not a chunk: the rest is taken as it is.
        let size = size_of_chunk(text).filter(|size| *size <= MOST)?;
        if size == 0 {
            return line(bytes, next).is_none().then_some(more);
        }
        if bytes.len() - at <= size as usize {
            return Some(more);
        }
        at = next + size as usize + 2;
    }
}

/// The size of a chunk as its line says; `None` if it is no number.
pub(super) fn size_of_chunk(text: &[u8]) -> Option<u32> {
    let end = text.iter().position(|byte| *byte == b';');
    let text = text.get(..end.unwrap_or(text.len())).unwrap_or(text);
    let text = text.trim_ascii_start();
    let text = match text {
        [b'0', b'x' | b'X', rest @ ..] if rest.first().is_some_and(u8::is_ascii_hexdigit) => rest,
        _ => text,
    };
    let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let digits = str::from_utf8(text.get(..digits.count())?).ok()?;
    if digits.is_empty() {
        return None;
    }
    Some(u64::from_str_radix(digits, 16).unwrap_or(u64::MAX) as u32)
}

/// How many bytes chunks take; 0 if there are none.
///
/// # Errors
///
/// [`Stop::Malformed`] if one is said to be longer than what there is.
pub(super) fn chunks(bytes: &[u8]) -> Result<usize, Stop> {
    let mut at = 0;
    let mut left = bytes.len();
    while left > 0 {
        let Some((text, next)) = line(bytes, at).filter(|(text, _)| !text.is_empty()) else {
            break;
        };
        let size = size_of_chunk(text).unwrap_or(0) as usize;
        let size = size.min(left);
        at = next + size;
        // The end of a line belongs to it, even of the last one.
        if at + 2 > bytes.len() {
            return Err(Stop::Malformed);
        }
        if size > 0 {
            at += 2;
            left = bytes.len().saturating_sub(at);
            continue;
        }
        left = bytes.len() - at;
        // Trailers, up to an empty line.
        let mut trailer = at;
        loop {
            match line(bytes, trailer) {
                Some(([], next)) => {
                    left = bytes.len() - next;
                    break;
                }
                Some((_, next)) => trailer = next,
                None => {
                    left -= trailer - at;
                    break;
                }
            }
        }
        break;
    }
    Ok(bytes.len() - left)
}

/// Reads the header fields that say what the body is, from behind the first line on.
///
/// # Errors
///
/// [`Stop::Malformed`] if the bytes end within a line that may be a header field or not.
pub(super) fn read(bytes: &[u8], first: usize) -> Result<Framing, Stop> {
    let mut found = Framing {
        body: first.min(bytes.len()),
        ..Framing::default()
    };
    while found.body < bytes.len() {
        let at = found.body;
        let (text, next) = last_line(bytes, at);
        if text.is_empty() {
            found.body = next;
            break;
        }
        match text.iter().position(|byte| *byte == b':') {
            Some(colon) => field(&mut found, text, at, colon),
            None if kind_of(text).is_some() => {}
            // No header field: it may go on, or it is a body already.
            None if at > 0 && at + text.len() >= bytes.len() => return Err(Stop::Malformed),
            None => break,
        }
        found.body = next;
    }
    Ok(found)
}

/// A header field, whose colon is at `colon`.
fn field(found: &mut Framing, text: &[u8], at: usize, colon: usize) {
    let (name, value) = (&text[..colon], text[colon + 1..].trim_ascii());
    if name.eq_ignore_ascii_case(b"content-length") {
        let digits = value.iter().take_while(|byte| byte.is_ascii_digit());
        let (digits, rest) = value.split_at(digits.count());
        let is_valid = rest.first().is_none_or(u8::is_ascii_whitespace);
        let parsed = str::from_utf8(digits).ok().filter(|_| is_valid);
        let parsed = parsed.and_then(|digits| digits.parse::<i64>().ok());
        found.length = parsed.map(i64::cast_unsigned);
    } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
        coding(found, value);
    } else if name.eq_ignore_ascii_case(b"content-type") {
        found.content_type = Some(place(text, at, colon, value));
    } else if name.eq_ignore_ascii_case(b"content-encoding") {
        found.encoding = Some(place(text, at, colon, value));
    } else if name.eq_ignore_ascii_case(b"host") {
        found.host = Some(place(text, at, colon, value));
    } else if name.eq_ignore_ascii_case(b"upgrade") {
        found.upgrade = match value {
            _ if value.eq_ignore_ascii_case(b"websocket") => Upgrade::WebSocket,
            _ if value.eq_ignore_ascii_case(b"h2c") => Upgrade::Http2,
            _ => Upgrade::Unknown,
        };
    } else if ntlm::HEADERS.iter().any(|of| name.eq_ignore_ascii_case(of)) {
        found.authentication = Some(place(text, at, colon, value));
    }
}

/// What a `Transfer-Encoding` says, of which the last one counts except for chunks.
fn coding(found: &mut Framing, value: &[u8]) {
    const COMPRESSED: [&[u8]; 5] = [b"compress", b"deflate", b"gzip", b"x-compress", b"x-gzip"];
    found.coding = Coding::Plain;
    for name in value.split(|byte| *byte == b',') {
        let name = name.trim_ascii();
        if name.starts_with(b"chunked") {
            found.is_chunked = true;
        } else if COMPRESSED.iter().any(|known| name.starts_with(known)) {
            found.coding = Coding::Compressed;
        }
    }
}

/// Where the value of a header field lies whose line begins at `at`.
fn place(text: &[u8], at: usize, colon: usize, value: &[u8]) -> (usize, usize) {
    let rest = text.get(colon + 1..).unwrap_or(&[]);
    let skipped = rest.len() - rest.trim_ascii_start().len();
    (at + colon + 1 + skipped, value.len())
}

/// Whether a body in this encoding can be decompressed as Wireshark does, as far as its beginning shows.
pub(super) fn is_readable(encoding: &[u8], sent: &[u8]) -> bool {
    if encoding.eq_ignore_ascii_case(b"identity") || encoding.eq_ignore_ascii_case(b"br") {
        return true;
    }
    if !contains(encoding, b"gzip") && !contains(encoding, b"deflate") {
        return false;
    }
    let is_gzip = sent.starts_with(&[0x1f, 0x8b]);
    let sent = if is_gzip {
        match behind_gzip_header(sent) {
            Some(sent) => sent,
            None => return true,
        }
    } else {
        sent
    };
    let mut plain = [0; 1 << 10];
    let mut inflates = |has_header| {
        let mut inflate = flate2::Decompress::new(has_header);
        let read = inflate.decompress(sent, &mut plain, flate2::FlushDecompress::Sync);
        read.is_ok()
    };
    !is_gzip && inflates(true) || inflates(false)
}

/// What follows the header of a member (RFC 1952 section 2.3).
fn behind_gzip_header(sent: &[u8]) -> Option<&[u8]> {
    const FIXED_LEN: usize = 10;
    let flags = *sent.get(3)?;
    let mut rest = sent.get(FIXED_LEN..)?;
    if flags & 4 != 0 {
        let len = usize::from(u16::from_le_bytes(*rest.first_chunk()?));
        rest = rest.get(2 + len..)?;
    }
    for flag in [8, 16] {
        if flags & flag != 0 {
            let end = rest.iter().position(|byte| *byte == 0)?;
            rest = &rest[end + 1..];
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

/// Whether all that follows the header is its body if nothing is said of a length.
pub(super) const fn takes_the_rest(kind: Line, code: Option<u16>) -> bool {
    match kind {
        Line::Notification => true,
        Line::Request => false,
        Line::Response => !matches!(code, Some(100..=199 | 204 | 304)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_carriage_return_alone_ends_a_line_once_more_is_there() {
        assert_eq!(line(b"a\rb\r\n", 0), Some((&b"a"[..], 2)));
        assert_eq!(line(b"a\rb\r\n", 2), Some((&b"b"[..], 5)));
        assert_eq!(line(b"a\r", 0), None);
        assert_eq!(last_line(b"a\r", 0), (&b"a"[..], 2));
    }

    #[test]
    fn what_is_missing_is_told_by_the_header() {
        let until = |text: &str| missing(text.as_bytes(), 0, Body::UntilFin);
        assert_eq!(until("A: b\r\n"), Some(Need::Segment));
        assert_eq!(until("A: b\r\n\r\n"), Some(Need::UntilFin));
        assert_eq!(until("Content-Length: 5\r\n\r\nab"), Some(Need::Bytes(3)));
        assert_eq!(until("Content-Length: 5 6\r\n\r\n"), Some(Need::UntilFin));
        let chunked = "Transfer-Encoding: chunked\r\n\r\n";
        assert_eq!(until(chunked), Some(Need::Chunk));
        assert_eq!(until(&format!("{chunked}2\r\nab\r\n0\r\n\r\n")), None);
        assert_eq!(
            until("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"),
            Some(Need::UntilFin)
        );
        assert_eq!(missing(b"\r\n", 0, Body::IfSaid), None);
    }

    #[test]
    fn chunks_are_counted_with_their_trailers() {
        assert_eq!(chunks(b"2\r\nab\r\n0\r\nA: b\r\n\r\nmore").unwrap(), 19 - 1);
        assert_eq!(chunks(b"2\r\nab\r\n").unwrap(), 7);
        assert_eq!(chunks(b"").unwrap(), 0);
        assert!(chunks(b"9\r\nab\r\n").is_err() && chunks(b"0\r\n").is_err());
    }

    #[test]
    fn only_what_inflates_is_readable() {
        use std::io::Write as _;
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"hello").unwrap();
        let sent = gzip.finish().unwrap();
        assert!(is_readable(b"gzip", &sent) && is_readable(b"deflate", &sent));
        assert!(!is_readable(b"zstd", &sent) && !is_readable(b"gzip", b"<html>"));
    }
}
