//! Programs that are attached already: their names, and those at TCX.

use std::io;

use aya::programs::tc::{TcAttachType, TcError};
use aya::programs::{ProgramError, ProgramInfo, SchedClassifier, loaded_programs};

use super::IfaceError;

/// A program in the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The kernel's number of it, as in `bpftool prog`.
    pub id: u32,
    /// Its name (at most 15 bytes); `None` if it has none.
    pub name: Option<String>,
}

/// The TCX programs of an interface, in the order in which they run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TcxPrograms {
    /// On what comes in, after XDP.
    pub ingress: Vec<Program>,
    /// On what goes out.
    pub egress: Vec<Program>,
}

/// The TCX programs of an interface. Asking needs privileges, and a kernel that has TCX (6.6).
pub fn tcx_programs(name: &str) -> Result<TcxPrograms, IfaceError> {
    let at = |hook| {
        SchedClassifier::query_tcx(name, hook)
            .map(|(_revision, programs)| programs.iter().map(Program::from).collect())
            .map_err(|error| IfaceError::Tcx {
                source: reason(error),
            })
    };
    Ok(TcxPrograms {
        ingress: at(TcAttachType::Ingress)?,
        egress: at(TcAttachType::Egress)?,
    })
}

/// What the kernel said, which aya's error keeps inside.
fn reason(error: ProgramError) -> io::Error {
    match error {
        ProgramError::SyscallError(error) => error.io_error,
        ProgramError::TcError(TcError::IoError(error)) => error,
        other => io::Error::other(other),
    }
}

/// The name of a loaded program, if it has one and we may ask.
pub(super) fn program_name(id: u32) -> Option<String> {
    let mut programs = loaded_programs().filter_map(Result::ok);
    Program::from(&programs.find(|program| program.id() == id)?).name
}

impl From<&ProgramInfo> for Program {
    fn from(info: &ProgramInfo) -> Self {
        let name = info.name_as_str().filter(|name| !name.is_empty());
        Self {
            id: info.id(),
            name: name.map(str::to_owned),
        }
    }
}
