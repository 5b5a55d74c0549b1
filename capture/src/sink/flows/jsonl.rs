//! One JSON object a line; what is not known is left out.

use super::columns::COLUMNS;
use super::value::Value;
use crate::flow::FlowRecord;

/// One record.
pub(super) fn record(record: &FlowRecord, iface: &str, out: &mut Vec<u8>) {
    out.push(b'{');
    let start = out.len();
    for column in COLUMNS {
        let value = (column.value)(record, iface);
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
            Value::Number(_) | Value::Seconds(_) => value.write(out),
            Value::Text(text) => {
                // Writing to a vector does not fail.
                let _infallible = serde_json::to_writer(&mut *out, text);
            }
            // Nothing in these needs escaping.
            Value::Addr(_) | Value::Flags(_) | Value::Time(_) | Value::Vlans(..) => {
                out.push(b'"');
                value.write(out);
                out.push(b'"');
            }
        }
    }
    out.extend_from_slice(b"}\n");
}
