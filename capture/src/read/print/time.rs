//! The time of a frame in the list, by `-t`.

use std::str::FromStr;

use super::Shown;
use super::line::{Line, digits, right};
use super::row::Row;
use super::text::{decimal, zero_padded};
use crate::packet::Timestamp;

const NS_PER_S: u64 = 1_000_000_000;

/// How the list shows times: tshark's `-t`.
///
/// All absolute times are in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TimeFormat {
    /// `r`: since the first frame.
    #[default]
    Relative,
    /// `d`: since the frame before.
    Delta,
    /// `dd`: since the last frame that was shown.
    DeltaShown,
    /// `e`: seconds since 1970.
    Epoch,
    /// `a`, `u`: time of day.
    TimeOfDay,
    /// `ad`, `ud`: date and time of day.
    Date,
    /// `adoy`, `udoy`: year, day of the year, time of day.
    DayOfYear,
}

impl FromStr for TimeFormat {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        Ok(match word {
            "r" => Self::Relative,
            "d" => Self::Delta,
            "dd" => Self::DeltaShown,
            "e" => Self::Epoch,
            "a" | "u" => Self::TimeOfDay,
            "ad" | "ud" => Self::Date,
            "adoy" | "udoy" => Self::DayOfYear,
            _ => {
                return Err(
                    "it is one of r (since the first frame), d (since the one before), dd (since the last shown), \
                     e (since 1970), a, ad, adoy (time of day, with date, with day of the year), u, ud, udoy"
                        .to_owned(),
                );
            }
        })
    }
}

/// How the list shows lengths of time: tshark's `-u`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Seconds {
    /// `s`: seconds alone.
    #[default]
    Alone,
    /// `hms`: hours, minutes and seconds.
    WithHours,
}

impl FromStr for Seconds {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word {
            "s" => Ok(Self::Alone),
            "hms" => Ok(Self::WithHours),
            _ => Err("it is s (seconds) or hms (hours, minutes, seconds)".to_owned()),
        }
    }
}

/// How the list shows the time of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeStyle {
    /// Which time.
    pub format: TimeFormat,
    /// In which units, if it is a length of time.
    pub seconds: Seconds,
}

impl TimeStyle {
    /// The moment since which the time of a frame is told, if that is told in seconds alone.
    #[inline]
    pub(super) const fn since(self, shown: &Shown) -> Option<Timestamp> {
        match (self.format, self.seconds) {
            (TimeFormat::Relative, Seconds::Alone) => Some(shown.first),
            (TimeFormat::Delta, Seconds::Alone) => Some(shown.previous),
            (TimeFormat::DeltaShown, Seconds::Alone) => Some(shown.previous_shown),
            _ => None,
        }
    }

    /// Adds the time of a frame with spaces in front of it, to be at least so wide.
    pub(super) fn write_right(self, shown: &Shown, width: usize, line: &mut Line<'_>) {
        match self.since(shown) {
            Some(from) => {
                line.row(|row| row.since(shown.meta.ts, from, shown.decimals.into(), width));
            }
            None => line.with(|out| right(out, width, |out| self.write(shown, out))),
        }
    }

    /// Adds the time of a frame.
    pub(super) fn write(self, shown: &Shown, out: &mut String) {
        match self.seconds {
            Seconds::Alone => self.format.write(shown, difference, out),
            Seconds::WithHours => self.format.write(shown, in_hours, out),
        }
    }
}

impl Row<'_> {
    /// Adds the time from one moment to another, with spaces in front of it to be at least so wide.
    #[inline(always)]
    pub(super) fn since(&mut self, to: Timestamp, from: Timestamp, decimals: usize, width: usize) {
        let decimals = decimals.min(9);
        let ns = to.0.abs_diff(from.0);
        let (secs, rest) = (ns / NS_PER_S, (ns % NS_PER_S) as u32);
        let len = usize::from(to < from) + digits(secs) + usize::from(decimals > 0) + decimals;
        self.fill(len, width);
        if to < from {
            self.text("-");
        }
        self.decimal(secs);
        self.fraction(rest, decimals);
    }
}

/// Writes the time from one moment to another with so many decimals.
type Write = fn(Timestamp, Timestamp, usize, &mut String);

