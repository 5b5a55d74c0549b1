//! Headers as standards draw them: 32 bits a row, a box for each field, filled with its value
//! (Wireshark's packet diagram).
//!
//! What is drawn are the fields right below a protocol that were read from the bytes of its header, in
//! the order in which they were found; of those that were read from the same bits, the first.

use std::fmt::Write as _;

use super::text::spaces;
use super::{Names, Shown, Text};
use crate::read::proto::{data, frame};
use crate::read::render;
use crate::read::tree::{Node, Tree};

/// Bits of a row.
const ROW: usize = 32;
/// Characters of a bit, with the border before it.
const BIT: usize = 2;
/// Fields of more rows are drawn with so many.
const MOST_ROWS: usize = 4;
/// Fields that begin behind so many bits of a header are left out.
const MOST_BITS: usize = 4096;
/// What stands left of the boxes: the offset of a row's first byte.
const MARGIN: usize = 5;

/// Which headers are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diagram {
    /// All.
    All,
    /// Those of these protocols, by their numbers.
    Only(Vec<u16>),
}

impl Diagram {
    /// Those of these names, apart by commas.
    ///
    /// # Errors
    ///
    /// The name that is no protocol's.
    pub fn only(names: &str) -> Result<Self, String> {
        super::details::numbers(names).map(Self::Only)
    }

    fn has(&self, node: &Node) -> bool {
        // The frame has no header, and what nobody knows no fields.
        node.field.is_protocol()
            && node.field != frame::THIS
            && node.field != data::THIS
            && match self {
                Self::All => true,
                Self::Only(numbers) => numbers.contains(&node.field.protocol),
            }
    }

    /// Adds the headers of a frame, below a line that says which frame it is if nothing else does.
    pub(super) fn print(&self, shown: &Shown, data: &[u8], text: &Text, out: &mut String) {
        let (tree, names) = (&shown.tree, text.names);
        let nodes = tree.nodes();
        if text.list || text.details.is_some() {
            out.push('\n');
        } else if let Some(frame) = nodes.iter().find(|node| node.field == frame::THIS) {
            render::line(frame, tree, data, names, out);
            out.push_str("\n\n");
        }
        for (place, header) in nodes.iter().enumerate() {
            if !self.has(header) {
                continue;
            }
            let below = nodes.iter().skip(place + 1);
            let fields = below
                .take_while(|node| node.depth > header.depth)
                .filter(|node| node.depth == header.depth + 1)
                .collect();
            let boxes = boxes(header, fields, tree, data, names);
            if boxes.is_empty() {
                continue;
            }
            render::line(header, tree, data, names, out);
            out.push('\n');
            draw(&boxes, out);
            out.push('\n');
        }
    }
}

/// A field's place in the header, in bits, and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    start: usize,
    end: usize,
    name: String,
    value: String,
}

/// The fields of a header that do not lie on one another.
fn boxes(header: &Node, fields: Vec<&Node>, tree: &Tree, data: &[u8], names: Names) -> Vec<Field> {
    let mut found: Vec<Field> = Vec::new();
    let header_end = header.place.at + header.place.len;
    for node in fields {
        let place = node.place;
        let is_read = !node.hidden && !node.generated && place.len > 0;
        let is_within = place.source == header.place.source
            && place.at >= header.place.at
            && place.at + place.len <= header_end;
        if !is_read || !is_within || node.field.is_protocol() {
            continue;
        }
        let mut line = String::new();
        render::line(node, tree, data, names, &mut line);
        let (pattern, text) = match line.split_once(" = ") {
            Some((bits, text)) if bits.bytes().all(|byte| b"01. ".contains(&byte)) => (bits, text),
            _ => ("", line.as_str()),
        };
        let first = (place.at - header.place.at) as usize * 8;
        let (mut start, mut end) = bits(pattern, first, place.len as usize * 8);
        // Of bits that are another field's already, it is left what lies before or behind them.
        for other in &found {
            if (other.start..other.end).contains(&start) {
                start = other.end;
            } else if start < other.start {
                end = end.min(other.start);
            }
        }
        if start >= MOST_BITS || start >= end {
            continue;
        }
        let (name, value) = parted(text, node.field.field().title);
        found.push(Field {
            start,
            end,
            name,
            value,
        });
        found.sort_by_key(|field| field.start);
    }
    found
}

