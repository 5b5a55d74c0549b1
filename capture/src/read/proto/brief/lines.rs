//! Protocols of text lines: WHOIS (RFC 3912), Finger (RFC 1288), NNTP (RFC 3977), RTSP (RFC 7826),
//! SIP (RFC 3261), IRC (RFC 2812).

use super::{name, names};
use crate::read::FieldId;
use crate::read::proto::data;
use crate::read::proto::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use crate::read::proto::text::{Escaped, ascii, line, plural};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

const WHOIS_PORT: u16 = 43;
const FINGER_PORT: u16 = 79;
const NNTP_PORT: u16 = 119;
const IRC_PORTS: [u16; 2] = [6667, 57000];
/// Port of SIP, over UDP too.
pub(crate) const SIP_PORT: u16 = 5060;

/// WHOIS in a TCP stream.
pub(crate) static WHOIS: Application = Application {
    ports: &[WHOIS_PORT],
    recognizes: None,
    dissect: whois,
};

/// Finger in a TCP stream.
pub(crate) static FINGER: Application = Application {
    ports: &[FINGER_PORT],
    recognizes: None,
    dissect: finger,
};

/// NNTP in a TCP stream.
pub(crate) static NNTP: Application = Application {
    ports: &[NNTP_PORT],
    recognizes: None,
    dissect: nntp,
};

/// RTSP in a TCP stream.
pub(crate) static RTSP: Application = Application {
    ports: &[554, 8554, 7236],
    recognizes: None,
    dissect: rtsp,
};

/// IRC in a TCP stream.
pub(crate) static IRC: Application = Application {
    ports: &IRC_PORTS,
    recognizes: None,
    dissect: irc,
};

/// SIP in a TCP stream.
pub(crate) static SIP: Application = Application {
    ports: &[SIP_PORT],
    recognizes: Some(sip_recognizes),
    dissect: sip_stream,
};

/// Whether a query needs another segment: it ends with its line.
fn wants_line(region: &Region<'_>, payload: &Payload) -> bool {
    payload.asking == Asking::Possible && !region.captured().ends_with(b"\r\n")
}

const WHOLE_QUERY: Outcome = Outcome::More {
    at: 0,
    need: Need::Segment,
};
const WHOLE_ANSWER: Outcome = Outcome::More {
    at: 0,
    need: Need::UntilFin,
};

fn whois(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    let is_query = payload.destination_port == WHOIS_PORT;
    walk.columns.set_protocol("WHOIS");
    let word = if is_query { "Query" } else { "Answer" };
    walk.columns.set_info(format_args!("{word}"));
    if is_query {
        let (query, _) = line(region.captured());
        walk.memory.brief.remember(payload.stream, ascii(query));
    }
    if let Some(query) = walk.memory.brief.text(payload.stream) {
        walk.columns.append_info(format_args!(": {query}"));
    }
    whole(walk, region, payload, (names::whois::THIS, is_query))
}

fn finger(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    let is_query = payload.destination_port == FINGER_PORT;
    walk.columns.set_protocol("FINGER");
    let word = if is_query { "Query" } else { "Response" };
    walk.columns.set_info(format_args!("{word}"));
    whole(walk, region, payload, (names::finger::THIS, is_query))
}

/// A query is a line, an answer is everything until the server closes.
#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn whole(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
    (protocol, is_query): (FieldId, bool),
) -> Result<Outcome, Stop> {
    if is_query && wants_line(&region, payload) {
        return Ok(WHOLE_QUERY);
    }
    if !is_query && payload.asking == Asking::Possible {
        return Ok(WHOLE_ANSWER);
    }
    walk.begin(protocol, &region, region.captured().len());
    walk.end();
    Ok(Outcome::Done)
}

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn nntp(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    name(walk, names::nntp::THIS, &region);
    let is_request = payload.destination_port == NNTP_PORT;
    let word = if is_request { "Request" } else { "Response" };
    let (first, _) = line(region.captured());
    walk.columns
        .set_info(format_args!("{word}: {}", Escaped(first)));
    Ok(Outcome::Done)
}

/// Where headers end, and how long the body is that they announce.
fn headers(bytes: &[u8]) -> Option<(usize, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
    let mut len = 0;
    for header in bytes[..end].split(|byte| *byte == b'\n') {
        let text = String::from_utf8_lossy(header);
        let Some((name, value)) = text.split_once(':') else {
            continue;
        };
        let name = name.trim();
        if name.eq_ignore_ascii_case("content-length") || name == "l" {
            len = value.trim().parse().unwrap_or(0);
        }
    }
    Some((end, len))
}

