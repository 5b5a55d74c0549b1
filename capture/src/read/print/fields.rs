//! Chosen fields, a line for each frame, as `-T fields` prints them.

use super::direct::Direct;
use super::line::Line;
use super::shows::Shows;
use super::{ListColumns, Names, Shown, TimeStyle};
use crate::read::column::TcpInfo;
use crate::read::field::{FieldId, Kind};
use crate::read::registry;
use crate::read::render::{self, Form};
use crate::read::tree::{self, Node, Wanted};

/// What a column shows.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Source {
    /// The fields of a name.
    Fields(Vec<FieldId>),
    /// The columns of the list that have a title.
    Columns(Vec<Shows>),
}

/// What is in front of the title of a column of the list: `_ws.col.Info`.
const COLUMN: &str = "_ws.col.";

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
    index: Option<Index>,
    /// Where the values of plain segments lie, if all do.
    direct: Option<Vec<Place>>,
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
    pub time: TimeStyle,
    /// Whether `_ws.col.Source` gets names.
    pub address_names: Names,
}

/// Where the value of a column lies.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Field(Direct),
    Column(Shows),
}

/// Where the values of all columns lie, if none has to be looked for.
fn places(names: &[String], columns: &[Source]) -> Option<Vec<Place>> {
    let places = names
        .iter()
        .zip(columns)
        .map(|(name, column)| match column {
            Source::Columns(columns) => match &columns[..] {
                [one] if !one.needs_fields() => Some(Place::Column(one.clone())),
                _ => None,
            },
            Source::Fields(_) => Direct::named(name).map(Place::Field),
        });
    places.collect()
}

/// Columns and fields of a frame that are matched in one go; where there are more, each column looks
/// for its own.
const MOST_COLUMNS: usize = 32;
const MOST_NODES: usize = 64;

/// Which column shows a field, so that a frame's fields are looked through once.
#[derive(Clone, Debug, Default)]
struct Index {
    /// By protocol and the field's place there: the first column that shows it, from 1.
    columns: Vec<[u8; 256]>,
    /// For each column, the one that shows the same and comes first.
    same: Vec<u8>,
    /// For each column, how its values are shown.
    forms: Vec<Form>,
}

/// The fields of a frame by column, as places in the tree from 1.
struct Matched {
    first: [u8; MOST_COLUMNS],
    last: [u8; MOST_COLUMNS],
    /// The next one of the same column; 0 is none.
    next: [u8; MOST_NODES],
}

impl Index {
    /// Nothing if there are too many columns.
    fn new(columns: &[Source]) -> Option<Self> {
        if columns.len() > MOST_COLUMNS {
            return None;
        }
        let mut index = Self {
            columns: vec![[0; 256]; registry::PROTOCOLS.len()],
            same: Vec::with_capacity(columns.len()),
            forms: Vec::with_capacity(columns.len()),
        };
        for (place, column) in columns.iter().enumerate() {
            let before = columns.iter().position(|other| other == column);
            index.same.push(before.unwrap_or(place) as u8);
            let fields = match column {
                Source::Fields(fields) => &fields[..],
                Source::Columns(_) => &[],
            };
            let mut forms = fields.iter().map(|field| Form::of(field.field()));
            let form = forms.next().unwrap_or(Form::Other);
            let is_one = forms.all(|other| other == form);
            index.forms.push(if is_one { form } else { Form::Other });
            for field in fields.iter().filter(|_| before == Some(place)) {
                let of = &mut index.columns[usize::from(field.protocol)];
                of[usize::from(field.index)] = place as u8 + 1;
            }
        }
        Some(index)
    }

