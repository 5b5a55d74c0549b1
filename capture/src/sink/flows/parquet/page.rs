//! Column chunks of one data page: levels, dictionary indices and values
//! (<https://parquet.apache.org/docs/file-format/data-pages/encodings/>).

use std::{io, mem};

use bytes::Bytes;
use parquet::basic::{Compression, Encoding};
use parquet::column::page::{CompressedPage, Page, PageWriter as _};
use parquet::column::writer::ColumnCloseResult;
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::statistics::Statistics;
use parquet::file::writer::{SerializedPageWriter, TrackedWrite};
use parquet::schema::types::ColumnDescPtr;

use super::bits::Bits;

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

/// What a page holds that was begun.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    /// How the values are encoded.
    pub(super) encoding: Encoding,
    /// The dictionary that they are indices of.
    pub(super) words: Option<Words<'a>>,
    pub(super) squeeze: Squeeze,
    /// What lets an engine pass over the chunk.
    pub(super) statistics: Option<Statistics>,
}

impl<'a> Contents<'a> {
    /// Values without a dictionary.
    pub(super) const fn new(encoding: Encoding, squeeze: Squeeze) -> Self {
        Self {
            encoding,
            words: None,
            squeeze,
            statistics: None,
        }
    }

    /// Indices of a dictionary.
    pub(super) const fn indexed(words: Words<'a>) -> Self {
        Self {
            encoding: Encoding::RLE_DICTIONARY,
            words: Some(words),
            squeeze: Squeeze::Zstd,
            statistics: None,
        }
    }
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
    pub(super) fn begin(&mut self, levels: Option<&Bits>) {
        self.data.clear();
        let Some(levels) = levels else { return };
        self.data.extend_from_slice(&[0; 4]);
        if let Some(all) = levels.all_same() {
            run(all.into(), levels.len(), 1, &mut self.data);
        } else {
            varint((levels.len().div_ceil(8) as u64) << 1 | 1, &mut self.data);
            levels.write(&mut self.data);
        }
        let len = (self.data.len() - 4) as u32;
        if let Some(room) = self.data.first_chunk_mut() {
            *room = len.to_le_bytes();
        }
    }

    /// Appends indices into a dictionary.
    pub(super) fn indices(&mut self, indices: &[u32], words: usize) {
        let width = width(words);
        self.data.push(width as u8);
        hybrid(indices, width, &mut self.data);
    }

    /// Appends the first index of a dictionary, so many times.
    pub(super) fn first_index(&mut self, times: usize) {
        self.data.push(1);
        if times > 0 {
            run(0, times, 1, &mut self.data);
        }
    }

    /// Appends the column chunk of the page that was begun, and says how long it is.
    pub(super) fn end(
        &mut self,
        descr: ColumnDescPtr,
        rows: usize,
        contents: Contents<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<(usize, ColumnCloseResult)> {
        let Contents {
            encoding,
            words,
            squeeze,
            statistics,
        } = contents;
        let plain_bytes = self.data.len() + words.map_or(0, |words| words.page.len());
        let is_compressed = squeeze == Squeeze::Zstd && plain_bytes >= WORTH_COMPRESSING;
        let compression = if is_compressed {
            Compression::ZSTD(super::level()?)
        } else {
            Compression::UNCOMPRESSED
        };
        // Places in the chunk are counted from its first byte.
        let mut sink = TrackedWrite::new(mem::take(out));
        let mut pages = SerializedPageWriter::new(&mut sink);
        let mut uncompressed_bytes = 0;
        let dictionary = match words {
            None => None,
            Some(Words { page, count }) => {
                let dictionary = Page::DictionaryPage {
                    buf: if is_compressed {
                        self.compressor.compress(page)?.into()
                    } else {
                        Bytes::copy_from_slice(page)
                    },
                    num_values: count as u32,
                    encoding: Encoding::PLAIN,
                    is_sorted: false,
                };
                let written = pages.write_page(CompressedPage::new(dictionary, page.len()))?;
                uncompressed_bytes += written.uncompressed_size;
                Some(written)
            }
        };
        let plain_len = self.data.len();
        let data = Bytes::from(mem::take(&mut self.data));
        let page = Page::DataPage {
            buf: if is_compressed {
                self.compressor.compress(&data)?.into()
            } else {
                Bytes::clone(&data)
            },
            num_values: rows as u32,
            encoding,
            def_level_encoding: Encoding::RLE,
            rep_level_encoding: Encoding::RLE,
            statistics: None,
        };
        let written = pages.write_page(CompressedPage::new(page, plain_len))?;
        uncompressed_bytes += written.uncompressed_size;
        // Nobody else has it any more, so that it is not copied.
        self.data = data.into();
        let len = sink.bytes_written();
        *out = sink.into_inner()?;
        let mut encodings = vec![Encoding::RLE, encoding];
        if words.is_some() {
            encodings.push(Encoding::PLAIN);
        }
        let mut metadata = ColumnChunkMetaData::builder(descr)
            .set_encodings(encodings)
            .set_compression(compression)
            .set_num_values(signed(rows))
            .set_total_compressed_size(signed(len))
            .set_total_uncompressed_size(signed(uncompressed_bytes))
            .set_data_page_offset(written.offset.cast_signed())
            .set_dictionary_page_offset(dictionary.map(|written| written.offset.cast_signed()));
        if let Some(statistics) = statistics {
            metadata = metadata.set_statistics(statistics);
        }
        let metadata = metadata.build()?;
        let close = ColumnCloseResult {
            bytes_written: len as u64,
            rows_written: rows as u64,
            metadata,
            bloom_filter: None,
            column_index: None,
            offset_index: None,
        };
        Ok((len, close))
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
fn hybrid(values: &[u32], width: u32, out: &mut Vec<u8>) {
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
                width,
                out,
            );
            run(*value, len - fill, width, out);
            packed = place + len;
        }
        place += len;
    }
    pack(values.get(packed..).unwrap_or_default(), width, out);
}

fn run(value: u32, times: usize, width: u32, out: &mut Vec<u8>) {
    varint((times as u64) << 1, out);
    let bytes = value.to_le_bytes();
    let len = width.div_ceil(8) as usize;
    out.extend_from_slice(bytes.get(..len).unwrap_or_default());
}

fn pack(values: &[u32], width: u32, out: &mut Vec<u8>) {
    if values.is_empty() {
        return;
    }
    let groups = values.len().div_ceil(8);
    varint((groups as u64) << 1 | 1, out);
    let end = out.len() + groups * width as usize;
    let (mut bits, mut held) = (0_u64, 0);
    for value in values {
        bits |= u64::from(*value) << held;
        held += width;
        // An index has 32 bits at most.
        if held >= 32 {
            out.extend_from_slice(&(bits as u32).to_le_bytes());
            bits >>= 32;
            held -= 32;
        }
    }
    out.extend_from_slice(&bits.to_le_bytes());
    out.resize(end, 0);
}

/// A number in groups of seven bits, the lowest first.
pub(super) fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