/// What more is needed of a message with headers.
fn missing(region: &Region<'_>, payload: &Payload) -> Option<Need> {
    if payload.asking != Asking::Possible {
        return None;
    }
    let Some((end, len)) = headers(region.captured()) else {
        return Some(Need::Segment);
    };
    let missing = end.saturating_add(len).checked_sub(region.reported())?;
    (missing > 0).then(|| Need::Bytes(u32::try_from(missing).unwrap_or(u32::MAX)))
}

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn rtsp(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    const METHODS: [&[u8]; 12] = [
        b"DESCRIBE",
        b"ANNOUNCE",
        b"GET_PARAMETER",
        b"OPTIONS",
        b"PAUSE",
        b"PLAY",
        b"RECORD",
        b"REDIRECT",
        b"SETUP",
        b"SET_PARAMETER",
        b"TEARDOWN",
        b"REGISTER",
    ];
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        let bytes = rest.captured();
        if let [b'$', channel, high, low, ..] = *bytes {
            let len = u16::from_be_bytes([high, low]);
            walk.columns.set_info(format_args!(
                "Interleaved channel 0x{channel:02x}, {len} bytes"
            ));
            at += 4 + usize::from(len);
            continue;
        }
        let (first, _) = line(bytes);
        let word = first.split(|byte| *byte == b' ').next().unwrap_or(&[]);
        let is_reply = first.starts_with(b"RTSP/");
        let is_known = is_reply || METHODS.contains(&word);
        if is_known && let Some(need) = missing(&rest, payload) {
            return Ok(Outcome::More { at, need });
        }
        if at == 0 {
            name(walk, names::rtsp::THIS, &rest);
        } else {
            walk.columns.append_info(format_args!(", "));
        }
        match (is_known, is_reply) {
            (true, true) => walk
                .columns
                .append_info(format_args!("Reply: {}", Escaped(first))),
            (true, false) => walk.columns.append_info(format_args!("{}", Escaped(first))),
            _ => {
                walk.columns.append_info(format_args!("Continuation"));
                break;
            }
        }
        let (end, len) = headers(bytes).unwrap_or((bytes.len(), 0));
        at = at.saturating_add(end).saturating_add(len);
    }
    Ok(Outcome::Done)
}

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn irc(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    let is_request = IRC_PORTS.contains(&payload.destination_port);
    name(walk, names::irc::THIS, &region);
    let word = if is_request { "Request" } else { "Response" };
    walk.columns.set_info(format_args!("{word}"));
    let bytes = region.captured();
    let mut at = 0;
    while at < bytes.len() {
        let (text, next) = line(&bytes[at..]);
        at += next;
        let mut words = text
            .split(|byte| *byte == b' ')
            .filter(|word| !word.is_empty());
        let mut command = words.next();
        if text.starts_with(b":") {
            command = words.next();
        }
        if let Some(command) = command {
            walk.columns
                .append_info(format_args!(" ({})", Escaped(command)));
        }
    }
    Ok(Outcome::Done)
}

const SIP_METHODS: [&[u8]; 14] = [
    b"INVITE",
    b"ACK",
    b"BYE",
    b"CANCEL",
    b"DO",
    b"INFO",
    b"MESSAGE",
    b"NOTIFY",
    b"OPTIONS",
    b"PRACK",
    b"REFER",
    b"REGISTER",
    b"SUBSCRIBE",
    b"UPDATE",
];

/// Whether bytes begin a SIP message.
pub(crate) fn is_sip(bytes: &[u8]) -> bool {
    if bytes.starts_with(b"SIP/2.0 ") {
        return true;
    }
    // Methods are capital letters, which little else begins with.
    if !bytes.first().is_some_and(u8::is_ascii_uppercase) {
        return false;
    }
    let (first, _) = line(bytes);
    let word = first.split(|byte| *byte == b' ').next().unwrap_or(&[]);
    (SIP_METHODS.contains(&word) || word == b"PUBLISH") && first.ends_with(b"SIP/2.0")
}

fn sip_recognizes(region: &Region<'_>, _: &Payload) -> bool {
    is_sip(region.captured())
}

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn sip_stream(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        if !is_sip(rest.captured()) {
            return Ok(if at == 0 {
                Outcome::NotMine
            } else {
                Outcome::Done
            });
        }
        if let Some(need) = missing(&rest, payload) {
            return Ok(Outcome::More { at, need });
        }
        let (end, len) = headers(rest.captured()).unwrap_or_else(|| (rest.reported(), 0));
        sip_message(walk, &rest.part(0, end.saturating_add(len)));
        at = at.saturating_add(end).saturating_add(len);
    }
    Ok(Outcome::Done)
}

/// Dissects a datagram of SIP.
pub(crate) fn sip(walk: &mut Walk<'_, '_>, region: Region<'_>) -> Result<(), Stop> {
    if !is_sip(region.captured()) {
        return data::dissect(walk, region);
    }
    sip_message(walk, &region);
    Ok(())
}

