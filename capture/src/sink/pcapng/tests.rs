//! Blocks byte for byte, files read back by our own reader, workers in any order, and disks that fill.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Mutex;

use proptest::prelude::*;

use super::*;
use crate::packet::{
    FrameNo, Iface, LinkType, Packet, PacketDirection, PacketMeta, PayloadCut, Span,
};
use crate::source::file::{FileSource, Numbering};

fn meta(ts: u64, iface: u32) -> PacketMeta {
    PacketMeta {
        frame: FrameNo(1),
        ts: Timestamp(ts),
        clock: Timestamp(ts),
        wire_len: 60,
        lost: 0,
        iface: IfaceId(iface),
        link: LinkType::ETHERNET,
        queue: None,
        direction: None,
        gso: false,
        cut: PayloadCut::No,
    }
}

fn eth(name: &str) -> Iface {
    Iface {
        name: name.to_owned(),
        description: String::new(),
        link: LinkType::ETHERNET,
        snap_len: 96,
        decimals: 9,
    }
}

/// Bytes from hexadecimal digits, spaces apart.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits
        .as_chunks::<2>()
        .0
        .iter()
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect()
}

fn encoded(encode: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    encode(&mut out);
    out
}

#[test]
fn section_header_is_as_specified() {
    let section = Section {
        hardware: "x86".into(),
        os: "Linux".into(),
        application: String::new(),
    };
    let expected = hex("0a0d0d0a 34000000 4d3c2b1a 0100 0000 ffffffffffffffff
         0200 0300 78383600  0300 0500 4c696e7578000000  0000 0000 34000000");
    assert_eq!(
        encoded(|out| blocks::section_header(out, &section)),
        expected
    );
}

#[test]
fn interface_description_is_as_specified() {
    let description = IfaceDescription {
        iface: Iface {
            description: "up".into(),
            ..eth("eth0")
        },
        comment: "cut".into(),
        filter: Some("tcp".into()),
        mac: Some([2, 0, 0, 0, 0, 1]),
        os: "L".into(),
    };
    let expected = hex(
        "01000000 54000000 0100 0000 60000000  0100 0300 63757400  0200 0400 65746830  0300 0200 75700000
         0600 0600 0200000000010000  0900 0100 09000000  0b00 0400 00746370  0c00 0100 4c000000
         0000 0000 54000000",
    );
    assert_eq!(
        encoded(|out| blocks::interface_description(out, &description)),
        expected
    );
    let expected =
        hex("01000000 20000000 0100 0000 60000000 0900 0100 09000000 0000 0000 20000000");
    let bare = IfaceDescription::from(eth(""));
    assert_eq!(
        encoded(|out| blocks::interface_description(out, &bare)),
        expected
    );
}

#[test]
fn enhanced_packet_is_as_specified() {
    let packet = Packet {
        meta: meta(0x1122_3344_5566_7788, 2),
        data: b"abcde",
    };
    let expected = hex(
        "06000000 28000000 02000000 44332211 88776655 05000000 3c000000 6162636465000000 28000000",
    );
    assert_eq!(
        encoded(|out| blocks::enhanced_packet(out, &packet, 0)),
        expected
    );

    let known = PacketMeta {
        queue: Some(0x0102),
        direction: Some(PacketDirection::Outbound),
        ..packet.meta
    };
    let packet = Packet {
        meta: known,
        data: b"abcd",
    };
    let expected = hex(
        "06000000 44000000 02000000 44332211 88776655 04000000 3c000000 61626364
         0200 0400 02000000  0400 0800 0700000001000000  0600 0400 02010000  0000 0000 44000000",
    );
    assert_eq!(
        encoded(|out| blocks::enhanced_packet(out, &packet, 0x1_0000_0007)),
        expected
    );
    let inbound = Packet {
        meta: PacketMeta {
            direction: Some(PacketDirection::Inbound),
            ..meta(0, 0)
        },
        data: b"",
    };
    let block = encoded(|out| blocks::enhanced_packet(out, &inbound, 0));
    assert_eq!(block[28..], hex("0200 0400 01000000 0000 0000 2c000000"));
}

#[test]
fn statistics_are_as_specified() {
    let statistics = IfaceStatistics {
        comments: vec!["abc".to_owned()],
        start: Some(Timestamp(0x1_0000_0002)),
        end: Some(Timestamp(0x3_0000_0004)),
        received: Some(5),
        iface_dropped: Some(6),
        accepted: Some(7),
        os_dropped: Some(8),
        delivered: Some(9),
    };
    let expected = hex("05000000 78000000 01000000 03000000 04000000
         0100 0300 61626300  0200 0800 01000000 02000000  0300 0800 03000000 04000000  0400 0800 0500000000000000
         0500 0800 0600000000000000  0600 0800 0700000000000000  0700 0800 0800000000000000
         0800 0800 0900000000000000  0000 0000 78000000");
    assert_eq!(
        encoded(|out| blocks::interface_statistics(out, IfaceId(1), &statistics)),
        expected
    );
}

#[test]
fn texts_that_an_option_cannot_hold_are_cut_between_characters() {
    let block = encoded(|out| blocks::interface_description(out, &eth(&"ü".repeat(50_000)).into()));
    assert!(block.len().is_multiple_of(4));
    let value_len = u16::from_le_bytes([block[18], block[19]]);
    assert_eq!((value_len, value_len % 2), (0xfffc, 0));
}

/// What was written, wherever the file has gone; fails once it would be longer than `room`.
#[derive(Clone, Default)]
struct Memory {
    bytes: Arc<Mutex<Vec<u8>>>,
    room: Option<usize>,
    error: Option<io::ErrorKind>,
}

impl Output for Memory {
    fn append(&mut self, bytes: &[u8], _: Queue) -> io::Result<usize> {
        let mut all = self.bytes.lock().unwrap();
        let room = self.room.map_or(usize::MAX, |room| room - all.len());
        if room == 0 {
            return Err(self.error.unwrap_or(io::ErrorKind::StorageFull).into());
        }
        let taken = bytes.len().min(room);
        all.extend_from_slice(&bytes[..taken]);
        Ok(taken)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.bytes.lock().unwrap().truncate(len as usize);
        Ok(())
    }
}

fn options(path: &Path, overflow: Overflow) -> PacketFileOptions {
    PacketFileOptions {
        path: path.to_owned(),
        existing: Existing::Refuse,
        rotation: None,
        overflow,
        pool_bytes: DEFAULT_POOL_BYTES,
        section: Section::default(),
        ifaces: vec![eth("a").into(), eth("b").into()],
    }
}

type Written = Vec<(PacketMeta, Vec<u8>)>;

fn read_file(path: &Path) -> (Written, Vec<Iface>) {
    let mut source = FileSource::open(path, Numbering::default()).unwrap();
    let (mut packets, mut slots) = (Vec::new(), Vec::new());
    while let Some(block) = source.next_batch(&mut slots, 100).unwrap() {
        packets.extend(
            slots
                .drain(..)
                .map(|slot| (slot.meta, slot.packet(&block).data.to_vec())),
        );
    }
    (packets, source.ifaces().to_vec())
}

fn read_memory(memory: &Memory) -> (Written, Vec<Iface>) {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(&memory.bytes.lock().unwrap()).unwrap();
    read_file(file.path())
}

#[test]
fn whoever_adds_interfaces_does_not_wait_for_a_reader_who_sleeps() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("pipe");
    let status = std::process::Command::new("mkfifo").arg(&path).status();
    assert!(status.unwrap().success());
    // Opening one end waits for the other, but not where both are opened at once.
    let both = std::fs::File::options().read(true).write(true).open(&path);
    let mut reader = std::fs::File::open(&path).unwrap();
    drop(both);
    let options = PacketFileOptions {
        existing: Existing::Overwrite,
        ..options(&path, Overflow::Drop)
    };
    let (mut file, sinks) = PacketFile::create(&options, 1).unwrap();
    let mut late = eth("late");
    // Two of them do not fit into a pipe of 64 KiB.
    late.description = "x".repeat(40_000);
    let mut added = 0;
    while file.add_iface(&late.clone().into()).is_some() {
        added += 1;
        assert!(added < 10_000, "the writer writes to nobody");
    }
    assert!(added >= ADDED_IFACES);
    let read = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes.len() as u64
    });
    drop(sinks);
    let summary = file.finish(Vec::new());
    assert_eq!(read.join().unwrap(), summary.bytes, "all of them are there");
    assert!(summary.bytes > u64::from(added) * 40_000);
}

