//! What the packet list shows of a frame, beside its number, time and length.

use std::borrow::Cow;
use std::fmt::{self, Write as _};

use super::print::line::Line;
pub use super::proto::tcp::TcpInfo;
use super::proto::text::shown;

/// An address in the list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Address {
    /// None.
    #[default]
    None,
    /// MAC address.
    Ether([u8; 6]),
    /// IPv4.
    Ipv4([u8; 4]),
    /// IPv6.
    Ipv6([u8; 16]),
    /// MAC address of a radio frame, with the part that it plays there.
    Radio([u8; 6], Role),
    /// Of another kind, as the list shows it.
    Text(Short),
}

/// What a station does in a radio frame that is not about a source and a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Receives.
    Receiver,
    /// Transmits.
    Transmitter,
    /// Is where a frame of the second version began.
    Source,
    /// Is where a frame of the second version goes.
    Destination,
    /// Is the access point.
    AccessPoint,
}

impl Role {
    /// As the list writes it behind the address.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Receiver => "RA",
            Self::Transmitter => "TA",
            Self::Source => "SA",
            Self::Destination => "DA",
            Self::AccessPoint => "BSSID",
        }
    }
}

/// A short text that is copied like a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Short {
    len: u8,
    bytes: [u8; Self::MOST],
}

impl Short {
    const MOST: usize = 24;

    /// The text, as far as there is room.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let end = text.floor_char_boundary(Self::MOST);
        let mut bytes = [0; Self::MOST];
        bytes[..end].copy_from_slice(&text.as_bytes()[..end]);
        Self {
            len: end as u8,
            bytes,
        }
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or(&[]);
        str::from_utf8(bytes).unwrap_or("")
    }
}

/// The columns of one frame. The innermost protocol that sets one has the last word.
#[derive(Clone, Debug)]
pub struct Columns {
    /// Source.
    pub source: Address,
    /// Destination.
    pub destination: Address,
    /// Protocol; a dissector that names a version writes it out.
    pub protocol: Cow<'static, str>,
    /// Info, as far as it is text.
    pub info: String,
    /// Info of a TCP segment; text is made of it when it is printed.
    tcp: TcpInfo,
    /// Whether there is any.
    telling: Telling,
    /// So much of `info` stays when the info is replaced.
    fence: usize,
    /// The protocol stays, too, because what follows belongs to the same packet.
    settled: bool,
}

/// Whether the info of a TCP segment is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Telling {
    /// There is none.
    Nothing,
    /// It is printed in front of `info`.
    InFront,
    /// It is not any more: `info` says it all.
    No,
}

impl Default for Columns {
    fn default() -> Self {
        Self {
            source: Address::None,
            destination: Address::None,
            protocol: Cow::Borrowed(""),
            info: String::new(),
            tcp: TcpInfo::NONE,
            telling: Telling::Nothing,
            fence: 0,
            settled: false,
        }
    }
}

impl Address {
    /// An address of another kind, as the list shows it.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self::Text(Short::new(text))
    }

    /// As 16 bytes, which are different for different addresses of one kind.
    pub(crate) fn wide(self) -> [u8; 16] {
        let mut wide = [0; 16];
        match self {
            Self::None => {}
            Self::Ether(bytes) | Self::Radio(bytes, _) => wide[10..].copy_from_slice(&bytes),
            Self::Ipv4(bytes) => {
                wide[10..12].copy_from_slice(&[0xff; 2]);
                wide[12..].copy_from_slice(&bytes);
            }
            Self::Ipv6(bytes) => wide = bytes,
            Self::Text(text) => wide.copy_from_slice(&text.bytes[..16]),
        }
        wide
    }
}

/// Bytes of the info that are shown (`COL_MAX_INFO_LEN` in Wireshark's `epan/column-info.h`, and a NUL).
const LONGEST_INFO: usize = 4095;
/// Info that fits, with what is said of a TCP segment in front: its options take 40 bytes.
const SURELY_FITS: usize = LONGEST_INFO / 2;

impl Columns {
    /// Empty, for the next frame.
    #[inline]
    pub fn clear(&mut self) {
        let Self {
            source,
            destination,
            protocol,
            info,
            tcp: _,
            telling,
            fence,
            settled,
        } = self;
        *source = Address::None;
        *destination = Address::None;
        *protocol = Cow::Borrowed("");
        // What is empty already is not written to: another CPU reads it.
        if !info.is_empty() {
            info.clear();
        }
        *telling = Telling::Nothing;
        *fence = 0;
        *settled = false;
    }

    /// A link without addresses; those of a packet around it stay.
    pub(crate) fn say_no_addresses(&mut self) {
        for address in [&mut self.source, &mut self.destination] {
            if *address == Address::None {
                *address = Address::text("N/A");
            }
        }
    }

    /// Names the protocol, unless one of the same packet has done so for good.
    #[inline]
    pub fn set_protocol(&mut self, name: &'static str) {
        if !self.settled {
            self.protocol = Cow::Borrowed(name);
        }
    }

    /// Names what the protocol carries behind it, with what separates them.
    pub fn append_protocol(&mut self, name: &str) {
        if !self.settled {
            self.protocol = Cow::Owned(format!("{}{name}", self.protocol));
        }
    }

    /// Shows an `EtherType` that nobody knows instead of a protocol.
    pub fn set_protocol_hex(&mut self, ethertype: u16) {
        self.protocol = Cow::Owned(format!("{ethertype:#06x}"));
    }

