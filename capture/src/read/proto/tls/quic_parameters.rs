//! Transport parameters of QUIC, an extension of TLS (RFC 9000 section 18, and others' own).

use std::fmt;

use crate::read::FieldId;
use crate::read::proto::names::pick;
use crate::read::proto::quic::number;
use crate::read::proto::text::Escaped;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

/// What a parameter holds.
#[derive(Clone, Copy, Debug)]
enum Content {
    Bytes(FieldId),
    /// A number, and its unit in the line of the parameter.
    Number(FieldId, &'static str),
    /// A number that the line of the parameter does not show.
    Quiet(FieldId),
    Text(FieldId),
    Word(FieldId),
    Versions,
    Nothing,
}

/// Whether the number is one that means nothing (RFC 9000 section 18.1).
const fn is_grease(kind: u64) -> bool {
    kind >= 27 && (kind - 27).is_multiple_of(31)
}

/// Name and content of a parameter.
fn known(kind: u64) -> Option<(&'static str, Content)> {
    use Content::{Bytes, Nothing, Number, Quiet, Text, Versions, Word};
    Some(match kind {
        0x00 => (
            "original_destination_connection_id",
            Bytes(super::QP_ORIGINAL_ID),
        ),
        0x01 => ("max_idle_timeout", Number(super::QP_IDLE_TIMEOUT, " ms")),
        0x02 => ("stateless_reset_token", Bytes(super::QP_RESET_TOKEN)),
        0x03 => ("max_udp_payload_size", Number(super::QP_UDP_PAYLOAD, "")),
        0x04 => ("initial_max_data", Number(super::QP_MAX_DATA, "")),
        0x05 => (
            "initial_max_stream_data_bidi_local",
            Number(super::QP_BIDI_LOCAL, ""),
        ),
        0x06 => (
            "initial_max_stream_data_bidi_remote",
            Number(super::QP_BIDI_REMOTE, ""),
        ),
        0x07 => ("initial_max_stream_data_uni", Number(super::QP_UNI, "")),
        0x08 => (
            "initial_max_streams_bidi",
            Number(super::QP_STREAMS_BIDI, ""),
        ),
        0x09 => ("initial_max_streams_uni", Number(super::QP_STREAMS_UNI, "")),
        0x0a => ("ack_delay_exponent", Quiet(super::QP_ACK_EXPONENT)),
        0x0b => ("max_ack_delay", Number(super::QP_ACK_DELAY, "")),
        0x0c => ("disable_active_migration", Nothing),
        0x0d => ("preferred_address", Nothing),
        0x0e => ("active_connection_id_limit", Number(super::QP_ID_LIMIT, "")),
        0x0f => ("initial_source_connection_id", Bytes(super::QP_INITIAL_ID)),
        0x10 => ("retry_source_connection_id", Bytes(super::QP_RETRY_ID)),
        0x11 | 0x00ff_73db => ("version_information", Versions),
        0x20 => ("max_datagram_frame_size", Number(super::QP_DATAGRAM, "")),
        0x1057 => ("loss_bits", Number(super::QP_LOSS_BITS, "")),
        0x2ab2 => ("grease_quic_bit", Nothing),
        0x3127 => ("google_initial_rtt", Number(super::QP_GOOGLE_RTT, " us")),
        0x3128 => ("google_connection_options", Bytes(super::QP_GOOGLE_OPTIONS)),
        0x3129 => ("google_user_agent", Text(super::QP_GOOGLE_AGENT)),
        0x4752 => ("google_quic_version", Word(super::QP_GOOGLE_VERSION)),
        0x7157 => ("enable_time_stamp", Nothing),
        0x7158 => ("enable_time_stamp_v2", Quiet(super::QP_TIME_STAMP)),
        0xde1a => ("min_ack_delay", Number(super::QP_MIN_ACK_DELAY, "")),
        _ if is_grease(kind) => ("GREASE", Nothing),
        _ => return None,
    })
}

/// What a side can do with time stamps.
pub(super) fn time_stamp_name(value: u64) -> Option<&'static str> {
    pick(
        value.checked_sub(1)?,
        &[
            "I would like to receive TIME_STAMP frames",
            "I am able to generate TIME_STAMP frames",
            "I am able to generate TIME_STAMP frames and I would like to receive them",
        ],
    )
}

