//! A file that bytes are appended to, past the page cache where that serves.
//!
//! A capture is written once and seldom read soon. Through the page cache each byte is copied by the kernel into a
//! page that it has to find first, and later somebody has to write that page; past it (`O_DIRECT`, open(2)) the device
//! takes the bytes from where they lie. On a machine with two cores that took a tenth of the kernel's time for the same
//! bytes (`dd bs=1M` with and without `oflag=direct` shows it).
//!
//! What the page cache is good for is a burst that the disk alone would not take. So the disk is written to
//! directly while it keeps up, and by whichever way is faster when it does not.
//!
//! Directly goes only what begins and ends at a multiple of [`BLOCK`]. The last bytes of each piece, fewer than that, go
//! through the page cache, and once more with the next piece: the file has all that was appended, always.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::time::Instant;

use memmap2::MmapMut;
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

/// What places and lengths of direct writes are multiples of: enough for all devices with sectors of up to as much.
const BLOCK: usize = 4096;
/// Bytes that are written in one go, with those of an unfinished block before them.
const STAGED: usize = (1 << 20) + BLOCK;
/// Fewer bytes than this go through the page cache, which has them on the disk when it pleases.
const WORTHWHILE: usize = 256 << 10;
/// Pieces of a long queue after which the slower way is tried once more.
const PROBE: u32 = 32;

/// Whether what is to be written has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Queue {
    /// The disk keeps up.
    Short,
    /// There is so much that some of it may soon find no place.
    Long,
}

/// A file, and how to append to it.
#[derive(Debug)]
pub(super) struct Appended {
    file: File,
    /// Bytes in the file.
    end: u64,
    /// `None`: everything goes through the page cache.
    direct: Option<Direct>,
}

/// What writing past the page cache needs.
#[derive(Debug)]
struct Direct {
    /// Memory at a multiple of [`BLOCK`], with the bytes of the file's unfinished block at its start.
    staged: MmapMut,
    speeds: Speeds,
}

/// How long the two ways took of late, in nanoseconds a KiB; 0 if that is not known.
#[derive(Debug, Default, PartialEq, Eq)]
struct Speeds {
    direct: u64,
    cached: u64,
    /// Pieces since the slower way was tried.
    since_probe: u32,
}

/// How bytes get to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    Cached,
}

impl Appended {
    /// An empty file that is written through the page cache.
    pub(super) const fn cached(file: File) -> Self {
        Self {
            file,
            end: 0,
            direct: None,
        }
    }

    /// An empty file that is written past the page cache where that serves, if the system has memory for it.
    pub(super) fn direct(file: File) -> Self {
        let direct = MmapMut::map_anon(STAGED).ok().map(|staged| Direct {
            staged,
            speeds: Speeds::default(),
        });
        Self {
            file,
            end: 0,
            direct,
        }
    }

    /// Appends bytes from the start of `bytes`, and gives how many: all of them are in the file then.
    ///
    /// # Errors
    ///
    /// What pwrite(2) says; nothing was appended.
    pub(super) fn append(&mut self, bytes: &[u8], queue: Queue) -> io::Result<usize> {
        let started = Instant::now();
        let way = match &mut self.direct {
            Some(direct) if bytes.len() >= WORTHWHILE => direct.speeds.choose(queue),
            _ => Way::Cached,
        };
        let appended_len = match way {
            Way::Direct => {
                if let Ok(appended_len) = self.append_directly(bytes) {
                    appended_len
                } else {
                    // A file system that cannot, or a disk that is full or broken: the same bytes another way tell.
                    self.direct = None;
                    self.append_cached(bytes)?
                }
            }
            Way::Cached => self.append_cached(bytes)?,
        };
        if let Some(direct) = &mut self.direct
            && appended_len >= WORTHWHILE
        {
            let ns = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            direct.speeds.learn(way, ns / (appended_len as u64 >> 10));
        }
        Ok(appended_len)
    }

    /// Makes the file shorter.
    ///
    /// # Errors
    ///
    /// What ftruncate(2) says.
    pub(super) fn cut(&mut self, len: u64) -> io::Result<()> {
        // Of the block that ends the file now nothing is known.
        self.direct = None;
        self.end = len;
        self.file.set_len(len)
    }

    fn append_cached(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written_len = self.file.write_at(bytes, self.end)?;
        let held = self.end as usize % BLOCK;
        self.end += written_len as u64;
        if let Some(Direct { staged, .. }) = &mut self.direct {
            let unfinished = self.end as usize % BLOCK;
            // Of an unfinished block that has only grown, the first bytes are there already.
            let from = unfinished.saturating_sub(written_len);
            debug_assert!(from <= held, "{from} bytes of the block should be held");
            staged[from..unfinished]
                .copy_from_slice(&bytes[written_len - (unfinished - from)..written_len]);
        }
        Ok(written_len)
    }

