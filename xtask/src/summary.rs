//! Counts of tests, read from what the runners print, so that one line can sum up several runs.

use std::fmt;
use std::ops::AddAssign;

/// How many tests did what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Ran and held.
    pub(crate) passed: u64,
    /// Ran and did not hold, or did not even build.
    pub(crate) failed: u64,
    /// Did not run.
    pub(crate) skipped: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} passed, {} failed, {} skipped",
            self.passed, self.failed, self.skipped
        )
    }
}

impl Counts {
    /// What one line of a runner's output adds, if it is a summary.
    ///
    /// cargo-nextest: `Summary [   1.2s] 5 tests run: 3 passed (1 slow), 1 failed, 1 timed out, 2 skipped`;
    /// the harness of the standard library: `test result: ok. 3 passed; 0 failed; 1 ignored; …`.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let plain = without_colors(line);
        let plain = plain.trim();
        if let Some(counts) = plain.strip_prefix("Summary [") {
            let (_, counts) = counts.split_once("run: ")?;
            Some(Self::from_parts(counts, ", "))
        } else {
            let counts = plain.strip_prefix("test result: ")?.split_once(". ")?.1;
            Some(Self::from_parts(counts, "; "))
        }
    }

    fn from_parts(parts: &str, separator: &str) -> Self {
        let mut counts = Self::default();
        for part in parts.split(separator) {
            let Some((number, what)) = part.trim().split_once(' ') else {
                continue;
            };
            let Ok(number) = number.parse::<u64>() else {
                continue;
            };
            let what = what.split(" (").next().unwrap_or(what);
            match what {
                "passed" => counts.passed += number,
                "failed" | "timed out" | "exec failed" | "failed to start" => {
                    counts.failed += number;
                }
                "skipped" | "ignored" => counts.skipped += number,
                _ => {}
            }
        }
        counts
    }
}

/// The text without the escape sequences that color it.
fn without_colors(line: &str) -> String {
    let mut plain = String::with_capacity(line.len());
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' {
            // `ESC [ … m`.
            characters.by_ref().find(|character| *character == 'm');
        } else {
            plain.push(character);
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts {
            passed,
            failed,
            skipped,
        }
    }

    #[test]
    fn nextest_summary_is_read() {
        let line = "     Summary [   0.016s] 7 tests run: 5 passed (1 slow), 1 failed, 1 timed out, 2 skipped";
        assert_eq!(Counts::from_line(line), Some(counts(5, 2, 2)));
    }

    #[test]
    fn colors_do_not_hide_a_summary() {
        let line = "\u{1b}[32;1m     Summary\u{1b}[0m [   0.016s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m \u{1b}[32;1mpassed\u{1b}[0m, \u{1b}[1m0\u{1b}[0m \u{1b}[33;1mskipped\u{1b}[0m";
        assert_eq!(Counts::from_line(line), Some(counts(2, 0, 0)));
    }

    #[test]
    fn harness_summary_is_read() {
        let line = "test result: FAILED. 12 passed; 3 failed; 1 ignored; 0 measured; 4 filtered out; finished in 1.80s";
        assert_eq!(Counts::from_line(line), Some(counts(12, 3, 1)));
    }

    #[test]
    fn other_lines_are_no_summary() {
        assert_eq!(
            Counts::from_line("test summary::tests::all_is_well ... ok"),
            None
        );
        assert_eq!(Counts::from_line("error: test run failed"), None);
    }
}
