//! The interfaces of a running capture: those that it began with, those that came since, and those that
//! went.
//!
//! Each has a number, which its packets carry from the ring to the file and which no other gets, and a
//! slot, where the kernel counts its packets. There are [`MAX_IFACES`] slots; when all have been given
//! away, those of interfaces that went are cleared and given to others.

use std::collections::{HashMap, HashSet};

use capture_common::{Hook, HookCounters, MAX_IFACES};

use super::live::LiveCapture;
use super::{EngineError, host};
use crate::iface::{self, Changes, IfaceError, Interface, Monitor, XdpMode};
use crate::kernel::{AttachError, Attachment, Disposition, Kernel, Plan, Refused};
use crate::packet::{Iface, IfaceId, Timestamp};
use crate::sink::pcapng::{IfaceDescription, IfaceStatistics, PacketFile};
use crate::source::xsk::XskCounters;

/// An interface of a capture.
#[derive(Debug)]
pub struct LiveIface {
    name: String,
    index: u32,
    description: String,
    mode: Option<XdpMode>,
    start: Timestamp,
    /// When it went; `None` while it is captured.
    end: Option<Timestamp>,
    /// Packets that it had lost itself before.
    missed_before: u64,
    counted: Counted,
}

/// Where the packets of an interface are counted.
#[derive(Debug)]
enum Counted {
    /// By the kernel, in this slot.
    Slot(u16),
    /// Nowhere any more; that is how many there were.
    Before(Box<HookCounters>),
}

impl LiveIface {
    fn new(attachment: &Attachment, disposition: Disposition, slot: u16, now: Timestamp) -> Self {
        Self {
            name: attachment.interface.name.clone(),
            index: attachment.interface.index,
            description: attachment.describe(disposition),
            mode: None,
            start: now,
            end: None,
            missed_before: attachment.interface.stats.rx_missed,
            counted: Counted::Slot(slot),
        }
    }

    /// Its name when it was attached.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How it is captured, in words.
    #[must_use]
    pub fn description(&self) -> &str {
        &self.description
    }

    /// How XDP is attached; `None` where it is not.
    #[must_use]
    pub const fn mode(&self) -> Option<XdpMode> {
        self.mode
    }

    /// Whether it is captured now.
    #[must_use]
    pub const fn is_captured(&self) -> bool {
        self.end.is_none()
    }

    fn totals(&self, kernel: &Kernel) -> Result<HookCounters, AttachError> {
        match &self.counted {
            Counted::Slot(slot) => {
                let mut sum = HookCounters::ZERO;
                for hook in Hook::ALL {
                    sum.add(&kernel.counters(*slot, hook)?);
                }
                Ok(sum)
            }
            Counted::Before(sum) => Ok(**sum),
        }
    }
}

/// What happened to an interface while a capture ran.
#[derive(Debug)]
pub enum IfaceEvent {
    /// It came, and is captured since.
    Came {
        /// Its name.
        name: String,
        /// How it is captured, in words.
        description: String,
        /// How XDP is attached; `None` where it is not.
        mode: Option<XdpMode>,
    },
    /// It went.
    Went {
        /// Its name when it came.
        name: String,
        /// Packets that were seen on it.
        packets: u64,
    },
    /// It is meant but cannot be captured, for a reason that contains its name.
    Refused(AttachError),
}

/// What became of an interface of a capture.
#[derive(Clone, Debug)]
pub struct IfaceReport {
    /// Its name when it was attached.
    pub name: String,
    /// How it was captured, in words.
    pub description: String,
    /// What the kernel counted.
    pub counters: HookCounters,
    /// It went before the capture ended.
    pub gone: bool,
    /// Packets that it lost itself, before any program saw them; `None` if it went.
    pub missed: Option<u64>,
}

/// All interfaces of a capture.
#[derive(Debug)]
pub(super) struct Ifaces {
    /// By number.
    all: Vec<LiveIface>,
    /// By slot, the number of the last interface that it belonged to.
    slots: Vec<u16>,
    monitor: Monitor,
    /// What was heard but could not be looked into yet.
    pending: Option<Changes>,
    /// By the kernel's index, what is in the way of interfaces that are there, as it was said last.
    refused: HashMap<u32, String>,
    /// By the kernel's index, those of them that the kernel refused: they are not tried again, or each
    /// time would take a number.
    unattachable: HashSet<u32>,
    /// Interfaces that could not be captured when they were meant to be.
    refusals: u64,
    /// What happened and was not told yet.
    untold: Vec<IfaceEvent>,
    /// Sum of all that is not counted in a slot any more.
    settled: HookCounters,
}