#[test]
fn what_is_written_is_read_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("packets.pcapng");
    let (mut file, mut sinks) = PacketFile::create(&options(&path, Overflow::Block), 1).unwrap();
    let mut sink = sinks.remove(0);
    let mut pushed = Vec::new();
    for index in 0..5000_u64 {
        if index == 2500 {
            assert_eq!(file.add_iface(&eth("late").into()), Some(IfaceId(2)));
        }
        let meta = PacketMeta {
            frame: FrameNo(index + 1),
            queue: (index % 3 == 0).then_some(index as u16),
            direction: (index % 2 == 0).then_some(PacketDirection::Inbound),
            lost: u32::from(index % 7 == 0),
            ..meta(
                index * 1_000_000,
                if index < 2500 { (index % 2) as u32 } else { 2 },
            )
        };
        // Some packets are larger than a buffer.
        let cap_len = if index % 1000 == 3 {
            2 << 20
        } else {
            index as usize % 1500
        };
        let data = vec![index as u8; cap_len];
        sink.packet(&Packet { meta, data: &data });
        sink.advance(meta.ts);
        pushed.push((meta, data));
    }
    sink.finish();
    let counters = file.counters();
    let summary = file.finish(vec![IfaceStatistics::default(); 3]);
    assert_eq!(
        (summary.written, counters.written(), summary.disordered),
        (5000, 5000, 0)
    );
    assert!(matches!(summary.ending, Ending::Complete));
    assert_eq!(summary.bytes, std::fs::metadata(&path).unwrap().len());
    assert_eq!(
        (summary.first, summary.last),
        (Some(Timestamp(0)), Some(Timestamp(4_999_000_000)))
    );
    let (packets, ifaces) = read_file(&path);
    assert!(packets == pushed);
    assert_eq!(
        ifaces
            .iter()
            .map(|iface| iface.name.as_str())
            .collect::<Vec<_>>(),
        ["a", "b", "late"]
    );

    let error = PacketFile::create(&options(&path, Overflow::Block), 1).unwrap_err();
    assert!(matches!(error, SinkError::Exists { .. }));
    assert!(
        error
            .to_string()
            .ends_with("packets.pcapng: exists already; --overwrite replaces it")
    );
    let again = PacketFileOptions {
        existing: Existing::Overwrite,
        ..options(&path, Overflow::Block)
    };
    let (file, sinks) = PacketFile::create(&again, 1).unwrap();
    drop(sinks);
    assert!(file.finish(Vec::new()).bytes < 200);
    assert!(read_file(&path).0.is_empty());
}

