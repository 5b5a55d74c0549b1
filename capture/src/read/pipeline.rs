//! Files through the walk and the printers, in order.
//!
//! One thread reads (`reader.rs`). One thread walks, because what a frame means depends on those before it; batches of dissected
//! frames go to the printers, and what they print is put together in order (`outlet.rs`). If they are
//! all busy, the walk prints a batch itself, so that no CPU waits for another. Batches come back to be
//! used again.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded};

use super::color::{Coloring, default_rules};
use super::column::Columns;
use super::memory::{Memory, Pass};
use super::outlet::Outlet;
use super::preferences::Preferences;
use super::print::line::Line;
use super::print::{Layout, Shown};
use super::proto::frame::{COLORING_RULE_NAME, COLORING_RULE_STRING, name_rule};
use super::reader::{self, About, Burst, Reader, Unread};
use super::statistics::Statistic;
use super::tree::{Tree, Wanted};
use super::walk::{Frame, Frames};
use crate::engine::IfaceFilterError;
use crate::filter::capture::Filter;
use crate::filter::display::DisplayFilter;
use crate::packet::Timestamp;
use crate::source::file::{Block, FileError, FileSource, HostName, Numbering, Slot, look_for};

/// Frames of a batch.
const BATCH: usize = 1024;
/// Fields that weigh as much in a batch as a frame does.
const FIELDS_AS_A_FRAME: usize = 16;
/// Batches that wait for a printer.
const QUEUE: usize = 4;
/// What is needed of a frame is asked for so many frames before it is dissected: first its bytes, and where
/// to look for its conversation, then what is remembered of that.
const LEAD: usize = 16;
const CONVERSATION_LEAD: usize = 8;
/// Items that are written to next are asked for so many frames before: another CPU has read them.
const ITEM_LEAD: usize = 4;

