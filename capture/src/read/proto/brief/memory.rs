//! What the protocols that are told briefly remember from frame to frame; all of it is bounded.

use std::collections::{BTreeMap, BTreeSet};
use std::mem;

use super::rpc::Call;
use super::transfer;
use crate::read::proto::{http2, smb};

/// Streams and transfers that are remembered; the first ones make room.
const MOST: usize = 4096;
/// Replies that are remembered for the second pass.
const MOST_REPLIES: usize = 1 << 20;
/// Bytes of a text that are remembered.
const LONGEST: usize = 1024;

/// Forgets the first one of a table that is full.
pub(super) fn make_room<K: Ord, V>(table: &mut BTreeMap<K, V>) {
    if table.len() >= MOST {
        table.pop_first();
    }
}

/// An address and a port.
pub(in crate::read::proto) type End = ([u8; 16], u16);

/// How far a message is there: by stream, sender and number.
#[derive(Debug, Default)]
pub(super) struct Fragments(BTreeMap<(u32, [u8; 16], u16), usize>);

impl Fragments {
    /// Adds a piece; gives whether it ends a message that is complete with it.
    pub(super) fn add(
        &mut self,
        message: (u32, [u8; 16], u16),
        from: usize,
        to: usize,
        len: usize,
    ) -> bool {
        make_room(&mut self.0);
        let end = self.0.entry(message).or_default();
        if from <= *end {
            *end = to.max(*end);
        }
        let is_complete = *end >= len;
        if is_complete {
            // The number comes again when keys are exchanged anew.
            self.0.remove(&message);
        }
        is_complete && to == len
    }
}

/// All of it.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// A text by the number of its TCP stream.
    texts: BTreeMap<u32, String>,
    /// Who asked for a file: address and port.
    pub(super) transfers: BTreeSet<([u8; 16], u16)>,
    /// Data connections of FTP.
    pub(super) announced: transfer::Memory,
    /// Handshake messages of DTLS that come in pieces.
    pub(super) fragments: Fragments,
    /// The frame that a station is sending in pieces.
    pieces: BTreeMap<[u8; 6], u16>,
    /// Where numbers of DCCP packets from one end to another begin.
    numbers: BTreeMap<[End; 2], u64>,
    /// Ends of RTP that were announced.
    media: BTreeSet<End>,
    /// Those of offers without an answer yet.
    offers: Vec<End>,
    /// Ports of the SCTP packet that is being dissected.
    pub(in crate::read::proto) association: (u16, u16),
    /// The first number of the chunks that one end of SCTP sends to another.
    chunks: BTreeMap<[End; 2], u32>,
    /// The stream of the datagram that is being dissected.
    pub(in crate::read::proto) datagram_stream: u32,
    /// The operations of calls that wait for their responses, by stream, file and number.
    operations: BTreeMap<(u32, u64, u32), u16>,
    /// Results that searches by LDAP had so far, by stream of datagrams.
    results: BTreeMap<u32, u64>,
    /// Connections of HTTP/2.
    pub(in crate::read::proto) http2: http2::Memory,
    /// Requests and files of SMB2.
    pub(in crate::read::proto) smb: smb::Memory,
    /// Streams of datagrams whose ends speak STUN.
    stun: BTreeSet<u32>,
    /// Versions of DTLS by the number of the stream.
    versions: BTreeMap<u32, &'static str>,
    /// Interfaces that are bound on pipes, by stream and file.
    pipes: BTreeMap<(u32, u64), u64>,
    /// The last file of a stream.
    files: BTreeMap<u32, u64>,
    /// Calls that wait for their replies, by transaction.
    calls: BTreeMap<u32, Call>,
    /// The frame of the first reply to the call in a frame, for the second pass.
    replies: BTreeMap<u64, u64>,
}

impl Memory {
    /// The first pass is over.
    pub(crate) fn begin_second_pass(&mut self) {
        *self = Self {
            replies: mem::take(&mut self.replies),
            ..Self::default()
        };
    }

    /// The call in a frame has a reply.
    pub(super) fn remember_reply(&mut self, call: u64, reply: u64) {
        if self.replies.len() < MOST_REPLIES {
            self.replies.entry(call).or_insert(reply);
        }
    }

    /// The frame of the reply to the call in a frame.
    pub(super) fn reply_to(&self, call: u64) -> Option<u64> {
        self.replies.get(&call).copied()
    }

    /// How many results there were in a stream of datagrams.
    pub(super) fn results(&self, stream: u32) -> u64 {
        self.results.get(&stream).copied().unwrap_or(0)
    }

    /// There were so many.
    pub(super) fn remember_results(&mut self, stream: u32, count: u64) {
        make_room(&mut self.results);
        self.results.insert(stream, count);
    }

    /// The ends of a stream of datagrams speak STUN.
    pub(in crate::read::proto) fn speaks_stun(&mut self, stream: u32) {
        if self.stun.len() >= MOST {
            self.stun.pop_first();
        }
        self.stun.insert(stream);
    }

    /// Whether they do.
    pub(in crate::read::proto) fn is_stun(&self, stream: u32) -> bool {
        self.stun.contains(&stream)
    }

    /// Remembers the first text of a stream.
    pub(super) fn remember(&mut self, stream: u32, mut text: String) {
        make_room(&mut self.texts);
        let end = text.floor_char_boundary(LONGEST);
        text.truncate(end);
        self.texts.entry(stream).or_insert(text);
    }

