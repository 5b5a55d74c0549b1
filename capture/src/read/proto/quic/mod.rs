//! QUIC (RFC 9000, RFC 9001, RFC 9369 and the drafts before them), as Wireshark's `packet-quic.c` shows
//! it without secrets: Initial packets are decrypted, of the others the headers are shown.
//!
//! - `version.rs` versions, and what they derive their first keys with; `protection.rs` decryption
//! - `cid.rs` connection IDs; `connections.rs` what is remembered of connections
//! - `google.rs` what it was at Google
//! - `header.rs` long and short headers; `frame.rs` frames; `crypto.rs` the handshake's pieces in order
//! - `names.rs` names of numbers

mod cid;
mod connections;
mod crypto;
mod frame;
pub(crate) mod google;
mod header;
mod names;
mod protection;
mod version;

pub(crate) use connections::Memory;
pub(crate) use names::version as version_name;

use crate::read::field::protocol;
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::tls;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Place, Value};
use crate::read::walk::Walk;
use cid::{Cid, MAX_LEN};
use connections::{Beginning, Connection, Side};
use version::Kind;

protocol! {
    29, "quic", "QUIC", "QUIC IETF";
    CONNECTION_NUMBER: "quic.connection.number", "Connection Number", Uint(32), Dec;
    PACKET_LENGTH: "quic.packet_length", "Packet Length", Uint(32), Dec;
    HEADER_FORM: "quic.header_form", "Header Form", Uint(8), Dec, mask = 0x80, names = names::form;
    PACKET_TYPE: "quic.long.packet_type", "Packet Type", Uint(8), Dec, mask = 0x30, names = names::kind;
    PACKET_TYPE_V2: "quic.long.packet_type_v2", "Packet Type", Uint(8), Dec, mask = 0x30, names = names::kind_v2;
    LONG_RESERVED: "quic.long.reserved", "Reserved", Uint(8), Dec, mask = 0x0c;
    NUMBER_LEN: "quic.packet_number_length", "Packet Number Length", Uint(8), Dec, mask = 0x03, names = names::number_len;
    DCID: "quic.dcid", "Destination Connection ID", Bytes;
    SCID: "quic.scid", "Source Connection ID", Bytes;
    DCIL: "quic.dcil", "Destination Connection ID Length", Uint(8), Dec;
    SCIL: "quic.scil", "Source Connection ID Length", Uint(8), Dec;
    TOKEN_LENGTH: "quic.token_length", "Token Length", Uint(64), Dec;
    TOKEN: "quic.token", "Token", Bytes;
    LENGTH: "quic.length", "Length", Uint(64), Dec;
    NUMBER: "quic.packet_number", "Packet Number", Uint(64), Dec;
    VERSION: "quic.version", "Version", Uint(32), Hex, names = names::version;
    SUPPORTED_VERSION: "quic.supported_version", "Supported Version", Uint(32), Hex, names = names::version;
    VN_UNUSED: "quic.vn.unused", "Unused", Uint(8), Hex, mask = 0x7f;
    SHORT: "quic.short", "QUIC Short Header", None;
    FIXED_BIT: "quic.fixed_bit", "Fixed Bit", Bool, None, mask = 0x40;
    SPIN_BIT: "quic.spin_bit", "Spin Bit", Bool, None, mask = 0x20;
    PAYLOAD: "quic.payload", "Payload", Bytes;
    REMAINING_PAYLOAD: "quic.remaining_payload", "Remaining Payload", Bytes;
    ODCIL: "quic.odcil", "Original Destination Connection ID Length", Uint(8), Dec;
    ODCID: "quic.odcid", "Original Destination Connection ID", Bytes;
    RETRY_TOKEN: "quic.retry_token", "Retry Token", Bytes;
    RETRY_TAG: "quic.retry_integrity_tag", "Retry Integrity Tag", Bytes;
    FRAME: "quic.frame", "Frame", None;
    FRAME_TYPE: "quic.frame_type", "Frame Type", Uint(64), Hex, names = names::frame;
    PADDING_LENGTH: "quic.padding_length", "Padding Length", Uint(32), Dec;
    ACK_LARGEST: "quic.ack.largest_acknowledged", "Largest Acknowledged", Uint(64), Dec;
    ACK_DELAY: "quic.ack.ack_delay", "ACK Delay", Uint(64), Dec;
    ACK_RANGE_COUNT: "quic.ack.ack_range_count", "ACK Range Count", Uint(64), Dec;
    ACK_FIRST_RANGE: "quic.ack.first_ack_range", "First ACK Range", Uint(64), Dec;
    ACK_GAP: "quic.ack.gap", "Gap", Uint(64), Dec;
    ACK_RANGE: "quic.ack.ack_range", "ACK Range", Uint(64), Dec;
    ECT0_COUNT: "quic.ack.ect0_count", "ECT(0) Count", Uint(64), Dec;
    ECT1_COUNT: "quic.ack.ect1_count", "ECT(1) Count", Uint(64), Dec;
    ECN_CE_COUNT: "quic.ack.ecn_ce_count", "ECN-CE Count", Uint(64), Dec;
    RSTS_STREAM_ID: "quic.rsts.stream_id", "Stream ID", Uint(64), Dec;
    RSTS_ERROR: "quic.rsts.application_error_code", "Application Error code", Uint(64), Dec;
    RSTS_FINAL_SIZE: "quic.rsts.final_size", "Final Size", Uint(64), Dec;
    SS_STREAM_ID: "quic.ss.stream_id", "Stream ID", Uint(64), Dec;
    SS_ERROR: "quic.ss.application_error_code", "Application Error code", Uint(64), Dec;
    CRYPTO_OFFSET: "quic.crypto.offset", "Offset", Uint(64), Dec;
    CRYPTO_LENGTH: "quic.crypto.length", "Length", Uint(64), Dec;
    CRYPTO_DATA: "quic.crypto.crypto_data", "Crypto Data", None;
    NT_LENGTH: "quic.nt.length", "(Token) Length", Uint(64), Dec;
    NT_TOKEN: "quic.nt.token", "Token", Bytes;
    STREAM_FIN: "quic.stream.fin", "Fin", Bool, None, mask = 0x01;
    STREAM_LEN: "quic.stream.len", "Len(gth)", Bool, None, mask = 0x02;
    STREAM_OFF: "quic.stream.off", "Off(set)", Bool, None, mask = 0x04;
    STREAM_ID: "quic.stream.stream_id", "Stream ID", Uint(64), Dec;
    STREAM_INITIATOR: "quic.stream.initiator", "Stream initiator", Uint(64), Dec, mask = 0x01, names = names::initiator;
    STREAM_DIRECTION: "quic.stream.direction", "Stream direction", Uint(64), Dec, mask = 0x02, names = names::direction;
    STREAM_OFFSET: "quic.stream.offset", "Offset", Uint(64), Dec;
    STREAM_LENGTH: "quic.stream.length", "Length", Uint(64), Dec;
    STREAM_DATA: "quic.stream_data", "Stream Data", Bytes;
    MD_MAXIMUM: "quic.md.maximum_data", "Maximum Data", Uint(64), Dec;
    MSD_STREAM_ID: "quic.msd.stream_id", "Stream ID", Uint(64), Dec;
    MSD_MAXIMUM: "quic.msd.maximum_stream_data", "Maximum Stream Data", Uint(64), Dec;
    MS_MAX: "quic.ms.max_streams", "Max Streams", Uint(64), Dec;
    DB_LIMIT: "quic.sb.stream_data_limit", "Stream Data Limit", Uint(64), Dec;
    SDB_STREAM_ID: "quic.sdb.stream_id", "Stream ID", Uint(64), Dec;
    SB_LIMIT: "quic.sib.stream_limit", "Stream Limit", Uint(64), Dec;
    NCI_RETIRE: "quic.nci.retire_prior_to", "Retire Prior To", Uint(64), Dec;
    NCI_SEQUENCE: "quic.nci.sequence", "Sequence", Uint(64), Dec;
    NCI_LEN: "quic.nci.connection_id.length", "Connection ID Length", Uint(8), Dec;
    NCI_ID: "quic.nci.connection_id", "Connection ID", Bytes;
    NCI_TOKEN: "quic.nci.stateless_reset_token", "Stateless Reset Token", Bytes;
    RCI_SEQUENCE: "quic.rci.sequence", "Sequence", Uint(64), Dec;
    PATH_CHALLENGE: "quic.path_challenge.data", "Data", Bytes;
    PATH_RESPONSE: "quic.path_response.data", "Data", Bytes;
    CC_ERROR: "quic.cc.error_code", "Error code", Uint(64), Dec, names = names::error;
    CC_ERROR_APP: "quic.cc.error_code.app", "Application Error code", Uint(64), Dec;
    CC_ALERT: "quic.cc.error_code.tls_alert", "TLS Alert Description", Uint(8), Dec, names = tls::alert_name;
    CC_FRAME_TYPE: "quic.cc.frame_type", "Frame Type", Uint(64), Dec;
    CC_REASON_LENGTH: "quic.cc.reason_phrase.length", "Reason phrase Length", Uint(64), Dec;
    CC_REASON: "quic.cc.reason_phrase", "Reason phrase", String;
    DATAGRAM_LEN: "quic.dg.length", "Datagram Length", Uint(64), Dec;
    DATAGRAM: "quic.dg", "Datagram", Bytes;
    AF_SEQUENCE: "quic.af.sequence_number", "Sequence Number", Uint(64), Dec;
    AF_THRESHOLD: "quic.af.ack_eliciting_threshold", "Ack-Eliciting Threshold", Uint(64), Dec;
    AF_DELAY: "quic.af.request_max_ack_delay", "Request Max Ack Delay", Uint(64), Dec;
    AF_LAST: "quic.af.last_byte", "Last Byte", Uint(8), Hex;
    TIME_STAMP: "quic.ts", "Time Stamp", Uint(64), Dec;
    CRYPTO_FRAGMENT_COUNT: "quic.crypto.fragment.count", "Fragment count", Uint(32), Dec;
    CRYPTO_FRAGMENT: "quic.crypto.fragment", "QUIC CRYPTO Data Fragment", FrameNumber;
    CRYPTO_FRAGMENTS: "quic.crypto.fragments", "Reassembled QUIC CRYPTO Data Fragments", None;
    CONNECTION_UNKNOWN: "quic.connection.unknown", "Unknown QUIC connection. Missing Initial Packet or migrated connection?", None;
    UNKNOWN_FRAME: "quic.ft.unknown", "Unknown Frame Type", None;
    DECRYPTION_FAILED: "quic.decryption_failed", "Failed to decrypt handshake", None;
    BAD_RETRY: "quic.bad_retry", "Retry Integrity Tag verification failure", None;
    COALESCED_PADDING: "quic.coalesced_padding_data", "Coalesced Padding Data", None;
    RETRANSMISSION: "quic.retransmission", "This QUIC frame has a reused stream offset (retransmission?)", None;
    OVERLAP: "quic.overlap", "This QUIC frame overlaps a previous frame in the stream", None;
}

