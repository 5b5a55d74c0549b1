//! Frames (RFC 9000 section 19): what a decrypted packet holds.

use super::connections::Side;
use super::crypto::{Outcome, Piece};
use super::number;
use crate::read::field::FieldId;
use crate::read::proto::expert::{Group, Severity};
use crate::read::proto::text::Escaped;
use crate::read::proto::tls;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Added, Place, Value};
use crate::read::walk::Walk;

/// The packet that frames belong to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet {
    /// Number of the connection.
    pub(super) connection: u32,
    pub(super) sender: Side,
}

const NOTE: (Severity, Group) = (Severity::Note, Group::Sequence);

/// Dissects all frames of a packet.
pub(super) fn all(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    packet: Packet,
) -> Result<(), Stop> {
    let mut at = 0;
    while at < region.reported() {
        at += one(walk, &region.rest(at), packet)?;
    }
    Ok(())
}

/// A frame whose fields are read one after the other.
struct Reader<'w, 'v, 'a, 'r, 'b> {
    walk: &'w mut Walk<'v, 'a>,
    region: &'r Region<'b>,
    at: usize,
}

impl Reader<'_, '_, '_, '_, '_> {
    fn number(&mut self, field: FieldId) -> Result<u64, Stop> {
        let (value, size) = number(self.region, self.at)?;
        let place = self.region.place(self.at, size);
        self.walk.tree.add(field, place, Value::Uint(value));
        self.at += size;
        Ok(value)
    }

    fn bytes(&mut self, field: FieldId, len: u64) -> Result<(), Stop> {
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        self.region.slice(self.at, len)?;
        let place = self.region.place(self.at, len);
        self.walk.tree.add(field, place, Value::Bytes);
        self.at += len;
        Ok(())
    }

    fn rest(&self) -> u64 {
        self.region.reported().saturating_sub(self.at) as u64
    }
}

/// Dissects the frame at the beginning; gives its length.
fn one(walk: &mut Walk<'_, '_>, region: &Region<'_>, packet: Packet) -> Result<usize, Stop> {
    let (kind, size) = number(region, 0)?;
    let node = walk.tree.add(super::FRAME, region.place(0, 1), Value::None);
    let name = super::names::frame(kind).unwrap_or("Unknown");
    walk.tree.label(node, format_args!("{name}"));
    let depth = walk.tree.depth();
    walk.tree.open();
    walk.tree
        .add(super::FRAME_TYPE, region.place(0, size), Value::Uint(kind));
    if let Some(short) = super::names::frame_short(kind) {
        walk.columns.append_info(format_args!(", {short}"));
    }
    let mut reader = Reader {
        walk,
        region,
        at: size,
    };
    match kind {
        0x06 => reader.crypto(packet)?,
        0x08..=0x0f => reader.stream(kind, node)?,
        0x1c | 0x1d => reader.close(kind, node)?,
        _ => reader.plain(kind, node)?,
    }
    let len = reader.at;
    walk.tree.set_depth(depth);
    walk.tree.set_len(node, len as u32);
    Ok(len)
}

