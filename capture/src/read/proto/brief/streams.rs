//! Protocols in TCP streams of which the name alone is told, and where their messages end.
//!
//! Ports, what a dissector turns down, and lengths are Wireshark's.

use super::{name, names, routing};
use crate::read::FieldId;
use crate::read::proto::tcp::applications::{
    Application, Asking, Need, Outcome, Payload, each_message, each_pdu,
};
use crate::read::proto::{data, tls};
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Where messages of a stream end.
#[derive(Clone, Copy, Debug)]
enum Framing {
    /// With their segments.
    Segments,
    /// By a length in a header of so many bytes: where it is, of how many bytes, and what it leaves out.
    Big(usize, usize, usize, usize),
    /// The same, least significant byte first.
    Little(usize, usize, usize, usize),
}

/// A protocol that covers a region. The info stays TCP's.
fn tell(walk: &mut Walk<'_, '_>, protocol: FieldId, region: &Region<'_>) {
    walk.columns
        .set_protocol(shown(protocol, region.captured()));
    walk.begin(protocol, region, region.captured().len());
    walk.end();
}

/// The name in the list: of some, that of what they carry.
fn shown(protocol: FieldId, bytes: &[u8]) -> &'static str {
    const IS_COMMAND: u8 = 2;
    match (protocol, bytes) {
        // Frames that are numbered hold data.
        (names::iec104::THIS, [_, _, control, ..]) if control & 1 == 0 => "IEC 60870-5 ASDU",
        (names::dsi::THIS, [_, IS_COMMAND, ..]) => "AFP",
        (names::enip::THIS, _) => industrial(bytes).unwrap_or("ENIP"),
        _ => protocol.protocol_info().short,
    }
}

/// What a message of EtherNet/IP carries: a request or reply of CIP behind the items before it.
fn industrial(bytes: &[u8]) -> Option<&'static str> {
    const HEADER_LEN: usize = 24;
    const UNCONNECTED: u16 = 0xb2;
    const CONNECTED: u16 = 0xb1;
    let word = |at: usize| {
        let two = bytes.get(at..at + 2)?.first_chunk()?;
        Some(u16::from_le_bytes(*two))
    };
    if !matches!(word(0)?, 0x6f | 0x70) {
        return None;
    }
    let mut at = HEADER_LEN + 8;
    for _ in 0..word(HEADER_LEN + 6)? {
        let (kind, len) = (word(at)?, usize::from(word(at + 2)?));
        let item = bytes.get(at + 4..at + 4 + len)?;
        match kind {
            CONNECTED => return Some("CIP"),
            UNCONNECTED => {
                // The connection manager's own services.
                let is_manager = matches!(item.first()? & 0x7f, 0x4e | 0x54 | 0x5b)
                    || item.get(2..4) == Some(&[0x20, 0x06]);
                return Some(if is_manager { "CIP CM" } else { "CIP" });
            }
            _ => at += 4 + len,
        }
    }
    None
}

/// Whether a message can begin so.
type Accepts = fn(&[u8]) -> bool;

fn stream(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
    protocol: FieldId,
    (accepts, framing): (Accepts, Framing),
) -> Result<Outcome, Stop> {
    if !accepts(region.captured()) {
        return Ok(Outcome::NotMine);
    }
    let (header_len, at, width, rest, is_little) = match framing {
        Framing::Big(header_len, at, width, rest) => (header_len, at, width, rest, false),
        Framing::Little(header_len, at, width, rest) => (header_len, at, width, rest, true),
        Framing::Segments => {
            tell(walk, protocol, &region);
            return Ok(Outcome::Done);
        }
    };
    let len_of = |region: &Region<'_>| {
        let bytes = region.slice(at, width)?;
        let fold = |len: usize, byte: &u8| len << 8 | usize::from(*byte);
        let len = if is_little {
            bytes.iter().rev().fold(0, fold)
        } else {
            bytes.iter().fold(0, fold)
        };
        Ok(Some(len.saturating_add(rest)))
    };
    each_pdu(
        walk,
        region,
        payload,
        header_len,
        len_of,
        |walk, message| {
            tell(walk, protocol, &message);
            Ok(())
        },
    )
}

