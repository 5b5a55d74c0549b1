//! What is good and what is bad about an interface: what is attached, what the driver can do, and
//! which offloads change packets before they are seen.

use super::super::Check;
use super::Facts;
use super::holder::{Holder, holder};
use crate::iface::{Interface, Program, XdpAttached, XdpMode};

/// The largest MTU at which every driver with XDP has a frame in one page, the headroom taken off.
const ONE_PAGE_MTU: u32 = 3400;

pub(super) fn checks(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![
        state(&facts.interface),
        link(&facts.interface),
        driver(facts),
    ];
    checks.push(native(facts));
    checks.extend(mtu(facts));
    checks.push(queues(facts));
    checks.extend(attached(&facts.interface));
    checks.push(tcx(facts));
    if !facts.interface.loopback {
        checks.extend(vlan(facts));
        checks.extend(merging(facts));
    }
    checks.push(route(facts));
    checks.push(losses(facts));
    checks
}

fn state(interface: &Interface) -> Check {
    if interface.up {
        Check::ok("state", "up")
    } else {
        Check::warn("state", "down: no packet passes")
            .remedy(format!("ip link set dev {} up", interface.name))
    }
}

pub(super) fn link(interface: &Interface) -> Check {
    let subject = "link type";
    match interface.link {
        Some(link) => Check::ok(subject, link.to_string()),
        None => Check::fail(
            subject,
            format!("hardware type {} is not captured from", interface.hardware),
        )
        .remedy("capture on an Ethernet or IP interface that its packets pass through"),
    }
}

fn driver(facts: &Facts) -> Check {
    let found = match (&facts.driver, &facts.interface.kind) {
        (Some(driver), Some(kind)) if driver != kind => format!("{driver} ({kind})"),
        (Some(name), _) | (None, Some(name)) => name.clone(),
        (None, None) => "none".into(),
    };
    Check::ok("driver", found)
}

fn native(facts: &Facts) -> Check {
    let subject = "native XDP";
    match facts.features {
        Some(features) if features.native() => Check::ok(subject, "the driver says that it has it"),
        Some(_) if facts.interface.loopback => {
            Check::ok(subject, "not on loopback; generic mode is used")
        }
        Some(_) => {
            Check::warn(subject, "not on this interface: generic mode, slower").remedy(match facts
                .interface
                .kind
                .as_deref()
            {
                Some("bridge" | "bond" | "team") => {
                    format!(
                        "capture on its ports: ip link show master {}",
                        facts.interface.name
                    )
                }
                Some("veth") => format!(
                    "ethtool -L {} rx N   # N: no fewer than the other end's send queues",
                    facts.interface.name
                ),
                _ => "capture on the interface below it, if it has one: ip -d link".into(),
            })
        }
        None => Check::note(subject, "this kernel cannot tell (6.3 and later can)")
            .remedy("start a capture: it says which mode it got"),
    }
}

/// Only where frames can be larger than what a driver gives to XDP.
fn mtu(facts: &Facts) -> Option<Check> {
    let Interface { mtu, ref name, .. } = facts.interface;
    let features = facts.features.filter(|features| features.native())?;
    if mtu <= ONE_PAGE_MTU || features.fragments() {
        return Some(Check::ok("MTU", mtu.to_string()));
    }
    let found = format!(
        "{mtu}: the driver may refuse native XDP for frames of several pages; then it is generic"
    );
    Some(Check::note("MTU", found).remedy(format!("ip link set dev {name} mtu {ONE_PAGE_MTU}")))
}

pub(super) fn queues(facts: &Facts) -> Check {
    let (rx, max) = match facts.channels {
        Some(channels) => (
            channels.rx + channels.combined,
            channels.max_rx + channels.max_combined,
        ),
        None => (facts.interface.rx_queues, 0),
    };
    let plural = if rx == 1 { "" } else { "s" };
    let found = format!("{rx} receive queue{plural}");
    match facts.channels {
        Some(channels) if rx == 1 && max > 1 => {
            let kind = if channels.max_combined > 1 {
                "combined"
            } else {
                "rx"
            };
            Check::note(
                "queues",
                format!("{found} of {max}: one processor does all receive work"),
            )
            .remedy(format!("ethtool -L {} {kind} {max}", facts.interface.name))
        }
        _ => Check::ok("queues", found),
    }
}

