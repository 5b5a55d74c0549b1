//! Names of MAC addresses: well-known ones, and vendors by the front of an address.
//!
//! The vendors are IEEE's public registry (standards-oui.ieee.org: MA-L, MA-M, MA-S and IAB, here as of
//! Debian's `ieee-data`), packed by `cargo xtask vendors`. Short names are made from them by Wireshark's
//! rule: words that only say what kind of company it is are left out, and so are spaces, and eight letters
//! stay (`Edimax Technology Co. Ltd.`: `EdimaxTe`).

use std::fmt;
use std::io::Read as _;
use std::sync::OnceLock;

use flate2::read::GzDecoder;

use super::print::Names;
use super::render::Ether;

/// A MAC address with its name, if it has one: `Broadcast`, `EdimaxTe_22:c7:be`.
#[derive(Clone, Copy, Debug)]
pub struct Named {
    /// The address.
    pub address: [u8; 6],
    /// Whether names are looked up.
    pub names: Names,
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { address, names } = *self;
        if names == Names::Numbers {
            return write!(f, "{}", Ether(address));
        }
        if let Some(name) = well_known(address) {
            return f.write_str(name);
        }
        let (name, rest) = match address {
            [0, 0, 0, ..] => ("00:00:00", 3),
            // Of groups, what follows the zeros.
            [1, 0, 0x5e, 0..=0x7f, ..] => ("IPv4mcast", 3 + zeros(&address[3..5])),
            [0x33, 0x33, ..] => ("IPv6mcast", 2 + zeros(&address[2..5])),
            [0x52, 0x54, 0, ..] => ("RealtekU", 3),
            [1, 0x80, 0xc2, 0, 0, 0..=0x0f] => ("Spanning-tree-(for-bridges)", 5),
            [0, 0, 0x5e, 0, 1, _] => ("IETF-VRRP-VRID", 5),
            [0, 0, 0x0c, 7, 0xac, _] => ("All-HSRP-routers", 5),
            _ => {
                // Groups are named by who has the address without the bit that says so.
                let mut single = address;
                single[0] &= !1;
                let table = table();
                match table.vendor(address).or_else(|| table.vendor(single)) {
                    Some(name) => (&*short(name), 3),
                    None => return write!(f, "{}", Ether(address)),
                }
            }
        };
        f.write_str(name)?;
        for (place, byte) in address.iter().skip(rest).enumerate() {
            let between = if place == 0 { '_' } else { ':' };
            write!(f, "{between}{byte:02x}")?;
        }
        Ok(())
    }
}

/// How many zeros these begin with.
fn zeros(bytes: &[u8]) -> usize {
    bytes.iter().take_while(|byte| **byte == 0).count()
}

/// Addresses with a meaning of their own (IEEE 802, Cisco).
const fn well_known(address: [u8; 6]) -> Option<&'static str> {
    Some(match address {
        [0xff, 0xff, 0xff, 0xff, 0xff, 0xff] => "Broadcast",
        [1, 0, 0x0c, 0xcc, 0xcc, 0xcc] => "CDP/VTP/DTP/PAgP/UDLD",
        [1, 0, 0x0c, 0xcc, 0xcc, 0xcd] => "PVST+",
        [1, 0, 0x0c, 0xdd, 0xdd, 0xdd] => "CGMP",
        [1, 0x80, 0xc2, 0, 0, last] => match last {
            0x01 => "MAC-specific-ctrl-proto-01",
            0x02 => "Slow-Protocols",
            0x03 => "Nearest-non-TPMR-bridge",
            0x04 => "MAC-specific-ctrl-proto-04",
            0x07 => "MEF-Forum-ELMI-proto",
            0x08 => "Provider-Bridge",
            0x0d => "Provider-Bridge-MVRP",
            0x0e => "LLDP_Multicast",
            0x10 => "Bridge-Management",
            _ => return None,
        },
        _ => return None,
    })
}

/// The organization that has the block of these 24 bits, as `eth.src.oui_resolved` shows it.
#[must_use]
pub fn organization(oui: u32) -> Option<String> {
    if oui == 0 {
        return Some("Officially Xerox, but 0:0:0:0:0:0 is more common".to_owned());
    }
    let [_, a, b, c] = oui.to_be_bytes();
    let name = table().find(0, [a, b, c, 0, 0, 0])?;
    Some(long(name))
}

/// The registry, unpacked when it is asked for the first time.
fn table() -> &'static Table {
    static TABLE: OnceLock<Table> = OnceLock::new();
    TABLE.get_or_init(Table::unpack)
}

/// Bits of the front of an address that tell its owner: large, medium and small blocks.
const BITS: [u32; 3] = [24, 28, 36];

#[derive(Debug, Default)]
struct Table {
    text: String,
    /// Fronts in order, and where in the text the name stands, for each length.
    blocks: [Vec<(u64, u32, u16)>; 3],
}

