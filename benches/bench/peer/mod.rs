//! The captures of others: how they are started alike, when they are ready, and what they say of losses.
//!
//! Each gets the same CPU, the same memory between kernel and program, and the same disk. The files here
//! read what each prints at its end: `tcpdump.rs`, `dumpcap.rs`, `netsniff.rs`.

mod dumpcap;
mod netsniff;
mod tcpdump;

use std::path::Path;
use std::time::Duration;

/// A capture of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Peer {
    /// tcpdump -w.
    Tcpdump,
    /// dumpcap, which captures for Wireshark.
    Dumpcap,
    /// netsniff-ng.
    Netsniff,
}

/// What one says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    /// Packets that it wrote.
    pub(crate) written: u64,
    /// Packets that the kernel dropped because it was behind.
    pub(crate) dropped: u64,
}

impl Peer {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Tcpdump, Self::Dumpcap, Self::Netsniff];

    /// The program.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Tcpdump => "tcpdump",
            Self::Dumpcap => "dumpcap",
            Self::Netsniff => "netsniff-ng",
        }
    }

    /// Its arguments for an interface, a file, and so much memory.
    pub(crate) fn arguments(self, interface: &str, file: &Path, buffer_bytes: u64) -> Vec<String> {
        let file = file.to_string_lossy().into_owned();
        let (kib, mib) = (buffer_bytes >> 10, buffer_bytes >> 20);
        let words = match self {
            // Stays root, since it could not write into this folder otherwise.
            Self::Tcpdump => format!("-i {interface} -n -Z root -B {kib} -w"),
            Self::Dumpcap => format!("-i {interface} -q -B {mib} -w"),
            Self::Netsniff => format!("--in {interface} --silent --ring-size {mib}MiB --out"),
        };
        words.split(' ').map(str::to_owned).chain([file]).collect()
    }

    /// Beginning of the line by which it says that it captures.
    pub(crate) const fn ready(self) -> &'static str {
        match self {
            Self::Tcpdump => "tcpdump: listening on ",
            Self::Dumpcap => "File: ",
            Self::Netsniff => "Running! ",
        }
    }

    /// How long it may leave packets in a block of the ring that is not full; a moment more.
    pub(crate) const fn quiet(self) -> Duration {
        match self {
            // Its timeout is a second.
            Self::Tcpdump => Duration::from_millis(1200),
            Self::Dumpcap | Self::Netsniff => Duration::from_millis(500),
        }
    }

    /// Ending of the name of its files.
    pub(crate) const fn ending(self) -> &'static str {
        match self {
            Self::Tcpdump | Self::Netsniff => "pcap",
            Self::Dumpcap => "pcapng",
        }
    }

    /// Reads what it printed.
    pub(crate) fn told(self, text: &str) -> Option<Told> {
        match self {
            Self::Tcpdump => tcpdump::told(text),
            Self::Dumpcap => dumpcap::told(text),
            Self::Netsniff => netsniff::told(text),
        }
    }
}

/// The number in front of some words, in a line of its own.
fn number_before(text: &str, words: &str) -> Option<u64> {
    // Progress is overwritten with carriage returns.
    let mut lines = text.split(['\n', '\r']);
    lines.find_map(|line| line.trim().strip_suffix(words)?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_name_interface_memory_and_file() {
        let words = Peer::Tcpdump.arguments("server0", Path::new("/x/a b"), 64 << 20);
        assert_eq!(words.join("|"), "-i|server0|-n|-Z|root|-B|65536|-w|/x/a b");
        let words = Peer::Dumpcap.arguments("server0", Path::new("/x/f"), 64 << 20);
        assert_eq!(words.join("|"), "-i|server0|-q|-B|64|-w|/x/f");
        let words = Peer::Netsniff.arguments("server0", Path::new("/x/f"), 64 << 20);
        assert_eq!(
            words.join("|"),
            "--in|server0|--silent|--ring-size|64MiB|--out|/x/f"
        );
    }

    #[test]
    fn nobody_is_believed_who_says_nothing() {
        for peer in Peer::ALL {
            assert_eq!(peer.told(""), None);
            assert_eq!(peer.told("packets captured\n"), None);
        }
    }
}
