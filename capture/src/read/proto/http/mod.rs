//! HTTP/1 (RFC 9112) and SSDP, which is HTTP in datagrams, as Wireshark's `packet-http.c` shows them.
//!
//! A message is put together from its segments by its header, and its body by its length, its chunks, or
//! the end of the connection. Bodies are not decompressed.
//!
//! - `exchanges.rs` which response answers which request
//! - `framing.rs` where a message ends
//! - `header.rs` the tree of a header; `body.rs` how a body was sent; `media.rs` what it is
//! - `ntlm.rs` who proves to be whom

mod body;
mod exchanges;
mod framing;
mod header;
pub(super) mod media;
mod ntlm;

pub(crate) use exchanges::Memory;

use super::data;
use super::tcp::applications::{
    Application, ApplicationId, Asking, Need, Outcome, Payload, of_port,
};
use super::text::Escaped;
use super::{brief, http2};
use crate::read::FieldId;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;
use exchanges::Told;
use framing::{Body, Coding, Framing, Upgrade, last_line, line};

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

/// What a connection was turned into that is not dissected.
static UNKNOWN: Application = Application {
    ports: &[],
    recognizes: None,
    dissect: |walk, region, _| {
        data::dissect(walk, region)?;
        Ok(Outcome::Done)
    },
};

/// Port of SSDP, over UDP.
pub(crate) const SSDP_PORT: u16 = 1900;
const VERSION: &[u8] = b"HTTP/1.1";
const VERSION_1: &[u8] = b"HTTP/1.";

/// What a first line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Notification,
    Request,
    Response,
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

fn recognizes(region: &Region<'_>, _: &Payload) -> bool {
    line(region.captured(), 0).is_some_and(|(first, _)| {
        first.len() > VERSION.len()
            && (contains(&first[..VERSION.len()], VERSION_1)
                || contains(&first[first.len() - VERSION.len()..], VERSION_1))
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
    if http2::begins(&region) && !walk.memory.http.has(payload.stream, walk.memory.pass) {
        // Known beforehand, without an upgrade.
        walk.memory.tcp.belongs_to(payload, &http2::APPLICATION);
        return (http2::APPLICATION.dissect)(walk, region, payload);
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
            Read::Whole(len) => {
                at += len.max(1);
                if at < region.reported()
                    && let Some(next) = turned(walk, payload)
                {
                    // What follows a response that turns the stream into something else is that.
                    walk.columns.fence();
                    return match (next.dissect)(walk, region.rest(at), payload)? {
                        Outcome::More { at: more, need } => {
                            let at = at + more;
                            Ok(Outcome::More { at, need })
                        }
                        _ => Ok(Outcome::Done),
                    };
                }
            }
            Read::Missing(need) => return Ok(Outcome::More { at, need }),
            // On its own ports, HTTP keeps to itself what it does not understand.
            Read::Foreign if at == 0 && !is_on_port(payload) => return Ok(Outcome::NotMine),
            Read::Foreign => break,
        }
    }
    Ok(Outcome::Done)
}

/// What a response has turned the stream into.
fn turned(walk: &mut Walk<'_, '_>, payload: &Payload) -> Option<ApplicationId> {
    let owner = walk.memory.tcp.owner(payload)?;
    let known: [ApplicationId; 3] = [
        &UNKNOWN,
        &http2::APPLICATION,
        &brief::websocket::APPLICATION,
    ];
    known
        .into_iter()
        .any(|one| std::ptr::eq(one, owner))
        .then_some(owner)
}

fn is_on_port(payload: &Payload) -> bool {
    let ports = [
        payload.server_port,
        payload.source_port,
        payload.destination_port,
    ];
    ports.iter().any(|port| APPLICATION.ports.contains(port))
}

/// What a status code means, in Wireshark's words.
pub(crate) fn status_name(code: u16) -> Option<&'static str> {
    header::description(code)
}

