//! The columns of a connection record: one list, which every format and the documentation read.
//!
//! - `connection.rs` what is said once of a connection
//! - `sides.rs` what is said of each of its two ends
//! - `stride.rs` the numbers of a column in a few records

mod connection;
mod sides;
mod stride;

use std::net::IpAddr;

use super::value::{Short, Value};
use crate::flow::FlowRecord;
use crate::packet::{Span, Timestamp};
pub(super) use sides::is_quiet;
use stride::Fill;
pub(super) use stride::Stride;

/// A column: its name, what it holds, and how to get it.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Name, as in a CSV header, a JSON object and a Parquet schema.
    pub name: &'static str,
    /// What it holds, with its unit.
    pub help: &'static str,
    /// What its values are.
    pub kind: ColumnKind,
    /// Whether every record has one.
    pub presence: Presence,
    pub(super) get: Get,
}

/// What the values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnKind {
    /// Yes or no.
    Flag,
    /// A span of time: seconds, exact to the nanosecond.
    Seconds,
    /// Text.
    Text,
    /// A point in time, exact to the nanosecond.
    Time,
    /// A whole number below 2 to the power of 8.
    U8,
    /// A whole number below 2 to the power of 16.
    U16,
    /// A whole number below 2 to the power of 32.
    U32,
    /// A whole number below 2 to the power of 64.
    U64,
}

impl ColumnKind {
    /// The word for it in the documentation.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Flag => "bool",
            Self::Seconds => "seconds",
            Self::Text => "text",
            Self::Time => "time",
            Self::U8 => "u8",
            Self::U16 => "u16",
            Self::U32 => "u32",
            Self::U64 => "u64",
        }
    }
}

/// Whether every record has a value in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// Every record has one.
    Always,
    /// Records of which nothing is known there have none: empty in CSV, left out of JSON, null in
    /// Parquet.
    Sometimes,
}

/// How to get a value of a record, by type. Text takes the name of the interface as well. `None` only
/// where the column's presence allows it.
///
/// Numbers have a second function that gets those of many records at once, which is the same code
/// without a call for each.
#[derive(Clone, Copy, Debug)]
pub(super) enum Get {
    Addr(fn(&FlowRecord) -> Option<IpAddr>),
    Flag(fn(&FlowRecord) -> Option<bool>, Fill),
    Number(fn(&FlowRecord) -> Option<u64>, Fill),
    Seconds(fn(&FlowRecord) -> Option<Span>, Fill),
    /// Text of which there are few different ones, or which often repeats.
    Text(for<'a> fn(&'a FlowRecord, &'a str) -> Value<'a>),
    Time(fn(&FlowRecord) -> Option<Timestamp>, Fill),
    /// A count of something that does not happen on most connections: 0 for those that are
    /// [`is_quiet`], and nothing for those that are not TCP.
    Trouble(fn(&FlowRecord) -> Option<u64>, Fill),
    /// Text that is another one in nearly every record.
    Unique(fn(&FlowRecord) -> Short),
    /// One of a few words that the program knows.
    Word(fn(&FlowRecord) -> Option<&'static str>),
}

/// Makes a [`Get`] of numbers.
macro_rules! get {
    (Flag, $get:expr) => {
        $crate::sink::flows::columns::Get::Flag($get, |records, stride| {
            stride.fill::<bool>(records, $get);
        })
    };
    (Number, $get:expr) => {
        $crate::sink::flows::columns::Get::Number($get, |records, stride| {
            stride.fill::<u64>(records, $get);
        })
    };
    (Trouble, $get:expr) => {
        $crate::sink::flows::columns::Get::Trouble($get, |records, stride| {
            stride.fill::<u64>(records, $get);
        })
    };
    (Seconds, $get:expr) => {
        $crate::sink::flows::columns::Get::Seconds($get, |records, stride| {
            stride.fill::<$crate::packet::Span>(records, $get);
        })
    };
    (Time, $get:expr) => {
        $crate::sink::flows::columns::Get::Time($get, |records, stride| {
            stride.fill::<$crate::packet::Timestamp>(records, $get);
        })
    };
}
use get;

impl Column {
    /// The value of a record that was captured at the interface of this name.
    pub(super) fn value<'a>(&self, record: &'a FlowRecord, iface: &'a str) -> Value<'a> {
        match self.get {
            Get::Addr(get) => get(record).map_or(Value::Missing, Value::Addr),
            Get::Flag(get, _) => get(record).map_or(Value::Missing, Value::Flag),
            Get::Number(get, _) | Get::Trouble(get, _) => {
                get(record).map_or(Value::Missing, Value::Number)
            }
            Get::Seconds(get, _) => get(record).map_or(Value::Missing, Value::Seconds),
            Get::Text(get) => get(record, iface),
            Get::Time(get, _) => get(record).map_or(Value::Missing, Value::Time),
            Get::Unique(get) => Value::Short(get(record)),
            Get::Word(get) => get(record).map_or(Value::Missing, Value::Text),
        }
    }

    const fn new(name: &'static str, help: &'static str, kind: ColumnKind, get: Get) -> Self {
        Self {
            name,
            help,
            kind,
            presence: Presence::Always,
            get,
        }
    }

    /// The same for a column that not every record has a value in.
    const fn sometimes(self) -> Self {
        Self {
            presence: Presence::Sometimes,
            ..self
        }
    }
}

const COUNT: usize = connection::IDENTITY.len()
    + 2 * sides::VOLUME.len()
    + connection::HANDSHAKE.len()
    + 2 * sides::HEALTH.len();

static ALL: [Column; COUNT] = {
    let mut all = [connection::IDENTITY[0]; COUNT];
    let mut filled = 0;
    let groups = [
        connection::IDENTITY,
        sides::VOLUME.as_flattened(),
        connection::HANDSHAKE,
        sides::HEALTH.as_flattened(),
    ];
    let mut group = 0;
    while group < groups.len() {
        let mut place = 0;
        while place < groups[group].len() {
            all[filled] = groups[group][place];
            place += 1;
            filled += 1;
        }
        group += 1;
    }
    all
};

/// All columns, in their order.
pub static COLUMNS: &[Column] = &ALL;

/// The name that records and people use for an IP protocol; `None` for those that go by number.
#[must_use]
pub const fn protocol_name(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "icmp",
        2 => "igmp",
        6 => "tcp",
        17 => "udp",
        47 => "gre",
        50 => "esp",
        58 => "icmp6",
        132 => "sctp",
        _ => return None,
    })
}

/// The round trip between both ends of a TCP connection: that of the handshake if it was seen, else
/// the means of both directions together.
pub(super) fn round_trip(record: &FlowRecord) -> Option<Span> {
    let tcp = record.tcp?;
    if let Some([to_responder, to_initiator]) = tcp.handshake {
        return Some(Span(to_responder.0.saturating_add(to_initiator.0)));
    }
    let there = record.initiator.tcp.rtt.mean()?;
    let back = record.responder.tcp.rtt.mean()?;
    Some(Span(there.0.saturating_add(back.0)))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_column_has_a_name_of_its_own() {
        let names: HashSet<_> = COLUMNS.iter().map(|column| column.name).collect();
        assert_eq!(names.len(), COLUMNS.len());
    }

    #[test]
    fn every_record_has_what_is_always_there() {
        for record in crate::sink::flows::samples::records(100) {
            for column in COLUMNS {
                if column.presence == Presence::Always {
                    assert_ne!(
                        column.value(&record, "eth0"),
                        Value::Missing,
                        "{}",
                        column.name
                    );
                }
            }
        }
    }
}
