//! The tree of a message's header.

use super::super::expert::{Group, Severity};
use super::super::text::{Escaped, up_to_zero};
use super::body::{self, Plain};
use super::exchanges::Told;
use super::{
    CHAT, CODE, CODE_DESCRIPTION, CONTENT_LENGTH, CONTENT_LENGTH_HEADER, COOKIE, COOKIE_PAIR,
    FULL_URI, Framing, HEADERS, Head, Line, METHOD, NEXT_REQUEST_IN, NEXT_RESPONSE_IN,
    NOTIFICATION, PHRASE, PREV_REQUEST_IN, PREV_RESPONSE_IN, REQUEST, REQUEST_IN, REQUEST_LINE,
    REQUEST_NUMBER, REQUEST_VERSION, RESPONSE, RESPONSE_FOR, RESPONSE_IN, RESPONSE_LINE,
    RESPONSE_NUMBER, RESPONSE_VERSION, THIS, TIME, URI, URI_PARAMETER, URI_PATH, URI_QUERY,
    last_line,
};
use crate::read::FieldId;
use crate::read::region::Region;
use crate::read::tree::{Place, Value};
use crate::read::walk::Walk;

/// The tree of a header.
#[expect(clippy::too_many_lines, reason = "line after line of a header")]
pub(super) fn show(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    head: &Head<'_>,
    told: Option<&Told>,
    body: Option<(&Region<'_>, &Framing)>,
) -> Option<Plain> {
    let &Head {
        protocol,
        kind,
        parts,
        first_len,
        len: header_len,
    } = head;
    let bytes = region.captured();
    walk.begin(protocol, region, bytes.len());
    if !walk.tree.wants_any_of(THIS.protocol) {
        walk.end();
        return None;
    }
    let first = Escaped(&bytes[..first_len]);
    let heading = walk
        .tree
        .heading(region.place(0, first_len), format_args!("{first}"));
    walk.expert(
        heading,
        CHAT,
        (Severity::Chat, Group::Sequence),
        format_args!("{first}"),
    );
    let tree = &mut *walk.tree;
    tree.open();
    let mut text = |field: FieldId, at: usize, text: &[u8]| {
        tree.add_formatted(
            field,
            region.place(at, text.len()),
            format_args!("{}", Escaped(text)),
        );
    };
    let (second_at, third_at) = (parts[0].len() + 1, parts[0].len() + parts[1].len() + 2);
    if kind == Line::Response {
        text(RESPONSE_VERSION, 0, parts[0]);
        let code = std::str::from_utf8(parts[1]).ok();
        let code = code.and_then(|code| code.parse::<u16>().ok());
        tree.add(
            CODE,
            region.place(second_at, parts[1].len()),
            Value::Uint(code.unwrap_or(0).into()),
        );
        let description = code.and_then(description).unwrap_or("Unknown");
        let added = tree.add_text(CODE_DESCRIPTION, Place::default(), description);
        tree.set_generated(added);
        if !parts[2].is_empty() {
            let place = region.place(third_at, parts[2].len());
            tree.add_formatted(PHRASE, place, format_args!("{}", Escaped(parts[2])));
        }
    } else {
        text(METHOD, 0, parts[0]);
        text(URI, second_at, parts[1]);
        query(walk, region, second_at, parts[1]);
        let tree = &mut *walk.tree;
        if !parts[2].is_empty() {
            let place = region.place(third_at, parts[2].len());
            tree.add_formatted(
                REQUEST_VERSION,
                place,
                format_args!("{}", Escaped(parts[2])),
            );
        }
    }
    walk.tree.close();
    let mut at = first_len;
    let mut host: Option<&[u8]> = None;
    let mut has_end = false;
    while at < header_len {
        let (line_text, next) = last_line(bytes, at);
        let whole = &bytes[at..next];
        let place = region.place(at, next - at);
        if let Some(colon) = line_text.iter().position(|byte| *byte == b':') {
            let (name, value) = (&line_text[..colon], &line_text[colon + 1..]);
            let blanks = value.iter().take_while(|byte| b" \t".contains(byte));
            let value = &value[blanks.count()..];
            if name.eq_ignore_ascii_case(b"host") {
                host = Some(value.trim_ascii());
            }
            header(walk, place, whole, name, value, kind);
        } else {
            has_end |= line_text.is_empty();
            walk.tree.heading(place, format_args!("{}", Escaped(whole)));
        }
        at = next;
    }
    if kind != Line::Response
        && let Some(uri) = head.full_uri(host)
    {
        let added = walk.tree.add_text(FULL_URI, Place::default(), &uri);
        walk.tree.set_generated(added);
    }
    if let Some(told) = told.filter(|_| has_end) {
        exchange(walk, kind, told);
    }
    let plain = body.and_then(|(body, framing)| body::show(walk, region, body, framing));
    let tree = &mut *walk.tree;
    let field = match kind {
        Line::Notification => NOTIFICATION,
        Line::Request => REQUEST,
        Line::Response => RESPONSE,
    };
    tree.add_hidden(field, Place::default(), Value::Bool(true));
    walk.end();
    plain
}

/// A header field.
fn header(
    walk: &mut Walk<'_, '_>,
    place: Place,
    whole: &[u8],
    name: &[u8],
    value: &[u8],
    kind: Line,
) {
    let tree = &mut *walk.tree;
    let known = HEADERS
        .iter()
        .find(|(known, _)| known.as_bytes().eq_ignore_ascii_case(name));
    match known {
        Some((_, field)) => {
            let text = Escaped(up_to_zero(value));
            let added = tree.add_formatted(*field, place, format_args!("{text}"));
            tree.label(added, format_args!("{}", Escaped(whole)));
            if *field == CONTENT_LENGTH_HEADER
                && let Some(length) = std::str::from_utf8(value.trim_ascii())
                    .ok()
                    .and_then(|digits| digits.parse().ok())
            {
                tree.open();
                tree.add_generated(CONTENT_LENGTH, Value::Uint(length));
                tree.close();
            }
            if *field == COOKIE {
                tree.open();
                for pair in value.split(|byte| *byte == b';') {
                    let text = Escaped(pair.trim_ascii());
                    tree.add_formatted(COOKIE_PAIR, place, format_args!("{text}"));
                }
                tree.close();
            }
        }
        None => {
            tree.heading(place, format_args!("{}", Escaped(whole)));
        }
    }
    let line_field = if kind == Line::Response {
        RESPONSE_LINE
    } else {
        REQUEST_LINE
    };
    let added = tree.add_formatted(line_field, place, format_args!("{}", Escaped(whole)));
    tree.set_hidden(added);
}

/// The parts of what is asked for, if there is a question in it.
fn query(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize, uri: &[u8]) {
    let Some(mark) = uri.iter().position(|byte| *byte == b'?') else {
        return;
    };
    let tree = &mut *walk.tree;
    let text = |tree: &mut crate::read::Tree, field: FieldId, offset: usize, text: &[u8]| {
        let place = region.place(at + offset, text.len());
        tree.add_formatted(field, place, format_args!("{}", Escaped(text)));
    };
    tree.open();
    text(tree, URI_PATH, 0, &uri[..mark]);
    let all = &uri[mark + 1..];
    text(tree, URI_QUERY, mark + 1, all);
    tree.open();
    let mut offset = mark + 1;
    for parameter in all.split(|byte| *byte == b'&') {
        text(tree, URI_PARAMETER, offset, parameter);
        offset += parameter.len() + 1;
    }
    tree.close();
    tree.close();
}

/// Which message answers which.
fn exchange(walk: &mut Walk<'_, '_>, kind: Line, told: &Told) {
    let now = walk.frame.packet.meta.ts.0;
    let tree = &mut *walk.tree;
    let is_response = kind == Line::Response;
    let (field, word) = if is_response {
        (RESPONSE_NUMBER, "response")
    } else {
        (REQUEST_NUMBER, "request")
    };
    let (number, of) = (told.number, told.of);
    let added = tree.add_generated(field, Value::Uint(number.into()));
    tree.label(added, format_args!("HTTP {word} {number}/{of}"));
    if let Some(since) = told.since.filter(|_| is_response) {
        let span = Value::Span(now.wrapping_sub(since).cast_signed());
        tree.add_generated(TIME, span);
    }
    let [previous, this, next] = told.frames;
    let frames = if is_response {
        [
            (PREV_REQUEST_IN, previous.request),
            (PREV_RESPONSE_IN, previous.response),
            (REQUEST_IN, this.request),
            (NEXT_REQUEST_IN, next.request),
            (NEXT_RESPONSE_IN, next.response),
        ]
    } else {
        [
            (PREV_REQUEST_IN, previous.request),
            (RESPONSE_IN, this.response),
            (NEXT_REQUEST_IN, next.request),
            (NEXT_RESPONSE_IN, 0),
            (PREV_RESPONSE_IN, 0),
        ]
    };
    for (field, frame) in frames {
        if frame != 0 {
            tree.add_generated(field, Value::Uint(frame));
        }
    }
    if let Some(uri) = told.uri.as_deref().filter(|_| is_response) {
        let added = tree.add_text(RESPONSE_FOR, Place::default(), uri);
        tree.set_generated(added);
    }
}

/// What a status code means, in Wireshark's words.
pub(super) const fn description(code: u16) -> Option<&'static str> {
    Some(match code {
        100 => "Continue",
        101 => "Switching Protocols",
        102 => "Processing",
        103 => "Early Hints",
        199 => "Informational - Others",
        200 => "OK",
        201 => "Created",
        202 => "Accepted",
        203 => "Non-authoritative Information",
        204 => "No Content",
        205 => "Reset Content",
        206 => "Partial Content",
        207 => "Multi-Status",
        208 => "Already Reported",
        226 => "IM Used",
        299 => "Success - Others",
        300 => "Multiple Choices",
        301 => "Moved Permanently",
        302 => "Found",
        303 => "See Other",
        304 => "Not Modified",
        305 => "Use Proxy",
        307 => "Temporary Redirect",
        308 => "Permanent Redirect",
        399 => "Redirection - Others",
        400 => "Bad Request",
        401 => "Unauthorized",
        402 => "Payment Required",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        406 => "Not Acceptable",
        407 => "Proxy Authentication Required",
        408 => "Request Time-out",
        409 => "Conflict",
        410 => "Gone",
        411 => "Length Required",
        412 => "Precondition Failed",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Long",
        415 => "Unsupported Media Type",
        416 => "Requested range not satisfiable",
        417 => "Expectation Failed",
        418 => "I'm a teapot",
        421 => "Misdirected Request",
        422 => "Unprocessable Content",
        423 => "Locked",
        424 => "Failed Dependency",
        425 => "Too Early",
        426 => "Upgrade Required",
        428 => "Precondition Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        451 => "Unavailable For Legal Reasons",
        499 => "Client Error - Others",
        500 => "Internal Server Error",
        501 => "Not Implemented",
        502 => "Bad Gateway",
        503 => "Service Unavailable",
        504 => "Gateway Time-out",
        505 => "HTTP Version not supported",
        506 => "Variant Also Negotiates",
        507 => "Insufficient Storage",
        508 => "Loop Detected",
        511 => "Network Authentication Required",
        599 => "Server Error - Others",
        _ => return None,
    })
}
