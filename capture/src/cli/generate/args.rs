//! What can be typed behind `capture generate`, and the traffic that it describes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::Context as _;
use capture_common::GeneratorSettings;

use super::super::units::{count, duration, thousandths};
use crate::cli::misuse::misuse;
use crate::generate::{MacAddrs, Sizes, Traffic};

/// Frames a second unless asked otherwise: enough to see, and nothing breaks.
const DEFAULT_RATE: &str = "10k";

/// Bytes of a frame unless asked otherwise or the headers are longer.
const DEFAULT_SIZE: u32 = 64;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Frames leave the kernel by an XDP program (Linux 5.18). They go out of veth interfaces alone, unless another \
                  is named by --yes-onto as well; the other end of a veth needs an XDP program (`capture live` is one) or GRO. \
                  All checksums are right. The same words make the same frames, sent or written.

Flows take turns, frame by frame. A TCP session is SYN, SYN-ACK, ACK, data of client and server in turn, and \
                  FIN-ACK, FIN-ACK, ACK, unless --rst, --open or --unanswered say otherwise; both sides are sent from here.

Addresses are of 198.18.0.0/15 or 2001:db8::/32, which are for benchmarks and documentation, unless asked otherwise.

Examples:
  capture generate -i veth0 --rate 1M --flows 10k         one million frames a second
  capture generate -i veth0 --rate flat-out --size imix --duration 10s
  capture generate -i veth0 --bits 1G --size 64-1514
  capture generate -i veth0 --syn-flood --rate 50k --dst 192.0.2.1 --port 443
  capture generate -w sessions.pcap --count 12k --flows 1k --rst 10% --unanswered 5%
  capture generate -w - --count 100 --udp --ipv6 --vlan 7 | tshark -r -"
)]
pub(in super::super) struct GenerateArgs {
    /// Interface to send out of.
    #[arg(short, long, value_name = "IF", required_unless_present = "write")]
    pub(super) iface: Option<String>,

    /// The same interface once more, if it is not a veth: frames leave this machine, or reach somebody.
    #[arg(long, value_name = "IF", conflicts_with = "write")]
    pub(super) yes_onto: Option<String>,

    /// Network namespace of the interface: a name (ip netns), the number of a process that is in it, or a
    /// file.
    #[arg(long, value_name = "NAME|PID|PATH", conflicts_with = "write")]
    pub(super) netns: Option<String>,

    /// Write the frames into this file instead (pcap by .pcap, else pcapng; .gz compresses; - is standard
    /// output), as far apart as the rate says.
    #[arg(short, long, value_name = "FILE", conflicts_with = "iface")]
    pub(super) write: Option<PathBuf>,

    /// Replace a file that exists.
    #[arg(long, requires = "write")]
    pub(super) overwrite: bool,

    /// Frames a second: 1500, 10k, 1.5M; 0 or flat-out is as fast as it goes (in a file: one million).
    #[arg(long, value_name = "RATE", default_value = DEFAULT_RATE, value_parser = rate)]
    pub(super) rate: Rate,

    /// Bits a second on average, counted in frames without preamble and check sequence: 500M, 1G.
    #[arg(long, value_name = "RATE", conflicts_with = "rate", value_parser = count)]
    pub(super) bits: Option<u64>,

    /// End after this many frames.
    #[arg(short, long, value_name = "N", value_parser = count)]
    pub(super) count: Option<u64>,

    /// End after this time (10s, 5m, 1h; a bare number is seconds).
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(super) duration: Option<Duration>,

    /// Bytes of frames with data, without check sequence: 64, 64-1514, 64,512,1514, with weights
    /// (64:7,590:4,1514:1), or imix [default: 64, or as short as the headers allow].
    #[arg(long, value_name = "SIZES")]
    pub(super) size: Option<Sizes>,

    /// Flows at a time.
    #[arg(long, value_name = "N", default_value = "1000", value_parser = count)]
    pub(super) flows: u64,

    /// Frames of a session, at least 7.
    #[arg(long, value_name = "N", default_value = "12", value_parser = count)]
    pub(super) session_frames: u64,

