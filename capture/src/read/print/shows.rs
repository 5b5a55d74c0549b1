//! What one column of the list shows of a frame, by the formats of Wireshark's `epan/column.c`: for the
//! list itself, for `-T psml` and for `_ws.col.Info` among fields.

use super::text::decimal;
use super::{Names, Shown, TimeFormat, TimeStyle, list};
use crate::read::column::Address;
use crate::read::field::{FieldId, Kind};
use crate::read::proto::expert;
use crate::read::proto::ip::{UNKNOWN_CODEPOINT, short_codepoint};
use crate::read::tree::{Node, Value, Wanted};
use crate::read::{registry, render};

/// What Wireshark shows where a protocol is there.
const CHECK_MARK: &str = "✓";

/// What a column shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shows {
    Number,
    /// By this format, or by `-t`.
    Time(Option<TimeFormat>),
    /// The address of one end.
    Address(End, Layer, Option<Names>),
    Protocol,
    Length,
    /// Bytes of the frames that were shown up to this one.
    CumulativeBytes,
    Info,
    /// How remarkable the last remarkable thing is.
    Severity,
    /// What service IP asks for.
    Codepoint,
    /// Values of fields.
    Fields(Values),
}

/// Whose address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Source,
    Destination,
}

/// Which address of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layer {
    /// The innermost.
    Any,
    /// Of the innermost link.
    Link,
    /// Of the innermost network.
    Network,
}

/// Which values of which fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Values {
    fields: Vec<FieldId>,
    /// 0 for all, the first is 1, the last is -1.
    occurrence: i32,
    is_resolved: bool,
}

/// The formats that are no custom column, as they are written.
static FORMATS: [(&str, Shows); 35] = {
    use End::{Destination, Source};
    use Layer::{Any, Link, Network};
    const NUMBERS: Option<Names> = Some(Names::Numbers);
    const VENDORS: Option<Names> = Some(Names::Vendors);
    [
        ("%m", Shows::Number),
        ("%t", Shows::Time(None)),
        ("%Rt", Shows::Time(Some(TimeFormat::Relative))),
        ("%Tt", Shows::Time(Some(TimeFormat::Delta))),
        ("%Gt", Shows::Time(Some(TimeFormat::DeltaShown))),
        ("%At", Shows::Time(Some(TimeFormat::TimeOfDay))),
        ("%Aut", Shows::Time(Some(TimeFormat::TimeOfDay))),
        ("%Yt", Shows::Time(Some(TimeFormat::Date))),
        ("%Yut", Shows::Time(Some(TimeFormat::Date))),
        ("%YDOYt", Shows::Time(Some(TimeFormat::DayOfYear))),
        ("%YDOYut", Shows::Time(Some(TimeFormat::DayOfYear))),
        ("%s", Shows::Address(Source, Any, None)),
        ("%rs", Shows::Address(Source, Any, VENDORS)),
        ("%us", Shows::Address(Source, Any, NUMBERS)),
        ("%d", Shows::Address(Destination, Any, None)),
        ("%rd", Shows::Address(Destination, Any, VENDORS)),
        ("%ud", Shows::Address(Destination, Any, NUMBERS)),
        ("%hs", Shows::Address(Source, Link, None)),
        ("%rhs", Shows::Address(Source, Link, VENDORS)),
        ("%uhs", Shows::Address(Source, Link, NUMBERS)),
        ("%hd", Shows::Address(Destination, Link, None)),
        ("%rhd", Shows::Address(Destination, Link, VENDORS)),
        ("%uhd", Shows::Address(Destination, Link, NUMBERS)),
        ("%ns", Shows::Address(Source, Network, None)),
        ("%uns", Shows::Address(Source, Network, NUMBERS)),
        ("%rns", Shows::Address(Source, Network, VENDORS)),
        ("%nd", Shows::Address(Destination, Network, None)),
        ("%und", Shows::Address(Destination, Network, NUMBERS)),
        ("%rnd", Shows::Address(Destination, Network, VENDORS)),
        ("%p", Shows::Protocol),
        ("%L", Shows::Length),
        ("%B", Shows::CumulativeBytes),
        ("%a", Shows::Severity),
        ("%f", Shows::Codepoint),
        ("%i", Shows::Info),
    ]
};

/// Formats that show the last value of one of these fields.
const LAST_VALUES: [(&str, &[&str]); 7] = [
    ("%S", &["tcp.srcport", "udp.srcport"]),
    ("%uS", &["tcp.srcport", "udp.srcport"]),
    ("%rS", &["tcp.srcport", "udp.srcport"]),
    ("%D", &["tcp.dstport", "udp.dstport"]),
    ("%uD", &["tcp.dstport", "udp.dstport"]),
    ("%rD", &["tcp.dstport", "udp.dstport"]),
    ("%q", &["vlan.id"]),
];

