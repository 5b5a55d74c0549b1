//! Sizes of frames as people write them: one, a range, a list with weights, or the IMIX.

use std::str::FromStr;

use capture_common::{GeneratorSettings, GeneratorSizes};

use super::GenerateError;

/// Odd number near 2^64 divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// How long frames with data are, in bytes without frame check sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sizes {
    /// The simple IMIX: of twelve packets seven with 40 bytes, four with 576 and one with 1500, and
    /// an Ethernet header in front of each. Short ones are as short as the headers and Ethernet allow.
    Imix,
    /// All from the first to the last, in as many steps as there is room for.
    Range(u32, u32),
    /// Some, each as often as its weight says.
    List(Vec<(u32, u32)>),
}

impl FromStr for Sizes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |word: &str| -> Result<u32, String> {
            let wrong = || {
                format!(
                    "{word:?} is not a size; write 64, 64-1514, 64,512,1514, 64:7,590:4,1514:1 or imix"
                )
            };
            word.trim().parse().map_err(|_not_a_number| wrong())
        };
        if text.trim().eq_ignore_ascii_case("imix") {
            return Ok(Self::Imix);
        }
        if let Some((first, last)) = text.split_once('-') {
            let (first, last) = (number(first)?, number(last)?);
            if first > last {
                return Err(format!("the range {text} ends before it begins"));
            }
            return Ok(Self::Range(first, last));
        }
        let entry = |word: &str| match word.split_once(':') {
            Some((len, weight)) => Ok((number(len)?, number(weight)?)),
            None => Ok((number(word)?, 1)),
        };
        let list: Vec<_> = text.split(',').map(entry).collect::<Result<_, String>>()?;
        if list.iter().any(|(_, weight)| *weight == 0) {
            return Err("a weight of zero leaves a size out; leave it out instead".to_owned());
        }
        Ok(Self::List(list))
    }
}

impl Sizes {
    /// The lengths that take turns, for frames with these headers.
    pub(super) fn frame_lens(
        &self,
        settings: &GeneratorSettings,
    ) -> Result<Vec<u32>, GenerateError> {
        let most = GeneratorSizes::MAX as u32;
        let list = match self {
            Self::Imix => {
                // 54 bytes would be the first, which Ethernet pads.
                let shortest = settings.min_frame_len();
                let link_len = GeneratorSettings::link_len(settings.vlan != 0);
                vec![(shortest, 7), (576 + link_len, 4), (1500 + link_len, 1)]
            }
            Self::Range(first, last) => {
                let steps = (last - first).min(most - 1);
                let step = |number: u32| match steps {
                    0 => *first,
                    steps => first + (last - first) * number / steps,
                };
                (0..=steps).map(|number| (step(number), 1)).collect()
            }
            Self::List(list) => list.clone(),
        };
        let entries: u64 = list.iter().map(|(_, weight)| u64::from(*weight)).sum();
        if entries > u64::from(most) {
            return Err(GenerateError::Sizes(format!(
                "the weights of the sizes add up to {entries}, and at most {most} can take turns; use smaller weights"
            )));
        }
        let lens = list
            .iter()
            .flat_map(|(len, weight)| std::iter::repeat_n(*len, *weight as usize));
        let mut lens: Vec<_> = lens.collect();
        shuffle(&mut lens, settings.seed);
        Ok(lens)
    }
}

/// Mixes a list, so that short and long ones do not come in blocks (Fisher and Yates).
fn shuffle(list: &mut [u32], seed: u32) {
    let mut state = u64::from(seed);
    for end in (1..list.len()).rev() {
        state = state.wrapping_add(GOLDEN);
        let random = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        list.swap(end, ((random >> 32) % (end as u64 + 1)) as usize);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_one_a_range_a_list_or_the_imix() {
        for (text, sizes) in [
            ("64", Sizes::List(vec![(64, 1)])),
            ("64-1514", Sizes::Range(64, 1514)),
            ("64, 512", Sizes::List(vec![(64, 1), (512, 1)])),
            ("64:7,590:4", Sizes::List(vec![(64, 7), (590, 4)])),
            ("IMIX", Sizes::Imix),
        ] {
            assert_eq!(text.parse(), Ok(sizes), "{text}");
        }
        for text in ["", "a", "64,", "1514-64", "64:0", "64:x", "-64"] {
            assert!(text.parse::<Sizes>().is_err(), "{text}");
        }
    }

    fn sorted(sizes: &Sizes, settings: &GeneratorSettings) -> Vec<u32> {
        let mut lens = sizes.frame_lens(settings).unwrap();
        lens.sort_unstable();
        lens
    }

    #[test]
    fn the_imix_is_seven_four_and_one() {
        let plain = GeneratorSettings::UNPATCHED;
        let expected = [[60; 7].as_slice(), &[590; 4], &[1514]].concat();
        assert_eq!(sorted(&Sizes::Imix, &plain), expected);
        let tagged_ipv6 = GeneratorSettings {
            vlan: 7,
            ip_version: 6,
            ..plain
        };
        // 14 + 4 + 40 + 20 bytes of headers, and one of data.
        let expected = [[79; 7].as_slice(), &[594; 4], &[1518]].concat();
        assert_eq!(sorted(&Sizes::Imix, &tagged_ipv6), expected);
    }

    #[test]
    fn a_range_has_both_ends_and_goes_up_evenly() {
        let lens = sorted(&Sizes::Range(64, 1514), &GeneratorSettings::UNPATCHED);
        assert_eq!(lens.len(), GeneratorSizes::MAX);
        assert_eq!((lens[0], lens[63]), (64, 1514));
        assert!(
            lens.windows(2)
                .all(|pair| (23..=24).contains(&(pair[1] - pair[0])))
        );
        let short = sorted(&Sizes::Range(64, 66), &GeneratorSettings::UNPATCHED);
        assert_eq!(short, [64, 65, 66]);
        assert_eq!(
            sorted(&Sizes::Range(99, 99), &GeneratorSettings::UNPATCHED),
            [99]
        );
    }

    #[test]
    fn weights_that_are_too_many_are_refused() {
        let sizes = Sizes::List(vec![(64, 60), (65, 5)]);
        let error = sizes.frame_lens(&GeneratorSettings::UNPATCHED).unwrap_err();
        assert!(error.to_string().contains("add up to 65"), "{error}");
    }

    #[test]
    fn the_order_follows_the_seed() {
        let of = |seed| {
            let settings = GeneratorSettings {
                seed,
                ..GeneratorSettings::UNPATCHED
            };
            Sizes::Range(64, 1514).frame_lens(&settings).unwrap()
        };
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
    }
}
