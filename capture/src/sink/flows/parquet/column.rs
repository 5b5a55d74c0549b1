//! What is collected of one column until its row group is full.

use std::{io, mem};

use parquet::basic::Encoding;
use parquet::file::statistics::Statistics;
use parquet::schema::types::ColumnDescPtr;

use super::super::columns::{Column, ColumnKind, Get, Presence, Stride};
use super::super::encoder::{Names, Piece};
use super::super::value::Value;
use super::bits::Bits;
use super::delta::{self, Physical};
use super::dictionary::Dictionary;
use super::page::{Contents, Pages, Squeeze, Words};
use crate::flow::FlowRecord;

/// The values of a column.
pub(super) struct ColumnBuffer {
    column: &'static Column,
    descr: ColumnDescPtr,
    /// Which rows have a value; nothing for a column that always has one.
    levels: Bits,
    values: Values,
}

enum Values {
    Flags(Bits),
    Numbers(Numbers),
    /// Text that repeats: indices into the dictionary.
    Indexed {
        indices: Vec<u32>,
        dictionary: Dictionary,
        text: Vec<u8>,
    },
    /// Text that does not, as a page has it.
    Plain(Vec<u8>),
}

/// Numbers, which take no room while they are all the same.
#[derive(Default)]
struct Numbers {
    /// How many there are that are all `first`, while `values` is empty.
    same: usize,
    first: u64,
    values: Vec<u64>,
}

impl Numbers {
    fn extend(&mut self, values: &[u64]) {
        if self.values.is_empty() {
            if self.same == 0 {
                self.first = values.first().copied().unwrap_or_default();
            }
            let first = self.first;
            if values.iter().fold(0, |all, value| all | (value ^ first)) == 0 {
                self.same += values.len();
                return;
            }
            self.values.resize(self.same, first);
        }
        self.values.extend_from_slice(values);
    }

    fn extend_zeros(&mut self, count: usize) {
        if self.values.is_empty() {
            if self.same == 0 {
                self.first = 0;
            }
            if self.first == 0 {
                self.same += count;
                return;
            }
            self.values.resize(self.same, self.first);
        }
        self.values.resize(self.values.len() + count, 0);
    }

    fn clear(&mut self) {
        self.same = 0;
        self.values.clear();
    }
}

impl ColumnBuffer {
    pub(super) fn new(column: &'static Column, descr: ColumnDescPtr) -> Self {
        let values = match column.get {
            Get::Flag(..) => Values::Flags(Bits::default()),
            Get::Number(..) | Get::Seconds(..) | Get::Time(..) | Get::Trouble(..) => {
                Values::Numbers(Numbers::default())
            }
            Get::Addr(_) | Get::Text(_) | Get::Word(_) => Values::Indexed {
                indices: Vec::new(),
                dictionary: Dictionary::new(),
                text: Vec::new(),
            },
            Get::Unique(_) => Values::Plain(Vec::new()),
        };
        Self {
            column,
            descr,
            levels: Bits::default(),
            values,
        }
    }

    /// Takes the values of a few records, at most [`Stride::LEN`]. `quiet` are those of them that are
    /// TCP connections, if none had any trouble.
    pub(super) fn take(
        &mut self,
        records: &[FlowRecord],
        quiet: Option<u64>,
        names: Names<'_>,
        stride: &mut Stride,
    ) {
        let Self {
            column,
            levels,
            values,
            ..
        } = self;
        let present = match (values, column.get) {
            (Values::Flags(flags), Get::Flag(_, fill)) => {
                fill(records, stride);
                let ones = stride.values().iter().rev();
                let word = ones.fold(0, |word, flag| word << 1 | flag);
                flags.push(word, stride.values().len());
                stride.present()
            }
            (Values::Numbers(numbers), Get::Trouble(..)) if let Some(connections) = quiet => {
                numbers.extend_zeros(connections.count_ones() as usize);
                connections
            }
            (
                Values::Numbers(numbers),
                Get::Number(_, fill)
                | Get::Seconds(_, fill)
                | Get::Time(_, fill)
                | Get::Trouble(_, fill),
            ) => {
                fill(records, stride);
                numbers.extend(stride.values());
                stride.present()
            }
            (
                Values::Indexed {
                    indices,
                    dictionary,
                    ..
                },
                Get::Addr(get),
            ) => index(records, indices, get, |addr| {
                dictionary.number_of_addr(*addr)
            }),
            (
                Values::Indexed {
                    indices,
                    dictionary,
                    text,
                },
                Get::Text(get),
            ) => {
                let get = |record| match get(record, names.of(record.iface)) {
                    Value::Missing => None,
                    value => Some(value),
                };
                index(records, indices, get, |value| {
                    text.clear();
                    value.write(text);
                    dictionary.number(text)
                })
            }
            (
                Values::Indexed {
                    indices,
                    dictionary,
                    ..
                },
                Get::Word(get),
            ) => index(
                records,
                indices,
                |record| get(record).map(Known),
                |word| dictionary.number(word.0.as_bytes()),
            ),
            (Values::Plain(page), Get::Unique(get)) => {
                for record in records {
                    let text = get(record);
                    let text = text.as_bytes();
                    page.extend_from_slice(&(text.len() as u32).to_le_bytes());
                    page.extend_from_slice(text);
                }
                return;
            }
            // `new` made the values for the getter.
            _ => return,
        };
        if column.presence == Presence::Sometimes {
            levels.push(present, records.len());
        }
    }

