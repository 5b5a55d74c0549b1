//! What a picture is made of: panels, one above the other, with series on the same axis of time.

/// A picture.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) title: String,
    pub(super) subtitle: String,
    /// Seconds from the left edge to the right one.
    pub(super) seconds: f64,
    pub(super) panels: Vec<Panel>,
}

/// Series that share a vertical axis.
#[derive(Debug)]
pub(super) struct Panel {
    pub(super) title: String,
    pub(super) unit: Unit,
    /// The highest value that has to be seen.
    pub(super) top: f64,
    pub(super) series: Vec<Series>,
}

/// What a vertical axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Bytes,
    BitsPerSecond,
    Seconds,
    Count,
    CountPerSecond,
}

/// One thing that is drawn.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) color: Color,
    pub(super) shape: Shape,
}

/// Colors by what they stand for; the style sheet has them for both themes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Color {
    /// From the one that began, and back.
    There,
    Back,
    /// What was sent again, and resets.
    Trouble,
    /// What was acknowledged selectively.
    Selective,
    /// What is there to compare with.
    Plain,
}

impl Color {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Back => "back",
            Self::Trouble => "trouble",
            Self::Selective => "selective",
            Self::Plain => "plain",
        }
    }
}

/// How values are drawn: seconds and values.
#[derive(Debug)]
pub(super) enum Shape {
    /// From point to point, with the area below.
    Area(Vec<(f64, f64)>),
    /// From point to point.
    Line(Vec<(f64, f64)>),
    /// A value holds until the next.
    Steps(Vec<(f64, f64)>),
    /// The same, dashed.
    Dashes(Vec<(f64, f64)>),
    /// Each for itself.
    Dots(Vec<(f64, f64)>),
    /// From one value up to another.
    Bars(Vec<(f64, f64, f64)>),
}

impl Shape {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Area(points)
            | Self::Line(points)
            | Self::Steps(points)
            | Self::Dashes(points)
            | Self::Dots(points) => points.is_empty(),
            Self::Bars(bars) => bars.is_empty(),
        }
    }
}
