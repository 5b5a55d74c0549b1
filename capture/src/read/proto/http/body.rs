//! Bodies as they were before they were sent: put together from their chunks (RFC 9112 section 7.1), and
//! decompressed. Only where the tree is shown.

use std::io::Read as _;
use std::sync::Arc;

use super::{CHUNK_BOUNDARY, CHUNK_DATA, CHUNK_SIZE, FILE_DATA, Framing, THIS, TRAILER, line};
use crate::read::proto::text::Escaped;
use crate::read::region::Region;
use crate::read::tree::Value;
use crate::read::walk::Walk;

/// A body is decompressed as far as this.
const MOST: u64 = 16 << 20;

/// A body as the dissector of its type gets it.
pub(super) struct Plain {
    bytes: Arc<Vec<u8>>,
    source: u8,
}

impl Plain {
    pub(super) fn region(&self) -> Region<'_> {
        Region::new(self.source, &self.bytes, self.bytes.len() as u32)
    }
}

/// Shows how a body was sent; gives what it was before, if that is something else.
pub(super) fn show(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    body: &Region<'_>,
    framing: &Framing,
) -> Option<Plain> {
    if !walk.tree.labels() && !walk.tree.wants_any_of(THIS.protocol) {
        return None;
    }
    let mut plain = None;
    if framing.is_chunked {
        let bytes = Arc::new(chunks(walk, body));
        plain = Some(Plain {
            source: walk
                .tree
                .add_source("De-chunked entity body", Arc::clone(&bytes)),
            bytes,
        });
    }
    let encoding = framing
        .encoding
        .and_then(|(at, len)| region.captured().get(at..at + len));
    if let Some(encoding) = encoding.filter(|name| !name.eq_ignore_ascii_case(b"identity")) {
        let here = plain.as_ref().map_or(*body, Plain::region);
        let sent = here.captured();
        let (place, shown, len) = (here.place(0, sent.len()), Escaped(encoding), sent.len());
        let Some(whole) = decompress(encoding, sent) else {
            let label = format_args!("Content-encoded entity body ({shown}): {len} bytes");
            walk.tree.heading(place, label);
            return plain;
        };
        let label = format_args!(
            "Content-encoded entity body ({shown}): {len} bytes -> {} bytes",
            whole.len()
        );
        walk.tree.heading(place, label);
        let bytes = Arc::new(whole);
        plain = Some(Plain {
            source: walk
                .tree
                .add_source("Uncompressed entity body", Arc::clone(&bytes)),
            bytes,
        });
    }
    file_data(walk, &plain.as_ref().map_or(*body, Plain::region));
    plain
}

/// Shows a body, or a piece of one.
pub(super) fn file_data(walk: &mut Walk<'_, '_>, body: &Region<'_>) {
    let len = body.captured().len();
    if walk.tree.wants(FILE_DATA) && len > 0 {
        let text = Escaped(body.captured());
        let place = body.place(0, len);
        let added = walk
            .tree
            .add_formatted(FILE_DATA, place, format_args!("{text}"));
        let s = if len == 1 { "" } else { "s" };
        walk.tree
            .label(added, format_args!("File Data: {len} byte{s}"));
    }
}

/// What was compressed by `gzip` or `deflate`.
fn decompress(encoding: &[u8], sent: &[u8]) -> Option<Vec<u8>> {
    let mut whole = Vec::new();
    let limit = MOST;
    let read = if is_one_of(encoding, [&b"gzip"[..], b"x-gzip"]) {
        let decoder = flate2::read::MultiGzDecoder::new(sent);
        decoder.take(limit).read_to_end(&mut whole)
    } else if is_one_of(encoding, [&b"deflate"[..], b"x-deflate"]) {
        let decoder = flate2::read::ZlibDecoder::new(sent);
        let read = decoder.take(limit).read_to_end(&mut whole);
        if read.is_err() && whole.is_empty() {
            // Many send it without its header.
            let decoder = flate2::read::DeflateDecoder::new(sent);
            decoder.take(limit).read_to_end(&mut whole)
        } else {
            read
        }
    } else {
        return None;
    };
    // What is cut off gives as much as there is.
    (read.is_ok() || !whole.is_empty()).then_some(whole)
}

/// Whether a coding is called so, in upper or lower case.
fn is_one_of<const N: usize>(coding: &[u8], names: [&[u8]; N]) -> bool {
    names.iter().any(|name| coding.eq_ignore_ascii_case(name))
}

/// The chunks; gives what is in them.
fn chunks(walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Vec<u8> {
    let bytes = body.captured();
    let tree = &mut *walk.tree;
    let mut whole = Vec::new();
    tree.heading(
        body.place(0, bytes.len()),
        format_args!("HTTP chunked response"),
    );
    tree.open();
    let mut at = 0;
    while let Some((text, next)) = line(bytes, at) {
        let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let digits = text.get(..digits.count()).unwrap_or(&[]);
        let size = std::str::from_utf8(digits).ok();
        let Some(size) = size.and_then(|size| usize::from_str_radix(size, 16).ok()) else {
            break;
        };
        let data = bytes.get(next..).unwrap_or(&[]);
        let size = size.min(data.len());
        let end = next + size;
        let place = body.place(at, end + 2 - at);
        if size == 0 {
            tree.heading(place, format_args!("End of chunked encoding"));
        } else {
            tree.heading(place, format_args!("Data chunk ({size} octets)"));
        }
        tree.open();
        let added = tree.add(
            CHUNK_SIZE,
            body.place(at, next - at),
            Value::Uint(size as u64),
        );
        tree.label(added, format_args!("Chunk size: {size} octets"));
        if size > 0 {
            tree.add(CHUNK_DATA, body.place(next, size), Value::Bytes);
            tree.add(CHUNK_BOUNDARY, body.place(end, 2), Value::Bytes);
        }
        tree.close();
        whole.extend_from_slice(&data[..size]);
        if size == 0 {
            at = next;
            break;
        }
        let Some((_, following)) = line(bytes, end) else {
            at = bytes.len();
            break;
        };
        at = following;
    }
    // Trailers, and the line that ends them.
    while let Some((text, next)) = line(bytes, at) {
        let whole = Escaped(bytes.get(at..next).unwrap_or(&[]));
        if text.is_empty() {
            tree.heading(body.place(at, next - at), format_args!("{whole}"));
            break;
        }
        tree.add_formatted(TRAILER, body.place(at, next - at), format_args!("{whole}"));
        at = next;
    }
    tree.close();
    whole
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn what_was_compressed_comes_back() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(b"hello").unwrap();
        let sent = gzip.finish().unwrap();
        assert_eq!(decompress(b"gzip", &sent).as_deref(), Some(&b"hello"[..]));
        let mut plain = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::fast());
        plain.write_all(b"hello").unwrap();
        let sent = plain.finish().unwrap();
        assert_eq!(
            decompress(b"deflate", &sent).as_deref(),
            Some(&b"hello"[..])
        );
        assert_eq!(decompress(b"br", &sent), None);
        assert_eq!(decompress(b"gzip", b"none"), None);
    }
}
