//! Chosen fields, a line for each frame, as `-T fields` prints them.

use super::{Shown, TimeFormat, list};
use crate::read::field::{FieldId, Kind};
use crate::read::registry;
use crate::read::render;
use crate::read::tree::Wanted;

/// What a column shows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// The fields of a name.
    Fields(Vec<FieldId>),
    /// A column of the list.
    Column(Column),
}

/// A column of the list, as a field: `_ws.col.Info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Number,
    Time,
    Source,
    Destination,
    Protocol,
    Length,
    Info,
}

impl Column {
    const ALL: [(&'static str, Self); 7] = [
        ("No.", Self::Number),
        ("Time", Self::Time),
        ("Source", Self::Source),
        ("Destination", Self::Destination),
        ("Protocol", Self::Protocol),
        ("Length", Self::Length),
        ("Info", Self::Info),
    ];

    fn named(name: &str) -> Option<Self> {
        let title = name.strip_prefix("_ws.col.")?;
        Self::ALL
            .into_iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(title))
            .map(|(_, column)| column)
    }
}

/// Which of several values of a field are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Occurrence {
    /// The first.
    First,
    /// The last.
    Last,
    /// All.
    #[default]
    All,
}

/// What values are put in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quote {
    /// Nothing.
    #[default]
    None,
    /// `"`
    Double,
    /// `'`
    Single,
}

/// Chosen fields, and how they are printed: tshark's `-e` and `-E`.
#[derive(Clone, Debug)]
pub struct Fields {
    names: Vec<String>,
    columns: Vec<Source>,
    /// `header`: a first line with the names.
    pub header: bool,
    /// `separator`
    pub separator: char,
    /// `aggregator`
    pub aggregator: char,
    /// `occurrence`
    pub occurrence: Occurrence,
    /// `quote`
    pub quote: Quote,
    /// `bom`: a byte order mark in front of everything.
    pub bom: bool,
    /// How `_ws.col.Time` is shown.
    pub time: TimeFormat,
    /// Whether `_ws.col.Source` gets names.
    pub address_names: super::Names,
}

/// Names that are no field's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no field {}; `capture fields [PATTERN]` lists them", .0.join(", no field "))]
pub struct UnknownFields(pub Vec<String>);

impl Fields {
    /// Fields by their names.
    ///
    /// # Errors
    ///
    /// Those of the names that are no field's.
    pub fn new(names: &[String]) -> Result<Self, UnknownFields> {
        let mut unknown = Vec::new();
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            if let Some(column) = Column::named(name) {
                columns.push(Source::Column(column));
                continue;
            }
            let fields: Vec<_> = registry::by_name(name).collect();
            if fields.is_empty() {
                unknown.push(name.clone());
            }
            columns.push(Source::Fields(fields));
        }
        if !unknown.is_empty() {
            return Err(UnknownFields(unknown));
        }
        Ok(Self {
            names: names.to_vec(),
            columns,
            header: false,
            separator: '\t',
            aggregator: ',',
            occurrence: Occurrence::All,
            quote: Quote::None,
            bom: false,
            time: TimeFormat::default(),
            address_names: super::Names::default(),
        })
    }

    pub(super) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::none();
        for column in &self.columns {
            let Source::Fields(fields) = column else {
                continue;
            };
            for field in fields {
                wanted.add(*field);
                if field.field().kind == Kind::Protocol {
                    // Its value is the line that the tree shows of it.
                    wanted.add_labels();
                }
            }
        }
        wanted
    }

    pub(super) fn header(&self, out: &mut String) {
        if self.bom {
            out.push('\u{feff}');
        }
        if !self.header {
            return;
        }
        for (place, name) in self.names.iter().enumerate() {
            if place > 0 {
                out.push(self.separator);
            }
            out.push_str(name);
        }
        out.push('\n');
    }

    pub(super) fn line(&self, shown: &Shown, data: &[u8], out: &mut String) {
        for (place, column) in self.columns.iter().enumerate() {
            if place > 0 {
                out.push(self.separator);
            }
            let start = out.len();
            match column {
                Source::Fields(fields) => self.values(fields, shown, data, out),
                Source::Column(column) => self.column(*column, shown, out),
            }
            self.quoted(start, out);
        }
        out.push('\n');
    }

    fn values(&self, fields: &[FieldId], shown: &Shown, data: &[u8], out: &mut String) {
        let mut found = shown
            .tree
            .nodes()
            .iter()
            .filter(|node| fields.contains(&node.field));
        let mut one = |node| render::value(node, &shown.tree, data, out);
        match self.occurrence {
            Occurrence::First => {
                if let Some(node) = found.next() {
                    one(node);
                }
            }
            Occurrence::Last => {
                if let Some(node) = found.next_back() {
                    one(node);
                }
            }
            Occurrence::All => {
                for (place, node) in found.enumerate() {
                    if place > 0 {
                        out.push(self.aggregator);
                    }
                    render::value(node, &shown.tree, data, out);
                }
            }
        }
    }

    fn column(&self, column: Column, shown: &Shown, out: &mut String) {
        use super::text::decimal;
        let columns = &shown.columns;
        match column {
            Column::Number => decimal(out, shown.number),
            Column::Time => self.time.write(shown, out),
            Column::Source => list::address(out, columns.source, self.address_names),
            Column::Destination => list::address(out, columns.destination, self.address_names),
            Column::Protocol => out.push_str(&columns.protocol),
            Column::Length => decimal(out, shown.meta.wire_len),
            Column::Info => columns.write_info(out),
        }
    }

    /// Puts what was added since `start` into quotes, if anything was.
    fn quoted(&self, start: usize, out: &mut String) {
        let quote = match self.quote {
            Quote::None => return,
            Quote::Double => '"',
            Quote::Single => '\'',
        };
        if out.len() > start {
            out.insert(start, quote);
            out.push(quote);
        }
    }
}
