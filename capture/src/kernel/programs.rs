//! The loaded programs with their maps and links.

use std::os::fd::RawFd;
use std::sync::Arc;

use aya::maps::{Array, HashMap, Map, MapData, PerCpuArray, PerCpuValues, XskMap};
use aya::programs::links::FdLink;
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions};
use aya::programs::xdp::XdpLink;
use aya::programs::{LinkOrder, ProgramError, SchedClassifier, TcAttachType, Xdp};
use aya::util::{KernelVersion, nr_cpus};
use aya::{Ebpf, EbpfLoader};
use capture_common::cutoff::WAYS;
use capture_common::{
    Hook, HookCounters, IfaceEntry, MAX_IFACES, MAX_QUEUES, Settings, socket_index,
};

use super::attach::{Attachment, Delivery, Disposition, IngressHook, Plan, Reception, Unmatched};
use super::clock::Clock;
use super::cut_table::CutMap;
use super::error::{AttachError, io_error};
use super::filter;
use super::fragments::Fragments;
use super::polls::Polls;
use super::rings::{self, Rings};
use super::shelf::{Shared, Shelf};
use super::thinning::{Control, Cutoff, Extent};
use crate::flow::CutTable;
use crate::iface::{Interface, Promiscuous, XdpAttached, XdpMode};
use crate::packet::LinkType;
use crate::source::ring::RingMemory;

/// The object that `cargo xtask ebpf` made of `capture-ebpf`.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../capture-ebpf/object/capture.o"
));

const XDP_PROGRAM: &str = "capture_xdp";
const XSK_PROGRAM: &str = "capture_xsk";
const TCX_PROGRAM: &str = "capture_tcx";
const TCX_INGRESS_PROGRAM: &str = "capture_tcx_ingress";
/// What the programs report goes through this map, which each set of programs has for itself.
pub(super) const LOG_MAP: &str = "AYA_LOGS";

/// A link that detaches when it goes.
#[derive(Debug)]
enum Link {
    Xdp(FdLink),
    Tcx(SchedClassifierLink),
    TcxIngress(SchedClassifierLink),
}

/// The programs of one interface.
#[derive(Debug)]
struct Attached {
    slot: u16,
    /// The kernel's index of the interface.
    index: u32,
    links: Vec<Link>,
    /// Keeps the interface promiscuous, if that was asked for.
    _reception: Option<Promiscuous>,
}

/// The kernel side of a running capture.
pub struct Kernel {
    // Links go first: programs are detached before their maps are let go.
    attached: Vec<Attached>,
    /// The numbers and slots of interfaces; `None` where the programs were made for a single one.
    ifaces: Option<HashMap<MapData, u32, IfaceEntry>>,
    counters: PerCpuArray<MapData, HookCounters>,
    rings: Rings,
    sockets: XskMap<MapData>,
    /// Which frames the cards pass on.
    reception: Reception,
    /// The program at XDP.
    xdp_program: &'static str,
    /// The maps, for programs that take over from these.
    shared: Shared,
    ebpf: Ebpf,
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel")
            .field("attached", &self.attached)
            .finish_non_exhaustive()
    }
}

/// Makes an interface promiscuous. One that cannot be is captured as it is, and that is said.
fn promiscuous(interface: &Interface) -> Option<Promiscuous> {
    Promiscuous::hold(interface.index)
        .inspect_err(|error| {
            let name = &interface.name;
            log::warn!(
                "{name}: promiscuous mode cannot be had ({error}), so frames for other hosts may be missing: it needs \
                 root or CAP_NET_RAW; or run once: ip link set dev {name} promisc on"
            );
        })
        .ok()
}

