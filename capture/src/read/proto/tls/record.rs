//! TLS records (RFC 8446 section 5.1).

use super::names::{alert_name, level_name};
use super::session::{Flight, Version};
use super::{RECORD_HEADER_LEN, append, handshake};
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::tcp::applications::{Asking, Payload};
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Place, Value};
use crate::read::walk::Walk;

const CHANGE_CIPHER_SPEC: u8 = 20;
const ALERT: u8 = 21;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;
const HEARTBEAT: u8 = 24;
const CONNECTION_ID: u8 = 25;
const CLIENT_HELLO: u8 = 1;

/// How a record ended.
pub(super) enum Read {
    /// It has so many bytes.
    Whole(usize),
    /// So many more are needed.
    Missing(u32),
    /// It has so many bytes, and this was encrypted in it for who is spoken to inside.
    Opened(usize, Vec<u8>),
}

/// Whether a record can have this content.
const fn is_content(kind: u8) -> bool {
    matches!(kind, CHANGE_CIPHER_SPEC..=CONNECTION_ID)
}

/// Whether these bytes can be the beginning of a record of SSL 3 or TLS.
pub(super) fn looks_like_record(region: &Region<'_>) -> bool {
    let Ok([kind, high, low]) = region.array::<3>(0) else {
        return false;
    };
    let version = u16::from_be_bytes([high, low]);
    matches!(kind, CHANGE_CIPHER_SPEC..=HEARTBEAT) && matches!(version, 0x0101 | 0x0300..=0x0304)
}

/// Whether these bytes are the hello of SSL 2 (RFC 5246 appendix E.2).
pub(super) fn is_old_hello(region: &Region<'_>) -> bool {
    let Ok([first, _, kind, high, low]) = region.array::<5>(0) else {
        return false;
    };
    let version = u16::from_be_bytes([high, low]);
    first & 0x80 != 0 && kind == CLIENT_HELLO && matches!(version, 0x0002 | 0x0300..=0x0304)
}

/// Whether these bytes can be a record of SSL 2 with a message of a handshake that is not encrypted.
pub(super) fn looks_like_old_record(region: &Region<'_>) -> bool {
    let Ok([first, _, kind]) = region.array::<3>(0) else {
        return false;
    };
    first & 0x80 != 0 && matches!(kind, 0..=2 | 4)
}

/// Whether a message of SSL 2 is what its first byte says.
fn is_old_message(region: &Region<'_>, len: usize) -> Result<bool, Stop> {
    let is_version = |number: u16| number == 0x0002 || Version::known(number).is_some();
    Ok(match region.u8(0)? {
        1 => is_version(region.u16(1)?),
        2 => {
            let [a, b, c] = [4, 6, 8].map(|at| region.u16(at).map(usize::from));
            a? + b? + c? <= len
        }
        4 => is_version(region.u16(3)?),
        _ => false,
    })
}

/// Dissects the record of SSL 2 at the beginning of `region`.
pub(super) fn dissect_old(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    payload: &Payload,
) -> Result<Read, Stop> {
    let (first, second) = (region.u8(0)?, region.u8(1)?);
    // Without the highest bit there are bytes that fill a block, and how many.
    let (header_len, high) = if first & 0x80 == 0 {
        (3, first & 0x3f)
    } else {
        (2, first & 0x7f)
    };
    let len = usize::from(u16::from_be_bytes([high, second]));
    let whole_len = header_len + len;
    if region.reported() < whole_len {
        if payload.asking == Asking::Possible {
            return Ok(Read::Missing((whole_len - region.reported()) as u32));
        }
        return Ok(Read::Whole(region.reported()));
    }
    let kind = region.u8(header_len)?;
    let flight = super::flight(payload);
    if walk.memory.tls.version(flight.session) == Version::UNKNOWN && matches!(kind, 2..=8) {
        walk.memory.tls.session(flight.session).version = Version::SSL_2;
    }
    walk.columns.set_protocol(Version::SSL_2.name());
    let text = if is_old_message(&region.rest(header_len), len)? {
        match kind {
            1 => "Client Hello",
            2 => "Client Master Key",
            _ => "Server Hello",
        }
    } else {
        "Encrypted Data"
    };
    append(walk, text);
    Ok(Read::Whole(whole_len))
}

