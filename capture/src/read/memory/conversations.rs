//! Who talks with whom: addresses and ports of both sides, in either order, with the number of the
//! stream (`epan/conversation.c`; VLANs and tunnels make no difference).
//!
//! Numbers are given in the order in which conversations begin, and never twice. At most
//! [`MAX_CONVERSATIONS`] are remembered: then one that was silent for long makes room, and if it speaks
//! again it is taken for a new one, which tshark, whose memory is not bounded, would not do.

use std::hash::{BuildHasher as _, RandomState};
use std::num::NonZeroU32;

use super::slots::Slots;
use crate::flow::Index;
use crate::read::column::Address;

/// How many conversations of one kind are remembered.
pub(crate) const MAX_CONVERSATIONS: usize = 1 << 20;

/// Conversations that there is room for before the first one.
const FIRST_ROOM: u32 = 380;

/// Both ends of a conversation; the lower one comes first.
#[derive(Clone, Copy, Debug, Eq)]
pub(crate) struct Key {
    /// Addresses, the upper half first.
    low: [u64; 2],
    high: [u64; 2],
    /// Ports, the lower end's in front, and the kind of the addresses.
    ports: u64,
}

impl PartialEq for Key {
    /// Word by word: a comparison of wider pieces would wait for a key that was just put together.
    #[inline(always)]
    fn eq(&self, other: &Self) -> bool {
        let differ = |own: [u64; 2], other: [u64; 2]| (own[0] ^ other[0]) | (own[1] ^ other[1]);
        let ports = self.ports ^ other.ports;
        differ(self.low, other.low) | differ(self.high, other.high) | ports == 0
    }
}

/// Which way a packet goes within its conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// From the lower end.
    Up,
    /// From the higher end.
    Down,
}

impl Direction {
    /// 0 or 1.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl Key {
    /// The key of a packet's conversation, and which way the packet goes.
    #[inline]
    pub(crate) fn new(
        (source, source_port): (Address, u16),
        (destination, destination_port): (Address, u16),
    ) -> (Self, Direction) {
        if let (Address::Ipv4(from), Address::Ipv4(to)) = (source, destination) {
            return Self::ipv4((from, source_port), (to, destination_port));
        }
        Self::any((source, source_port), (destination, destination_port))
    }

    /// The same of IPv4, as most are.
    #[inline]
    pub(crate) fn ipv4(
        (source, source_port): ([u8; 4], u16),
        (destination, destination_port): ([u8; 4], u16),
    ) -> (Self, Direction) {
        const KIND: u64 = 2;
        let end = |address: [u8; 4], port: u16| {
            u64::from(u32::from_be_bytes(address)) << 16 | u64::from(port)
        };
        let (from, to) = (end(source, source_port), end(destination, destination_port));
        let (low, high) = (from.min(to), from.max(to));
        let key = Self {
            low: [0, low >> 16],
            high: [0, high >> 16],
            ports: (KIND << 4 | KIND) << 32 | (low & 0xffff) << 16 | high & 0xffff,
        };
        let direction = if from <= to {
            Direction::Up
        } else {
            Direction::Down
        };
        (key, direction)
    }

    #[inline(never)]
    fn any(
        (source, source_port): (Address, u16),
        (destination, destination_port): (Address, u16),
    ) -> (Self, Direction) {
        let (from_kind, from) = number(source);
        let (to_kind, to) = number(destination);
        let kinds = u64::from(from_kind << 4 | to_kind) << 32;
        let ports = |a: u16, b: u16| u64::from(a) << 16 | u64::from(b);
        if (from, source_port) <= (to, destination_port) {
            let key = Self {
                low: halves(from),
                high: halves(to),
                ports: kinds | ports(source_port, destination_port),
            };
            (key, Direction::Up)
        } else {
            let key = Self {
                low: halves(to),
                high: halves(from),
                ports: kinds | ports(destination_port, source_port),
            };
            (key, Direction::Down)
        }
    }
}