#[test]
fn live_file_grows_before_a_buffer_is_full() {
    let memory = Memory::default();
    let options = options(Path::new("memory"), Overflow::Drop);
    let (file, mut sinks) = PacketFile::start(Box::new(memory), &options, 1).unwrap();
    let counters = file.counters();
    sinks[0].packet(&Packet {
        meta: meta(5, 0),
        data: b"x",
    });
    sinks[0].advance(Timestamp(5 + 99_999_999));
    assert!(sinks[0].chunk.is_some());
    sinks[0].advance(Timestamp(5 + 100_000_000));
    assert!(sinks[0].chunk.is_none());
    while counters.written() == 0 {
        std::thread::yield_now();
    }
    drop(sinks);
    file.finish(Vec::new());
}

/// Blocks every write until the test lets go.
struct Stuck(Memory, crossbeam_channel::Receiver<()>);

impl Output for Stuck {
    fn append(&mut self, bytes: &[u8], queue: Queue) -> io::Result<usize> {
        if !self.0.bytes.lock().unwrap().is_empty() {
            // Fails when the test has let go for good.
            match self.1.recv() {
                Ok(()) | Err(_) => {}
            }
        }
        self.0.append(bytes, queue)
    }

    fn cut(&mut self, len: u64) -> io::Result<()> {
        self.0.cut(len)
    }
}