/// Dissects the record at the beginning of `region`, which has its header.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    payload: &Payload,
) -> Result<Read, Stop> {
    let kind = region.u8(0)?;
    let flight = super::flight(payload);
    let known = walk.memory.tls.version(flight.session);
    if (Version::TLS_1_0..Version::TLS_1_3).contains(&known) && !is_content(kind) {
        walk.columns.set_protocol(known.name());
        append(walk, "Ignored Unknown Record");
        let place = region.place(0, region.captured().len());
        let node = walk
            .tree
            .heading(place, format_args!("Ignored Unknown Record"));
        walk.expert(
            node,
            super::IGNORED,
            (Severity::Warning, Group::Protocol),
            format_args!("Ignored Unknown Record"),
        );
        return Ok(Read::Whole(region.reported()));
    }
    let (number, record_len) = (region.u16(1)?, region.u16(3)?);
    let len = usize::from(record_len);
    let whole_len = RECORD_HEADER_LEN + len;
    if !is_content(kind) {
        append(walk, "Continuation Data");
        return Ok(Read::Whole(whole_len));
    }
    if payload.asking == Asking::Possible && region.reported() < whole_len {
        return Ok(Read::Missing((whole_len - region.reported()) as u32));
    }
    let mut version = known;
    if known == Version::UNKNOWN {
        version = Version(number);
        let body = region.u8(RECORD_HEADER_LEN).ok();
        let says = match (kind, body) {
            (HANDSHAKE, Some(first)) => {
                first != CLIENT_HELLO && super::handshake_name(first.into()).is_some()
            }
            (HANDSHAKE, None) => false,
            _ => true,
        };
        if says && let Some(known) = Version::known(number) {
            walk.memory.tls.session(flight.session).version = known;
        }
    }
    walk.columns.set_protocol(version.name());
    let node = header(walk, region, kind, len, version)?;
    let body = region.part(RECORD_HEADER_LEN, len);
    let opened = open(walk, region, &body, flight);
    let is_open = opened.is_some();
    let record = Record {
        node,
        version,
        flight,
        is_open,
    };
    walk.tree.open();
    let (kind, plain) = opened.unwrap_or((kind, Vec::new()));
    let body = if is_open {
        let number = walk.tree.add_source("Decrypted TLS", plain.clone());
        Region::new(number, &plain, plain.len() as u32)
    } else {
        body
    };
    match kind {
        CHANGE_CIPHER_SPEC => {
            append(walk, "Change Cipher Spec");
            record.title(
                walk,
                format_args!("Change Cipher Spec Protocol: Change Cipher Spec"),
            );
            let place = body.place(0, body.captured().len());
            let node = walk.tree.add(super::CHANGE_CIPHER_SPEC, place, Value::None);
            change_cipher(walk, node, flight);
            walk.memory
                .tls
                .use_master_secret(flight.session, flight.direction);
        }
        ALERT => record.alert(walk, &body)?,
        HANDSHAKE => handshake::dissect(walk, body, &record)?,
        APPLICATION_DATA => {
            if record.application_data(walk, &body, payload) == Inside::Known {
                walk.tree.close();
                return Ok(Read::Opened(whole_len, plain));
            }
            if len > body.captured().len() && !is_open && payload.asking == Asking::Possible {
                return Err(Stop::Snapped);
            }
        }
        // TLS 1.3 has none.
        HEARTBEAT if version == Version::TLS_1_3 => {}
        HEARTBEAT => {
            let text = heartbeat_name(&body).unwrap_or("Encrypted Heartbeat");
            append(walk, text);
            record.title(walk, format_args!("{text}"));
        }
        _ => append(walk, "Connection ID"),
    }
    walk.tree.close();
    Ok(Read::Whole(whole_len))
}

/// Takes the encryption off a record, if its secrets are known: what kind of content it has, and that.
fn open(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    body: &Region<'_>,
    flight: Flight,
) -> Option<(u8, Vec<u8>)> {
    if walk.memory.tls.secrets.is_empty() || body.is_cut() {
        return None;
    }
    let opened = walk.memory.tls.opened(flight.session)?;
    let opener = opened.openers[flight.direction].as_mut()?;
    let header = region.array(0).ok()?;
    // In TLS 1.3 this is all that looks encrypted.
    if opener.is_new() && header[0] != APPLICATION_DATA {
        return None;
    }
    opener.open(header, body.captured())
}

