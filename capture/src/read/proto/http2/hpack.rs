//! Compression of header fields (HPACK, RFC 7541): both sides keep a table of fields that were sent, and refer to
//! them by number.

use std::collections::VecDeque;
use std::sync::LazyLock;

/// Bytes of fields that a table holds at first (section 4.2), and at most here.
const FIRST_SIZE: usize = 4096;
const MOST_SIZE: usize = 1 << 16;
/// What a field takes beside its bytes (section 4.1).
const OVERHEAD: usize = 32;
/// Fields of a block, and bytes of them, that are read.
const MOST_FIELDS: usize = 200;
const MOST_BYTES: usize = 256 * 1024;
/// Bytes of a field that goes on in the next frame.
const MOST_PENDING: usize = 1 << 16;
/// What stands for a field that was sent before the capture began: so many of these fill a table.
const UNKNOWN: &[u8] = b"<unknown>";
const MOST_UNKNOWN: usize = FIRST_SIZE / (OVERHEAD + 2 * UNKNOWN.len());

/// A field: its name and its value.
pub(super) type Field = (Vec<u8>, Vec<u8>);

/// What one direction of a connection said so far.
#[derive(Debug)]
pub(super) struct Table {
    /// Fields, the last one first.
    fields: VecDeque<Field>,
    size: usize,
    most: usize,
    /// The beginning of a field that was not whole.
    pending: Vec<u8>,
    /// Nothing can be told of what follows an error.
    is_broken: bool,
}

/// Why a field cannot be read.
enum Stop {
    /// It is not whole.
    Short,
    Broken,
}

impl Default for Table {
    fn default() -> Self {
        Self {
            fields: VecDeque::new(),
            size: 0,
            most: FIRST_SIZE,
            pending: Vec::new(),
            is_broken: false,
        }
    }
}

impl Table {
    /// The fields of a block, or of the part of one that a frame carries.
    pub(super) fn decode(&mut self, part: &[u8]) -> Vec<Field> {
        let mut found = Vec::new();
        if self.is_broken {
            return found;
        }
        let mut bytes = std::mem::take(&mut self.pending);
        bytes.extend_from_slice(part);
        let (mut at, mut len) = (0, 0);
        while at < bytes.len() && found.len() < MOST_FIELDS && len < MOST_BYTES {
            match self.field(&bytes[at..]) {
                Ok((field, used)) => {
                    at += used;
                    if let Some(field) = field {
                        len += field.0.len() + field.1.len();
                        found.push(field);
                    }
                }
                Err(Stop::Short) if bytes.len() - at <= MOST_PENDING => {
                    self.pending = bytes.split_off(at);
                    break;
                }
                Err(_) => {
                    self.is_broken = true;
                    break;
                }
            }
        }
        found
    }

    /// A field, if it is one and not the table's size, and how many bytes it took (section 6).
    fn field(&mut self, bytes: &[u8]) -> Result<(Option<Field>, usize), Stop> {
        let first = *bytes.first().ok_or(Stop::Short)?;
        if first & 0x80 != 0 {
            let (index, used) = integer(bytes, 7)?;
            return Ok((Some(self.get(index)?), used));
        }
        if first & 0xe0 == 0x20 {
            let (size, used) = integer(bytes, 5)?;
            if size > MOST_SIZE {
                return Err(Stop::Broken);
            }
            self.most = size;
            self.shrink();
            return Ok((None, used));
        }
        let is_kept = first & 0x40 != 0;
        let (index, mut used) = integer(bytes, if is_kept { 6 } else { 4 })?;
        let name = if index == 0 {
            let (name, len) = string(bytes.get(used..).ok_or(Stop::Short)?)?;
            used += len;
            name
        } else {
            self.get(index)?.0
        };
        let (value, len) = string(bytes.get(used..).ok_or(Stop::Short)?)?;
        used += len;
        let field = (name, value);
        if is_kept {
            self.size += field.0.len() + field.1.len() + OVERHEAD;
            self.fields.push_front(field.clone());
            self.shrink();
        }
        Ok((Some(field), used))
    }

    fn shrink(&mut self) {
        while self.size > self.most
            && let Some((name, value)) = self.fields.pop_back()
        {
            self.size -= name.len() + value.len() + OVERHEAD;
        }
    }

    /// The field with this number: one that all know, or one that was sent.
    fn get(&self, index: usize) -> Result<Field, Stop> {
        let place = index.checked_sub(1).ok_or(Stop::Broken)?;
        if let Some((name, value)) = KNOWN.get(place) {
            return Ok((name.as_bytes().to_vec(), value.as_bytes().to_vec()));
        }
        let place = place - KNOWN.len();
        match self.fields.get(place) {
            Some(field) => Ok(field.clone()),
            None if place < MOST_UNKNOWN => Ok((UNKNOWN.to_vec(), UNKNOWN.to_vec())),
            None => Err(Stop::Broken),
        }
    }
}

/// A number whose first byte has so many bits for it (section 5.1).
fn integer(bytes: &[u8], bits: u32) -> Result<(usize, usize), Stop> {
    const MOST_BYTES: usize = 4;
    let mask = (1_usize << bits) - 1;
    let mut value = usize::from(*bytes.first().ok_or(Stop::Short)?) & mask;
    if value < mask {
        return Ok((value, 1));
    }
    for place in 0..MOST_BYTES {
        let byte = usize::from(*bytes.get(1 + place).ok_or(Stop::Short)?);
        value += (byte & 0x7f) << (7 * place);
        if byte & 0x80 == 0 {
            return Ok((value, 2 + place));
        }
    }
    Err(Stop::Broken)
}

