//! Netlink messages (RFC 3549): building requests, cutting answers apart, and the exchange itself.
//!
//! A few questions are all that is asked of the kernel, so this is less than any library for it.
//! Everything is in the machine's byte order; messages and attributes start on multiples of four.

use std::io;

use super::socket::Socket;

const HEADER_LEN: usize = 16;
const ATTRIBUTE_HEADER_LEN: usize = 4;
/// The two top bits of an attribute's type are flags (`NLA_F_NESTED`, `NLA_F_NET_BYTEORDER`).
const ATTRIBUTE_KIND: u16 = 0x3fff;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

const NLM_F_REQUEST: u16 = 0x01;
const NLM_F_ACK: u16 = 0x04;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;

/// The kernel fills at most 32 KiB at a time.
const BUFFER_LEN: usize = 64 * 1024;
/// How often a dump is asked for again when the list changed while the kernel was writing it.
const ATTEMPTS: u32 = 16;

/// What is asked for: one thing, or all of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// One object; the kernel ends with an acknowledgment.
    One,
    /// A list; the kernel ends with a `NLMSG_DONE`.
    Dump,
}

/// A request: message header, the family's own header, attributes.
#[derive(Debug)]
pub(super) struct Request {
    bytes: Vec<u8>,
}

impl Request {
    pub(super) fn new(kind: u16, scope: Scope, family_header: &[u8]) -> Self {
        let flags = NLM_F_REQUEST
            | if scope == Scope::Dump {
                NLM_F_DUMP
            } else {
                NLM_F_ACK
            };
        let mut bytes = Vec::with_capacity(64);
        bytes.extend_from_slice(&[0; 4]); // the length, known at the end
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&[0; 8]); // sequence number and port: the socket asks one at a time
        bytes.extend_from_slice(family_header);
        Self { bytes }
    }

    pub(super) fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        let len = (ATTRIBUTE_HEADER_LEN + value.len()) as u16;
        self.bytes.extend_from_slice(&len.to_ne_bytes());
        self.bytes.extend_from_slice(&kind.to_ne_bytes());
        self.bytes.extend_from_slice(value);
        self.bytes.resize(aligned(self.bytes.len()), 0);
        self
    }

    fn finish(mut self) -> Vec<u8> {
        let len = self.bytes.len() as u32;
        self.bytes[..4].copy_from_slice(&len.to_ne_bytes());
        self.bytes
    }
}

/// One message of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Message<'a> {
    pub(super) kind: u16,
    flags: u16,
    pub(super) payload: &'a [u8],
}

#[cfg(test)]
impl<'a> Message<'a> {
    /// A message as the kernel would send it, for tests of what reads its payload.
    pub(super) const fn new(kind: u16, payload: &'a [u8]) -> Self {
        Self {
            kind,
            flags: 0,
            payload,
        }
    }
}

/// The messages of a datagram. One that is cut short ends them with an error.
#[derive(Debug)]
pub(super) struct Messages<'a>(&'a [u8]);

impl<'a> Iterator for Messages<'a> {
    type Item = io::Result<Message<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let message = self.split();
        if message.is_none() {
            self.0 = &[];
        }
        Some(message.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "message cut short")))
    }
}

impl<'a> Messages<'a> {
    /// The messages of this datagram.
    pub(super) const fn new(datagram: &'a [u8]) -> Self {
        Self(datagram)
    }

    fn split(&mut self) -> Option<Message<'a>> {
        let len = u32_at(self.0, 0)? as usize;
        let message = Message {
            kind: u16_at(self.0, 4)?,
            flags: u16_at(self.0, 6)?,
            payload: self.0.get(HEADER_LEN..len)?,
        };
        self.0 = self.0.get(aligned(len)..).unwrap_or(&[]);
        Some(message)
    }
}

/// Attributes (type and value). Reading ends where one is cut short.
#[derive(Clone, Debug)]
pub(super) struct Attributes<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Attributes<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let len = usize::from(u16_at(self.0, 0)?);
        let kind = u16_at(self.0, 2)? & ATTRIBUTE_KIND;
        let value = self.0.get(ATTRIBUTE_HEADER_LEN..len)?;
        self.0 = self.0.get(aligned(len)..).unwrap_or(&[]);
        Some((kind, value))
    }
}

/// Asks the kernel, and keeps what `read` makes of the messages of the answer.
///
/// A list that changed while it was written is asked for again; one that never holds still is an
/// error, since an entry may be missing from it.
pub(super) fn ask<T>(
    protocol: libc::c_int,
    request: Request,
    mut read: impl FnMut(Message<'_>) -> Option<T>,
) -> io::Result<Vec<T>> {
    let socket = Socket::open(protocol)?;
    let request = request.finish();
    let mut buffer = vec![0; BUFFER_LEN];
    for _ in 0..ATTEMPTS {
        socket.send(&request)?;
        let mut found = Vec::new();
        let answer = receive_all(&socket, &mut buffer, |message| {
            found.extend(read(message));
        })?;
        if answer == Answer::Complete {
            return Ok(found);
        }
    }
    Err(io::Error::other(
        "the list changes faster than it can be read",
    ))
}

/// Whether an answer can be trusted to hold everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    Complete,
    Changed,
}