/// A stream for each protocol: its ports, whether its messages can begin so, where they end.
macro_rules! streams {
    ($($stream:ident: $protocol:ident, $ports:expr, $accepts:expr, $framing:expr;)*) => {
        $(
            #[doc = concat!("`", stringify!($protocol), "` in a TCP stream.")]
            pub(crate) static $stream: Application = Application {
                ports: &$ports,
                recognizes: None,
                dissect: |walk, region, payload| {
                    let how: (Accepts, Framing) = ($accepts, $framing);
                    stream(walk, region, payload, names::$protocol::THIS, how)
                },
            };
        )*
    };
}

const fn any(_: &[u8]) -> bool {
    true
}

streams! {
    AJP13: ajp13, [8009], |bytes| matches!(bytes, [0x12, 0x34, ..] | [b'A', b'B', ..]), Framing::Big(4, 2, 2, 4);
    CHARGEN: chargen, [19], any, Framing::Segments;
    CQL: cql, [9042], any, Framing::Big(9, 5, 4, 9);
    DAYTIME: daytime, [13], any, Framing::Segments;
    DSI: dsi, [548], any, Framing::Big(16, 8, 4, 16);
    ECHO: echo, [7], any, Framing::Segments;
    EDONKEY: edonkey, [4661, 4662, 4663], |bytes| matches!(bytes, [0xe3 | 0xc5 | 0xd4, ..]), Framing::Little(5, 1, 4, 5);
    ELASTICSEARCH: elasticsearch, [9300], any, Framing::Segments;
    CVSPSERVER: cvspserver, [2401], any, Framing::Segments;
    GEARMAN: gearman, [4730], any, Framing::Segments;
    ENIP: enip, [44818], any, Framing::Little(24, 2, 2, 24);
    EXEC: exec, [512], any, Framing::Segments;
    GIT: git, [9418], any, Framing::Segments;
    GOPHER: gopher, [70], any, Framing::Segments;
    ICAP: icap, [1344], any, Framing::Segments;
    IEC104: iec104, [2404], |bytes| bytes.first() == Some(&0x68), Framing::Big(2, 1, 1, 2);
    KAFKA: kafka, [9092], any, Framing::Big(4, 0, 4, 4);
    LPD: lpd, [515], any, Framing::Segments;
    MEMCACHE: memcache, [11211], any, Framing::Segments;
    MSDP: msdp, [639], any, Framing::Segments;
    MSNMS: msnms, [1863], any, Framing::Segments;
    OPCUA: opcua, [4840], is_opcua, Framing::Little(8, 4, 4, 0);
    RLOGIN: rlogin, [513], any, Framing::Segments;
    RMI: rmi, [1099], any, Framing::Segments;
    RSYNC: rsync, [873], any, Framing::Segments;
    TACPLUS: tacplus, [49], |bytes| matches!(bytes, [0xc0..=0xcf, 1..=3, ..]), Framing::Big(12, 8, 4, 12);
    TDS: tds, [1433, 2433], |bytes| bytes.len() < 8 || matches!(bytes, [1..=8 | 14..=18 | 23, ..]), Framing::Big(8, 2, 2, 0);
    TIME: time, [37], any, Framing::Segments;
    TNS: tns, [1521], any, Framing::Big(2, 0, 2, 0);
}

/// AMQP in a TCP stream: of version 0 and of version 1, which begin differently.
pub(crate) static AMQP: Application = Application {
    ports: &[5672],
    recognizes: None,
    dissect: |walk, region, payload| {
        let is_new = |bytes: &[u8]| matches!(bytes, [_, _, _, _, 2..=255, 0 | 1, ..]);
        let framing = match region.captured() {
            bytes if bytes.starts_with(b"AMQP") => Framing::Segments,
            bytes if is_new(bytes) && bytes.first() == Some(&0) => Framing::Big(8, 0, 4, 0),
            _ => Framing::Big(7, 3, 4, 8),
        };
        stream(walk, region, payload, names::amqp::THIS, (any, framing))
    },
};