/// Files as they are going to be read.
#[derive(Clone, Debug)]
pub struct ReadPlan {
    /// The files, in this order; `-` is standard input.
    pub files: Vec<PathBuf>,
    /// What is printed of each frame; `None` prints nothing.
    pub layout: Option<Layout>,
    /// Which frames are dissected; the others keep their numbers, and that is all. `None` for all.
    pub capture_filter: Option<Filter>,
    /// With two passes, which frames get a number; `None` for all.
    pub read_filter: Option<DisplayFilter>,
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
    /// The log of secrets that `tls.keylog_file` names.
    #[error("cannot read the secrets in {}", .0.display())]
    Secrets(PathBuf, #[source] io::Error),
    /// Standard input comes only once.
    #[error("-2 reads everything twice, which standard input does not allow; name a file")]
    TwiceFromPipe,
    /// A statistic adds to a column that is not there.
    #[error("-z proto,colinfo adds to the Info column, which is not printed")]
    NoInfo,
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
    look_for(&plan.files)?;
    let source = FileSource::open(first, Numbering::default())?;
    read_from(source, plan, statistics, out)
}

/// The same where the first file of the plan is open, or what is read has no name: then the plan names
/// no files, and has one pass.
///
/// # Errors
///
/// As [`read`].
pub fn read_from(
    source: FileSource,
    plan: &ReadPlan,
    statistics: &mut [Box<dyn Statistic + '_>],
    out: Box<dyn Write + Send>,
) -> Result<ReadSummary, ReadError> {
    let mut asked = Wanted::none();
    if let Some(filter) = &plan.filter {
        asked.add_all(filter.wanted());
    }
    for statistic in &mut *statistics {
        statistic.begin(plan);
        statistic.want(&mut asked);
    }
    let adds_info = statistics.iter().any(|statistic| statistic.adds_info());
    if adds_info && !plan.layout.as_ref().is_some_and(Layout::has_info) {
        return Err(ReadError::NoInfo);
    }
    let rules = naming(plan, &asked);
    // What is printed comes first: where nothing else is wanted, frames can be printed without a tree.
    let mut wanted = plan
        .layout
        .as_ref()
        .map_or_else(Wanted::none, Layout::wanted);
    if plan.filter.is_some() || !statistics.is_empty() {
        wanted.add_all(&asked);
    }
    for coloring in plan.coloring.iter().chain(&rules) {
        coloring.want(&mut wanted);
    }
    let secrets = match &plan.preferences.tls_keylog_file {
        Some(path) => {
            std::fs::read(path).map_err(|error| ReadError::Secrets(path.clone(), error))?
        }
        None => Vec::new(),
    };
    let mut walking = Walking {
        plan,
        secrets,
        frames: Frames {
            preferences: plan.preferences.clone(),
            memory: Memory::new(match plan.passes {
                Passes::One => Pass::Only,
                Passes::Two => Pass::First,
            }),
        },
        wanted: Arc::new(wanted),
        times: Times::default(),
        summary: ReadSummary::default(),
        statistics,
        adds_info,
        rules,
        left_out: LeftOut::new(plan.read_filter.as_ref()),
        shown_bytes: 0,
        output: Output::new(plan, out)?,
    };
    if plan.passes == Passes::Two
        && let Some(first) = plan.files.first()
    {
        let mut scratch = Scratch::new(plan.read_filter.as_ref());
        let first_pass = FileSource::open(first, Numbering::default())?;
        let outcome = walking.files(first_pass, Some(&mut scratch));
        walking.summary = ReadSummary::default();
        walking.times = Times::default();
        walking.left_out.seen = 0;
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
        Err(Stopped::Broken(error)) => return Err(error),
    }
    written.map(|()| summary)
}

/// Why the walk ended early.
enum Stopped {
    File(FileError),
    Filter(IfaceFilterError),
    /// Without a thread to read, or with one that panicked.
    Broken(ReadError),
    OutputGone,
}

/// The rules, if frames are colored by them, or if a filter asks for the one that a frame matches. That
/// its name is printed does not suffice: tshark leaves it out without colors.
fn naming(plan: &ReadPlan, wanted: &Wanted) -> Option<Coloring> {
    if let Some(Coloring::Rules(_)) = &plan.coloring {
        return plan.coloring.clone();
    }
    [COLORING_RULE_NAME, COLORING_RULE_STRING]
        .into_iter()
        .any(|field| wanted.has(field))
        .then(|| Coloring::Rules(default_rules()))
}

/// Where what nobody shows is left.
struct Scratch {
    tree: Tree,
    columns: Columns,
}

impl Scratch {
    fn new(filter: Option<&DisplayFilter>) -> Self {
        let wanted = filter.map_or_else(Wanted::none, |filter| filter.wanted().clone());
        Self {
            tree: Tree::new(Arc::new(wanted)),
            columns: Columns::default(),
        }
    }
}

/// Frames that the read filter leaves out, which the first of two passes decides. They are dissected,
/// because others can depend on them, and have no number: a bit for each frame.
struct LeftOut {
    bits: Vec<u64>,
    /// Frames so far in this pass.
    seen: usize,
    scratch: Scratch,
}

impl LeftOut {
    fn new(filter: Option<&DisplayFilter>) -> Self {
        Self {
            bits: Vec::new(),
            seen: 0,
            scratch: Scratch::new(filter),
        }
    }

    /// Decides on the next frame.
    fn decide(&mut self, passes: bool) {
        let (word, bit) = (self.seen / 64, self.seen % 64);
        if word == self.bits.len() {
            self.bits.push(0);
        }
        self.bits[word] |= u64::from(!passes) << bit;
        self.seen += 1;
    }

    /// Whether the next frame is left out.
    fn next(&mut self) -> bool {
        let (word, bit) = (self.seen / 64, self.seen % 64);
        self.seen += 1;
        self.bits.get(word).is_some_and(|bits| bits >> bit & 1 != 0)
    }
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
    /// A log of secrets beside those of the files.
    secrets: Vec<u8>,
    frames: Frames,
    wanted: Arc<Wanted>,
    times: Times,
    summary: ReadSummary,
    statistics: &'p mut [Box<dyn Statistic + 's>],
    /// Some of them add to the info of the list.
    adds_info: bool,
    /// Which frames get which names of rules, where that is asked for.
    rules: Option<Coloring>,
    left_out: LeftOut,
    /// Bytes of the frames that were shown.
    shown_bytes: u64,
    output: Output,
}

impl Walking<'_, '_> {
    /// Walks through all files, of which the first is open.
    fn files(
        &mut self,
        first: FileSource,
        mut scratch: Option<&mut Scratch>,
    ) -> Result<(), Stopped> {
        let seed = self.frames.memory.tcp.seed();
        let reader = Reader::new(self.plan, first, seed).map_err(Stopped::Broken)?;
        self.frames.memory.tls.add_secrets(&self.secrets);
        let mut about = About::default();
        while let Some(burst) = reader.next() {
            let Burst {
                block,
                frames,
                news,
            } = burst.map_err(|unread| match unread {
                Unread::File(error) => Stopped::File(error),
                Unread::Filter(error) => Stopped::Filter(error),
                Unread::Gone => Stopped::OutputGone,
            })?;
            if let Some(mut news) = news {
                about.take_in(&mut news);
                self.frames.memory.tls.add_secrets(&news.secrets);
                if scratch.is_none() {
                    self.tell_names(&news.names);
                }
            }
            let mut expected = [None; LEAD];
            for place in 0..LEAD {
                self.look_ahead(&frames, place, &block, &mut expected);
            }
            for (place, slot) in frames.slots.iter().enumerate() {
                self.look_ahead(&frames, place + LEAD, &block, &mut expected);
                self.frames.memory.tcp.expected = expected[place % LEAD];
                self.frame(&block, slot, &about, scratch.as_deref_mut())?;
            }
            reader.recycle(frames);
            // The next burst can come with another block.
            self.output.flush(&block)?;
        }
        let names = reader.join().map_err(Stopped::Broken)?;
        if scratch.is_none() {
            self.tell_names(&names);
        }
        Ok(())
    }

