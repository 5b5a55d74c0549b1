//! One interface closely, or all in a line each.
//!
//! What is known of an interface is collected here and judged in `checks`, so that the judgment can
//! be tried on cards that this machine does not have.

mod checks;
mod holder;

use super::{Check, Section, Status, worst};
use crate::iface::{self, Channels, Interface, Offloads, RingSizes, TcxPrograms, XdpFeatures};
use checks::{checks, link, queues};

/// Interfaces that the overview shows at most: a machine that runs containers has hundreds.
const OVERVIEW: usize = 24;

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
