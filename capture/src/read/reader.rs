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
    pub(super) about: Arc<About>,
}

/// Where they lie there, and of each the TCP conversation, if that is easily told.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) slots: Vec<Slot>,
    pub(super) conversations: Vec<Option<Hash>>,
}

/// What a file says beside its frames, as far as it was read.
#[derive(Clone)]
pub(super) struct About {
    /// Its interfaces, and the number of the first one.
    ifaces: Vec<Iface>,
    first_iface: u32,
    /// By interface, the number of its section and of the first interface there, if its format has
    /// sections.
    sections: Vec<Option<(u32, IfaceId)>>,
    /// Secrets of TLS so far, as a log of keys.
    pub(super) secrets: Arc<[u8]>,
    /// Names of addresses so far, of all files.
    pub(super) names: Names,
    /// The capture filter for its link types, if there is one.
    pub(super) programs: Option<Arc<FilePrograms>>,
}

impl About {
    #[inline]
    pub(super) fn iface(&self, id: IfaceId) -> Option<&Iface> {
        self.ifaces.get((id.0 - self.first_iface) as usize)
    }

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

/// Names of addresses, of all files.
type Names = Arc<[HostName]>;

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
    thread: thread::JoinHandle<Names>,
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
            names: Names::default(),
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

    /// At the end, if everything went well: the names of addresses of all files, those behind the last frame
    /// too.
    pub(super) fn join(self) -> Result<Names, ReadError> {
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
    names: Names,
}

impl Reading {
    fn run(mut self, first: FileSource) -> Names {
        if let Err(unread) = self.all(first) {
            // Nobody may be there to be told.
            drop(self.send.send(Err(unread)));
        }
        self.names
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
        let mut known = None::<Arc<About>>;
        let mut names = 0;
        while self.left != Some(0) {
            let mut frames = self.spares.try_recv().unwrap_or_default();
            frames.slots.clear();
            let left = self.left.unwrap_or(u64::MAX);
            let budget = BURST.min(usize::try_from(left).unwrap_or(BURST));
            let burst = source.next_batch(&mut frames.slots, budget);
            let burst = burst.map_err(Unread::File)?;
            let of_file = source.names();
            if of_file.len() > names {
                self.names = [&*self.names, &of_file[names..]].concat().into();
                names = of_file.len();
            }
            let Some(block) = burst else { break };
            if let Some(left) = &mut self.left {
                *left = left.saturating_sub(frames.slots.len() as u64);
            }
            frames.look_into(&block, self.seed);
            let ifaces = source.ifaces();
            let about = match known.take() {
                Some(about)
                    if about.ifaces.len() == ifaces.len()
                        && about.secrets.len() == source.secrets().len()
                        && Arc::ptr_eq(&about.names, &self.names) =>
                {
                    about
                }
                _ => {
                    let filter = self.filter.as_mut();
                    let programs = filter.map(|filter| filter.programs(path, source));
                    let ids = (first_iface..).map(IfaceId).take(ifaces.len());
                    Arc::new(About {
                        ifaces: ifaces.to_vec(),
                        first_iface,
                        sections: ids.map(|id| source.section_of(id, first_iface)).collect(),
                        secrets: source.secrets().into(),
                        names: Arc::clone(&self.names),
                        programs: programs.transpose().map_err(Unread::Filter)?,
                    })
                }
            };
            let burst = Burst {
                block,
                frames,
                about: Arc::clone(&about),
            };
            known = Some(about);
            self.send.send(Ok(burst)).map_err(|_burst| Unread::Gone)?;
        }
        Ok(())
    }
}
