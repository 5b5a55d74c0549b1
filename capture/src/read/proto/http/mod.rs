//! HTTP/1 (RFC 9112) and SSDP, which is HTTP in datagrams, as Wireshark's `packet-http.c` shows them.
//!
//! A message is put together from its segments by its header, and its body by its length, its chunks, or
//! the end of the connection. Bodies are not decompressed.
//!
//! - `exchanges.rs` which response answers which request
//! - `header.rs` the tree of a header; `body.rs` how a body was sent; `media.rs` what it is
//! - `ntlm.rs` who proves to be whom

mod body;
mod exchanges;
mod header;
mod media;
mod ntlm;

pub(crate) use exchanges::Memory;

use super::data;
use super::tcp::applications::{Application, Asking, Need, Outcome, Payload, of_port};
use super::text::Escaped;
use super::{brief, http2};
use crate::read::FieldId;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;
use exchanges::Told;

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
    PROXY_AUTHENTICATE: "http.proxy_authenticate", "Proxy-Authenticate", String;
    PROXY_AUTHORIZATION: "http.proxy_authorization", "Proxy-Authorization", String;
    WEBSOCKET_ACCEPT: "http.sec_websocket_accept", "Sec-WebSocket-Accept", String;
    WEBSOCKET_EXTENSIONS: "http.sec_websocket_extensions", "Sec-WebSocket-Extensions", String;
    WEBSOCKET_KEY: "http.sec_websocket_key", "Sec-WebSocket-Key", String;
    WEBSOCKET_PROTOCOL: "http.sec_websocket_protocol", "Sec-WebSocket-Protocol", String;
    WEBSOCKET_VERSION: "http.sec_websocket_version", "Sec-WebSocket-Version", String;
    COOKIE_PAIR: "http.cookie_pair", "Cookie pair", String;
    URI_PATH: "http.request.uri.path", "Request URI Path", String;
    URI_QUERY: "http.request.uri.query", "Request URI Query", String;
    URI_PARAMETER: "http.request.uri.query.parameter", "Request URI Query Parameter", String;
    CODE_DESCRIPTION: "http.response.code.desc", "Status Code Description", String;
    RESPONSE_FOR: "http.response_for.uri", "Request URI", String;
    REQUEST_NUMBER: "http.request_number", "Request number", Uint(32), Dec;
    RESPONSE_NUMBER: "http.response_number", "Response number", Uint(32), Dec;
    REQUEST_IN: "http.request_in", "Request in frame", FrameNumber;
    RESPONSE_IN: "http.response_in", "Response in frame", FrameNumber;
    NEXT_REQUEST_IN: "http.next_request_in", "Next request in frame", FrameNumber;
    NEXT_RESPONSE_IN: "http.next_response_in", "Next response in frame", FrameNumber;
    PREV_REQUEST_IN: "http.prev_request_in", "Prev request in frame", FrameNumber;
    PREV_RESPONSE_IN: "http.prev_response_in", "Prev response in frame", FrameNumber;
    TIME: "http.time", "Time since request", RelativeTime;
    CHUNK_SIZE: "http.chunk_size", "Chunk size", Uint(32), Dec;
    CHUNK_DATA: "http.chunk_data", "Chunk data", Bytes;
    CHUNK_BOUNDARY: "http.chunk_boundary", "Chunk boundary", Bytes;
    TRAILER: "http.chunked_trailer_part", "trailer-part", String;
    FILE_DATA: "http.file_data", "File Data", String;
    CHAT: "http.chat", "Formatted text", None;
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
    ("proxy-authenticate", PROXY_AUTHENTICATE),
    ("proxy-authorization", PROXY_AUTHORIZATION),
    ("sec-websocket-accept", WEBSOCKET_ACCEPT),
    ("sec-websocket-extensions", WEBSOCKET_EXTENSIONS),
    ("sec-websocket-key", WEBSOCKET_KEY),
    ("sec-websocket-protocol", WEBSOCKET_PROTOCOL),
    ("sec-websocket-version", WEBSOCKET_VERSION),
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
    "CCM_POST",
    "RPC_IN_DATA",
    "RPC_OUT_DATA",
    "NOTIFY",
    "M-SEARCH",
    "RPC_CONNECT",
];

