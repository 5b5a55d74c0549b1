//! Time units of a pcapng interface (`if_tsresol`, section 4.2).

/// What one unit of a timestamp is. Conversions to nanoseconds cut off, as in Wireshark.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// A unit is this many nanoseconds.
    Coarse(u64),
    /// This many units are a nanosecond.
    Fine(u64),
    /// A unit is 2 to the power of minus this many seconds.
    Binary(u32),
}

impl Resolution {
    /// Microseconds, which is what holds without the option.
    pub(super) const DEFAULT: Self = Self::Coarse(1000);

    /// From the value of the option: the negative exponent, of 2 if the top bit is set, else of 10.
    pub(super) const fn from_option(value: u8) -> Self {
        let exponent = (value & 0x7f) as u32;
        if value & 0x80 != 0 {
            return Self::Binary(exponent);
        }
        match exponent {
            0..=9 => Self::Coarse(10_u64.pow(9 - exponent)),
            10..=28 => Self::Fine(10_u64.pow(exponent - 9)),
            // Units so small that 64 bits of them are less than two nanoseconds.
            _ => Self::Fine(u64::MAX),
        }
    }

    /// Decimals of a second that are shown: those of the next coarser unit that Wireshark knows.
    pub(super) const fn decimals(self) -> u8 {
        let per_second: u64 = match self {
            Self::Coarse(ns) => 1_000_000_000 / ns,
            Self::Fine(_) => u64::MAX,
            Self::Binary(exponent @ 0..=63) => 1 << exponent,
            Self::Binary(_) => u64::MAX,
        };
        match per_second {
            1_000_000_000.. => 9,
            1_000_000.. => 6,
            1000.. => 3,
            100.. => 2,
            10.. => 1,
            _ => 0,
        }
    }

    /// Nanoseconds of so many units, saturating (in the year 2554).
    #[inline]
    pub(super) const fn ns(self, units: u64) -> u64 {
        match self {
            Self::Coarse(ns) => units.saturating_mul(ns),
            Self::Fine(per_ns) => units / per_ns,
            Self::Binary(exponent) => {
                // At most 2^64 * 10^9 < 2^94, so neither the product nor the shift overflows.
                let ns = (units as u128 * 1_000_000_000) >> exponent;
                if ns > u64::MAX as u128 {
                    u64::MAX
                } else {
                    ns as u64
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_of_ten_or_of_two() {
        // Section 4.2: 6 is microseconds, 9 nanoseconds, 0x8a is 2^-10.
        assert_eq!(Resolution::from_option(6).ns(1), 1000);
        assert_eq!(Resolution::from_option(9).ns(1), 1);
        assert_eq!(Resolution::from_option(0).ns(2), 2_000_000_000);
        assert_eq!(Resolution::from_option(3).ns(5), 5_000_000);
        assert_eq!(Resolution::from_option(12).ns(1_999), 1);
        assert_eq!(Resolution::from_option(0x80).ns(3), 3_000_000_000);
        assert_eq!(Resolution::from_option(0x8a).ns(512), 500_000_000);
        assert_eq!(Resolution::from_option(0x94).ns(3 << 18), 750_000_000);
    }

    #[test]
    fn no_unit_and_no_count_overflows() {
        for value in 0..=u8::MAX {
            let resolution = Resolution::from_option(value);
            assert_eq!(resolution.ns(0), 0);
            assert!(resolution.ns(u64::MAX) >= resolution.ns(1));
        }
        assert_eq!(Resolution::from_option(6).ns(u64::MAX), u64::MAX);
        assert_eq!(Resolution::from_option(0x80).ns(u64::MAX), u64::MAX);
        assert_eq!(Resolution::from_option(0xff).ns(u64::MAX), 0);
    }
}
