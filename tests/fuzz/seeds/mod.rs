//! Inputs to start from, made by code: one small capture for each format that is known, and expressions.
//!
//! - `build.rs` packets from the inside out
//! - `links.rs` link layers and what lies below IP; `networks.rs` IP and tunnels; `tcp.rs` connections and
//!   what they carry; `datagrams.rs` what UDP carries
//! - `container.rs` capture files
//! - `expressions.rs` filters, and the words that they consist of

mod build;
mod container;
mod datagrams;
mod expressions;
mod links;
mod networks;
mod tcp;

pub use build::{Build, Tcp};
pub use container::{Order, pcap, pcapng};
pub use expressions::{capture_words, display_words};

use capture::packet::LinkType;

/// Some frames that belong together.
#[derive(Clone, Debug)]
pub struct Capture {
    /// What is in it.
    pub name: &'static str,
    /// The link type of all frames.
    pub link: u16,
    /// The frames.
    pub frames: Vec<Vec<u8>>,
}

/// All of them.
#[must_use]
pub fn captures() -> Vec<Capture> {
    let mut all = tcp::captures();
    all.extend(datagrams::captures());
    all.extend(networks::captures());
    all.extend(links::captures());
    all
}

/// Link types that a byte of an input chooses from, an unknown one last.
const LINKS: [u16; 26] = [
    1, 0, 9, 12, 14, 50, 51, 101, 104, 105, 107, 108, 109, 113, 127, 204, 228, 229, 239, 242, 276,
    281, 282, 284, 285, 147,
];

/// The link type that a byte of an input chooses.
#[must_use]
pub fn link_type(choice: u8) -> LinkType {
    LinkType(LINKS[usize::from(choice) % LINKS.len()])
}

/// The byte that chooses a link type.
fn choice_of(link: u16) -> u8 {
    let place = LINKS.iter().position(|known| *known == link);
    place.unwrap_or(LINKS.len() - 1) as u8
}

/// Each frame, behind a byte that chooses its link type and `prefix` bytes in all.
#[must_use]
pub fn packets(prefix: usize) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    for capture in captures() {
        for frame in &capture.frames {
            let mut bytes = vec![0; prefix];
            bytes[0] = choice_of(capture.link);
            bytes.extend(frame);
            all.push(bytes);
        }
    }
    all
}

/// Each capture as a file, behind `prefix` bytes.
#[must_use]
pub fn files(prefix: usize) -> Vec<Vec<u8>> {
    let captures = captures();
    let mut files = Vec::with_capacity(captures.len() + 6);
    for capture in &captures {
        files.push(pcap(capture, Order::Little));
    }
    files.push(container::nanoseconds(&captures[0]));
    files.push(pcap(&captures[1], Order::Big));
    let some: Vec<_> = captures.iter().step_by(11).cloned().collect();
    files.push(pcapng(&some, Order::Little));
    files.push(pcapng(&captures[..2], Order::Big));
    files.push(container::every_block());
    files.push(container::gzipped(&pcap(&captures[0], Order::Little)));
    let numbered = files.into_iter().enumerate();
    numbered
        .map(|(number, file)| {
            let mut bytes = vec![number as u8; prefix];
            bytes.extend(file);
            bytes
        })
        .collect()
}

/// Expressions, each with the packets of a capture.
fn expressions(texts: &[&str]) -> Vec<Vec<u8>> {
    let captures = captures();
    let mut all = Vec::new();
    for (text, capture) in texts.iter().zip(captures.iter().cycle()) {
        let mut bytes = text.as_bytes().to_vec();
        bytes.extend([0, choice_of(capture.link)]);
        for frame in &capture.frames {
            bytes.extend((frame.len() as u16).to_be_bytes());
            bytes.extend(frame);
        }
        all.push(bytes);
    }
    all
}

/// Display filters, with packets.
#[must_use]
pub fn display_filters() -> Vec<Vec<u8>> {
    let mut all = expressions(expressions::DISPLAY);
    // And something that knows nothing of the words.
    all.push(b"ip.src == 10.0.0.1".to_vec());
    all
}

/// Capture filters, with packets, and programs.
#[must_use]
pub fn capture_filters() -> Vec<Vec<u8>> {
    let mut all = expressions(expressions::CAPTURE);
    all.push(expressions::program());
    all
}

/// The packets behind an expression, each behind its length in two bytes; the last one may be shorter.
pub fn packets_of(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (len, rest) = bytes.split_first_chunk::<2>()?;
        let len = usize::from(u16::from_be_bytes(*len)).min(rest.len());
        let (packet, rest) = rest.split_at(len);
        bytes = rest;
        Some(packet)
    })
}

/// Steps of the target `tracker`.
#[must_use]
pub fn conversations() -> Vec<Vec<u8>> {
    const SYN: u8 = 2;
    const ACK: u8 = 0x10;
    const FIN: u8 = 1;
    let client = |flags, len, options| [0, flags, 0, 0, len, 64, 10, options];
    let server = |flags, len, options| [1, flags, 0, 0, len, 64, 10, options];
    let open = [
        client(SYN, 0, 3),
        server(SYN | ACK, 0, 3),
        client(ACK, 0, 0),
        client(ACK, 100, 5),
        server(ACK, 200, 5),
        client(ACK, 0, 0),
    ];
    let back = |step: [u8; 8], by: i8| {
        let mut step = step;
        step[2] = by.cast_unsigned();
        step
    };
    let trouble = [
        server(ACK, 50, 0),
        back(server(ACK, 50, 0), 20),
        back(client(ACK, 0, 4), 0),
        back(client(ACK, 0, 4), 0),
        back(client(ACK, 0, 4), 0),
        back(server(ACK, 50, 0), -50),
        [0, ACK, 0, 0, 0, 0, 1, 0],
        back(server(ACK, 1, 0), 0),
        back(client(ACK, 0, 0), -1),
    ];
    let close = [
        client(FIN | ACK, 0, 0),
        server(FIN | ACK, 0, 0),
        client(ACK, 0, 0),
    ];
    let reset = [[1, 4, 0, 0, 0, 0, 255, 0], client(SYN, 0, 6)];
    let all: [&[&[[u8; 8]]]; 4] = [
        &[&open, &close],
        &[&open, &trouble, &close],
        &[&open, &reset, &open],
        &[&trouble, &open],
    ];
    all.iter()
        .enumerate()
        .map(|(number, parts)| {
            let mut bytes = vec![0x3f, number as u8];
            bytes.extend(parts.iter().flat_map(|part| part.iter().flatten()));
            bytes
        })
        .collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn inputs_are_as_long_as_their_targets_take() {
        for target in &crate::TARGETS {
            for (number, seed) in (target.seeds)().iter().enumerate() {
                assert!(
                    seed.len() <= target.max_len,
                    "{} {number}: {}",
                    target.name,
                    seed.len()
                );
            }
        }
    }
}
