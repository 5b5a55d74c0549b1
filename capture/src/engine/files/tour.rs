//! One thread's way through all files: opening them in order, numbering interfaces, compiling the capture
//! filter for their link types, and saying how far it is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::super::filtering::{FileFilter, FilePrograms};
use super::{FileRunError, FilesPlan, Progress};
use crate::filter::capture::Filter;
use crate::packet::Timestamp;
use crate::sink::flows::IfaceNames;
use crate::source::file::{Block, FileError, FileSource, MappedFile, Numbering};

/// What is done with the packets of a file.
pub(super) trait Taker {
    /// Gets the next packets; `None` at the end of the file.
    fn next(&mut self, source: &mut FileSource) -> Result<Option<Arc<Block>>, FileError>;

    /// Works on them; they lie in this block. `packets` is how many the tour has come by so far.
    fn work(&mut self, block: &Arc<Block>, filter: Option<&Arc<FilePrograms>>, packets: u64);
}

/// What those who read the same files have in common; nothing where one reads for all.
#[derive(Debug)]
pub(super) struct Inputs(Option<Vec<Mutex<Input>>>);

/// A file that several read.
#[derive(Debug, Default)]
struct Input {
    /// How long it is for everybody, who may come at different times to a file that grows.
    len: Option<u64>,
    /// As long as somebody reads it.
    mapped: Weak<MappedFile>,
}

impl Input {
    fn open(&mut self, path: &Path) -> Result<Arc<MappedFile>, FileError> {
        if let Some(mapped) = self.mapped.upgrade() {
            return Ok(mapped);
        }
        let mapped = Arc::new(MappedFile::open(path, self.len)?);
        self.len = Some(mapped.len());
        self.mapped = Arc::downgrade(&mapped);
        Ok(mapped)
    }
}

impl Inputs {
    /// Of so many files, which several read or one.
    pub(super) fn new(files: usize, is_shared: bool) -> Self {
        Self(is_shared.then(|| (0..files).map(|_| Mutex::default()).collect()))
    }

    /// Opens the file of this number.
    pub(super) fn open(
        &self,
        number: usize,
        path: &Path,
        numbering: Numbering,
    ) -> Result<FileSource, FileError> {
        match self.0.as_ref().and_then(|inputs| inputs.get(number)) {
            Some(input) => {
                let mut input = input.lock().unwrap_or_else(PoisonError::into_inner);
                FileSource::open_mapped(path, numbering, input.open(path)?)
            }
            None => FileSource::open(path, numbering),
        }
    }
}

/// The way that every thread takes that reads.
#[derive(Debug)]
pub(super) struct Tour<'a> {
    files: &'a [PathBuf],
    filter: Option<&'a Filter>,
    inputs: &'a Inputs,
    names: IfaceNames,
}

/// How a tour ended.
#[derive(Debug)]
pub(super) struct Toured {
    /// Packets of all files.
    pub(super) packets: u64,
    /// The time of the last one.
    pub(super) clock: Timestamp,
    /// Why it did not go to the end of all files.
    pub(super) error: Option<FileRunError>,
}

impl<'a> Tour<'a> {
    pub(super) fn new(plan: &'a FilesPlan, inputs: &'a Inputs, names: IfaceNames) -> Self {
        Self {
            files: &plan.files,
            filter: plan.filter.as_ref(),
            inputs,
            names,
        }
    }

    /// Goes all the way. `first` is the first file, if it is open already.
    pub(super) fn run(
        &self,
        first: Option<FileSource>,
        taker: &mut impl Taker,
        on_progress: &mut dyn FnMut(Progress<'_>),
    ) -> Toured {
        let mut traveller = Traveller {
            names: Names {
                shared: self.names.clone(),
                known: 0,
                current: 0,
            },
            filter: self.filter.cloned().map(FileFilter::new),
            numbering: Numbering::default(),
            taker,
            on_progress,
        };
        let mut first = first;
        let mut error = None;
        for (number, path) in self.files.iter().enumerate() {
            let source = match first.take() {
                Some(source) => Ok(source),
                None => self.inputs.open(number, path, traveller.numbering),
            };
            let read = source
                .map_err(FileRunError::from)
                .and_then(|source| traveller.file(path, source));
            if let Err(failed) = read {
                error = Some(failed);
                break;
            }
        }
        let Numbering { frame, clock, .. } = traveller.numbering;
        Toured {
            packets: frame.0 - Numbering::default().frame.0,
            clock,
            error,
        }
    }
}

/// One thread on its way.
struct Traveller<'a, T> {
    names: Names,
    filter: Option<FileFilter>,
    /// What the next packet, or the next file, is numbered from.
    numbering: Numbering,
    taker: &'a mut T,
    on_progress: &'a mut dyn FnMut(Progress<'_>),
}

impl<T: Taker> Traveller<'_, T> {
    fn file(&mut self, path: &Path, mut source: FileSource) -> Result<(), FileRunError> {
        while let Some(block) = self.taker.next(&mut source)? {
            self.numbering = source.numbering();
            self.names.update(&source);
            let filter = match &mut self.filter {
                Some(filter) => Some(filter.programs(path, &source)?),
                None => None,
            };
            let packets = self.numbering.frame.0 - Numbering::default().frame.0;
            self.taker.work(&block, filter.as_ref(), packets);
            let (read_bytes, total_bytes) = source.progress();
            (self.on_progress)(Progress {
                path,
                read_bytes,
                total_bytes,
                packets,
            });
        }
        self.numbering = source.numbering();
        self.names.update(&source);
        self.names.next_file();
        if let Some(filter) = &mut self.filter {
            filter.next_file();
        }
        Ok(())
    }
}

/// The names of the interfaces of all files, which are numbered in a row.
struct Names {
    shared: IfaceNames,
    /// How many were told.
    known: usize,
    /// How many of those belong to files that are finished.
    current: usize,
}

impl Names {
    fn update(&mut self, source: &FileSource) {
        let ifaces = source.ifaces();
        let told = self.known - self.current;
        if ifaces.len() > told {
            self.shared.learn(self.known, &ifaces[told..]);
            self.known = self.current + ifaces.len();
        }
    }

    fn next_file(&mut self) {
        self.current = self.known;
    }
}