#[test]
fn overflow_is_counted_and_the_next_packet_tells_of_it() {
    let memory = Memory::default();
    let (let_go, stuck) = crossbeam_channel::unbounded();
    let small = PacketFileOptions {
        pool_bytes: 64 << 10,
        ..options(Path::new("memory"), Overflow::Drop)
    };
    let (file, mut sinks) =
        PacketFile::start(Box::new(Stuck(memory.clone(), stuck)), &small, 1).unwrap();
    let mut sink = sinks.remove(0);
    let data = [7; 1000];
    let pushed = 1000_u64;
    for index in 0..pushed {
        sink.packet(&Packet {
            meta: PacketMeta {
                lost: 2,
                ..meta(index, (index % 2) as u32)
            },
            data: &data,
        });
        sink.advance(Timestamp(index));
    }
    let overflowed = file.counters().unwritten_overflow();
    // Four buffers of 16 KiB hold 15 packets each.
    assert_eq!(overflowed, pushed - 4 * 15);
    drop(let_go);
    while file.counters().written() < 60 {
        std::thread::yield_now();
    }
    while sink.free.is_empty() {
        std::thread::yield_now();
    }
    for iface in 0..2 {
        sink.packet(&Packet {
            meta: PacketMeta {
                lost: 1,
                ..meta(pushed, iface)
            },
            data: &data,
        });
    }
    sink.finish();
    let summary = file.finish(Vec::new());
    assert_eq!(
        (
            summary.written,
            summary.unwritten_overflow,
            summary.unwritten_disk
        ),
        (62, overflowed, 0)
    );
    let (packets, _) = read_memory(&memory);
    let told: Vec<u32> = packets[60..].iter().map(|(meta, _)| meta.lost).collect();
    assert_eq!(told, [overflowed as u32 / 2 * 3 + 1; 2]);
    let lost: u64 = packets.iter().map(|(meta, _)| u64::from(meta.lost)).sum();
    assert_eq!(lost, pushed * 2 + overflowed + 2, "every loss is told once");
}

#[test]
fn full_disk_leaves_whole_blocks_and_counts_the_rest() {
    for room in [100, 500, 40_000, 123_457] {
        let memory = Memory {
            room: Some(room),
            ..Memory::default()
        };
        let small = PacketFileOptions {
            pool_bytes: 64 << 10,
            ..options(Path::new("memory"), Overflow::Block)
        };
        let started = PacketFile::start(Box::new(memory.clone()), &small, 1);
        if room == 100 {
            assert!(
                matches!(started.unwrap_err(), SinkError::Write { .. }),
                "not even the header fits"
            );
            continue;
        }
        let (file, mut sinks) = started.unwrap();
        let mut sink = sinks.remove(0);
        for index in 0..3000_u64 {
            sink.packet(&Packet {
                meta: meta(index, 0),
                data: &[1; 101],
            });
            sink.advance(Timestamp(index));
        }
        sink.finish();
        let summary = file.finish(vec![IfaceStatistics::default()]);
        let Ending::Failed(SinkError::Write { source, .. }) = summary.ending else {
            panic!("did not fail")
        };
        assert_eq!(source.kind(), io::ErrorKind::StorageFull);
        let (packets, _) = read_memory(&memory);
        assert_eq!(packets.len() as u64, summary.written);
        assert_eq!(summary.written + summary.unwritten_disk, 3000);
        let len = memory.bytes.lock().unwrap().len();
        assert_eq!(summary.bytes, len as u64);
        assert!(room - len < 136, "no packet that had room is missing");
    }
}

#[test]
fn reader_that_goes_away_is_no_error() {
    let error = Some(io::ErrorKind::BrokenPipe);
    let memory = Memory {
        room: Some(1000),
        error,
        ..Memory::default()
    };
    let (file, mut sinks) = PacketFile::start(
        Box::new(memory),
        &options(Path::new("-"), Overflow::Block),
        1,
    )
    .unwrap();
    let counters = file.counters();
    for index in 0..100 {
        sinks[0].packet(&Packet {
            meta: meta(index, 0),
            data: &[1; 100],
        });
    }
    drop(sinks);
    let summary = file.finish(Vec::new());
    assert!(matches!(summary.ending, Ending::ReaderGone) && counters.is_reader_gone());
    assert_eq!(summary.written + summary.unwritten_disk, 100);
}

