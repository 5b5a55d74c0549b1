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
}

/// MQTT in a TCP stream.
pub(crate) static APPLICATION: Application = Application {
    ports: &[1883],
    recognizes: None,
    dissect,
};

const HEADER_LEN: usize = 2;
const PUBLISH: u8 = 3;

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
    let mut len = 0;
    for place in 0..4 {
        let byte = region.u8(1 + place).ok()?;
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
                walk.columns.clear_info();
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
                if kind == PUBLISH && len >= 2 {
                    let topic_len = usize::from(walk.u16(TOPIC_LEN, &message, 1 + size)?);
                    let topic = Escaped(message.slice(3 + size, topic_len)?);
                    walk.columns.append_info(format_args!(" [{topic}]"));
                    let place = message.place(3 + size, topic_len);
                    walk.tree
                        .add_formatted(TOPIC, place, format_args!("{topic}"));
                }
            }
            walk.end();
            Ok(())
        },
    )
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
