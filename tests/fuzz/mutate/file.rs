//! Changes to capture files: records come and go, their lengths lie, and the packets in them change while
//! the file stays whole.

use std::ops::Range;

use super::{bytes, packet};
use crate::random::Random;

/// A record of a file: a packet of pcap with its header, a block of pcapng.
#[derive(Clone, Debug)]
struct Record {
    all: Range<usize>,
    /// Where the packet lies, if it is one.
    data: Option<Range<usize>>,
}

/// A file, taken apart as far as it goes.
struct Parts {
    is_pcapng: bool,
    big: bool,
    records: Vec<Record>,
}

fn word(bytes: &[u8], at: usize, big: bool) -> Option<usize> {
    let word = *bytes.get(at..)?.first_chunk::<4>()?;
    let word = if big {
        u32::from_be_bytes(word)
    } else {
        u32::from_le_bytes(word)
    };
    Some(word as usize)
}

fn put(bytes: &mut [u8], at: usize, number: usize, big: bool) {
    if let Some(place) = bytes.get_mut(at..at + 4) {
        let number = number as u32;
        place.copy_from_slice(&if big {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        });
    }
}

fn parts(file: &[u8]) -> Option<Parts> {
    let magic = *file.first_chunk::<4>()?;
    let mut records = Vec::new();
    let is_pcapng = magic == [0x0a, 0x0d, 0x0d, 0x0a];
    let mut big = matches!(magic, [0xa1, 0xb2, ..]);
    if is_pcapng {
        let mut at = 0;
        while at + 12 <= file.len() {
            if file[at..].starts_with(&magic) {
                big = file.get(at + 8) == Some(&0x1a);
            }
            let len = word(file, at + 4, big)?;
            if len < 12 || len > file.len() - at {
                break;
            }
            let data = match word(file, at, big)? {
                6 | 2 => Some((at + 28, word(file, at + 20, big)?)),
                3 => Some((at + 12, len.saturating_sub(16))),
                _ => None,
            };
            let data = data.map(|(start, data)| start..start + data);
            records.push(Record {
                all: at..at + len,
                data: data.filter(|data| data.end + 4 <= at + len),
            });
            at += len;
        }
    } else if big || matches!(magic, [.., 0xb2, 0xa1]) || matches!(magic, [.., 0x3c, 0xb2, 0xa1]) {
        let mut at = 24;
        while let Some(len) = word(file, at + 8, big) {
            let end = at + 16 + len;
            if end > file.len() {
                break;
            }
            records.push(Record {
                all: at..end,
                data: Some(at + 16..end),
            });
            at = end;
        }
    } else {
        return None;
    }
    Some(Parts {
        is_pcapng,
        big,
        records,
    })
}

/// Changes a capture file a little.
pub(super) fn change(file: &mut Vec<u8>, other: &[u8], random: &mut Random) {
    let Some(parts) = parts(file) else {
        return bytes::change(file, other, random);
    };
    let Some(record) = random.one_of(&parts.records).cloned() else {
        return bytes::change(file, other, random);
    };
    match random.below(20) {
        0..=10 => edit_packet(file, &parts, &record, other, random),
        11 => {
            drop(file.drain(record.all));
        }
        12 | 13 => {
            // Once more, perhaps elsewhere.
            let again = file[record.all.clone()].to_vec();
            let at = random
                .one_of(&parts.records)
                .map_or(record.all.end, |record| record.all.end);
            file.splice(at..at, again);
        }
        14 | 15 => {
            // One of another file.
            if let Some(theirs) = self::parts(other)
                && theirs.is_pcapng == parts.is_pcapng
                && let Some(wanted) = random.one_of(&theirs.records)
            {
                let mut what = other[wanted.all.clone()].to_vec();
                if theirs.big != parts.big && !parts.is_pcapng {
                    for field in what.as_chunks_mut::<4>().0.iter_mut().take(4) {
                        field.reverse();
                    }
                }
                file.splice(record.all.end..record.all.end, what);
            }
        }
        16 => {
            // A header that lies.
            let at = record.all.start + random.below(32);
            let width = [1, 2, 4][random.below(3)];
            bytes::number(file, at, width, random);
        }
        17 => time(file, &parts, &record, random),
        18 => {
            let at = random.below(24.max(record.all.start));
            bytes::number(file, at, 4, random);
        }
        _ => bytes::change(file, other, random),
    }
}

