//! One JSON object a line; what is not known is left out.

use std::io::Write as _;

use super::columns::{COLUMNS, Value, View};
use crate::flow::FlowRecord;

/// One record.
pub(super) fn record(record: &FlowRecord, iface: &str, out: &mut Vec<u8>) {
    let mut value = Value::default();
    let mut first = true;
    out.push(b'{');
    for column in COLUMNS {
        value.clear();
        (column.value)(record, iface, &mut value);
        let view = value.view();
        if view == View::Missing {
            continue;
        }
        if !first {
            out.push(b',');
        }
        first = false;
        // Writing to a vector does not fail, in all of these.
        let _infallible = write!(out, "\"{}\":", column.name);
        match view {
            View::Missing => {}
            View::Number(number) => {
                let _infallible = write!(out, "{number}");
            }
            View::Decimal(text) => out.extend_from_slice(text.as_bytes()),
            View::Text(text) => {
                let _infallible = serde_json::to_writer(&mut *out, text);
            }
        }
    }
    out.extend_from_slice(b"}\n");
}
