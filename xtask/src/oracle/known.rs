//! Differences that are understood: a table in the repository, each line with its reason.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::compare::Difference;

/// A line of the table.
#[derive(Debug)]
struct Entry {
    line: usize,
    mode: String,
    file: String,
    tuple: String,
    field: String,
    uses: usize,
}

/// The table.
#[derive(Debug)]
pub(crate) struct Known {
    entries: Vec<Entry>,
}

impl Known {
    /// Reads the table: mode, file, tuple, field and reason, separated by tabs; `*` at the end stands
    /// for anything; `#` begins a comment.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
        Self::parse(path, &text)
    }

    fn parse(path: &Path, text: &str) -> Result<Self> {
        let mut entries = Vec::new();
        for (number, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let [mode, file, tuple, field, reason] = *line.split('\t').collect::<Vec<_>>() else {
                bail!("{}:{}: five columns are needed", path.display(), number + 1);
            };
            if reason.trim().is_empty() {
                bail!("{}:{}: no reason is given", path.display(), number + 1);
            }
            entries.push(Entry {
                line: number + 1,
                mode: mode.to_owned(),
                file: file.to_owned(),
                tuple: tuple.to_owned(),
                field: field.to_owned(),
                uses: 0,
            });
        }
        Ok(Self { entries })
    }

    /// Whether a difference is in the table; notes that the line is still needed.
    pub(crate) fn explains(&mut self, mode: &str, file: &str, difference: &Difference) -> bool {
        let mut found = false;
        for entry in &mut self.entries {
            if matches(&entry.mode, mode)
                && matches(&entry.file, file)
                && matches(&entry.tuple, &difference.tuple)
                && matches(&entry.field, difference.field)
            {
                entry.uses += 1;
                found = true;
            }
        }
        found
    }

    /// Lines that explained nothing, in a run over files with these names.
    pub(crate) fn stale<'a>(
        &'a self,
        files: &'a [String],
    ) -> impl Iterator<Item = (usize, &'a str)> + 'a {
        self.entries
            .iter()
            .filter(|entry| entry.uses == 0)
            .filter(|entry| files.iter().any(|file| matches(&entry.file, file)))
            .map(|entry| (entry.line, entry.file.as_str()))
    }
}

/// Whether a column says this, or begins with it up to a `*`.
fn matches(pattern: &str, value: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => value.starts_with(beginning),
        None => pattern == value,
    }
}

#[cfg(test)]
mod tests {
    use super::super::row::Class;
    use super::*;

    fn difference(tuple: &str) -> Difference {
        Difference {
            tuple: tuple.to_owned(),
            field: "history",
            ours: "D".to_owned(),
            theirs: "d".to_owned(),
            class: Class::Tcp,
        }
    }

    #[test]
    fn only_what_is_listed_is_known_and_the_rest_of_the_list_is_stale() {
        let mut known = Known::parse(
            Path::new("table"),
            "# comment\nignore\ta.pcap\ttcp *\thistory\twhy\n*\tb.pcap\t*\t*\twhy\n",
        )
        .unwrap();
        assert!(known.explains(
            "ignore",
            "a.pcap",
            &difference("tcp 192.0.2.1:1>192.0.2.2:2")
        ));
        assert!(!known.explains(
            "ignore",
            "a.pcap",
            &difference("udp 192.0.2.1:1>192.0.2.2:2")
        ));
        assert!(!known.explains(
            "validate",
            "a.pcap",
            &difference("tcp 192.0.2.1:1>192.0.2.2:2")
        ));
        let names = ["a.pcap", "b.pcap"].map(str::to_owned);
        let stale: Vec<_> = known.stale(&names).collect();
        assert_eq!(stale, [(3, "b.pcap")]);
        assert_eq!(known.stale(&names[..1]).count(), 0);
    }

    #[test]
    fn a_line_without_a_reason_is_refused() {
        for text in ["*\ta.pcap\t*\t*\t \n", "*\ta.pcap\t*\t*\n"] {
            assert!(Known::parse(Path::new("table"), text).is_err());
        }
    }
}
