//! Column chunks of one data page: levels, dictionary indices and plain values
//! (<https://parquet.apache.org/docs/file-format/data-pages/encodings/>).

use std::io;

use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

/// Makes pages, with memory that is used again.
pub(super) struct Pages {
    compressor: zstd::bulk::Compressor<'static>,
    /// The values of the page being made, after their levels.
    pub(super) data: Vec<u8>,
}

/// Whether a column is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Squeeze {
    /// Not: text of random letters would take most of the time, and still three fifths of the room.
    Not,
    /// With Zstandard, unless it is hardly anything.
    Zstd,
}

/// Columns of fewer bytes are left as they are: readers need not bother.
const WORTH_COMPRESSING: usize = 256;

/// A dictionary page.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    /// Plain values.
    pub(super) page: &'a [u8],
    /// How many.
    pub(super) count: usize,
}

impl Pages {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            compressor: zstd::bulk::Compressor::new(super::ZSTD_LEVEL)?,
            data: Vec::new(),
        })
    }

    /// Begins a page with its definition levels: 0 for null, 1 for a value. A column that always has
    /// values has no levels.
    pub(super) fn begin(&mut self, levels: Option<&[i16]>) {
        self.data.clear();
        if let Some(levels) = levels {
            self.data.extend_from_slice(&[0; 4]);
            hybrid(levels, |level| u32::from(level != 0), 1, &mut self.data);
            let len = (self.data.len() - 4) as u32;
            if let Some(room) = self.data.first_chunk_mut() {
                *room = len.to_le_bytes();
            }
        }
    }

    /// Appends indices into a dictionary.
    pub(super) fn indices(&mut self, indices: &[u32], words: usize) {
        let width = width(words);
        self.data.push(width as u8);
        hybrid(indices, |index| index, width, &mut self.data);
    }

    /// Appends the first index of a dictionary, so many times.
    pub(super) fn first_index(&mut self, times: usize) {
        self.data.push(1);
        if times > 0 {
            run(0, times, 1, &mut self.data);
        }
    }

    /// Appends truth values, eight in a byte.
    pub(super) fn bits(&mut self, values: &[bool]) {
        self.data.extend(values.chunks(8).map(|eight| {
            eight
                .iter()
                .rev()
                .fold(0, |byte, bit| byte << 1 | u8::from(*bit))
        }));
    }

    /// The column chunk of the page that was begun.
    pub(super) fn end(
        &mut self,
        descr: ColumnDescPtr,
        rows: usize,
        words: Option<Words<'_>>,
        squeeze: Squeeze,
    ) -> io::Result<(Vec<u8>, ColumnCloseResult)> {
        let plain_bytes = self.data.len() + words.map_or(0, |words| words.page.len());
        let is_compressed = squeeze == Squeeze::Zstd && plain_bytes >= WORTH_COMPRESSING;
        let compression = if is_compressed {
            Compression::ZSTD(super::level()?)
        } else {
            Compression::UNCOMPRESSED
        };
        let mut packed = |bytes: &[u8]| {
            if is_compressed {
                self.compressor.compress(bytes)
            } else {
                Ok(bytes.to_vec())
            }
        };
        let mut sink = TrackedWrite::new(Vec::with_capacity(self.data.len() / 2 + 256));
        let mut pages = SerializedPageWriter::new(&mut sink);
        let mut uncompressed_bytes = 0;
        let dictionary = match words {
            None => None,
            Some(Words { page, count }) => {
                let dictionary = Page::DictionaryPage {
                    buf: packed(page)?.into(),
                    num_values: count as u32,
                    encoding: Encoding::PLAIN,
                    is_sorted: false,
                };
                let written = pages.write_page(CompressedPage::new(dictionary, page.len()))?;
                uncompressed_bytes += written.uncompressed_size;
                Some(written)
            }
        };
        let encoding = if words.is_some() {
            Encoding::RLE_DICTIONARY
        } else {
            Encoding::PLAIN
        };
        let data = Page::DataPage {
            buf: packed(&self.data)?.into(),
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = pages.write_page(CompressedPage::new(data, self.data.len()))?;
        uncompressed_bytes += written.uncompressed_size;
        let bytes = sink.into_inner()?;
        let mut encodings = vec![Encoding::PLAIN, Encoding::RLE];
        if words.is_some() {
            encodings.push(Encoding::RLE_DICTIONARY);
        }
        let metadata = ColumnChunkMetaData::builder(descr)
            .set_encodings(encodings)
            .set_compression(compression)
            .set_num_values(signed(rows))
            .set_total_compressed_size(signed(bytes.len()))
            .set_total_uncompressed_size(signed(uncompressed_bytes))
            .set_data_page_offset(written.offset.cast_signed())
            .set_dictionary_page_offset(dictionary.map(|written| written.offset.cast_signed()))
            .build()?;
        let close = ColumnCloseResult {
            bytes_written: bytes.len() as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((bytes, close))
    }
}

fn signed(len: usize) -> i64 {
    i64::try_from(len).unwrap_or(i64::MAX)
}

/// Bits that an index into so many words takes, at least one: some readers do not take zero.
const fn width(words: usize) -> u32 {
    let bits = usize::BITS - words.saturating_sub(1).leading_zeros();
    if bits == 0 { 1 } else { bits }
}

/// The hybrid of run lengths and bit packing: runs of the same value as such, what is between them
/// packed in groups of eight.
fn hybrid<T: Copy + PartialEq>(
    values: &[T],
    number: impl Fn(T) -> u32 + Copy,
    width: u32,
    out: &mut Vec<u8>,
) {
    /// Shorter runs are packed.
    const WORTH_A_RUN: usize = 16;
    let mut packed = 0;
    let mut place = 0;
    while let Some(value) = values.get(place) {
        let rest = values.get(place..).unwrap_or_default();
        let len = rest.iter().take_while(|other| *other == value).count();
        // A run can begin only after whole groups.
        let fill = (place - packed).next_multiple_of(8) - (place - packed);
        if len >= fill + WORTH_A_RUN {
            pack(
                values.get(packed..place + fill).unwrap_or_default(),
                number,
                width,
                out,
            );
            run(number(*value), len - fill, width, out);
            packed = place + len;
        }
        place += len;
    }
    pack(values.get(packed..).unwrap_or_default(), number, width, out);
}

fn run(value: u32, times: usize, width: u32, out: &mut Vec<u8>) {
    varint((times as u64) << 1, out);
    let bytes = value.to_le_bytes();
    let len = width.div_ceil(8) as usize;
    out.extend_from_slice(bytes.get(..len).unwrap_or_default());
}

fn pack<T: Copy>(values: &[T], number: impl Fn(T) -> u32, width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut held) = (0_u64, 0);
    for value in values {
        bits |= u64::from(number(*value)) << held;
        held += width;
        while held >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            held -= 8;
        }
    }
    if held > 0 {
        out.push(bits as u8);
    }
    out.resize(end, 0);
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