    /// Names that the files give addresses.
    fn tell_names(&mut self, names: &[HostName]) {
        for statistic in &mut *self.statistics {
            statistic.names(names);
        }
    }

    /// Asks for the memory that frames will need, and notes where the streams of some are `expected`.
    #[inline]
    fn look_ahead(
        &self,
        frames: &reader::Batch,
        place: usize,
        block: &Block,
        expected: &mut [Option<u32>; LEAD],
    ) {
        /// Headers and the first bytes of what they are of.
        const LINES: [usize; 2] = [0, 64];
        let memory = &self.frames.memory.tcp;
        let conversation = |place: usize| frames.conversations.get(place).copied().flatten();
        if let Some(slot) = frames.slots.get(place) {
            for line in LINES {
                if let Some(byte) = block.get(slot.offset + line) {
                    crate::prefetch::read(byte);
                }
            }
        }
        if let Some(hash) = conversation(place) {
            memory.look_ahead(hash);
        }
        if let Some(place) = place.checked_sub(LEAD - CONVERSATION_LEAD) {
            expected[place % LEAD] = conversation(place).and_then(|hash| memory.fetch(hash));
        }
    }

    #[inline]
    fn frame(
        &mut self,
        block: &Arc<Block>,
        slot: &Slot,
        about: &About,
        scratch: Option<&mut Scratch>,
    ) -> Result<(), Stopped> {
        self.summary.frames += 1;
        let packet = slot.packet(block);
        if about
            .programs
            .as_ref()
            .is_some_and(|programs| !programs.keeps(&packet))
        {
            return Ok(());
        }
        let iface = about.iface(slot.meta.iface);
        let ts = packet.meta.ts;
        let previous = match self.times.first {
            None => ts,
            Some(_) => self.times.previous,
        };
        let first = match self.times.first {
            None => {
                self.times.previous = ts;
                *self.times.first.insert(ts)
            }
            Some(first) => first,
        };
        let previous_shown = self.times.previous_shown.unwrap_or(ts);
        let frame = Frame {
            number: self.summary.frames,
            packet,
            iface,
            section: about.section(slot.meta.iface),
            options: slot.options(block),
            first,
            previous,
            previous_shown,
        };
        if let Some(scratch) = scratch {
            self.frames
                .dissect(&frame, &mut scratch.tree, &mut scratch.columns);
            if let Some(filter) = &self.plan.read_filter {
                let passes = filter.matches(&scratch.tree, packet.data);
                self.left_out.decide(passes);
                if !passes {
                    self.summary.frames -= 1;
                    return Ok(());
                }
            }
            self.times.previous = ts;
            return Ok(());
        }
        if self.plan.read_filter.is_some() && self.left_out.next() {
            let Scratch { tree, columns } = &mut self.left_out.scratch;
            self.frames.dissect(&frame, tree, columns);
            self.summary.frames -= 1;
            return Ok(());
        }
        self.times.previous = ts;
        let item = self.output.next(&self.wanted);
        self.frames
            .dissect(&frame, &mut item.shown.tree, &mut item.shown.columns);
        let tree = &mut item.shown.tree;
        let rules = self.rules.as_ref();
        let rule = rules.and_then(|rules| rules.rule(tree, packet.data));
        if let Some(rule) = rule {
            name_rule(tree, rule.name, rule.text);
        }
        for statistic in &mut *self.statistics {
            statistic.frame(&frame, &item.shown.tree, &item.shown.columns);
        }
        if self.adds_info {
            // The last one first, as tshark does.
            for statistic in self.statistics.iter().rev() {
                let Shown { tree, columns, .. } = &mut item.shown;
                statistic.add_info(&frame, tree, columns);
            }
        }
        let filter = self.plan.filter.as_ref();
        if filter.is_some_and(|filter| !filter.matches(&item.shown.tree, packet.data)) {
            return Ok(());
        }
        item.offset = slot.offset;
        item.cap_len = slot.cap_len;
        let shown = &mut item.shown;
        shown.color = match &self.plan.coloring {
            None => None,
            Some(Coloring::Rules(_)) => rule.map(|rule| rule.color),
            Some(coloring) => coloring.color(&shown.tree, packet.data),
        };
        shown.number = frame.number;
        shown.before = self.summary.shown;
        self.shown_bytes += u64::from(packet.meta.wire_len);
        shown.cumulative_bytes = self.shown_bytes;
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
    /// Where its bytes lie in the block.
    offset: usize,
    cap_len: u32,
    shown: Shown,
}

/// Frames on their way to a printer, with the block that they lie in.
struct Batch {
    /// Its place among all.
    number: u64,
    block: Arc<Block>,
    items: Vec<Item>,
    used: usize,
}

/// Where dissected frames go.
struct Output {
    items: Vec<Item>,
    used: usize,
    /// What they weigh: see [`FIELDS_AS_A_FRAME`].
    weight: usize,
    batches: u64,
    /// `None` prints nothing.
    press: Option<Press>,
}

/// What prints batches.
struct Press {
    layout: Layout,
    outlet: Arc<Outlet>,
    send: Sender<Batch>,
    recycled: Receiver<Vec<Item>>,
    threads: Vec<JoinHandle<()>>,
}

impl Output {
    fn new(plan: &ReadPlan, out: Box<dyn Write + Send>) -> Result<Self, ReadError> {
        let press = plan.layout.as_ref().map(|layout| {
            let mut text = String::new();
            layout.begin(&mut text);
            let outlet = Outlet::new(out, plan.flush, &text);
            Press::new(layout, outlet, plan.printers.max(1))
        });
        Ok(Self {
            items: Vec::new(),
            used: 0,
            weight: 0,
            batches: 0,
            press: press.transpose().map_err(ReadError::Thread)?,
        })
    }