/// XDP programs that are there already: an interface has room for one in each mode.
fn attached(interface: &Interface) -> Vec<Check> {
    if interface.xdp.is_empty() {
        return vec![Check::ok("XDP program", "none attached")];
    }
    interface
        .xdp
        .iter()
        .map(|program| taken(&interface.name, program, &holder(program, interface.index)))
        .collect()
}

fn taken(interface: &str, program: &XdpAttached, holder: &Holder) -> Check {
    let found = format!(
        "program {} is attached in {} mode{}; there is room for one",
        described(program.program_id, program.program_name.as_deref()),
        program.mode.name(),
        match holder {
            Holder::Process { pid, command, .. } => format!(" by {command} (process {pid})"),
            Holder::Link { .. } | Holder::SomeLink | Holder::Nobody => String::new(),
        },
    );
    Check::fail("XDP program", found).remedy(match holder {
        Holder::Process { pid, link, .. } => {
            format!("end process {pid}, or: bpftool link detach id {link}")
        }
        Holder::Link { link } => format!("bpftool link detach id {link}"),
        Holder::SomeLink => "bpftool link list, and bpftool link detach id ID".into(),
        Holder::Nobody => {
            let mode = match program.mode {
                XdpMode::Native => "xdpdrv",
                XdpMode::Generic => "xdpgeneric",
                XdpMode::Offloaded => "xdpoffload",
            };
            format!("ip link set dev {interface} {mode} off")
        }
    })
}

fn described(id: u32, name: Option<&str>) -> String {
    name.map_or_else(|| id.to_string(), |name| format!("{id} ({name})"))
}

fn tcx(facts: &Facts) -> Check {
    let subject = "TCX programs";
    let name = &facts.interface.name;
    let Some(tcx) = &facts.tcx else {
        return Check::note(
            subject,
            "cannot be asked for (not privileged, or a kernel before 6.6)",
        )
        .remedy(format!("sudo bpftool net show dev {name}"));
    };
    let list = |hook: &str, programs: &[Program]| {
        let programs: Vec<_> = programs
            .iter()
            .map(|program| described(program.id, program.name.as_deref()))
            .collect();
        (!programs.is_empty()).then(|| format!("{hook}: {}", programs.join(", ")))
    };
    let hooks = [list("ingress", &tcx.ingress), list("egress", &tcx.egress)];
    let hooks: Vec<_> = hooks.into_iter().flatten().collect();
    if hooks.is_empty() {
        return Check::ok(subject, "none attached");
    }
    let found = format!(
        "{}; they can change or take packets before they are seen",
        hooks.join("; ")
    );
    Check::note(subject, found).remedy(format!("bpftool net show dev {name}   # whose they are"))
}

fn vlan(facts: &Facts) -> Option<Check> {
    let subject = "VLAN tags";
    let name = &facts.interface.name;
    if !facts.offloads.rx_vlan? {
        return Some(Check::ok(subject, "left on (rxvlan off)"));
    }
    let check = Check::warn(subject, "taken off before XDP sees them (rxvlan on)");
    Some(if facts.interface.kind.as_deref() == Some("veth") {
        check.remedy("ethtool -K PEER txvlan off   # at the other end of the pair")
    } else {
        check.remedy(format!("ethtool -K {name} rxvlan off"))
    })
}

