//! Random TCP conversations: streams, relative numbers, every analysis flag, windows, times and
//! completeness, with one pass and with two.

use capture_tests::oracle::require;
use capture_tests::program::locate;
use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::{differences, expect_none, fields, setting, write};
use crate::conversation::conversations;

const START_NS: u64 = 1_700_000_000_000_000_000;

/// What depends on what applications make of the bytes, which here are nothing that they know.
const OF_APPLICATIONS: [&str; 8] = [
    "tcp.segment",
    "tcp.segments",
    "tcp.segment_data",
    "tcp.reassembled_in",
    "tcp.reassembled.length",
    "tcp.reassembled.data",
    "tcp.pdu.size",
    "tcp.pdu.last_frame",
];

#[test]
fn random_conversations_are_analyzed_as_by_tshark() {
    if !require(&["tshark"]) {
        return;
    }
    let seed = setting("CAPTURE_JUDGED_SEED", 1);
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let mut packets = Vec::new();
    let mut start = START_NS;
    // About so many packets; one case after the other, so that their ports come again.
    let wanted = setting("CAPTURE_JUDGED_PACKETS", 4000) as usize;
    while packets.len() < wanted {
        let frames = conversations().new_tree(&mut runner).unwrap().current();
        let last = frames.iter().map(|frame| frame.at_ns).max().unwrap_or(0);
        packets.extend(
            frames
                .into_iter()
                .map(|frame| (start + frame.at_ns, frame.data, frame.wire_len)),
        );
        start += last + 1_000_000;
    }
    let folder = tempfile::tempdir().unwrap();
    let file = write(folder.path(), 1, &packets);
    let mut asked = fields(&["tcp"], &locate().unwrap());
    asked.retain(|field| !OF_APPLICATIONS.contains(&field.as_str()));
    let common = ["-o", "tcp.desegment_tcp_streams:FALSE"];
    let checked = ["-2", "-o", "tcp.check_checksum:TRUE"];
    for more in [&[][..], &checked] {
        let options = [&common[..], more].concat();
        // Which application it is, is not the subject.
        let excused = |_: &str, field: &str, _: [&str; 2]| field == "frame.protocols";
        expect_none(&differences(&file, &options, &asked, excused), &file);
    }
    // Remarks are there for whoever asks for nothing else.
    for filter in ["_ws.expert", "_ws.expert.severity == warning"] {
        let options = [&common[..], &["-Y", filter]].concat();
        let excused = |_: &str, field: &str, _: [&str; 2]| field == "frame.protocols";
        let asked = ["frame.number".to_owned()];
        expect_none(&differences(&file, &options, &asked, excused), &file);
    }
}