    /// Appends to the disk, and the last bytes to the page cache.
    fn append_directly(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Some(Direct { staged, .. }) = &mut self.direct else {
            return Err(io::ErrorKind::Unsupported.into());
        };
        let held = self.end as usize % BLOCK;
        let taken_len = bytes.len().min(staged.len() - held);
        let staged_len = held + taken_len;
        let whole = staged_len - staged_len % BLOCK;
        staged[held..staged_len].copy_from_slice(&bytes[..taken_len]);
        let at = self.end - held as u64;

        let flags = fcntl_getfl(&self.file)?;
        fcntl_setfl(&self.file, flags | OFlags::DIRECT)?;
        let written = write_all_at(&self.file, &staged[..whole], at);
        fcntl_setfl(&self.file, flags)?;
        written?;

        staged.copy_within(whole..staged_len, 0);
        self.end = at + whole as u64;
        let in_blocks = whole - held;
        let unfinished = staged_len - whole;
        Ok(
            match write_all_at(&self.file, &staged[..unfinished], self.end) {
                Ok(()) => {
                    self.end += unfinished as u64;
                    taken_len
                }
                // Whoever appends the rest will hear of it.
                Err(_) => in_blocks,
            },
        )
    }
}

/// Writes all of `bytes`; part of them may have been written when it fails.
fn write_all_at(file: &File, bytes: &[u8], at: u64) -> io::Result<()> {
    let mut done = 0;
    while done < bytes.len() {
        match file.write_at(&bytes[done..], at + done as u64) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written_len) => done += written_len,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Speeds {
    /// How the next bytes go.
    fn choose(&mut self, queue: Queue) -> Way {
        if queue == Queue::Short {
            return Way::Direct;
        }
        let (faster, slower) = if self.direct <= self.cached {
            (Way::Direct, Way::Cached)
        } else {
            (Way::Cached, Way::Direct)
        };
        self.since_probe += 1;
        // A way of which nothing is known counts as fast.
        let both_known = self.direct != 0 && self.cached != 0;
        if both_known && self.since_probe >= PROBE {
            self.since_probe = 0;
            slower
        } else {
            faster
        }
    }

    /// Takes a piece into account, a quarter of what counts.
    fn learn(&mut self, way: Way, ns: u64) {
        let known = match way {
            Way::Direct => &mut self.direct,
            Way::Cached => &mut self.cached,
        };
        let ns = ns.max(1);
        *known = if *known == 0 {
            ns
        } else {
            (known.saturating_mul(3).saturating_add(ns)) / 4
        };
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// Numbers that look random, the same each time (Knuth's MMIX generator).
    struct Numbers(u64);

    impl Numbers {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) as usize % bound
        }
    }

    #[test]
    fn the_file_has_what_was_appended_whichever_way_it_went() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut numbers = Numbers(1);
        let mut appended = Appended::direct(File::create(&path).unwrap());
        let mut expected = Vec::new();
        for round in 0..200 {
            // Many lengths about those at which something changes.
            let len = match numbers.below(4) {
                0 => numbers.below(3 * BLOCK),
                1 => BLOCK * numbers.below(4) + numbers.below(3),
                2 => WORTHWHILE - 2 + numbers.below(5),
                _ => WORTHWHILE + numbers.below(STAGED),
            };
            let first = expected.len();
            let bytes: Vec<u8> = (first..first + len)
                .map(|at| (at / 7 + at / 4099) as u8)
                .collect();
            let queue = if numbers.below(2) == 0 {
                Queue::Short
            } else {
                Queue::Long
            };
            let mut done = 0;
            while done < bytes.len() {
                done += appended.append(&bytes[done..], queue).unwrap();
            }
            expected.extend_from_slice(&bytes);
            if round % 10 == 0 {
                assert!(fs::read(&path).unwrap() == expected, "after round {round}");
            }
        }
        assert!(fs::read(&path).unwrap() == expected);
    }

    #[test]
    fn a_file_that_was_cut_goes_on_where_it_was_cut() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut appended = Appended::direct(File::create(&path).unwrap());
        let bytes = vec![1; WORTHWHILE + 5];
        assert_eq!(appended.append(&bytes, Queue::Short).unwrap(), bytes.len());
        appended.cut(10).unwrap();
        let more = vec![2; WORTHWHILE];
        assert_eq!(appended.append(&more, Queue::Short).unwrap(), more.len());
        let expected = [vec![1; 10], more].concat();
        assert!(fs::read(&path).unwrap() == expected);
    }

    #[test]
    fn a_disk_that_keeps_up_is_written_to_directly() {
        let mut speeds = Speeds {
            direct: 1000,
            cached: 1,
            since_probe: 0,
        };
        for _ in 0..2 * PROBE {
            assert_eq!(speeds.choose(Queue::Short), Way::Direct);
        }
    }

    #[test]
    fn a_long_queue_takes_the_faster_way_and_looks_at_the_other_now_and_then() {
        // Ten times as fast through the page cache.
        let mut speeds = Speeds::default();
        let mut taken = [0, 0];
        let mut run = |speeds: &mut Speeds, direct, cached| {
            taken = [0, 0];
            for _ in 0..1000 {
                let way = speeds.choose(Queue::Long);
                match way {
                    Way::Direct => speeds.learn(way, direct),
                    Way::Cached => speeds.learn(way, cached),
                }
                taken[usize::from(way == Way::Cached)] += 1;
            }
            taken
        };
        let [direct, cached] = run(&mut speeds, 1000, 100);
        assert!(
            (1..=40).contains(&direct),
            "{direct} directly, {cached} not"
        );
        // The page cache is full now, and takes what the disk takes, with more work.
        let [direct, cached] = run(&mut speeds, 1000, 2000);
        assert!(
            (1..=60).contains(&cached),
            "{direct} directly, {cached} not"
        );
    }
}