/// The last part of a format with fields of the user's.
const CUSTOM: &str = "%Cus:";

/// The field that says how remarkable something is.
const SEVERITY: &str = "_ws.expert.severity";

/// The fields that say what service IP asks for.
const CODEPOINTS: [&str; 2] = ["ip.dsfield.dscp", "ipv6.tclass.dscp"];

impl End {
    /// The fields in which its address on the link lies.
    const fn link_fields(self) -> &'static [&'static str] {
        match self {
            Self::Source => &["eth.src", "sll.src.eth"],
            Self::Destination => &["eth.dst"],
        }
    }
}

impl Shows {
    /// By its format.
    ///
    /// # Errors
    ///
    /// What is wrong, and what there is.
    pub(super) fn parse(format: &str) -> Result<Self, String> {
        if let Some(custom) = format.strip_prefix(CUSTOM) {
            return Values::parse(custom).map(Self::Fields);
        }
        if let Some((_, shows)) = FORMATS.iter().find(|(known, _)| *known == format) {
            return Ok(shows.clone());
        }
        if let Some((_, names)) = LAST_VALUES.iter().find(|(known, _)| *known == format) {
            return Ok(Self::Fields(Values {
                fields: names.iter().copied().flat_map(registry::by_name).collect(),
                occurrence: -1,
                is_resolved: false,
            }));
        }
        let formats = FORMATS.iter().map(|(known, _)| *known);
        let known: Vec<_> = formats
            .chain(LAST_VALUES.iter().map(|(known, _)| *known))
            .collect();
        Err(format!(
            "there is no column format {format:?}; there are {}, and {CUSTOM}FIELD:OCCURRENCE:R|U for any field",
            known.join(" ")
        ))
    }

    /// Names of the fields that it needs, where they are not the user's.
    const fn field_names(&self) -> &'static [&'static str] {
        match self {
            Self::Address(end, Layer::Link, _) => end.link_fields(),
            Self::Severity => &[SEVERITY],
            Self::Codepoint => &CODEPOINTS,
            _ => &[],
        }
    }

    /// Whether it needs fields, rather than what is known of any frame.
    pub(super) const fn needs_fields(&self) -> bool {
        matches!(self, Self::Fields(_)) || !self.field_names().is_empty()
    }

    /// Adds the fields that it needs.
    pub(super) fn want(&self, wanted: &mut Wanted) {
        if let Self::Fields(values) = self {
            values.fields.iter().for_each(|field| wanted.add(*field));
        }
        let names = self.field_names().iter().copied();
        for field in names.flat_map(registry::by_name) {
            wanted.add(field);
        }
    }

    /// Adds what it shows of a frame.
    pub(super) fn write(
        &self,
        shown: &Shown,
        data: &[u8],
        (time, names): (TimeStyle, Names),
        out: &mut String,
    ) {
        let columns = &shown.columns;
        match self {
            Self::Number => decimal(out, shown.number),
            Self::Time(format) => TimeStyle {
                format: format.unwrap_or(time.format),
                ..time
            }
            .write(shown, out),
            Self::Address(end, layer, own) => {
                let innermost = match end {
                    End::Source => columns.source,
                    End::Destination => columns.destination,
                };
                let address = match (layer, innermost) {
                    (Layer::Any, address)
                    | (Layer::Network, address @ (Address::Ipv4(_) | Address::Ipv6(_))) => address,
                    (Layer::Network, _) => Address::None,
                    (Layer::Link, _) => last_address(end.link_fields(), shown.tree.nodes()),
                };
                list::address(out, address, own.unwrap_or(names));
            }
            Self::Protocol => out.push_str(&columns.protocol),
            Self::Length => decimal(out, shown.meta.wire_len),
            Self::CumulativeBytes => decimal(out, shown.cumulative_bytes),
            Self::Severity => out.push_str(severity(shown.tree.nodes()).unwrap_or_default()),
            Self::Codepoint => codepoint(shown.tree.nodes(), out),
            Self::Info => columns.write_info(out),
            Self::Fields(values) => values.write(shown, data, names, out),
        }
    }
}