/// Bitcoin in a TCP stream, on its ports or on others.
pub(crate) static BITCOIN: Application = Application {
    ports: &[8333, 18333],
    recognizes: Some(|region, _| is_bitcoin(region.captured())),
    dissect: |walk, region, payload| {
        let how = (is_bitcoin as Accepts, Framing::Little(24, 16, 4, 24));
        stream(walk, region, payload, names::bitcoin::THIS, how)
    },
};

/// Gnutella in a TCP stream: text at first, then messages with lengths.
pub(crate) static GNUTELLA: Application = Application {
    ports: &[6346],
    recognizes: None,
    dissect: |walk, region, payload| {
        let bytes = region.captured();
        let is_text = bytes.starts_with(b"GNUTELLA") || bytes.starts_with(b"GET ");
        let framing = if is_text {
            Framing::Segments
        } else {
            Framing::Little(23, 19, 4, 23)
        };
        stream(walk, region, payload, names::gnutella::THIS, (any, framing))
    },
};

const RTMP_PORT: u16 = 1935;

/// RTMP in a TCP stream: a handshake of known length, then messages.
pub(crate) static RTMP: Application = Application {
    ports: &[RTMP_PORT],
    recognizes: None,
    dissect: rtmp,
};

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn rtmp(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    const PART: usize = 1536;
    let to_server = payload.destination_port == RTMP_PORT;
    let whole = match (to_server, payload.seq as usize) {
        (true, 1) => 1 + PART,
        (true, 1538) => PART,
        (false, 1) => 1 + 2 * PART,
        _ => 0,
    };
    let missing = whole.saturating_sub(region.reported());
    if missing > 0 && payload.asking == Asking::Possible {
        let need = Need::Bytes(missing as u32);
        return Ok(Outcome::More { at: 0, need });
    }
    tell(walk, names::rtmp::THIS, &region);
    Ok(Outcome::Done)
}

const SKINNY_PORT: u16 = 2000;

/// Skinny in a TCP stream: what goes to the server, and what comes from it.
pub(crate) static SKINNY: Application = Application {
    ports: &[SKINNY_PORT],
    recognizes: None,
    dissect: |walk, region, payload| {
        let to_server = payload.destination_port == SKINNY_PORT;
        // Behind the length is the version, which is small.
        let accepts: Accepts = |bytes| matches!(bytes, [_, _, _, _, _, _, 0, 0, ..]);
        let how = (accepts, Framing::Little(8, 0, 4, 8));
        let outcome = stream(walk, region, payload, names::skinny::THIS, how)?;
        if outcome == Outcome::Done {
            let shown = if to_server {
                "SKINNY/REQ"
            } else {
                "SKINNY/RESP"
            };
            walk.columns.set_protocol(shown);
        }
        Ok(outcome)
    },
};

/// SMPP in a TCP stream, on its port or on others.
pub(crate) static SMPP: Application = Application {
    ports: &[2775],
    recognizes: Some(|region, _| is_smpp(region.captured())),
    dissect: |walk, region, payload| {
        let accepts: Accepts = |bytes| bytes.len() >= 16;
        let how = (accepts, Framing::Big(16, 0, 4, 0));
        stream(walk, region, payload, names::smpp::THIS, how)
    },
};

/// A length, a command that exists, no error in a request.
fn is_smpp(bytes: &[u8]) -> bool {
    const IS_ANSWER: u32 = 0x8000_0000;
    let Some(header) = bytes.first_chunk::<16>() else {
        return false;
    };
    let word = |at: usize| {
        u32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]])
    };
    let (len, command, status) = (word(0), word(4), word(8));
    (16..=0x1_0000).contains(&len)
        && matches!(
            command & !IS_ANSWER,
            1..=9 | 0x0b | 0x15 | 0x21 | 0x102 | 0x103
        )
        && (status == 0 || command & IS_ANSWER != 0 && status < 0x600)
}

