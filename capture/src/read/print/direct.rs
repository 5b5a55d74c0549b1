//! Fields of a plain TCP segment that are printed from its bytes and its columns. Where no others are
//! asked for, the walk, which everything waits for, makes none for such a frame (see
//! [`Wanted::direct`](crate::read::Wanted)).

use super::Shown;
use super::line::Line;
use crate::read::column::{Address, TcpInfo};
use crate::read::render::Form;
use crate::read::tree::Value;

/// Where the value of a field lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direct {
    /// What is known of the frame.
    FrameNumber,
    FrameLen,
    CapLen,
    Epoch,
    SinceFirst,
    SincePrevious,
    SinceShown,
    /// The addresses of IPv4.
    Source,
    Destination,
    /// In the bytes of the frame: at this offset, of this form.
    Byte(usize),
    Word(usize, Form),
    Long(usize),
    Ether(usize),
    /// What TCP found.
    Seq,
    NextSeq,
    Ack,
    Len,
    HeaderLen,
    Flags,
    Flag(u16),
    Window,
    Stream,
    Completeness,
    StreamTime,
    StreamDelta,
}

impl Direct {
    /// That of a field, if it is one of these. Offsets are those of Ethernet II and IPv4 without
    /// options.
    pub(super) fn named(name: &str) -> Option<Self> {
        const HEX: Form = Form::Hex(4);
        Some(match name {
            "frame.number" => Self::FrameNumber,
            "frame.len" => Self::FrameLen,
            "frame.cap_len" => Self::CapLen,
            "frame.time_epoch" => Self::Epoch,
            "frame.time_relative" => Self::SinceFirst,
            "frame.time_delta" => Self::SincePrevious,
            "frame.time_delta_displayed" => Self::SinceShown,
            "eth.dst" => Self::Ether(0),
            "eth.src" => Self::Ether(6),
            "eth.type" => Self::Word(12, HEX),
            "ip.len" => Self::Word(16, Form::Decimal),
            "ip.id" => Self::Word(18, HEX),
            "ip.ttl" => Self::Byte(22),
            "ip.proto" => Self::Byte(23),
            "ip.checksum" => Self::Word(24, HEX),
            "ip.src" => Self::Source,
            "ip.dst" => Self::Destination,
            "tcp.srcport" => Self::Word(34, Form::Decimal),
            "tcp.dstport" => Self::Word(36, Form::Decimal),
            "tcp.seq_raw" => Self::Long(38),
            "tcp.ack_raw" => Self::Long(42),
            "tcp.window_size_value" => Self::Word(48, Form::Decimal),
            "tcp.checksum" => Self::Word(50, HEX),
            "tcp.urgent_pointer" => Self::Word(52, Form::Decimal),
            "tcp.seq" => Self::Seq,
            "tcp.nxtseq" => Self::NextSeq,
            "tcp.ack" => Self::Ack,
            "tcp.len" => Self::Len,
            "tcp.hdr_len" => Self::HeaderLen,
            "tcp.flags" => Self::Flags,
            "tcp.flags.urg" => Self::Flag(0x20),
            "tcp.flags.ack" => Self::Flag(0x10),
            "tcp.flags.push" => Self::Flag(0x08),
            "tcp.flags.reset" => Self::Flag(0x04),
            "tcp.flags.syn" => Self::Flag(0x02),
            "tcp.flags.fin" => Self::Flag(0x01),
            "tcp.window_size" => Self::Window,
            "tcp.stream" => Self::Stream,
            "tcp.completeness" => Self::Completeness,
            "tcp.time_relative" => Self::StreamTime,
            "tcp.time_delta" => Self::StreamDelta,
            _ => return None,
        })
    }

    /// Writes the value; `data` are the bytes of the frame.
    #[inline]
    pub(super) fn write(self, shown: &Shown, tcp: &TcpInfo, data: &[u8], line: &mut Line<'_>) {
        let word = |at: usize| {
            let bytes = data.get(at..).and_then(<[u8]>::first_chunk::<2>);
            u64::from(u16::from_be_bytes(bytes.copied().unwrap_or_default()))
        };
        let since = |earlier: crate::packet::Timestamp| {
            Value::Span(shown.meta.ts.0.wrapping_sub(earlier.0).cast_signed())
        };
        let (form, value) = match self {
            Self::FrameNumber => return line.decimal(shown.number),
            Self::FrameLen => return line.decimal(shown.meta.wire_len.into()),
            Self::CapLen => return line.decimal(data.len() as u64),
            Self::Epoch => (Form::Seconds, Value::Time(shown.meta.ts)),
            Self::SinceFirst => (Form::Seconds, since(shown.first)),
            Self::SincePrevious => (Form::Seconds, since(shown.previous)),
            Self::SinceShown => (Form::Seconds, since(shown.previous_shown)),
            Self::Source => return ipv4(shown.columns.source, line),
            Self::Destination => return ipv4(shown.columns.destination, line),
            Self::Byte(at) => {
                return line.decimal(data.get(at).copied().unwrap_or_default().into());
            }
            Self::Word(at, form) => (form, Value::Uint(word(at))),
            Self::Long(at) => return line.decimal(word(at) << 16 | word(at + 2)),
            Self::Ether(at) => {
                let bytes = data.get(at..).and_then(<[u8]>::first_chunk::<6>);
                return line.ether(bytes.copied().unwrap_or_default());
            }
            Self::Seq => return line.decimal(tcp.seq().into()),
            Self::NextSeq => return line.decimal(tcp.next_seq().into()),
            Self::Ack => return line.decimal(tcp.ack().into()),
            Self::Len => return line.decimal(tcp.len().into()),
            Self::HeaderLen => return line.decimal(tcp.header_len().into()),
            Self::Flags => (Form::Hex(4), Value::Uint(tcp.flags().into())),
            Self::Flag(bit) => return line.text(if tcp.flags() & bit == 0 { "0" } else { "1" }),
            Self::Window => return line.decimal(tcp.window().into()),
            Self::Stream => return line.decimal(tcp.stream().into()),
            Self::Completeness => return line.decimal(tcp.completeness().into()),
            Self::StreamTime => (Form::Seconds, Value::Span(tcp.since_first())),
            Self::StreamDelta => (Form::Seconds, Value::Span(tcp.since_last())),
        };
        form.write(value, line);
    }
}

#[inline]
fn ipv4(address: Address, line: &mut Line<'_>) {
    if let Address::Ipv4(address) = address {
        line.ipv4(address);
    }
}
