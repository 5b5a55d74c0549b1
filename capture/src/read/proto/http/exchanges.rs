//! Which response answers which request: the last one that came before (`push_req` and `push_res` in
//! Wireshark's `packet-http.c`).
//!
//! Bounded: the oldest of more than [`MAX_STREAMS`] streams is forgotten. What the end of the file tells
//! of a message is kept from the first of two passes, of [`MAX_TOLD`] exchanges.

use std::collections::BTreeMap;

use crate::read::memory::Pass;

/// How many streams are remembered.
const MAX_STREAMS: usize = 1 << 16;
/// How many exchanges are remembered for a second pass.
const MAX_TOLD: usize = 1 << 20;

/// What is remembered.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    streams: BTreeMap<u32, Stream>,
    /// The frames of all exchanges of each stream, for the second pass.
    all: BTreeMap<u32, Vec<Frames>>,
    told: usize,
}

/// The frames of a request and its response; 0 where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frames {
    pub(super) request: u64,
    pub(super) response: u64,
}

/// The last exchanges of a stream.
#[derive(Debug, Default)]
struct Stream {
    /// How many there were.
    number: u32,
    last: Frames,
    before: Frames,
    /// When the last request came, in ns since 1970.
    asked: Option<u64>,
    /// What it was for.
    uri: Option<String>,
    wants_head: bool,
    has_request: bool,
}

/// What is known of a message's exchange.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Told {
    /// Its number, from 1, and how many are known.
    pub(super) number: u32,
    pub(super) of: u32,
    /// The exchange before, this one, the next one.
    pub(super) frames: [Frames; 3],
    /// When the request came, in ns since 1970.
    pub(super) since: Option<u64>,
    pub(super) uri: Option<String>,
}

impl Memory {
    /// Whether there was a request in the stream; in a second pass, also whether there will be one.
    pub(super) fn has(&self, stream: u32, pass: Pass) -> bool {
        let asks = |of: &Vec<Frames>| of.iter().any(|frames| frames.request != 0);
        let known = self.streams.get(&stream);
        known.is_some_and(|stream| stream.has_request)
            || pass == Pass::Second && self.all.get(&stream).is_some_and(asks)
    }

    /// Whether the last request was for a head.
    pub(super) fn wants_head(&self, stream: u32) -> bool {
        self.streams
            .get(&stream)
            .is_some_and(|stream| stream.wants_head)
    }

    /// The first pass is over.
    pub(crate) fn begin_second_pass(&mut self) {
        self.streams.clear();
    }

    fn stream(&mut self, stream: u32) -> &mut Stream {
        if self.streams.len() >= MAX_STREAMS && !self.streams.contains_key(&stream) {
            self.streams.pop_first();
        }
        self.streams.entry(stream).or_default()
    }

    /// A request.
    pub(super) fn request(
        &mut self,
        stream: u32,
        (frame, now): (u64, u64),
        uri: Option<String>,
        wants_head: bool,
        pass: Pass,
    ) -> Told {
        let this = self.stream(stream);
        this.begin(frame);
        this.asked = Some(now);
        this.uri = uri;
        this.wants_head = wants_head;
        this.has_request = true;
        self.tell(stream, pass)
    }

    /// A response.
    pub(super) fn response(&mut self, stream: u32, frame: u64, pass: Pass) -> Told {
        let this = self.stream(stream);
        if this.number == 0 || this.last.response != 0 {
            this.begin(0);
            this.asked = None;
        }
        this.last.response = frame;
        self.tell(stream, pass)
    }

    fn tell(&mut self, stream: u32, pass: Pass) -> Told {
        let this = self.streams.entry(stream).or_default();
        let place = this.number.saturating_sub(1) as usize;
        let mut told = Told {
            number: this.number,
            of: this.number,
            frames: [this.before, this.last, Frames::default()],
            since: this.asked,
            uri: this.uri.clone(),
        };
        match pass {
            Pass::Only => {}
            Pass::First => {
                let all = self.all.entry(stream).or_default();
                if self.told < MAX_TOLD && all.len() == place {
                    all.push(this.last);
                    self.told += 1;
                } else if let Some(frames) = all.get_mut(place) {
                    *frames = this.last;
                }
            }
            Pass::Second => {
                if let Some(all) = self.all.get(&stream) {
                    told.of = told.of.max(all.len() as u32);
                    told.frames[1] = all.get(place).copied().unwrap_or(this.last);
                    told.frames[2] = all.get(place + 1).copied().unwrap_or_default();
                }
            }
        }
        told
    }
}

impl Stream {
    fn begin(&mut self, request: u64) {
        self.before = self.last;
        self.number += 1;
        self.last = Frames {
            request,
            response: 0,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_answers_the_last_request() {
        let mut memory = Memory::default();
        memory.request(7, (1, 100), Some("/a".into()), false, Pass::Only);
        let told = memory.response(7, 2, Pass::Only);
        assert_eq!((told.number, told.since), (1, Some(100)));
        assert_eq!(told.frames[1].request, 1);
        let told = memory.request(7, (5, 200), None, true, Pass::Only);
        assert_eq!((told.number, told.frames[0].response), (2, 2));
        assert!(memory.wants_head(7) && !memory.wants_head(8));
    }

    #[test]
    fn the_second_pass_knows_what_comes() {
        let mut memory = Memory::default();
        memory.request(1, (1, 0), None, false, Pass::First);
        memory.response(1, 3, Pass::First);
        memory.request(1, (4, 0), None, false, Pass::First);
        memory.begin_second_pass();
        assert!(memory.has(1, Pass::Second) && !memory.has(2, Pass::Second));
        let told = memory.request(1, (1, 0), None, false, Pass::Second);
        assert_eq!((told.of, told.frames[1].response), (2, 3));
        assert_eq!(told.frames[2].request, 4);
    }

    #[test]
    fn a_response_without_a_request_is_an_exchange_of_its_own() {
        let mut memory = Memory::default();
        let told = memory.response(1, 3, Pass::Only);
        assert_eq!(
            (told.number, told.since, told.frames[1].request),
            (1, None, 0)
        );
    }
}
