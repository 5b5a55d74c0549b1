//! Comma-separated values (RFC 4180), lines ended by LF as every tool on Linux writes them.

use super::columns::COLUMNS;
use super::value::Value;
use crate::flow::FlowRecord;

/// The names of the columns.
pub(super) fn header(out: &mut Vec<u8>) {
    for (place, column) in COLUMNS.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        out.extend_from_slice(column.name.as_bytes());
    }
    out.push(b'\n');
}

/// One record.
pub(super) fn record(record: &FlowRecord, iface: &str, out: &mut Vec<u8>) {
    for (place, column) in COLUMNS.iter().enumerate() {
        if place > 0 {
            out.push(b',');
        }
        match (column.value)(record, iface) {
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