    /// Replaces the info; what TCP found remarkable stays in front.
    pub fn set_info(&mut self, text: fmt::Arguments<'_>) {
        self.clear_info();
        self.append_info(text);
    }

    /// Puts text in front of the info, and of what stays in front of it.
    pub fn prepend_info(&mut self, text: &str) {
        self.info.insert_str(0, text);
        self.fence += text.len();
    }

    /// Removes the info; what TCP found remarkable stays.
    #[inline]
    pub fn clear_info(&mut self) {
        if self.info.len() > self.fence {
            self.info.truncate(self.fence);
        }
        if let Some(tcp) = self.untold() {
            if tcp.has_remarks() {
                let mut remarks = String::new();
                tcp.write_remarks(&mut remarks);
                self.info.insert_str(0, &remarks);
                self.fence += remarks.len();
            }
            self.telling = Telling::No;
        }
    }

    /// Info of a TCP segment that is to be printed in front.
    #[inline]
    fn untold(&self) -> Option<&TcpInfo> {
        (self.telling == Telling::InFront).then_some(&self.tcp)
    }

    /// Info of a TCP segment, if it is one.
    #[inline]
    pub(crate) fn tcp(&self) -> Option<&TcpInfo> {
        (self.telling != Telling::Nothing).then_some(&self.tcp)
    }

    /// A TCP segment: what is said of it is said in front of `info`.
    #[inline]
    pub(crate) const fn set_tcp(&mut self, source_port: u16, destination_port: u16) {
        self.tcp.begin(source_port, destination_port);
        self.telling = Telling::InFront;
    }

    /// What is said of the segment.
    #[inline]
    pub(crate) const fn tcp_mut(&mut self) -> &mut TcpInfo {
        &mut self.tcp
    }

    /// Adds the whole info to `out`, as much of it as a column holds.
    pub fn write_info(&self, out: &mut String) {
        let before = out.len();
        if let Some(tcp) = self.untold() {
            tcp.write(out);
        }
        out.push_str(&self.printable_info());
        let most = before + LONGEST_INFO;
        if out.len() > most {
            out.truncate(out.floor_char_boundary(most));
        }
    }

    /// The same to a line.
    #[inline]
    pub(crate) fn write_info_to(&self, line: &mut Line<'_>) {
        if self.info.len() > SURELY_FITS {
            let mut info = String::new();
            self.write_info(&mut info);
            line.text(&info);
            return;
        }
        if let Some(tcp) = self.untold() {
            tcp.write_to(line);
        }
        line.text(&self.printable_info());
    }

    /// The info beside that of a TCP segment, in one line and without what a terminal would obey: who dissects
    /// escapes what its protocol's text can have, and what is left of it is escaped here.
    #[inline]
    fn printable_info(&self) -> Cow<'_, str> {
        // Controls of ASCII, or what the other ones begin with in UTF-8.
        let is_suspect = |byte: &u8| *byte < b' ' || *byte == 0x7f || *byte == 0xc2;
        // All of them, since looking for the first takes longer.
        let bytes = self.info.as_bytes().iter();
        if bytes.fold(false, |found, byte| found | is_suspect(byte)) {
            return shown(&self.info);
        }
        Cow::Borrowed(&self.info)
    }

    /// Adds to the info.
    pub fn append_info(&mut self, text: fmt::Arguments<'_>) {
        if let Some(text) = text.as_str() {
            self.info.push_str(text);
            return;
        }
        // Writing to a string does not fail.
        let _infallible = self.info.write_fmt(text);
    }

    /// Adds text to the info, with a separator if there is something to separate from.
    pub fn append_text_after(&mut self, separator: &str, text: &str) {
        if self.untold().is_some() || !self.info.is_empty() {
            self.info.push_str(separator);
        }
        self.info.push_str(text);
    }

    /// Adds to the info, with a separator if there is something to separate from.
    pub fn append_info_after(&mut self, separator: &str, text: fmt::Arguments<'_>) {
        if self.untold().is_some() || !self.info.is_empty() {
            self.info.push_str(separator);
        }
        self.append_info(text);
    }

    /// What is said up to here stays in front of whatever sets the info; the protocol can change.
    pub fn fence(&mut self) {
        self.fence = self.info.len();
    }

    /// What is there now stays: another message follows in the same packet.
    pub fn settle(&mut self) {
        if let Some(tcp) = self.untold() {
            let mut whole = String::new();
            tcp.write(&mut whole);
            self.info.insert_str(0, &whole);
            self.telling = Telling::No;
        }
        self.fence = self.info.len();
        self.settled = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A list has a line a frame, and no frame moves the cursor of who reads it.
    #[test]
    fn info_is_one_line_of_what_can_be_printed() {
        for (text, printed) in [
            ("plain", "plain"),
            ("two\nlines", "two\\nlines"),
            ("a bell\x07", "a bell\\a"),
            ("\x1b[2J", "\\033[2J"),
            ("\u{9b}2J", "\\u009b2J"),
            ("5 \u{b5}s \u{2192}", "5 \u{b5}s \u{2192}"),
        ] {
            let mut columns = Columns::default();
            columns.set_info(format_args!("{text}"));
            let mut info = String::new();
            columns.write_info(&mut info);
            let mut line = String::new();
            columns.write_info_to(&mut Line::new(&mut line));
            assert_eq!((&*info, &*line), (printed, printed));
        }
    }
}
