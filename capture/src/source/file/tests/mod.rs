//! Files built by hand from the two format drafts; `damage.rs` those that are damaged, `oracle.rs` random ones that
//! another parser reads too.

mod damage;
mod oracle;

use std::io::Write as _;
use std::path::Path;

use flate2::{Compression, write::GzEncoder};

use super::*;
use crate::packet::{LinkType, Packet, PacketDirection, PacketMeta, Timestamp};

type Endian = ByteOrder;

/// Writes numbers in one byte order.
struct Bytes(Vec<u8>, Endian);

impl Bytes {
    fn new(order: Endian) -> Self {
        Self(Vec::new(), order)
    }

    fn u16(mut self, value: u16) -> Self {
        self.0.extend(match self.1 {
            Endian::Big => value.to_be_bytes(),
            Endian::Little => value.to_le_bytes(),
        });
        self
    }

    fn u32(mut self, value: u32) -> Self {
        self.0.extend(match self.1 {
            Endian::Big => value.to_be_bytes(),
            Endian::Little => value.to_le_bytes(),
        });
        self
    }

    fn u64(mut self, value: u64) -> Self {
        self.0.extend(match self.1 {
            Endian::Big => value.to_be_bytes(),
            Endian::Little => value.to_le_bytes(),
        });
        self
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }

    fn padded(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
        self
    }

    fn option(self, code: u16, value: &[u8]) -> Self {
        self.u16(code).u16(value.len() as u16).padded(value)
    }

    /// This as the body of a block.
    fn block(self, kind: u32) -> Vec<u8> {
        let total = self.0.len() as u32 + 12;
        Self::new(self.1)
            .u32(kind)
            .u32(total)
            .raw(&self.0)
            .u32(total)
            .0
    }
}

fn pcap_header(order: Endian, magic: u32, network: u32) -> Vec<u8> {
    Bytes::new(order)
        .u32(magic)
        .u16(2)
        .u16(4)
        .u32(0)
        .u32(0)
        .u32(262_144)
        .u32(network)
        .0
}

fn pcap_record(order: Endian, secs: u32, fraction: u32, wire_len: u32, data: &[u8]) -> Vec<u8> {
    Bytes::new(order)
        .u32(secs)
        .u32(fraction)
        .u32(data.len() as u32)
        .u32(wire_len)
        .raw(data)
        .0
}

fn section(order: Endian, minor: u16) -> Vec<u8> {
    Bytes::new(order)
        .u32(0x1a2b_3c4d)
        .u16(1)
        .u16(minor)
        .u64(u64::MAX)
        .block(0x0a0d_0d0a)
}

fn iface(order: Endian, link: u16, snap_len: u32, options: &[(u16, &[u8])]) -> Vec<u8> {
    let fixed = Bytes::new(order).u16(link).u16(0).u32(snap_len);
    options
        .iter()
        .fold(fixed, |body, (code, value)| body.option(*code, value))
        .block(1)
}

fn enhanced(order: Endian, iface: u32, units: u64, wire_len: u32, data: &[u8]) -> Bytes {
    let body = Bytes::new(order)
        .u32(iface)
        .u32((units >> 32) as u32)
        .u32(units as u32);
    body.u32(data.len() as u32).u32(wire_len).padded(data)
}

type Read = (Vec<(PacketMeta, Vec<u8>)>, Vec<Iface>, Option<FileError>);

fn read_path(path: &Path, numbering: Numbering, budget: usize) -> Read {
    let mut source = match FileSource::open(path, numbering) {
        Ok(source) => source,
        Err(error) => return (Vec::new(), Vec::new(), Some(error)),
    };
    let mut packets = Vec::new();
    let mut slots = Vec::new();
    let error = loop {
        slots.clear();
        match source.next_batch(&mut slots, budget) {
            Ok(Some(block)) => {
                assert!(!slots.is_empty() && slots.len() <= budget);
                packets.extend(
                    slots
                        .iter()
                        .map(|slot| (slot.meta, slot.packet(&block).data.to_vec())),
                );
            }
            Ok(None) => break None,
            Err(error) => {
                assert!(
                    matches!(source.next_batch(&mut slots, budget), Ok(None)),
                    "errors come once"
                );
                break Some(error);
            }
        }
    };
    (packets, source.ifaces().to_vec(), error)
}

