//! The running kernel's type information (BTF): numbers of its functions, and where fields of its structures lie.
//!
//! The loader's own reader takes longer than loading all programs; this one looks for two names
//! (`Documentation/bpf/btf.rst`).

/// Type information as the kernel shows it, which is in the machine's byte order.
#[derive(Debug)]
pub(super) struct Btf<'a> {
    strings: &'a [u8],
    types: &'a [u8],
    /// Where in `types` each one starts; the first has the number 1.
    starts: Vec<usize>,
}

/// A type's name, its kind, and what belongs to it.
#[derive(Clone, Copy, Debug)]
struct Entry<'a> {
    name_at: usize,
    kind: u32,
    /// Whether members' offsets have the width of a bit field on top (`BTF_INFO_KFLAG`).
    has_widths: bool,
    /// What follows the header.
    body: &'a [u8],
}

const STRUCT: u32 = 4;
const UNION: u32 = 5;
const FUNCTION: u32 = 12;

/// Bytes of a type's header.
const HEADER_LEN: usize = 12;
/// Bytes of a structure's member: name, type, offset in bits.
const MEMBER_LEN: usize = 12;

impl<'a> Btf<'a> {
    /// `None` if it makes no sense, or has kinds that are newer than this program.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        const MAGIC: u16 = 0xeb9f;
        if bytes.first_chunk().copied().map(u16::from_ne_bytes) != Some(MAGIC) {
            return None;
        }
        let header = |word: usize| Some(number(bytes, 4 + 4 * word)? as usize);
        let data = bytes.get(header(0)?..)?;
        let part = |at: usize, len: usize| data.get(at..)?.get(..len);
        let mut btf = Self {
            types: part(header(1)?, header(2)?)?,
            strings: part(header(3)?, header(4)?)?,
            starts: Vec::new(),
        };
        let mut at = 0;
        while at < btf.types.len() {
            btf.starts.push(at);
            at += HEADER_LEN + btf.entry_at(at)?.body.len();
        }
        Some(btf)
    }

    /// The number of a function.
    pub(super) fn function(&self, name: &str) -> Option<u32> {
        let number = self.find(FUNCTION, name)? + 1;
        u32::try_from(number).ok()
    }

    /// Where in a structure a field lies, in bytes: its own, or one of a part of it that has no name.
    pub(super) fn field(&self, structure: &str, field: &str) -> Option<u32> {
        let index = self.find(STRUCT, structure)?;
        Some(self.bits(self.entry(index)?, field)? / 8)
    }

    fn find(&self, kind: u32, name: &str) -> Option<usize> {
        self.starts.iter().position(|&at| {
            self.entry_at(at)
                .is_some_and(|entry| entry.kind == kind && self.is_named(entry.name_at, name))
        })
    }

    fn bits(&self, structure: Entry<'_>, field: &str) -> Option<u32> {
        structure.body.chunks_exact(MEMBER_LEN).find_map(|member| {
            let name_at = number(member, 0)? as usize;
            let offset = number(member, 8)?;
            let (offset, width) = if structure.has_widths {
                (offset & 0x00ff_ffff, offset >> 24)
            } else {
                (offset, 0)
            };
            if self.is_named(name_at, field) {
                return (width == 0).then_some(offset);
            }
            let part = self.entry((number(member, 4)? as usize).checked_sub(1)?)?;
            let is_inside = self.is_named(name_at, "") && matches!(part.kind, STRUCT | UNION);
            let inner = is_inside.then(|| self.bits(part, field)).flatten()?;
            Some(offset + inner)
        })
    }

    fn entry(&self, index: usize) -> Option<Entry<'a>> {
        self.entry_at(*self.starts.get(index)?)
    }

    fn entry_at(&self, at: usize) -> Option<Entry<'a>> {
        let header = self.types.get(at..)?;
        let info = number(header, 4)?;
        let count = (info & 0xffff) as usize;
        let kind = info >> 24 & 0x1f;
        let len = match kind {
            // Pointer, forward declaration, typedef, volatile, const, restrict, function, float, type tag.
            2 | 7..=12 | 16 | 18 => 0,
            // Integer, variable, declaration tag.
            1 | 14 | 17 => 4,
            // Array.
            3 => 12,
            // Structure, union.
            STRUCT | UNION => MEMBER_LEN * count,
            // Enumeration, prototype.
            6 | 13 => 8 * count,
            // Section of data, enumeration of 64 bits.
            15 | 19 => 12 * count,
            _ => return None,
        };
        Some(Entry {
            name_at: number(header, 0)? as usize,
            kind,
            has_widths: info >> 31 != 0,
            body: header.get(HEADER_LEN..HEADER_LEN + len)?,
        })
    }

    fn is_named(&self, at: usize, name: &str) -> bool {
        let rest = self.strings.get(at..);
        rest.and_then(|rest| rest.strip_prefix(name.as_bytes()))
            .is_some_and(|rest| rest.first() == Some(&0))
    }
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    let word = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_ne_bytes(*word))
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    const STRINGS: &[u8] = b"\0int\0outer\0a\0b\0wide\0call\0";

    /// `int`, `struct outer { int a; union { struct { int wide : 3; int b; }; }; }`, and a function.
    fn example() -> Vec<u8> {
        let info = |kind: u32, count: u32| kind << 24 | count;
        let bit_fields = 1 << 31;
        #[rustfmt::skip]
        let types: Vec<u32> = vec![
            1, info(1, 0), 4, 32,
            0, info(STRUCT, 2) | bit_fields, 8, 15, 1, 3 << 24, 13, 1, 32,
            0, info(UNION, 1), 8, 0, 2, 0,
            5, info(STRUCT, 2), 16, 11, 1, 0, 0, 3, 64,
            0, info(13, 0), 0,
            20, info(FUNCTION, 0), 5,
        ];
        let types: Vec<u8> = types.into_iter().flat_map(u32::to_ne_bytes).collect();
        let mut bytes = 0xeb9f_u16.to_ne_bytes().to_vec();
        bytes.extend([1, 0]);
        let len = |part: &[u8]| part.len() as u32;
        for word in [24, 0, len(&types), len(&types), len(STRINGS)] {
            bytes.extend(word.to_ne_bytes());
        }
        bytes.extend(types);
        bytes.extend(STRINGS);
        bytes
    }

    #[test]
    fn fields_are_found_in_parts_without_a_name() {
        let bytes = example();
        let btf = Btf::parse(&bytes).unwrap();
        assert_eq!(btf.field("outer", "a"), Some(0));
        assert_eq!(btf.field("outer", "b"), Some(8 + 4));
        assert_eq!(btf.field("outer", "wide"), None, "a bit field");
        assert_eq!(btf.field("outer", "c"), None);
        assert_eq!(btf.field("int", "a"), None);
        assert_eq!(btf.function("call"), Some(6));
        assert_eq!(btf.function("cal"), None);
        assert_eq!(btf.function("outer"), None);
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let bytes = example();
        for len in 0..bytes.len() {
            assert!(Btf::parse(&bytes[..len]).is_none(), "{len}");
        }
    }

    #[test]
    fn this_kernels_numbers_are_those_that_bpftool_has() {
        const FILE: &str = "/sys/kernel/btf/vmlinux";
        let dump = Command::new("bpftool")
            .args(["btf", "dump", "file", FILE])
            .output();
        let (Ok(bytes), Ok(dump)) = (std::fs::read(FILE), dump) else {
            println!("SKIPPED: no bpftool, or no {FILE}");
            return;
        };
        let dump = String::from_utf8(dump.stdout).unwrap();
        let btf = Btf::parse(&bytes).unwrap();
        for name in ["bpf_cast_to_kern_ctx", "tcp_v4_rcv", "vmalloc"] {
            let words = format!("] FUNC '{name}' ");
            let line = dump.lines().find(|line| line.contains(&words));
            let expected = line.map(|line| {
                let end = line.find(']').unwrap();
                line[1..end].parse::<u32>().unwrap()
            });
            assert_eq!(btf.function(name), expected, "{name}");
        }
        let mut lines = dump
            .lines()
            .skip_while(|line| !line.contains("] STRUCT 'xdp_rxq_info' "));
        let mut member = |name: &str| {
            let line = lines.find(|line| line.contains(&format!("\t'{name}' ")));
            let bits = line.unwrap().rsplit_once("bits_offset=").unwrap().1;
            Some(bits.parse::<u32>().unwrap() / 8)
        };
        for name in ["dev", "queue_index", "reg_state"] {
            assert_eq!(btf.field("xdp_rxq_info", name), member(name), "{name}");
        }
    }
}
