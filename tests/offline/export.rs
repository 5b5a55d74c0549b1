//! What `capture export` copies, against what editcap copies and what tshark shows of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use capture::source::file::{FileSource, Numbering};
use capture_tests::oracle::{output, require, require_shared, tshark_fields};
use capture_tests::program;

/// Runs `capture export`.
fn export(input: &Path, out: &Path, arguments: &[&str]) -> Output {
    Command::new(program::locate().unwrap())
        .arg("export")
        .arg(input)
        .arg("-w")
        .arg(out)
        .args(arguments)
        .output()
        .unwrap()
}

/// The same, which has to succeed.
fn exported(input: &Path, out: &Path, arguments: &[&str]) {
    let Output { status, stderr, .. } = export(input, out, arguments);
    let stderr = String::from_utf8_lossy(&stderr);
    assert!(status.success(), "{}: {stderr}", input.display());
}

/// Time, lengths, interface and bytes of each packet; `None` for files that cannot be read to their end.
fn packets(path: &Path) -> Option<Vec<String>> {
    let mut source = FileSource::open(path, Numbering::default()).ok()?;
    let mut slots = Vec::new();
    let mut lines = Vec::new();
    while let Some(block) = source.next_batch(&mut slots, 256).ok()? {
        let ifaces = source.ifaces();
        for slot in slots.drain(..) {
            let packet = slot.packet(&block);
            let meta = packet.meta;
            let iface = &ifaces[meta.iface.0 as usize];
            lines.push(format!(
                "{} {} {} {} {} {:?}",
                meta.ts.0, meta.wire_len, meta.link.0, iface.name, iface.decimals, packet.data
            ));
        }
    }
    Some(lines)
}

/// Captures of a size that other tools read quickly.
fn small_captures() -> Vec<PathBuf> {
    let Some(shared) = require_shared() else {
        return Vec::new();
    };
    let mut files = Vec::new();
    for folder in ["captures/real", "captures/seeds"] {
        let entries = fs::read_dir(shared.join(folder)).into_iter().flatten();
        let paths = entries.map(|entry| entry.unwrap().path());
        files.extend(paths.filter(|path| {
            let name = path.to_string_lossy();
            let is_capture = [".pcap", ".pcapng", ".gz"]
                .iter()
                .any(|end| name.ends_with(end));
            is_capture && fs::metadata(path).is_ok_and(|data| data.len() < 60_000)
        }));
    }
    files.sort();
    files
}

#[test]
fn chosen_frames_are_those_of_editcap() {
    if !require(&["editcap"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut compared = 0;
    for file in small_captures() {
        if packets(&file).is_none() {
            continue;
        }
        for ending in ["pcapng", "pcap"] {
            let ours = folder.path().join(format!("ours.{ending}"));
            let theirs = folder.path().join(format!("theirs.{ending}"));
            let format = if ending == "pcap" {
                "nsecpcap"
            } else {
                "pcapng"
            };
            let status = Command::new("editcap")
                .args(["-F", format, "-r"])
                .arg(&file)
                .arg(&theirs)
                .args(["2", "4-9", "15-999999"])
                .output()
                .unwrap();
            let run = export(&file, &ours, &["--frames", "2,4-9,15-", "--overwrite"]);
            if !status.status.success() {
                // Several link types do not go into pcap, of whichever program.
                continue;
            }
            assert!(run.status.success(), "{}: {run:?}", file.display());
            // The resolution and the name of the interface are not pcap's.
            let part = |line: &String| match ending {
                "pcap" => line
                    .split(' ')
                    .take(3)
                    .chain(line.split_once('[').map(|(_, data)| data))
                    .collect::<Vec<_>>()
                    .join(" "),
                _ => line.clone(),
            };
            let [ours, theirs] = [ours, theirs].map(|path| {
                let lines = packets(&path).unwrap();
                lines.iter().map(part).collect::<Vec<_>>()
            });
            assert_eq!(ours, theirs, "{} as {ending}", file.display());
            compared += 1;
        }
    }
    assert!(compared == 0 || compared > 50, "{compared}");
}

#[test]
fn handshakes_and_closings_are_found_wherever_they_lie() {
    let Some(shared) = require_shared() else {
        return;
    };
    // Its manifest says where they lie: 70, 73, 74 and 428 to 431.
    let file = shared.join("captures/seeds/seed000-session-431.pcapng");
    let folder = tempfile::tempdir().unwrap();
    let all = packets(&file).unwrap();
    for (arguments, frames) in [
        (&["--handshake", "--stream", "1"][..], &[70, 73, 74][..]),
        (&["--teardown"], &[428, 429, 430, 431]),
        (
            &["--handshake", "--teardown"],
            &[70, 73, 74, 428, 429, 430, 431],
        ),
        (&["--handshake", "--frames", "73-"], &[73, 74]),
        (&["--handshake", "--stream", "0"], &[]),
        (&["-Y", "tcp.flags.fin == 1"], &[428, 430]),
        (&["-f", "tcp[tcpflags] & tcp-fin != 0"], &[428, 430]),
    ] {
        let out = folder.path().join("out.pcapng");
        exported(&file, &out, &[arguments, &["--overwrite"]].concat());
        let expected: Vec<_> = frames
            .iter()
            .map(|number| all[number - 1].clone())
            .collect();
        assert_eq!(packets(&out).unwrap(), expected, "{arguments:?}");
    }
}

/// Numbers in big endian, as some machines wrote them.
fn be(numbers: &[u32]) -> Vec<u8> {
    numbers
        .iter()
        .flat_map(|number| number.to_be_bytes())
        .collect()
}

/// A block in big endian.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    assert!(body.len().is_multiple_of(4));
    let len = body.len() as u32 + 12;
    [be(&[kind, len]), body.to_vec(), be(&[len])].concat()
}

/// Blocks of all kinds: of a section without a length, an interface with a name and nanoseconds, names, secrets, two
/// packets with a comment and flags, a custom block, statistics.
fn odd_file() -> Vec<Vec<u8>> {
    let option = |code: u16, value: &[u8]| {
        let mut bytes = [code.to_be_bytes(), (value.len() as u16).to_be_bytes()].concat();
        bytes.extend_from_slice(value);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    };
    let end = [0; 4];
    let packet = |ns: u32, comment: &str| {
        let fixed = be(&[0, 0, ns, 5, 60]);
        let options = [
            option(1, comment.as_bytes()),
            option(2, &[0, 0, 0, 1]),
            end.to_vec(),
        ]
        .concat();
        block(6, &[fixed, vec![1, 2, 3, 4, 5, 0, 0, 0], options].concat())
    };
    vec![
        block(
            0x0a0d_0d0a,
            &[
                be(&[0x1a2b_3c4d, 0x0001_0000]),
                vec![0xff; 8],
                option(4, b"a program"),
                end.to_vec(),
            ]
            .concat(),
        ),
        block(
            1,
            &[
                be(&[0x0001_0000, 0]),
                option(2, b"eth7"),
                option(9, &[9]),
                end.to_vec(),
            ]
            .concat(),
        ),
        block(
            4,
            &[
                be(&[0x0001_0006]),
                vec![10, 0, 0, 1, b'a', 0, 0, 0],
                be(&[0]),
            ]
            .concat(),
        ),
        block(10, &[be(&[0x544c_534b, 4]), b"KEYS".to_vec()].concat()),
        packet(7, "the first"),
        block(0x0bad, &be(&[32473, 1])),
        packet(8, "the second"),
        block(5, &be(&[0, 0, 9])),
    ]
}

#[test]
fn what_is_not_a_packet_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (
        folder.path().join("in.pcapng"),
        folder.path().join("out.pcapng"),
    );
    let blocks = odd_file();
    fs::write(&input, blocks.concat()).unwrap();
    exported(&input, &out, &[]);
    assert_eq!(fs::read(&out).unwrap(), blocks.concat());
    exported(&input, &out, &["--frames", "2", "--overwrite"]);
    let mut without = blocks;
    without.remove(4);
    assert_eq!(fs::read(&out).unwrap(), without.concat());
    // Through a pipe, too.
    let program = program::locate().unwrap();
    let shell = format!(
        "cat {} | {} export - -w - --frames 2 -q | cmp - {}",
        input.display(),
        program.display(),
        out.display()
    );
    let status = Command::new("sh").args(["-c", &shell]).status().unwrap();
    assert!(status.success());
}