fn read(bytes: &[u8]) -> Read {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(bytes).unwrap();
    read_path(file.path(), Numbering::default(), 3)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const BOTH: [Endian; 2] = [Endian::Little, Endian::Big];

#[test]
fn pcap_of_both_orders_and_resolutions() {
    for order in BOTH {
        for (magic, unit_ns) in [(0xa1b2_c3d4, 1000), (0xa1b2_3c4d, 1)] {
            let mut file = pcap_header(order, magic, 0xf400_0001);
            file.extend(pcap_record(order, 1_542_252_322, 123_456, 90, b"abc"));
            file.extend(pcap_record(order, 0xffff_ffff, 999_999, 5, b"defgh"));
            let (packets, ifaces, error) = read(&file);
            assert!(error.is_none(), "{error:?}");
            assert_eq!(packets.len(), 2);
            let (meta, data) = &packets[0];
            assert_eq!(
                (meta.frame, meta.iface, meta.link),
                (FrameNo(1), IfaceId(0), LinkType::ETHERNET)
            );
            assert_eq!(meta.ts, Timestamp::new(1_542_252_322, 123_456 * unit_ns));
            assert_eq!((meta.wire_len, &data[..]), (90, &b"abc"[..]));
            assert_eq!((meta.queue, meta.direction, meta.lost), (None, None, 0));
            assert_eq!(
                packets[1].0.ts,
                Timestamp::new(0xffff_ffff, 999_999 * unit_ns)
            );
            assert_eq!(
                (ifaces.len(), ifaces[0].name.as_str(), ifaces[0].snap_len),
                (1, "", 262_144)
            );
        }
    }
}

#[test]
fn modified_pcap_has_longer_record_headers() {
    for order in BOTH {
        let mut file = pcap_header(order, 0xa1b2_cd34, 1);
        for _ in 0..2 {
            let header = Bytes::new(order).u32(7).u32(8).u32(3).u32(60);
            file.extend(header.u32(2).u16(0x0800).raw(&[4, 0]).raw(b"xyz").0);
        }
        let (packets, _, error) = read(&file);
        assert!(error.is_none());
        assert_eq!(packets.len(), 2);
        assert_eq!(
            (packets[1].0.ts, &packets[1].1[..]),
            (Timestamp::new(7, 8000), &b"xyz"[..])
        );
    }
}

#[test]
fn old_pcap_versions_have_their_lengths_swapped() {
    for (minor, stored, expected) in [
        (2, (60, 3), (3, 60)),
        (3, (60, 3), (3, 60)),
        (3, (3, 60), (3, 60)),
    ] {
        let order = Endian::Little;
        let header = Bytes::new(order)
            .u32(0xa1b2_c3d4)
            .u16(2)
            .u16(minor)
            .u32(0)
            .u32(0)
            .u32(96)
            .u32(1);
        let file = header
            .u32(1)
            .u32(2)
            .u32(stored.0)
            .u32(stored.1)
            .raw(b"xyz")
            .0;
        let (packets, _, error) = read(&file);
        assert!(error.is_none());
        assert_eq!((packets[0].1.len(), packets[0].0.wire_len), expected);
    }
}

/// A choice of every second packet.
struct EverySecond(bool);

impl Choice for EverySecond {
    fn wants(&mut self, _: LinkType, _: u32, _: Timestamp, _: &[u8]) -> bool {
        self.0 = !self.0;
        self.0
    }
}

#[test]
fn packets_that_are_not_chosen_are_counted_and_given_no_slot() {
    let order = Endian::Little;
    let mut file = pcap_header(order, 0xa1b2_c3d4, 1);
    for number in 0..7 {
        file.extend(pcap_record(order, 9 - number, 0, 1, &[number as u8]));
    }
    let mut path = tempfile::NamedTempFile::new().unwrap();
    path.write_all(&file).unwrap();
    for budget in 1..9 {
        let mut source = FileSource::open(path.path(), Numbering::default()).unwrap();
        let mut choice = EverySecond(true);
        let mut chosen = Vec::new();
        loop {
            let mut slots = Vec::new();
            let block = source.next_chosen(&mut slots, budget, &mut choice).unwrap();
            let Some(block) = block else { break };
            for slot in slots {
                let Packet { meta, data } = slot.packet(&block);
                chosen.push((meta.frame.0, meta.clock.secs(), data[0]));
            }
        }
        // The first packet has the largest timestamp, and it is not chosen.
        assert_eq!(chosen, [(2, 9, 1), (4, 9, 3), (6, 9, 5)], "{budget}");
        assert_eq!(source.numbering().frame, FrameNo(8));
    }
}

#[test]
fn nothing_is_read_beyond_the_length_that_was_agreed_on() {
    let order = Endian::Little;
    let mut file = pcap_header(order, 0xa1b2_c3d4, 1);
    file.extend(pcap_record(order, 1, 0, 1, b"a"));
    let agreed = file.len() as u64;
    file.extend(pcap_record(order, 2, 0, 1, b"b"));
    let mut path = tempfile::NamedTempFile::new().unwrap();
    path.write_all(&file).unwrap();
    let read = |agreed| {
        let mapped = MappedFile::open(path.path(), agreed)?;
        let mut source =
            FileSource::open_mapped(path.path(), Numbering::default(), Arc::new(mapped))?;
        let mut slots = Vec::new();
        while source.next_batch(&mut slots, 1)?.is_some() {}
        Ok::<_, FileError>(slots.len())
    };
    assert_eq!(read(Some(agreed)).unwrap(), 1);
    assert_eq!(read(None).unwrap(), 2);
    let cut = read(Some(agreed + 1)).unwrap_err();
    assert_eq!(cut.offset, agreed);
    assert!(matches!(
        cut.kind,
        FileErrorKind::Damaged { packets: 1, .. }
    ));
    assert!(matches!(
        read(Some(0)).unwrap_err().kind,
        FileErrorKind::Empty
    ));
}

#[test]
fn several_can_read_a_file_but_no_pipe_and_nothing_compressed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    assert!(FileSource::is_shareable(&path), "which opening it says");
    fs::write(&path, pcap_header(Endian::Little, 0xa1b2_c3d4, 1)).unwrap();
    assert!(FileSource::is_shareable(&path));
    fs::write(&path, [0x1f, 0x8b, 8, 0]).unwrap();
    assert!(!FileSource::is_shareable(&path));
    let (pipe, _end) = io::pipe().unwrap();
    let pipe = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&pipe));
    assert!(!FileSource::is_shareable(Path::new(&pipe)));
    assert!(!FileSource::is_shareable(Path::new("-")));
}