impl Reader<'_, '_, '_, '_, '_> {
    #[expect(clippy::too_many_lines, reason = "one kind after the other")]
    fn plain(&mut self, kind: u64, node: Added) -> Result<(), Stop> {
        match kind {
            0x00 => {
                let rest = self.region.captured().get(self.at..).unwrap_or(&[]);
                let zeros = rest.iter().take_while(|byte| **byte == 0).count();
                let len = 1 + zeros as u64;
                self.walk
                    .tree
                    .add_generated(super::PADDING_LENGTH, Value::Uint(len));
                self.walk
                    .tree
                    .label(node, format_args!("PADDING Length: {len}"));
                self.at += zeros;
            }
            0x01 | 0x1e | 0xac => {}
            0x02 | 0x03 => {
                self.number(super::ACK_LARGEST)?;
                self.number(super::ACK_DELAY)?;
                let ranges = self.number(super::ACK_RANGE_COUNT)?;
                self.number(super::ACK_FIRST_RANGE)?;
                // Each takes two bytes, so that it ends with them.
                for _ in 0..ranges {
                    self.number(super::ACK_GAP)?;
                    self.number(super::ACK_RANGE)?;
                }
                if kind == 0x03 {
                    self.number(super::ECT0_COUNT)?;
                    self.number(super::ECT1_COUNT)?;
                    self.number(super::ECN_CE_COUNT)?;
                }
            }
            0x04 => {
                let id = self.of_stream(super::RSTS_STREAM_ID)?;
                let error = self.number(super::RSTS_ERROR)?;
                self.number(super::RSTS_FINAL_SIZE)?;
                self.walk.tree.label(
                    node,
                    format_args!("RESET_STREAM id={id} Error code: {error:#x}"),
                );
            }
            0x05 => {
                let id = self.of_stream(super::SS_STREAM_ID)?;
                let error = self.number(super::SS_ERROR)?;
                self.walk.tree.label(
                    node,
                    format_args!("STOP_SENDING id={id} Error code: {error:#x}"),
                );
            }
            0x07 => {
                let len = self.number(super::NT_LENGTH)?;
                self.bytes(super::NT_TOKEN, len)?;
            }
            0x10 => {
                self.number(super::MD_MAXIMUM)?;
            }
            0x11 => {
                let id = self.of_stream(super::MSD_STREAM_ID)?;
                self.number(super::MSD_MAXIMUM)?;
                self.walk
                    .tree
                    .label(node, format_args!("MAX_STREAM_DATA id={id}"));
            }
            0x12 | 0x13 => {
                self.number(super::MS_MAX)?;
            }
            0x14 => {
                self.number(super::DB_LIMIT)?;
            }
            0x15 => {
                let id = self.of_stream(super::SDB_STREAM_ID)?;
                self.number(super::DB_LIMIT)?;
                self.walk
                    .tree
                    .label(node, format_args!("STREAM_DATA_BLOCKED id={id}"));
            }
            0x16 | 0x17 => {
                self.number(super::SB_LIMIT)?;
            }
            0x18 => {
                self.number(super::NCI_SEQUENCE)?;
                self.number(super::NCI_RETIRE)?;
                let len = self.walk.u8(super::NCI_LEN, self.region, self.at)?;
                self.at += 1;
                self.bytes(super::NCI_ID, len.into())?;
                self.bytes(super::NCI_TOKEN, 16)?;
            }
            0x19 => {
                self.number(super::RCI_SEQUENCE)?;
            }
            0x1a => self.bytes(super::PATH_CHALLENGE, 8)?,
            0x1b => self.bytes(super::PATH_RESPONSE, 8)?,
            0x30 => self.bytes(super::DATAGRAM, self.rest())?,
            0x31 => {
                let len = self.number(super::DATAGRAM_LEN)?;
                self.bytes(super::DATAGRAM, len)?;
            }
            0xaf => {
                self.number(super::AF_SEQUENCE)?;
                self.number(super::AF_THRESHOLD)?;
                self.number(super::AF_DELAY)?;
                self.walk.u8(super::AF_LAST, self.region, self.at)?;
                self.at += 1;
            }
            0x2f5 => {
                self.number(super::TIME_STAMP)?;
            }
            _ => self.walk.expert(
                node,
                super::UNKNOWN_FRAME,
                (Severity::Note, Group::Undecoded),
                format_args!("Unknown Frame Type {kind:#x}"),
            ),
        }
        Ok(())
    }

    fn of_stream(&mut self, field: FieldId) -> Result<u64, Stop> {
        let id = self.number(field)?;
        self.walk.columns.append_info(format_args!("({id})"));
        Ok(id)
    }

    fn stream(&mut self, kind: u64, node: Added) -> Result<(), Stop> {
        let flags = self.region.place(self.at.saturating_sub(1), 1);
        self.walk.tree.open();
        for (field, bit) in [
            (super::STREAM_FIN, 1),
            (super::STREAM_LEN, 2),
            (super::STREAM_OFF, 4),
        ] {
            let value = Value::Bool(kind & bit != 0);
            self.walk.tree.add(field, flags, value);
        }
        self.walk.tree.close();
        let at = self.at;
        let id = self.of_stream(super::STREAM_ID)?;
        let place = self.region.place(at, self.at - at);
        self.walk.tree.open();
        let (initiator, direction) = (id & 1, id >> 1 & 1);
        for (field, value) in [
            (super::STREAM_INITIATOR, initiator),
            (super::STREAM_DIRECTION, direction),
        ] {
            self.walk.tree.add(field, place, Value::Uint(value));
        }
        self.walk.tree.close();
        let offset = match kind & 4 {
            0 => 0,
            _ => self.number(super::STREAM_OFFSET)?,
        };
        let len = match kind & 2 {
            0 => self.rest(),
            _ => self.number(super::STREAM_LENGTH)?,
        };
        let direction = super::names::direction(direction).unwrap_or("unknown");
        let initiator = super::names::initiator(initiator).unwrap_or("unknown");
        let fin = kind & 1;
        self.walk.tree.label(
            node,
            format_args!(
                "STREAM id={id} fin={fin} off={offset} len={len} dir={direction} origin={initiator}"
            ),
        );
        self.bytes(super::STREAM_DATA, len)
    }

    fn close(&mut self, kind: u64, node: Added) -> Result<(), Stop> {
        let is_transport = kind == 0x1c;
        let mut alert = None;
        let error = if is_transport {
            let error = self.number(super::CC_ERROR)?;
            if error >> 8 == 1 {
                alert = tls::alert_name(error & 0xff);
                if alert.is_some() {
                    let last = self.region.place(self.at - 1, 1);
                    let value = Value::Uint(error & 0xff);
                    self.walk.tree.add(super::CC_ALERT, last, value);
                }
            }
            self.number(super::CC_FRAME_TYPE)?;
            error
        } else {
            self.number(super::CC_ERROR_APP)?
        };
        let len = self.number(super::CC_REASON_LENGTH)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let reason = Escaped(self.region.slice(self.at, len)?);
        let place = self.region.place(self.at, len);
        self.walk
            .tree
            .add_formatted(super::CC_REASON, place, format_args!("{reason}"));
        self.at += len;
        let name = super::names::frame(kind).unwrap_or("Unknown");
        let alert = alert.map(|alert| format!(" ({alert})")).unwrap_or_default();
        if is_transport && error <= 0x3fff {
            match super::names::error(error) {
                Some(error) => self
                    .walk
                    .tree
                    .label(node, format_args!("{name} Error code: {error}{alert}")),
                None => self.walk.tree.label(
                    node,
                    format_args!("{name} Error code: Unknown ({error}){alert}"),
                ),
            }
        } else {
            self.walk
                .tree
                .label(node, format_args!("{name} Error code: {error:#x}{alert}"));
        }
        Ok(())
    }

    /// A piece of the handshake, which TLS gets in order.
    fn crypto(&mut self, packet: Packet) -> Result<(), Stop> {
        let offset = self.number(super::CRYPTO_OFFSET)?;
        let len = self.number(super::CRYPTO_LENGTH)?;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        let bytes = self.region.slice(self.at, len)?;
        let place = self.region.place(self.at, len);
        self.walk.tree.add(super::CRYPTO_DATA, place, Value::None);
        let piece = self.region.part(self.at, len);
        self.at += len;
        let frame = self.walk.frame.number;
        let memory = &mut self.walk.memory.quic;
        let others = memory.buffered;
        let Some(connection) = memory.get(packet.connection) else {
            return Ok(());
        };
        let stream = &mut connection.crypto[packet.sender.index()];
        let before = stream.waiting();
        let budget = super::connections::MAX_BUFFERED.saturating_sub(others);
        let outcome = stream.add(frame, offset, bytes, budget);
        let after = stream.waiting();
        memory.buffered = (others + after).saturating_sub(before);
        match outcome {
            Outcome::Repeated => {
                self.remark(
                    super::RETRANSMISSION,
                    place,
                    "This QUIC frame has a reused stream offset (retransmission?)",
                );
                Ok(())
            }
            Outcome::Waits => Ok(()),
            Outcome::Next { from } => {
                self.overlap(from, place);
                hand_on(self.walk, &piece.rest(from), packet)
            }
            Outcome::Filled {
                whole,
                pieces,
                from,
            } => {
                self.overlap(from, place);
                let tree = &mut *self.walk.tree;
                let len = whole.len() as u32;
                let source = tree.add_source("Reassembled QUIC CRYPTO", whole.clone());
                show_pieces(self.walk, &pieces, source, len);
                hand_on(self.walk, &Region::new(source, &whole, len), packet)
            }
        }
    }

    fn overlap(&mut self, from: usize, place: Place) {
        if from > 0 {
            self.remark(
                super::OVERLAP,
                place,
                "This QUIC frame overlaps a previous frame in the stream",
            );
        }
    }

    fn remark(&mut self, field: FieldId, place: Place, text: &str) {
        let node = self.walk.tree.heading(place, format_args!("{text}"));
        self.walk.expert(node, field, NOTE, format_args!("{text}"));
    }
}

