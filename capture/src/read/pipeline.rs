//! Files through the walk and the printers, in order.
//!
//! One thread walks, because what a frame means depends on those before it; batches of dissected
//! frames go to the printers in turn, and what they print is put together in the same turn. Batches
//! come back to be used again.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::color::Coloring;
use super::column::Columns;
use super::memory::{Memory, Pass};
use super::preferences::Preferences;
use super::print::{Layout, Shown};
use super::statistics::Statistic;
use super::tree::{Tree, Wanted};
use super::walk::{Frame, Frames};
use crate::engine::{FileFilter, FilePrograms, IfaceFilterError};
use crate::filter::capture::Filter;
use crate::filter::display::DisplayFilter;
use crate::packet::{Iface, Timestamp};
use crate::source::file::{Block, FileError, FileSource, Numbering, Slot};

/// Slots that are taken from a file at once.
const READ: usize = 1024;
/// Frames of a batch.
const BATCH: usize = 128;
/// Batches on their way to a printer, and from it.
const QUEUE: usize = 4;

/// Files as they are going to be read.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    /// The files, in this order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// What is printed of each frame; `None` prints nothing.
    pub layout: Option<Layout>,
    /// Which frames are dissected; the others keep their numbers, and that is all. `None` for all.
    pub capture_filter: Option<Filter>,
    /// Which frames are shown; `None` for all.
    pub filter: Option<DisplayFilter>,
    /// Colors of the list; `None` for none.
    pub coloring: Option<Coloring>,
    /// What `-o` set.
    pub preferences: Preferences,
    /// Frames that are read at most.
    pub count: Option<u64>,
    /// The files are read twice (`-2`).
    pub passes: Passes,
    /// Threads that print.
    pub printers: usize,
    /// What is printed is handed on after each batch that the files yield (`-l`).
    pub flush: Flush,
}

/// How often the files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Passes {
    /// Once: a frame knows what came before.
    #[default]
    One,
    /// Twice: and what came behind.
    Two,
}

/// When output is handed on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Flush {
    /// When enough has come together.
    #[default]
    Whole,
    /// As soon as it is there.
    AtOnce,
}

/// How reading ended.
#[derive(Debug, Default)]
pub struct ReadSummary {
    /// Frames that were read.
    pub frames: u64,
    /// Frames that were shown.
    pub shown: u64,
    /// Why not everything was read, if so.
    pub error: Option<FileError>,
}

