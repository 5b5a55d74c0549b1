//! The packages of the programs that are compared with.

use std::ffi::OsString;

use anyhow::{Result, bail};

use crate::run::as_root;
use crate::workspace::find_program;

/// Programs, and the packages of Debian that have them.
const PEERS: [(&str, &str); 9] = [
    ("tcpdump", "tcpdump"),
    ("dumpcap", "wireshark-common"),
    ("tshark", "tshark"),
    ("netsniff-ng", "netsniff-ng"),
    ("argus", "argus-server"),
    ("softflowd", "softflowd"),
    ("tcptrace", "tcptrace"),
    ("nfpcapd", "nfdump"),
    ("ethtool", "ethtool"),
];

/// Installs what is missing, and says what it is.
pub(crate) fn install() -> Result<()> {
    let packages: Vec<_> = PEERS
        .iter()
        .filter(|(program, _)| {
            find_program(program, &["/usr/sbin".into(), "/sbin".into()]).is_none()
        })
        .map(|(_, package)| *package)
        .collect();
    if packages.is_empty() {
        println!(
            "all peers are installed: {}",
            PEERS.map(|(program, _)| program).join(", ")
        );
        return Ok(());
    }
    if find_program("apt-get", &[]).is_none() {
        bail!(
            "there is no apt-get here; install these by other means: {}",
            packages.join(", ")
        );
    }
    println!("installing {}", packages.join(", "));
    as_root(&command(&packages))
}

/// Asks nobody anything: whether everybody may capture, for one.
fn command(packages: &[&str]) -> Vec<OsString> {
    let script = "apt-get update -q && exec apt-get install -y -q --no-install-recommends \"$@\"";
    [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "sh",
        "-c",
        script,
        "sh",
    ]
    .iter()
    .chain(packages)
    .map(OsString::from)
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_are_words_of_their_own() {
        let words = command(&["tcpdump", "nfdump"]);
        assert_eq!(
            words[words.len() - 2..],
            [OsString::from("tcpdump"), "nfdump".into()]
        );
        assert!(
            words
                .iter()
                .any(|word| word == "DEBIAN_FRONTEND=noninteractive")
        );
    }
}
