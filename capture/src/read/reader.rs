//! Files, one after the other, on a thread of their own: the walk, which everything waits for, gets
//! its frames without waiting for the disk or for the kernel's copy. At most [`AHEAD`] bursts ahead.
//!
//! Which conversation a frame belongs to is looked at here, too, where its bytes are in the cache: the walk
//! is told by which hash it finds what it remembers of that, and asks for it some frames before it comes
//! to the frame.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

use crossbeam_channel::{Receiver, Sender, bounded};

use super::memory::{Hash, Seed};
use super::pipeline::{ReadError, ReadPlan};
use super::proto::straight;
use crate::engine::{FileFilter, FilePrograms, IfaceFilterError};
use crate::packet::{Iface, IfaceId, LinkType};
use crate::source::file::{Block, FileError, FileSource, HostName, Slot};

/// Frames that are taken from a file at once.
const BURST: usize = 1024;
/// Bursts that wait for the walk.
const AHEAD: usize = 3;

/// Frames that were read.
pub(super) struct Burst {
    /// Where their bytes lie.
    pub(super) block: Arc<Block>,
    pub(super) frames: Batch,
    /// What the file says in front of them, and did not before.
    pub(super) news: Option<Box<News>>,
}

/// Where they lie there, and of each the TCP conversation, if that is easily told.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) slots: Vec<Slot>,
    pub(super) conversations: Vec<Option<Hash>>,
}

/// What files say beside their frames: what is new of it, so that a file that says much is not slow.
#[derive(Default)]
pub(super) struct News {
    /// A file begins, with this number for its first interface.
    begins: Option<u32>,
    ifaces: Vec<Iface>,
    /// By interface, see [`About::section`].
    sections: Vec<Option<(u32, IfaceId)>>,
    /// The capture filter for the link types so far, if there is one.
    programs: Option<Arc<FilePrograms>>,
    /// Secrets of TLS, as a log of keys.
    pub(super) secrets: Vec<u8>,
    /// Names of addresses.
    pub(super) names: Vec<HostName>,
}

/// What is known of the file that frames come from, as far as it was read.
#[derive(Default)]
pub(super) struct About {
    /// Its interfaces, and the number of the first one.
    ifaces: Vec<Iface>,
    first_iface: u32,
    sections: Vec<Option<(u32, IfaceId)>>,
    pub(super) programs: Option<Arc<FilePrograms>>,
}

impl About {
    /// Takes in what is about interfaces.
    pub(super) fn take_in(&mut self, news: &mut News) {
        if let Some(first_iface) = news.begins {
            self.ifaces.clear();
            self.sections.clear();
            self.first_iface = first_iface;
        }
        self.ifaces.append(&mut news.ifaces);
        self.sections.append(&mut news.sections);
        if news.programs.is_some() {
            self.programs = news.programs.take();
        }
    }

    #[inline]
    pub(super) fn iface(&self, id: IfaceId) -> Option<&Iface> {
        self.ifaces.get((id.0 - self.first_iface) as usize)
    }

    /// The number of an interface's section and of the first interface there, if the file's format has sections.
    #[inline]
    pub(super) fn section(&self, id: IfaceId) -> Option<(u32, IfaceId)> {
        let section = self.sections.get((id.0 - self.first_iface) as usize);
        section.copied().flatten()
    }
}

impl Batch {
    /// Which conversations its frames belong to.
    fn look_into(&mut self, block: &Block, seed: Seed) {
        let Self {
            slots,
            conversations,
        } = self;
        conversations.clear();
        conversations.extend(slots.iter().map(|slot| {
            let end = slot.offset + slot.cap_len as usize;
            let data = block.get(slot.offset..end)?;
            let key =
                straight::conversation(data).filter(|_| slot.meta.link == LinkType::ETHERNET)?;
            seed.of(&key)
        }));
    }
}

/// Why reading ended before the end.
pub(super) enum Unread {
    File(FileError),
    Filter(IfaceFilterError),
    /// Nobody takes what is read.
    Gone,
}

/// A thread that reads.
pub(super) struct Reader {
    bursts: Receiver<Result<Burst, Unread>>,
    spare: Sender<Batch>,
    thread: thread::JoinHandle<Vec<HostName>>,
}

impl Reader {
    /// Reads the plan's files, of which the first is open. Hashes are made with `seed`.
    pub(super) fn new(plan: &ReadPlan, first: FileSource, seed: Seed) -> Result<Self, ReadError> {
        let (send, bursts) = bounded(AHEAD);
        let (spare, spares) = bounded(AHEAD + 1);
        let reading = Reading {
            files: plan.files.clone(),
            left: plan.count,
            filter: plan.capture_filter.clone().map(FileFilter::new),
            send,
            spares,
            seed,
            last: Vec::new(),
        };
        let thread = thread::Builder::new()
            .name("reader".to_owned())
            .spawn(move || reading.run(first))
            .map_err(ReadError::Thread)?;
        Ok(Self {
            bursts,
            spare,
            thread,
        })
    }

