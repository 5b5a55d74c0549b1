//! Numbers as people write them.

/// Millions a second, with three digits that say something.
pub(crate) fn mpps(rate: f64) -> String {
    let rate = rate / 1e6;
    match rate {
        100.0.. => format!("{rate:.0}"),
        10.0.. => format!("{rate:.1}"),
        1.0.. => format!("{rate:.2}"),
        _ => format!("{rate:.3}"),
    }
}

/// A length of time in nanoseconds, in the unit that suits it.
pub(crate) fn time(ns: u64) -> String {
    let ns = ns as f64;
    match ns {
        1e9.. => format!("{:.2} s", ns / 1e9),
        1e6.. => format!("{:.2} ms", ns / 1e6),
        _ => format!("{:.0} µs", ns / 1e3),
    }
}

/// Memory, in MiB or GiB.
pub(crate) fn memory(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    match mib {
        1024.0.. => format!("{:.2} GiB", mib / 1024.0),
        10.0.. => format!("{mib:.0} MiB"),
        _ => format!("{mib:.1} MiB"),
    }
}

/// A part of 1, in percent.
pub(crate) fn percent(part: f64) -> String {
    let percent = part * 100.0;
    match percent {
        99.95.. => format!("{percent:.0} %"),
        1.0.. => format!("{percent:.1} %"),
        0.0 => "0".to_owned(),
        0.01.. => format!("{percent:.2} %"),
        _ => "< 0.01 %".to_owned(),
    }
}

/// How many times.
pub(crate) fn times(factor: f64) -> String {
    match factor {
        100.0.. => format!("{factor:.0}×"),
        10.0.. => format!("{factor:.1}×"),
        _ => format!("{factor:.2}×"),
    }
}

/// A whole number with commas.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_the_digits_that_matter() {
        assert_eq!(mpps(1_234_567.0), "1.23");
        assert_eq!(mpps(45_678.0), "0.046");
        assert_eq!(mpps(12_345_678.0), "12.3");
        assert_eq!(time(1_500), "2 µs");
        assert_eq!(time(3_500_000), "3.50 ms");
        assert_eq!(time(2_000_000_000), "2.00 s");
        assert_eq!(memory(5 << 20), "5.0 MiB");
        assert_eq!(memory(3 << 29), "1.50 GiB");
        assert_eq!(percent(0.0), "0");
        assert_eq!(percent(0.000_01), "< 0.01 %");
        assert_eq!(percent(0.5969), "59.7 %");
        assert_eq!(percent(1.0), "100 %");
        assert_eq!(times(3.97), "3.97×");
        assert_eq!(times(25.04), "25.0×");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(grouped(12), "12");
    }
}