/// HTTP in datagrams, whose fields are those of HTTP.
pub(crate) mod discovery {
    use crate::read::field::protocol;

    protocol! {
        54, "ssdp", "SSDP", "Simple Service Discovery Protocol";
    }
}

/// The protocol of this name in the list.
fn protocol_of(name: &str) -> FieldId {
    match name {
        "SSDP" => discovery::THIS,
        _ => THIS,
    }
}

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
    /// How the body is compressed.
    encoding: Option<(usize, usize)>,
    /// The name of the server.
    host: Option<(usize, usize)>,
    /// How it proves who it is, or is to.
    authentication: Option<(usize, usize)>,
    /// What the connection is to be used for from now on.
    upgrade: Upgrade,
}

/// What a connection turns into (RFC 9110 section 7.8).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Upgrade {
    #[default]
    None,
    /// HTTP/2.
    Http2,
    WebSocket,
}

/// What is remembered of a stream: that the client asked for a tunnel, and that it has it.
const ASKED_FOR_TUNNEL: u64 = 1;
const IS_TUNNEL: u64 = 2;

/// The header of a message.
struct Head<'b> {
    protocol: FieldId,
    kind: Line,
    /// Its first line, by spaces.
    parts: [&'b [u8]; 3],
    /// Bytes of its first line.
    first_len: usize,
    /// Bytes of all.
    len: usize,
}

impl Head<'_> {
    /// What a request asks for, with the server where it says both.
    fn full_uri(&self, host: Option<&[u8]>) -> Option<String> {
        let uri = Escaped(self.parts[1]);
        match (self.parts[1].first(), host) {
            (_, Some(_)) if self.parts[0] == b"CONNECT" => Some(format!("{uri}")),
            (Some(b'/'), Some(host)) => Some(format!("http://{}{uri}", Escaped(host))),
            (Some(b'*'), Some(host)) => Some(format!("http://{}{uri}", Escaped(host))),
            (_, Some(_)) => Some(format!("{uri}")),
            (_, None) => None,
        }
    }
}

/// Remembers a message that is whole; gives what is known of the others.
fn tell(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    head: &Head<'_>,
    framing: &Framing,
    stream: u32,
) -> Told {
    let frame = walk.frame.number;
    let now = walk.frame.packet.meta.ts.0;
    let pass = walk.memory.pass;
    let http = &mut walk.memory.http;
    if head.kind == Line::Response {
        return http.response(stream, frame, pass);
    }
    let host = framing
        .host
        .and_then(|(at, len)| region.captured().get(at..at + len));
    let uri = head.full_uri(host);
    http.request(stream, (frame, now), uri, head.parts[0] == b"HEAD", pass)
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
    // Radio stations say "ICY" for it.
    if first.starts_with(b"HTTP/") || first.starts_with(b"ICY ") {
        return Some(Line::Response);
    }
    let (method, rest) = first.split_at(first.iter().position(|byte| *byte == b' ')?);
    if rest.len() < 2 {
        return None;
    }
    let method = std::str::from_utf8(method).ok()?;
    let known = METHODS.contains(&method);
    match method {
        "NOTIFY" | "SUBSCRIBE" | "UNSUBSCRIBE" => Some(Line::Notification),
        _ if known => Some(Line::Request),
        _ => None,
    }
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    if *walk.memory.tcp.state(payload) == IS_TUNNEL {
        return Ok(Outcome::NotMine);
    }
    if recognizes(&region, payload) {
        walk.memory.tcp.belongs_to(payload, &APPLICATION);
    }
    messages(walk, &region, payload, "HTTP")
}

/// Dissects what is spoken inside of TLS.
pub(crate) fn inside(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    messages(walk, &region, payload, "HTTP")
}

