//! Frame numbers: as people type them (`70,73,74,428-431,500-`), and as a set that is copied by.

use std::str::FromStr;

/// Frame numbers as they are typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameRanges(Vec<(u64, u64)>);

impl FrameRanges {
    /// Whether a frame is among them.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        self.0
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&number))
    }
}

impl FromStr for FrameRanges {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let ranges = text.split(',').map(|word| range(word.trim()));
        Ok(Self(ranges.collect::<Result<_, _>>()?))
    }
}

fn range(word: &str) -> Result<(u64, u64), String> {
    let number = |text: &str| match text.parse() {
        Ok(0) => Err("frames are numbered from 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err(format!(
            "{word:?} is neither a frame number nor a range; write 70,73,74,428-431,500-"
        )),
    };
    let (first, last) = match word.split_once('-') {
        None => {
            let only = number(word)?;
            (only, only)
        }
        Some(("", last)) => (1, number(last)?),
        Some((first, "")) => (number(first)?, u64::MAX),
        Some((first, last)) => (number(first)?, number(last)?),
    };
    if first > last {
        return Err(format!("the range {word} ends before it begins"));
    }
    Ok((first, last))
}

/// Words of a page: 32,768 frames.
const PAGE: usize = 512;
const PAGE_BITS: u64 = PAGE as u64 * 64;

/// A set of frame numbers: a bit for each, in pages that exist where there is one.
#[derive(Debug, Default)]
pub struct FrameSet {
    pages: Vec<Option<Box<[u64; PAGE]>>>,
    len: u64,
}

impl FrameSet {
    /// Puts a number in.
    pub fn insert(&mut self, number: u64) {
        let (page, bit) = ((number / PAGE_BITS) as usize, number % PAGE_BITS);
        if self.pages.len() <= page {
            self.pages.resize_with(page + 1, || None);
        }
        let page = self.pages[page].get_or_insert_with(|| Box::new([0; PAGE]));
        let word = &mut page[(bit / 64) as usize];
        let mask = 1 << (bit % 64);
        self.len += u64::from(*word & mask == 0);
        *word |= mask;
    }

    /// Whether a number is in it.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        let (page, bit) = ((number / PAGE_BITS) as usize, number % PAGE_BITS);
        let page = self.pages.get(page).and_then(Option::as_ref);
        page.is_some_and(|page| page[(bit / 64) as usize] >> (bit % 64) & 1 != 0)
    }

    /// How many numbers are in it.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether none is in it.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_are_open_at_either_end() {
        let ranges: FrameRanges = "70, 73,428-431,500-".parse().unwrap();
        for number in [70, 73, 428, 430, 431, 500, 501, u64::MAX] {
            assert!(ranges.has(number), "{number}");
        }
        for number in [1, 69, 71, 72, 74, 427, 432, 499] {
            assert!(!ranges.has(number), "{number}");
        }
        let start: FrameRanges = "-3".parse().unwrap();
        assert!(start.has(1) && start.has(3) && !start.has(4));
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for (text, reason) in [
            ("", "neither"),
            ("1,,2", "neither"),
            ("-", "neither"),
            ("a-b", "neither"),
            ("0", "from 1"),
            ("5-3", "before it begins"),
            ("99999999999999999999999", "neither"),
        ] {
            let error = text.parse::<FrameRanges>().unwrap_err();
            assert!(error.contains(reason), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn a_set_has_what_was_put_in(numbers in proptest::collection::vec(1..200_000_u64, 0..200)) {
            let mut set = FrameSet::default();
            for number in &numbers {
                set.insert(*number);
            }
            let slow: BTreeSet<_> = numbers.iter().copied().collect();
            prop_assert_eq!(set.len(), slow.len() as u64);
            for number in numbers.iter().flat_map(|number| [number - 1, *number, number + 1]) {
                prop_assert_eq!(set.has(number), slow.contains(&number));
            }
        }
    }
}
