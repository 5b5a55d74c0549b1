//! What the list says of a TCP segment: kept as numbers, and made into text when the line is printed.

use super::header::{EcnBits, Flags, Header, MIN_LEN};
use super::options::{self, Owner};
use super::tracker::Standing;
use crate::read::print::line::Line;
use crate::read::print::row::Row;
use crate::read::print::text::decimal;
use crate::tcp::TcpEvents;

/// Bytes of options that fit into a header.
const MAX_OPTIONS: usize = 40;

/// What the list says of a TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpInfo {
    source_port: u16,
    destination_port: u16,
    flags: Flags,
    ecn: EcnBits,
    pub(super) checksum: Remark,
    /// How far the header was read.
    pub(super) stage: Stage,
    pub(super) options_len: u8,
    pub(super) urgent: u16,
    pub(super) header_len: u8,
    pub(super) events: TcpEvents,
    seq: u32,
    ack: u32,
    window: u32,
    pub(super) len: Option<u32>,
    stream: u32,
    completeness: u8,
    since_first: i64,
    since_last: i64,
    pub(super) duplicate_number: u32,
    pub(super) duplicate_frame: u64,
    pub(super) owner: Owner,
    pub(super) options: [u8; MAX_OPTIONS],
}

/// How far a header was read: so far the list speaks of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    /// Ports.
    Ports,
    /// Up to the window; the header's length makes no sense.
    Bogus,
    /// Up to the window.
    Window,
    /// Up to the checksum.
    Checksum,
    /// All but the options.
    Fixed,
}

/// What is said of a checksum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Remark {
    #[default]
    None,
    Incorrect,
    /// It is 0xffff where it should be 0 (RFC 1624).
    Ones,
}

/// Numbers as they are shown.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shown {
    pub(super) seq: u32,
    pub(super) ack: u32,
    pub(super) window: u32,
}

impl TcpInfo {
    /// Nothing is known.
    pub(in crate::read) const NONE: Self = Self {
        source_port: 0,
        destination_port: 0,
        flags: Flags(0),
        ecn: EcnBits::Flags,
        checksum: Remark::None,
        stage: Stage::Ports,
        options_len: 0,
        urgent: 0,
        header_len: 0,
        events: TcpEvents(0),
        seq: 0,
        ack: 0,
        window: 0,
        len: None,
        stream: 0,
        completeness: 0,
        since_first: 0,
        since_last: 0,
        duplicate_number: 0,
        duplicate_frame: 0,
        owner: Owner::NONE,
        options: [0; MAX_OPTIONS],
    };

    /// Another segment, of which the ports are known. The options of the one before are left where they
    /// are: that there are none is enough.
    #[inline]
    pub(in crate::read) const fn begin(&mut self, source_port: u16, destination_port: u16) {
        let Self {
            source_port: from,
            destination_port: to,
            flags,
            ecn,
            checksum,
            stage,
            options_len,
            urgent,
            header_len,
            events,
            seq,
            ack,
            window,
            len,
            stream,
            completeness,
            since_first,
            since_last,
            duplicate_number,
            duplicate_frame,
            owner: _,
            options: _,
        } = self;
        (*from, *to) = (source_port, destination_port);
        (*flags, *ecn) = (Flags(0), EcnBits::Flags);
        (*checksum, *stage) = (Remark::None, Stage::Ports);
        (*options_len, *urgent, *header_len) = (0, 0, 0);
        *events = TcpEvents(0);
        (*seq, *ack, *window, *len) = (0, 0, 0, None);
        (*stream, *completeness) = (0, 0);
        (*since_first, *since_last) = (0, 0);
        (*duplicate_number, *duplicate_frame) = (0, 0);
    }

    /// Notes the numbers of the header.
    pub(super) fn note(&mut self, header: &Header, shown: Shown, ecn: EcnBits) {
        self.flags = header.flags;
        self.ecn = ecn;
        self.seq = shown.seq;
        self.ack = shown.ack;
        self.window = shown.window;
        self.header_len = header.payload_at as u8;
        self.stage = if header.payload_at < MIN_LEN {
            Stage::Bogus
        } else {
            Stage::Window
        };
    }

    /// Notes where the segment stands.
    #[inline]
    pub(super) const fn note_standing(&mut self, standing: &Standing) {
        self.stream = standing.stream;
        self.completeness = standing.completeness;
        self.since_first = standing.since_first;
        self.since_last = standing.since_last;
    }

    /// Sequence number as it is shown.
    pub(crate) const fn seq(&self) -> u32 {
        self.seq
    }

    /// Sequence number of what follows.
    pub(crate) const fn next_seq(&self) -> u32 {
        let flag = self.flags.has(Flags::SYN.with(Flags::FIN)) as u32;
        self.seq.wrapping_add(self.len()).wrapping_add(flag)
    }

