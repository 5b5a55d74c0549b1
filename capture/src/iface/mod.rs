//! Network interfaces of the current network namespace, as the kernel describes them.
//!
//! Everything is asked for over netlink and ioctls, never read from `/sys/class/net`: a socket
//! belongs to the namespace of the thread that opens it, while `/sys` shows the namespace of
//! whoever mounted it, which is another one after `setns`.
//!
//! - `address.rs` IP addresses
//! - `ethtool.rs` what the driver says
//! - `glob.rs`, `selection.rs` which interfaces a user means
//! - `link.rs` an interface
//! - `monitor.rs` interfaces that come and go
//! - `namespace.rs` other network namespaces
//! - `netlink.rs`, `socket.rs` how the kernel is asked
//! - `promiscuous.rs` frames for other hosts
//! - `route.rs` default routes
//! - `tcx.rs`, `xdp.rs` programs that are attached

mod address;
mod ethtool;
mod glob;
mod link;
mod monitor;
mod namespace;
mod netlink;
mod promiscuous;
mod route;
mod selection;
mod socket;
mod tcx;
mod xdp;

use std::io;

pub use address::{Address, addresses};
pub use ethtool::{
    Channels, Offloads, RingSizes, channels, driver, driver_counters, offloads, ring_sizes,
};
pub use glob::Glob;
pub use link::{Interface, InterfaceStats};
pub use monitor::{Changes, Monitor};
pub use namespace::{Namespace, NamespaceError};
pub use promiscuous::Promiscuous;
pub use route::default_routes;
pub use selection::Selection;
pub use tcx::{Program, TcxPrograms, tcx_programs};
pub use xdp::{XdpAttached, XdpFeatures, XdpMode, xdp_features};

use link::{IFLA_ALT_IFNAME, IFLA_IFNAME, LINK_HEADER_LEN, RTM_GETLINK};
use netlink::{Request, Scope};

