//! SSH: what is said of what is encrypted, of retransmissions, and of what a server says before its version.

use capture_tests::oracle::require;

use super::streams::Side::{Client, Server};
use super::streams::{Capture, Side};

/// A string of RFC 4251, section 5.
fn string(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

/// A packet that is not encrypted (RFC 4253, section 6).
fn packet(code: u8, payload: &[u8]) -> Vec<u8> {
    const PADDING: u8 = 4;
    let mut packet = (payload.len() as u32 + 2 + u32::from(PADDING))
        .to_be_bytes()
        .to_vec();
    packet.extend([PADDING, code]);
    packet.extend(payload);
    packet.extend([0; PADDING as usize]);
    packet
}

/// What a side can do (section 7.1): one way to exchange keys, one cipher.
fn abilities(exchange: &str, cipher: &str) -> Vec<u8> {
    let names = [
        exchange,
        "ssh-ed25519",
        cipher,
        cipher,
        "hmac-sha2-256",
        "hmac-sha2-256",
        "none",
        "none",
        "",
        "",
    ];
    let names: Vec<_> = names
        .iter()
        .flat_map(|name| string(name.as_bytes()))
        .collect();
    packet(20, &[&[7; 16], &names[..], &[0; 5]].concat())
}

/// A session up to where keys are in use, and then so many bytes of each side at a time.
fn session(cipher: &str, before: &[u8], lens: &[usize]) -> Vec<(Side, Vec<u8>)> {
    let exchange = "curve25519-sha256";
    let key = [string(b"ssh-ed25519"), string(&[1; 32])].concat();
    let signature = [string(b"ssh-ed25519"), string(&[2; 64])].concat();
    let answer = [string(&key), string(&[3; 32]), string(&signature)].concat();
    let mut messages = vec![
        (Client, b"SSH-2.0-client\r\n".to_vec()),
        (Server, [before, b"SSH-2.0-server\r\n"].concat()),
        (Client, abilities(exchange, cipher)),
        (Server, abilities(exchange, cipher)),
        (Client, packet(30, &string(&[4; 32]))),
        (Server, packet(31, &answer)),
        (Server, packet(21, &[])),
        (Client, packet(21, &[])),
    ];
    for &len in lens {
        // As AES-GCM has it: the length comes first, and is not encrypted.
        let mut bytes = vec![0x5a; len];
        if let Some(first) = bytes.first_chunk_mut::<4>() {
            *first = (len as u32).saturating_sub(20).to_be_bytes();
        }
        messages.push((Client, bytes.clone()));
        messages.push((Server, bytes));
    }
    messages
}

const FIELDS: &[&str] = &["_ws.col.Protocol", "_ws.col.Info"];
const LENS: &[usize] = &[16, 40, 15, 5, 4, 3, 64];

#[test]
fn what_is_encrypted_is_named_as_tshark_does() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    for cipher in ["aes128-ctr", "aes256-cbc", "chacha20-poly1305@openssh.com"] {
        for most in [1400, 24] {
            capture.connection(22, most, &session(cipher, b"", LENS));
        }
    }
    // Of a cipher that tshark does not decrypt, with room for the 32 bytes of the code behind it.
    capture.connection(22, 1400, &session("3des-cbc", b"", &[40, 4, 3, 64]));
    capture.compare(FIELDS);
}

#[test]
fn what_comes_before_the_version_is_what_tshark_makes_of_it() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    let before = b"Authorized use only\r\nof this machine\r\n";
    capture.connection(22, 1400, &session("aes128-ctr", before, LENS));
    capture.compare(FIELDS);
}

#[test]
fn what_tcp_finds_remarkable_is_said_where_tshark_says_it() {
    if !require(&["tshark"]) {
        return;
    }
    let mut capture = Capture::new();
    capture.connection(22, 1400, &session("aes128-ctr", b"", LENS));
    capture.repeat(4);
    capture.compare(FIELDS);
}
