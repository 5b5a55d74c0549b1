//! Where the sockets of running captures lie.

use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

/// The folder of the whole machine, in which only root can make anything.
const RUN: &str = "/run/capture";

/// Folders in which sockets may lie, the best one first.
pub(super) fn folders() -> Vec<PathBuf> {
    let mut folders = vec![PathBuf::from(RUN)];
    if let Some(own) = std::env::var_os("XDG_RUNTIME_DIR").filter(|own| !own.is_empty()) {
        folders.push(Path::new(&own).join("capture"));
    }
    let user = rustix::process::geteuid().as_raw();
    folders.push(std::env::temp_dir().join(format!("capture-{user}")));
    folders
}

/// The socket of a process in a folder.
pub(super) fn socket(folder: &Path, pid: u32) -> PathBuf {
    folder.join(format!("{pid}.sock"))
}

/// Makes sure that there is such a folder, and that nobody else can put anything there.
pub(super) fn prepare(folder: &Path) -> io::Result<()> {
    match fs::DirBuilder::new().mode(0o755).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        made => return made,
    }
    let found = fs::symlink_metadata(folder)?;
    let others_write = found.permissions().mode() & 0o022 != 0;
    if !found.is_dir() || found.uid() != rustix::process::geteuid().as_raw() || others_write {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "somebody else can write there",
        ));
    }
    Ok(())
}

/// All sockets that lie in the folders, of dead captures as well.
pub(super) fn sockets() -> Vec<PathBuf> {
    folders()
        .iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "sock"))
        .collect()
}