    /// The text of a stream.
    pub(super) fn text(&self, stream: u32) -> Option<&str> {
        self.texts.get(&stream).map(String::as_str)
    }

    /// Remembers the version of a stream's DTLS.
    pub(super) fn secure(&mut self, stream: u32, version: &'static str) {
        make_room(&mut self.versions);
        self.versions.insert(stream, version);
    }

    /// The version of a stream's DTLS.
    pub(super) fn secured(&self, stream: u32) -> Option<&'static str> {
        self.versions.get(&stream).copied()
    }

    /// What is bound on a pipe; without a file, on the last one of the stream.
    pub(super) fn pipe(&mut self, stream: u32, file: Option<u64>) -> &mut u64 {
        let file = match file {
            Some(file) => {
                make_room(&mut self.files);
                self.files.insert(stream, file);
                file
            }
            None => self.files.get(&stream).copied().unwrap_or_default(),
        };
        make_room(&mut self.pipes);
        self.pipes.entry((stream, file)).or_default()
    }

    /// Remembers whether a station's frame goes on; gives whether pieces of it came before.
    pub(super) fn radio_piece(&mut self, station: [u8; 6], sequence: u16, goes_on: bool) -> bool {
        let had_more = self.pieces.get(&station) == Some(&sequence);
        if goes_on {
            make_room(&mut self.pieces);
            self.pieces.insert(station, sequence);
        } else if had_more {
            self.pieces.remove(&station);
        }
        had_more
    }

    /// Remembers where the numbers of one end begin.
    pub(super) fn begin_numbers(&mut self, ends: [End; 2], first: u64) {
        make_room(&mut self.numbers);
        self.numbers.insert(ends, first);
    }

    /// Where the numbers of one end begin.
    pub(super) fn first_number(&self, ends: [End; 2]) -> Option<u64> {
        self.numbers.get(&ends).copied()
    }

    /// RTP may come from or to this end, if the offer is answered.
    pub(super) fn offer(&mut self, end: End) {
        if self.offers.len() < MOST {
            self.offers.push(end);
        }
    }

    /// An offer is answered with this end: RTP will come from or to it, and what was offered.
    pub(super) fn announce(&mut self, end: End) {
        for end in self.offers.drain(..).chain([end]) {
            if self.media.len() >= MOST {
                self.media.pop_first();
            }
            self.media.insert(end);
        }
    }

    /// Whether it was announced that this end has RTP.
    pub(super) fn is_announced(&self, end: End) -> bool {
        !self.media.is_empty() && self.media.contains(&end)
    }

    /// The first number of chunks between two ends, which is this one if none came before.
    pub(in crate::read::proto) fn first_chunk(&mut self, ends: [End; 2], number: u32) -> u32 {
        make_room(&mut self.chunks);
        *self.chunks.entry(ends).or_insert(number)
    }

    /// The first number of chunks between two ends, if one came.
    pub(in crate::read::proto) fn known_chunk(&self, ends: [End; 2]) -> Option<u32> {
        self.chunks.get(&ends).copied()
    }

    /// Remembers which operation of a pipe a call asks for.
    pub(super) fn remember_operation(&mut self, call: (u32, u64, u32), operation: u16) {
        make_room(&mut self.operations);
        self.operations.insert(call, operation);
    }

    /// The operation that a call asked for.
    pub(super) fn operation(&self, call: (u32, u64, u32)) -> Option<u16> {
        self.operations.get(&call).copied()
    }

    /// The file that a message of a stream is about, if it does not tell itself.
    pub(super) fn last_file(&self, stream: u32) -> u64 {
        self.files.get(&stream).copied().unwrap_or_default()
    }

    /// Remembers a call by its transaction.
    pub(super) fn remember_call(&mut self, transaction: u32, call: Call) {
        make_room(&mut self.calls);
        self.calls.insert(transaction, call);
    }

    /// The call of a transaction.
    pub(super) fn call(&self, transaction: u32) -> Option<Call> {
        self.calls.get(&transaction).copied()
    }

    /// Somebody asks for a file.
    pub(super) fn begin_transfer(&mut self, end: ([u8; 16], u16)) {
        if self.transfers.len() >= MOST {
            self.transfers.pop_first();
        }
        self.transfers.insert(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_pass_knows_the_first_reply_to_a_call() {
        let mut memory = Memory::default();
        memory.remember_reply(1, 2);
        memory.remember_reply(1, 5);
        memory.begin_second_pass();
        assert_eq!((memory.reply_to(1), memory.reply_to(2)), (Some(2), None));
    }

    #[test]
    fn a_message_is_complete_with_its_last_piece() {
        let mut pieces = Fragments::default();
        let message = (1, [0; 16], 3);
        assert!(!pieces.add(message, 0, 100, 250));
        assert!(!pieces.add(message, 100, 200, 250));
        assert!(pieces.add(message, 200, 250, 250));
        // Without the middle it is not.
        assert!(!pieces.add(message, 0, 100, 250));
        assert!(!pieces.add(message, 200, 250, 250));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut memory = Memory::default();
        for stream in 0..=MOST as u32 {
            memory.remember(stream, "x".repeat(2 * LONGEST));
            memory.begin_transfer(([0; 16], stream as u16));
        }
        assert_eq!(memory.texts.len(), MOST);
        assert_eq!(memory.text(0), None);
        assert_eq!(memory.text(1).map(str::len), Some(LONGEST));
        assert_eq!(memory.transfers.len(), MOST);
    }
}
