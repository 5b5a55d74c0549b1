//! What tshark 4.0.17 says of each TCP segment of real captures, where `CAPTURE_SHARED` names them.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;

use super::driver::{Driver, Given};
use crate::packet::Timestamp;
use crate::read::column::Address;
use crate::read::memory::Pass;
use crate::read::tree::Wanted;
use crate::read::walk::{Piece, Quoted};
use crate::source::file::{FileSource, Numbering};

/// The captures' folder.
fn shared() -> Option<PathBuf> {
    let folder = std::env::var_os("CAPTURE_SHARED").map(PathBuf::from);
    if folder.is_none() {
        println!("SKIPPED: CAPTURE_SHARED names no folder with captures");
    }
    folder
}

fn table(path: &Path) -> (Vec<String>, Vec<Vec<String>>) {
    let mut text = String::new();
    let file = std::fs::File::open(path).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let mut lines = text.lines().map(|line| line.split('\t').map(str::to_owned));
    let head = lines.next().unwrap().collect();
    (head, lines.map(Iterator::collect).collect())
}

/// All packets of a file.
fn packets(path: &Path) -> Vec<(u64, Timestamp, Vec<u8>)> {
    let mut source = FileSource::open(path, Numbering::default()).unwrap();
    let mut slots = Vec::new();
    let mut all = Vec::new();
    while let Ok(Some(block)) = source.next_batch(&mut slots, 256) {
        for slot in slots.drain(..) {
            let packet = slot.packet(&block);
            let meta = packet.meta;
            all.push((meta.frame.0, meta.ts, packet.data.to_vec()));
        }
    }
    all
}

fn address(four: &str, six: &str) -> Address {
    if let Ok(address) = four.parse::<std::net::Ipv4Addr>() {
        return Address::Ipv4(address.octets());
    }
    six.parse::<std::net::Ipv6Addr>()
        .map_or(Address::None, |address| Address::Ipv6(address.octets()))
}

/// The segment that a row of tshark's is of, found by its ports and numbers; `None` if it was put
/// together from fragments and so does not lie in the packet.
fn given(row: &BTreeMap<&str, &str>, frame: u64, ts: Timestamp, data: &[u8]) -> Option<Given> {
    let number = |name: &str| row[name].parse::<u32>().ok();
    let mut header = Vec::new();
    header.extend((number("tcp.srcport")? as u16).to_be_bytes());
    header.extend((number("tcp.dstport")? as u16).to_be_bytes());
    header.extend(
        number("tcp.seq_raw")
            .or_else(|| number("tcp.seq"))?
            .to_be_bytes(),
    );
    if let Some(ack) = number("tcp.ack_raw") {
        header.extend(ack.to_be_bytes());
    }
    let at = data
        .windows(header.len())
        .rposition(|window| window == header)?;
    let rest = data.get(at..)?;
    let header_len = usize::from(rest.get(12).copied().unwrap_or(0) >> 4) * 4;
    let len = number("tcp.len").map(|len| len as usize);
    let (reported, quoted) = match len {
        Some(len) => (header_len + len, Quoted::No),
        None => (rest.len(), Quoted::Icmpv6),
    };
    // (ICMPv6's only in that the number is not shown twice.)
    let bytes = rest.get(..reported.min(rest.len()))?.to_vec();
    let carrier = address(row["ip.src"], row["ipv6.src"]);
    let both = row["frame.protocols"];
    let is_six = both.rfind(":ipv6").unwrap_or(0) > both.rfind(":ip:").unwrap_or(0);
    let (source, destination) = if is_six {
        (address("", row["ipv6.src"]), address("", row["ipv6.dst"]))
    } else {
        (carrier, address(row["ip.dst"], row["ipv6.dst"]))
    };
    Some(Given {
        frame,
        ts,
        source,
        destination,
        bytes,
        reported,
        piece: Piece::Whole,
        quoted,
    })
}

/// The segments that tshark's rows of one file are of.
fn all_given(shared: &Path, head: &[String], rows: &[Vec<String>]) -> Option<Vec<Given>> {
    let file = &rows[0][0];
    let path = ["real", "seeds"]
        .map(|folder| shared.join("captures").join(folder).join(file))
        .into_iter()
        .find(|path| path.exists())?;
    let all = packets(&path);
    let found = rows.iter().filter_map(|row| {
        let row = cells(head, row);
        let number: u64 = row["frame.number"].parse().unwrap();
        let (_, ts, data) = all.get(number as usize - 1)?;
        given(&row, number, *ts, data)
    });
    Some(found.collect())
}

/// A row by the names of its columns.
fn cells<'r>(head: &'r [String], row: &'r [String]) -> BTreeMap<&'r str, &'r str> {
    head.iter()
        .zip(row)
        .map(|(name, cell)| (name.as_str(), cell.as_str()))
        .collect()
}

/// Where what is above TCP changes what TCP says; tshark was asked without. VNC makes a conversation of its
/// own, in which TCP counts anew, and FTP makes those of its data connections before they begin.
const CHANGED_FROM_ABOVE: [&str; 2] = ["ndpi__vnc.pcap", "zeek__ftp__ipv4.pcap"];

