//! Any bytes as a capture file: read, dissected, tracked, and the books closed.

#![no_main]

use std::io::Write as _;

use capture::dissect::Dissector;
use capture::engine::{FileRun, FilesPlan, Outputs, Tracking};
use capture::flow::{Limits, Timeouts};
use capture::sink::Existing;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(bytes).expect("room for it");
    let plan = FilesPlan {
        files: vec![file.path().to_owned()],
        tracking: Tracking {
            limits: Limits::flows(8),
            timeouts: Timeouts::default(),
            dissector: Dissector::default(),
            seed: 7,
        },
        outputs: Outputs {
            packets: None,
            rotation: None,
            flows: None,
            existing: Existing::Refuse,
            buffer_bytes: 0,
        },
        workers: 1,
    };
    if let Ok(run) = FileRun::new(&plan, &mut |_| ()) {
        assert!(run.ledger.holds(), "{}", run.ledger);
    }
});