    /// Acknowledgment as it is shown.
    pub(crate) const fn ack(&self) -> u32 {
        self.ack
    }

    /// Bytes of payload; 0 where that is not known.
    pub(crate) const fn len(&self) -> u32 {
        match self.len {
            Some(len) => len,
            None => 0,
        }
    }

    /// Bytes of the header.
    pub(crate) const fn header_len(&self) -> u8 {
        self.header_len
    }

    /// All twelve flags.
    pub(crate) const fn flags(&self) -> u16 {
        self.flags.0
    }

    /// Window, scaled.
    pub(crate) const fn window(&self) -> u32 {
        self.window
    }

    /// Number of the stream.
    pub(crate) const fn stream(&self) -> u32 {
        self.stream
    }

    /// How far the conversation went.
    pub(crate) const fn completeness(&self) -> u8 {
        self.completeness
    }

    /// Time since the stream's first segment, in ns.
    pub(crate) const fn since_first(&self) -> i64 {
        self.since_first
    }

    /// Time since the stream's segment before, in ns.
    pub(crate) const fn since_last(&self) -> i64 {
        self.since_last
    }

    /// Notes the options.
    pub(super) fn note_options(&mut self, bytes: &[u8], owner: Owner) {
        if let Some(place) = self.options.get_mut(..bytes.len()) {
            place.copy_from_slice(bytes);
            self.options_len = bytes.len() as u8;
        }
        self.owner = owner;
    }

    /// Adds all of it.
    pub fn write(&self, out: &mut String) {
        self.write_to(&mut Line::new(out));
    }

    /// Adds all of it.
    #[inline]
    pub(crate) fn write_to(&self, line: &mut Line<'_>) {
        if let Some(flags) = common_flags(self.flags, self.ecn)
            && self.stage == Stage::Fixed
            && !self.has_remarks()
            && self.checksum == Remark::None
            && self.options_len == 0
        {
            line.row(|row| self.write_plain(flags, row));
        } else {
            self.write_any(line);
        }
    }

    /// All of it, where there is nothing remarkable. None of these flags is URG.
    #[inline(always)]
    fn write_plain(&self, flags: &'static str, row: &mut Row<'_>) {
        row.decimal(self.source_port.into());
        row.text(" → ");
        row.decimal(self.destination_port.into());
        row.text(" [");
        row.any(flags);
        row.text("] Seq=");
        row.decimal(self.seq.into());
        if self.flags.has(Flags::ACK) {
            row.text(" Ack=");
            row.decimal(self.ack.into());
        }
        row.text(" Win=");
        row.decimal(self.window.into());
        if let Some(len) = self.len {
            row.text(" Len=");
            row.decimal(len.into());
        }
    }

    fn write_any(&self, line: &mut Line<'_>) {
        if self.has_remarks() {
            line.with(|out| self.write_remarks(out));
        }
        line.decimal(self.source_port.into());
        line.text(" → ");
        line.decimal(self.destination_port.into());
        if self.stage == Stage::Ports {
            return;
        }
        line.text(" [");
        match common_flags(self.flags, self.ecn) {
            Some(text) => line.text(text),
            None => line.with(|out| write_flags(self.flags, self.ecn, out)),
        }
        line.text("] Seq=");
        line.decimal(self.seq.into());
        if self.flags.has(Flags::ACK) {
            line.text(" Ack=");
            line.decimal(self.ack.into());
        }
        line.text(" Win=");
        line.decimal(self.window.into());
        if self.stage == Stage::Bogus {
            line.text(", bogus TCP header length (");
            line.decimal(self.header_len.into());
            line.text(", must be at least 20)");
        }
        if self.stage < Stage::Checksum {
            return;
        }
        match self.checksum {
            Remark::None => {}
            Remark::Incorrect => line.text(" [TCP CHECKSUM INCORRECT]"),
            Remark::Ones => line.text(" [TCP CHECKSUM 0xFFFF]"),
        }
        if self.stage < Stage::Fixed {
            return;
        }
        if self.flags.has(Flags::URG) {
            line.text(" Urg=");
            line.decimal(self.urgent.into());
        }
        if let Some(len) = self.len {
            line.text(" Len=");
            line.decimal(len.into());
        }
        if self.options_len != 0 {
            let bytes = self.options.get(..usize::from(self.options_len));
            line.with(|out| options::write_info(bytes.unwrap_or(&[]), &self.owner, out));
        }
    }

    /// Whether the analysis found anything.
    pub(crate) const fn has_remarks(&self) -> bool {
        self.events.0 != 0
    }

