//! A table for people: what matters of each connection on one line, no wider than the terminal.
//!
//! How wide a column is shows the first records; where not all fit, those that say least go first.
//!
//! - `cells.rs` what stands in each column

mod cells;

use std::io;

use super::encoder::{Encoder, Names};
use crate::flow::FlowRecord;
use cells::{CELLS, Cell, DATED_START, Side};

const DAY_NS: u64 = 86_400_000_000_000;

/// The format.
#[derive(Debug)]
pub(super) struct Table {
    /// Characters of a line at most.
    width: Option<usize>,
    /// The columns that are shown, and how wide; empty before the first record.
    layout: Vec<(&'static Cell, usize)>,
    shown: u64,
}

impl Table {
    /// Records that decide how wide the columns are.
    const MEASURED: usize = 1000;
    /// Spaces between two columns.
    const GAP: usize = 1;

    pub(super) const fn new(width: Option<usize>) -> Self {
        Self {
            width,
            layout: Vec::new(),
            shown: 0,
        }
    }

    /// Chooses the columns, and writes their headings.
    fn begin_with(&mut self, records: &[FlowRecord], out: &mut Vec<u8>) {
        let mut days = records.iter().map(|record| record.first_ts.0 / DAY_NS);
        let is_dated = days
            .next()
            .is_some_and(|first| days.any(|other| other != first));
        let records = records.get(..Self::MEASURED).unwrap_or(records);
        let mut layout: Vec<_> = CELLS
            .iter()
            .enumerate()
            .map(|(place, cell)| match place {
                0 if is_dated => DATED_START,
                _ => cell,
            })
            .map(|cell| (cell, natural_width(cell, records)))
            .collect();
        if let Some(width) = self.width {
            fit(&mut layout, width);
        }
        let headings: Vec<_> = layout
            .iter()
            .map(|(cell, _)| cell.heading.to_owned())
            .collect();
        self.layout = layout;
        self.line(&headings, out);
    }