fn sip_message(walk: &mut Walk<'_, '_>, region: &Region<'_>) {
    const VERSION: &[u8] = b"SIP/2.0";
    name(walk, names::sip::THIS, region);
    let bytes = region.captured();
    super::media::announced(walk, bytes);
    let (first, next) = line(bytes);
    let message = Message::read(&bytes[next.min(bytes.len())..]);
    let columns = &mut *walk.columns;
    if let Some(status) = first.strip_prefix(VERSION) {
        let status = status.get(1..).unwrap_or(&[]);
        columns.append_info(format_args!("Status: {}", Escaped(status)));
        let code = status.get(..3).unwrap_or(&[]);
        if code == b"200" {
            columns.append_info(format_args!(" ({})", message.method));
        }
        if message.method == "REGISTER" && code.starts_with(b"2") {
            let (count, s) = (message.contacts, plural(message.contacts as usize));
            columns.append_info(format_args!("  ({count} binding{s})"));
        }
    } else {
        let end = first.len().saturating_sub(VERSION.len() + 1);
        columns.append_info(format_args!("Request: {}", Escaped(&first[..end])));
        let method = first.split(|byte| *byte == b' ').next().unwrap_or(&[]);
        let joins = [&b"INVITE"[..], b"SUBSCRIBE", b"REFER"].contains(&method);
        if message.has_to_tag && joins {
            columns.append_info(format_args!(", in-dialog"));
        }
        if method == b"REGISTER" {
            match (message.contacts, message.expires) {
                (0, _) => columns.append_info(format_args!("  (fetch bindings)")),
                (_, true) if message.is_star => {
                    columns.append_info(format_args!("  (remove all bindings)"));
                }
                (count, true) => {
                    columns.append_info(format_args!(
                        "  (remove {count} binding{})",
                        plural(count as usize)
                    ));
                }
                (count, false) => {
                    columns.append_info(format_args!(
                        "  ({count} binding{})",
                        plural(count as usize)
                    ));
                }
            }
        }
    }
    columns.append_info(format_args!(" | "));
    columns.fence();
    if message.has_description {
        walk.columns.set_protocol("SIP/SDP");
    }
}

/// What the list wants to know of a message's headers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    method: String,
    contacts: u32,
    is_star: bool,
    /// The bindings expire at once: they are removed.
    expires: bool,
    has_to_tag: bool,
    has_description: bool,
}

impl Message {
    fn read(bytes: &[u8]) -> Self {
        let mut found = Self::default();
        let mut at = 0;
        while at < bytes.len() {
            let (header, next) = line(&bytes[at..]);
            at += next;
            if header.is_empty() {
                break;
            }
            let text = String::from_utf8_lossy(header);
            let Some((name, value)) = text.split_once(':') else {
                continue;
            };
            let value = value.trim();
            match name.trim().to_ascii_lowercase().as_str() {
                "cseq" => {
                    let word = value.split_whitespace().nth(1);
                    word.unwrap_or("").clone_into(&mut found.method);
                }
                "contact" | "m" => {
                    found.is_star |= value == "*";
                    found.contacts += value.split(',').count() as u32;
                    let lower = value.to_ascii_lowercase().replace(' ', "");
                    found.expires |= lower.ends_with(";expires=0") || lower.contains(";expires=0;");
                }
                "expires" => found.expires |= value == "0",
                "to" | "t" => found.has_to_tag |= value.contains(";tag="),
                "content-type" | "c" => {
                    let kind = value.to_ascii_lowercase();
                    found.has_description |= kind.starts_with("application/sdp");
                }
                _ => {}
            }
        }
        found.has_description &= at < bytes.len();
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 3261 section 24.1.
    #[test]
    fn headers_tell_method_and_bindings() {
        let message = Message::read(
            b"To: Bob <sip:bob@biloxi.com>\r\nCSeq: 1826 REGISTER\r\n\
              Contact: <sip:bob@192.0.2.4>\r\nExpires: 7200\r\nContent-Length: 0\r\n\r\n",
        );
        assert_eq!((message.method.as_str(), message.contacts), ("REGISTER", 1));
        assert!(!message.expires && !message.has_to_tag);
        assert!(is_sip(b"REGISTER sip:registrar.biloxi.com SIP/2.0\r\n"));
        assert!(!is_sip(b"GET / HTTP/1.1\r\n"));
    }

    #[test]
    fn a_body_follows_its_headers() {
        let bytes = b"A: b\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(headers(bytes), Some((bytes.len() - 5, 5)));
        assert_eq!(headers(b"A: b\r\n"), None);
    }
}
