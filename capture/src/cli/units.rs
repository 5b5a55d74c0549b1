//! Sizes, durations and lists of CPUs as people write them.

use std::time::Duration;

/// Bytes: `65536`, `64KiB`, `64k` (both 1024), `1MB` (decimal, as disks count).
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (number, unit) = split(text);
    let factor: u64 = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kib" => 1 << 10,
        "m" | "mib" => 1 << 20,
        "g" | "gib" => 1 << 30,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        _ => {
            return Err(format!(
                "unknown unit {unit:?}; use KiB, MiB, GiB, or kB, MB, GB"
            ));
        }
    };
    let number: u64 = number
        .parse()
        .map_err(|_not_a_number| format!("{text:?} is not a number of bytes, such as 64MiB"))?;
    number
        .checked_mul(factor)
        .ok_or_else(|| format!("{text:?} is too large"))
}

/// A number, as rates and counts are written: `1500`, `10k`, `1.5M`, `2G` (all decimal).
pub(super) fn count(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a number, such as 1500, 10k or 1.5M");
    let (number, unit) = split(text.trim());
    let factor = match unit {
        "" => 1.0,
        "k" | "K" => 1e3,
        "m" | "M" => 1e6,
        "g" | "G" => 1e9,
        _ => return Err(wrong()),
    };
    if unit.is_empty()
        && let Ok(number) = number.parse()
    {
        return Ok(number);
    }
    let number: f64 = number.parse().map_err(|_not_a_number| wrong())?;
    let value = (number * factor).round();
    // What a double has whole digits for.
    if !(0.0..=9e15).contains(&value) {
        return Err(wrong());
    }
    #[expect(clippy::cast_sign_loss, reason = "it is not below 0")]
    let value = value as u64;
    Ok(value)
}

/// How many packets end something: `100`, at least one.
pub(super) fn packets(text: &str) -> Result<u64, String> {
    match text.trim().parse() {
        Ok(0) => Err("it is at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_not_a_number) => Err(format!("{text:?} is not a number of packets")),
    }
}

/// A share in thousandths: `10%`, `0.5%` or `1/8`.
pub(super) fn thousandths(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is not a share, such as 10%, 0.5% or 1/8");
    let text = text.trim();
    let number = |word: &str| word.trim().parse::<f64>().map_err(|_not_a_number| wrong());
    let share = if let Some(percent) = text.strip_suffix('%') {
        number(percent)? / 100.0
    } else if let Some((part, whole)) = text.split_once('/') {
        number(part)? / number(whole)?
    } else {
        return Err(wrong());
    };
    if !(0.0..=1.0).contains(&share) {
        return Err(wrong());
    }
    #[expect(clippy::cast_sign_loss, reason = "it is not below 0")]
    let share = (share * 1000.0).round() as u32;
    Ok(share)
}

/// One of how many: `1/100`, `100` or `1%`.
pub(super) fn one_in(text: &str) -> Result<u32, String> {
    let wrong = || format!("{text:?} is not a share, such as 1/100, 100 (one in a hundred) or 1%");
    let text = text.trim();
    let n = if let Some(percent) = text.strip_suffix('%') {
        let percent: f64 = percent.trim().parse().map_err(|_not_a_number| wrong())?;
        let n = 100.0 / percent;
        if !(1.0..=f64::from(u32::MAX)).contains(&n) {
            return Err(wrong());
        }
        let whole = n.round();
        if (n - whole).abs() > 1e-6 * n {
            return Err(format!(
                "{text} is not one in a whole number; 1/{whole} is close to it"
            ));
        }
        #[expect(clippy::cast_sign_loss, reason = "it is at least 1")]
        let whole = whole as u32;
        whole
    } else {
        let n = text.strip_prefix("1/").unwrap_or(text);
        n.trim().parse().map_err(|_not_a_number| wrong())?
    };
    if n == 0 {
        return Err(wrong());
    }
    Ok(n)
}

/// A time: `10s`, `500ms`, `5m`, `1h`; a bare number is seconds.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let (number, unit) = split(text);
    let wrong = || format!("{text:?} is not a time, such as 10s, 500ms, 5m or 1h");
    let number: f64 = number.parse().map_err(|_not_a_number| wrong())?;
    let seconds = match unit {
        "" | "s" => number,
        "ms" => number / 1_000.0,
        "m" | "min" => number * 60.0,
        "h" => number * 3_600.0,
        "d" => number * 86_400.0,
        _ => return Err(wrong()),
    };
    Duration::try_from_secs_f64(seconds).map_err(|_not_a_number| wrong())
}

