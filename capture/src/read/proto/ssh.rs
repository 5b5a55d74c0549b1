//! SSH (RFC 4253), as Wireshark's `packet-ssh.c` shows it without keys.

use std::collections::BTreeMap;
use std::fmt::Arguments;

use super::tcp::applications::{Application, Asking, Need, Outcome, Payload};
use super::text::Escaped;
use crate::read::field::protocol;
use crate::read::proto::names::pick;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    30, "ssh", "SSH", "SSH Protocol";
    PROTOCOL_LINE: "ssh.protocol", "Protocol", String;
    PACKET_LENGTH: "ssh.packet_length", "Packet Length", Uint(32), Dec;
    PADDING_LENGTH: "ssh.padding_length", "Padding Length", Uint(8), Dec;
    MESSAGE_CODE: "ssh.message_code", "Message Code", Uint(8), Dec, names = plain_message_name;
    COOKIE: "ssh.cookie", "Cookie", Bytes;
    KEX_ALGORITHMS: "ssh.kex_algorithms", "kex_algorithms string", String;
    HOST_KEY_ALGORITHMS: "ssh.server_host_key_algorithms", "server_host_key_algorithms string", String;
    ENCRYPTION_UP: "ssh.encryption_algorithms_client_to_server", "encryption_algorithms_client_to_server string", String;
    ENCRYPTION_DOWN: "ssh.encryption_algorithms_server_to_client", "encryption_algorithms_server_to_client string", String;
    MAC_UP: "ssh.mac_algorithms_client_to_server", "mac_algorithms_client_to_server string", String;
    MAC_DOWN: "ssh.mac_algorithms_server_to_client", "mac_algorithms_server_to_client string", String;
    COMPRESSION_UP: "ssh.compression_algorithms_client_to_server", "compression_algorithms_client_to_server string", String;
    COMPRESSION_DOWN: "ssh.compression_algorithms_server_to_client", "compression_algorithms_server_to_client string", String;
    PADDING: "ssh.padding_string", "Padding String", Bytes;
    ENCRYPTED: "ssh.encrypted_packet", "Encrypted Packet", Bytes;
    DIRECTION: "ssh.direction", "Direction", Bool, None, names = direction_name;
}

fn direction_name(value: u64) -> Option<&'static str> {
    pick(value, &["client-to-server", "server-to-client"])
}

const fn plain_message_name(value: u64) -> Option<&'static str> {
    message_name(value, Kex::DiffieHellman)
}

/// Name of a message; some numbers belong to the key exchange (RFC 4253 section 12).
const fn message_name(value: u64, kex: Kex) -> Option<&'static str> {
    Some(match (value, kex) {
        (1, _) => "Disconnect",
        (2, _) => "Ignore",
        (3, _) => "Unimplemented",
        (4, _) => "Debug",
        (5, _) => "Service Request",
        (6, _) => "Service Accept",
        (20, _) => "Key Exchange Init",
        (21, _) => "New Keys",
        (30, Kex::DiffieHellman) => "Diffie-Hellman Key Exchange Init",
        (31, Kex::DiffieHellman) => "Diffie-Hellman Key Exchange Reply",
        (30, Kex::EllipticCurve) => "Elliptic Curve Diffie-Hellman Key Exchange Init",
        (31, Kex::EllipticCurve) => "Elliptic Curve Diffie-Hellman Key Exchange Reply",
        (30, Kex::GroupExchange) => "Diffie-Hellman Group Exchange Request (Old)",
        (31, Kex::GroupExchange) => "Diffie-Hellman Group Exchange Group",
        (32, Kex::GroupExchange) => "Diffie-Hellman Group Exchange Init",
        (33, Kex::GroupExchange) => "Diffie-Hellman Group Exchange Reply",
        (34, Kex::GroupExchange) => "Diffie-Hellman Group Exchange Request",
        (50, _) => "User Authentication Request",
        (51, _) => "User Authentication Failure",
        (52, _) => "User Authentication Success",
        (53, _) => "User Authentication Banner",
        _ => return None,
    })
}

/// Families of key exchanges, which number their messages alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kex {
    #[default]
    DiffieHellman,
    EllipticCurve,
    GroupExchange,
}

/// SSH in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[22, 29418],
    recognizes: None,
    dissect,
};

