//! What can be typed behind `capture filter`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::packet::LinkType;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "The language is that of tcpdump, pcap-filter(7), as libpcap 1.10 has it. `and` and `or` bind alike, from \
                  left to right. A packet that is too short for a test does not match, even under `not`. After `vlan`, \
                  `mpls`, `pppoes` and `geneve`, tests look behind that header, also on the other side of `or`.

Examples:
  capture filter 'tcp port 443 and not host 10.0.0.1'
  capture filter 'vlan 5 and icmp' --dump cbpf
  capture filter 'udp port 53' --dump ebpf
  capture filter 'tcp[tcpflags] & (tcp-syn|tcp-fin) != 0' *.pcapng"
)]
pub(in crate::cli) struct FilterArgs {
    /// The expression; empty matches everything.
    #[arg(value_name = "EXPR")]
    pub(in crate::cli) expression: String,

    /// Count how many packets of these files would be kept; - is standard input.
    #[arg(value_name = "FILE")]
    pub(in crate::cli) files: Vec<PathBuf>,

    /// Print the program instead: cbpf as tcpdump -d does, ebpf as bpftool does.
    #[arg(long, value_name = "MACHINE", conflicts_with = "files")]
    pub(in crate::cli) dump: Option<Dump>,

    /// Link type of the packets, by name (as in --link RAW or --link EN10MB) or number.
    #[arg(long, value_name = "TYPE", value_parser = link_type, default_value = "ETHERNET", conflicts_with = "files")]
    pub(in crate::cli) link: LinkType,

    /// Look up host names, once.
    #[arg(long)]
    pub(in crate::cli) resolve: bool,
}

/// Machines that a filter can be printed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Dump {
    /// The classic BPF machine.
    Cbpf,
    /// The kernel's machine: the function that runs at XDP.
    Ebpf,
}

/// A link type by one of its names, or by number.
fn link_type(word: &str) -> Result<LinkType, String> {
    if let Ok(number) = word.parse() {
        return Ok(LinkType(number));
    }
    let name = word.trim().to_ascii_uppercase();
    let name = ["LINKTYPE_", "DLT_"]
        .iter()
        .find_map(|prefix| name.strip_prefix(prefix))
        .unwrap_or(&name);
    let name = match name {
        "EN10MB" => "ETHERNET",
        "IEEE802_11_RADIO" => "IEEE802_11_RADIOTAP",
        "PPP_SERIAL" => "PPP_HDLC",
        name => name,
    };
    LinkType::from_name(name).ok_or_else(|| {
        "there is no such link type; a number of tcpdump.org's list is taken, too".to_owned()
    })
}