impl Ifaces {
    /// Listens from now on; nothing is attached. To be called in the namespace of the interfaces.
    pub(super) fn new(refused: Vec<Refused>) -> Result<Self, IfaceError> {
        let mut ifaces = Self {
            all: Vec::new(),
            slots: Vec::new(),
            monitor: Monitor::open()?,
            // What came or went since the interfaces were chosen was not heard.
            pending: Some(Changes::default()),
            refused: HashMap::new(),
            unattachable: HashSet::new(),
            refusals: 0,
            untold: Vec::new(),
            settled: HookCounters::ZERO,
        };
        for Refused { index, reason } in refused {
            ifaces.refuse(index, reason);
        }
        Ok(ifaces)
    }

    /// Attaches to the interfaces of the plan. What cannot be attached is an error if it was named, or
    /// if nothing can be.
    pub(super) fn attach_first(
        &mut self,
        kernel: &mut Kernel,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<(), AttachError> {
        for (attachment, number) in plan.ifaces.iter().zip(0_u16..) {
            self.slots.push(number);
            let mut iface = LiveIface::new(attachment, plan.disposition, number, now);
            match kernel.attach(number, number, attachment) {
                Ok(mode) => iface.mode = mode,
                Err(error) if plan.selection.matches(&attachment.interface) => {
                    iface.end = Some(now);
                    self.unattachable.insert(iface.index);
                    self.refuse(attachment.interface.index, error);
                }
                Err(error) => return Err(error),
            }
            self.all.push(iface);
        }
        if self.all.iter().any(LiveIface::is_captured) {
            return Ok(());
        }
        let reason = |event| match event {
            IfaceEvent::Refused(reason) => Some(reason),
            IfaceEvent::Came { .. } | IfaceEvent::Went { .. } => None,
        };
        self.untold.drain(..).find_map(reason).map_or(Ok(()), Err)
    }

    /// Sum of all that the kernel counted.
    pub(super) fn totals(&self, kernel: &Kernel) -> Result<HookCounters, AttachError> {
        let mut sum = self.settled;
        for number in &self.slots {
            sum.add(&self.all[usize::from(*number)].totals(kernel)?);
        }
        Ok(sum)
    }

    /// What each interface is called and did, and how many could not be captured.
    pub(super) fn report(
        &self,
        kernel: &Kernel,
        now: &[Interface],
    ) -> Result<Vec<IfaceReport>, AttachError> {
        let report = |iface: &LiveIface| {
            Ok(IfaceReport {
                name: iface.name.clone(),
                description: iface.description.clone(),
                counters: iface.totals(kernel)?,
                gone: iface.end.is_some(),
                missed: iface.missed(now),
            })
        };
        self.all.iter().map(report).collect()
    }

    /// What the pcapng file says of each in the end.
    pub(super) fn statistics(
        &self,
        kernel: &Kernel,
        sockets: Option<&XskCounters>,
        now: &[Interface],
        stopped: Timestamp,
    ) -> Result<Vec<IfaceStatistics>, AttachError> {
        let statistics = |iface: &LiveIface| {
            let sum = iface.totals(kernel)?;
            let lost_at_sockets = match (sockets, &iface.counted) {
                (Some(sockets), Counted::Slot(slot)) => sockets.totals(Some(*slot)).lost(),
                _ => 0,
            };
            let lost = sum.ring_full + sum.copy_failed + sum.no_socket + lost_at_sockets;
            Ok(IfaceStatistics {
                comments: Vec::new(),
                start: Some(iface.start),
                end: Some(iface.end.unwrap_or(stopped)),
                received: Some(sum.packets),
                iface_dropped: iface.missed(now),
                accepted: Some(sum.packets - sum.filtered),
                os_dropped: Some(lost),
                delivered: Some(sum.delivered - lost_at_sockets),
            })
        };
        self.all.iter().map(statistics).collect()
    }

    /// Interfaces that could not be captured when they were meant to be.
    pub(super) const fn refusals(&self) -> u64 {
        self.refusals
    }

    /// Notes what is in the way of an interface, and tells of it unless it was told before.
    fn refuse(&mut self, index: u32, reason: AttachError) {
        let text = reason.to_string();
        let before = self.refused.insert(index, text.clone());
        self.refusals += u64::from(before.is_none());
        if before != Some(text) {
            self.untold.push(IfaceEvent::Refused(reason));
        }
    }

    /// Whether one more interface can be captured.
    fn has_room(&self) -> bool {
        self.slots.len() < MAX_IFACES || self.given_up().is_some()
    }

    /// A slot whose interface is not captured any more.
    fn given_up(&self) -> Option<usize> {
        let went = |number: &u16| !self.all[usize::from(*number)].is_captured();
        self.slots.iter().position(went)
    }

    /// A slot for an interface of this number. There has to be room.
    fn slot(&mut self, kernel: &mut Kernel, number: u16) -> Result<u16, AttachError> {
        let Some(slot) = self.given_up().filter(|_| self.slots.len() == MAX_IFACES) else {
            self.slots.push(number);
            return Ok(self.slots.len() as u16 - 1);
        };
        let mut sum = HookCounters::ZERO;
        for counters in kernel.reclaim(slot as u16)? {
            sum.add(&counters);
        }
        self.settled.add(&sum);
        let last = std::mem::replace(&mut self.slots[slot], number);
        self.all[usize::from(last)].counted = Counted::Before(Box::new(sum));
        Ok(slot as u16)
    }
}

impl LiveIface {
    fn missed(&self, now: &[Interface]) -> Option<u64> {
        self.end.is_none().then_some(())?;
        now.iter()
            .find(|iface| iface.index == self.index)
            .map(|iface| iface.stats.rx_missed.saturating_sub(self.missed_before))
    }
}

impl LiveCapture {
    /// The interfaces, those that went included.
    pub fn ifaces(&self) -> impl Iterator<Item = &LiveIface> {
        self.ifaces.all.iter()
    }

