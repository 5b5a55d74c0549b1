//! Frames over a wire: two network namespaces with a veth pair between them, and the generator at one end.

use std::fmt;
use std::process::Command;
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use capture::generate::Sizes;
use capture_common::GeneratorSettings;
use capture_tests::generator::{self, Generator, MacAddrs, OBJECT, Pass, Sink};
use capture_tests::netns::{Host, Lab};
use capture_tests::oracle::output;
use serde_json::Value;

/// How long frames with data are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameLen {
    /// All alike, in bytes without frame check sequence.
    Fixed(u32),
    /// 60, 590 and 1514 bytes in the proportion 7:4:1.
    Imix,
}

impl fmt::Display for FrameLen {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fixed(len) => write!(formatter, "{len}"),
            Self::Imix => formatter.write_str(IMIX),
        }
    }
}

/// The simple IMIX, as it is typed.
const IMIX: &str = "imix";

impl FromStr for FrameLen {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self> {
        let (least, most) = (
            GeneratorSettings::MIN_FRAME_LEN,
            GeneratorSettings::MAX_FRAME_LEN,
        );
        match text.parse() {
            Ok(len) if (least..=most).contains(&len) => Ok(Self::Fixed(len)),
            Err(_) if text.eq_ignore_ascii_case(IMIX) => Ok(Self::Imix),
            _ => bail!("a frame has {least} to {most} bytes, or {IMIX}; not {text}"),
        }
    }
}

/// What is sent, and from where.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Traffic {
    /// Length of the frames with data.
    pub(crate) len: FrameLen,
    /// Connections at a time.
    pub(crate) flows: u32,
    /// CPU that sends.
    pub(crate) cpu: u32,
}

/// Frames of a connection: as many as one with three requests and answers has.
pub(crate) const SESSION_FRAMES: u32 = 12;

/// What was sent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sent {
    /// Frames.
    pub(crate) frames: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// How long it took.
    pub(crate) seconds: f64,
}

impl Sent {
    /// Frames a second.
    pub(crate) fn rate(&self) -> f64 {
        self.frames as f64 / self.seconds
    }
}

/// Whose frames they are, for the stack that receives them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addressed {
    /// Nobody's: the stack drops them as soon as it has them.
    ToNobody,
    /// The receiver's: they go on to IPv4.
    ToHost,
}

/// The two ends.
#[derive(Debug)]
pub(crate) struct Wire {
    lab: Lab,
    traffic: Traffic,
}

/// What lets frames of the generator into a veth where no program is attached.
#[derive(Debug)]
#[expect(dead_code, reason = "held until it is dropped")]
pub(crate) enum Open {
    /// The driver's own path with GRO, as an ordinary host has it.
    Gro,
    /// A program that lets everything pass.
    Program(Pass),
}

impl Wire {
    /// Makes it. Nobody speaks there unasked: what the stack sends by itself (neighbor and router discovery) it
    /// may send from the worker's CPU, which then goes on to poll the veth, and the sender overruns it.
    pub(crate) fn new(traffic: Traffic) -> Result<Self> {
        let lab = Lab::new()?;
        for host in [&lab.client, &lab.server] {
            host.namespace.enter(|| {
                let path = "/proc/sys/net/ipv6/conf/all/disable_ipv6";
                std::fs::write(path, "1").with_context(|| format!("writing {path}"))
            })?;
        }
        Ok(Self { lab, traffic })
    }

    /// The end at which frames arrive.
    pub(crate) fn receiver(&self) -> &Host {
        &self.lab.server
    }

    /// Counts and drops all that arrives, until it is dropped.
    pub(crate) fn sink(&self) -> Result<Sink> {
        let host = self.receiver();
        host.namespace
            .enter(|| Ok(Sink::attach(OBJECT, host.interface)?))
    }

    /// Lets frames in where no program is attached.
    pub(crate) fn open(&self) -> Result<Open> {
        let host = self.receiver();
        let gro = host
            .namespace
            .command("ethtool")
            .args(["-K", host.interface, "gro", "on"])
            .output();
        if gro.is_ok_and(|output| output.status.success()) {
            return Ok(Open::Gro);
        }
        let pass = host
            .namespace
            .enter(|| Ok(Pass::attach(OBJECT, host.interface)?))?;
        Ok(Open::Program(pass))
    }

