//! The capture filter of files: one expression, a program for each link type that the interfaces of a
//! file have.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::filter::capture::{Filter, FilterError, Machine};
use crate::packet::{LinkType, Packet};
use crate::source::file::FileSource;

/// The expression cannot be used for the packets of an interface.
#[derive(Debug, thiserror::Error)]
#[error("{}: interface {iface} ({link}): {error}", path.display())]
pub struct IfaceFilterError {
    /// The file.
    pub path: PathBuf,
    /// Name of the interface, or its number in the file, from 0.
    pub iface: String,
    /// Link type of its packets.
    pub link: LinkType,
    /// Why not.
    pub error: FilterError,
}

/// Programs of a filter by link type, ready to run.
#[derive(Clone, Debug, Default)]
pub struct FilePrograms {
    /// Files have few link types, almost all of them one.
    machines: Vec<(LinkType, Machine)>,
}

impl FilePrograms {
    /// Whether the filter keeps a packet of one of the file's interfaces.
    #[must_use]
    pub fn keeps(&self, packet: &Packet<'_>) -> bool {
        let link = packet.meta.link;
        self.machines
            .iter()
            .find(|(known, _)| *known == link)
            .is_some_and(|(_, machine)| machine.keeps(packet.data, packet.meta.wire_len))
    }
}

/// A filter for the packets of files, one file after the other.
#[derive(Debug)]
pub struct FileFilter {
    filter: Filter,
    programs: Arc<FilePrograms>,
    /// Interfaces of the file for whose link type there is a program.
    known: usize,
}

impl FileFilter {
    /// A filter of which nothing is compiled yet.
    #[must_use]
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            programs: Arc::default(),
            known: 0,
        }
    }

    /// Another file comes: what its link types are is not known.
    pub fn next_file(&mut self) {
        self.programs = Arc::default();
        self.known = 0;
    }

    /// Programs for all interfaces that a file has described so far.
    ///
    /// # Errors
    ///
    /// When the expression cannot be compiled for the link type of one of them.
    pub fn programs(
        &mut self,
        path: &Path,
        source: &FileSource,
    ) -> Result<Arc<FilePrograms>, IfaceFilterError> {
        let Self {
            filter,
            programs,
            known,
        } = self;
        for (number, iface) in source.ifaces().iter().enumerate().skip(*known) {
            let has = |(link, _): &(LinkType, Machine)| *link == iface.link;
            if !programs.machines.iter().any(has) {
                let machine = filter
                    .machine(iface.link, source.origin())
                    .map_err(|error| IfaceFilterError {
                        path: path.to_owned(),
                        iface: if iface.name.is_empty() {
                            number.to_string()
                        } else {
                            iface.name.clone()
                        },
                        link: iface.link,
                        error,
                    })?;
                Arc::make_mut(programs).machines.push((iface.link, machine));
            }
            *known = number + 1;
        }
        Ok(Arc::clone(programs))
    }
}