/// The name of the severity that was told last, which is not always the last one in the tree: TCP looks at
/// options behind what it found of sequence numbers and flags, Ethernet at padding behind everything.
fn severity(nodes: &[Node]) -> Option<&'static str> {
    let is_option =
        |name: &str| name.starts_with("tcp.options.") || name.starts_with("tcp.analysis.tfo_");
    let mut owner = "";
    let mut last: Option<(&str, &Node)> = None;
    for node in nodes {
        if node.field == expert::SEVERITY {
            let stays = last.is_some_and(|(before, _)| {
                before == "eth.padding_bad"
                    || is_option(before) && owner.starts_with("tcp.") && !is_option(owner)
            });
            if !stays {
                last = Some((owner, node));
            }
        } else if node.value == Value::None && node.field != expert::THIS {
            owner = node.field.field().name;
        }
    }
    let (_, node) = last?;
    let Value::Uint(severity) = node.value else {
        return None;
    };
    node.field.field().names?(severity)
}

/// The service that the innermost header of IP asks for.
fn codepoint(nodes: &[Node], out: &mut String) {
    let is_one = |node: &&Node| CODEPOINTS.contains(&node.field.field().name);
    let node = nodes.iter().rfind(is_one);
    if let Some(Value::Uint(codepoint)) = node.map(|node| node.value) {
        match short_codepoint(codepoint as u8) {
            UNKNOWN_CODEPOINT => decimal(out, codepoint),
            name => out.push_str(name),
        }
    }
}

/// The last address in one of these fields.
fn last_address(fields: &[&str], nodes: &[Node]) -> Address {
    let is_one = |node: &&Node| fields.contains(&node.field.field().name);
    match nodes.iter().rfind(is_one).map(|node| node.value) {
        Some(Value::Ether(bytes)) => Address::Ether(bytes),
        Some(Value::Ipv4(bytes)) => Address::Ipv4(bytes),
        Some(Value::Ipv6(bytes)) => Address::Ipv6(bytes),
        _ => Address::None,
    }
}

impl Values {
    /// `FIELD || FIELD:OCCURRENCE:R`, of which all but the first field may be left out.
    fn parse(text: &str) -> Result<Self, String> {
        let mut parts = text.splitn(3, ':');
        let names = parts.next().unwrap_or_default();
        let mut fields = Vec::new();
        for name in names.split("||").map(str::trim) {
            let before = fields.len();
            fields.extend(registry::by_name(name));
            if fields.len() == before {
                return Err(format!(
                    "there is no field {name:?}; `capture fields [PATTERN]` lists them"
                ));
            }
        }
        let occurrence = match parts.next() {
            None => 0,
            Some(number) => number
                .parse()
                .map_err(|_error| format!("{number:?} is no number of an occurrence"))?,
        };
        Ok(Self {
            fields,
            occurrence,
            is_resolved: !parts.next().is_some_and(|way| way.starts_with('U')),
        })
    }

    fn write(&self, shown: &Shown, data: &[u8], names: Names, out: &mut String) {
        let nodes = shown.tree.nodes().iter();
        let found: Vec<_> = nodes
            .filter(|node| self.fields.contains(&node.field))
            .collect();
        let chosen = match self.occurrence {
            0 => &found[..],
            number => {
                let place = match usize::try_from(number) {
                    Ok(from_front) => from_front.checked_sub(1),
                    Err(_) => found.len().checked_sub(number.unsigned_abs() as usize),
                };
                place.map_or(&[][..], |place| {
                    found.get(place..=place).unwrap_or_default()
                })
            }
        };
        for (place, node) in chosen.iter().enumerate() {
            if place > 0 {
                out.push(',');
            }
            self.value(node, shown, data, names, out);
        }
    }

    fn value(&self, node: &Node, shown: &Shown, data: &[u8], names: Names, out: &mut String) {
        match node.field.field().kind {
            Kind::Protocol | Kind::None => out.push_str(CHECK_MARK),
            Kind::Bytes => render::resolved(node, &shown.tree, data, names, out),
            _ if self.is_resolved => render::resolved(node, &shown.tree, data, names, out),
            _ => render::unresolved(node, &shown.tree, data, out),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_fields_that_formats_name_exist() {
        let last = LAST_VALUES.iter().flat_map(|(_, names)| *names);
        let shown = FORMATS.iter().flat_map(|(_, shows)| shows.field_names());
        for name in last.chain(shown) {
            assert!(registry::by_name(name).next().is_some(), "{name}");
        }
    }

    #[test]
    fn only_what_lies_in_fields_needs_them() {
        for (format, needs) in [
            ("%i", false),
            ("%B", false),
            ("%a", true),
            ("%hs", true),
            ("%S", true),
            ("%Cus:ip.ttl", true),
        ] {
            assert_eq!(
                Shows::parse(format).unwrap().needs_fields(),
                needs,
                "{format}"
            );
        }
    }
}