impl Kernel {
    /// Loads the programs and makes the rings; nothing is attached yet.
    ///
    /// # Errors
    ///
    /// What is in the way, with what to do about it.
    pub fn load(plan: &Plan) -> Result<Self, AttachError> {
        if plan.ifaces.len() > MAX_IFACES {
            return Err(AttachError::TooManyIfaces {
                count: plan.ifaces.len(),
                max: MAX_IFACES,
            });
        }
        let needs_tcx = plan.hooks().any(|hook| hook != Hook::XdpIngress);
        let too_old =
            KernelVersion::current().is_ok_and(|version| version < KernelVersion::new(6, 6, 0));
        if needs_tcx && too_old {
            let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
            return Err(AttachError::KernelTooOld {
                release: release.trim().to_owned(),
            });
        }
        if !std::path::Path::new("/sys/kernel/btf/vmlinux").exists() {
            return Err(AttachError::NoBtf);
        }
        let mut ebpf = load(plan, None)?;
        let shared = Shared::keep(ebpf.maps())?;
        let rings = Rings::take(&mut ebpf, plan)?;
        let ifaces = is_looked_up(plan)
            .then(|| {
                HashMap::try_from(take_map(&mut ebpf, "IFACES")?)
                    .map_err(|e| AttachError::kernel("opening the list of interfaces", &e))
            })
            .transpose()?;
        let counters = take_map(&mut ebpf, "COUNTERS")?;
        let counters = PerCpuArray::try_from(counters)
            .map_err(|e| AttachError::kernel("opening the counters", &e))?;
        let sockets = take_map(&mut ebpf, "SOCKETS")?;
        let sockets = XskMap::try_from(sockets)
            .map_err(|e| AttachError::kernel("opening the map of sockets", &e))?;
        Ok(Self {
            attached: Vec::new(),
            ifaces,
            counters,
            rings,
            sockets,
            reception: plan.reception,
            xdp_program: xdp_program(plan),
            shared,
            ebpf,
        })
    }

    /// Attaches to an interface of this thread's network namespace; says how XDP was attached, if it was.
    /// Its packets are counted in `slot`, and carry `number` in the rings. On an error nothing stays
    /// attached to it.
    ///
    /// # Errors
    ///
    /// What is in the way, with what to do about it.
    pub fn attach(
        &mut self,
        slot: u16,
        number: u16,
        attachment: &Attachment,
    ) -> Result<Option<XdpMode>, AttachError> {
        let index = attachment.interface.index;
        // Known before the first packet comes.
        if let Some(ifaces) = &mut self.ifaces {
            let entry = IfaceEntry {
                slot,
                id: number,
                link: link_of(attachment.link),
            };
            ifaces
                .insert(index, entry, 0)
                .map_err(|e| AttachError::kernel("filling the list of interfaces", &e))?;
        }
        let mut links = Vec::new();
        let mut mode = None;
        for hook in attachment.hooks() {
            let link = match hook {
                Hook::TcxEgress => self.attach_tcx(attachment, hook).map(Link::Tcx),
                Hook::TcxIngress => self.attach_tcx(attachment, hook).map(Link::TcxIngress),
                Hook::XdpIngress => self.attach_xdp(attachment).map(|(link, how)| {
                    mode = Some(how);
                    Link::Xdp(link)
                }),
            };
            match link {
                Ok(link) => links.push(link),
                Err(error) => {
                    drop(links);
                    self.forget(index);
                    return Err(error);
                }
            }
        }
        let reception = match self.reception {
            Reception::AsItIs => None,
            Reception::Everything => promiscuous(&attachment.interface),
        };
        self.attached.push(Attached {
            slot,
            index,
            links,
            _reception: reception,
        });
        Ok(mode)
    }

    /// Detaches from the interface of a slot, which may be gone. What was counted stays.
    pub fn release(&mut self, slot: u16) {
        if let Some(at) = self.attached.iter().position(|one| one.slot == slot) {
            let released = self.attached.swap_remove(at);
            self.forget(released.index);
        }
    }

    /// Makes a released slot ready for another interface: waits until nothing counts there any more,
    /// and gives what was counted, by hook.
    ///
    /// # Errors
    ///
    /// When the kernel does not let the map be read or written, which it always did before.
    pub fn reclaim(&mut self, slot: u16) -> Result<[HookCounters; Hook::COUNT], AttachError> {
        super::grace::wait();
        let mut last = [HookCounters::ZERO; Hook::COUNT];
        for hook in Hook::ALL {
            last[hook as usize] = self.counters(slot, hook)?;
            let zeros = nr_cpus()
                .map_err(|(_, error)| error)
                .and_then(|cpus| PerCpuValues::try_from(vec![HookCounters::ZERO; cpus]))
                .map_err(|e| AttachError::kernel("counting the CPUs", &e))?;
            self.counters
                .set(HookCounters::index(slot, hook), zeros, 0)
                .map_err(|e| AttachError::kernel("clearing counters", &e))?;
        }
        Ok(last)
    }