    /// Share of the sessions that the client resets, instead of an orderly end: 10%, 1/8.
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = thousandths)]
    pub(super) rst: u32,

    /// Share of the sessions that never end.
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = thousandths)]
    pub(super) open: u32,

    /// Share of the sessions in which nobody answers the SYN, which is sent again and again.
    #[arg(long, value_name = "SHARE", default_value = "0%", value_parser = thousandths)]
    pub(super) unanswered: u32,

    /// Nothing but SYNs, of random sources (of 10.0.0.0/8 or `2001:db8::/96`, or of --src).
    #[arg(long, conflicts_with_all = ["udp", "rst", "open", "unanswered", "flows", "session_frames", "size"])]
    pub(super) syn_flood: bool,

    /// Datagrams of client and server in turn, instead of TCP.
    #[arg(long, conflicts_with_all = ["rst", "open", "unanswered"])]
    pub(super) udp: bool,

    /// IPv6, as --src and --dst with IPv6 addresses.
    #[arg(short = '6', long)]
    pub(super) ipv6: bool,

    /// Tag all frames with this VLAN (IEEE 802.1Q).
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(u32).range(1..=4094))]
    pub(super) vlan: Option<u32>,

    /// Where clients are: an address, or the first address of a net whose addresses take turns
    /// (10.1.0.1/16; of IPv6 the last 32 bits do).
    #[arg(long, value_name = "ADDRESS[/LEN]")]
    pub(super) src: Option<Net>,

    /// Where servers are, likewise.
    #[arg(long, value_name = "ADDRESS[/LEN]")]
    pub(super) dst: Option<Net>,

    /// Port of the servers.
    #[arg(long, value_name = "PORT", default_value = "80", value_parser = clap::value_parser!(u16).range(1..))]
    pub(super) port: u16,

    /// Ethernet source of all frames [default: 02:00:00:00:00:02].
    #[arg(long, value_name = "MAC", value_parser = mac)]
    pub(super) src_mac: Option<[u8; 6]>,

    /// Ethernet destination of all frames; a stack looks only at its own [default: 02:00:00:00:00:01].
    #[arg(long, value_name = "MAC", value_parser = mac)]
    pub(super) dst_mac: Option<[u8; 6]>,

    /// Seed of what is random: initial sequence numbers, the order of sizes, the sources of a SYN flood.
    #[arg(long, value_name = "N", default_value = "1")]
    pub(super) seed: u32,

    /// CPU to send from; over a veth, the other end receives there as well.
    #[arg(long, value_name = "N", conflicts_with = "write")]
    pub(super) cpu: Option<usize>,

    /// One JSON object a second, and one at the end.
    #[arg(long)]
    pub(super) json: bool,

    /// No line a second.
    #[arg(short, long)]
    pub(super) quiet: bool,
}

/// How fast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rate {
    /// As fast as it goes.
    FlatOut,
    /// So many a second; not zero.
    PerSecond(u64),
}

fn rate(text: &str) -> Result<Rate, String> {
    if text == "flat-out" {
        return Ok(Rate::FlatOut);
    }
    match count(text) {
        Ok(0) => Ok(Rate::FlatOut),
        Ok(rate) => Ok(Rate::PerSecond(rate)),
        Err(_) => Err(format!(
            "{text:?} is not a rate, such as 1500, 10k, 1.5M, or 0 or flat-out for as fast as it goes"
        )),
    }
}

/// An address, and how many of its last bits are for hosts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Net {
    address: IpAddr,
    host_bits: u32,
}

impl FromStr for Net {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is neither an address nor a net, such as 10.1.0.1/16");
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().map_err(|_not_an_address| wrong())?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let len = match len {
            Some(len) => len.parse().map_err(|_not_a_number| wrong())?,
            None => all,
        };
        if len > all {
            return Err(wrong());
        }
        Ok(Self {
            address,
            // Of an IPv6 address only the last word takes turns.
            host_bits: (all - len).min(32),
        })
    }
}

impl Net {
    const fn v4(a: u8, b: u8, c: u8, d: u8, host_bits: u32) -> Self {
        Self {
            address: IpAddr::V4(Ipv4Addr::new(a, b, c, d)),
            host_bits,
        }
    }

    const fn v6(third: u16, host_bits: u32) -> Self {
        Self {
            address: IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, third, 0, 0, 0, 0, 1)),
            host_bits,
        }
    }

    /// The first 96 bits of an IPv6 address, and the last 32 of either.
    fn words(&self) -> ([u32; 3], u32) {
        match self.address {
            IpAddr::V4(address) => ([0; 3], address.to_bits()),
            IpAddr::V6(address) => {
                let bits = address.to_bits();
                let word = |number: u32| (bits >> (96 - 32 * number)) as u32;
                ([word(0), word(1), word(2)], word(3))
            }
        }
    }
}

