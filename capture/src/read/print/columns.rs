//! The columns of the list, as they are chosen: tshark's `-o gui.column.format` (Wireshark's
//! `epan/column.c` and `epan/prefs.c`).

use std::borrow::Cow;

use super::line::{Line, right};
use super::text::{decimal, spaces};
use super::{Names, Shown, TimeFormat, TimeStyle, list};
use crate::read::column::Address;
use crate::read::field::{FieldId, Kind};
use crate::read::tree::{Node, Value, Wanted};
use crate::read::{registry, render};

/// Widths of number, time and addresses.
const NUMBER: usize = 5;
const TIME: usize = 10;
const ADDRESS: usize = 12;

/// What Wireshark shows where a protocol is there.
const CHECK_MARK: &str = "✓";

/// What the list shows of each frame, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListColumns(Vec<ListColumn>);

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ListColumn {
    title: String,
    shows: Shows,
}

/// What a column shows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Shows {
    Number,
    /// By this format, or by `-t`.
    Time(Option<TimeFormat>),
    /// The address of one end.
    Address(End, Layer, Option<Names>),
    Protocol,
    Length,
    Info,
    /// Values of fields.
    Fields(Values),
}

/// Whose address it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Source,
    Destination,
}

/// Which address of an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Layer {
    /// The innermost.
    Any,
    /// Of the innermost link.
    Link,
    /// Of the innermost network.
    Network,
}

/// Which values of which fields.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Values {
    fields: Vec<FieldId>,
    /// 0 for all, the first is 1, the last is -1.
    occurrence: i32,
    is_resolved: bool,
}

/// The formats that are no custom column, as they are written.
static FORMATS: [(&str, Shows); 30] = {
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
        ("%nd", Shows::Address(Destination, Network, None)),
        ("%und", Shows::Address(Destination, Network, NUMBERS)),
        ("%p", Shows::Protocol),
        ("%L", Shows::Length),
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

impl End {
    /// The fields in which its address on the link lies.
    const fn link_fields(self) -> &'static [&'static str] {
        match self {
            Self::Source => &["eth.src", "sll.src.eth"],
            Self::Destination => &["eth.dst"],
        }
    }
}

impl ListColumns {
    /// Columns from `"Title","%m","Another","%Cus:tcp.port:1:R"`.
    ///
    /// # Errors
    ///
    /// What is wrong, and what there is.
    pub fn parse(text: &str) -> Result<Self, String> {
        let words = words(text)?;
        if words.is_empty() || words.len() % 2 != 0 {
            return Err(
                r#"columns are pairs of a title and a format: "No.","%m","Info","%i""#.to_owned(),
            );
        }
        let columns = words.chunks_exact(2).map(|pair| match pair {
            [title, format] => Ok(ListColumn {
                title: title.clone(),
                shows: Shows::parse(format)?,
            }),
            _ => unreachable!("chunks of two have two"),
        });
        columns.collect::<Result<_, _>>().map(Self)
    }

    /// The titles.
    pub(super) fn titles(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| column.title.as_str())
    }

    /// The fields that they need.
    pub(super) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::none();
        for column in &self.0 {
            match &column.shows {
                Shows::Fields(values) => values.fields.iter().for_each(|field| wanted.add(*field)),
                Shows::Address(end, Layer::Link, _) => {
                    let names = end.link_fields().iter().copied();
                    for field in names.flat_map(registry::by_name) {
                        wanted.add(field);
                    }
                }
                _ => {}
            }
        }
        wanted
    }

    /// Adds what each column shows, in turn.
    pub(super) fn each(
        &self,
        shown: &Shown,
        data: &[u8],
        style: (TimeStyle, Names),
        mut add: impl FnMut(&str),
    ) {
        let mut text = String::new();
        for column in &self.0 {
            text.clear();
            column.shows.write(shown, data, style, &mut text);
            add(&text);
        }
    }

    /// Adds the line of a frame, without its end.
    pub(super) fn line(
        &self,
        shown: &Shown,
        data: &[u8],
        style: (TimeStyle, Names),
        between: &str,
        line: &mut Line<'_>,
    ) {
        for (place, column) in self.0.iter().enumerate() {
            line.with(|out| {
                let write = |out: &mut String| column.shows.write(shown, data, style, out);
                let start = out.len();
                match column.shows.alignment() {
                    Alignment::None => write(out),
                    Alignment::Right(width) => right(out, width, write),
                    Alignment::Left(width) => {
                        write(out);
                        spaces(out, width.saturating_sub(out.len() - start));
                    }
                }
            });
            if let Some(next) = self.0.get(place + 1) {
                line.text(between);
                if let Some(arrow) = column.shows.arrow(&next.shows) {
                    line.text(arrow);
                    line.text(between);
                }
            }
        }
    }
}