    /// Takes an interface off the list. One that was never on it, or for which there is no list, is
    /// none the worse.
    fn forget(&mut self, index: u32) {
        if let Some(ifaces) = &mut self.ifaces {
            drop(ifaces.remove(&index));
        }
    }

    /// Puts other programs in the place of the running ones: those of a plan that differs in what is
    /// constant to the programs (filter, sampling, lengths), but not in interfaces and rings. Maps stay,
    /// and at each hook one program follows the other between two packets, so that none is missed and
    /// none counted twice.
    ///
    /// # Errors
    ///
    /// When the kernel refuses the new programs; then the old ones go on.
    pub fn change(&mut self, plan: &Plan) -> Result<(), AttachError> {
        let shelf = Shelf::with(&self.shared)?;
        let mut ebpf = load(plan, Some(&shelf))?;
        let mut failed = None;
        for attached in &mut self.attached {
            for link in std::mem::take(&mut attached.links) {
                match link.take_over(&mut ebpf, self.xdp_program) {
                    Ok(link) => attached.links.push(link),
                    // An interface that went just now; others are to go on.
                    Err(error) => failed = Some(error),
                }
            }
        }
        self.ebpf = ebpf;
        failed.map_or(Ok(()), Err)
    }

    /// The ring of each worker; none where packets go to sockets and there is nothing to report.
    pub fn rings(&self) -> impl Iterator<Item = RingMemory<'_>> {
        self.rings.iter()
    }

    /// Gives the packets of a queue to an `AF_XDP` socket, from when the programs are attached. The
    /// kernel takes the socket out by itself when it is closed.
    ///
    /// # Errors
    ///
    /// When the kernel does not take it.
    pub fn set_socket(&mut self, slot: u16, queue: u32, socket: RawFd) -> Result<(), AttachError> {
        let index = u16::try_from(queue)
            .ok()
            .and_then(|queue| socket_index(u32::from(slot), queue))
            .ok_or_else(|| AttachError::Kernel {
                what: "setting a socket",
                reason: format!("queue {queue} is out of range"),
            })?;
        self.sockets
            .set(index, socket, 0)
            .map_err(|e| AttachError::kernel("setting a socket", &e))
    }

    /// The table of flows that are cut short, to be taken once; `None` if none are.
    ///
    /// # Errors
    ///
    /// When the map cannot be opened, which is a bug.
    pub fn take_cuts(
        &mut self,
        plan: &Plan,
        clock: &Arc<Clock>,
    ) -> Result<Option<Arc<dyn CutTable>>, AttachError> {
        if plan.thinning.cutoff.is_none() {
            return Ok(None);
        }
        let map = take_map(&mut self.ebpf, "CUTS")?;
        let map = Array::try_from(map).map_err(|e| {
            AttachError::kernel("opening the table of connections that are cut", &e)
        })?;
        Ok(Some(Arc::new(CutMap::new(map, Arc::clone(clock)))))
    }

    /// The programs with the maps that are left, for who reads their log.
    pub fn ebpf_mut(&mut self) -> &mut Ebpf {
        &mut self.ebpf
    }

    /// What the kernel counted on all CPUs for one interface and hook.
    ///
    /// # Errors
    ///
    /// When the kernel does not let the map be read, which it always did before.
    pub fn counters(&self, slot: u16, hook: Hook) -> Result<HookCounters, AttachError> {
        let per_cpu = self
            .counters
            .get(&HookCounters::index(slot, hook), 0)
            .map_err(|e| AttachError::kernel("reading the counters", &e))?;
        let mut sum = HookCounters::ZERO;
        for counters in per_cpu.iter() {
            sum.add(counters);
        }
        Ok(sum)
    }

    /// Detaches all programs and waits until none of them runs any more: what is in the rings then is
    /// all that there is going to be.
    pub fn detach(&mut self) {
        self.attached.clear();
        super::grace::wait();
    }

    fn attach_xdp(&mut self, attachment: &Attachment) -> Result<(FdLink, XdpMode), AttachError> {
        let program: &mut Xdp = program(&mut self.ebpf, self.xdp_program)?;
        let index = attachment.interface.index;
        let native = match attachment.ingress {
            IngressHook::XdpGeneric => None,
            IngressHook::Xdp | IngressHook::Tcx => {
                Some(program.attach_to_if_index(index, aya::programs::XdpMode::Driver))
            }
        };
        let (id, mode) = match native {
            Some(Ok(id)) => (id, XdpMode::Native),
            failed => {
                if let Some(Err(native)) = failed
                    && let Some(libc::EBUSY | libc::EEXIST) =
                        io_error(&native).and_then(std::io::Error::raw_os_error)
                {
                    return Err(occupied(attachment, &native));
                }
                let id = program
                    .attach_to_if_index(index, aya::programs::XdpMode::Skb)
                    .map_err(|generic| {
                        match io_error(&generic).and_then(std::io::Error::raw_os_error) {
                            Some(libc::EBUSY | libc::EEXIST) => occupied(attachment, &generic),
                            _ => AttachError::kernel("attaching at XDP", &generic),
                        }
                    })?;
                (id, XdpMode::Generic)
            }
        };
        let link = program
            .take_link(id)
            .map_err(|e| AttachError::kernel("attaching at XDP", &e))?;
        // aya falls back to netlink on kernels without XDP links; such a program would outlive this
        // process, so it is not used. Dropping it detaches it.
        let link = FdLink::try_from(link)
            .map_err(|e| AttachError::kernel("attaching at XDP by a link", &e))?;
        Ok((link, mode))
    }

    fn attach_tcx(
        &mut self,
        attachment: &Attachment,
        hook: Hook,
    ) -> Result<SchedClassifierLink, AttachError> {
        // Next to the wire both ways. Going out, what the others drop does not go out, and what they
        // rewrite goes out rewritten; coming in, what they drop has come in all the same.
        let (name, at, order, what) = match hook {
            Hook::TcxIngress => (
                TCX_INGRESS_PROGRAM,
                TcAttachType::Ingress,
                LinkOrder::first(),
                "attaching at TCX ingress",
            ),
            Hook::TcxEgress | Hook::XdpIngress => (
                TCX_PROGRAM,
                TcAttachType::Egress,
                LinkOrder::last(),
                "attaching at TCX egress",
            ),
        };
        let program: &mut SchedClassifier = program(&mut self.ebpf, name)?;
        let options = TcAttachOptions::TcxOrder(order);
        let id = program
            .attach_with_options(&attachment.interface.name, at, options)
            .map_err(|e| AttachError::kernel(what, &e))?;
        program
            .take_link(id)
            .map_err(|e| AttachError::kernel(what, &e))
    }
}