/// Merging of received segments: by the card always before XDP, by the stack before generic XDP.
fn merging(facts: &Facts) -> Vec<Check> {
    let name = &facts.interface.name;
    let generic = facts.features.is_none_or(|features| !features.native());
    let mut checks = Vec::new();
    if let Some(lro) = facts.offloads.lro {
        checks.push(if lro {
            Check::warn(
                "LRO",
                "on: the card merges segments before XDP sees them, most drivers refuse XDP",
            )
            .remedy(format!("ethtool -K {name} lro off"))
        } else {
            Check::ok("LRO", "off")
        });
    }
    if let Some(gro) = facts.offloads.gro {
        checks.push(match (gro, generic) {
            (true, true) => Check::note(
                "GRO",
                "on: in generic mode, merged segments are seen as one packet",
            )
            .remedy(format!("ethtool -K {name} gro off")),
            (true, false) => Check::ok("GRO", "on, after native XDP"),
            (false, _) => Check::ok("GRO", "off"),
        });
    }
    checks
}

fn route(facts: &Facts) -> Check {
    if facts.default_route {
        Check::note(
            "default route",
            "leads through here: tap mode is refused, mirror mode is not",
        )
        .remedy("capture in mirror mode (the default), or tap a port of its own")
    } else {
        Check::ok("default route", "not through here")
    }
}