fn messages(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    payload: &Payload,
    name: &'static str,
) -> Result<Outcome, Stop> {
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        if at > 0 {
            walk.columns.settle();
        }
        match message(walk, &rest, name, Some(payload))? {
            Read::Whole(len) => at += len.max(1),
            Read::Missing(need) => return Ok(Outcome::More { at, need }),
            // On its own ports, HTTP keeps to itself what it does not understand.
            Read::Foreign if at == 0 && !is_on_port(payload) => return Ok(Outcome::NotMine),
            Read::Foreign => break,
        }
    }
    Ok(Outcome::Done)
}

fn is_on_port(payload: &Payload) -> bool {
    let ports = [
        payload.server_port,
        payload.source_port,
        payload.destination_port,
    ];
    ports.iter().any(|port| APPLICATION.ports.contains(port))
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

#[expect(
    clippy::too_many_lines,
    reason = "one decision after another, in Wireshark's order"
)]
fn message(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    name: &'static str,
    payload: Option<&Payload>,
) -> Result<Read, Stop> {
    if region.reported() > 3 && region.captured().starts_with(b"\r\n") {
        // An empty line before a request is to be overlooked (RFC 9112 section 2.2).
        return Ok(match message(walk, &region.rest(2), name, payload)? {
            Read::Whole(len) => Read::Whole(len + 2),
            other => other,
        });
    }
    let bytes = region.captured();
    let all = region.reported();
    let can_ask = payload.is_some_and(|payload| payload.asking == Asking::Possible);
    let stream = payload.map(|payload| payload.stream);
    let pass = walk.memory.pass;
    let seen = stream.is_some_and(|stream| walk.memory.http.has(stream, pass));
    let first_byte = region.u8(0)?;
    if !(b' '..=b'~').contains(&first_byte) {
        if !seen {
            return Ok(Read::Foreign);
        }
        go_on(walk, region, name);
        return Ok(Read::Whole(all));
    }
    let Some((first, next)) = line(bytes, 0) else {
        if can_ask {
            return Ok(Read::Missing(Need::Segment));
        }
        if region.is_cut()
            && let Some(kind) = kind_of(bytes)
        {
            cut_line(walk, region, name, kind, stream);
            return Err(Stop::Snapped);
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
    let code = (kind == Line::Response)
        .then(|| std::str::from_utf8(parts[1]).ok()?.parse::<u16>().ok())
        .flatten();
    let Some(framing) = frame(bytes, next) else {
        // Neither is it here nor can it be asked for.
        if can_ask && !region.is_cut() {
            return Ok(Read::Missing(Need::Segment));
        }
        let head = Head {
            protocol: protocol_of(name),
            kind,
            parts,
            first_len: next,
            len: bytes.len(),
        };
        let told = stream.map(|stream| tell(walk, region, &head, &Framing::default(), stream));
        header::show(walk, region, &head, told.as_ref(), None);
        return if region.is_cut() {
            Err(Stop::Snapped)
        } else {
            Ok(Read::Whole(all))
        };
    };
    let is_head = stream.is_some_and(|stream| walk.memory.http.wants_head(stream));
    let state = payload.map_or(0, |payload| *walk.memory.tcp.state(payload));
    let opens_tunnel = state & 3 == ASKED_FOR_TUNNEL && matches!(code, Some(200..=299));
    let opens_tunnel = opens_tunnel && framing.length.is_none() && !framing.is_chunked;
    let bodiless = opens_tunnel || matches!(code, Some(100..=199 | 204 | 304));
    // There should be no body, so that none is waited for.
    let can_ask = can_ask && !(is_head && code.is_some());
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
    } else if kind != Line::Response || is_head {
        body_len = 0;
    } else if can_ask && !framing.keeps_alive {
        return Ok(Read::Missing(Need::UntilFin));
    }
    if let Some((at, len)) = framing.authentication
        && let Some(value) = bytes.get(at..at + len)
    {
        ntlm::show(walk, value);
    }
    let content_type = framing
        .content_type
        .and_then(|(at, len)| bytes.get(at..at + len));
    let body = region.part(framing.body, body_len);
    let head = Head {
        protocol: protocol_of(name),
        kind,
        parts,
        first_len: next,
        len: framing.body,
    };
    if let Some(payload) = payload {
        turn(walk, payload, &head, code, framing.upgrade);
    }
    let told = stream.map(|stream| tell(walk, region, &head, &framing, stream));
    let file = (body_len > 0).then_some(&body);
    let plain = header::show(walk, region, &head, told.as_ref(), file.zip(Some(&framing)));
    if body_len > 0 {
        let body = plain.as_ref().map_or(body, body::Plain::region);
        media::show(walk, name, content_type, &body);
    }
    Ok(Read::Whole(framing.body + body_len))
}

/// What the stream is from behind this message on: HTTP, a tunnel, or something else.
fn turn(
    walk: &mut Walk<'_, '_>,
    payload: &Payload,
    head: &Head<'_>,
    code: Option<u16>,
    upgrade: Upgrade,
) {
    let state = *walk.memory.tcp.state(payload);
    match code {
        None if head.parts[0] == b"CONNECT" => {
            let mut parts = head.parts[1].rsplit(|byte| *byte == b':');
            let port = parts.next().and_then(|port| str::from_utf8(port).ok());
            let port = port.and_then(|port| port.parse::<u16>().ok()).unwrap_or(0);
            *walk.memory.tcp.state(payload) = u64::from(port) << 16 | ASKED_FOR_TUNNEL;
        }
        Some(200..=299) if state & 3 == ASKED_FOR_TUNNEL => {
            let port = (state >> 16) as u16;
            *walk.memory.tcp.state(payload) = IS_TUNNEL;
            if let Some(application) = of_port(port) {
                walk.memory.tcp.belongs_to(payload, application);
            }
        }
        Some(101) => {
            let application = match upgrade {
                Upgrade::None => return,
                Upgrade::Http2 => &http2::APPLICATION,
                Upgrade::WebSocket => &brief::websocket::APPLICATION,
            };
            walk.memory.tcp.belongs_to(payload, application);
        }
        _ => {}
    }
}

/// Bytes of a body, or of something that is none.
fn go_on(walk: &mut Walk<'_, '_>, region: &Region<'_>, name: &'static str) {
    walk.columns.set_protocol(name);
    walk.columns.set_info(format_args!("Continuation"));
    walk.begin(protocol_of(name), region, region.captured().len());
    walk.end();
}

/// A first line that was not captured whole: the list does not tell it.
fn cut_line(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    name: &'static str,
    kind: Line,
    stream: Option<u32>,
) {
    let bytes = region.captured();
    let mut parts = bytes.splitn(3, |byte| *byte == b' ');
    let head = Head {
        protocol: protocol_of(name),
        kind,
        parts: [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default),
        first_len: bytes.len(),
        len: bytes.len(),
    };
    let told = stream.map(|stream| tell(walk, region, &head, &Framing::default(), stream));
    header::show(walk, region, &head, told.as_ref(), None);
}

/// A first line as the list shows it: its end is a space.
struct Spaced<'a>(&'a [u8]);