/// Sets of the table for so many flows: a power of two, with room for a few that meet in one set.
const fn cut_sets(cutoff: Option<Cutoff>) -> u32 {
    /// Flows at most; a map of more than 4 GiB is none.
    const MOST: u32 = 1 << 24;
    match cutoff {
        None => 0,
        Some(Cutoff { flows, .. }) => {
            let flows = if flows < MOST { flows } else { MOST };
            flows.div_ceil(WAYS as u32).next_power_of_two()
        }
    }
}

/// Whether the programs look up each packet's interface, because there are several or others can join.
fn is_looked_up(plan: &Plan) -> bool {
    plan.selection.is_open() || plan.ifaces.len() > 1
}

impl Link {
    /// Has another program run where this one does.
    fn take_over(self, ebpf: &mut Ebpf, xdp_program: &'static str) -> Result<Self, AttachError> {
        let failed = not_taken_over;
        match self {
            Self::Xdp(link) => {
                let program: &mut Xdp = program(ebpf, xdp_program)?;
                let link = XdpLink::try_from(link).map_err(|e| failed(&e))?;
                let id = program.attach_to_link(link).map_err(|e| failed(&e))?;
                let link = program.take_link(id).map_err(|e| failed(&e))?;
                FdLink::try_from(link)
                    .map(Self::Xdp)
                    .map_err(|e| failed(&e))
            }
            Self::Tcx(link) => take_over_tcx(ebpf, TCX_PROGRAM, link).map(Self::Tcx),
            Self::TcxIngress(link) => {
                take_over_tcx(ebpf, TCX_INGRESS_PROGRAM, link).map(Self::TcxIngress)
            }
        }
    }
}

