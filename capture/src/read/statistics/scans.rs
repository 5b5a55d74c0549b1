//! Port scans: who tried ports of whom, how, and what answered (`-z scans`, which tshark has not).
//!
//! A probe is the first segment of a stream, of one of the kinds that scanners send. A port counts as
//! probed if no payload was exchanged with it: where there was, somebody used it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write as _;

use super::segment::{Segment, Segments, flag};
use super::traffic::End;
use super::{Statistic, StatisticError, filter, filter_text, passes};
use crate::filter::display::DisplayFilter;
use crate::packet::Timestamp;
use crate::read::Columns;
use crate::read::tree::{Tree, Wanted};
use crate::read::walk::Frame;

/// Streams that are watched for answers at once.
const MOST_STREAMS: usize = 1 << 18;
/// Ports that are remembered, of all hosts.
const MOST_PORTS: usize = 1 << 21;
/// Ports of a host, or hosts, that make a scan.
const LEAST: usize = 5;
/// Ports that are named in a line.
const NAMED: usize = 12;

/// How ports are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Probe {
    Syn,
    Fin,
    Null,
    Xmas,
    Ack,
}

impl Probe {
    fn of(segment: &Segment) -> Option<Self> {
        use flag::{ACK, FIN, PSH, RST, SYN, URG};
        Some(match segment.flags & (FIN | SYN | RST | PSH | ACK | URG) {
            SYN => Self::Syn,
            FIN => Self::Fin,
            0 => Self::Null,
            flags if flags == FIN | PSH | URG => Self::Xmas,
            ACK if segment.len == 0 => Self::Ack,
            _ => return None,
        })
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Syn => "SYN",
            Self::Fin => "FIN",
            Self::Null => "NULL",
            Self::Xmas => "Xmas",
            Self::Ack => "ACK",
        }
    }
}

/// What a port said; the more telling, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    Silent,
    Closed,
    Open,
    /// It was used, not only tried.
    Used,
}

/// Who tried whom, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Pair {
    probe: Probe,
    scanner: End,
    target: End,
}

#[derive(Debug)]
struct Tried {
    ports: BTreeMap<u16, Answer>,
    first: Timestamp,
    last: Timestamp,
}

/// Scans of a file.
#[derive(Debug)]
pub(super) struct Scans {
    least: usize,
    filter: Option<DisplayFilter>,
    segments: Segments,
    /// Streams by number, as they began.
    streams: BTreeMap<u64, (Pair, u16)>,
    next_stream: u64,
    tried: HashMap<Pair, Tried>,
    ports: usize,
    start: Option<Timestamp>,
    left_out: u64,
}

impl Scans {
    /// `[,PORTS][,FILTER]`
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let mut least = LEAST;
        let mut words = match rest {
            "" => None,
            _ => Some(
                rest.strip_prefix(',')
                    .ok_or_else(|| StatisticError::Argument {
                        name: "scans",
                        reason: format!(
                            "{rest:?} is neither a comma and a number, nor a comma and a filter"
                        ),
                    })?,
            ),
        };
        if let Some(text) = words {
            let (word, rest) = match text.split_once(',') {
                Some((word, rest)) => (word, Some(rest)),
                None => (text, None),
            };
            if let Ok(number) = word.parse::<usize>() {
                least = number.max(1);
                words = rest;
            }
        }
        Ok(Box::new(Self {
            least,
            filter: filter(words)?,
            segments: Segments::new(),
            streams: BTreeMap::new(),
            next_stream: 0,
            tried: HashMap::new(),
            ports: 0,
            start: None,
            left_out: 0,
        }))
    }

    fn segment(&mut self, segment: &Segment, ts: Timestamp) {
        if segment.stream >= self.next_stream {
            self.next_stream = segment.stream + 1;
            if let Some(probe) = Probe::of(segment) {
                self.begin(probe, segment, ts);
            }
        } else {
            self.answer(segment, ts);
        }
    }

    fn begin(&mut self, probe: Probe, segment: &Segment, ts: Timestamp) {
        let pair = Pair {
            probe,
            scanner: segment.source.host(),
            target: segment.destination.host(),
        };
        let port = segment.destination.port;
        if self.ports >= MOST_PORTS
            && !self
                .tried
                .get(&pair)
                .is_some_and(|tried| tried.ports.contains_key(&port))
        {
            self.left_out += 1;
            return;
        }
        let tried = self.tried.entry(pair).or_insert_with(|| Tried {
            ports: BTreeMap::new(),
            first: ts,
            last: ts,
        });
        tried.last = tried.last.max(ts);
        let answer = if segment.len > 0 {
            Answer::Used
        } else {
            Answer::Silent
        };
        let before = tried.ports.len();
        let known = tried.ports.entry(port).or_insert(answer);
        *known = answer.max(*known);
        self.ports += tried.ports.len() - before;
        if self.streams.len() >= MOST_STREAMS {
            self.streams.pop_first();
        }
        self.streams.insert(segment.stream, (pair, port));
    }

    fn answer(&mut self, segment: &Segment, ts: Timestamp) {
        let Some((pair, port)) = self.streams.get(&segment.stream) else {
            return;
        };
        let is_answer = segment.source.port == *port && segment.source.host() == pair.target;
        let answer = if segment.len > 0 {
            Answer::Used
        } else if is_answer && segment.has(flag::RST) {
            Answer::Closed
        } else if is_answer && segment.has(flag::SYN) {
            Answer::Open
        } else {
            Answer::Silent
        };
        if let Some(tried) = self.tried.get_mut(pair) {
            tried.last = tried.last.max(ts);
            if let Some(known) = tried.ports.get_mut(port) {
                *known = answer.max(*known);
            }
        }
    }
}

