//! Frames as text: the list, the details, chosen fields, JSON, bytes.
//!
//! Printing is the second half of reading, and runs on other threads than the walk: all that it
//! needs of a frame is in a [`Shown`].
//!
//! - `line.rs` a line as it is put together; `row.rs` the columns of one
//! - `list.rs` one line a frame; `columns.rs` its columns where others are asked for, `shows.rs` what one
//!   of them shows
//! - `time.rs` the time in the list
//! - `details.rs` the tree; `diagram.rs` headers as pictures
//! - `bytes.rs` hexadecimal and ASCII
//! - `fields.rs` chosen fields, as `-T fields` prints them
//! - `direct.rs` fields of plain segments, printed without being looked for
//! - `json.rs` everything, as JSON; `ek.rs` the same for Elasticsearch
//! - `pdml.rs` everything, as XML; `psml.rs` the list, as XML
//! - `chosen.rs` what of everything
//! - `text.rs` numbers and addresses, quickly

mod bytes;
mod chosen;
mod columns;
mod details;
mod diagram;
mod direct;
mod ek;
mod fields;
mod json;
pub(crate) mod line;
mod list;
mod pdml;
mod psml;
pub(crate) mod row;
mod shows;
pub(crate) mod text;
mod time;

pub use chosen::Chosen;
pub use columns::ListColumns;
pub use details::Details;
pub use diagram::Diagram;
pub use fields::{Fields, Occurrence, Quote, UnknownFields};
pub use json::{JsonBytes, JsonKeys};
pub(crate) use list::address;
pub use time::{Seconds, TimeFormat, TimeStyle};

use self::line::Line;
use super::color::Color;
use super::column::Columns;
use super::tree::{Tree, Wanted};
use crate::packet::{PacketMeta, Timestamp};

/// A frame that was dissected and is to be printed.
#[derive(Debug)]
pub struct Shown {
    /// Number of the frame, from 1.
    pub number: u64,
    /// How many frames were printed before it.
    pub before: u64,
    /// Bytes of the frames that were printed up to this one, with it.
    pub cumulative_bytes: u64,
    /// What is known of its packet.
    pub meta: PacketMeta,
    /// Decimals of its time.
    pub decimals: u8,
    /// Time of the first frame, of the one before, and of the last that was shown.
    pub first: Timestamp,
    /// See `first`.
    pub previous: Timestamp,
    /// See `first`.
    pub previous_shown: Timestamp,
    /// Its fields.
    pub tree: Tree,
    /// Its columns.
    pub columns: Columns,
    /// Its color.
    pub color: Option<Color>,
}

/// What is printed of each frame.
#[derive(Clone, Debug)]
pub enum Layout {
    /// Text for people.
    Text(Text),
    /// Chosen fields, a line each.
    Fields(Fields),
    /// JSON, as tshark's `-T json` and `-T jsonraw`.
    Json {
        /// Bytes of fields, or their values, or both.
        bytes: JsonBytes,
        /// What is done with those of one name.
        keys: JsonKeys,
        /// Of which fields; `None` for all.
        chosen: Option<Chosen>,
    },
    /// Two lines of JSON a frame, as tshark's `-T ek`.
    Ek {
        /// With the bytes (`-x`).
        bytes: bool,
        /// Of which fields; `None` for all.
        chosen: Option<Chosen>,
    },
    /// XML with everything, as tshark's `-T pdml`.
    Pdml {
        /// Of which fields; `None` for all.
        chosen: Option<Chosen>,
        /// Whether addresses get names.
        names: Names,
    },
    /// XML with the list, as tshark's `-T psml`.
    Psml {
        /// Its columns.
        columns: ListColumns,
        /// How times are shown.
        time: TimeStyle,
        /// Whether addresses get names.
        names: Names,
    },
}

/// Text for people: any of these, in this order.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// The line of the list.
    pub list: bool,
    /// Its columns, if not those that it usually has.
    pub columns: Option<ListColumns>,
    /// The tree.
    pub details: Option<Details>,
    /// The headers as pictures.
    pub diagram: Option<Diagram>,
    /// The bytes.
    pub bytes: bool,
    /// How times are shown in the list.
    pub time: TimeStyle,
    /// Whether addresses get names.
    pub names: Names,
    /// Tabs are between the columns of the list.
    pub tabs: bool,
    /// The line behind the tree or the bytes of each frame.
    pub separator: String,
}

