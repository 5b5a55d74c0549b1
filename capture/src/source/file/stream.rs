//! Reading: files, pipes, standard input, plain or compressed, or mapped for several readers.
//!
//! Bytes are read into blocks. A block whose last reader is gone is used again, so that a
//! long stream is read in as many blocks as are in flight at once.

use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::sync::Arc;

use flate2::read::MultiGzDecoder;

use super::Block;
use super::mapped::MappedFile;

/// Bytes of a block, unless a record needs a larger one: few enough to stay in the caches until they
/// are looked at.
const BLOCK_LEN: usize = 256 << 10;
/// Compressed bytes that are read at a time.
const COMPRESSED_LEN: usize = 256 << 10;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// Blocks that are watched for their last reader to go.
const MAX_LENT: usize = 64;

/// Whether the bytes are those of a gzip file.
fn is_gzip(bytes: &[u8]) -> bool {
    bytes.starts_with(&GZIP_MAGIC)
}

/// The same of a file that was just opened.
pub(super) fn is_gzip_file(file: File) -> bool {
    let mut first = Vec::with_capacity(GZIP_MAGIC.len());
    let read = file.take(GZIP_MAGIC.len() as u64).read_to_end(&mut first);
    read.is_ok() && is_gzip(&first)
}

/// Reads blocks.
#[derive(Debug)]
pub(super) struct Stream {
    input: Input,
    block: Arc<Block>,
    /// Blocks that were handed out, oldest first.
    lent: Vec<Arc<Block>>,
}

/// The first bytes, which were read to learn the format, and then the rest.
type Whole = Chain<Cursor<Vec<u8>>, Counted<File>>;

#[derive(Debug)]
enum Input {
    Gzip(Box<MultiGzDecoder<BufReader<Whole>>>),
    /// And where the block at hand begins.
    Mapped(Arc<MappedFile>, u64),
    Plain(Whole),
}

/// How far a block is filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    /// As soon as there is enough to go on: a pipe can be a capture that runs.
    Enough,
    /// To the end: the bytes are there for the asking.
    Full,
}

impl Stream {
    /// Starts to read `file`, decompressing if it is compressed.
    pub(super) fn open(mut file: File) -> io::Result<Self> {
        let mut first = Vec::with_capacity(GZIP_MAGIC.len());
        (&mut file)
            .take(GZIP_MAGIC.len() as u64)
            .read_to_end(&mut first)?;
        let compressed = is_gzip(&first);
        let read_bytes = first.len() as u64;
        let whole = Cursor::new(first).chain(Counted {
            inner: file,
            read_bytes,
        });
        let input = if compressed {
            Input::Gzip(Box::new(MultiGzDecoder::new(BufReader::with_capacity(
                COMPRESSED_LEN,
                whole,
            ))))
        } else {
            Input::Plain(whole)
        };
        Ok(Self {
            input,
            block: Arc::new(Block::default()),
            lent: Vec::new(),
        })
    }

    /// Starts to read a file that others read as well.
    pub(super) fn mapped(file: Arc<MappedFile>) -> Self {
        Self {
            input: Input::Mapped(file, 0),
            block: Arc::new(Block::default()),
            lent: Vec::new(),
        }
    }

    /// What happened to the file, if bytes of the block at hand were gone when they were read.
    pub(super) fn torn(&self) -> Option<io::Error> {
        match &self.input {
            Input::Mapped(file, start) if self.block.is_torn() => Some(file.why_torn(*start)),
            _ => None,
        }
    }

    /// The block at hand.
    pub(super) fn block(&self) -> &Arc<Block> {
        &self.block
    }

    /// Bytes that were read of the file, before decompression.
    pub(super) fn read_bytes(&self) -> u64 {
        let whole = match &self.input {
            Input::Gzip(decoder) => decoder.get_ref().get_ref(),
            Input::Mapped(_, start) => return start + self.block.len() as u64,
            Input::Plain(whole) => whole,
        };
        whole.get_ref().1.read_bytes
    }

    /// Takes a new block, which starts with what was left of the last one from `at` on, and reads
    /// until it has `needed` bytes. False at the end of the stream. If nobody looks at the last block any
    /// more, it is the new one: what was read into a moment ago is in the caches.
    pub(super) fn refill(&mut self, at: usize, needed: usize) -> io::Result<bool> {
        if let Input::Mapped(file, start) = &mut self.input {
            *start += at as u64;
            self.block = Arc::new(file.window(*start, needed)?);
            return Ok(self.block.len() >= needed);
        }
        if let Some(block) = Arc::get_mut(&mut self.block) {
            block.keep(at);
            return self.input.fill(block, needed);
        }
        let mut next = self.fresh_block();
        let Some(block) = Arc::get_mut(&mut next) else {
            unreachable!("nobody else looks at a fresh block");
        };
        block.restart(&self.block[at..]);
        let outcome = self.input.fill(block, needed);
        let last = std::mem::replace(&mut self.block, next);
        self.lent.push(last);
        outcome
    }

    /// A block that nobody else looks at: an old one if there is one, else a new one.
    fn fresh_block(&mut self) -> Arc<Block> {
        if let Some(index) = self
            .lent
            .iter_mut()
            .position(|block| Arc::get_mut(block).is_some())
        {
            return self.lent.remove(index);
        }
        if self.lent.len() == MAX_LENT {
            self.lent.remove(0);
        }
        Arc::new(Block::default())
    }
}

impl Input {
    /// Reads until `needed` bytes are there. A length that the stream does not live up to costs no
    /// more than twice the bytes that it does have: room grows with what comes.
    fn fill(&mut self, block: &mut Block, needed: usize) -> io::Result<bool> {
        let fill = match self {
            Self::Gzip(_) => Fill::Full,
            Self::Mapped(..) | Self::Plain(_) => Fill::Enough,
        };
        block.reserve(BLOCK_LEN);
        loop {
            let filled_bytes = block.len();
            if filled_bytes >= needed && (fill == Fill::Enough || filled_bytes == block.room()) {
                return Ok(true);
            }
            if filled_bytes == block.room() {
                block.reserve(filled_bytes.saturating_mul(2));
            }
            let read_bytes = match self {
                Self::Gzip(decoder) => block.read_from(decoder),
                Self::Plain(whole) => block.read_from(whole),
                Self::Mapped(..) => unreachable!("its blocks are never read into"),
            };
            match read_bytes {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// Counts what is read.
#[derive(Debug)]
struct Counted<R> {
    inner: R,
    read_bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read_bytes = self.inner.read(buffer)?;
        self.read_bytes += read_bytes as u64;
        Ok(read_bytes)
    }
}