#[test]
fn clock_is_the_largest_timestamp_so_far_and_numbers_continue() {
    let order = Endian::Little;
    let mut file = pcap_header(order, 0xa1b2_3c4d, 1);
    for secs in [5, 9, 7, 12] {
        file.extend(pcap_record(order, secs, 0, 1, b"a"));
    }
    let mut path = tempfile::NamedTempFile::new().unwrap();
    path.write_all(&file).unwrap();
    let start = Numbering {
        frame: FrameNo(101),
        iface: IfaceId(4),
        clock: Timestamp::new(6, 0),
    };
    let (packets, _, _) = read_path(path.path(), start, 100);
    let clocks: Vec<u64> = packets.iter().map(|(meta, _)| meta.clock.secs()).collect();
    assert_eq!(clocks, [6, 9, 9, 12]);
    let frames: Vec<u64> = packets.iter().map(|(meta, _)| meta.frame.0).collect();
    assert_eq!(frames, [101, 102, 103, 104]);
    assert!(packets.iter().all(|(meta, _)| meta.iface == IfaceId(4)));

    let mut source = FileSource::open(path.path(), start).unwrap();
    while source.next_batch(&mut Vec::new(), 2).unwrap().is_some() {}
    let next = Numbering {
        frame: FrameNo(105),
        iface: IfaceId(5),
        clock: Timestamp::new(12, 0),
    };
    assert_eq!(source.numbering(), next);
    assert_eq!(
        source.progress(),
        (file.len() as u64, Some(file.len() as u64))
    );
}

/// Two sections of different byte order, three interfaces, every block that is read, and some that
/// are not; and how many bytes of it end with how many packets.
fn every_block() -> (Vec<u8>, Vec<(usize, usize)>) {
    let (first, second) = (Endian::Little, Endian::Big);
    let mut file = section(first, 0);
    let mut ends = Vec::new();
    file.extend(Bytes::new(first).u32(1).padded(b"name resolution").block(4));
    file.extend(iface(
        first,
        1,
        100,
        &[(2, b"eth0\0"), (3, b"uplink"), (9, &[9]), (0, b"")],
    ));
    let options =
        enhanced(first, 0, 1_000_000_000_000_000_005, 90, b"abcde").option(2, &[2, 0, 0, 0]);
    let options = options
        .option(4, &7_u64.to_le_bytes())
        .option(6, &3_u32.to_le_bytes())
        .option(0, b"");
    file.extend(options.block(6));
    ends.push((file.len(), 1));
    file.extend(
        Bytes::new(first)
            .padded(b"unknown block")
            .block(0x0bad_f00d),
    );
    file.extend(Bytes::new(first).u32(200).padded(&[0x55; 100]).block(3));
    ends.push((file.len(), 2));
    file.extend(section(second, 2));
    file.extend(iface(
        second,
        101,
        0,
        &[(9, &[0x94]), (14, &(-10_i64).to_be_bytes())],
    ));
    file.extend(iface(second, 113, 0, &[]));
    file.extend(enhanced(second, 0, (1_000_010 << 20) | (1 << 19), 4, b"\x45\0\0\x04").block(6));
    ends.push((file.len(), 3));
    let old = Bytes::new(second)
        .u16(1)
        .u16(9)
        .u32(0)
        .u32(2_000_001)
        .u32(3)
        .u32(3)
        .padded(b"old");
    file.extend(old.option(2, &1_u32.to_be_bytes()).option(0, b"").block(2));
    ends.push((file.len(), 4));
    file.extend(Bytes::new(second).u32(0).u64(0).block(5));
    (file, ends)
}