    /// Appends the column to a row group, and forgets it.
    pub(super) fn encode(
        &mut self,
        group: &mut Piece,
        pages: &mut Pages,
        rows: usize,
    ) -> io::Result<()> {
        pages.begin(match self.column.presence {
            Presence::Always => None,
            Presence::Sometimes => Some(&self.levels),
        });
        let first;
        let contents = match &mut self.values {
            Values::Flags(flags) => {
                flags.write(&mut pages.data);
                Contents::new(Encoding::PLAIN, Squeeze::Zstd)
            }
            Values::Numbers(numbers) => {
                let physical = physical(self.column.kind);
                let mut contents = if numbers.values.is_empty() {
                    // A dictionary with this number, and one run.
                    pages.first_index(numbers.same);
                    first = numbers.first.to_le_bytes();
                    Contents::indexed(Words {
                        page: first.get(..physical.bytes()).unwrap_or_default(),
                        count: 1,
                    })
                } else {
                    delta::encode(&numbers.values, physical, &mut pages.data);
                    Contents::new(Encoding::DELTA_BINARY_PACKED, Squeeze::Not)
                };
                if self.column.kind == ColumnKind::Time {
                    contents.statistics = Some(extremes(numbers));
                }
                contents
            }
            Values::Indexed {
                indices,
                dictionary,
                ..
            } => text(indices, dictionary, pages),
            Values::Plain(page) => {
                if pages.data.is_empty() {
                    mem::swap(&mut pages.data, page);
                } else {
                    pages.data.append(page);
                }
                Contents::new(Encoding::PLAIN, Squeeze::Not)
            }
        };
        let close = pages.end(
            ColumnDescPtr::clone(&self.descr),
            rows,
            contents,
            &mut group.bytes,
        )?;
        group.columns.push(close);
        match &mut self.values {
            Values::Flags(flags) => flags.clear(),
            Values::Numbers(numbers) => numbers.clear(),
            Values::Indexed {
                indices,
                dictionary,
                ..
            } => {
                indices.clear();
                dictionary.clear();
            }
            Values::Plain(page) => page.clear(),
        }
        self.levels.clear();
        Ok(())
    }
}

/// A word of the program's, which is another one if it is somewhere else.
struct Known(&'static str);

impl PartialEq for Known {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self.0, other.0)
    }
}

/// Appends the numbers of what records have, and returns a bit for each that has something. What comes
/// twice in a row is looked up once.
fn index<'a, T: PartialEq>(
    records: &'a [FlowRecord],
    indices: &mut Vec<u32>,
    get: impl Fn(&'a FlowRecord) -> Option<T>,
    mut number: impl FnMut(&T) -> u32,
) -> u64 {
    let mut present = 0;
    let mut last = None;
    for (place, record) in records.iter().enumerate() {
        let Some(value) = get(record) else { continue };
        present |= 1 << place;
        let index = match &last {
            Some((known, index)) if *known == value => *index,
            _ => number(&value),
        };
        indices.push(index);
        last = Some((value, index));
    }
    present
}

/// The physical type of a column of numbers.
const fn physical(kind: ColumnKind) -> Physical {
    match kind {
        ColumnKind::U8 | ColumnKind::U16 | ColumnKind::U32 => Physical::Int32,
        _ => Physical::Int64,
    }
}

/// What lets an engine pass over row groups that it need not read: the first and the last time.
fn extremes(numbers: &Numbers) -> Statistics {
    let (mut least, mut most) = match numbers.values.first() {
        Some(first) => (*first, *first),
        None => (numbers.first, numbers.first),
    };
    for value in &numbers.values {
        least = least.min(*value);
        most = most.max(*value);
    }
    let [least, most] = [least, most].map(|value| Some(value.cast_signed()));
    Statistics::int64(least, most, None, Some(0), false)
}

/// Appends the indices of texts to a page, or the texts.
fn text<'a>(indices: &[u32], dictionary: &'a Dictionary, pages: &mut Pages) -> Contents<'a> {
    // Where nearly every text is another one, a dictionary is only in the way.
    if dictionary.len() > 1024 && dictionary.len() > indices.len() / 2 {
        for index in indices {
            pages.data.extend_from_slice(dictionary.entry(*index));
        }
        return Contents::new(Encoding::PLAIN, Squeeze::Zstd);
    }
    pages.indices(indices, dictionary.len());
    Contents::indexed(Words {
        page: dictionary.page(),
        count: dictionary.len(),
    })
}
