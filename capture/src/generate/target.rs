//! Where frames go out, and whether they may: onto a veth, or where it was said so.

use capture_common::GeneratorSettings;
use capture_common::generator::LOOPBACK_IFINDEX;

use super::GenerateError;
use crate::iface::{self, Interface, InterfaceStats};

/// What was said about where frames may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nothing: veth pairs alone.
    VethOnly,
    /// This interface was named once more.
    Given,
}

/// An interface that frames can be sent out of.
#[derive(Clone, Debug)]
pub struct Target {
    interface: Interface,
}

impl Target {
    /// Looks at an interface of the calling thread's network namespace.
    ///
    /// # Errors
    ///
    /// No such interface; one that frames may not or cannot go out of; one that is too small for them.
    pub fn open(
        name: &str,
        consent: Consent,
        settings: &GeneratorSettings,
    ) -> Result<Self, GenerateError> {
        let interface = iface::find(name)?;
        // Before what it can do, what it may.
        permit(&interface, iface::driver(name).as_deref(), consent)?;
        let features = iface::xdp_features(interface.index).unwrap_or(None);
        let takes = features.is_none_or(iface::XdpFeatures::sends);
        usable(&interface, takes, settings)?;
        Ok(Self { interface })
    }

    /// The kernel's index of it.
    #[must_use]
    pub const fn index(&self) -> u32 {
        self.interface.index
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.interface.name
    }

    /// What the interface has counted by now, from the same namespace.
    ///
    /// # Errors
    ///
    /// It is gone.
    pub fn stats(&self) -> Result<InterfaceStats, GenerateError> {
        Ok(iface::find(&self.interface.name)?.stats)
    }

    /// Whether it counts each frame as sent that its other end has taken, as a veth does.
    #[must_use]
    pub fn counts_what_arrives(&self) -> bool {
        is_veth(&self.interface)
    }
}

fn is_veth(interface: &Interface) -> bool {
    interface.kind.as_deref() == Some("veth")
}

fn permit(
    interface: &Interface,
    driver: Option<&str>,
    consent: Consent,
) -> Result<(), GenerateError> {
    if interface.loopback || interface.index == LOOPBACK_IFINDEX {
        return Err(GenerateError::Loopback);
    }
    // Netlink's word and the driver's: either can be anybody's, both are not.
    let veth = is_veth(interface) && driver.is_none_or(|driver| driver == "veth");
    if !veth && consent != Consent::Given {
        return Err(GenerateError::NotVeth {
            iface: interface.name.clone(),
            kind: interface.kind.clone(),
        });
    }
    Ok(())
}

fn usable(
    interface: &Interface,
    takes: bool,
    settings: &GeneratorSettings,
) -> Result<(), GenerateError> {
    const ARPHRD_ETHER: u16 = 1;
    let name = || interface.name.clone();
    if interface.hardware != ARPHRD_ETHER {
        return Err(GenerateError::NotEthernet {
            iface: name(),
            hardware: interface.hardware,
        });
    }
    if !interface.up {
        return Err(GenerateError::Down { iface: name() });
    }
    let link_len = GeneratorSettings::link_len(settings.vlan != 0);
    let len = settings.frame_len - link_len;
    if len > interface.mtu {
        return Err(GenerateError::Mtu {
            iface: name(),
            mtu: interface.mtu,
            len,
        });
    }
    if !takes {
        // A veth says so while nobody is at its other end.
        return Err(if is_veth(interface) {
            GenerateError::NobodyTakes { iface: name() }
        } else {
            GenerateError::CannotSend { iface: name() }
        });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::packet::LinkType;

    fn veth() -> Interface {
        Interface {
            name: "veth0".into(),
            index: 4,
            link: Some(LinkType::ETHERNET),
            hardware: 1,
            loopback: false,
            up: true,
            mtu: 1500,
            mac: None,
            rx_queues: 1,
            tx_queues: 1,
            kind: Some("veth".into()),
            xdp: Vec::new(),
            stats: InterfaceStats::default(),
        }
    }

    fn card() -> Interface {
        Interface {
            name: "eth0".into(),
            kind: None,
            ..veth()
        }
    }

    #[test]
    fn nothing_but_a_veth_is_sent_onto_without_consent() {
        permit(&veth(), Some("veth"), Consent::VethOnly).unwrap();
        permit(&card(), Some("ixgbe"), Consent::Given).unwrap();
        let bridge = Interface {
            kind: Some("bridge".into()),
            ..card()
        };
        for (interface, driver) in [
            (card(), Some("ixgbe")),
            (card(), None),
            (card(), Some("veth")),
            (bridge, Some("bridge")),
            (veth(), Some("ixgbe")),
        ] {
            let error = permit(&interface, driver, Consent::VethOnly).unwrap_err();
            assert!(matches!(error, GenerateError::NotVeth { .. }), "{error}");
            assert!(error.to_string().contains("--yes-onto"), "{error}");
        }
    }

    #[test]
    fn the_loopback_is_not_sent_onto_at_all() {
        let loopback = Interface {
            loopback: true,
            index: 1,
            ..card()
        };
        let error = permit(&loopback, None, Consent::Given).unwrap_err();
        assert!(matches!(error, GenerateError::Loopback));
    }

    #[test]
    fn what_the_interface_cannot_is_told() {
        let settings = GeneratorSettings {
            frame_len: 1514,
            ..GeneratorSettings::UNPATCHED
        };
        usable(&veth(), true, &settings).unwrap();
        let tagged = GeneratorSettings {
            frame_len: 1518,
            vlan: 1,
            ..settings
        };
        usable(&veth(), true, &tagged).unwrap();
        let small = Interface {
            mtu: 1499,
            ..veth()
        };
        let error = usable(&small, true, &settings).unwrap_err().to_string();
        assert!(error.contains("ip link set veth0 mtu 1500"), "{error}");
        let down = Interface {
            up: false,
            ..veth()
        };
        let error = usable(&down, true, &settings).unwrap_err();
        assert!(matches!(error, GenerateError::Down { .. }));
        let error = usable(&veth(), false, &settings).unwrap_err();
        assert!(matches!(error, GenerateError::NobodyTakes { .. }));
        let error = usable(&card(), false, &settings).unwrap_err();
        assert!(matches!(error, GenerateError::CannotSend { .. }));
        let tun = Interface {
            hardware: 65534,
            ..veth()
        };
        let error = usable(&tun, true, &settings).unwrap_err();
        assert!(matches!(error, GenerateError::NotEthernet { .. }));
    }
}
