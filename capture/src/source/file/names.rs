//! Names of addresses that a pcapng file has: the Name Resolution Block (section 4.5).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::scan::{ByteOrder, part};

/// A name that a file gives an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostName {
    /// Whose.
    pub address: IpAddr,
    /// As it stands there, without its end; what is not UTF-8 is replaced.
    pub name: Box<str>,
}

/// Names that are kept of a file, and bytes of each.
const MOST: usize = 1 << 16;
const LONGEST: usize = 255;

const RECORD_END: u16 = 0;
const RECORD_IPV4: u16 = 1;
const RECORD_IPV6: u16 = 2;

/// Adds the names of a block. What is damaged is left out, and what is behind it.
#[cold]
pub(super) fn names_of(order: ByteOrder, body: &[u8], names: &mut Vec<HostName>) {
    let mut rest = body;
    while let Some((header, behind)) = rest.split_first_chunk::<4>() {
        let kind = order.u16(part::<0, 2, _>(header));
        let len = usize::from(order.u16(part::<2, 2, _>(header)));
        let Some(record) = behind.get(..len).filter(|_| kind != RECORD_END) else {
            return;
        };
        match kind {
            RECORD_IPV4 => {
                if let Some((address, texts)) = record.split_first_chunk::<4>() {
                    add(Ipv4Addr::from(*address).into(), texts, names);
                }
            }
            RECORD_IPV6 => {
                if let Some((address, texts)) = record.split_first_chunk::<16>() {
                    add(Ipv6Addr::from(*address).into(), texts, names);
                }
            }
            // Section 4.5: other kinds are stepped over.
            _ => {}
        }
        rest = behind.get(len.next_multiple_of(4)..).unwrap_or(&[]);
    }
}

/// Adds the names of one address, each of which a zero ends.
fn add(address: IpAddr, texts: &[u8], names: &mut Vec<HostName>) {
    let mut texts = texts.split(|byte| *byte == 0).peekable();
    while let Some(text) = texts.next() {
        let is_ended = texts.peek().is_some();
        if is_ended && !text.is_empty() && names.len() < MOST {
            let text = &text[..text.len().min(LONGEST)];
            let name = String::from_utf8_lossy(text).into();
            names.push(HostName { address, name });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // Draft section 4.5, figure 14.
    #[test]
    fn an_address_has_one_name_or_several() {
        let mut block = vec![0, 1, 0, 8, 127, 0, 0, 1, b'a', 0, b'b', 0];
        block.extend([0, 2, 0, 19]);
        block.extend([0; 15]);
        block.extend([1, b'l', b'o', 0, 0]);
        block.extend([0, 0, 0, 0]);
        let mut names = Vec::new();
        names_of(ByteOrder::Big, &block, &mut names);
        let told: Vec<_> = names
            .iter()
            .map(|HostName { address, name }| (address.to_string(), &**name))
            .collect();
        let expected = [("127.0.0.1", "a"), ("127.0.0.1", "b"), ("::1", "lo")];
        assert_eq!(
            told,
            expected.map(|(address, name)| (address.to_owned(), name))
        );
    }

    #[test]
    fn a_damaged_record_ends_the_block() {
        for len in 0..13 {
            let block = [0, 1, 0, 9, 127, 0, 0, 1, b'a', b'b', b'c', b'd', 0];
            let mut names = Vec::new();
            names_of(ByteOrder::Big, &block[..len], &mut names);
            assert!(names.is_empty());
        }
    }
}
