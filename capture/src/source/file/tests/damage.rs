//! Files that end early, or are not what they say.

use super::*;

/// Reads every beginning of a file, mapped and as a stream, and checks the packets and the error.
fn check_all_lengths(file: &[u8], ends: &[(usize, usize)], whole: &[usize]) {
    let all = read(file).0;
    for len in 1..=file.len() {
        let expected = ends
            .iter()
            .rev()
            .find(|(end, _)| *end <= len)
            .map_or(0, |&(_, packets)| packets);
        for (packets, _, error) in [read(&file[..len]), read(&gzip(&file[..len]))] {
            assert_eq!(packets, all[..expected], "at {len}");
            assert_eq!(error.is_none(), whole.contains(&len), "at {len}: {error:?}");
            if let Some(FileError {
                kind: FileErrorKind::Damaged { packets, damage },
                offset,
                ..
            }) = error
            {
                assert_eq!(packets, expected as u64);
                assert!(
                    matches!(damage, Damage::Truncated { .. }),
                    "at {len}: {damage}"
                );
                assert!(
                    whole.contains(&(offset as usize)) || offset == 0,
                    "offset {offset} at {len}"
                );
            } else {
                assert!(whole.contains(&len) || len < 4);
            }
        }
    }
}

#[test]
fn pcapng_cut_anywhere_gives_the_packets_before() {
    let (file, ends) = every_block();
    let mut whole = Vec::new();
    let mut at = 0;
    while at < file.len() {
        let order = if at < ends[1].0 {
            Endian::Little
        } else {
            Endian::Big
        };
        at += order.u32(file[at + 4..at + 8].try_into().unwrap()) as usize;
        whole.push(at);
    }
    check_all_lengths(&file, &ends, &whole);
}

#[test]
fn pcap_cut_anywhere_gives_the_packets_before() {
    let order = Endian::Big;
    let mut file = pcap_header(order, 0xa1b2_c3d4, 1);
    let mut ends = vec![(file.len(), 0)];
    for index in 0..5_u32 {
        file.extend(pcap_record(
            order,
            index,
            0,
            99,
            &vec![index as u8; index as usize * 3],
        ));
        ends.push((file.len(), index as usize + 1));
    }
    let whole: Vec<usize> = ends.iter().map(|&(end, _)| end).collect();
    check_all_lengths(&file, &ends, &whole);
}

fn damage_of(file: &[u8]) -> (u64, usize, Damage) {
    let (packets, _, error) = read(file);
    match error.unwrap() {
        FileError {
            offset,
            kind: FileErrorKind::Damaged { damage, .. },
            ..
        } => (offset, packets.len(), damage),
        other => panic!("{other}"),
    }
}

/// The damage of a file that has one good packet and then `block`; the offset is from `block` on.
fn after_packet(block: &[u8]) -> (u64, usize, Damage) {
    let order = Endian::Little;
    let mut start = section(order, 0);
    start.extend(iface(order, 1, 0, &[]));
    start.extend(enhanced(order, 0, 1, 1, b"a").block(6));
    let (offset, packets, damage) = damage_of(&[&start, block].concat());
    (offset - start.len() as u64, packets, damage)
}

#[test]
fn bad_block_lengths_are_named_with_their_place() {
    let order = Endian::Little;
    for (claimed, why) in [
        (8, "less than a block takes"),
        (13, "not a multiple of 4"),
        (0x4000_0000, "more than any block takes"),
    ] {
        let block = Bytes::new(order).u32(6).u32(claimed).0;
        assert_eq!(
            after_packet(&[&block[..], &[0; 64]].concat()),
            (0, 1, Damage::BlockLength { claimed, why })
        );
    }
    let mut block = enhanced(order, 0, 2, 1, b"a").block(6);
    *block.last_mut().unwrap() = 1;
    let trailing = 0x0100_0024;
    assert_eq!(
        after_packet(&block),
        (
            0,
            1,
            Damage::Trailer {
                leading: 36,
                trailing
            }
        )
    );
}

