//! HTTP/1 (RFC 9112) and SSDP, which is HTTP in datagrams, as Wireshark's `packet-http.c` shows them.
//!
//! A message is put together from its segments by its header, and its body by its length, its chunks, or
//! the end of the connection. Bodies are not decompressed.

use std::collections::BTreeSet;

use super::data;
use super::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use super::text::Escaped;
use crate::read::FieldId;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Place, Value};
use crate::read::walk::Walk;

protocol! {
    28, "http", "HTTP", "Hypertext Transfer Protocol";
    REQUEST: "http.request", "Request", Bool;
    RESPONSE: "http.response", "Response", Bool;
    NOTIFICATION: "http.notification", "Notification", Bool;
    METHOD: "http.request.method", "Request Method", String;
    URI: "http.request.uri", "Request URI", String;
    REQUEST_VERSION: "http.request.version", "Request Version", String;
    FULL_URI: "http.request.full_uri", "Full request URI", String;
    RESPONSE_VERSION: "http.response.version", "Response Version", String;
    CODE: "http.response.code", "Status Code", Uint(16), Dec;
    PHRASE: "http.response.phrase", "Response Phrase", String;
    REQUEST_LINE: "http.request.line", "Request line", String;
    RESPONSE_LINE: "http.response.line", "Response line", String;
    HOST: "http.host", "Host", String;
    USER_AGENT: "http.user_agent", "User-Agent", String;
    ACCEPT: "http.accept", "Accept", String;
    ACCEPT_LANGUAGE: "http.accept_language", "Accept-Language", String;
    ACCEPT_ENCODING: "http.accept_encoding", "Accept Encoding", String;
    AUTHORIZATION: "http.authorization", "Authorization", String;
    CACHE_CONTROL: "http.cache_control", "Cache-Control", String;
    CONNECTION: "http.connection", "Connection", String;
    CONTENT_TYPE: "http.content_type", "Content-Type", String;
    CONTENT_LENGTH_HEADER: "http.content_length_header", "Content-Length", String;
    CONTENT_LENGTH: "http.content_length", "Content length", Uint(64), Dec;
    CONTENT_ENCODING: "http.content_encoding", "Content-Encoding", String;
    COOKIE: "http.cookie", "Cookie", String;
    DATE: "http.date", "Date", String;
    LAST_MODIFIED: "http.last_modified", "Last-Modified", String;
    LOCATION: "http.location", "Location", String;
    REFERER: "http.referer", "Referer", String;
    SERVER: "http.server", "Server", String;
    SET_COOKIE: "http.set_cookie", "Set-Cookie", String;
    TRANSFER_ENCODING: "http.transfer_encoding", "Transfer-Encoding", String;
    UPGRADE: "http.upgrade", "Upgrade", String;
    WWW_AUTHENTICATE: "http.www_authenticate", "WWW-Authenticate", String;
    X_FORWARDED_FOR: "http.x_forwarded_for", "X-Forwarded-For", String;
}

/// Headers that have a field of their own, in lower case.
const HEADERS: &[(&str, FieldId)] = &[
    ("host", HOST),
    ("user-agent", USER_AGENT),
    ("accept", ACCEPT),
    ("accept-language", ACCEPT_LANGUAGE),
    ("accept-encoding", ACCEPT_ENCODING),
    ("authorization", AUTHORIZATION),
    ("cache-control", CACHE_CONTROL),
    ("connection", CONNECTION),
    ("content-type", CONTENT_TYPE),
    ("content-length", CONTENT_LENGTH_HEADER),
    ("content-encoding", CONTENT_ENCODING),
    ("cookie", COOKIE),
    ("date", DATE),
    ("last-modified", LAST_MODIFIED),
    ("location", LOCATION),
    ("referer", REFERER),
    ("server", SERVER),
    ("set-cookie", SET_COOKIE),
    ("transfer-encoding", TRANSFER_ENCODING),
    ("upgrade", UPGRADE),
    ("www-authenticate", WWW_AUTHENTICATE),
    ("x-forwarded-for", X_FORWARDED_FOR),
];