#[test]
fn burst_larger_than_all_buffers_does_not_wait_for_itself() {
    let memory = Memory::default();
    let small = PacketFileOptions {
        pool_bytes: 64 << 10,
        ..options(Path::new("memory"), Overflow::Block)
    };
    let (file, mut sinks) = PacketFile::start(Box::new(memory.clone()), &small, 2).unwrap();
    // The first worker has promised nothing and never does; the second one says nothing in between.
    for index in 0..2000 {
        sinks[1].packet(&Packet {
            meta: meta(index, 0),
            data: &[1; 100],
        });
    }
    drop(sinks);
    let summary = file.finish(Vec::new());
    assert_eq!((summary.written, summary.disordered), (2000, 0));
    assert_eq!(read_memory(&memory).0.len(), 2000);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn workers_in_any_order_make_a_file_in_time_order(
        steps in prop::collection::vec((0..3_usize, 0..20_u64, 0..3_u8, 0..200_usize), 1..400),
    ) {
        let memory = Memory::default();
        // One thread plays all workers, so none may have to wait for another.
        let roomy = PacketFileOptions {
            pool_bytes: 3 << 30, ..options(Path::new("memory"), Overflow::Block) };
        let (file, mut sinks) = PacketFile::start(Box::new(memory.clone()), &roomy, 3).unwrap();
        // Each worker has a floor that it has promised; its packets come in any order above it.
        let mut floors = [0_u64; 3];
        let mut expected = Vec::new();
        for (index, &(worker, ahead, action, cap_len)) in steps.iter().enumerate() {
            let ts = floors[worker] + ahead * 20_000_000;
            let data = vec![index as u8; cap_len];
            sinks[worker].packet(&Packet { meta: meta(ts, 0), data: &data });
            expected.push((ts, worker, index, data));
            if action > 0 {
                floors[worker] += ahead / u64::from(action) * 20_000_000;
                sinks[worker].advance(Timestamp(floors[worker]));
            }
        }
        drop(sinks);
        let summary = file.finish(Vec::new());
        prop_assert_eq!((summary.written, summary.disordered), (steps.len() as u64, 0));
        expected.sort_by_key(|&(ts, worker, index, _)| (ts, worker, index));
        let expected: Vec<_> = expected.into_iter().map(|(ts, _, _, data)| (ts, data)).collect();
        let packets: Vec<_> = read_memory(&memory).0.into_iter().map(|(meta, data)| (meta.ts.0, data)).collect();
        prop_assert!(packets == expected);
    }
}

/// The files of a directory by name.
fn files_in(directory: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    paths.sort();
    paths
}

/// Writes packets of these times (s) and lengths from one worker, and says what became of them.
fn rotate(path: &Path, rotation: Rotation, packets: &[(u64, usize)]) -> PacketFileSummary {
    let options = PacketFileOptions {
        rotation: Some(rotation),
        ..options(path, Overflow::Block)
    };
    let (file, mut sinks) = PacketFile::create(&options, 1).unwrap();
    let mut sink = sinks.pop().unwrap();
    for (number, (secs, len)) in packets.iter().enumerate() {
        sink.packet(&Packet {
            meta: meta(secs * 1_000_000_000, (number % 2) as u32),
            data: &vec![number as u8; *len],
        });
    }
    sink.finish();
    file.finish(vec![IfaceStatistics::default(); 2])
}

/// Which packets go into which file, told in the simplest way: `sizes` are those of their blocks,
/// `header` what a file begins with.
fn split(rotation: &Rotation, header: usize, packets: &[(u64, usize)]) -> Vec<Vec<usize>> {
    let mut files: Vec<Vec<usize>> = vec![Vec::new()];
    for (number, (secs, len)) in packets.iter().enumerate() {
        let block = |len: usize| 32 + len.next_multiple_of(4);
        let file = files.last_mut().unwrap();
        let first = file.first().map_or(*secs, |first| packets[*first].0);
        let bytes: usize = file.iter().map(|number| block(packets[*number].1)).sum();
        let over = rotation
            .packets
            .is_some_and(|most| file.len() as u64 == most)
            || rotation
                .bytes
                .is_some_and(|most| (header + bytes + block(*len)) as u64 > most)
            || rotation
                .duration
                .is_some_and(|span| secs - first >= span.0 / 1_000_000_000)
            || rotation.interval.is_some_and(|span| {
                secs / (span.0 / 1_000_000_000) != first / (span.0 / 1_000_000_000)
            });
        if over && !file.is_empty() {
            files.push(vec![number]);
        } else {
            file.push(number);
        }
    }
    files
}