#[test]
fn bad_blocks_are_named_with_their_place() {
    let order = Endian::Little;
    let block = enhanced(order, 3, 2, 1, b"a").block(6);
    assert_eq!(
        after_packet(&block),
        (
            0,
            1,
            Damage::UnknownIface {
                iface: 3,
                described: 1
            }
        )
    );
    let block = Bytes::new(order)
        .u32(0)
        .u64(0)
        .u32(40)
        .u32(40)
        .padded(b"short")
        .block(6);
    assert_eq!(
        after_packet(&block),
        (
            0,
            1,
            Damage::Overrun {
                block: "Enhanced Packet",
                part: "its packet"
            }
        )
    );
    let block = Bytes::new(order)
        .u32(0)
        .u64(0)
        .u32(u32::MAX)
        .u32(40)
        .block(6);
    let max = 16 << 20;
    assert_eq!(
        after_packet(&block),
        (
            0,
            1,
            Damage::PacketLength {
                claimed: u32::MAX,
                max
            }
        )
    );
}

#[test]
fn bad_descriptions_are_named_with_their_place() {
    let order = Endian::Little;
    let version = Damage::Version {
        format: "pcapng",
        major: 1,
        minor: 1,
    };
    assert_eq!(after_packet(&section(order, 1)), (0, 1, version));
    let block = Bytes::new(order)
        .u16(1)
        .u16(0)
        .u32(0)
        .u16(9)
        .u16(5)
        .block(1);
    let part = "one of its options";
    assert_eq!(
        after_packet(&block),
        (
            0,
            1,
            Damage::Overrun {
                block: "Interface Description",
                part
            }
        )
    );
    let block = Bytes::new(order)
        .u32(0x1234_5678)
        .u64(0)
        .u32(0)
        .block(0x0a0d_0d0a);
    assert_eq!(
        after_packet(&block),
        (0, 1, Damage::ByteOrder { magic: 0x1234_5678 })
    );
}

#[test]
fn bad_records_are_named_with_their_place() {
    let order = Endian::Little;
    let max = 16 << 20;
    let mut file = pcap_header(order, 0xa1b2_c3d4, 1);
    file.extend(pcap_record(order, 1, 1, 1, b"a"));
    file.extend(Bytes::new(order).u32(1).u32(1).u32(u32::MAX).u32(60).0);
    assert_eq!(
        damage_of(&file),
        (
            41,
            1,
            Damage::PacketLength {
                claimed: u32::MAX,
                max
            }
        )
    );
    let message = read(&file).2.unwrap().to_string();
    assert!(
        message.contains("damaged at byte 41: a record claims a packet of 4294967295 bytes"),
        "{message}"
    );
    assert!(
        message.ends_with("; the packet before it was read"),
        "{message}"
    );
    let header = Bytes::new(order)
        .u32(0xa1b2_c3d4)
        .u16(3)
        .u16(0)
        .raw(&[0; 16])
        .0;
    assert_eq!(
        damage_of(&header).2,
        Damage::Version {
            format: "pcap",
            major: 3,
            minor: 0
        }
    );
}

#[test]
fn damaged_packet_options_do_not_spoil_the_packet() {
    let order = Endian::Little;
    let mut file = section(order, 0);
    file.extend(iface(order, 1, 0, &[]));
    file.extend(
        enhanced(order, 0, 1, 1, b"a")
            .option(6, &[1, 0, 0, 0])
            .u16(2)
            .u16(400)
            .block(6),
    );
    let (packets, _, error) = read(&file);
    assert!(error.is_none());
    assert_eq!(
        (packets[0].0.queue, packets[0].0.direction),
        (Some(1), None)
    );
}

#[test]
fn what_is_no_capture_file_is_told_apart() {
    let message = |bytes: &[u8]| read(bytes).2.unwrap().to_string();
    assert!(message(b"").ends_with("is empty: it has no file header, so it is not a capture file"));
    assert!(message(b"GIF89a: no capture").ends_with("is not a pcap or pcapng file"));
    assert!(message(b"\xd4\xc3").ends_with("it has less than four bytes"));
    assert!(message(&[0x28, 0xb5, 0x2f, 0xfd, 0, 0]).contains("zstd -dc"));
    let directory = tempfile::tempdir().unwrap();
    let error = FileSource::open(directory.path(), Numbering::default()).unwrap_err();
    assert!(matches!(error.kind, FileErrorKind::Directory), "{error}");
    let error =
        FileSource::open(&directory.path().join("none.pcap"), Numbering::default()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("none.pcap: cannot be opened: No such file or directory (os error 2)")
    );
}
