//! What a capture file says of the machine that it was made on.

use std::fs;

use crate::sink::pcapng::Section;

/// Hardware, operating system, program.
pub(super) fn section() -> Section {
    Section {
        hardware: hardware(),
        os: os(),
        application: concat!("capture ", env!("CARGO_PKG_VERSION")).to_owned(),
    }
}

/// Operating system and release: `Linux 6.12.1`.
pub(super) fn os() -> String {
    let read =
        |name: &str| fs::read_to_string(format!("/proc/sys/kernel/{name}")).unwrap_or_default();
    format!("{} {}", read("ostype").trim(), read("osrelease").trim())
        .trim()
        .to_owned()
}

/// The CPU's name, as dumpcap has it.
fn hardware() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    info.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name")
        .map_or_else(
            || std::env::consts::ARCH.to_owned(),
            |(_, value)| value.trim().to_owned(),
        )
}
