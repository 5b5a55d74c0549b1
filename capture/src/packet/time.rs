//! Time as packets carry it: nanoseconds since the Unix epoch, and spans between two of them.

use std::fmt;
use std::time::SystemTime;

const NS_PER_S: u64 = 1_000_000_000;

/// A point in time: nanoseconds since the Unix epoch (until the year 2554).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub u64);

impl Timestamp {
    /// From whole seconds and nanoseconds, saturating.
    #[must_use]
    pub const fn new(secs: u64, ns: u64) -> Self {
        Self(secs.saturating_mul(NS_PER_S).saturating_add(ns))
    }

    /// Whole seconds.
    #[must_use]
    pub const fn secs(self) -> u64 {
        self.0 / NS_PER_S
    }

    /// Nanoseconds within the second.
    #[must_use]
    pub const fn subsec_ns(self) -> u32 {
        (self.0 % NS_PER_S) as u32
    }

    /// The span since `earlier`; zero if `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }

    /// This much later, saturating.
    #[must_use]
    pub const fn after(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }

    /// Now, by the clock of the machine.
    #[must_use]
    pub fn now() -> Self {
        let unix = SystemTime::UNIX_EPOCH.elapsed();
        unix.map_or(Self(0), |unix| {
            Self::new(unix.as_secs(), u64::from(unix.subsec_nanos()))
        })
    }

    /// Year, month (1 to 12) and day (1 to 31) in UTC.
    #[must_use]
    pub const fn date(self) -> (u64, u64, u64) {
        civil(self.secs() / 86_400)
    }

    /// Hour, minute and second of the day in UTC.
    #[must_use]
    pub const fn time_of_day(self) -> (u64, u64, u64) {
        let secs = self.secs() % 86_400;
        (secs / 3600, secs / 60 % 60, secs % 60)
    }

    /// Seconds with nine decimals, as pcap people write epoch time.
    #[must_use]
    pub fn epoch(self) -> impl fmt::Display {
        Span(self.0)
    }
}

/// RFC 3339 in UTC with nanoseconds: `2026-11-21T01:16:54.000000001Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        let (hour, minute, second) = self.time_of_day();
        let ns = self.subsec_ns();
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ns:09}Z"
        )
    }
}

/// Year, month and day of a day since the epoch (Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms": eras of 400 years that start in March).
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// A span of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

impl Span {
    /// Whole seconds.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        Self(secs.saturating_mul(NS_PER_S))
    }

    /// Seconds as a floating point number, for rates and plots.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "rates do not need the 54th bit")]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / NS_PER_S as f64
    }
}

/// Seconds with nine decimals: `0.000000001`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / NS_PER_S, self.0 % NS_PER_S)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_print_as_rfc_3339() {
        // From `date -u -d @SECONDS +%FT%TZ`.
        for (secs, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (951_782_400, "2000-02-29T00:00:00.000000000Z"),
            (951_868_799, "2000-02-29T23:59:59.000000000Z"),
            (1_542_252_322, "2018-11-15T03:25:22.000000000Z"),
            (4_107_542_399, "2100-02-28T23:59:59.000000000Z"),
            (4_107_542_400, "2100-03-01T00:00:00.000000000Z"),
        ] {
            assert_eq!(Timestamp::new(secs, 0).to_string(), text);
        }
        assert!(Timestamp::new(1, 5).to_string().ends_with(":01.000000005Z"));
    }

    #[test]
    fn spans_never_go_below_zero() {
        assert_eq!(Timestamp(5).since(Timestamp(7)), Span(0));
        assert_eq!(Timestamp(7).since(Timestamp(5)), Span(2));
    }
}