    /// Sends so many frames, so many a second or as fast as it goes.
    pub(crate) fn send(&self, frames: u64, rate: Option<f64>, to: Addressed) -> Result<Sent> {
        let traffic = self.traffic;
        let settings = GeneratorSettings {
            flows: traffic.flows,
            session_frames: SESSION_FRAMES,
            ..GeneratorSettings::UNPATCHED
        };
        let made = match traffic.len {
            FrameLen::Fixed(frame_len) => generator::Traffic::from(GeneratorSettings {
                frame_len,
                ..settings
            }),
            FrameLen::Imix => generator::Traffic::new(settings, &Sizes::Imix)?,
        };
        let host = self.receiver();
        let dst = match to {
            Addressed::ToNobody => MacAddrs::NOBODY.dst,
            Addressed::ToHost => host.namespace.enter(|| Ok(link(host.interface)?.mac))?,
        };
        self.lab.client.namespace.enter(|| {
            let macs = MacAddrs {
                dst,
                ..MacAddrs::NOBODY
            };
            let mut generator = Generator::load(OBJECT, made)?
                .with_macs(macs)
                .on_cpu(traffic.cpu as usize);
            let rate = rate.map(|rate| (rate as u64).max(1));
            let sent = generator.send(link(Lab::CLIENT_INTERFACE)?.index, frames, rate)?;
            Ok(Sent {
                frames: sent.frames,
                bytes: sent.counters.bytes,
                seconds: sent.elapsed.as_secs_f64(),
            })
        })
    }

    /// Datagrams that IPv4 of the receiver took in so far (RFC 4293, ipSystemStatsInReceives).
    pub(crate) fn in_receives(&self) -> Result<u64> {
        self.receiver().namespace.enter(|| {
            let text = std::fs::read_to_string("/proc/thread-self/net/snmp")?;
            in_receives(&text).context("no InReceives in /proc/net/snmp")
        })
    }
}

/// Two lines begin with `Ip:`, the names and then the values.
fn in_receives(snmp: &str) -> Option<u64> {
    let mut lines = snmp.lines().filter(|line| line.starts_with("Ip:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let at = names.split(' ').position(|name| name == "InReceives")?;
    values.split(' ').nth(at)?.parse().ok()
}

/// What `ip` says of an interface of this thread's namespace.
struct Link {
    index: u32,
    mac: [u8; 6],
}

fn link(name: &str) -> Result<Link> {
    let text = output(Command::new("ip").args(["-j", "link", "show", "dev", name]))?;
    parse_link(&serde_json::from_str(&text)?).with_context(|| format!("ip says of {name}: {text}"))
}

fn parse_link(links: &Value) -> Option<Link> {
    let index = u32::try_from(links[0]["ifindex"].as_u64()?).ok()?;
    let mut mac = [0; 6];
    let mut bytes = links[0]["address"].as_str()?.split(':');
    for place in &mut mac {
        *place = u8::from_str_radix(bytes.next()?, 16).ok()?;
    }
    Some(Link { index, mac })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_that_no_frame_has_are_refused() {
        assert_eq!("64".parse::<FrameLen>().unwrap(), FrameLen::Fixed(64));
        assert_eq!("IMIX".parse::<FrameLen>().unwrap(), FrameLen::Imix);
        for text in ["59", "1515", "", "64.0", "mix"] {
            assert!(text.parse::<FrameLen>().is_err(), "{text}");
        }
    }

    #[test]
    fn datagrams_that_arrived_are_read_by_name() {
        // Linux 6.18.
        let snmp = "Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors\nIp: 2 64 1234 0 7\n\
                    Icmp: InMsgs\nIcmp: 3\n";
        assert_eq!(in_receives(snmp), Some(1234));
        assert_eq!(in_receives("Tcp: x\nTcp: 1\n"), None);
    }

    #[test]
    fn links_have_an_index_and_an_address() {
        // ip -j link of iproute2 6.1.
        let links = serde_json::json!([{"ifindex": 7, "ifname": "server0", "address": "02:00:5e:10:00:ff"}]);
        let link = parse_link(&links).unwrap();
        assert_eq!((link.index, link.mac), (7, [2, 0, 0x5e, 0x10, 0, 0xff]));
        assert!(parse_link(&serde_json::json!([])).is_none());
    }
}