fn take_over_tcx(
    ebpf: &mut Ebpf,
    name: &'static str,
    link: SchedClassifierLink,
) -> Result<SchedClassifierLink, AttachError> {
    let program: &mut SchedClassifier = program(ebpf, name)?;
    let id = program
        .attach_to_link(link)
        .map_err(|e| not_taken_over(&e))?;
    program.take_link(id).map_err(|e| not_taken_over(&e))
}

fn not_taken_over(error: &(dyn std::error::Error + 'static)) -> AttachError {
    AttachError::kernel("putting another program in the place of one", error)
}

/// Loads the object with the plan's settings as constants, with maps of its own, or those on a shelf.
fn load(plan: &Plan, shelf: Option<&Shelf>) -> Result<Ebpf, AttachError> {
    let polls = Polls::of(plan);
    let mut ebpf = load_hearing(plan, shelf, polls)?;
    if polls == Polls::Heard
        && let Err(error) = Polls::listen(&mut ebpf)
    {
        log::debug!("reading the clock for each frame: {error}");
        return load_hearing(plan, shelf, Polls::Unheard);
    }
    Ok(ebpf)
}

fn load_hearing(plan: &Plan, shelf: Option<&Shelf>, polls: Polls) -> Result<Ebpf, AttachError> {
    let fragments = Fragments::of_this_kernel();
    match load_with(plan, shelf, polls, fragments) {
        // Functions of the kernel's can be called only where programs are compiled to machine code.
        Err(AttachError::Refused { reason, .. }) if fragments != Fragments::Unknown => {
            log::debug!("trying without the flags of frames: {reason}");
            load_with(plan, shelf, polls, Fragments::Unknown)
        }
        loaded => loaded,
    }
}

fn load_with(
    plan: &Plan,
    shelf: Option<&Shelf>,
    polls: Polls,
    fragments: Fragments,
) -> Result<Ebpf, AttachError> {
    let thinning = &plan.thinning;
    let settings = Settings {
        seed: plan.seed,
        cutoff: thinning.cutoff.map_or(0, |cutoff| cutoff.bytes),
        snap_len: thinning.snap_len,
        rings: plan.rings,
        ifaces: if is_looked_up(plan) {
            MAX_IFACES as u32
        } else {
            1
        },
        link: plan
            .ifaces
            .first()
            .map_or(Settings::LINK_ETHERNET, |iface| link_of(iface.link)),
        tap: u32::from(plan.disposition == Disposition::Tap),
        filter: u32::from(plan.filter.is_some()),
        pass_unmatched: u32::from(plan.unmatched == Unmatched::Pass),
        sample_packets: Settings::one_in(thinning.sampling.packets),
        sample_flows: Settings::one_in(thinning.sampling.flows),
        keep: match thinning.control {
            Control::Sampled => 0,
            Control::Kept => Settings::KEEP_CONTROL,
            Control::KeptOfAll => Settings::KEEP_CONTROL | Settings::KEEP_CONTROL_OF_ALL,
        },
        headers_only: u32::from(thinning.extent == Extent::Headers),
        cut_sets: cut_sets(thinning.cutoff),
        ordered_stores: u32::from(cfg!(target_arch = "x86_64")),
        timed_reports: match plan.delivery {
            Delivery::Rings => 0,
            Delivery::Sockets(_) => 1,
        },
        ring_bytes: rings::bytes(plan),
        shared_clock: u32::from(polls == Polls::Heard),
    };
    let sockets = match plan.delivery {
        Delivery::Rings => 1,
        Delivery::Sockets(_) => (plan.ifaces.len() * MAX_QUEUES) as u32,
    };
    let log_level: u8 = if plan.verbose { 4 } else { 0 };
    let links: Vec<_> = if plan.selection.is_open() {
        vec![LinkType::ETHERNET, LinkType::RAW]
    } else {
        plan.ifaces.iter().map(|iface| iface.link).collect()
    };
    let mut object = OBJECT.to_vec();
    rings::resize(&mut object, plan)?;
    fragments.write(&mut object)?;
    let object = filter::install(&object, plan.filter.as_ref(), &links)?;
    let mut loader = EbpfLoader::new();
    loader
        // No field of the kernel's is looked up in its type information, and reading that takes longer
        // than all the rest.
        .btf(None)
        .override_global("SETTINGS", &settings, true)
        .override_global("AYA_LOG_LEVEL", &log_level, false)
        .map_max_entries("SOCKETS", sockets)
        .map_max_entries("RINGS", rings::elements(plan))
        .map_max_entries("CUTS", settings.cut_sets.max(1));
    for (name, path) in shelf.into_iter().flat_map(Shelf::maps) {
        loader.map_pin_path(name, path);
    }
    let mut ebpf = loader.load(&object).map_err(|error| {
        rings::no_memory(&error, plan).unwrap_or_else(|| AttachError::loading(&error))
    })?;
    for hook in plan.hooks() {
        match hook {
            Hook::XdpIngress => {
                let name = xdp_program(plan);
                let xdp: &mut Xdp = program(&mut ebpf, name)?;
                xdp.load().map_err(|e| refused(name, e, plan))?;
            }
            Hook::TcxEgress => load_tcx(&mut ebpf, TCX_PROGRAM, plan)?,
            Hook::TcxIngress => load_tcx(&mut ebpf, TCX_INGRESS_PROGRAM, plan)?,
        }
    }
    Ok(ebpf)
}

fn load_tcx(ebpf: &mut Ebpf, name: &'static str, plan: &Plan) -> Result<(), AttachError> {
    let tcx: &mut SchedClassifier = program(ebpf, name)?;
    tcx.load().map_err(|e| refused(name, e, plan))
}

/// What the kernel said of a program; where there is a filter, whether it is to blame.
fn refused(name: &'static str, error: ProgramError, plan: &Plan) -> AttachError {
    match &error {
        ProgramError::LoadError {
            io_error,
            verifier_log,
        } if plan.filter.is_some() => {
            let log = verifier_log.to_string();
            let too_complex = [
                "too large",
                "too complex",
                "jumps is too",
                "call stack",
                "stack size",
            ];
            if io_error.raw_os_error() == Some(libc::E2BIG)
                || too_complex.iter().any(|words| log.contains(words))
            {
                let last = log
                    .lines()
                    .rev()
                    .find(|line| too_complex.iter().any(|words| line.contains(words)));
                if plan.verbose {
                    let lines: Vec<_> = log.lines().collect();
                    let end = lines.len().saturating_sub(20);
                    log::warn!("the verifier's last lines:\n{}", lines[end..].join("\n"));
                }
                return AttachError::FilterTooComplex {
                    reason: last.map_or_else(|| io_error.to_string(), str::to_owned),
                };
            }
            AttachError::refused(name, error)
        }
        _ => AttachError::refused(name, error),
    }
}

const fn xdp_program(plan: &Plan) -> &'static str {
    match plan.delivery {
        Delivery::Rings => XDP_PROGRAM,
        Delivery::Sockets(_) => XSK_PROGRAM,
    }
}