/// A datagram whose version is looked at has at least so many bytes.
const LEAST_LONG: usize = 13;
/// First byte, an ID, a packet number and the tag of a payload.
const LEAST_SHORT: usize = 19;

const PROTOCOL_NOTE: (Severity, Group) = (Severity::Note, Group::Protocol);

/// A datagram that is being dissected.
#[derive(Clone, Copy, Debug)]
struct Datagram {
    connection: Option<u32>,
    sender: Side,
    /// The ID that a Retry in it answers.
    answers: Option<Cid>,
}

/// Dissects a datagram of the UDP stream `stream`, if it is QUIC.
pub(crate) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    stream: u32,
    [source, destination]: [u16; 2],
) -> Result<bool, Stop> {
    let carrier = walk.carrier;
    let (sender, receiver) = ((carrier.source, source), (carrier.destination, destination));
    if !walk.memory.quic.has(stream) {
        if !recognizes(&walk.memory.quic, region, stream, sender) {
            return Ok(false);
        }
        walk.memory.quic.insert(stream);
    }
    walk.columns.set_protocol("QUIC");
    let mut node = walk.begin(THIS, region, region.captured().len());
    let packet = beginning(region)?;
    let memory = &mut walk.memory.quic;
    let found = memory.find(&packet, stream, sender);
    let answers = found
        .filter(|_| packet.kind == Kind::Retry)
        .and_then(|(number, _)| memory.get(number)?.first);
    let found = memory.learn(&packet, found, stream, receiver);
    let datagram = Datagram {
        connection: found.map(|(number, _)| number),
        sender: found.map_or(Side::Client, |(_, side)| side),
        answers,
    };
    connection_information(walk, &datagram);
    let mut at = 0;
    let mut first_id = Cid::default();
    while at < region.reported() {
        if at > 0 {
            let rest = region.rest(at);
            let place = rest.place(0, rest.captured().len());
            node = walk.tree.add(THIS, place, Value::None);
            walk.tree.open();
        }
        let packet = message(&region.rest(at))?;
        let id = walk.id_of(&packet, &datagram)?;
        match id {
            Some(id) if at == 0 => first_id = id,
            Some(id) if id != first_id => {
                walk.expert(
                    node,
                    COALESCED_PADDING,
                    PROTOCOL_NOTE,
                    format_args!("(Random) padding data appended to the datagram"),
                );
                walk.end();
                break;
            }
            _ => {}
        }
        walk.tree.set_len(node, packet.captured().len() as u32);
        let value = Value::Uint(packet.reported() as u64);
        walk.tree.add_generated(PACKET_LENGTH, value);
        let go_on = header::dissect(walk, &packet, node, &datagram)?;
        walk.end();
        if !go_on {
            break;
        }
        at += packet.reported().max(1);
    }
    Ok(true)
}

