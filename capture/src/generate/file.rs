//! The generator's frames as a capture file: the same frames that would be sent, as far apart as the rate
//! says, from a time that is always the same, so that the same words give the same file.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use capture_common::GeneratorCounters;

use super::{Frames, GenerateError, Traffic};
use crate::export::{Format, Output};
use crate::packet::{Iface, LinkType, Packet, PacketMeta, Timestamp};
use crate::sink::Existing;
use crate::sink::pcapng::{Section, blocks};

/// When the first frame is sent: 2023-11-14 22:13:20 UTC.
const START: Timestamp = Timestamp::new(1_700_000_000, 0);

/// Frames that nobody looks whether to stop for.
const STEP: u64 = 4096;

/// What tcpdump writes as the longest packet.
const SNAP_LEN: u32 = 262_144;

/// What is to be written.
#[derive(Clone, Debug)]
pub struct FilePlan {
    /// The traffic.
    pub traffic: Traffic,
    /// How many frames.
    pub frames: u64,
    /// Frames a second; not zero.
    pub rate: u64,
    /// The file: pcap with nanoseconds or pcapng by its ending, gzipped with `.gz`; `-` is standard
    /// output (pcapng).
    pub path: PathBuf,
    /// What to do if it exists.
    pub existing: Existing,
}

/// Writes the file; gives what is in it. Asked to stop, it ends the file early, and it is whole.
///
/// # Errors
///
/// When the traffic makes no sense or the file cannot be written; then there is none.
pub fn write_file(plan: &FilePlan, stop: &AtomicBool) -> Result<GeneratorCounters, GenerateError> {
    if plan.rate == 0 {
        return Err(GenerateError::NoRate);
    }
    let mut frames = Frames::new(plan.traffic.clone())?;
    let mut output = Output::create(&plan.path, plan.existing)?;
    let format = Format::of(&plan.path);
    let mut bytes = Vec::new();
    match format {
        Format::Pcap => pcap_header(&mut bytes),
        Format::Pcapng => pcapng_header(&mut bytes),
    }
    output.write(&bytes)?;
    for number in 0..plan.frames {
        if number % STEP == 0 && stop.load(Ordering::Relaxed) {
            break;
        }
        let since = u128::from(number) * 1_000_000_000 / u128::from(plan.rate);
        let ts = Timestamp(START.0 + since as u64);
        bytes.clear();
        match format {
            Format::Pcap => pcap_record(&mut bytes, ts, frames.make()),
            Format::Pcapng => pcapng_block(&mut bytes, ts, frames.make()),
        }
        output.write(&bytes)?;
    }
    output.complete()?;
    Ok(frames.counters())
}

/// The header of a pcap file with nanoseconds (draft-ietf-opsawg-pcap, section 4).
fn pcap_header(out: &mut Vec<u8>) {
    const MAGIC_NS: u32 = 0xa1b2_3c4d;
    out.extend(MAGIC_NS.to_le_bytes());
    out.extend([2, 0, 4, 0]);
    out.extend([0; 8]);
    out.extend(SNAP_LEN.to_le_bytes());
    out.extend(u32::from(LinkType::ETHERNET.0).to_le_bytes());
}

/// A packet of it (section 5).
fn pcap_record(out: &mut Vec<u8>, ts: Timestamp, frame: &[u8]) {
    let len = frame.len() as u32;
    for field in [ts.secs() as u32, ts.subsec_ns(), len, len] {
        out.extend(field.to_le_bytes());
    }
    out.extend_from_slice(frame);
}

/// What comes before the packets of a pcapng file. Nothing of the machine is in it.
fn pcapng_header(out: &mut Vec<u8>) {
    let section = Section {
        application: concat!("capture generate ", env!("CARGO_PKG_VERSION")).to_owned(),
        ..Section::default()
    };
    blocks::section_header(out, &section);
    let iface = Iface {
        name: "generator".to_owned(),
        description: String::new(),
        link: LinkType::ETHERNET,
        snap_len: 0,
        decimals: 9,
    };
    blocks::interface_description(out, &iface.into());
}

fn pcapng_block(out: &mut Vec<u8>, ts: Timestamp, frame: &[u8]) {
    let packet = Packet {
        meta: PacketMeta {
            ts,
            wire_len: frame.len() as u32,
            link: LinkType::ETHERNET,
            ..PacketMeta::UNKNOWN
        },
        data: frame,
    };
    blocks::enhanced_packet(out, &packet, 0);
}

#[cfg(test)]
mod tests {
    use capture_common::GeneratorSettings;

    use super::*;

    fn plan(path: PathBuf) -> FilePlan {
        FilePlan {
            traffic: GeneratorSettings::UNPATCHED.into(),
            frames: 10_000,
            rate: 1_000,
            path,
            existing: Existing::Refuse,
        }
    }

    #[test]
    fn who_stops_it_has_a_whole_file_of_fewer_frames() {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path().join("a.pcap"));
        let made = write_file(&plan, &AtomicBool::new(true)).unwrap();
        assert_eq!(made.frames, 0);
        let bytes = std::fs::read(&plan.path).unwrap();
        assert_eq!(bytes.len(), 24, "the header of a pcap file");
    }

    #[test]
    fn the_same_words_give_the_same_file() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let plan = plan(folder.path().join(name));
            let made = write_file(&plan, &AtomicBool::new(false)).unwrap();
            assert_eq!(made.frames, 10_000);
            std::fs::read(&plan.path).unwrap()
        };
        assert_eq!(write("a.pcapng"), write("b.pcapng"));
        let pcap = write("a.pcap");
        // The header, 16 bytes before each frame, and frames of 64 bytes.
        assert_eq!(pcap.len(), 24 + 10_000 * (16 + 64));
        // The last one, 9.999 s after the first.
        let last = &pcap[pcap.len() - 80..];
        let number = |at: usize| u32::from_le_bytes(*last[at..].first_chunk().unwrap());
        assert_eq!((number(0), number(4)), (1_700_000_009, 999_000_000));
    }

    #[test]
    fn a_rate_of_zero_is_refused() {
        let plan = FilePlan {
            rate: 0,
            ..plan(PathBuf::from("/nowhere/a.pcap"))
        };
        let error = write_file(&plan, &AtomicBool::new(false)).unwrap_err();
        assert!(matches!(error, GenerateError::NoRate));
    }
}