/// The bits that `0100 ....` shows of so many that begin at `first`; all without it.
fn bits(pattern: &str, first: usize, len: usize) -> (usize, usize) {
    let shown: Vec<u8> = pattern.bytes().filter(|byte| *byte != b' ').collect();
    let is_own = |byte: &u8| *byte != b'.';
    let (Some(start), Some(last)) = (
        shown.iter().position(is_own),
        shown.iter().rposition(is_own),
    ) else {
        return (first, first + len);
    };
    // A pattern is of the last bits.
    let skipped = first + len.saturating_sub(shown.len());
    (skipped + start, (skipped + last + 1).min(first + len))
}

/// Name and value of what the tree says of a field.
fn parted(text: &str, title: &str) -> (String, String) {
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    match text.split_once(": ") {
        Some((name, value)) => (words(name), words(value)),
        None if text == title => (words(text), String::new()),
        None => (words(title), words(text)),
    }
}

/// A value as it stands in a box of so many characters: in narrow ones without what explains it.
fn fitting(value: &str, width: usize) -> &str {
    if width >= ROW - 1 || value.chars().count() <= width {
        return value;
    }
    let end = [" (", ", ", " ["]
        .iter()
        .filter_map(|mark| value.find(mark))
        .min();
    value.get(..end.unwrap_or(value.len())).unwrap_or(value)
}

/// A field, or bits between two, with its rows.
#[derive(Clone, Debug)]
struct Cell {
    start: usize,
    end: usize,
    /// What stands in it, in the row that has most room for it.
    text: String,
    value: String,
    text_row: usize,
}

/// Draws boxes of fields that are in order.
fn draw(fields: &[Field], out: &mut String) {
    let (cells, offsets) = cells(fields);
    let rows = offsets.len();
    let cell_at = |row: usize, bit: usize| {
        let at = row * ROW + bit;
        let place = cells.partition_point(|cell| cell.end <= at);
        cells
            .get(place)
            .filter(|cell| cell.start <= at)
            .map(|_| place)
    };
    // Wrapped text of each cell, by the row that it stands in.
    let mut texts: Vec<Vec<(usize, usize, Vec<String>)>> = vec![Vec::new(); rows];
    for cell in &cells {
        let row = cell.text_row;
        let from = cell.start.max(row * ROW) - row * ROW;
        let to = cell.end.min((row + 1) * ROW) - row * ROW;
        let width = (to - from) * BIT - 1;
        let mut lines = wrap(&cell.text, width);
        lines.extend(wrap(fitting(&cell.value, width), width));
        if let Some(row) = texts.get_mut(row) {
            row.push((from, width, lines));
        }
    }
    numbers(out);
    for row in 0..=rows {
        border(row, rows, &cell_at, out);
        let (Some(texts), Some(offset)) = (texts.get(row), offsets.get(row)) else {
            break;
        };
        let height = texts.iter().map(|(.., lines)| lines.len()).max();
        for line in 0..height.unwrap_or(0).max(1) {
            if line == 0 {
                let _infallible = write!(out, "{offset:>width$} ", width = MARGIN - 1);
            } else {
                spaces(out, MARGIN);
            }
            let start = out.len();
            for bit in 0..=ROW {
                let left = bit.checked_sub(1).and_then(|left| cell_at(row, left));
                let right = (bit < ROW).then(|| cell_at(row, bit)).flatten();
                out.push_str(if left == right { " " } else { "│" });
                if bit == ROW {
                    break;
                }
                out.push(' ');
            }
            // Text is put over the spaces; borders are of three bytes, so that places are counted.
            for (from, width, lines) in texts {
                if let Some(text) = lines.get(line) {
                    let left = (width - text.chars().count().min(*width)) / 2;
                    over(out, start, from * BIT + 1 + left, text);
                }
            }
            let end = out.trim_end_matches(' ').len();
            out.truncate(end.max(start));
            out.push('\n');
        }
    }
}

