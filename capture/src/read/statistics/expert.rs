//! What dissectors found remarkable, counted (`tshark -z expert`).

use std::collections::HashMap;
use std::fmt::Write as _;

use super::{Known, Statistic, StatisticError, filter, passes};
use crate::filter::display::DisplayFilter;
use crate::read::proto::{eth, ethertype, frame, http};
use crate::read::registry::{self, PROTOCOLS};
use crate::read::tree::{Tree, Value, Wanted};
use crate::read::walk::Frame;
use crate::read::{Columns, FieldId, Kind};

/// Different messages that are told apart.
const MOST: usize = 1 << 16;

/// Severities from the worst on: word of the option, heading, number (Wireshark's `PI_*`).
const SEVERITIES: [(&str, &str, u64); 5] = [
    ("error", "Errors", 0x0080_0000),
    ("warn", "Warns", 0x0060_0000),
    ("note", "Notes", 0x0040_0000),
    ("chat", "Chats", 0x0020_0000),
    ("comment", "Comments", 0x0010_0000),
];

/// Messages by severity.
#[derive(Debug)]
pub(super) struct Expert {
    least: u64,
    filter: Option<DisplayFilter>,
    message: Known,
    severity: Known,
    group: Known,
    places: HashMap<Key, usize>,
    found: Vec<(Key, u64)>,
    left_out: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    severity: u64,
    group: u64,
    protocol: u16,
    message: String,
}

impl Expert {
    /// `[,error|warn|note|chat|comment][,FILTER]`
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let mut least = 0;
        let mut words = match rest {
            "" => None,
            _ => Some(
                rest.strip_prefix(',')
                    .ok_or_else(|| StatisticError::Argument {
                        name: "expert",
                        reason: format!(
                            "{rest:?} is neither a comma and a severity, nor a comma and a filter"
                        ),
                    })?,
            ),
        };
        if let Some(text) = words {
            let (word, rest) = match text.split_once(',') {
                Some((word, rest)) => (word, Some(rest)),
                None => (text, None),
            };
            let known = SEVERITIES.iter().find(|(known, ..)| *known == word);
            if let Some((_, _, number)) = known {
                least = *number;
                words = rest;
            }
        }
        Ok(Box::new(Self {
            least,
            filter: filter(words)?,
            message: Known::named("_ws.expert.message"),
            severity: Known::named("_ws.expert.severity"),
            group: Known::named("_ws.expert.group"),
            places: HashMap::new(),
            found: Vec::new(),
            left_out: 0,
        }))
    }

    fn count(&mut self, key: Key) {
        if key.severity < self.least {
            return;
        }
        if let Some(place) = self.places.get(&key) {
            self.found[*place].1 += 1;
        } else if self.found.len() < MOST {
            self.places.insert(key.clone(), self.found.len());
            self.found.push((key, 1));
        } else {
            self.left_out += 1;
        }
    }
}

/// Messages whose field is not of the protocol that they are of.
const OF_ANOTHER: [FieldId; 4] = [
    frame::MALFORMED_EXPERT,
    frame::REASSEMBLY_ERROR,
    frame::UNREASSEMBLED_EXPERT,
    http::CHAT,
];

impl Statistic for Expert {
    fn want(&self, wanted: &mut Wanted) {
        for known in [&self.message, &self.severity, &self.group] {
            known.want(wanted);
        }
        // The field that a message belongs to tells whose it is.
        for (id, field) in registry::all() {
            if matches!(field.kind, Kind::None | Kind::Protocol) {
                wanted.add(id);
            }
        }
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        let mut protocol = 0;
        let mut last = 0;
        let mut message = "";
        let mut severity = 0;
        for node in tree.nodes() {
            match node.value {
                Value::Text(range) if self.message.is(node) => message = tree.text(range),
                Value::Uint(number) if self.severity.is(node) => severity = number,
                Value::Uint(group) if self.group.is(node) => self.count(Key {
                    severity,
                    group,
                    protocol,
                    message: message.to_owned(),
                }),
                Value::Protocol { .. } => last = node.field.protocol,
                // Whose dissector it was that could not go on, or that spoke.
                Value::None if OF_ANOTHER.contains(&node.field) => protocol = last,
                // It is found when what a frame carries is done with.
                Value::None if node.field == eth::PADDING_BAD => {
                    protocol = ethertype::THIS.protocol;
                }
                Value::None => protocol = node.field.protocol,
                _ => {}
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        let group = self.group.0.first().map(|id| id.field());
        let [others @ .., comments] = &SEVERITIES;
        for (_, title, severity) in [comments].into_iter().chain(others) {
            let of_it = || {
                self.found
                    .iter()
                    .filter(|(key, _)| key.severity == *severity)
            };
            let total: u64 = of_it().map(|(_, count)| count).sum();
            if total == 0 {
                continue;
            }
            // Writing to a string does not fail, in all of these.
            let _infallible = write!(
                out,
                "\n{title} ({total})\n=============\n   Frequency      Group           Protocol  Summary\n"
            );
            for (key, count) in of_it() {
                let group = group
                    .and_then(|field| field.names)
                    .and_then(|names| names(key.group))
                    .unwrap_or("Unknown");
                let protocol = PROTOCOLS[usize::from(key.protocol)].short;
                let message = &key.message;
                let _infallible =
                    writeln!(out, "{count:>12} {group:>10} {protocol:>18}  {message}");
            }
        }
        if self.left_out > 0 {
            let _infallible = writeln!(
                out,
                "{} further messages; only {MOST} are told apart",
                self.left_out
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_that_is_no_severity_is_a_filter() {
        assert!(Expert::parse("").is_ok());
        assert!(Expert::parse(",note").is_ok());
        assert!(Expert::parse(",note,tcp").is_ok());
        assert!(Expert::parse(",tcp").is_ok());
        assert!(Expert::parse(",nothing.like.this").is_err());
        assert!(Expert::parse("note").is_err());
    }
}