    /// If no interface is left, and none that comes would be captured, the names of those that went.
    #[must_use]
    pub fn all_gone(&self) -> Option<String> {
        let is_over = !self.plan.kernel.selection.is_open()
            && !self.ifaces.all.iter().any(LiveIface::is_captured);
        is_over.then(|| {
            let names: Vec<&str> = self.ifaces().map(LiveIface::name).collect();
            names.join(", ")
        })
    }

    /// Lets go of interfaces that went, and attaches to those that came, if the selection is open; says
    /// what happened since it was asked last. Costs next to nothing when nothing has changed.
    ///
    /// # Errors
    ///
    /// When the kernel does not tell of its interfaces or counters any more.
    pub fn follow_ifaces(&mut self) -> Result<Vec<IfaceEvent>, EngineError> {
        let heard = self
            .ifaces
            .monitor
            .changes()
            .map_err(|source| AttachError::from(IfaceError::List { source }))?;
        let changes = match (self.ifaces.pending.take(), heard) {
            (None, None) => return Ok(std::mem::take(&mut self.ifaces.untold)),
            (Some(one), None) | (None, Some(one)) => one,
            (Some(mut before), Some(now)) => {
                before.gone.extend(now.gone);
                before
            }
        };
        let netns = self.plan.netns.clone();
        let followed = netns.enter(|| {
            let now = match iface::all() {
                Ok(now) => now,
                Err(error) => {
                    log::warn!("{error}; it is tried again");
                    self.ifaces.pending = Some(changes);
                    return Ok(());
                }
            };
            self.let_go(&changes, &now)?;
            if self.plan.kernel.selection.is_open() {
                self.take_in(&now)?;
            }
            Ok::<_, AttachError>(())
        });
        followed.map_err(EngineError::Thread)??;
        Ok(std::mem::take(&mut self.ifaces.untold))
    }

