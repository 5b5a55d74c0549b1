//! Records of DNSSEC: signatures, keys, and what is not there (RFC 4034, RFC 5155).

use std::fmt::Write as _;

use super::name;
use super::names::type_title;
use crate::packet::Timestamp;
use crate::read::proto::text::Words;
use crate::read::region::{Region, Stop};
use crate::read::tree::{Place, Value};
use crate::read::walk::Walk;

/// Dissects the data of such a record; whether it is one.
pub(super) fn dissect(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    kind: u16,
    at: usize,
    len: usize,
    text: &mut String,
) -> Result<bool, Stop> {
    match kind {
        25 | 48 => key(walk, region, at, len)?,
        43 | 59 | 32769 => {
            walk.u16(super::DS_KEY_ID, region, at)?;
            walk.u8(super::DS_ALGORITHM, region, at + 2)?;
            walk.u8(super::DS_DIGEST_TYPE, region, at + 3)?;
            bytes(walk, region, super::DS_DIGEST, at + 4, at + len)?;
        }
        24 | 46 => signature(walk, region, at, len, text)?,
        47 => {
            let name_len = name::read(region, at, text)?;
            let place = region.place(at, name_len);
            walk.tree.add_text(super::NSEC_NEXT, place, text);
            bitmap(walk, region, at + name_len, at + len)?;
        }
        50 | 51 => hashed(walk, region, kind, at, len)?,
        _ => return Ok(false),
    }
    Ok(true)
}

fn bytes(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    field: crate::read::FieldId,
    at: usize,
    end: usize,
) -> Result<(), Stop> {
    let len = end.saturating_sub(at);
    region.slice(at, len)?;
    walk.tree.add(field, region.place(at, len), Value::Bytes);
    Ok(())
}

fn key(walk: &mut Walk<'_, '_>, region: &Region<'_>, at: usize, len: usize) -> Result<(), Stop> {
    let flags = walk.u16(super::KEY_FLAGS, region, at)?;
    let place = region.place(at, 2);
    walk.tree.open();
    for (field, mask) in [
        (super::KEY_ZONE, 0x0100),
        (super::KEY_REVOKED, 0x0080),
        (super::KEY_ENTRY, 0x0001),
    ] {
        let value = Value::Bool(flags & mask != 0);
        walk.tree.add(field, place, value);
    }
    let reserved = flags & 0xfe7e;
    let added = walk.tree.add(
        super::KEY_RESERVED,
        place,
        Value::Uint(u64::from(reserved >> 1)),
    );
    let bits = crate::read::render::Bits::new(reserved.into(), 0xfe7e, 16);
    walk.tree.label(
        added,
        format_args!("{bits} = Key Signing Key: {:#06x}", reserved >> 1),
    );
    walk.tree.close();
    walk.u8(super::KEY_PROTOCOL, region, at + 2)?;
    walk.u8(super::KEY_ALGORITHM, region, at + 3)?;
    let data = region.slice(at, len)?;
    let tag = Value::Uint(key_tag(data).into());
    walk.tree.add_generated(super::KEY_ID, tag);
    bytes(walk, region, super::KEY_PUBLIC, at + 4, at + len)
}

/// The number by which signatures refer to a key (RFC 4034 appendix B).
fn key_tag(data: &[u8]) -> u16 {
    // Algorithm 1 has its own.
    if let [_, _, _, 1, .., high, low, _] = data {
        return u16::from_be_bytes([*high, *low]);
    }
    let sum: u32 = data
        .iter()
        .enumerate()
        .map(|(place, byte)| u32::from(*byte) << if place % 2 == 0 { 8 } else { 0 })
        .fold(0, u32::wrapping_add);
    (sum.wrapping_add(sum >> 16 & 0xffff) & 0xffff) as u16
}

fn signature(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    at: usize,
    len: usize,
    text: &mut String,
) -> Result<(), Stop> {
    walk.u16(super::SIG_COVERED, region, at)?;
    walk.u8(super::SIG_ALGORITHM, region, at + 2)?;
    walk.u8(super::SIG_LABELS, region, at + 3)?;
    let ttl = region.u32(at + 4)?;
    let place = region.place(at + 4, 4);
    let added = walk
        .tree
        .add(super::SIG_TTL, place, Value::Uint(ttl.into()));
    walk.tree
        .label(added, format_args!("Original TTL: {ttl} ({})", Words(ttl)));
    for (field, offset) in [(super::SIG_EXPIRATION, 8), (super::SIG_INCEPTION, 12)] {
        let seconds = region.u32(at + offset)?;
        let time = Timestamp(u64::from(seconds) * 1_000_000_000);
        let place = region.place(at + offset, 4);
        walk.tree.add(field, place, Value::Time(time));
    }
    walk.u16(super::SIG_KEY_TAG, region, at + 16)?;
    let name_len = name::read(region, at + 18, text)?;
    let place = region.place(at + 18, name_len);
    walk.tree.add_text(super::SIG_SIGNER, place, text);
    let start = at + 18 + name_len;
    bytes(walk, region, super::SIGNATURE, start, at + len)
}