impl std::fmt::Display for Spaced<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = self.0.strip_suffix(b"\n").unwrap_or(self.0);
        let text = text.strip_suffix(b"\r").unwrap_or(text);
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
                found.content_type = Some(place(text, at, colon, value));
            } else if name.eq_ignore_ascii_case(b"content-encoding") {
                found.encoding = Some(place(text, at, colon, value));
            } else if name.eq_ignore_ascii_case(b"host") {
                found.host = Some(place(text, at, colon, value));
            } else if name.eq_ignore_ascii_case(b"upgrade") {
                found.upgrade = match value {
                    _ if value.eq_ignore_ascii_case(b"websocket") => Upgrade::WebSocket,
                    b"h2c" => Upgrade::Http2,
                    _ => Upgrade::None,
                };
            } else if ntlm::HEADERS.iter().any(|of| name.eq_ignore_ascii_case(of)) {
                found.authentication = Some(place(text, at, colon, value));
            }
        }
        at = next;
    }
}

/// Where the value of a header field lies whose line begins at `at`.
fn place(text: &[u8], at: usize, colon: usize, value: &[u8]) -> (usize, usize) {
    let rest = text.get(colon + 1..).unwrap_or(&[]);
    let skipped = rest.len() - rest.trim_ascii_start().len();
    (at + colon + 1 + skipped, value.len())
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
