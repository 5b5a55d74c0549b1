//! QUIC, on connections that were recorded between aioquic and itself: with versions 1 and 2, after a
//! Retry, with a version that the server does not know, and without connection IDs
//! (`captures/quic.pcap`). What the list and the tree say is judged by tshark; that the right things are
//! decrypted is told by what aioquic was asked to send.

use std::path::{Path, PathBuf};
use std::process::Command;

use capture_tests::oracle::{output, require};
use capture_tests::program::locate;

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("offline/captures/quic.pcap")
}

fn ours(options: &[&str]) -> String {
    let mut command = Command::new(locate().unwrap());
    output(command.arg("read").args(options).arg(recorded())).unwrap()
}

#[test]
fn the_list_and_the_tree_say_what_tshark_says() {
    if !require(&["tshark"]) {
        return;
    }
    for options in [
        &["-n"][..],
        &["-n", "-V", "-O", "quic,tls"],
        &["-n", "-2", "-V", "-O", "quic,tls"],
    ] {
        let theirs = output(
            Command::new("tshark")
                .args(options)
                .arg("-r")
                .arg(recorded()),
        )
        .unwrap();
        let ours = ours(options);
        for (number, (theirs, ours)) in theirs.lines().zip(ours.lines()).enumerate() {
            assert_eq!(ours, theirs, "line {} of {options:?}", number + 1);
        }
        assert_eq!(theirs.lines().count(), ours.lines().count());
    }
}

#[test]
fn first_packets_of_each_version_are_decrypted() {
    let fields = [
        "-n",
        "-Y",
        "tls.handshake.type == 1",
        "-T",
        "fields",
        "-e",
        "quic.version",
        "-e",
        "tls.handshake.extensions_server_name",
        "-e",
        "tls.handshake.extensions_alpn_str",
    ];
    let seen = ours(&fields);
    let hello = "localhost\thq";
    let mut versions: Vec<_> = seen
        .lines()
        .map(|line| {
            let (version, rest) = line.split_once('\t').unwrap();
            assert_eq!(rest, hello);
            version.split(',').next().unwrap()
        })
        .collect();
    versions.sort_unstable();
    versions.dedup();
    assert_eq!(versions, ["0x00000001", "0x6b3343cf"]);
}
