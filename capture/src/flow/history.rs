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
