//! What to attach where: what the user chose, checked against what the machine has.

use capture_common::{Hook, MAX_IFACES};

use crate::iface::{self, Interface, Selection, XdpAttached};
use crate::packet::LinkType;
use crate::source::xsk::XskOptions;

use super::{AttachError, CaptureFilter, Thinning};

/// What happens to a packet after it was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It goes on as if nothing had been.
    Mirror,
    /// It is consumed: the port is dedicated to capture.
    Tap,
}

/// What happens to packets that nobody asked for, in tap mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unmatched {
    /// They are consumed like all others.
    Consume,
    /// They go on as if nothing had been.
    Pass,
}

/// Which frames a card passes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reception {
    /// Those that it passes on without us: its own, broadcasts, multicasts that somebody wants.
    #[default]
    AsItIs,
    /// All that arrive (promiscuous mode).
    Everything,
}

/// How true the times of packets are, by the words of libpcap (pcap-tstamp(7)).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeStampType {
    /// Of this machine. In tap mode up to [`capture_common::Settings::FRAMES_OF_A_READING`] frames that a driver hands over in one
    /// poll have the time of the first, where the kernel says when a poll is over.
    #[default]
    Host,
    /// Of this machine, read for each packet.
    HostHiprec,
}

/// How packets come to userspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Copied into rings, which the flow hash chooses.
    Rings,
    /// Handed to the `AF_XDP` socket of their queue.
    Sockets(XskOptions),
}

/// Which way packets are captured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Watch {
    /// What comes in and what goes out.
    Both,
    /// What comes in.
    Ingress,
    /// What goes out.
    Egress,
}

impl Watch {
    /// Whether incoming packets are captured.
    #[must_use]
    pub const fn ingress(self) -> bool {
        matches!(self, Self::Both | Self::Ingress)
    }

    /// Whether outgoing packets are captured.
    #[must_use]
    pub const fn egress(self) -> bool {
        matches!(self, Self::Both | Self::Egress)
    }
}

/// Where incoming packets are captured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum IngressHook {
    /// XDP: in the driver if it can, else in generic mode. One program an interface.
    #[default]
    Xdp,
    /// XDP in generic mode, on socket buffers.
    XdpGeneric,
    /// TCX: behind XDP, beside the programs of others.
    Tcx,
}

impl IngressHook {
    /// The hook itself.
    #[must_use]
    pub const fn hook(self) -> Hook {
        match self {
            Self::Xdp | Self::XdpGeneric => Hook::XdpIngress,
            Self::Tcx => Hook::TcxIngress,
        }
    }
}

/// A capture as it is going to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Which interfaces are meant. If the selection is open, others can join those of `ifaces` later.
    pub selection: Selection,
    /// The interfaces at the start; the position is the slot and the number.
    pub ifaces: Vec<Attachment>,
    /// Which way packets are captured, if the user said so.
    pub watch: Option<Watch>,
    /// Where incoming packets are captured.
    pub ingress: IngressHook,
    /// Whether the user insists on what is usually a mistake.
    pub insist: Insist,
    /// Number of rings, one for each worker.
    pub rings: u32,
    /// Size of each, in bytes: a power of two, and a multiple of the page size. Where packets go to sockets,
    /// the frames of all have as much.
    pub ring_bytes: u32,
    /// Which packets are copied; `None` for all.
    pub filter: Option<CaptureFilter>,
    /// What is copied of them.
    pub thinning: Thinning,
    /// Which frames the cards pass on.
    pub reception: Reception,
    /// What happens to packets afterwards.
    pub disposition: Disposition,
    /// What happens to packets that the filter refuses, where the others are consumed.
    pub unmatched: Unmatched,
    /// How true their times are.
    pub time_stamps: TimeStampType,
    /// How packets come to userspace.
    pub delivery: Delivery,
    /// Seed of the flow hash.
    pub seed: u64,
    /// Whether the programs report what they cannot do, through the kernel log of this program.
    pub verbose: bool,
}

/// An interface that is meant but not captured.
#[derive(Debug)]
pub struct Refused {
    /// The kernel's index of it.
    pub index: u32,
    /// Why, with its name.
    pub reason: AttachError,
}

impl Plan {
    /// Bytes of each ring in the kernel; `None` if there are none. Where packets go to sockets, it is for
    /// reports of flows that are cut short alone.
    #[must_use]
    pub fn kernel_ring_bytes(&self) -> Option<u32> {
        /// The largest page there is, of which a ring has to be a multiple.
        const SMALLEST: u32 = 1 << 16;
        match self.delivery {
            Delivery::Rings => Some(self.ring_bytes),
            // A frame takes 2 KiB, and the report that goes before it 184 bytes.
            Delivery::Sockets(_) => self
                .thinning
                .cutoff
                .map(|_| (self.ring_bytes / 8).max(SMALLEST)),
        }
    }

    /// Bytes that rings and frames take in all.
    #[must_use]
    pub fn memory_bytes(&self) -> u64 {
        let each = match self.delivery {
            Delivery::Rings => u64::from(self.ring_bytes),
            Delivery::Sockets(_) => {
                u64::from(self.ring_bytes) + u64::from(self.kernel_ring_bytes().unwrap_or(0))
            }
        };
        each * u64::from(self.rings)
    }

