//! The loaded programs with their maps and links.

use std::os::fd::AsFd;

use aya::maps::{ArrayOfMaps, HashMap, Map, MapData, PerCpuArray, RingBuf};
use aya::programs::links::FdLink;
use aya::programs::tc::{SchedClassifierLink, TcAttachOptions};
use aya::programs::{LinkOrder, SchedClassifier, TcAttachType, Xdp};
use aya::util::KernelVersion;
use aya::{Ebpf, EbpfLoader};
use capture_common::{Hook, HookCounters, IfaceEntry, MAX_IFACES, Settings};

use super::attach::{Attachment, Disposition, Plan};
use super::error::{AttachError, io_error};
use crate::iface::{XdpAttached, XdpMode};
use crate::packet::LinkType;

/// The object that `cargo xtask ebpf` made of `capture-ebpf`.
static OBJECT: &[u8] = aya::include_bytes_aligned!(concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../capture-ebpf/object/capture.o"
));

const XDP_PROGRAM: &str = "capture_xdp";
const TCX_PROGRAM: &str = "capture_tcx";

/// A link that detaches when it goes.
#[derive(Debug)]
enum Link {
    Xdp(#[expect(dead_code, reason = "held for its drop")] FdLink),
    Tcx(#[expect(dead_code, reason = "held for its drop")] SchedClassifierLink),
}

/// The kernel side of a running capture.
pub struct Kernel {
    // Links go first: programs are detached before their maps are let go.
    links: Vec<Link>,
    modes: Vec<Option<XdpMode>>,
    counters: PerCpuArray<MapData, HookCounters>,
    rings: Vec<RingBuf<MapData>>,
    ebpf: Ebpf,
}

impl std::fmt::Debug for Kernel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Kernel")
            .field("links", &self.links)
            .field("modes", &self.modes)
            .finish_non_exhaustive()
    }
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
        let needs_tcx = plan.ifaces.iter().any(|iface| iface.watch.egress());
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
        let mut ebpf = load(plan)?;
        let rings = make_rings(&mut ebpf, plan)?;
        fill_ifaces(&mut ebpf, &plan.ifaces)?;
        let counters = take_map(&mut ebpf, "COUNTERS")?;
        let counters = PerCpuArray::try_from(counters)
            .map_err(|e| AttachError::kernel("opening the counters", &e))?;
        Ok(Self {
            links: Vec::new(),
            modes: Vec::new(),
            counters,
            rings,
            ebpf,
        })
    }

    /// Attaches to every interface of the plan. On an error, what was attached is detached when this
    /// value goes.
    ///
    /// # Errors
    ///
    /// What is in the way, with what to do about it.
    pub fn attach(&mut self, plan: &Plan) -> Result<(), AttachError> {
        for attachment in &plan.ifaces {
            // Egress first: what a connection sends then cannot be missed while its answers are seen.
            if attachment.watch.egress() {
                let link = self.attach_tcx(attachment)?;
                self.links.push(Link::Tcx(link));
            }
            let mode = if attachment.watch.ingress() {
                let (link, mode) = self.attach_xdp(attachment)?;
                self.links.push(Link::Xdp(link));
                Some(mode)
            } else {
                None
            };
            self.modes.push(mode);
        }
        Ok(())
    }

    /// The ring of each worker.
    pub fn rings(&self) -> impl Iterator<Item = &(impl AsFd + use<>)> {
        self.rings.iter()
    }

    /// How XDP was attached, by interface slot; `None` where it was not asked for.
    #[must_use]
    pub fn modes(&self) -> &[Option<XdpMode>] {
        &self.modes
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
        self.links.clear();
        super::grace::wait();
    }

    fn attach_xdp(&mut self, attachment: &Attachment) -> Result<(FdLink, XdpMode), AttachError> {
        let program: &mut Xdp = program(&mut self.ebpf, XDP_PROGRAM)?;
        let index = attachment.interface.index;
        let (id, mode) = match program.attach_to_if_index(index, aya::programs::XdpMode::Driver) {
            Ok(id) => (id, XdpMode::Native),
            Err(native) => {
                if let Some(libc::EBUSY | libc::EEXIST) =
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

    fn attach_tcx(&mut self, attachment: &Attachment) -> Result<SchedClassifierLink, AttachError> {
        let program: &mut SchedClassifier = program(&mut self.ebpf, TCX_PROGRAM)?;
        // Last: what the others drop does not go out, and what they rewrite goes out rewritten.
        let options = TcAttachOptions::TcxOrder(LinkOrder::last());
        let id = program
            .attach_with_options(&attachment.interface.name, TcAttachType::Egress, options)
            .map_err(|e| AttachError::kernel("attaching at TCX egress", &e))?;
        program
            .take_link(id)
            .map_err(|e| AttachError::kernel("attaching at TCX egress", &e))
    }
}

/// Loads the object with the plan's settings as constants.
fn load(plan: &Plan) -> Result<Ebpf, AttachError> {
    let settings = Settings {
        seed: plan.seed,
        snap_len: plan.snap_len,
        rings: plan.rings,
        ifaces: plan.ifaces.len() as u32,
        link: plan
            .ifaces
            .first()
            .map_or(Settings::LINK_ETHERNET, |iface| link_of(iface.link)),
        tap: u32::from(plan.disposition == Disposition::Tap),
        reserved: 0,
    };
    let log_level: u8 = if plan.verbose { 4 } else { 0 };
    let mut ebpf = EbpfLoader::new()
        .override_global("SETTINGS", &settings, true)
        .override_global("AYA_LOG_LEVEL", &log_level, false)
        .load(OBJECT)
        .map_err(|error| AttachError::loading(&error))?;
    let xdp: &mut Xdp = program(&mut ebpf, XDP_PROGRAM)?;
    xdp.load()
        .map_err(|e| AttachError::refused(XDP_PROGRAM, e))?;
    if plan.ifaces.iter().any(|iface| iface.watch.egress()) {
        let tcx: &mut SchedClassifier = program(&mut ebpf, TCX_PROGRAM)?;
        tcx.load()
            .map_err(|e| AttachError::refused(TCX_PROGRAM, e))?;
    }
    Ok(ebpf)
}

const fn link_of(link: LinkType) -> u32 {
    if link.0 == LinkType::RAW.0 {
        Settings::LINK_RAW_IP
    } else {
        Settings::LINK_ETHERNET
    }
}

fn program<'a, P>(ebpf: &'a mut Ebpf, name: &'static str) -> Result<&'a mut P, AttachError>
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

fn take_map(ebpf: &mut Ebpf, name: &'static str) -> Result<Map, AttachError> {
    ebpf.take_map(name).ok_or_else(|| AttachError::Kernel {
        what: "opening a map",
        reason: format!("{name} is not in the object"),
    })
}

fn make_rings(ebpf: &mut Ebpf, plan: &Plan) -> Result<Vec<RingBuf<MapData>>, AttachError> {
    const BPF_MAP_TYPE_RINGBUF: u32 = 27;
    let outer = take_map(ebpf, "RINGS")?;
    let mut outer: ArrayOfMaps<MapData, RingBuf<MapData>> =
        ArrayOfMaps::try_from(outer).map_err(|e| AttachError::kernel("opening the rings", &e))?;
    (0..plan.rings)
        .map(|number| {
            let definition =
                aya_obj::Map::new_from_params(BPF_MAP_TYPE_RINGBUF, 0, 0, plan.ring_bytes, 0);
            let data =
                MapData::create(definition, "capture_ring", None).map_err(|e| memory(plan, &e))?;
            let ring = RingBuf::try_from(Map::RingBuf(data)).map_err(|e| memory(plan, &e))?;
            outer
                .set(number, &ring, 0)
                .map_err(|e| AttachError::kernel("setting a ring", &e))?;
            Ok(ring)
        })
        .collect()
}

fn memory(plan: &Plan, error: &(dyn std::error::Error + 'static)) -> AttachError {
    match io_error(error) {
        Some(io)
            if matches!(
                io.raw_os_error(),
                Some(libc::ENOMEM | libc::EPERM | libc::EAGAIN | libc::E2BIG)
            ) =>
        {
            AttachError::Memory {
                rings: plan.rings,
                ring_bytes: plan.ring_bytes,
                source: std::io::Error::from_raw_os_error(io.raw_os_error().unwrap_or_default()),
            }
        }
        _ => AttachError::kernel("making a ring", error),
    }
}

fn fill_ifaces(ebpf: &mut Ebpf, ifaces: &[Attachment]) -> Result<(), AttachError> {
    if ifaces.len() < 2 {
        return Ok(());
    }
    let map = take_map(ebpf, "IFACES")?;
    let mut map: HashMap<MapData, u32, IfaceEntry> = HashMap::try_from(map)
        .map_err(|e| AttachError::kernel("opening the list of interfaces", &e))?;
    for (slot, iface) in ifaces.iter().enumerate() {
        let entry = IfaceEntry {
            slot: slot as u32,
            link: link_of(iface.link),
        };
        map.insert(iface.interface.index, entry, 0)
            .map_err(|e| AttachError::kernel("filling the list of interfaces", &e))?;
    }
    Ok(())
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
