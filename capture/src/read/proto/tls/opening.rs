//! Takes the encryption off records whose secrets are known: the ciphers that seal (AES in GCM,
//! ChaCha20-Poly1305), of TLS 1.2 (RFC 5246 section 6.3, RFC 5288, RFC 7905) and TLS 1.3 (RFC 8446
//! sections 5.2 and 7.3).

use aes_gcm::aead::{Aead as _, KeyInit as _, Payload};
use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use hkdf::Hkdf;
use hmac::{Hmac, Mac as _};
use sha2::{Sha256, Sha384};

use super::names::suite_name;
use super::secrets::{Random, Secret};
use super::session::Version;

/// Bytes of the part of a nonce that records of TLS 1.2 carry.
const EXPLICIT_LEN: usize = 8;
const TAG_LEN: usize = 16;
const NONCE_LEN: usize = 12;

/// A cipher suite, as far as it is needed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Suite {
    cipher: Cipher,
    hash: Hash,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cipher {
    Aes128,
    Aes256,
    ChaCha,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hash {
    Sha256,
    Sha384,
}

impl Suite {
    /// By its number; `None` if it is another kind of cipher.
    fn new(number: u16) -> Option<Self> {
        let name = suite_name(number.into())?;
        let cipher = if name.contains("AES_128_GCM") {
            Cipher::Aes128
        } else if name.contains("AES_256_GCM") {
            Cipher::Aes256
        } else if name.contains("CHACHA20_POLY1305") {
            Cipher::ChaCha
        } else {
            return None;
        };
        let hash = if name.ends_with("SHA384") {
            Hash::Sha384
        } else {
            Hash::Sha256
        };
        Some(Self { cipher, hash })
    }

    const fn key_len(self) -> usize {
        match self.cipher {
            Cipher::Aes128 => 16,
            Cipher::Aes256 | Cipher::ChaCha => 32,
        }
    }
}

/// What opens the records of one direction.
pub(super) struct Opener {
    key: Key,
    suite: Suite,
    version: Version,
    /// What nonces are made of: all of it, or the first four bytes (GCM in TLS 1.2).
    iv: [u8; NONCE_LEN],
    /// Number of the next record.
    number: u64,
    /// What the key was made of, in TLS 1.3.
    secret: Vec<u8>,
    epoch: Epoch,
}

/// Which secrets of TLS 1.3 are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Epoch {
    Handshake,
    Data,
}

enum Key {
    Aes128(Box<Aes128Gcm>),
    Aes256(Box<Aes256Gcm>),
    ChaCha(Box<ChaCha20Poly1305>),
}

impl std::fmt::Debug for Opener {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Opener").finish_non_exhaustive()
    }
}

/// What opens the records of TLS 1.2 of client and server.
pub(super) fn of_master(
    suite: u16,
    secret: &Secret,
    client: &Random,
    server: &Random,
) -> Option<[Opener; 2]> {
    let suite = Suite::new(suite)?;
    let iv_len = if suite.cipher == Cipher::ChaCha {
        NONCE_LEN
    } else {
        NONCE_LEN - EXPLICIT_LEN
    };
    let (key_len, master) = (suite.key_len(), secret.master.as_deref()?);
    let seed = [b"key expansion", &server[..], &client[..]].concat();
    let mut block = vec![0; 2 * (key_len + iv_len)];
    match suite.hash {
        Hash::Sha256 => expand_sha256(master, &seed, &mut block)?,
        Hash::Sha384 => expand_sha384(master, &seed, &mut block)?,
    }
    let (keys, ivs) = block.split_at(2 * key_len);
    let opener = |side: usize| {
        let mut iv = [0; NONCE_LEN];
        iv[..iv_len].copy_from_slice(ivs.get(side * iv_len..(side + 1) * iv_len)?);
        Some(Opener {
            key: Key::new(suite, keys.get(side * key_len..(side + 1) * key_len)?)?,
            suite,
            version: Version::TLS_1_2,
            iv,
            number: 0,
            secret: Vec::new(),
            epoch: Epoch::Data,
        })
    };
    Some([opener(0)?, opener(1)?])
}