    /// Nothing if the frame has too many fields.
    #[inline]
    fn matched(&self, nodes: &[Node]) -> Option<Matched> {
        if nodes.len() > MOST_NODES {
            return None;
        }
        let mut found = Matched {
            first: [0; MOST_COLUMNS],
            last: [0; MOST_COLUMNS],
            next: [0; MOST_NODES],
        };
        for (place, node) in nodes.iter().enumerate() {
            let FieldId { protocol, index } = node.field;
            let of = self.columns.get(usize::from(protocol))?;
            let column = usize::from(of[usize::from(index)]).wrapping_sub(1);
            if column >= MOST_COLUMNS {
                continue;
            }
            let number = place as u8 + 1;
            match usize::from(found.last[column]).checked_sub(1) {
                None => found.first[column] = number,
                Some(last) => found.next[last] = number,
            }
            found.last[column] = number;
        }
        Some(found)
    }
}

/// Which fields a frame has, a bit each: of hundreds of columns most are empty, and are not to be looked
/// for.
struct Present([[u64; 4]; tree::PROTOCOLS]);

impl Present {
    fn of(nodes: &[Node]) -> Self {
        let mut present = Self([[0; 4]; tree::PROTOCOLS]);
        for node in nodes {
            let FieldId { protocol, index } = node.field;
            present.0[usize::from(protocol)][usize::from(index >> 6)] |= 1 << (index & 63);
        }
        present
    }

    fn has(&self, FieldId { protocol, index }: FieldId) -> bool {
        self.0[usize::from(protocol)][usize::from(index >> 6)] >> (index & 63) & 1 != 0
    }
}

/// Names that are no field's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("there is no field {}; {}`capture fields [PATTERN]` lists them", .0.join(", no field "), suggestion(.0))]
pub struct UnknownFields(pub Vec<String>);

/// The names that may have been meant.
fn suggestion(unknown: &[String]) -> String {
    let near: Vec<_> = unknown
        .iter()
        .flat_map(|name| registry::nearest(name))
        .collect();
    if near.is_empty() {
        return String::new();
    }
    format!("did you mean {}? ", near.join(", "))
}

impl Fields {
    /// Fields by their names, and columns of the list by their titles.
    ///
    /// # Errors
    ///
    /// Those of the names that are no field's.
    pub fn new(names: &[String], list: &ListColumns) -> Result<Self, UnknownFields> {
        let mut unknown = Vec::new();
        let mut columns = Vec::with_capacity(names.len());
        for name in names {
            if let Some(title) = name.strip_prefix(COLUMN) {
                let titled = list.titled(title);
                if titled.is_empty() {
                    unknown.push(name.clone());
                }
                columns.push(Source::Columns(titled));
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
            index: Index::new(&columns),
            direct: places(names, &columns),
            columns,
            header: false,
            separator: '\t',
            aggregator: ',',
            occurrence: Occurrence::All,
            quote: Quote::None,
            bom: false,
            time: TimeStyle::default(),
            address_names: Names::default(),
        })
    }

