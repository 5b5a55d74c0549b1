//! Comma-separated values (RFC 4180), lines ended by LF as every tool on Linux writes them.

use std::io;

use super::columns::COLUMNS;
use super::encoder::{Encoder, Names};
use super::value::Value;
use crate::flow::FlowRecord;

/// The format.
#[derive(Debug)]
pub(super) struct Csv;

impl Encoder for Csv {
    fn begin(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        header(out);
        Ok(())
    }

    fn records(
        &mut self,
        batch: &[FlowRecord],
        names: Names<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        for one in batch {
            record(one, names.of(one.iface), out);
        }
        Ok(())
    }

    fn finish(&mut self, _: Names<'_>, _: u64, _: &mut Vec<u8>) -> io::Result<()> {
        Ok(())
    }
}

/// The names of the columns.
fn header(out: &mut Vec<u8>) {
    for (place, column) in COLUMNS.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(column.name.as_bytes());
    }
    out.push(b'\n');
}

/// One record.
fn record(record: &FlowRecord, iface: &str, out: &mut Vec<u8>) {
    for (place, column) in COLUMNS.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match column.value(record, iface) {
            Value::Text(text) => quoted(text, out),
            value => value.write(out),
        }
    }
    out.push(b'\n');
}

/// RFC 4180 section 2: what contains a separator, a quote or a line break is quoted.
fn quoted(text: &str, out: &mut Vec<u8>) {
    if !text
        .bytes()
        .any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r'))
    {
        out.extend_from_slice(text.as_bytes());
        return;
    }
    out.push(b'"');
    for byte in text.bytes() {
        if byte == b'"' {
            out.push(b'"');
        }
        out.push(byte);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_and_quotes_are_quoted() {
        for (text, expected) in [
            ("eth0", "eth0"),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ] {
            let mut out = Vec::new();
            quoted(text, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