/// Methods that Wireshark knows, those of extensions included.
const METHODS: &[&str] = &[
    "GET",
    "POST",
    "HEAD",
    "PUT",
    "DELETE",
    "OPTIONS",
    "CONNECT",
    "TRACE",
    "PATCH",
    "LINK",
    "UNLINK",
    "PROPFIND",
    "PROPPATCH",
    "MKCOL",
    "COPY",
    "MOVE",
    "LOCK",
    "UNLOCK",
    "POLL",
    "BCOPY",
    "BMOVE",
    "SEARCH",
    "BDELETE",
    "BPROPFIND",
    "BPROPPATCH",
    "LABEL",
    "MERGE",
    "REPORT",
    "UPDATE",
    "CHECKIN",
    "CHECKOUT",
    "UNCHECKOUT",
    "MKACTIVITY",
    "MKWORKSPACE",
    "VERSION-CONTROL",
    "BASELINE-CONTROL",
    "SUBSCRIBE",
    "UNSUBSCRIBE",
    "ICY",
    "CCM_POST",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "NOTIFY",
    "M-SEARCH",
    "RPC_CONNECT",
];

/// HTTP in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[
        80, 3128, 3132, 5985, 8080, 8088, 11371, 1900, 2869, 2710, 3689, 631,
    ],
    recognizes: Some(recognizes),
    dissect,
};

/// Port of SSDP, over UDP.
pub(crate) const SSDP_PORT: u16 = 1900;
const VERSION: &[u8] = b"HTTP/1.1";

/// How many streams are remembered.
const MAX_STREAMS: usize = 1 << 16;

/// What is remembered: the streams that had a message.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    seen: BTreeSet<u32>,
    /// Those whose last request was for a head.
    heads: BTreeSet<u32>,
}

impl Memory {
    fn saw(&mut self, stream: u32, kind: Line, method: &[u8]) {
        self.seen.insert(stream);
        match kind {
            Line::Response => {}
            _ if method == b"HEAD" => {
                self.heads.insert(stream);
            }
            _ => {
                self.heads.remove(&stream);
            }
        }
        if self.seen.len() > MAX_STREAMS {
            self.seen.pop_first();
        }
        if self.heads.len() > MAX_STREAMS {
            self.heads.pop_first();
        }
    }
}

/// What a first line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Notification,
    Request,
    Response,
}

/// What a header says of the body.
#[derive(Debug, Default)]
struct Framing {
    /// Where the body begins.
    body: usize,
    length: Option<u64>,
    is_chunked: bool,
    keeps_alive: bool,
    content_type: Option<(usize, usize)>,
}

/// A line at `at`: without its end, and where the next one begins.
fn line(bytes: &[u8], at: usize) -> Option<(&[u8], usize)> {
    let rest = bytes.get(at..)?;
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let text = &rest[..end];
    Some((text.strip_suffix(b"\r").unwrap_or(text), at + end + 1))
}

fn recognizes(region: &Region<'_>, _: &Payload) -> bool {
    line(region.captured(), 0).is_some_and(|(first, _)| {
        first.len() > VERSION.len()
            && (first[..VERSION.len()].eq_ignore_ascii_case(VERSION)
                || first[first.len() - VERSION.len()..].eq_ignore_ascii_case(VERSION))
    })
}