/// How many streams are remembered, and how much of a list of algorithms.
const MAX_STREAMS: usize = 1 << 14;
const MAX_LIST: usize = 4096;
/// A packet that says to be so long is taken to end with what is there.
const OVERLY_LARGE: usize = 0xffff;
/// As many bytes are asked for at most: beyond, sequence numbers would be those of what was before.
const MOST_MISSING: usize = 0x3fff_ffff;
const KEX_INIT: u8 = 20;
const NEW_KEYS: u8 = 21;

/// What is remembered of connections, by the number of their TCP stream.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    streams: BTreeMap<u32, Session>,
}

#[derive(Debug, Default)]
struct Session {
    /// The client has said that it speaks version 2, or 1.
    version: Option<u8>,
    /// It has said so by the end of the first of two passes.
    told: Option<u8>,
    /// The frame in which each side has said which version it speaks, the client's first; 0 if it has not: what looks
    /// the same later, as a segment that comes again, is taken for a packet.
    greeted_in: [u64; 2],
    /// Each direction is encrypted, the client's first.
    encrypted: [bool; 2],
    /// The frame in which each side is not, of version 1.
    plain_in: [u64; 2],
    /// The algorithms of key exchange that the sides know, the client's first.
    kex: [Vec<u8>; 2],
    /// The same of encryption, for what the client sends and for what the server does.
    ciphers: [[Vec<u8>; 2]; 2],
}

impl Memory {
    /// The first pass is over.
    pub(crate) fn begin_second_pass(&mut self) {
        for session in self.streams.values_mut() {
            *session = Session {
                told: session.version,
                ..Session::default()
            };
        }
    }

    fn session(&mut self, stream: u32) -> &mut Session {
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&stream) {
            self.streams.pop_first();
        }
        self.streams.entry(stream).or_default()
    }
}

/// What both sides agree on: the first of the client's that the server knows.
fn agreed([client, server]: [&[u8]; 2]) -> Option<&[u8]> {
    client
        .split(|byte| *byte == b',')
        .find(|one| {
            server
                .split(|byte| *byte == b',')
                .any(|other| other == *one)
        })
        .filter(|one| !one.is_empty())
}

impl Session {
    fn family(&self) -> Kex {
        let [client, server] = &self.kex;
        match agreed([client, server]) {
            Some(name) if name.starts_with(b"curve25519") || name.starts_with(b"ecdh-") => {
                Kex::EllipticCurve
            }
            Some(name) if name.starts_with(b"diffie-hellman-group-exchange") => Kex::GroupExchange,
            _ => Kex::DiffieHellman,
        }
    }

    /// Wireshark could decrypt what this side sends, had it the keys: what it looks at before it finds that it has not,
    /// and says nothing.
    fn silence(&self, side: usize) -> Option<Silence> {
        let [client, server] = &self.ciphers[side];
        match agreed([client, server])? {
            b"aes128-gcm"
            | b"aes128-gcm@openssh.com"
            | b"aes256-gcm"
            | b"aes256-gcm@openssh.com" => Some(Silence::Packet),
            b"chacha20-poly1305@openssh.com" => Some(Silence::Bytes(4)),
            // Not if the group was exchanged, as tshark 4.0 shows.
            b"aes128-cbc" | b"aes128-ctr" | b"aes192-cbc" | b"aes192-ctr" | b"aes256-cbc"
            | b"aes256-ctr" => (self.family() != Kex::GroupExchange).then_some(Silence::Bytes(16)),
            _ => None,
        }
    }
}

/// What has to be there of a packet that is not decrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Silence {
    /// So many bytes, in which its length is encrypted.
    Bytes(usize),
    /// All that its length says, which is not encrypted (RFC 5647, section 7.3).
    Packet,
}

impl Silence {
    fn look(self, rest: &Region<'_>) -> Result<(), Stop> {
        /// A packet that says to be shorter is not looked at.
        const SHORTEST: usize = 16;
        match self {
            Self::Bytes(len) => {
                rest.slice(0, len)?;
            }
            Self::Packet => {
                let len = rest.u32(0)? as usize;
                if len >= SHORTEST {
                    rest.slice(4, len)?;
                }
            }
        }
        Ok(())
    }
}

/// Who sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sender {
    Client,
    Server,
}

