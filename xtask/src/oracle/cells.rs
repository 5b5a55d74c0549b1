//! Cells of two tables of fields that should be equal: how many are, and where they are not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Differences of one field that are printed.
const SHOWN: usize = 3;

/// What was counted of a field.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) cells: usize,
    pub(super) equal: usize,
    /// Different for a reason that is known.
    pub(super) known: usize,
    pub(super) first: Vec<String>,
}

/// All fields.
#[derive(Debug, Default)]
pub(super) struct Cells {
    pub(super) fields: BTreeMap<String, Count>,
    /// By what the list calls them.
    pub(super) protocols: BTreeMap<String, Frames>,
}

/// Frames of one protocol.
#[derive(Debug, Default)]
pub(super) struct Frames {
    pub(super) all: usize,
    /// Frames with a cell that differs, known or not, and the files that they are in.
    pub(super) different: usize,
    pub(super) files: BTreeSet<String>,
}

impl Cells {
    /// One more cell.
    pub(super) fn add(&mut self, place: &Place<'_>, known: &Known, theirs: &str, ours: &str) {
        let count = self.fields.entry(place.field.to_owned()).or_default();
        count.cells += 1;
        if theirs == ours {
            count.equal += 1;
        } else if known.explains(place) {
            count.known += 1;
        } else if count.first.len() < SHOWN {
            let Place {
                file,
                frame,
                protocols,
                ..
            } = place;
            count.first.push(format!(
                "{file} #{frame} {protocols}\n        tshark  {}\n        capture {}",
                start(theirs),
                start(ours)
            ));
        }
    }

    /// One more frame.
    pub(super) fn add_frame(&mut self, protocol: &str, file: &str, is_different: bool) {
        let frames = self.protocols.entry(protocol.to_owned()).or_default();
        frames.all += 1;
        if is_different {
            frames.different += 1;
            frames.files.insert(file.to_owned());
        }
    }

    /// Those of another capture too.
    pub(super) fn join(&mut self, other: Self) {
        for (field, count) in other.fields {
            let sum = self.fields.entry(field).or_default();
            sum.cells += count.cells;
            sum.equal += count.equal;
            sum.known += count.known;
            let room = SHOWN.saturating_sub(sum.first.len());
            sum.first.extend(count.first.into_iter().take(room));
        }
        for (protocol, frames) in other.protocols {
            let sum = self.protocols.entry(protocol).or_default();
            sum.all += frames.all;
            sum.different += frames.different;
            sum.files.extend(frames.files);
        }
    }

    /// Cells, those that are equal, those whose difference is known.
    pub(super) fn sums(&self) -> (usize, usize, usize) {
        self.fields.values().fold((0, 0, 0), |sums, count| {
            (
                sums.0 + count.cells,
                sums.1 + count.equal,
                sums.2 + count.known,
            )
        })
    }
}

fn start(text: &str) -> String {
    const LETTERS: usize = 160;
    text.chars().take(LETTERS).collect()
}

/// Where a cell stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    pub(super) file: &'a str,
    pub(super) frame: &'a str,
    pub(super) protocols: &'a str,
    pub(super) field: &'a str,
}

/// Differences that are understood.
#[derive(Debug, Default)]
pub(super) struct Known {
    entries: Vec<[String; 3]>,
}

impl Known {
    /// Reads the table: file, protocol in the frame, field and reason, separated by tabs; `*` at the end
    /// stands for anything; `#` begins a comment.
    pub(super) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        let mut entries = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let [file, protocol, field, reason] = *line.split('\t').collect::<Vec<_>>() else {
                bail!("{}:{}: four columns are needed", path.display(), number + 1);
            };
            if reason.trim().is_empty() {
                bail!("{}:{}: no reason is given", path.display(), number + 1);
            }
            entries.push([file, protocol, field].map(str::to_owned));
        }
        Ok(Self { entries })
    }

    fn explains(&self, place: &Place<'_>) -> bool {
        self.entries.iter().any(|[file, protocol, field]| {
            let mut protocols = place.protocols.split(':');
            fits(file, place.file)
                && (protocol == "*" || protocols.any(|name| fits(protocol, name)))
                && fits(field, place.field)
        })
    }
}

/// Whether a text is what the pattern says; `*` at its end stands for anything.
fn fits(pattern: &str, text: &str) -> bool {
    pattern
        .strip_suffix('*')
        .map_or(pattern == text, |front| text.starts_with(front))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place() -> Place<'static> {
        Place {
            file: "a.pcap",
            frame: "1",
            protocols: "eth:ethertype:ip:udp:snmp",
            field: "udp.payload",
        }
    }

    #[test]
    fn a_known_difference_names_file_protocol_and_field() {
        let known = |entry: [&str; 3]| Known {
            entries: vec![entry.map(str::to_owned)],
        };
        assert!(known(["*", "snmp", "udp.*"]).explains(&place()));
        assert!(known(["a.*", "*", "udp.payload"]).explains(&place()));
        assert!(!known(["*", "snm", "udp.*"]).explains(&place()));
        assert!(!known(["b.pcap", "*", "*"]).explains(&place()));
    }

    #[test]
    fn cells_are_equal_known_or_different() {
        let mut cells = Cells::default();
        let none = Known::default();
        cells.add(&place(), &none, "1", "1");
        cells.add(&place(), &none, "1", "2");
        let all = Known {
            entries: vec![["*", "*", "*"].map(str::to_owned)],
        };
        cells.add(&place(), &all, "1", "2");
        assert_eq!(cells.sums(), (3, 1, 1));
        let mut more = Cells::default();
        for _ in 0..=SHOWN {
            more.add(&place(), &none, "1", "2");
        }
        cells.join(more);
        assert_eq!(cells.sums(), (3 + SHOWN + 1, 1, 1));
        assert_eq!(cells.fields["udp.payload"].first.len(), SHOWN);
    }

    #[test]
    fn frames_that_differ_are_counted_with_their_files() {
        let mut cells = Cells::default();
        for (file, is_different) in [("a", true), ("a", true), ("b", false)] {
            cells.add_frame("TCP", file, is_different);
        }
        let mut more = Cells::default();
        more.add_frame("TCP", "c", true);
        cells.join(more);
        let frames = &cells.protocols["TCP"];
        assert_eq!((frames.all, frames.different), (4, 3));
        assert_eq!(frames.files.len(), 2);
    }
}