fn losses(facts: &Facts) -> Check {
    let subject = "losses so far";
    let Interface {
        ref stats,
        ref name,
        ..
    } = facts.interface;
    let (missed, dropped) = (stats.rx_missed, stats.rx_dropped);
    if missed == 0 && dropped == 0 {
        return Check::ok(subject, format!("none of {} packets", stats.rx_packets));
    }
    let found = format!(
        "{missed} missed by the card and {dropped} dropped by the stack, of {} packets",
        stats.rx_packets
    );
    let check = Check::note(subject, found);
    match facts.rings {
        Some(rings) if missed > 0 && rings.rx < rings.max_rx => {
            check.remedy(format!("ethtool -G {name} rx {}", rings.max_rx))
        }
        _ => check.remedy(format!(
            "ethtool -S {name}   # the driver's own counters tell more"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::Status;
    use super::super::line;
    use super::*;
    use crate::iface::{Channels, InterfaceStats, Offloads, RingSizes, TcxPrograms, XdpFeatures};
    use crate::packet::LinkType;

    /// A card without a fault.
    fn facts() -> Facts {
        Facts {
            interface: Interface {
                name: "eth0".into(),
                index: 2,
                link: Some(LinkType::ETHERNET),
                hardware: 1,
                loopback: false,
                up: true,
                mtu: 1500,
                mac: None,
                rx_queues: 4,
                tx_queues: 4,
                kind: None,
                xdp: Vec::new(),
                stats: InterfaceStats::default(),
            },
            driver: Some("ixgbe".into()),
            offloads: Offloads {
                rx_vlan: Some(false),
                gro: Some(true),
                lro: Some(false),
                ..Offloads::default()
            },
            channels: Some(Channels {
                combined: 4,
                max_combined: 8,
                ..Channels::default()
            }),
            rings: Some(RingSizes {
                rx: 512,
                max_rx: 4096,
                ..RingSizes::default()
            }),
            features: Some(XdpFeatures::from_bits(1)),
            tcx: Some(TcxPrograms::default()),
            default_route: false,
        }
    }

    /// The findings that are not ok, without what was found.
    fn faults(change: impl FnOnce(&mut Facts)) -> Vec<(Status, String, String)> {
        let mut facts = facts();
        change(&mut facts);
        checks(&facts)
            .into_iter()
            .filter(|check| check.status != Status::Ok)
            .map(|check| {
                (
                    check.status,
                    check.subject,
                    check.remedy.unwrap_or_default(),
                )
            })
            .collect()
    }

    fn fault(status: Status, subject: &str, remedy: &str) -> Vec<(Status, String, String)> {
        vec![(status, subject.into(), remedy.into())]
    }

    #[test]
    fn a_card_without_a_fault_has_none() {
        assert_eq!(faults(|_| ()), []);
        let line = line(&facts());
        assert_eq!(line.status, Status::Ok);
        assert_eq!(
            line.found,
            "ETHERNET, ixgbe, native XDP, 4 receive queues, MTU 1500"
        );
    }

    #[test]
    fn offloads_that_change_packets_come_with_the_command_that_ends_it() {
        assert_eq!(
            faults(|facts| facts.offloads.rx_vlan = Some(true)),
            fault(Status::Warn, "VLAN tags", "ethtool -K eth0 rxvlan off")
        );
        assert_eq!(
            faults(|facts| facts.offloads.lro = Some(true)),
            fault(Status::Warn, "LRO", "ethtool -K eth0 lro off")
        );
        let generic = faults(|facts| facts.features = Some(XdpFeatures::from_bits(0)));
        let gro = (Status::Note, "GRO".into(), "ethtool -K eth0 gro off".into());
        assert!(generic.contains(&gro), "{generic:?}");
        assert_eq!(
            faults(|facts| facts.offloads = Offloads::default()),
            [],
            "not said"
        );
    }

    #[test]
    fn frames_of_several_pages_need_a_driver_that_has_them() {
        assert_eq!(
            faults(|facts| facts.interface.mtu = 9000),
            fault(Status::Note, "MTU", "ip link set dev eth0 mtu 3400")
        );
        let fragments = |facts: &mut Facts| {
            facts.interface.mtu = 9000;
            facts.features = Some(XdpFeatures::from_bits(1 | 32));
        };
        assert_eq!(faults(fragments), []);
    }

    #[test]
    fn a_single_queue_matters_only_where_there_could_be_more() {
        let channels = |combined, max_combined| {
            Some(Channels {
                combined,
                max_combined,
                ..Channels::default()
            })
        };
        assert_eq!(
            faults(|facts| facts.channels = channels(1, 8)),
            fault(Status::Note, "queues", "ethtool -L eth0 combined 8")
        );
        assert_eq!(faults(|facts| facts.channels = channels(1, 1)), []);
    }

    #[test]
    fn losses_of_the_card_come_with_a_larger_ring_where_there_is_one() {
        assert_eq!(
            faults(|facts| facts.interface.stats.rx_missed = 3),
            fault(Status::Note, "losses so far", "ethtool -G eth0 rx 4096")
        );
        let full = faults(|facts| {
            facts.interface.stats.rx_missed = 3;
            facts.rings = None;
        });
        assert!(full[0].2.starts_with("ethtool -S eth0"));
    }

    #[test]
    fn an_interface_that_cannot_be_captured_from_fails() {
        let faults = faults(|facts| {
            facts.interface.link = None;
            facts.interface.up = false;
        });
        assert_eq!(
            (faults[0].0, &*faults[0].2),
            (Status::Warn, "ip link set dev eth0 up")
        );
        assert_eq!((faults[1].0, &*faults[1].1), (Status::Fail, "link type"));
    }

    #[test]
    fn an_attached_program_is_named_with_whoever_holds_it() {
        let program = XdpAttached {
            program_id: 41,
            program_name: Some("filter".into()),
            mode: XdpMode::Generic,
        };
        let alone = taken("eth0", &program, &Holder::Nobody);
        assert_eq!(alone.status, Status::Fail);
        assert!(
            alone
                .found
                .starts_with("program 41 (filter) is attached in generic mode;")
        );
        assert_eq!(alone.remedy.unwrap(), "ip link set dev eth0 xdpgeneric off");
        let holder = Holder::Process {
            pid: 7,
            command: "exporter".into(),
            link: 9,
        };
        let held = taken("eth0", &program, &holder);
        assert!(
            held.found.contains("by exporter (process 7)"),
            "{}",
            held.found
        );
        assert_eq!(
            held.remedy.unwrap(),
            "end process 7, or: bpftool link detach id 9"
        );
    }

    #[test]
    fn the_overview_names_what_is_worst() {
        let mut facts = facts();
        facts.default_route = true;
        facts.offloads.lro = Some(true);
        let line = line(&facts);
        assert_eq!(line.status, Status::Warn);
        assert!(line.found.ends_with(", default route"));
        assert_eq!(line.remedy.unwrap(), "capture doctor --iface eth0   # LRO");
    }
}
