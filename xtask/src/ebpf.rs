//! `cargo xtask ebpf`: builds the kernel side and commits it to `capture-ebpf/object/`, the same
//! bytes on every machine with the same toolchain, whatever folder the checkout lies in.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use crate::object::{same_but_for_order_of_types, strip_debug};
use crate::source_hash::source_hash;
use crate::workspace::{self, cargo, find_program, output, root, run, target};

/// Whether the committed files are replaced or only compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Replace them.
    Write,
    /// Compare them.
    Check,
}

const PACKAGE: &str = "capture-ebpf";
const TARGET: &str = "bpfel-unknown-none";
/// Debian's compiler, for which the archive has `core` built for BPF.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

const ADVICE: &str = "no toolchain for eBPF on this machine. One of the two is enough:

  Debian 12:
    apt-get install rustc-web libstd-rust-web-dev-bpf llvm-22-dev libpolly-22-dev
    LLVM_PREFIX=/usr/lib/llvm-22 cargo install bpf-linker@0.13.0 --no-default-features --features llvm-22

  anywhere else:
    rustup toolchain install nightly --component rust-src
    cargo install bpf-linker@0.13.0

Nothing but this task needs it: the objects are committed.";

/// Builds every object and writes or compares them.
pub(crate) fn ebpf(mode: Mode) -> Result<()> {
    let toolchain = Toolchain::find()?;
    eprintln!("toolchain: {}", toolchain.line);
    let metadata = metadata()?;
    let built = build(&toolchain, &metadata)?;
    let hash = source_hash(&root()).context("reading the sources of the objects")?;
    let folder = root().join(PACKAGE).join("object");
    match mode {
        Mode::Write => write(&folder, &built, &hash, &toolchain.line),
        Mode::Check => check(&folder, &built, &hash, &toolchain.line),
    }
}

/// One object: the name of its binary and the stripped bytes.
struct Built {
    name: String,
    bytes: Vec<u8>,
}

fn write(folder: &Path, built: &[Built], hash: &str, toolchain: &str) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    for name in committed_objects(folder)? {
        if built.iter().all(|object| object.name != name) {
            fs::remove_file(folder.join(format!("{name}.o")))
                .with_context(|| format!("removing {name}.o"))?;
            println!("{name}.o  removed: no such program any more");
        }
    }
    for Built { name, bytes } in built {
        let file = folder.join(format!("{name}.o"));
        let state = match fs::read(&file) {
            Ok(old) if old == *bytes => "unchanged",
            Ok(_) => "changed",
            Err(_) => "new",
        };
        fs::write(&file, bytes).with_context(|| format!("writing {}", file.display()))?;
        println!("{name}.o  {} bytes, {state}", bytes.len());
    }
    for (name, text) in [("sources.sha256", hash), ("toolchain", toolchain)] {
        let file = folder.join(name);
        fs::write(&file, format!("{text}\n"))
            .with_context(|| format!("writing {}", file.display()))?;
    }
    Ok(())
}

fn check(folder: &Path, built: &[Built], hash: &str, toolchain: &str) -> Result<()> {
    let committed_hash = read_line(&folder.join("sources.sha256"))?;
    ensure!(
        committed_hash == hash,
        "the committed eBPF object is older than its sources: run cargo xtask ebpf"
    );
    let names: BTreeSet<_> = built.iter().map(|object| object.name.clone()).collect();
    ensure!(
        committed_objects(folder)? == names,
        "the committed objects are not those of the programs {names:?}: run cargo xtask ebpf"
    );
    let committed_toolchain = read_line(&folder.join("toolchain"))?;
    let same_toolchain = committed_toolchain == toolchain;
    for Built { name, bytes } in built {
        let file = folder.join(format!("{name}.o"));
        let committed = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        if committed == *bytes {
            println!("{name}.o  {} bytes, as committed", bytes.len());
        } else if same_toolchain && same_but_for_order_of_types(&committed, bytes)? {
            println!(
                "{name}.o  {} bytes, as committed but for the order of types",
                bytes.len()
            );
        } else if same_toolchain {
            bail!(
                "{name}.o: the same sources and toolchain give other bytes than those committed: run cargo xtask ebpf"
            );
        } else {
            println!(
                "{name}.o  {} bytes, committed {} bytes",
                bytes.len(),
                committed.len()
            );
        }
    }
    if !same_toolchain {
        println!(
            "built by another toolchain ({committed_toolchain}), so only the hash of the sources was compared"
        );
    }
    println!("sources as committed: {hash}");
    Ok(())
}