/// Writes `text` over the characters from the one of this number, counted from the byte at `start`.
fn over(out: &mut String, start: usize, at: usize, text: &str) {
    let place = |out: &str, number: usize| {
        let mut places = out[start..].char_indices().map(|(place, _)| place);
        places.nth(number).map_or(out.len(), |place| start + place)
    };
    let from = place(out, at);
    let to = place(out, at + text.chars().count());
    out.replace_range(from..to, text);
}

/// Fields and the bits between them, with long ones shortened; and the offset in bytes of each row.
fn cells(fields: &[Field]) -> (Vec<Cell>, Vec<usize>) {
    let mut cells = Vec::new();
    let mut offsets = Vec::new();
    // Bits that were left out so far: whole rows.
    let mut left_out = 0;
    let mut at = 0;
    let mut push = |start: usize, end: usize, field: Option<&Field>, left_out: &mut usize| {
        let (first, last) = (start / ROW, (end - 1) / ROW);
        let is_whole = start.is_multiple_of(ROW);
        let spare = if is_whole {
            (last + 1 - first).saturating_sub(MOST_ROWS)
        } else {
            0
        };
        let (low, high) = (start - *left_out, end - *left_out - spare * ROW);
        for row in low / ROW..=(high - 1) / ROW {
            if row == offsets.len() {
                offsets.push((row * ROW + *left_out) / 8);
            }
        }
        *left_out += spare * ROW;
        let width = |row: usize| high.min((row + 1) * ROW) - low.max(row * ROW);
        let rows = low / ROW..=(high - 1) / ROW;
        // Of rows that are equally long, the first.
        let text_row = rows.rev().max_by_key(|row| width(*row)).unwrap_or(0);
        cells.push(Cell {
            start: low,
            end: high,
            text: field.map(|field| field.name.clone()).unwrap_or_default(),
            value: field.map(|field| field.value.clone()).unwrap_or_default(),
            text_row,
        });
    };
    for field in fields {
        if field.start > at {
            push(at, field.start, None, &mut left_out);
        }
        push(field.start, field.end, Some(field), &mut left_out);
        at = field.end;
    }
    (cells, offsets)
}

/// The numbers of bits above the boxes.
fn numbers(out: &mut String) {
    for line in 0..2 {
        spaces(out, MARGIN + 1);
        for bit in 0..ROW {
            let digit = match line {
                0 if bit % 10 == 0 => char::from_digit((bit / 10) as u32, 10),
                0 => None,
                _ => char::from_digit((bit % 10) as u32, 10),
            };
            out.push(digit.unwrap_or(' '));
            if bit + 1 < ROW {
                out.push(' ');
            }
        }
        let end = out.trim_end_matches(' ').len();
        out.truncate(end);
        out.push('\n');
    }
}

/// The line above a row, or below the last one.
fn border(
    row: usize,
    rows: usize,
    cell_at: &impl Fn(usize, usize) -> Option<usize>,
    out: &mut String,
) {
    /// By what goes up (1), down (2), left (4) and right (8).
    const JOINTS: [&str; 16] = [
        " ", "│", "│", "│", "─", "┘", "┐", "┤", "─", "└", "┌", "├", "─", "┴", "┬", "┼",
    ];
    let cell = |row: Option<usize>, bit: Option<usize>| {
        let (row, bit) = (
            row.filter(|row| *row < rows)?,
            bit.filter(|bit| *bit < ROW)?,
        );
        cell_at(row, bit)
    };
    let (above, below) = (row.checked_sub(1), Some(row));
    spaces(out, MARGIN);
    for bit in 0..=ROW {
        let (left, right) = (bit.checked_sub(1), Some(bit));
        let lines = [
            cell(above, left) != cell(above, right),
            cell(below, left) != cell(below, right),
            cell(above, left) != cell(below, left),
            cell(above, right) != cell(below, right),
        ];
        let joint = lines
            .iter()
            .rev()
            .fold(0, |all, line| all << 1 | usize::from(*line));
        out.push_str(JOINTS[joint]);
        if bit < ROW {
            out.push_str(if lines[3] { "─" } else { " " });
        }
    }
    let end = out.trim_end_matches(' ').len();
    out.truncate(end);
    out.push('\n');
}