const fn halves(number: u128) -> [u64; 2] {
    [(number >> 64) as u64, number as u64]
}

#[inline]
const fn number(address: Address) -> (u8, u128) {
    match address {
        // Nothing below the network layer carries a conversation.
        Address::None | Address::Radio(..) | Address::Text(_) => (0, 0),
        Address::Ether(bytes) => {
            let mut padded = [0; 16];
            let mut place = 0;
            while place < bytes.len() {
                padded[place + 10] = bytes[place];
                place += 1;
            }
            (1, u128::from_be_bytes(padded))
        }
        Address::Ipv4(bytes) => (2, u32::from_be_bytes(bytes) as u128),
        Address::Ipv6(bytes) => (3, u128::from_be_bytes(bytes)),
    }
}

/// Conversations of one transport protocol, and what is remembered of each.
#[derive(Debug)]
pub(crate) struct Conversations<S> {
    index: Index,
    /// Conversations that the index has room for.
    room: usize,
    seed: Seed,
    slots: Slots<Slot<S>>,
    /// The number of the next one.
    next: u32,
    /// Where to look for one that was silent.
    hand: usize,
    limit: usize,
    /// How many had to make room.
    pub(crate) forgotten: u64,
    /// The one that did so last.
    gone: Option<S>,
}

/// What is remembered begins with a cache line, so that no more of them are fetched than it fills.
#[derive(Debug)]
#[repr(align(64))]
struct Slot<S> {
    key: Key,
    number: u32,
    /// It spoke since the hand came by.
    spoke: bool,
    state: S,
}

/// Where a packet's conversation is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    /// For [`Conversations::at`], until the next one is looked for.
    pub(crate) place: u32,
    /// Number of the stream.
    pub(crate) number: u32,
    /// The packet is its first.
    pub(crate) is_new: bool,
}

impl<S> Default for Conversations<S> {
    fn default() -> Self {
        Self::with_limit(MAX_CONVERSATIONS)
    }
}

impl<S> Conversations<S> {
    pub(crate) fn with_limit(limit: usize) -> Self {
        Self {
            index: Index::new(FIRST_ROOM),
            room: FIRST_ROOM as usize,
            seed: Seed::default(),
            slots: Slots::new(),
            next: 0,
            hand: 0,
            limit,
            forgotten: 0,
            gone: None,
        }
    }

    /// The conversation of a packet, which [`Self::prefetch`] may have told where to expect; `make` makes what
    /// is remembered of a new one, given its number.
    #[inline]
    pub(crate) fn find_expected(
        &mut self,
        key: Key,
        expected: Option<u32>,
        make: impl FnOnce(u32) -> S,
    ) -> Found {
        if let Some(place) = expected
            && let Some(slot) = self.slots.get_mut(place as usize)
            && slot.key == key
        {
            slot.spoke = true;
            return Found {
                place,
                number: slot.number,
                is_new: false,
            };
        }
        self.find(key, make)
    }

    /// The conversation of a packet; `make` makes what is remembered of a new one, given its number.
    #[inline]
    pub(crate) fn find(&mut self, key: Key, make: impl FnOnce(u32) -> S) -> Found {
        let hash = self.seed.hash(&key);
        if let Some(place) = self.place(&key, hash) {
            let slot = &mut self.slots[place as usize];
            slot.spoke = true;
            return Found {
                place,
                number: slot.number,
                is_new: false,
            };
        }
        self.insert(key, hash, make)
    }

    #[inline]
    fn place(&self, key: &Key, hash: u32) -> Option<u32> {
        self.index
            .find(hash, |place| self.slots[place as usize].key == *key)
    }

    /// What makes the hashes of keys, for another thread.
    pub(crate) const fn seed(&self) -> Seed {
        self.seed
    }

    /// Asks for the memory in which [`Self::prefetch`] looks.
    #[inline]
    pub(crate) fn prefetch_index(&self, hash: Hash) {
        self.index.prefetch(hash.0.get());
    }

