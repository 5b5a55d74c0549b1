//! Any bytes as a capture file, of which chosen packets go into a new one, which has to be a capture file
//! with that many packets. The first two bytes choose which, and how.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use capture::export::{Choice, ExportPlan, Stages, export};
use capture::filter::display::DisplayFilter;
use capture::sink::Existing;
use capture::source::file::{FileSource, Numbering};

use super::read::plan;
use crate::memory_file::with_file;

thread_local! {
    /// In memory where there is such a folder.
    static FOLDER: tempfile::TempDir = {
        let memory = Path::new("/dev/shm");
        let folder = if memory.is_dir() {
            tempfile::tempdir_in(memory)
        } else {
            tempfile::tempdir()
        };
        folder.expect("a temporary folder")
    };
    static FILTER: DisplayFilter = DisplayFilter::new("tcp.len > 0 || udp").expect("a filter");
}

pub(super) fn run(bytes: &[u8]) {
    let [choice, how, file @ ..] = bytes else {
        return;
    };
    let name = match how & 3 {
        0 => "out.pcapng",
        1 => "out.pcap",
        2 => "out.pcapng.gz",
        _ => "more.pcapng",
    };
    let is_pcap = name == "out.pcap";
    let output: PathBuf = FOLDER.with(|folder| folder.path().join(name));
    let comment = |bit: u8| (how & bit != 0 && !is_pcap).then(|| "what is said of it".to_owned());
    // What an input left that went wrong is not this one's.
    drop(fs::remove_file(&output));
    with_file(file, |path| {
        let files = 1 + usize::from(how >> 6 & 1);
        let plan = ExportPlan {
            read: capture::read::pipeline::ReadPlan {
                files: vec![path.to_owned(); files],
                count: (choice & 0x80 != 0).then_some(3),
                ..plan(path, *choice)
            },
            choice: Choice {
                filter: (choice & 1 != 0).then(|| FILTER.with(Clone::clone)),
                frames: (choice & 2 != 0).then(|| "2-4,6,9-".parse().expect("frames")),
                streams: (choice & 4 != 0).then_some(0).into_iter().collect(),
                stages: Stages {
                    handshake: how & 16 != 0,
                    teardown: how & 32 != 0,
                    retransmissions: how & 0x30 != 0 && how & 0x80 != 0,
                },
            },
            output: output.clone(),
            format: None,
            existing: Existing::Overwrite,
            comment: comment(4),
            mark: comment(8),
        };
        match export(&plan, &mut Vec::new(), Box::new(io::sink())) {
            Ok(summary) => {
                assert!(summary.chosen <= summary.frames);
                assert_eq!(packets(&output), summary.chosen, "packets of the new file");
                fs::remove_file(&output).expect("the new file");
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                assert!(!output.exists(), "left behind: {error}");
            }
        }
    });
}

/// How many packets a file has, which has to be whole.
fn packets(path: &Path) -> u64 {
    let mut source =
        FileSource::open(path, Numbering::default()).unwrap_or_else(|error| panic!("{error}"));
    let mut slots = Vec::new();
    let mut packets = 0;
    loop {
        slots.clear();
        match source.next_batch(&mut slots, 1024) {
            Ok(Some(_)) => packets += slots.len() as u64,
            Ok(None) => return packets,
            Err(error) => panic!("{error}"),
        }
    }
}