#[test]
fn comments_that_are_added_are_shown_beside_those_that_were_there() {
    if !require(&["tshark", "capinfos"]) {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (
        folder.path().join("in.pcapng"),
        folder.path().join("out.pcapng"),
    );
    fs::write(&input, odd_file().concat()).unwrap();
    exported(
        &input,
        &out,
        &[
            "--mark=look here",
            "--comment",
            "for the record",
            "--frames",
            "2",
        ],
    );
    let comments = tshark_fields(
        &out,
        "",
        &["frame.comment", "frame.time_epoch", "frame.packet_flags"],
    );
    // tshark takes the custom block for a frame.
    let comments = comments.unwrap();
    let commented: Vec<_> = comments.iter().filter(|line| !line[0].is_empty()).collect();
    assert_eq!(commented.len(), 1, "{comments:?}");
    assert_eq!(commented[0][..2], ["the second,look here", "0.000000008"]);
    let text = output(Command::new("capinfos").arg("-kF").arg(&out)).unwrap();
    assert!(text.contains("for the record"), "{text}");
}

#[test]
fn what_cannot_be_written_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let input = folder.path().join("in.pcapng");
    fs::write(&input, odd_file().concat()).unwrap();
    let there = folder.path().join("there.pcapng");
    fs::write(&there, "mine").unwrap();
    let missing = folder.path().join("missing.pcapng");
    for (input, out, arguments, reason) in [
        (&input, &there, &[][..], "--overwrite"),
        (
            &input,
            &folder.path().join("a.pcap"),
            &["--mark"],
            ".pcapng",
        ),
        (
            &input,
            &folder.path().join("b.pcapng"),
            &["-Y", "no.such"],
            "no.such",
        ),
        (
            &missing,
            &folder.path().join("c.pcapng"),
            &[],
            "missing.pcapng",
        ),
        (
            &input,
            &folder.path().join("d.pcapng"),
            &["--frames", "0"],
            "from 1",
        ),
    ] {
        let run = export(input, out, arguments);
        let stderr = String::from_utf8_lossy(&run.stderr);
        assert!(!run.status.success(), "{arguments:?}");
        assert!(stderr.contains(reason), "{stderr}");
    }
    assert_eq!(fs::read(&there).unwrap(), b"mine");
    let names = fs::read_dir(folder.path()).unwrap();
    assert_eq!(names.count(), 2);
}

#[test]
fn what_comes_before_damage_is_saved() {
    let folder = tempfile::tempdir().unwrap();
    let (input, out) = (
        folder.path().join("in.pcapng"),
        folder.path().join("out.pcapng"),
    );
    let blocks = odd_file();
    let whole = blocks.concat();
    fs::write(&input, &whole[..whole.len() - blocks[7].len() - 5]).unwrap();
    let run = export(&input, &out, &[]);
    assert!(!run.status.success());
    assert!(String::from_utf8_lossy(&run.stderr).contains("ends within a block"));
    assert_eq!(fs::read(&out).unwrap(), blocks[..6].concat());
}
