//! A table, and how it looks on a terminal, in Markdown and in HTML: written once, shown three times.

use std::fmt::Write as _;

/// Rows under a head.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Grid {
    /// What it is of.
    pub(crate) title: String,
    /// Column heads; the first column is text, the others are numbers.
    pub(crate) head: Vec<String>,
    /// Rows, as long as the head.
    pub(crate) rows: Vec<Vec<String>>,
    /// What one has to know to read it; may be empty.
    pub(crate) note: &'static str,
}

impl Grid {
    /// An empty one.
    pub(crate) fn new(title: impl Into<String>, head: &[&str]) -> Self {
        Self {
            title: title.into(),
            head: head.iter().map(|&text| text.to_owned()).collect(),
            rows: Vec::new(),
            note: "",
        }
    }

    /// Adds a row.
    pub(crate) fn push<const N: usize>(&mut self, row: [String; N]) {
        self.rows.push(row.into());
    }

    /// Leaves out columns in which no row has anything.
    pub(crate) fn without_empty_columns(mut self) -> Self {
        let is_empty =
            |text: Option<&String>| text.is_none_or(|text| text.is_empty() || text == "-");
        let kept: Vec<bool> = (0..self.head.len())
            .map(|at| at == 0 || !self.rows.iter().all(|row| is_empty(row.get(at))))
            .collect();
        let filter = |row: &mut Vec<String>| {
            let mut kept = kept.iter();
            row.retain(|_| kept.next().copied().unwrap_or(true));
        };
        filter(&mut self.head);
        self.rows.iter_mut().for_each(filter);
        self
    }

    fn widths(&self) -> Vec<usize> {
        let rows = || self.rows.iter().chain([&self.head]);
        (0..self.head.len())
            .map(|at| {
                rows()
                    .filter_map(|row| row.get(at))
                    .map(|text| text.chars().count())
                    .max()
                    .unwrap_or(0)
            })
            .collect()
    }

    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let widths = self.widths();
        let mut out = format!("{}\n", self.title);
        for row in [&self.head].into_iter().chain(&self.rows) {
            let mut line = String::from(" ");
            for (at, (text, width)) in row.iter().zip(&widths).enumerate() {
                // Writing to a string does not fail, here and below.
                let _infallible = if at == 0 {
                    write!(line, " {text:<width$}")
                } else {
                    write!(line, "  {text:>width$}")
                };
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        if !self.note.is_empty() {
            let _infallible = writeln!(out, "  {}", self.note);
        }
        out
    }

    /// For a README.
    pub(crate) fn markdown(&self) -> String {
        let escaped = |text: &String| text.replace('|', "\\|");
        let line = |row: &[String]| {
            let cells: Vec<_> = row.iter().map(escaped).collect();
            format!("| {} |\n", cells.join(" | "))
        };
        let mut out = format!("**{}**\n\n{}", self.title, line(&self.head));
        for at in 0..self.head.len() {
            out.push_str(if at == 0 { "|---" } else { "|---:" });
        }
        out.push_str("|\n");
        for row in &self.rows {
            out.push_str(&line(row));
        }
        if !self.note.is_empty() {
            let _infallible = write!(out, "\n{}\n", self.note);
        }
        out
    }

    /// For the page.
    pub(crate) fn html(&self) -> String {
        let mut out = String::from("<div class=\"wide\"><table>\n");
        let _infallible = writeln!(out, "<caption>{}</caption>", escaped(&self.title));
        out.push_str("<thead><tr>");
        for text in &self.head {
            let _infallible = write!(out, "<th scope=\"col\">{}</th>", escaped(text));
        }
        out.push_str("</tr></thead>\n<tbody>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for (at, text) in row.iter().enumerate() {
                let text = escaped(text);
                let _infallible = if at == 0 {
                    write!(out, "<th scope=\"row\">{text}</th>")
                } else {
                    write!(out, "<td>{text}</td>")
                };
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</tbody>\n</table></div>\n");
        if !self.note.is_empty() {
            let _infallible = writeln!(out, "<p class=\"note\">{}</p>", escaped(self.note));
        }
        out
    }
}

/// Text as HTML has it.
pub(crate) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Grid {
        let mut grid = Grid::new("Rates & more", &["who", "Mpps", "lost", "never"]);
        grid.push(["tap <64>".into(), "1.20".into(), "0".into(), "-".into()]);
        grid.push(["a|b".into(), "0.9".into(), "12".into(), String::new()]);
        grid
    }

    #[test]
    fn columns_line_up_on_a_terminal() {
        assert_eq!(
            grid().without_empty_columns().text(),
            "Rates & more\n  who       Mpps  lost\n  tap <64>  1.20     0\n  a|b        0.9    12\n"
        );
    }

    #[test]
    fn markdown_and_html_escape_what_is_theirs() {
        let grid = grid();
        assert!(grid.markdown().contains("| a\\|b | 0.9 |"));
        assert!(grid.markdown().contains("|---|---:|---:|---:|\n"));
        let html = grid.html();
        assert!(html.contains("<th scope=\"row\">tap &lt;64&gt;</th>"));
        assert!(html.contains("<caption>Rates &amp; more</caption>"));
    }
}
