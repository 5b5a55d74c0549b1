//! Refuses to embed eBPF objects that are older than their sources, and says where the objects lie.
//!
//! The objects are committed, so that building needs no BPF toolchain; nothing but this check stands
//! between a change of the kernel side and a binary that still carries the old one.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

#[path = "../capture-ebpf/source_hash.rs"]
mod source_hash;

/// `allow` turns the error into a warning, for work on both sides at once.
const OVERRIDE: &str = "CAPTURE_EBPF_STALE";

fn main() {
    let workspace = workspace();
    let object = workspace.join("capture-ebpf/object");
    for input in source_hash::INPUTS {
        println!(
            "cargo::rerun-if-changed={}",
            workspace.join(input).display()
        );
    }
    println!(
        "cargo::rerun-if-changed={}",
        workspace.join(source_hash::LOCK_FILE).display()
    );
    println!("cargo::rerun-if-changed={}", object.display());
    println!("cargo::rerun-if-env-changed={OVERRIDE}");
    println!("cargo::rustc-env=CAPTURE_EBPF_DIR={}", object.display());

    if let Err(message) = check(&workspace, &object) {
        if env::var(OVERRIDE).is_ok_and(|value| value == "allow") {
            println!("cargo::warning={message}");
        } else {
            println!("cargo::error={message}");
        }
    }
}

fn check(workspace: &Path, object: &Path) -> Result<(), String> {
    let now = source_hash::source_hash(workspace)
        .map_err(|error| format!("cannot read the sources of the eBPF object: {error}"))?;
    let committed = fs::read_to_string(object.join("sources.sha256"))
        .map_err(|error| format!("no committed eBPF object: run cargo xtask ebpf ({error})"))?;
    if committed.trim() == now {
        Ok(())
    } else {
        Err("the committed eBPF object is older than its sources: run cargo xtask ebpf".to_owned())
    }
}

/// The folder above this package; relative to where Cargo runs this, so absolute in the end.
fn workspace() -> PathBuf {
    let package = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default());
    package
        .parent()
        .map_or_else(|| PathBuf::from(".."), Path::to_path_buf)
}
