//! Names with a value each, as bars from one line on: who is faster, and by how much.
//!
//! The number stands at the end of its bar, so that a short bar says as much as a long one.

use std::fmt::Write as _;

use super::chart::Color;
use super::svg::{WIDTH, begin, escaped};

/// A picture of bars.
#[derive(Clone, Debug)]
pub struct Ranking {
    /// What it shows.
    pub title: String,
    /// Of what, in smaller letters.
    pub subtitle: String,
    /// One below the other; all have the same scale.
    pub groups: Vec<Group>,
}

/// Bars that belong together.
#[derive(Clone, Debug)]
pub struct Group {
    /// Above them; may be empty.
    pub name: String,
    /// From top to bottom.
    pub bars: Vec<Bar>,
}

/// One name.
#[derive(Clone, Debug)]
pub struct Bar {
    /// The name.
    pub name: String,
    /// How long it is.
    pub value: f64,
    /// What stands at its end.
    pub text: String,
    /// Its color.
    pub color: Color,
}

/// Where names end and bars begin.
const BASE: f64 = 270.0;
const LEFT: f64 = 28.0;
/// Room for the text at the end of the longest bar.
const RIGHT: f64 = 250.0;
const TOP: f64 = 84.0;
const ROW: f64 = 25.0;
const THICKNESS: f64 = 15.0;
/// A group's name, and the space above it.
const HEADING: f64 = 40.0;
const FOOT: f64 = 22.0;

/// A ranking as a picture.
#[must_use]
pub fn picture(ranking: &Ranking) -> String {
    let groups = || ranking.groups.iter();
    let heading = |group: &Group| {
        if group.name.is_empty() { 0.0 } else { HEADING }
    };
    let rows = groups()
        .flat_map(|group| &group.bars)
        .fold(0.0, |rows, _| rows + ROW);
    let height = TOP + rows + groups().map(heading).sum::<f64>() + FOOT;
    let longest = groups()
        .flat_map(|group| &group.bars)
        .map(|bar| bar.value)
        .filter(|value| value.is_finite())
        .fold(0.0, f64::max);
    let mut out = String::new();
    begin(&ranking.title, &ranking.subtitle, (LEFT, height), &mut out);
    let mut y = TOP;
    for group in groups() {
        y += heading(group);
        if !group.name.is_empty() {
            // Writing to a string does not fail, here and below.
            let _infallible = writeln!(
                out,
                "<text class=\"panel\" x=\"{LEFT}\" y=\"{:.1}\">{}</text>",
                y - 12.0,
                escaped(&group.name)
            );
        }
        let begun = y;
        for bar in &group.bars {
            row(bar, y, longest, &mut out);
            y += ROW;
        }
        let _infallible = writeln!(
            out,
            "<line class=\"axis\" x1=\"{BASE}\" x2=\"{BASE}\" y1=\"{begun:.1}\" y2=\"{y:.1}\"/>"
        );
    }
    out.push_str("</svg>\n");
    out
}

fn row(bar: &Bar, y: f64, longest: f64, out: &mut String) {
    let part = if longest > 0.0 && bar.value.is_finite() {
        (bar.value / longest).clamp(0.0, 1.0)
    } else {
        0.0
    };
    let width = part * (WIDTH - BASE - RIGHT);
    let text = y + ROW / 2.0 + 4.5;
    let _infallible = writeln!(
        out,
        "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\">{}</text>\
         <g class=\"{}\"><rect class=\"key\" x=\"{BASE}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{THICKNESS}\" rx=\"2\"/></g>\
         <text class=\"number\" x=\"{:.1}\" y=\"{text:.1}\">{}</text>",
        BASE - 12.0,
        escaped(&bar.name),
        bar.color.class(),
        y + (ROW - THICKNESS) / 2.0,
        BASE + width + 8.0,
        escaped(&bar.text),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(name: &str, value: f64) -> Bar {
        Bar {
            name: name.to_owned(),
            value,
            text: format!("{value} Mpps"),
            color: Color::There,
        }
    }

    fn of(bars: Vec<Bar>) -> Ranking {
        Ranking {
            title: "t".to_owned(),
            subtitle: String::new(),
            groups: vec![Group {
                name: "g".to_owned(),
                bars,
            }],
        }
    }

    #[test]
    fn bars_are_as_long_as_their_values() {
        let svg = picture(&of(vec![bar("a", 4.0), bar("b", 1.0), bar("c & d", 0.0)]));
        let widths: Vec<f64> = svg
            .split("<rect class=\"key\"")
            .skip(1)
            .map(|rest| {
                let width = rest.split("width=\"").nth(1).unwrap();
                width.split('"').next().unwrap().parse().unwrap()
            })
            .collect();
        assert_eq!(widths.len(), 3);
        assert!((widths[0] - 4.0 * widths[1]).abs() < 0.3, "{widths:?}");
        assert!(widths[2] < 1e-9);
        assert!(svg.contains("c &amp; d"));
    }

    #[test]
    fn nothing_and_no_number_make_no_bar() {
        for ranking in [of(Vec::new()), of(vec![bar("a", f64::NAN)])] {
            let svg = picture(&ranking);
            assert!(svg.starts_with("<svg") && svg.ends_with("</svg>\n"));
            assert!(!svg.contains("width=\"NaN") && !svg.contains("inf"));
        }
    }
}
