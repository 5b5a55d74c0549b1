//! Secrets of connections, as browsers and libraries log them (`SSLKEYLOGFILE`,
//! draft-ietf-tls-keylogfile), from a Decryption Secrets Block of the file or from `tls.keylog_file`.
//!
//! Bounded: of more than [`MOST`] connections no secrets are remembered.

use std::collections::HashMap;

/// Connections whose secrets are remembered.
const MOST: usize = 1 << 17;
/// No secret is longer: the output of SHA-384.
const LONGEST: usize = 48;

/// What a client's hello begins with, which secrets go by.
pub(super) type Random = [u8; 32];

/// Secrets of all connections.
#[derive(Debug, Default)]
pub(super) struct Secrets {
    by_random: HashMap<Random, Secret>,
}

/// Secrets of one connection.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Secret {
    /// The master secret, up to TLS 1.2.
    pub(super) master: Option<Vec<u8>>,
    /// Those of the handshake of TLS 1.3, of client and server.
    pub(super) handshake: [Option<Vec<u8>>; 2],
    /// Those of what follows.
    pub(super) traffic: [Option<Vec<u8>>; 2],
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Secret").finish_non_exhaustive()
    }
}

impl Secrets {
    pub(super) fn is_empty(&self) -> bool {
        self.by_random.is_empty()
    }

    pub(super) fn get(&self, random: &Random) -> Option<&Secret> {
        self.by_random.get(random)
    }

    /// Takes in the lines of a log; what is none is left out.
    pub(super) fn add(&mut self, log: &[u8]) {
        for line in log.split(|byte| *byte == b'\n') {
            let mut words = line.trim_ascii().split(|byte| *byte == b' ');
            let (Some(label), Some(random), Some(secret)) =
                (words.next(), words.next(), words.next())
            else {
                continue;
            };
            let (Some(random), Some(secret)) = (digits(random), digits(secret)) else {
                continue;
            };
            let Ok(random) = Random::try_from(random) else {
                continue;
            };
            let is_new = !self.by_random.contains_key(&random);
            if secret.len() > LONGEST || (is_new && self.by_random.len() >= MOST) {
                continue;
            }
            let of = self.by_random.entry(random).or_default();
            let place = match label {
                b"CLIENT_RANDOM" => &mut of.master,
                b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => &mut of.handshake[0],
                b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => &mut of.handshake[1],
                b"CLIENT_TRAFFIC_SECRET_0" => &mut of.traffic[0],
                b"SERVER_TRAFFIC_SECRET_0" => &mut of.traffic[1],
                _ => continue,
            };
            *place = Some(secret);
        }
    }
}

/// Bytes of hexadecimal digits.
fn digits(text: &[u8]) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) {
        return None;
    }
    let pairs = text.chunks_exact(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok()?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_none_are_left_out() {
        let random = "01".repeat(32);
        let log = format!(
            "# comment\nCLIENT_RANDOM {random} aabb\r\nCLIENT_RANDOM 00 aa\nCLIENT_RANDOM {random}\n\
             SERVER_TRAFFIC_SECRET_0 {random} 0g\nSERVER_TRAFFIC_SECRET_0 {random} 0c\n"
        );
        let mut secrets = Secrets::default();
        secrets.add(log.as_bytes());
        let expected = Secret {
            master: Some(vec![0xaa, 0xbb]),
            traffic: [None, Some(vec![0x0c])],
            ..Secret::default()
        };
        assert_eq!(secrets.get(&[1; 32]), Some(&expected));
        assert_eq!(secrets.by_random.len(), 1);
    }
}
