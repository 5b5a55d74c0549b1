//! A picture as SVG: one file, no scripts, light and dark by what the viewer prefers.

use std::fmt::Write as _;

use super::chart::{Across, Chart, Panel, Series, Shape};
use super::scale;

pub(super) const WIDTH: f64 = 1120.0;
const LEFT: f64 = 92.0;
const RIGHT: f64 = 28.0;
/// Above the first panel: title and subtitle.
const TOP: f64 = 78.0;
/// Above each panel: its title and the legend.
const HEAD: f64 = 48.0;
/// Below each panel: its axis.
const FOOT: f64 = 56.0;
/// Height of a panel that is alone, and of one of several.
const ALONE: f64 = 440.0;
const SHARED: f64 = 270.0;

/// Colors are written out twice: programs other than browsers know no variables.
const STYLE: &str = "
svg { font: 13px system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif; }
.title { font-size: 19px; font-weight: 600; }
.panel { font-weight: 600; }
.number { font-size: 12px; font-variant-numeric: tabular-nums; }
.line, .steps, .dashes, .bars, .dots, .marks { fill: none; stroke: currentColor; }
.line { stroke-width: 1.6; stroke-linejoin: round; }
.steps { stroke-width: 1.3; }
.dashes { stroke-width: 1.3; stroke-dasharray: 5 4; opacity: 0.75; }
.bars { stroke-width: 2.4; }
.trouble .bars { stroke-width: 3.6; }
.area { fill: currentColor; opacity: 0.16; stroke: none; }
.dots { stroke-width: 4.5; stroke-linecap: round; opacity: 0.8; }
.marks { stroke-width: 6.5; stroke-linecap: round; }
.key { fill: currentColor; }
.paper { fill: #ffffff; }
text { fill: #1f2328; }
.faint, .number { fill: #656d76; }
.grid { stroke: #e4e7eb; }
.axis { stroke: #9aa4af; }
.there { color: #1f6feb; }
.back { color: #c2610c; }
.trouble { color: #d1242f; }
.selective { color: #8250df; }
.plain { color: #57606a; }
.fourth { color: #1a7f37; }
.fifth { color: #bf3989; }
.sixth { color: #0a7d8c; }
@media (prefers-color-scheme: dark) {
.paper { fill: #0d1117; }
text { fill: #e6edf3; }
.faint, .number { fill: #9198a1; }
.grid { stroke: #21262d; }
.axis { stroke: #6e7681; }
.there { color: #6cb0ff; }
.back { color: #f0a04b; }
.trouble { color: #ff6b63; }
.selective { color: #c297ff; }
.plain { color: #a3acb5; }
.fourth { color: #56d364; }
.fifth { color: #ff8cc8; }
.sixth { color: #4fd1dc; }
}
";

/// A chart as a picture.
#[must_use]
pub fn picture(chart: &Chart) -> String {
    let height = if chart.panels.len() > 1 {
        SHARED
    } else {
        ALONE
    };
    let legends: Vec<_> = chart.panels.iter().map(rows).collect();
    let below_legend = height + FOOT;
    let total = TOP
        + legends
            .iter()
            .map(|rows| head(rows) + below_legend)
            .sum::<f64>();
    let mut out = String::new();
    // Writing to a string does not fail, in all of these.
    begin(&chart.title, &chart.subtitle, (LEFT, total), &mut out);
    let mut top = TOP;
    for (number, (panel, rows)) in chart.panels.iter().zip(&legends).enumerate() {
        top += head(rows);
        let frame = Frame::new(chart, panel, top, height);
        frame.panel((chart.id, number), panel, rows, &mut out);
        top += below_legend;
    }
    out.push_str("</svg>\n");
    out
}

/// The series that there is something to draw of, as the legend has them: in rows that are not wider than the picture. Where text ends is known to those who show it,
/// not here: letters are taken for rather wide.
fn rows(panel: &Panel) -> Vec<Vec<&Series>> {
    /// Of a letter, and of a sample with what separates it from both sides.
    const LETTER: f64 = 7.4;
    const SAMPLE: f64 = 64.0;
    let mut rows: Vec<Vec<&Series>> = vec![Vec::new()];
    let mut used = 0.0;
    let shown = panel
        .series
        .iter()
        .filter(|series| !series.shape.is_empty());
    for series in shown {
        let letters = u16::try_from(series.name.chars().count()).unwrap_or(u16::MAX);
        let width = SAMPLE + LETTER * f64::from(letters);
        let is_full = used > 0.0 && used + width > WIDTH - LEFT - RIGHT;
        match rows.last_mut().filter(|_| !is_full) {
            Some(row) => row.push(series),
            None => rows.push(vec![series]),
        }
        used = if is_full { width } else { used + width };
    }
    rows
}

/// What a panel's title and its legend take.
fn head(rows: &[Vec<&Series>]) -> f64 {
    HEAD + below(rows.len())
}

/// How far the last of so many rows lies below the first.
fn below(rows: usize) -> f64 {
    const ROW: f64 = 20.0;
    ROW * f64::from(u8::try_from(rows.saturating_sub(1)).unwrap_or(u8::MAX))
}

/// The head of a picture: its size, its colors, and what it is called. What is written begins at `left`.
pub(super) fn begin(title: &str, subtitle: &str, (left, height): (f64, f64), out: &mut String) {
    let _infallible = write!(
        out,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n\
         <rect class=\"paper\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"title\" x=\"{left}\" y=\"36\">{title}</text>\n\
         <text class=\"faint\" x=\"{left}\" y=\"58\">{subtitle}</text>\n",
        title = escaped(title),
        subtitle = escaped(subtitle),
    );
}

/// Where a panel lies, and what its axes mean.
struct Frame {
    top: f64,
    height: f64,
    across: Across,
    highest: f64,
}

impl Frame {
    fn new(chart: &Chart, panel: &Panel, top: f64, height: f64) -> Self {
        // Nothing but zeros still has an axis.
        let highest = if panel.top > 0.0 {
            panel.top * 1.05
        } else {
            1.0
        };
        Self {
            top,
            height,
            across: chart.across,
            highest,
        }
    }

    fn x(&self, value: f64) -> f64 {
        LEFT + scale::place(self.across, value) * (WIDTH - LEFT - RIGHT)
    }

    /// What lies beyond the edges is cut off there; far beyond, numbers would only be long.
    fn y(&self, value: f64) -> f64 {
        let part = (value / self.highest).clamp(-1.0, 2.0);
        self.top + self.height * (1.0 - part)
    }

    fn panel(
        &self,
        (id, number): (&str, usize),
        panel: &Panel,
        rows: &[Vec<&Series>],
        out: &mut String,
    ) {
        let (right, bottom) = (WIDTH - RIGHT, self.top + self.height);
        let vertical = scale::values(self.highest, panel.unit);
        for (value, text) in &vertical.ticks {
            let y = self.y(*value);
            let _infallible = writeln!(
                out,
                "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\
                 <text class=\"number\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{text}</text>",
                LEFT - 10.0,
                y + 4.0
            );
        }
        let (of, horizontal) = scale::across(self.across);
        for (value, text) in &horizontal.ticks {
            let x = self.x(*value);
            let _infallible = writeln!(
                out,
                "<line class=\"axis\" x1=\"{x:.1}\" x2=\"{x:.1}\" y1=\"{bottom}\" y2=\"{:.1}\"/>\
                 <text class=\"number\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{text}</text>",
                bottom + 5.0,
                bottom + 20.0
            );
        }
        let middle = self.top + self.height / 2.0;
        let _infallible = write!(
            out,
            "<line class=\"axis\" x1=\"{LEFT}\" x2=\"{right}\" y1=\"{bottom}\" y2=\"{bottom}\"/>\n\
             <text class=\"faint\" x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{of}{}</text>\n\
             <text class=\"faint\" transform=\"translate(26 {middle:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>\n",
            f64::midpoint(LEFT, right),
            bottom + 40.0,
            match horizontal.unit {
                "" => String::new(),
                unit => format!(" ({unit})"),
            },
            vertical.unit,
        );
        self.legend(panel, rows, out);
        let _infallible = write!(
            out,
            "<clipPath id=\"{id}-{number}\"><rect x=\"{LEFT}\" y=\"{}\" width=\"{}\" height=\"{}\"/></clipPath>\n\
             <g clip-path=\"url(#{id}-{number})\">\n",
            self.top - 2.0,
            right - LEFT + 3.0,
            self.height + 3.0
        );
        for series in rows.iter().flatten() {
            self.series(series, out);
        }
        out.push_str("</g>\n");
    }

    /// The panel's title, and a sample of each series with its name.
    fn legend(&self, panel: &Panel, rows: &[Vec<&Series>], out: &mut String) {
        let first = self.top - 12.0 - below(rows.len());
        let _infallible = writeln!(
            out,
            "<text class=\"panel\" x=\"{LEFT}\" y=\"{:.1}\">{}</text>",
            first - 22.0,
            escaped(&panel.title)
        );
        for (number, row) in rows.iter().enumerate() {
            let y = first + below(number + 1);
            let _infallible = write!(out, "<text x=\"{LEFT}\" y=\"{y:.1}\">");
            for (place, series) in row.iter().enumerate() {
                // Samples are letters, for the same reason.
                let sample = match series.shape {
                    Shape::Area(_) | Shape::Line(_) => "━━",
                    Shape::Marked(_) => "━●━",
                    Shape::Steps(_) => "──",
                    Shape::Dashes(_) => "╌╌",
                    Shape::Dots(_) => "●",
                    Shape::Bars(_) => "┃",
                };
                let gap = if place == 0 { "" } else { " dx=\"20\"" };
                let _infallible = write!(
                    out,
                    "<tspan class=\"{} key\"{gap}>{sample}</tspan><tspan dx=\"6\">{}</tspan>",
                    series.color.class(),
                    escaped(&series.name)
                );
            }
            out.push_str("</text>\n");
        }
    }

    fn series(&self, series: &Series, out: &mut String) {
        let _infallible = write!(out, "<g class=\"{}\">", series.color.class());
        let shape = class(&series.shape);
        let begin = |out: &mut String| {
            let _infallible = write!(out, "<path class=\"{shape}\" d=\"");
        };
        match &series.shape {
            Shape::Area(points) => {
                out.push_str("<path class=\"area\" d=\"");
                let base = self.y(0.0);
                if let (Some(first), Some(last)) = (points.first(), points.last()) {
                    let _infallible = write!(out, "M{:.1} {base:.1}", self.x(first.0));
                    for (time, value) in points {
                        let _infallible =
                            write!(out, "L{:.1} {:.1}", self.x(*time), self.y(*value));
                    }
                    let _infallible = write!(out, "L{:.1} {base:.1}Z\"/>", self.x(last.0));
                }
                begin(out);
                self.line(points, out);
            }
            Shape::Line(points) => {
                begin(out);
                self.line(points, out);
            }
            Shape::Marked(points) => {
                begin(out);
                self.line(points, out);
                out.push_str("\"/><path class=\"marks\" d=\"");
                self.dots(points, out);
            }
            Shape::Steps(points) | Shape::Dashes(points) => {
                begin(out);
                for (place, (time, value)) in points.iter().enumerate() {
                    let (x, y) = (self.x(*time), self.y(*value));
                    let _infallible = match place {
                        0 => write!(out, "M{x:.1} {y:.1}"),
                        _ => write!(out, "H{x:.1}V{y:.1}"),
                    };
                }
                let _infallible = write!(out, "H{:.1}", WIDTH - RIGHT);
            }
            Shape::Dots(points) => {
                begin(out);
                self.dots(points, out);
            }
            Shape::Bars(bars) => {
                begin(out);
                for (time, low, high) in bars {
                    let (x, low, high) = (self.x(*time), self.y(*low), self.y(*high));
                    // A byte can be seen, too.
                    let low = low.max(high + 1.5);
                    let _infallible = write!(out, "M{x:.1} {low:.1}V{high:.1}");
                }
            }
        }
        out.push_str("\"/></g>\n");
    }

    fn dots(&self, points: &[(f64, f64)], out: &mut String) {
        for (time, value) in points {
            let _infallible = write!(out, "M{:.1} {:.1}h0", self.x(*time), self.y(*value));
        }
    }

    fn line(&self, points: &[(f64, f64)], out: &mut String) {
        for (place, (time, value)) in points.iter().enumerate() {
            let command = if place == 0 { 'M' } else { 'L' };
            let _infallible = write!(out, "{command}{:.1} {:.1}", self.x(*time), self.y(*value));
        }
    }
}

const fn class(shape: &Shape) -> &'static str {
    match shape {
        Shape::Area(_) | Shape::Line(_) | Shape::Marked(_) => "line",
        Shape::Steps(_) => "steps",
        Shape::Dashes(_) => "dashes",
        Shape::Dots(_) => "dots",
        Shape::Bars(_) => "bars",
    }
}

/// Text as XML has it; names of files can have anything in them.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no control characters.
            character if character.is_control() => out.push('\u{fffd}'),
            character => out.push(character),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_break_out_of_the_text() {
        assert_eq!(escaped("a<b>&\"\u{1}"), "a&lt;b&gt;&amp;&quot;\u{fffd}");
    }

    #[test]
    fn a_legend_that_is_wider_than_the_picture_has_more_rows() {
        let panel = |count: usize| Panel {
            title: String::new(),
            unit: super::super::chart::Unit::Bytes,
            top: 1.0,
            series: (0..count)
                .map(|number| Series {
                    name: format!("a receiver of frames {number}"),
                    color: super::super::chart::Color::There,
                    shape: Shape::Line(vec![(0.0, 1.0), (1.0, 1.0)]),
                })
                .collect(),
        };
        let lens = |panel: &Panel| rows(panel).iter().map(Vec::len).collect::<Vec<_>>();
        // Of 1000 units, each takes 64 and 7.4 for each of its 22 or 23 letters.
        assert_eq!(lens(&panel(0)), [0]);
        assert_eq!(lens(&panel(4)), [4]);
        assert_eq!(lens(&panel(10)), [4, 4, 2]);
        let many = panel(10);
        assert!(head(&rows(&many)) > head(&rows(&panel(4))));
    }

    #[test]
    fn a_picture_of_nothing_has_axes() {
        let chart = Chart {
            id: "panel",
            title: "t".to_owned(),
            subtitle: String::new(),
            across: Across::Time(0.0),
            panels: vec![Panel {
                title: String::new(),
                unit: super::super::chart::Unit::Bytes,
                top: 0.0,
                series: Vec::new(),
            }],
        };
        let svg = picture(&chart);
        assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"));
    }
}