/// Whether addresses get names (`-n` and its opposite).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Names {
    /// MAC addresses get their vendor's.
    #[default]
    Vendors,
    /// None do.
    Numbers,
}

impl Layout {
    /// The fields that it needs.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        match self {
            Self::Text(Text {
                details: None,
                diagram: None,
                columns,
                ..
            }) => match columns {
                Some(columns) => columns.wanted(),
                None => Wanted::none(),
            },
            Self::Psml { columns, .. } => columns.wanted(),
            Self::Text(_) | Self::Json { .. } | Self::Ek { .. } | Self::Pdml { .. } => {
                Wanted::all()
            }
            Self::Fields(fields) => fields.wanted(),
        }
    }

    /// Whether the info of the list is printed.
    #[must_use]
    pub fn has_info(&self) -> bool {
        match self {
            Self::Text(Text { list, columns, .. }) => {
                *list && columns.as_ref().is_none_or(ListColumns::has_info)
            }
            Self::Psml { columns, .. } => columns.has_info(),
            Self::Fields(fields) => fields.has_columns(),
            Self::Json { .. } | Self::Ek { .. } | Self::Pdml { .. } => false,
        }
    }

    /// What comes before all frames.
    pub fn begin(&self, out: &mut String) {
        match self {
            Self::Text(_) | Self::Ek { .. } => {}
            Self::Fields(fields) => fields.header(out),
            Self::Json { .. } => json::begin(out),
            Self::Pdml { .. } => pdml::begin(out),
            Self::Psml { columns, .. } => psml::begin(columns, out),
        }
    }

    /// One frame; `data` are its bytes.
    pub fn frame(&self, shown: &Shown, data: &[u8], out: &mut String) {
        self.frame_to(shown, data, &mut Line::new(out));
    }

    /// The same to what is being put together.
    #[inline]
    pub(crate) fn frame_to(&self, shown: &Shown, data: &[u8], line: &mut Line<'_>) {
        match self {
            Self::Text(text) => text.frame(shown, data, line),
            Self::Fields(fields) => fields.line(shown, data, line),
            Self::Json {
                bytes,
                keys,
                chosen,
            } => {
                line.with(|out| json::object(shown, data, (*bytes, *keys), chosen.as_ref(), out));
            }
            Self::Ek { bytes, chosen } => {
                line.with(|out| ek::frame(shown, data, *bytes, chosen.as_ref(), out));
            }
            Self::Pdml { chosen, names } => {
                line.with(|out| pdml::frame(shown, data, chosen.as_ref(), *names, out));
            }
            Self::Psml {
                columns,
                time,
                names,
            } => {
                let style = (*time, *names);
                line.with(|out| psml::frame(shown, data, columns, style, out));
            }
        }
    }

    /// What comes behind all frames.
    pub fn end(&self, frames: u64, out: &mut String) {
        match self {
            Self::Json { .. } => json::end(frames, out),
            Self::Pdml { .. } => pdml::end(out),
            Self::Psml { .. } => psml::end(out),
            Self::Text(_) | Self::Fields(_) | Self::Ek { .. } => {}
        }
    }
}

impl Text {
    fn frame(&self, shown: &Shown, data: &[u8], line: &mut Line<'_>) {
        if self.list {
            list::line(shown, data, self, line);
        }
        if self.details.is_some() || self.diagram.is_some() || self.bytes {
            line.with(|out| self.below(shown, data, out));
        }
    }

    /// What follows the line of the list.
    fn below(&self, shown: &Shown, data: &[u8], out: &mut String) {
        if let Some(details) = &self.details {
            details.print(shown, data, self, out);
        }
        if let Some(diagram) = &self.diagram {
            diagram.print(shown, data, self, out);
            if !self.bytes {
                // Each header has its empty line behind it.
                return;
            }
        }
        if self.bytes {
            if self.diagram.is_none() && (self.list || self.details.is_some()) {
                // tshark sets the bytes apart from what is above them.
                out.push('\n');
            }
            bytes::print(shown, data, out);
        }
        out.push_str(&self.separator);
        out.push('\n');
    }
}
