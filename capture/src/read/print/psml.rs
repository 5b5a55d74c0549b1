//! The list as XML, as `-T psml` prints it.

use super::pdml::{PROLOG, colors, escape};
use super::text::decimal;
use super::{ListColumns, Names, Shown, TimeStyle, list};

const COLUMNS: [&str; 7] = [
    "No.",
    "Time",
    "Source",
    "Destination",
    "Protocol",
    "Length",
    "Info",
];

/// Adds what comes before all frames.
pub(super) fn begin(columns: Option<&ListColumns>, out: &mut String) {
    out.push_str(PROLOG);
    out.push_str("<psml version=\"0\" creator=\"capture/");
    out.push_str(env!("CARGO_PKG_VERSION"));
    out.push_str("\">\n<structure>\n");
    let mut title = |title| section(out, |out| escape(title, out));
    match columns {
        Some(columns) => columns.titles().for_each(title),
        None => COLUMNS.iter().for_each(|column| title(column)),
    }
    out.push_str("</structure>\n\n");
}

/// Adds what comes behind all frames.
pub(super) fn end(out: &mut String) {
    out.push_str("</psml>\n");
}

/// Adds a frame.
pub(super) fn frame(
    shown: &Shown,
    data: &[u8],
    chosen: Option<&ListColumns>,
    style: (TimeStyle, Names),
    out: &mut String,
) {
    out.push_str("<packet");
    colors(shown.color, out);
    out.push_str(">\n");
    match chosen {
        Some(chosen) => chosen.each(shown, data, style, |text| {
            section(out, |out| escape(text, out));
        }),
        None => usual(shown, style, out),
    }
    out.push_str("</packet>\n\n");
}

/// Adds the columns that the list usually has.
fn usual(shown: &Shown, (time, names): (TimeStyle, Names), out: &mut String) {
    let columns = &shown.columns;
    section(out, |out| decimal(out, shown.number));
    section(out, |out| time.write(shown, out));
    section(out, |out| list::address(out, columns.source, names));
    section(out, |out| list::address(out, columns.destination, names));
    section(out, |out| escape(&columns.protocol, out));
    section(out, |out| decimal(out, shown.meta.wire_len));
    let mut info = String::new();
    columns.write_info(&mut info);
    section(out, |out| escape(&info, out));
}

fn section(out: &mut String, add: impl FnOnce(&mut String)) {
    out.push_str("<section>");
    add(out);
    out.push_str("</section>\n");
}
