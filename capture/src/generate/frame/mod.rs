//! The generator's frames in memory, one after the other: what the program in the kernel sends, made by
//! the same script and written the plain way.

use capture_common::generator::{self, GeneratorState, Segment};
use capture_common::{GeneratorCounters, GeneratorSettings};

use super::{GenerateError, Traffic, template};

/// Makes frames; goes on for ever.
#[derive(Debug)]
pub struct Frames {
    traffic: Traffic,
    state: GeneratorState,
    template: Vec<u8>,
    frame: Vec<u8>,
}

impl Frames {
    /// Begins at the first frame.
    ///
    /// # Errors
    ///
    /// Settings out of range.
    pub fn new(traffic: Traffic) -> Result<Self, GenerateError> {
        traffic.settings.check()?;
        let template = template::frame(&traffic.settings, &traffic.macs);
        Ok(Self {
            state: GeneratorState::default(),
            frame: Vec::with_capacity(template.len()),
            template,
            traffic,
        })
    }

    /// Makes the next frame.
    pub fn make(&mut self) -> &[u8] {
        let Self {
            traffic,
            state,
            template,
            frame,
        } = self;
        let settings = &traffic.settings;
        let segment = generator::next(settings, &traffic.sizes, state);
        let frame_len = traffic.frame_len(segment.payload_len);
        state.counters.frames += 1;
        state.counters.bytes += u64::from(frame_len);
        frame.clear();
        frame.extend_from_slice(&template[..frame_len as usize]);
        let link_len = GeneratorSettings::link_len(settings.vlan != 0) as usize;
        write_packet(&mut frame[link_len..], settings, &segment);
        frame
    }

    /// What was made so far.
    #[must_use]
    pub const fn counters(&self) -> GeneratorCounters {
        self.state.counters
    }
}

/// Writes the headers of an IP packet over those of the template.
fn write_packet(packet: &mut [u8], settings: &GeneratorSettings, segment: &Segment) {
    let net_len = GeneratorSettings::net_len(settings.ip_version) as usize;
    let transport_len =
        GeneratorSettings::transport_len(settings.protocol) as usize + segment.payload_len as usize;
    let protocol = settings.protocol as u16;
    let mut pseudo_header = Vec::with_capacity(40);
    if settings.ip_version == 6 {
        let (src_net, dst_net) = if segment.from_client {
            (&settings.src_net, &settings.dst_net)
        } else {
            (&settings.dst_net, &settings.src_net)
        };
        put(packet, 4, &(transport_len as u16).to_be_bytes());
        put(packet, 8, &address(src_net, segment.src));
        put(packet, 24, &address(dst_net, segment.dst));
        pseudo_header.extend_from_slice(&packet[8..40]);
    } else {
        put(packet, 2, &((net_len + transport_len) as u16).to_be_bytes());
        put(packet, 12, &segment.src.to_be_bytes());
        put(packet, 16, &segment.dst.to_be_bytes());
        let sum = checksum(&[&packet[..net_len]]);
        put(packet, 10, &sum.to_be_bytes());
        pseudo_header.extend_from_slice(&packet[12..20]);
    }
    pseudo_header.extend_from_slice(&protocol.to_be_bytes());
    pseudo_header.extend_from_slice(&(transport_len as u16).to_be_bytes());
    // Behind it comes what pads the frame.
    let transport = &mut packet[net_len..net_len + transport_len];
    write_transport(transport, &pseudo_header, settings, segment);
}

fn write_transport(
    transport: &mut [u8],
    pseudo_header: &[u8],
    settings: &GeneratorSettings,
    segment: &Segment,
) {
    put(transport, 0, &segment.ports.to_be_bytes());
    if settings.protocol == GeneratorSettings::UDP {
        put(transport, 4, &(transport.len() as u16).to_be_bytes());
        let sum = match checksum(&[pseudo_header, transport]) {
            // Zero says that there is none (RFC 768).
            0 => u16::MAX,
            sum => sum,
        };
        put(transport, 6, &sum.to_be_bytes());
        return;
    }
    put(transport, 4, &segment.seq.to_be_bytes());
    put(transport, 8, &segment.ack.to_be_bytes());
    // Five words of header, and a window that needs no scaling.
    put(transport, 12, &[0x50, segment.flags, 0xff, 0xff]);
    if settings.tcp_checksum != 0 {
        let sum = checksum(&[pseudo_header, transport]);
        put(transport, 16, &sum.to_be_bytes());
    }
}

/// An IPv6 address.
fn address(net: &[u32; 3], host: u32) -> [u8; 16] {
    let [first, second, third] = *net;
    let words = [first, second, third, host].map(u32::to_be_bytes);
    let mut address = [0; 16];
    address.copy_from_slice(words.as_flattened());
    address
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// The checksum of parts of even length, but for the last (RFC 1071).
fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u64;
    for part in parts {
        for word in part.chunks(2) {
            let low = word.get(1).copied().unwrap_or_default();
            sum += u64::from(u16::from_be_bytes([word[0], low]));
        }
    }
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

#[cfg(test)]
mod tests;
