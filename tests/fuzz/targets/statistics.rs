//! Any bytes as a capture file, through every statistic at once, or through a picture. The first byte
//! chooses.

use std::io;

use capture::plot::{self, Kind};
use capture::read::pipeline::read;
use capture::read::statistics;

use super::read::plan;
use crate::memory_file::with_file;

/// All of `statistics::ALL`, in the forms that differ. Intervals are long, since a table has up to a million rows.
const ALL: &[&str] = &[
    "conv,eth",
    "conv,ip",
    "conv,ipv6",
    "conv,tcp",
    "conv,udp",
    "credentials",
    "dests,tree",
    "dns,tree",
    "endpoints,eth",
    "endpoints,ip",
    "endpoints,ipv6",
    "endpoints,tcp",
    "endpoints,udp",
    "expert",
    "expert,note,tcp",
    "flow,any,standard",
    "flow,tcp,network",
    "follow,tcp,ascii,0",
    "follow,tcp,hex,1",
    "follow,tcp,raw,0",
    "follow,tcp,yaml,0,1-3",
    "follow,http,ascii,0",
    "follow,http,hex,1",
    "follow,udp,ascii,0",
    "hosts",
    "hosts,ipv4",
    "http,stat",
    "http,tree",
    "http_req,tree",
    "http_srv,tree",
    "icmp,srt",
    "io,phs",
    "io,phs,ip",
    "io,stat,0",
    "io,stat,10000000.5,COUNT(tcp.len)tcp.len,SUM(frame.len)frame.len,AVG(ip.ttl)ip.ttl",
    "io,stat,10000000,MIN(tcp.time_delta)tcp.time_delta,MAX(frame.time_delta)frame.time_delta,LOAD(frame.time_delta)frame.time_delta",
    "ip_hosts,tree",
    "ipv6_dests,tree",
    "ipv6_hosts,tree",
    "ipv6_ptype,tree",
    "plen,tree",
    "proto,colinfo,tcp.flags and ip.src and http,tcp.flags",
    "proto,colinfo,dns.qry.name or frame.time,dns.qry.name",
    "ptype,tree",
    "scans",
    "scans,1",
];

pub(super) fn run(bytes: &[u8]) {
    let Some((choice, file)) = bytes.split_first() else {
        return;
    };
    with_file(file, |path| {
        let plan = plan(path, *choice);
        let kind = match choice & 7 {
            0 => Kind::TimeSequence,
            1 => Kind::Throughput,
            2 => Kind::Rtt,
            3 => Kind::Window,
            4 => Kind::Io,
            5 => Kind::Flags,
            _ => {
                let mut all: Vec<_> = ALL
                    .iter()
                    .map(|text| statistics::parse(text).expect("a statistic that there is"))
                    .collect();
                // A file that is none is an answer.
                let _outcome = read(&plan, &mut all, Box::new(io::sink()));
                let mut text = String::new();
                for statistic in &mut all {
                    statistic.print(&mut text);
                }
                return;
            }
        };
        if let Ok((picture, _)) = plot::draw(&plan, kind, u64::from(choice >> 7)) {
            assert!(picture.ends_with("</svg>\n") || picture.ends_with("</svg>"));
            assert!(
                !picture.contains("NaN") && !picture.contains("inf\""),
                "{picture}"
            );
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_statistic_is_among_them() {
        for text in ALL {
            assert!(statistics::parse(text).is_ok(), "{text}");
        }
        for description in statistics::ALL {
            assert!(ALL.iter().any(|text| text.starts_with(description.name)));
        }
    }
}