/// What the first line of a message is, if it is one.
fn kind_of(first: &[u8]) -> Option<Line> {
    if first.len() >= 5 && first.starts_with(b"HTTP/") {
        return Some(Line::Response);
    }
    let (method, rest) = first.split_at(first.iter().position(|byte| *byte == b' ')?);
    if rest.len() < 2 {
        return None;
    }
    let method = std::str::from_utf8(method).ok()?;
    let known = METHODS.contains(&method);
    match method {
        "NOTIFY" | "M-SEARCH" => Some(Line::Notification),
        _ if known => Some(Line::Request),
        _ => None,
    }
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    if recognizes(&region, payload) {
        walk.memory.tcp.belongs_to(payload, &APPLICATION);
    }
    let name = if payload.source_port == SSDP_PORT || payload.destination_port == SSDP_PORT {
        "SSDP"
    } else {
        "HTTP"
    };
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        if at > 0 {
            walk.columns.settle();
        }
        match message(walk, &rest, name, Some(payload))? {
            Read::Whole(len) => at += len.max(1),
            Read::Missing(need) => return Ok(Outcome::More { at, need }),
            Read::Foreign if at == 0 => return Ok(Outcome::NotMine),
            Read::Foreign => break,
        }
    }
    Ok(Outcome::Done)
}

/// Dissects SSDP.
pub(crate) fn ssdp(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    match message(walk, &region, "SSDP", None)? {
        Read::Foreign => data::dissect(walk, region),
        _ => Ok(()),
    }
}

/// How a message ended.
enum Read {
    /// It has so many bytes.
    Whole(usize),
    /// It is not whole.
    Missing(Need),
    /// It is none.
    Foreign,
}

fn message(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    name: &'static str,
    payload: Option<&Payload>,
) -> Result<Read, Stop> {
    let bytes = region.captured();
    let all = region.reported();
    let can_ask = payload.is_some_and(|payload| payload.asking == Asking::Possible);
    let stream = payload.map(|payload| payload.stream);
    let seen = stream.is_some_and(|stream| walk.memory.http.seen.contains(&stream));
    let first_byte = region.u8(0)?;
    if !(b' '..=b'~').contains(&first_byte) {
        if !seen {
            return Ok(Read::Foreign);
        }
        go_on(walk, region, name);
        return Ok(Read::Whole(all));
    }
    let Some((first, next)) = line(bytes, 0) else {
        let may_be = bytes.contains(&b' ') && (kind_of(bytes).is_some() || seen);
        if can_ask && may_be {
            return Ok(Read::Missing(Need::Segment));
        }
        if !seen {
            return Ok(Read::Foreign);
        }
        go_on(walk, region, name);
        return Ok(Read::Whole(all));
    };
    let Some(kind) = kind_of(first) else {
        if !seen {
            return Ok(Read::Foreign);
        }
        go_on(walk, region, name);
        return Ok(Read::Whole(all));
    };
    walk.columns.set_protocol(name);
    let shown = Spaced(&bytes[..next]);
    walk.columns.set_info(format_args!("{shown}"));
    let mut parts = first.splitn(3, |byte| *byte == b' ');
    let parts = [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default);
    if let Some(stream) = stream {
        walk.memory.http.saw(stream, kind, parts[0]);
    }
    let code = (kind == Line::Response)
        .then(|| std::str::from_utf8(parts[1]).ok()?.parse::<u16>().ok())
        .flatten();
    let Some(framing) = frame(bytes, next) else {
        // Neither is it here nor can it be asked for.
        if can_ask && !region.is_cut() {
            return Ok(Read::Missing(Need::Segment));
        }
        show(walk, region, kind, parts, next, bytes.len());
        return if region.is_cut() {
            Err(Stop::Snapped)
        } else {
            Ok(Read::Whole(all))
        };
    };
    let is_head = stream.is_some_and(|stream| walk.memory.http.heads.contains(&stream));
    let bodiless = matches!(code, Some(100..=199 | 204 | 304)) || (code.is_some() && is_head);
    let here = all - framing.body;
    let mut body_len = here;
    if bodiless {
        body_len = 0;
    } else if let Some(length) = framing.length.filter(|_| !framing.is_chunked) {
        if length > here as u64 {
            let missing = u32::try_from(length - here as u64).unwrap_or(u32::MAX);
            if can_ask && missing < 0x4000_0000 {
                return Ok(Read::Missing(Need::Bytes(missing)));
            }
        }
        body_len = usize::try_from(length).unwrap_or(usize::MAX).min(here);
    } else if framing.is_chunked {
        match chunks(bytes, framing.body) {
            Some(len) => body_len = len,
            None if can_ask => return Ok(Read::Missing(Need::Segment)),
            None => {}
        }
    } else if kind != Line::Response {
        body_len = 0;
    } else if can_ask && !framing.keeps_alive {
        return Ok(Read::Missing(Need::UntilFin));
    }
    let content_type = framing
        .content_type
        .and_then(|(at, len)| bytes.get(at..at + len));
    let body = region.part(framing.body, body_len);
    show(walk, region, kind, parts, next, framing.body);
    if body_len > 0 && code != Some(206) {
        media(walk, name, content_type, &body);
    }
    Ok(Read::Whole(framing.body + body_len))
}

