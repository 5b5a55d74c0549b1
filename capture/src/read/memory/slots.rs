//! A list whose elements stay where they are: it grows by pieces, each as long as all before it together,
//! where a vector would be copied. A table of a hundred thousand conversations is not touched again for each
//! time that it doubles, and huge pages come before what they hold.

use std::ops::{Index, IndexMut};

/// Elements of the first piece.
const FIRST: usize = 256;

/// Elements that stay where they are.
#[derive(Debug)]
pub(super) struct Slots<T> {
    pieces: Vec<Vec<T>>,
    len: usize,
}

/// The piece of a place, and the place where that piece begins.
#[inline(always)]
const fn piece(place: usize) -> (usize, usize) {
    let number = (usize::BITS - (place / FIRST).leading_zeros()) as usize;
    (number, begin(number))
}

/// Where a piece begins: at 0, 256, 512, 1024 and so on.
#[inline(always)]
const fn begin(number: usize) -> usize {
    ((FIRST << number) / 2) & !(FIRST - 1)
}

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self {
            pieces: Vec::new(),
            len: 0,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<&T> {
        let (number, begin) = piece(place);
        self.pieces.get(number)?.get(place - begin)
    }

    /// Adds an element behind all others.
    pub(super) fn push(&mut self, value: T) {
        let (number, _) = piece(self.len);
        if number == self.pieces.len() {
            let piece = Vec::with_capacity(begin(number + 1) - begin(number));
            crate::hugepages::advise(&piece);
            self.pieces.push(piece);
        }
        self.pieces[number].push(value);
        self.len += 1;
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.pieces.iter().flatten()
    }
}

impl<T> Index<usize> for Slots<T> {
    type Output = T;

    #[inline]
    fn index(&self, place: usize) -> &T {
        let (number, begin) = piece(place);
        &self.pieces[number][place - begin]
    }
}

impl<T> IndexMut<usize> for Slots<T> {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut T {
        let (number, begin) = piece(place);
        &mut self.pieces[number][place - begin]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_stay_where_they_are_and_in_their_order() {
        let mut slots = Slots::new();
        let mut places = Vec::new();
        for number in 0..5000_usize {
            slots.push(number);
            assert_eq!(slots.len(), number + 1);
            places.push(std::ptr::from_ref(&slots[number]));
        }
        assert!(slots.iter().copied().eq(0..5000));
        for (number, place) in places.into_iter().enumerate() {
            assert_eq!(slots.get(number), Some(&number));
            assert_eq!(std::ptr::from_ref(&slots[number]), place);
        }
        slots[4095] = 7;
        assert_eq!((slots[4095], slots[4094], slots[4096]), (7, 4094, 4096));
        assert_eq!(slots.get(5000), None);
    }
}