#[expect(
    clippy::too_many_lines,
    reason = "one decision after another, in Wireshark's order"
)]
fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let sender = if APPLICATION.ports.contains(&payload.destination_port) {
        Sender::Client
    } else {
        Sender::Server
    };
    let side = sender as usize;
    let can_ask = payload.asking == Asking::Possible;
    let session = walk.memory.ssh.session(payload.stream);
    walk.columns
        .set_protocol(match session.version.or(session.told) {
            None => "SSH",
            Some(1) => "SSHv1",
            Some(_) => "SSHv2",
        });
    let word = if sender == Sender::Client {
        "Client: "
    } else {
        "Server: "
    };
    walk.columns.clear_info();
    walk.begin(THIS, &region, region.captured().len());
    let frame = walk.frame.number;
    let mut at = 0;
    while at < region.reported() {
        let rest = region.rest(at);
        let bytes = rest.captured();
        let session = walk.memory.ssh.session(payload.stream);
        let greeted_in = &mut session.greeted_in[side];
        let may_greet = *greeted_in == 0 || frame <= *greeted_in;
        let greets = |bytes: &[u8]| {
            let front = bytes.first_chunk::<4>();
            front.is_some_and(|front| front.eq_ignore_ascii_case(b"SSH-"))
        };
        if may_greet && greets(bytes) {
            let end = bytes.iter().position(|byte| *byte == b'\n');
            if end.is_none() && can_ask {
                walk.end();
                let need = Need::Segment;
                return Ok(Outcome::More { at, need });
            }
            *greeted_in = frame;
            let text = &bytes[..end.unwrap_or(bytes.len())];
            let line_len = end.map_or(bytes.len(), |end| end + 1);
            let text = text.strip_suffix(b"\r").unwrap_or(text);
            if sender == Sender::Client {
                session.version = match text {
                    text if text.starts_with(b"SSH-2.") || text.starts_with(b"SSH-1.99-") => {
                        Some(2)
                    }
                    text if text.starts_with(b"SSH-1.") => Some(1),
                    _ => session.version,
                };
            }
            let shown = Escaped(text);
            say(walk, format_args!("Protocol ({shown})"));
            walk.tree.add_formatted(
                PROTOCOL_LINE,
                rest.place(0, line_len),
                format_args!("{shown}"),
            );
            at += line_len;
            continue;
        }
        if session.version == Some(1) {
            match first_version(walk, &rest, payload, side)? {
                Ok(len) => at += len,
                Err(need) => {
                    walk.end();
                    return Ok(Outcome::More { at, need });
                }
            }
            continue;
        }
        if session.version != Some(2) || session.encrypted[side] {
            let silence = if session.version == Some(2) {
                session.silence(side)
            } else {
                None
            };
            let len = rest.reported();
            if let Some(silence) = silence {
                silence.look(&rest)?;
            } else {
                say(walk, format_args!("Encrypted packet (len={len})"));
                if len <= 4 {
                    // Where its length should be is not looked at, what follows that is.
                    return Err(Stop::Malformed);
                }
            }
            walk.bytes(ENCRYPTED, &rest);
            break;
        }
        if rest.reported() < 4 {
            if can_ask {
                walk.end();
                let need = Need::Segment;
                return Ok(Outcome::More { at, need });
            }
            break;
        }
        let mut len = rest.u32(0)? as usize + 4;
        if len > rest.reported() && can_ask {
            walk.end();
            let missing = (len - rest.reported()).min(MOST_MISSING);
            let need = Need::Bytes(missing as u32);
            return Ok(Outcome::More { at, need });
        }
        if len - 4 >= OVERLY_LARGE {
            len = rest.reported();
        }
        let kex = session.family();
        let packet = rest.part(0, len);
        let code = packet_of(walk, &packet, payload, side)?;
        match message_name(code.into(), kex) {
            Some(name) => say(walk, format_args!("{name}")),
            None => say(walk, format_args!("Unknown ({code})")),
        }
        at += len;
    }
    // Who says it stands in front of all, once all of it is read.
    walk.columns.prepend_info(word);
    let added = walk
        .tree
        .add_generated(DIRECTION, Value::Bool(sender == Sender::Server));
    let direction = direction_name(u64::from(sender == Sender::Server)).unwrap_or("");
    walk.tree
        .label(added, format_args!("Direction: {direction}"));
    walk.end();
    Ok(Outcome::Done)
}

