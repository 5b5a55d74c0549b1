//! Protection of packets (RFC 9001 section 5). The first packets of a connection are protected with
//! keys that everybody can derive who sees them.

use aes::Aes128;
use aes::cipher::{BlockCipherEncrypt as _, KeyInit as _};
use aes_gcm::Aes128Gcm;
use aes_gcm::aead::{Aead as _, Payload};
use hkdf::Hkdf;
use sha2::Sha256;

use super::version::{is_v2, retry_key, salt};

/// Bytes of the tag at the end of a protected payload.
pub(super) const TAG_LEN: usize = 16;
/// Bytes of the sample that header protection takes.
pub(super) const SAMPLE_LEN: usize = 16;

/// The keys of one side's Initial packets.
pub(super) struct Keys {
    header: Aes128,
    payload: Aes128Gcm,
    iv: [u8; 12],
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").finish_non_exhaustive()
    }
}

/// What header protection hides: the first byte, and the packet number as far as it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Uncovered {
    pub(super) first: u8,
    pub(super) number: u32,
    /// Bytes of the number.
    pub(super) len: usize,
}

/// Keys of client and server, from the connection ID that the client chose for the server
/// (RFC 9001 section 5.2).
pub(super) fn initial(id: &[u8], version: u32) -> Option<[Keys; 2]> {
    let (initial, _) = Hkdf::<Sha256>::extract(Some(&salt(version)), id);
    let keys = |side: &str| {
        let secret: [u8; 32] = expand(&initial, side)?;
        let [key, iv, hp] = if is_v2(version) {
            ["quicv2 key", "quicv2 iv", "quicv2 hp"]
        } else {
            ["quic key", "quic iv", "quic hp"]
        };
        let (key, hp): ([u8; 16], [u8; 16]) = (expand(&secret, key)?, expand(&secret, hp)?);
        Some(Keys {
            header: Aes128::new(&hp.into()),
            payload: Aes128Gcm::new(&key.into()),
            iv: expand(&secret, iv)?,
        })
    };
    Some([keys("client in")?, keys("server in")?])
}

impl Keys {
    /// Takes header protection off (RFC 9001 section 5.4). `number` are the four bytes from where the
    /// packet number begins, and `sample` those after them.
    pub(super) fn uncover(
        &self,
        first: u8,
        number: [u8; 4],
        sample: [u8; SAMPLE_LEN],
    ) -> Uncovered {
        let mut block = sample.into();
        self.header.encrypt_block(&mut block);
        let [mask, a, b, c, d, ..] = <[u8; SAMPLE_LEN]>::from(block);
        let first = first ^ mask & if first & 0x80 == 0 { 0x1f } else { 0x0f };
        let len = usize::from(first & 3) + 1;
        let plain = u32::from_be_bytes(number) ^ u32::from_be_bytes([a, b, c, d]);
        Uncovered {
            first,
            number: plain >> (8 * (4 - len)),
            len,
        }
    }

    /// Decrypts a payload with its tag; `None` if it was changed or the key is another one.
    pub(super) fn open(&self, header: &[u8], number: u64, payload: &[u8]) -> Option<Vec<u8>> {
        let mut nonce = self.iv;
        for (byte, part) in nonce.iter_mut().skip(4).zip(number.to_be_bytes()) {
            *byte ^= part;
        }
        let sealed = Payload {
            msg: payload,
            aad: header,
        };
        self.payload.decrypt(&nonce.into(), sealed).ok()
    }
}

/// Whether the tag at the end of a Retry is the one for who sent its first packet to `id`
/// (RFC 9001 section 5.8).
pub(super) fn is_retry_for(id: &[u8], version: u32, packet: &[u8]) -> bool {
    let Some((body, tag)) = packet.split_last_chunk::<TAG_LEN>() else {
        return false;
    };
    let mut pseudo = Vec::with_capacity(1 + id.len() + body.len());
    pseudo.push(id.len() as u8);
    pseudo.extend_from_slice(id);
    pseudo.extend_from_slice(body);
    let (key, nonce) = retry_key(version);
    let sealed = Payload {
        msg: tag,
        aad: &pseudo,
    };
    let cipher = Aes128Gcm::new(&key.into());
    cipher.decrypt(&nonce.into(), sealed).is_ok()
}

/// The whole number of a packet, from what was sent of it (RFC 9000 appendix A.3).
pub(super) fn whole_number(largest: u64, sent: Uncovered) -> u64 {
    let expected = largest.saturating_add(1);
    let window = 1_u64 << (8 * sent.len);
    let number = u64::from(sent.number);
    let low = expected & !(window - 1);
    let (near, far) = (low | number, low.saturating_add(window) | number);
    if near.abs_diff(expected) < far.abs_diff(expected) {
        near
    } else {
        far
    }
}