fn receive_all(
    socket: &Socket,
    buffer: &mut [u8],
    mut take: impl FnMut(Message<'_>),
) -> io::Result<Answer> {
    let mut answer = Answer::Complete;
    loop {
        for message in Messages(socket.receive(buffer)?) {
            let message = message?;
            if message.flags & NLM_F_DUMP_INTR != 0 {
                answer = Answer::Changed;
            }
            match message.kind {
                NLMSG_ERROR | NLMSG_DONE => {
                    status(message)?;
                    return Ok(answer);
                }
                _ => take(message),
            }
        }
    }
}

/// What an error or done message says: zero, or a negated error number.
fn status(message: Message<'_>) -> io::Result<()> {
    match i32_at(message.payload, 0) {
        Some(code) if code < 0 => Err(io::Error::from_raw_os_error(-code)),
        Some(_) => Ok(()),
        None if message.kind == NLMSG_DONE => Ok(()),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "error message cut short",
        )),
    }
}

const fn aligned(len: usize) -> usize {
    len.next_multiple_of(4)
}

fn array_at<const LEN: usize>(bytes: &[u8], at: usize) -> Option<[u8; LEN]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The 16-bit number at an offset, if the bytes reach that far.
pub(super) fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    array_at(bytes, at).map(u16::from_ne_bytes)
}

/// The 32-bit number at an offset, if the bytes reach that far.
pub(super) fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    array_at(bytes, at).map(u32::from_ne_bytes)
}

/// The signed 32-bit number at an offset, if the bytes reach that far.
pub(super) fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    array_at(bytes, at).map(i32::from_ne_bytes)
}

/// The 64-bit number at an offset, if the bytes reach that far.
pub(super) fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    array_at(bytes, at).map(u64::from_ne_bytes)
}

/// A text attribute: up to its zero byte.
pub(super) fn text(value: &[u8]) -> String {
    let end = value
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

/// An attribute as the kernel would send it, for tests.
#[cfg(test)]
pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&((ATTRIBUTE_HEADER_LEN + value.len()) as u16).to_ne_bytes());
    bytes.extend_from_slice(&kind.to_ne_bytes());
    bytes.extend_from_slice(value);
    bytes.resize(aligned(bytes.len()), 0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message of `kind` with an 8-byte sequence and port field and this payload.
    fn message(kind: u16, flags: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&((16 + payload.len()) as u32).to_ne_bytes());
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&flags.to_ne_bytes());
        bytes.extend_from_slice(&[1, 2, 3, 4, 5, 6, 7, 8]);
        bytes.extend_from_slice(payload);
        bytes
    }

    #[test]
    fn messages_start_on_multiples_of_four() {
        let mut bytes = message(16, 2, b"abcde");
        bytes.extend_from_slice(&[0; 3]);
        bytes.extend(message(17, 0, b"f"));
        let messages: Vec<_> = Messages(&bytes).map(Result::unwrap).collect();
        assert_eq!(
            messages,
            [
                Message {
                    kind: 16,
                    flags: 2,
                    payload: b"abcde"
                },
                Message {
                    kind: 17,
                    flags: 0,
                    payload: b"f"
                },
            ]
        );
    }

    #[test]
    fn a_message_cut_short_is_an_error_and_the_last() {
        let whole = message(16, 0, b"abcdefgh");
        for len in 1..whole.len() {
            let mut messages = Messages(&whole[..len]);
            assert!(messages.next().unwrap().is_err(), "{len} bytes");
            assert!(messages.next().is_none(), "{len} bytes");
        }
        // A length below that of the header would never get on.
        let mut short = whole;
        short[..4].copy_from_slice(&15_u32.to_ne_bytes());
        assert!(Messages(&short).next().unwrap().is_err());
    }

    #[test]
    fn attributes_lose_their_flags_and_end_where_they_are_cut_short() {
        let mut bytes = Vec::new();
        for (len, kind, value) in [(6_u16, 3_u16, *b"hi\0\0"), (8, 0x8012, *b"nest")] {
            bytes.extend_from_slice(&len.to_ne_bytes());
            bytes.extend_from_slice(&kind.to_ne_bytes());
            bytes.extend_from_slice(&value);
        }
        let all: Vec<_> = Attributes(&bytes).collect();
        assert_eq!(all, [(3, &b"hi"[..]), (0x12, &b"nest"[..])]);
        assert_eq!(Attributes(&bytes[..15]).count(), 1);
        assert_eq!(
            Attributes(&[3, 0, 1, 0]).count(),
            0,
            "shorter than its own header"
        );
    }

    #[test]
    fn a_request_is_padded_and_says_its_length() {
        let request = Request::new(18, Scope::One, &[9; 16])
            .attribute(3, b"eth0\0")
            .finish();
        let mut expected = Vec::new();
        expected.extend_from_slice(&44_u32.to_ne_bytes());
        expected.extend_from_slice(&18_u16.to_ne_bytes());
        expected.extend_from_slice(&5_u16.to_ne_bytes()); // request, acknowledge
        expected.extend_from_slice(&[0; 8]);
        expected.extend_from_slice(&[9; 16]);
        expected.extend_from_slice(&9_u16.to_ne_bytes());
        expected.extend_from_slice(&3_u16.to_ne_bytes());
        expected.extend_from_slice(b"eth0\0\0\0\0");
        assert_eq!(request, expected);
    }

    #[test]
    fn an_error_message_carries_a_negated_error_number() {
        let of = |kind, code: i32| {
            let bytes = message(kind, 0, &code.to_ne_bytes());
            let message = Messages(&bytes).next().unwrap().unwrap();
            status(message).map_err(|error| error.raw_os_error())
        };
        assert_eq!(of(NLMSG_ERROR, 0), Ok(()));
        assert_eq!(of(NLMSG_ERROR, -19), Err(Some(libc::ENODEV)));
        assert_eq!(of(NLMSG_DONE, -90), Err(Some(libc::EMSGSIZE)));
    }
}
