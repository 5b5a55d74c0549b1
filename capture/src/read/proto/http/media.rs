//! Bodies of messages: what the list says of their type, and text line by line.

use std::fmt::Arguments;

use super::super::brief::{ipp, names};
use super::super::imf;
use super::super::text::{Escaped, up_to_zero};
use super::contains;
use super::framing::last_line;
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

/// Bodies within bodies are looked at as deep as this.
const MOST_NESTED: usize = 32;

/// Types that are JSON.
const JSON: [&[u8]; 5] = [
    b"application/json",
    b"application/json-rpc",
    b"application/jsonrequest",
    b"application/dds-web+json",
    b"application/senml+json",
];

/// Whether a text begins as XML does, and is long enough for it.
fn begins_as_xml(bytes: &[u8]) -> bool {
    const DECLARATION: &[u8] = b"<?xml";
    const LEAST: usize = 38;
    let start = bytes.get(..DECLARATION.len());
    bytes.len() > LEAST && start.is_some_and(|start| start.eq_ignore_ascii_case(DECLARATION))
}

/// What carries a body.
#[derive(Clone, Copy, Debug)]
struct Around {
    /// How many others the body is in.
    depth: usize,
    is_discovery: bool,
    /// What is said of types that are not dissected.
    unknown: Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unknown {
    Named,
    Passed,
}

/// What the list says of a body.
pub(super) fn show(
    walk: &mut Walk<'_, '_>,
    name: &'static str,
    content_type: Option<&[u8]>,
    body: &Region<'_>,
) {
    let around = Around {
        depth: 0,
        is_discovery: name != "HTTP",
        unknown: Unknown::Named,
    };
    if let Some(content_type) = content_type {
        typed(walk, around, content_type, body);
    }
}

/// What the list says of the body of a mail that is in so many others.
pub(in crate::read::proto) fn of_mail(
    walk: &mut Walk<'_, '_>,
    content_type: &[u8],
    body: &Region<'_>,
    depth: usize,
) {
    let around = Around {
        depth,
        is_discovery: false,
        unknown: Unknown::Passed,
    };
    typed(walk, around, content_type, body);
}

#[expect(clippy::too_many_lines, reason = "one type after the other")]
fn typed(walk: &mut Walk<'_, '_>, around: Around, content_type: &[u8], body: &Region<'_>) {
    if around.depth >= MOST_NESTED {
        return;
    }
    let name = if around.is_discovery { "SSDP" } else { "HTTP" };
    let content_type = up_to_zero(content_type);
    let end = content_type
        .iter()
        .position(|byte| matches!(byte, b';' | b' ' | b'\t'))
        .unwrap_or(content_type.len());
    let kind = content_type[..end].to_ascii_lowercase();
    let bytes = body.captured();
    if kind.starts_with(b"multipart/") {
        parts(walk, around, content_type, body);
        return;
    }
    // These are taken for what they are, and nothing is said of that.
    if matches!(
        &kind[..],
        b"application/octet-stream"
            | b"application/cbor"
            | b"application/cose"
            | b"application/cose-key"
            | b"application/cose-key-set"
            | b"application/grpc"
            | b"application/ms-tnef"
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
        walk.columns.append_protocol("/SDP");
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
    let is_xml = is_xml || is_text && begins_as_xml(bytes);
    let is_text = is_text && !is_xml;
    if is_text && bytes.len() == body.reported() {
        text(walk, &kind, body);
    }
    if is_xml && name == "HTTP" {
        let title = names::xml::PROTOCOL.title;
        stands(walk, names::xml::THIS, body, format_args!("{title}"));
        walk.columns.append_protocol("/XML");
        return;
    }
    if JSON.contains(&&kind[..]) && name == "HTTP" {
        let kind = Escaped(&kind);
        let text = format_args!("JavaScript Object Notation: {kind}");
        stands(walk, names::json::THIS, body, text);
        walk.columns.append_protocol("/JSON");
        walk.columns
            .append_info(format_args!(", JavaScript Object Notation ({kind})"));
        return;
    }
    let image = match &kind[..] {
        b"image/jpeg" | b"image/jpg" if bytes.starts_with(&[0xff, 0xd8]) => {
            Some((names::jfif::THIS, "JPEG JFIF image"))
        }
        b"image/png" if bytes.starts_with(PNG) && bytes.len() > PNG.len() => {
            Some((names::png::THIS, "PNG"))
        }
        // What is not what it is said to be is told by its beginning.
        b"image/png" if bytes.starts_with(&[0xff, 0xd8]) => {
            Some((names::jfif::THIS, "JPEG JFIF image"))
        }
        b"image/png" | b"image/gif" if bytes.starts_with(b"GIF87a") => {
            Some((names::gif::THIS, "GIF87a"))
        }
        b"image/png" | b"image/gif" if bytes.starts_with(b"GIF89a") => {
            Some((names::gif::THIS, "GIF89a"))
        }
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
    if kind == b"message/rfc822" {
        imf::nested(walk, body, around.depth + 1);
        return;
    }
    let is_known = is_text || kind == b"application/x-www-form-urlencoded";
    if !is_known && around.unknown == Unknown::Passed {
        return;
    }
    // Mails write types as they like.
    let shown = match around.unknown {
        Unknown::Named => Escaped(&kind),
        Unknown::Passed => Escaped(&content_type[..end]),
    };
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
fn parts(walk: &mut Walk<'_, '_>, around: Around, content_type: &[u8], body: &Region<'_>) {
    let lower = content_type.to_ascii_lowercase();
    let Some(at) = lower.windows(9).position(|part| part == b"boundary=") else {
        return;
    };
    let value = content_type.get(at + 9..).unwrap_or(&[]);
    let end = |bytes: &[u8]| {
        let is_end = |byte: &u8| matches!(byte, b';') || byte.is_ascii_whitespace();
        bytes.iter().position(is_end).unwrap_or(bytes.len())
    };
    let value = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.split(|byte| *byte == b'"').next().unwrap_or(&[]),
        None => &value[..end(value)],
    };
    let text = format_args!(
        "MIME Multipart Media Encapsulation, Type: {}, Boundary: \"{}\"",
        Escaped(&lower[..end(&lower)]),
        Escaped(value)
    );
    stands(walk, names::multipart::THIS, body, text);
    walk.columns.fence();
    let delimiter = [b"--", value].concat();
    let Some((_, mut start, mut is_last)) = first_delimiter(body.captured(), &delimiter) else {
        return;
    };
    let around = Around {
        depth: around.depth + 1,
        unknown: Unknown::Named,
        ..around
    };
    for _ in 0..MOST_PARTS {
        if is_last {
            return;
        }
        let Some((end, next, last)) = next_delimiter(body.captured(), start, &delimiter) else {
            return;
        };
        part(walk, around, &body.part(start, end - start));
        (start, is_last) = (next, last);
    }
}

/// Where parts are told apart: where the last one ends, where the next one begins, and whether there is none.
type Delimited = (usize, usize, bool);

fn delimited(bytes: &[u8], at: usize, delimiter: &[u8]) -> Option<(usize, bool)> {
    let rest = bytes.get(at..)?.strip_prefix(delimiter)?;
    let (_, next) = last_line(bytes, at);
    (!rest.is_empty()).then_some((next, rest.starts_with(b"--")))
}

fn first_delimiter(bytes: &[u8], delimiter: &[u8]) -> Option<Delimited> {
    let mut at = 0;
    while at + delimiter.len() < bytes.len() {
        if let Some((next, is_last)) = delimited(bytes, at, delimiter) {
            return Some((at, next, is_last));
        }
        (_, at) = last_line(bytes, at);
    }
    None
}

/// The end of the line before a delimiter belongs to it, so that this is not looked for at `at` itself.
fn next_delimiter(bytes: &[u8], mut at: usize, delimiter: &[u8]) -> Option<Delimited> {
    while at + delimiter.len() < bytes.len() {
        let (text, next) = last_line(bytes, at);
        let end = at + text.len();
        if let Some((behind, is_last)) = delimited(bytes, next, delimiter) {
            return Some((end, behind, is_last));
        }
        at = next;
    }
    None
}

/// One of them, between two delimiters.
fn part(walk: &mut Walk<'_, '_>, around: Around, part: &Region<'_>) {
    let bytes = part.captured();
    let mut kind: Option<&[u8]> = None;
    let mut at = 0;
    while at < bytes.len() {
        let (end, is_last) = imf::field_end(bytes, at);
        let field = &bytes[at..end.unwrap_or(bytes.len())];
        if !field.contains(&b':') {
            break;
        }
        if field.len() > 13 && contains(&field[..13], b"content-type:") {
            kind = Some(field[13..].trim_ascii());
        }
        at += field.len();
        if is_last {
            at += 2;
            break;
        }
    }
    let body = part.rest(at);
    if let Some(kind) = kind.filter(|_| !body.captured().is_empty()) {
        typed(walk, around, kind, &body);
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