fn hashed(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    kind: u16,
    at: usize,
    len: usize,
) -> Result<(), Stop> {
    walk.u8(super::NSEC3_ALGORITHM, region, at)?;
    let flags = walk.u8(super::NSEC3_FLAGS, region, at + 1)?;
    walk.tree.open();
    walk.tree.add(
        super::NSEC3_OPT_OUT,
        region.place(at + 1, 1),
        Value::Bool(flags & 1 != 0),
    );
    walk.tree.close();
    walk.u16(super::NSEC3_ITERATIONS, region, at + 2)?;
    let salt = usize::from(walk.u8(super::NSEC3_SALT_LEN, region, at + 4)?);
    bytes(walk, region, super::NSEC3_SALT, at + 5, at + 5 + salt)?;
    if kind == 51 {
        return Ok(());
    }
    let mut place = at + 5 + salt;
    let hash_len = usize::from(walk.u8(super::NSEC3_HASH_LEN, region, place)?);
    let hash = region.slice(place + 1, hash_len)?;
    let added = walk.tree.add_text(
        super::NSEC3_HASH,
        region.place(place + 1, hash_len),
        &base32(hash),
    );
    walk.tree.set_generated(added);
    place += 1 + hash_len;
    bitmap(walk, region, place, at + len)
}

/// Base 32 with the digits of base 16 first (RFC 4648 section 7), as Wireshark writes it.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
    let mut text = String::with_capacity(bytes.len() * 8 / 5 + 1);
    for chunk in bytes.chunks(5) {
        let mut word = [0; 8];
        word[3..3 + chunk.len()].copy_from_slice(chunk);
        let word = u64::from_be_bytes(word);
        for digit in 0..(chunk.len() * 8).div_ceil(5) {
            let place = word >> (35 - 5 * digit) & 31;
            text.push(char::from(DIGITS[place as usize]));
        }
    }
    text
}

/// Which types there are (RFC 4034 section 4.1.2).
fn bitmap(
    walk: &mut Walk<'_, '_>,
    region: &Region<'_>,
    mut at: usize,
    end: usize,
) -> Result<(), Stop> {
    let mut text = String::new();
    while at < end {
        let (block, len) = (region.u8(at)?, usize::from(region.u8(at + 1)?));
        let bits = region.slice(at + 2, len)?;
        for (place, byte) in bits.iter().enumerate() {
            for bit in 0..8 {
                if byte >> (7 - bit) & 1 == 0 {
                    continue;
                }
                let kind = u64::from(block) << 8 | (place * 8 + bit) as u64;
                text.clear();
                // Writing to a string does not fail.
                let _infallible = match type_title(kind) {
                    Some(name) => write!(text, "{name}"),
                    None => write!(text, "Unknown ({kind})"),
                };
                let here: Place = region.place(at + 2 + place, 1);
                walk.tree
                    .heading(here, format_args!("RR type in bit map: {text}"));
            }
        }
        at += 2 + len;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4648 section 10.
    #[test]
    fn hashes_are_written_with_the_digits_of_base_16_first() {
        assert_eq!(base32(b"foobar"), "cpnmuoj1e8");
        assert_eq!(base32(b"fooba"), "cpnmuoj1");
        assert_eq!(base32(b"f"), "co");
    }

    // RFC 4034 section 5.4: the key of dskey.example.com has the tag 60485.
    #[test]
    fn the_rfcs_key_has_its_tag() {
        let public = "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZ\
                      DRD99WYwYqUSdjMmmAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9Xzc\
                      nOf+EPbtG9DMBmADjFDc2w/rljwvFw==";
        let mut data = vec![0x01, 0x00, 3, 5];
        let mut word = 0_u32;
        let mut bits = 0;
        for letter in public.bytes().filter(|letter| *letter != b'=') {
            let digit = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'a'..=b'z' => letter - b'a' + 26,
                b'0'..=b'9' => letter - b'0' + 52,
                b'+' => 62,
                _ => 63,
            };
            word = word << 6 | u32::from(digit);
            bits += 6;
            if bits >= 8 {
                bits -= 8;
                data.push((word >> bits) as u8);
            }
        }
        assert_eq!(key_tag(&data), 60485);
    }
}