/// Whether a datagram of a stream that was none so far is QUIC.
fn recognizes(memory: &Memory, region: &Region<'_>, stream: u32, sender: connections::End) -> bool {
    let captured = region.captured().len();
    let Some(&first) = region.captured().first().filter(|_| captured >= LEAST_LONG) else {
        return false;
    };
    if first & 0x80 == 0 {
        if memory.is_empty() || captured < LEAST_SHORT {
            return false;
        }
        let len = (captured - LEAST_SHORT + 1).min(MAX_LEN.into()) as u8;
        let id = Cid::read(region, 1, len);
        return id.is_ok_and(|to| {
            let packet = Beginning {
                kind: Kind::Short,
                version: 0,
                to,
                from: Cid::default(),
            };
            memory.find(&packet, stream, sender).is_some()
        });
    }
    let Ok(to_len) = region.u8(5) else {
        return false;
    };
    region.u32(1).is_ok_and(version::is_known)
        && to_len <= MAX_LEN
        && region
            .u8(6 + usize::from(to_len))
            .is_ok_and(|len| len <= MAX_LEN)
}

/// What the first bytes say.
fn beginning(region: &Region<'_>) -> Result<Beginning, Stop> {
    let first = region.u8(0)?;
    if first & 0x80 == 0 {
        return Ok(Beginning {
            kind: Kind::Short,
            version: 0,
            to: Cid::read(region, 1, MAX_LEN)?,
            from: Cid::default(),
        });
    }
    let version = region.u32(1)?;
    let to_len = region.u8(5)?;
    let to = Cid::read(region, 6, to_len)?;
    let at = 6 + usize::from(to_len);
    let from_len = region.u8(at)?;
    Ok(Beginning {
        kind: Kind::of(first, version),
        version,
        to,
        from: Cid::read(region, at + 1, from_len)?,
    })
}

