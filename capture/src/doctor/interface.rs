//! One interface closely, or all in a line each: what is attached, what the driver can do, and
//! which offloads change packets before they are seen.

use std::fs;

use super::procfs;
use super::{Check, Section, Status, worst};
use crate::iface::{
    self, Channels, Interface, Offloads, Program, RingSizes, TcxPrograms, XdpAttached, XdpFeatures,
    XdpMode,
};

/// Interfaces that the overview shows at most: a machine that runs containers has hundreds.
const OVERVIEW: usize = 24;
/// The largest MTU at which every driver with XDP has a frame in one page, the headroom taken off.
const ONE_PAGE_MTU: u32 = 3400;

/// What is known of an interface, collected before it is judged.
#[derive(Clone, Debug)]
struct Facts {
    interface: Interface,
    driver: Option<String>,
    offloads: Offloads,
    channels: Option<Channels>,
    rings: Option<RingSizes>,
    /// `None` where the kernel cannot tell.
    features: Option<XdpFeatures>,
    /// `None` where we may not ask.
    tcx: Option<TcxPrograms>,
    default_route: bool,
}

impl Facts {
    fn collect(interface: Interface, default_routes: &[u32]) -> Self {
        let name = &interface.name;
        Self {
            driver: iface::driver(name),
            offloads: iface::offloads(name),
            channels: iface::channels(name),
            rings: iface::ring_sizes(name),
            features: iface::xdp_features(interface.index).unwrap_or(None),
            tcx: iface::tcx_programs(name).ok(),
            default_route: default_routes.contains(&interface.index),
            interface,
        }
    }
}

/// The section of one interface.
pub(super) fn section(name: &str) -> Section {
    let title = format!("interface {name}");
    let checks = match iface::find(name) {
        Ok(interface) => {
            let routes = iface::default_routes().unwrap_or_default();
            checks(&Facts::collect(interface, &routes))
        }
        Err(error) => vec![Check::fail("interface", error.to_string()).remedy("ip -brief link")],
    };
    Section { title, checks }
}

/// The section of all interfaces that are up, loopback aside.
pub(super) fn overview() -> Section {
    let title = "interfaces".into();
    let interfaces = match iface::all() {
        Ok(interfaces) => interfaces,
        Err(error) => {
            let check = Check::fail("interfaces", error.to_string()).remedy("ip -brief link");
            return Section {
                title,
                checks: vec![check],
            };
        }
    };
    let routes = iface::default_routes().unwrap_or_default();
    let mut up: Vec<_> = interfaces
        .into_iter()
        .filter(|interface| interface.up && !interface.loopback)
        .collect();
    // What the overview leaves out should be what matters least.
    up.sort_by_key(|interface| {
        (
            !routes.contains(&interface.index),
            interface.kind.is_some(),
            interface.index,
        )
    });
    let more = up.len().saturating_sub(OVERVIEW);
    up.truncate(OVERVIEW);
    let mut checks: Vec<_> = up
        .into_iter()
        .map(|interface| line(&Facts::collect(interface, &routes)))
        .collect();
    if more > 0 {
        let found = format!("{more} more are up");
        checks.push(Check::note("others", found).remedy("capture doctor --iface NAME"));
    }
    if checks.is_empty() {
        let found = "none is up but the loopback interface";
        checks.push(
            Check::warn("interfaces", found).remedy("ip -brief link; ip link set dev NAME up"),
        );
    }
    Section { title, checks }
}

/// All that was found, in one line.
fn line(facts: &Facts) -> Check {
    let Facts { interface, .. } = facts;
    let checks = checks(facts);
    let status = worst(checks.iter().map(|check| check.status));
    let mut parts = vec![
        link(interface).found,
        facts
            .driver
            .clone()
            .or_else(|| interface.kind.clone())
            .unwrap_or_else(|| "no driver".into()),
    ];
    parts.push(match facts.features {
        Some(features) if features.native() => "native XDP".into(),
        Some(_) => "generic XDP".into(),
        None => "XDP unknown".into(),
    });
    parts.push(queues(facts).found);
    parts.push(format!("MTU {}", interface.mtu));
    if facts.default_route {
        parts.push("default route".into());
    }
    let check = Check::new(status, &interface.name, parts.join(", "));
    if status == Status::Ok {
        return check;
    }
    let reasons: Vec<_> = checks
        .iter()
        .filter(|check| check.status == status)
        .map(|check| &*check.subject)
        .collect();
    check.remedy(format!(
        "capture doctor --iface {}   # {}",
        interface.name,
        reasons.join(", ")
    ))
}

fn checks(facts: &Facts) -> Vec<Check> {
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

fn link(interface: &Interface) -> Check {
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
        Some(_) => Check::warn(subject, "the driver does not have it: generic mode, slower")
            .remedy(match facts.interface.kind.as_deref() {
                Some("bridge" | "bond" | "team") => {
                    format!(
                        "capture on its ports: ip link show master {}",
                        facts.interface.name
                    )
                }
                _ => "capture on the interface below it, if it has one: ip -d link".into(),
            }),
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

fn queues(facts: &Facts) -> Check {
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
        .map(|program| taken(&interface.name, program, &holder(program)))
        .collect()
}

fn taken(interface: &str, program: &XdpAttached, holder: &Holder) -> Check {
    let found = format!(
        "program {} is attached in {} mode{}; there is room for one",
        described(program.program_id, program.program_name.as_deref()),
        program.mode.name(),
        match holder {
            Holder::Process { pid, command, .. } => format!(" by {command} (process {pid})"),
            Holder::Link { .. } | Holder::Nobody => String::new(),
        },
    );
    Check::fail("XDP program", found).remedy(match holder {
        Holder::Process { pid, link, .. } => {
            format!("end process {pid}, or: bpftool link detach id {link}")
        }
        Holder::Link { link } => format!("bpftool link detach id {link}"),
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

/// Who keeps a program attached, as far as it can be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Holder {
    /// A process holds the link.
    Process {
        pid: u32,
        command: String,
        link: u32,
    },
    /// A link that is pinned, or whose process cannot be seen.
    Link { link: u32 },
    /// There is no link: it stays until it is taken off.
    Nobody,
}

/// Looks through the descriptors of all processes for the link of a program.
fn holder(program: &XdpAttached) -> Holder {
    let mut links = aya::programs::loaded_links().filter_map(Result::ok);
    let Some(link) = links.find(|link| link.program_id() == program.program_id) else {
        return Holder::Nobody;
    };
    let link = link.id();
    let processes = fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(Result::ok);
    for process in processes {
        let Some(pid) = process
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
        else {
            continue;
        };
        let files = fs::read_dir(process.path().join("fdinfo"));
        let mut files = files.into_iter().flatten().filter_map(Result::ok);
        let holds = files.any(|file| {
            let text = fs::read_to_string(file.path()).unwrap_or_default();
            procfs::field(&text, "link_id").is_some_and(|id| id.parse() == Ok(link))
        });
        if holds {
            let command = fs::read_to_string(process.path().join("comm")).unwrap_or_default();
            return Holder::Process {
                pid,
                command: command.trim().to_owned(),
                link,
            };
        }
    }
    Holder::Link { link }
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