/// Why nothing could be read, or printed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The first file cannot be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// The capture filter cannot be used for the packets of an interface.
    #[error(transparent)]
    Filter(#[from] IfaceFilterError),
    /// Output cannot be written.
    #[error("cannot write the output")]
    Output(#[source] io::Error),
    /// A thread cannot be started.
    #[error("cannot start a thread")]
    Thread(#[source] io::Error),
    /// Standard input comes only once.
    #[error("-2 reads everything twice, which standard input does not allow; name a file")]
    TwiceFromPipe,
    /// A bug.
    #[error("a thread panicked; this is a bug, please report it")]
    Panicked,
}

/// Reads the files and prints what the plan says to `out`; `statistics` see every frame, and are left to
/// be printed by the caller.
///
/// # Errors
///
/// When the first file cannot be opened, or the output cannot be written. What is wrong later with a
/// file is in the summary, after everything before it was printed.
pub fn read(
    plan: &ReadPlan,
    statistics: &mut [Box<dyn Statistic + '_>],
    out: Box<dyn Write + Send>,
) -> Result<ReadSummary, ReadError> {
    let Some(first) = plan.files.first() else {
        return Ok(ReadSummary::default());
    };
    if plan.passes == Passes::Two && plan.files.iter().any(|path| path.as_os_str() == "-") {
        return Err(ReadError::TwiceFromPipe);
    }
    // Before anything is printed.
    let source = FileSource::open(first, Numbering::default())?;
    let mut wanted = plan
        .layout
        .as_ref()
        .map_or_else(Wanted::none, Layout::wanted);
    if let Some(filter) = &plan.filter {
        wanted.add_all(filter.wanted());
    }
    if let Some(coloring) = &plan.coloring {
        coloring.want(&mut wanted);
    }
    for statistic in &*statistics {
        statistic.want(&mut wanted);
    }
    let mut walking = Walking {
        plan,
        frames: Frames {
            preferences: plan.preferences.clone(),
            memory: Memory::new(match plan.passes {
                Passes::One => Pass::Only,
                Passes::Two => Pass::First,
            }),
        },
        wanted: Arc::new(wanted),
        times: Times::default(),
        section: None,
        summary: ReadSummary::default(),
        statistics,
        programs: None,
        output: Output::new(plan, out)?,
    };
    if plan.passes == Passes::Two {
        let nothing = Arc::new(Wanted::none());
        let mut scratch = Scratch {
            tree: Tree::new(nothing),
            columns: Columns::default(),
        };
        let first_pass = FileSource::open(first, Numbering::default())?;
        let outcome = walking.files(first_pass, Some(&mut scratch));
        walking.summary = ReadSummary::default();
        walking.times = Times::default();
        walking.frames.memory.begin_second_pass();
        // Output that is gone is noticed in the second pass; damage is found again.
        drop(outcome);
    }
    let outcome = walking.files(source, None);
    let Walking {
        mut summary,
        output,
        ..
    } = walking;
    let written = output.finish(summary.shown);
    match outcome {
        Ok(()) | Err(Stopped::OutputGone) => {}
        Err(Stopped::File(error)) => summary.error = Some(error),
        Err(Stopped::Filter(error)) => return Err(error.into()),
    }
    written.map(|()| summary)
}

/// Why the walk ended early.
enum Stopped {
    File(FileError),
    Filter(IfaceFilterError),
    OutputGone,
}

/// Where the first of two passes leaves what nobody looks at.
struct Scratch {
    tree: Tree,
    columns: Columns,
}

/// Times that frames are compared with.
#[derive(Clone, Copy, Default)]
struct Times {
    first: Option<Timestamp>,
    previous: Timestamp,
    previous_shown: Option<Timestamp>,
}

struct Walking<'p, 's> {
    plan: &'p ReadPlan,
    frames: Frames,
    wanted: Arc<Wanted>,
    times: Times,
    /// Of the file that is being read, if its format has sections.
    section: Option<u32>,
    summary: ReadSummary,
    statistics: &'p mut [Box<dyn Statistic + 's>],
    /// The capture filter, for the link types of the file at hand.
    programs: Option<Arc<FilePrograms>>,
    output: Output,
}

impl Walking<'_, '_> {
    /// Walks through all files, of which the first is open.
    fn files(
        &mut self,
        first: FileSource,
        mut scratch: Option<&mut Scratch>,
    ) -> Result<(), Stopped> {
        let mut source = first;
        let mut rest = self.plan.files.iter().skip(1);
        let mut before = 0;
        let mut filter = self.plan.capture_filter.clone().map(FileFilter::new);
        let mut path = self.plan.files.first();
        loop {
            if let Some(filter) = &mut filter {
                filter.next_file();
            }
            let filter = filter.as_mut().zip(path);
            self.file(&mut source, before, filter, scratch.as_deref_mut())?;
            path = rest.next();
            let Some(path) = path else {
                return Ok(());
            };
            if self.is_enough() {
                return Ok(());
            }
            let numbering = source.numbering();
            before = numbering.iface.0;
            source = FileSource::open(path, numbering).map_err(Stopped::File)?;
        }
    }

    fn is_enough(&self) -> bool {
        self.plan
            .count
            .is_some_and(|count| self.summary.frames >= count)
    }

    /// Walks through one file, whose first interface has the number `ifaces_before`.
    fn file(
        &mut self,
        source: &mut FileSource,
        ifaces_before: u32,
        mut filter: Option<(&mut FileFilter, &PathBuf)>,
        mut scratch: Option<&mut Scratch>,
    ) -> Result<(), Stopped> {
        let mut slots = Vec::with_capacity(READ);
        while !self.is_enough() {
            slots.clear();
            let left = self
                .plan
                .count
                .map_or(u64::MAX, |count| count - self.summary.frames);
            let budget = READ.min(usize::try_from(left).unwrap_or(READ));
            let batch = source
                .next_batch(&mut slots, budget)
                .map_err(Stopped::File)?;
            let Some(block) = batch else { return Ok(()) };
            self.section = source.is_pcapng().then_some(1);
            if let Some((filter, path)) = &mut filter {
                let programs = filter.programs(path, source).map_err(Stopped::Filter)?;
                self.programs = Some(programs);
            }
            let ifaces = source.ifaces();
            for slot in &slots {
                let iface = (slot.meta.iface.0 - ifaces_before) as usize;
                self.frame(&block, slot, ifaces.get(iface), scratch.as_deref_mut())?;
            }
            // The next call can come with another block.
            self.output.flush(&block)?;
        }
        Ok(())
    }

    #[inline]
    fn frame(
        &mut self,
        block: &Arc<Block>,
        slot: &Slot,
        iface: Option<&Iface>,
        scratch: Option<&mut Scratch>,
    ) -> Result<(), Stopped> {
        self.summary.frames += 1;
        let packet = slot.packet(block);
        if self
            .programs
            .as_ref()
            .is_some_and(|programs| !programs.keeps(&packet))
        {
            return Ok(());
        }
        let ts = packet.meta.ts;
        let previous = match self.times.first {
            None => ts,
            Some(_) => self.times.previous,
        };
        let first = *self.times.first.get_or_insert(ts);
        let previous_shown = self.times.previous_shown.unwrap_or(ts);
        let frame = Frame {
            number: self.summary.frames,
            packet,
            iface,
            section: self.section,
            comments: &[],
            first,
            previous,
            previous_shown,
        };
        self.times.previous = ts;
        if let Some(scratch) = scratch {
            self.frames
                .dissect(&frame, &mut scratch.tree, &mut scratch.columns);
            return Ok(());
        }
        let item = self.output.next(&self.wanted);
        self.frames
            .dissect(&frame, &mut item.shown.tree, &mut item.shown.columns);
        for statistic in &mut *self.statistics {
            statistic.frame(&frame, &item.shown.tree, &item.shown.columns);
        }
        let filter = self.plan.filter.as_ref();
        if filter.is_some_and(|filter| !filter.matches(&item.shown.tree, packet.data)) {
            return Ok(());
        }
        item.slot = *slot;
        let shown = &mut item.shown;
        let coloring = self.plan.coloring.as_ref();
        shown.color = coloring.and_then(|coloring| coloring.color(&shown.tree, packet.data));
        shown.number = frame.number;
        shown.before = self.summary.shown;
        shown.meta = packet.meta;
        shown.decimals = iface.map_or(6, |iface| iface.decimals);
        shown.first = first;
        shown.previous = previous;
        shown.previous_shown = previous_shown;
        self.times.previous_shown = Some(ts);
        self.summary.shown += 1;
        self.output.keep(block)
    }
}

/// A frame of a batch.
#[derive(Debug)]
struct Item {
    slot: Slot,
    shown: Shown,
}

/// Frames on their way to a printer, with the block that they lie in.
struct Batch {
    block: Arc<Block>,
    items: Vec<Item>,
    used: usize,
}

/// Where dissected frames go.
struct Output {
    items: Vec<Item>,
    used: usize,
    lanes: Vec<Lane>,
    turn: usize,
    writer: Option<JoinHandle<io::Result<()>>>,
    end: Sender<u64>,
    prints: bool,
}

/// The way to a printer.
struct Lane {
    send: Sender<Batch>,
    recycled: Receiver<Vec<Item>>,
    thread: JoinHandle<()>,
}

impl Output {
    fn new(plan: &ReadPlan, out: Box<dyn Write + Send>) -> Result<Self, ReadError> {
        let (end, ended) = bounded(1);
        let mut output = Self {
            items: Vec::new(),
            used: 0,
            lanes: Vec::new(),
            turn: 0,
            writer: None,
            end,
            prints: plan.layout.is_some(),
        };
        let Some(layout) = &plan.layout else {
            return Ok(output);
        };
        let mut texts = Vec::new();
        for number in 0..plan.printers.max(1) {
            let (send, receive) = bounded::<Batch>(QUEUE);
            let (give_back, recycled) = bounded(QUEUE + 1);
            let (print, printed) = bounded(QUEUE);
            let (return_text, spare_texts) = bounded(QUEUE + 1);
            let layout = layout.clone();
            let thread = thread::Builder::new()
                .name(format!("printer-{number}"))
                .spawn(move || printer(&layout, &receive, &give_back, &print, &spare_texts))
                .map_err(ReadError::Thread)?;
            output.lanes.push(Lane {
                send,
                recycled,
                thread,
            });
            texts.push((printed, return_text));
        }
        let layout = layout.clone();
        let flush = plan.flush;
        let writer = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || write(&layout, flush, &texts, &ended, out))
            .map_err(ReadError::Thread)?;
        output.writer = Some(writer);
        Ok(output)
    }

    /// A frame to be filled; [`Self::keep`] takes it.
    fn next(&mut self, wanted: &Arc<Wanted>) -> &mut Item {
        if self.used == self.items.len() {
            self.items.push(Item {
                slot: Slot::EMPTY,
                shown: Shown {
                    number: 0,
                    before: 0,
                    meta: crate::packet::PacketMeta::UNKNOWN,
                    decimals: 0,
                    first: Timestamp(0),
                    previous: Timestamp(0),
                    previous_shown: Timestamp(0),
                    tree: Tree::new(Arc::clone(wanted)),
                    columns: Columns::default(),
                    color: None,
                },
            });
        }
        &mut self.items[self.used]
    }

    fn keep(&mut self, block: &Arc<Block>) -> Result<(), Stopped> {
        if !self.prints {
            return Ok(());
        }
        self.used += 1;
        if self.used < BATCH {
            return Ok(());
        }
        self.flush(block)
    }

    fn flush(&mut self, block: &Arc<Block>) -> Result<(), Stopped> {
        if self.used == 0 {
            return Ok(());
        }
        let lane = &self.lanes[self.turn];
        let next = lane.recycled.try_recv().unwrap_or_default();
        let batch = Batch {
            block: Arc::clone(block),
            items: std::mem::replace(&mut self.items, next),
            used: std::mem::take(&mut self.used),
        };
        self.turn = (self.turn + 1) % self.lanes.len();
        // A printer is gone when the writer is, and that one knows why.
        lane.send.send(batch).map_err(|_gone| Stopped::OutputGone)
    }

    fn finish(self, shown: u64) -> Result<(), ReadError> {
        let Self {
            lanes, writer, end, ..
        } = self;
        // A writer that is gone says why when it is joined.
        let _gone = end.send(shown).is_err();
        let mut panicked = false;
        for Lane { send, thread, .. } in lanes {
            drop(send);
            panicked |= thread.join().is_err();
        }
        let Some(writer) = writer else { return Ok(()) };
        match writer.join() {
            Ok(Ok(())) if !panicked => Ok(()),
            Ok(Err(error)) => Err(ReadError::Output(error)),
            _ => Err(ReadError::Panicked),
        }
    }
}

/// Prints batches until there are no more, or nobody takes what is printed.
fn printer(
    layout: &Layout,
    receive: &Receiver<Batch>,
    give_back: &Sender<Vec<Item>>,
    print: &Sender<String>,
    spare_texts: &Receiver<String>,
) {
    for batch in receive {
        let Batch { block, items, used } = batch;
        let mut text = spare_texts.try_recv().unwrap_or_default();
        text.clear();
        for Item { slot, shown } in items.iter().take(used) {
            layout.frame(shown, slot.packet(&block).data, &mut text);
        }
        if print.send(text).is_err() {
            return;
        }
        // A full channel only means that enough are waiting to be used again.
        drop(give_back.try_send(items));
    }
}

/// Writes what the printers print, in turn.
fn write(
    layout: &Layout,
    flush: Flush,
    texts: &[(Receiver<String>, Sender<String>)],
    ended: &Receiver<u64>,
    mut out: Box<dyn Write + Send>,
) -> io::Result<()> {
    let mut frame = String::new();
    layout.begin(&mut frame);
    out.write_all(frame.as_bytes())?;
    'all: loop {
        for (printed, give_back) in texts {
            // Batches are dealt in turn: the first printer without one means that there are no more.
            let Ok(text) = printed.recv() else { break 'all };
            out.write_all(text.as_bytes())?;
            if flush == Flush::AtOnce {
                out.flush()?;
            }
            drop(give_back.try_send(text));
        }
    }
    frame.clear();
    layout.end(ended.recv().unwrap_or_default(), &mut frame);
    out.write_all(frame.as_bytes())?;
    out.flush()
}
