//! Any bytes as a capture file: read, dissected, tracked, its records encoded, and the books closed. The
//! first byte chooses how.

use std::path::PathBuf;

use capture::dissect::{Checksums, Dissector, Tunnels};
use capture::engine::{FileRun, FilesPlan, Outputs, Tracking};
use capture::flow::{Limits, Timeouts};
use capture::sink::Existing;
use capture::sink::flows::{FlowFileOptions, FlowFormat};

use crate::memory_file::with_file;

pub(super) fn run(bytes: &[u8]) {
    let Some((choice, file)) = bytes.split_first() else {
        return;
    };
    let formats = [
        FlowFormat::Csv,
        FlowFormat::Ipfix,
        FlowFormat::JsonLines,
        FlowFormat::Parquet,
        FlowFormat::Table,
        FlowFormat::Zeek,
        FlowFormat::ZeekJson,
    ];
    let format = formats.get(usize::from(choice & 7)).copied();
    with_file(file, |path| {
        let plan = FilesPlan {
            filter: None,
            files: vec![path.to_owned()],
            tracking: Tracking {
                limits: Limits::flows(if choice & 8 == 0 { 2 } else { 64 }),
                timeouts: Timeouts::default(),
                dissector: Dissector {
                    tunnels: if choice & 16 == 0 {
                        Tunnels::Inner
                    } else {
                        Tunnels::Outer
                    },
                    checksums: if choice & 32 == 0 {
                        Checksums::Ignore
                    } else {
                        Checksums::Validate
                    },
                },
                seed: 7,
            },
            outputs: Outputs {
                packets: None,
                rotation: None,
                flows: format
                    .map(|format| FlowFileOptions::new(PathBuf::from("/dev/null"), format)),
                existing: Existing::Overwrite,
                buffer_bytes: 0,
            },
            workers: 1 + usize::from(choice >> 6 & 1),
        };
        // An error is an answer; a ledger that does not close is none.
        if let Ok(run) = FileRun::new(&plan, &mut |_| ()) {
            assert!(run.ledger.holds(), "{}", run.ledger);
            if let Some(error) = run.error {
                assert!(!error.to_string().is_empty());
            }
        }
    });
}