/// A packet of version 1; gives how long it is, or what is missing. Those of each side's first frame are not
/// encrypted.
fn first_version(
    walk: &mut Walk<'_, '_>,
    rest: &Region<'_>,
    payload: &Payload,
    side: usize,
) -> Result<Result<usize, Need>, Stop> {
    const NAMES: [&str; 5] = [
        "No Message",
        "Disconnect",
        "Public Key",
        "Session Key",
        "User",
    ];
    let can_ask = payload.asking == Asking::Possible;
    let here = rest.reported();
    if can_ask && here < 4 {
        return Ok(Err(Need::Segment));
    }
    let mut len = rest.u32(0)? as usize;
    let padding = 8 - len % 8;
    if can_ask && len + 4 + padding > here {
        // Wireshark forgets the length itself, and asks again for what lacks then.
        let missing = (len + padding).saturating_sub(here).max(1);
        return Ok(Err(Need::Bytes(missing.min(MOST_MISSING) as u32)));
    }
    if len >= OVERLY_LARGE {
        len = here.checked_sub(4 + padding).ok_or(Stop::Malformed)?;
    }
    let frame = walk.frame.number;
    let plain_in = &mut walk.memory.ssh.session(payload.stream).plain_in[side];
    if *plain_in == 0 {
        *plain_in = frame;
    }
    if *plain_in == frame {
        let code = rest.u8(4 + padding)?;
        match NAMES.get(usize::from(code)) {
            Some(name) => say(walk, format_args!("{name}")),
            None => say(walk, format_args!("Unknown ({code})")),
        }
    } else {
        say(walk, format_args!("Encrypted packet (len={len})"));
    }
    rest.slice(4 + padding, len)?;
    Ok(Ok(4 + padding + len))
}

/// Adds to the info: behind what TCP found remarkable, too, with a comma.
fn say(walk: &mut Walk<'_, '_>, text: Arguments<'_>) {
    walk.columns.append_info_after(", ", text);
}

/// A packet that is not encrypted; gives the number of its message.
fn packet_of(
    walk: &mut Walk<'_, '_>,
    packet: &Region<'_>,
    payload: &Payload,
    side: usize,
) -> Result<u8, Stop> {
    let len = packet.reported();
    walk.tree
        .heading(packet.place(0, len), format_args!("SSH Version 2"));
    walk.tree.open();
    walk.u32(PACKET_LENGTH, packet, 0)?;
    let padding = usize::from(walk.u8(PADDING_LENGTH, packet, 4)?);
    let code = walk.u8(MESSAGE_CODE, packet, 5)?;
    if code == KEX_INIT {
        kex_init(walk, packet, payload, side)?;
    }
    if code == NEW_KEYS {
        walk.memory.ssh.session(payload.stream).encrypted[side] = true;
    }
    let place = packet.place(len.saturating_sub(padding), padding.min(len));
    walk.tree.add(PADDING, place, Value::Bytes);
    walk.tree.close();
    Ok(code)
}

/// The algorithms that a side knows (RFC 4253 section 7.1).
fn kex_init(
    walk: &mut Walk<'_, '_>,
    packet: &Region<'_>,
    payload: &Payload,
    side: usize,
) -> Result<(), Stop> {
    walk.tree.open();
    walk.tree.add(COOKIE, packet.place(6, 16), Value::Bytes);
    let mut at = 22;
    let fields = [
        KEX_ALGORITHMS,
        HOST_KEY_ALGORITHMS,
        ENCRYPTION_UP,
        ENCRYPTION_DOWN,
        MAC_UP,
        MAC_DOWN,
        COMPRESSION_UP,
        COMPRESSION_DOWN,
    ];
    for field in fields {
        let len = packet.u32(at)? as usize;
        let list = packet.slice(at + 4, len)?;
        let place = packet.place(at + 4, len);
        walk.tree
            .add_formatted(field, place, format_args!("{}", Escaped(list)));
        let kept = list.get(..MAX_LIST).unwrap_or(list).to_vec();
        let session = walk.memory.ssh.session(payload.stream);
        if field == KEX_ALGORITHMS {
            session.kex[side] = kept;
        } else if field == ENCRYPTION_UP {
            session.ciphers[0][side] = kept;
        } else if field == ENCRYPTION_DOWN {
            session.ciphers[1][side] = kept;
        }
        at += 4 + len;
    }
    walk.tree.close();
    Ok(())
}
