//! What a picture is made of: panels, one above the other, with series on the same horizontal axis.

/// A picture.
#[derive(Clone, Debug)]
pub struct Chart {
    /// Beginning of the names that it uses in itself: pictures in one page need different ones.
    pub id: &'static str,
    /// What it shows.
    pub title: String,
    /// Of what, in smaller letters.
    pub subtitle: String,
    /// The horizontal axis.
    pub across: Across,
    /// From top to bottom.
    pub panels: Vec<Panel>,
}

/// A horizontal axis.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Across {
    /// Seconds from the left edge to the right one.
    Time(f64),
    /// Packets a second, from 0 to so many.
    Rate(f64),
    /// A number of something, the same distance for each power of ten.
    Powers {
        /// At the left edge; more than 0.
        from: f64,
        /// At the right one.
        to: f64,
        /// Of what.
        of: &'static str,
    },
}

/// Series that share a vertical axis.
#[derive(Clone, Debug)]
pub struct Panel {
    /// Above it.
    pub title: String,
    /// What its axis counts.
    pub unit: Unit,
    /// The highest value that has to be seen.
    pub top: f64,
    /// What is drawn, the last on top.
    pub series: Vec<Series>,
}

/// What a vertical axis counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes.
    Bytes,
    /// Bits a second.
    BitsPerSecond,
    /// Seconds.
    Seconds,
    /// Packets.
    Count,
    /// Packets a second.
    CountPerSecond,
    /// A part of 1, shown in percent.
    Share,
}

/// One thing that is drawn.
#[derive(Clone, Debug)]
pub struct Series {
    /// In the legend.
    pub name: String,
    /// Its color.
    pub color: Color,
    /// How, and the values.
    pub shape: Shape,
}

/// Colors by what they stand for; the style sheet has them for both themes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Color {
    /// From the one that began.
    There,
    /// And back.
    Back,
    /// What was sent again, and resets.
    Trouble,
    /// What was acknowledged selectively.
    Selective,
    /// What is there to compare with.
    Plain,
    /// What is one of several alike.
    Fourth,
    /// Likewise.
    Fifth,
    /// Likewise.
    Sixth,
}

impl Color {
    pub(super) const fn class(self) -> &'static str {
        match self {
            Self::There => "there",
            Self::Back => "back",
            Self::Trouble => "trouble",
            Self::Selective => "selective",
            Self::Plain => "plain",
            Self::Fourth => "fourth",
            Self::Fifth => "fifth",
            Self::Sixth => "sixth",
        }
    }
}

/// How values are drawn: where they are on the horizontal axis, and how high.
#[derive(Clone, Debug)]
pub enum Shape {
    /// From point to point, with the area below.
    Area(Vec<(f64, f64)>),
    /// From point to point.
    Line(Vec<(f64, f64)>),
    /// The same, with a dot at each point.
    Marked(Vec<(f64, f64)>),
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
            | Self::Marked(points)
            | Self::Steps(points)
            | Self::Dashes(points)
            | Self::Dots(points) => points.is_empty(),
            Self::Bars(bars) => bars.is_empty(),
        }
    }
}
