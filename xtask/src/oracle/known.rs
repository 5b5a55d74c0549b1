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
    /// Reads the table: mode, file, tuple, field and reason, separated by tabs; `*` stands for
    /// anything; `#` begins a comment.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
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
        let matches = |pattern: &str, value: &str| pattern == "*" || pattern == value;
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
            .filter(|entry| entry.file == "*" || files.contains(&entry.file))
            .map(|entry| (entry.line, entry.file.as_str()))
    }
}
