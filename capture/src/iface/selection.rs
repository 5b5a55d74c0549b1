//! Which interfaces are meant: names, numbers, patterns, or all. Patterns and `any` are open: what comes
//! later is meant as well.

use super::glob::Glob;
use super::{IfaceError, Interface, all, find};

/// What tcpdump calls all interfaces.
const ANY: &str = "any";

/// Which interfaces are meant.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    wanted: Vec<Wanted>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Wanted {
    Any,
    Glob(Glob),
    Name(String),
}

impl Selection {
    /// Reads the words of `-i`: names, numbers as in `ip link`, shell patterns, `any`, and lists of them
    /// with commas. Names of interfaces can look like any of these; a word that is such a name means
    /// that interface.
    ///
    /// # Errors
    ///
    /// A number that no interface has, or when the interfaces cannot be listed.
    pub fn parse(words: &[impl AsRef<str>]) -> Result<Self, IfaceError> {
        let mut wanted = Vec::new();
        for word in words.iter().map(AsRef::as_ref) {
            if word != ANY && is_ambiguous(word) && find(word).is_ok() {
                wanted.push(Wanted::Name(word.to_owned()));
                continue;
            }
            for part in word.split(',').filter(|part| !part.is_empty()) {
                wanted.push(Wanted::parse(part)?);
            }
        }
        if let Some(word) = words.first()
            && wanted.is_empty()
        {
            return Err(IfaceError::Unknown {
                name: word.as_ref().to_owned(),
                known: all()?.into_iter().map(|interface| interface.name).collect(),
            });
        }
        Ok(Self { wanted })
    }

    /// Whether interfaces that come later can be meant.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.wanted
            .iter()
            .any(|wanted| !matches!(wanted, Wanted::Name(_)))
    }

    /// The names that are meant as such.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.wanted.iter().filter_map(|wanted| match wanted {
            Wanted::Name(name) => Some(name.as_str()),
            _ => None,
        })
    }

    /// Whether a pattern or `any` means this interface.
    #[must_use]
    pub fn matches(&self, interface: &Interface) -> bool {
        self.wanted.iter().any(|wanted| match wanted {
            Wanted::Any => true,
            Wanted::Glob(glob) => glob.matches(&interface.name),
            Wanted::Name(_) => false,
        })
    }

    /// The patterns as they were typed, for people.
    #[must_use]
    pub fn patterns(&self) -> String {
        let patterns: Vec<&str> = self
            .wanted
            .iter()
            .filter_map(|wanted| match wanted {
                Wanted::Any => Some(ANY),
                Wanted::Glob(glob) => Some(glob.as_str()),
                Wanted::Name(_) => None,
            })
            .collect();
        patterns.join(", ")
    }
}

impl Wanted {
    fn parse(word: &str) -> Result<Self, IfaceError> {
        if word == ANY {
            return Ok(Self::Any);
        }
        if !is_ambiguous(word) || find(word).is_ok() {
            return Ok(Self::Name(word.to_owned()));
        }
        if Glob::is_pattern(word) {
            return Ok(Self::Glob(Glob::new(word)));
        }
        let known = all()?;
        let numbered = word
            .parse()
            .ok()
            .and_then(|number: u32| known.iter().find(|interface| interface.index == number));
        match numbered {
            Some(interface) => Ok(Self::Name(interface.name.clone())),
            None => Err(IfaceError::Unknown {
                name: word.to_owned(),
                known: known.into_iter().map(|interface| interface.name).collect(),
            }),
        }
    }
}

/// Whether a word can be more than the name that it looks like.
fn is_ambiguous(word: &str) -> bool {
    word.contains(',')
        || Glob::is_pattern(word)
        || (!word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_names_numbers_patterns_and_lists_of_them() {
        let selection = Selection::parse(&["lo,veth*", "1", "eth9"]).unwrap();
        let names: Vec<_> = selection.names().collect();
        assert_eq!(names, ["lo", "lo", "eth9"], "1 is lo in each namespace");
        assert!(selection.is_open());
        assert_eq!(selection.patterns(), "veth*");
        let lo = find("lo").unwrap();
        assert!(!selection.matches(&lo), "named, but not by the pattern");
        assert!(Selection::parse(&["l?"]).unwrap().matches(&lo));
        assert!(Selection::parse(&["any"]).unwrap().matches(&lo));
        assert!(!Selection::parse(&["lo"]).unwrap().is_open());
    }

    #[test]
    fn a_number_that_nobody_has_is_unknown() {
        let error = Selection::parse(&["4294967295"]).unwrap_err();
        assert!(matches!(error, IfaceError::Unknown { .. }), "{error}");
    }
}