    /// Fills `ifaces` with those that the selection means, of the network namespace of this thread.
    /// Whoever is named has to be captured; of those that a pattern or `any` means, the ones that are up
    /// and can be, and what keeps the others from it is returned.
    ///
    /// # Errors
    ///
    /// What is in the way of a named one, or of all others.
    pub fn choose(&mut self) -> Result<Vec<Refused>, AttachError> {
        for name in self.selection.names() {
            let attachment = self.attachment(iface::find(name)?)?;
            let index = attachment.interface.index;
            if self
                .ifaces
                .iter()
                .all(|known| known.interface.index != index)
            {
                self.ifaces.push(attachment);
            }
        }
        if self.ifaces.len() > MAX_IFACES {
            return Err(AttachError::TooManyIfaces {
                count: self.ifaces.len(),
                max: MAX_IFACES,
            });
        }
        let mut refused = Vec::new();
        if !self.selection.is_open() {
            return Ok(refused);
        }
        let known = iface::all()?;
        for interface in &known {
            let index = interface.index;
            let is_known = self
                .ifaces
                .iter()
                .any(|known| known.interface.index == index);
            if is_known || !self.wants(interface) {
                continue;
            }
            let attachment = if self.ifaces.len() < MAX_IFACES {
                self.attachment(interface.clone())
            } else {
                Err(AttachError::NoRoom {
                    iface: interface.name.clone(),
                    max: MAX_IFACES,
                })
            };
            match attachment {
                Ok(attachment) => self.ifaces.push(attachment),
                Err(reason) => refused.push(Refused { index, reason }),
            }
        }
        if !self.ifaces.is_empty() {
            return Ok(refused);
        }
        Err(match refused.into_iter().next() {
            Some(first) => first.reason,
            None => AttachError::NoneMatches {
                patterns: self.selection.patterns(),
                known: known.into_iter().map(|interface| interface.name).collect(),
            },
        })
    }

    /// Whether a pattern or `any` means an interface: it has to be up, and nobody means the loopback
    /// interface when he taps all of them, for the host talks to itself there.
    #[must_use]
    pub fn wants(&self, interface: &Interface) -> bool {
        let cuts_off =
            interface.loopback && self.disposition == Disposition::Tap && self.insist == Insist::No;
        interface.up && !cuts_off && self.selection.matches(interface)
    }

    /// Checks that an interface can be captured. Unless the user chose, both ways are, but for loopback,
    /// which shows every packet twice, once going out and once coming in, so that one way is the
    /// default as in libpcap; and nothing that a tap sends is of interest.
    ///
    /// # Errors
    ///
    /// What is in the way.
    pub fn attachment(&self, interface: Interface) -> Result<Attachment, AttachError> {
        if !interface.up {
            return Err(AttachError::Down {
                iface: interface.name,
            });
        }
        let Some(link @ (LinkType::ETHERNET | LinkType::RAW)) = interface.link else {
            return Err(AttachError::UnsupportedLink {
                iface: interface.name,
                hardware: interface.hardware,
            });
        };
        if self.disposition == Disposition::Tap
            && self.insist == Insist::No
            && iface::default_routes()?.contains(&interface.index)
        {
            return Err(AttachError::DefaultRoute {
                iface: interface.name,
            });
        }
        let watch = match self.watch {
            Some(watch) => watch,
            None if interface.loopback => Watch::Ingress,
            None => self.usual_watch(),
        };
        if watch.ingress()
            && self.ingress.hook() == Hook::XdpIngress
            && let Some(XdpAttached {
                program_id,
                program_name,
                ..
            }) = interface.xdp.first()
        {
            return Err(AttachError::Occupied {
                iface: interface.name,
                id: *program_id,
                name: program_name.clone(),
            });
        }
        Ok(Attachment {
            interface,
            link,
            watch,
            ingress: self.ingress,
        })
    }

    /// The hooks at which programs are needed, now or later.
    pub fn hooks(&self) -> impl Iterator<Item = Hook> {
        let later = self
            .selection
            .is_open()
            .then(|| self.watch.unwrap_or_else(|| self.usual_watch()));
        let ways = || self.ifaces.iter().map(|iface| iface.watch).chain(later);
        // Egress first: what a connection sends then cannot be missed while its answers are seen.
        [
            ways().any(Watch::egress).then_some(Hook::TcxEgress),
            ways().any(Watch::ingress).then_some(self.ingress.hook()),
        ]
        .into_iter()
        .flatten()
    }

    /// Which way an interface other than loopback is captured unless the user says so.
    const fn usual_watch(&self) -> Watch {
        match self.disposition {
            Disposition::Mirror => Watch::Both,
            Disposition::Tap => Watch::Ingress,
        }
    }
}

/// One interface of a capture.
#[derive(Clone, Debug)]
pub struct Attachment {
    /// The interface.
    pub interface: Interface,
    /// What its packets start with: Ethernet or IP.
    pub link: LinkType,
    /// Which way.
    pub watch: Watch,
    /// Where incoming packets are captured.
    pub ingress: IngressHook,
}

impl Attachment {
    /// The hooks at which it is captured, in the order in which programs are attached.
    pub fn hooks(&self) -> impl Iterator<Item = Hook> + use<> {
        [
            self.watch.egress().then_some(Hook::TcxEgress),
            self.watch.ingress().then_some(self.ingress.hook()),
        ]
        .into_iter()
        .flatten()
    }

    /// What a capture file says of the interface: how it was watched.
    #[must_use]
    pub fn describe(&self, disposition: Disposition) -> String {
        let hooks = match (self.watch, self.ingress.hook()) {
            (Watch::Egress, _) => "TCX egress",
            (Watch::Both, Hook::TcxIngress) => "TCX ingress and egress",
            (Watch::Ingress, Hook::TcxIngress) => "TCX ingress",
            (Watch::Both, _) => "XDP ingress and TCX egress",
            (Watch::Ingress, _) => "XDP ingress",
        };
        let disposition = match disposition {
            Disposition::Mirror => "mirror",
            Disposition::Tap => "tap",
        };
        format!("{hooks}, {disposition}")
    }
}

/// Whether the user insists on what is usually a mistake (`--force`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Insist {
    /// He does not.
    No,
    /// He does.
    Yes,
}
