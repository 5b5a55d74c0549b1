//! Reads `connections.csv` by the names in its header, so that more columns or another order change
//! nothing here.

use std::collections::HashMap;
use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context as _, Result};

/// One connection record, as far as the demo looks at it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Record {
    /// `tcp`, `udp`, `icmp`, `icmp6`…
    pub(crate) protocol: String,
    /// Address and port of who began.
    pub(crate) initiator: (IpAddr, u16),
    /// Address and port of the other end.
    pub(crate) responder: (IpAddr, u16),
    /// What became of it.
    pub(crate) outcome: String,
    /// Packets each way.
    pub(crate) packets: (u64, u64),
}

/// All records of a file.
pub(crate) fn read(file: &Path) -> Result<Vec<Record>> {
    let text = fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?;
    parse(&text).with_context(|| format!("in {}", file.display()))
}

fn parse(text: &str) -> Result<Vec<Record>> {
    let mut lines = text.lines();
    let header = fields(lines.next().context("no header")?);
    lines
        .enumerate()
        .map(|(index, line)| {
            let values = fields(line);
            let row = header
                .iter()
                .map(String::as_str)
                .zip(values.iter().map(String::as_str))
                .collect();
            record(&row).with_context(|| format!("line {}", index + 2))
        })
        .collect()
}

fn record(row: &HashMap<&str, &str>) -> Result<Record> {
    let text = |name: &str| {
        row.get(name)
            .copied()
            .with_context(|| format!("no column {name}"))
    };
    let address = |name: &str| -> Result<IpAddr> {
        text(name)?
            .parse()
            .with_context(|| format!("column {name} is not an address"))
    };
    let number = |name: &str| -> Result<u64> {
        text(name)?
            .parse()
            .with_context(|| format!("column {name} is not a number"))
    };
    let port = |name: &str| -> Result<u16> { Ok(u16::try_from(number(name)?)?) };
    Ok(Record {
        protocol: text("proto")?.to_owned(),
        initiator: (address("initiator")?, port("initiator_port")?),
        responder: (address("responder")?, port("responder_port")?),
        outcome: text("outcome")?.to_owned(),
        packets: (number("initiator_packets")?, number("responder_packets")?),
    })
}

/// The fields of one line: RFC 4180, but for line breaks inside of quotes.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut characters = line.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                fields.last_mut().expect("begins with one field").push('"');
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields
                .last_mut()
                .expect("begins with one field")
                .push(other),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name() {
        let text = "outcome,proto,more,initiator,initiator_port,responder,responder_port,initiator_packets,responder_packets\n\
                    closed,tcp,\"a, \"\"b\"\"\",198.51.100.1,40000,2001:db8::2,443,6,5\n";
        let record = parse(text).unwrap().remove(0);
        assert_eq!(
            (record.protocol.as_str(), record.outcome.as_str()),
            ("tcp", "closed")
        );
        assert_eq!(record.initiator, ("198.51.100.1".parse().unwrap(), 40_000));
        assert_eq!(record.responder, ("2001:db8::2".parse().unwrap(), 443));
        assert_eq!(record.packets, (6, 5));
    }

    #[test]
    fn missing_column_is_named() {
        let error = parse("proto\ntcp\n").unwrap_err();
        assert!(
            format!("{error:#}").contains("no column initiator"),
            "{error:#}"
        );
    }

    #[test]
    fn quotes_keep_commas_together() {
        assert_eq!(fields(r#"a,"b,""c""",,d"#), ["a", "b,\"c\"", "", "d"]);
    }
}