/// CPU numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CpuList(pub(super) Vec<usize>);

/// A list of CPUs as in sysfs: `1,3`, `2-5`, `0,2-3`.
pub(super) fn cpu_list(text: &str) -> Result<CpuList, String> {
    const LARGEST: usize = 1023;
    let wrong = || format!("{text:?} is not a list of CPUs, such as 2-5 or 1,3");
    let mut cpus = Vec::new();
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let first: usize = first.trim().parse().map_err(|_not_a_number| wrong())?;
        let last: usize = last.trim().parse().map_err(|_not_a_number| wrong())?;
        if first > last || last > LARGEST {
            return Err(wrong());
        }
        cpus.extend(first..=last);
    }
    Ok(CpuList(cpus))
}

/// The leading number and what follows it.
fn split(text: &str) -> (&str, &str) {
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    (number, unit.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_binary_and_decimal_units() {
        for (text, expected) in [
            ("0", 0),
            ("96", 96),
            ("64KiB", 65_536),
            ("64k", 65_536),
            ("1 MB", 1_000_000),
            ("2GiB", 2 << 30),
        ] {
            assert_eq!(bytes(text), Ok(expected), "{text}");
        }
        for text in ["", "MiB", "12 parsecs", "-1", "99999999999GiB"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }

    #[test]
    fn counts_have_decimal_units() {
        for (text, expected) in [
            ("0", 0),
            ("1500", 1500),
            ("10k", 10_000),
            ("1.5M", 1_500_000),
            ("2 G", 2_000_000_000),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(count(text), Ok(expected), "{text}");
        }
        for text in ["", "k", "1KiB", "-1", "1.5.2", "99999999999999G"] {
            assert!(count(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_rounded_to_thousandths() {
        for (text, expected) in [
            ("10%", 100),
            ("0.5 %", 5),
            ("1/8", 125),
            ("0%", 0),
            ("100%", 1000),
        ] {
            assert_eq!(thousandths(text), Ok(expected), "{text}");
        }
        for text in ["", "10", "%", "101%", "-1%", "1/0", "2/1", "NaN%"] {
            assert!(thousandths(text).is_err(), "{text}");
        }
    }

    #[test]
    fn shares_are_fractions_numbers_or_percentages() {
        for (text, n) in [
            ("1/100", 100),
            ("100", 100),
            ("1%", 100),
            ("25 %", 4),
            ("0.1%", 1000),
            ("1", 1),
            ("100%", 1),
            ("1/4294967295", u32::MAX),
        ] {
            assert_eq!(one_in(text), Ok(n), "{text}");
        }
        for text in [
            "",
            "0",
            "1/0",
            "2/3",
            "-1",
            "0%",
            "200%",
            "x%",
            "1/4294967296",
        ] {
            assert!(one_in(text).is_err(), "{text}");
        }
        assert_eq!(
            one_in("3%"),
            Err("3% is not one in a whole number; 1/33 is close to it".to_owned())
        );
    }

    #[test]
    fn times_have_units_and_default_to_seconds() {
        for (text, ms) in [
            ("10", 10_000),
            ("10s", 10_000),
            ("500ms", 500),
            ("1.5m", 90_000),
            ("1h", 3_600_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "s", "10 years", "-5s", "1e400"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn cpu_lists_have_ranges() {
        assert_eq!(cpu_list("0,2-4"), Ok(CpuList(vec![0, 2, 3, 4])));
        for text in ["", "a", "3-1", "1,,2", "0-99999"] {
            assert!(cpu_list(text).is_err(), "{text}");
        }
    }
}