/// Where spaces are put.
enum Alignment {
    None,
    /// In front, to be at least so many bytes.
    Right(usize),
    /// Behind.
    Left(usize),
}

impl Shows {
    fn parse(format: &str) -> Result<Self, String> {
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

    fn alignment(&self) -> Alignment {
        match self {
            Self::Number => Alignment::Right(NUMBER),
            // tshark knows no width of differences.
            Self::Time(Some(TimeFormat::Delta | TimeFormat::DeltaShown)) => Alignment::None,
            Self::Time(_) => Alignment::Right(TIME),
            Self::Address(End::Source, ..) => Alignment::Right(ADDRESS),
            Self::Address(End::Destination, ..) => Alignment::Left(ADDRESS),
            Self::Protocol | Self::Length | Self::Info | Self::Fields(_) => Alignment::None,
        }
    }

    /// What is between the two ends of a frame.
    fn arrow(&self, next: &Self) -> Option<&'static str> {
        match (self, next) {
            (Self::Address(from, layer, _), Self::Address(to, other, _)) if layer == other => {
                match (from, to) {
                    (End::Source, End::Destination) => Some("→"),
                    (End::Destination, End::Source) => Some("←"),
                    _ => None,
                }
            }
            _ => None,
        }
    }

    fn write(
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
            Self::Info => columns.write_info(out),
            Self::Fields(values) => values.write(shown, data, names, out),
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
            _ => render::value(node, &shown.tree, data, out),
        }
    }
}

/// The words of a list with commas between, in quotation marks or not.
fn words(text: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let word: Cow<'_, str>;
        if let Some(quoted) = rest.strip_prefix('"') {
            let end = quoted
                .find('"')
                .ok_or_else(|| format!("a quotation mark is missing behind {quoted:?}"))?;
            word = Cow::Borrowed(&quoted[..end]);
            rest = quoted[end + 1..].trim_start();
        } else {
            let end = rest.find(',').unwrap_or(rest.len());
            word = Cow::Borrowed(rest[..end].trim());
            rest = &rest[end..];
        }
        words.push(word.into_owned());
        rest = match rest.strip_prefix(',') {
            Some(rest) => rest.trim_start(),
            None if rest.is_empty() => rest,
            None => return Err(format!("a comma is missing in front of {rest:?}")),
        };
    }
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_and_formats_come_in_pairs() {
        let columns = ListColumns::parse(r#""No.","%m", Port,%Cus:tcp.port:1:U,"A, b","%i""#);
        let columns = columns.unwrap();
        assert_eq!(
            columns.titles().collect::<Vec<_>>(),
            ["No.", "Port", "A, b"]
        );
        assert!(matches!(
            columns.0[1].shows,
            Shows::Fields(Values {
                occurrence: 1,
                is_resolved: false,
                ..
            })
        ));
        for (wrong, told) in [
            ("", "pairs"),
            (r#""No.","%m","Info""#, "pairs"),
            (r#""No.","%9""#, "%Cus:FIELD"),
            (r#""X","%Cus:tcp.nothing:0:R""#, "tcp.nothing"),
            (r#""X","%Cus:tcp.port:first:R""#, "first"),
            (r#""No.,%m"#, "quotation mark"),
            (r#""No." "%m""#, "comma"),
        ] {
            let error = ListColumns::parse(wrong).unwrap_err();
            assert!(error.contains(told), "{wrong}: {error}");
        }
    }

    #[test]
    fn all_fields_that_formats_name_exist() {
        for (format, names) in LAST_VALUES {
            for name in names {
                assert!(registry::by_name(name).next().is_some(), "{format}: {name}");
            }
        }
        for name in [End::Source, End::Destination]
            .into_iter()
            .flat_map(End::link_fields)
        {
            assert!(registry::by_name(name).next().is_some(), "{name}");
        }
    }
}
