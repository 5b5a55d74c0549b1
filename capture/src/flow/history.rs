//! What happened on a connection in which order: Zeek's `history`.

/// Letters of a history, upper case for the initiator, lower case for the responder (Zeek's
/// `scripts/base/protocols/conn/main.zeek`). At most [`Self::CAPACITY`]; what comes after that is left
/// out.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct History {
    len: u8,
    letters: [u8; Self::CAPACITY],
}

impl History {
    /// Letters that are kept. Repeats are logarithmic or once only for all letters but S, H, F and R,
    /// so that real connections stay far below it.
    pub const CAPACITY: usize = 39;

    /// No letters.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            len: 0,
            letters: [0; Self::CAPACITY],
        }
    }

    /// Appends a letter, if there is room.
    pub const fn push(&mut self, letter: u8) {
        if (self.len as usize) < Self::CAPACITY {
            self.letters[self.len as usize] = letter;
            self.len += 1;
        }
    }

    /// The letters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let letters = self
            .letters
            .get(..usize::from(self.len))
            .unwrap_or_default();
        // Only ASCII is ever pushed.
        std::str::from_utf8(letters).unwrap_or_default()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }
}

impl Default for History {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("History").field(&self.as_str()).finish()
    }
}

/// A letter, without the case that says whose it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Letter {
    /// Roles were flipped.
    Flip = 1,
    S,
    H,
    A,
    D,
    F,
    R,
    C,
    G,
    T,
    W,
    I,
    Q,
    X,
}

/// Letters by their numbers.
const LETTERS: &[u8; 15] = b"?^SHADFRCGTWIQX";

/// A history while it grows: five bits a letter, twelve letters a word. The first word is all that
/// most connections need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Letters(pub(crate) [u64; 3]);

impl Letters {
    const PER_WORD: u32 = 12;
    const BITS: u32 = 5;
    /// In the letter's five bits: it is the responder's.
    const LOWER: u64 = 0x10;

    /// Appends a letter, in lower case for the responder; beyond 36 it is left out.
    pub(crate) fn push(&mut self, letter: Letter, lower: bool) {
        let code = letter as u64 | if lower { Self::LOWER } else { 0 };
        for word in &mut self.0 {
            let used = (u64::BITS - word.leading_zeros()).div_ceil(Self::BITS);
            if used < Self::PER_WORD {
                *word |= code << (used * Self::BITS);
                return;
            }
        }
    }

    /// There is one letter, and it is this one, in upper case.
    pub(crate) const fn is_only(self, letter: Letter) -> bool {
        self.0[0] == letter as u64
    }

    /// Begins anew.
    pub(crate) const fn clear(&mut self) {
        self.0 = [0; 3];
    }

    /// The letters for a record.
    pub(crate) fn history(self) -> History {
        let mut history = History::new();
        for mut word in self.0 {
            while word != 0 {
                let letter = LETTERS[(word & 0xf) as usize % LETTERS.len()];
                history.push(if word & Self::LOWER == 0 {
                    letter
                } else {
                    letter.to_ascii_lowercase()
                });
                word >>= Self::BITS;
            }
        }
        history
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_come_back_as_they_went_in() {
        let all = [
            Letter::Flip,
            Letter::S,
            Letter::H,
            Letter::A,
            Letter::D,
            Letter::F,
            Letter::R,
            Letter::C,
            Letter::G,
            Letter::T,
            Letter::W,
            Letter::I,
            Letter::Q,
            Letter::X,
        ];
        let mut letters = Letters::default();
        let mut expected = String::new();
        for (number, (letter, name)) in all
            .into_iter()
            .zip("^SHADFRCGTWIQX".chars())
            .cycle()
            .take(36)
            .enumerate()
        {
            let lower = number % 3 == 0;
            letters.push(letter, lower);
            expected.push(if lower {
                name.to_ascii_lowercase()
            } else {
                name
            });
            assert_eq!(letters.history().as_str(), expected);
        }
        letters.push(Letter::S, false);
        assert_eq!(letters.history().as_str(), expected, "there is no room");
    }

    #[test]
    fn a_lower_case_letter_is_another() {
        let mut letters = Letters::default();
        letters.push(Letter::H, true);
        assert!(!letters.is_only(Letter::H));
        letters.clear();
        letters.push(Letter::H, false);
        assert!(letters.is_only(Letter::H));
        letters.push(Letter::A, false);
        assert!(!letters.is_only(Letter::H));
    }
}
