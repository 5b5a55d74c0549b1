//! Records as Zeek writes them, so that what reads a `conn.log` reads ours: the tab-separated file
//! with its header, and one JSON object a line.
//!
//! Fields, their order and their types are those of Zeek 8 (`scripts/base/protocols/conn/main.zeek`)
//! with its default scripts. Two of them say less than Zeek's:
//!
//! - `service` is never set: applications are not detected.
//! - `tunnel_parents` is never set: the packets of a tunnel are looked into, and are no connection of
//!   their own.
//!
//! What Zeek does not look into, `unknown_transport`, has neither ports nor payload here, as there:
//! SCTP and UDP-Lite too, whose ports the other formats tell.
//!
//! Zeek writes a connection once, when it is over. Interim records of a long one become rows of their
//! own, with the same `uid`, and add up.
//!
//! - `fields.rs` the one list of fields that both formats read
//! - `value.rs` values as Zeek prints them
//! - `site.rs` which addresses are local

mod fields;
mod site;
mod value;

#[cfg(test)]
mod tests;

use std::io;

use self::fields::FIELDS;
use self::value::Value;
use super::encoder::{Encoder, Names};
use super::identity::uid;
use crate::flow::FlowRecord;
use crate::packet::Timestamp;

/// A `conn.log`: rows of values with a tab between them.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnLog;

impl Encoder for ConnLog {
    fn begin(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        header(Timestamp::now(), out);
        Ok(())
    }

    fn records(
        &mut self,
        batch: &[FlowRecord],
        _names: Names<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        for record in batch {
            row(record, text(&uid(record)), out);
        }
        Ok(())
    }

    fn finish(&mut self, _: Names<'_>, _: u64, out: &mut Vec<u8>) -> io::Result<()> {
        footer(Timestamp::now(), out);
        Ok(())
    }
}

/// A `conn.log` of JSON objects, which has neither header nor footer.
#[derive(Clone, Copy, Debug)]
pub(super) struct ConnJson;

impl Encoder for ConnJson {
    fn begin(&mut self, _out: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }

    fn records(
        &mut self,
        batch: &[FlowRecord],
        _names: Names<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        for record in batch {
            object(record, text(&uid(record)), out);
        }
        Ok(())
    }

    fn finish(&mut self, _: Names<'_>, _: u64, _out: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }
}

fn text(uid: &[u8]) -> &str {
    std::str::from_utf8(uid).unwrap_or_default()
}

/// What stands before the first row of a `conn.log`. Zeek writes the local time; this is UTC.
fn header(opened: Timestamp, out: &mut Vec<u8>) {
    out.extend_from_slice(
        b"#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\tconn\n",
    );
    moment(b"#open", opened, out);
    out.extend_from_slice(b"#fields");
    for field in FIELDS {
        out.push(b'\t');
        out.extend_from_slice(field.name.as_bytes());
    }
    out.extend_from_slice(b"\n#types");
    for field in FIELDS {
        out.push(b'\t');
        out.extend_from_slice(field.zeek_type.as_bytes());
    }
    out.push(b'\n');
}

/// One row of a `conn.log`.
fn row(record: &FlowRecord, uid: &str, out: &mut Vec<u8>) {
    for (place, field) in FIELDS.iter().enumerate() {
        if place > 0 {
            out.push(b'\t');
        }
        (field.value)(record, uid).write_tsv(out);
    }
    out.push(b'\n');
}

/// What stands behind the last row of a `conn.log`.
fn footer(closed: Timestamp, out: &mut Vec<u8>) {
    moment(b"#close", closed, out);
}

/// One record as Zeek writes it with `LogAscii::use_json=T`: what is not set is left out.
fn object(record: &FlowRecord, uid: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    let start = out.len();
    for field in FIELDS {
        let value = (field.value)(record, uid);
        if value == Value::Unset {
            continue;
        }
        if out.len() > start {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(field.name.as_bytes());
        out.extend_from_slice(b"\":");
        value.write_json(out);
    }
    out.extend_from_slice(b"}\n");
}

/// A header line with a time, as `2026-11-21-01-16-54`.
fn moment(name: &[u8], ts: Timestamp, out: &mut Vec<u8>) {
    let (year, month, day) = ts.date();
    let (hour, minute, second) = ts.time_of_day();
    out.extend_from_slice(name);
    out.push(b'\t');
    value::padded::<4>(year, out);
    for part in [month, day, hour, minute, second] {
        out.push(b'-');
        value::padded::<2>(part, out);
    }
    out.push(b'\n');
}
