//! Who sent what to whom, as a ladder (`tshark -z flow,tcp,network`).
//!
//! The layout is that of `sequence_analysis_dump_to_file` in Wireshark 4.0.

use std::fmt::Write as _;

use super::segment::{Segments, flag};
use super::traffic::End;
use super::{Known, Statistic, StatisticError, filter, passes};
use crate::filter::display::DisplayFilter;
use crate::read::Columns;
use crate::read::column::Address;
use crate::read::print::text::{ether, ipv4, ipv6};
use crate::read::tree::{Tree, Value, Wanted};
use crate::read::walk::Frame;

const NAME: &str = "flow";
/// Frames that are kept.
const MOST: usize = 1 << 20;
/// Hosts that have a column (`MAX_NUM_NODES`); what others send is drawn beyond them.
const NODES: usize = 40;
/// Characters of a column.
const WIDTH: usize = 20;

/// What stands to the left of the ladder.
#[derive(Clone, Copy, Debug)]
struct Margin {
    title: &'static str,
    empty: &'static str,
    /// How much longer it makes the rules between conversations.
    rule: usize,
}

const ONE: Margin = Margin {
    title: "|Time     ",
    empty: "|         ",
    rule: 10,
};
const SEVERAL: Margin = Margin {
    title: "Conv.| Time    ",
    empty: "     |         ",
    rule: 16,
};

/// Which frames there are in the ladder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Any,
    Tcp,
}

/// Which addresses stand above it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Addresses {
    /// Those of the network layer; frames without are left out.
    Standard,
    /// Those of the list.
    Network,
}

/// A ladder.
#[derive(Debug)]
pub(super) struct Flow {
    what: What,
    addresses: Addresses,
    filter: Option<DisplayFilter>,
    segments: Segments,
    /// Fields of source and destination ports.
    ports: [[Known; 2]; 2],
    nodes: Vec<String>,
    items: Vec<Item>,
    left_out: u64,
}

/// A rung.
#[derive(Debug)]
struct Item {
    /// Number of the stream, of which 16 bits are told apart.
    conversation: u16,
    time: String,
    from: usize,
    to: usize,
    ports: [u16; 2],
    label: String,
    comment: String,
}

impl Flow {
    /// `any|tcp,standard|network[,FILTER]`
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let fail = |reason| StatisticError::Argument { name: NAME, reason };
        let mut words = rest.splitn(3, ',');
        let what = match words.next().unwrap_or_default() {
            "any" => What::Any,
            "tcp" => What::Tcp,
            word => return Err(fail(format!("{word:?} is neither any nor tcp"))),
        };
        let addresses = match words.next().unwrap_or_default() {
            "standard" => Addresses::Standard,
            "network" => Addresses::Network,
            word => return Err(fail(format!("{word:?} is neither standard nor network"))),
        };
        Ok(Box::new(Self {
            what,
            addresses,
            filter: filter(words.next())?,
            segments: Segments::new(),
            ports: [
                [Known::named("tcp.srcport"), Known::named("udp.srcport")],
                [Known::named("tcp.dstport"), Known::named("udp.dstport")],
            ],
            nodes: Vec::new(),
            items: Vec::new(),
            left_out: 0,
        }))
    }

    /// The column of a host.
    fn node(&mut self, name: &str) -> usize {
        let known = self.nodes.iter().position(|node| node == name);
        known.unwrap_or_else(|| {
            if self.nodes.len() >= NODES {
                return NODES + 1;
            }
            self.nodes.push(name.to_owned());
            self.nodes.len() - 1
        })
    }

    fn add(
        &mut self,
        frame: &Frame<'_>,
        conversation: u16,
        ends: [(String, u16); 2],
        label: String,
        comment: String,
    ) {
        if self.items.len() >= MOST {
            self.left_out += 1;
            return;
        }
        let [(from, from_port), (to, to_port)] = ends;
        let (from, to) = (self.node(&from), self.node(&to));
        self.items.push(Item {
            conversation,
            time: time(frame),
            from,
            to,
            ports: [from_port, to_port],
            label,
            comment,
        });
    }
}

