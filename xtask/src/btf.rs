//! What type information (BTF) says, whatever the order of types that are only declared: LLVM puts them at the
//! end in an order that changes from run to run, and their names with them.
//!
//! The layout is that of the kernel's `Documentation/bpf/btf.rst`.

use anyhow::{Context as _, Result, bail, ensure};

const HEADER_LEN: usize = 24;
const MAGIC: u16 = 0xeb9f;

/// Types of BTF with names in the place of offsets.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Types {
    /// By number; those that are only declared have no place here.
    defined: Vec<Vec<Word>>,
    /// Sorted.
    declared: Vec<(String, u32)>,
}

/// What a type consists of.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Word {
    Number(u32),
    Name(String),
    /// A type that is only declared.
    Declared(String),
}

/// What a word of a type means.
#[derive(Clone, Copy)]
enum Meaning {
    Number,
    Name,
    Type,
}

/// Of a kind: what the third word means, what the words of each piece behind it mean, and whether there are as
/// many pieces as the type says, or one.
type Shape = (Meaning, &'static [Meaning], bool);

const FORWARD: u32 = 7;

fn shape(kind: u32) -> Result<Shape> {
    use Meaning::{Name, Number, Type};
    Ok(match kind {
        // Integers.
        1 => (Number, &[Number], false),
        // Pointers, type definitions, volatile, const, restrict, functions and tags of types.
        2 | 8 | 9 | 10 | 11 | 12 | 18 => (Type, &[], false),
        // Arrays.
        3 => (Number, &[Type, Type, Number], false),
        // Structures and unions.
        4 | 5 => (Number, &[Name, Type, Number], true),
        // Enumerations.
        6 => (Number, &[Name, Number], true),
        // Declarations and floating point.
        FORWARD | 16 => (Number, &[], false),
        // Prototypes of functions.
        13 => (Type, &[Name, Type], true),
        // Variables.
        14 => (Type, &[Number], false),
        // Sections of data.
        15 => (Number, &[Type, Number, Number], true),
        // Tags of declarations.
        17 => (Type, &[Number], false),
        // Enumerations of 64 bits.
        19 => (Number, &[Name, Number, Number], true),
        _ => bail!("BTF has types of kind {kind}, which is not known here"),
    })
}

impl Types {
    /// Reads a section `.BTF`.
    pub(crate) fn read(section: &[u8]) -> Result<Self> {
        let header = section
            .first_chunk::<HEADER_LEN>()
            .context("BTF is shorter than its header")?;
        ensure!(
            header.starts_with(&MAGIC.to_le_bytes()),
            "BTF does not begin as it should"
        );
        let field = |at: usize| word(header, at);
        let part = |offset: u32, len: u32| {
            let start = field(4) as usize + offset as usize;
            section.get(start..start + len as usize)
        };
        let types = part(field(8), field(12)).context("the types of BTF are cut off")?;
        let names = part(field(16), field(20)).context("the names of BTF are cut off")?;
        let words: Vec<u32> = (0..types.len() / 4).map(|at| word(types, 4 * at)).collect();
        let raw = split(&words)?;
        let declared_name = |number: u32| -> Result<Option<String>> {
            // Number 0 is void.
            let Some(at) = (number as usize).checked_sub(1) else {
                return Ok(None);
            };
            let kind = raw
                .get(at)
                .context("BTF refers to a type that it has not")?;
            (kind.0 == FORWARD)
                .then(|| name(names, kind.1[0]))
                .transpose()
        };
        let mut defined = Vec::new();
        let mut declared = Vec::new();
        for (kind, words) in &raw {
            if *kind == FORWARD {
                declared.push((name(names, words[0])?, words[1]));
                continue;
            }
            let meanings = meanings(*kind, words.len())?;
            let read = |(word, meaning): (&u32, Meaning)| -> Result<Word> {
                Ok(match meaning {
                    Meaning::Number => Word::Number(*word),
                    Meaning::Name => Word::Name(name(names, *word)?),
                    Meaning::Type => {
                        declared_name(*word)?.map_or(Word::Number(*word), Word::Declared)
                    }
                })
            };
            defined.push(
                words
                    .iter()
                    .zip(meanings)
                    .map(read)
                    .collect::<Result<_>>()?,
            );
        }
        declared.sort_unstable();
        Ok(Self { defined, declared })
    }
}

/// Each type's kind and words.
fn split(mut words: &[u32]) -> Result<Vec<(u32, &[u32])>> {
    let mut types = Vec::new();
    while let [_, info, _, ..] = words {
        let kind = info >> 24 & 0x1f;
        let (_, piece, many) = shape(kind)?;
        let pieces = if many { info & 0xffff } else { 1 };
        let len = 3 + piece.len() * pieces as usize;
        let (one, rest) = words
            .split_at_checked(len)
            .context("a type of BTF is cut off")?;
        types.push((kind, one));
        words = rest;
    }
    ensure!(words.is_empty(), "BTF ends within a type");
    Ok(types)
}

/// What the words of a type mean.
fn meanings(kind: u32, len: usize) -> Result<impl Iterator<Item = Meaning>> {
    let (third, piece, _) = shape(kind)?;
    let head = [Meaning::Name, Meaning::Number, third];
    Ok(head
        .into_iter()
        .chain(piece.iter().copied().cycle())
        .take(len))
}

fn name(names: &[u8], offset: u32) -> Result<String> {
    let name = names.get(offset as usize..).unwrap_or_default();
    let name = name.split(|byte| *byte == 0).next().unwrap_or_default();
    Ok(String::from_utf8(name.to_vec())?)
}

fn word(bytes: &[u8], at: usize) -> u32 {
    let bytes = bytes.get(at..).and_then(<[u8]>::first_chunk);
    bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A structure `s` of a member for each declared type, in this order, whose declarations stand behind it in
    /// another.
    fn btf(members: &[&str], declarations: &[&str]) -> Vec<u8> {
        let mut names = b"\0s\0".to_vec();
        let mut at = |name: &str| {
            let offset = names.len() as u32;
            names.extend_from_slice(name.as_bytes());
            names.push(0);
            offset
        };
        let declared: Vec<_> = declarations
            .iter()
            .map(|name| [at(name), 7 << 24, 0])
            .collect();
        let mut types = vec![1, 4 << 24 | members.len() as u32, 8];
        for member in members {
            let number = declarations.iter().position(|name| name == member).unwrap();
            types.extend([0, 2 + number as u32, 0]);
        }
        types.extend(declared.concat());
        let types: Vec<u8> = types.into_iter().flat_map(u32::to_le_bytes).collect();
        let header = [
            u32::from(MAGIC) | 1 << 16,
            HEADER_LEN as u32,
            0,
            types.len() as u32,
            types.len() as u32,
            names.len() as u32,
        ];
        let header = header.into_iter().flat_map(u32::to_le_bytes);
        header.chain(types).chain(names).collect()
    }

    #[test]
    fn declarations_and_their_names_may_stand_in_any_order() {
        let read = |members: &[&str], declarations: &[&str]| {
            Types::read(&btf(members, declarations)).unwrap()
        };
        let one = read(&["sock", "flow"], &["sock", "flow"]);
        assert_eq!(one, read(&["sock", "flow"], &["flow", "sock"]));
        assert_ne!(one, read(&["flow", "sock"], &["flow", "sock"]));
        assert_ne!(one, read(&["sock", "sock"], &["flow", "sock"]));
        assert_ne!(one, read(&["sock", "flow"], &["flow", "sock", "more"]));
    }

    #[test]
    fn what_is_cut_off_is_refused() {
        let whole = btf(&["sock"], &["sock"]);
        for len in 0..whole.len() {
            assert!(Types::read(&whole[..len]).is_err(), "{len}");
        }
    }
}
