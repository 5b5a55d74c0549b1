//! RTP (RFC 3550) of ends that SDP announced (RFC 8866), and RTCP, by its first bytes.

use super::memory::End;
use super::{name, names};
use crate::read::column::Address;
use crate::read::region::{Region, Stop};
use crate::read::walk::Walk;

/// Whether a datagram looks like RTCP: its version, a kind that a report begins with, whole words.
pub(crate) fn is_rtcp(region: &Region<'_>) -> bool {
    let Some([first, kind]) = region.captured().first_chunk() else {
        return false;
    };
    first >> 6 == 2
        && matches!(kind, 200 | 201 | 203 | 204 | 206)
        && region.reported().is_multiple_of(4)
}

/// Dissects the packets of a datagram.
pub(crate) fn rtcp(walk: &mut Walk<'_, '_>, region: &Region<'_>) -> Result<(), Stop> {
    const HEADER_LEN: usize = 4;
    name(walk, names::rtcp::THIS, region);
    let mut at = 0;
    while at < region.reported() {
        let (first, kind) = (region.u8(at)?, region.u8(at + 1)?);
        let Some(text) = packet_name(kind).filter(|_| first >> 6 == 2) else {
            break;
        };
        walk.columns.append_info(format_args!("{text}   "));
        let len = usize::from(region.u16(at + 2)?) * 4 + HEADER_LEN;
        region.slice(at, len)?;
        at += len;
    }
    Ok(())
}

const fn packet_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        192 => "Full Intra-frame Request (H.261)",
        193 => "Negative Acknowledgement (H.261)",
        194 => "SMPTE time-code mapping",
        195 => "Extended inter-arrival jitter report",
        200 => "Sender Report",
        201 => "Receiver Report",
        202 => "Source description",
        203 => "Goodbye",
        204 => "Application specific",
        205 => "Generic RTP Feedback",
        206 => "Payload-specific Feedback",
        207 => "Extended report (RFC 3611)",
        208 => "AVB RTCP packet (IEEE1733)",
        209 => "Receiver Summary Information",
        210 => "Port Mapping",
        _ => return None,
    })
}

/// Remembers which ends the SDP in a message announces for sound and pictures: an offer counts when it
/// is answered (RFC 3264).
pub(super) fn announced(walk: &mut Walk<'_, '_>, message: &[u8]) {
    const BLANK: &[u8] = b"\r\n\r\n";
    let Some(at) = message.windows(BLANK.len()).position(|four| four == BLANK) else {
        return;
    };
    let is_answer = message.starts_with(b"SIP/");
    let mut address = None;
    for line in message[at + BLANK.len()..].split(|byte| *byte == b'\n') {
        let Ok(line) = str::from_utf8(line.trim_ascii_end()) else {
            continue;
        };
        if let Some(text) = line.strip_prefix("c=IN IP4 ") {
            address = text
                .parse()
                .ok()
                .map(|ip: std::net::Ipv4Addr| Address::Ipv4(ip.octets()));
        } else if let Some(text) = line.strip_prefix("c=IN IP6 ") {
            address = text
                .parse()
                .ok()
                .map(|ip: std::net::Ipv6Addr| Address::Ipv6(ip.octets()));
        } else if let Some(text) = line.strip_prefix("m=")
            && let Some(end) = described(text).zip(address)
        {
            let (port, address) = end;
            let end = (address.wide(), port);
            if is_answer {
                walk.memory.brief.announce(end);
            } else {
                walk.memory.brief.offer(end);
            }
        }
    }
}

/// The port of a line on media that goes over RTP.
fn described(line: &str) -> Option<u16> {
    let mut words = line.split(' ');
    let (kind, port, over) = (words.next()?, words.next()?, words.next()?);
    let is_one = matches!(kind, "audio" | "video") && over.contains("RTP/");
    port.parse().ok().filter(|port| is_one && *port != 0)
}

/// Dissects a datagram of an end that was announced, if it looks like RTP.
pub(super) fn rtp(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    ports: [u16; 2],
) -> Option<Result<(), Stop>> {
    let ends: [End; 2] = [
        (walk.carrier.source.wide(), ports[0]),
        (walk.carrier.destination.wide(), ports[1]),
    ];
    let memory = &walk.memory.brief;
    if !ends.into_iter().any(|end| memory.is_announced(end)) {
        return None;
    }
    let (first, second) = (region.u8(0).ok()?, region.u8(1).ok()?);
    if first >> 6 != 2 {
        return None;
    }
    // Reports may share the port (RFC 5761).
    if matches!(second, 200..=207) {
        return Some(rtcp(walk, region));
    }
    Some(packet(walk, region, second))
}

fn packet(walk: &mut Walk<'_, '_>, region: &Region<'_>, second: u8) -> Result<(), Stop> {
    const IS_MARKED: u8 = 0x80;
    name(walk, names::rtp::THIS, region);
    let sequence = region.u16(2)?;
    let (time, source) = (region.u32(4)?, region.u32(8)?);
    let kind = second & !IS_MARKED;
    match payload_name(kind) {
        Some(name) => walk.columns.set_info(format_args!("PT={name}")),
        None if kind >= 96 => {
            let text = format_args!("PT=DynamicRTP-Type-{kind}");
            walk.columns.set_info(text);
        }
        None => walk.columns.set_info(format_args!("PT=Unassigned")),
    }
    let mark = if second & IS_MARKED == 0 {
        ""
    } else {
        ", Mark"
    };
    walk.columns.append_info(format_args!(
        ", SSRC=0x{source:X}, Seq={sequence}, Time={time}{mark}"
    ));
    Ok(())
}

/// Payload types of RFC 3551, in Wireshark's words.
const fn payload_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0 => "ITU-T G.711 PCMU",
        1 => "USA Federal Standard FS-1016",
        2 => "ITU-T G.721",
        3 => "GSM 06.10",
        4 => "ITU-T G.723",
        5 => "DVI4 8000 samples/s",
        6 => "DVI4 16000 samples/s",
        7 => "Experimental linear predictive encoding from Xerox PARC",
        8 => "ITU-T G.711 PCMA",
        9 => "ITU-T G.722",
        10 => "16-bit uncompressed audio, stereo",
        11 => "16-bit uncompressed audio, monaural",
        12 => "Qualcomm Code Excited Linear Predictive coding",
        13 => "Comfort noise",
        14 => "MPEG-I/II Audio",
        15 => "ITU-T G.728",
        16 => "DVI4 11025 samples/s",
        17 => "DVI4 22050 samples/s",
        18 => "ITU-T G.729",
        19 => "Comfort noise (old)",
        25 => "Sun CellB video encoding",
        26 => "JPEG-compressed video",
        28 => "'nv' program",
        31 => "ITU-T H.261",
        32 => "MPEG-I/II Video",
        33 => "MPEG-II transport streams",
        34 => "ITU-T H.263",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_over_rtp_have_a_port() {
        // RFC 8866 section 5.14; a port of 0 refuses (RFC 3264 section 6).
        assert_eq!(described("audio 49170 RTP/AVP 0"), Some(49170));
        assert_eq!(described("video 51372 RTP/SAVPF 99"), Some(51372));
        assert_eq!(described("audio 0 RTP/AVP 0"), None);
        assert_eq!(described("image 49170 udptl t38"), None);
        assert_eq!(described("audio"), None);
    }
}