#[test]
fn segments_of_real_captures_are_judged_as_by_tshark() {
    const NOT_COMPARED: [&str; 9] = [
        "file",
        "frame.number",
        "frame.time_epoch",
        "frame.len",
        "frame.protocols",
        "ip.src",
        "ip.dst",
        "ipv6.src",
        "ipv6.dst",
    ];
    let Some(shared) = shared() else { return };
    let (head, rows) = table(&shared.join("captures/expected/tshark-frames-onepass.tsv.gz"));
    let mut cells = BTreeMap::<&str, (u64, u64)>::new();
    let mut differences = Vec::new();
    let mut not_found = 0;
    for rows in rows.chunk_by(|a, b| a[0] == b[0]) {
        let file = &rows[0][0];
        let path = ["real", "seeds"]
            .map(|folder| shared.join("captures").join(folder).join(file))
            .into_iter()
            .find(|path| path.exists());
        let Some(path) = path else { continue };
        if CHANGED_FROM_ABOVE.contains(&file.as_str()) {
            continue;
        }
        let all = packets(&path);
        let mut driver = Driver::new(Wanted::all(), Pass::Only);
        driver.preferences.tcp_check_checksum = true;
        for row in rows {
            let row = self::cells(&head, row);
            let number: u64 = row["frame.number"].parse().unwrap();
            let Some((_, ts, data)) = all.get(number as usize - 1) else {
                continue;
            };
            let Some(given) = given(&row, number, *ts, data) else {
                not_found += 1;
                continue;
            };
            let _outcome = driver.dissect(&given);
            let values = driver.each_last();
            for name in &head {
                if NOT_COMPARED.contains(&name.as_str()) {
                    continue;
                }
                let expected = row[name.as_str()];
                let ours = values.get(name.as_str()).map_or("", String::as_str);
                let (same, of) = cells.entry(name).or_default();
                *of += 1;
                let theirs = if expected.starts_with("0x0") && name == "tcp.flags" {
                    u64::from_str_radix(&expected[2..], 16).unwrap()
                } else {
                    0
                };
                let flags = ours
                    .strip_prefix("0x")
                    .and_then(|hex| u64::from_str_radix(hex, 16).ok());
                if ours == expected || name == "tcp.flags" && flags == Some(theirs) {
                    *same += 1;
                } else {
                    differences.push(format!("{file} {number} {name}: {expected} != {ours}"));
                }
            }
        }
    }
    let (same, of) = cells
        .values()
        .fold((0, 0), |(same, of), (s, o)| (same + s, of + o));
    for (name, (same, of)) in &cells {
        if same != of {
            println!("{name}: {same} of {of}");
        }
    }
    if let Some(path) = std::env::var_os("CAPTURE_DIFFERENCES") {
        std::fs::write(path, differences.join("\n")).unwrap();
    }
    println!("{same} of {of} cells; {not_found} segments in fragments");
    assert!(of > 1_000_000, "{of} cells");
    assert!(
        (of - same) * 1000 <= of,
        "{same} of {of}: {:#?}",
        differences.iter().take(40).collect::<Vec<_>>()
    );
}

#[test]
fn conversations_of_real_captures_went_as_far_as_tshark_says_in_two_passes() {
    let Some(shared) = shared() else { return };
    let folder = shared.join("captures/expected");
    let (head, rows) = table(&folder.join("tshark-frames-onepass.tsv.gz"));
    let (_, expected) = table(&folder.join("tshark-completeness-twopass.tsv.gz"));
    let expected: BTreeMap<_, _> = expected
        .iter()
        .map(|row| ((row[0].as_str(), row[1].as_str()), row[2].as_str()))
        .collect();
    let mut found = BTreeMap::new();
    for rows in rows.chunk_by(|a, b| a[0] == b[0]) {
        if CHANGED_FROM_ABOVE.contains(&rows[0][0].as_str()) {
            continue;
        }
        let Some(given) = all_given(&shared, &head, rows) else {
            continue;
        };
        let mut wanted = Wanted::none();
        for field in ["tcp.stream", "tcp.completeness"] {
            wanted.add(crate::read::registry::by_name(field).next().unwrap());
        }
        let mut driver = Driver::new(wanted, Pass::First);
        for given in &given {
            let _outcome = driver.dissect(given);
        }
        driver.memory.begin_second_pass();
        for given in &given {
            let _outcome = driver.dissect(given);
            let key = (rows[0][0].as_str(), driver.last("tcp.stream"));
            // tshark says of the first segment what the first pass knew; later ones add to that.
            let value = driver.last("tcp.completeness");
            found.entry(key).or_insert(value);
        }
    }
    let different: Vec<_> = expected
        .iter()
        .filter_map(|(&(file, stream), &value)| {
            let ours = found.get(&(file, stream.to_owned()))?;
            (ours != value).then(|| format!("{file} {stream}: {value} != {ours}"))
        })
        .collect();
    println!("{} of {} differ", different.len(), expected.len());
    assert!(
        different.len() * 1000 <= expected.len() * 5,
        "{different:#?}"
    );
}