/// Another time of a packet: a little or much earlier or later.
fn time(file: &mut [u8], parts: &Parts, record: &Record, random: &mut Random) {
    let at = record.all.start + if parts.is_pcapng { 12 } else { 0 };
    let places = [at, at + 4];
    let place = places[random.below(2)];
    let Some(old) = word(file, place, parts.big) else {
        return;
    };
    let by = [1, 5, 70, 400, 100_000, 0x7000_0000][random.below(6)];
    let new = if random.once_in(3) {
        old.wrapping_sub(by)
    } else {
        old.wrapping_add(by)
    };
    put(file, place, new, parts.big);
}

/// Changes a packet, and what the file says of its length.
fn edit_packet(
    file: &mut Vec<u8>,
    parts: &Parts,
    record: &Record,
    other: &[u8],
    random: &mut Random,
) {
    let Some(range) = record.data.clone() else {
        let at = record.all.start + random.below(record.all.len());
        let width = [1, 2, 4][random.below(3)];
        return bytes::number(file, at, width, random);
    };
    let mut data = file[range.clone()].to_vec();
    let cut = random.once_in(12);
    if cut {
        data.truncate(random.below(data.len() + 1));
    } else {
        packet::change(&mut data, other, random);
    }
    let len = data.len();
    if !parts.is_pcapng {
        let start = record.all.start;
        file.splice(range, data);
        put(file, start + 8, len, parts.big);
        if !cut {
            put(file, start + 12, len, parts.big);
        }
        return;
    }
    let block = file[record.all.clone()].to_vec();
    let body = range.start - record.all.start;
    let behind = (range.end - record.all.start).next_multiple_of(4);
    let mut new = block[..body].to_vec();
    new.extend(&data);
    new.resize(new.len().next_multiple_of(4), 0);
    new.extend(block.get(behind..).unwrap_or_default());
    let total = new.len();
    put(&mut new, 4, total, parts.big);
    put(&mut new, total - 4, total, parts.big);
    if body == 28 {
        put(&mut new, 20, len, parts.big);
        if !cut {
            put(&mut new, 24, len, parts.big);
        }
    } else if !cut {
        put(&mut new, 8, len, parts.big);
    }
    file.splice(record.all.clone(), new);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::{Order, captures, pcap, pcapng};

    #[test]
    fn every_packet_of_a_whole_file_is_found() {
        let captures = captures();
        for order in [Order::Little, Order::Big] {
            let file = pcap(&captures[0], order);
            let found = parts(&file).unwrap().records;
            assert_eq!(found.len(), captures[0].frames.len());
            for (record, frame) in found.iter().zip(&captures[0].frames) {
                assert_eq!(&file[record.data.clone().unwrap()], frame);
            }
            let file = pcapng(&captures[..1], order);
            let found = parts(&file).unwrap().records;
            let packets: Vec<_> = found
                .iter()
                .filter_map(|record| record.data.clone())
                .collect();
            assert_eq!(packets.len(), captures[0].frames.len());
            for (range, frame) in packets.iter().zip(&captures[0].frames) {
                assert_eq!(&file[range.clone()], frame);
            }
        }
    }

    #[test]
    fn files_stay_whole_when_packets_change() {
        let captures = captures();
        let mut random = Random::new(3);
        for file in [
            pcap(&captures[3], Order::Little),
            pcapng(&captures[..3], Order::Big),
        ] {
            let mut changed = file.clone();
            for _ in 0..200 {
                let parts = parts(&changed).unwrap();
                let packets: Vec<_> = parts
                    .records
                    .iter()
                    .filter(|it| it.data.is_some())
                    .collect();
                let record = (*random.one_of(&packets).unwrap()).clone();
                edit_packet(&mut changed, &parts, &record, b"other", &mut random);
                let after = super::parts(&changed).unwrap();
                assert_eq!(after.records.len(), parts.records.len());
                assert_eq!(after.records.last().unwrap().all.end, changed.len());
            }
        }
    }
}