/// XMPP in a TCP stream.
pub(crate) static XMPP: Application = Application {
    ports: &[5222, 5269],
    recognizes: None,
    dissect: xmpp,
};

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn xmpp(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    let bytes = region.captured();
    if bytes == b" " {
        tell(walk, names::xmpp::THIS, &region);
        return Ok(Outcome::Done);
    }
    if payload.asking == Asking::Possible && bytes.trim_ascii_end().last() != Some(&b'>') {
        let need = Need::Segment;
        return Ok(Outcome::More { at: 0, need });
    }
    name(walk, names::xmpp::THIS, &region);
    walk.columns.set_protocol("XMPP/XML");
    if bytes.starts_with(b"<proceed") {
        walk.memory.tcp.belongs_to(payload, &tls::APPLICATION);
    }
    Ok(Outcome::Done)
}

/// Diameter in a TCP stream (RFC 6733 section 3).
pub(crate) static DIAMETER: Application = Application {
    ports: &[3868],
    recognizes: None,
    dissect: |walk, region, payload| {
        const LEAST: u32 = 36;
        const REQUEST_OR_ERROR: u8 = 0xa0;
        const RESERVED: u8 = 0x0f;
        let Some(&[version, high, middle, low, flags]) = region.captured().first_chunk() else {
            return Ok(match payload.asking {
                Asking::Possible => Outcome::More {
                    at: 0,
                    need: Need::Segment,
                },
                Asking::Pointless => Outcome::NotMine,
            });
        };
        let len = u32::from_be_bytes([0, high, middle, low]);
        let begins = version == 1
            && len >= LEAST
            && len.is_multiple_of(4)
            && flags & RESERVED == 0
            && flags & REQUEST_OR_ERROR != REQUEST_OR_ERROR;
        if !begins {
            tell(walk, names::diameter::THIS, &region);
            walk.columns.set_info(format_args!("Continuation"));
            data::dissect(walk, region)?;
            return Ok(Outcome::Done);
        }
        let how: (Accepts, Framing) = (any, Framing::Big(4, 1, 3, 0));
        stream(walk, region, payload, names::diameter::THIS, how)
    },
};

/// LDP in a TCP stream.
pub(crate) static LDP: Application = Application {
    ports: &[646],
    recognizes: None,
    dissect: |walk, region, payload| {
        if !matches!(region.captured(), [0, 1, ..]) {
            return Ok(Outcome::NotMine);
        }
        let len_of = |region: &Region<'_>| Ok(Some(usize::from(region.u16(2)?) + 4));
        each_message(walk, region, payload, 4, len_of, |walk, message| {
            routing::ldp(walk, &message)?;
            walk.columns.fence();
            Ok(())
        })
    },
};

const SHELL_PORT: u16 = 514;

/// A remote shell in a TCP stream: a port for errors, two names, a command, each with a zero behind it,
/// and then data. What is remembered is what comes next.
pub(crate) static RSH: Application = Application {
    ports: &[SHELL_PORT],
    recognizes: None,
    dissect: shell,
};

