//! The flow table alone, by the number of connections in it: each size in a process of its own, so that
//! resident memory is what this one needs.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use capture_tests::oracle::output;
use serde::Deserialize;

use crate::report::{Table, words};

/// What `flow-table --json` prints of a size.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    flows: u32,
    live: u32,
    insert_ns: f64,
    lookup_ns: f64,
    churn_ns: f64,
    flood_ns: f64,
    expiry_ns: f64,
    resident_bytes: u64,
}

/// Measures the sizes, one after the other.
///
/// # Errors
///
/// When the program fails, or there is too little memory for it.
pub(crate) fn flow_table(
    program: &Path,
    sizes: &[u32],
    packets: u64,
    told: &mut dyn FnMut(&str),
) -> Result<Vec<Table>> {
    let mut tables = Vec::new();
    for flows in sizes {
        let text = output(Command::new(program).args([
            "--json",
            "--flows",
            &flows.to_string(),
            "--lookups",
            &packets.to_string(),
            "--flood",
            &(packets / 2).to_string(),
        ]))?;
        let table = table(&text)?;
        told(&format!(
            "{:>11} connections  {} Mpps with churn, {:.0} bytes each",
            words::grouped(table.flows.into()),
            words::mpps(table.churn_pps),
            table.flow_bytes
        ));
        tables.push(table);
    }
    Ok(tables)
}

fn table(text: &str) -> Result<Table> {
    let line = text.lines().find(|line| line.starts_with('{'));
    let line = line.with_context(|| format!("flow-table printed no JSON: {text}"))?;
    let row: Row = serde_json::from_str(line)?;
    let rate = |ns: f64| 1e9 / ns.max(1e-3);
    Ok(Table {
        flows: row.flows,
        live: row.live,
        churn_pps: rate(row.churn_ns),
        lookup_pps: rate(row.lookup_ns),
        insert_pps: rate(row.insert_ns),
        flood_pps: rate(row.flood_ns),
        expiry_ns: row.expiry_ns,
        resident_bytes: row.resident_bytes,
        flow_bytes: row.resident_bytes as f64 / f64::from(row.flows.max(1)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nanoseconds_of_a_packet_become_packets_a_second() {
        let text = "progress\n{\"flows\":10000,\"live\":15000,\"insert_ns\":400.0,\"lookup_ns\":250.0,\
                    \"churn_ns\":500.0,\"flood_ns\":320.0,\"expiry_ns\":90.0,\"resident_bytes\":3000000}\n";
        let table = table(text).unwrap();
        assert_eq!((table.flows, table.live), (10_000, 15_000));
        assert!((table.churn_pps - 2e6).abs() < 1.0 && (table.lookup_pps - 4e6).abs() < 1.0);
        assert!((table.flow_bytes - 300.0).abs() < 1e-9);
        assert!(super::table("nothing").is_err());
    }
}
