//! What the packet list shows of a frame, beside its number, time and length.

use std::fmt::{self, Write as _};

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
}

/// The columns of one frame. The innermost protocol that sets one has the last word.
#[derive(Debug, Default)]
pub struct Columns {
    /// Source.
    pub source: Address,
    /// Destination.
    pub destination: Address,
    /// Protocol; a dissector that names a version writes it out.
    pub protocol: &'static str,
    /// Info, as far as it is text.
    pub info: String,
    /// Info of a TCP segment, which is printed in front of `info`; text is made of it when it is printed.
    pub tcp: Option<TcpInfo>,
}

/// What the list says of a TCP segment; the TCP dissector fills it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TcpInfo {}

impl Columns {
    /// Empty, for the next frame.
    pub fn clear(&mut self) {
        let Self {
            source,
            destination,
            protocol,
            info,
            tcp,
        } = self;
        *source = Address::None;
        *destination = Address::None;
        *protocol = "";
        info.clear();
        *tcp = None;
    }

    /// Replaces the info.
    pub fn set_info(&mut self, text: fmt::Arguments<'_>) {
        self.tcp = None;
        self.info.clear();
        self.append_info(text);
    }

    /// Adds the whole info to `out`.
    pub fn write_info(&self, out: &mut String) {
        out.push_str(&self.info);
    }

    /// Adds to the info.
    pub fn append_info(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _infallible = self.info.write_fmt(text);
    }
}