/// TLS says nothing in the list here.
fn hand_on(walk: &mut Walk<'_, '_>, region: &Region<'_>, packet: Packet) -> Result<(), Stop> {
    let info = walk.columns.info.len();
    let protocol = walk.columns.protocol.clone();
    let current = walk.current;
    let outcome = tls::in_quic(walk, region, packet.connection, packet.sender.index());
    walk.columns.info.truncate(info);
    walk.columns.protocol = protocol;
    if outcome.is_ok() {
        walk.current = current;
    }
    outcome
}

fn show_pieces(walk: &mut Walk<'_, '_>, pieces: &[Piece], source: u8, len: u32) {
    let tree = &mut *walk.tree;
    let place = |at: u32, len: u32| Place { source, at, len };
    let all = tree.add(super::CRYPTO_FRAGMENTS, place(0, len), Value::None);
    tree.set_generated(all);
    if tree.labels() {
        let parts: Vec<_> = pieces
            .iter()
            .map(|one| format!("#{}({})", one.frame, one.bytes.len()))
            .collect();
        let (count, parts) = (pieces.len(), parts.join(", "));
        let s = if len == 1 { "" } else { "s" };
        tree.label(
            all,
            format_args!("{count} Reassembled QUIC CRYPTO Data Fragments ({len} byte{s}): {parts}"),
        );
    }
    tree.open();
    for one in pieces {
        let (at, len) = (one.offset as u32, one.bytes.len() as u32);
        let added = tree.add(
            super::CRYPTO_FRAGMENT,
            place(at, len),
            Value::Uint(one.frame),
        );
        tree.set_generated(added);
        let s = if len == 1 { "" } else { "s" };
        let last = (at + len).saturating_sub(1);
        tree.label(
            added,
            format_args!("Frame: {}, payload: {at}-{last} ({len} byte{s})", one.frame),
        );
    }
    tree.add_generated(
        super::CRYPTO_FRAGMENT_COUNT,
        Value::Uint(pieces.len() as u64),
    );
    tree.close();
}
