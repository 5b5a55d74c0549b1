//! Bodies of messages: what the list says of their type, and text line by line.

use std::fmt::Arguments;

use super::super::brief::{ipp, names};
use super::super::text::Escaped;
use super::contains;
use crate::read::FieldId;
use crate::read::region::Region;
use crate::read::tree::{Place, Value};
use crate::read::walk::Walk;

/// How a PNG begins.
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Parts of a body that are looked at.
const MOST_PARTS: usize = 64;
/// Lines of a text that are shown.
const MOST_LINES: usize = 100_000;

/// What the list says of a body.
#[expect(clippy::too_many_lines, reason = "one type after the other")]
pub(super) fn show(
    walk: &mut Walk<'_, '_>,
    name: &'static str,
    content_type: Option<&[u8]>,
    body: &Region<'_>,
) {
    let Some(content_type) = content_type else {
        return;
    };
    let end = content_type
        .iter()
        .position(|byte| matches!(byte, b';' | b' ' | b'\t'))
        .unwrap_or(content_type.len());
    let kind = content_type[..end].to_ascii_lowercase();
    let bytes = body.captured();
    if kind.starts_with(b"multipart/") {
        parts(walk, name, content_type, body);
        return;
    }
    // These are taken for what they are, and nothing is said of that.
    if matches!(
        &kind[..],
        b"application/octet-stream" | b"application/cbor" | b"application/grpc"
    ) {
        return;
    }
    if name == "HTTP"
        && let Some((protocol, info)) = certified(&kind)
    {
        let title = protocol.protocol_info().title;
        stands(walk, protocol, body, format_args!("{title}"));
        walk.columns.set_protocol(protocol.protocol_info().short);
        walk.columns.set_info(format_args!("{info}"));
        return;
    }
    if kind == b"application/sdp" && name == "HTTP" {
        walk.columns.set_protocol("HTTP/SDP");
        return;
    }
    if kind == b"application/ipp" && name == "HTTP" {
        ipp::show(walk, body);
        return;
    }
    let is_xml = kind.ends_with(b"+xml")
        || matches!(
            &kind[..],
            b"text/xml" | b"application/xml" | b"text/vnd.wap.wml"
        );
    let is_text = kind.starts_with(b"text/")
        || matches!(
            &kind[..],
            b"application/javascript"
                | b"application/x-javascript"
                | b"application/x-ns-proxy-autoconfig"
        );
    let is_text = is_text && !is_xml;
    if is_text && bytes.len() == body.reported() {
        text(walk, &kind, body);
    }
    if is_xml && name == "HTTP" {
        let title = names::xml::PROTOCOL.title;
        stands(walk, names::xml::THIS, body, format_args!("{title}"));
        walk.columns.set_protocol("HTTP/XML");
        return;
    }
    if kind == b"application/json" && name == "HTTP" {
        let text = format_args!("JavaScript Object Notation: application/json");
        stands(walk, names::json::THIS, body, text);
        walk.columns.set_protocol("HTTP/JSON");
        walk.columns.append_info(format_args!(
            ", JavaScript Object Notation (application/json)"
        ));
        return;
    }
    let image = match &kind[..] {
        b"image/jpeg" | b"image/jpg" if bytes.starts_with(&[0xff, 0xd8]) => {
            Some((names::jfif::THIS, "JPEG JFIF image"))
        }
        b"image/png" if bytes.starts_with(PNG) && bytes.len() > PNG.len() => {
            Some((names::png::THIS, "PNG"))
        }
        b"image/gif" if bytes.starts_with(b"GIF87a") => Some((names::gif::THIS, "GIF87a")),
        b"image/gif" if bytes.starts_with(b"GIF89a") => Some((names::gif::THIS, "GIF89a")),
        _ => None,
    };
    if let Some((protocol, image)) = image {
        let title = protocol.protocol_info().title;
        let version = if protocol == names::gif::THIS {
            image
        } else {
            ""
        };
        let between = if version.is_empty() {
            ""
        } else {
            ", Version: "
        };
        let text = format_args!("{title}{between}{version}");
        stands(walk, protocol, body, text);
        walk.columns.append_info(format_args!(" ({image})"));
        return;
    }
    let shown = Escaped(&kind);
    walk.columns.append_info(format_args!(" ({shown})"));
    if kind == b"application/x-www-form-urlencoded" {
        let title = names::form::PROTOCOL.title;
        stands(
            walk,
            names::form::THIS,
            body,
            format_args!("{title}: {shown}"),
        );
    } else if !is_text {
        let depth = walk.tree.depth();
        stands(walk, names::media::THIS, body, format_args!("Media Type"));
        walk.tree.set_depth(walk.base + 1);
        let (len, place) = (bytes.len(), body.place(0, bytes.len()));
        let s = if len == 1 { "" } else { "s" };
        walk.tree
            .heading(place, format_args!("Media type: {shown} ({len} byte{s})"));
        walk.tree.set_depth(depth);
    }
}