/// What opens the records of TLS 1.3 that are sealed with what is made of this secret.
pub(super) fn of_traffic(suite: u16, secret: &[u8], epoch: Epoch) -> Option<Opener> {
    let suite = Suite::new(suite)?;
    let mut key = vec![0; suite.key_len()];
    let mut iv = [0; NONCE_LEN];
    expand_label(suite.hash, secret, "key", &mut key)?;
    expand_label(suite.hash, secret, "iv", &mut iv)?;
    Some(Opener {
        key: Key::new(suite, &key)?,
        suite,
        version: Version::TLS_1_3,
        iv,
        number: 0,
        secret: secret.to_vec(),
        epoch,
    })
}

impl Key {
    fn new(suite: Suite, key: &[u8]) -> Option<Self> {
        Some(match suite.cipher {
            Cipher::Aes128 => Self::Aes128(Box::new(Aes128Gcm::new_from_slice(key).ok()?)),
            Cipher::Aes256 => Self::Aes256(Box::new(Aes256Gcm::new_from_slice(key).ok()?)),
            Cipher::ChaCha => Self::ChaCha(Box::new(ChaCha20Poly1305::new_from_slice(key).ok()?)),
        })
    }

    fn open(&self, nonce: [u8; NONCE_LEN], msg: &[u8], aad: &[u8]) -> Option<Vec<u8>> {
        let sealed = Payload { msg, aad };
        match self {
            Self::Aes128(key) => key.decrypt(&nonce.into(), sealed).ok(),
            Self::Aes256(key) => key.decrypt(&nonce.into(), sealed).ok(),
            Self::ChaCha(key) => key.decrypt(&nonce.into(), sealed).ok(),
        }
    }
}

impl Opener {
    /// What is in a record, and what kind of content that is; `None` if it was sealed otherwise. `header`
    /// is the record's: kind, version, length.
    pub(super) fn open(&mut self, header: [u8; 5], body: &[u8]) -> Option<(u8, Vec<u8>)> {
        let number = self.number.to_be_bytes();
        let mut nonce = self.iv;
        let mut sealed = body;
        let is_explicit = self.version == Version::TLS_1_2 && self.suite.cipher != Cipher::ChaCha;
        if is_explicit {
            let (explicit, rest) = body.split_at_checked(EXPLICIT_LEN)?;
            nonce[NONCE_LEN - EXPLICIT_LEN..].copy_from_slice(explicit);
            sealed = rest;
        } else {
            for (byte, part) in nonce.iter_mut().skip(4).zip(number) {
                *byte ^= part;
            }
        }
        let plain_len = sealed.len().checked_sub(TAG_LEN)? as u16;
        let [kind, major, minor, ..] = header;
        let mut plain = if self.version == Version::TLS_1_2 {
            let beside = [&number[..], &[kind, major, minor], &plain_len.to_be_bytes()].concat();
            self.key.open(nonce, sealed, &beside)?
        } else {
            self.key.open(nonce, sealed, &header)?
        };
        self.number += 1;
        if self.version == Version::TLS_1_2 {
            return Some((kind, plain));
        }
        // The kind stands behind the content, before zeros that fill up.
        while plain.last() == Some(&0) {
            plain.pop();
        }
        let kind = plain.pop()?;
        Some((kind, plain))
    }

    /// Whether it is TLS 1.3.
    pub(super) fn is_new(&self) -> bool {
        self.version == Version::TLS_1_3
    }

    /// Whether it is behind the handshake.
    pub(super) fn is_of_data(&self) -> bool {
        self.epoch == Epoch::Data
    }

