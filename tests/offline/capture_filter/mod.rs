//! Capture filters against libpcap: the same expressions accepted, the same instructions, and the
//! same verdict on the same packets.
//!
//! - `expressions.rs` expressions at random, `packets.rs` packets at random
//! - `libpcap.rs` the oracle, through tcpdump; `files.rs` the filter of the command line
//!
//! `CAPTURE_FILTER_PAIRS` says how many pairs of an expression and a packet are compared, and
//! `CAPTURE_FILTER_SEED` which.

mod expressions;
mod files;
mod libpcap;
mod packets;
pub(crate) mod random;

use std::path::Path;

use capture::filter::capture::{Filter, FilterError, FilterOptions, Insn, Optimize, Program};
use capture::packet::LinkType;
use capture::source::file::{FileSource, Numbering};
use capture_tests::oracle::{SHARED, require};
use libpcap::{Files, Op, has_loop, run, without_long_jumps};
use packets::{LINKS, Sample, sample};
use random::Random;

/// Pairs of an expression and a packet in a plain test run.
const PAIRS: usize = 20_000;
/// Packets that are tried with an expression.
const PACKETS: usize = 100;

fn compile(link: u16, text: &str, optimize: Optimize) -> Result<Program, FilterError> {
    let options = FilterOptions {
        optimize,
        ..FilterOptions::default()
    };
    Filter::new(text, &options)?.compile(LinkType(link))
}

fn ops(program: &Program) -> Vec<Op> {
    let op = |insn: &Insn| Op {
        code: insn.code,
        jt: insn.jt,
        jf: insn.jf,
        k: insn.k,
    };
    program.insns.iter().map(op).collect()
}

fn number(variable: &str, default: usize) -> usize {
    std::env::var(variable).map_or(default, |value| value.parse().unwrap())
}

/// What was compared, for whoever runs it with `--nocapture`.
#[derive(Debug, Default)]
struct Tally {
    expressions: usize,
    rejected: usize,
    loops: usize,
    pairs: usize,
    kept: usize,
    /// Pairs for which libpcap's optimized program and the other say different things.
    optimizer_changes_verdict: usize,
}

/// Compares one expression; `samples` are packets of the link type.
fn compare(files: &Files, link: u16, text: &str, samples: &[Sample], tally: &mut Tally) {
    tally.expressions += 1;
    let mut verdicts: Vec<Vec<u32>> = Vec::new();
    for optimize in [Optimize::Yes, Optimize::No] {
        let theirs = files.compile(link, text, optimize == Optimize::Yes);
        let ours = compile(link, text, optimize);
        let (ours, theirs) = match (ours, theirs) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(_), Err(_)) => {
                tally.rejected += 1;
                continue;
            }
            // libpcap may look names up.
            (Err(error), Ok(_)) if error.problem().contains("names are refused") => continue,
            (ours, theirs) => panic!(
                "link type {link}, {optimize:?}: {text}\nours: {}\ntheirs: {theirs:?}",
                ours.map_or_else(|error| error.to_string(), |program| program.to_string())
            ),
        };
        if has_loop(&theirs) {
            tally.loops += 1;
        } else {
            let theirs = without_long_jumps(&theirs);
            assert!(
                ops(&ours) == theirs,
                "link type {link}, {optimize:?}: {text}\nours:\n{ours}\ntheirs: {theirs:?}"
            );
        }
        let machine = ours.validate().unwrap();
        let mut found = Vec::new();
        for Sample { data, wire_len } in samples {
            let (our_verdict, their_verdict) =
                (machine.run(data, *wire_len), run(&theirs, data, *wire_len));
            assert_eq!(
                our_verdict, their_verdict,
                "link type {link}, {optimize:?}: {text}\npacket of {wire_len}: {data:02x?}\n{ours}"
            );
            tally.pairs += 1;
            tally.kept += usize::from(our_verdict != 0);
            found.push(our_verdict);
        }
        verdicts.push(found);
    }
    if let [optimized, plain] = &verdicts[..] {
        let pairs = optimized.iter().zip(plain);
        tally.optimizer_changes_verdict += pairs.filter(|(one, other)| one != other).count();
    }
}

