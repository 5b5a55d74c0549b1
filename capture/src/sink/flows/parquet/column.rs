//! What is collected of one column until its row group is full.

use std::io;

use bytes::Bytes;
use parquet::column::writer::ColumnWriter;
use parquet::file::writer::SerializedRowGroupWriter;
use parquet::schema::types::ColumnDescPtr;

use super::super::columns::{Column, ColumnKind, Get, Presence};
use super::super::encoder::Names;
use super::super::value::Value;
use super::dictionary::Dictionary;
use super::page::{Pages, Squeeze, Words};
use crate::flow::FlowRecord;

/// The values of a column.
pub(super) struct ColumnBuffer {
    column: &'static Column,
    descr: ColumnDescPtr,
    /// 1 for each row that has a value, 0 for each that has none; empty if all have one.
    levels: Vec<i16>,
    values: Values,
}

enum Values {
    Flags(Vec<bool>),
    Small(Vec<i32>),
    Large(Vec<i64>),
    /// Text that repeats: indices into the dictionary.
    Indexed {
        indices: Vec<u32>,
        dictionary: Dictionary,
        /// Words by where they are in the program, and their index.
        words: Vec<(&'static str, u32)>,
        text: Vec<u8>,
    },
    /// Text that does not, as a page has it.
    Plain(Vec<u8>),
}

impl ColumnBuffer {
    pub(super) fn new(column: &'static Column, descr: ColumnDescPtr) -> Self {
        let values = match (column.get, column.kind) {
            (Get::Flag(_), _) => Values::Flags(Vec::new()),
            (Get::Number(_), ColumnKind::U8 | ColumnKind::U16 | ColumnKind::U32) => {
                Values::Small(Vec::new())
            }
            (Get::Number(_) | Get::Seconds(_) | Get::Time(_), _) => Values::Large(Vec::new()),
            (Get::Text(_) | Get::Word(_), _) => Values::Indexed {
                indices: Vec::new(),
                dictionary: Dictionary::new(),
                words: Vec::new(),
                text: Vec::new(),
            },
            (Get::Unique(_), _) => Values::Plain(Vec::new()),
        };
        Self {
            column,
            descr,
            levels: Vec::new(),
            values,
        }
    }

    /// Takes the values of a few records.
    pub(super) fn take(&mut self, records: &[FlowRecord], names: Names<'_>) {
        let Self {
            column,
            levels,
            values,
            ..
        } = self;
        let mut levels = Levels {
            levels,
            presence: column.presence,
        };
        match (values, column.get) {
            (Values::Flags(values), Get::Flag(get)) => {
                levels.collect(values, records, get);
            }
            (Values::Small(values), Get::Number(get)) => {
                levels.collect(values, records, |record| {
                    get(record).map(|number| number as i32)
                });
            }
            (Values::Large(values), Get::Number(get)) => {
                levels.collect(values, records, |record| get(record).map(u64::cast_signed));
            }
            (Values::Large(values), Get::Seconds(get)) => {
                levels.collect(values, records, |record| {
                    get(record).map(|span| span.0.min(MOST_SECONDS).cast_signed())
                });
            }
            (Values::Large(values), Get::Time(get)) => {
                levels.collect(values, records, |record| {
                    Some(i64::try_from(get(record).0).unwrap_or(i64::MAX))
                });
            }
            (
                Values::Indexed {
                    indices,
                    dictionary,
                    text,
                    ..
                },
                Get::Text(get),
            ) => {
                levels.collect(indices, records, |record| {
                    let value = get(record, names.of(record.iface));
                    if value == Value::Missing {
                        return None;
                    }
                    text.clear();
                    value.write(text);
                    Some(dictionary.number(text))
                });
            }
            (
                Values::Indexed {
                    indices,
                    dictionary,
                    words,
                    ..
                },
                Get::Word(get),
            ) => {
                levels.collect(indices, records, |record| {
                    let word = get(record)?;
                    let known = words.iter().find(|(known, _)| std::ptr::eq(*known, word));
                    if let Some((_, number)) = known {
                        return Some(*number);
                    }
                    let number = dictionary.number(word.as_bytes());
                    words.push((word, number));
                    Some(number)
                });
            }
            (Values::Plain(page), Get::Unique(get)) => {
                for record in records {
                    let start = page.len();
                    page.extend_from_slice(&[0; 4]);
                    get(record, names.of(record.iface)).write(page);
                    let len = (page.len() - start - 4) as u32;
                    if let Some(room) = page.get_mut(start..start + 4) {
                        room.copy_from_slice(&len.to_le_bytes());
                    }
                }
            }
            // `new` made the values for the getter.
            _ => {}
        }
    }