    fn line(&self, texts: &[String], out: &mut Vec<u8>) {
        let start = out.len();
        for (place, ((cell, width), text)) in self.layout.iter().zip(texts).enumerate() {
            if place > 0 {
                out.extend([b' '; Self::GAP]);
            }
            let text = if self.width.is_some() {
                (cell.shorten)(text, *width)
            } else {
                text.clone()
            };
            let padding = width.saturating_sub(text.chars().count());
            if cell.side == Side::Right {
                out.resize(out.len() + padding, b' ');
            }
            out.extend_from_slice(text.as_bytes());
            if cell.side == Side::Left {
                out.resize(out.len() + padding, b' ');
            }
        }
        // No spaces at the end.
        let len = out
            .iter()
            .skip(start)
            .rposition(|byte| *byte != b' ')
            .map_or(0, |last| last + 1);
        out.truncate(start + len);
        out.push(b'\n');
    }
}

impl Encoder for Table {
    fn begin(&mut self, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn records(&mut self, batch: &[FlowRecord], _: Names<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        if self.layout.is_empty() {
            self.begin_with(batch, out);
        }
        for record in batch {
            let texts: Vec<_> = self
                .layout
                .iter()
                .map(|(cell, _)| (cell.text)(record))
                .collect();
            self.line(&texts, out);
        }
        self.shown += batch.len() as u64;
        Ok(())
    }

    fn finish(&mut self, _: Names<'_>, skipped: u64, out: &mut Vec<u8>) -> io::Result<()> {
        if self.layout.is_empty() && skipped == 0 {
            self.begin_with(&[], out);
        }
        let all = self.shown + skipped;
        let plural = if all == 1 { "" } else { "s" };
        let footer = if skipped == 0 {
            format!("{all} connection{plural}\n")
        } else {
            format!("{all} connection{plural}, {} shown\n", self.shown)
        };
        out.extend_from_slice(footer.as_bytes());
        Ok(())
    }
}

fn natural_width(cell: &Cell, records: &[FlowRecord]) -> usize {
    records
        .iter()
        .map(|record| (cell.text)(record).chars().count())
        .chain([cell.heading.chars().count()])
        .max()
        .unwrap_or_default()
        .min(cell.widest)
}

/// Makes the columns fit: long addresses and histories shrink to their usual width; where that is not
/// enough, columns go, those that matter least first; and when only those are left that matter most,
/// addresses shrink as far as it takes.
fn fit(layout: &mut Vec<(&'static Cell, usize)>, width: usize) {
    fn total(layout: &[(&Cell, usize)]) -> usize {
        let widths: usize = layout.iter().map(|(_, width)| *width).sum();
        widths + layout.len().saturating_sub(1) * Table::GAP
    }
    loop {
        let excess = total(layout).saturating_sub(width);
        if excess == 0 || shrink(layout, excess, |cell| cell.usual) {
            return;
        }
        let rank = layout.iter().map(|(cell, _)| cell.rank).max();
        let Some(rank) = rank.filter(|rank| *rank > 0) else {
            shrink(layout, excess, |cell| cell.heading.len().min(cell.usual));
            return;
        };
        // Both directions of a count go together.
        layout.retain(|(cell, _)| cell.rank != rank);
    }
}

/// Takes so many characters from the columns that are wider than they need to be. Changes nothing when
/// they do not have so many, and says so.
fn shrink(
    layout: &mut [(&'static Cell, usize)],
    mut excess: usize,
    least: impl Fn(&Cell) -> usize,
) -> bool {
    let spare: usize = layout
        .iter()
        .map(|(cell, width)| width.saturating_sub(least(cell)))
        .sum();
    if spare < excess {
        return false;
    }
    while excess > 0 {
        // The widest first, so that both addresses stay of a size.
        let widest = layout
            .iter_mut()
            .filter(|(cell, width)| *width > least(cell))
            .max_by_key(|(_, width)| *width);
        let Some((_, width)) = widest else { break };
        *width -= 1;
        excess -= 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::flows::samples::{between, records};

    fn printed(width: Option<usize>, records: &[FlowRecord], skipped: u64) -> String {
        let mut table = Table::new(width);
        let mut out = Vec::new();
        table.begin(&mut out).unwrap();
        if !records.is_empty() {
            table.records(records, Names(&[]), &mut out).unwrap();
        }
        table.finish(Names(&[]), skipped, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let mut all = records(500);
        all.push(between(
            6,
            ("2001:db8:1111:2222:3333:4444:5555:6666", 65535),
            ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 65534),
        ));
        for width in [60, 80, 100, 120, 200] {
            for line in printed(Some(width), &all, 0).lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }

    #[test]
    fn ports_and_states_are_there_at_any_width() {
        let one = between(
            6,
            ("2001:db8:1111:2222:3333:4444:5555:6666", 65535),
            ("2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff", 65534),
        );
        for width in [60, 80, 120] {
            let text = printed(Some(width), std::slice::from_ref(&one), 0);
            for part in ["]:65535", "]:65534", "OTH"] {
                assert!(text.contains(part), "{width}: {text}");
            }
        }
        let text = printed(None, &[one], 0);
        assert!(text.contains("[2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:65534"));
    }

    #[test]
    fn the_day_is_told_where_there_are_several() {
        let ends = [("192.0.2.1", 1), ("192.0.2.2", 2)];
        let one = between(6, ends[0], ends[1]);
        // 22:13:20 on the 14th of November 2023, and two hours later.
        let mut other = one.clone();
        other.first_ts.0 += 2 * 3600 * 1_000_000_000;
        let text = printed(None, &[one.clone(), one.clone()], 0);
        assert!(text.contains("\n22:13:20.000 "), "{text}");
        let text = printed(None, &[one, other], 0);
        assert!(text.contains("\n2023-11-14 22:13:20.000 "), "{text}");
        assert!(text.contains("\n2023-11-15 00:13:20.000 "), "{text}");
    }

    #[test]
    fn only_protocols_with_ports_have_some() {
        let ends = [("192.0.2.1", 0), ("192.0.2.2", 0)];
        // By IANA's numbers: UDP, then IGMP, GRE and OSPF.
        let text = printed(None, &[between(17, ends[0], ends[1])], 0);
        assert!(text.contains("192.0.2.1:0 "), "{text}");
        for protocol in [2, 47, 89] {
            let text = printed(None, &[between(protocol, ends[0], ends[1])], 0);
            assert!(text.contains("192.0.2.1 "), "{protocol}: {text}");
        }
    }

    #[test]
    fn the_last_line_says_how_many_there_are() {
        let all = records(3);
        assert!(printed(None, &all, 0).ends_with("\n3 connections\n"));
        assert!(printed(None, &all, 97).ends_with("\n100 connections, 3 shown\n"));
        assert!(printed(None, &[], 1).ends_with("1 connection, 0 shown\n"));
        assert_eq!(printed(Some(80), &[], 0).lines().count(), 2);
    }
}
