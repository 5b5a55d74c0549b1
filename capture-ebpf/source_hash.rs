//! One hash over everything that the committed objects are made of, shared by the task that builds
//! them and by the build script that embeds them, so that both mean the same by "stale".

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// What is hashed byte by byte, relative to the workspace: files, and folders with all they hold.
pub(crate) const INPUTS: [&str; 4] = [
    "capture-common/Cargo.toml",
    "capture-common/src",
    "capture-ebpf/Cargo.toml",
    "capture-ebpf/src",
];

/// Where the locked versions are read from, relative to the workspace.
pub(crate) const LOCK_FILE: &str = "Cargo.lock";

/// Beginnings of the names of the packages whose locked version is part of the hash.
const LOCKED: [&str; 3] = ["aya-ebpf", "aya-log-common", "aya-log-ebpf"];

/// SHA-256 of the sources below `workspace`, in hexadecimal.
///
/// # Errors
///
/// When an input cannot be read.
pub(crate) fn source_hash(workspace: &Path) -> io::Result<String> {
    let mut files = Vec::new();
    for input in INPUTS {
        collect(&workspace.join(input), &mut files)?;
    }
    files.sort();
    let mut hash = Sha256::new();
    for file in &files {
        let name = file.strip_prefix(workspace).unwrap_or(file);
        let bytes = fs::read(file)?;
        // The length keeps the end of one file and the beginning of the next apart.
        hash.update(format!("{} {}\n", name.display(), bytes.len()));
        hash.update(&bytes);
    }
    let lock = fs::read_to_string(workspace.join(LOCK_FILE))?;
    for line in locked_versions(&lock) {
        hash.update(line);
        hash.update("\n");
    }
    let mut text = String::new();
    for byte in hash.finalize() {
        // Writing to a string does not fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// `name version` of each package of the lock file that ends up in the objects, sorted.
fn locked_versions(lock: &str) -> Vec<String> {
    let value = |line: &str, key: &str| {
        Some(
            line.strip_prefix(key)?
                .strip_prefix(" = \"")?
                .strip_suffix('"')?
                .to_owned(),
        )
    };
    let mut found = Vec::new();
    let mut name = None;
    for line in lock.lines() {
        if let Some(text) = value(line, "name") {
            name = LOCKED
                .iter()
                .any(|start| text.starts_with(start))
                .then_some(text);
        } else if let (Some(name), Some(version)) = (&name, value(line, "version")) {
            found.push(format!("{name} {version}"));
        }
    }
    found.sort();
    found
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            collect(&entry?.path(), files)?;
        }
    } else {
        files.push(path.to_owned());
    }
    Ok(())
}
