//! MQTT (OASIS MQTT 3.1.1 and 5.0): which messages a segment holds.

use super::tcp::applications::{Application, Outcome, Payload, each_pdu};
use super::text::Escaped;
use crate::read::field::protocol;
use crate::read::region::{Region, Stop};
use crate::read::tree::Value;
use crate::read::walk::Walk;

protocol! {
    57, "mqtt", "MQTT", "MQ Telemetry Transport Protocol";
    TYPE: "mqtt.msgtype", "Message Type", Uint(8), Dec, mask = 0xf0, names = type_name;
    LENGTH: "mqtt.len", "Msg Len", Uint(64), Dec;
    TOPIC_LEN: "mqtt.topic_len", "Topic Length", Uint(16), Dec;
    TOPIC: "mqtt.topic", "Topic", String;
    MESSAGE_ID: "mqtt.msgid", "Message Identifier", Uint(16), Dec;
}

/// MQTT in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[1883],
    recognizes: None,
    dissect,
};

const HEADER_LEN: usize = 2;
const CONNECT: u8 = 1;
const PUBLISH: u8 = 3;
const PUBLISH_ACK: u8 = 4;
const PUBLISH_COMPLETE: u8 = 7;
const SUBSCRIBE: u8 = 8;
const SUBSCRIBE_ACK: u8 = 9;
const UNSUBSCRIBE_ACK: u8 = 11;

const fn type_name(value: u64) -> Option<&'static str> {
    Some(match value {
        0 => "Reserved",
        1 => "Connect Command",
        2 => "Connect Ack",
        3 => "Publish Message",
        4 => "Publish Ack",
        5 => "Publish Received",
        6 => "Publish Release",
        7 => "Publish Complete",
        8 => "Subscribe Request",
        9 => "Subscribe Ack",
        10 => "Unsubscribe Request",
        11 => "Unsubscribe Ack",
        12 => "Ping Request",
        13 => "Ping Response",
        14 => "Disconnect Req",
        15 => "Authentication Exchange",
        16 => "Reserved",
        _ => return None,
    })
}

/// What follows the header, and how many bytes say so; `None` if they are not all there.
fn remaining(region: &Region<'_>) -> Option<(usize, usize)> {
    varint(region, 1)
}

/// A number of seven bits a byte, and how many bytes it has.
fn varint(region: &Region<'_>, at: usize) -> Option<(usize, usize)> {
    let mut len = 0;
    for place in 0..4 {
        let byte = region.u8(at + place).ok()?;
        len |= usize::from(byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Some((len, place + 1));
        }
    }
    Some((len, 4))
}

fn dissect(
    walk: &mut Walk<'_, '_>,
    region: Region<'_>,
    payload: &Payload,
) -> Result<Outcome, Stop> {
    walk.columns.clear_info();
    let mut is_first = true;
    let len_of = |region: &Region<'_>| Ok(remaining(region).map(|(len, size)| 1 + size + len));
    each_pdu(
        walk,
        region,
        payload,
        HEADER_LEN,
        len_of,
        |walk, message| {
            if is_first {
                walk.columns.set_protocol("MQTT");
            }
            let between = if is_first { "" } else { ", " };
            is_first = false;
            let kind = message.u8(0)? >> 4;
            let name = type_name(kind.into()).unwrap_or("Unknown");
            walk.columns.append_info(format_args!("{between}{name}"));
            let added = walk.begin(THIS, &message, message.captured().len());
            walk.tree.label(
                added,
                format_args!("MQ Telemetry Transport Protocol, {name}"),
            );
            let place = message.place(0, 1);
            walk.tree.add(TYPE, place, Value::Uint(kind.into()));
            if let Some((len, size)) = remaining(&message) {
                let place = message.place(1, size);
                walk.tree.add(LENGTH, place, Value::Uint(len as u64));
                details(walk, &message, 1 + size, payload)?;
            }
            walk.end();
            Ok(())
        },
    )
}

/// What follows the header at `at`: which message it is, and about what.
fn details(
    walk: &mut Walk<'_, '_>,
    message: &Region<'_>,
    mut at: usize,
    payload: &Payload,
) -> Result<(), Stop> {
    const QUALITY: u8 = 0x06;
    const WITH_PROPERTIES: u64 = 5;
    let first = message.u8(0)?;
    let kind = first >> 4;
    match kind {
        CONNECT => {
            let name_len = usize::from(message.u16(at)?);
            let version = message.u8(at + 2 + name_len)?;
            *walk.memory.tcp.state(payload) = version.into();
        }
        PUBLISH if message.reported() >= at + 2 => {
            let topic_at = at;
            at += 2 + usize::from(message.u16(at)?);
            if first & QUALITY != 0 {
                number(walk, message, at)?;
            }
            topic(walk, message, topic_at)?;
        }
        PUBLISH_ACK..=PUBLISH_COMPLETE | SUBSCRIBE_ACK..=UNSUBSCRIBE_ACK => {
            number(walk, message, at)?;
        }
        SUBSCRIBE => {
            number(walk, message, at)?;
            at += 2;
            if *walk.memory.tcp.state(payload) == WITH_PROPERTIES {
                let (len, size) = varint(message, at).ok_or(Stop::Malformed)?;
                at += size + len;
            }
            while at < message.reported() {
                at += 2 + topic(walk, message, at)? + 1;
            }
        }
        _ => {}
    }
    Ok(())
}

fn number(walk: &mut Walk<'_, '_>, message: &Region<'_>, at: usize) -> Result<(), Stop> {
    let number = walk.u16(MESSAGE_ID, message, at)?;
    walk.columns.append_info(format_args!(" (id={number})"));
    Ok(())
}

/// A topic; gives how long its name is.
fn topic(walk: &mut Walk<'_, '_>, message: &Region<'_>, at: usize) -> Result<usize, Stop> {
    let len = usize::from(walk.u16(TOPIC_LEN, message, at)?);
    let topic = Escaped(message.slice(at + 2, len)?);
    walk.columns.append_info(format_args!(" [{topic}]"));
    let place = message.place(at + 2, len);
    walk.tree
        .add_formatted(TOPIC, place, format_args!("{topic}"));
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    // OASIS MQTT 3.1.1 section 2.2.3.
    #[test]
    fn lengths_have_seven_bits_a_byte() {
        let region = |bytes: &'static [u8]| Region::new(0, bytes, bytes.len() as u32);
        assert_eq!(remaining(&region(&[0x30, 0x40])), Some((64, 1)));
        assert_eq!(remaining(&region(&[0x30, 0xc1, 0x02])), Some((321, 2)));
        assert_eq!(remaining(&region(&[0x30, 0xc1])), None);
    }
}
