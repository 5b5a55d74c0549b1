//! What is found in the packets of real captures, against what tshark finds.
//!
//! Where tshark sees the innermost packet of an unfragmented datagram, addresses, ports, checksums and
//! options have to be the same. What it does not show in one way is left out: fragments (it shows the
//! datagram with the last one), packets within ICMP errors, and packets that it calls malformed.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use capture::dissect::{Checksum, Checksums, Dissector, Layers, Malformed, Net, Transport};
use capture::source::file::{FileSource, Numbering};
use capture_tests::oracle::{require, require_shared, skip};

const FIELDS: [&str; 21] = [
    "frame.number",
    "ip.src",
    "ip.dst",
    "ipv6.src",
    "ipv6.dst",
    "tcp.srcport",
    "tcp.dstport",
    "ip.len",
    "ip.hdr_len",
    "tcp.hdr_len",
    "tcp.checksum.status",
    "tcp.options.mss_val",
    "tcp.options.wscale.shift",
    "tcp.options.timestamp.tsval",
    "udp.srcport",
    "udp.dstport",
    "udp.length",
    "udp.checksum.status",
    "ip.ttl",
    "vxlan.vni",
    "frame.protocols",
];

/// tshark's packets by number: the innermost value of each field.
fn theirs(path: &Path) -> Option<BTreeMap<u64, Vec<String>>> {
    let mut tshark = Command::new("tshark");
    tshark.args(["-n", "-T", "fields", "-E", "occurrence=l"]);
    for option in [
        "tcp.check_checksum:TRUE",
        "udp.check_checksum:TRUE",
        "ip.defragment:FALSE",
        "ipv6.defragment:FALSE",
        "tcp.desegment_tcp_streams:FALSE",
    ] {
        tshark.args(["-o", option]);
    }
    for field in FIELDS {
        tshark.args(["-e", field]);
    }
    let output = tshark.arg("-r").arg(path).output().ok()?;
    if !output.status.success() {
        return None;
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let packets = text.lines().filter_map(|line| {
        let fields: Vec<_> = line.split('\t').map(str::to_owned).collect();
        Some((fields.first()?.parse().ok()?, fields))
    });
    Some(packets.collect())
}

/// Whether tshark shows a packet behind a transport header: of a tunnel that is none to us.
fn carries_ip(protocols: &str) -> bool {
    protocols
        .split(':')
        .skip_while(|protocol| !matches!(*protocol, "tcp" | "udp"))
        .skip(1)
        .any(|protocol| protocol == "ip" || protocol == "ipv6")
}

/// tshark's numbers: bad, good, unverified; 3 is for none.
fn status(checksum: Checksum) -> String {
    let number = match checksum {
        Checksum::Bad => "0",
        Checksum::Good => "1",
        Checksum::Unknown => "2",
    };
    number.to_owned()
}

/// Holds a packet against tshark's fields; `None` if they cannot be compared.
fn compare(layers: &Layers, fields: &[String]) -> Option<Result<(), String>> {
    let field = |name: &str| {
        let at = FIELDS.iter().position(|field| *field == name).unwrap();
        fields.get(at).filter(|value| !value.is_empty())
    };
    let protocols = field("frame.protocols")?;
    let icmp = protocols.contains("icmp");
    let Net::Ip(ip) = layers.net else { return None };
    if ip.fragment.is_some() || layers.snapped || icmp || protocols.contains("_ws.malformed") {
        return None;
    }
    // Of a datagram that its frame has no room for, tshark judges what is there; and of one in a PPPoE
    // session what that one's length leaves, which in some captures is wrong.
    let judged = !ip.cut_short && !protocols.contains("pppoes");
    if layers.malformed == Some(Malformed::Checksum) {
        return None;
    }
    let (src, dst) = match ip.addresses {
        capture::dissect::Addresses::V4 { .. } => (field("ip.src")?, field("ip.dst")?),
        capture::dissect::Addresses::V6 { .. } => (field("ipv6.src")?, field("ipv6.dst")?),
    };
    let mut pairs = vec![
        ("source", ip.addresses.src().to_string(), src.clone()),
        ("destination", ip.addresses.dst().to_string(), dst.clone()),
    ];
    let mut same = |what, ours: String, name: &str| {
        if let Some(value) = field(name) {
            pairs.push((what, ours, value.clone()));
        }
    };
    if matches!(ip.addresses, capture::dissect::Addresses::V4 { .. }) {
        same("time to live", ip.ttl.to_string(), "ip.ttl");
    }
    if let Some(tunnel) = layers.tunnel {
        same("network identifier", tunnel.id.to_string(), "vxlan.vni");
    } else if carries_ip(protocols) {
        return None;
    }
    match layers.transport {
        Transport::Tcp(tcp) => {
            field("tcp.srcport")?;
            same("source port", tcp.src_port.to_string(), "tcp.srcport");
            same("destination port", tcp.dst_port.to_string(), "tcp.dstport");
            // What tshark calls `tcp.len` is what it has not seen before, so it is computed.
            let number = |name| field(name).and_then(|value| value.parse::<u32>().ok());
            if let (Some(len), Some(ip_header), Some(header)) = (
                number("ip.len"),
                number("ip.hdr_len"),
                number("tcp.hdr_len"),
            ) && matches!(ip.addresses, capture::dissect::Addresses::V4 { .. })
                && tcp.payload_len != len.saturating_sub(ip_header + header)
            {
                return Some(Err(format!("payload is {}", tcp.payload_len)));
            }
            if judged {
                same("checksum", status(layers.checksum), "tcp.checksum.status");
            }
            if tcp.captured {
                let stamps = field("tcp.options.timestamp.tsval").is_some();
                if stamps != tcp.options.timestamps {
                    return Some(Err(format!("timestamps: {}", tcp.options.timestamps)));
                }
            }
            if let Some(mss) = tcp.options.mss {
                same("MSS", mss.to_string(), "tcp.options.mss_val");
            }
            if let Some(shift) = tcp.options.window_scale {
                same(
                    "window scale",
                    shift.to_string(),
                    "tcp.options.wscale.shift",
                );
            }
        }
        Transport::Ports {
            src_port,
            dst_port,
            payload_len,
        } if ip.protocol == 17 => {
            field("udp.srcport")?;
            same("source port", src_port.to_string(), "udp.srcport");
            same("destination port", dst_port.to_string(), "udp.dstport");
            same("payload", (payload_len + 8).to_string(), "udp.length");
            if judged && field("udp.checksum.status").is_some_and(|status| status != "3") {
                same("checksum", status(layers.checksum), "udp.checksum.status");
            }
        }
        _ => return None,
    }
    Some(
        pairs
            .into_iter()
            .find(|(_, ours, theirs)| ours != theirs)
            .map_or(Ok(()), |(what, ours, theirs)| {
                Err(format!("{what} is {ours}, and {theirs} to tshark"))
            }),
    )
}

#[test]
fn packets_of_real_captures_are_what_tshark_finds() {
    let Some(shared) = require_shared() else {
        return;
    };
    if !require(&["tshark"]) {
        return;
    }
    let Ok(folder) = std::fs::read_dir(shared.join("captures/real")) else {
        skip("there are no captures in the shared folder");
        return;
    };
    let dissector = Dissector {
        checksums: Checksums::Validate,
        ..Dissector::default()
    };
    let mut paths: Vec<_> = folder.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let (mut compared, mut tunneled, mut differences) = (0, 0, Vec::new());
    for path in &paths {
        let Ok(mut source) = FileSource::open(path, Numbering::default()) else {
            continue;
        };
        let Some(theirs) = theirs(path) else { continue };
        let mut slots = Vec::new();
        while let Ok(Some(block)) = source.next_batch(&mut slots, 256) {
            for slot in slots.drain(..) {
                let packet = slot.packet(&block);
                let layers = dissector.dissect(&packet);
                let number = packet.meta.frame.0;
                let Some(fields) = theirs.get(&number) else {
                    continue;
                };
                match compare(&layers, fields) {
                    Some(Ok(())) => {
                        compared += 1;
                        tunneled += u64::from(layers.tunnel.is_some());
                    }
                    Some(Err(difference)) => {
                        differences.push(format!("{} {number}: {difference}", path.display()));
                    }
                    None => {}
                }
            }
        }
    }
    println!("{compared} packets are the same, {tunneled} of them in tunnels");
    for difference in &differences {
        println!("{difference}");
    }
    assert!(compared > 0, "there was nothing to compare");
    assert!(differences.is_empty(), "they differ");
}