    /// Asks for what is remembered of a conversation that is going to be looked for, and tells where to
    /// expect it: for [`Self::find_expected`], which holds it against the key.
    #[inline]
    pub(crate) fn prefetch(&self, hash: Hash) -> Option<u32> {
        let place = self.index.guess(hash.0.get())?;
        crate::prefetch::lines(self.slots.get(place as usize)?);
        Some(place)
    }

    /// A conversation begins anew: it gets another number.
    pub(crate) fn renew(&mut self, place: u32, make: impl FnOnce(u32) -> S) -> Found {
        let number = self.number();
        let slot = &mut self.slots[place as usize];
        slot.number = number;
        self.gone = Some(std::mem::replace(&mut slot.state, make(number)));
        Found {
            place,
            number,
            is_new: true,
        }
    }

    /// How many numbers were given.
    pub(crate) const fn count(&self) -> u32 {
        self.next
    }

    /// What is remembered of the conversation that was found there.
    #[inline]
    pub(crate) fn at(&mut self, place: u32) -> &mut S {
        &mut self.slots[place as usize].state
    }

    /// What is remembered of a conversation, if anything is.
    #[cfg(test)]
    pub(crate) fn get_mut(&mut self, key: Key) -> Option<&mut S> {
        let place = self.place(&key, self.seed.hash(&key))?;
        Some(self.at(place))
    }

    /// What is remembered of all of them.
    pub(crate) fn states(&self) -> impl Iterator<Item = &S> {
        self.slots.iter().map(|slot| &slot.state)
    }

    /// What was remembered of one that had to make room, or to begin anew.
    #[inline]
    pub(crate) fn take_gone(&mut self) -> Option<S> {
        // Mostly there is none, and then nothing of it is moved.
        if self.gone.is_some() {
            self.gone.take()
        } else {
            None
        }
    }

    /// No conversation gets the next number.
    pub(crate) fn skip_number(&mut self) {
        self.number();
    }

    fn number(&mut self) -> u32 {
        let number = self.next;
        self.next = self.next.wrapping_add(1);
        number
    }

    #[cold]
    fn insert(&mut self, key: Key, hash: u32, make: impl FnOnce(u32) -> S) -> Found {
        let number = self.number();
        let slot = Slot {
            key,
            number,
            spoke: false,
            state: make(number),
        };
        let place = if self.slots.len() < self.limit {
            if self.slots.len() == self.room {
                self.grow();
            }
            self.slots.push(slot);
            self.slots.len() - 1
        } else {
            let place = self.silent();
            let old = self.seed.hash(&self.slots[place].key);
            self.index.remove(old, place as u32);
            let gone = std::mem::replace(&mut self.slots[place], slot);
            self.gone = Some(gone.state);
            self.forgotten += 1;
            place
        };
        self.index.insert(hash, place as u32);
        Found {
            place: place as u32,
            number,
            is_new: true,
        }
    }

    /// Makes room for twice as many.
    fn grow(&mut self) {
        self.room = (self.room * 2).min(self.limit);
        self.index = self.index.grown(self.room as u32);
    }

    /// One that has not spoken since the hand came by last.
    fn silent(&mut self) -> usize {
        loop {
            let place = self.hand % self.slots.len();
            self.hand = place + 1;
            let slot = &mut self.slots[place];
            if !slot.spoke {
                return place;
            }
            slot.spoke = false;
        }
    }
}

/// The hash of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Hash(NonZeroU32);

/// Folded multiplication with a secret seed: as quick as a packet needs it, and nobody who sends
/// packets knows which of them collide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seed(u64);

impl Default for Seed {
    fn default() -> Self {
        Self(RandomState::new().hash_one(0_u8) | 1)
    }
}

impl Seed {
    /// The hash of a key, for [`Conversations::prefetch`]; one in four billion has none.
    #[inline]
    pub(crate) fn of(self, key: &Key) -> Option<Hash> {
        NonZeroU32::new(self.hash(key)).map(Hash)
    }

