//! What is spoken inside a connection: as the server chose (ALPN, RFC 7301), or by its port.

use super::flight;
use crate::read::proto::tcp::applications::Payload;
use crate::read::walk::Walk;

/// The protocol of application data, by its full name.
pub(super) fn name(walk: &mut Walk<'_, '_>, payload: &Payload) -> Option<&'static str> {
    let session = walk.memory.tls.session(flight(payload).session);
    session.inside.or_else(|| {
        [
            payload.server_port,
            payload.destination_port,
            payload.source_port,
        ]
        .into_iter()
        .find_map(by_port)
    })
}

/// By what the server chose.
pub(super) fn by_choice(protocol: &[u8]) -> Option<&'static str> {
    Some(match protocol {
        b"http/1.1" | b"http/1.0" | b"http/0.9" => "Hypertext Transfer Protocol",
        b"h2" => "HyperText Transfer Protocol 2",
        b"imap" => "Internet Message Access Protocol",
        b"pop3" => "Post Office Protocol",
        b"ftp" => "File Transfer Protocol (FTP)",
        _ if protocol.starts_with(b"h2-") => "HyperText Transfer Protocol 2",
        _ if protocol.starts_with(b"spdy/") => "SPDY",
        _ => return None,
    })
}

const fn by_port(port: u16) -> Option<&'static str> {
    Some(match port {
        443 => "Hypertext Transfer Protocol",
        465 => "Simple Mail Transfer Protocol",
        636 => "Lightweight Directory Access Protocol",
        853 => "Domain Name System",
        990 => "File Transfer Protocol (FTP)",
        992 => "Telnet",
        993 => "Internet Message Access Protocol",
        995 => "Post Office Protocol",
        5061 => "Session Initiation Protocol",
        8883 => "MQ Telemetry Transport Protocol",
        _ => return None,
    })
}