    /// The next frames; nothing at the end.
    pub(super) fn next(&self) -> Option<Result<Burst, Unread>> {
        self.bursts.recv().ok()
    }

    /// Gives a batch back to be filled again.
    pub(super) fn recycle(&self, frames: Batch) {
        // A full channel only means that enough are waiting to be used again.
        drop(self.spare.try_send(frames));
    }

    /// At the end, if everything went well: the names of addresses behind the last frame.
    pub(super) fn join(self) -> Result<Vec<HostName>, ReadError> {
        self.thread.join().map_err(|_panic| ReadError::Panicked)
    }
}

/// What the thread works with.
struct Reading {
    files: Vec<PathBuf>,
    /// Frames to be read at most.
    left: Option<u64>,
    filter: Option<FileFilter>,
    send: Sender<Result<Burst, Unread>>,
    spares: Receiver<Batch>,
    seed: Seed,
    /// Names of addresses that no frame followed.
    last: Vec<HostName>,
}

/// How much of what a file says was told.
#[derive(Default)]
struct Told {
    begun: bool,
    ifaces: usize,
    secrets: usize,
    names: usize,
}

impl Reading {
    fn run(mut self, first: FileSource) -> Vec<HostName> {
        if let Err(unread) = self.all(first) {
            // Nobody may be there to be told.
            drop(self.send.send(Err(unread)));
        }
        self.last
    }

    fn all(&mut self, first: FileSource) -> Result<(), Unread> {
        let mut source = first;
        let files = std::mem::take(&mut self.files);
        let mut rest = files.iter();
        // What comes from a pipe of ours has no name.
        let mut path = rest.next().map_or_else(|| Path::new("-"), PathBuf::as_path);
        loop {
            if let Some(filter) = &mut self.filter {
                filter.next_file();
            }
            self.file(&mut source, path)?;
            let Some(next) = rest.next().filter(|_| self.left != Some(0)) else {
                return Ok(());
            };
            path = next;
            source = FileSource::open(path, source.numbering()).map_err(Unread::File)?;
        }
    }

    fn file(&mut self, source: &mut FileSource, path: &Path) -> Result<(), Unread> {
        let first_iface = source.numbering().iface.0 - source.ifaces().len() as u32;
        let mut told = Told::default();
        while self.left != Some(0) {
            let mut frames = self.spares.try_recv().unwrap_or_default();
            frames.slots.clear();
            let left = self.left.unwrap_or(u64::MAX);
            let budget = BURST.min(usize::try_from(left).unwrap_or(BURST));
            let burst = source.next_batch(&mut frames.slots, budget);
            let Some(block) = burst.map_err(Unread::File)? else {
                break;
            };
            if let Some(left) = &mut self.left {
                *left = left.saturating_sub(frames.slots.len() as u64);
            }
            frames.look_into(&block, self.seed);
            let burst = Burst {
                block,
                frames,
                news: self.news(source, path, first_iface, &mut told)?,
            };
            self.send.send(Ok(burst)).map_err(|_burst| Unread::Gone)?;
        }
        self.last.extend_from_slice(&source.names()[told.names..]);
        Ok(())
    }

    /// What the file says that was not `told`.
    fn news(
        &mut self,
        source: &FileSource,
        path: &Path,
        first_iface: u32,
        told: &mut Told,
    ) -> Result<Option<Box<News>>, Unread> {
        let (ifaces, secrets, names) = (source.ifaces(), source.secrets(), source.names());
        let now = Told {
            begun: true,
            ifaces: ifaces.len(),
            secrets: secrets.len(),
            names: names.len(),
        };
        let before = std::mem::replace(told, now);
        if before.begun
            && before.ifaces == ifaces.len()
            && before.secrets == secrets.len()
            && before.names == names.len()
        {
            return Ok(None);
        }
        let filter = self.filter.as_mut();
        let programs = filter.map(|filter| filter.programs(path, source));
        let ids = (first_iface..)
            .map(IfaceId)
            .take(ifaces.len())
            .skip(before.ifaces);
        // Names behind the last frame of the file before.
        let mut all_names = std::mem::take(&mut self.last);
        all_names.extend_from_slice(&names[before.names..]);
        Ok(Some(Box::new(News {
            begins: (!before.begun).then_some(first_iface),
            ifaces: ifaces[before.ifaces..].to_vec(),
            sections: ids.map(|id| source.section_of(id, first_iface)).collect(),
            programs: programs.transpose().map_err(Unread::Filter)?,
            secrets: secrets[before.secrets..].to_vec(),
            names: all_names,
        })))
    }
}