    /// Word by word, without lengths; the addresses of IPv4 are one word.
    #[inline(always)]
    fn hash(self, key: &Key) -> u32 {
        let Key { low, high, ports } = *key;
        let is_narrow = (low[0] | high[0] | low[1] >> 32 | high[1] >> 32) == 0;
        let mut state = if is_narrow {
            self.fold(self.0, low[1] << 32 | high[1])
        } else {
            let words = low.into_iter().chain(high);
            words.fold(self.0, |state, word| self.fold(state, word))
        };
        state = self.fold(state, ports);
        (state ^ state >> 32) as u32
    }

    #[inline(always)]
    fn fold(self, state: u64, word: u64) -> u64 {
        // The fractional digits of pi.
        const ODD: u64 = 0x243f_6a88_85a3_08d3;
        let product = u128::from(state ^ word) * u128::from(self.0 ^ ODD);
        product as u64 ^ (product >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(from: u8, to: u8) -> (Key, Direction) {
        Key::new(
            (Address::Ipv4([10, 0, 0, from]), 1000),
            (Address::Ipv4([10, 0, 0, to]), 80),
        )
    }

    #[test]
    fn both_directions_are_one_conversation() {
        let (there, up) = key(1, 2);
        let (back, down) = Key::new(
            (Address::Ipv4([10, 0, 0, 2]), 80),
            (Address::Ipv4([10, 0, 0, 1]), 1000),
        );
        assert_eq!(there, back);
        assert_ne!(up, down);
    }

    #[test]
    fn ports_belong_to_their_addresses() {
        let (one, _) = key(1, 2);
        let (other, _) = Key::new(
            (Address::Ipv4([10, 0, 0, 1]), 80),
            (Address::Ipv4([10, 0, 0, 2]), 1000),
        );
        assert_ne!(one, other);
    }

    #[test]
    fn keys_of_ipv4_are_those_of_any_address() {
        let ends = [
            ([10, 0, 0, 1], 7),
            ([10, 0, 0, 1], 9),
            ([10, 0, 0, 2], 0),
            ([255; 4], 65_535),
            ([0; 4], 0),
        ];
        for from in ends {
            for to in ends {
                let any = |(address, port)| (Address::Ipv4(address), port);
                assert_eq!(Key::ipv4(from, to), Key::any(any(from), any(to)));
            }
        }
    }

    #[test]
    fn kinds_of_addresses_are_told_apart() {
        let mut bytes = [0; 16];
        bytes[15] = 1;
        let (six, _) = Key::new((Address::Ipv6(bytes), 1), (Address::Ipv6([0; 16]), 1));
        let (four, _) = Key::new((Address::Ipv4([0, 0, 0, 1]), 1), (Address::Ipv4([0; 4]), 1));
        assert_ne!(six, four);
    }

    #[test]
    fn numbers_go_up_and_a_renewed_conversation_gets_another() {
        let mut all = Conversations::<u32>::default();
        assert_eq!(all.find(key(1, 2).0, |number| number).number, 0);
        assert_eq!(all.find(key(1, 3).0, |number| number).number, 1);
        let place = all.find(key(1, 2).0, |number| number).place;
        assert_eq!(all.renew(place, |number| number).number, 2);
        assert_eq!(all.take_gone(), Some(0));
        let found = all.find(key(1, 2).0, |number| number);
        assert_eq!(
            (found.number, found.is_new, *all.at(found.place)),
            (2, false, 2)
        );
        assert_eq!(all.count(), 3);
    }

    #[test]
    fn who_was_silent_makes_room() {
        let mut all = Conversations::<u32>::with_limit(2);
        all.find(key(1, 2).0, |number| number);
        all.find(key(1, 3).0, |number| number);
        all.find(key(1, 2).0, |number| number);
        all.find(key(1, 4).0, |number| number);
        assert_eq!(all.forgotten, 1);
        assert!(!all.find(key(1, 2).0, |number| number).is_new);
        assert!(all.find(key(1, 3).0, |number| number).is_new);
        assert_eq!(all.count(), 4);
    }
}
