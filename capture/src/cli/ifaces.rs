//! What is told of interfaces: the list to choose from, and those that come and go.

use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::json;

use super::args::LiveArgs;
use crate::engine::{IfaceEvent, IfaceReport, LiveCapture, LivePlan};
use crate::iface::{self, Address, Interface, Namespace, XdpFeatures, XdpMode, listed};
use crate::kernel::{AttachError, IngressHook};
use crate::packet::LinkType;

/// Refusals that are told one by one; a machine that runs containers has hundreds of interfaces.
const REFUSALS: usize = 8;

/// The network namespace that was asked for.
pub(super) fn namespace(name: Option<&str>) -> anyhow::Result<Namespace> {
    Ok(match name {
        Some(name) => Namespace::open(name)?,
        None => Namespace::default(),
    })
}

/// `--list-interfaces`: what can be captured on.
pub(super) fn list(args: &LiveArgs) -> anyhow::Result<ExitCode> {
    let rows = namespace(args.netns.as_deref())?.enter(rows)??;
    let mut out = io::stdout().lock();
    if args.json {
        for row in &rows {
            writeln!(out, "{}", row.to_json())?;
        }
    } else {
        write!(out, "{}", table(&rows))?;
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// One interface of the list.
struct Row {
    interface: Interface,
    addresses: Vec<Address>,
    features: Option<XdpFeatures>,
}

fn rows() -> Result<Vec<Row>, iface::IfaceError> {
    let addresses = iface::addresses()?;
    let row = |interface: Interface| Row {
        addresses: addresses
            .iter()
            .filter(|address| address.index == interface.index)
            .copied()
            .collect(),
        features: iface::xdp_features(interface.index).unwrap_or(None),
        interface,
    };
    Ok(iface::all()?.into_iter().map(row).collect())
}

impl Row {
    const fn state(&self) -> &'static str {
        if self.interface.up { "up" } else { "down" }
    }

    fn link(&self) -> String {
        match self.interface.link {
            Some(LinkType::ETHERNET) => "Ethernet".to_owned(),
            Some(LinkType::RAW) => "IP".to_owned(),
            _ => format!("none (ARPHRD {})", self.interface.hardware),
        }
    }

    /// Whether XDP runs in the driver, and who is there already.
    fn xdp(&self) -> String {
        if let Some(other) = self.interface.xdp.first() {
            let name = other.program_name.as_deref().unwrap_or("a program");
            return format!("in use by {name}, id {}", other.program_id);
        }
        match self.features {
            Some(features) if features.native() => XdpMode::Native.name().to_owned(),
            Some(_) => XdpMode::Generic.name().to_owned(),
            None => "unknown".to_owned(),
        }
    }

    fn addresses(&self) -> Vec<String> {
        let text = |address: &Address| format!("{}/{}", address.address, address.prefix_len);
        self.addresses.iter().map(text).collect()
    }

    fn to_json(&self) -> serde_json::Value {
        json!({
            "number": self.interface.index,
            "name": self.interface.name,
            "up": self.interface.up,
            "loopback": self.interface.loopback,
            "link": self.link(),
            "xdp": self.xdp(),
            "mtu": self.interface.mtu,
            "addresses": self.addresses(),
        })
    }
}

/// Aligned columns; the last one as long as it is.
fn table(rows: &[Row]) -> String {
    use std::fmt::Write as _;
    let titles = ["No", "Name", "State", "Link", "XDP", "Addresses"].map(str::to_owned);
    let mut lines = vec![titles];
    for row in rows {
        lines.push([
            row.interface.index.to_string(),
            row.interface.name.clone(),
            row.state().to_owned(),
            row.link(),
            row.xdp(),
            row.addresses().join(" "),
        ]);
    }
    let all = "all that are up, and those that come up";
    lines.push(["", "any", "", "", "", all].map(str::to_owned));
    let width = |column: usize| {
        let width = |line: &[String; 6]| line[column].chars().count();
        lines.iter().map(width).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..5).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let mut shown = format!("{:>width$}", line[0], width = widths[0]);
        for (cell, width) in line[1..5].iter().zip(&widths[1..]) {
            // Writing to a string does not fail.
            let _infallible = write!(shown, "  {cell:width$}");
        }
        shown.push_str("  ");
        shown.push_str(&line[5]);
        text.push_str(shown.trim_end());
        text.push('\n');
    }
    text
}

