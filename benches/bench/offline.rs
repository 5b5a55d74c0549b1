//! A capture file through programs that read one: in turn, so that what else the machine does falls on all.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use capture::source::file::{FileSource, Numbering};
use capture_tests::oracle::is_installed;

use crate::child::{self, Used};
use crate::report::charts::median;
use crate::report::{Offline, Reader, words};

/// A program and how it is started. In its words, `FILE` stands for the capture file, `OUT` for a path that
/// it may write to.
struct Program {
    id: &'static str,
    name: &'static str,
    kind: Kind,
    words: &'static str,
    /// Ending of `OUT`, if it is a file.
    output: Option<&'static str>,
}

/// Whom a program compares with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Floor,
    Records,
    Packets,
}

impl Kind {
    const fn name(self) -> &'static str {
        match self {
            Self::Floor => "floor",
            Self::Records => "records",
            Self::Packets => "packets",
        }
    }
}

const fn program(id: &'static str, name: &'static str, kind: Kind, words: &'static str) -> Program {
    Program {
        id,
        name,
        kind,
        words,
        output: None,
    }
}

const fn writer(
    id: &'static str,
    name: &'static str,
    words: &'static str,
    ending: &'static str,
) -> Program {
    Program {
        id,
        name,
        kind: Kind::Records,
        words,
        output: Some(ending),
    }
}

/// Everybody, in the order of the tables; both sides print the same fields.
const PROGRAMS: [Program; 12] = [
    program("cat", "cat", Kind::Floor, "cat FILE"),
    writer(
        "flows-parquet",
        "capture flows, Parquet",
        "capture flows FILE --overwrite -o OUT",
        "parquet",
    ),
    writer(
        "flows-csv",
        "capture flows, CSV",
        "capture flows FILE --overwrite -o OUT",
        "csv",
    ),
    writer("argus", "argus", "argus -r FILE -w OUT", "argus"),
    program("softflowd", "softflowd", Kind::Records, "softflowd -r FILE"),
    program("tcptrace", "tcptrace", Kind::Records, "tcptrace -n FILE"),
    program(
        "nfpcapd",
        "nfpcapd",
        Kind::Records,
        "nfpcapd -r FILE -l OUT",
    ),
    program("read", "capture read", Kind::Packets, "capture read FILE"),
    program(
        "read-fields",
        "capture read -T fields",
        Kind::Packets,
        "capture read FILE -T fields -e frame.number -e ip.src -e ip.dst -e tcp.srcport -e tcp.dstport -e tcp.flags",
    ),
    program("tcpdump", "tcpdump", Kind::Packets, "tcpdump -n -r FILE"),
    program("tshark", "tshark", Kind::Packets, "tshark -n -r FILE"),
    program(
        "tshark-fields",
        "tshark -T fields",
        Kind::Packets,
        "tshark -n -r FILE -T fields -e frame.number -e ip.src -e ip.dst -e tcp.srcport -e tcp.dstport -e tcp.flags",
    ),
];

/// What is measured with.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// `capture` itself.
    pub(crate) program: PathBuf,
    /// The program that makes a file.
    pub(crate) sessions: PathBuf,
    /// A file that is there already.
    pub(crate) file: Option<PathBuf>,
    /// Connections of the file that is made otherwise.
    pub(crate) connections: u64,
    /// Runs of each.
    pub(crate) runs: u32,
    /// Where programs write.
    pub(crate) scratch: PathBuf,
}

/// A program that takes longer for all of its runs gets no more of them.
const PATIENCE_SECONDS: f64 = 60.0;

/// Measures. A program that fails is a remark and no end.
///
/// # Errors
///
/// When there is no file and none can be made, or it cannot be read.
pub(crate) fn offline(
    setting: &Setting,
    told: &mut dyn FnMut(&str),
) -> Result<(Offline, Vec<String>)> {
    fs::create_dir_all(&setting.scratch)?;
    let (file, connections) = match &setting.file {
        Some(file) => (file.clone(), None),
        None => (made(setting)?, Some(setting.connections)),
    };
    let packets = packets(&file)?;
    let mut remarks = Vec::new();
    let mut all: Vec<(&Program, Vec<Used>, Option<u64>)> = Vec::new();
    for program in &PROGRAMS {
        let name = program.words.split(' ').next().unwrap_or_default();
        if name == "capture" || is_installed(name) {
            all.push((program, Vec::new(), None));
        } else {
            remarks.push(format!("{name} is not installed"));
        }
    }
    for run in 0..setting.runs {
        told(&format!("the file: run {} of {}", run + 1, setting.runs));
        all.retain_mut(|(program, used, output_bytes)| {
            let spent: f64 = used.iter().map(|used| used.wall_seconds).sum();
            if run > 0 && spent + spent / f64::from(run) > PATIENCE_SECONDS {
                return true;
            }
            match once(program, setting, &file) {
                Ok((run, bytes)) => {
                    used.push(run);
                    *output_bytes = bytes;
                    true
                }
                Err(error) => {
                    told(&format!("{}: {error:#}", program.name));
                    remarks.push(format!("{}: {error:#}", program.name));
                    false
                }
            }
        });
    }
    let programs: Vec<_> = all
        .into_iter()
        .map(|(program, used, output_bytes)| reader(program, &used, output_bytes, packets))
        .collect();
    for program in &programs {
        told(&format!(
            "{:<24} {:>7.2} s, {} Mpps, {} resident",
            program.name,
            program.median_seconds,
            words::mpps(program.pps),
            words::memory(program.resident_bytes)
        ));
    }
    let offline = Offline {
        file: file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned(),
        file_bytes: fs::metadata(&file)?.len(),
        packets,
        connections,
        programs,
    };
    Ok((offline, remarks))
}

