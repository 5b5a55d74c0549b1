//! CRYPTO frames (RFC 9000 section 19.6): pieces of the handshake, put in order for TLS, which puts its
//! messages together itself (`desegment_quic_crypto` in Wireshark's `packet-quic.c`).

/// Bytes that wait in one direction of a connection; what is further ahead is given up.
const MAX_WAITING: usize = 64 << 10;
/// Pieces of them.
const MAX_PIECES: usize = 256;

/// The handshake bytes of one side, in order as far as they came.
#[derive(Debug, Default)]
pub(super) struct Stream {
    /// Everything below came.
    in_order: u64,
    /// What came too early: pieces in the order in which they came.
    early: Option<Early>,
}

/// Pieces from the first hole on.
#[derive(Debug)]
struct Early {
    /// Where the hole begins.
    start: u64,
    /// Where the last piece ends.
    end: u64,
    pieces: Vec<Piece>,
    bytes: usize,
}

/// A piece that came early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    pub(super) frame: u64,
    /// From where the hole begins.
    pub(super) offset: u64,
    pub(super) bytes: Vec<u8>,
}

/// What became of a piece.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// All of it came before.
    Repeated,
    /// It goes on where the others ended, from this offset in it on.
    Next { from: usize },
    /// Something before it is missing.
    Waits,
    /// It filled a hole: everything together, with the pieces by offset.
    Filled {
        whole: Vec<u8>,
        pieces: Vec<Piece>,
        /// As for `Next`.
        from: usize,
    },
}

impl Stream {
    /// How many bytes wait.
    pub(super) fn waiting(&self) -> usize {
        self.early.as_ref().map_or(0, |early| early.bytes)
    }

    /// A piece comes at `offset`; at most `budget` more bytes can wait.
    pub(super) fn add(&mut self, frame: u64, offset: u64, bytes: &[u8], budget: usize) -> Outcome {
        let end = offset.saturating_add(bytes.len() as u64);
        if end <= self.in_order {
            return Outcome::Repeated;
        }
        let from = usize::try_from(self.in_order.saturating_sub(offset)).unwrap_or(0);
        let start = offset + from as u64;
        let piece = |hole: u64| Piece {
            frame,
            offset: start - hole,
            bytes: bytes.get(from..).unwrap_or(&[]).to_vec(),
        };
        let has_gap = start > self.in_order;
        match &mut self.early {
            None if !has_gap => {
                self.in_order = end;
                Outcome::Next { from }
            }
            None => {
                if bytes.len() <= budget.min(MAX_WAITING) {
                    self.early = Some(Early {
                        start: self.in_order,
                        end,
                        bytes: bytes.len(),
                        pieces: vec![piece(self.in_order)],
                    });
                }
                Outcome::Waits
            }
            Some(early) => {
                let is_full = early.pieces.len() >= MAX_PIECES
                    || early.bytes + bytes.len() > MAX_WAITING.min(early.bytes + budget);
                if is_full {
                    return Outcome::Waits;
                }
                let hole = early.start;
                early.pieces.push(piece(hole));
                early.bytes += bytes.len();
                early.end = early.end.max(end);
                self.in_order = early.in_order(self.in_order);
                if self.in_order < early.end {
                    return Outcome::Waits;
                }
                let Some(early) = self.early.take() else {
                    return Outcome::Waits;
                };
                let (whole, pieces) = early.whole();
                Outcome::Filled {
                    whole,
                    pieces,
                    from,
                }
            }
        }
    }
}

impl Early {
    /// How far everything came.
    fn in_order(&self, mut until: u64) -> u64 {
        // Each turn takes one piece more.
        for _ in 0..self.pieces.len() {
            let further = self.pieces.iter().filter_map(|piece| {
                let start = self.start + piece.offset;
                let end = start + piece.bytes.len() as u64;
                (start <= until && end > until).then_some(end)
            });
            match further.max() {
                Some(end) => until = end,
                None => break,
            }
        }
        until
    }

    fn whole(self) -> (Vec<u8>, Vec<Piece>) {
        let mut pieces = self.pieces;
        pieces.sort_by_key(|piece| piece.offset);
        let mut whole: Vec<u8> = Vec::with_capacity(self.bytes);
        for piece in &pieces {
            let had = (whole.len() as u64).saturating_sub(piece.offset);
            let had = usize::try_from(had).unwrap_or(usize::MAX);
            whole.extend_from_slice(piece.bytes.get(had..).unwrap_or(&[]));
        }
        (whole, pieces)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: usize = 1 << 20;

    #[test]
    fn what_comes_in_order_goes_on_at_once() {
        let mut stream = Stream::default();
        assert_eq!(stream.add(1, 0, b"abc", BUDGET), Outcome::Next { from: 0 });
        assert_eq!(stream.add(2, 3, b"de", BUDGET), Outcome::Next { from: 0 });
    }

    #[test]
    fn what_came_before_is_told() {
        let mut stream = Stream::default();
        stream.add(1, 0, b"abc", BUDGET);
        assert_eq!(stream.add(2, 0, b"abc", BUDGET), Outcome::Repeated);
        assert_eq!(stream.add(2, 1, b"bcd", BUDGET), Outcome::Next { from: 2 });
    }

    #[test]
    fn a_piece_before_its_time_waits_for_the_others() {
        let mut stream = Stream::default();
        stream.add(1, 0, b"ab", BUDGET);
        assert_eq!(stream.add(1, 6, b"gh", BUDGET), Outcome::Waits);
        assert_eq!(stream.add(2, 4, b"ef", BUDGET), Outcome::Waits);
        let Outcome::Filled {
            whole,
            pieces,
            from,
        } = stream.add(3, 2, b"cd", BUDGET)
        else {
            panic!("the hole is filled");
        };
        assert_eq!((&whole[..], from), (&b"cdefgh"[..], 0));
        let places: Vec<_> = pieces.iter().map(|one| (one.frame, one.offset)).collect();
        assert_eq!(places, [(3, 0), (2, 2), (1, 4)]);
        assert_eq!(stream.add(4, 8, b"i", BUDGET), Outcome::Next { from: 0 });
    }

    #[test]
    fn what_overlaps_is_taken_once() {
        let mut stream = Stream::default();
        stream.add(1, 2, b"cdef", BUDGET);
        let outcome = stream.add(1, 0, b"abc", BUDGET);
        assert!(matches!(outcome, Outcome::Filled { whole, .. } if whole == b"abcdef"));
    }

    #[test]
    fn no_more_waits_than_there_is_room_for() {
        let mut stream = Stream::default();
        assert_eq!(stream.add(1, 10, &[0; 100], 99), Outcome::Waits);
        assert_eq!(stream.waiting(), 0);
        for at in 0..100_u64 {
            stream.add(1, 10 + at * 1000, &[0; 1000], BUDGET);
        }
        assert!(stream.waiting() <= MAX_WAITING);
    }
}
