//! One JSON object a line; what is not known is left out.

use std::io;

use super::columns::{COLUMNS, ColumnKind};
use super::encoder::{Encoder, Names};
use super::value::Value;
use crate::flow::FlowRecord;

/// The format.
#[derive(Debug)]
pub(super) struct JsonLines;

impl Encoder for JsonLines {
    fn begin(&mut self, _: &mut Vec<u8>) -> io::Result<()> {
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

/// One record.
fn record(record: &FlowRecord, iface: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    let start = out.len();
    for column in COLUMNS {
        let value = column.value(record, iface);
        if value == Value::Missing {
            continue;
        }
        if out.len() > start {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(column.name.as_bytes());
        out.extend_from_slice(b"\":");
        match value {
            Value::Missing => {}
            // The protocol's number stands where names stand.
            Value::Number(_) if column.kind == ColumnKind::Text => {
                out.push(b'"');
                value.write(out);
                out.push(b'"');
            }
            Value::Flag(_) | Value::Number(_) | Value::Seconds(_) => value.write(out),
            Value::Text(text) => {
                // Writing to a vector does not fail.
                let _infallible = serde_json::to_writer(&mut *out, text);
            }
            // Nothing in these needs escaping.
            Value::Addr(_)
            | Value::Flags(_)
            | Value::Short(_)
            | Value::Time(_)
            | Value::Vlans(..) => {
                out.push(b'"');
                value.write(out);
                out.push(b'"');
            }
        }
    }
    out.extend_from_slice(b"}\n");
}
