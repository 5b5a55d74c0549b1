//! Cells of two tables of fields that should be equal: how many are, and where they are not.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

/// Differences of one field that are printed, unless all are.
const SHOWN: usize = 3;

/// Which differences are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Show {
    /// The first of each field, if they are not known.
    First,
    /// All, the known ones too.
    All,
}

impl From<bool> for Show {
    fn from(is_all: bool) -> Self {
        if is_all { Self::All } else { Self::First }
    }
}

/// What was counted of a field.
#[derive(Clone, Debug, Default)]
pub(super) struct Count {
    /// Different for no reason that is known.
    pub(super) different: usize,
    /// Different for a reason that is known.
    pub(super) known: usize,
    pub(super) shown: Vec<String>,
}

/// All fields of all rows. Nearly all rows are equal, so only what differs is counted.
#[derive(Debug)]
pub(super) struct Cells {
    show: Show,
    pub(super) rows: usize,
    /// By the field's number.
    pub(super) fields: Vec<Count>,
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
    pub(super) fn new(fields: usize, show: Show) -> Self {
        Self {
            show,
            rows: 0,
            fields: vec![Count::default(); fields],
            protocols: BTreeMap::new(),
        }
    }

    /// A cell of the field with this number differs.
    pub(super) fn differs(
        &mut self,
        number: usize,
        place: &Place<'_>,
        known: &Known,
        theirs: &str,
        ours: &str,
    ) {
        let Some(count) = self.fields.get_mut(number) else {
            return;
        };
        let is_known = known.explains(place);
        if is_known {
            count.known += 1;
        } else {
            count.different += 1;
        }
        let is_shown = match self.show {
            Show::All => true,
            Show::First => !is_known && count.shown.len() < SHOWN,
        };
        if is_shown {
            let Place {
                file,
                frame,
                protocols,
                ..
            } = place;
            let mark = if is_known { " (known)" } else { "" };
            count.shown.push(format!(
                "{file} #{frame} {protocols}{mark}\n        tshark  {}\n        capture {}",
                start(theirs),
                start(ours)
            ));
        }
    }

    /// One more frame.
    pub(super) fn add_frame(&mut self, protocol: &str, file: &str, is_different: bool) {
        if !self.protocols.contains_key(protocol) {
            self.protocols
                .insert(protocol.to_owned(), Frames::default());
        }
        let Some(frames) = self.protocols.get_mut(protocol) else {
            return;
        };
        frames.all += 1;
        if is_different {
            frames.different += 1;
            if !frames.files.contains(file) {
                frames.files.insert(file.to_owned());
            }
        }
    }

    /// Those of another capture too.
    pub(super) fn join(&mut self, other: Self) {
        self.rows += other.rows;
        for (sum, count) in self.fields.iter_mut().zip(other.fields) {
            sum.different += count.different;
            sum.known += count.known;
            let room = match self.show {
                Show::All => usize::MAX,
                Show::First => SHOWN.saturating_sub(sum.shown.len()),
            };
            sum.shown.extend(count.shown.into_iter().take(room));
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
        let all = self.rows * self.fields.len();
        let different: usize = self.fields.iter().map(|count| count.different).sum();
        let known: usize = self.fields.iter().map(|count| count.known).sum();
        (all, all - different - known, known)
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
        let none = Known::default();
        let all = Known {
            entries: vec![["*", "*", "*"].map(str::to_owned)],
        };
        let mut cells = Cells::new(2, Show::First);
        cells.rows = 2;
        cells.differs(1, &place(), &none, "1", "2");
        cells.differs(1, &place(), &all, "1", "2");
        assert_eq!(cells.sums(), (4, 2, 1));
        let mut more = Cells::new(2, Show::First);
        for _ in 0..=SHOWN {
            more.rows += 1;
            more.differs(1, &place(), &none, "1", "2");
        }
        cells.join(more);
        assert_eq!(cells.sums(), (4 + 2 * (SHOWN + 1), 2 + SHOWN + 1, 1));
        assert_eq!(cells.fields[1].shown.len(), SHOWN);
    }

    #[test]
    fn all_differences_are_shown_where_all_are_asked_for() {
        let all = Known {
            entries: vec![["*", "*", "*"].map(str::to_owned)],
        };
        let mut cells = Cells::new(1, Show::All);
        for _ in 0..=SHOWN {
            cells.differs(0, &place(), &Known::default(), "1", "2");
            cells.differs(0, &place(), &all, "1", "2");
        }
        assert_eq!(cells.fields[0].shown.len(), 2 * (SHOWN + 1));
    }

    #[test]
    fn frames_that_differ_are_counted_with_their_files() {
        let mut cells = Cells::new(0, Show::First);
        for (file, is_different) in [("a", true), ("a", true), ("b", false)] {
            cells.add_frame("TCP", file, is_different);
        }
        let mut more = Cells::new(0, Show::First);
        more.add_frame("TCP", "c", true);
        cells.join(more);
        let frames = &cells.protocols["TCP"];
        assert_eq!((frames.all, frames.different), (4, 3));
        assert_eq!(frames.files.len(), 2);
    }
}