    fn let_go(&mut self, changes: &Changes, now: &[Interface]) -> Result<(), AttachError> {
        let Self {
            ifaces,
            kernel,
            clock,
            ..
        } = self;
        let is_here = |index| now.iter().any(|iface| iface.index == index);
        let stays = |index| is_here(index) && !changes.gone.contains(&index);
        ifaces.refused.retain(|index, _| stays(*index));
        ifaces.unattachable.retain(|index| stays(*index));
        for iface in ifaces.all.iter_mut().filter(|iface| iface.is_captured()) {
            if stays(iface.index) {
                continue;
            }
            iface.end = Some(clock.now());
            if let Counted::Slot(slot) = iface.counted {
                kernel.release(slot);
            }
            ifaces.untold.push(IfaceEvent::Went {
                name: iface.name.clone(),
                packets: iface.totals(kernel)?.packets,
            });
        }
        Ok(())
    }

    fn take_in(&mut self, now: &[Interface]) -> Result<(), AttachError> {
        for interface in now {
            let is_captured =
                |iface: &LiveIface| iface.is_captured() && iface.index == interface.index;
            if self.ifaces.all.iter().any(is_captured)
                || self.ifaces.unattachable.contains(&interface.index)
                || !self.plan.kernel.wants(interface)
            {
                continue;
            }
            match self.take_in_one(interface)? {
                Ok(event) => {
                    self.ifaces.refused.remove(&interface.index);
                    self.ifaces.untold.push(event);
                }
                Err(reason) => {
                    // It may have gone since it was listed, which is no refusal.
                    let is_here = iface::all()
                        .is_ok_and(|now| now.iter().any(|iface| iface.index == interface.index));
                    if is_here {
                        self.ifaces.refuse(interface.index, reason);
                    }
                }
            }
        }
        Ok(())
    }

    /// Attaches to an interface that came. The outer error is the capture's, the inner one the
    /// interface's.
    fn take_in_one(
        &mut self,
        interface: &Interface,
    ) -> Result<Result<IfaceEvent, AttachError>, AttachError> {
        let attachment = match self.plan.kernel.attachment(interface.clone()) {
            Ok(attachment) => attachment,
            Err(error) => return Ok(Err(error)),
        };
        let name = interface.name.clone();
        let Ok(number) = u16::try_from(self.ifaces.all.len()) else {
            return Ok(Err(AttachError::NoNumbers { iface: name }));
        };
        if !self.ifaces.has_room() {
            return Ok(Err(AttachError::NoRoom {
                iface: name,
                max: MAX_IFACES,
            }));
        }
        // Whoever reads its packets has to know it before the first one comes.
        let disposition = self.plan.kernel.disposition;
        let files = || self.packets.iter().chain(&self.printed);
        if !files().all(PacketFile::has_room_for_iface) {
            return Ok(Err(AttachError::WriterBehind { iface: name }));
        }
        for file in self.packets.iter_mut().chain(&mut self.printed) {
            let given = file.add_iface(&describe(&attachment, &self.plan.kernel));
            debug_assert_eq!(
                given,
                Some(IfaceId(number.into())),
                "numbers go up one by one"
            );
        }
        let slot = self.ifaces.slot(&mut self.kernel, number)?;
        self.links.push(attachment.link);
        self.names.push(name.clone());
        let mut iface = LiveIface::new(&attachment, disposition, slot, self.clock.now());
        let attached = self.kernel.attach(slot, number, &attachment);
        if let Ok(mode) = &attached {
            iface.mode = *mode;
        } else {
            iface.end = Some(iface.start);
            self.ifaces.unattachable.insert(iface.index);
        }
        let description = iface.description.clone();
        self.ifaces.all.push(iface);
        Ok(attached.map(|mode| IfaceEvent::Came {
            name,
            description,
            mode,
        }))
    }
}

/// An interface as packets and files know it.
pub(super) fn known_as(attachment: &Attachment, plan: &Plan) -> Iface {
    Iface {
        name: attachment.interface.name.clone(),
        description: attachment.describe(plan.disposition),
        link: attachment.link,
        snap_len: plan.thinning.snap_len,
        decimals: 9,
    }
}

/// What a pcapng file says of an interface.
pub(super) fn describe(attachment: &Attachment, plan: &Plan) -> IfaceDescription {
    let thinning = plan.thinning.to_string();
    let comment = if thinning.is_empty() {
        thinning
    } else {
        format!("capture: {thinning}")
    };
    IfaceDescription {
        iface: known_as(attachment, plan),
        filter: plan.filter.as_ref().map(|filter| filter.text().to_owned()),
        comment,
        mac: attachment.interface.mac,
        os: host::os(),
    }
}
