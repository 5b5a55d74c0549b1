//! Network namespaces: where interfaces are looked up and programs are attached.
//!
//! A thread is in one namespace at a time, and everything that names an interface means one of that
//! namespace. Work for another one runs on a thread of its own that enters it, so that no thread of
//! this process ever has to find its way back; what it opened (sockets, links) stays what it is.
#![expect(unsafe_code, reason = "setns(2) has no wrapper")]

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;

/// Where `ip netns` keeps its names.
const NAMES: &str = "/run/netns";

/// A network namespace.
#[derive(Clone, Debug, Default)]
pub struct Namespace {
    /// `None` is that of this process.
    other: Option<Arc<Other>>,
}

#[derive(Debug)]
struct Other {
    name: String,
    file: File,
}

/// Why a namespace cannot be entered.
#[derive(Debug, thiserror::Error)]
pub enum NamespaceError {
    /// There is none of this name.
    #[error("no network namespace \"{name}\"{}", those_known(.known))]
    Unknown {
        /// What was asked for.
        name: String,
        /// The names that `ip netns` knows.
        known: Vec<String>,
    },
    /// There is no such process.
    #[error("no network namespace \"{name}\": neither a name (ip netns) nor a running process")]
    NoProcess {
        /// What was asked for.
        name: String,
    },
    /// It cannot be opened.
    #[error("{}: cannot be opened: {reason}", path.display())]
    Open {
        /// The file of the namespace.
        path: PathBuf,
        /// What the kernel said.
        reason: io::Error,
    },
    /// The file is something else.
    #[error("{}: is not a network namespace", path.display())]
    Other {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be entered.
    #[error(
        "{name}: cannot enter the network namespace: {reason}; it needs root, or CAP_SYS_ADMIN"
    )]
    Enter {
        /// What was asked for.
        name: String,
        /// What the kernel said.
        reason: io::Error,
    },
}

fn those_known(names: &[String]) -> String {
    if names.is_empty() {
        "; ip netns knows none".to_owned()
    } else {
        format!("; there are: {}", super::listed(names))
    }
}

impl Namespace {
    /// The namespace of a name (`ip netns`), of a process by its number, or of a file. A name wins over
    /// a process, and a word with a slash is a file.
    ///
    /// # Errors
    ///
    /// There is no such, or it cannot be entered.
    pub fn open(word: &str) -> Result<Self, NamespaceError> {
        let path = path(word)?;
        let file = File::open(&path).map_err(|reason| NamespaceError::Open {
            path: path.clone(),
            reason,
        })?;
        let namespace = Self {
            other: Some(Arc::new(Other {
                name: word.to_owned(),
                file,
            })),
        };
        // Tried once at the start, where somebody reads what is wrong.
        namespace.enter(|| ()).map_err(|reason| {
            if reason.raw_os_error() == Some(libc::EINVAL) {
                NamespaceError::Other { path }
            } else {
                NamespaceError::Enter {
                    name: word.to_owned(),
                    reason,
                }
            }
        })?;
        Ok(namespace)
    }

    /// What it was asked for by; `None` for that of this process.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.other.as_ref().map(|other| other.name.as_str())
    }

    /// Runs `work` inside.
    ///
    /// # Errors
    ///
    /// When it cannot be entered, or no thread can be started. It was entered once before, so that
    /// hardly happens.
    ///
    /// # Panics
    ///
    /// When `work` does.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> io::Result<T> {
        let Some(other) = &self.other else {
            return Ok(work());
        };
        thread::scope(|scope| {
            let thread = thread::Builder::new()
                .name("netns".to_owned())
                .spawn_scoped(scope, || {
                    join(&other.file)?;
                    Ok(work())
                })?;
            match thread.join() {
                Ok(result) => result,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        })
    }
}

/// Moves the calling thread into a namespace.
fn join(file: &File) -> io::Result<()> {
    // SAFETY: the descriptor is open, and the call changes nothing but the namespace of this thread.
    let failed = unsafe { libc::setns(file.as_raw_fd(), libc::CLONE_NEWNET) };
    if failed == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn path(word: &str) -> Result<PathBuf, NamespaceError> {
    if word.contains('/') {
        return Ok(PathBuf::from(word));
    }
    let named = Path::new(NAMES).join(word);
    if !word.is_empty() && word != "." && word != ".." && named.exists() {
        return Ok(named);
    }
    if word.is_empty() || !word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(NamespaceError::Unknown {
            name: word.to_owned(),
            known: names(),
        });
    }
    let process = Path::new("/proc").join(word);
    if !process.exists() {
        return Err(NamespaceError::NoProcess {
            name: word.to_owned(),
        });
    }
    Ok(process.join("ns/net"))
}

fn names() -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(NAMES)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort_unstable();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_namespace_is_told_apart() {
        let error = |word: &str| Namespace::open(word).unwrap_err();
        assert!(matches!(error(""), NamespaceError::Unknown { .. }));
        assert!(matches!(error(".."), NamespaceError::Unknown { .. }));
        assert!(matches!(
            error("no-such-one"),
            NamespaceError::Unknown { .. }
        ));
        // Numbers of processes end at 4194304 (PID_MAX_LIMIT).
        assert!(matches!(
            error("4294967295"),
            NamespaceError::NoProcess { .. }
        ));
        assert!(matches!(error("/nowhere"), NamespaceError::Open { .. }));
        assert!(matches!(error("/dev/null"), NamespaceError::Other { .. }));
        let error = NamespaceError::Unknown {
            name: "blue".into(),
            known: vec!["green".into(), "red".into()],
        };
        assert_eq!(
            error.to_string(),
            "no network namespace \"blue\"; there are: green, red"
        );
    }

    #[test]
    fn the_own_one_is_where_the_thread_is() {
        let namespace = Namespace::default();
        assert_eq!(namespace.name(), None);
        let thread = thread::current().id();
        assert_eq!(
            namespace.enter(|| thread::current().id()).unwrap(),
            thread,
            "no thread is needed"
        );
    }
}
