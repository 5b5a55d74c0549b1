//! A place where maps lie while new programs are loaded that are to use them.
//!
//! The loader takes maps that exist from a BPF file system only. This one is mounted nowhere: it
//! belongs to a file descriptor, nobody else sees it, and it is gone with it.

#![expect(
    unsafe_code,
    reason = "fsopen(2) and its companions have no wrapper in the standard library"
)]

use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};
use std::path::PathBuf;

use aya::maps::{Map, MapData};

use super::error::AttachError;

/// Maps by name, kept for programs that come later.
#[derive(Debug, Default)]
pub(super) struct Shared(Vec<(String, OwnedFd)>);

impl Shared {
    /// Keeps the maps that hold state. The constants belong to one set of programs.
    pub(super) fn keep<'a>(
        maps: impl Iterator<Item = (&'a str, &'a Map)>,
    ) -> Result<Self, AttachError> {
        let mut shared = Vec::new();
        for (name, map) in maps {
            if name.starts_with('.') || name == super::programs::LOG_MAP {
                continue;
            }
            let (Map::Array(data)
            | Map::ArrayOfMaps(data)
            | Map::HashMap(data)
            | Map::LruHashMap(data)
            | Map::PerCpuArray(data)
            | Map::PerCpuHashMap(data)
            | Map::PerCpuLruHashMap(data)
            | Map::RingBuf(data)
            | Map::XskMap(data)) = map
            else {
                return Err(AttachError::Kernel {
                    what: "keeping a map",
                    reason: format!("{name} is of a kind that is not expected"),
                });
            };
            let fd = std::os::fd::AsFd::as_fd(data.fd())
                .try_clone_to_owned()
                .map_err(|e| AttachError::kernel("keeping a map", &e))?;
            shared.push((name.to_owned(), fd));
        }
        Ok(Self(shared))
    }
}

/// The file system, with the maps in it.
#[derive(Debug)]
pub(super) struct Shelf {
    mount: OwnedFd,
    names: Vec<String>,
}

impl Shelf {
    /// Puts the maps on it.
    pub(super) fn with(shared: &Shared) -> Result<Self, AttachError> {
        let mut shelf = Self {
            mount: mount().map_err(|error| match error.raw_os_error() {
                Some(libc::EPERM) => AttachError::MayNotChange,
                _ => AttachError::kernel("making room for maps", &error),
            })?,
            names: Vec::new(),
        };
        for (name, fd) in &shared.0 {
            let keep = |error: &(dyn std::error::Error + 'static)| {
                AttachError::kernel("handing on a map", error)
            };
            let fd = fd.try_clone().map_err(|e| keep(&e))?;
            let data = MapData::from_fd(fd).map_err(|e| keep(&e))?;
            data.pin(shelf.path(name)).map_err(|e| keep(&e))?;
            shelf.names.push(name.clone());
        }
        Ok(shelf)
    }

    /// Each map and where it is.
    pub(super) fn maps(&self) -> impl Iterator<Item = (&str, PathBuf)> {
        self.names
            .iter()
            .map(|name| (name.as_str(), self.path(name)))
    }

    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{name}", self.mount.as_raw_fd()))
    }
}

/// Makes the file system.
fn mount() -> io::Result<OwnedFd> {
    /// `FSOPEN_CLOEXEC` and `FSMOUNT_CLOEXEC` (`linux/mount.h`).
    const CLOSE_ON_EXEC: libc::c_long = 1;
    /// `FSCONFIG_CMD_CREATE`.
    const CREATE: libc::c_long = 6;
    // SAFETY: the name is a C string, and the rest are numbers.
    let context = unsafe { libc::syscall(libc::SYS_fsopen, c"bpf".as_ptr(), CLOSE_ON_EXEC) };
    let context = owned(context)?;
    let fd = context.as_raw_fd();
    // SAFETY: this command takes neither a key nor a value.
    let created = unsafe {
        let none = std::ptr::null::<libc::c_char>();
        libc::syscall(libc::SYS_fsconfig, fd, CREATE, none, none, 0)
    };
    if created < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: takes numbers only.
    let mount = unsafe { libc::syscall(libc::SYS_fsmount, fd, CLOSE_ON_EXEC, 0) };
    owned(mount)
}

fn owned(result: libc::c_long) -> io::Result<OwnedFd> {
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel has just made it, and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(result as i32) })
}
