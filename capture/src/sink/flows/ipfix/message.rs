//! Messages (RFC 7011 section 3): a header, and sets of templates or of records.

use super::element::Source;
use super::template::Template;

const VERSION: u16 = 10;
const HEADER_LEN: usize = 16;
const SET_HEADER_LEN: usize = 4;
/// Number of a set of templates (section 3.3.2).
const TEMPLATE_SET: u16 = 2;

/// The messages of one transport session, built one after the other in one buffer.
#[derive(Debug)]
pub(super) struct MessageBuilder {
    max_len: usize,
    /// The message up to now; empty if it has not begun.
    buffer: Vec<u8>,
    /// Where the set that is being filled begins, and its number.
    set: Option<(usize, u16)>,
    records: u32,
    /// Records in all messages of the session before this one.
    sequence: u32,
}

/// The record does not fit behind those that are in the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Full;

/// A message that is complete.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'a> {
    pub(super) bytes: &'a [u8],
    /// Records in it.
    pub(super) records: u32,
}

impl MessageBuilder {
    /// The shortest limit for the length of messages: all templates fit, and so does each record with
    /// the longest name of an interface.
    pub(super) const MIN_LEN: usize = 1_152;

    /// For messages of at most this length in bytes.
    pub(super) fn new(max_len: usize) -> Self {
        Self {
            max_len: max_len.clamp(Self::MIN_LEN, usize::from(u16::MAX)),
            buffer: Vec::new(),
            set: None,
            records: 0,
            sequence: 0,
        }
    }

    /// Begins a transport session: records count from 0 again (section 3.1).
    pub(super) const fn restart(&mut self) {
        self.sequence = 0;
    }

    /// Whether nothing was put into the message yet.
    pub(super) const fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Puts all templates into a message that is empty.
    pub(super) fn templates(&mut self) {
        self.begin();
        self.open(TEMPLATE_SET);
        for template in Template::ALL {
            template.write(&mut self.buffer);
        }
    }

    /// Puts a record into the message, if it fits.
    pub(super) fn record(&mut self, source: &Source<'_>) -> Result<(), Full> {
        self.begin();
        let (end, set) = (self.buffer.len(), self.set);
        let template = Template::of(source.record);
        if set.is_none_or(|(_, number)| number != template.id) {
            self.open(template.id);
        }
        template.write_record(source, &mut self.buffer);
        if self.buffer.len() > self.max_len {
            self.buffer.truncate(end);
            self.set = set;
            return Err(Full);
        }
        self.records += 1;
        Ok(())
    }

    /// Completes the message; `None` if nothing was put into it. `export_secs` is when it is sent, in
    /// seconds since 1970.
    pub(super) fn finish(&mut self, export_secs: u32, with: impl FnOnce(Message<'_>)) {
        if self.is_empty() {
            return;
        }
        self.close();
        let len = self.buffer.len() as u16;
        let mut header = [0; HEADER_LEN];
        header[..2].copy_from_slice(&VERSION.to_be_bytes());
        header[2..4].copy_from_slice(&len.to_be_bytes());
        header[4..8].copy_from_slice(&export_secs.to_be_bytes());
        header[8..12].copy_from_slice(&self.sequence.to_be_bytes());
        // The observation domain is 0: all that is seen here (section 3.1).
        if let Some(place) = self.buffer.first_chunk_mut() {
            *place = header;
        }
        with(Message {
            bytes: &self.buffer,
            records: self.records,
        });
        self.sequence = self.sequence.wrapping_add(self.records);
        self.records = 0;
        self.buffer.clear();
    }

    fn begin(&mut self) {
        if self.buffer.is_empty() {
            self.buffer.resize(HEADER_LEN, 0);
        }
    }

    /// Begins a set. The one before is complete.
    fn open(&mut self, number: u16) {
        self.close();
        self.set = Some((self.buffer.len(), number));
        self.buffer.extend_from_slice(&number.to_be_bytes());
        self.buffer.extend_from_slice(&[0; 2]);
    }

    /// Writes the length of the set that was being filled. Sets are not padded.
    fn close(&mut self) {
        let Some((start, _)) = self.set.take() else {
            return;
        };
        let len = (self.buffer.len() - start) as u16;
        if let Some([_, _, place @ ..]) = self
            .buffer
            .get_mut(start..)
            .and_then(|set| set.first_chunk_mut::<SET_HEADER_LEN>())
        {
            *place = len.to_be_bytes();
        }
    }
}