/// What certificates are checked with, which the list tells instead of HTTP.
fn certified(kind: &[u8]) -> Option<(FieldId, &'static str)> {
    Some(match kind {
        b"application/ocsp-request" => (names::ocsp::THIS, "Request"),
        b"application/ocsp-response" => (names::ocsp::THIS, "Response"),
        b"application/pkix-crl" => (names::crl::THIS, "Certificate Revocation List"),
        b"application/timestamp-query" => (names::timestamps::THIS, "Query"),
        b"application/timestamp-reply" => (names::timestamps::THIS, "Reply"),
        _ => return None,
    })
}

/// A body is one of this protocol, which stands behind HTTP in the tree.
fn stands(walk: &mut Walk<'_, '_>, protocol: FieldId, body: &Region<'_>, text: Arguments<'_>) {
    walk.protocols.push(protocol.protocol);
    let depth = walk.tree.depth();
    walk.tree.set_depth(walk.base);
    let len = body.captured().len();
    let extent = Value::Protocol {
        own: len as u32,
        all: len as u32,
    };
    let added = walk.tree.add(protocol, body.place(0, len), extent);
    walk.tree.label(added, text);
    walk.tree.set_depth(depth);
}

/// The parts of a body that has several (RFC 2046 section 5.1).
fn parts(walk: &mut Walk<'_, '_>, name: &'static str, content_type: &[u8], body: &Region<'_>) {
    let lower = content_type.to_ascii_lowercase();
    let Some(at) = lower.windows(9).position(|part| part == b"boundary=") else {
        return;
    };
    let value = content_type.get(at + 9..).unwrap_or(&[]);
    let value = value.strip_prefix(b"\"").unwrap_or(value);
    let end = value
        .iter()
        .position(|byte| matches!(byte, b'"' | b';' | b' '))
        .unwrap_or(value.len());
    let mut delimiter = b"--".to_vec();
    delimiter.extend_from_slice(&value[..end]);
    let bytes = body.captured();
    let found = |from: usize| {
        let rest = bytes.get(from..)?;
        let mut places = rest.windows(delimiter.len());
        places
            .position(|part| part == delimiter)
            .map(|at| from + at)
    };
    let Some(mut start) = found(0) else {
        return;
    };
    let text = format_args!(
        "MIME Multipart Media Encapsulation, Type: {}, Boundary: \"{}\"",
        Escaped(
            &lower[..lower
                .iter()
                .position(|byte| *byte == b';')
                .unwrap_or(lower.len())]
        ),
        Escaped(&value[..end])
    );
    stands(walk, names::multipart::THIS, body, text);
    for _ in 0..MOST_PARTS {
        let after = start + delimiter.len();
        let Some(next) = found(after) else {
            return;
        };
        part(walk, name, &body.part(after, next - after));
        start = next;
    }
}

/// One of them, from behind its delimiter to the next.
fn part(walk: &mut Walk<'_, '_>, name: &'static str, part: &Region<'_>) {
    let bytes = part.captured();
    let Some((_, mut at)) = super::line(bytes, 0) else {
        return;
    };
    let mut kind: Option<&[u8]> = None;
    while let Some((text, next)) = super::line(bytes, at) {
        at = next;
        if text.is_empty() {
            break;
        }
        if text.len() > 13 && contains(&text[..13], b"content-type:") {
            kind = Some(text[13..].trim_ascii());
        }
    }
    let body = part.rest(at);
    if let Some(kind) = kind.filter(|_| !body.captured().is_empty()) {
        show(walk, name, Some(kind), &body);
    }
}

/// A text, line by line.
fn text(walk: &mut Walk<'_, '_>, kind: &[u8], body: &Region<'_>) {
    let bytes = body.captured();
    let lines = if walk.tree.labels() {
        bytes.split_inclusive(|byte| *byte == b'\n').count()
    } else {
        0
    };
    let protocol = names::text_lines::THIS;
    let kind = Escaped(kind);
    let title = format_args!("Line-based text data: {kind} ({lines} lines)");
    stands(walk, protocol, body, title);
    if !walk.tree.labels() {
        return;
    }
    let depth = walk.tree.depth();
    walk.tree.set_depth(walk.base + 1);
    let mut at = 0;
    for line in bytes
        .split_inclusive(|byte| *byte == b'\n')
        .take(MOST_LINES)
    {
        let place: Place = body.place(at, line.len());
        walk.tree.heading(place, format_args!("{}", Escaped(line)));
        at += line.len();
    }
    walk.tree.set_depth(depth);
}