/// Tells what the body of a message of a later version is.
pub(crate) fn body(walk: &mut Walk<'_, '_>, content_type: &[u8], body: &Region<'_>) {
    media::show(walk, "HTTP", Some(content_type), body);
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
            return Ok(Read::Missing(Need::Line));
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
        // It is read as header fields nevertheless.
        let fields = framing::read(bytes, 0);
        if !seen {
            fields?;
            return Ok(Read::Foreign);
        }
        go_on(walk, region, name);
        fields?;
        return Ok(Read::Whole(all));
    };
    walk.columns.set_protocol(name);
    walk.columns.set_info(format_args!("{} ", Escaped(first)));
    let mut parts = first.splitn(3, |byte| *byte == b' ');
    let parts = [parts.next(), parts.next(), parts.next()].map(Option::unwrap_or_default);
    let code = (kind == Line::Response)
        .then(|| {
            str::from_utf8(parts[1].trim_ascii())
                .ok()?
                .parse::<u16>()
                .ok()
        })
        .flatten();
    if can_ask {
        let awaited = awaited(walk, payload, kind, code);
        if let Some(need) = framing::missing(bytes, next, awaited) {
            return Ok(Read::Missing(need));
        }
    }
    let framing = framing::read(bytes, next)?;
    let ends_here = framing.body >= bytes.len() && !bytes.ends_with(b"\n");
    if region.is_cut() && ends_here {
        let head = Head {
            protocol: protocol_of(name),
            kind,
            parts,
            first_len: next,
            len: bytes.len(),
        };
        let told = stream.map(|stream| tell(walk, region, &head, &Framing::default(), stream));
        header::show(walk, region, &head, told.as_ref(), None);
        return Err(Stop::Snapped);
    }
    let here = all - framing.body;
    let mut body_len = match framing.length {
        Some(length) if framing.coding == Coding::None => {
            usize::try_from(length).unwrap_or(usize::MAX).min(here)
        }
        _ if framing.coding != Coding::None && kind == Line::Request => here,
        _ if framing::takes_the_rest(kind, code) => here,
        _ => 0,
    };
    if let Some((at, len)) = framing.authentication
        && let Some(value) = bytes.get(at..at + len)
    {
        ntlm::show(walk, value);
    }
    let content_type = framing
        .content_type
        .and_then(|(at, len)| bytes.get(at..at + len));
    let mut is_opaque = framing.coding == Coding::Compressed;
    if framing.is_chunked && body_len > 0 {
        let chunks = framing::chunks(region.part(framing.body, body_len).captured())?;
        is_opaque |= chunks <= EMPTY_CHUNKS;
        if chunks > 0 {
            body_len = chunks;
        }
    }
    let body = region.part(framing.body, body_len);
    if let Some((at, len)) = framing.encoding
        && let Some(encoding) = bytes.get(at..at + len)
        && !is_opaque
    {
        is_opaque = if framing.is_chunked {
            let (text, at) = last_line(body.captured(), 0);
            let len = framing::size_of_chunk(text).unwrap_or(0) as usize;
            !framing::is_readable(encoding, body.part(at, len).captured())
        } else {
            !framing::is_readable(encoding, body.captured())
        };
    }
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
    if body_len > 0 && !is_opaque {
        let body = plain.as_ref().map_or(body, body::Plain::region);
        media::show(walk, name, content_type, &body);
    }
    Ok(Read::Whole(framing.body + body_len))
}

/// Bytes of chunks that have nothing in them: a zero and the ends of two lines.
const EMPTY_CHUNKS: usize = 5;

/// Whether the body of a message is to be waited for.
fn awaited(
    walk: &mut Walk<'_, '_>,
    payload: Option<&Payload>,
    kind: Line,
    code: Option<u16>,
) -> Body {
    let Some(payload) = payload else {
        return Body::NotAwaited;
    };
    if payload.is_last {
        return Body::NotAwaited;
    }
    if kind != Line::Response {
        return Body::IfSaid;
    }
    let stream = payload.stream;
    let asked_for_tunnel = *walk.memory.tcp.state(payload) & 3 == ASKED_FOR_TUNNEL;
    let is_bodiless = match code {
        Some(100..=199 | 204 | 304) => true,
        Some(200..=299) => asked_for_tunnel,
        _ => false,
    };
    if is_bodiless || walk.memory.http.wants_head(stream) {
        Body::NotAwaited
    } else {
        Body::UntilFin
    }
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
        Some(200) if state & 3 == ASKED_FOR_TUNNEL => {
            let port = (state >> 16) as u16;
            *walk.memory.tcp.state(payload) = IS_TUNNEL;
            if let Some(application) = of_port(port) {
                walk.memory.tcp.belongs_to(payload, application);
            }
        }
        Some(101) => {
            let application = match upgrade {
                Upgrade::None => return,
                Upgrade::Unknown => &UNKNOWN,
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
    if let Some(b' '..=b'~') = region.captured().first() {
        body::file_data(walk, region);
    }
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

fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len())
        .any(|part| part.eq_ignore_ascii_case(word))
}
