//! `-b` and `-a`: several packet files in a row, and when it is enough, in the words of dumpcap.

use super::units::{bytes, duration};
use crate::cli::misuse::misuse;
use crate::packet::Span;
use std::time::Duration;

use crate::sink::pcapng::{Names, Rotation, SeriesSummary};

/// When new packet files begin.
#[derive(Debug, clap::Args)]
pub(super) struct RotationArgs {
    /// Begin a new packet file when the one at hand has this age, size or number of packets, and keep so
    /// many: duration:TIME, interval:TIME (3600: on the hour), filesize:SIZE (a bare number is kB, as with
    /// dumpcap), packets:N, files:N. May be given several times. Files are called
    /// `NAME_00001_20261121235959.pcapng`, with the time in UTC.
    #[arg(
        short = 'b',
        long = "ring-buffer",
        value_name = "WHAT:VALUE",
        value_parser = condition
    )]
    ring_buffer: Vec<Condition>,

    /// End when this is reached: duration:TIME, packets:N, filesize:SIZE (of the packet file; a bare
    /// number is kB), files:N (so many that -b has begun are full). May be given several times; the
    /// first that is reached counts.
    #[arg(
        short = 'a',
        long = "autostop",
        value_name = "WHAT:VALUE",
        value_parser = end
    )]
    autostop: Vec<Condition>,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Duration(Span),
    Interval(Span),
    Bytes(u64),
    Packets(u64),
    Files(u32),
}

/// Of `-b`.
fn condition(text: &str) -> Result<Condition, String> {
    read(
        text,
        "duration:60, interval:3600, filesize:1GB, packets:1000000 or files:24",
    )
}

/// Of `-a`.
fn end(text: &str) -> Result<Condition, String> {
    const EXAMPLES: &str = "duration:60, filesize:1GB, packets:1000000 or files:24";
    match read(text, EXAMPLES)? {
        Condition::Interval(_) => Err(format!(
            "-b interval: begins new files; what ends a capture is {EXAMPLES}"
        )),
        condition => Ok(condition),
    }
}

fn read(text: &str, examples: &str) -> Result<Condition, String> {
    let (what, value) = text
        .split_once(':')
        .ok_or_else(|| format!("a condition is WHAT:VALUE, such as {examples}"))?;
    let at_least_one = |number: u64| match number {
        0 => Err(format!("{what} is at least 1")),
        _ => Ok(number),
    };
    let number = || -> Result<u64, String> {
        let number = value
            .parse()
            .map_err(|_not_a_number| format!("{value:?} is not a number"))?;
        at_least_one(number)
    };
    let span = || -> Result<Span, String> {
        let time = duration(value)?;
        let ns =
            u64::try_from(time.as_nanos()).map_err(|_too_long| format!("{value:?} is too long"))?;
        at_least_one(ns).map(Span)
    };
    match what {
        "duration" => span().map(Condition::Duration),
        "interval" => span().map(Condition::Interval),
        "filesize" => {
            let kilobytes = value.parse::<u64>().ok();
            let size = match kilobytes {
                Some(number) => number
                    .checked_mul(1000)
                    .ok_or_else(|| format!("{value:?} is too large"))?,
                None => bytes(value)?,
            };
            at_least_one(size).map(Condition::Bytes)
        }
        "packets" => number().map(Condition::Packets),
        "files" => {
            let files =
                u32::try_from(number()?).map_err(|_too_many| format!("{value:?} is too many"))?;
            Ok(Condition::Files(files))
        }
        _ => Err(format!("{what:?} is not known; a condition is {examples}")),
    }
}

impl RotationArgs {
    /// How long the capture lasts, if `-a` says so.
    pub(super) fn duration(&self) -> Option<Duration> {
        self.least(|condition| match condition {
            Condition::Duration(span) => Some(Duration::from_nanos(span.0)),
            _ => None,
        })
    }

    /// How many packets it is to have, if `-a` says so.
    pub(super) fn packets(&self) -> Option<u64> {
        self.least(|condition| match condition {
            Condition::Packets(packets) => Some(packets),
            _ => None,
        })
    }

    fn least<T: Ord>(&self, pick: impl Fn(Condition) -> Option<T>) -> Option<T> {
        self.autostop.iter().copied().filter_map(pick).min()
    }

    /// When files begin, and how many there are; the last word on a condition of `-b` counts.
    pub(super) fn rotation(&self) -> anyhow::Result<Option<Rotation>> {
        let most_bytes = self.least(|condition| match condition {
            Condition::Bytes(bytes) => Some(bytes),
            _ => None,
        });
        let enough = self.least(|condition| match condition {
            Condition::Files(files) => Some(files),
            _ => None,
        });
        if self.ring_buffer.is_empty() {
            if enough.is_some() {
                misuse!(
                    "-a files:N ends when so many files are full; add -b filesize:, duration:, interval: or packets:"
                );
            }
            return Ok(most_bytes.map(|bytes| Rotation {
                bytes: Some(bytes),
                enough: Some(1),
                names: Names::Plain,
                ..Rotation::default()
            }));
        }
        if most_bytes.is_some() {
            misuse!("-a filesize: is for one file; with -b, -a files:N ends when so many are full");
        }
        let mut rotation = Rotation::default();
        for condition in &self.ring_buffer {
            match *condition {
                Condition::Duration(span) => rotation.duration = Some(span),
                Condition::Interval(span) => rotation.interval = Some(span),
                Condition::Bytes(bytes) => rotation.bytes = Some(bytes),
                Condition::Packets(packets) => rotation.packets = Some(packets),
                Condition::Files(files) => rotation.files = Some(files),
            }
        }
        let alone = Rotation {
            files: rotation.files,
            ..Rotation::default()
        };
        if rotation == alone {
            misuse!(
                "-b files:N says how many files are kept, not when one is full; add -b filesize:, duration:, interval: or packets:"
            );
        }
        rotation.enough = enough;
        Ok(Some(rotation))
    }
}

/// Where the packets are.
pub(super) fn place(series: &SeriesSummary) -> String {
    let SeriesSummary {
        begun,
        removed,
        first,
        last,
    } = series;
    if first == last {
        return if *begun == 1 {
            first.display().to_string()
        } else {
            format!("{} files, of which {} is left", begun, last.display())
        };
    }
    let kept = match removed {
        0 => String::new(),
        _ => format!(", {removed} of them removed,"),
    };
    format!(
        "{begun} files{kept} {} to {}",
        first.display(),
        last.display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_are_read_as_dumpcap_reads_them() {
        for (text, expected) in [
            ("duration:60", Condition::Duration(Span::from_secs(60))),
            ("duration:1h", Condition::Duration(Span::from_secs(3600))),
            ("interval:3600", Condition::Interval(Span::from_secs(3600))),
            ("filesize:1000", Condition::Bytes(1_000_000)),
            ("filesize:1GiB", Condition::Bytes(1 << 30)),
            ("packets:7", Condition::Packets(7)),
            ("files:3", Condition::Files(3)),
        ] {
            assert_eq!(condition(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn an_end_is_no_interval() {
        assert_eq!(
            end("filesize:2"),
            Ok(Condition::Bytes(2000)),
            "kB, as with dumpcap"
        );
        assert!(end("interval:3600").is_err());
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for text in [
            "",
            "60",
            "files:0",
            "packets:-1",
            "duration:soon",
            "size:1",
            "filesize:1XB",
            "duration:0",
        ] {
            assert!(condition(text).is_err(), "{text}");
        }
    }
}