impl TimeFormat {
    /// Adds the time of a frame; `difference` writes lengths of time.
    fn write(self, shown: &Shown, difference: Write, out: &mut String) {
        let ts = shown.meta.ts;
        let decimals = usize::from(shown.decimals);
        match self {
            Self::Relative => difference(ts, shown.first, decimals, out),
            Self::Delta => difference(ts, shown.previous, decimals, out),
            Self::DeltaShown => difference(ts, shown.previous_shown, decimals, out),
            Self::Epoch => {
                decimal(out, ts.secs());
                fraction(ts.subsec_ns(), decimals, out);
            }
            Self::TimeOfDay => time_of_day(ts, decimals, out),
            Self::Date => {
                let (year, month, day) = ts.date();
                zero_padded(out, year, 4);
                out.push('-');
                zero_padded(out, month, 2);
                out.push('-');
                zero_padded(out, day, 2);
                out.push(' ');
                time_of_day(ts, decimals, out);
            }
            Self::DayOfYear => {
                let (year, ..) = ts.date();
                zero_padded(out, year, 4);
                out.push('/');
                zero_padded(out, day_of_year(ts), 3);
                out.push(' ');
                time_of_day(ts, decimals, out);
            }
        }
    }
}

/// Days since the first of January, which is day 1.
fn day_of_year(ts: Timestamp) -> u64 {
    let (year, month, day) = ts.date();
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let lengths = [31, 28 + u64::from(leap), 31, 30, 31, 30, 31, 31, 30, 31, 30];
    let before: u64 = lengths.iter().take(month as usize - 1).sum();
    before + day
}

fn time_of_day(ts: Timestamp, decimals: usize, out: &mut String) {
    let secs = ts.secs() % 86_400;
    zero_padded(out, secs / 3600, 2);
    out.push(':');
    zero_padded(out, secs / 60 % 60, 2);
    out.push(':');
    zero_padded(out, secs % 60, 2);
    fraction(ts.subsec_ns(), decimals, out);
}

/// The time from one moment to another, which can lie before it.
fn difference(to: Timestamp, from: Timestamp, decimals: usize, out: &mut String) {
    if to < from {
        out.push('-');
    }
    let ns = to.0.abs_diff(from.0);
    decimal(out, ns / NS_PER_S);
    fraction((ns % NS_PER_S) as u32, decimals, out);
}

/// The same in hours, minutes and seconds (`set_time_hour_min_sec` in Wireshark's `column-utils.c`).
fn in_hours(to: Timestamp, from: Timestamp, decimals: usize, out: &mut String) {
    if to < from {
        out.push_str("- ");
    }
    let ns = to.0.abs_diff(from.0);
    let secs = ns / 1_000_000_000;
    let (hours, minutes) = (secs / 3600, secs / 60 % 60);
    if hours > 0 {
        decimal(out, hours);
        out.push_str("h ");
    }
    if secs >= 60 {
        two_wide(out, minutes, hours > 0);
        out.push_str("m ");
    }
    two_wide(out, secs % 60, secs >= 60);
    fraction((ns % 1_000_000_000) as u32, decimals, out);
    out.push('s');
}

/// A number below 100; behind another one, two digits wide.
fn two_wide(out: &mut String, number: u64, follows: bool) {
    if follows && number < 10 {
        out.push(' ');
    }
    decimal(out, number);
}

/// Cut off, not rounded, as Wireshark does it.
fn fraction(subsec_ns: u32, decimals: usize, out: &mut String) {
    if decimals == 0 {
        return;
    }
    let decimals = decimals.min(9);
    out.push('.');
    let unit = 10_u32.pow(9 - decimals as u32);
    zero_padded(out, u64::from(subsec_ns / unit), decimals);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_year_know_leap_years() {
        // 2020-12-31 and 2021-12-31, 00:00 UTC.
        assert_eq!(day_of_year(Timestamp::new(1_609_372_800, 0)), 366);
        assert_eq!(day_of_year(Timestamp::new(1_640_908_800, 0)), 365);
    }

    #[test]
    fn a_difference_can_be_negative() {
        let mut out = String::new();
        difference(
            Timestamp(1_000_000_000),
            Timestamp(3_500_000_000),
            6,
            &mut out,
        );
        assert_eq!(out, "-2.500000");
    }

    #[test]
    fn long_times_are_in_hours() {
        let text = |secs: u64| {
            let mut out = String::new();
            in_hours(Timestamp::new(secs, 0), Timestamp(0), 3, &mut out);
            out
        };
        assert_eq!(text(7), "7.000s");
        assert_eq!(text(67), "1m  7.000s");
        assert_eq!(text(3_667), "1h  1m  7.000s");
        assert_eq!(text(40_271), "11h 11m 11.000s");
    }
}