#[test]
fn programs_and_verdicts_are_those_of_libpcap() {
    if !require(&["tcpdump"]) {
        return;
    }
    let files = Files::new(&LINKS);
    let mut random = Random(number("CAPTURE_FILTER_SEED", 1) as u64);
    let mut tally = Tally::default();
    let pairs = number("CAPTURE_FILTER_PAIRS", PAIRS);
    while tally.pairs < pairs {
        let link = LINKS[random.below(LINKS.len())];
        let text = expressions::expression(&mut random);
        let samples: Vec<_> = (0..PACKETS).map(|_| sample(&mut random, link)).collect();
        compare(&files, link, &text, &samples, &mut tally);
    }
    assert!(
        tally.kept * 50 > tally.pairs,
        "too few packets match: {tally:?}"
    );
    println!("{tally:?}");
}

#[test]
fn programs_are_printed_as_tcpdump_prints_them() {
    if !require(&["tcpdump"]) {
        return;
    }
    let files = Files::new(&[1, 127]);
    for text in [
        "tcp port 80 and ip[8] > 5",
        "ip[2:2] - ((ip[0] & 0xf) << 2) - len * 3 / ip[6] % 7 != ip[0] ^ 3 | 5",
        "-ip[0] = 4000000000 or ip[1] >= ip[2] or len >> tcp[0] = 1",
        "vlan and geneve and host 10.0.0.1",
        "ether[4294967295] = 1 and len + ip[0] - 1 > 4294967290",
    ] {
        for link in [1, 127] {
            let Ok(ours) = compile(link, text, Optimize::Yes) else {
                assert_eq!(files.print(link, text), "");
                continue;
            };
            assert_eq!(ours.to_string(), files.print(link, text), "{text}");
        }
    }
}

#[test]
fn what_libpcap_refuses_is_refused() {
    if !require(&["tcpdump"]) {
        return;
    }
    let files = Files::new(&LINKS);
    let mut random = Random(number("CAPTURE_FILTER_SEED", 1) as u64 + 1000);
    let mut tally = Tally::default();
    for _ in 0..number("CAPTURE_FILTER_PAIRS", PAIRS) / 100 {
        let text = expressions::damaged(&mut random);
        compare(&files, 1, &text, &[], &mut tally);
    }
    assert!(tally.rejected > tally.expressions / 4, "{tally:?}");
    assert!(tally.rejected < tally.expressions * 2, "{tally:?}");
    println!("{tally:?}");
}

#[test]
fn verdicts_on_real_packets_are_those_of_libpcap() {
    if !require(&["tcpdump"]) {
        return;
    }
    let Some(folder) = std::env::var_os(SHARED) else {
        capture_tests::oracle::skip("no folder of captures");
        return;
    };
    let mut by_link: std::collections::BTreeMap<u16, Vec<Sample>> =
        std::collections::BTreeMap::new();
    captures(Path::new(&folder), &mut by_link);
    let links: Vec<u16> = by_link.keys().copied().collect();
    let files = Files::new(&links);
    let mut random = Random(number("CAPTURE_FILTER_SEED", 1) as u64 + 2000);
    let mut tally = Tally::default();
    let pairs = number("CAPTURE_FILTER_PAIRS", PAIRS);
    while tally.pairs < pairs && !links.is_empty() {
        let link = links[random.below(links.len())];
        let text = expressions::expression(&mut random);
        compare(&files, link, &text, &by_link[&link], &mut tally);
    }
    println!("{tally:?}");
}

/// The first packets of each capture in a folder, at most so many of a link type.
fn captures(folder: &Path, by_link: &mut std::collections::BTreeMap<u16, Vec<Sample>>) {
    let mut entries: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .map(|entry| entry.path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            captures(&path, by_link);
            continue;
        }
        let Ok(mut source) = FileSource::open(&path, Numbering::default()) else {
            continue;
        };
        let mut slots = Vec::new();
        let Ok(Some(block)) = source.next_batch(&mut slots, 20) else {
            continue;
        };
        for slot in slots.iter().take(20) {
            let packet = slot.packet(&block);
            let samples = by_link.entry(packet.meta.link.0).or_default();
            if samples.len() < 1000 {
                samples.push(Sample {
                    data: packet.data.to_vec(),
                    wire_len: packet.meta.wire_len,
                });
            }
        }
    }
}
