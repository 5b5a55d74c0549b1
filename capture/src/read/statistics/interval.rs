//! Frames and bytes over time (`tshark -z io,stat`), as by Wireshark's `ui/cli/tap-iostat.c`.

use std::fmt::Write as _;

use super::interval_table::{Contents, Table};
use super::{Known, Statistic, StatisticError};
use crate::filter::display::DisplayFilter;
use crate::packet::Timestamp;
use crate::read::Columns;
use crate::read::field::Kind;
use crate::read::tree::{Tree, Value, Wanted};
use crate::read::walk::Frame;

/// Intervals at most: a file whose times lie far apart must not take all memory.
const MOST: u64 = 1 << 20;

const NAME: &str = "io,stat";

/// A table with a row for each interval.
#[derive(Debug)]
pub(super) struct Intervals {
    /// Length in µs; 0 for all of it in one.
    interval_us: u64,
    columns: Vec<Column>,
    first: Option<Timestamp>,
    last: Timestamp,
    out_of_range: u64,
}

#[derive(Debug)]
struct Column {
    text: String,
    filter: Option<DisplayFilter>,
    function: Option<(Function, Known, Option<Kind>)>,
    cells: Vec<Cell>,
    /// The largest value that a cell ever had, which makes the column as wide as it is.
    widest: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Bytes,
    Frames,
    Count,
    Sum,
    Min,
    Max,
    Avg,
    Load,
}

impl Function {
    const ALL: [(&'static str, Self); 8] = [
        ("BYTES", Self::Bytes),
        ("FRAMES", Self::Frames),
        ("COUNT", Self::Count),
        ("SUM", Self::Sum),
        ("MIN", Self::Min),
        ("MAX", Self::Max),
        ("AVG", Self::Avg),
        ("LOAD", Self::Load),
    ];

    fn name(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(_, function)| *function == self)
            .map_or("", |(name, _)| name)
    }
}

/// What came together in an interval.
#[derive(Clone, Copy, Debug, Default)]
struct Cell {
    frames: u64,
    bytes: u64,
    values: u64,
    sum: i128,
    min: Option<i128>,
    max: Option<i128>,
    /// Time in µs of what was at work in the interval.
    load_us: u64,
}

impl Intervals {
    pub(super) fn parse(rest: &str) -> Result<Box<dyn Statistic>, StatisticError> {
        let wrong = |reason: String| StatisticError::Argument { name: NAME, reason };
        let mut words = split(rest).into_iter();
        let word = words.next().unwrap_or_default();
        let seconds: f64 = word
            .trim()
            .parse()
            .ok()
            .filter(|seconds| (0.0..1e9).contains(seconds))
            .ok_or_else(|| wrong(format!("{word:?} is not a number of seconds")))?;
        let mut columns = words
            .map(|word| Column::parse(word.trim()))
            .collect::<Result<Vec<_>, _>>()?;
        if columns.is_empty() {
            columns.push(Column::parse("")?);
        }
        Ok(Box::new(Self {
            #[expect(
                clippy::cast_sign_loss,
                reason = "it was checked to be between 0 and a thousand million seconds"
            )]
            interval_us: match seconds {
                0.0 => 0,
                _ => ((seconds * 1e6).round() as u64).max(1),
            },
            columns,
            first: None,
            last: Timestamp(0),
            out_of_range: 0,
        }))
    }
}

