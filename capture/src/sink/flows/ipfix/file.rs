//! IPFIX files (RFC 5655): messages one after the other.

use std::io;

use super::super::encoder::{Encoder, Names};
use super::element::Source;
use super::message::MessageBuilder;
use crate::flow::FlowRecord;
use crate::packet::Timestamp;

/// The messages of a file; the templates are the first.
///
/// They say that they were exported when the last flow in them ended, so that a file of packets gives
/// the same messages every time.
#[derive(Debug)]
pub(in crate::sink::flows) struct IpfixFile {
    builder: MessageBuilder,
    /// End of the latest flow up to now.
    latest: Timestamp,
}

impl IpfixFile {
    /// A file without records.
    pub(in crate::sink::flows) fn new() -> Self {
        Self {
            builder: MessageBuilder::new(usize::from(u16::MAX)),
            latest: Timestamp::default(),
        }
    }

    fn flush(&mut self, out: &mut Vec<u8>) {
        let export_secs = self.latest.0.div_ceil(1_000_000_000) as u32;
        self.builder
            .finish(export_secs, |message| out.extend_from_slice(message.bytes));
    }
}

impl Encoder for IpfixFile {
    fn begin(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        self.builder.templates();
        self.flush(out);
        Ok(())
    }

    fn records(
        &mut self,
        batch: &[FlowRecord],
        names: Names<'_>,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        for record in batch {
            let source = Source {
                record,
                iface: names.of(record.iface),
            };
            if self.builder.record(&source).is_err() {
                self.flush(out);
                // Any record fits into an empty message.
                let _fits = self.builder.record(&source);
            }
            self.latest = self.latest.max(record.last_ts);
        }
        // Whoever reads along gets whole messages, and soon.
        self.flush(out);
        Ok(())
    }

    fn finish(&mut self, _: Names<'_>, _: u64, out: &mut Vec<u8>) -> io::Result<()> {
        self.flush(out);
        Ok(())
    }
}
