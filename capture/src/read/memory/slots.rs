//! A list whose elements stay where they are: it grows by pieces, where a vector would be copied. A table of a
//! hundred thousand conversations is not touched again for each time that it doubles. Its pages come before what
//! they hold, and are small ones: elements are fetched some frames before they are read, and where memory has to
//! come from a host first, huge ones took a third longer.

use std::ops::{Index, IndexMut};

use crate::hugepages::Ahead;

/// Elements of a piece: a power of two. Memory that was not written to is none, however long a piece is.
const PIECE: usize = 8192;

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

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Self {
            ahead: Ahead::new(),
            pieces: Vec::new(),
            len: 0,
            next: Self::STEP,
        }
    }

    /// Elements that pages are wanted for at once, a power of two: about two MiB, but no more than a piece.
    const STEP: usize = {
        let elements = (2 << 20) / size_of::<T>() + 1;
        let step = elements.next_power_of_two() / 2;
        if step > PIECE { PIECE } else { step }
    };

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    #[inline]
    pub(super) fn get(&self, place: usize) -> Option<&T> {
        self.pieces.get(place / PIECE)?.get(place % PIECE)
    }

    #[inline]
    pub(super) fn get_mut(&mut self, place: usize) -> Option<&mut T> {
        self.pieces.get_mut(place / PIECE)?.get_mut(place % PIECE)
    }

    /// Adds an element behind all others.
    pub(super) fn push(&mut self, value: T) {
        let number = self.len / PIECE;
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
            self.pieces.push(Vec::with_capacity(PIECE));
        }
    }

    /// Wants the pages of the step behind the next one, which are those of one piece.
    #[cold]
    fn look_ahead(&mut self) {
        self.next += Self::STEP;
        let (number, place) = (self.next / PIECE, self.next % PIECE);
        self.make(number);
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
        &self.pieces[place / PIECE][place % PIECE]
    }
}

impl<T> IndexMut<usize> for Slots<T> {
    #[inline]
    fn index_mut(&mut self, place: usize) -> &mut T {
        &mut self.pieces[place / PIECE][place % PIECE]
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
        let count = 2 * PIECE + 5;
        let mut slots = Slots::new();
        let mut places = Vec::new();
        for number in 0..count {
            slots.push(number);
            assert_eq!(slots.len(), number + 1);
            places.push(std::ptr::from_ref(&slots[number]));
        }
        assert!(slots.iter().copied().eq(0..count));
        for (number, place) in places.into_iter().enumerate() {
            assert_eq!(slots.get(number), Some(&number));
            assert_eq!(std::ptr::from_ref(&slots[number]), place);
        }
        slots[PIECE] = 7;
        assert_eq!(
            (slots[PIECE], slots[PIECE - 1], slots[PIECE + 1]),
            (7, PIECE - 1, PIECE + 1)
        );
        assert_eq!(slots.get(count), None);
    }
}