/// Words apart by commas that are outside of brackets, braces and quotes.
fn split(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut depth = 0_i32;
    let mut quoted = false;
    let mut start = 0;
    for (at, c) in text.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '(' | '{' | '[' if !quoted => depth += 1,
            ')' | '}' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth <= 0 => {
                words.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    words.push(&text[start..]);
    words
}

impl Column {
    fn parse(text: &str) -> Result<Self, StatisticError> {
        let wrong = |reason: String| StatisticError::Argument { name: NAME, reason };
        let function = Function::ALL.into_iter().find_map(|(name, function)| {
            let rest = text.strip_prefix(name)?.trim_start().strip_prefix('(')?;
            let (field, filter) = rest.split_once(')')?;
            Some((function, field.trim(), filter.trim()))
        });
        let (function, words) = match function {
            None => (None, text),
            Some((function @ (Function::Bytes | Function::Frames), "", words)) => {
                (Some((function, Known::default(), None)), words)
            }
            Some((Function::Bytes | Function::Frames, name, _)) => {
                return Err(wrong(format!("{name:?} does not belong there")));
            }
            Some((function, name, words)) => {
                let known = Known::named(name);
                let Some(id) = known.0.first() else {
                    return Err(wrong(format!("there is no field {name:?}")));
                };
                let kind = id.field().kind;
                let counts = matches!(
                    kind,
                    Kind::Uint(_) | Kind::Int(_) | Kind::FrameNumber | Kind::RelativeTime
                );
                if function != Function::Count && !counts {
                    return Err(wrong(format!("{name} is not a number")));
                }
                if function == Function::Load && kind != Kind::RelativeTime {
                    return Err(wrong(format!("{name} is not a time")));
                }
                (Some((function, known, Some(kind))), words)
            }
        };
        let filter = super::filter(Some(words))?;
        Ok(Self {
            text: text.to_owned(),
            filter,
            function,
            cells: Vec::new(),
            widest: 0,
        })
    }

    /// One more frame in an interval.
    fn add(&mut self, place: usize, wire_len: u32, tree: &Tree, interval_us: u64) {
        if self.cells.len() <= place {
            self.cells.resize(place + 1, Cell::default());
        }
        let Some(cell) = self.cells.get_mut(place) else {
            return;
        };
        cell.frames += 1;
        cell.bytes += u64::from(wire_len);
        if let Some((function, known, _)) = &self.function {
            for value in known.values(tree) {
                cell.add(value);
                if let (Function::Load, Value::Span(ns)) = (function, value) {
                    spread(&mut self.cells, place, ns, interval_us);
                    break;
                }
            }
        }
        let Some(cell) = self.cells.get(place) else {
            return;
        };
        let value = match &self.function {
            None => cell.bytes,
            Some((function, _, kind)) => cell.magnitude(*function, *kind),
        };
        self.widest = self.widest.max(value);
    }

    /// The cell in an interval, as text, which lasts so long.
    fn text(&self, place: usize, interval_us: u64) -> Vec<String> {
        let cell = self.cells.get(place).copied().unwrap_or_default();
        match &self.function {
            None => vec![cell.frames.to_string(), cell.bytes.to_string()],
            Some((function, _, kind)) => vec![cell.text(*function, *kind, interval_us)],
        }
    }

    /// What stands above its parts, and how wide they are at least.
    fn parts(&self, interval_us: u64) -> Vec<(&'static str, usize)> {
        let digits = |number: u64| number.to_string().len();
        let most = self.cells.iter().map(|cell| cell.frames).max();
        let frames = digits(most.unwrap_or(0)).max("FRAMES".len());
        let widest = digits(self.widest);
        match &self.function {
            None => vec![("Frames", frames), ("Bytes", widest.max("Bytes".len()))],
            Some((Function::Frames, ..)) => vec![("FRAMES", frames)],
            Some((function, _, kind)) => {
                let name = function.name();
                let width = match (function, kind) {
                    (Function::Bytes | Function::Count, _) => widest.max("COUNT".len()),
                    (Function::Load, _) => {
                        digits(self.widest.checked_div(interval_us).unwrap_or(0)) + ".000000".len()
                    }
                    (_, Some(Kind::RelativeTime)) => widest + ".000000".len(),
                    _ => widest.max(name.len()),
                };
                vec![(name, width)]
            }
        }
    }
}

/// Time that ended in an interval was spent in it and in those before.
fn spread(cells: &mut [Cell], place: usize, ns: i64, interval_us: u64) {
    let mut left = u64::try_from(ns / 1000).unwrap_or(0);
    let mut part = left.checked_rem(interval_us).unwrap_or(left);
    let mut at = place;
    for _ in 0..=cells.len() {
        if let Some(cell) = cells.get_mut(at) {
            cell.load_us += part;
        }
        left -= part;
        if left == 0 {
            return;
        }
        part = left.min(interval_us);
        // Before the first comes the last, to tshark.
        at = at.checked_sub(1).unwrap_or(cells.len() - 1);
    }
}

impl Statistic for Intervals {
    fn want(&self, wanted: &mut Wanted) {
        for column in &self.columns {
            if let Some(filter) = &column.filter {
                wanted.add_all(filter.wanted());
            }
            if let Some((_, known, _)) = &column.function {
                known.want(wanted);
            }
        }
    }

    fn frame(&mut self, frame: &Frame<'_>, tree: &Tree, _columns: &Columns) {
        let meta = &frame.packet.meta;
        let first = *self.first.get_or_insert(meta.ts);
        self.last = self.last.max(meta.ts);
        let place = match self.interval_us {
            0 => 0,
            interval => micros(meta.ts.since(first).0) / interval,
        };
        if place >= MOST {
            self.out_of_range += 1;
            return;
        }
        for column in &mut self.columns {
            if super::passes(column.filter.as_ref(), tree, frame) {
                column.add(place as usize, meta.wire_len, tree, self.interval_us);
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        let duration = self.last.since(self.first.unwrap_or_default()).0;
        let table = Table::new(micros(duration), self.interval_us);
        let interval_us = table.interval_us();
        let names = self.columns.iter().map(|column| match &*column.text {
            "" => "Frames and bytes",
            text => text,
        });
        let contents = Contents {
            names: names.collect(),
            parts: self
                .columns
                .iter()
                .map(|column| column.parts(interval_us))
                .collect(),
        };
        let rows = table.rows(MOST);
        table.print(&contents, rows, out, |place, length_us| {
            let cells = self
                .columns
                .iter()
                .map(|column| column.text(place, length_us));
            cells.flatten().collect()
        });
        if self.out_of_range > 0 {
            // Writing to a string does not fail.
            let _infallible = writeln!(
                out,
                "{} frames came after the {MOST} intervals that are counted",
                self.out_of_range
            );
        }
    }
}

impl Cell {
    fn add(&mut self, value: Value) {
        self.values += 1;
        let number = match value {
            Value::Uint(number) => i128::from(number),
            Value::Int(number) => i128::from(number),
            Value::Span(ns) => i128::from(ns),
            _ => return,
        };
        self.sum += number;
        self.min = Some(self.min.map_or(number, |min| min.min(number)));
        self.max = Some(self.max.map_or(number, |max| max.max(number)));
    }

    /// What decides how wide its column is: seconds for times, which are rounded.
    fn magnitude(&self, function: Function, kind: Option<Kind>) -> u64 {
        const HALF: u64 = 500_000_000;
        let number = match function {
            Function::Bytes => return self.bytes,
            Function::Frames => return self.frames,
            Function::Count => return self.values,
            Function::Load => return self.load_us,
            Function::Sum => self.sum,
            Function::Min => self.min.unwrap_or(0),
            Function::Max => self.max.unwrap_or(0),
            Function::Avg => self.average(),
        };
        let number = u64::try_from(number).unwrap_or(0);
        match kind {
            Some(Kind::RelativeTime) => number.saturating_add(HALF) / 1_000_000_000,
            _ => number,
        }
    }

    const fn average(&self) -> i128 {
        match self.values {
            0 => 0,
            values => self.sum / values as i128,
        }
    }

    fn text(&self, function: Function, kind: Option<Kind>, length_us: u64) -> String {
        let number = match function {
            Function::Bytes => return self.bytes.to_string(),
            Function::Frames => return self.frames.to_string(),
            Function::Count => return self.values.to_string(),
            Function::Sum => self.sum,
            Function::Min => self.min.unwrap_or(0),
            Function::Max => self.max.unwrap_or(0),
            Function::Avg => self.average(),
            Function::Load => {
                // How many were at work at once.
                let length = u128::from(length_us.max(1));
                let millionths = u128::from(self.load_us) * 1_000_000 / length;
                return format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000);
            }
        };
        if kind == Some(Kind::RelativeTime) {
            let micros = (number + 500) / 1000;
            return format!("{}.{:06}", micros / 1_000_000, (micros % 1_000_000).abs());
        }
        number.to_string()
    }
}

/// Rounded to µs.
const fn micros(ns: u64) -> u64 {
    ns.saturating_add(500) / 1000
}