/// The type as the tree shows it.
struct Type(u64);

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = self.0;
        match known(kind) {
            Some((name, _)) => write!(f, "{name} (0x{kind:02x})"),
            None => write!(f, "Unknown (0x{kind:02x})"),
        }
    }
}

/// Whether they are written as up to draft 26: two bytes for all of them, for a type, for a length.
fn is_old(data: &Region<'_>) -> bool {
    let len = data.reported();
    let says = |at: usize| data.u16(at).map(usize::from);
    matches!((says(0), says(4)), (Ok(all), Ok(first)) if 2 + all == len && 6 + first <= len)
}

/// Dissects all parameters.
pub(super) fn all(walk: &mut Walk<'_, '_>, data: &Region<'_>) -> Result<(), Stop> {
    let is_old = is_old(data);
    let read = |at: usize| {
        if is_old {
            data.u16(at).map(|number| (number.into(), 2))
        } else {
            number(data, at)
        }
    };
    let mut at = if is_old { 2 } else { 0 };
    while at < data.reported() {
        let (kind, kind_size) = read(at)?;
        let (len, len_size) = read(at + kind_size)?;
        let value_at = at + kind_size + len_size;
        let len = usize::try_from(len).unwrap_or(usize::MAX);
        data.slice(value_at, len)?;
        let place = data.place(at, kind_size + len_size + len);
        let node = walk.tree.add(super::QP, place, Value::None);
        let name = known(kind).map_or("Unknown", |(name, _)| name);
        walk.tree.open();
        let added = walk
            .tree
            .add(super::QP_TYPE, data.place(at, kind_size), Value::Uint(kind));
        walk.tree.label(added, format_args!("Type: {}", Type(kind)));
        walk.tree.add(
            super::QP_LEN,
            data.place(at + kind_size, len_size),
            Value::Uint(len as u64),
        );
        walk.tree
            .add(super::QP_VALUE, data.place(value_at, len), Value::Bytes);
        let value = data.part(value_at, len);
        let shown = known(kind)
            .map(|(_, content)| one(walk, &value, content))
            .transpose()?
            .unwrap_or_default();
        walk.tree.close();
        walk.tree
            .label(node, format_args!("Parameter: {name} (len={len}){shown}"));
        at = value_at + len;
    }
    Ok(())
}

/// Dissects what a parameter holds; gives what its line says of it.
fn one(walk: &mut Walk<'_, '_>, value: &Region<'_>, content: Content) -> Result<String, Stop> {
    let len = value.reported();
    let place = value.place(0, len);
    Ok(match content {
        Content::Nothing => String::new(),
        Content::Bytes(field) => {
            walk.tree.add(field, place, Value::Bytes);
            String::new()
        }
        Content::Number(field, unit) => {
            let (found, _) = number(value, 0)?;
            walk.tree.add(field, place, Value::Uint(found));
            format!(" {found}{unit}")
        }
        Content::Quiet(field) => {
            let (found, _) = number(value, 0)?;
            walk.tree.add(field, place, Value::Uint(found));
            String::new()
        }
        Content::Text(field) => {
            let text = Escaped(value.captured());
            walk.tree
                .add_formatted(field, place, format_args!("{text}"));
            String::new()
        }
        Content::Word(field) => {
            walk.u32(field, value, 0)?;
            String::new()
        }
        Content::Versions => {
            walk.u32(super::QP_CHOSEN_VERSION, value, 0)?;
            for at in (4..len).step_by(4) {
                walk.u32(super::QP_OTHER_VERSION, value, at)?;
            }
            String::new()
        }
    })
}