    /// Adds what the analysis found, which stays in front whatever the application says.
    pub(crate) fn write_remarks(&self, out: &mut String) {
        let events = self.events;
        let before = [
            (
                TcpEvents::ZERO_WINDOW_PROBE_ACK,
                "[TCP ZeroWindowProbeAck] ",
            ),
            (TcpEvents::ZERO_WINDOW, "[TCP ZeroWindow] "),
            (TcpEvents::ZERO_WINDOW_PROBE, "[TCP ZeroWindowProbe] "),
        ];
        let behind = [
            (TcpEvents::KEEP_ALIVE_ACK, "[TCP Keep-Alive ACK] "),
            (TcpEvents::KEEP_ALIVE, "[TCP Keep-Alive] "),
            (TcpEvents::WINDOW_FULL, "[TCP Window Full] "),
            (TcpEvents::WINDOW_UPDATE, "[TCP Window Update] "),
            (TcpEvents::ACKED_UNSEEN, "[TCP ACKed unseen segment] "),
            (
                TcpEvents::LOST_SEGMENT,
                "[TCP Previous segment not captured] ",
            ),
            (TcpEvents::OUT_OF_ORDER, "[TCP Out-Of-Order] "),
            (
                TcpEvents::SPURIOUS_RETRANSMISSION,
                "[TCP Spurious Retransmission] ",
            ),
            (TcpEvents::FAST_RETRANSMISSION, "[TCP Fast Retransmission] "),
            (TcpEvents::RETRANSMISSION, "[TCP Retransmission] "),
            (TcpEvents::REUSED_PORTS, "[TCP Port numbers reused] "),
        ];
        for (event, text) in before {
            if events.has(event) {
                out.push_str(text);
            }
        }
        if events.has(TcpEvents::DUPLICATE_ACK) && self.duplicate_number != 0 {
            out.push_str("[TCP Dup ACK ");
            decimal(out, self.duplicate_frame);
            out.push('#');
            decimal(out, self.duplicate_number);
            out.push_str("] ");
        }
        for (event, text) in behind {
            if events.has(event) {
                out.push_str(text);
            }
        }
    }
}

/// The names of flags that are often set together.
#[inline]
const fn common_flags(flags: Flags, ecn: EcnBits) -> Option<&'static str> {
    match (ecn, flags.0) {
        (EcnBits::Flags, 0x010) => Some("ACK"),
        (EcnBits::Flags, 0x018) => Some("PSH, ACK"),
        (EcnBits::Flags, 0x002) => Some("SYN"),
        (EcnBits::Flags, 0x012) => Some("SYN, ACK"),
        (EcnBits::Flags, 0x011) => Some("FIN, ACK"),
        (EcnBits::Flags, 0x014) => Some("RST, ACK"),
        (EcnBits::Flags, 0x004) => Some("RST"),
        _ => None,
    }
}

/// Adds the names of the flags.
pub(super) fn write_flags(flags: Flags, ecn: EcnBits, out: &mut String) {
    const NAMES: [&str; 9] = ["FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE"];
    const DIGITS: [&str; 8] = [
        "ACE=0", "ACE=1", "ACE=2", "ACE=3", "ACE=4", "ACE=5", "ACE=6", "ACE=7",
    ];
    if let Some(text) = common_flags(flags, ecn) {
        out.push_str(text);
        return;
    }
    let start = out.len();
    let mut add = |text: &str| {
        if out.len() > start {
            out.push_str(", ");
        }
        out.push_str(text);
    };
    let told = if ecn == EcnBits::Number { 6 } else { 9 };
    for (bit, name) in NAMES.into_iter().enumerate().take(told) {
        if flags.0 >> bit & 1 != 0 {
            add(name);
        }
    }
    if ecn == EcnBits::Number {
        // Wireshark separates this one even from nothing.
        out.push_str(", ");
        out.push_str(DIGITS[usize::from(flags.ace() & 7)]);
        if flags.has(Flags::RESERVED) {
            out.push_str(", Reserved");
        }
        return;
    }
    if flags.has(Flags::RESERVED) {
        add("Reserved");
    }
    if out.len() == start {
        out.push_str("<None>");
    }
}

/// The flags as letters, with middle dots for those that are not set.
pub(super) fn letters(flags: Flags, ecn: EcnBits) -> String {
    let mut text = String::with_capacity(24);
    for (place, letter) in "RRRACEUAPRSF".chars().enumerate() {
        let bit = flags.0 >> (11 - place) & 1 != 0;
        match (ecn, place) {
            (EcnBits::Number, 4) => text.push(char::from(b'0' + flags.ace())),
            (EcnBits::Number, 3 | 5) => text.push('-'),
            _ if bit => text.push(letter),
            _ => text.push('·'),
        }
    }
    text
}
