//! A list whose elements stay where they are: it grows by pieces, each as long as all before it together,
//! where a vector would be copied. A table of a hundred thousand conversations is not touched again for each
//! time that it doubles, and huge pages come before what they hold.

use std::ops::{Index, IndexMut};

use crate::hugepages::Ahead;

/// Elements of the first piece.
const FIRST: usize = 256;

/// Elements that stay where they are.
#[derive(Debug)]
pub(super) struct Slots<T> {
    /// Goes before the memory that it is about.
    ahead: Ahead,
    pieces: Vec<Vec<T>>,
    len: usize,
    /// At this length the pages behind the next ones are wanted.
    next: usize,
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
            ahead: Ahead::new(),
            pieces: Vec::new(),
            len: 0,
            next: Self::STEP,
        }
    }

    /// Elements that pages are wanted for at once, a power of two: about as many as a huge page holds.
    const STEP: usize = {
        let elements = (2 << 20) / size_of::<T>() + 1;
        let step = elements.next_power_of_two() / 2;
        if step < FIRST { FIRST } else { step }
    };

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
        self.make(number);
        self.pieces[number].push(value);
        self.len += 1;
        if self.len == self.next {
            self.look_ahead();
        }
    }

    /// Makes the pieces up to this one, as far as they are not there.
    #[inline]
    fn make(&mut self, number: usize) {
        while self.pieces.len() <= number {
            let number = self.pieces.len();
            let piece = Vec::with_capacity(begin(number + 1) - begin(number));
            crate::hugepages::advise(&piece);
            self.pieces.push(piece);
        }
    }

    /// Wants the pages of the step behind the next one, which are those of one piece.
    #[cold]
    fn look_ahead(&mut self) {
        self.next += Self::STEP;
        let (number, begin) = piece(self.next);
        self.make(number);
        let place = self.next - begin;
        self.ahead
            .want(&self.pieces[number], place..place + Self::STEP);
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

    /// Pages are asked for behind what is there, and nothing of what is there is lost by it.
    #[test]
    fn large_elements_stay_what_they_are() {
        let element = |number: usize| [number; 256];
        let mut slots = Slots::new();
        let count = Slots::<[usize; 256]>::STEP * 9 + 1;
        for number in 0..count {
            slots.push(element(number));
        }
        assert_eq!(slots.iter().count(), count);
        for (number, found) in slots.iter().enumerate() {
            assert_eq!(*found, element(number));
        }
    }

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