proptest! {
    /// The oracle is a loop over packets.
    #[test]
    fn files_in_a_row_hold_every_packet_where_it_belongs(
        steps in prop::collection::vec((0_u64..9, 0_usize..200), 1..120),
        packets_most in prop::option::of(1_u64..30),
        bytes_most in prop::option::of(200_u64..4000),
        duration in prop::option::of(1_u64..40),
        interval in prop::option::of(1_u64..40),
        kept in prop::option::of(1_u32..6),
        enough in prop::option::of(1_u32..9),
    ) {
        let mut secs = 1_700_000_000;
        let packets: Vec<_> = steps
            .iter()
            .map(|(step, len)| {
                secs += step;
                (secs, *len)
            })
            .collect();
        let rotation = Rotation {
            duration: duration.map(Span::from_secs),
            interval: interval.map(Span::from_secs),
            bytes: bytes_most,
            packets: packets_most,
            files: kept,
            enough,
            names: Names::Numbered,
        };
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.pcapng");
        let summary = rotate(&path, rotation, &packets);
        prop_assert!(matches!(summary.ending, Ending::Complete));
        let header = options(&path, Overflow::Block).header().len();
        let mut expected = split(&rotation, header, &packets);
        expected.truncate(enough.map_or(usize::MAX, |files| files as usize));
        let written: usize = expected.iter().map(Vec::len).sum();
        prop_assert_eq!(summary.written, written as u64);
        prop_assert_eq!(summary.skipped, (packets.len() - written) as u64);
        let left = expected.len() - kept.map_or(expected.len(), |kept| expected.len().min(kept as usize));
        let paths = files_in(directory.path());
        let series = summary.series.unwrap();
        prop_assert_eq!(series.begun, expected.len() as u64);
        prop_assert_eq!(series.removed, left as u64);
        prop_assert_eq!(paths.first(), Some(&series.first));
        prop_assert_eq!(paths.last(), Some(&series.last));
        prop_assert_eq!(paths.len(), expected.len() - left);
        for (path, numbers) in paths.iter().zip(&expected[left..]) {
            let (read, ifaces) = read_file(path);
            prop_assert_eq!(ifaces.len(), 2);
            let read: Vec<_> = read
                .iter()
                .map(|(meta, data)| (meta.ts.secs(), data.clone()))
                .collect();
            let expected: Vec<_> = numbers
                .iter()
                .map(|number| (packets[*number].0, vec![*number as u8; packets[*number].1]))
                .collect();
            prop_assert_eq!(read, expected);
        }
    }
}

#[test]
fn a_file_that_is_large_enough_has_the_name_that_was_asked_for() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.pcapng");
    let header = options(&path, Overflow::Block).header().len();
    // Blocks of enhanced packets have 32 bytes besides the packet.
    let rotation = Rotation {
        bytes: Some((header + 3 * (32 + 100)) as u64),
        enough: Some(1),
        names: Names::Plain,
        ..Rotation::default()
    };
    let summary = rotate(&path, rotation, &[(1_700_000_000, 100); 5]);
    assert!(matches!(summary.ending, Ending::Complete));
    assert_eq!((summary.written, summary.skipped), (3, 2));
    assert_eq!(files_in(directory.path()), std::slice::from_ref(&path));
    assert_eq!(read_file(&path).0.len(), 3);
}

#[test]
fn a_file_that_cannot_be_begun_leaves_the_ones_before_it_whole() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.pcapng");
    // Somebody has taken the name of the third file.
    let taken = directory.path().join("a_00003_20231114221322.pcapng");
    std::fs::write(&taken, "mine").unwrap();
    let rotation = Rotation {
        packets: Some(1),
        ..Rotation::default()
    };
    let packets: Vec<_> = (0..5).map(|secs| (1_700_000_000 + secs, 4)).collect();
    let summary = rotate(&path, rotation, &packets);
    assert!(matches!(
        summary.ending,
        Ending::Failed(SinkError::Exists { path }) if path == taken
    ));
    assert_eq!((summary.written, summary.unwritten_disk), (2, 3));
    assert_eq!(std::fs::read(&taken).unwrap(), b"mine");
    let paths = files_in(directory.path());
    assert_eq!(paths.len(), 3);
    for path in paths.iter().filter(|path| **path != taken) {
        assert_eq!(read_file(path).0.len(), 1);
    }
}
