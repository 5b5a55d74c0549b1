//! What to attach where: what the user chose, checked against what the machine has.

use crate::iface::{self, Interface, XdpAttached};
use crate::packet::LinkType;

use super::AttachError;

/// What happens to a packet after it was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// It goes on as if nothing had been.
    Mirror,
    /// It is consumed: the port is dedicated to capture.
    Tap,
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

/// A capture as it is going to be.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The interfaces; the position is the slot.
    pub ifaces: Vec<Attachment>,
    /// Number of rings, one for each worker.
    pub rings: u32,
    /// Size of each, in bytes: a power of two, and a multiple of the page size.
    pub ring_bytes: u32,
    /// Bytes of a packet that are copied at most.
    pub snap_len: u32,
    /// What happens to packets afterwards.
    pub disposition: Disposition,
    /// Seed of the flow hash.
    pub seed: u64,
    /// Whether the programs report what they cannot do, through the kernel log of this program.
    pub verbose: bool,
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
}

impl Attachment {
    /// Checks that `name` can be captured. `watch` is what the user asked for, if he did: loopback
    /// shows every packet twice, once going out and once coming in, so there one way is the default,
    /// as in libpcap; and nothing that a tap sends is of interest.
    ///
    /// # Errors
    ///
    /// What is in the way.
    pub fn new(
        name: &str,
        watch: Option<Watch>,
        disposition: Disposition,
        insist: Insist,
    ) -> Result<Self, AttachError> {
        let interface = iface::find(name)?;
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
        if disposition == Disposition::Tap
            && insist == Insist::No
            && iface::default_routes()?.contains(&interface.index)
        {
            return Err(AttachError::DefaultRoute {
                iface: interface.name,
            });
        }
        let watch = watch.unwrap_or(if interface.loopback || disposition == Disposition::Tap {
            Watch::Ingress
        } else {
            Watch::Both
        });
        if watch.ingress()
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
        Ok(Self {
            interface,
            link,
            watch,
        })
    }

    /// What a capture file says of the interface: how it was watched.
    #[must_use]
    pub fn describe(&self, disposition: Disposition) -> String {
        let hooks = match self.watch {
            Watch::Both => "XDP ingress and TCX egress",
            Watch::Ingress => "XDP ingress",
            Watch::Egress => "TCX egress",
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