    pub(super) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::none();
        for column in &self.columns {
            let fields = match column {
                Source::Fields(fields) => fields,
                Source::Columns(columns) => {
                    for column in columns {
                        column.want(&mut wanted);
                    }
                    continue;
                }
            };
            for field in fields {
                wanted.add(*field);
                if field.field().kind == Kind::Protocol {
                    // Its value is the line that the tree shows of it.
                    wanted.add_labels();
                }
            }
        }
        if self.direct.is_some() && self.quote == Quote::None {
            wanted.set_direct();
        }
        wanted
    }

    /// Whether some are columns of the list.
    pub(super) fn has_columns(&self) -> bool {
        let mut sources = self.columns.iter();
        sources.any(|source| matches!(source, Source::Columns(_)))
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

    pub(super) fn line(&self, shown: &Shown, data: &[u8], line: &mut Line<'_>) {
        if shown.tree.is_spared()
            && let (Some(places), Some(tcp)) = (&self.direct, shown.columns.tcp())
        {
            self.direct_line(places, shown, tcp, data, line);
            return;
        }
        let index = self.index.as_ref().filter(|_| self.quote == Quote::None);
        if let Some(index) = index
            && let Some(matched) = index.matched(shown.tree.nodes())
        {
            self.matched_line(index, &matched, shown, data, line);
        } else {
            line.with(|out| self.any_line(shown, data, out));
        }
    }

    fn direct_line(
        &self,
        places: &[Place],
        shown: &Shown,
        tcp: &TcpInfo,
        data: &[u8],
        line: &mut Line<'_>,
    ) {
        for (number, place) in places.iter().enumerate() {
            if number > 0 {
                line.character(self.separator);
            }
            match place {
                Place::Field(field) => field.write(shown, tcp, data, line),
                Place::Column(column) => {
                    line.with(|out| column.write(shown, data, self.style(), out));
                }
            }
        }
        line.text("\n");
    }

    fn any_line(&self, shown: &Shown, data: &[u8], out: &mut String) {
        let present = Present::of(shown.tree.nodes());
        for (place, column) in self.columns.iter().enumerate() {
            if place > 0 {
                out.push(self.separator);
            }
            let start = out.len();
            match column {
                Source::Fields(fields) => {
                    if fields.iter().any(|field| present.has(*field)) {
                        self.values(fields, shown, data, out);
                    }
                }
                Source::Columns(columns) => {
                    self.columns(columns, shown, data, out);
                    self.quote(start, out);
                    continue;
                }
            }
            self.quoted(start, out);
        }
        out.push('\n');
    }

    fn matched_line(
        &self,
        index: &Index,
        matched: &Matched,
        shown: &Shown,
        data: &[u8],
        line: &mut Line<'_>,
    ) {
        let nodes = shown.tree.nodes();
        for (place, column) in self.columns.iter().enumerate() {
            if place > 0 {
                line.character(self.separator);
            }
            if let Source::Columns(columns) = column {
                line.with(|out| self.columns(columns, shown, data, out));
                continue;
            }
            let column = usize::from(index.same[place]);
            let form = index.forms[place];
            let mut at = match self.occurrence {
                Occurrence::Last => matched.last[column],
                Occurrence::First | Occurrence::All => matched.first[column],
            };
            while let Some(found) = usize::from(at).checked_sub(1) {
                let Some(node) = nodes.get(found) else { break };
                if !form.write(node.value, line) {
                    line.with(|out| render::value(node, &shown.tree, data, out));
                }
                at = match self.occurrence {
                    Occurrence::All => matched.next[found],
                    Occurrence::First | Occurrence::Last => 0,
                };
                if at != 0 {
                    line.character(self.aggregator);
                }
            }
        }
        line.text("\n");
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

    /// How times and addresses of columns are shown.
    const fn style(&self) -> (TimeStyle, Names) {
        (self.time, self.address_names)
    }

    /// What columns show that have the same title; even nothing is a value.
    fn columns(&self, columns: &[Shows], shown: &Shown, data: &[u8], out: &mut String) {
        let columns = match self.occurrence {
            Occurrence::First => columns
                .first_chunk::<1>()
                .map_or(columns, <[_; 1]>::as_slice),
            Occurrence::Last => columns
                .last_chunk::<1>()
                .map_or(columns, <[_; 1]>::as_slice),
            Occurrence::All => columns,
        };
        for (place, column) in columns.iter().enumerate() {
            if place > 0 {
                out.push(self.aggregator);
            }
            column.write(shown, data, self.style(), out);
        }
    }

    /// Puts what was added since `start` into quotes, if anything was.
    fn quoted(&self, start: usize, out: &mut String) {
        if out.len() > start {
            self.quote(start, out);
        }
    }

    /// Puts what was added since `start` into quotes.
    fn quote(&self, start: usize, out: &mut String) {
        let quote = match self.quote {
            Quote::None => return,
            Quote::Double => '"',
            Quote::Single => '\'',
        };
        out.insert(start, quote);
        out.push(quote);
    }
}