/// Bytes of a body, or of something that is none.
fn go_on(walk: &mut Walk<'_, '_>, region: &Region<'_>, name: &'static str) {
    walk.columns.set_protocol(name);
    walk.columns.set_info(format_args!("Continuation"));
    walk.begin(THIS, region, region.captured().len());
    walk.end();
}

/// A first line as the list shows it: white space at its end is one space.
struct Spaced<'a>(&'a [u8]);

impl std::fmt::Display for Spaced<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.trim_ascii_end();
        write!(f, "{} ", Escaped(text))
    }
}

/// Reads the header fields that say where the body ends; `None` if the header does not end here.
fn frame(bytes: &[u8], first: usize) -> Option<Framing> {
    let mut found = Framing::default();
    let mut at = first;
    loop {
        let (text, next) = line(bytes, at)?;
        if text.is_empty() {
            found.body = next;
            return Some(found);
        }
        if let Some(colon) = text.iter().position(|byte| *byte == b':') {
            let (name, value) = (&text[..colon], text[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"content-length") {
                let digits = value.iter().take_while(|byte| byte.is_ascii_digit());
                let digits = &value[..digits.count()];
                let parsed = std::str::from_utf8(digits).ok();
                found.length = parsed.and_then(|digits| digits.parse().ok());
            } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
                found.is_chunked = contains(value, b"chunked");
            } else if name.eq_ignore_ascii_case(b"connection") {
                found.keeps_alive = contains(value, b"keep-alive");
            } else if name.eq_ignore_ascii_case(b"content-type") {
                let value_at = at + colon + 1;
                let skipped = text[colon + 1..].len() - text[colon + 1..].trim_ascii_start().len();
                found.content_type = Some((value_at + skipped, value.len()));
            }
        }
        at = next;
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len())
        .any(|part| part.eq_ignore_ascii_case(word))
}

/// The length of chunks (RFC 9112 section 7.1), if all of them are there.
fn chunks(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start;
    loop {
        let (text, next) = line(bytes, at)?;
        let digits = text.iter().take_while(|byte| byte.is_ascii_hexdigit());
        let digits = std::str::from_utf8(&text[..digits.count()]).ok()?;
        let Ok(len) = usize::from_str_radix(digits, 16) else {
            // Not a chunk: the rest is taken as it is.
            return Some(bytes.len() - start);
        };
        at = next;
        if len == 0 {
            // Trailers, up to an empty line.
            loop {
                let (text, next) = line(bytes, at)?;
                at = next;
                if text.is_empty() {
                    return Some(at - start);
                }
            }
        }
        at = at.checked_add(len)?;
        if at > bytes.len() {
            return None;
        }
        (_, at) = line(bytes, at)?;
    }
}

