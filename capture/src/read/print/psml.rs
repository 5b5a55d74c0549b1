//! The list as XML, as `-T psml` prints it.

use super::pdml::{PROLOG, colors, escape};
use super::{ListColumns, Names, Shown, TimeStyle};

/// Adds what comes before all frames.
pub(super) fn begin(columns: &ListColumns, out: &mut String) {
    out.push_str(PROLOG);
    out.push_str("<psml version=\"0\" creator=\"capture/");
    out.push_str(env!("CARGO_PKG_VERSION"));
    out.push_str("\">\n<structure>\n");
    for title in columns.titles() {
        section(out, |out| escape(title, out));
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
    columns: &ListColumns,
    style: (TimeStyle, Names),
    out: &mut String,
) {
    out.push_str("<packet");
    colors(shown.color, out);
    out.push_str(">\n");
    columns.each(shown, data, style, |text| {
        section(out, |out| escape(text, out));
    });
    out.push_str("</packet>\n\n");
}

fn section(out: &mut String, add: impl FnOnce(&mut String)) {
    out.push_str("<section>");
    add(out);
    out.push_str("</section>\n");
}
