//! A decoder written from RFC 7011 and RFC 5103, which knows nothing of how messages are made: the
//! elements of each record with their values as bytes.

use std::collections::HashMap;

/// An element: its number, and whether it is reverse (enterprise 29305).
pub(super) type Key = (u16, bool);

/// A record: the bytes of each element.
pub(super) type Record = HashMap<Key, Vec<u8>>;

/// A message's header, and what was in it.
#[derive(Debug, Default)]
pub(super) struct Decoded {
    pub(super) export_secs: u32,
    pub(super) sequence: u32,
    pub(super) domain: u32,
    pub(super) templates: usize,
    pub(super) records: Vec<Record>,
}

/// What a collecting process remembers: element and length of each field of each template.
#[derive(Debug, Default)]
pub(super) struct Decoder {
    templates: HashMap<u16, Vec<(Key, u16)>>,
}

impl Decoder {
    /// Reads a message that begins `bytes`, and gives what follows it.
    pub(super) fn message<'a>(&mut self, mut bytes: &'a [u8]) -> (Decoded, &'a [u8]) {
        let start = bytes.len();
        assert_eq!(u16(&mut bytes), 10, "version");
        let len = usize::from(u16(&mut bytes));
        let mut decoded = Decoded {
            export_secs: u32(&mut bytes),
            sequence: u32(&mut bytes),
            domain: u32(&mut bytes),
            ..Decoded::default()
        };
        let (mut sets, rest) = bytes.split_at(len - (start - bytes.len()));
        while !sets.is_empty() {
            let number = u16(&mut sets);
            let len = usize::from(u16(&mut sets));
            let mut set = take(&mut sets, len - 4);
            assert!(!set.is_empty(), "a set without records");
            while !set.is_empty() {
                match number {
                    2 => {
                        self.template(&mut set);
                        decoded.templates += 1;
                    }
                    256.. => decoded.records.push(self.record(number, &mut set)),
                    _ => panic!("set {number}"),
                }
            }
        }
        (decoded, rest)
    }

    /// Reads all messages.
    pub(super) fn messages(&mut self, mut bytes: &[u8]) -> Vec<Decoded> {
        let mut all = Vec::new();
        while !bytes.is_empty() {
            let (decoded, rest) = self.message(bytes);
            all.push(decoded);
            bytes = rest;
        }
        all
    }

    fn template(&mut self, set: &mut &[u8]) {
        let (number, count) = (u16(set), u16(set));
        let fields = (0..count)
            .map(|_| {
                let (element, len) = (u16(set), u16(set));
                let reverse = element & 0x8000 != 0;
                if reverse {
                    assert_eq!(u32(set), 29_305);
                }
                ((element & 0x7fff, reverse), len)
            })
            .collect();
        self.templates.insert(number, fields);
    }

    fn record(&self, template: u16, set: &mut &[u8]) -> Record {
        self.templates[&template]
            .iter()
            .map(|(key, len)| {
                let len = match *len {
                    u16::MAX => match take(set, 1)[0] {
                        255 => u16(set),
                        len => u16::from(len),
                    },
                    len => len,
                };
                (*key, take(set, usize::from(len)).to_vec())
            })
            .collect()
    }
}

/// An unsigned number of any length.
pub(super) fn unsigned(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// `dateTimeNanoseconds`, cut off to nanoseconds since 1970, in NTP's era 0 or 1.
pub(super) fn nanoseconds(bytes: &[u8]) -> u64 {
    let value = unsigned(bytes);
    let secs = (value >> 32) as u32;
    let since_1970 = secs.wrapping_sub(2_208_988_800);
    let fraction = value & 0xffff_ffff;
    u64::from(since_1970) * 1_000_000_000 + ((fraction * 1_000_000_000) >> 32)
}

fn take<'a>(bytes: &mut &'a [u8], len: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(len);
    *bytes = rest;
    taken
}

fn u16(bytes: &mut &[u8]) -> u16 {
    unsigned(take(bytes, 2)) as u16
}

fn u32(bytes: &mut &[u8]) -> u32 {
    unsigned(take(bytes, 4)) as u32
}
