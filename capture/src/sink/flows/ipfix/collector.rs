//! Where a collector is: `udp://HOST:PORT` or `tcp://HOST:PORT`.

use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::path::Path;

/// What carries the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Connections, which are made again when they break (RFC 7011 section 10.4).
    Tcp,
    /// Datagrams; what is lost on the way is noticed by the collector only (RFC 7011 section 10.3).
    Udp,
}

impl Transport {
    const fn scheme(self) -> &'static str {
        match self {
            Self::Tcp => "tcp://",
            Self::Udp => "udp://",
        }
    }
}

/// A collector, as it was named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collector {
    /// What carries the messages.
    pub transport: Transport,
    /// Name or address.
    pub host: String,
    /// Port.
    pub port: u16,
}

/// Why records cannot be sent to a collector.
#[derive(Debug, thiserror::Error)]
pub enum CollectorError {
    /// It is not named as collectors are.
    #[error(
        "{text}: not a collector; say udp://HOST:PORT or tcp://HOST:PORT, with [] around an IPv6 address"
    )]
    Malformed {
        /// What was said instead.
        text: String,
    },
    /// Its name has no address.
    #[error(
        "{collector}: the name cannot be resolved: {error}; check it, or give an address, as in udp://192.0.2.1:4739"
    )]
    Resolve {
        /// The collector.
        collector: Collector,
        /// Why.
        error: io::Error,
    },
    /// There is no way to it, or nobody listens there.
    #[error("{collector}: cannot be reached: {error}; check that a collector listens there")]
    Unreachable {
        /// The collector.
        collector: Collector,
        /// Why.
        error: io::Error,
    },
}

impl Collector {
    /// The port that IANA assigned to IPFIX.
    pub const DEFAULT_PORT: u16 = 4739;

    /// The collector that an output names; `None` if it names a file.
    ///
    /// # Errors
    ///
    /// When it begins as a collector's name does and does not go on so.
    pub fn of(output: &Path) -> Option<Result<Self, CollectorError>> {
        let text = output.to_str()?;
        let (transport, rest) = [Transport::Udp, Transport::Tcp]
            .into_iter()
            .find_map(|transport| Some((transport, text.strip_prefix(transport.scheme())?)))?;
        let collector = endpoint(rest).map(|(host, port)| Self {
            transport,
            host,
            port: port.unwrap_or(Self::DEFAULT_PORT),
        });
        Some(collector.ok_or_else(|| CollectorError::Malformed {
            text: text.to_owned(),
        }))
    }

    /// Its addresses.
    pub(super) fn resolve(&self) -> Result<Vec<SocketAddr>, CollectorError> {
        let failed = |error| CollectorError::Resolve {
            collector: self.clone(),
            error,
        };
        let addrs: Vec<_> = (self.host.as_str(), self.port)
            .to_socket_addrs()
            .map_err(failed)?
            .collect();
        if addrs.is_empty() {
            return Err(failed(io::ErrorKind::NotFound.into()));
        }
        Ok(addrs)
    }
}

/// As it is typed.
impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            transport,
            host,
            port,
        } = self;
        let scheme = transport.scheme();
        if host.contains(':') {
            write!(f, "{scheme}[{host}]:{port}")
        } else {
            write!(f, "{scheme}{host}:{port}")
        }
    }
}

/// A host and, if it is there, a port.
fn endpoint(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, port) = rest.split_once(']')?;
        let IpAddr::V6(_) = host.parse().ok()? else {
            return None;
        };
        (host, port)
    } else {
        let colon = text.find(':').unwrap_or(text.len());
        text.split_at_checked(colon)?
    };
    let port = match port.strip_prefix(':') {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None if port.is_empty() => None,
        None => return None,
    };
    let valid = !host.is_empty() && !host.contains(['/', ' ']);
    valid.then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collectors_print_as_they_are_typed() {
        for (typed, printed) in [
            ("udp://collector:4739", "udp://collector:4739"),
            ("tcp://192.0.2.1:9995", "tcp://192.0.2.1:9995"),
            ("udp://[2001:db8::1]:2055", "udp://[2001:db8::1]:2055"),
            ("udp://collector", "udp://collector:4739"),
            ("tcp://[::1]", "tcp://[::1]:4739"),
        ] {
            let collector = Collector::of(Path::new(typed)).unwrap().unwrap();
            assert_eq!(collector.to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_collector_is_refused_or_a_file() {
        for text in [
            "udp://",
            "udp://:4739",
            "tcp://host:",
            "tcp://host:0",
            "tcp://host:65536",
            "udp://host:4739/path",
            "udp://2001:db8::1:4739",
            "udp://[host]:4739",
        ] {
            let said = Collector::of(Path::new(text)).unwrap().unwrap_err();
            assert!(said.to_string().contains("udp://HOST:PORT"), "{text}");
        }
        for text in ["flows.ipfix", "udp:/x", "-", "/tmp/udp://x"] {
            assert!(Collector::of(Path::new(text)).is_none(), "{text}");
        }
    }
}