fn mac(text: &str) -> Result<[u8; 6], String> {
    let wrong = || format!("{text:?} is not an Ethernet address, such as 02:00:00:00:00:01");
    let mut address = [0; 6];
    let mut words = text.split(':');
    for byte in &mut address {
        let word = words.next().filter(|word| (1..=2).contains(&word.len()));
        let word = word.ok_or_else(wrong)?;
        *byte = u8::from_str_radix(word, 16).map_err(|_not_a_number| wrong())?;
    }
    if words.next().is_some() {
        return Err(wrong());
    }
    Ok(address)
}

impl GenerateArgs {
    /// The traffic that the words describe.
    pub(super) fn traffic(&self) -> anyhow::Result<Traffic> {
        let nets = [self.src, self.dst];
        let is_ipv6 = |net: &Net| net.address.is_ipv6();
        let ipv6 = self.ipv6 || nets.iter().flatten().any(is_ipv6);
        if ipv6 && !nets.iter().flatten().all(is_ipv6) {
            misuse!("--src, --dst and --ipv6 are not of the same version of IP");
        }
        // 198.18.0.0/15 is for benchmarks (RFC 2544), 2001:db8::/32 for documentation (RFC 3849).
        let (default_src, default_dst) = if ipv6 {
            (Net::v6(0x18, 16), Net::v6(0x19, 0))
        } else {
            (Net::v4(198, 18, 0, 1, 16), Net::v4(198, 19, 0, 1, 0))
        };
        // A flood comes from everywhere.
        let default_src = match (self.syn_flood, ipv6) {
            (true, true) => Net::v6(0, 32),
            (true, false) => Net::v4(10, 0, 0, 0, 24),
            (false, _) => default_src,
        };
        let src = self.src.unwrap_or(default_src);
        let dst = self.dst.unwrap_or(default_dst);
        let (src_net, src_word) = src.words();
        let (dst_net, dst_word) = dst.words();
        let settings = GeneratorSettings {
            flows: whole(self.flows, "--flows")?,
            session_frames: whole(self.session_frames, "--session-frames")?,
            syn_flood: u32::from(self.syn_flood),
            src: src_word,
            dst: dst_word,
            port: u32::from(self.port),
            seed: self.seed,
            reset_share: self.rst,
            open_share: self.open,
            unanswered_share: self.unanswered,
            src_bits: src.host_bits,
            dst_bits: dst.host_bits,
            ip_version: if ipv6 { 6 } else { 4 },
            protocol: if self.udp {
                GeneratorSettings::UDP
            } else {
                GeneratorSettings::TCP
            },
            vlan: self.vlan.unwrap_or(0),
            src_net,
            dst_net,
            ..GeneratorSettings::UNPATCHED
        };
        let macs = MacAddrs {
            src: self.src_mac.unwrap_or(MacAddrs::NOBODY.src),
            dst: self.dst_mac.unwrap_or(MacAddrs::NOBODY.dst),
        };
        let sizes = self.size.clone().unwrap_or_else(|| {
            let shortest = settings.min_frame_len().max(DEFAULT_SIZE);
            Sizes::List(vec![(shortest, 1)])
        });
        Ok(Traffic::new(settings, &sizes)?.with_macs(macs))
    }

    /// Frames a second; `None`: as fast as it goes.
    pub(super) fn rate(&self, traffic: &Traffic) -> anyhow::Result<Option<u64>> {
        let Some(bits) = self.bits else {
            return Ok(match self.rate {
                Rate::FlatOut => None,
                Rate::PerSecond(rate) => Some(rate),
            });
        };
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_sign_loss,
            reason = "a rate, by an average; not below 0"
        )]
        let rate = (bits as f64 / 8.0 / traffic.mean_frame_len()).round() as u64;
        if rate == 0 {
            misuse!("--bits {bits} is less than a frame a second");
        }
        Ok(Some(rate))
    }

    /// Frames after which it ends: by `--count`, or by `--duration` at a rate.
    pub(super) fn frames(&self, rate: Option<u64>) -> Option<u64> {
        let by_time = self.duration.zip(rate).map(|(duration, rate)| {
            let frames = duration.as_nanos() * u128::from(rate) / 1_000_000_000;
            u64::try_from(frames).unwrap_or(u64::MAX)
        });
        match (self.count, by_time) {
            (Some(count), Some(by_time)) => Some(count.min(by_time)),
            (count, by_time) => count.or(by_time),
        }
    }
}