/// The file, which stays for the next time: the same arguments make the same file.
fn made(setting: &Setting) -> Result<PathBuf> {
    let folder = setting.scratch.parent().unwrap_or(&setting.scratch);
    let file = folder.join(format!("sessions-{}.pcap", setting.connections));
    if !file.exists() {
        let part = folder.join("sessions.partial");
        let mut command = Command::new(&setting.sessions);
        command
            .arg(&part)
            .args(["--connections", &setting.connections.to_string()]);
        child::run(&mut command)?;
        fs::rename(&part, &file)?;
    }
    Ok(file)
}

/// Packets of the file; reading it brings it into memory for everybody.
fn packets(file: &Path) -> Result<u64> {
    const BATCH: usize = 4096;
    let mut source = FileSource::open(file, Numbering::default())?;
    let mut slots = Vec::with_capacity(BATCH);
    let mut packets = 0;
    while source.next_batch(&mut slots, BATCH)?.is_some() {
        packets += slots.len() as u64;
        slots.clear();
    }
    ensure!(packets > 0, "{}: no packets in it", file.display());
    Ok(packets)
}

/// One run.
fn once(program: &Program, setting: &Setting, file: &Path) -> Result<(Used, Option<u64>)> {
    let out = setting
        .scratch
        .join(format!("out.{}", program.output.unwrap_or("d")));
    // argus adds to a file that exists; others want a folder.
    if out.is_dir() {
        fs::remove_dir_all(&out)?;
    } else if out.exists() {
        fs::remove_file(&out)?;
    }
    if program.output.is_none() {
        fs::create_dir_all(&out)?;
    }
    let mut words = program.words.split(' ').map(|word| -> OsString {
        match word {
            "FILE" => file.into(),
            "OUT" => out.clone().into(),
            "capture" => setting.program.clone().into(),
            word => word.into(),
        }
    });
    let name = words.next().context("a program without words")?;
    let used = child::run(Command::new(name).args(words))?;
    let bytes = match program.output {
        Some(_) => Some(
            fs::metadata(&out)
                .with_context(|| format!("{} wrote nothing", program.name))?
                .len(),
        ),
        None => None,
    };
    Ok((used, bytes))
}

fn reader(program: &Program, used: &[Used], output_bytes: Option<u64>, packets: u64) -> Reader {
    let wall_seconds: Vec<f64> = used.iter().map(|used| used.wall_seconds).collect();
    let median_seconds = median(wall_seconds.clone());
    Reader {
        id: program.id.to_owned(),
        name: program.name.to_owned(),
        kind: program.kind.name().to_owned(),
        median_seconds,
        least_seconds: wall_seconds.iter().copied().fold(f64::INFINITY, f64::min),
        wall_seconds,
        cpu_seconds: median(used.iter().map(|used| used.cpu_seconds).collect()),
        pps: packets as f64 / median_seconds.max(1e-9),
        resident_bytes: used
            .iter()
            .map(|used| used.resident_bytes)
            .max()
            .unwrap_or_default(),
        output_bytes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(scratch: &Path) -> Setting {
        Setting {
            program: "cat".into(),
            sessions: "false".into(),
            file: None,
            connections: 1,
            runs: 1,
            scratch: scratch.to_owned(),
        }
    }

    #[test]
    fn programs_get_the_file_and_a_place_to_write() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("a file");
        fs::write(&file, "content").unwrap();
        let copy = writer("copy", "copy", "cp FILE OUT", "x");
        let (used, bytes) = once(&copy, &setting(folder.path()), &file).unwrap();
        assert_eq!(bytes, Some(7));
        assert!(used.wall_seconds > 0.0);
        let into = program("into", "into", Kind::Records, "cp FILE OUT/");
        let again = once(&into, &setting(folder.path()), &file);
        assert!(again.is_err(), "OUT is a word of its own");
        let list = program("list", "list", Kind::Packets, "ls OUT");
        assert_eq!(once(&list, &setting(folder.path()), &file).unwrap().1, None);
    }

    #[test]
    fn rates_go_by_the_median_run() {
        let used = |wall_seconds| Used {
            wall_seconds,
            cpu_seconds: wall_seconds * 2.0,
            resident_bytes: (wall_seconds * 10.0) as u64,
        };
        let reader = reader(
            &PROGRAMS[3],
            &[used(4.0), used(2.0), used(9.0)],
            None,
            8_000_000,
        );
        assert_eq!((reader.median_seconds, reader.least_seconds), (4.0, 2.0));
        assert!((reader.pps - 2e6).abs() < 1e-3);
        assert_eq!(
            (reader.resident_bytes, reader.kind.as_str()),
            (90, "records")
        );
    }

    #[test]
    fn packets_are_counted_without_the_program_under_test() {
        // A pcap file (libpcap's pcap-savefile(5)) of two frames of one byte.
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("two.pcap");
        let mut bytes = Vec::new();
        for word in [0xa1b2_c3d4_u32, 0x0004_0002, 0, 0, 65_535, 1] {
            bytes.extend(word.to_le_bytes());
        }
        for second in [1_u32, 2] {
            for word in [second, 0, 1, 1] {
                bytes.extend(word.to_le_bytes());
            }
            bytes.push(0);
        }
        fs::write(&file, bytes).unwrap();
        assert_eq!(packets(&file).unwrap(), 2);
    }
}
