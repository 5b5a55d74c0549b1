//! The table of `-z io,stat`: how wide its columns are and where its lines end, by the same rules as in
//! Wireshark's `ui/cli/tap-iostat.c`, so that what reads tshark's table reads this one.

use std::fmt::Write as _;

/// The table is not made wider than this for the sake of what is said above it.
const WIDEST_HEADER: usize = 102;

/// Its rows: how long all of it is, and each interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Table {
    /// Rounded as the numbers of the rows are.
    duration_us: u64,
    exact_us: u64,
    interval_us: u64,
    /// Digits behind the point.
    decimals: usize,
    /// Digits of the seconds of the duration.
    seconds: usize,
    /// Width at least, its borders included.
    least: usize,
}

/// What stands above the columns.
#[derive(Debug)]
pub(super) struct Contents<'a> {
    pub(super) names: Vec<&'a str>,
    /// Each column's: a title, and the width.
    pub(super) parts: Vec<Vec<(&'static str, usize)>>,
}

/// Digits that are counted at most.
fn digits(seconds: u64) -> usize {
    seconds.to_string().len().min(5)
}

impl Table {
    /// A table for so long a time, in intervals of such a length, or in one if that is 0.
    pub(super) fn new(exact_us: u64, interval_us: u64) -> Self {
        let is_whole = interval_us == 0 || interval_us > exact_us;
        let length = if is_whole { exact_us } else { interval_us };
        let seconds = digits(exact_us / 1_000_000);
        let (decimals, least) = if length == exact_us {
            let decimals = if seconds >= 2 { 1 } else { 3 };
            (decimals, 30 + seconds + 1 + decimals)
        } else {
            let decimals = (0..6)
                .find(|zeros| interval_us.is_multiple_of(10_u64.pow(6 - zeros)))
                .unwrap_or(6) as usize;
            let point = if decimals == 0 { 0 } else { decimals + 1 };
            let widest = seconds.max(digits(interval_us / 1_000_000));
            (decimals, 25 + widest + point)
        };
        let unit = 10_u64.pow(6 - decimals as u32);
        let (mut duration_us, mut seconds) = (exact_us, seconds);
        if exact_us % unit > unit / 10 * 5 {
            duration_us = (exact_us + unit / 10 * 5) / unit * unit;
            seconds = digits(duration_us / 1_000_000);
        }
        Self {
            duration_us,
            exact_us,
            interval_us: if is_whole { duration_us } else { interval_us },
            decimals,
            seconds,
            least,
        }
    }

    /// How long an interval is.
    pub(super) const fn interval_us(&self) -> u64 {
        self.interval_us
    }

    /// How many there are, of so many that can be.
    pub(super) fn rows(&self, most: u64) -> usize {
        let rows = match self.interval_us {
            0 => 0,
            interval => self.duration_us.div_ceil(interval),
        };
        rows.min(most) as usize
    }

    fn time(&self, us: u64) -> String {
        let (secs, rest) = (us / 1_000_000, us % 1_000_000);
        let seconds = self.seconds;
        match self.decimals {
            0 => format!("{secs:seconds$}"),
            decimals => {
                let fraction = rest / 10_u64.pow(6 - decimals as u32);
                format!("{secs:seconds$}.{fraction:0decimals$}")
            }
        }
    }

    /// Width of the column of the intervals, its borders included.
    fn label_width(&self) -> usize {
        match self.decimals {
            0 => (2 * self.seconds + 8).max(12),
            decimals => 2 * self.seconds + 2 * decimals + 10,
        }
    }

    /// The interval of a row.
    fn label(&self, place: usize, rows: usize) -> String {
        let from = place as u64 * self.interval_us;
        let is_last = place + 1 == rows;
        let until = if is_last {
            self.duration_us
        } else {
            from + self.interval_us
        };
        let (from, until) = (self.time(from), self.time(until));
        let indent = if self.decimals == 0 && self.seconds == 1 {
            " "
        } else {
            ""
        };
        if is_last && self.decimals == 0 {
            let width = if self.seconds >= 3 {
                self.seconds + 1
            } else {
                3
            };
            return format!("| {indent}{from} <> {:<width$}|", "Dur");
        }
        format!("| {indent}{from} <> {until}{indent} |")
    }

