//! The report for people: one line a finding, aligned, and below it what to do about it.

use std::fmt;

use super::{Report, Status};

/// Whether the text has colors. Who knows the terminal decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Palette {
    /// Text alone.
    Plain,
    /// With the escape sequences of ECMA-48 for colors.
    Colored,
}

/// Columns that a line takes at most, commands aside: those are copied, so they stay whole.
const WIDTH: usize = 100;
/// Two for the margin, four for the status, two between columns.
const SUBJECT_AT: usize = 8;

impl Status {
    /// The word for it in text, and its color.
    const fn mark(self) -> (&'static str, &'static str) {
        match self {
            Self::Ok => ("ok", "32"),
            Self::Note => ("note", "36"),
            Self::Warn => ("warn", "33"),
            Self::Fail => ("FAIL", "1;31"),
        }
    }
}

impl Report {
    /// The report as text.
    #[must_use]
    pub const fn text(&self, palette: Palette) -> impl fmt::Display {
        Text {
            report: self,
            palette,
        }
    }
}

struct Text<'a> {
    report: &'a Report,
    palette: Palette,
}

impl Text<'_> {
    /// Pads before coloring: escape sequences take no columns.
    fn colored(&self, text: &str, width: usize, color: &str) -> String {
        match self.palette {
            Palette::Plain => format!("{text:width$}"),
            Palette::Colored => format!("\x1b[{color}m{text:width$}\x1b[0m"),
        }
    }
}

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let checks = self.report.checks();
        let subject = checks
            .map(|check| check.subject.chars().count())
            .max()
            .unwrap_or(0);
        let found_at = SUBJECT_AT + subject + 2;
        for section in &self.report.sections {
            writeln!(f, "{}", self.colored(&section.title, 0, "1"))?;
            for check in &section.checks {
                let (word, color) = check.status.mark();
                let word = self.colored(word, 4, color);
                let mut lines = wrapped(&check.found, WIDTH.saturating_sub(found_at)).into_iter();
                let first = lines.next().unwrap_or_default();
                writeln!(f, "  {word}  {:subject$}  {first}", check.subject)?;
                for line in lines {
                    writeln!(f, "{:found_at$}{line}", "")?;
                }
                if let Some(remedy) = &check.remedy {
                    writeln!(f, "{:found_at$}-> {remedy}", "")?;
                }
            }
            writeln!(f)?;
        }
        writeln!(f, "{}", self.summary())
    }
}

impl Text<'_> {
    fn summary(&self) -> String {
        let counted = [
            (Status::Fail, "failure"),
            (Status::Warn, "warning"),
            (Status::Note, "note"),
        ];
        let parts: Vec<_> = counted
            .into_iter()
            .filter_map(|(status, word)| match self.report.count(status) {
                0 => None,
                1 => Some(format!("1 {word}")),
                count => Some(format!("{count} {word}s")),
            })
            .collect();
        if parts.is_empty() {
            return "nothing stands in the way of capture".into();
        }
        parts.join(", ")
    }
}

/// Lines of at most `width` characters, cut at spaces; a word that is longer has its own.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::{Check, Section};
    use super::*;

    fn report() -> Report {
        Report {
            sections: vec![
                Section {
                    title: "kernel".into(),
                    checks: vec![
                        Check::ok("version", "6.12.1"),
                        Check::fail("privileges", "CAP_BPF is missing").remedy("sudo capture"),
                    ],
                },
                Section {
                    title: "interface eth0".into(),
                    checks: vec![
                        Check::warn("LRO", "on").remedy("ethtool -K eth0 lro off"),
                        Check::note("GRO", "on"),
                        Check::note("MTU", "9000"),
                    ],
                },
            ],
        }
    }

    #[test]
    fn columns_are_aligned_over_all_sections() {
        let expected = "\
kernel
  ok    version     6.12.1
  FAIL  privileges  CAP_BPF is missing
                    -> sudo capture

interface eth0
  warn  LRO         on
                    -> ethtool -K eth0 lro off
  note  GRO         on
  note  MTU         9000

1 failure, 1 warning, 2 notes
";
        assert_eq!(report().text(Palette::Plain).to_string(), expected);
    }

    #[test]
    fn colors_change_nothing_but_colors() {
        let colored = report().text(Palette::Colored).to_string();
        assert!(colored.contains("\x1b[1;31mFAIL\x1b[0m  privileges"));
        let mut bare = colored;
        for code in ["1", "1;31", "32", "33", "36", "0"] {
            bare = bare.replace(&format!("\x1b[{code}m"), "");
        }
        assert_eq!(bare, report().text(Palette::Plain).to_string());
    }

    #[test]
    fn findings_are_wrapped_and_commands_are_not() {
        let long = vec!["word"; 40].join(" ");
        let report = Report {
            sections: vec![Section {
                title: "kernel".into(),
                checks: vec![Check::note("JIT", &*long).remedy(&*long)],
            }],
        };
        let text = report.text(Palette::Plain).to_string();
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[1].len() <= 100 && lines[2].len() <= 100 && lines[3].len() <= 100);
        assert!(
            lines[2].starts_with("             word"),
            "under the column that it continues"
        );
        assert_eq!(lines[4], format!("             -> {long}"));
    }
}