/// Why nothing can be said of an interface.
#[derive(Debug, thiserror::Error)]
pub enum IfaceError {
    /// There is no such interface in this network namespace.
    #[error("no interface \"{name}\"; there are: {}", listed(.known))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names of those that there are.
        known: Vec<String>,
    },
    /// The kernel did not list its interfaces.
    #[error("cannot list the network interfaces: {source}")]
    List {
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel did not list its routes.
    #[error("cannot list the routes: {source}")]
    Routes {
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel did not say what a driver can do.
    #[error("cannot ask for the XDP features: {source}")]
    XdpFeatures {
        /// What the kernel said.
        source: io::Error,
    },
    /// The kernel did not say which TCX programs are attached.
    #[error("cannot ask for the TCX programs: {source}")]
    Tcx {
        /// What the kernel said.
        source: io::Error,
    },
}

/// All interfaces of the current network namespace, by index.
pub fn all() -> Result<Vec<Interface>, IfaceError> {
    let request = Request::new(RTM_GETLINK, Scope::Dump, &[0; LINK_HEADER_LEN]);
    let mut interfaces = netlink::ask(libc::NETLINK_ROUTE, request, Interface::parse)
        .map_err(|source| IfaceError::List { source })?;
    interfaces.sort_by_key(|interface| interface.index);
    for interface in &mut interfaces {
        name_programs(interface);
    }
    Ok(interfaces)
}

/// The interface of a name, or of one of the kernel's alternative names for it.
pub fn find(name: &str) -> Result<Interface, IfaceError> {
    let kind = if name.len() < libc::IFNAMSIZ {
        IFLA_IFNAME
    } else {
        IFLA_ALT_IFNAME
    };
    let value = [name.as_bytes(), &[0]].concat();
    let request =
        Request::new(RTM_GETLINK, Scope::One, &[0; LINK_HEADER_LEN]).attribute(kind, &value);
    match netlink::ask(libc::NETLINK_ROUTE, request, Interface::parse) {
        Ok(found) => match found.into_iter().next() {
            Some(mut interface) => {
                name_programs(&mut interface);
                Ok(interface)
            }
            None => Err(unknown(name)),
        },
        // The others are what the kernel says to names that no interface can have.
        Err(error)
            if [libc::ENODEV, libc::EINVAL, libc::ERANGE]
                .map(Some)
                .contains(&error.raw_os_error()) =>
        {
            Err(unknown(name))
        }
        Err(source) => Err(IfaceError::List { source }),
    }
}

fn unknown(name: &str) -> IfaceError {
    match all() {
        Ok(interfaces) => IfaceError::Unknown {
            name: name.to_owned(),
            known: interfaces
                .into_iter()
                .map(|interface| interface.name)
                .collect(),
        },
        Err(error) => error,
    }
}

fn name_programs(interface: &mut Interface) {
    for program in &mut interface.xdp {
        program.program_name = tcx::program_name(program.program_id);
    }
}

/// Names for one line: a machine that runs containers has hundreds.
pub(crate) fn listed(names: &[String]) -> String {
    const SHOWN: usize = 16;
    let shown = names
        .iter()
        .take(SHOWN)
        .map(String::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::process::Command;

    #[test]
    fn an_unknown_interface_is_one_line_with_those_that_there_are() {
        let error = |known: Vec<String>| IfaceError::Unknown {
            name: "eth9".into(),
            known,
        };
        assert_eq!(
            error(vec!["lo".into(), "eth0".into()]).to_string(),
            "no interface \"eth9\"; there are: lo, eth0"
        );
        let many = (0..18).map(|number| format!("v{number}")).collect();
        assert!(error(many).to_string().ends_with(", v15 and 2 more"));
    }

    #[test]
    fn names_that_no_interface_has_are_unknown() {
        for name in [
            "",
            "no-such-one",
            "longer-than-any-name-an-interface-can-have",
            "a/b",
            "ü",
        ] {
            match find(name) {
                Err(IfaceError::Unknown { name: asked, known }) => {
                    assert_eq!(asked, name);
                    assert!(known.contains(&"lo".to_owned()));
                }
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    /// Name, index, MTU, whether it is up, and hardware address if it has six bytes.
    type Row = (String, u64, u64, bool, Option<String>);

    /// What `ip link` lists; `None` if there is no `ip`.
    fn rows_of_ip() -> Option<Vec<Row>> {
        let output = Command::new("ip").args(["-j", "link"]).output().ok()?;
        let links: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let row = |link: &serde_json::Value| {
            let text = |field: &str| link[field].as_str().unwrap().to_owned();
            let number = |field: &str| link[field].as_u64().unwrap();
            let up = link["flags"].as_array().unwrap().contains(&"UP".into());
            let mac = link["address"]
                .as_str()
                .filter(|address| address.len() == 17);
            let mac = mac.map(str::to_owned);
            (text("ifname"), number("ifindex"), number("mtu"), up, mac)
        };
        Some(links.as_array().unwrap().iter().map(row).collect())
    }

    #[test]
    fn the_list_is_that_of_ip_link() {
        let row = |ours: Interface| {
            let mac = ours
                .mac
                .map(|mac| mac.map(|byte| format!("{byte:02x}")).join(":"));
            (ours.name, ours.index.into(), ours.mtu.into(), ours.up, mac)
        };
        // Others may add and remove interfaces meanwhile: what counts is a moment of rest.
        let agreed = (0..100).any(|_| {
            let ours: Vec<_> = all().unwrap().into_iter().map(row).collect();
            rows_of_ip().is_none_or(|theirs| ours == theirs)
        });
        if rows_of_ip().is_none() {
            println!("SKIPPED: ip is not installed");
        }
        assert!(agreed, "ours: {:#?}\nof ip: {:#?}", all(), rows_of_ip());
    }

    #[test]
    fn the_loopback_interface_is_found_by_name() {
        let lo = find("lo").unwrap();
        assert!(lo.loopback && lo.up);
        assert_eq!(
            (lo.link, lo.kind),
            (Some(crate::packet::LinkType::ETHERNET), None)
        );
        assert_eq!(driver("lo"), None);
        assert_eq!(driver("no-such-one"), None);
        assert_eq!(offloads("no-such-one"), Offloads::default());
    }
}
