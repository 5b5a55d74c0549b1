//! Frames and bytes over time (`tshark -z io,stat`).

use std::fmt::Write as _;

use super::conversations::seconds;
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
    /// Length in ns; 0 for all of it in one.
    interval_ns: u64,
    /// As it was typed, for the width of the numbers.
    decimals: usize,
    columns: Vec<Column>,
    first: Option<Timestamp>,
    last: Timestamp,
    out_of_range: u64,
}

#[derive(Debug)]
struct Column {
    text: String,
    filter: Option<DisplayFilter>,
    function: Option<(Function, Known, Kind)>,
    cells: Vec<Cell>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Count,
    Sum,
    Min,
    Max,
    Avg,
    Load,
}

impl Function {
    const ALL: [(&'static str, Self); 6] = [
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
        let decimals = word.split_once('.').map_or(0, |(_, fraction)| {
            fraction.trim_end_matches('0').len().min(9)
        });
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
            interval_ns: (seconds * 1e9).round() as u64,
            decimals,
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
                (Some((function, known, kind)), words)
            }
        };
        let filter = super::filter(Some(words))?;
        Ok(Self {
            text: text.to_owned(),
            filter,
            function,
            cells: Vec::new(),
        })
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
        let place = match self.interval_ns {
            0 => 0,
            interval => meta.ts.since(first).0 / interval,
        };
        if place >= MOST {
            self.out_of_range += 1;
            return;
        }
        let place = place as usize;
        for column in &mut self.columns {
            if !super::passes(column.filter.as_ref(), tree, frame) {
                continue;
            }
            if column.cells.len() <= place {
                column.cells.resize(place + 1, Cell::default());
            }
            let Some(cell) = column.cells.get_mut(place) else {
                continue;
            };
            cell.frames += 1;
            cell.bytes += u64::from(meta.wire_len);
            if let Some((_, known, _)) = &column.function {
                for value in known.values(tree) {
                    cell.add(value);
                }
            }
        }
    }

    fn print(&mut self, out: &mut String) {
        let table = Table::new(self);
        table.print(out);
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

    fn text(&self, function: Function, kind: Kind, interval_ns: u64) -> String {
        let number = match function {
            Function::Count => return self.values.to_string(),
            Function::Sum => self.sum,
            Function::Min => self.min.unwrap_or(0),
            Function::Max => self.max.unwrap_or(0),
            Function::Avg if self.values == 0 => 0,
            Function::Avg => self.sum / i128::from(self.values),
            Function::Load if interval_ns == 0 => 0,
            // Time of service in time: how many were at work at once.
            Function::Load => self.sum * 1_000_000_000 / i128::from(interval_ns),
        };
        if kind == Kind::RelativeTime {
            let (secs, rest) = (number / 1_000_000_000, number % 1_000_000_000);
            return format!("{secs}.{:06}", rest.abs() / 1000);
        }
        number.to_string()
    }
}

/// The table as it is printed.
struct Table {
    header: Vec<String>,
    /// First cell, then the columns.
    titles: Vec<Vec<String>>,
    rows: Vec<(String, Vec<Vec<String>>)>,
    /// Width of the first cell.
    label: usize,
}