/// From here on, what the sender says is encrypted; in TLS 1.3 this message means nothing.
fn change_cipher(walk: &mut Walk<'_, '_>, node: Added, flight: Flight) {
    let frame = walk.frame.number;
    let session = walk.memory.tls.session(flight.session);
    if session.version == Version::TLS_1_3 {
        return;
    }
    let from = &mut session.encrypted_from[flight.direction];
    if *from == 0 {
        *from = frame;
    }
    if session.resumed_by == Some(flight.direction) {
        walk.expert(
            node,
            super::RESUMED,
            (Severity::Note, Group::Sequence),
            format_args!("This session reuses previously negotiated keys (Session resumption)"),
        );
    }
}

fn header(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    kind: u8,
    len: usize,
    version: Version,
) -> Result<Added, Stop> {
    let place = region.place(0, RECORD_HEADER_LEN + len);
    let node = walk.tree.add(super::RECORD, place, Value::None);
    walk.tree.open();
    let value = Value::Uint(kind.into());
    // What TLS 1.3 calls application data can be anything.
    let field = if version == Version::TLS_1_3 && kind == APPLICATION_DATA {
        super::OPAQUE_TYPE
    } else {
        super::CONTENT_TYPE
    };
    walk.tree.add(field, region.place(0, 1), value);
    walk.u16(super::RECORD_VERSION, region, 1)?;
    walk.u16(super::RECORD_LEN, region, 3)?;
    walk.tree.close();
    Ok(node)
}

/// A record whose body is read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record {
    pub(super) node: Added,
    pub(super) version: Version,
    pub(super) flight: Flight,
    /// Its encryption was taken off.
    pub(super) is_open: bool,
}

/// Whether somebody takes apart what was encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    Known,
    Unknown,
}

/// What a heartbeat (RFC 6520 section 4) is, by its first byte: else it is encrypted. Where its payload
/// would end is not asked, which is what Heartbleed was about.
fn heartbeat_name(body: &Region<'_>) -> Option<&'static str> {
    match body.u8(0).ok()? {
        1 => Some("Heartbeat Request"),
        2 => Some("Heartbeat Response"),
        _ => None,
    }
}

impl Record {
    fn application_data(
        &self,
        walk: &mut Walk<'_, '_>,
        body: &Region<'_>,
        payload: &Payload,
    ) -> Inside {
        let inside = super::inside::name(walk, payload);
        let is_known = self.is_open && inside.is_some_and(super::inside::is_known);
        if !is_known {
            append(walk, "Application Data");
        }
        let shown = inside.unwrap_or("Application Data");
        self.title(walk, format_args!("Application Data Protocol: {shown}"));
        walk.bytes(super::APP_DATA, body);
        if let Some(name) = inside {
            let tree = &mut *walk.tree;
            let added = tree.add_text(super::APP_DATA_PROTO, Place::default(), name);
            tree.set_generated(added);
        }
        if is_known {
            Inside::Known
        } else {
            Inside::Unknown
        }
    }

    /// What the tree says of the record.
    pub(super) fn title(&self, walk: &mut Walk<'_, '_>, text: std::fmt::Arguments<'_>) {
        let version = self.version.name();
        walk.tree
            .label(self.node, format_args!("{version} Record Layer: {text}"));
    }

    fn alert(&self, walk: &mut Walk<'_, '_>, body: &Region<'_>) -> Result<(), Stop> {
        let place = body.place(0, body.captured().len());
        let node = walk.tree.add(super::ALERT, place, Value::None);
        let plain = (body.reported() == 2)
            .then(|| body.array::<2>(0))
            .transpose()?;
        let names = plain.and_then(|[level, kind]| {
            let (level, kind) = (level_name(level.into()), alert_name(kind.into()));
            let known = level.is_some() || kind.is_some();
            known.then(|| (level.unwrap_or("Unknown"), kind.unwrap_or("Unknown")))
        });
        let Some((level, description)) = names else {
            append(walk, "Encrypted Alert");
            self.title(walk, format_args!("Encrypted Alert"));
            walk.tree
                .label(node, format_args!("Alert Message: Encrypted Alert"));
            return Ok(());
        };
        walk.columns.append_info_after(
            ", ",
            format_args!("Alert (Level: {level}, Description: {description})"),
        );
        self.title(
            walk,
            format_args!("Alert (Level: {level}, Description: {description})"),
        );
        walk.tree.open();
        walk.u8(super::ALERT_LEVEL, body, 0)?;
        walk.u8(super::ALERT_DESC, body, 1)?;
        walk.tree.close();
        Ok(())
    }
}