    /// What opens what comes behind an update of the key.
    pub(super) fn updated(&self, suite: u16) -> Option<Self> {
        let mut secret = vec![0; self.secret.len()];
        expand_label(self.suite.hash, &self.secret, "traffic upd", &mut secret)?;
        of_traffic(suite, &secret, Epoch::Data)
    }
}

/// `HKDF-Expand-Label` without a context (RFC 8446 section 7.1).
fn expand_label(hash: Hash, secret: &[u8], label: &str, out: &mut [u8]) -> Option<()> {
    let (len, label_len) = (out.len() as u16, label.len() as u8 + 6);
    let info = [
        &len.to_be_bytes()[..],
        &[label_len],
        b"tls13 ",
        label.as_bytes(),
        &[0],
    ];
    match hash {
        Hash::Sha256 => Hkdf::<Sha256>::from_prk(secret)
            .ok()?
            .expand_multi_info(&info, out)
            .ok(),
        Hash::Sha384 => Hkdf::<Sha384>::from_prk(secret)
            .ok()?
            .expand_multi_info(&info, out)
            .ok(),
    }
}

/// `P_hash` (RFC 5246 section 5).
macro_rules! p_hash {
    ($name:ident, $hash:ty) => {
        fn $name(secret: &[u8], seed: &[u8], out: &mut [u8]) -> Option<()> {
            let mac = |parts: &[&[u8]]| {
                let mut mac = <Hmac<$hash>>::new_from_slice(secret).ok()?;
                for part in parts {
                    mac.update(part);
                }
                Some(mac.finalize().into_bytes().to_vec())
            };
            let mut link = mac(&[seed])?;
            for part in out.chunks_mut(link.len()) {
                let block = mac(&[&link, seed])?;
                part.copy_from_slice(block.get(..part.len())?);
                link = mac(&[&link])?;
            }
            Some(())
        }
    };
}

p_hash!(expand_sha256, Sha256);
p_hash!(expand_sha384, Sha384);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read::proto::text::Hex;

    /// The server's handshake keys of RFC 8448 section 3.
    #[test]
    fn keys_of_tls_1_3_are_those_of_the_rfc() {
        let secret = [
            0xb6, 0x7b, 0x7d, 0x69, 0x0c, 0xc1, 0x6c, 0x4e, 0x75, 0xe5, 0x42, 0x13, 0xcb, 0x2d,
            0x37, 0xb4, 0xe9, 0xc9, 0x12, 0xbc, 0xde, 0xd9, 0x10, 0x5d, 0x42, 0xbe, 0xfd, 0x59,
            0xd3, 0x91, 0xad, 0x38,
        ];
        let (mut key, mut iv) = ([0; 16], [0; 12]);
        assert!(expand_label(Hash::Sha256, &secret, "key", &mut key).is_some());
        assert!(expand_label(Hash::Sha256, &secret, "iv", &mut iv).is_some());
        assert_eq!(Hex(&key).to_string(), "3fce516009c21727d0f2e4e86ee403bc");
        assert_eq!(Hex(&iv).to_string(), "5d313eb2671276ee13000b30");
    }

    /// The test vector of the TLS working group for SHA-256 (mailing list, October 2009).
    #[test]
    fn the_function_of_tls_1_2_gives_the_published_bytes() {
        let secret = [
            0x9b, 0xbe, 0x43, 0x6b, 0xa9, 0x40, 0xf0, 0x17, 0xb1, 0x76, 0x52, 0x84, 0x9a, 0x71,
            0xdb, 0x35,
        ];
        let seed = [
            0xa0, 0xba, 0x9f, 0x93, 0x6c, 0xda, 0x31, 0x18, 0x27, 0xa6, 0xf7, 0x96, 0xff, 0xd5,
            0x19, 0x8c,
        ];
        let mut out = [0; 16];
        let seed = [b"test label", &seed[..]].concat();
        assert!(expand_sha256(&secret, &seed, &mut out).is_some());
        assert_eq!(Hex(&out).to_string(), "e3f229ba727be17b8d122620557cd453");
    }
}