/// The packet at the beginning of what is left of a datagram: as long as it says, or all.
fn message<'b>(region: &Region<'b>) -> Result<Region<'b>, Stop> {
    let first = region.u8(0)?;
    if first & 0x80 == 0 {
        return Ok(*region);
    }
    let version = region.u32(1)?;
    let kind = Kind::of(first, version);
    if matches!(kind, Kind::Retry | Kind::Negotiation) {
        return Ok(*region);
    }
    let mut len = 6 + usize::from(region.u8(5)?);
    len += 1 + usize::from(region.u8(len)?);
    if kind == Kind::Initial {
        let (token, size) = number(region, len)?;
        len += size;
        len = len.saturating_add(usize::try_from(token).unwrap_or(usize::MAX));
    }
    let (payload, size) = number(region, len)?;
    len = len.saturating_add(size);
    let payload = usize::try_from(payload).unwrap_or(usize::MAX);
    Ok(region.part(0, len.saturating_add(payload)))
}

impl Walk<'_, '_> {
    /// The ID that a packet was sent to; `None` if that cannot be told.
    fn id_of(&mut self, packet: &Region<'_>, datagram: &Datagram) -> Result<Option<Cid>, Stop> {
        if packet.u8(0)? & 0x80 != 0 {
            let len = packet.u8(5)?;
            return Cid::read(packet, 6, len).map(Some);
        }
        let Some(connection) = self.quic_connection(datagram) else {
            return Ok(None);
        };
        let len = connection.id_to(datagram.sender).len();
        Cid::read(packet, 1, len).map(Some)
    }

    fn quic_connection(&mut self, datagram: &Datagram) -> Option<&mut Connection> {
        let number = datagram.connection?;
        self.memory.quic.get(number)
    }

    fn decryption_failed(&mut self, node: Added, text: std::fmt::Arguments<'_>) {
        let severity = (Severity::Warning, Group::Decryption);
        self.expert(node, DECRYPTION_FAILED, severity, text);
    }
}

fn connection_information(walk: &mut Walk<'_, '_>, datagram: &Datagram) {
    let heading = walk.tree.heading(
        Place::default(),
        format_args!("QUIC Connection information"),
    );
    match datagram.connection {
        Some(number) => {
            walk.tree.open();
            walk.tree
                .add_generated(CONNECTION_NUMBER, Value::Uint(number.into()));
            walk.tree.close();
        }
        None => walk.expert(
            heading,
            CONNECTION_UNKNOWN,
            PROTOCOL_NOTE,
            format_args!("Unknown QUIC connection. Missing Initial Packet or migrated connection?"),
        ),
    }
}

/// A number of variable length (RFC 9000 section 16), and how many bytes it has.
pub(crate) fn number(region: &Region<'_>, at: usize) -> Result<(u64, usize), Stop> {
    let first = region.u8(at)?;
    Ok(match first >> 6 {
        0 => (u64::from(first & 0x3f), 1),
        1 => (u64::from(region.u16(at)? & 0x3fff), 2),
        2 => (u64::from(region.u32(at)? & 0x3fff_ffff), 4),
        _ => (region.u64(at)? & 0x3fff_ffff_ffff_ffff, 8),
    })
}