    /// Writes it all; `cells` gives what is in a row, of which the second number is how long it lasts.
    pub(super) fn print(
        &self,
        contents: &Contents<'_>,
        rows: usize,
        out: &mut String,
        cells: impl Fn(usize, u64) -> Vec<String>,
    ) {
        let parts: Vec<_> = contents.parts.iter().flatten().collect();
        let label = self.label_width();
        let table = label + parts.iter().map(|(_, width)| width + 3).sum::<usize>();
        let mut border = self.least.max(table);
        let names = contents.names.iter().map(|name| name.chars().count() + 11);
        let names = names.max().unwrap_or(0).max(26);
        if names > border && border < WIDEST_HEADER {
            border = names.min(WIDEST_HEADER);
        }
        // No two borders next to each other.
        if border == table + 1 {
            border += 1;
        }
        let rest = if border > table {
            format!("{:>width$}", "|", width = border - table)
        } else {
            String::new()
        };
        self.header(contents, border, out);
        // Writing to a string does not fail, in all of these.
        let _infallible = write!(out, "|{:>width$}", "|", width = label - 1);
        for (place, parts) in contents.parts.iter().enumerate() {
            let width = parts.iter().map(|(_, width)| width + 3).sum::<usize>() - 1;
            let _infallible = write!(out, "{:<width$}|", place + 1);
        }
        let _infallible = write!(out, "{rest}\n| Interval{:>width$}", "|", width = label - 10);
        for (title, width) in &parts {
            let free = width - title.len();
            let (left, right) = (free.div_ceil(2), free / 2);
            let _infallible = write!(out, " {:left$}{title}{:right$} |", "", "");
        }
        let _infallible = writeln!(out, "{rest}\n|{}|{rest}", "-".repeat(table - 2));
        for place in 0..rows {
            let from = place as u64 * self.interval_us;
            let length = if place + 1 == rows {
                self.duration_us.saturating_sub(from)
            } else {
                self.interval_us
            };
            out.push_str(&self.label(place, rows));
            for (cell, (_, width)) in cells(place, length).iter().zip(&parts) {
                let _infallible = write!(out, " {cell:>width$} |");
            }
            let _infallible = writeln!(out, "{rest}");
        }
        let _infallible = writeln!(out, "{}", "=".repeat(border));
    }

    /// What is said above the table.
    fn header(&self, contents: &Contents<'_>, border: usize, out: &mut String) {
        let inside = border - 3;
        let duration = if self.decimals > 0 {
            self.time(self.duration_us)
        } else {
            let (secs, micros) = (self.exact_us / 1_000_000, self.exact_us % 1_000_000);
            format!("{secs}.{micros:06}")
        };
        let mut lines = vec![
            "IO Statistics".to_owned(),
            String::new(),
            format!("Duration: {duration} secs"),
            format!("Interval: {} secs", self.time(self.interval_us)),
            String::new(),
        ];
        for (place, name) in contents.names.iter().enumerate() {
            let first = if place == 0 { "Col" } else { "   " };
            let mut front = format!("{first}{:2}: ", place + 1);
            for part in wrap(name, border - 11) {
                lines.push(format!("{front}{part}"));
                front = " ".repeat(7);
            }
        }
        // Writing to a string does not fail, in all of these.
        let _infallible = writeln!(out, "\n{}", "=".repeat(border));
        for line in &lines {
            let _infallible = writeln!(out, "| {line:<inside$}|");
        }
        let _infallible = writeln!(out, "|{}|", "-".repeat(border - 2));
    }
}

/// Lines of at most so many letters, ended at a space if there is one.
fn wrap(text: &str, most: usize) -> Vec<&str> {
    let mut lines = Vec::new();
    let mut left = text;
    while let Some((end, _)) = left.char_indices().nth(most) {
        let Some((line, _)) = left.split_at_checked(end) else {
            break;
        };
        let (line, next) = match line.rfind(' ') {
            Some(space) if space > 0 => (line.get(..space), left.get(space + 1..)),
            _ => (Some(line), left.get(end..)),
        };
        lines.extend(line);
        left = next.unwrap_or_default();
    }
    lines.push(left);
    lines
}