impl Table {
    fn unpack() -> Self {
        let packed: &[u8] = include_bytes!("vendors.gz");
        let mut text = String::new();
        // A table that does not unpack is found by the test below, not by users.
        if GzDecoder::new(packed).read_to_string(&mut text).is_err() {
            return Self::default();
        }
        let mut blocks: [Vec<(u64, u32, u16)>; 3] = Default::default();
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if let Some((name, prefixes)) = line.trim_end().split_once('\t') {
                for prefix in prefixes.split(' ') {
                    let which = match prefix.len() {
                        6 => 0,
                        7 => 1,
                        _ => 2,
                    };
                    if let Ok(number) = u64::from_str_radix(prefix, 16) {
                        blocks[which].push((number, at, name.len() as u16));
                    }
                }
            }
            at += line.len() as u32;
        }
        for block in &mut blocks {
            block.sort_unstable();
        }
        Self { text, blocks }
    }

    /// Who has the smallest block that the address is in.
    fn vendor(&self, address: [u8; 6]) -> Option<&str> {
        (0..BITS.len())
            .rev()
            .find_map(|which| self.find(which, address))
    }

    fn find(&self, which: usize, address: [u8; 6]) -> Option<&str> {
        let number = address
            .iter()
            .fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let number = number >> (48 - BITS[which]);
        let block = &self.blocks[which];
        let place = block
            .binary_search_by_key(&number, |(front, ..)| *front)
            .ok()?;
        let (_, start, len) = *block.get(place)?;
        self.text
            .get(start as usize..start as usize + usize::from(len))
    }
}

/// A name as it is shown in full: not in capitals alone.
fn long(name: &str) -> String {
    let shouts = name.chars().any(char::is_uppercase) && !name.chars().any(char::is_lowercase);
    if !shouts {
        return name.to_owned();
    }
    let mut before = ' ';
    name.chars()
        .map(|letter| {
            let first = !before.is_alphabetic();
            before = letter;
            if first {
                letter
            } else {
                letter.to_lowercase().next().unwrap_or(letter)
            }
        })
        .collect()
}

/// Words that say only what kind of company it is.
const KINDS: [&str; 42] = [
    "ab",
    "ag",
    "bv",
    "co",
    "company",
    "corp",
    "corporation",
    "gmbh",
    "holding",
    "inc",
    "incorporated",
    "jsc",
    "kg",
    "limited",
    "llc",
    "ltd",
    "nv",
    "oao",
    "of",
    "ooo",
    "oü",
    "oy",
    "oyj",
    "plc",
    "pty",
    "pvt",
    "sa",
    "sarl",
    "spa",
    "spk",
    "srl",
    "systems",
    "the",
    "zao",
    "zoo",
    "a s",
    "b v",
    "k k",
    "n v",
    "s a",
    "s p a",
    "s r l",
];

/// The first eight letters of a name without spaces, signs and [`KINDS`].
fn short(name: &str) -> String {
    const LETTERS: usize = 8;
    let long = long(name);
    let plain: String = long
        .chars()
        .map(|letter| match letter {
            '"' | '\'' | ',' | '.' | '/' | ':' | '(' | ')' | '+' | '*' => ' ',
            letter => letter,
        })
        .collect();
    let words: Vec<_> = plain
        .split_whitespace()
        .filter(|word| *word != "&")
        .collect();
    let mut kept = String::new();
    let mut at = 0;
    while at < words.len() {
        let kind = (1..=3).rev().find(|count| {
            let some = words.get(at..at + count).unwrap_or(&[]);
            !some.is_empty() && KINDS.contains(&some.join(" ").to_lowercase().as_str())
        });
        if let Some(count) = kind {
            at += count;
        } else {
            kept.push_str(words[at]);
            at += 1;
        }
    }
    if kept.is_empty() {
        kept = long.split_whitespace().collect();
    }
    kept.chars().take(LETTERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(address: [u8; 6]) -> String {
        let names = Names::Vendors;
        Named { address, names }.to_string()
    }

    // As tshark 4.0.17 prints them.
    #[test]
    fn vendors_are_named_as_in_wireshark() {
        assert_eq!(
            named([0, 0x50, 0xfc, 0x22, 0xc7, 0xbe]),
            "EdimaxTe_22:c7:be"
        );
        assert_eq!(
            named([0, 0xe0, 0x4c, 0x36, 0x42, 0xac]),
            "RealtekS_36:42:ac"
        );
        assert_eq!(
            named([0x04, 0xf9, 0x38, 0xc9, 0x6a, 0x22]),
            "HuaweiTe_c9:6a:22"
        );
        assert_eq!(named([0xff; 6]), "Broadcast");
        assert_eq!(named([0; 6]), "00:00:00_00:00:00");
        assert_eq!(named([1, 0, 0x5e, 0, 0, 1]), "IPv4mcast_01");
        assert_eq!(named([1, 0, 0x5e, 0x7f, 0xff, 0xfa]), "IPv4mcast_7f:ff:fa");
        assert_eq!(named([0x33, 0x33, 0, 0, 0, 0x16]), "IPv6mcast_16");
        assert_eq!(
            named([0x33, 0x33, 0xff, 0xd3, 0xfb, 0xc2]),
            "IPv6mcast_ff:d3:fb:c2"
        );
        assert_eq!(
            named([1, 0x50, 0x8b, 0x93, 0x93, 0x7c]),
            "HewlettP_93:93:7c"
        );
        assert_eq!(
            named([0x52, 0x54, 0, 0x12, 0x34, 0x57]),
            "RealtekU_12:34:57"
        );
        assert_eq!(named([2, 0, 0x7b, 0x16, 2, 0x43]), "02:00:7b:16:02:43");
        assert_eq!(
            organization(0x50fc).as_deref(),
            Some("Edimax Technology Co. Ltd.")
        );
        assert_eq!(organization(0xff_ffff), None);
    }

    #[test]
    fn a_name_of_nothing_but_its_kind_stays() {
        assert_eq!(short("The Company"), "TheCompa");
        assert_eq!(short("GLOBAL DATA CORP."), "GlobalDa");
    }
}
