//! What both sides say of a connection, in one form: the columns of Zeek's `conn.log`.

use std::fmt;

use anyhow::{Context as _, Result};

/// The transport protocol, as far as the comparison tells them apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Class {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// ICMP and `ICMPv6`.
    Icmp,
    /// Anything else over IP.
    Other,
}

impl Class {
    /// All of them, in the order of the report.
    pub(crate) const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Icmp, Self::Other];

    /// By the number in the IP header.
    pub(crate) const fn of(protocol: u8) -> Self {
        match protocol {
            6 => Self::Tcp,
            17 => Self::Udp,
            1 | 58 => Self::Icmp,
            _ => Self::Other,
        }
    }

    /// The word in the report.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Icmp => "ICMP",
            Self::Other => "other",
        }
    }
}

/// An address and a port, as text.
pub(crate) type End = (String, u16);

/// A row.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Time of the first packet, microseconds since the epoch.
    pub(crate) start_us: i64,
    /// IP protocol number.
    pub(crate) protocol: u8,
    /// Who began.
    pub(crate) orig: End,
    /// The other end.
    pub(crate) resp: End,
    /// Whether other rows travelled in this one.
    pub(crate) is_tunnel: bool,
    /// The values, in the order of [`FIELDS`]; `None` where a column has no value.
    pub(crate) values: [Option<String>; FIELDS.len()],
}

/// The columns that are compared.
pub(crate) const FIELDS: [&str; 10] = [
    "conn_state",
    "history",
    "orig_pkts",
    "orig_ip_bytes",
    "resp_pkts",
    "resp_ip_bytes",
    "orig_bytes",
    "resp_bytes",
    "missed_bytes",
    "duration",
];

impl Row {
    /// The row of a `conn.log`, whose values are asked for by the names of their columns.
    pub(crate) fn of<'a>(get: &impl Fn(&str) -> &'a str) -> Result<Self> {
        let end = |which: &str| -> Result<_> {
            let port = get(&format!("id.{which}_p")).parse()?;
            Ok((get(&format!("id.{which}_h")).to_owned(), port))
        };
        Ok(Self {
            start_us: micros(get("ts")).context("a time")?,
            protocol: get("ip_proto").parse()?,
            orig: end("orig")?,
            resp: end("resp")?,
            is_tunnel: false,
            values: FIELDS.map(|field| {
                Some(get(field))
                    .filter(|value| *value != "-")
                    .map(str::to_owned)
            }),
        })
    }

    /// The pair of ends, whoever began: what rows are brought together by.
    pub(crate) fn key(&self) -> (u8, End, End) {
        let (a, b) = (self.orig.clone(), self.resp.clone());
        if a <= b {
            (self.protocol, a, b)
        } else {
            (self.protocol, b, a)
        }
    }

    /// Which part of the report it belongs to.
    pub(crate) const fn class(&self) -> Class {
        Class::of(self.protocol)
    }
}

/// Protocol and ends, as the list of known differences names them.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let end = |(address, port): &End| {
            if address.contains(':') {
                format!("[{address}]:{port}")
            } else {
                format!("{address}:{port}")
            }
        };
        let class = match self.class() {
            Class::Other => self.protocol.to_string(),
            class => class.name().to_ascii_lowercase(),
        };
        write!(f, "{class} {}>{}", end(&self.orig), end(&self.resp))
    }
}

/// Seconds with six decimals, in microseconds.
fn micros(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.')?;
    let fraction: i64 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    Some(whole.parse::<i64>().ok()? * 1_000_000 + fraction)
}
