//! Any text as a display filter, asked about any packets: the text ends with the first zero byte, what
//! follows are a byte for the link type and packets, each behind its length in two bytes.

use std::str;
use std::sync::Arc;

use capture::filter::display::DisplayFilter;
use capture::packet::{Packet, PacketMeta, Timestamp};
use capture::read::walk::{Frame, Frames};
use capture::read::{Columns, Tree, Wanted};
use capture::source::file::PacketOptions;

use crate::seeds::{link_type, packets_of};

pub(super) fn run(bytes: &[u8]) {
    let Some((text, rest)) = parts(bytes) else {
        return;
    };
    let filter = match DisplayFilter::new(text) {
        Ok(filter) => filter,
        Err(error) => {
            assert!(error.column() >= 1, "columns count from 1");
            assert!(error.column() <= text.chars().count() + 1, "{error}");
            assert!(!error.to_string().is_empty());
            return;
        }
    };
    // What was understood is understood in parentheses, too, and the opposite of it holds for the rest.
    let opposite = DisplayFilter::new(&format!("not ({text})"));
    let Some((link, rest)) = rest.split_first() else {
        return;
    };
    let mut wanted = Wanted::none();
    wanted.add_all(filter.wanted());
    let mut frames = Frames::default();
    let mut tree = Tree::new(Arc::new(wanted));
    let mut columns = Columns::default();
    for (number, data) in packets_of(rest).enumerate() {
        let ts = Timestamp(1_700_000_000_000_000_000 + number as u64 * 1_000_000);
        let packet = Packet {
            meta: PacketMeta {
                ts,
                wire_len: data.len() as u32,
                link: link_type(*link),
                ..PacketMeta::UNKNOWN
            },
            data,
        };
        let frame = Frame {
            number: number as u64 + 1,
            packet,
            iface: None,
            section: None,
            options: PacketOptions::default(),
            first: ts,
            previous: ts,
            previous_shown: ts,
        };
        frames.dissect(&frame, &mut tree, &mut columns);
        let matches = filter.matches(&tree, data);
        if let Ok(opposite) = &opposite {
            assert_ne!(opposite.matches(&tree, data), matches, "not ({text})");
        }
    }
}

/// The text, and what is behind its end.
pub(super) fn parts(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().position(|byte| *byte == 0);
    let (text, rest) = bytes.split_at(end.unwrap_or(bytes.len()));
    let text = str::from_utf8(text).ok()?;
    Some((text, rest.get(1..).unwrap_or_default()))
}