impl Statistic for Flow {
    fn want(&self, wanted: &mut Wanted) {
        self.segments.want(wanted);
        for known in self.ports.as_flattened() {
            known.want(wanted);
        }
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, columns: &Columns) {
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        let socket = |end: End| (end.address(), end.port);
        match self.what {
            What::Tcp => {
                let found: Vec<_> = self.segments.of(tree).collect();
                for segment in found {
                    let mut label = flags(segment.flags);
                    if segment.len > 0 {
                        let _infallible = write!(label, " - Len: {}", segment.len);
                    }
                    let mut comment = format!("Seq = {}", segment.shown_seq);
                    if segment.has(flag::ACK) {
                        let _infallible = write!(comment, " Ack = {}", segment.shown_ack);
                    }
                    let ends = [socket(segment.source), socket(segment.destination)];
                    self.add(frame, segment.stream as u16, ends, label, comment);
                }
            }
            What::Any => {
                let (from, to) = (columns.source, columns.destination);
                let has_none = |address| match address {
                    Address::None => true,
                    Address::Ether(_) => self.addresses == Addresses::Standard,
                    Address::Ipv4(_) | Address::Ipv6(_) => false,
                    // What is not an address of the packet's own.
                    Address::Radio(..) | Address::Text(_) => true,
                };
                if has_none(from) || has_none(to) {
                    return;
                }
                let ports = self.ports.each_ref().map(|fields| last(fields, tree));
                let mut label = String::new();
                columns.write_info(&mut label);
                let comment = format!("{}: {label}", columns.protocol);
                let ends = [(address(from), ports[0]), (address(to), ports[1])];
                self.add(frame, 0, ends, label, comment);
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        let Some(first) = self.items.first() else {
            return;
        };
        let mut conversation = first.conversation;
        let several = self
            .items
            .iter()
            .any(|item| item.conversation != conversation);
        let margin = if several { SEVERAL } else { ONE };
        let empty = heading(margin, &self.nodes, out);
        for item in &self.items {
            if item.conversation != conversation {
                conversation = item.conversation;
                // Writing to a string does not fail.
                let _infallible = writeln!(out, "{:-<1$}", "", empty.len() + margin.rule);
            }
            if several {
                let _infallible = write!(out, "{conversation:<5}");
            }
            rungs(margin, item, &empty, out);
        }
        if self.left_out > 0 {
            // Writing to a string does not fail.
            let _infallible = writeln!(
                out,
                "{} further packets are left out; only {MOST} are kept",
                self.left_out
            );
        }
    }
}

/// The names of the hosts on two lines; gives the line that lies below them.
fn heading(margin: Margin, nodes: &[String], out: &mut String) -> String {
    let mut empty = String::new();
    let two = 2 * WIDTH;
    out.push_str(margin.title);
    for node in nodes.iter().step_by(2) {
        let _infallible = write!(out, "{:<two$}", format!("| {node}"));
        let _infallible = write!(empty, "{:<WIDTH$}", "| ");
    }
    let _infallible = write!(out, "|\n{}{:<WIDTH$}", margin.empty, "| ");
    for node in nodes.iter().skip(1).step_by(2) {
        let mut name = format!("| {node}");
        if name.len() < WIDTH {
            name = format!("{name:<WIDTH$}| ");
        }
        let _infallible = write!(out, "{name:<two$}");
        let _infallible = write!(empty, "{:<WIDTH$}", "| ");
    }
    out.push('\n');
    empty.push('|');
    empty
}

/// What was sent, and an arrow below it.
fn rungs(margin: Margin, item: &Item, empty: &str, out: &mut String) {
    let middle = |node: usize| node * WIDTH + WIDTH / 2;
    let start = middle(item.from);
    let mut end = middle(item.to);
    if start == end {
        end = start + WIDTH;
    }
    let mut line = empty.as_bytes().to_vec();
    overwrite(&mut line, &item.label, start, end);
    let _infallible = write!(out, "{:<10}", format!("|{}", item.time));
    out.push_str(&String::from_utf8_lossy(&line));
    out.push_str(&item.comment);
    out.push('\n');
    let mut line = empty.as_bytes().to_vec();
    let width = start.abs_diff(end);
    let dashes = "-".repeat(width.saturating_sub(2));
    let [from, to] = item.ports.map(|port| format!("({port})"));
    if start < end {
        overwrite(&mut line, &format!("{dashes}>"), start, end);
        overwrite(&mut line, &from, start - 9, start - 1);
        overwrite(&mut line, &to, end + 1, end + 9);
    } else {
        overwrite(&mut line, &format!("<{dashes}"), start, end);
        overwrite(&mut line, &from, start + 1, start + 9);
        overwrite(&mut line, &to, end - 9, end + 1);
    }
    out.push_str(margin.empty);
    out.push_str(&String::from_utf8_lossy(&line));
    out.push('\n');
}

/// Puts a text over a line, between two places. Characters are counted in the text, bytes in the line,
/// and where the line is too short nothing of it is replaced: as Wireshark does it.
fn overwrite(line: &mut Vec<u8>, text: &str, a: usize, b: usize) {
    let place = a.min(b).min(line.len());
    let count = a.abs_diff(b).min(text.chars().count());
    let end = text
        .char_indices()
        .nth(count)
        .map_or(text.len(), |(at, _)| at);
    let stop = if place + count <= line.len() {
        place + count
    } else {
        place
    };
    line.splice(place..stop, text[..end].bytes());
}

/// Names of flags, as the list has them.
fn flags(flags: u16) -> String {
    const NAMES: [&str; 9] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
    let set = NAMES.iter().enumerate();
    let set = set.filter(|(bit, _)| flags >> bit & 1 != 0);
    let names: Vec<_> = set.map(|(_, name)| *name).collect();
    if names.is_empty() {
        return "<None>".to_owned();
    }
    names.join(", ")
}

/// Time since the first frame, with the decimals of the interface.
fn time(frame: &Frame<'_>) -> String {
    let ts = frame.packet.meta.ts;
    let (sign, ns) = if ts < frame.first {
        ("-", frame.first.since(ts).0)
    } else {
        ("", ts.since(frame.first).0)
    };
    let decimals = usize::from(frame.iface.map_or(6, |iface| iface.decimals)).min(9);
    let fraction = format!("{:09}", ns % 1_000_000_000);
    match decimals {
        0 => format!("{sign}{}", ns / 1_000_000_000),
        _ => format!("{sign}{}.{}", ns / 1_000_000_000, &fraction[..decimals]),
    }
}

fn address(address: Address) -> String {
    let mut out = String::new();
    match address {
        Address::None => {}
        Address::Ether(bytes) => ether(&mut out, bytes),
        Address::Ipv4(bytes) => ipv4(&mut out, bytes),
        Address::Ipv6(bytes) => ipv6(&mut out, bytes),
        Address::Radio(bytes, _) => ether(&mut out, bytes),
        Address::Text(text) => out.push_str(text.text()),
    }
    out
}

/// The innermost port of a packet; 0 if it has none.
fn last(fields: &[Known; 2], tree: &Tree) -> u16 {
    let mut nodes = tree.nodes().iter().rev();
    let found = nodes.find(|node| fields.iter().any(|known| known.is(node)));
    match found.map(|node| node.value) {
        Some(Value::Uint(number)) => number as u16,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_cut_to_the_place_that_they_have() {
        let mut line = b"0123456789".to_vec();
        overwrite(&mut line, "abcdef", 2, 5);
        assert_eq!(line, b"01abc56789");
        overwrite(&mut line, "xy", 9, 1);
        assert_eq!(line, b"0xybc56789");
        overwrite(&mut line, "beyond", 20, 30);
        assert_eq!(line, b"0xybc56789beyond");
    }

    #[test]
    fn flags_have_the_names_of_the_list() {
        assert_eq!(flags(0x012), "SYN, ACK");
        assert_eq!(flags(0x1ff), "FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE");
        assert_eq!(flags(0), "<None>");
    }
}