#[test]
fn pcapng_sections_have_their_own_order_and_interfaces() {
    let (packets, ifaces, error) = read(&every_block().0);
    assert!(error.is_none(), "{error:?}");
    let names: Vec<_> = ifaces
        .iter()
        .map(|iface| (iface.name.as_str(), iface.link.0))
        .collect();
    assert_eq!(names, [("eth0", 1), ("", 101), ("", 113)]);
    assert_eq!(
        (ifaces[0].description.as_str(), ifaces[0].snap_len),
        ("uplink", 100)
    );
    let metas: Vec<&PacketMeta> = packets.iter().map(|(meta, _)| meta).collect();
    assert_eq!(
        metas[0].ts,
        Timestamp::new(1_000_000_000, 5_000_005 - 5_000_000)
    );
    assert_eq!(
        (metas[0].direction, metas[0].lost),
        (Some(PacketDirection::Outbound), 7)
    );
    assert_eq!((metas[0].queue, metas[0].wire_len), (Some(3), 90));
    assert_eq!(
        (metas[1].ts, metas[1].wire_len, packets[1].1.len()),
        (Timestamp(0), 200, 100)
    );
    assert_eq!(
        metas[1].clock, metas[0].ts,
        "a packet without time leaves the clock alone"
    );
    assert_eq!(metas[2].ts, Timestamp::new(1_000_000, 500_000_000));
    assert_eq!((metas[2].iface, metas[2].link), (IfaceId(1), LinkType::RAW));
    assert_eq!(metas[3].ts, Timestamp::new(2, 1000));
    assert_eq!((metas[3].iface, metas[3].lost), (IfaceId(2), 9));
    assert_eq!(metas[3].direction, Some(PacketDirection::Inbound));
    assert_eq!(packets[0].1, b"abcde");
    assert_eq!(packets[3].1, b"old");
}

#[test]
fn streams_longer_than_a_block_give_the_same_packets() {
    let order = Endian::Little;
    let mut file = section(order, 0);
    file.extend(iface(order, 1, 0, &[]));
    for index in 0..600_u64 {
        // Some packets are larger than a block of a stream.
        let cap_len = if index % 200 == 7 {
            3 << 20
        } else {
            index as usize * 17
        };
        file.extend(
            enhanced(order, 0, index, cap_len as u32, &vec![index as u8; cap_len]).block(6),
        );
    }
    let mapped = read(&file);
    assert_eq!(mapped.0.len(), 600);
    // Several members, as `cat a.gz b.gz` makes them.
    let (front, back) = file.split_at(file.len() / 3);
    let streamed = read(&[gzip(front), gzip(back)].concat());
    assert!(mapped.2.is_none() && streamed.2.is_none());
    assert!(mapped.0 == streamed.0);

    let cut = gzip(&file);
    let (packets, _, error) = read(&cut[..cut.len() / 2]);
    assert!(packets.len() < 600 && packets[..] == mapped.0[..packets.len()]);
    let error = error.unwrap();
    let FileErrorKind::Read { packets: told, .. } = &error.kind else {
        panic!("{error}");
    };
    assert_eq!(*told, packets.len() as u64);
    let words = format!("the {told} packets before it were read");
    assert!(error.to_string().contains(&words), "{error}");
}

#[test]
fn header_alone_is_an_empty_file_and_fine() {
    let (packets, ifaces, error) = read(&pcap_header(Endian::Little, 0xa1b2_c3d4, 1));
    assert!(packets.is_empty() && error.is_none());
    assert_eq!(ifaces.len(), 1);
    let (packets, ifaces, error) = read(&section(Endian::Big, 0));
    assert!(packets.is_empty() && ifaces.is_empty() && error.is_none());
}

#[test]
fn pipe_is_read_as_it_comes() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    let made = std::process::Command::new("mkfifo")
        .arg(&path)
        .status()
        .unwrap();
    assert!(made.success());
    let (file, _) = every_block();
    let writer = std::thread::spawn({
        let (path, file) = (path.clone(), file.clone());
        move || {
            let mut pipe = fs::OpenOptions::new().write(true).open(path).unwrap();
            for piece in file.chunks(7) {
                pipe.write_all(piece).unwrap();
            }
        }
    });
    let (packets, _, error) = read_path(&path, Numbering::default(), 100);
    writer.join().unwrap();
    assert!(error.is_none(), "{error:?}");
    assert_eq!(packets, read(&file).0);
}
