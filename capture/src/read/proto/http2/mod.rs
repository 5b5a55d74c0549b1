//! HTTP/2 (RFC 9113): its frames, as Wireshark's `packet-http2.c` shows them in the list.
//!
//! - `hpack.rs` compression of header fields; `messages.rs` what requests and responses are about

mod hpack;
mod messages;

pub(crate) use messages::Memory;

use super::tcp::applications::{Application, Outcome, Payload, each_pdu};
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    249, "http2", "HTTP2", "HyperText Transfer Protocol 2";
    MAGIC: "http2.magic", "Magic", String;
    STREAM: "http2.stream", "Stream", None;
    LENGTH: "http2.length", "Length", Uint(24), Dec;
    TYPE: "http2.type", "Type", Uint(8), Dec, names = type_name;
    FLAGS: "http2.flags", "Flags", Uint(8), Hex;
    STREAM_ID: "http2.streamid", "Stream Identifier", Uint(32), Dec;
}

/// What a client begins with (section 3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Bytes of a frame's header (section 4.1).
const HEADER_LEN: usize = 9;

fn type_name(value: u64) -> Option<&'static str> {
    const NAMES: [&str; 13] = [
        "DATA",
        "HEADERS",
        "PRIORITY",
        "RST_STREAM",
        "SETTINGS",
        "PUSH_PROMISE",
        "PING",
        "GOAWAY",
        "WINDOW_UPDATE",
        "CONTINUATION",
        "ALTSVC",
        "BLOCKED",
        "ORIGIN",
    ];
    NAMES.get(usize::try_from(value).ok()?).copied()
}

/// HTTP/2 in a TCP stream that HTTP/1 was spoken in before.
pub(crate) static APPLICATION: Application = Application {
    ports: &[],
    recognizes: None,
    dissect: |walk, region, payload| {
        walk.columns.clear_info();
        inside(walk, region, payload)
    },
};

/// Whether a client begins so.
pub(crate) fn begins(region: &Region<'_>) -> bool {
    region.captured().starts_with(PREFACE)
}

/// Dissects frames.
pub(crate) fn inside(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    let len_of = |region: &Region<'_>| {
        if region.captured().starts_with(&PREFACE[..HEADER_LEN]) {
            return Ok(Some(PREFACE.len()));
        }
        Ok(Some(HEADER_LEN + region.u24(0)? as usize))
    };
    let way = (payload.stream, payload.direction.index());
    each_pdu(walk, region, payload, HEADER_LEN, len_of, |walk, region| {
        frame(walk, region, way)
    })
}

fn frame(walk: &mut Walk<'_, '_>, region: Region<'_>, way: messages::Way) -> Result<(), Stop> {
    walk.columns.set_protocol("HTTP2");
    walk.begin(THIS, &region, region.captured().len());
    let len = region.captured().len();
    if region.captured() == PREFACE {
        walk.columns.append_text_after(", ", "Magic");
        let text = "PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n";
        walk.tree.add_text(MAGIC, region.place(0, len), text);
        walk.end();
        return Ok(());
    }
    let kind = region.u8(3)?;
    let stream = region.u32(5)? & 0x7fff_ffff;
    let name = type_name(kind.into());
    if let Some(name) = name {
        let text = format_args!("{name}[{stream}]");
        walk.columns.append_info_after(", ", text);
    } else {
        let text = format_args!("Unknown type ({kind})[{stream}]");
        walk.columns.append_info_after(", ", text);
    }
    let body_len = len.saturating_sub(HEADER_LEN);
    let added = walk.tree.add(STREAM, region.place(0, len), Value::None);
    let shown = name.unwrap_or("Unknown");
    walk.tree.label(
        added,
        format_args!("Stream: {shown}, Stream ID: {stream}, Length {body_len}"),
    );
    walk.tree.open();
    let value = Value::Uint(region.u24(0)?.into());
    walk.tree.add(LENGTH, region.place(0, 3), value);
    walk.u8(TYPE, &region, 3)?;
    walk.u8(FLAGS, &region, 4)?;
    let value = Value::Uint(stream.into());
    walk.tree.add(STREAM_ID, region.place(5, 4), value);
    walk.tree.close();
    walk.end();
    let flags = region.u8(4)?;
    messages::frame(walk, &region.rest(HEADER_LEN), way, (kind, flags, stream));
    Ok(())
}