fn whole(number: u64, option: &str) -> anyhow::Result<u32> {
    u32::try_from(number).with_context(|| format!("{option} {number} is too large"))
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(Debug, clap::Parser)]
    struct Line {
        #[command(flatten)]
        args: GenerateArgs,
    }

    fn parse(words: &str) -> GenerateArgs {
        let words = format!("generate -w a.pcap {words}");
        Line::try_parse_from(words.split_whitespace()).unwrap().args
    }

    #[test]
    fn rates_are_of_frames_or_of_bits() {
        let of = |words: &str| {
            let args = parse(words);
            args.rate(&args.traffic().unwrap()).unwrap()
        };
        assert_eq!(of(""), Some(10_000));
        assert_eq!(of("--rate 1.5M"), Some(1_500_000));
        assert_eq!(of("--rate 0"), None);
        assert_eq!(of("--rate flat-out"), None);
        // Of twelve frames six have 1000 bytes and six have 64.
        assert_eq!(of("--bits 4256k --size 1000"), Some(1_000));
        let too_few = parse("--bits 1");
        assert!(too_few.rate(&too_few.traffic().unwrap()).is_err());
    }

    #[test]
    fn the_end_is_by_count_or_by_time_whichever_is_first() {
        let of = |words: &str| {
            let args = parse(words);
            let rate = args.rate(&args.traffic().unwrap()).unwrap();
            args.frames(rate)
        };
        assert_eq!(of(""), None);
        assert_eq!(of("--count 12k"), Some(12_000));
        assert_eq!(of("--duration 2s --rate 500"), Some(1_000));
        assert_eq!(of("--duration 2s --rate 500 --count 7"), Some(7));
        assert_eq!(of("--duration 2s --rate flat-out"), None);
    }

    #[test]
    fn nets_have_bits_for_hosts() {
        let of = |text: &str| text.parse::<Net>().map(|net| (net.words(), net.host_bits));
        assert_eq!(of("10.1.0.1/16"), Ok((([0; 3], 0x0a01_0001), 16)));
        assert_eq!(of("10.1.0.1"), Ok((([0; 3], 0x0a01_0001), 0)));
        let words = ([0x2001_0db8, 0, 0], 5);
        assert_eq!(of("2001:db8::5"), Ok((words, 0)));
        assert_eq!(of("2001:db8::5/112"), Ok((words, 16)));
        assert_eq!(of("2001:db8::5/64"), Ok((words, 32)));
        for text in [
            "",
            "10.1",
            "10.0.0.1/33",
            "2001:db8::/129",
            "10.0.0.1/",
            "a/8",
        ] {
            assert!(of(text).is_err(), "{text}");
        }
        let mixed = parse("--src 10.0.0.1 --dst 2001:db8::1").traffic();
        assert!(mixed.unwrap_err().to_string().contains("version of IP"));
        assert!(parse("--ipv6 --src 10.0.0.1").traffic().is_err());
        let implied = parse("--dst 2001:db8::1").traffic().unwrap();
        assert_eq!(implied.settings.ip_version, 6);
    }

    #[test]
    fn hardware_addresses_have_six_bytes() {
        assert_eq!(mac("02:0:0a:ff:00:1"), Ok([2, 0, 10, 255, 0, 1]));
        for text in [
            "",
            "02:00:00:00:00",
            "02:00:00:00:00:01:02",
            "02:00:00:00:00:100",
            "g:0:0:0:0:0",
        ] {
            assert!(mac(text).is_err(), "{text}");
        }
    }

    #[test]
    fn words_that_contradict_each_other_are_refused() {
        for words in [
            "generate",
            "generate -w a -i veth0",
            "generate -w a --rate 1 --bits 1G",
            "generate -w a --syn-flood --udp",
            "generate -w a --syn-flood --rst 1%",
            "generate -w a --udp --open 1%",
            "generate -w a --yes-onto eth0",
        ] {
            assert!(
                Line::try_parse_from(words.split_whitespace()).is_err(),
                "{words}"
            );
        }
    }
}