fn read_line(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    Ok(text.trim().to_owned())
}

/// Names of the objects that lie in the folder, without `.o`.
fn committed_objects(folder: &Path) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let name = entry?.file_name();
        if let Some(name) = name.to_str().and_then(|name| name.strip_suffix(".o")) {
            names.insert(name.to_owned());
        }
    }
    Ok(names)
}

/// What builds for BPF on this machine.
struct Toolchain {
    /// Environment that makes Cargo use this compiler.
    environment: Vec<(&'static str, String)>,
    /// More arguments for `cargo build`.
    arguments: Vec<&'static str>,
    /// Where the sources of `core` lie, to be kept out of the object.
    library: Option<PathBuf>,
    linker: PathBuf,
    /// One line that says all that decides on the bytes.
    line: String,
}

impl Toolchain {
    fn rustc(&self) -> PathBuf {
        self.environment
            .iter()
            .find(|(name, _)| *name == "RUSTC")
            .map(|(_, rustc)| rustc.into())
            .unwrap_or_default()
    }

    fn find() -> Result<Self> {
        let mut folders = workspace::tool_folders()?;
        folders.push(PathBuf::from("/opt/bpf/bin"));
        let linker = find_program("bpf-linker", &folders).context(ADVICE)?;
        let linker_version = output(Command::new(&linker).arg("--version"))?;

        let debian = has_bpf_core(DEBIAN_RUSTC).then(|| (DEBIAN_RUSTC.to_owned(), Vec::new()));
        let (rustc, arguments) = debian.or_else(nightly).context(ADVICE)?;
        let version = output(Command::new(&rustc).arg("-vV"))?;
        let field = |name: &str| {
            version
                .lines()
                .find_map(|line| line.strip_prefix(name))
                .unwrap_or("unknown")
                .trim()
                .to_owned()
        };
        let line = format!(
            "{}, LLVM {}, {}",
            version.lines().next().unwrap_or("rustc unknown"),
            field("LLVM version:"),
            linker_version.trim()
        );
        let library = output(Command::new(&rustc).args(["--print", "sysroot"]))
            .ok()
            .map(|sysroot| Path::new(sysroot.trim()).join("lib/rustlib/src/rust"))
            .filter(|library| library.is_dir());
        // `aya-ebpf` and Debian's prebuilt `core` want unstable features of a stable compiler.
        let environment = vec![("RUSTC", rustc), ("RUSTC_BOOTSTRAP", "1".to_owned())];
        Ok(Self {
            environment,
            arguments,
            library,
            linker,
            line,
        })
    }
}

/// Whether this compiler has a `core` for BPF.
fn has_bpf_core(rustc: &str) -> bool {
    let libraries = Command::new(rustc)
        .args(["--print", "target-libdir", "--target", TARGET])
        .stderr(Stdio::null())
        .output();
    libraries.is_ok_and(|output| {
        let folder = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        fs::read_dir(folder).is_ok_and(|files| {
            files
                .flatten()
                .any(|file| file.file_name().to_string_lossy().starts_with("libcore-"))
        })
    })
}

/// A nightly compiler that has the sources of `core`.
fn nightly() -> Option<(String, Vec<&'static str>)> {
    let found = Command::new("rustup")
        .args(["which", "rustc", "--toolchain", "nightly"])
        .stderr(Stdio::null())
        .output();
    let rustc = String::from_utf8(found.ok().filter(|output| output.status.success())?.stdout)
        .ok()?
        .trim()
        .to_owned();
    let library = Path::new(&rustc)
        .parent()?
        .parent()?
        .join("lib/rustlib/src/rust/library/core");
    library
        .is_dir()
        .then(|| (rustc, vec!["-Z", "build-std=core"]))
}

/// All packages with their folders; Cargo fetches them for it.
fn metadata() -> Result<Value> {
    let text = output(cargo().args(["metadata", "--locked", "--format-version", "1"]))?;
    serde_json::from_str(&text).context("reading the output of cargo metadata")
}

/// Names of the binaries of the eBPF package.
fn binaries(metadata: &Value) -> Result<Vec<String>> {
    let packages = metadata["packages"]
        .as_array()
        .context("cargo metadata lists no packages")?;
    let package = packages
        .iter()
        .find(|package| package["name"] == PACKAGE)
        .with_context(|| format!("no package {PACKAGE}"))?;
    let targets = package["targets"]
        .as_array()
        .context("cargo metadata lists no targets")?;
    let names: Vec<_> = targets
        .iter()
        .filter(|target| {
            target["kind"]
                .as_array()
                .is_some_and(|kinds| kinds.iter().any(|kind| kind == "bin"))
        })
        .filter_map(|target| target["name"].as_str().map(str::to_owned))
        .collect();
    ensure!(!names.is_empty(), "{PACKAGE} has no programs");
    Ok(names)
}

/// Folders of this machine and what is written into the object in their place.
fn remappings(toolchain: &Toolchain, metadata: &Value) -> Vec<(String, &'static str)> {
    let mut folders = vec![(root().display().to_string(), "/capture")];
    // Each registry has a folder of its own, whose name differs between mirrors.
    let registries: BTreeSet<_> = metadata["packages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|package| package["source"].is_string())
        .filter_map(|package| {
            Path::new(package["manifest_path"].as_str()?)
                .ancestors()
                .nth(2)
        })
        .collect();
    folders.extend(
        registries
            .iter()
            .map(|folder| (folder.display().to_string(), "/registry")),
    );
    folders.extend(
        toolchain
            .library
            .iter()
            .map(|folder| (folder.display().to_string(), "/rust")),
    );
    folders
}

fn build(toolchain: &Toolchain, metadata: &Value) -> Result<Vec<Built>> {
    let remappings = remappings(toolchain, metadata);
    let folder = target()?.join("ebpf");
    let mut command = cross("build", toolchain, &remappings)?;
    run(&mut command)?;

    let mut built = Vec::new();
    for name in binaries(metadata)? {
        let file = folder.join(TARGET).join("release").join(&name);
        let linked = fs::read(&file).with_context(|| format!("reading {}", file.display()))?;
        let bytes = strip_debug(&linked).with_context(|| name.clone())?;
        for (path, _) in &remappings {
            ensure!(
                !contains(&bytes, path.as_bytes()),
                "{name}.o holds the path {path} of this machine, so it cannot be rebuilt elsewhere"
            );
        }
        built.push(Built { name, bytes });
    }
    Ok(built)
}

/// Cargo on the eBPF package, for BPF.
fn cross(verb: &str, toolchain: &Toolchain, remappings: &[(String, &str)]) -> Result<Command> {
    let mut flags = vec![
        format!("-Clinker={}", toolchain.linker.display()),
        "-Clink-arg=--btf".to_owned(),
        "-Cdebuginfo=2".to_owned(),
        // `aya-ebpf` takes the layout of registers from it; nothing here reads registers, so that
        // one object serves every architecture of this byte order.
        "--cfg=bpf_target_arch=\"x86_64\"".to_owned(),
    ];
    flags.extend(
        remappings
            .iter()
            .map(|(from, to)| format!("--remap-path-prefix={from}={to}")),
    );
    let mut command = cargo();
    command
        .args([
            verb,
            "--locked",
            "--release",
            "--package",
            PACKAGE,
            "--bins",
            "--target",
            TARGET,
            "--target-dir",
        ])
        .arg(target()?.join("ebpf"))
        .args(&toolchain.arguments)
        .envs(toolchain.environment.iter().cloned())
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTUP_TOOLCHAIN")
        .env_remove("RUSTC_WRAPPER")
        .env_remove("RUSTC_WORKSPACE_WRAPPER")
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        // The profile is fixed here, so that a change of the workspace's does not make objects stale.
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "3")
        .env("CARGO_PROFILE_RELEASE_DEBUG", "2")
        .env("CARGO_PROFILE_RELEASE_LTO", "thin")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "4")
        .env("CARGO_PROFILE_RELEASE_PANIC", "abort");
    Ok(command)
}

/// Clippy on the eBPF package, where the compiler for BPF has its own clippy beside it.
pub(crate) fn clippy() -> Result<Option<Command>> {
    let Ok(toolchain) = Toolchain::find() else {
        return Ok(None);
    };
    let driver = toolchain.rustc().with_file_name("clippy-driver");
    if !driver.is_file() {
        return Ok(None);
    }
    let mut command = cross("check", &toolchain, &[])?;
    // What `cargo clippy` does; called this way it takes the driver of this compiler.
    command.env("RUSTC_WORKSPACE_WRAPPER", driver).env(
        "CLIPPY_ARGS",
        "-D__CLIPPY_HACKERY__warnings__CLIPPY_HACKERY__",
    );
    Ok(Some(command))
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}
