//! Shell patterns for names of interfaces, such as `veth*`: those that come later match as well, which
//! no list of names could do.

/// A pattern as in glob(7): `*`, `?`, and sets such as `[a-c]` or `[!0-9]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    text: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    /// This character.
    Char(char),
    /// Any one character.
    One,
    /// Any characters, or none.
    Many,
    /// One character of these ranges, or of all others.
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
}

impl Glob {
    /// Reads a pattern. As in a shell, a bracket that is not closed stands for itself.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(&char) = chars.get(at) {
            at += 1;
            parts.push(match char {
                '*' => Part::Many,
                '?' => Part::One,
                '[' => match set(&chars[at..]) {
                    Some((part, used)) => {
                        at += used;
                        part
                    }
                    None => Part::Char('['),
                },
                char => Part::Char(char),
            });
        }
        // Several in a row mean no more than one, and would only cost time.
        parts.dedup_by(|next, part| *next == Part::Many && *part == Part::Many);
        Self {
            text: text.to_owned(),
            parts,
        }
    }

    /// Whether a word is meant as a pattern.
    #[must_use]
    pub fn is_pattern(word: &str) -> bool {
        word.contains(['*', '?', '['])
    }

    /// Whether the whole of a name matches.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut part, mut at) = (0, 0);
        // The last `*`, and how much of the name it has taken so far: only that one is ever tried again.
        let mut retry = None;
        loop {
            match self.parts.get(part) {
                Some(Part::Many) => {
                    retry = Some((part, at));
                    part += 1;
                    continue;
                }
                Some(wanted) if name.get(at).is_some_and(|&char| wanted.takes(char)) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                None if at == name.len() => return true,
                _ => {}
            }
            match retry {
                Some((star, taken)) if taken < name.len() => {
                    retry = Some((star, taken + 1));
                    (part, at) = (star + 1, taken + 1);
                }
                _ => return false,
            }
        }
    }

    /// The pattern as it was typed.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Part {
    fn takes(&self, char: char) -> bool {
        match self {
            Self::Char(wanted) => *wanted == char,
            Self::One => true,
            Self::Many => false,
            Self::Set { ranges, negated } => {
                let within = ranges
                    .iter()
                    .any(|&(first, last)| (first..=last).contains(&char));
                within != *negated
            }
        }
    }
}

/// The set whose opening bracket comes before `chars`, and how many characters it takes.
fn set(chars: &[char]) -> Option<(Part, usize)> {
    let negated = matches!(chars.first(), Some('!' | '^'));
    let start = usize::from(negated);
    let mut at = start;
    let mut ranges = Vec::new();
    loop {
        match *chars.get(at)? {
            // At the beginning it is one of the set.
            ']' if at > start => return Some((Part::Set { ranges, negated }, at + 1)),
            first => match (chars.get(at + 1), chars.get(at + 2)) {
                (Some('-'), Some(&last)) if last != ']' => {
                    ranges.push((first, last));
                    at += 3;
                }
                _ => {
                    ranges.push((first, first));
                    at += 1;
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use std::process::Command;

    #[test]
    fn patterns_match_as_in_a_shell() {
        let names = [
            "eth0", "eth1", "eth10", "veth0", "veth1a2b", "lo", "br-lan", "wg0", "a]b", "a[b", "",
            "e", "eth", "tun^", "tun!", "x-y", "0", "ä0",
        ];
        let patterns = [
            "*",
            "?",
            "??",
            "eth*",
            "*eth*",
            "eth?",
            "eth[01]",
            "eth[!0]*",
            "eth[^0]",
            "[a-e]*",
            "*0",
            "v*th*0",
            "veth*[a-f]*",
            "**",
            "*[0-9]",
            "a[]]b",
            "a[b",
            "tun[!a-z]",
            "tun[\\^]",
            "x[a-]y",
            "x[-]y",
            "[!]]*",
            "e*h*0",
            "??0",
            "lo",
            "*-*",
            "[a-",
        ];
        for pattern in patterns {
            let glob = Glob::new(pattern);
            for name in names {
                // The shell is the judge: `case` knows these patterns.
                let script = "case $1 in ($2) exit 0;; esac; exit 1";
                let status = Command::new("bash")
                    .env("LC_ALL", "C.UTF-8")
                    .args(["-c", script, "bash", name, pattern])
                    .status();
                let Ok(status) = status else {
                    println!("SKIPPED: bash is not installed");
                    return;
                };
                assert_eq!(
                    glob.matches(name),
                    status.success(),
                    "{pattern:?} and {name:?}"
                );
            }
        }
    }

    #[test]
    fn a_pattern_with_many_stars_takes_no_time() {
        let glob = Glob::new(&"*a".repeat(40));
        assert!(!glob.matches(&("a".repeat(39) + &"b".repeat(2_000))));
        assert!(glob.matches(&"a".repeat(2_000)));
    }
}
