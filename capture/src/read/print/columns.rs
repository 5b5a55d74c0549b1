//! The columns of the list, as they are chosen: tshark's `-o gui.column.format` (Wireshark's
//! `epan/column.c` and `epan/prefs.c`).

use std::borrow::Cow;

use super::line::{Line, right};
use super::shows::{End, Shows};
use super::text::spaces;
use super::{Names, Shown, TimeFormat, TimeStyle};
use crate::read::tree::Wanted;

/// Widths of number, time and addresses.
const NUMBER: usize = 5;
const TIME: usize = 10;
const ADDRESS: usize = 12;

/// What the list usually shows.
const USUAL: &str = "No.,%m,Time,%t,Source,%s,Destination,%d,Protocol,%p,Length,%L,Info,%i";

/// What the list shows of each frame, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListColumns(Vec<ListColumn>);

/// A column.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ListColumn {
    title: String,
    shows: Shows,
}

impl Default for ListColumns {
    /// Those that the list usually has.
    fn default() -> Self {
        Self::parse(USUAL).expect("the usual columns are written as columns are")
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

    /// What those of this title show: of this very one, or else the first that differs from it in capital
    /// letters alone.
    pub(super) fn titled(&self, title: &str) -> Vec<Shows> {
        let columns = self.0.iter().filter(|column| column.title == title);
        let found: Vec<_> = columns.map(|column| column.shows.clone()).collect();
        if !found.is_empty() {
            return found;
        }
        let mut columns = self.0.iter();
        let near = columns.find(|column| column.title.eq_ignore_ascii_case(title));
        near.map(|column| column.shows.clone())
            .into_iter()
            .collect()
    }

    /// Whether the info is among them.
    pub(super) fn has_info(&self) -> bool {
        self.0.iter().any(|column| column.shows == Shows::Info)
    }

    /// The titles.
    pub(super) fn titles(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|column| column.title.as_str())
    }

    /// The fields that they need.
    pub(super) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::none();
        for column in &self.0 {
            column.shows.want(&mut wanted);
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
    fn alignment(&self) -> Alignment {
        match self {
            Self::Number => Alignment::Right(NUMBER),
            // tshark knows no width of differences.
            Self::Time(Some(TimeFormat::Delta | TimeFormat::DeltaShown)) => Alignment::None,
            Self::Time(_) => Alignment::Right(TIME),
            Self::Address(End::Source, ..) => Alignment::Right(ADDRESS),
            Self::Address(End::Destination, ..) => Alignment::Left(ADDRESS),
            Self::Protocol
            | Self::Length
            | Self::CumulativeBytes
            | Self::Info
            | Self::Severity
            | Self::Codepoint
            | Self::Fields(_) => Alignment::None,
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
        assert_eq!(
            columns.0[1].shows,
            Shows::parse("%Cus:tcp.port:1:U").unwrap()
        );
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
    fn columns_are_found_by_their_titles() {
        let columns = ListColumns::parse("A b,%m,a B,%L,A b,%p").unwrap();
        assert_eq!(columns.titled("A b"), [Shows::Number, Shows::Protocol]);
        assert_eq!(columns.titled("a B"), [Shows::Length]);
        assert_eq!(columns.titled("a_b"), []);
        assert_eq!(columns.titled("A B"), [Shows::Number]);
        assert_eq!(ListColumns::default().titled("Info"), [Shows::Info]);
        assert_eq!(ListColumns::default().titled("info"), [Shows::Info]);
    }
}
