//! Axes: round numbers at even distances, in a unit that suits them.

use super::chart::{Across, Unit};

/// An axis: the values that have a tick, their texts, and the unit.
#[derive(Debug)]
pub(super) struct Axis {
    pub(super) ticks: Vec<(f64, String)>,
    pub(super) unit: &'static str,
}

/// The horizontal axis, and what it is of.
pub(super) fn across(across: Across) -> (&'static str, Axis) {
    match across {
        Across::Time(seconds) => ("time", time(seconds)),
        Across::Rate(top) => ("offered", wide(top, Unit::CountPerSecond, 12.0)),
        Across::Powers { from, to, of } => (of, powers(from, to)),
    }
}

/// Where a value lies on the horizontal axis: 0 at its left edge, 1 at the right one.
pub(super) fn place(across: Across, value: f64) -> f64 {
    match across {
        // An instant still has an axis.
        Across::Time(top) => value / if top > 0.0 { top } else { INSTANT },
        Across::Rate(top) => value / if top > 0.0 { top } else { 1.0 },
        Across::Powers { from, to, .. } => (value / from).log10() / (to / from).log10().max(1e-9),
    }
}

/// Seconds of an axis for no time at all.
const INSTANT: f64 = 1e-3;

/// An axis with a tick at each power of ten.
fn powers(from: f64, to: f64) -> Axis {
    let first = from.log10().ceil();
    let ticks = (0_u8..32).map(|number| 10_f64.powf(first + f64::from(number)));
    let ticks = ticks.take_while(|value| *value <= to * (1.0 + 1e-9));
    let text = |value: f64| match value {
        1e9.. => format!("{} billion", value / 1e9),
        1e6.. => format!("{} million", value / 1e6),
        1e3.. => format!("{} thousand", value / 1e3),
        _ => value.to_string(),
    };
    Axis {
        ticks: ticks.map(|value| (value, text(value))).collect(),
        unit: "",
    }
}

/// Steps of an axis: 1, 2 or 5 times a power of ten.
fn step(span: f64, most: f64) -> f64 {
    let rough = span / most;
    let power = 10_f64.powf(rough.log10().floor());
    for factor in [1.0, 2.0, 5.0] {
        if factor * power >= rough * (1.0 - 1e-9) {
            return factor * power;
        }
    }
    10.0 * power
}

/// Decimals that tell steps apart.
fn decimals(step: f64) -> usize {
    let enough = (0..12).find(|decimals| step * 10_f64.powi(*decimals) >= 1.0 - 1e-9);
    usize::try_from(enough.unwrap_or(12)).unwrap_or(12)
}

/// An axis up to `top`, of at most `most` steps, whose unit is so much of what is counted.
fn axis(top: f64, most: f64, (unit, size): (&'static str, f64)) -> Axis {
    let step = step(top / size, most);
    let decimals = decimals(step);
    let ticks = (0_u8..32).map(|number| f64::from(number) * step);
    let ticks = ticks.take_while(|value| *value <= top / size * (1.0 + 1e-9));
    let ticks = ticks.map(|value| (value * size, format!("{value:.decimals$}")));
    Axis {
        ticks: ticks.collect(),
        unit,
    }
}

/// The axis of time.
fn time(seconds: f64) -> Axis {
    let seconds = if seconds > 0.0 { seconds } else { INSTANT };
    let unit = match seconds {
        ..2e-3 => ("µs", 1e-6),
        2e-3..2.0 => ("ms", 1e-3),
        2.0..1200.0 => ("s", 1.0),
        1200.0..10_800.0 => ("min", 60.0),
        _ => ("h", 3600.0),
    };
    axis(seconds, 12.0, unit)
}

/// A vertical axis.
pub(super) fn values(top: f64, unit: Unit) -> Axis {
    wide(top, unit, 6.0)
}

/// An axis of at most `most` steps.
fn wide(top: f64, unit: Unit, most: f64) -> Axis {
    let units: [(&'static str, f64); 4] = match unit {
        Unit::Bytes => [("bytes", 1.0), ("kB", 1e3), ("MB", 1e6), ("GB", 1e9)],
        Unit::BitsPerSecond => [
            ("bit/s", 1.0),
            ("kbit/s", 1e3),
            ("Mbit/s", 1e6),
            ("Gbit/s", 1e9),
        ],
        Unit::Seconds => [("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("s", 1.0)],
        Unit::Count => [
            ("packets", 1.0),
            ("thousand packets", 1e3),
            ("million packets", 1e6),
            ("million packets", 1e6),
        ],
        Unit::CountPerSecond => [
            ("packets/s", 1.0),
            ("thousand packets/s", 1e3),
            ("million packets/s", 1e6),
            ("million packets/s", 1e6),
        ],
        Unit::Share => [("%", 0.01); 4],
    };
    let fits = units.iter().rev().find(|(_, size)| top >= 2.0 * size);
    axis(top, most, *fits.unwrap_or(&units[0]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, text)| text.as_str()).collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        let axis = time(10.0008);
        assert_eq!(axis.unit, "s");
        assert_eq!(
            texts(&axis),
            ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"]
        );
        let axis = values(0.0037, Unit::Seconds);
        assert_eq!(axis.unit, "ms");
        assert_eq!(texts(&axis), ["0", "1", "2", "3"]);
        let axis = values(2_500_000.0, Unit::BitsPerSecond);
        assert_eq!(axis.unit, "Mbit/s");
        assert_eq!(texts(&axis), ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
        let axis = time(5000.0);
        assert_eq!((axis.unit, axis.ticks.len() > 3), ("min", true));
    }

    #[test]
    fn powers_of_ten_lie_at_even_distances() {
        let across = Across::Powers {
            from: 10_000.0,
            to: 10_000_000.0,
            of: "connections",
        };
        let (of, axis) = super::across(across);
        assert_eq!(of, "connections");
        assert_eq!(
            texts(&axis),
            ["10 thousand", "100 thousand", "1 million", "10 million"]
        );
        let places = [1e4, 1e5, 1e6, 1e7].map(|value| place(across, value));
        for (found, expected) in places.iter().zip([0.0, 1.0 / 3.0, 2.0 / 3.0, 1.0]) {
            assert!((found - expected).abs() < 1e-9, "{places:?}");
        }
    }

    #[test]
    fn a_share_is_shown_in_percent() {
        let axis = values(0.5, Unit::Share);
        assert_eq!(axis.unit, "%");
        assert_eq!(texts(&axis), ["0", "10", "20", "30", "40", "50"]);
    }

    #[test]
    fn any_top_has_a_few_ticks() {
        for exponent in -60..60_i32 {
            let top = 1.37_f64.powi(exponent);
            for axis in [
                time(top),
                values(top, Unit::Bytes),
                values(top, Unit::Seconds),
            ] {
                assert!(
                    (2..=14).contains(&axis.ticks.len()),
                    "{top}: {}",
                    axis.ticks.len()
                );
            }
        }
    }
}