/// A line of the table.
struct Line {
    probe: Probe,
    scanner: End,
    target: String,
    /// Ports, or ports of hosts: open, closed, silent.
    counts: [usize; 3],
    first: Timestamp,
    last: Timestamp,
    open: BTreeSet<u16>,
}

impl Line {
    fn new(pair: &Pair, target: String, tried: &Tried) -> Self {
        Self {
            probe: pair.probe,
            scanner: pair.scanner,
            target,
            counts: [0; 3],
            first: tried.first,
            last: tried.last,
            open: BTreeSet::new(),
        }
    }

    fn add(&mut self, tried: &Tried) {
        self.first = self.first.min(tried.first);
        self.last = self.last.max(tried.last);
        for (port, answer) in &tried.ports {
            match answer {
                Answer::Open => {
                    self.counts[0] += 1;
                    self.open.insert(*port);
                }
                Answer::Closed => self.counts[1] += 1,
                Answer::Silent => self.counts[2] += 1,
                Answer::Used => {}
            }
        }
    }

    fn total(&self) -> usize {
        self.counts.iter().sum()
    }
}

impl Scans {
    /// Scans of many ports of a host, and of a few ports of many hosts, the largest first.
    fn lines(&self) -> Vec<Line> {
        let mut lines = Vec::new();
        let mut sweeps: BTreeMap<(Probe, End), (usize, Line)> = BTreeMap::new();
        let mut tried: Vec<_> = self.tried.iter().collect();
        tried.sort_by_key(|(pair, _)| **pair);
        for (pair, tried) in tried {
            let mut line = Line::new(pair, pair.target.address(), tried);
            line.add(tried);
            if line.total() >= self.least {
                lines.push(line);
            } else if line.total() > 0 {
                let sweep = sweeps
                    .entry((pair.probe, pair.scanner))
                    .or_insert_with(|| (0, Line::new(pair, String::new(), tried)));
                sweep.0 += 1;
                sweep.1.add(tried);
            }
        }
        for (_, (hosts, mut line)) in sweeps {
            if hosts >= self.least {
                line.target = format!("{hosts} hosts");
                lines.push(line);
            }
        }
        lines.sort_by_key(|line| std::cmp::Reverse(line.total()));
        lines
    }
}

impl Statistic for Scans {
    fn want(&self, wanted: &mut Wanted) {
        self.segments.want(wanted);
        if let Some(filter) = &self.filter {
            wanted.add_all(filter.wanted());
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        self.start.get_or_insert(frame.packet.meta.ts);
        if !passes(self.filter.as_ref(), tree, frame) {
            return;
        }
        let found: Vec<_> = self.segments.of(tree).collect();
        for segment in found {
            self.segment(&segment, frame.packet.meta.ts);
        }
    }

    fn print(&mut self, out: &mut String) {
        let lines = self.lines();
        let start = self.start.unwrap_or_default();
        // Writing to a string does not fail, in all of these.
        let _infallible = write!(
            out,
            "{RULE}TCP Port Scans (ports of a host, or hosts: at least {})\nFilter:{}\n",
            self.least,
            filter_text(self.filter.as_ref())
        );
        let _infallible = writeln!(
            out,
            "{:<5} {:<24} {:<24} {:>7} {:>7} {:>7} {:>7} {:>11} {:>11}  Open ports",
            "Kind", "Scanner", "Target", "Tried", "Open", "Closed", "Silent", "Start", "Duration"
        );
        for line in &lines {
            let [open, closed, silent] = line.counts;
            let mut named: Vec<_> = line.open.iter().take(NAMED).map(u16::to_string).collect();
            if line.open.len() > NAMED {
                named.push(format!("and {} more", line.open.len() - NAMED));
            }
            let _infallible = writeln!(
                out,
                "{:<5} {:<24} {:<24} {:>7} {open:>7} {closed:>7} {silent:>7} {:>11.3} {:>11.3}  {}",
                line.probe.name(),
                line.scanner.address(),
                line.target,
                line.total(),
                line.first.since(start).as_secs_f64(),
                line.last.since(line.first).as_secs_f64(),
                named.join(",")
            );
        }
        if lines.iter().any(|line| !matches!(line.probe, Probe::Syn)) {
            out.push_str("Ports that do not answer FIN, NULL and Xmas are open or filtered; what does not answer ACK is filtered.\n");
        }
        if self.left_out > 0 {
            let _infallible = writeln!(
                out,
                "{} probes were of further ports; only {MOST_PORTS} are remembered",
                self.left_out
            );
        }
        out.push_str(RULE);
    }
}

/// As wide as the table.
const RULE: &str = "===========================================================================================================================\n";
