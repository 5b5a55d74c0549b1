//! `cargo xtask vendors DIR`: the table of vendors of MAC addresses, from IEEE's public registry.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::workspace::root;

/// The registry's files, as Debian's `ieee-data` and standards-oui.ieee.org name them: large, medium and
/// small blocks, and the small ones of before.
const FILES: [&str; 4] = ["oui.csv", "mam.csv", "oui36.csv", "iab.csv"];

/// Where the table lies.
const TABLE: &str = "capture/src/read/vendors.gz";

/// The most that it may weigh in the program.
const MOST_BYTES: usize = 700_000;

/// Reads the registry in `folder` and writes the table.
pub(crate) fn vendors(folder: &Path) -> Result<()> {
    let mut organizations: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut count = 0;
    for name in FILES {
        let path = folder.join(name);
        let text = fs::read_to_string(&path).with_context(|| path.display().to_string())?;
        for row in rows(&text).skip(1) {
            let [_, prefix, organization, ..] = row.as_slice() else {
                bail!("{}: {row:?} is not a row of the registry", path.display());
            };
            let words: Vec<_> = organization.split_whitespace().collect();
            let prefixes = organizations.entry(words.join(" ")).or_default();
            prefixes.push(prefix.to_ascii_lowercase());
            count += 1;
        }
    }
    let mut table = String::new();
    for (name, prefixes) in &mut organizations {
        prefixes.sort_unstable();
        table.push_str(name);
        table.push('\t');
        table.push_str(&prefixes.join(" "));
        table.push('\n');
    }
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(table.as_bytes())?;
    let packed = encoder.finish()?;
    if packed.len() > MOST_BYTES {
        bail!("{} bytes are more than {MOST_BYTES}", packed.len());
    }
    let path = root().join(TABLE);
    fs::write(&path, &packed).with_context(|| path.display().to_string())?;
    println!(
        "{}: {count} blocks of {} organizations in {} bytes",
        path.display(),
        organizations.len(),
        packed.len()
    );
    Ok(())
}

/// The rows of a table with commas (RFC 4180).
fn rows(text: &str) -> impl Iterator<Item = Vec<String>> {
    let mut letters = text.chars().peekable();
    std::iter::from_fn(move || {
        letters.peek()?;
        let mut row = vec![String::new()];
        let mut quoted = false;
        while let Some(letter) = letters.next() {
            match letter {
                '"' if quoted && letters.next_if_eq(&'"').is_some() => push(&mut row, '"'),
                '"' => quoted = !quoted,
                ',' if !quoted => row.push(String::new()),
                '\n' if !quoted => break,
                '\r' if !quoted => {}
                letter => push(&mut row, letter),
            }
        }
        Some(row)
    })
}

fn push(row: &mut [String], letter: char) {
    if let Some(cell) = row.last_mut() {
        cell.push(letter);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4180 section 2.
    #[test]
    fn quoted_cells_hold_commas_and_quotes() {
        let found: Vec<_> = rows("a,\"b, \"\"c\"\"\nd\",e\r\nf,g\n").collect();
        assert_eq!(found, [vec!["a", "b, \"c\"\nd", "e"], vec!["f", "g"]]);
    }
}