    /// A frame to be filled; [`Self::keep`] takes it.
    #[inline]
    fn next(&mut self, wanted: &Arc<Wanted>) -> &mut Item {
        if self.used == self.items.len() {
            self.items.push(Item {
                offset: 0,
                cap_len: 0,
                shown: Shown {
                    number: 0,
                    before: 0,
                    cumulative_bytes: 0,
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
        if let Some(later) = self.items.get(self.used + ITEM_LEAD) {
            crate::prefetch::lines_to_write(later);
        }
        &mut self.items[self.used]
    }

    #[inline]
    fn keep(&mut self, block: &Arc<Block>) -> Result<(), Stopped> {
        if self.press.is_none() {
            return Ok(());
        }
        let fields = self.items[self.used].shown.tree.nodes().len();
        self.used += 1;
        self.weight += 1 + fields / FIELDS_AS_A_FRAME;
        if self.weight < BATCH {
            return Ok(());
        }
        self.flush(block)
    }

    fn flush(&mut self, block: &Arc<Block>) -> Result<(), Stopped> {
        let Some(press) = self.press.as_ref().filter(|_| self.used > 0) else {
            return Ok(());
        };
        if press.outlet.is_gone() {
            return Err(Stopped::OutputGone);
        }
        let batch = Batch {
            number: self.batches,
            block: Arc::clone(block),
            items: std::mem::take(&mut self.items),
            used: std::mem::take(&mut self.used),
        };
        self.weight = 0;
        self.batches += 1;
        self.items = match press.send.try_send(batch) {
            Ok(()) => press.recycled.try_recv().unwrap_or_default(),
            // All printers have enough to do, or none is left.
            Err(TrySendError::Full(batch) | TrySendError::Disconnected(batch)) => {
                print(&press.layout, &press.outlet, batch)
            }
        };
        Ok(())
    }

    fn finish(self, shown: u64) -> Result<(), ReadError> {
        let Some(press) = self.press else {
            return Ok(());
        };
        let Press {
            layout,
            outlet,
            send,
            threads,
            ..
        } = press;
        drop(send);
        let mut panicked = false;
        for thread in threads {
            panicked |= thread.join().is_err();
        }
        let mut text = String::new();
        layout.end(shown, &mut text);
        match outlet.finish(&text) {
            Err(error) => Err(ReadError::Output(error)),
            Ok(()) if panicked => Err(ReadError::Panicked),
            Ok(()) => Ok(()),
        }
    }
}

impl Press {
    fn new(layout: &Layout, outlet: Outlet, printers: usize) -> io::Result<Self> {
        let outlet = Arc::new(outlet);
        let (send, receive) = bounded::<Batch>(QUEUE);
        let (give_back, recycled) = bounded(QUEUE + printers);
        let mut threads = Vec::with_capacity(printers);
        for number in 0..printers {
            let (layout, outlet) = (layout.clone(), Arc::clone(&outlet));
            let (receive, give_back) = (receive.clone(), give_back.clone());
            let thread = thread::Builder::new()
                .name(format!("printer-{number}"))
                .spawn(move || {
                    for batch in receive {
                        let items = print(&layout, &outlet, batch);
                        // A full channel only means that enough are waiting to be used again.
                        drop(give_back.try_send(items));
                    }
                })?;
            threads.push(thread);
        }
        Ok(Self {
            layout: layout.clone(),
            outlet,
            send,
            recycled,
            threads,
        })
    }
}

/// Prints a batch, and gives its frames back to be filled again.
fn print(layout: &Layout, outlet: &Outlet, batch: Batch) -> Vec<Item> {
    let Batch {
        number,
        block,
        items,
        used,
    } = batch;
    let mut turn = outlet.enter(number);
    let mut line = Line::new(turn.text());
    for item in items.iter().take(used) {
        let data = block.get(item.offset..).unwrap_or(&[]);
        let data = data.get(..item.cap_len as usize).unwrap_or(data);
        layout.frame_to(&item.shown, data, &mut line);
    }
    drop(line);
    turn.leave();
    items
}