    /// Writes the column of a row group, and forgets it.
    pub(super) fn encode(
        &mut self,
        group: &mut SerializedRowGroupWriter<'_, Vec<u8>>,
        pages: &mut Pages,
        rows: usize,
    ) -> io::Result<()> {
        let levels = match self.column.presence {
            Presence::Always => None,
            Presence::Sometimes => Some(self.levels.as_slice()),
        };
        let mut chunk = Chunk {
            group,
            pages,
            rows,
            levels,
            descr: &self.descr,
        };
        match &mut self.values {
            Values::Flags(values) => {
                chunk.pages.begin(levels);
                chunk.pages.bits(values);
                chunk.append(None, Squeeze::Zstd)?;
                values.clear();
            }
            Values::Small(values) => {
                match all_same(values) {
                    Some(value) => chunk.same(&value.to_le_bytes(), values.len())?,
                    None => chunk.numbers(|writer| match writer {
                        ColumnWriter::Int32ColumnWriter(writer) => {
                            writer.write_batch(values, levels, None)
                        }
                        _ => Ok(0),
                    })?,
                }
                values.clear();
            }
            Values::Large(values) => {
                match all_same(values) {
                    // Their statistics are the crate's work.
                    Some(value) if self.column.kind != ColumnKind::Time => {
                        chunk.same(&value.to_le_bytes(), values.len())?;
                    }
                    _ => chunk.numbers(|writer| match writer {
                        ColumnWriter::Int64ColumnWriter(writer) => {
                            writer.write_batch(values, levels, None)
                        }
                        _ => Ok(0),
                    })?,
                }
                values.clear();
            }
            Values::Indexed {
                indices,
                dictionary,
                words,
                ..
            } => {
                chunk.text(indices, dictionary)?;
                indices.clear();
                words.clear();
                dictionary.clear();
            }
            Values::Plain(page) => {
                chunk.pages.begin(levels);
                chunk.pages.data.append(page);
                chunk.append(None, Squeeze::Not)?;
            }
        }
        self.levels.clear();
        Ok(())
    }
}

/// The longest span that 18 digits of nanoseconds hold: 31 years.
const MOST_SECONDS: u64 = 999_999_999_999_999_999;

struct Levels<'a> {
    levels: &'a mut Vec<i16>,
    presence: Presence,
}

impl Levels<'_> {
    fn collect<T: Default>(
        &mut self,
        values: &mut Vec<T>,
        records: &[FlowRecord],
        mut get: impl FnMut(&FlowRecord) -> Option<T>,
    ) {
        match self.presence {
            Presence::Always => {
                values.extend(records.iter().map(|record| get(record).unwrap_or_default()));
            }
            Presence::Sometimes => {
                let levels = &mut *self.levels;
                levels.reserve(records.len());
                values.extend(records.iter().filter_map(|record| {
                    let value = get(record);
                    levels.push(value.is_some().into());
                    value
                }));
            }
        }
    }
}

/// The value that all are; `None` if they differ. Nothing is taken for zero.
fn all_same<T: Copy + Default + PartialEq>(values: &[T]) -> Option<T> {
    let first = values.first().copied().unwrap_or_default();
    values.iter().all(|value| *value == first).then_some(first)
}

/// A column of a row group on its way into the file.
struct Chunk<'a, 'g> {
    group: &'a mut SerializedRowGroupWriter<'g, Vec<u8>>,
    pages: &'a mut Pages,
    rows: usize,
    levels: Option<&'a [i16]>,
    descr: &'a ColumnDescPtr,
}

impl Chunk<'_, '_> {
    /// All values are the same: a dictionary with this one, and one run.
    fn same(&mut self, value: &[u8], times: usize) -> io::Result<()> {
        self.pages.begin(self.levels);
        self.pages.first_index(times);
        self.append(
            Some(Words {
                page: value,
                count: 1,
            }),
            Squeeze::Zstd,
        )
    }

    /// Numbers that differ, which the crate encodes.
    fn numbers(
        &mut self,
        write: impl FnOnce(&mut ColumnWriter<'_>) -> parquet::errors::Result<usize>,
    ) -> io::Result<()> {
        let Some(mut column) = self.group.next_column()? else {
            return Err(io::Error::other(
                "the schema has fewer columns than a record",
            ));
        };
        write(column.untyped())?;
        column.close()?;
        Ok(())
    }

    fn text(&mut self, indices: &[u32], dictionary: &Dictionary) -> io::Result<()> {
        self.pages.begin(self.levels);
        // Where nearly every text is another one, a dictionary is only in the way.
        if dictionary.len() > 1024 && dictionary.len() > indices.len() / 2 {
            for index in indices {
                self.pages.data.extend_from_slice(dictionary.entry(*index));
            }
            return self.append(None, Squeeze::Zstd);
        }
        self.pages.indices(indices, dictionary.len());
        self.append(
            Some(Words {
                page: dictionary.page(),
                count: dictionary.len(),
            }),
            Squeeze::Zstd,
        )
    }

    /// Appends the page that was made.
    fn append(&mut self, words: Option<Words<'_>>, squeeze: Squeeze) -> io::Result<()> {
        let (bytes, close) =
            self.pages
                .end(ColumnDescPtr::clone(self.descr), self.rows, words, squeeze)?;
        self.group.append_column(&Bytes::from(bytes), close)?;
        Ok(())
    }
}