/// Text in lines of so many characters: by words, and through words that are longer.
fn wrap(text: &str, width: usize) -> Vec<String> {
    /// A text of more lines is cut.
    const MOST_LINES: usize = 4;
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let len = word.chars().count();
        if let Some(line) = lines.last_mut()
            && line.chars().count() + 1 + len <= width
        {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        let letters: Vec<char> = word.chars().collect();
        lines.extend(
            letters
                .chunks(width)
                .map(|part| part.iter().collect::<String>()),
        );
    }
    if lines.len() > MOST_LINES {
        lines.truncate(MOST_LINES);
        if let Some(line) = lines.last_mut() {
            if line.chars().count() >= width {
                line.pop();
            }
            line.push('…');
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(start: usize, end: usize, name: &str, value: &str) -> Field {
        Field {
            start,
            end,
            name: name.to_owned(),
            value: value.to_owned(),
        }
    }

    fn drawn(fields: &[Field]) -> String {
        let mut out = String::new();
        draw(fields, &mut out);
        out
    }

    /// The figure of RFC 768.
    #[test]
    fn udp_is_drawn_as_its_rfc_draws_it() {
        let fields = [
            field(0, 16, "Source Port", "53"),
            field(16, 32, "Destination Port", "40001"),
            field(32, 48, "Length", "17"),
            field(48, 64, "Checksum", "0x1234"),
        ];
        let expected = "      0                   1                   2                   3
      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
     ┌───────────────────────────────┬───────────────────────────────┐
   0 │          Source Port          │       Destination Port        │
     │              53               │             40001             │
     ├───────────────────────────────┼───────────────────────────────┤
   4 │            Length             │           Checksum            │
     │              17               │            0x1234             │
     └───────────────────────────────┴───────────────────────────────┘
";
        assert_eq!(drawn(&fields), expected);
    }

    #[test]
    fn a_field_of_one_row_and_a_half_has_no_line_through_it() {
        let fields = [field(0, 48, "A", "1"), field(48, 64, "B", "2")];
        let expected = "      0                   1                   2                   3
      0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
     ┌───────────────────────────────────────────────────────────────┐
   0 │                               A                               │
     │                               1                               │
     │                               ┌───────────────────────────────┤
   4 │                               │               B               │
     │                               │               2               │
     └───────────────────────────────┴───────────────────────────────┘
";
        assert_eq!(drawn(&fields), expected);
    }

    #[test]
    fn long_fields_are_shortened_and_offsets_say_so() {
        let fields = [field(0, 32 * 100, "Data", ""), field(3200, 3232, "End", "")];
        let text = drawn(&fields);
        let offsets: Vec<_> = text
            .lines()
            .filter_map(|line| line.split('│').next()?.trim().parse::<usize>().ok())
            .collect();
        assert_eq!(offsets, [0, 4, 8, 12, 400]);
    }

    #[test]
    fn bits_are_those_that_the_pattern_shows() {
        assert_eq!(bits("0100 ....", 0, 8), (0, 4));
        assert_eq!(bits(".... 0101", 0, 8), (4, 8));
        assert_eq!(bits("...0 0000 0000 0000", 48, 16), (51, 64));
        assert_eq!(bits("", 16, 16), (16, 32));
    }

    #[test]
    fn what_explains_a_value_gives_way_in_narrow_boxes() {
        assert_eq!(fitting("0x2, Don't fragment", 5), "0x2");
        assert_eq!(fitting("6 (TCP)", 15), "6 (TCP)");
        assert_eq!(fitting("8 (Echo (ping) request)", 15), "8");
    }

    #[test]
    fn words_are_wrapped_and_too_many_are_cut() {
        assert_eq!(wrap("Header Length", 7), ["Header", "Length"]);
        assert_eq!(wrap("abcdefgh", 3), ["abc", "def", "gh"]);
        assert_eq!(wrap("a b c d e", 1), ["a", "b", "c", "…"]);
    }
}
