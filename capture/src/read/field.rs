//! What a field is: its name in filters, its title in the tree, its type, and how its value is shown.
//!
//! Names and types are Wireshark's (`tshark -G fields`), so that filters and scripts carry over.

/// A field: the protocol that it belongs to, and its place there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FieldId {
    /// Index of the protocol in the registry.
    pub protocol: u16,
    /// Index of the field in its protocol.
    pub index: u8,
}

/// A protocol and its fields.
#[derive(Debug)]
pub struct Protocol {
    /// Its place in the registry.
    pub number: u16,
    /// Name in filters: `tcp`.
    pub name: &'static str,
    /// Name in the list's column: `TCP`.
    pub short: &'static str,
    /// Full name: `Transmission Control Protocol`.
    pub title: &'static str,
    /// Its fields. Index 0 is the protocol itself ([`Kind::Protocol`]).
    pub fields: &'static [Field],
}

/// A field of a protocol.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name in filters: `tcp.srcport`.
    pub name: &'static str,
    /// Title in the tree: `Source Port`.
    pub title: &'static str,
    /// Type of its values.
    pub kind: Kind,
    /// How numbers are shown.
    pub base: Base,
    /// The bits of the bytes that hold the value, which the tree shows as `.... 0101 = …`; 0 for all.
    /// The value in a [`Tree`](super::Tree) is already shifted.
    pub mask: u64,
    /// How many bits the tree shows of a masked value, where that is not what its bytes have; 0 for
    /// those.
    pub bits: u8,
    /// Names of values, shown as `Name (value)`. Of a [`Kind::Bool`], what is shown for 0 and 1 instead
    /// of `False` and `True`.
    pub names: Option<fn(u64) -> Option<&'static str>>,
}

/// Type of a field's values: Wireshark's `FT_*`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A protocol: its value is its bytes.
    Protocol,
    /// A line of text without a value; only its presence can be asked for.
    None,
    /// True or false.
    Bool,
    /// Unsigned number of so many bits (8, 16, 24, 32, 64).
    Uint(u8),
    /// Signed number of so many bits.
    Int(u8),
    /// Number of a frame.
    FrameNumber,
    /// Number with a fraction.
    Double,
    /// IPv4 address.
    Ipv4,
    /// IPv6 address.
    Ipv6,
    /// MAC address.
    Ether,
    /// Bytes.
    Bytes,
    /// Text.
    String,
    /// A moment.
    AbsoluteTime,
    /// A length of time.
    RelativeTime,
}

/// How a number is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Base {
    /// Not a number, or as the kind says.
    None,
    /// Decimal.
    Dec,
    /// Hexadecimal with `0x`, all digits of the type.
    Hex,
    /// Decimal, hexadecimal in brackets.
    DecHex,
    /// Hexadecimal, decimal in brackets.
    HexDec,
    /// Of bytes: that there are none is no fault, and shown as `<none>`.
    MayBeNone,
}

impl FieldId {
    /// The field, from the registry.
    #[must_use]
    #[inline]
    pub fn field(self) -> &'static Field {
        super::registry::field(self)
    }

    /// Its protocol, from the registry.
    #[must_use]
    pub fn protocol_info(self) -> &'static Protocol {
        super::registry::PROTOCOLS[usize::from(self.protocol)]
    }

    /// Whether it stands for a whole protocol.
    #[must_use]
    pub const fn is_protocol(self) -> bool {
        self.index == 0
    }
}

/// Declares a protocol with its fields: a constant for each (of type [`FieldId`]), and `PROTOCOL`.
///
/// ```ignore
/// protocol! {
///     3, "eth", "Ethernet", "Ethernet";
///     ADDRESS: "eth.addr", "Address", Ether;
///     TYPE: "eth.type", "Type", Uint(16), Hex, names = ethertype_name;
///     LG: "eth.dst.lg", "LG bit", Bool, mask = 0x0002_0000;
/// }
/// ```
///
/// The number is the protocol's place in `registry.rs`. `ETH` itself is `THIS`.
macro_rules! protocol {
    (
        $number:literal, $name:literal, $short:literal, $title:literal;
        $($constant:ident: $field:literal, $label:literal, $kind:ident $(($bits:literal))? $(, $base:ident)? $(, mask = $mask:expr)? $(, bits = $width:literal)? $(, names = $names:path)?;)*
    ) => {
        #[allow(non_camel_case_types, clippy::upper_case_acronyms, clippy::allow_attributes, reason = "numbers the constants below, whose names these are")]
        #[repr(u8)]
        enum Index { THIS, $($constant),* }
        /// The protocol itself.
        #[allow(dead_code, clippy::allow_attributes, reason = "not every field is told apart by code")]
        pub(crate) const THIS: $crate::read::FieldId =
            $crate::read::FieldId { protocol: $number, index: Index::THIS as u8 };
        $(
            #[doc = concat!("`", $field, "`")]
            #[allow(dead_code, clippy::allow_attributes, reason = "not every field is told apart by code")]
            pub(crate) const $constant: $crate::read::FieldId =
                $crate::read::FieldId { protocol: $number, index: Index::$constant as u8 };
        )*
        /// The protocol and its fields.
        pub(crate) static PROTOCOL: $crate::read::Protocol = $crate::read::Protocol {
            number: $number,
            name: $name,
            short: $short,
            title: $title,
            fields: &[
                $crate::read::Field {
                    name: $name,
                    title: $title,
                    kind: $crate::read::Kind::Protocol,
                    base: $crate::read::Base::None,
                    mask: 0,
                    bits: 0,
                    names: None,
                },
                $($crate::read::Field {
                    name: $field,
                    title: $label,
                    kind: $crate::read::Kind::$kind $(($bits))?,
                    base: $crate::read::field::protocol!(@base $($base)?),
                    mask: $crate::read::field::protocol!(@mask $($mask)?),
                    bits: $crate::read::field::protocol!(@bits $($width)?),
                    names: $crate::read::field::protocol!(@names $($names)?),
                },)*
            ],
        };
    };
    (@base) => { $crate::read::Base::None };
    (@base $base:ident) => { $crate::read::Base::$base };
    (@mask) => { 0 };
    (@mask $mask:expr) => { $mask };
    (@bits) => { 0 };
    (@bits $bits:literal) => { $bits };
    (@names) => { None };
    (@names $names:path) => { Some($names) };
}
pub(crate) use protocol;
