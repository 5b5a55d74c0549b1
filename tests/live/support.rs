//! The ground that the other tests stand on: the lab carries traffic, and each scenario does what it
//! says, judged by tcpdump.

use std::net::SocketAddr;
use std::path::Path;

use anyhow::{Context as _, Result};
use capture_tests::netns::{Family, Lab};
use capture_tests::oracle;
use capture_tests::traffic::{self, Done, Outcome, Protocol, Side, Volume};

use crate::wire::Tcpdump;

const FAMILIES: [Family; 2] = [Family::Ipv4, Family::Ipv6];

/// One packet as `tcpdump -nn -tt -q` does not show it: from, to, and the TCP flags.
struct Packet {
    src: SocketAddr,
    dst: SocketAddr,
    flags: String,
    payload_len: u64,
}

/// Runs `work` while tcpdump listens on the server's side; gives what it saw of TCP.
fn seen_by_tcpdump(
    lab: &Lab,
    work: impl FnOnce() -> Result<Vec<Done>>,
) -> Result<(Vec<Done>, Vec<Packet>)> {
    let tcpdump = Tcpdump::start(&lab.server)?;
    let done = work()?;
    let seen = tcpdump.end(lab)?;
    Ok((done, read(&seen.path())?))
}

fn read(file: &Path) -> Result<Vec<Packet>> {
    let mut command = std::process::Command::new("tcpdump");
    command.args(["-nn", "-t", "-r"]).arg(file).arg("tcp");
    let text = oracle::output(&mut command)?;
    text.lines()
        .map(|line| packet(line).with_context(|| format!("tcpdump says: {line}")))
        .collect()
}

/// `IP 198.51.100.1.40000 > 198.51.100.2.80: Flags [S], seq 1, …, length 0`.
fn packet(line: &str) -> Option<Packet> {
    let mut words = line.split(' ');
    let _family = words.next()?;
    let src = address(words.next()?)?;
    let _arrow = words.next()?;
    let dst = address(words.next()?.strip_suffix(':')?)?;
    let flags = line.split_once("Flags [")?.1.split_once(']')?.0.to_owned();
    let payload_len = line
        .rsplit_once("length ")?
        .1
        .split([':', ' '])
        .next()?
        .parse()
        .ok()?;
    Some(Packet {
        src,
        dst,
        flags,
        payload_len,
    })
}

/// `198.51.100.1.80` or `2001:db8::1.80`.
fn address(text: &str) -> Option<SocketAddr> {
    let (address, port) = text.rsplit_once('.')?;
    Some(SocketAddr::new(address.parse().ok()?, port.parse().ok()?))
}

/// How many packets from `src` to `dst` carry all of `flags`.
fn count(packets: &[Packet], src: SocketAddr, dst: SocketAddr, flags: &str) -> usize {
    packets
        .iter()
        .filter(|packet| {
            packet.src == src
                && packet.dst == dst
                && flags.chars().all(|flag| packet.flags.contains(flag))
        })
        .count()
}

fn payload(packets: &[Packet], src: SocketAddr, dst: SocketAddr) -> u64 {
    packets
        .iter()
        .filter(|packet| packet.src == src && packet.dst == dst)
        .map(|packet| packet.payload_len)
        .sum()
}

#[test]
fn two_namespaces_reach_each_other() -> Result<()> {
    let lab = Lab::new()?;
    for family in FAMILIES {
        let done = traffic::ping(&lab, family, 3)?;
        assert_eq!(done.request_bytes, 3 * 56);
        let done = traffic::datagrams(
            &lab,
            family,
            Volume {
                request_bytes: 30,
                response_bytes: 1200,
            },
        )?;
        assert_eq!(
            (done.protocol, done.expected),
            (Protocol::Udp, Outcome::Answered)
        );
    }
    Ok(())
}

#[test]
fn a_namespace_is_gone_with_its_guard() -> Result<()> {
    let lab = Lab::new()?;
    let names = [
        lab.client.namespace.name().to_owned(),
        lab.server.namespace.name().to_owned(),
    ];
    assert!(
        names
            .iter()
            .all(|name| Path::new("/run/netns").join(name).exists())
    );
    drop(lab);
    assert!(
        names
            .iter()
            .all(|name| !Path::new("/run/netns").join(name).exists())
    );
    Ok(())
}

#[test]
fn connections_end_as_the_scenario_says() -> Result<()> {
    if !oracle::require(&["tcpdump"]) {
        return Ok(());
    }
    let lab = Lab::new()?;
    let volume = Volume {
        request_bytes: 333,
        response_bytes: 70_000,
    };
    let (done, packets) = seen_by_tcpdump(&lab, || {
        let mut done = Vec::new();
        for family in FAMILIES {
            for side in [Side::Client, Side::Server] {
                done.push(traffic::closed(&lab, family, side, volume)?);
                done.push(traffic::reset(&lab, family, side, volume)?);
            }
            done.push(traffic::refused(&lab, family)?);
            done.push(traffic::unanswered(&lab, family)?);
        }
        Ok(done)
    })?;
    assert_eq!(done.len(), 12);
    for done in &done {
        let (client, server) = (done.client, done.server);
        let there = |flags| count(&packets, client, server, flags);
        let back = |flags| count(&packets, server, client, flags);
        assert_eq!(there("S"), 1, "{done:?}");
        assert_eq!(
            payload(&packets, client, server),
            done.request_bytes,
            "{done:?}"
        );
        assert_eq!(
            payload(&packets, server, client),
            done.response_bytes,
            "{done:?}"
        );
        let (fins, resets) = ((there("F"), back("F")), there("R") + back("R"));
        match done.expected {
            Outcome::Closed => assert_eq!((back("S."), fins, resets), (1, (1, 1), 0), "{done:?}"),
            Outcome::Reset => assert_eq!((back("S."), fins, resets), (1, (0, 0), 1), "{done:?}"),
            Outcome::Refused => {
                assert_eq!((back("S"), fins, back("R.")), (0, (0, 0), 1), "{done:?}")
            }
            Outcome::Unanswered => assert_eq!((back(""), fins, resets), (0, (0, 0), 0), "{done:?}"),
            Outcome::Answered => unreachable!("not of TCP"),
        }
    }
    Ok(())
}