/// What the list says of a body.
fn media(
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
    // Parts have dissectors of their own, which say nothing in the list.
    if kind.starts_with(b"multipart/") {
        return;
    }
    let is_xml = kind.ends_with(b"+xml")
        || matches!(
            &kind[..],
            b"text/xml" | b"application/xml" | b"text/vnd.wap.wml"
        );
    if is_xml && name == "HTTP" {
        walk.columns.set_protocol("HTTP/XML");
        return;
    }
    if kind == b"application/json" && name == "HTTP" {
        walk.columns.set_protocol("HTTP/JSON");
        walk.columns.append_info(format_args!(
            ", JavaScript Object Notation (application/json)"
        ));
        return;
    }
    let image = match &kind[..] {
        b"image/jpeg" | b"image/jpg" => Some("JPEG JFIF image"),
        b"image/png" => Some("PNG"),
        b"image/gif" if bytes.starts_with(b"GIF87a") => Some("GIF87a"),
        b"image/gif" => Some("GIF89a"),
        _ => None,
    };
    match image {
        Some(image) => walk.columns.append_info(format_args!(" ({image})")),
        None => walk
            .columns
            .append_info(format_args!(" ({})", Escaped(&kind))),
    }
}

/// The tree of a header.
fn show(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    kind: Line,
    parts: [&[u8]; 3],
    first_len: usize,
    header_len: usize,
) {
    let bytes = region.captured();
    walk.begin(THIS, region, bytes.len());
    if !walk.tree.wants_any_of(THIS.protocol) {
        walk.end();
        return;
    }
    let tree = &mut *walk.tree;
    tree.heading(
        region.place(0, first_len),
        format_args!("{}", Escaped(&bytes[..first_len])),
    );
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
        if !parts[2].is_empty() {
            let place = region.place(third_at, parts[2].len());
            tree.add_formatted(PHRASE, place, format_args!("{}", Escaped(parts[2])));
        }
    } else {
        text(METHOD, 0, parts[0]);
        text(URI, second_at, parts[1]);
        text(REQUEST_VERSION, third_at, parts[2]);
    }
    tree.close();
    let mut at = first_len;
    let mut host: Option<&[u8]> = None;
    while at < header_len {
        let Some((line_text, next)) = line(bytes, at) else {
            break;
        };
        let whole = &bytes[at..next];
        let place = region.place(at, next - at);
        if let Some(colon) = line_text.iter().position(|byte| *byte == b':') {
            let (name, value) = (&line_text[..colon], line_text[colon + 1..].trim_ascii());
            if name.eq_ignore_ascii_case(b"host") {
                host = Some(value);
            }
            header(walk, place, whole, name, value, kind);
        } else {
            walk.tree.heading(place, format_args!("{}", Escaped(whole)));
        }
        at = next;
    }
    let tree = &mut *walk.tree;
    if let Some(host) = host
        && kind != Line::Response
    {
        let uri = parts[1];
        let added = if matches!(uri.first(), Some(b'/' | b'*')) {
            tree.add_formatted(
                FULL_URI,
                Place::default(),
                format_args!("http://{}{}", Escaped(host), Escaped(uri)),
            )
        } else {
            tree.add_formatted(FULL_URI, Place::default(), format_args!("{}", Escaped(uri)))
        };
        tree.set_generated(added);
    }
    let field = match kind {
        Line::Notification => NOTIFICATION,
        Line::Request => REQUEST,
        Line::Response => RESPONSE,
    };
    tree.add_hidden(field, Place::default(), Value::Bool(true));
    walk.end();
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
            let added = tree.add_formatted(*field, place, format_args!("{}", Escaped(value)));
            tree.label(added, format_args!("{}", Escaped(whole)));
            if *field == CONTENT_LENGTH_HEADER
                && let Some(length) = std::str::from_utf8(value)
                    .ok()
                    .and_then(|digits| digits.parse().ok())
            {
                tree.open();
                tree.add_generated(CONTENT_LENGTH, Value::Uint(length));
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