/// HKDF-Expand-Label of TLS 1.3 without a context (RFC 8446 section 7.1).
fn expand<const N: usize>(secret: &[u8], label: &str) -> Option<[u8; N]> {
    let mut info = Vec::with_capacity(10 + label.len());
    info.extend_from_slice(&(N as u16).to_be_bytes());
    info.push(6 + label.len() as u8);
    info.extend_from_slice(b"tls13 ");
    info.extend_from_slice(label.as_bytes());
    info.push(0);
    let mut out = [0; N];
    let key = Hkdf::<Sha256>::from_prk(secret).ok()?;
    key.expand(&info, &mut out).ok()?;
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<_> = text.chars().filter(|c| !c.is_whitespace()).collect();
        let pairs = digits.chunks_exact(2);
        pairs
            .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
            .collect()
    }

    const ID: [u8; 8] = [0x83, 0x94, 0xc8, 0xf0, 0x3e, 0x51, 0x57, 0x08];

    // RFC 9001 appendix A.2: the client's first packet, and the payload that it protects.
    #[test]
    fn header_protection_of_the_rfcs_client_comes_off() {
        let [client, _] = initial(&ID, 1).unwrap();
        let sample = hex("d1b1c98dd7689fb8ec11d242b123dc9b");
        let number = [0x7b, 0x9a, 0xec, 0x34];
        assert_eq!(
            client.uncover(0xc0, number, sample.try_into().unwrap()),
            Uncovered {
                first: 0xc3,
                number: 2,
                len: 4
            }
        );
    }

    // RFC 9001 appendix A.3: the server's first packet.
    #[test]
    fn the_rfcs_server_packet_is_decrypted() {
        let [_, server] = initial(&ID, 1).unwrap();
        let packet = hex(
            "cf000000010008f067a5502a4262b5004075c0d95a482cd0991cd25b0aac406a
             5816b6394100f37a1c69797554780bb38cc5a99f5ede4cf73c3ec2493a1839b3
             dbcba3f6ea46c5b7684df3548e7ddeb9c3bf9c73cc3f3bded74b562bfb19fb84
             022f8ef4cdd93795d77d06edbb7aaf2f58891850abbdca3d20398c276456cbc4
             2158407dd074ee",
        );
        let expected = hex(
            "02000000000600405a020000560303eefce7f7b37ba1d1632e96677825ddf739
             88cfc79825df566dc5430b9a045a1200130100002e00330024001d00209d3c94
             0d89690b84d08a60993c144eca684d1081287c834d5311bcf32bb9da1a002b00
             020304",
        );
        let number = packet[18..22].try_into().unwrap();
        let sample = packet[22..38].try_into().unwrap();
        let uncovered = server.uncover(packet[0], number, sample);
        assert_eq!(
            uncovered,
            Uncovered {
                first: 0xc1,
                number: 1,
                len: 2
            }
        );
        let mut header = packet[..20].to_vec();
        header[0] = 0xc1;
        header[18..].copy_from_slice(&[0, 1]);
        assert_eq!(server.open(&header, 1, &packet[20..]), Some(expected));
        assert_eq!(server.open(&header, 2, &packet[20..]), None);
    }

    // RFC 9001 appendix A.4.
    #[test]
    fn the_rfcs_retry_is_for_the_client_that_it_names() {
        let packet =
            hex("ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba");
        assert!(is_retry_for(&ID, 1, &packet));
        assert!(!is_retry_for(&ID[..7], 1, &packet));
        assert!(!is_retry_for(&ID, super::super::version::V2, &packet));
    }

    // RFC 9369 appendix A.4.
    #[test]
    fn the_rfcs_retry_of_version_2_is_for_the_client_that_it_names() {
        let packet =
            hex("cf6b3343cf0008f067a5502a4262b5746f6b656ec8646ce8bfe33952d955543665dcc7b6");
        assert!(is_retry_for(&ID, super::super::version::V2, &packet));
    }

    // RFC 9369 appendix A.3.
    #[test]
    fn the_rfcs_server_packet_of_version_2_is_decrypted() {
        let [_, server] = initial(&ID, super::super::version::V2).unwrap();
        let packet = hex(
            "dc6b3343cf0008f067a5502a4262b5004075d92faaf16f05d8a4398c47089698
             baeea26b91eb761d9b89237bbf87263017915358230035f7fd3945d88965cf17
             f9af6e16886c61bfc703106fbaf3cb4cfa52382dd16a393e42757507698075b2
             c984c707f0a0812d8cd5a6881eaf21ceda98f4bd23f6fe1a3e2c43edd9ce7ca8
             4bed8521e2e140",
        );
        let number = packet[18..22].try_into().unwrap();
        let sample = packet[22..38].try_into().unwrap();
        let uncovered = server.uncover(packet[0], number, sample);
        assert_eq!((uncovered.number, uncovered.len), (1, 2));
        let mut header = packet[..20].to_vec();
        header[0] = uncovered.first;
        header[18..].copy_from_slice(&[0, 1]);
        let plain = server.open(&header, 1, &packet[20..]).unwrap();
        assert!(plain.starts_with(&[0x02, 0, 0, 0, 0, 0x06, 0, 0x40, 0x5a, 0x02]));
    }

    // RFC 9000 appendix A.3.
    #[test]
    fn numbers_are_completed_by_those_before() {
        let sent = Uncovered {
            first: 0xc1,
            number: 0x9b32,
            len: 2,
        };
        assert_eq!(whole_number(0xa82f_30ea, sent), 0xa82f_9b32);
    }
}