impl Table {
    fn new(intervals: &Intervals) -> Self {
        let Intervals {
            interval_ns,
            decimals,
            columns,
            first,
            last,
            ..
        } = intervals;
        let duration_ns = last.since(first.unwrap_or_default()).0;
        let count = columns.iter().map(|column| column.cells.len()).max();
        let whole = *interval_ns == 0 || *interval_ns > duration_ns;
        // The one interval is as long as all of it then, and shown more or less exactly.
        let (interval_ns, decimals) = match (whole, duration_ns) {
            (false, _) => (*interval_ns, *decimals),
            (true, 0..10_000_000_000) => (duration_ns, 3),
            (true, _) => (duration_ns, 1),
        };
        let count = match interval_ns {
            0 => 0,
            _ if whole => 1,
            interval if first.is_some() => (duration_ns / interval).min(MOST - 1) as usize + 1,
            _ => count.unwrap_or(0),
        };
        let text = |ns: u64| {
            if decimals == 0 {
                return (ns / 1_000_000_000).to_string();
            }
            seconds(ns, decimals as u32)
        };
        let end = |place: usize| {
            if place + 1 == count && !whole {
                "Dur".to_owned()
            } else {
                text((place as u64 + 1).saturating_mul(interval_ns))
            }
        };
        let width = text((count.max(1) as u64).saturating_mul(interval_ns))
            .len()
            .max(text(interval_ns).len());
        let rows = (0..count)
            .map(|place| {
                let start = text(place as u64 * interval_ns);
                let label = format!("{start:>width$} <> {:>width$}", end(place));
                let cells = columns.iter().map(|column| {
                    let cell = column.cells.get(place).copied().unwrap_or_default();
                    match &column.function {
                        None => vec![cell.frames.to_string(), cell.bytes.to_string()],
                        Some((function, _, kind)) => {
                            vec![cell.text(*function, *kind, interval_ns)]
                        }
                    }
                });
                (label, cells.collect())
            })
            .collect();
        let titles = columns
            .iter()
            .map(|column| match &column.function {
                None => vec!["Frames".to_owned(), "Bytes".to_owned()],
                Some((function, ..)) => vec![function.name().to_owned()],
            })
            .collect();
        let mut header = vec![
            "IO Statistics".to_owned(),
            String::new(),
            if decimals > 0 {
                format!("Duration: {} secs", text(duration_ns))
            } else {
                format!(
                    "Duration: {}.{:06} secs",
                    duration_ns / 1_000_000_000,
                    duration_ns % 1_000_000_000 / 1000
                )
            },
        ];
        header.push(format!("Interval: {:>width$} secs", text(interval_ns)));
        header.push(String::new());
        for (place, column) in columns.iter().enumerate() {
            let label = if place == 0 { "Col" } else { "   " };
            let text = if column.text.is_empty() {
                "Frames and bytes"
            } else {
                &column.text
            };
            header.push(format!("{label} {}: {text}", place + 1));
        }
        Self {
            header,
            titles,
            rows,
            label: 2 * width + " <> ".len(),
        }
    }

    fn print(&self, out: &mut String) {
        let label = self.label.max("Interval".len());
        let widths: Vec<Vec<usize>> = self
            .titles
            .iter()
            .enumerate()
            .map(|(column, titles)| {
                titles
                    .iter()
                    .enumerate()
                    .map(|(part, title)| {
                        let cells = self.rows.iter().map(|(_, cells)| cells[column][part].len());
                        cells.chain([title.len()]).max().unwrap_or(0)
                    })
                    .collect()
            })
            .collect();
        let group = |widths: &[usize]| widths.iter().map(|width| width + 3).sum::<usize>() - 1;
        let table = label + 2 + widths.iter().map(|parts| 1 + group(parts)).sum::<usize>();
        let header = self
            .header
            .iter()
            .map(|line| line.chars().count() + 2)
            .max();
        let inside = table.max(header.unwrap_or(0));
        // Writing to a string does not fail, in all of these.
        let rule = "=".repeat(inside + 2);
        let _infallible = writeln!(out, "\n{rule}");
        for line in &self.header {
            let _infallible = writeln!(out, "| {line:<width$}|", width = inside - 1);
        }
        let _infallible = writeln!(out, "|{}|", "-".repeat(inside));
        let mut line = format!("| {:label$} ", "");
        for (place, parts) in widths.iter().enumerate() {
            let _infallible = write!(line, "|{:<width$}", place + 1, width = group(parts));
        }
        close(&line, table, inside, out);
        line = format!("| {:<label$} ", "Interval");
        for (titles, parts) in self.titles.iter().zip(&widths) {
            for (title, width) in titles.iter().zip(parts) {
                let _infallible = write!(line, "| {title:>width$} ");
            }
        }
        close(&line, table, inside, out);
        close(&format!("|{}", "-".repeat(table)), table, inside, out);
        for (name, cells) in &self.rows {
            // The end of the last interval is not at a full one, and can be longer than a number.
            let (left, width) = ((label - self.label) / 2, label + 1);
            line = format!("| {:<width$}", format!("{:left$}{name}", ""));
            for (cells, parts) in cells.iter().zip(&widths) {
                for (cell, width) in cells.iter().zip(parts) {
                    let _infallible = write!(line, "| {cell:>width$} ");
                }
            }
            close(&line, table, inside, out);
        }
        let _infallible = writeln!(out, "{rule}");
    }
}

/// Ends a line of the table, and the line around the header if that is wider.
fn close(line: &str, table: usize, inside: usize, out: &mut String) {
    out.push_str(line);
    for _ in line.chars().count()..=table {
        out.push(' ');
    }
    out.push('|');
    if inside > table {
        for _ in table + 1..inside {
            out.push(' ');
        }
        out.push('|');
    }
    out.push('\n');
}