#[expect(clippy::unnecessary_wraps, reason = "dissectors have one form")]
fn shell(walk: &mut Walk<'_, '_>, region: Region<'_>, payload: &Payload) -> Result<Outcome, Stop> {
    const OPENING: u64 = 0;
    const CLIENT_NAME: u64 = 1;
    const SERVER_NAME: u64 = 2;
    const COMMAND: u64 = 3;
    const DATA: u64 = 4;
    const LONGEST: [usize; 4] = [5, 16, 16, 256];
    let to_server = payload.destination_port == SHELL_PORT;
    let before = *walk.memory.tcp.state(payload);
    let mut step = before;
    let mut rest = region.captured();
    if rest.last() != Some(&0) {
        step = DATA;
    }
    while step < DATA && !rest.is_empty() && (to_server || step == COMMAND) {
        let end = rest.iter().position(|byte| *byte == 0);
        let text = &rest[..end.unwrap_or(rest.len())];
        rest = end.map_or(&[], |end| &rest[end + 1..]);
        let is_short = text.len() < LONGEST[step as usize];
        let is_text = !text.is_empty() && text.iter().all(|byte| matches!(byte, b' '..=b'~'));
        step = match step {
            OPENING if text.is_empty() || is_short && text.iter().all(u8::is_ascii_digit) => {
                CLIENT_NAME
            }
            CLIENT_NAME if is_text && is_short => SERVER_NAME,
            SERVER_NAME => {
                if is_text && is_short {
                    let name = String::from_utf8_lossy(text).into_owned();
                    walk.memory.brief.remember(payload.stream, name);
                }
                COMMAND
            }
            COMMAND if is_text && is_short => COMMAND,
            _ => DATA,
        };
    }
    *walk.memory.tcp.state(payload) = step;
    name(walk, names::rsh::THIS, &region);
    if step != DATA {
        let text = format_args!("Session Establishment");
        walk.columns.set_info(text);
        return Ok(Outcome::Done);
    }
    if let Some(user) = walk.memory.brief.text(payload.stream) {
        let user = user.to_owned();
        walk.columns
            .append_info(format_args!("Server username:{user} "));
    }
    let text = if to_server {
        "Client -> Server data"
    } else {
        "Server -> Client Data"
    };
    walk.columns.append_info(format_args!("{text}"));
    Ok(Outcome::Done)
}

/// RPKI to router (RFC 8210) in a TCP stream.
pub(crate) static RPKI_RTR: Application = Application {
    ports: &[323],
    recognizes: None,
    dissect: |walk, region, payload| {
        let _ = payload;
        name(walk, names::rpki_rtr::THIS, &region);
        let mut at = 0;
        while at < region.reported() {
            at = prefix_message(walk, &region, at)?;
        }
        Ok(Outcome::Done)
    },
};

/// Tells a message of RPKI to router, and where it ends: by what it is, whatever length it says.
fn prefix_message(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize) -> Result<usize, Stop> {
    region.u8(at)?;
    let kind = region.u8(at + 1)?;
    let text = match kind {
        0 => "Serial Notify",
        1 => "Serial Query",
        2 => "Reset Query",
        3 => "Cache Response",
        4 => "IPv4 Prefix",
        6 => "IPv6 Prefix",
        7 => "End of Data",
        8 => "Cache Reset",
        9 => "Router Key",
        10 => "Error Report",
        _ => "",
    };
    match text {
        "" => walk
            .columns
            .append_info_after(", ", format_args!("Unknown ({kind})")),
        _ => walk.columns.append_text_after(", ", text),
    }
    let stated = region.u32(at + 2)?;
    let len = match kind {
        0 | 1 => 12,
        2 | 3 | 8 => 8,
        4 => 20,
        6 => 32,
        7 if region.u8(at)? >= 1 => 24,
        7 => 12,
        9 => region.u32(at + 4)? as usize,
        10 => {
            let packet_len = region.u32(at + 8)? as usize;
            let text_at = (at + 12).saturating_add(packet_len);
            let text_len = region.u32(text_at)? as usize;
            (16 + packet_len).saturating_add(text_len)
        }
        _ => stated as usize,
    };
    region.slice(at, len.max(2))?;
    Ok(at + len.max(2))
}

/// The networks of Bitcoin, by the first bytes of their messages.
fn is_bitcoin(bytes: &[u8]) -> bool {
    matches!(
        bytes,
        [0xf9, 0xbe, 0xb4, 0xd9, ..] | [0xfa, 0xbf, 0xb5, 0xda, ..] | [0x0b, 0x11, 0x09, 0x07, ..]
    )
}

fn is_opcua(bytes: &[u8]) -> bool {
    matches!(
        bytes.first_chunk::<3>(),
        Some(b"HEL" | b"ACK" | b"ERR" | b"RHE" | b"MSG" | b"OPN" | b"CLO")
    )
}
