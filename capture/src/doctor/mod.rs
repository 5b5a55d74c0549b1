//! What of this machine helps or hinders capture, and what to do about it.
//!
//! Nothing is changed by looking: the probes create a map of one page and load a program of two
//! instructions, and both are gone before the report is. Where the kernel cannot be asked, the
//! report says so instead of guessing.

mod interface;
mod kernel;
mod machine;
mod procfs;
mod text;

use serde_json::{Value, json};

pub(crate) use machine::free_memory;
pub use text::Palette;

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Nothing to do.
    Ok,
    /// Good to know.
    Note,
    /// Capture works, but loses time or sees less than it could.
    Warn,
    /// Capture does not work.
    Fail,
}

impl Status {
    /// The word for it in JSON.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// How much it matters.
    pub status: Status,
    /// What was looked at.
    pub subject: String,
    /// What was found.
    pub found: String,
    /// What to do about it, a command where there is one; `None` where nothing needs to be done or
    /// nothing can be.
    pub remedy: Option<String>,
}

impl Check {
    fn new(status: Status, subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            status,
            subject: subject.into(),
            found: found.into(),
            remedy: None,
        }
    }

    fn ok(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Status::Ok, subject, found)
    }

    fn note(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Status::Note, subject, found)
    }

    fn warn(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Status::Warn, subject, found)
    }

    fn fail(subject: impl Into<String>, found: impl Into<String>) -> Self {
        Self::new(Status::Fail, subject, found)
    }

    fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Findings that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// What they are about: `kernel`, `machine`, `interfaces`, or `interface eth0`.
    pub title: String,
    /// The findings, in the order in which they are shown.
    pub checks: Vec<Check>,
}

/// All findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The findings by what they are about.
    pub sections: Vec<Section>,
}

impl Report {
    /// All findings, in the order in which they are shown.
    pub fn checks(&self) -> impl Iterator<Item = &Check> {
        self.sections.iter().flat_map(|section| &section.checks)
    }

    /// The worst of all findings; `Ok` if there are none.
    #[must_use]
    pub fn worst(&self) -> Status {
        worst(self.checks().map(|check| check.status))
    }

    /// The number of findings that matter this much.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.checks().filter(|check| check.status == status).count()
    }

    /// The report as JSON: `worst`, and `checks` as a flat list of `section`, `status`, `subject`,
    /// `found` and `remedy` (a string or null).
    #[must_use]
    pub fn json(&self) -> Value {
        let rows = self.sections.iter().flat_map(|section| {
            section.checks.iter().map(|check| {
                json!({
                    "section": section.title,
                    "status": check.status.name(),
                    "subject": check.subject,
                    "found": check.found,
                    "remedy": check.remedy,
                })
            })
        });
        json!({ "worst": self.worst().name(), "checks": rows.collect::<Vec<_>>() })
    }
}

fn worst(statuses: impl Iterator<Item = Status>) -> Status {
    statuses.max().unwrap_or(Status::Ok)
}

/// The rings that a capture would create, to be held against the memory that there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingMemory {
    /// Number of rings.
    pub rings: u32,
    /// Size of each ring in bytes.
    pub ring_bytes: u64,
}

impl RingMemory {
    const fn total_bytes(self) -> u64 {
        self.ring_bytes.saturating_mul(self.rings as u64)
    }
}

/// Looks at this machine, and at one interface closely or at all that are up in a line each.
///
/// What cannot be looked at is a finding, too, so this always gives a report.
#[must_use]
pub fn examine(iface: Option<&str>, memory: RingMemory) -> Report {
    let version = kernel::running_version();
    let mut sections = vec![
        Section {
            title: "kernel".into(),
            checks: kernel::examine(version),
        },
        Section {
            title: "machine".into(),
            checks: machine::examine(version, memory),
        },
    ];
    sections.push(match iface {
        Some(name) => interface::section(name),
        None => interface::overview(),
    });
    Report { sections }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(checks: Vec<Check>) -> Report {
        Report {
            sections: vec![Section {
                title: "kernel".into(),
                checks,
            }],
        }
    }

    #[test]
    fn the_worst_finding_decides() {
        let ok = Check::ok("a", "b");
        let note = Check::note("a", "b");
        let fail = Check::fail("a", "b");
        assert_eq!(report(vec![]).worst(), Status::Ok);
        assert_eq!(report(vec![ok.clone(), note.clone()]).worst(), Status::Note);
        let all = report(vec![ok.clone(), fail, note, ok]);
        assert_eq!((all.worst(), all.count(Status::Ok)), (Status::Fail, 2));
    }

    #[test]
    fn json_has_a_row_for_each_finding() {
        let checks = vec![
            Check::ok("version", "6.12"),
            Check::warn("JIT", "off").remedy("do"),
        ];
        assert_eq!(
            report(checks).json(),
            json!({
                "worst": "warn",
                "checks": [
                    { "section": "kernel", "status": "ok", "subject": "version",
                      "found": "6.12", "remedy": null },
                    { "section": "kernel", "status": "warn", "subject": "JIT",
                      "found": "off", "remedy": "do" },
                ],
            })
        );
    }

    #[test]
    fn this_machine_can_be_examined_by_anyone() {
        let memory = RingMemory {
            rings: 2,
            ring_bytes: 64 << 20,
        };
        let lo = examine(Some("lo"), memory);
        assert_eq!(lo.sections.len(), 3);
        assert_eq!(lo.sections[2].title, "interface lo");
        let unknown = examine(Some("no-such-one"), memory);
        assert_eq!(unknown.worst(), Status::Fail);
        let unknown = unknown.sections[2].checks[0].found.clone();
        assert!(
            unknown.starts_with("no interface \"no-such-one\"; there are: "),
            "{unknown}"
        );
        assert_eq!(examine(None, memory).sections[2].title, "interfaces");
    }
}