/// What is captured, for the line that says that it began.
pub(super) fn described(plan: &LivePlan, capture: &LiveCapture) -> String {
    let captured: Vec<_> = capture
        .ifaces()
        .filter(|iface| iface.is_captured())
        .collect();
    let text = if plan.kernel.selection.is_open() {
        let names: Vec<String> = captured
            .iter()
            .map(|iface| iface.name().to_owned())
            .collect();
        format!(
            "{} and those that come up ({})",
            listed(&names),
            plan.kernel.selection.patterns(),
        )
    } else {
        let ifaces: Vec<String> = captured
            .iter()
            .map(|iface| format!("{} ({})", iface.name(), iface.description()))
            .collect();
        ifaces.join(", ")
    };
    match plan.netns.name() {
        Some(name) => format!("{text} in network namespace {name}"),
        None => text,
    }
}

/// What the drivers cannot do, unless it was what the user wanted.
pub(super) fn generic_mode(capture: &LiveCapture, hook: IngressHook) -> Option<String> {
    let names: Vec<String> = capture
        .ifaces()
        .filter(|iface| iface.is_captured() && iface.mode() == Some(XdpMode::Generic))
        .map(|iface| iface.name().to_owned())
        .collect();
    let drivers = match names.len() {
        0 => return None,
        1 => "this driver",
        _ => "these drivers",
    };
    (hook == IngressHook::Xdp).then(|| {
        format!(
            "{}: no native XDP in {drivers}, so in generic mode, which is slower",
            listed(&names)
        )
    })
}

/// What happened to interfaces, in lines.
pub(super) fn lines(events: &[IfaceEvent]) -> Vec<String> {
    let mut lines = Vec::new();
    let mut refused: Vec<&AttachError> = Vec::new();
    for event in events {
        match event {
            IfaceEvent::Came {
                name,
                description,
                mode,
            } => {
                let mode = if *mode == Some(XdpMode::Generic) {
                    ", in generic mode"
                } else {
                    ""
                };
                lines.push(format!("{name} came up: {description}{mode}"));
            }
            IfaceEvent::Went { name, packets } => {
                lines.push(format!("{name} is gone; {packets} packets were seen on it"));
            }
            IfaceEvent::Refused(reason) => refused.push(reason),
        }
    }
    for reason in refused.iter().take(REFUSALS) {
        lines.push(format!("going on without an interface: {reason}"));
    }
    if let Some(more @ 1..) = refused.len().checked_sub(REFUSALS) {
        lines.push(format!("going on without {more} more"));
    }
    lines
}

/// What interfaces lost themselves, and which are not known of.
pub(super) fn losses(ifaces: &[IfaceReport], refused: u64) -> Vec<String> {
    let mut lines = Vec::new();
    let mut gone = Vec::new();
    for IfaceReport { name, missed, .. } in ifaces {
        match missed {
            Some(0) => {}
            Some(missed) => lines.push(format!(
                "{name} lost {missed} packets before they could be seen (rx_missed)"
            )),
            None => gone.push(name.clone()),
        }
    }
    match gone.len() {
        0 => {}
        1 => lines.push(format!(
            "{} is gone; what it lost itself is not known",
            gone[0]
        )),
        _ => lines.push(format!(
            "{} are gone; what they lost themselves is not known",
            listed(&gone)
        )),
    }
    match refused {
        0 => {}
        1 => lines.push("1 interface could not be captured".to_owned()),
        _ => lines.push(format!("{refused} interfaces could not be captured")),
    }
    lines
}

/// What became of an interface.
pub(super) fn report_json(report: &IfaceReport) -> serde_json::Value {
    let IfaceReport {
        name,
        description,
        counters,
        gone,
        missed,
    } = report;
    json!({
        "name": name, "hooks": description, "packets": counters.packets, "bytes": counters.bytes,
        "delivered": counters.delivered, "gone": gone, "missed": missed,
    })
}
