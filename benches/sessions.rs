//! Makes a capture file of TCP sessions: the offline counterpart of the frame generator.
//!
//! Every session is a whole connection (SYN, SYN-ACK, ACK, data each way, FIN-ACK twice, ACK), and many
//! are under way at once, so that a reader meets as many flows as a busy link has. One session in ten
//! ends by RST. Same arguments, same file.

#![expect(clippy::print_stdout, reason = "says what it made")]

use std::fs::File;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;

use anyhow::Result;
use clap::Parser;

/// Writes a pcap file of TCP sessions.
#[derive(Debug, Parser)]
struct Args {
    /// The file to write.
    file: PathBuf,
    /// Connections.
    #[arg(long, default_value = "400000")]
    connections: u64,
    /// Frames of a connection, at least 8.
    #[arg(long, default_value = "12", value_parser = clap::value_parser!(u64).range(8..))]
    frames: u64,
    /// Connections under way at once.
    #[arg(long, default_value = "10000")]
    concurrent: u64,
    /// Payload bytes of a segment with data.
    #[arg(long, default_value = "150")]
    payload: usize,
    /// Nanoseconds between two frames.
    #[arg(long, default_value = "1000")]
    gap: u64,
}

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const PSH: u8 = 0x08;
const ACK: u8 = 0x10;

fn main() -> Result<()> {
    let args = Args::parse();
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&args.file)?);
    // pcap with nanoseconds, little endian, Ethernet.
    out.write_all(&0xa1b2_3c4d_u32.to_le_bytes())?;
    out.write_all(&[2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0])?;
    out.write_all(&262_144_u32.to_le_bytes())?;
    out.write_all(&1_u32.to_le_bytes())?;

    let mut frame = vec![0_u8; 14 + 20 + 20 + args.payload];
    let mut ns = 1_700_000_000_000_000_000_u64;
    let mut packets = 0_u64;
    let mut bytes = 24_u64;
    let mut first = 0;
    while first < args.connections {
        let group = args.concurrent.min(args.connections - first);
        for step in 0..args.frames {
            for connection in first..first + group {
                let len = fill(&mut frame, connection, step, &args);
                out.write_all(&((ns / 1_000_000_000) as u32).to_le_bytes())?;
                out.write_all(&((ns % 1_000_000_000) as u32).to_le_bytes())?;
                out.write_all(&(len as u32).to_le_bytes())?;
                out.write_all(&(len as u32).to_le_bytes())?;
                out.write_all(frame.get(..len).unwrap_or(&frame))?;
                ns += args.gap;
                packets += 1;
                bytes += 16 + len as u64;
            }
        }
        first += group;
    }
    out.flush()?;
    println!(
        "{}: {packets} packets, {} connections, {bytes} bytes",
        args.file.display(),
        args.connections
    );
    Ok(())
}

/// Makes the frame of a step; returns its length.
fn fill(frame: &mut [u8], connection: u64, step: u64, args: &Args) -> usize {
    let payload = args.payload as u32;
    let data_steps = args.frames - 6;
    let reset = connection % 10 == 9;
    let client_isn = (connection as u32).wrapping_mul(2_654_435_761);
    let server_isn = !client_isn;
    // Data goes both ways in turn, the client first.
    let sent_by_client = |steps: u64| (steps.div_ceil(2) as u32).wrapping_mul(payload);
    let sent_by_server = |steps: u64| ((steps / 2) as u32).wrapping_mul(payload);
    let data_before = step.saturating_sub(3).min(data_steps);
    let client_next = client_isn
        .wrapping_add(1)
        .wrapping_add(sent_by_client(data_before));
    let server_next = server_isn
        .wrapping_add(1)
        .wrapping_add(sent_by_server(data_before));
    let last = args.frames - 1;
    let (from_client, flags, seq, ack, len) = match step {
        0 => (true, SYN, client_isn, 0, 0),
        1 => (false, SYN | ACK, server_isn, client_isn.wrapping_add(1), 0),
        2 => (true, ACK, client_next, server_next, 0),
        step if step == last - 2 => (true, FIN | ACK, client_next, server_next, 0),
        step if step == last - 1 && reset => (false, RST, server_next, 0, 0),
        step if step == last - 1 => (
            false,
            FIN | ACK,
            server_next,
            client_next.wrapping_add(1),
            0,
        ),
        step if step == last && reset => (false, RST, server_next, 0, 0),
        step if step == last => (
            true,
            ACK,
            client_next.wrapping_add(1),
            server_next.wrapping_add(1),
            0,
        ),
        step if step % 2 == 1 => (true, PSH | ACK, client_next, server_next, args.payload),
        _ => (false, PSH | ACK, server_next, client_next, args.payload),
    };
    let client = (
        0x0a00_0000_u32 + (connection / 60_000) as u32 + 1,
        1024 + (connection % 60_000) as u16,
    );
    let server = (0xc633_6401_u32, 443_u16);
    let (src, dst) = if from_client {
        (client, server)
    } else {
        (server, client)
    };
    let ip_len = (40 + len) as u16;
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        if let Some(place) = frame.get_mut(at..at + bytes.len()) {
            place.copy_from_slice(bytes);
        }
        at += bytes.len();
    };
    put(&[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]);
    put(&[0x45, 0]);
    put(&ip_len.to_be_bytes());
    put(&[0, 0, 0x40, 0, 64, 6]);
    put(&checksum(ip_len, src.0, dst.0).to_be_bytes());
    put(&src.0.to_be_bytes());
    put(&dst.0.to_be_bytes());
    put(&src.1.to_be_bytes());
    put(&dst.1.to_be_bytes());
    put(&seq.to_be_bytes());
    put(&ack.to_be_bytes());
    put(&[0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    let end = 54 + len;
    // The pseudo header's protocol and length, then addresses, TCP header and payload as they lie there.
    let covered = frame.get(26..end).unwrap_or_default();
    let sum = folded(6 + (20 + len as u32) + words(covered));
    if let Some(place) = frame.get_mut(50..52) {
        place.copy_from_slice(&(!sum).to_be_bytes());
    }
    end
}

/// The sum of bytes as big-endian words of 16 bits (RFC 1071).
fn words(bytes: &[u8]) -> u32 {
    let (words, rest) = bytes.as_chunks::<2>();
    let sum: u32 = words
        .iter()
        .map(|word| u32::from(u16::from_be_bytes(*word)))
        .sum();
    sum + rest.first().map_or(0, |last| u32::from(*last) << 8)
}

/// Sixteen bits in the end.
fn folded(mut sum: u32) -> u16 {
    while sum >> 16 != 0 {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// Checksum of the IPv4 header above (RFC 1071).
fn checksum(ip_len: u16, src: u32, dst: u32) -> u16 {
    let words = [
        0x4500,
        u32::from(ip_len),
        0x4000,
        0x4006,
        src >> 16,
        src & 0xffff,
        dst >> 16,
        dst & 0xffff,
    ];
    !folded(words.iter().sum())
}