const fn link_of(link: LinkType) -> u32 {
    if link.0 == LinkType::RAW.0 {
        Settings::LINK_RAW_IP
    } else {
        Settings::LINK_ETHERNET
    }
}

pub(super) fn program<'a, P>(
    ebpf: &'a mut Ebpf,
    name: &'static str,
) -> Result<&'a mut P, AttachError>
where
    &'a mut P: TryFrom<&'a mut aya::programs::Program>,
    <&'a mut P as TryFrom<&'a mut aya::programs::Program>>::Error: std::error::Error + 'static,
{
    ebpf.program_mut(name)
        .ok_or_else(|| AttachError::Refused {
            program: name,
            reason: "not in the object".to_owned(),
        })?
        .try_into()
        .map_err(|e| AttachError::kernel("opening a program", &e))
}

pub(super) fn take_map(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, AttachError> {
    ebpf.take_map(name).ok_or_else(|| AttachError::Kernel {
        what: "opening a map",
        reason: format!("{name} is not in the object"),
    })
}

/// Somebody was faster: says who.
fn occupied(attachment: &Attachment, error: &(dyn std::error::Error + 'static)) -> AttachError {
    let found = crate::iface::find(&attachment.interface.name).ok();
    match found.and_then(|interface| interface.xdp.into_iter().next()) {
        Some(XdpAttached {
            program_id,
            program_name,
            ..
        }) => AttachError::Occupied {
            iface: attachment.interface.name.clone(),
            id: program_id,
            name: program_name,
        },
        None => AttachError::kernel("attaching at XDP", error),
    }
}