/// A text, and how many bytes it took (section 5.2).
fn string(bytes: &[u8]) -> Result<(Vec<u8>, usize), Stop> {
    let is_huffman = bytes.first().ok_or(Stop::Short)? & 0x80 != 0;
    let (len, at) = integer(bytes, 7)?;
    let sent = bytes.get(at..at + len).ok_or(Stop::Short)?;
    let text = if is_huffman {
        huffman(sent).ok_or(Stop::Broken)?
    } else {
        sent.to_vec()
    };
    Ok((text, at + len))
}

/// The codes in the order of their lengths: of each length the first code, and where its bytes begin.
struct Codes {
    first: [u32; LONGEST + 1],
    count: [u32; LONGEST + 1],
    begin: [usize; LONGEST + 1],
    symbols: Vec<u16>,
}

/// The code follows from its lengths: shorter codes come first, of the same length those of lower bytes.
static CODES: LazyLock<Codes> = LazyLock::new(|| {
    let mut codes = Codes {
        first: [0; LONGEST + 1],
        count: [0; LONGEST + 1],
        begin: [0; LONGEST + 1],
        symbols: Vec::new(),
    };
    let mut next = 0;
    for len in 1..=LONGEST {
        next <<= 1;
        codes.first[len] = next;
        codes.begin[len] = codes.symbols.len();
        for (symbol, _) in (0..).zip(LENGTHS).filter(|(_, of)| usize::from(*of) == len) {
            codes.symbols.push(symbol);
            codes.count[len] += 1;
            next += 1;
        }
    }
    codes
});

/// Takes Huffman's code off; `None` if it is none.
fn huffman(sent: &[u8]) -> Option<Vec<u8>> {
    const MOST_FILLING: usize = 7;
    let codes = &*CODES;
    let mut text = Vec::with_capacity(sent.len() * 8 / 5);
    let (mut code, mut len) = (0_u32, 0);
    for bit in sent
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |at| byte >> at & 1))
    {
        code = code << 1 | u32::from(bit);
        len += 1;
        let at = code.checked_sub(*codes.first.get(len)?);
        if let Some(at) = at.filter(|at| *at < codes.count[len]) {
            let symbol = *codes.symbols.get(codes.begin[len] + at as usize)?;
            text.push(u8::try_from(symbol).ok()?);
            (code, len) = (0, 0);
        }
    }
    // The last byte is filled with the beginning of the longest code, which is all ones.
    let is_filling = len <= MOST_FILLING && code == (1 << len) - 1;
    is_filling.then_some(text)
}

const LONGEST: usize = 30;

/// Bits of the code of each byte, and of the end (appendix B).
#[rustfmt::skip]
static LENGTHS: [u8; 257] = [
    13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28,
    28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6,
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5,
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
    20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23,
    24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
    22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23,
    21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
    26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25,
    19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
    20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23,
    26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
    30,
];

/// Fields that have numbers from the beginning (appendix A).
static KNOWN: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, value: &str) -> Field {
        (name.as_bytes().to_vec(), value.as_bytes().to_vec())
    }

    /// RFC 7541 appendix C.4: three requests, one after the other.
    #[test]
    fn requests_of_the_rfc_are_read() {
        let mut table = Table::default();
        let first = [
            0x82, 0x86, 0x84, 0x41, 0x8c, 0xf1, 0xe3, 0xc2, 0xe5, 0xf2, 0x3a, 0x6b, 0xa0, 0xab,
            0x90, 0xf4, 0xff,
        ];
        let second = [
            0x82, 0x86, 0x84, 0xbe, 0x58, 0x86, 0xa8, 0xeb, 0x10, 0x64, 0x9c, 0xbf,
        ];
        let third = [
            0x82, 0x87, 0x85, 0xbf, 0x40, 0x88, 0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xa9, 0x7d, 0x7f,
            0x89, 0x25, 0xa8, 0x49, 0xe9, 0x5b, 0xb8, 0xe8, 0xb4, 0xbf,
        ];
        let authority = field(":authority", "www.example.com");
        let plain = [
            field(":method", "GET"),
            field(":scheme", "http"),
            field(":path", "/"),
            authority.clone(),
        ];
        assert_eq!(table.decode(&first), plain);
        let found = table.decode(&second);
        assert_eq!(found[..4], plain);
        assert_eq!(found[4], field("cache-control", "no-cache"));
        // A block can come in parts.
        let mut found = table.decode(&third[..9]);
        found.extend(table.decode(&third[9..]));
        let custom = field("custom-key", "custom-value");
        assert_eq!(found[3..], [authority, custom]);
        assert_eq!(table.size, 164);
    }

    #[test]
    fn what_was_sent_before_is_unknown() {
        let mut table = Table::default();
        assert_eq!(table.decode(&[0xbe]), [field("<unknown>", "<unknown>")]);
        assert!(table.decode(&[0xff, 0xff, 0x7f]).is_empty());
        // Nothing is told of what follows.
        assert!(table.decode(&[0x82]).is_empty());
    }

    /// RFC 7541 section 4.4.
    #[test]
    fn older_fields_make_room() {
        let mut table = Table::default();
        let long = vec![b'a'; 120];
        for name in 0..200 {
            let mut bytes = vec![0x40, 1, name, 120];
            bytes.extend_from_slice(&long);
            table.decode(&bytes);
        }
        assert!(table.size <= FIRST_SIZE);
        assert_eq!(table.decode(&[0x20]), []);
        assert_eq!((table.size, table.fields.len()), (0, 0));
    }
}
